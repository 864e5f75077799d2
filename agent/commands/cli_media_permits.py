"""Media that are out of the school, let pass, or gone, from a shell; numbers are as people say them: M-12, S-3."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from agent.commands.cli_cases import read_day
from agent.commands.cli_options import (
    JsonOption,
    clock_of,
    in_words,
    print_facts,
    print_json,
    print_table,
    say,
    signed_in,
    told,
    usage,
)
from agent.commands.cli_requests import LaterReasonOption, ReasonOption
from rules.medium import ExceptionState, LostHow

if TYPE_CHECKING:
    from agent.commands.cli_times import Clock
    from agent.commands.client import Client

Found = Mapping[str, Any]
_NUMBER: Final = re.compile(r"(?:([MSEL])-)?([0-9]{1,15})", re.IGNORECASE | re.ASCII)
# What a laptop says of the encryption of its own disk.
_OF_DISKS: Final = {each: f"disk encryption {each}" for each in ("on", "partly", "off")}
_FOREIGN: Final = {"out": "in the school", "returned": "gone again"}
_PERMITS: Final = {"S": "sign-outs", "E": "exceptions"}

MediumArgument = Annotated[str, typer.Argument(metavar="MEDIUM", help="The number of the medium, such as M-12.")]
PermitArgument = Annotated[
    str, typer.Argument(metavar="NUMBER", help="What was asked for: S-3 to take a medium, E-2 an exception.")
]
PurposeOption = Annotated[str, typer.Option("--purpose", help="What it is for, in a few words.")]


# ---- permits and exceptions ------------------------------------------------------------------------------------


def sign_out(
    medium: MediumArgument,
    *,
    purpose: PurposeOption,
    due: Annotated[str, typer.Option("--due", metavar="DAY", help="The last day, such as 2026-12-01.")],
    person: Annotated[str | None, typer.Option("--for", help="The id of who takes it, at the desk.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Take a medium out of the school, or bring a foreign one in; where it takes a second person, ask for it."""
    with told():
        body = {"purpose": purpose, "due_on": read_day("--due", due), "person": person}
        with signed_in(quiet=as_json) as client:
            _tell_permit(client.post(f"{place_of_medium(medium)}/sign-out", body), clock_of(client), as_json=as_json)


def sign_in(medium: MediumArgument, *, as_json: JsonOption = False) -> None:
    """Write down that a medium is back, or that a foreign one is gone again."""
    with told(), signed_in(quiet=as_json) as client:
        _tell_permit(client.post(f"{place_of_medium(medium)}/sign-in"), clock_of(client), as_json=as_json)


