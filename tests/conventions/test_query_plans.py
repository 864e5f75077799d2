"""What is asked for at every look or every few seconds reads no table of incidents from end to end."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.api.events import events_after
from agent.incidents.incident_sealed import unsealing_of
from agent.storage.access_rows import read_accesses
from agent.storage.incident_rows import is_observed, read_incident, read_incidents, read_numbered
from agent.storage.letter_rows import read_letters
from agent.storage.media_erasure import read_erasures
from agent.storage.observation_rows import count_waiting, read_waiting
from agent.storage.queue_rows import Choice, read_amounts, read_counted, read_of_subject, walk_queue
from agent.storage.report_rows import read_receipt
from agent.storage.restriction_rows import read_restrictions, read_running
from agent.storage.state import StateStore
from agent.storage.step_rows import read_open_steps, read_referrals, read_step, read_steps
from agent.storage.timeline_rows import length_of_timeline, read_timeline
from agent.storage.undo_rows import are_kept_before, read_undoable
from agent.storage.warning_rows import is_anybody_warned, read_run_out, read_warned, read_warnings
from rules.incident import State

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
DAY = date(2026, 3, 2)
OPEN = Choice((State.CANDIDATE, State.ACCEPTED))
TABLES = [
    "incidents",
    "incident_timeline",
    "incident_steps",
    "warnings",
    "accesses",
    "reports",
    "letters",
    "unseals",
    "restrictions",
    "told_events",
    "audit",
]
SCAN = re.compile(rf"SCAN ({'|'.join(TABLES)})\b(?! USING)")

HOT: dict[str, Callable[[sqlite3.Connection], object]] = {
    "an-incident": lambda database: read_incident(database, "i1"),
    "an-incident-by-its-number": lambda database: read_numbered(database, 1),
    "the-queue": lambda database: read_incidents(database, states=(State.CANDIDATE, State.ACCEPTED), limit=-1),
    "the-first-of-the-queue": lambda database: next(walk_queue(database, OPEN), None),
    "a-later-part-of-the-queue": lambda database: next(walk_queue(database, OPEN, after=(3030, "2026", 7)), None),
    "what-is-counted-of-the-queue": lambda database: list(read_counted(database, OPEN)),
    "how-much-there-is-in-the-queue": lambda database: list(
        read_amounts(database, OPEN, apart=("p-x",), apart_from="heads-")
    ),
    "the-queue-of-a-subject": lambda database: list(read_of_subject(database, OPEN, "p-x", before=(3030, "2026", 7))),
    "what-can-be-undone": lambda database: read_undoable(database, "i1"),
    "whether-anything-can-be-undone": lambda database: are_kept_before(database, NOW),
    "what-waits-and-has-not-climbed": lambda database: read_incidents(
        database, states=(State.CANDIDATE,), climbed_below=10, limit=-1
    ),
    "what-is-over-and-not-erased": lambda database: read_incidents(
        database, states=(State.CLOSED,), with_erased=False, limit=-1
    ),
    "of-a-subject": lambda database: read_incidents(database, subject="p-x", since=NOW),
    "the-newest": lambda database: read_incidents(database, limit=100),
    "a-timeline": lambda database: read_timeline(database, "i1", with_personal=True),
    "how-long-a-timeline-is": lambda database: length_of_timeline(database, "i1"),
    "whether-it-was-observed": lambda database: is_observed(database, "o1"),
    "a-checklist": lambda database: read_steps(database, "i1"),
    "a-step": lambda database: read_step(database, "i1", 1),
    "steps-that-are-late": lambda database: read_open_steps(database, due_before=NOW, climbed_below=10),
    "who-was-brought-in": lambda database: read_referrals(database, "i1"),
    "warnings-of-a-subject": lambda database: read_warned(database, "p-x", DAY),
    "warnings-of-an-incident": lambda database: read_warnings(database, incident="i1"),
    "warnings-that-have-run-out": lambda database: read_run_out(database, DAY),
    "whether-anybody-is-warned": lambda database: is_anybody_warned(database, DAY, before=NOW),
    "who-looked-at-an-incident": lambda database: read_accesses(database, incident="i1"),
    "what-was-erased-of-media": lambda database: read_erasures(database, limit=50),
    "letters": lambda database: read_letters(database, "i1"),
    "a-receipt": lambda database: read_receipt(database, "AAAA-BBBB-CCCC"),
    "restrictions-of-an-incident": lambda database: read_restrictions(database, "i1"),
    "restrictions-that-run": read_running,
    "who-unseals": lambda database: unsealing_of(database, "i1", NOW),
    "what-machines-told": lambda database: read_waiting(database, limit=100),
    "how-much-machines-told": count_waiting,
    "what-is-new": lambda database: events_after(database, 5),
}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plans") / "state.db"
    StateStore(path, clock=lambda: NOW).close()
    return path


@pytest.mark.parametrize("read", HOT.values(), ids=HOT)
def test_no_table_is_read_from_end_to_end(state: Path, read: Callable[[sqlite3.Connection], Any]) -> None:
    asked: list[str] = []
    with closing(sqlite3.connect(state)) as database:
        database.row_factory = sqlite3.Row
        database.set_trace_callback(asked.append)
        read(database)
        database.set_trace_callback(None)
        assert asked
        for query in asked:
            plan = [row["detail"] for row in database.execute(f"EXPLAIN QUERY PLAN {query}")]
            assert not [step for step in plan if SCAN.search(step)], query
