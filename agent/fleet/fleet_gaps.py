"""Numbers of a spool that never came, and those that its laptop said it had to drop.

Both are bounded, whatever a laptop claims: who invents numbers must not cost anybody else time or room.
"""

import sqlite3
from collections.abc import Iterable
from itertools import islice
from typing import Final

from agent.fleet.batch_reader import ReadBatch, ReadEvent

MAX_GAPS_TOLD: Final = 16
# So many gaps of a spool are kept apart; those after them are one, from its first number to its last.
MAX_GAPS_KEPT: Final = 1000
# Of a laptop that begins spool after spool, with more than so many in all, each further spool has one.
MAX_GAPS_OF_DEVICE: Final = 4000
# So many ranges are kept that may lie ahead of what was sent; a laptop of ours has one for each class of events.
MAX_DROPS_KEPT: Final = 100
DROPPED: Final = "spool_dropped"
_MAX_NUMBER: Final = 2**53
_OF_DEVICE: Final = """SELECT count(*) FROM gaps WHERE stream IN (
SELECT number FROM streams WHERE device = (SELECT device FROM streams WHERE number = ?))"""


def note_gaps(database: sqlite3.Connection, batch: ReadBatch, *, stream: int, last: int, received: float) -> None:
    """Write down the numbers that are missing up to the end of a batch; strike out what came or was dropped.

    Args:
        last: the highest number that came before.
        received: seconds since 1970.
    """
    is_usual = batch.first == last + 1 and batch.last - batch.first + 1 == len(batch.events)
    drops = [found for event in batch.events if (found := _dropped(event)) is not None]
    if is_usual and not drops:
        return
    if not is_usual:
        _note_missing(database, batch, stream=stream, last=last, received=received)
    query = "SELECT first, last FROM drops WHERE stream = ?"
    for first, until in _joined([*map(tuple, database.execute(query, (stream,))), *drops]):
        _fill(database, stream, first, until)
    if drops:
        _keep_drops(database, stream, drops)
    database.execute("DELETE FROM drops WHERE stream = ? AND last <= ?", (stream, batch.last))
    _join_many(database, stream, received)


def read_gaps(database: sqlite3.Connection, stream: int) -> tuple[tuple[int, int], ...]:
    """Read the first of the gaps, from and to."""
    query = "SELECT first, last FROM gaps WHERE stream = ? ORDER BY first LIMIT ?"
    return tuple(map(tuple, database.execute(query, (stream, MAX_GAPS_TOLD))))


def _dropped(event: ReadEvent) -> tuple[int, int] | None:
    """Give the numbers that a tombstone tells of; they may lie ahead of what was sent so far."""
    if event.kind != DROPPED:
        return None
    first, last = event.facts.get("seq_first"), event.facts.get("seq_last")
    is_range = isinstance(first, int) and isinstance(last, int) and 0 < first <= last < _MAX_NUMBER
    return (first, last) if is_range and isinstance(first, int) and isinstance(last, int) else None


def _note_missing(database: sqlite3.Connection, batch: ReadBatch, *, stream: int, last: int, received: float) -> None:
    expected = last + 1
    for event in batch.events:
        if event.sequence > expected:
            row = (stream, expected, event.sequence - 1, received)
            database.execute("INSERT OR REPLACE INTO gaps VALUES (?, ?, ?, ?, 0)", row)
        expected = max(expected, event.sequence + 1)
        if event.sequence <= last:
            _fill(database, stream, event.sequence, event.sequence)


def _fill(database: sqlite3.Connection, stream: int, first: int, last: int) -> None:
    """Strike numbers out of the gaps."""
    query = "SELECT first, last, found, is_told FROM gaps WHERE stream = ? AND first <= ? AND last >= ?"
    for begins, ends, found, is_told in database.execute(query, (stream, last, first)).fetchall():
        database.execute("DELETE FROM gaps WHERE stream = ? AND first = ?", (stream, begins))
        for left in ((begins, first - 1), (last + 1, ends)):
            if left[0] <= left[1]:
                database.execute("INSERT INTO gaps VALUES (?, ?, ?, ?, ?)", (stream, *left, found, is_told))


def _keep_drops(database: sqlite3.Connection, stream: int, drops: Iterable[tuple[int, int]]) -> None:
    query = "SELECT first, last FROM drops WHERE stream = ?"
    kept = _joined([*map(tuple, database.execute(query, (stream,))), *drops])
    database.execute("DELETE FROM drops WHERE stream = ?", (stream,))
    rows = ((stream, first, last) for first, last in islice(kept, MAX_DROPS_KEPT))
    database.executemany("INSERT INTO drops VALUES (?, ?, ?)", rows)


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Give the same numbers in as few ranges as there can be, the lowest first."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], last)
        else:
            joined.append((first, last))
    return joined


def _join_many(database: sqlite3.Connection, stream: int, received: float) -> None:
    (total,) = database.execute(_OF_DEVICE, (stream,)).fetchone()
    most = MAX_GAPS_KEPT if total <= MAX_GAPS_OF_DEVICE else 1
    query = "SELECT first, last FROM gaps WHERE stream = ? ORDER BY first LIMIT -1 OFFSET ?"
    many = database.execute(query, (stream, most - 1)).fetchall()
    if len(many) > 1:
        database.execute("DELETE FROM gaps WHERE stream = ? AND first >= ?", (stream, many[0][0]))
        row = (stream, many[0][0], many[-1][1], received)
        database.execute("INSERT INTO gaps VALUES (?, ?, ?, ?, 0)", row)
