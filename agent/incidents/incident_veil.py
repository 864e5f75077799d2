"""What of the record somebody sees of incidents: of what is confidential, only that something was done.

A row about an incident that somebody may not read names no case, so that two rows of one case cannot be put together
and the cases cannot be counted.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from agent.incidents.incident_desk import Desk
from agent.people.people import read_person
from agent.storage.incident_rows import Filed, read_incident
from agent.storage.record import Entry
from rules.roles import Role

# What stands in the place of the kind of such a row.
CONFIDENTIAL: Final = "incident_confidential"


class Veil:
    """What is veiled to somebody, at one moment of the store.

    Args:
        person: the id of who asks; None for a program, which reads no incident.
    """

    def __init__(self, desk: Desk, database: sqlite3.Connection, person: str | None) -> None:
        self._desk = desk
        self._database = database
        self._who = None if person is None else read_person(database, person)
        self._known: dict[str, bool] = {}

    @property
    def is_lifted(self) -> bool:
        """Whether this is an auditor who reads no incident: they prove the record, so they get every row whole."""
        who = self._who
        return who is not None and Role.AUDITOR in who.roles and not self._desk.reads_incidents(self._database, who)

    def hides(self, subject: str) -> bool:
        """Say whether a row with this subject is about an incident that is not for whoever asks."""
        if subject not in self._known:
            filed = read_incident(self._database, subject) if subject else None
            self._known[subject] = filed is not None and self._is_hidden(filed)
        return self._known[subject]

    def of(self, entry: Entry) -> Entry:
        """Give a row as it is seen."""
        if not self.hides(entry.subject):
            return entry
        return replace(entry, kind=CONFIDENTIAL, subject="", facts={"is_confidential": True})

    def counted(self, rows: Iterable[tuple[str, str, int]]) -> dict[str, int]:
        """Add up rows by kind, of kind, subject and number."""
        counts: Counter[str] = Counter()
        for kind, subject, number in rows:
            counts[CONFIDENTIAL if self.hides(subject) else kind] += number
        return dict(sorted(counts.items()))

    def _is_hidden(self, filed: Filed) -> bool:
        desk, incident = self._desk, filed.incident
        if self._who is not None and desk.may_read(self._database, self._who, incident):
            return False
        is_own = self._who is not None and desk.is_subject(self._who.id, incident)
        return is_own or desk.is_confidential(self._database, incident)
