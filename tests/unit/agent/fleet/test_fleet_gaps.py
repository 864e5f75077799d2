"""Numbers that are missing, of laptops that invent them: known, and never at the cost of others."""

import sqlite3
from collections.abc import Iterator

import pytest
from fleet_of_test import WALL, batch, event

from agent.endpoint.wire_batch import Event, encode_batch
from agent.fleet.batch_reader import read_batch
from agent.fleet.fleet_gaps import (
    MAX_DROPS_KEPT,
    MAX_GAPS_KEPT,
    MAX_GAPS_OF_DEVICE,
    MAX_GAPS_TOLD,
    note_gaps,
    read_gaps,
)
from agent.storage.fleet_schema import EVENTS

FAR = 2**53 - 1


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:")
    made.executescript(EVENTS)
    yield made
    made.close()


def note(database: sqlite3.Connection, *events: Event, last: int, stream: int = 1) -> int:
    read = read_batch(encode_batch(batch("d1", events)))
    note_gaps(database, read, stream=stream, last=last, received=WALL)
    return max(last, read.last)


def dropped(number: int, first: int, last: int) -> Event:
    return event(number, "spool_dropped", priority=0, facts={"count": 1, "seq_first": first, "seq_last": last})


def count(database: sqlite3.Connection, table: str) -> int:
    found: int = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 (our own word)
    return found


def test_what_is_missing_is_told_and_what_comes_late_is_struck_out(database: sqlite3.Connection) -> None:
    last = note(database, event(3), event(6), last=0)
    assert read_gaps(database, 1) == ((1, 2), (4, 5))
    last = note(database, event(1), event(5), event(7), last=last)
    assert read_gaps(database, 1) == ((2, 2), (4, 4))
    note(database, event(8), dropped(9, 2, 4), last=last)
    assert read_gaps(database, 1) == ()


def test_of_very_many_gaps_the_last_are_told_as_one(database: sqlite3.Connection) -> None:
    last = 0
    for _ in range(8):
        last = note(database, *(event(last + 2 * each) for each in range(1, 257)), last=last)
    assert count(database, "gaps") == MAX_GAPS_KEPT
    assert len(read_gaps(database, 1)) == MAX_GAPS_TOLD
    end = database.execute("SELECT first, last FROM gaps ORDER BY first DESC LIMIT 1").fetchone()
    assert end == (2 * MAX_GAPS_KEPT - 1, last - 1)


def test_a_laptop_that_begins_spool_after_spool_makes_no_more_gaps_by_it(database: sqlite3.Connection) -> None:
    for number in range(1, 30):
        row = (number, "d1", f"{number:032}", WALL)
        database.execute("INSERT INTO streams (number, device, epoch, begun) VALUES (?, ?, ?, ?)", row)
        note(database, *(event(2 * each) for each in range(1, 257)), last=0, stream=number)
    assert count(database, "gaps") <= MAX_GAPS_OF_DEVICE + 256 + 29
    assert read_gaps(database, 29) == ((1, 511),)


def test_a_spool_may_jump_as_far_as_it_likes(database: sqlite3.Connection) -> None:
    last = note(database, event(1), event(FAR), last=0)
    assert read_gaps(database, 1) == ((2, FAR - 1),)
    note(database, event(2**40), last=last)
    assert read_gaps(database, 1) == ((2, 2**40 - 1), (2**40 + 1, FAR - 1))


def test_tombstones_that_claim_everything_take_no_room(database: sqlite3.Connection) -> None:
    last = 0
    for _ in range(4):
        first = last + 1
        last = note(database, *(dropped(first + each, 1, FAR - first - each) for each in range(256)), last=last)
    assert count(database, "drops") == 1
    for _ in range(4):
        first = last + 1
        wide = (dropped(first + each, (first + each) * 10**6, (first + each) * 10**6 + 5) for each in range(256))
        database.execute("DELETE FROM drops")
        last = note(database, *wide, last=last)
    assert count(database, "drops") == MAX_DROPS_KEPT


def test_a_tombstone_that_is_no_range_explains_nothing(database: sqlite3.Connection) -> None:
    last = note(database, dropped(1, 3, 2), dropped(2, 0, 9), dropped(3, 1, 2**60), last=0)
    assert count(database, "drops") == 0
    note(database, event(6), last=last)
    assert read_gaps(database, 1) == ((4, 5),)
