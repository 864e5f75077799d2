"""The day files of what was asked, read for whoever weighs it: only looked at, each row known by its file and number.

A file that is gone, set aside or cannot be read keeps nobody from the others.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from agent.storage.activity import NEVER_RECORDED
from agent.storage.files import BUSY_SECONDS, has_table
from rules.errors import StorageError
from rules.subject import Audience

PREFIX: Final = "activity-"
# So many rows are passed at most before somebody else has a turn.
MOST_PASSED: Final = 100_000
_COLUMNS: Final = "rowid, minute_at, pseudonym, audience, name, category, times"
_MOST_LOOKED_BACK: Final = 5_000


class Row(NamedTuple):
    """One line of a day file: something that was asked within a minute and blocked."""

    number: int
    minute_at: int
    pseudonym: str
    audience: str
    name: str
    category: str
    times: int


class DayUnreadableError(StorageError):
    """A day file cannot be read."""


class OpenDay:
    """One day file at one moment; `source` names the file whatever becomes of its path."""

    def __init__(self, day: date, database: sqlite3.Connection) -> None:
        self.day = day
        self._database = database
        self.source = f"{PREFIX}{day}-{_id_of(database)}"
        self.end: int = database.execute("SELECT coalesce(max(rowid), 0) FROM queries").fetchone()[0]

    def part(self, after: int, *, until: int, categories: Collection[str], limit: int) -> tuple[list[Row], int]:
        """Give the next blocked lines of these categories, and the number of the last line that was passed.

        Args:
            after: the number of the last line that was passed before.
            until: the number of the last line that is looked at.
            limit: how many lines at most.
        """
        until = min(until, self.end, after + MOST_PASSED)
        blocked, values = _blocked_in(categories)
        rows = [
            Row(*row)
            for row in self._database.execute(
                f"SELECT {_COLUMNS} FROM queries WHERE rowid > ? AND rowid <= ? AND {blocked} ORDER BY rowid LIMIT ?",  # noqa: S608 (our own words)
                (after, until, *values, limit),
            )
        ]
        return rows, rows[-1].number if len(rows) == limit else until

    def count_others(self, after: int, until: int, *, categories: Collection[str]) -> int:
        """Count the blocked lines in between that `part` leaves out."""
        blocked, values = _blocked_in(categories)
        query = (
            "SELECT count(*) FROM queries WHERE rowid > ? AND rowid <= ? AND verdict = 'blocked'"  # noqa: S608 (our own words)
            f" AND NOT ({blocked})"
        )
        return int(self._database.execute(query, (after, until, *values)).fetchone()[0])

    def of_device(
        self, pseudonym: str, first_unix: int, end_unix: int, *, until: int, categories: Collection[str]
    ) -> list[Row]:
        """Give the blocked lines of a device in a stretch of time, up to one that was taken before."""
        blocked, values = _blocked_in(categories)
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM queries WHERE rowid <= ? AND pseudonym = ? AND minute_at >= ? AND minute_at < ?"  # noqa: S608 (our own words)
            f" AND {blocked} ORDER BY rowid LIMIT ?",
            (until, pseudonym, first_unix, end_unix, *values, _MOST_LOOKED_BACK),
        )
        return [Row(*row) for row in rows]


class DayFiles:
    """The day files of one school.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def days(self) -> list[date]:
        """Give the days that have a file, oldest first."""
        found = []
        for path in self._folder.glob(f"{PREFIX}*.db"):
            with suppress(ValueError):
                found.append(date.fromisoformat(path.name.removeprefix(PREFIX).removesuffix(".db")))
        return sorted(found)

    def state_of(self, day: date) -> tuple[tuple[int, int, int], ...]:
        """Give what changes whenever something is written to the file of a day."""
        path = self._path(day)
        found = []
        for each in (path, path.with_name(f"{path.name}-wal")):
            with suppress(OSError):
                status = each.stat()
                found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        return tuple(found)

    @contextmanager
    def open(self, day: date) -> Iterator[OpenDay | None]:
        """Give one moment of the file of a day; nothing where it has gone, or holds nothing yet.

        Raises:
            DayUnreadableError: it cannot be read.
        """
        path = self._path(day)
        if not path.exists():
            yield None
            return
        uri = f"{path.absolute().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as database:
                database.execute("PRAGMA query_only = ON")
                database.execute("BEGIN")
                yield OpenDay(day, database) if has_table(database, "queries") else None
        except sqlite3.Error as error:
            raise DayUnreadableError(f"{path}: what was asked could not be read ({error})") from error

    def _path(self, day: date) -> Path:
        return self._folder / f"{PREFIX}{day}.db"


def _blocked_in(categories: Collection[str]) -> tuple[str, list[str]]:
    """Give what holds for a line that anything can come of, and the values in it."""
    wanted = sorted(set(categories) - NEVER_RECORDED)
    marks = ", ".join("?" * len(wanted))
    audiences = ", ".join(f"'{audience.value}'" for audience in Audience)
    return f"verdict = 'blocked' AND audience IN ({audiences}) AND category IN ({marks})", wanted


def day_of_source(source: str) -> date | None:
    """Give the day of the file that a source names, or nothing if it is no such file."""
    with suppress(ValueError):
        if source.startswith(PREFIX):
            return date.fromisoformat(source.removeprefix(PREFIX)[:10])
    return None


def _id_of(database: sqlite3.Connection) -> str:
    """Give the id of a file; a file from before there were any has none."""
    if not has_table(database, "file"):
        return ""
    row = database.execute("SELECT id FROM file").fetchone()
    return "" if row is None else str(row[0])
