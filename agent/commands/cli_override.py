"""Overrides from a shell: asking for one, deciding about it, and seeing which there are."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

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
from agent.commands.cli_requests import LaterReasonOption, ReasonOption, Requests, StateOption
from agent.commands.cli_times import Clock, FromOption, UntilOption
from rules.subject import Audience

override = group_of_commands("Blocks lifted for a lesson: asked for by one person, decided by another.")

NamesArgument = Annotated[list[str] | None, typer.Argument(metavar="NAMES", help="Names or addresses of pages.")]
CategoryOption = Annotated[list[str] | None, typer.Option("--category", help="One whole category.")]
ForOption = Annotated[
    list[str], typer.Option("--for", help="A group, a class, or pupil, staff, guest; may be repeated.")
]
TopicOption = Annotated[str, typer.Option("--topic", help="What is being taught.")]
BreakGlassOption = Annotated[
    bool, typer.Option("--break-glass", help="At once, in an emergency: at most 60 minutes, and countersigned after.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask back.")]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The override, as `list` shows it.")]

_MAX_NAMES_SHOWN: Final = 3


@override.command()
def request(
    names: NamesArgument = None,
    *,
    whom: ForOption,
    until: UntilOption,
    reason: ReasonOption,
    topic: TopicOption = "",
    categories: CategoryOption = None,
    start: FromOption = None,
    break_glass: BreakGlassOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Ask for an override; on a terminal it is shown first what that would change."""
    with told(), signed_in(quiet=as_json) as client:
        clock = clock_of(client)
        times = clock.read(start, until)
        body = _written(names, categories, whom, start, times, is_break_glass=break_glass, reason=reason, topic=topic)
        if not as_json:
            _show_before(client.post("/overrides/preview", body), times, clock, asks_back=not yes)
        _OVERRIDES.tell(client.post("/overrides", body), clock, as_json=as_json)


