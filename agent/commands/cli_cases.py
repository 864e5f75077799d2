"""What the commands about incidents share: a case by its number, and how an incident reads."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from agent.commands.cli_options import clock_of, in_words, print_facts, print_json, signed_in, told, usage
from rules.errors import RefusedRequestError

if TYPE_CHECKING:
    from agent.commands.cli_times import Clock
    from agent.commands.client import Client

CaseArgument = Annotated[
    int, typer.Argument(metavar="CASE", min=1, help="The number of the case, as `list` shows it.")
]
PurposeOption = Annotated[str, typer.Option("--purpose", help="Why you look, in a few words; it is kept on record.")]

Found = Mapping[str, Any]
_NO_CASE: Final = "There is no case {case} that you may read; `schoolgate incident list` shows those that there are."


def case_of(client: "Client", case: int) -> dict[str, Any]:
    """Find a case by its number, among those that whoever asks may read.

    Raises:
        RefusedRequestError: there is none.
    """
    items: Sequence[dict[str, Any]] = client.get("/incidents", {"number": case})["items"]
    if not items:
        raise RefusedRequestError(_NO_CASE.format(case=case))
    return items[0]


def place_of(client: "Client", case: int) -> str:
    """Give the address of a case; of one of which one has only a step to do, too.

    Raises:
        RefusedRequestError: there is none.
    """
    for step in client.get("/incidents/steps")["items"]:
        if step["case"] == case:
            return f"/incidents/{step['incident']}"
    return f"/incidents/{case_of(client, case)['id']}"


def decide(case: int, move: str, body: Found, *, as_json: bool) -> None:
    """Make a decision about a case at the version that stands now, and tell what came of it."""
    with told(), signed_in(quiet=as_json) as client:
        found = case_of(client, case)
        made = client.post(f"/incidents/{found['id']}/{move}", body, version=found["version"])
        tell_incident(made, clock_of(client), as_json=as_json)


def tell_incident(found: Found, clock: "Clock", *, as_json: bool) -> None:
    """Print an incident as a decision gives it."""
    if as_json:
        print_json(found)
    else:
        print_facts(facts_of(found, clock))


def facts_of(found: Found, clock: "Clock") -> Iterator[tuple[str, str]]:
    """Give what is known of an incident without what was visited."""
    yield "case", f"{found['number']}: {in_words(found['state'])}{', on legal hold' if found['is_held'] else ''}"
    yield "about", f"{what_of(found)}; {in_words(found['risk'])}, {in_words(found['place'])}"
    yield "who", whom_of(found)
    if found["intent"] is not None:
        yield "intent", f"{found['intent']} of 100{', background' if found['is_background'] else ''}"
    yield "row", found["row"] or ""
    yield "proposed", "" if found["row"] else ", ".join(found["rows"])
    yield "happened", _from_to(clock.show(found["opened_at"]), clock.show(found["last_at"]))
    yield "known since", clock.show(found["aware_at"])
    yield "serious", "" if found["is_serious"] is None else "yes" if found["is_serious"] else "no"
    yield "decide by", clock.show(found["decide_by"])
    yield "decided by", found["decided_by"]["name"] if found["decided_by"] else ""
    yield "decided", clock.show(found["decided_at"])
    yield "deliberate", in_words(found["deliberate"] or "")
    yield "dismissed", in_words(found["dismissal"] or "")
    yield "closed", clock.show(found["closed_at"])


def what_of(found: Found) -> str:
    """Say what an incident is about, and who deals with it where that is not the usual."""
    track = "" if found["track"] == "ordinary" else f" ({found['track']})"
    return f"{in_words(found['kind'])}{track}"


def whom_of(found: Found) -> str:
    """Say whom an incident is about by pseudonym, and how sure that is."""
    if not found["subject"]:
        return found["audience"] if found["track"] == "sealed" else f"{found['audience']}, nobody known"
    return f"{found['audience']} {found['subject']}, {found['level']}, confidence {found['confidence']}"


def _from_to(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"


def read_day(where: str, written: str | None) -> str | None:
    """Read a day, where there is one.

    Raises:
        ConfigurationError: it is none.
    """
    try:
        return None if written is None else date.fromisoformat(written).isoformat()
    except ValueError:
        raise usage(where, f"'{written}'", "a day such as 2026-12-01") from None
