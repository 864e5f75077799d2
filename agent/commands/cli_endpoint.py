"""The service on a laptop from a shell: enrolled, run, and asked what it records."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from agent.commands.cli_options import JsonOption, group_of_commands, in_words, print_facts, print_json, say

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
_MOST_WORDS: Final = 5
_STANDING: Final = {
    "active": "let in",
    "pending": "waits to be let in: compare the code with the one that the gateway shows",
    "refused": "refused by the gateway; please speak to whoever looks after laptops",
    "not_enrolled": "not enrolled; what is observed waits here",
}


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
        stop.set()

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
    print_facts(_facts(found))
    for row in found["collectors"]:
        typer.echo()
        say(f"{in_words(row['name'])}: {_health(row)}")
        say(f"  sees         {row['sees']}")
        for each in row["cannot"]:
            say(f"  cannot see   {each}")
    typer.echo()
    say("Recorded now:" if found["recorded"] else "Nothing is recorded yet.")
    for each in found["recorded"]:
        say(f"  {_when(each['at'])}  {in_words(each['kind'])} {each['name']}".rstrip() + f": {_short(each['facts'])}")


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
    from agent.endpoint.local_socket import ask_service

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
    from agent.endpoint.local_socket import LocalError
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


def _facts(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    policy, usage = found["policy"], found["usage"]
    yield "laptop", f"{found['device'] or 'without a name'}, {_STANDING.get(found['standing'], found['standing'])}"
    yield "code", found["code"]
    yield "gateway", found["gateway"]
    yield "last heard", _when(found["last_contact"]) if found["last_contact"] else "never"
    yield "problem", found["problem"]
    yield "waiting", f"{found['waiting']} events, the oldest for {found['oldest_seconds']:.0f} s"
    if found["missing"] or found["quarantined"]:
        yield "lost", f"{found['missing']} missing at the gateway, {found['quarantined']} put aside"
    if not found["spool_usable"]:
        yield "spool", "cannot be used now; only what is urgent is kept"
    yield "policy", _policy(policy)
    yield "", policy["fault"] or found["policy_problem"]
    for warning in policy["warnings"]:
        yield "", warning
    kept = f"kept as text: {policy['file_names_reason']}" if policy["file_names"] == "kept" else "never leave it"
    yield "file names", kept
    yield "you", f"{found['account'] or 'no account'}; whose laptop this is, the gateway's register says"
    yield "notices", "a helper shows them" if found["helper"] else "nobody shows them: no helper runs in a session"
    megabytes = usage["rss_bytes"] / 1_048_576
    yield "uses", f"{usage['cpu_average']:.2%} of a processor on average, {megabytes:.0f} MB of memory"
    yield "program", found["agent"]


def _policy(policy: Mapping[str, Any]) -> str:
    if not policy["version"]:
        return "none yet; what holds without one"
    end = f", until {_when(policy['expires'])}" if policy["expires"] else ""
    over = " (over; it stays until there is another)" if policy["is_expired"] else ""
    return f"version {policy['version']}{end}{over}"


def _health(row: Mapping[str, Any]) -> str:
    ago = row["looked_seconds_ago"]
    looked = "has not looked yet" if ago is None else f"looked {ago:.0f} s ago"
    return f"{row['health']}, {looked}" + (f" ({row['why']})" if row["why"] else "")


def _short(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{in_words(key)} {text}" for key, value in facts.items() if (text := _plain(key, value)))


def _plain(key: str, value: object) -> str:
    """Give what a person reads of a value; of what is made of parts, only a list of words."""
    if isinstance(value, float) and key.endswith(("_at", "since", "until")):
        return _when(value)
    if isinstance(value, list):
        words = [each for each in value if isinstance(each, str)]
        return "/".join(words[:_MOST_WORDS])
    return str(value) if isinstance(value, str | int | float) else ""


def _when(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "at no time that can be shown"
