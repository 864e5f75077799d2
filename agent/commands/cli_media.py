"""The register of media, from a shell; numbers are as people say them: M-12."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from agent.commands.cli_cases import read_day
from agent.commands.cli_media_permits import (
    Found,
    MediumArgument,
    PurposeOption,
    allow,
    ask_exception,
    exceptions,
    lost,
    out,
    place_of_medium,
    proof_in_words,
    proved_in_words,
    refuse,
    sign_in,
    sign_out,
    state_of,
    withdraw,
)
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
    usage,
)
from agent.commands.cli_requests import ReasonOption
from rules.medium import MediumKind, MediumState, Stated, stands

if TYPE_CHECKING:
    from agent.commands.cli_times import Clock

media = group_of_commands("Sticks, disks, papers: on the register, out of the school, let pass, lost.")
for command in (sign_out, sign_in, out, exceptions, allow, refuse, withdraw, lost):
    media.command()(command)
media.command("except")(ask_exception)


# What of a move is said by its own name or number, by another word, or not at all.
_NUMBERED: Final = {"sign_out": "S", "exception": "E", "report": "L"}
_CALLED: Final = {
    "at": "on",
    "crypt": "as",
    "device": "by laptop",
    "step": "reminder",
    "purge_on": "to clear",
    "next_on": "again",
}
_UNTOLD: Final = frozenset({"state", "incident"})

HowOption = Annotated[str, typer.Option("--how", help="How, in a few words; it is kept on record.")]
PurgeOption = Annotated[str | None, typer.Option("--purge", metavar="DAY", help="When it is to be cleared.")]
CheckedOption = Annotated[
    str | None, typer.Option("--checked", metavar="DAY", help="When it was looked through for viruses.")
]
PlaceOption = Annotated[str | None, typer.Option("--place", help="Where it is kept.")]
LabelOption = Annotated[str | None, typer.Option("--label", help="How one tells it from others.")]
StatedOption = Annotated[Stated | None, typer.Option("--encryption", help="What is known of its encryption.")]
PersonalOption = Annotated[
    bool | None, typer.Option("--personal-data/--no-personal-data", help="Whether it holds personal data.")
]
OwnerOption = Annotated[str | None, typer.Option("--owner", help="The id of who answers for it.")]
SerialOption = Annotated[
    str | None, typer.Option("--serial", help="Its serial number, of which only a keyed hash is kept.")
]
UsbOption = Annotated[
    str | None, typer.Option("--usb", metavar="VENDOR:PRODUCT", help="Its USB ids, such as 0951:177f.")
]


@media.command()
def register(
    kind: Annotated[MediumKind, typer.Argument(help=", ".join(MediumKind))],
    *,
    purpose: PurposeOption,
    label: LabelOption = None,
    place: PlaceOption = None,
    stated: StatedOption = None,
    has_personal_data: PersonalOption = None,
    is_foreign: Annotated[bool, typer.Option("--foreign", help="It is not the school's, and is brought in.")] = False,
    checked: CheckedOption = None,
    purge_on: PurgeOption = None,
    serial: SerialOption = None,
    usb: UsbOption = None,
    owner: OwnerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a medium on the register, as your own or, if you manage media, as somebody else's."""
    with told():
        said = _said(
            label=label,
            place=place,
            stated=stated,
            holds_personal_data=has_personal_data,
            checked_on=read_day("--checked", checked),
            purge_on=read_day("--purge", purge_on),
            serial=serial,
            usb=usb,
            owner=owner,
        )
        body = {"kind": kind, "purpose": purpose, "is_foreign": is_foreign, **said}
        with signed_in(quiet=as_json) as client:
            _tell_medium(client.post("/media", body), clock_of(client), as_json=as_json)


