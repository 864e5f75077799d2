"""What everything that is done with incidents has at hand: the store, who is who, the packs and the calendar."""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from agent.incidents.incident_chains import Chains
from agent.incidents.incident_gate import Gate, is_about_heads
from agent.people.attempts import UnknownIdError, known_person, noting
from agent.people.people import People, Person, read_holders, read_people, read_person
from agent.people.pseudonyms import OF_PERSON, Pseudonyms
from agent.sites.site import IncidentSettings, Site
from agent.storage.incident_briefs import Brief
from agent.storage.incident_rows import Filed, draw_number, free_number, read_incident, write_incident
from agent.storage.state import Act, StateStore
from agent.storage.step_rows import read_steps
from agent.storage.timeline_rows import Entry, add_timeline
from rules.errors import RefusedRequestError
from rules.handbook import PackRole
from rules.incident import READERS, Incident, Level, Track
from rules.policy_pack import Pack
from rules.roles import Right, Role, parse_role, rights_of
from rules.sanction import SanctionRow, SanctionTable, Step
from rules.span import Span, due

SYSTEM: Final = "system"
NOT_THERE: Final = "There is no incident with that id that you may read."
_SCHOOL_WEEK: Final = frozenset(range(5))
# What is told and done within the circle of those who may read it.
_CLOSED: Final = frozenset({Track.RESTRICTED, Track.SEALED})


class NotYoursError(RefusedRequestError):
    """Somebody asks for an incident that they may not read."""


# Told within an act what happened, by the kind of its row in the record, to which incident, and who should know.
Tell = Callable[[Act, str, Filed, Sequence[str]], None]


