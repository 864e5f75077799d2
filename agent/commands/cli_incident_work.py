"""What is done about a case, from a shell: steps, letters, restricted access, and what is sealed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from agent.commands.cli_cases import CaseArgument, Found, PurposeOption, case_of, place_of, read_day
from agent.commands.cli_options import (
    JsonOption,
    clock_of,
    group_of_commands,
    in_path,
    in_words,
    print_facts,
    print_json,
    print_table,
    say,
    signed_in,
    told,
    usage,
)
from agent.commands.cli_requests import ReasonOption
from rules.errors import ConfigurationError
from rules.roles import Role
from rules.sanction import Step

if TYPE_CHECKING:
    from agent.commands.cli_times import Clock
    from agent.commands.client import Client

step = group_of_commands("Steps of a case: who does what by when, and what was done.")
letter = group_of_commands("Letters about a case, from the school's templates, for a person to read and send.")

StepArgument = Annotated[int, typer.Argument(metavar="STEP", min=1, help="The number of the step.")]
LetterArgument = Annotated[str, typer.Argument(metavar="LETTER", help="The letter, as `letter list` shows it.")]


@step.command("list")
def list_steps(
    case: Annotated[
        int | None, typer.Argument(metavar="[CASE]", min=1, help="A case; without one, the steps that are yours.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List the steps of a case, or those that you have to do."""
    with told(), signed_in(quiet=as_json) as client:
        place = "/incidents" if case is None else f"/incidents/{case_of(client, case)['id']}"
        found = client.get(f"{place}/steps")["items"]
        clock = clock_of(client)
    if as_json:
        print_json(found)
    elif case is None:
        rows = ((str(each["case"]), *_row(each, clock)) for each in found)
        print_table(("CASE", *_COLUMNS), rows, empty="You have nothing to do about any case.")
    else:
        print_table(_COLUMNS, (_row(each, clock) for each in found), empty="This case has no steps.")


