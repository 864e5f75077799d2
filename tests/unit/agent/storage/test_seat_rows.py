"""Seats on disk: written and read whole, and gone without a trace."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.storage.seat_rows import SeatRow, delete_seats, read_seats, write_seats
from agent.storage.state import StateStore
from rules.subject import Audience

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SEAT = SeatRow("192.0.2.7", frozenset({"year5", "chess"}), Audience.PUPIL, NOON, NOON + timedelta(minutes=15), "d-1")
NOBODY = SeatRow("192.0.2.8", frozenset(), None, NOON, NOON + timedelta(minutes=15))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    with closing(StateStore(tmp_path / "state.db", clock=lambda: NOON)) as opened:
        yield opened


def stored(store: StateStore) -> dict[str, SeatRow]:
    with store.read() as database:
        return read_seats(database)


def test_what_is_written_is_read_again(store: StateStore) -> None:
    with store.act() as act:
        write_seats(act, [SEAT, NOBODY])
    assert stored(store) == {each.address: each for each in (SEAT, NOBODY)}


def test_an_address_is_one_seat_and_the_last_that_was_written(store: StateStore) -> None:
    later = replace(SEAT, groups=frozenset({"year6"}), heard_at=NOON + timedelta(minutes=1))
    for each in (SEAT, later):
        with store.act() as act:
            write_seats(act, [each])
    assert stored(store) == {later.address: later}


def test_what_is_deleted_is_gone(store: StateStore) -> None:
    with store.act() as act:
        write_seats(act, [SEAT, NOBODY])
        delete_seats(act, [SEAT.address, "192.0.2.99"])
    assert stored(store) == {NOBODY.address: NOBODY}


def test_the_file_of_an_older_program_has_none() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        assert read_seats(database) == {}
