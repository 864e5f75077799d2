"""Changes of the filter from a shell: drafted by one person, tried on what is on record, decided about by another."""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from agent.commands.cli_options import (
    JsonOption,
    clock_of,
    effect_in_words,
    group_of_commands,
    in_words,
    print_json,
    say,
    signed_in,
    told,
    usage,
)
from agent.commands.cli_requests import Found, LaterReasonOption, ReasonOption, Requests, StateOption

if TYPE_CHECKING:
    from agent.commands.cli_times import Clock

filter_changes = group_of_commands(
    "Changes of the filter: drafted by one person, approved by another, over the site file."
)

NumberArgument = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="The version, as `list` shows it.")]
FileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="Parts of a site as they shall be, in YAML; - for standard input.")
]
OwnerOption = Annotated[
    str | None, typer.Option("--owner", help="The id of who answers for it; yourself if not given.")
]
ReviewOption = Annotated[str, typer.Option("--review", help="The day when it is looked at again: 2027-07-01.")]
TextOption = Annotated[bool, typer.Option("--text", help="Print what was written, and nothing else.")]

_PATH: Final = "/filter/versions"


@filter_changes.command("list")
def list_versions(*, state: StateOption = None, as_json: JsonOption = False) -> None:
    """List the versions of the filter, the newest first, with those that nobody approved."""
    _VERSIONS.show_all(state, as_json=as_json)


@filter_changes.command()
def show(number: NumberArgument, *, text: TextOption = False, as_json: JsonOption = False) -> None:
    """Show everything about one version."""
    if not text:
        _VERSIONS.show(str(number), as_json=as_json)
        return
    with told(), signed_in(quiet=True) as client:
        written = client.get(f"{_PATH}/{number}")["text"]
    for line in (written or "").splitlines():
        say(line)


@filter_changes.command()
def preview(file: FileArgument, *, as_json: JsonOption = False) -> None:
    """Say in words what changes would do, and store nothing."""
    with told(), signed_in(quiet=as_json) as client:
        seen = client.post("/filter/preview", {"text": _read(file)})
    if as_json:
        print_json(seen)
        return
    for sentence in seen["changes"]:
        say(sentence)


@filter_changes.command()
def draft(
    file: FileArgument,
    *,
    reason: ReasonOption,
    review: ReviewOption,
    owner: OwnerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draft changes; nothing changes before somebody else approves them."""
    with told(), signed_in(quiet=as_json) as client:
        body = {"text": _read(file), "reason": reason, "owner": owner, "review_on": _day(review)}
        _VERSIONS.tell(client.post(_PATH, body), clock_of(client), as_json=as_json)


@filter_changes.command("try")
def try_out(number: NumberArgument, *, as_json: JsonOption = False) -> None:
    """Say what a draft would have meant for what was asked in the past week."""
    with told(), signed_in(quiet=as_json) as client:
        run = client.get(f"{_PATH}/{number}/dry-run")
    if as_json:
        print_json(run)
        return
    for sentence in run["sentences"]:
        say(sentence)


@filter_changes.command()
def approve(number: NumberArgument, *, reason: LaterReasonOption = "", as_json: JsonOption = False) -> None:
    """Put into force what somebody else drafted."""
    _VERSIONS.move(str(number), "approve", {"reason": reason}, as_json=as_json)


@filter_changes.command()
def refuse(number: NumberArgument, *, reason: ReasonOption, as_json: JsonOption = False) -> None:
    """Refuse what somebody else drafted."""
    _VERSIONS.move(str(number), "refuse", {"reason": reason}, as_json=as_json)


@filter_changes.command()
def withdraw(number: NumberArgument, *, reason: LaterReasonOption = "", as_json: JsonOption = False) -> None:
    """Take back what you drafted yourself."""
    _VERSIONS.move(str(number), "withdraw", {"reason": reason}, as_json=as_json)


@filter_changes.command("roll-back")
def roll_back(
    number: NumberArgument,
    *,
    reason: ReasonOption,
    review: ReviewOption,
    owner: OwnerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draft the way back to the filter as it was with an earlier version."""
    with told(), signed_in(quiet=as_json) as client:
        body = {"reason": reason, "owner": owner, "review_on": _day(review)}
        made = client.post(f"{_PATH}/{number}/roll-back", body)
        _VERSIONS.tell(made, clock_of(client), as_json=as_json)


def _read(file: str) -> str:
    """Read what somebody wrote.

    Raises:
        ConfigurationError: it cannot be read.
    """
    if file == "-":
        return sys.stdin.read()
    from agent.sites.config import read_text

    return read_text(Path(file))


def _day(written: str) -> str:
    """Check that a text is a day.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        return date.fromisoformat(written).isoformat()
    except ValueError:
        raise usage("--review", f"'{written}'", "a day such as 2027-07-01") from None


def _facts(found: Found, clock: "Clock") -> Iterator[tuple[str, str]]:
    yield "version", f"{found['number']}: {_state(found)}"
    yield "brings back", f"version {found['restores']}" if found["restores"] else ""
    for sentence in found["changes"]:
        yield "change", sentence
    yield "drafted by", _name(found["drafted_by"])
    yield "found", f"in the site file of {found['os_user']}" if found["source"] == "disk" else ""
    yield "at", clock.show(found["at"])
    yield "reason", found["reason"]
    yield "owner", _name(found["owner"])
    yield "review", found["review_on"] or ""
    yield "approved by", _approved_by(found)
    yield "decided", clock.show(found["decided_at"])
    yield "because", found["decision_reason"]
    yield "fault", found["fault"]
    yield "effect", effect_in_words(found.get("effect"), clock)


def _row(found: Found, clock: "Clock") -> tuple[str, ...]:
    first, more = found["changes"][:1], found["changes_in_all"] - 1
    return (
        str(found["number"]),
        _state(found),
        "".join(first) + (f" And {more} more." if more > 0 else ""),
        f"{found['os_user']}, on disk" if found["source"] == "disk" else _name(found["drafted_by"]),
        _approved_by(found),
        clock.show(found["at"]),
        found["review_on"] or "",
    )


def _state(found: Found) -> str:
    return in_words(found["state"]) + (", and not in force" if found["fault"] else "")


def _name(person: Found | None) -> str:
    return person["name"] if person else ""


def _approved_by(found: Found) -> str:
    """Say who approved a version; what was found on disk came into force although nobody did."""
    return "nobody" if found["source"] == "disk" else _name(found["approved_by"])


_VERSIONS: Final = Requests(
    path=_PATH,
    empty="No version of the filter is on record yet.",
    columns=("NUMBER", "STATE", "WHAT", "BY", "APPROVED BY", "AT", "REVIEW"),
    row=_row,
    facts=_facts,
)
