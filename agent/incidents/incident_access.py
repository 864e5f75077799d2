"""Looking at incidents: the queue by pseudonym, one incident for a purpose, and who somebody is; all of it is noted.

One gate says who may read what (`rules.incident.may_read`); whoever may not learns not even that there is something.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from agent.incidents.incident_counts import Counts, count, count_told, first_told
from agent.incidents.incident_desk import Desk
from agent.incidents.incident_gate import Gate
from agent.people.attempts import known_person
from agent.people.people import Person
from agent.storage.access_rows import Access, Seen, write_access
from agent.storage.incident_briefs import read_briefs, read_briefs_as_of
from agent.storage.incident_rows import Filed, read_incidents
from agent.storage.state import Act
from agent.storage.step_rows import FiledStep, read_referrals
from agent.storage.timeline_rows import Entry, read_timeline
from rules.errors import RefusedRequestError
from rules.incident import Level, State, Track
from rules.observation import Place
from rules.roles import Right, rights_of
from rules.steps import ABOUT_SOMEBODY

VIEWED: Final = "incident_viewed"
REVEALED: Final = "subject_revealed"
OPEN: Final = (State.CANDIDATE, State.ACCEPTED)
MAX_PURPOSE_CHARACTERS: Final = 200
_MIN_LETTERS: Final = 5
# Who is at risk comes first.
_ORDER: Final = (Track.SAFEGUARDING, Track.SEALED, Track.RESTRICTED, Track.ORDINARY)


@dataclass(frozen=True, slots=True)
class Viewed:
    """One incident with its timeline, as somebody may see it; `referrals` are steps that brought somebody in."""

    filed: Filed
    timeline: tuple[Entry, ...]
    referrals: tuple[FiledStep, ...] = ()


class Looking:
    """How people look at incidents."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def queue(self, person: str, *, states: Iterable[State] = OPEN, limit: int = 100, offset: int = 0) -> list[Filed]:
        """Give the incidents that somebody may read, by pseudonym, without what people wrote; the most urgent first.

        Raises:
            RefusedRequestError: nobody has this id.
        """
        with self._desk.store.read() as database:
            gate = Gate(self._desk, database, known_person(database, person))
            found = [each for each in read_incidents(database, states=states, limit=-1) if gate.lets(each.incident)]
        found.sort(key=_urgency)
        return [shown(filed) for filed in found[offset : offset + limit]]

    def brief(self, person: str, incident_id: str) -> Filed:
        """Give one incident as the queue shows it: by pseudonym, without what was visited or written.

        Raises:
            UnknownIdError: there is none that this person may read.
        """
        desk = self._desk
        with desk.attempt(person, "view", incident_id), desk.store.read() as database:
            filed = desk.existing(database, incident_id)
            desk.reader(database, person, filed.incident)
            return shown(filed)

    def case(self, person: str, incident_id: str) -> int:
        """Give the number of an incident to who reads it or has one of its steps to do.

        Raises:
            UnknownIdError: there is none of which this person may know.
        """
        desk = self._desk
        with desk.attempt(person, "case", incident_id), desk.store.read() as database:
            filed = desk.existing(database, incident_id)
            desk.reader_or_owner(database, person, filed.incident)
            return filed.number

    def get(self, person: str, incident_id: str, *, purpose: str, case: int) -> Viewed:
        """Give one incident with what was visited and written; that somebody looked is noted.

        Args:
            case: the number of the incident.

        Raises:
            UnknownIdError: there is none that this person may read.
            RefusedRequestError: no purpose, or the number of another case.
        """
        desk = self._desk
        with desk.attempt(person, "view", incident_id), desk.store.act() as act:
            filed = desk.existing(act.database, incident_id)
            desk.reader(act.database, person, filed.incident)
            note_access(desk, act, filed, person, Seen.INCIDENT, purpose=purpose, case=case, kind=VIEWED)
            referrals = read_referrals(act.database, incident_id)
            return Viewed(_with_words(filed), tuple(_timeline(act.database, filed)), tuple(referrals))

    def reveal(self, person: str, incident_id: str, *, purpose: str, case: int) -> Person:
        """Say whom an incident is about, to who reads it or has to do something about somebody; it is noted.

        Raises:
            UnknownIdError: there is none of which this person may know that.
            RefusedRequestError: no purpose, another case, or nobody is known to be its subject.
        """
        desk = self._desk
        with desk.attempt(person, "reveal", incident_id), desk.store.act() as act:
            filed = desk.existing(act.database, incident_id)
            desk.reader_or_owner(act.database, person, filed.incident, of=ABOUT_SOMEBODY)
            if filed.incident.track is Track.SEALED:
                raise RefusedRequestError("This incident is sealed; two people unseal what may be known of it.")
            return revealed(desk, act, filed, person, purpose=purpose, case=case)

    def counts(self, person: str | None) -> Counts:
        """Count the incidents that somebody may read; whoever reads none learns no count that tells of somebody.

        For them it is counted up to the end of yesterday, or they would see when each thing happened.

        Raises:
            RefusedRequestError: this person may not even count them.
        """
        desk = self._desk
        with desk.store.read() as database:
            who = None if person is None else known_person(database, person)
            if who is not None and _counts_own(desk, database, who):
                return count(filter(Gate(desk, database, who).lets, read_briefs(database)))
            if who is not None and Right.COUNT_INCIDENTS not in rights_of(who.roles):
                raise RefusedRequestError("None of your roles lets you know how many incidents there are.")
            found = list(read_briefs_as_of(database, desk.began_at(desk.day_of(desk.clock()))))
            return count_told(found, rows=desk.rows(), small_number=first_told(desk.settings.small_number))


