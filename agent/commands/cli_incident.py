"""Incidents from a shell: the queue, one case for a purpose, and what people decide about it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from agent.commands.cli_cases import (
    CaseArgument,
    Found,
    PurposeOption,
    case_of,
    decide,
    facts_of,
    place_of,
    read_day,
    tell_incident,
    what_of,
    whom_of,
)
from agent.commands.cli_evidence import export
from agent.commands.cli_incident_work import card, letter, referral_in_words, step, unseal
from agent.commands.cli_options import (
    JsonOption,
    clock_of,
    group_of_commands,
    in_words,
    print_facts,
    print_json,
    print_table,
    say,
    signed_in,
    told,
)
from agent.commands.cli_report import receipt, report
from agent.commands.cli_requests import ReasonOption
from agent.commands.cli_timeline import content_of
from agent.commands.cli_warnings import warning
from rules.incident import Dismissal, Intent, Level, State, Track
from rules.incident_kind import Kind

if TYPE_CHECKING:
    from agent.commands.cli_times import Clock

incident = group_of_commands("Incidents: what stands in the queue, and what people decide about it.")
incident.add_typer(step, name="step")
incident.add_typer(letter, name="letter")
incident.add_typer(warning, name="warning")
incident.command()(report)
incident.command()(receipt)
incident.command()(card)
incident.command()(unseal)
incident.command()(export)

_MAX_ENTRIES_SHOWN: Final = 40
SeriousOption = Annotated[
    bool | None,
    typer.Option("--serious/--not-serious", help="Whether it is serious; who has to know is told at once."),
]


@incident.command("list")
def list_incidents(
    *,
    state: Annotated[list[State] | None, typer.Option("--state", help="In this state; may be repeated.")] = None,
    track: Annotated[list[Track] | None, typer.Option("--track", help="On this track; may be repeated.")] = None,
    kind: Annotated[list[Kind] | None, typer.Option("--kind", help="Of this kind; may be repeated.")] = None,
    level: Annotated[Level | None, typer.Option("--level", help="About persons, or about devices.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List what waits and what is open, the most urgent first, by pseudonym."""
    with told(), signed_in(quiet=as_json) as client:
        chosen = {"state": state, "track": track, "kind": kind, "level": level}
        found = list(client.pages("/incidents", {name: value for name, value in chosen.items() if value}))
        clock = clock_of(client)
    if as_json:
        print_json(found)
        return
    print_table(_COLUMNS, (_row(each, clock) for each in found), empty="There are no incidents that you may read.")


@incident.command()
def show(case: CaseArgument, *, purpose: PurposeOption, as_json: JsonOption = False) -> None:
    """Show everything about one case; that you looked, and why, is on record."""
    with told(), signed_in(quiet=as_json) as client:
        place = f"/incidents/{case_of(client, case)['id']}"
        found = client.get(place, {"purpose": purpose, "case": case})
        clock = clock_of(client)
    if as_json:
        print_json(found)
        return
    print_facts(facts_of(found, clock))
    print_facts(_more_of(found, clock))
    _print_timeline(found, clock)


@incident.command()
def reveal(case: CaseArgument, *, purpose: PurposeOption, as_json: JsonOption = False) -> None:
    """Say whom a case is about; that you asked, and why, is on record."""
    with told(), signed_in(quiet=as_json) as client:
        found = client.post(f"{place_of(client, case)}/reveal", {"purpose": purpose, "case": case})
    if as_json:
        print_json(found)
        return
    print_facts(
        (
            ("person", f"{found['name']} ({found['id']})"),
            ("roles", ", ".join(map(in_words, found["roles"]))),
            ("classes", ", ".join(found["classes"])),
        )
    )


# ---- decisions -----------------------------------------------------------------------------------------------------