@step.command()
def done(
    case: CaseArgument,
    number: StepArgument,
    *,
    how: Annotated[str, typer.Option("--how", help="How it was done.")],
    outcome: Annotated[str, typer.Option("--outcome", help="What came of it.")] = "",
    at: Annotated[str | None, typer.Option("--at", help="When, if not now: 10:30, 2026-12-01.")] = None,
    to: Annotated[str, typer.Option("--to", help="Who outside was brought in: 'the police', by their role.")] = "",
    reference: Annotated[str, typer.Option("--reference", help="The number that they gave it.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say that a step was done: when, how, and what came of it."""
    with told(), signed_in(quiet=as_json) as client:
        when = _instant(client, "--at", at)
        body = {"how": how, "outcome": outcome, "at": when, "referred_to": to, "reference": reference}
        _tell(client, client.post(f"{place_of(client, case)}/steps/{number}/done", body), as_json=as_json)


@step.command()
def skip(case: CaseArgument, number: StepArgument, *, reason: ReasonOption, as_json: JsonOption = False) -> None:
    """Leave a step of the table out, with a reason."""
    with told(), signed_in(quiet=as_json) as client:
        place = f"{place_of(client, case)}/steps/{number}/skip"
        _tell(client, client.post(place, {"reason": reason}), as_json=as_json)


@step.command()
def add(
    case: CaseArgument,
    *,
    role: Annotated[Role, typer.Option("--role", help="Who does it.")],
    within: Annotated[str, typer.Option("--within", help="Within which time: '2 school days', '4 h'.")],
    reason: ReasonOption,
    what: Annotated[str, typer.Option("--what", help="What is to be done, in your words.")] = "",
    action: Annotated[str, typer.Option("--action", help="Or a column of the school's table.")] = "",
    kind: Annotated[Step, typer.Option("--kind", help="What kind of step it is.")] = Step.REFER,
    as_json: JsonOption = False,
) -> None:
    """Add a step that the table does not tick, with a reason."""
    body = {"label": what, "action": action, "kind": kind, "role": role, "within": within, "reason": reason}
    with told(), signed_in(quiet=as_json) as client:
        _tell(client, client.post(f"{place_of(client, case)}/steps", body), as_json=as_json)


@step.command()
def restrict(
    case: CaseArgument,
    number: StepArgument,
    *,
    until: Annotated[str, typer.Option("--until", help="When it ends: friday, 2026-12-01.")],
    review: Annotated[str, typer.Option("--review", help="The day on which somebody looks at it again.")],
    reason: ReasonOption,
    groups: Annotated[list[str] | None, typer.Option("--group", help="A group; may be repeated.")] = None,
    devices: Annotated[list[str] | None, typer.Option("--device", help="A device; may be repeated.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Restrict access as a step says: what everybody needs stays, and it ends by itself."""
    with told(), signed_in(quiet=as_json) as client:
        body = {
            "groups": groups or [],
            "devices": devices or [],
            "until_at": clock_of(client).read(None, until)[1].isoformat(),
            "review_on": read_day("--review", review),
            "reason": reason,
        }
        made = client.post(f"{place_of(client, case)}/steps/{number}/restrict", body)
        _tell_restriction(made, clock_of(client), as_json=as_json)


@step.command()
def restore(
    restriction: Annotated[str, typer.Argument(metavar="RESTRICTION", help="As `restrict` gave it.")],
    *,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Give access back before its time."""
    with told(), signed_in(quiet=as_json) as client:
        made = client.post(f"/incidents/restrictions/{in_path(restriction)}/end", {"reason": reason})
        _tell_restriction(made, clock_of(client), as_json=as_json)


# ---- letters -------------------------------------------------------------------------------------------------------


@letter.command("list")
def list_letters(case: CaseArgument, *, as_json: JsonOption = False) -> None:
    """List the letters about a case."""
    with told(), signed_in(quiet=as_json) as client:
        found = client.get(f"{place_of(client, case)}/letters")["items"]
        clock = clock_of(client)
    if as_json:
        print_json(found)
        return
    columns = ("LETTER", "ABOUT", "LANGUAGE", "WRITTEN", "BY", "SENT")
    rows = (
        (
            each["id"],
            in_words(each["kind"]),
            each["language"],
            clock.show(each["made_at"]),
            each["made_by"]["name"],
            each["sent_on"] or "",
        )
        for each in found
    )
    print_table(columns, rows, empty="There are no letters about this case.")


@letter.command()
def write(
    case: CaseArgument,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="parents, line_manager, review_meeting or dealt_with.")],
    *,
    purpose: PurposeOption,
    language: Annotated[str, typer.Option("--language", help="en, fr, nl or ja; the school's if not given.")] = "",
    meeting: Annotated[str | None, typer.Option("--meeting", help="When the meeting is.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a letter from the template, and print it."""
    with told(), signed_in(quiet=as_json) as client:
        body = {
            "kind": kind,
            "language": language,
            "meeting_at": _instant(client, "--meeting", meeting),
            "purpose": purpose,
            "case": case,
        }
        _tell_letter(client.post(f"{place_of(client, case)}/letters", body), as_json=as_json)


@letter.command("show")
def show_letter(
    case: CaseArgument, letter_id: LetterArgument, *, purpose: PurposeOption, as_json: JsonOption = False
) -> None:
    """Print a letter that was written before."""
    with told(), signed_in(quiet=as_json) as client:
        place = f"/incidents/letters/{in_path(letter_id)}"
        _tell_letter(client.get(place, {"purpose": purpose, "case": case}), as_json=as_json)


@letter.command()
def sent(
    letter_id: LetterArgument,
    *,
    on: Annotated[str | None, typer.Option("--on", help="On which day, if not today.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a letter was sent, and on which day."""
    with told(), signed_in(quiet=as_json) as client:
        made = client.post(f"/incidents/letters/{in_path(letter_id)}/sent", {"on": read_day("--on", on)})
    if as_json:
        print_json(made)
    else:
        say(f"Letter {made['id']} was sent on {made['sent_on']}.")


# ---- what is sealed ------------------------------------------------------------------------------------------------


def card(case: CaseArgument, *, as_json: JsonOption = False) -> None:
    """Print what to do about a sealed case, step by step, and whom to call."""
    with told(), signed_in(quiet=as_json) as client:
        found = client.get(f"/incidents/{case_of(client, case)['id']}/card")
    if as_json:
        print_json(found)
        return
    say(found["title"])
    for number, each in enumerate(found["steps"], start=1):
        say(f"{number:>3}. {each}")
    for each in found["to_call"]:
        say(f"  call: {each}")
    for each in found["contacts"]:
        say(f"  {each['title']}: {', '.join(each['lines'])}")


def unseal(case: CaseArgument, *, purpose: PurposeOption, as_json: JsonOption = False) -> None:
    """Ask, as one of two people, to see when a sealed case happened; never what it was."""
    with told(), signed_in(quiet=as_json) as client:
        place = f"/incidents/{case_of(client, case)['id']}"
        look = {"purpose": purpose, "case": case}
        now = client.post(f"{place}/unseal", look)
        seen = client.post(f"{place}/metadata", look) if now["is_open"] else None
        clock = clock_of(client)
    if as_json:
        print_json({**now, "metadata": seen})
        return
    say(f"asked by {', '.join(each['name'] for each in now['asked_by'])}")
    if seen is None:
        say("It is sealed until a second person asks for the same within ten minutes.")
    else:
        print_facts(_metadata(seen, clock))


def _metadata(seen: Found, clock: "Clock") -> Iterator[tuple[str, str]]:
    yield "first", clock.show(seen["first_at"])
    yield "last", clock.show(seen["last_at"])
    yield "known since", clock.show(seen["filed_at"])
    yield "how often", f"{_some(seen['times'], 'time')} in {_some(seen['minutes'], 'minute')}"
    yield "who", f"{seen['subject']}, confidence {seen['confidence']}, {in_words(seen['place'])}"
    yield "held", f"{_some(len(seen['evidence']), 'piece')} of evidence, each by its hash"


def _some(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


# ---- how it reads --------------------------------------------------------------------------------------------------

_COLUMNS: Final = ("STEP", "WHAT", "WHO", "DUE", "STATE", "HOW")


def _row(found: Found, clock: "Clock") -> tuple[str, ...]:
    owners = ", ".join(each["name"] for each in found["owners"])
    standing = "overdue" if found["is_overdue"] else in_words(found["state"])
    return (
        str(found["number"]),
        found["label"],
        f"{found['role_title']}: {owners}" if found["role_title"] else owners,
        clock.show(found["due_at"]),
        f"{standing} {clock.show(found['done_at'])}".strip(),
        found["deviation"] or "; ".join(filter(None, (found["how"], referral_in_words(found), found["outcome"]))),
    )


def referral_in_words(found: Found) -> str:
    """Say who outside was brought in, and how they call it."""
    reference = f" ({found['reference']})" if found["reference"] else ""
    return f"referred to {found['referred_to']}{reference}" if found["referred_to"] else ""


def _tell(client: "Client", found: Found, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    print_table(_COLUMNS, [_row(found, clock_of(client))], empty="")


def _tell_restriction(found: Found, clock: "Clock", *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    ended = f", ended {clock.show(found['ended_at'])}" if found["ended_at"] else ""
    whom = ", ".join((*found["groups"], *found["devices"]))
    print_facts(
        (
            ("restriction", f"{found['id']}{ended}"),
            ("for", whom),
            ("until", clock.show(found["until_at"])),
            ("review", found["review_on"]),
        )
    )


def _tell_letter(found: Found, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for line in (found["text"] or "What stood in this letter is erased.").split("\n"):
        say(line)
    say(f"letter {found['id']}; say `schoolgate incident letter sent {found['id']}` when it was sent.", err=True)


def _instant(client: "Client", where: str, written: str | None) -> str | None:
    """Read an instant on the clock of the school, where there is one.

    Raises:
        ConfigurationError: it is none.
    """
    from agent.durations import parse_start

    if written is None:
        return None
    try:
        return parse_start(written, clock_of(client).timezone, now=datetime.now(UTC)).isoformat()
    except ConfigurationError:
        raise usage(where, f"'{written}'", "a time such as 10:30 or '2026-12-01 09:00'") from None
