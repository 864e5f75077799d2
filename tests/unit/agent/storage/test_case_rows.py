"""What is followed of laptops is kept row by row, and found when it is due."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.storage.case_rows import (
    Case,
    delete_case,
    delete_due,
    read_case,
    read_cases,
    read_cases_of,
    read_due,
    read_waiting,
    write_case,
)
from agent.storage.state import StateStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    made = StateStore(tmp_path / "state.db", clock=lambda: datetime(2026, 3, 2, tzinfo=UTC))
    with made.act() as act:
        for case in CASES:
            write_case(act, case)
    yield made
    made.close()


CASES = (
    Case("d1", "laptop", {"heard_at": "x"}),
    Case("d1", "media b sdb#1", {"é": [1, None]}, due=200.0),
    Case("d2", "laptop", {}),
    Case("d2", "media b sdb#1", {}, due=100.0),
)


def test_what_was_written_is_read(store: StateStore) -> None:
    with store.read() as database:
        assert read_case(database, "d1", "media b sdb#1") == CASES[1]
        assert read_case(database, "d3", "laptop") is None
        assert read_cases_of(database, "d1") == [*CASES[:2]]
        assert read_cases(database, "laptop") == [CASES[0], CASES[2]]


def test_what_is_due_comes_by_its_time(store: StateStore) -> None:
    with store.read() as database:
        assert read_waiting(database) == {"d1": 200.0, "d2": 100.0}
        assert read_due(database, "d1", 199.0, limit=9) == []
        assert read_due(database, "d1", 200.0, limit=9) == [CASES[1]]
        assert read_due(database, "d1", 200.0, limit=0) == []


def test_what_is_written_again_takes_its_place_and_what_is_deleted_is_gone(store: StateStore) -> None:
    with store.act() as act:
        write_case(act, Case("d1", "laptop", {"heard_at": "y"}))
        delete_case(act, "d2", "media b sdb#1")
    with store.read() as database:
        assert [case.content for case in read_cases_of(database, "d1")] == [{"heard_at": "y"}, {"é": [1, None]}]
        assert read_waiting(database) == {"d1": 200.0}


def test_what_nobody_could_look_at_is_deleted_one_day(store: StateStore) -> None:
    with store.act() as act:
        assert delete_due(act, before=200.0) == 1
    with store.read() as database:
        assert read_waiting(database) == {"d1": 200.0}