@incident.command()
def accept(
    case: CaseArgument,
    *,
    deliberate: Annotated[Intent, typer.Option("--deliberate", help="What you think it was.")],
    why: Annotated[str, typer.Option("--why", help="Why you think so, in a sentence.")],
    row: Annotated[str | None, typer.Option("--row", help="The row of the school's table: P10.")] = None,
    serious: SeriousOption = None,
    as_json: JsonOption = False,
) -> None:
    """Accept a candidate as a row of the school's table; the steps that it ticks become the checklist."""
    decide(case, "accept", {"row": row, "deliberate": deliberate, "why": why, "is_serious": serious}, as_json=as_json)


@incident.command()
def reclassify(
    case: CaseArgument,
    *,
    reason: ReasonOption,
    kind: Annotated[Kind | None, typer.Option("--kind", help="What it is about.")] = None,
    row: Annotated[str | None, typer.Option("--row", help="The row under which it belongs.")] = None,
    serious: SeriousOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a case under another kind, or another row, or say whether it is serious."""
    body = {"kind": kind, "row": row, "is_serious": serious, "reason": reason}
    decide(case, "reclassify", body, as_json=as_json)


@incident.command()
def dismiss(
    case: CaseArgument,
    *,
    because: Annotated[Dismissal, typer.Option("--because", help="Why, from the list.")],
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Say that a candidate is none, and why."""
    decide(case, "dismiss", {"dismissal": because, "words": reason}, as_json=as_json)


@incident.command()
def undo(case: CaseArgument, *, as_json: JsonOption = False) -> None:
    """Take back your last decision about a case, within ten minutes; what went out is not called back."""
    decide(case, "undo", {}, as_json=as_json)


@incident.command()
def merge(
    case: CaseArgument,
    *,
    into: Annotated[int, typer.Option("--into", min=1, help="The case that goes on.")],
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Make a case part of another one."""
    with told(), signed_in(quiet=as_json) as client:
        found, target = case_of(client, case), case_of(client, into)
        body = {"into": target["id"], "reason": reason}
        made = client.post(f"/incidents/{found['id']}/merge", body, version=found["version"])
        tell_incident(made, clock_of(client), as_json=as_json)


@incident.command()
def split(
    case: CaseArgument,
    *,
    entries: Annotated[list[int], typer.Option("--entry", min=1, help="An entry of the timeline; may be repeated.")],
    kind: Annotated[Kind, typer.Option("--kind", help="What the new case is about.")],
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Make entries of a case a case of their own."""
    decide(case, "split", {"entries": entries, "kind": kind, "reason": reason}, as_json=as_json)


@incident.command()
def close(
    case: CaseArgument,
    *,
    outcome: Annotated[str, typer.Option("--outcome", help="What came of it.")],
    lesson: Annotated[str, typer.Option("--lesson", help="What the school learnt.")],
    as_json: JsonOption = False,
) -> None:
    """Close a case whose steps are all done, or left out with a reason."""
    decide(case, "close", {"outcome": outcome, "lesson": lesson}, as_json=as_json)


@incident.command()
def reopen(
    case: CaseArgument,
    *,
    by: Annotated[str, typer.Option("--by", help="Who appealed.")],
    outcome: Annotated[str, typer.Option("--outcome", help="What was decided about the appeal.")],
    on: Annotated[str | None, typer.Option("--on", help="On which day: 2026-12-01; today if not given.")] = None,
    withdraw_warnings: Annotated[bool, typer.Option("--withdraw-warnings", help="Its warnings fall.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Open a case again, because somebody appealed."""
    with told():
        day = read_day("--on", on)
    body = {"by": by, "on": day, "outcome": outcome, "withdraws_warnings": withdraw_warnings}
    decide(case, "reopen", body, as_json=as_json)


@incident.command()
def correct(case: CaseArgument, *, reason: ReasonOption, as_json: JsonOption = False) -> None:
    """Take a case off a person whom it does not concern, with everything that followed from it."""
    decide(case, "correct", {"reason": reason}, as_json=as_json)


@incident.command()
def name(
    case: CaseArgument,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="An id, as `people list` shows it.")],
    *,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Say whom a report, or what was seen on a device, is about."""
    decide(case, "name-subject", {"subject": person, "reason": reason}, as_json=as_json)


@incident.command()
def hold(case: CaseArgument, *, reason: ReasonOption, as_json: JsonOption = False) -> None:
    """Keep everything about a case until it is released."""
    decide(case, "hold", {"reason": reason}, as_json=as_json)


@incident.command()
def release(case: CaseArgument, *, reason: ReasonOption, as_json: JsonOption = False) -> None:
    """Let what is kept about a case end at its time again."""
    decide(case, "release", {"reason": reason}, as_json=as_json)


# ---- how it reads --------------------------------------------------------------------------------------------------

_COLUMNS: Final = ("CASE", "STATE", "WHAT", "WHO", "INTENT", "ROWS", "SINCE", "DECIDE BY", "ALIKE")


def _row(found: Found, clock: "Clock") -> tuple[str, ...]:
    return (
        str(found["number"]),
        in_words(found["state"]),
        what_of(found),
        whom_of(found),
        "" if found["intent"] is None else str(found["intent"]),
        found["row"] or ", ".join(found["rows"]),
        clock.show(found["opened_at"]),
        clock.show(found["decide_by"]),
        _alike(found["alike"]),
    )


def _alike(alike: Found | None) -> str:
    if alike is None:
        return ""
    words = []
    if alike["of_subject"]:
        words.append(f"{alike['of_subject']} more of the same")
    if alike["in_burst"]:
        words.append(f"{alike['in_burst']} more within the hour")
    return ", ".join(words)


def _more_of(found: Found, clock: "Clock") -> Iterator[tuple[str, str]]:
    if found["asks_whether_serious"]:
        yield "question", "is it serious? others have to be told then: `incident reclassify --serious --reason ...`"
    yield from _each("clock", [_clock_in_words(each, clock) for each in found["clocks"]])
    yield "known by", ", ".join(map(in_words, found["why_identity"]))
    yield "groups", ", ".join(found["groups"])
    yield from _each("because", [each["text"] for each in found["reasons"]])
    yield from _each("against", [each["text"] for each in found["against"]])
    yield from _each("warned", [_warning(each) for each in found["warnings"]])
    yield from _each("referred", [_referral(each) for each in found["referrals"]])
    for row in found["proposals"]:
        yield f"row {row['row']}", f"{row['label']}: {', '.join(each['label'] for each in row['actions'])}"
        yield "", row["note"]
    yield "why", found["why_deliberate"]
    yield "reason", found["decision_reason"]
    yield "outcome", found["outcome"]
    yield "lesson", found["lesson"]


def _clock_in_words(found: Found, clock: "Clock") -> str:
    if found["ended_at"] is not None:
        return f"{found['title']}: stopped {clock.show(found['ended_at'])}"
    return f"{found['title']}: {'was due' if found['is_overdue'] else 'by'} {clock.show(found['due_at'])}"


def _referral(found: Found) -> str:
    return "; ".join(filter(None, (referral_in_words(found).removeprefix("referred "), found["outcome"])))


def _warning(found: Found) -> str:
    return f"row {found['row']}, until {found['expires_on']}"


def _each(title: str, lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from ((title if place == 0 else "", line) for place, line in enumerate(lines))


def _print_timeline(found: Found, clock: "Clock") -> None:
    entries: Sequence[Found] = found["timeline"]
    further: int = found["further"]
    shown = entries[:_MAX_ENTRIES_SHOWN]
    if shown:
        typer.echo("")
        rows = (
            (
                str(each["number"]),
                clock.show(each["at"]),
                in_words(each["what"]),
                _by(each),
                content_of(each, found, clock),
            )
            for each in shown
        )
        print_table(("ENTRY", "AT", "WHAT", "BY", "MORE"), rows, empty="")
    left = len(entries) - len(shown)
    if left or further:
        say(f"{left + further} more; --json shows what is kept of each.")


def _by(entry: Found) -> str:
    name: str = entry["actor"]["name"]
    return "" if name == "system" else name
