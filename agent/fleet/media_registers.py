"""The registers of media and of what is out as tables, by pseudonym unless somebody asks for names.

That one was handed out, and for what purpose, is in the record, as with the other registers.
"""

import sqlite3
from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from agent.fleet.media_desk import MediaDesk, called
from agent.incidents.incident_registers import Register
from agent.incidents.register_parts import WHOLE, Cell, Part, Placed, in_chunks
from agent.people.pseudonyms import Pseudonyms
from agent.requests.noted_registers import Namer, NotedRegisters
from agent.storage.media_rows import Which, read_media, read_proofs
from agent.storage.permit_rows import read_sign_outs
from agent.storage.state import Act, instant_text
from rules.medium import Medium, SignOut
from rules.roles import Right

_READING: Final = frozenset({Right.MANAGE_MEDIA, Right.READ_RECORD})
_MEDIA_COLUMNS: Final = (
    "medium", "registered_at", "kind", "owner", "state", "is_foreign", "stated", "proved", "proved_at",
    "worst_proved", "attested_at", "holds_personal_data", "checked_on", "purge_on", "has_serial", "disposed_at",
    "disposed_by",
)  # fmt: skip
_SIGN_OUT_COLUMNS: Final = (
    "sign_out", "medium", "asked_at", "person", "is_foreign", "state", "due_on", "is_overdue", "decided_at",
    "decided_by", "returned_at", "returned_by",
)  # fmt: skip


class MediaRegisters:
    """The registers; each raises `RefusedRequestError` where this person may not read it, or says no purpose."""

    def __init__(self, desk: MediaDesk, pseudonyms: Pseudonyms) -> None:
        self._desk = desk
        self._noted = NotedRegisters(desk.store, pseudonyms, reading=_READING)

    def media(self, person: str, *, purpose: str, with_names: bool = False, part: Part = WHOLE) -> Register:
        """Give every medium, the newest first; what people wrote of it is not in it."""

        def make(act: Act, name: Namer) -> Iterator[Placed]:
            def read(*, before: tuple[int] | None, limit: int) -> list[Medium]:
                return read_media(act.database, before=before[0] if before else None, limit=limit)

            found = in_chunks(read, lambda medium: (medium.number,), part, at_of=lambda medium: medium.registered_at)
            return (((each.number,), _medium_row(act.database, each, name)) for each in found)

        return self._noted.hand_out(
            "media", _MEDIA_COLUMNS, person, purpose=purpose, make=make, part=part, with_names=with_names
        )

    def sign_outs(self, person: str, *, purpose: str, with_names: bool = False, part: Part = WHOLE) -> Register:
        """Give every permit, the newest first."""

        def make(act: Act, name: Namer) -> Iterator[Placed]:
            def read(*, before: tuple[int] | None, limit: int) -> list[SignOut]:
                return read_sign_outs(act.database, before=before[0] if before else None, limit=limit)

            today = self._desk.day_of(act.now)
            found = in_chunks(read, lambda permit: (permit.number,), part, at_of=lambda permit: permit.asked_at)
            return (((each.number,), _sign_out_row(each, name, today)) for each in found)

        return self._noted.hand_out(
            "sign_outs", _SIGN_OUT_COLUMNS, person, purpose=purpose, make=make, part=part, with_names=with_names
        )


def _medium_row(database: sqlite3.Connection, medium: Medium, name: Namer) -> tuple[Cell, ...]:
    proofs, at = read_proofs(database, medium.serial_key), medium.registered_at
    latest, worst = proofs.get(Which.LATEST), proofs.get(Which.WORST)
    return (
        called(medium.number),
        instant_text(at),
        medium.kind.value,
        name(medium.owner, at),
        medium.state.value,
        medium.is_foreign,
        medium.stated.value,
        None if latest is None else latest.crypt,
        None if latest is None else instant_text(latest.at),
        None if worst is None else worst.crypt,
        _instant(medium.attested_at),
        medium.holds_personal_data,
        _day(medium.checked_on),
        _day(medium.purge_on),
        bool(medium.serial_key),
        _instant(medium.disposed_at),
        name(medium.disposed_by, at),
    )


def _sign_out_row(permit: SignOut, name: Namer, today: date) -> tuple[Cell, ...]:
    at = permit.asked_at
    return (
        f"S-{permit.number}",
        called(permit.medium),
        instant_text(at),
        name(permit.person, at),
        permit.is_foreign,
        permit.state.value,
        permit.due_on.isoformat(),
        permit.is_overdue(today),
        _instant(permit.decided_at),
        name(permit.decided_by, at),
        _instant(permit.returned_at),
        name(permit.returned_by, at),
    )


def _instant(at: datetime | None) -> str | None:
    return None if at is None else instant_text(at)


def _day(on: date | None) -> str | None:
    return None if on is None else on.isoformat()
