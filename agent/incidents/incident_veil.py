"""What of the record somebody sees of incidents: of what is confidential, only that something was done.

A row about an incident that somebody may not read names no case, so that two rows of one case cannot be put together
and the cases cannot be counted. Whoever counts incidents and reads none learns of no row about an incident what was
done, by whom or to whom: only small numbers are kept from them elsewhere, and rows would give these away.

Whoever reviews the record without reading it sees the rest of it as `agent.record.reviewed_rows` says.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from agent.incidents.incident_access import REVEALED
from agent.incidents.incident_desk import Desk
from agent.incidents.incident_registers import READ
from agent.people.people import read_person
from agent.record.reviewed_rows import is_of_requests, reviewed, reviewed_kind
from agent.storage.incident_rows import Filed, read_incident
from agent.storage.record import Entry
from rules.roles import Right, Role, rights_of

# What stands in the place of the kind of such a row.
CONFIDENTIAL: Final = "incident_confidential"
# The same for whoever only counts incidents, whichever incident it is.
WITHHELD: Final = "incident_withheld"
_OF_INCIDENTS: Final = "incident_"
_COUNTS: Final = "counts"
# How many rows a register had that somebody read: of one of incidents, how many there are.
_LENGTH: Final = (READ, "rows")


def is_of_incidents(kind: str) -> bool:
    """Say whether rows of this kind are about incidents."""
    return kind.startswith(_OF_INCIDENTS) or kind == REVEALED


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
        self._only_counts = self._counts_and_reads_none()
        self._only_reviews = self._who is not None and Right.READ_RECORD not in rights_of(self._who.roles)

    @property
    def is_lifted(self) -> bool:
        """Whether this is an auditor who reads no incident: they prove the record, so they get every row whole."""
        who = self._who
        return who is not None and Role.AUDITOR in who.roles and not self._desk.reads_incidents(self._database, who)

    def _counts_and_reads_none(self) -> bool:
        """Say whether somebody counts incidents, and neither reads them, nor watches who does, nor audits."""
        who = self._who
        if who is None or Role.AUDITOR in who.roles:
            return False
        rights = rights_of(who.roles)
        reads = not rights.isdisjoint({Right.READ_INCIDENTS, Right.READ_ACCESSES})
        return Right.COUNT_INCIDENTS in rights and not reads and not self._desk.is_named(self._database, who)

    def may_ask_for(self, kind: str) -> bool:
        """Say whether somebody may look for rows of a kind."""
        hidden = self._only_counts and is_of_incidents(kind)
        return not hidden and not (self._only_reviews and is_of_requests(kind))

    def hides(self, subject: str) -> bool:
        """Say whether a row with this subject is about an incident that is not for whoever asks."""
        if subject not in self._known:
            filed = read_incident(self._database, subject) if subject else None
            self._known[subject] = filed is not None and self._is_hidden(filed)
        return self._known[subject]

    def of(self, entry: Entry) -> Entry:
        """Give a row as it is seen."""
        seen = self._of_incidents(entry)
        return reviewed(seen) if self._only_reviews and seen.kind not in (CONFIDENTIAL, WITHHELD) else seen

    def _of_incidents(self, entry: Entry) -> Entry:
        if self._only_counts:
            return self._for_counting(entry)
        if not self.hides(entry.subject):
            return entry
        return replace(entry, kind=CONFIDENTIAL, subject="", facts={"is_confidential": True})

    def _for_counting(self, entry: Entry) -> Entry:
        if self._is_withheld(entry):
            return replace(entry, kind=WITHHELD, actor="", subject="", facts={}, is_erased=False)
        facts = {name: value for name, value in entry.facts.items() if (entry.kind, name) != _LENGTH}
        if isinstance(counts := facts.get(_COUNTS), dict):
            # What somebody who reads more than that counted in their review.
            facts[_COUNTS] = self.counted((kind, "", number) for kind, number in counts.items())
        return replace(entry, facts=facts)

    def _is_withheld(self, entry: Entry) -> bool:
        return is_of_incidents(entry.kind) or _speaks_of_incidents(entry.facts) or self.hides(entry.subject)

    def counted(self, rows: Iterable[tuple[str, str, int]]) -> dict[str, int]:
        """Add up rows by kind, of kind, subject and number."""
        counts: Counter[str] = Counter()
        for kind, subject, number in rows:
            counts[self._counted_as(kind, subject)] += number
        return dict(sorted(counts.items()))

    def _counted_as(self, kind: str, subject: str) -> str:
        if self._only_counts:
            seen = WITHHELD if is_of_incidents(kind) or self.hides(subject) else kind
        else:
            seen = CONFIDENTIAL if self.hides(subject) else kind
        return reviewed_kind(seen) if self._only_reviews else seen

    def _is_hidden(self, filed: Filed) -> bool:
        if self._only_counts:
            return True
        desk, incident = self._desk, filed.incident
        if self._who is not None and desk.may_read(self._database, self._who, incident):
            return False
        is_own = self._who is not None and desk.is_subject(self._who.id, incident)
        return is_own or desk.is_confidential(self._database, incident)


def _speaks_of_incidents(facts: Mapping[str, Any]) -> bool:
    """Say whether an attempt that was refused, or a notice that was not sent, was about an incident."""
    return any(str(facts.get(name, "")).startswith(_OF_INCIDENTS) for name in ("attempt", "event"))
