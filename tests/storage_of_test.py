"""An incident, and a store that holds two, for the tests of what hangs on one."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.storage.incident_rows import Filed, write_incident
from agent.storage.state import StateStore
from rules.incident import Incident, Level, State, Track
from rules.incident_kind import Kind, Risk
from rules.observation import Confidence
from rules.subject import Audience

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
INCIDENT = "i1"
ANOTHER = "another"


_INCIDENT = Incident(
    id=INCIDENT,
    kind=Kind.GAMBLING,
    risk=Risk.COMMERCE,
    audience=Audience.PUPIL,
    subject="p-x",
    level=Level.PERSON,
    confidence=Confidence.A,
    track=Track.ORDINARY,
    state=State.ACCEPTED,
    rows=(),
    intent=70,
    reasons=(),
    against=(),
    opened_at=NOW,
    last_at=NOW,
)


def incident_of_test(**changes: Any) -> Incident:
    """Make an accepted one about a pupil, or one that differs from it."""
    return replace(_INCIDENT, **changes)


def store_with_incidents(folder: Path) -> StateStore:
    """Open a store with the two."""
    store = StateStore(folder / "state.db", clock=lambda: NOW)
    with store.act() as act:
        for number, known_as in enumerate((INCIDENT, ANOTHER), start=1):
            write_incident(act, Filed(incident_of_test(id=known_as), number=number, version=1, filed_at=NOW))
    return store
