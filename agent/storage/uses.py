"""How overrides are used: of each, how often and by which devices, under pseudonyms that are its own. Never a name.

The intake counts here, the interface reads it once an override has ended, and then the intake deletes it. How far
each segment of the spool was taken is stored in the same transaction, so every use counts once, whoever dies when.
What may be missing in the counts is noted as well: when they begin, and when rows were last lost.
"""

import hmac
import secrets
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agent.dns.spool import USED, Batch
from agent.storage.files import has_table, is_damage, open_checked, set_aside
from agent.storage.state import read_only
from rules.errors import StorageError

# A device without a pseudonym stands for all that nobody may tell apart. The key of an override is deleted with its
# rows, and then its pseudonyms belong to nobody.
SCHEMA: Final = """
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS keys (
    override TEXT PRIMARY KEY,
    key BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uses (
    override TEXT NOT NULL,
    device BLOB NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (override, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (
    source TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (
    name TEXT PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

# Marks; instants are nanoseconds since 1970.
# From when on everything was counted here, and when rows were last lost.
_SINCE: Final = "since"
_LOST_AT: Final = "lost_at"
# How many rows the workers' counters said to be lost, and when these counters were begun.
_LOST_ROWS: Final = "lost_rows"
_COUNTERS: Final = "counters_begun_at"
# Whether the intake came to its end, and was not killed.
_HAS_ENDED: Final = "has_ended"

_KEY_OCTETS: Final = 32
# As long as any other pseudonym.
_PSEUDONYM_OCTETS: Final = 10


def uses_path(state: str) -> Path:
    """Give the file in which uses are counted."""
    return Path(state) / "activity" / "uses.db"


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of one override; `devices` is None where somebody used it whom nobody may tell apart.

    `since` is from when on everything was counted, `lost_at` when rows were last lost, whoever they were about.
    """

    times: int
    devices: int | None
    since: datetime
    lost_at: datetime | None


