"""Suspensions from a shell: filtering off for a while, asked for by one person and agreed by another."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from agent.commands.cli_options import (
    JsonOption,
    clock_of,
    effect_in_words,
    group_of_commands,
    in_words,
    signed_in,
    told,
    usage,
)
from agent.commands.cli_requests import LaterReasonOption, ReasonOption, Requests, StateOption
from agent.commands.cli_times import FromOption, UntilOption
from rules.suspension import STANDING, State

if TYPE_CHECKING:
    from agent.commands.cli_times import Clock

suspend = group_of_commands(
    "Filtering off for a while, on record; what is illegal stays blocked throughout, and so do malware and phishing."
)

NetworkOption = Annotated[list[str] | None, typer.Option("--network", help="A network; may be repeated.")]
GroupOption = Annotated[list[str] | None, typer.Option("--group", help="A group or a class; may be repeated.")]
SchoolOption = Annotated[bool, typer.Option("--school", help="The whole school.")]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The suspension, as `list` shows it.")]


@suspend.command()
def request(
    *,
    until: UntilOption,
    reason: ReasonOption,
    networks: NetworkOption = None,
    groups: GroupOption = None,
    school: SchoolOption = False,
    start: FromOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask for filtering to be off; nothing changes before a second person agrees.

    What is illegal stays blocked, and so do malware, phishing and what browsers ask before they go round the filter.
    """
    with told(), signed_in(quiet=as_json) as client:
        if school == bool(networks or groups):
            found = "--school with networks or groups" if school else "nobody for whom"
            raise usage("request", found, "--network or --group, or --school alone")
        begins, ends = clock_of(client).read(start, until)
        body = {
            "networks": networks or [],
            "groups": groups or [],
            "is_for_school": school,
            "reason": reason,
            "from_at": begins.isoformat() if start is not None else None,
            "until_at": ends.isoformat(),
        }
        _SUSPENSIONS.tell(client.post("/suspensions", body), clock_of(client), as_json=as_json)


@suspend.command()
def approve(suspension_id: IdArgument, *, reason: LaterReasonOption = "", as_json: JsonOption = False) -> None:
    """Agree to what somebody else asked for: filtering is off from then on."""
    _SUSPENSIONS.move(suspension_id, "agree", {"reason": reason}, as_json=as_json)


@suspend.command()
def refuse(suspension_id: IdArgument, *, reason: ReasonOption, as_json: JsonOption = False) -> None:
    """Refuse what somebody else asked for."""
    _SUSPENSIONS.move(suspension_id, "refuse", {"reason": reason}, as_json=as_json)


@suspend.command()
def withdraw(suspension_id: IdArgument, *, reason: LaterReasonOption = "", as_json: JsonOption = False) -> None:
    """Take back what you asked for yourself."""
    _SUSPENSIONS.move(suspension_id, "withdraw", {"reason": reason}, as_json=as_json)


@suspend.command()
def end(suspension_id: IdArgument, *, reason: LaterReasonOption = "", as_json: JsonOption = False) -> None:
    """Switch filtering on again at once."""
    _SUSPENSIONS.move(suspension_id, "end", {"reason": reason}, as_json=as_json)


@suspend.command("list")
def list_suspensions(*, state: StateOption = None, as_json: JsonOption = False) -> None:
    """List suspensions, the newest first."""
    _SUSPENSIONS.show_all(state, as_json=as_json)


@suspend.command()
def show(suspension_id: IdArgument, *, as_json: JsonOption = False) -> None:
    """Show everything about one suspension."""
    _SUSPENSIONS.show(suspension_id, as_json=as_json)


def _facts(found: Mapping[str, Any], clock: "Clock") -> Iterator[tuple[str, str]]:
    yield "suspension", f"{found['id']}: {in_words(found['state'])}"
    yield "for", _whom(found)
    yield "from", clock.show(found["from_at"])
    yield "until", clock.show(found["until_at"])
    yield "asked by", found["requester"]["name"]
    yield "reason", found["reason"]
    yield "agreed by", _agreed_by(found)
    if found["state"] in (State.WAITING, State.AGREED):
        yield "stays", f"blocked: what is illegal, {', '.join(STANDING.values())}"
    yield "ended", clock.show(found.get("ended_at"))
    yield "effect", effect_in_words(found.get("effect"), clock)


def _row(found: Mapping[str, Any], clock: "Clock") -> tuple[str, ...]:
    return (
        found["id"],
        in_words(found["state"]),
        _whom(found),
        clock.show(found["from_at"]),
        clock.show(found["until_at"]),
        found["requester"]["name"],
        _agreed_by(found),
    )


def _whom(found: Mapping[str, Any]) -> str:
    return "the school" if found["is_for_school"] else ", ".join((*found["networks"], *found["groups"]))


def _agreed_by(found: Mapping[str, Any]) -> str:
    agreed_by = found.get("agreed_by")
    return agreed_by["name"] if agreed_by else ""


_SUSPENSIONS: Final = Requests(
    "/suspensions",
    "There are no suspensions.",
    ("ID", "STATE", "FOR", "FROM", "UNTIL", "ASKED BY", "AGREED BY"),
    _row,
    _facts,
)