def _counts_own(desk: Desk, database: sqlite3.Connection, who: Person) -> bool:
    """Say whether somebody counts what they may read; who has some by a chain, and counts for others, counts all."""
    rights = rights_of(who.roles)
    if Right.READ_INCIDENTS in rights or desk.is_named(database, who):
        return True
    return Right.COUNT_INCIDENTS not in rights and desk.reads_incidents(database, who)


def revealed(desk: Desk, act: Act, filed: Filed, person: str, *, purpose: str, case: int) -> Person:
    """Say whom an incident is about, to somebody who may know; that they asked is noted.

    Raises:
        RefusedRequestError: no purpose, another case, or nobody is known to be its subject.
    """
    subject = desk.subject_of(act.database, filed.incident)
    if subject is None:
        raise RefusedRequestError(
            "This is about a device that nobody is known to have used, so there is nobody to reveal."
            if filed.incident.level is Level.DEVICE
            else "Nobody at this school is known by that pseudonym any more."
        )
    note_access(desk, act, filed, person, Seen.SUBJECT, purpose=purpose, case=case, kind=REVEALED)
    return subject


def note_access(
    desk: Desk,
    act: Act,
    filed: Filed,
    person: str,
    seen: Seen,
    *,
    purpose: str,
    case: int,
    kind: str,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Enter a look in the register and in the record.

    Args:
        facts: what the record keeps beside the usual, whatever the incident is about.

    Raises:
        RefusedRequestError: no purpose, or the number of another case.
    """
    if fault := fault_of_purpose(purpose):
        raise RefusedRequestError(fault)
    if case != filed.number:
        raise RefusedRequestError(f"Case {case} is another one; expected the number of this incident.")
    write_access(act, Access(act.now, person, filed.incident.id, seen, purpose.strip()))
    act.note(
        kind,
        actor=person,
        subject=filed.incident.id,
        facts={**desk.facts_of(act.database, filed, {"seen": seen.value}), **(facts or {})},
        personal={"purpose": purpose.strip()},
    )


def fault_of_purpose(purpose: str) -> str | None:
    """Say in a sentence why a text is no purpose, or nothing."""
    if sum(character.isalpha() for character in purpose) < _MIN_LETTERS:
        return "There is no purpose; say in a few words why you look at this."
    if len(purpose) > MAX_PURPOSE_CHARACTERS:
        return f"The purpose has {len(purpose):,} characters; expected at most {MAX_PURPOSE_CHARACTERS}."
    if not purpose.strip().isprintable():
        return "The purpose holds a character that cannot be shown; write it as plain text."
    return None


def shown(filed: Filed) -> Filed:
    """Give an incident as a list shows it: without what people wrote, and nothing of what a sealed one was about."""
    filed = replace(filed, decision_reason="", why_deliberate="", outcome="", lesson="")
    return sealed_off(filed) if filed.incident.track is Track.SEALED else filed


def sealed_off(filed: Filed) -> Filed:
    """Give a sealed incident with nothing but what has to be done about it."""
    incident = replace(
        filed.incident,
        subject="",
        intent=0,
        reasons=(),
        against=(),
        opened_at=filed.filed_at,
        last_at=filed.filed_at,
        place=Place.UNKNOWN,
    )
    return replace(
        filed, incident=incident, groups=frozenset(), why_identity=(), warnings=(), further=0, aware_at=None
    )


def _with_words(filed: Filed) -> Filed:
    return sealed_off(filed) if filed.incident.track is Track.SEALED else filed


def _timeline(database: sqlite3.Connection, filed: Filed) -> list[Entry]:
    entries = read_timeline(database, filed.incident.id, with_personal=True)
    if filed.incident.track is not Track.SEALED:
        return entries
    # When and how often is for two people; what was done about it is for whoever has to do it.
    return [entry for entry in entries if not entry.observation]


def _urgency(filed: Filed) -> tuple[int, int, datetime]:
    incident = filed.incident
    return _ORDER.index(incident.track), -incident.intent, filed.filed_at
