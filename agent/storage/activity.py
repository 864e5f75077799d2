"""The activity store: blocked queries per pseudonym and counts for the rest, one SQLite file a day.

How far each source was taken, a segment of the spool or a counter, is stored in the same transaction as what was
taken, so everything is stored once, whoever dies when. Retention is deleting a file. What a school's level does not
keep, and what must never be kept against a person, is dropped here, whatever the worker handed over.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from agent.dns.outcomes import Outcome
from agent.dns.spool import USED, Batch, read_row_code
from agent.sites.site import ActivityLevel
from agent.storage.files import BUSY_SECONDS, has_table, is_damage, open_checked, set_aside
from rules.errors import StorageError
from rules.name import from_wire

# Rows of one minute that are alike may stand in several lines: a query for them sums `times`. Instants are seconds
# since 1970, of the minute or hour that they begin. A row of `queries` is known by its rowid and by the `id` of the
# file, which another file of the same day does not have.
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS queries (
    minute_at INTEGER NOT NULL,
    pseudonym TEXT NOT NULL,
    audience TEXT NOT NULL,
    verdict TEXT NOT NULL,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    reason TEXT NOT NULL,
    times INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS counts (
    hour_at INTEGER NOT NULL,
    audience TEXT NOT NULL,
    verdict TEXT NOT NULL,
    category TEXT NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (hour_at, audience, verdict, category)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (
    source TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (id TEXT NOT NULL) STRICT;
INSERT INTO file SELECT lower(hex(randomblob(8)))
WHERE NOT EXISTS (SELECT 1 FROM file) AND NOT EXISTS (SELECT 1 FROM queries);
"""

# Whatever a site or a snapshot says: who asks for help is nobody's business.
NEVER_RECORDED: Final = frozenset({"helplines"})
_DAY_FILE: Final = re.compile(r"activity-(\d{4}-\d{2}-\d{2})\.db(-wal|-shm|\.corrupt.*)?")
_MINUTE_SECONDS: Final = 60
_CACHED_NAMES: Final = 20_000
# The day that ends and the day that begins; more are only open when a clock is set.
_OPEN_FILES: Final = 2

