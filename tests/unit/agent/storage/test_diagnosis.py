"""What was done to the record: a row altered, removed, inserted or moved, with its numbers set right or not."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.storage.chain import Row, hash_of, row_text
from agent.storage.diagnosis import stored_rows
from agent.storage.record import verify
from agent.storage.state import StateStore

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
ROWS = 12


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A record of twelve rows, open to somebody who does not go through the program."""
    path = tmp_path / "state.db"
    with closing(StateStore(path, clock=lambda: NOW)) as store:
        for number in range(1, ROWS + 1):
            with store.act() as act:
                act.note("tick", actor=f"p{number}", facts={"reason": 'a "quoted" reason,"number":7,"previous":"'})
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        opened.execute("DROP TRIGGER audit_is_never_changed")
        opened.execute("DROP TRIGGER audit_is_never_deleted")
        yield opened


def row(database: sqlite3.Connection, number: int) -> tuple[Row, str]:
    found = next(stored_rows(database, "WHERE number = ?", number))
    return found[:8], found[8]


def hash_anew(database: sqlite3.Connection, number: int) -> None:
    values, _ = row(database, number)
    database.execute("UPDATE audit SET hash = ? WHERE number = ?", (hash_of(row_text(values)), number))


def renumber(database: sqlite3.Connection, first: int, by: int) -> None:
    order = "DESC" if by > 0 else "ASC"
    numbers = database.execute(f"SELECT number FROM audit WHERE number >= ? ORDER BY number {order}", (first,))  # noqa: S608
    for (number,) in numbers.fetchall():
        database.execute("UPDATE audit SET number = ? WHERE number = ?", (number + by, number))


def insert(database: sqlite3.Connection, number: int, *, is_well_made: bool) -> None:
    """Put a row in before this one; well made, it follows the row before and its hash is right."""
    renumber(database, number, 1)
    previous = row(database, number - 1)[1] if is_well_made and number > 1 else "0" * 64
    values: Row = (number, NOW.isoformat(), "tick", "me", "", "{}", "", previous)
    stored = hash_of(row_text(values)) if is_well_made else "f" * 64
    database.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*values, stored))


def alter(database: sqlite3.Connection) -> None:
    database.execute("UPDATE audit SET actor = 'somebody else' WHERE number = 5")


def alter_and_hash(database: sqlite3.Connection) -> None:
    alter(database)
    hash_anew(database, 5)


def alter_first_and_hash(database: sqlite3.Connection) -> None:
    database.execute("UPDATE audit SET previous = hash WHERE number = 1")
    hash_anew(database, 1)


def alter_link_and_hash(database: sqlite3.Connection) -> None:
    database.execute("UPDATE audit SET previous = 'f' WHERE number = 5")
    hash_anew(database, 5)


def alter_to_no_text(database: sqlite3.Connection) -> None:
    database.execute("UPDATE audit SET actor = CAST(x'70ff' AS TEXT) WHERE number = 5")


def alter_two_neighbours(database: sqlite3.Connection) -> None:
    database.execute("UPDATE audit SET actor = CAST(x'70ff' AS TEXT) WHERE number = 6")
    alter(database)


def remove(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM audit WHERE number = 5")


def remove_three(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM audit WHERE number BETWEEN 5 AND 7")


def remove_first(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM audit WHERE number = 1")


def remove_and_renumber(database: sqlite3.Connection) -> None:
    remove(database)
    renumber(database, 6, -1)


def remove_three_and_renumber(database: sqlite3.Connection) -> None:
    remove_three(database)
    renumber(database, 8, -3)


def remove_and_renumber_and_forget(database: sqlite3.Connection) -> None:
    remove_and_renumber(database)
    database.execute("UPDATE sqlite_sequence SET seq = ?", (ROWS - 1,))


def insert_well_made(database: sqlite3.Connection) -> None:
    insert(database, 5, is_well_made=True)


def insert_clumsily(database: sqlite3.Connection) -> None:
    insert(database, 5, is_well_made=False)


def copy(database: sqlite3.Connection, number: int, to: int) -> None:
    columns = "at, kind, actor, subject, facts, commitment, previous, hash"
    database.execute(f"INSERT INTO audit SELECT ?, {columns} FROM audit WHERE number = ?", (to, number))  # noqa: S608


def insert_before_the_first(database: sqlite3.Connection) -> None:
    copy(database, 1, 0)


def insert_copy(database: sqlite3.Connection) -> None:
    renumber(database, 9, 1)
    copy(database, 3, 9)


def swap(database: sqlite3.Connection, one: int, other: int) -> None:
    for number, to in ((one, -1), (other, one), (-1, other)):
        database.execute("UPDATE audit SET number = ? WHERE number = ?", (to, number))


def swap_neighbours(database: sqlite3.Connection) -> None:
    swap(database, 5, 6)


def swap_far_apart(database: sqlite3.Connection) -> None:
    swap(database, 5, 11)


def move_to_the_end(database: sqlite3.Connection) -> None:
    database.execute("UPDATE audit SET number = 99 WHERE number = 5")
    renumber(database, 6, -1)


def append_clumsily(database: sqlite3.Connection) -> None:
    insert(database, ROWS + 1, is_well_made=False)


CASES = [
    (alter, 5, "Row 5 was altered."),
    (alter_and_hash, 5, "Row 5 was altered and its hash computed anew: row 6 follows another."),
    (alter_first_and_hash, 1, "Row 1 was altered and its hash computed anew."),
    (alter_link_and_hash, 5, "Row 5 was altered and its hash computed anew."),
    (alter_to_no_text, 5, "Row 5 was altered: it holds something that is no text."),
    (alter_two_neighbours, 5, "Row 5 was altered."),
    (remove, 5, "Row 5 was removed."),
    (remove_three, 5, "Rows 5 to 7 were removed."),
    (remove_first, 1, "Row 1 was removed."),
    (remove_and_renumber, 5, "Row 5 was removed, and the rows after it were numbered anew."),
    (remove_three_and_renumber, 5, "Row 5 was removed, and the rows after it were numbered anew."),
    (remove_and_renumber_and_forget, 5, "Row 5 was removed, and the rows after it were numbered anew."),
    (insert_well_made, 5, "Row 5 was inserted, and the rows after it were numbered anew."),
    (insert_clumsily, 5, "Row 5 was inserted, and the rows after it were numbered anew."),
    (insert_before_the_first, 0, "Row 0 was inserted: the record begins with row 1."),
    (insert_copy, 9, "Row 9 was inserted: it is a copy of row 3."),
    (swap_neighbours, 5, "Row 5 was moved: it was written as row 6."),
    (swap_far_apart, 5, "Row 5 was moved: it was written as row 11."),
    (move_to_the_end, 5, "Row 5 was moved: it was written as row 6."),
    (append_clumsily, ROWS + 1, "Row 13 was altered or inserted."),
]


@pytest.mark.parametrize(("do", "broken", "what"), CASES, ids=[case[0].__name__.replace("_", "-") for case in CASES])
def test_the_first_row_that_is_not_right_is_named(
    database: sqlite3.Connection, do: Callable[[sqlite3.Connection], None], broken: int, what: str
) -> None:
    assert verify(database, anchors_key=None).is_whole
    do(database)
    found = verify(database, anchors_key=None)
    assert (found.broken, found.what) == (broken, what)
    assert found.rows == max(broken - 1, 0)


def test_rows_are_read_as_plain_tuples_whatever_the_connection_makes_of_them(database: sqlite3.Connection) -> None:
    database.row_factory = sqlite3.Row
    assert type(next(stored_rows(database))) is tuple
