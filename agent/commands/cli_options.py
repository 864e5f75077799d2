"""What commands share: their options, how they tell what went wrong, and who is signed in."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from rules.errors import ConfigurationError, Problem, SchoolgateError

if TYPE_CHECKING:
    from agent.commands.cli_times import Clock
    from agent.commands.client import Client
    from agent.sites.config import LoadedSite
    from agent.sites.site import Site

DEFAULT_SITE: Final = Path("/etc/schoolgate/site.yaml")

SiteOption = Annotated[Path, typer.Option("--site", help="The site file.", envvar="SCHOOLGATE_SITE")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def group_of_commands(help_text: str) -> typer.Typer:
    """Make a group as all of them are."""
    return typer.Typer(help=help_text, no_args_is_help=True, rich_markup_mode=None)


@contextmanager
def told() -> Iterator[None]:
    """Print what went wrong in plain sentences, and end with the code that says of what kind it is."""
    try:
        yield
    except ConfigurationError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        if len(error.problems) > 1:
            typer.echo(f"{len(error.problems)} problems.", err=True)
        raise typer.Exit(2) from None
    except SchoolgateError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def read_site(path: Path, *, tells_warnings: bool = False) -> "LoadedSite":
    """Read the site file; its warnings belong to those commands that are about the site as a whole."""
    from agent.sites.config import load_site

    loaded = load_site(path)
    for notice in loaded.warnings if tells_warnings else ():
        typer.echo(f"warning: {notice}", err=True)
    return loaded


def load(path: Path) -> "Site":
    """Read the site as its file says; see `load_in_force`."""
    return read_site(path).site


def load_in_force(path: Path) -> "Site":
    """Read the site with what was approved of its filter, where there is something and it can be had."""
    from agent.filter_changing.filter_in_force import FilterInForce

    in_force = FilterInForce(read_site(path))
    in_force.refresh()
    if in_force.fault:
        say(f"warning: {in_force.trouble}", err=True)
    return in_force.site


@contextmanager
def signed_in(*, quiet: bool = False) -> Iterator["Client"]:
    """Connect to the API as the person who signed in with `schoolgate login`.

    Args:
        quiet: whether it is not told in the end that filtering is off somewhere: to programs, which read JSON.

    Raises:
        SignInNeededError: nobody did.
    """
    from agent.commands.client import Client, SignInNeededError
    from agent.commands.client_session import load_session, session_path

    session = load_session(session_path(os.environ))
    if session is None:
        raise SignInNeededError
    with Client(session.server, session) as client:
        try:
            yield client
        finally:
            if not quiet:
                tell_notice(client.notice, clock_of(client))


def tell_notice(notice: Mapping[str, str], clock: "Clock") -> None:
    """Print what an answer told beside itself, if it did."""
    if notice:
        say(notice_in_words(notice, clock), err=True)


def notice_in_words(notice: Mapping[str, str], clock: "Clock") -> str:
    """Word the banner that the API puts beside every answer while filtering is off somewhere."""
    words = f"Filtering is off for {notice.get('where', 'somebody')}"
    if "until" in notice:
        words += f" until {clock.show_soon(notice['until'])}"
    if "by" in notice:
        words += f"; agreed by {notice['by']}"
    more = notice.get("more", "")
    return f"{words}. It is off in {more} more place{'s' * (more != '1')}." if more else f"{words}."


def clock_of(client: "Client") -> "Clock":
    """Give the clock of the school that a client talks to."""
    from agent.commands.cli_times import Clock

    session = client.session
    return Clock("UTC") if session is None else Clock(session.timezone, client)


def read_password(*, from_stdin: bool, confirm: bool = False, prompt: str = "Password") -> str:
    """Ask for a password without showing it, or take the next line of standard input."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    return password


def usage(where: str, found: str, expected: str) -> ConfigurationError:
    """Give the refusal of an option or an argument."""
    return ConfigurationError((Problem(where, found, expected),))


def print_json(value: Any) -> None:
    """Print a value for programs."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Print rows under headings, or one sentence where there is none."""
    from agent.tables import render_table

    found = list(rows)
    typer.echo(render_table(columns, found) if found else empty, nl=not found)


def say(text: str, *, err: bool = False) -> None:
    """Print a line of which others wrote a part."""
    from agent.tables import printable

    typer.echo(printable(text), err=err)


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print what is known about one thing, a fact a line; what is empty is left out."""
    for name, value in facts:
        if value:
            say(f"{name:<12}{value}")


def in_words(word: object) -> str:
    """Give a word of a closed set as a person reads it."""
    return str(word).replace("_", " ")


def in_path(text: str) -> str:
    """Give a text as one step of a path."""
    from urllib.parse import quote

    return quote(text, safe="")


def effect_in_words(effect: Mapping[str, Any] | None, clock: "Clock") -> str:
    """Say what became of a decision at the filter."""
    if effect is None:
        return ""
    if not effect["applied"]:
        return "not every worker applies it yet"
    by = effect.get("everywhere_by")
    return f"active now; every device by {clock.show_time(by)}" if by else "active now"
