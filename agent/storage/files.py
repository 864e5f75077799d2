"""Files of SQLite that one process writes, that are checked when opened and set aside where they are damaged."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from rules.errors import StorageError

BUSY_SECONDS: Final = 1.0
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class _DamageError(sqlite3.DatabaseError):
    """What the integrity check found."""


def open_checked(path: Path, schema: str) -> sqlite3.Connection:
    """Open a file and check it; what is missing is made, its folder as well: all tables or none.

    Raises:
        StorageError: there is no room for it, or no right to make it.
        sqlite3.Error: it cannot be used.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise StorageError(f"{path}: could not be made ({error.strerror})") from error
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        _check(database)
        database.executescript(f"BEGIN IMMEDIATE;\n{schema}\nCOMMIT;")
    except BaseException:
        database.close()
        raise
    return database


def has_table(database: sqlite3.Connection, name: str) -> bool:
    """Say whether a file has a table; it has none where whoever was making it has not come so far, or was killed."""
    return database.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (name,)).fetchone() is not None


def _check(database: sqlite3.Connection) -> None:
    with closing(database.execute("PRAGMA quick_check(1)")) as check:
        if (found := check.fetchone()[0]) != "ok":
            raise _DamageError(found)


def is_damage(error: sqlite3.Error) -> bool:
    """Say whether an error means that the file is damaged."""
    # The lowest octet is the primary code; the others refine it.
    return isinstance(error, _DamageError) or getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def set_aside(path: Path) -> Path:
    """Move a damaged file out of the way, for whoever repairs it; gives where it is now.

    Raises:
        StorageError: it could not be moved.
    """
    aside = path.with_name(f"{path.name}.corrupt")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.corrupt-{number}")
    try:
        path.rename(aside)
        for leftover in ("-wal", "-shm"):
            path.with_name(path.name + leftover).unlink(missing_ok=True)
    except OSError as fault:
        raise StorageError(f"{path}: damaged, and could not be set aside ({fault.strerror})") from fault
    return aside
