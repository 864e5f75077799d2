"""What becomes of an incident when it is learnt late that somebody else may have been at the device.

A candidate loses its person, because nobody is accused on what is not certain. What people have decided about is
theirs to put right; they are told.
"""

from dataclasses import dataclass, replace
from typing import Final

from agent.incidents.incident_desk import SYSTEM, Desk
from agent.incidents.incident_routing import first_to_know
from agent.people.people import read_person
from agent.storage.access_rows import read_accesses
from agent.storage.incident_rows import Filed
from agent.storage.state import Act
from agent.storage.timeline_rows import Entry, read_timeline
from rules.incident import Level, Reason, State
from rules.observation import Confidence

DOUBTED: Final = "incident_identity_doubted"
# The code of what speaks against a candidate from then on.
LOST: Final = "identity_lost"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why it is not certain any more who it was: at which device, by codes, and for how much of what was observed."""

    device: str
    confidence: Confidence
    why: tuple[str, ...]
    entries: int
    of: int


def doubt(desk: Desk, act: Act, filed: Filed, found: Doubt) -> bool:
    """Take its person off a candidate; say it once to whoever decided about an incident; says whether it was news."""
    facts = {"entries": found.entries, "of": found.of, "why": list(found.why)}
    entry = Entry(act.now, DOUBTED, SYSTEM, facts)
    if filed.incident.state is State.CANDIDATE:
        told = _who_saw(desk, act, filed)
        desk.file(act, _without_person(desk, filed, found), DOUBTED, entry, to=told, facts=facts)
        return True
    if any(each.what == DOUBTED for each in read_timeline(act.database, filed.incident.id)):
        return False
    desk.enter(act, filed, DOUBTED, entry, to=_who_decided(desk, act, filed), facts=facts)
    return True


def _without_person(desk: Desk, filed: Filed, found: Doubt) -> Filed:
    """Give a candidate about the device; what was proposed because of warnings of a person is not any more."""
    incident, table = filed.incident, desk.table_of(filed.incident.audience.value)
    repeats = {row.id for row in table.rows.values() if row.is_repeat} if table is not None else set[str]()
    numbers = {"entries": found.entries, "of": found.of}
    after = replace(
        incident,
        subject=found.device,
        level=Level.DEVICE,
        confidence=found.confidence,
        rows=tuple(row for row in incident.rows if row not in repeats),
        against=(*incident.against, Reason(LOST, 0, numbers)),
    )
    return replace(
        filed,
        incident=after,
        version=filed.version + 1,
        why_identity=found.why,
        warnings=(),
        groups=frozenset(),
    )


def _who_saw(desk: Desk, act: Act, filed: Filed) -> list[str]:
    """Give who was told of a candidate, or looked at it, and may still read it; never whom it was about."""
    looked = [each.person for each in read_accesses(act.database, incident=filed.incident.id)]
    people = dict.fromkeys((*first_to_know(desk, act.database, filed), *looked))
    return [each for each in people if _reads(desk, act, each, filed)]


def _who_decided(desk: Desk, act: Act, filed: Filed) -> list[str]:
    if _reads(desk, act, filed.decided_by, filed):
        return [filed.decided_by]
    return list(first_to_know(desk, act.database, filed))


def _reads(desk: Desk, act: Act, person: str, filed: Filed) -> bool:
    who = read_person(act.database, person)
    return who is not None and desk.may_read(act.database, who, filed.incident)
