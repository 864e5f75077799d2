"""A walk over the chain: in one go, in parts, and in a process beside."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.storage.record import Verdict, erase, verify
from agent.storage.state import StateStore
from agent.storage.walk import Walk, cores, walking_beside

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
# Every second has personal payload; that of row 4 is erased, which the last row says.
ROWS = 9


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    with closing(StateStore(tmp_path / "state.db", clock=lambda: NOW)) as opened:
        with opened.act() as act:
            for number in range(1, ROWS):
                act.note("tick", actor="system", subject=str(number), personal=None if number % 2 else {"a": "b"})
            erase(act, 4, actor="d1", reason="The parents asked for it.")
        yield opened


@contextmanager
def tampered(store: StateStore) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(store.path, isolation_level=None)) as database:
        database.execute("DROP TRIGGER audit_is_never_changed")
        yield database


def walked(store: StateStore, *stops: int) -> Walk:
    walk = Walk()
    with store.read() as database:
        for stop in stops:
            assert walk.go_on(database, stop) is None
    return walk


@pytest.mark.parametrize("stop", range(ROWS + 1))
def test_a_walk_in_two_parts_meets_what_one_meets(store: StateStore, stop: int) -> None:
    whole = walked(store, ROWS)
    assert (whole.end, whole.bare, whole.erased, whole.altered) == (ROWS, [4], ["4"], None)
    assert walked(store, stop, ROWS) == whole


def test_a_walk_stops_before_the_row_that_breaks_the_chain_and_finds_it_again(store: StateStore) -> None:
    before = walked(store, 6)
    with tampered(store) as database:
        database.execute("UPDATE audit SET actor = 'x' WHERE number = 7")
    walk = Walk()
    with store.read() as database:
        for _ in range(2):
            found = walk.go_on(database, ROWS)
            assert found is not None
            assert (found.number, found.what) == (7, "Row 7 was altered.")
            assert walk == before


def test_a_process_beside_walks_over_the_second_part(store: StateStore) -> None:
    walk = walked(store, 5)
    with walking_beside(store.path, after=5, until=ROWS) as beside:
        walk.join(beside)
    assert walk == walked(store, ROWS)


def test_what_a_process_beside_met_counts(store: StateStore) -> None:
    with tampered(store) as database:
        database.execute("UPDATE personal SET content = '{}' WHERE number = 8")
    walk = walked(store, 5)
    with walking_beside(store.path, after=5, until=ROWS) as beside:
        walk.join(beside)
    assert (walk.end, walk.altered) == (ROWS, 8)


@pytest.mark.parametrize(
    ("path", "after"),
    [
        pytest.param("state.db", 6, id="it-began-elsewhere"),
        pytest.param("state.db", 400, id="there-is-no-such-row"),
        pytest.param("none.db", 5, id="there-is-no-such-file"),
    ],
)
def test_a_walk_beside_that_is_of_no_use_is_left_out(store: StateStore, path: str, after: int) -> None:
    walk = walked(store, 5)
    with walking_beside(store.path.with_name(path), after=after, until=ROWS) as beside:
        walk.join(beside)
    assert walk == walked(store, 5)


def test_a_walk_beside_that_began_with_another_hash_is_left_out(store: StateStore) -> None:
    walk = replace(walked(store, 5), hash="ab" * 32)
    with walking_beside(store.path, after=5, until=ROWS) as beside:
        walk.join(beside)
    assert walk.end == 5


def test_what_is_erased_meanwhile_is_not_taken_for_removed(store: StateStore) -> None:
    with store.read() as database:
        length = database.execute("SELECT max(number) FROM audit").fetchone()[0]
        with store.act() as act:
            erase(act, 8, actor="d1", reason="The parents asked for it.")
        assert verify(database, anchors_key=None, beside_from=2) == Verdict(rows=length)


def test_there_is_a_core() -> None:
    assert cores() >= 1