@media.command("list")
def list_media(
    *,
    state: Annotated[MediumState | None, typer.Option("--state", help="Those in this state only.")] = None,
    owner: OwnerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List media with what was last proved of each: your own, or all if you manage media."""
    with told(), signed_in(quiet=as_json) as client:
        found = list(client.pages("/media", {"state": state, "owner": owner}))
        clock = clock_of(client)
    if as_json:
        print_json(found)
        return
    rows = (
        (
            f"M-{each['number']}",
            each["kind"],
            each["label"],
            each["owner"]["name"],
            each["state"],
            each["stated"],
            proved_in_words(each, clock),
            each["purge_on"] or "",
        )
        for each in found
    )
    columns = ("MEDIUM", "KIND", "LABEL", "OWNER", "STATE", "STATED", "PROVED", "TO CLEAR")
    print_table(columns, rows, empty="There is no medium on the register that you may see.")


@media.command()
def show(medium: MediumArgument, *, as_json: JsonOption = False) -> None:
    """Show a medium, what was proved of it, who has it, and what was done with it."""
    with told(), signed_in(quiet=as_json) as client:
        found, clock = client.get(place_of_medium(medium)), clock_of(client)
        _tell_medium(found, clock, as_json=as_json)
        if as_json:
            return
        rows = (
            (clock.show(each["at"]), in_words(each["move"]), each["person"]["name"], _more(each, clock))
            for each in found["moves"]
        )
        print_table(("AT", "WHAT", "BY", "MORE"), rows, empty="")


@media.command()
def change(
    medium: MediumArgument,
    *,
    purpose: Annotated[str | None, typer.Option("--purpose", help="What it is for, in a few words.")] = None,
    label: LabelOption = None,
    place: PlaceOption = None,
    stated: StatedOption = None,
    has_personal_data: PersonalOption = None,
    checked: CheckedOption = None,
    purge_on: PurgeOption = None,
    serial: SerialOption = None,
    usb: UsbOption = None,
    owner: OwnerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change what is said of a medium; what is left out stays."""
    with told():
        body = _said(
            label=label,
            place=place,
            stated=stated,
            holds_personal_data=has_personal_data,
            checked_on=read_day("--checked", checked),
            purge_on=read_day("--purge", purge_on),
            serial=serial,
            usb=usb,
            owner=owner,
        )
        _move(medium, "change", body | ({} if purpose is None else {"purpose": purpose}), as_json=as_json)


@media.command()
def purge(
    medium: MediumArgument,
    *,
    how: HowOption,
    again: Annotated[
        str | None, typer.Option("--next", metavar="DAY", help="When it is to be cleared again.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """State that what was on a medium is deleted, and how."""
    with told():
        _move(medium, "purge", {"how": how, "next_on": read_day("--next", again)}, as_json=as_json)


@media.command()
def attest(medium: MediumArgument, *, how: HowOption, as_json: JsonOption = False) -> None:
    """State how a medium of yours is protected; it is kept as you state it."""
    with told():
        _move(medium, "attest", {"how": how}, as_json=as_json)


@media.command()
def dispose(medium: MediumArgument, *, how: HowOption, as_json: JsonOption = False) -> None:
    """Take a medium off the register for good, with how it was destroyed or given away."""
    with told():
        _move(medium, "dispose", {"how": how}, as_json=as_json)


@media.command()
def found(
    medium: MediumArgument,
    *,
    where: Annotated[str, typer.Option("--where", help="Where it was, in a few words.")],
    as_json: JsonOption = False,
) -> None:
    """Put a medium that was lost back in its place."""
    with told():
        _move(medium, "find", {"how": where}, as_json=as_json)


@media.command()
def erase(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The id of who asks for it.")],
    *,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Erase what is over about a person who asks for it; what is in use, out, lost or part of a case stays."""
    with told(), signed_in(quiet=as_json) as client:
        done = client.post("/media/erasures", {"person": person, "reason": reason})
    if as_json:
        print_json(done)
    else:
        say(f"Erased: {done['erased']}. Kept, because it is not over: {done['kept']}.")


# ---- parts of each ---------------------------------------------------------------------------------------------


def _said(*, usb: str | None, **said: Any) -> dict[str, Any]:
    """Give what was said of a medium, without what was left out."""
    vendor, _, product = (usb or "").partition(":")
    if usb is not None and not (vendor and product):
        raise usage("--usb", f"'{usb}'", "vendor and product in hexadecimal, such as 0951:177f")
    said |= {"vendor": vendor or None, "product": product or None}
    return {name: value for name, value in said.items() if value is not None}


def _move(medium: str, move: str, body: Found, *, as_json: bool) -> None:
    """Make a move at the version that stands now, and tell what came of it."""
    place = place_of_medium(medium)
    with signed_in(quiet=as_json) as client:
        made = client.post(f"{place}/{move}", body, version=client.get(place)["version"])
        _tell_medium(made, clock_of(client), as_json=as_json)


def _tell_medium(found: Found, clock: "Clock", *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        print_facts(_facts(found, clock))


def _facts(found: Found, clock: "Clock") -> Iterator[tuple[str, str]]:
    state = stands(MediumState(found["state"]))
    yield "medium", f"M-{found['number']}: {found['kind']}, {state}{', foreign' * found['is_foreign']}"
    yield "label", found["label"]
    yield "owner", found["owner"]["name"]
    yield "purpose", found["purpose"]
    yield "kept", found["place"]
    yield "data", "personal data" if found["holds_personal_data"] else "no personal data"
    yield "stated", in_words(found["stated"])
    yield "attested", f"{clock.show(found['attested_at'])}: {found['attested']}" if found["attested_at"] else ""
    yield "proved", proved_in_words(found, clock)
    yield "worst", proof_in_words(found["worst_proved"], clock)
    yield "checked", found["checked_on"] or ""
    yield "to clear", "" if found["disposed_at"] else found["purge_on"] or ""
    permit, exception = found.get("sign_out"), found.get("exception")
    yield "out", f"S-{permit['number']}, {state_of(permit)}, due {permit['due_on']}" if permit else ""
    yield "let pass", f"E-{exception['number']}, until {exception['until_on']}" if exception else ""
    yield "disposed", f"{clock.show(found['disposed_at'])}: {found['disposal']}" if found["disposed_at"] else ""


def _more(move: Found, clock: "Clock") -> str:
    said = {**move["content"], **move["words"]}
    told = (_one_more(key, value, clock) for key, value in said.items() if value not in ("", None, False))
    return ", ".join(each for each in told if each)


def _one_more(key: str, value: Any, clock: "Clock") -> str:
    if key in _UNTOLD:
        return ""
    if key in _NUMBERED:
        return f"{_NUMBERED[key]}-{value}"
    if value is True:
        return in_words(key)
    if key == "at":
        value = clock.show(value)
    elif key == "crypt":
        value = in_words(value)
    return f"{_CALLED.get(key, in_words(key))} {value}"