@override.command()
def preview(
    names: NamesArgument = None,
    *,
    whom: ForOption,
    until: UntilOption,
    reason: LaterReasonOption = "",
    topic: TopicOption = "",
    categories: CategoryOption = None,
    start: FromOption = None,
    break_glass: BreakGlassOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what an override would change, and ask for nothing."""
    with told(), signed_in(quiet=as_json) as client:
        clock = clock_of(client)
        times = clock.read(start, until)
        body = _written(names, categories, whom, start, times, is_break_glass=break_glass, reason=reason, topic=topic)
        seen = client.post("/overrides/preview", body)
    if as_json:
        print_json(seen)
    else:
        _tell_preview(seen, times, clock)
    if seen["faults"]:
        raise typer.Exit(1)


@override.command()
def approve(
    override_id: IdArgument,
    *,
    reason: LaterReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Approve what somebody else asked for."""
    _OVERRIDES.move(override_id, "approve", {"reason": reason}, as_json=as_json)


@override.command()
def narrow(
    override_id: IdArgument,
    *,
    reason: ReasonOption,
    names: Annotated[list[str] | None, typer.Option("--name", help="A name that stays; may be repeated.")] = None,
    whom: Annotated[
        list[str] | None, typer.Option("--for", help="A group or a class that stays; may be repeated.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="An earlier end.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Approve less than was asked for: fewer names, fewer people, or shorter."""
    with told(), signed_in(quiet=as_json) as client:
        if not (names or whom or until):
            raise usage("narrow", "nothing to narrow", "--name, --for or --until")
        ends = clock_of(client).read(None, until)[1].isoformat() if until else None
        body = {"reason": reason, "names": names or None, "groups": whom or None, "until_at": ends}
        _OVERRIDES.move_by(client, override_id, "narrow", body, as_json=as_json)


@override.command()
def refuse(override_id: IdArgument, *, reason: ReasonOption, as_json: JsonOption = False) -> None:
    """Refuse what somebody else asked for."""
    _OVERRIDES.move(override_id, "refuse", {"reason": reason}, as_json=as_json)


@override.command()
def withdraw(
    override_id: IdArgument,
    *,
    reason: LaterReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """Take back what you asked for yourself."""
    _OVERRIDES.move(override_id, "withdraw", {"reason": reason}, as_json=as_json)


@override.command()
def revoke(override_id: IdArgument, *, reason: ReasonOption, as_json: JsonOption = False) -> None:
    """End an override at once."""
    _OVERRIDES.move(override_id, "revoke", {"reason": reason}, as_json=as_json)


@override.command()
def countersign(override_id: IdArgument, *, reason: ReasonOption, as_json: JsonOption = False) -> None:
    """Confirm, as a second person, an override that was taken in an emergency."""
    _OVERRIDES.move(override_id, "countersign", {"reason": reason}, as_json=as_json)


@override.command("list")
def list_overrides(*, state: StateOption = None, as_json: JsonOption = False) -> None:
    """List overrides, the newest first."""
    _OVERRIDES.show_all(state, as_json=as_json)


@override.command()
def show(override_id: IdArgument, *, as_json: JsonOption = False) -> None:
    """Show everything about one override."""
    _OVERRIDES.show(override_id, as_json=as_json)


def _written(
    names: Sequence[str] | None,
    categories: Sequence[str] | None,
    whom: Sequence[str],
    start: str | None,
    times: tuple[datetime, datetime],
    *,
    is_break_glass: bool,
    **texts: str,
) -> dict[str, Any]:
    """Put a request together; whether it can be had is the gateway's to say."""
    if not names and not categories:
        raise usage("NAMES", "no name and no category", "at least one of them")
    return {
        "names": list(names or ()),
        "categories": list(categories or ()),
        "audiences": [each for each in whom if each in tuple(Audience)],
        "groups": [each for each in whom if each not in tuple(Audience)],
        "from_at": times[0].isoformat() if start is not None else None,
        "until_at": times[1].isoformat(),
        "is_break_glass": is_break_glass,
        **texts,
    }


def _facts(found: Mapping[str, Any], clock: "Clock") -> Iterator[tuple[str, str]]:
    yield "override", f"{found['id']}: {in_words(found['state'])}{_end_of(found)}"
    yield "names", ", ".join(found["names"])
    yield "categories", ", ".join(found["categories"])
    yield "lifts", ", ".join(found["lifts"])
    yield "for", _whom(found)
    yield "from", clock.show(found["from_at"])
    yield "until", clock.show(found["until_at"])
    yield "asked by", found["requester"]["name"]
    yield "reason", found["reason"]
    yield "topic", found["topic"]
    yield "decided by", ", ".join(each["name"] for each in found["approvers"])
    yield "decided", clock.show(found["decided_at"])
    yield "because", found["decision_reason"]
    yield "used", _use_in_words(found.get("used"))
    yield "effect", effect_in_words(found.get("effect"), clock)
    for each in found.get("stays_open", ()):
        what, until = _some(each["what"]), clock.show(each["until_at"])
        yield "still open", f"{what}, by the override {each['override']} until {until}"


def _use_in_words(used: Mapping[str, Any] | None) -> str:
    """Say how an override was used; nothing before it was summed up."""
    if used is None:
        return ""
    times, devices = used["times"], used["devices"]
    if times is None:
        return "not known"
    if not times:
        return "never"
    text = f"{times} {'time' if times == 1 else 'times'}"
    if devices is not None:
        text += f" by {devices} {'device' if devices == 1 else 'devices'}"
    return text if used["is_complete"] else f"at least {text}; not everything was counted"


def _end_of(found: Mapping[str, Any]) -> str:
    return ", taken in an emergency" if found["is_break_glass"] else ""


def _whom(found: Mapping[str, Any]) -> str:
    return ", ".join((*found["groups"], *found["audiences"]))


def _what(found: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, (*found["categories"], _some(found["names"]))))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_NAMES_SHOWN} more" if len(names) > _MAX_NAMES_SHOWN else ""
    return ", ".join(names[:_MAX_NAMES_SHOWN]) + more


def _row(found: Mapping[str, Any], clock: "Clock") -> tuple[str, ...]:
    return (
        found["id"],
        in_words(found["state"]),
        _what(found),
        _whom(found),
        clock.show(found["from_at"]),
        clock.show(found["until_at"]),
        found["requester"]["name"],
    )


def _show_before(
    seen: Mapping[str, Any], times: tuple[datetime, datetime], clock: "Clock", *, asks_back: bool
) -> None:
    """Show what a request would change; one with faults goes out as it is, for the gateway to refuse and record."""
    if seen["faults"]:
        return
    _tell_preview(seen, times, clock)
    if asks_back and sys.stdin.isatty():
        typer.confirm("Ask for this?", abort=True)


def _tell_preview(seen: Mapping[str, Any], times: tuple[datetime, datetime], clock: "Clock") -> None:
    say(f"From {clock.show(times[0])} until {clock.show(times[1])} this {_effect_in_words(seen)}.")
    for note in seen["notes"]:
        say(f"  note: {note}")
    for stays in seen["stays_blocked"]:
        say(f"  stays blocked: {stays['what']}, {stays['why']}")
    for fault in seen["faults"]:
        say(f"  not as it is: {fault}")
    if seen["needs_two"]:
        say("  two people approve this: the safeguarding lead and the ICT Co-ordinator")
    if seen["also_needed"]:
        say(f"  its pages are likely to need too: {', '.join(seen['also_needed'])}")


def _effect_in_words(seen: Mapping[str, Any]) -> str:
    """Say what would be open that is blocked: by categories, or by rules of the school's own."""
    lifts = [f"lifts: {', '.join(seen['lifts'])}"] if seen["lifts"] else []
    opens = [
        f"opens {_some(each['names'])}, which the school's own rule {each['rule']} blocks" for each in seen["opens"]
    ]
    return "; ".join((*lifts, *opens)) or "lifts: no category"


_OVERRIDES: Final = Requests(
    "/overrides",
    "There are no overrides.",
    ("ID", "STATE", "WHAT", "FOR", "FROM", "UNTIL", "ASKED BY"),
    _row,
    _facts,
)
