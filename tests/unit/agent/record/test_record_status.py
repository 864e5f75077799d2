"""How the record stands, read without proving it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lists_of_test import Clock

from agent.record.record_status import RecordStatus, record_status
from agent.storage.anchors import anchor_if_due
from agent.storage.state import StateStore

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[StateStore]:
    with closing(StateStore(tmp_path / "state.db", clock=clock)) as opened:
        yield opened


def note(store: StateStore, kind: str = "tick", **facts: object) -> None:
    with store.act() as act:
        act.note(kind, actor="system", facts=facts)


def status(store: StateStore) -> RecordStatus:
    with store.read() as database:
        return record_status(database)


def told(
    *, rows: int, verified_at: datetime | None = None, is_intact: bool | None = None, fault: str = ""
) -> RecordStatus:
    return RecordStatus(rows, verified_at, is_intact, fault, None)


def test_a_new_record_was_never_checked(store: StateStore) -> None:
    assert status(store) == told(rows=0)


def test_the_last_check_counts(store: StateStore, clock: Clock) -> None:
    note(store, "record_broken", row=3, what="Row 3 was altered.", seconds=0)
    assert status(store) == told(rows=1, verified_at=NOW, is_intact=False, fault="Row 3 was altered.")
    clock.advance(days=1)
    note(store, "record_verified", rows=1, seconds=0)
    note(store)
    assert status(store) == told(rows=3, verified_at=NOW + timedelta(days=1), is_intact=True)


def test_the_last_anchor_is_told(store: StateStore, clock: Clock) -> None:
    note(store)
    anchor_if_due(store)
    clock.advance(hours=1)
    note(store)
    assert status(store).anchored_at == NOW


@pytest.mark.parametrize("facts", ["", "{", "[]", "{}", "null"])
def test_a_row_that_somebody_spoilt_is_a_fault(store: StateStore, facts: str) -> None:
    note(store, "record_broken", row=3, what="Row 3 was altered.")
    with store.act() as act:
        act.database.execute("DROP TRIGGER audit_is_never_changed")
        act.database.execute("UPDATE audit SET facts = ?, at = 'noon'", (facts,))
    assert status(store) == told(rows=1, is_intact=False, fault="The row that tells of the last check was altered.")


def test_it_costs_the_same_however_long_the_record_is(store: StateStore) -> None:
    steps = []
    for _ in range(2):
        with store.act() as act:
            for number in range(2000):
                act.note("tick", actor="system", subject=str(number))
        with store.read() as database:
            taken = 0

            def step() -> int:
                nonlocal taken
                taken += 1
                return 0

            database.set_progress_handler(step, 1)
            record_status(database)
            database.set_progress_handler(None, 0)
        steps.append(taken)
    assert steps[0] == steps[1] > 0
