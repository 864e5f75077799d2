"""The state store: `state.db`, in which one act is one transaction and leaves its row in the record.

What `act` yields is acknowledged when its block ends without an exception, and only then: until the commit nothing
is there, after it everything is, whoever dies when. Readers never wait for the writer.
"""

import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from agent.storage.chain import GENESIS, canonical, commitment_of, hash_of, row_text
from agent.storage.files import has_table
from agent.storage.schema import SCHEMA, VERSION
from agent.storage.upgrade import UPGRADES
from rules.errors import RefusedRequestError, StorageError

BUSY_SECONDS: Final = 2.0
_KEY_BYTES: Final = 32
# The primary result codes of SQLite that somebody can do something about.
_FAULTS: Final[Mapping[int, str]] = {
    sqlite3.SQLITE_BUSY: "is locked by another program",
    sqlite3.SQLITE_LOCKED: "is locked by another program",
    sqlite3.SQLITE_FULL: "could not be written because the disk is full",
    sqlite3.SQLITE_IOERR: "could not be read or written because the disk reported a fault",
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_NOTADB: "is damaged",
    sqlite3.SQLITE_READONLY: "cannot be written by this user",
    sqlite3.SQLITE_CANTOPEN: "could not be opened",
    sqlite3.SQLITE_PERM: "may not be opened by this user",
}
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def instant_text(at: datetime) -> str:
    """Write an aware instant as the store keeps it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


@dataclass(slots=True)
class Act:
    """One transaction: what a person or the program does, and the rows that record it."""

    database: sqlite3.Connection
    now: datetime
    # Set by what removes personal payload, so that no copy is left in the write-ahead log.
    erases: bool = False

    def note(
        self,
        kind: str,
        *,
        actor: str,
        subject: str = "",
        facts: Mapping[str, Any] | None = None,
        personal: Mapping[str, Any] | None = None,
    ) -> int:
        """Append a row to the record; gives its number.

        Args:
            kind: what happened, in lower snake case (`override_approved`).
            actor: the id of the person, or `system`.
            subject: the id of what it happened to.
            facts: what stays for ever: text, whole numbers, truth values and lists of them.
            personal: what can be erased one day; the row keeps a commitment to it.
        """
        number, previous = self._end()
        key = secrets.token_bytes(_KEY_BYTES)
        content = None if personal is None else canonical(personal)
        commitment = "" if content is None else commitment_of(key, content.encode())
        row = (number, instant_text(self.now), kind, actor, subject, canonical(facts or {}), commitment, previous)
        self.database.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, hash_of(row_text(row))))
        if content is not None:
            self.database.execute("INSERT INTO personal VALUES (?, ?, ?)", (number, key, content))
        return number

    def _end(self) -> tuple[int, str]:
        """Give the number of the next row and the hash of the last; a number is never used twice."""
        last = self.database.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
        used = self.database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit'").fetchone()
        number, previous = (0, GENESIS) if last is None else (last[0], last[1])
        return max(number, used[0] if used else 0) + 1, previous


class StateStore:
    """The file that holds who is who, what was asked and decided, and the record of it all.

    Threads share one store; other processes may read, and a command may write while the daemon does not.
    `is_upgraded` is whether it opened the file of an older program, of which others could not read all.

    Args:
        path: the file; made where there is none, with its folder.
        clock: the wall clock, aware UTC.
        schema: the statements that make what is missing.
        busy_seconds: how long an act waits for its turn.

    Raises:
        StorageError: the file cannot be used; a damaged one was kept aside, and the next opening begins a new one.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], datetime],
        schema: Sequence[str] = SCHEMA,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self.path = path
        self.clock = clock
        self._busy_seconds = busy_seconds
        self._turn = threading.Lock()
        self.is_upgraded = False
        self._database = self._open(schema)

    @contextmanager
    def act(self) -> Iterator[Act]:
        """Give a transaction that is committed when the block ends, and undone by any exception.

        Raises:
            StorageError: nothing was stored, because the file is locked, full, damaged or refused the values.
            RefusedRequestError: nothing was stored, because a text holds something that is no character.
        """
        if not self._turn.acquire(timeout=self._busy_seconds):
            raise StorageError(f"{self.path}: another act has not ended yet; nothing was stored.")
        try:
            with self._told():
                self._database.execute("BEGIN IMMEDIATE")
                try:
                    act = Act(self._database, self.clock().astimezone(UTC))
                    yield act
                    self._database.execute("COMMIT")
                except BaseException:
                    self._undo()
                    raise
            if act.erases:
                self._empty_log()
        finally:
            self._turn.release()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give a look at one moment of the store; it cannot write.

        Raises:
            StorageError: the file could not be read.
        """
        with read_only(self.path) as database:
            yield database

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            self._database.close()

    def _undo(self) -> None:
        # A fault of the disk may have undone it already; the rest is undone when the file is next opened.
        with suppress(sqlite3.Error):
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    def _empty_log(self) -> None:
        # Where a reader is in the way, the log is emptied after the next erasure or at closing.
        with suppress(sqlite3.Error):
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn the faults of the database and of the text handed to it into ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(f"{sentence_of(self.path, error)}; nothing was stored.") from error
        except UnicodeEncodeError as error:
            raise RefusedRequestError(
                f"The text holds half a character ({error.object[error.start]!a}); expected whole ones, in UTF-8."
            ) from error

    def _open(self, schema: Sequence[str]) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            is_new = not self.path.exists()
            self.path.touch(mode=0o600)
        except OSError as error:
            raise StorageError(f"{self.path}: could not be made ({error.strerror}).") from error
        database = sqlite3.connect(
            self.path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(database)
            _check(database, self.path)
            self._make(database, schema, is_new=is_new)
        except sqlite3.Error as error:
            database.close()
            if _is_damage(error):
                aside = _set_aside(self.path)
                raise StorageError(
                    f"{self.path}: is damaged ({error}) and was kept aside as {aside.name}; "
                    "put a backup in its place, or start again for an empty one."
                ) from error
            raise StorageError(f"{sentence_of(self.path, error)}.") from error
        except BaseException:
            database.close()
            raise
        return database

    def _make(self, database: sqlite3.Connection, schema: Sequence[str], *, is_new: bool) -> None:
        database.execute("BEGIN IMMEDIATE")
        # A new file has version 0, and nothing to upgrade.
        (found,) = database.execute("PRAGMA user_version").fetchone()
        for statement in schema:
            database.execute(statement)
        act = Act(database, self.clock().astimezone(UTC))
        self.is_upgraded = 0 < found < VERSION
        for version in range(found or VERSION, VERSION):
            UPGRADES[version](act)
        if found != VERSION:
            # Even the same number would be written, and a full disk would keep everybody from reading.
            database.execute(f"PRAGMA user_version = {VERSION}")
        kept_aside = sorted(path.name for path in self.path.parent.glob(f"{self.path.name}.corrupt*"))
        if is_new and kept_aside:
            act.note("state_begun_anew", actor="system", facts={"kept_aside": kept_aside})
        database.execute("COMMIT")


def is_begun(path: Path) -> bool:
    """Say whether there is a state: a file with its tables. Whoever makes it may be at it, or have been killed.

    Raises:
        StorageError: it could not be read.
        OSError: nobody can say whether there is a file.
    """
    if not path.exists():
        return False
    with read_only(path) as database:
        return has_table(database, "people")


@contextmanager
def read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a look at one moment of a state file, also from another process; rows are read by name or place.

    Raises:
        StorageError: there is no such file, or it could not be read.
    """
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as database:
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA query_only = ON")
            database.execute("BEGIN")
            yield database
    except sqlite3.Error as error:
        raise StorageError(f"{sentence_of(path, error)}.") from error


