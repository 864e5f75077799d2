"""Why a row breaks the chain: altered, removed, inserted or moved; asked once, after the walk found where."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from agent.storage.chain import COLUMNS, row_text

# A row as it is stored, its hash last.
Stored: TypeAlias = tuple[int, str, str, str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """The first row that is not right, and what is wrong in a sentence."""

    number: int
    what: str


def stored_rows(database: sqlite3.Connection, terms: str = "ORDER BY number", *values: Any) -> Iterator[Stored]:
    """Give rows as they are stored, whatever the connection makes of rows; `terms` follow the FROM clause."""
    cursor = database.cursor()
    cursor.row_factory = None
    statement = f"SELECT {', '.join(COLUMNS)} FROM audit {terms}"  # noqa: S608 the terms are written in this program
    return iter(cursor.execute(statement, values))


def diagnose(database: sqlite3.Connection, expected: int, row: Stored, previous: str) -> Finding:
    """Say what was done to the record where the walk stopped.

    Args:
        database: the record.
        expected: the number that was due.
        row: what came instead.
        previous: the hash of the row before, which is sound.
    """
    number = row[0]
    if number < expected:
        return Finding(number, f"Row {number} was inserted: the record begins with row 1.")
    if number > expected:
        gone = f"Row {expected} was" if number == expected + 1 else f"Rows {expected} to {number - 1} were"
        return Finding(expected, f"{gone} removed.")
    written_as = _number_when_written(database, row)
    if written_as is None:
        return _unsound(database, row, previous)
    if written_as == number:
        return _ill_linked(database, row)
    if written_as == number - 1 and row[7] == _hash_at(database, number - 2):
        return Finding(number - 1, f"Row {number - 1} was inserted, and the rows after it were numbered anew.")
    if written_as < number and _hash_at(database, written_as) == row[8]:
        return Finding(number, f"Row {number} was inserted: it is a copy of row {written_as}.")
    if next(stored_rows(database, "WHERE previous = ? LIMIT 1", previous), None) is None:
        return Finding(number, f"Row {number} was removed, and the rows after it were numbered anew.")
    return Finding(number, f"Row {number} was moved: it was written as row {written_as}.")


def _unsound(database: sqlite3.Connection, row: Stored, previous: str) -> Finding:
    """Tell a row that was altered from one that never belonged there: then the next follows the row before."""
    number = row[0]
    after = _row_at(database, number + 1)
    if after is not None and after[7] == previous and _is_sound_as(after, number):
        return Finding(number, f"Row {number} was inserted, and the rows after it were numbered anew.")
    how = "altered or inserted" if after is None and row[7] != previous else "altered"
    return Finding(number, f"Row {number} was {how}.")


def _ill_linked(database: sqlite3.Connection, row: Stored) -> Finding:
    """Tell which of two sound rows was written anew: the one that its other neighbour does not know."""
    number = row[0]
    after = _row_at(database, number + 1)
    if number == 1 or (after is not None and after[7] != row[8]):
        return Finding(number, f"Row {number} was altered and its hash computed anew.")
    return Finding(
        number - 1, f"Row {number - 1} was altered and its hash computed anew: row {number} follows another."
    )


def _number_when_written(database: sqlite3.Connection, row: Stored) -> int | None:
    """Give the number with which the row's hash is right; its own first, then any that there ever was."""
    if _is_sound_as(row, row[0]):
        return row[0]
    # What follows the number holds no bare quotation mark before its own end, so the last match is the right one.
    head, _, tail = row_text(row[:8]).rpartition(f',"number":{row[0]},"previous":')
    begun, rest = hashlib.sha256(f'{head},"number":'.encode()), f',"previous":{tail}'.encode()
    for number in range(1, _highest(database) + 2):
        attempt = begun.copy()
        attempt.update(b"%d%b" % (number, rest))
        if attempt.hexdigest() == row[8]:
            return number
    return None


def _is_sound_as(row: Stored, number: int) -> bool:
    return hashlib.sha256(row_text((number, *row[1:8])).encode()).hexdigest() == row[8]


def _highest(database: sqlite3.Connection) -> int:
    last = database.execute("SELECT coalesce(max(number), 0) FROM audit").fetchone()[0]
    used = database.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'audit'").fetchone()[0]
    return max(int(last), int(used))


def _row_at(database: sqlite3.Connection, number: int) -> Stored | None:
    # A neighbour that cannot be read says nothing about this row.
    with suppress(sqlite3.OperationalError):
        return next(stored_rows(database, "WHERE number = ?", number), None)
    return None


def _hash_at(database: sqlite3.Connection, number: int) -> str | None:
    row = _row_at(database, number)
    return None if row is None else row[8]
