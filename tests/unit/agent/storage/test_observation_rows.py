"""What observing keeps: positions and counts that stand with their act, and events that wait to be weighed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.storage.observation_rows import (
    add_counts,
    delete_positions,
    delete_told,
    mark_taken,
    read_counts,
    read_position,
    read_positions,
    read_waiting,
    write_position,
    write_told,
)
from agent.storage.state import StateStore

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    opened = StateStore(tmp_path / "state.db", clock=lambda: NOW)
    yield opened
    opened.close()


def test_a_position_stands_with_its_act_or_not_at_all(store: StateStore) -> None:
    with store.act() as act:
        write_position(act, "record", 7)
    with pytest.raises(ZeroDivisionError), store.act() as act:  # noqa: PT012 (an act that fails after its statements)
        write_position(act, "record", 9)
        raise ZeroDivisionError
    with store.read() as database:
        assert read_position(database, "record") == 7
        assert read_position(database, "elsewhere") == 0


def test_a_source_that_is_gone_is_forgotten(store: StateStore) -> None:
    with store.act() as act:
        write_position(act, "record", 7)
        write_position(act, "activity-2026-03-01-ab", 12)
        delete_positions(act, ["activity-2026-03-01-ab"])
        assert read_positions(act.database) == {"record": 7}


def test_counts_are_added_up(store: StateStore) -> None:
    with store.act() as act:
        add_counts(act, {("opens", ""): 1, ("ignored", "too_little"): 4, ("joins", ""): 0})
        add_counts(act, {("ignored", "too_little"): 2})
        assert read_counts(act.database) == {("opens", ""): 1, ("ignored", "too_little"): 6}


def test_an_event_waits_once_and_is_gone_when_it_was_taken(store: StateStore) -> None:
    with store.act() as act:
        assert write_told(act, "e1", {"facts": {"file": "plans for Éva.doc"}})
        assert not write_told(act, "e1", {"facts": {"file": "other.doc"}})
        assert write_told(act, "e2", {})
    with store.read() as database:
        waiting = read_waiting(database, limit=9)
    assert [(each.id, dict(each.content), each.received_at) for each in waiting] == [
        ("e1", {"facts": {"file": "plans for Éva.doc"}}, NOW),
        ("e2", {}, NOW),
    ]
    with store.act() as act:
        mark_taken(act, waiting[:1])
        assert [each.id for each in read_waiting(act.database, limit=9)] == ["e2"]
        assert not write_told(act, "e1", {}), "its id is still known"
    assert b"plans" not in b"".join(path.read_bytes() for path in store.path.parent.glob("state.db*"))


def test_ids_are_forgotten_in_time_but_nothing_that_waits(store: StateStore) -> None:
    with store.act() as act:
        write_told(act, "e1", {})
        write_told(act, "e2", {})
        mark_taken(act, read_waiting(act.database, limit=1))
        assert delete_told(act, before=NOW) == 0
        assert delete_told(act, before=NOW + timedelta(seconds=1)) == 1
        assert [each.id for each in read_waiting(act.database, limit=9)] == ["e2"]