def sentence_of(path: Path, error: sqlite3.Error) -> str:
    """Say what is wrong with a state file, without the full stop."""
    fault = _FAULTS.get(_primary_code(error))
    return f"{path}: the state refused this ({error})" if fault is None else f"{path}: the state {fault}"


class _DamageError(sqlite3.DatabaseError):
    """What the integrity check found."""


def _primary_code(error: sqlite3.Error) -> int:
    # The lowest octet is the primary code; the others refine it.
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _is_damage(error: sqlite3.Error) -> bool:
    return isinstance(error, _DamageError) or _primary_code(error) in _DAMAGED


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA foreign_keys = ON")
    # What is erased is overwritten in the file.
    database.execute("PRAGMA secure_delete = ON")
    database.row_factory = sqlite3.Row


def _check(database: sqlite3.Connection, path: Path) -> None:
    with closing(database.execute("PRAGMA quick_check(1)")) as check:
        if (found := check.fetchone()[0]) != "ok":
            raise _DamageError(found)
    if (version := database.execute("PRAGMA user_version").fetchone()[0]) > VERSION:
        raise StorageError(f"{path}: was written by a newer program (version {version}); expected {VERSION} at most.")


def _set_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.corrupt")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.corrupt-{number}")
    try:
        path.rename(aside)
        for ending in ("-wal", "-shm"):
            if (leftover := path.with_name(path.name + ending)).exists():
                leftover.rename(aside.with_name(aside.name + ending))
    except OSError as fault:
        raise StorageError(f"{path}: is damaged and could not be kept aside ({fault.strerror}).") from fault
    return aside
