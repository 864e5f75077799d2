"""How media, permits, exceptions and reports read for programs: ids become people, numbers stay numbers."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from agent.api.media_schemas import (
    ExceptionTold,
    LostTold,
    MediumTold,
    MoveTold,
    ProofTold,
    SignOutTold,
    WholeMediumTold,
)
from agent.api.parts import named, names_of
from agent.api.schemas import PersonNamed
from agent.fleet.media_desk import SYSTEM
from agent.storage.incident_rows import read_incident
from agent.storage.media_rows import Proof, Which, read_moves, read_proofs
from agent.storage.permit_rows import LostReport, exception_of, read_open_sign_out
from rules.medium import Medium, MediumException, SignOut

_Names = Mapping[str, str]
# What of a move is whom it is about.
_PEOPLE: Final = ("owner", "person")


def tell_media(database: sqlite3.Connection, media: Sequence[Medium]) -> list[MediumTold]:
    """Tell media with what was proved of them."""
    names = _named(database, (person for each in media for person in _of_medium(each)))
    return [MediumTold.model_validate(_medium(database, each, names)) for each in media]


def tell_medium(database: sqlite3.Connection, medium: Medium, *, at: datetime, today: date) -> WholeMediumTold:
    """Tell a medium with everything that is known of it."""
    moves = read_moves(database, medium.number)
    said = (move.words.get(key, "") for move in moves for key in _PEOPLE)
    names = _named(database, (*_of_medium(medium), *(move.person for move in moves), *said))
    permit, exception = read_open_sign_out(database, medium.number), exception_of(database, medium, at)
    return WholeMediumTold(
        **_medium(database, medium, names),
        sign_out=None if permit is None else tell_sign_outs(database, [permit], today=today)[0],
        exception=None if exception is None else tell_exceptions(database, [exception], at=at)[0],
        moves=[
            MoveTold(
                at=move.at,
                person=named(move.person, names),
                move=move.move,
                content=dict(move.content),
                words={key: names.get(text, text) if key in _PEOPLE else text for key, text in move.words.items()},
            )
            for move in moves
        ],
    )


def tell_sign_outs(database: sqlite3.Connection, permits: Sequence[SignOut], *, today: date) -> list[SignOutTold]:
    """Tell permits."""
    people = (
        person for each in permits for person in (each.person, each.asked_by, each.decided_by, each.returned_by)
    )
    names = _named(database, people)
    return [
        SignOutTold(
            number=each.number,
            version=each.version,
            medium=each.medium,
            is_foreign=each.is_foreign,
            person=named(each.person, names),
            purpose=each.purpose,
            due_on=each.due_on,
            is_overdue=each.is_overdue(today),
            state=each.state.value,
            asked_at=each.asked_at,
            asked_by=named(each.asked_by, names),
            decided_at=each.decided_at,
            decided_by=_somebody(each.decided_by, names),
            reason=each.reason,
            returned_at=each.returned_at,
            returned_by=_somebody(each.returned_by, names),
        )
        for each in permits
    ]


def tell_exceptions(
    database: sqlite3.Connection, exceptions: Sequence[MediumException], *, at: datetime
) -> list[ExceptionTold]:
    """Tell exceptions."""
    names = _named(database, (person for each in exceptions for person in (each.asked_by, each.decided_by)))
    return [
        ExceptionTold(
            number=each.number,
            version=each.version,
            medium=each.medium,
            asked_by=named(each.asked_by, names),
            purpose=each.purpose,
            until_on=each.until_on,
            state=each.state.value,
            holds=each.holds(at),
            asked_at=each.asked_at,
            decided_at=each.decided_at,
            decided_by=_somebody(each.decided_by, names),
            reason=each.reason,
        )
        for each in exceptions
    ]


def tell_lost(database: sqlite3.Connection, reports: Sequence[LostReport]) -> list[LostTold]:
    """Tell reports; the number of the case is what people say."""
    people = (person for each in reports for person in (each.reporter, *_people(each.on_record)))
    names = _named(database, people)
    return [
        LostTold(
            number=each.number,
            at=each.at,
            how=each.how.value,
            reporter=named(each.reporter, names),
            text=each.text,
            medium=each.medium,
            device=each.device,
            missed_on=each.missed_on,
            case=None if (filed := read_incident(database, each.incident)) is None else filed.number,
            on_record=_with_names(each.on_record, names),
        )
        for each in reports
    ]


def _people(on_record: Mapping[str, Any]) -> Iterable[str]:
    """Give who is spoken of in what was on record."""
    permits = (on_record.get("signed_out") or {}, *on_record.get("signed_out_to_holder", ()))
    return (person or "" for person in (on_record.get("owner"), *(each.get("person") for each in permits)))


def _with_names(on_record: Mapping[str, Any], names: _Names) -> dict[str, Any]:
    """Give what was on record with names beside the ids."""
    told = dict(on_record)
    if told.get("owner"):
        told["owner"] = named(told["owner"], names).model_dump()
    if told.get("signed_out"):
        told["signed_out"] = _permit_with_names(told["signed_out"], names)
    if "signed_out_to_holder" in told:
        told["signed_out_to_holder"] = [_permit_with_names(each, names) for each in told["signed_out_to_holder"]]
    return told


def _permit_with_names(permit: Mapping[str, Any], names: _Names) -> dict[str, Any]:
    return {**permit, "person": named(permit["person"], names).model_dump()}


def _medium(database: sqlite3.Connection, medium: Medium, names: _Names) -> dict[str, Any]:
    proofs = read_proofs(database, medium.serial_key)
    return {
        "number": medium.number,
        "version": medium.version,
        "kind": medium.kind.value,
        "state": medium.state.value,
        "owner": named(medium.owner, names),
        "label": medium.label,
        "purpose": medium.purpose,
        "place": medium.place,
        "stated": medium.stated.value,
        "holds_personal_data": medium.holds_personal_data,
        "is_foreign": medium.is_foreign,
        "has_serial": bool(medium.serial_key),
        "checked_on": medium.checked_on,
        "purge_on": medium.purge_on,
        "attested": medium.attested,
        "attested_at": medium.attested_at,
        "registered_at": medium.registered_at,
        "registered_by": named(medium.registered_by, names),
        "disposed_at": medium.disposed_at,
        "disposed_by": _somebody(medium.disposed_by, names),
        "disposal": medium.disposal,
        "proved": _proof(proofs.get(Which.LATEST)),
        "worst_proved": _proof(proofs.get(Which.WORST)),
    }


def _of_medium(medium: Medium) -> tuple[str, ...]:
    return medium.owner, medium.registered_by, medium.disposed_by


def _proof(proof: Proof | None) -> ProofTold | None:
    if proof is None:
        return None
    evidence = [dict(each) for each in proof.evidence]
    return ProofTold(crypt=proof.crypt, at=proof.at, device=proof.device, evidence=evidence)


def _somebody(person: str, names: _Names) -> PersonNamed | None:
    return named(person, names) if person else None


def _named(database: sqlite3.Connection, people: Iterable[str]) -> _Names:
    return names_of(database, (person for person in people if person and person != SYSTEM))