class UseStore:
    """The counts of one school; one process writes them.

    Args:
        path: the file.
        counters_begun_at: which counters of lost rows are looked at, told by when they were begun.
        device_of: gives what a device is recognised by, from its address (4 or 16 octets); empty for none.
        nanoseconds: the wall clock, since 1970.
        counts_since: says from when on everything is counted in a file that is begun now.
        on_set_aside: told about a damaged file that was set aside.
    """

    def __init__(
        self,
        path: Path,
        *,
        counters_begun_at: int,
        device_of: Callable[[bytes], str],
        nanoseconds: Callable[[], int],
        counts_since: Callable[[], int],
        on_set_aside: Callable[[Path], None] = lambda _: None,
    ) -> None:
        self._path = path
        self._counters_begun_at = counters_begun_at
        self._device_of = device_of
        self._nanoseconds = nanoseconds
        self._counts_since = counts_since
        self._on_set_aside = on_set_aside
        self._database: sqlite3.Connection | None = None
        self._lost_rows: int | None = None

    def store(self, batches: Iterable[Batch], *, segments: Collection[str]) -> None:
        """Count the uses among these rows, except in batches that were taken before.

        Args:
            batches: what was read from the spool.
            segments: all that are left in the spool; of others nobody needs to know how far they were taken.

        Raises:
            StorageError: nothing was counted.
        """
        with_uses = [batch for batch in batches if any(row.code == USED for row in batch.rows)]
        if not with_uses:
            return
        with self._transaction() as database:
            taken: dict[str, int] = dict(database.execute("SELECT source, position FROM positions"))
            seen: Counter[tuple[str, str]] = Counter()
            for batch in with_uses:
                if batch.position <= taken.get(batch.segment, 0):
                    continue
                taken[batch.segment] = batch.position
                for row in batch.rows:
                    if row.code == USED:
                        seen[row.name.decode(), self._device_of(row.address)] += row.times
            keys = {override: _key_of(database, override) for override, _ in seen}
            database.executemany(
                "INSERT INTO uses VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET times = times + excluded.times",
                [(override, _pseudonym(keys[override], device), times) for (override, device), times in seen.items()],
            )
            database.execute("DELETE FROM positions")
            left = [(source, position) for source, position in taken.items() if source in segments]
            database.executemany("INSERT INTO positions VALUES (?, ?)", left)

    def note_losses(self, lost_rows: int) -> None:
        """Take note of how many rows the counters know to be lost, by whomever.

        Raises:
            StorageError: it could not be noted.
        """
        if lost_rows == self._lost_rows:
            return
        with self._transaction() as database:
            if lost_rows > _marks(database)[_LOST_ROWS]:
                _mark(database, {_LOST_ROWS: lost_rows, _LOST_AT: self._nanoseconds()})
        self._lost_rows = lost_rows

    def overrides(self) -> list[str]:
        """Give the overrides of which something is kept.

        Raises:
            StorageError: the file cannot be read.
        """
        with self._transaction() as database:
            return [override for (override,) in database.execute("SELECT override FROM keys")]

    def forget(self, overrides: Iterable[str]) -> None:
        """Delete what was counted of some overrides, and the keys of their pseudonyms.

        Raises:
            StorageError: nothing was deleted.
        """
        gone = [(override,) for override in overrides]
        if not gone:
            return
        with self._transaction() as database:
            database.executemany("DELETE FROM uses WHERE override = ?", gone)
            database.executemany("DELETE FROM keys WHERE override = ?", gone)
        self._empty_log()

    def end(self) -> None:
        """Note that the intake has come to its end, and close the file."""
        with self._transaction() as database:
            _mark(database, {_HAS_ENDED: 1})
        self.close()

    def close(self) -> None:
        """Close the file."""
        database, self._database = self._database, None
        if database is not None:
            database.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the file within a transaction that ends with the block; any fault undoes it and closes the file."""
        try:
            database = self._database or self._open()
            database.execute("BEGIN IMMEDIATE")
            yield database
            database.execute("COMMIT")
        except sqlite3.Error as error:
            self.close()
            if is_damage(error):
                self._on_set_aside(set_aside(self._path))
            raise StorageError(f"{self._path}: uses of overrides could not be counted ({error})") from error
        except BaseException:
            self.close()
            raise

    def _open(self) -> sqlite3.Connection:
        database = self._database = open_checked(self._path, SCHEMA)
        database.execute("BEGIN IMMEDIATE")
        marks = _marks(database)
        if not marks:
            _mark(database, {_SINCE: self._counts_since()})
        if marks.get(_COUNTERS) != self._counters_begun_at:
            if marks and not marks[_HAS_ENDED]:
                # Nobody told the last intake to end, so nobody knows what workers still had in their hands.
                _mark(database, {_LOST_AT: self._nanoseconds()})
            _mark(database, {_COUNTERS: self._counters_begun_at, _LOST_ROWS: 0})
        _mark(database, {_HAS_ENDED: 0})
        database.execute("COMMIT")
        # Written through to the disk: what it says must stand also after a power cut.
        self._empty_log()
        return database

    def _empty_log(self) -> None:
        # Where a reader is in the way, the log is emptied by the next attempt or at closing.
        with suppress(sqlite3.Error):
            if self._database is not None:
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def read_uses(path: Path, override: str) -> Counted | None:
    """Read what was counted of an override; nothing where nobody counts.

    Raises:
        StorageError: the file could not be read.
    """
    if not path.exists():
        return None
    with read_only(path) as database:
        if not has_table(database, "marks"):
            return None
        marks = _marks(database)
        times, devices, apart = database.execute(
            "SELECT coalesce(sum(times), 0), count(*), count(*) FILTER (WHERE device <> x'') FROM uses"
            " WHERE override = ?",
            (override,),
        ).fetchone()
    if _SINCE not in marks:
        return None
    lost_at = marks.get(_LOST_AT)
    return Counted(
        times,
        devices if devices == apart else None,
        _instant(marks[_SINCE]),
        None if lost_at is None else _instant(lost_at),
    )


def _marks(database: sqlite3.Connection) -> dict[str, int]:
    return dict(database.execute("SELECT name, number FROM marks"))


def _mark(database: sqlite3.Connection, numbers: dict[str, int]) -> None:
    database.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?)", numbers.items())


def _key_of(database: sqlite3.Connection, override: str) -> bytes:
    """Give the key of an override's pseudonyms, made with its first use."""
    database.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", (override, secrets.token_bytes(_KEY_OCTETS)))
    key: bytes = database.execute("SELECT key FROM keys WHERE override = ?", (override,)).fetchone()[0]
    return key


def _pseudonym(key: bytes, device: str) -> bytes:
    return hmac.digest(key, device.encode(), "sha256")[:_PSEUDONYM_OCTETS] if device else b""


def _instant(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
