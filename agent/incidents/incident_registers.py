"""The registers about incidents as tables for people and programs: by pseudonym, unless somebody asks for names.

A register is what this person may read of it. That it was handed out, and for what purpose, is in the record.
"""

import csv
import io
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from agent.incidents.incident_access import fault_of_purpose, shown
from agent.incidents.incident_desk import Desk
from agent.incidents.incident_gate import Gate
from agent.incidents.incident_reports import names_somebody
from agent.incidents.register_parts import WHOLE, Cell, Key, Part, Placed, cut, in_chunks
from agent.people.attempts import known_person, noting
from agent.people.people import Person, read_people
from agent.storage.access_rows import Access, Seen, read_accesses, write_access
from agent.storage.incident_rows import Filed, read_incident, read_incidents
from agent.storage.record import as_text
from agent.storage.state import Act, instant_text
from agent.storage.step_rows import FiledStep, read_referrals
from agent.storage.warning_rows import GivenWarning, read_warnings
from rules.errors import RefusedRequestError
from rules.incident import Level, Track
from rules.roles import Right, Role, rights_of

READ: Final = "register_read"


@dataclass(frozen=True, slots=True)
class Register:
    """A table; instants are ISO 8601 in UTC, days are ISO 8601, lists are joined by spaces.

    `next` is the key of its last row, where there is more.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    next: Key | None = None

    def as_csv(self) -> str:
        """Write the table as CSV that a spreadsheet takes for text."""
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_cell(cell) for cell in row] for row in self.rows)
        return out.getvalue()

    def as_items(self) -> list[dict[str, Cell]]:
        """Give the rows by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Registers:
    """The registers; each raises `RefusedRequestError` where this person may read none, or says no purpose."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def incidents(self, person: str, *, purpose: str, with_names: bool = False, part: Part = WHOLE) -> Register:
        """Give every incident that this person may read, the newest first."""

        def make(act: Act, who: Person) -> Iterator[Placed]:
            name, gate = self._namer(act.database, with_names=with_names), Gate(self._desk, act.database, who)

            def key(filed: Filed) -> tuple[str, str]:
                return instant_text(filed.filed_at), filed.incident.id

            for filed in in_chunks(
                partial(read_incidents, act.database), key, part, at_of=lambda filed: filed.filed_at
            ):
                if gate.lets(filed.incident):
                    yield key(filed), _incident_row(shown(filed), name(filed))

        return self._register(
            "incidents",
            _INCIDENT_COLUMNS,
            person,
            purpose,
            rights=_READING,
            make=make,
            part=part,
            with_names=with_names,
        )

    def warnings(self, person: str, *, purpose: str, with_names: bool = False, part: Part = WHOLE) -> Register:
        """Give every warning for an incident that this person may read, the newest first."""

        def make(act: Act, who: Person) -> Iterator[Placed]:
            name, gate = self._namer(act.database, with_names=with_names), Gate(self._desk, act.database, who)

            def key(given: GivenWarning) -> tuple[str, str]:
                return instant_text(given.given_at), given.id

            for given in in_chunks(
                partial(read_warnings, act.database), key, part, at_of=lambda given: given.given_at
            ):
                filed = read_incident(act.database, given.incident)
                if filed is None or not gate.lets(filed.incident):
                    continue
                yield (
                    key(given),
                    (
                        filed.number,
                        name(filed) if given.subject else "",
                        given.row,
                        instant_text(given.given_at),
                        given.given_by,
                        given.expires_on.isoformat(),
                        given.standing_on(self._desk.day_of(act.now)),
                        given.id,
                    ),
                )

        return self._register(
            "warnings",
            _WARNING_COLUMNS,
            person,
            purpose,
            rights=_READING,
            make=make,
            part=part,
            with_names=with_names,
        )

    def referrals(self, person: str, *, purpose: str, part: Part = WHOLE) -> Register:
        """Give who outside was brought in about incidents that this person may read, the newest first."""

        def make(act: Act, who: Person) -> Iterator[Placed]:
            gate = Gate(self._desk, act.database, who)

            def key(step: FiledStep) -> tuple[str, str, int]:
                return _instant(step.done_at) or "", step.incident, step.number

            for step in in_chunks(partial(read_referrals, act.database), key, part, at_of=lambda step: step.done_at):
                filed = read_incident(act.database, step.incident)
                if filed is not None and gate.lets(filed.incident):
                    told = (step.number, step.referred_to, step.reference, _instant(step.done_at), step.done_by)
                    yield key(step), (filed.number, filed.incident.kind.value, *told, step.outcome)

        return self._register("referrals", _REFERRAL_COLUMNS, person, purpose, rights=_READING, make=make, part=part)

    def accesses(self, person: str, *, purpose: str, part: Part = WHOLE) -> Register:
        """Give who looked at what is kept about somebody; whoever watches over that sees it of every incident."""

        def make(act: Act, who: Person) -> Iterator[Placed]:
            watches, gate = Right.READ_ACCESSES in rights_of(who.roles), Gate(self._desk, act.database, who)

            def read(*, before: tuple[int] | None, limit: int) -> list[Access]:
                return read_accesses(
                    act.database,
                    since=part.from_at,
                    until=part.until_at,
                    before=before[0] if before else None,
                    limit=limit,
                )

            for access in in_chunks(read, lambda access: (access.number,), part, at_of=lambda access: access.at):
                filed = read_incident(act.database, access.incident) if access.incident else None
                if not watches and (filed is None or not gate.lets(filed.incident)):
                    continue
                if filed is not None and self._desk.is_subject(who.id, filed.incident):
                    continue
                number = None if filed is None else filed.number
                row = (instant_text(access.at), access.person, number, access.seen.value, access.purpose)
                yield (access.number,), row

        return self._register("accesses", _ACCESS_COLUMNS, person, purpose, rights=_WATCHING, make=make, part=part)

    def roles(self, person: str, *, purpose: str, part: Part = WHOLE) -> Register:
        """Give who holds which role since when, and which roles that the packs name nobody holds."""

        def rows(act: Act) -> Iterator[tuple[Cell, ...]]:
            held = {role: self._desk.holders(act.database, role) for role in Role if role is not Role.PUPIL}
            wanted = {role.holds for pack in self._desk.packs() for role in pack.handbook.roles.values()}
            since = _held_since(act.database)
            for role, people in held.items():
                for each in people:
                    yield (role.value, each.id, each.name, since.get((each.id, role.value)), False)
                if not people and role in wanted and role not in _MANY:
                    yield (role.value, None, None, None, True)

        def make(act: Act, _who: Person) -> Iterator[Placed]:
            first = int(part.after[0]) if part.after else 0
            return (((number,), row) for number, row in enumerate(rows(act), 1) if number > first)

        return self._register("roles", _ROLE_COLUMNS, person, purpose, rights=_SEEING_PEOPLE, make=make, part=part)

    def _register(
        self,
        name: str,
        columns: tuple[str, ...],
        person: str,
        purpose: str,
        *,
        rights: frozenset[Right],
        make: Callable[[Act, Person], Iterable[Placed]],
        part: Part,
        with_names: bool = False,
    ) -> Register:
        with noting(self._desk.store, person, f"register_{name}"), self._desk.store.act() as act:
            who = known_person(act.database, person)
            if rights.isdisjoint(rights_of(who.roles)) and not self._desk.reads_incidents(act.database, who):
                raise RefusedRequestError(f"None of your roles reads the register of {name}.")
            if fault := fault_of_purpose(purpose):
                raise RefusedRequestError(fault)
            rows, more = cut(make(act, who), part)
            write_access(act, Access(act.now, person, "", Seen.EXPORT, purpose.strip()))
            facts = {"register": name, "rows": len(rows), "with_names": with_names, **part.facts()}
            act.note(READ, actor=person, facts=facts, personal={"purpose": purpose.strip()})
            return Register(name, columns, rows, more)

    def _namer(self, database: sqlite3.Connection, *, with_names: bool) -> Callable[[Filed], str]:
        """Give whoever says how the subject of an incident is called; of a sealed one nobody does."""
        people = read_people(database) if with_names else []
        by_day: dict[str, Mapping[str, str]] = {}

        def name(filed: Filed) -> str:
            incident = filed.incident
            if incident.track is Track.SEALED or not names_somebody(incident):
                return ""
            if not with_names or incident.level is not Level.PERSON:
                return incident.subject
            day = self._desk.day_of(incident.opened_at)
            began = self._desk.pseudonyms.year_began(day).isoformat()
            if began not in by_day:
                by_day[began] = {self._desk.pseudonyms.person(each.id, day): each.name for each in people}
            return by_day[began].get(incident.subject, incident.subject)

        return name


def _incident_row(filed: Filed, subject: str) -> tuple[Cell, ...]:
    incident = filed.incident
    values: dict[str, Any] = {
        "number": filed.number,
        "filed_at": instant_text(filed.filed_at),
        "kind": incident.kind.value,
        "risk": incident.risk.value,
        "audience": incident.audience.value,
        "subject": subject,
        "level": incident.level.value if names_somebody(incident) else None,
        "confidence": incident.confidence.value,
        "place": incident.place.value,
        "track": incident.track.value,
        "state": incident.state.value,
        "row": incident.row,
        "proposed_rows": " ".join(incident.rows),
        "intent": incident.intent,
        "deliberate": filed.deliberate.value if filed.deliberate else None,
        "decided_by": filed.decided_by or None,
        "decided_at": _instant(filed.decided_at),
        "dismissal": filed.dismissal.value if filed.dismissal else None,
        "closed_at": _instant(filed.closed_at),
        "is_held": filed.is_held,
        "erased_at": _instant(filed.erased_at),
    }
    return tuple(values[column] for column in _INCIDENT_COLUMNS)


def _held_since(database: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """Find in the record since when whoever holds a role holds it without a break, by person and role."""
    query = (
        "SELECT subject, at, json_extract(facts, '$.roles') AS roles FROM audit"
        " WHERE kind = 'people_changed' AND roles IS NOT NULL ORDER BY number"
    )
    since: dict[str, dict[str, str]] = {}
    for subject, at, roles in database.execute(query):
        before = since.get(subject, {})
        since[subject] = {role: before.get(role, at) for role in json.loads(roles)}
    return {(subject, role): at for subject, held in since.items() for role, at in held.items()}


def _instant(at: datetime | None) -> str | None:
    return None if at is None else instant_text(at)


def _cell(cell: Cell) -> str | int:
    if cell is None:
        return ""
    return ("no", "yes")[cell] if isinstance(cell, bool) else as_text(cell)


_INCIDENT_COLUMNS: Final = (
    "number", "filed_at", "kind", "risk", "audience", "subject", "level", "confidence", "place", "track", "state",
    "row", "proposed_rows", "intent", "deliberate", "decided_by", "decided_at", "dismissal", "closed_at", "is_held",
    "erased_at",
)  # fmt: skip
_WARNING_COLUMNS: Final = ("case", "subject", "row", "given_at", "given_by", "expires_on", "standing", "warning")
_REFERRAL_COLUMNS: Final = ("case", "kind", "step", "referred_to", "reference", "at", "by", "outcome")
_ACCESS_COLUMNS: Final = ("at", "person", "case", "seen", "purpose")
_ROLE_COLUMNS: Final = ("role", "person", "name", "since", "is_vacant")
# What many are, and nobody is appointed to.
_MANY: Final = frozenset({Role.TEACHER, Role.STAFF})
_READING: Final = frozenset({Right.READ_INCIDENTS})
_WATCHING: Final = frozenset({Right.READ_INCIDENTS, Right.READ_ACCESSES})
_SEEING_PEOPLE: Final = frozenset({Right.READ_PEOPLE, Right.READ_RECORD, Right.READ_INCIDENTS})