def out(
    *,
    overdue: Annotated[bool, typer.Option("--overdue", help="Those that should be back only.")] = False,
    with_past: Annotated[bool, typer.Option("--past", help="Those that are over, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List who has which medium, or asks for one: yourself, or everybody if you manage media."""
    with told(), signed_in(quiet=as_json) as client:
        wanted: dict[str, Any] = {} if with_past else {"state": ["waiting", "out"]}
        wanted = {"overdue": "true"} if overdue else wanted
        found = list(client.pages("/media/sign-outs", wanted))
    if as_json:
        print_json(found)
        return
    rows = (
        (
            f"S-{each['number']}",
            f"M-{each['medium']}",
            each["person"]["name"],
            state_of(each),
            each["due_on"],
            each["purpose"],
        )
        for each in found
    )
    print_table(("NUMBER", "MEDIUM", "WHO", "STATE", "DUE", "PURPOSE"), rows, empty="Nothing is out.")


def ask_exception(
    medium: MediumArgument,
    *,
    purpose: PurposeOption,
    until: Annotated[str, typer.Option("--until", metavar="DAY", help="The last day, such as 2026-12-01.")],
    as_json: JsonOption = False,
) -> None:
    """Ask that a medium of yours may be used although it is not encrypted; another person decides."""
    with told():
        body = {"purpose": purpose, "until_on": read_day("--until", until)}
        with signed_in(quiet=as_json) as client:
            made = client.post(f"{place_of_medium(medium)}/exceptions", body)
            _tell_permit(made, clock_of(client), as_json=as_json)


def exceptions(
    *,
    state: Annotated[ExceptionState | None, typer.Option("--state", help="Those in this state only.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List exceptions: your own, or all if you manage media."""
    with told(), signed_in(quiet=as_json) as client:
        found = list(client.pages("/media/exceptions", {"state": state}))
    if as_json:
        print_json(found)
        return
    rows = (
        (
            f"E-{each['number']}",
            "" if each["medium"] is None else f"M-{each['medium']}",
            each["asked_by"]["name"],
            each["state"],
            each["until_on"],
            each["purpose"],
        )
        for each in found
    )
    print_table(("NUMBER", "MEDIUM", "WHO", "STATE", "UNTIL", "PURPOSE"), rows, empty="There is no exception.")


def allow(permit: PermitArgument, *, reason: LaterReasonOption = "", as_json: JsonOption = False) -> None:
    """Allow what somebody else asked for."""
    _decide(permit, "allow", {"reason": reason}, as_json=as_json)


def refuse(permit: PermitArgument, *, reason: ReasonOption, as_json: JsonOption = False) -> None:
    """Refuse what somebody else asked for, or end an exception."""
    _decide(permit, "refuse", {"reason": reason}, as_json=as_json)


def withdraw(permit: PermitArgument, *, as_json: JsonOption = False) -> None:
    """Take back what you asked for."""
    _decide(permit, "withdraw", {}, as_json=as_json)


# ---- what is gone ----------------------------------------------------------------------------------------------


def lost(
    text: Annotated[str | None, typer.Argument(help="What happened, where and when, in your own words.")] = None,
    *,
    medium: Annotated[str | None, typer.Option("--medium", help="Which medium it is, such as M-12.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="The id of the laptop that it is.")] = None,
    stolen: Annotated[bool, typer.Option("--stolen", help="Somebody took it.")] = False,
    missed: Annotated[str | None, typer.Option("--missed", metavar="DAY", help="Since when it is gone.")] = None,
    number: Annotated[
        str | None, typer.Option("--show", metavar="REPORT", help="Show a report, such as L-2.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Report at once that something is lost or stolen; without words, list the reports that you may see."""
    with told(), signed_in(quiet=as_json) as client:
        clock = clock_of(client)
        if number is not None:
            _tell_lost(client.get(f"/media/lost/{number_of(number, 'L')}"), clock, as_json=as_json)
        elif text is None:
            _list_lost(client, clock, as_json=as_json)
        else:
            body = {
                "how": LostHow.STOLEN if stolen else LostHow.LOST,
                "text": text,
                "medium": None if medium is None else number_of(medium, "M"),
                "device": device,
                "missed_on": read_day("--missed", missed),
            }
            made = client.post("/media/lost", body)
            _tell_lost(made, clock, as_json=as_json)
            if not as_json:
                say("The head teacher, the data protection officer and the ICT co-ordinator are told now.")


def _list_lost(client: "Client", clock: "Clock", *, as_json: bool) -> None:
    found = list(client.pages("/media/lost", {}))
    if as_json:
        print_json(found)
        return
    rows = (
        (f"L-{each['number']}", clock.show(each["at"]), each["how"], _what(each), str(each["case"] or ""))
        for each in found
    )
    print_table(("REPORT", "AT", "HOW", "WHAT", "CASE"), rows, empty="Nothing is reported as lost that you may see.")


# ---- parts of each ---------------------------------------------------------------------------------------------


def number_of(text: str, letter: str) -> int:
    """Read a number as people say it.

    Raises:
        ConfigurationError: it is none, or one of something else.
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None or (match[1] or letter).upper() != letter:
        raise usage("number", f"'{text}'", f"one such as {letter}-12")
    return int(match[2])


def place_of_medium(medium: str) -> str:
    """Give the address of a medium."""
    return f"/media/{number_of(medium, 'M')}"


def _decide(permit: str, move: str, body: Found, *, as_json: bool) -> None:
    with told():
        match = _NUMBER.fullmatch(permit.strip())
        kind = _PERMITS.get((match[1] or "").upper()) if match else None
        if match is None or kind is None:
            raise usage("number", f"'{permit}'", "one such as S-3 or E-2")
        number = int(match[2])
        with signed_in(quiet=as_json) as client:
            found = next((each for each in client.pages(f"/media/{kind}", {}) if each["number"] == number), None)
            version = 1 if found is None else found["version"]
            made = client.post(f"/media/{kind}/{number}/{move}", body, version=version)
            _tell_permit(made, clock_of(client), as_json=as_json)


def _tell_permit(found: Found, clock: "Clock", *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    is_exception = "until_on" in found
    letter, until = ("E", found["until_on"]) if is_exception else ("S", found["due_on"])
    who = found["asked_by" if is_exception else "person"]["name"]
    medium = "" if found["medium"] is None else f"M-{found['medium']}"
    print_facts(
        (
            ("number", f"{letter}-{found['number']}: {found['state'] if is_exception else state_of(found)}"),
            ("medium", medium),
            ("who", who),
            ("purpose", found["purpose"]),
            ("until", until),
            ("decided", _by(found, "decided", clock)),
            ("reason", found["reason"]),
            ("gone" if found.get("is_foreign") else "back", _by(found, "returned", clock)),
        )
    )


def _tell_lost(found: Found, clock: "Clock", *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    record: Found = found["on_record"]
    print_facts(
        (
            ("report", f"L-{found['number']}: {_what(found)}, {found['how']}"),
            ("case", str(found["case"] or "")),
            ("at", clock.show(found["at"])),
            ("missed", found["missed_on"] or ""),
            ("by", found["reporter"]["name"]),
            ("happened", found["text"]),
            *_on_record(record, clock),
        )
    )


def _on_record(record: Found, clock: "Clock") -> Iterator[tuple[str, str]]:
    """Give what was known when it was reported, which nothing that comes later changes."""
    yield "what", ", ".join(each for each in (record.get("kind", ""), record.get("label", "")) if each)
    yield "owner", (record.get("owner") or {}).get("name", "")
    for key, name in (("purpose", "purpose"), ("place", "kept"), ("checked_on", "checked"), ("purge_on", "to clear")):
        yield name, record.get(key) or ""
    if "holds_personal_data" in record:
        yield "data", "personal data" if record["holds_personal_data"] else "no personal data"
    yield "stated", in_words(record.get("stated", ""))
    attested_at = record.get("attested_at")
    yield "attested", f"{clock.show(attested_at)}: {record['attested']}" if attested_at else ""
    yield "proved", proved_in_words(record, clock) if "proved" in record else ""
    yield "evidence", "; ".join(_evidence(each) for each in (record.get("proved") or {}).get("evidence", ()))
    yield "worst", proof_in_words(record.get("worst_proved"), clock)
    yield "let pass", record.get("exception") or ""
    yield "out", _out(record.get("signed_out"))
    yield "also out", "; ".join(_out(each) for each in record.get("signed_out_to_holder", ()))


def _evidence(found: Found) -> str:
    return " ".join(text for text in (found.get("source", ""), found.get("value", "")) if text)


def _out(permit: Found | None) -> str:
    if permit is None:
        return ""
    return f"{permit['medium']} to {permit['person']['name']}, {permit['state']}, due {permit['due_on']}"


def _what(found: Found) -> str:
    if found["medium"] is not None:
        return f"M-{found['medium']}"
    return f"laptop {found['device']}" if found["device"] else "something else"


def state_of(permit: Found) -> str:
    """Say where a permit stands today; a medium that is not the school's is in while it is signed out."""
    if permit["is_overdue"]:
        return "overdue"
    state = str(permit["state"])
    return _FOREIGN.get(state, state) if permit["is_foreign"] else state


def proved_in_words(found: Found, clock: "Clock") -> str:
    """Say what was last proved of a medium or of the disk of a laptop, and when; nothing of paper."""
    if found.get("kind") == "paper":
        return ""
    return proof_in_words(found["proved"], clock) or "unknown"


def proof_in_words(proof: Found | None, clock: "Clock") -> str:
    """Say what was proved, and when; nothing where nothing was."""
    if proof is None:
        return ""
    return f"{_OF_DISKS.get(proof['crypt'], in_words(proof['crypt']))}, {clock.show(proof['at'])}"


def _by(found: Found, move: str, clock: "Clock") -> str:
    if not found.get(f"{move}_at"):
        return ""
    who = found[f"{move}_by"]
    return clock.show(found[f"{move}_at"]) + (f", by {who['name']}" if who and who["name"] else "")
