"""What can be read of a damaged spool, row by row, and how its successor takes its place."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from agent.endpoint.spool_file import Row

_SIDE_FILES: Final = ("-wal", "-shm")
# A page holds many rows: after so many numbers in a row that cannot be read, the next page is tried further on.
_MAX_PROBES: Final = 300_000
_FIELDS: Final[tuple[type | tuple[type, ...], ...]] = ((int, float), (int, float), str, str, int, str, str)


def successor(path: Path) -> Path:
    """Give the name under which the successor of a damaged file is made ready."""
    return path.with_name(f"{path.name}.new")


def finish_replacing(path: Path) -> None:
    """End what a sudden death interrupted: a successor without a predecessor is whole, any other is not."""
    if path.exists():
        for end in ("", *_SIDE_FILES):
            Path(f"{successor(path)}{end}").unlink(missing_ok=True)
    elif successor(path).exists():
        # The log of another file would be played into it.
        for end in _SIDE_FILES:
            Path(f"{path}{end}").unlink(missing_ok=True)
        successor(path).rename(path)


def replace_damaged(path: Path, now: float) -> None:
    """Keep the damaged file aside and put its successor, which is closed, into its place."""
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S")
    aside = path.with_name(f"spool.corrupt-{moment}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"spool.corrupt-{moment}-{number}")
    for end in ("", *_SIDE_FILES):
        with suppress(FileNotFoundError):
            Path(f"{path}{end}").rename(f"{aside}{end}")
    successor(path).rename(path)


def read_damaged(path: Path) -> tuple[str, list[Row]]:
    """Give the epoch, empty where it cannot be read, and every row that can be, oldest first."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            return _epoch(database), [Row(*values) for values in _rows(database)]
    except (sqlite3.Error, OSError):
        return "", []


def _epoch(database: sqlite3.Connection) -> str:
    with suppress(sqlite3.Error, TypeError):
        (epoch,) = database.execute("SELECT value FROM meta WHERE name = 'epoch'").fetchone()
        return str(epoch)
    return ""


def _rows(database: sqlite3.Connection) -> Iterator[list[Any]]:
    last = _last_number(database)
    number = 0
    probes = 0
    while probes < _MAX_PROBES:
        try:
            # By the table itself: an index may be what is damaged.
            found = database.execute(
                "SELECT seq, wall, mono, boot, kind, priority, key, facts FROM event NOT INDEXED "
                "WHERE seq > ? ORDER BY seq LIMIT 1",
                (number,),
            ).fetchone()
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
                return
            probes += 1
            number += 1
            if number >= last:
                return
            continue
        if found is None:
            return
        number, *values = found
        if all(isinstance(value, form) for value, form in zip(values, _FIELDS, strict=True)):
            yield values


def _last_number(database: sqlite3.Connection) -> int:
    for question in (
        "SELECT seq FROM sqlite_sequence WHERE name = 'event'",
        "SELECT max(seq) FROM event NOT INDEXED",
    ):
        with suppress(sqlite3.Error, TypeError, ValueError):
            (number,) = database.execute(question).fetchone()
            return int(number)
    return _MAX_PROBES