# Audience, verdict and category.
CountKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept of single queries; `unrecorded` are categories that are never kept against a person."""

    level: ActivityLevel
    unrecorded: frozenset[str]

    def covers(self, what: Outcome) -> bool:
        """Say whether queries with this outcome are kept one by one.

        A service that was put into its safe mode was not blocked: it counts as allowed.
        """
        if self.level is ActivityLevel.COUNTS or what.category in self.unrecorded | NEVER_RECORDED:
            return False
        return self.level is ActivityLevel.ALL or what.verdict == "blocked"


class ActivityStore:
    """The day files of one school; one process writes them.

    Args:
        folder: where the files are.
        timezone: whose midnight ends a day.
        pseudonym_of: the pseudonym of a client's address (4 or 16 octets) on a day.
        on_set_aside: told about each damaged file that was set aside.
    """

    def __init__(
        self,
        folder: Path,
        *,
        timezone: ZoneInfo,
        keeping: Keeping,
        pseudonym_of: Callable[[bytes, date], str],
        on_set_aside: Callable[[Path], None] = lambda _: None,
    ) -> None:
        self._folder = folder
        self.timezone = timezone
        self.keeping = keeping
        self._pseudonym_of = pseudonym_of
        self._on_set_aside = on_set_aside
        self._open: dict[date, sqlite3.Connection] = {}
        self._name_text = lru_cache(_CACHED_NAMES)(from_wire)

    def day_of(self, at_unix: float) -> date:
        """Give the school's day of an instant."""
        return datetime.fromtimestamp(at_unix, self.timezone).date()

    def path(self, day: date) -> Path:
        """Give the file of a day."""
        return self._folder / f"activity-{day}.db"

    def days(self) -> list[date]:
        """Give the days that have a file, oldest first."""
        matches = (_DAY_FILE.fullmatch(path.name) for path in self._files())
        return sorted(date.fromisoformat(match[1]) for match in matches if match and match[2] is None)

    def positions(self) -> dict[str, int]:
        """Give how far each source was taken, the furthest of all days.

        Raises:
            StorageError: a file cannot be read; a damaged one is set aside.
        """
        furthest: dict[str, int] = {}
        for day in self.days():
            for source, position in self._positions_of(day):
                furthest[source] = max(position, furthest.get(source, 0))
        return furthest

    def _positions_of(self, day: date) -> list[tuple[str, int]]:
        path = self.path(day)
        try:
            with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as database:
                if not has_table(database, "positions"):
                    return []
                return database.execute("SELECT source, position FROM positions").fetchall()
        except sqlite3.Error as error:
            self._set_aside_if_damaged(day, error)
            raise StorageError(f"{path}: the activity could not be read ({error})") from error

    def store_rows(self, day: date, batches: Iterable[Batch]) -> int:
        """Store batches of one day together with their positions; gives how many queries were kept.

        Raises:
            StorageError: nothing was stored, because the file is locked, full or cannot be written.
        """
        positions: dict[str, int] = {}
        seen: dict[tuple[int, bytes, bytes, int], int] = {}
        for batch in batches:
            positions[batch.segment] = batch.position
            minute_at = int(batch.at_unix) // _MINUTE_SECONDS * _MINUTE_SECONDS
            for address, name, code, times in batch.rows:
                row = minute_at, address, name, code
                seen[row] = seen.get(row, 0) + times
        lines = list(self._lines(day, seen))
        with self._transaction(day) as database:
            database.executemany("INSERT INTO queries VALUES (?, ?, ?, ?, ?, ?, ?, ?)", lines)
            database.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?)", positions.items())
        return sum(line[-1] for line in lines)

    def _lines(
        self, day: date, seen: Mapping[tuple[int, bytes, bytes, int], int]
    ) -> Iterator[tuple[int, str, str, str, str, str, str, int]]:
        """Turn rows into lines; what is not kept is left out before anybody computes whose it was."""
        # How overrides are used is not for this store.
        known: dict[int, tuple[str, str, str, str] | None] = {USED: None}
        pseudonyms: dict[bytes, str] = {}
        for (minute_at, address, name, code), times in seen.items():
            if code not in known:
                what, reason = read_row_code(code)
                covered = self.keeping.covers(what)
                known[code] = (what.audience, what.verdict, what.category, reason.value) if covered else None
            if (kept := known[code]) is None:
                continue
            pseudonym = pseudonyms.get(address)
            if pseudonym is None:
                pseudonym = pseudonyms[address] = self._pseudonym_of(address, day)
            audience, verdict, category, reason_text = kept
            yield minute_at, pseudonym, audience, verdict, self._name_text(name), category, reason_text, times

    def store_counts(self, at_unix: float, counts: Mapping[CountKey, int], positions: Mapping[str, int]) -> None:
        """Add to the counts of the hour that holds this instant, and note which counters they came from.

        Raises:
            StorageError: nothing was stored.
        """
        hour = datetime.fromtimestamp(at_unix, self.timezone).replace(minute=0, second=0, microsecond=0)
        with self._transaction(hour.date()) as database:
            database.executemany(
                "INSERT INTO counts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET times = times + excluded.times",
                [(int(hour.timestamp()), *key, times) for key, times in counts.items()],
            )
            database.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?)", positions.items())

    def delete_expired(self, today: date, *, retention_days: int) -> list[Path]:
        """Delete the files of days that are more than so many days ago; gives what was deleted.

        Raises:
            StorageError: a file could not be deleted.
        """
        oldest_kept = today - timedelta(days=retention_days)
        gone = []
        for path in self._files():
            match = _DAY_FILE.fullmatch(path.name)
            if match is None or (day := date.fromisoformat(match[1])) >= oldest_kept:
                continue
            self._close_day(day)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise StorageError(f"{path}: could not be deleted at its time ({error.strerror})") from error
            gone.append(path)
        return gone

    def close(self) -> None:
        """Close every file."""
        for day in list(self._open):
            self._close_day(day)

    def _files(self) -> list[Path]:
        return sorted(self._folder.iterdir()) if self._folder.is_dir() else []

    @contextmanager
    def _transaction(self, day: date) -> Iterator[sqlite3.Connection]:
        """Give the day's file within a transaction that ends with the block.

        On any fault the file is closed, which undoes what was not committed. A damaged one is set aside for
        whoever repairs it, and the next attempt begins a new one.
        """
        try:
            database = self._open.get(day) or self._connect(day)
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")
        except sqlite3.Error as error:
            self._close_day(day)
            self._set_aside_if_damaged(day, error)
            raise StorageError(f"{self.path(day)}: the activity could not be stored ({error})") from error
        except BaseException:
            self._close_day(day)
            raise

    def _connect(self, day: date) -> sqlite3.Connection:
        """Open a file, check it, and make what is missing."""
        while len(self._open) >= _OPEN_FILES:
            self._close_day(min(self._open))
        database = self._open[day] = open_checked(self.path(day), SCHEMA)
        return database

    def _close_day(self, day: date) -> None:
        if (database := self._open.pop(day, None)) is not None:
            database.close()

    def _set_aside_if_damaged(self, day: date, error: sqlite3.Error) -> None:
        if is_damage(error):
            self._on_set_aside(set_aside(self.path(day)))
