"""The service on a laptop from a shell: enrolled, run, and asked what it records."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.commands.cli_options import JsonOption, group_of_commands, print_json, say

if TYPE_CHECKING:
    from agent.endpoint.service import Folders

endpoint = group_of_commands("The service on this laptop.")

DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Where the service keeps what it keeps.", envvar="SCHOOLGATE_ENDPOINT_DATA"),
]
RuntimeOption = Annotated[
    Path | None,
    typer.Option("--runtime", help="Where the service can be asked.", envvar="SCHOOLGATE_ENDPOINT_RUNTIME"),
]


@endpoint.command()
def enrol(
    gateway: Annotated[str, typer.Argument(metavar="GATEWAY", help="Its address: https://HOST:PORT.")],
    *,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="A file that holds the token; deleted once it was used.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Although it is enrolled; with a new key.")] = False,
    data: DataOption = None,
) -> None:
    """Let this laptop be known to a gateway; the token is read from standard input, or asked for."""
    with _told():
        from agent.endpoint.enrolment import IdentityStore
        from agent.endpoint.enrolment import enrol as enrol_laptop
        from agent.endpoint.gateway_link import GatewayLink, parse_gateway_url
        from agent.endpoint.keys import KeyStore
        from agent.endpoint.this_laptop import laptop_of
        from collectors.machine import Machine

        folder = _folders(data, None).data
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        machine = Machine()
        keys = KeyStore(folder)
        identity = enrol_laptop(
            _read_token(token_file),
            gateway=parse_gateway_url(gateway),
            laptop=laptop_of(machine, folder),
            keys=keys,
            identities=IdentityStore(folder),
            connect=GatewayLink,
            now=machine.wall(),
            token_file=token_file,
            again=again,
        )
        key = keys.load()
        code = identity.code(key.public_key()) if key is not None and identity.is_pending else ""
    if code:
        say(f"This laptop is {identity.device} and waits to be let in.")
        say(f"Its code is {code}; the gateway shows the same.")
    else:
        say(f"This laptop is enrolled as {identity.device}.")


@endpoint.command()
def run(*, data: DataOption = None, runtime: RuntimeOption = None) -> None:
    """Run the service: what it observes is kept, and delivered to the gateway."""
    import logging

    from agent.endpoint.service import Service

    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with _told():
        serve(Service(_folders(data, runtime)))


def serve(service: Any) -> None:
    """Run a service until a signal ends it."""
    import signal
    import threading

    stop = threading.Event()
    why = ["asked"]

    def end(number: int, _frame: object) -> None:
        why[0] = signal.Signals(number).name.lower()
        # By another thread: the one that is interrupted may hold the lock of the event.
        threading.Thread(target=stop.set, daemon=True).start()

    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end)
    service.run(stop, why=lambda: why[0])


@endpoint.command()
def status(*, as_json: JsonOption = False, runtime: RuntimeOption = None) -> None:
    """Show what is recorded about you and this laptop now, what waits, and what is seen and what is not."""
    with _told():
        found = _ask(runtime, {"ask": "status"})
    if as_json:
        print_json(found)
        return
    from agent.endpoint.notice_texts import endpoint_texts, language_of
    from agent.endpoint.status_words import StatusWords

    words = StatusWords(endpoint_texts(language_of(os.environ)), _when)
    _print_facts(words.facts(found))
    for line in (*words.looks(found), *words.recorded(found)):
        say(line)


@endpoint.command()
def helper(
    *,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    runtime: RuntimeOption = None,
) -> None:
    """Show the notices of the service in this session, and take back what you answer."""
    import threading

    from agent.endpoint.helper import helper_of

    shows = helper_of(_folders(None, runtime).socket, os.environ)
    if not once:
        serve_helper = threading.Event()
        try:
            shows.run(serve_helper)
        except KeyboardInterrupt:
            raise typer.Exit(0) from None
    shows.look()
    if shows.problem:
        say(shows.problem, err=True)
        raise typer.Exit(1)


@endpoint.command()
def exception(
    words: Annotated[str, typer.Argument(metavar="WHY", help="Why the medium has to stay as it is.")],
    *,
    until: Annotated[str, typer.Option("--until", help="The last day: 2026-12-18.")],
    runtime: RuntimeOption = None,
) -> None:
    """Ask for an exception for the medium that is plugged in and not encrypted."""
    with _told():
        found = _ask(runtime, {"ask": "exception", "words": words, "until": until})
    say(f"Asked for {found['media']} {'medium' if found['media'] == 1 else 'media'}. Your school decides.")


@endpoint.command("sign-in")
def sign_in(
    *,
    accept: Annotated[
        bool | None, typer.Option("--accept/--decline", help="Answer; without it they are shown.")
    ] = None,
    runtime: RuntimeOption = None,
) -> None:
    """Show the rules that hold at sign-in, and accept or decline them."""
    from agent.endpoint.helper import helper_of

    with _told():
        shows = helper_of(_folders(None, runtime).socket, os.environ)
        policy = shows.ask({"ask": "status"})["policy"]
        version = str(policy["aup_version"])
        if not version:
            say("Your school asks for no answer here.")
            return
        words = shows.texts.sign_in(version, link=str(policy["register_url"]))
        if accept is None:
            say(words.headline)
            say(words.body)
            return
        shows.answer(version, accepted=accept, how="terminal", words=words)
    say(f"Recorded: you {'accept' if accept else 'decline'} version {version}.")


def _folders(data: Path | None, runtime: Path | None) -> "Folders":
    from agent.endpoint.service import Folders, usual_folders

    usual = usual_folders()
    return Folders(data or usual.data, runtime or usual.runtime)


def _ask(runtime: Path | None, request: Mapping[str, Any]) -> dict[str, Any]:
    from agent.endpoint.local_channel import ask_service

    return ask_service(_folders(None, runtime).socket, request)


def _read_token(file: Path | None) -> str:
    if file is not None:
        return file.read_text(encoding="ascii", errors="replace").strip()
    if sys.stdin.isatty():
        prompted: str = typer.prompt("Token", hide_input=True, err=True)
        return prompted
    return sys.stdin.readline().strip()


@contextmanager
def _told() -> Iterator[None]:
    """Print what went wrong in a sentence, and end with 1."""
    from agent.endpoint.enrolment import EnrolmentError
    from agent.endpoint.gateway_link import LinkError
    from agent.endpoint.keys import BadKeyError
    from agent.endpoint.local_channel import LocalError
    from agent.endpoint.safe_folders import UnsafeFolderError
    from agent.endpoint.service_state import AlreadyRunningError

    expected = (
        EnrolmentError,
        LinkError,
        BadKeyError,
        LocalError,
        UnsafeFolderError,
        AlreadyRunningError,
        ValueError,
    )
    try:
        yield
    except expected as error:
        say(str(error), err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        say(f"{place}{error.strerror or error}; expected a place that this account can use.", err=True)
        raise typer.Exit(1) from None


def _print_facts(facts: Iterator[tuple[str, str]]) -> None:
    """Print what each fact is called beside it; some letters are as wide as two."""
    from rich.cells import cell_len

    shown = [(name, value) for name, value in facts if value]
    width = max(cell_len(name) for name, _value in shown) + 2
    for name, value in shown:
        say(f"{name}{' ' * (width - cell_len(name))}{value}")


def _when(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "at no time that can be shown"