def tell_nobody(_act: Act, _what: str, _filed: Filed, _people: Sequence[str]) -> None:
    """Stand in for whoever is told."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The means that the services share.

    Args:
        packs: those that the school goes by, in its order.
        site: the site in force.
        clock: aware UTC.
        new_id: makes ids.
        tell: called within an act, so that messages are queued in the same transaction.
        draw: draws a number of so many digits, that people call an incident by.
    """

    store: StateStore
    people: People
    pseudonyms: Pseudonyms
    packs: Callable[[], Sequence[Pack]]
    site: Callable[[], Site]
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    tell: Tell = tell_nobody
    draw: Callable[[int], int] = draw_number
    chains: Chains = field(init=False)

    def __post_init__(self) -> None:
        """Keep what the packs say together for as long as they stay."""
        object.__setattr__(self, "chains", Chains(self.packs))

    # ---- the school ----------------------------------------------------------------------------------------

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the school."""
        return ZoneInfo(self.site().school.timezone)

    @property
    def settings(self) -> IncidentSettings:
        """What the site says of incidents."""
        return self.site().private.incidents

    def day_of(self, at: datetime) -> date:
        """Give the day at the school."""
        return at.astimezone(self.zone).date()

    def began_at(self, day: date) -> datetime:
        """Give the instant at which a day at the school begins."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def due(self, start: datetime, span: Span) -> datetime:
        """Say when something is due by the calendar of the school."""
        return due(start, span, zone=self.zone, is_school_day=self.is_school_day)

    def is_school_day(self, day: date) -> bool:
        """Say whether the school is open on a day: in a term, outside the holidays, on a day of its week."""
        site = self.site()
        week = frozenset().union(*(window.days for each in site.schedules for window in each.windows)) or _SCHOOL_WEEK
        return (
            day.weekday() in week
            and not any(holiday.covers(day) for holiday in site.holidays)
            and (not site.terms or any(term.covers(day) for term in site.terms))
        )

    def table_of(self, audience: str) -> SanctionTable | None:
        """Give the sanction table of an audience, of the first pack that has one."""
        tables = (pack.sanctions.get(audience) for pack in self.packs())
        return next((table for table in tables if table is not None), None)

    def rows(self) -> dict[str, SanctionRow]:
        """Give the rows of all tables, by id."""
        tables = (table for pack in self.packs() for table in pack.sanctions.values())
        return {row.id: row for table in tables for row in table.rows.values()}

    def roles_of(self, audience: str) -> Mapping[str, PackRole]:
        """Give the roles that the table of an audience speaks of."""
        packs = (pack for pack in self.packs() if audience in pack.sanctions)
        return next((pack.handbook.roles for pack in packs), {})

    def end_of_year(self, at: datetime) -> date:
        """Give the first day of the next school year."""
        began = self.pseudonyms.year_began(self.day_of(at))
        return began.replace(year=began.year + 1)

    # ---- who is who ----------------------------------------------------------------------------------------

    def is_subject(self, person: str, incident: Incident | Brief) -> bool:
        """Say whether an incident is about a person."""
        if incident.level is not Level.PERSON or not person:
            return False
        return self.pseudonyms.person(person, self.day_of(incident.opened_at)) == incident.subject

    def subject_of(self, database: sqlite3.Connection, incident: Incident) -> Person | None:
        """Find the person whom an incident is about; for what goes on inside, and never shown without being noted."""
        if incident.level is not Level.PERSON:
            return None
        return next((each for each in read_people(database) if self.is_subject(each.id, incident)), None)

    def known_as(self, database: sqlite3.Connection, subject: str, at: datetime) -> tuple[str, ...]:
        """Give the pseudonyms by which a subject is and was known, as far back as there are keys."""
        if not subject.startswith(OF_PERSON):
            return (subject,)
        days = [self.day_of(at)]
        while self.pseudonyms.has_key(earlier := self.pseudonyms.year_began(days[-1]) - timedelta(days=1)):
            days.append(earlier)
        for person in read_people(database):
            names = tuple(self.pseudonyms.person(person.id, day) for day in days)
            if subject in names:
                return names
        return (subject,)

    def person(self, database: sqlite3.Connection, person_id: str) -> Person:
        """Give somebody at the school by id.

        Raises:
            RefusedRequestError: nobody who is still there has it.
        """
        who = read_person(database, person_id)
        if who is None or who.closed:
            raise RefusedRequestError("Nobody at this school has that id; expected somebody who is there.")
        return who

    def holders(self, database: sqlite3.Connection, role: Role) -> list[Person]:
        """Give those who hold a role and have not left."""
        return [person for person in read_holders(database, (role,)) if not person.closed]

    def named_for(self, database: sqlite3.Connection, incident: Incident | Brief) -> frozenset[str]:
        """Give who was named for restricted incidents; the chair only where it is about a head teacher."""
        named = {self.settings.second_reader}
        heads = self.holders(database, Role.HEAD_TEACHER)
        if is_about_heads(incident) or any(self.is_subject(head.id, incident) for head in heads):
            named.add(self.settings.chair)
        return self._called(database, named)

    def reads_incidents(self, database: sqlite3.Connection, who: Person) -> bool:
        """Say whether there may be incidents that somebody reads: by their roles or a chain, or as the site names."""
        by_role = Right.READ_INCIDENTS in rights_of(who.roles) or not who.roles.isdisjoint(self.chains.reading())
        return by_role or self.is_named(database, who)

    def is_named(self, database: sqlite3.Connection, who: Person) -> bool:
        """Say whether the site names somebody for what is restricted."""
        return who.id in self._called(database, {self.settings.second_reader, self.settings.chair})

    def _called(self, database: sqlite3.Connection, named: set[str]) -> frozenset[str]:
        """Give the ids of people whom the site names: by their id, or as the file calls them that they come from."""
        query = "SELECT id FROM people WHERE ? IN (id, external_id) AND closed_at IS NULL"
        rows = (database.execute(query, (called,)) for called in named - {""})
        return frozenset(row["id"] for found in rows for row in found)

    def may_read(self, database: sqlite3.Connection, who: Person, incident: Incident | Brief) -> bool:
        """Say whether somebody may read an incident: the one gate."""
        return Gate(self, database, who).lets(incident)

    def is_confidential(self, database: sqlite3.Connection, incident: Incident) -> bool:
        """Say whether somebody who reads what is ordinary may not read this: by its track, or as its subject."""
        if incident.track is not Track.ORDINARY:
            return True
        holders = read_holders(database, READERS[Track.ORDINARY] | self.chains.first(incident))
        return any(self.is_subject(each.id, incident) for each in holders)

    def readers(self, database: sqlite3.Connection, incident: Incident) -> list[Person]:
        """Give everybody who may read an incident."""
        return [person for person in read_people(database) if self.may_read(database, person, incident)]

    def reader(self, database: sqlite3.Connection, person: str, incident: Incident) -> Person:
        """Give who wants to read or move an incident.

        Raises:
            NotYoursError: they may not.
        """
        who = known_person(database, person)
        if not self.may_read(database, who, incident):
            raise NotYoursError(NOT_THERE)
        return who

    def holders_of(self, database: sqlite3.Connection, incident: Incident) -> Callable[[str], tuple[str, ...]]:
        """Give whoever says who holds a role of the pack and may do something about an incident.

        The subject is passed by. Of class teachers it is those of the class, of others those too where there are any.
        What is restricted or sealed is done by nobody who may not read it.
        """
        subject = self.subject_of(database, incident)
        classes = frozenset(subject.classes) if subject is not None else frozenset[str]()
        roles = self.roles_of(incident.audience.value)
        is_closed = incident.track in _CLOSED

        def holders(role: str) -> tuple[str, ...]:
            held = roles[role].holds if role in roles else parse_role(role)
            if held is None:
                return ()
            people = [each for each in self.holders(database, held) if not self.is_subject(each.id, incident)]
            if is_closed:
                people = [each for each in people if self.may_read(database, each, incident)]
            near = [each for each in people if not classes.isdisjoint(each.classes)]
            if near or held is Role.CLASS_TEACHER:
                people = near
            return tuple(each.id for each in people)

        return holders

    @contextmanager
    def attempt(self, person: str, what: str, incident_id: str) -> Iterator[None]:
        """Note what the rules refuse within the block; what somebody may not read is to them as if it were not there.

        Raises:
            UnknownIdError: there is no such incident, or none that they may read.
        """
        try:
            with noting(self.store, person, f"incident_{what}", subject=incident_id):
                yield
        except NotYoursError as error:
            raise UnknownIdError(str(error)) from None

    def reader_or_owner(
        self,
        database: sqlite3.Connection,
        person: str,
        incident: Incident,
        *,
        step: int | None = None,
        of: Collection[Step] = tuple(Step),
    ) -> Person:
        """Give who may read an incident, or has one of its steps to do; never whom it is about.

        Args:
            step: the number of the step that is meant; None for any.
            of: of which nature their step is.

        Raises:
            NotYoursError: neither.
        """
        who = known_person(database, person)
        owns = not self.is_subject(who.id, incident) and any(
            who.id in each.owners and each.step in of and step in {None, each.number}
            for each in read_steps(database, incident.id)
        )
        if not owns and not self.may_read(database, who, incident):
            raise NotYoursError(NOT_THERE)
        return who

    # ---- what is on file -----------------------------------------------------------------------------------

    def existing(self, database: sqlite3.Connection, incident_id: str) -> Filed:
        """Read an incident.

        Raises:
            UnknownIdError: there is none with this id.
        """
        filed = read_incident(database, incident_id)
        if filed is None:
            raise UnknownIdError(NOT_THERE)
        return filed

    def new_number(self, database: sqlite3.Connection) -> int:
        """Give a number for an incident that is filed."""
        return free_number(database, self.draw)

    def facts_of(self, database: sqlite3.Connection, filed: Filed, further: Mapping[str, Any]) -> dict[str, Any]:
        """Give what the record keeps of an incident for ever.

        The record is read by more people than an incident that is confidential: of those it keeps that something was
        done, and the hash that proves what.
        """
        incident = filed.incident
        if self.is_confidential(database, incident):
            return {"is_confidential": True, "version": filed.version}
        return {
            "number": filed.number,
            "version": filed.version,
            "kind": incident.kind.value,
            "track": incident.track.value,
            "level": incident.level.value,
            "state": incident.state.value,
            "intent": incident.intent,
            **further,
        }

    def file(
        self,
        act: Act,
        filed: Filed,
        kind: str,
        entry: Entry,
        *,
        to: Iterable[str] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> Filed:
        """Write an incident, its entry in the timeline and its row in the record, and tell those who should know."""
        write_incident(act, filed)
        return self.enter(act, filed, kind, entry, to=to, facts=facts)

    def tell_of(self, act: Act, kind: str, filed: Filed, people: Sequence[str]) -> None:
        """Tell people of something that is noted already."""
        if people:
            self.tell(act, kind, filed, people)

    def add(self, act: Act, filed: Filed, entry: Entry) -> None:
        """Write an entry in the timeline that belongs to what is noted beside it."""
        add_timeline(act, filed.incident.id, entry)

    def enter(
        self,
        act: Act,
        filed: Filed,
        kind: str,
        entry: Entry,
        *,
        to: Iterable[str] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> Filed:
        """Write an entry in the timeline and its row in the record, and tell those who should know."""
        told = add_timeline(act, filed.incident.id, entry)
        act.note(
            kind,
            actor=entry.actor,
            subject=filed.incident.id,
            facts={**self.facts_of(act.database, filed, facts or {}), "evidence": told.hash},
        )
        if people := tuple(dict.fromkeys(to)):
            self.tell(act, kind, filed, people)
        return filed
