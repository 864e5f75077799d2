"""The one gate: who may read which incident, for one reader at one moment of the store.

Whoever asks of very many is answered from what was found out once; each is asked of by itself all the same.
"""

import sqlite3
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from agent.people.people import Person
from agent.storage.incident_briefs import Brief
from rules.incident import Incident, Level, Track, may_read
from rules.incident_kind import Kind
from rules.roles import Role
from rules.subject import Audience

if TYPE_CHECKING:
    from agent.incidents.incident_desk import Desk

# What stands where the pseudonym of somebody would, where it is about one of several head teachers.
ABOUT_HEADS: Final = "heads-"

_YEAR: Final = timedelta(days=365)
# No record is older.
_MOST_YEARS: Final = 40
# All that counts where it is neither restricted nor about whoever asks.
Alike = tuple[Track, Kind, Audience, bool | None, frozenset[Role]]


class Gate:
    """What one person may read.

    Args:
        database: one moment of the store; what is found there is kept as long as the gate.
    """

    def __init__(self, desk: "Desk", database: sqlite3.Connection, who: Person) -> None:
        self._desk = desk
        self._database = database
        self._who = who
        self._zone = desk.zone
        self._pseudonyms: dict[date, str] = {}
        self._said: dict[Alike, bool] = {}
        self._named: dict[tuple[Level, str, date], frozenset[str]] = {}

    def lets(self, incident: Incident | Brief) -> bool:
        """Say whether this person may read an incident."""
        if incident.track is Track.RESTRICTED or is_about_heads(incident) or self._is_subject(incident):
            return self._find_out(incident)
        # Of all others it says no more than this, whomever they are about.
        alike = incident.track, incident.kind, incident.audience, incident.is_serious, incident.reached
        said = self._said.get(alike)
        if said is None:
            said = self._said[alike] = self._find_out(incident)
        return said

    def own(self) -> frozenset[str]:
        """Give every pseudonym by which something may be about this person; of each of that it is asked by itself.

        Of a school year without a key nothing can be about anybody.
        """
        today = self._desk.day_of(self._desk.clock())
        years = (today + _YEAR * back for back in range(1, -_MOST_YEARS, -1))
        pseudonyms = self._desk.pseudonyms
        return frozenset(pseudonyms.person(self._who.id, day) for day in years if pseudonyms.has_key(day))

    def _find_out(self, incident: Incident | Brief) -> bool:
        who = self._who
        return not who.closed and may_read(
            incident.track,
            person=who.id,
            roles=who.roles - {Role.HEAD_TEACHER} if is_about_heads(incident) else who.roles,
            subject=who.id if self._is_subject(incident) else None,
            named=self._named_for(incident) if incident.track is Track.RESTRICTED else (),
            chain=self._desk.chains.first(incident) | incident.reached,
        )

    def _is_subject(self, incident: Incident | Brief) -> bool:
        if incident.level is not Level.PERSON:
            return False
        day = incident.opened_at.astimezone(self._zone).date()
        pseudonym = self._pseudonyms.get(day)
        if pseudonym is None:
            pseudonym = self._pseudonyms[day] = self._desk.pseudonyms.person(self._who.id, day)
        return pseudonym == incident.subject

    def _named_for(self, incident: Incident | Brief) -> frozenset[str]:
        key = incident.level, incident.subject, incident.opened_at.astimezone(self._zone).date()
        if key not in self._named:
            self._named[key] = self._desk.named_for(self._database, incident)
        return self._named[key]


def is_about_heads(incident: Incident | Brief) -> bool:
    """Say whether an incident is about one of several head teachers, nobody says which."""
    return incident.subject.startswith(ABOUT_HEADS)
