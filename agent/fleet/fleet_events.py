"""What laptops told, in a file of its own that one process writes: each event once, stored before it is acknowledged.

Batches that arrive together are stored together: one transaction, one wait for the disk. What is answered is read off
the tables, so a batch that comes a second time gets the same answer. Nothing is judged here.
"""

import queue
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.fleet.batch_reader import ReadBatch, ReadEvent
from agent.fleet.device_errors import RefusedDeviceError
from agent.fleet.fleet_gaps import DROPPED, note_gaps, read_gaps
from agent.fleet.fleet_states import HEARTBEAT, MEDIA, POSTURE, Change, changes_of
from agent.fleet.fleet_times import Sending, occurred_at
from agent.logs import log
from agent.storage.files import has_table, is_damage, open_checked, set_aside
from agent.storage.fleet_schema import EVENTS
from agent.storage.state import read_only
from collectors.observed import KINDS, Priority
from rules.errors import StorageError

FILE_NAME: Final = "fleet.db"
# So many batches are stored together at most, and so many may wait for that.
MAX_GROUP: Final = 16
MAX_WAITING: Final = 64
# So many states of a laptop are kept; of more, those of media that were told first make room.
MAX_STATES: Final = 500
# Rows that are deleted in one go, so that no batch waits long for it.
PRUNED_AT_ONCE: Final = 5_000
UNKNOWN_KIND: Final = "unknown_kind"
DUPLICATE: Final = "duplicate"
TAKEN: Final = "taken"
# So many gaps are told of at once; the others the next time.
_MOST_TOLD: Final = 10_000
_MAX_DROPPED: Final = 2**53
# The log is carried over to the file less often than usual: each time, somebody waits.
_LOG_PAGES: Final = 8_000
_BUSY: Final = "The gateway has more to store than it can just now; please send it again in a moment."
# What a spool names as the batch before its first one.
_GENESIS: Final = "0" * 64
_INSERT: Final = """INSERT OR IGNORE INTO events (stream, seq, batch, kind, priority, occurred, clock, hash, content)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_BATCH: Final = """INSERT INTO batches (stream, first, last, received, sent, digest, signed, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_STATE: Final = """INSERT INTO device_states VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (device, kind, key) DO UPDATE SET
(occurred, received, content) = (excluded.occurred, excluded.received, excluded.content)"""
_CONTACT: Final = """INSERT INTO device_contacts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET
(seen, agent, policy, depth, oldest, skew, dropped, address) = (excluded.seen, excluded.agent, excluded.policy,
excluded.depth, excluded.oldest, excluded.skew, min(dropped + excluded.dropped, 1 << 53), excluded.address)"""
_FORGET: Final = """DELETE FROM device_states WHERE device = ?1 AND (kind, key) IN (
SELECT kind, key FROM device_states WHERE device = ?1
ORDER BY kind = ?2, received DESC, occurred DESC LIMIT -1 OFFSET ?3)"""
_COUNT: Final = "INSERT INTO counts VALUES (?, ?) ON CONFLICT (what) DO UPDATE SET times = times + excluded.times"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A batch as it came in, whose device has proved itself.

    Args:
        received: seconds since 1970 by our clock.
        address: where it came from.
        digest: the SHA-256 of the body.
        signed: the headers by which the device signed it, as JSON.
    """

    batch: ReadBatch
    received: float
    address: str
    digest: bytes
    signed: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: everything up to `acknowledged` is stored, but for the gaps."""

    acknowledged: int
    duplicates: int
    gaps: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of a spool that never came."""

    device: str
    epoch: str
    first: int
    last: int


@dataclass(slots=True)
class _Stream:
    number: int
    device: str
    last: int
    pruned: int


class FleetEvents:
    """The file of events; its one writer is a thread of its own, and both begin when they are first needed.

    Args:
        path: the file; made where there is none, set aside where it is damaged.

    `submitted` counts the batches that anybody wanted to have stored since the process began.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.Lock()
        self._opened: sqlite3.Connection | None = None
        self._streams: dict[tuple[str, str], _Stream] = {}
        self.submitted = 0
        self._waiting: queue.Queue[tuple[Delivery, Future[Taken]] | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._write, name="fleet events", daemon=True)

    def submit(self, delivery: Delivery) -> Future[Taken]:
        """Store a batch; the result is there once it is on the disk.

        The future raises RefusedDeviceError where one of its numbers came with another content before, and
        StorageError where it could not be stored.

        Raises:
            RefusedDeviceError: too many wait already.
            StorageError: the file cannot be used.
        """
        # Whoever hands something over must not wait for the disk.
        if not self._thread.is_alive():
            self._start()
        self.submitted += 1
        future: Future[Taken] = Future()
        try:
            self._waiting.put_nowait((delivery, future))
        except queue.Full:
            raise RefusedDeviceError("busy", _BUSY) from None
        return future

    def check_room(self) -> None:
        """Check that one more batch could wait, before anybody reads it.

        Raises:
            RefusedDeviceError: too many wait already.
        """
        if self._waiting.full():
            raise RefusedDeviceError("busy", _BUSY)

    def _start(self) -> None:
        with self._turn:
            self._opened = self._opened or _open(self.path)
            if not self._thread.is_alive():
                self._thread.start()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give a look at one moment of the file.

        Raises:
            StorageError: the file could not be read.
        """
        if not self._is_made():
            with self._transaction():
                pass
        with read_only(self.path) as database:
            yield database

    def _is_made(self) -> bool:
        if self._opened is not None:
            return True
        if not self.path.exists():
            return False
        # Whoever was making it may have been killed.
        with read_only(self.path) as database:
            return has_table(database, "events")

    def close(self) -> None:
        """Store what waits, and close the file."""
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()
        with self._turn:
            if self._opened is not None:
                self._opened.close()

    # ---- by the clock --------------------------------------------------------------------------------------

    def untold_gaps(self, *, before: float) -> list[Gap]:
        """Give the gaps that nobody was told of: found before this instant, or where nothing waits on the laptop."""
        query = """SELECT device, epoch, first, gaps.last FROM gaps JOIN streams ON streams.number = stream
            LEFT JOIN device_contacts USING (device) WHERE is_told = 0 AND (found < ? OR coalesce(depth, 1) = 0)
            LIMIT ?"""
        if not self.path.exists():
            return []
        with self.read() as database:
            return [Gap(*row) for row in database.execute(query, (before, _MOST_TOLD))]

    def mark_told(self, gaps: Iterable[Gap]) -> None:
        """Remember that somebody was told of these gaps."""
        query = """UPDATE gaps SET is_told = 1 WHERE first = ? AND stream =
            (SELECT number FROM streams WHERE device = ? AND epoch = ?)"""
        with self._transaction() as database:
            database.executemany(query, [(gap.first, gap.device, gap.epoch) for gap in gaps])

    def prune(self, *, before: float, most: int) -> int:
        """Delete what came before this instant, and the oldest of more events than `most`; gives how many went.

        A number that was deleted stays known, so that an old batch that comes again changes nothing.
        """
        gone = 0
        if not self.path.exists():
            return gone
        with self.read() as database:
            oldest, newest = database.execute("SELECT min(number), max(number) FROM events").fetchone()
            query = "SELECT max(number) FROM batches WHERE received < ?"
            (batch,) = database.execute(query, (before,)).fetchone()
        while oldest is not None:
            until = min(oldest + PRUNED_AT_ONCE, newest + 1)
            with self._transaction() as database:
                rows = database.execute(
                    "SELECT stream, max(seq) FROM events WHERE number < ? AND (batch <= ? OR number <= ?)"
                    " GROUP BY stream",
                    (until, batch or 0, newest - most),
                ).fetchall()
                query = "UPDATE streams SET pruned = max(pruned, ?) WHERE number = ?"
                database.executemany(query, [(seq, stream) for stream, seq in rows])
                gone += database.execute(
                    "DELETE FROM events WHERE number < ? AND (batch <= ? OR number <= ?)",
                    (until, batch or 0, newest - most),
                ).rowcount
                self._streams.clear()
            oldest = until if rows and until <= newest else None
        with self._transaction() as database:
            (needed,) = database.execute("SELECT min(batch) FROM events").fetchone()
            query = "DELETE FROM batches WHERE number <= ? AND number < ?"
            database.execute(query, (batch or 0, needed or 2**62))
            database.execute("DELETE FROM gaps WHERE found < ? AND is_told = 1", (before,))
            # How a laptop was protected is asked when it is lost, which may be later.
            database.execute("DELETE FROM device_states WHERE received < ? AND kind <> ?", (before, POSTURE))
        return gone

    # ---- the writer ----------------------------------------------------------------------------------------

    def _write(self) -> None:
        item = self._waiting.get()
        while item is not None:
            group = [item]
            while len(group) < MAX_GROUP and not self._waiting.empty() and (item := self._waiting.get()) is not None:
                group.append(item)
            # Who went away meanwhile was told nothing, and sends it again.
            if present := [each for each in group if each[1].set_running_or_notify_cancel()]:
                self._store(present)
            item = item and self._waiting.get()

    def _store(self, group: Sequence[tuple[Delivery, "Future[Taken]"]]) -> None:
        results: list[Taken | RefusedDeviceError] = []
        try:
            with self._transaction() as database:
                results += [self._take(database, delivery) for delivery, _ in group]
        except Exception as error:  # noqa: BLE001 (whoever waits must be answered)
            self._streams.clear()
            if len(group) > 1:
                # One of them may be at fault; the others must not wait for it.
                for each in group:
                    self._store([each])
                return
            reason = str(error) if isinstance(error, StorageError) else type(error).__name__
            log.error("fleet_not_stored", reason=reason)
            for _, future in group:
                future.set_exception(StorageError(f"{self.path}: the batch could not be stored ({reason})."))
            return
        for (_, future), result in zip(group, results, strict=True):
            if isinstance(result, Taken):
                future.set_result(result)
            else:
                future.set_exception(result)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._turn:
            database = self._opened = self._opened or _open(self.path)
            try:
                database.execute("BEGIN IMMEDIATE")
                yield database
                database.execute("COMMIT")
            except BaseException as error:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise StorageError(f"{self.path}: the events could not be stored ({error})") from error
                raise

    def _take(self, database: sqlite3.Connection, delivery: Delivery) -> Taken | RefusedDeviceError:
        batch = delivery.batch
        stream = self._stream(database, delivery)
        known = _known(database, stream, batch)
        if any(known.get(event.sequence, event.hash) != event.hash for event in batch.events):
            return RefusedDeviceError(
                "clone-suspected",
                "An event with this number came before with another content; two laptops may use one copied disk.",
            )
        new = [event for event in batch.events if event.sequence > stream.pruned and event.sequence not in known]
        if new:
            self._insert(database, delivery, stream, new)
            note_gaps(database, batch, stream=stream.number, last=stream.last, received=delivery.received)
            stream.last = max(stream.last, batch.last)
            database.execute("UPDATE streams SET last = ? WHERE number = ?", (stream.last, stream.number))
        _note_contact(database, delivery, new)
        duplicates = len(batch.events) - len(new)
        counted = {TAKEN: len(new), DUPLICATE: duplicates}
        counted[UNKNOWN_KIND] = sum(event.kind not in KINDS for event in new)
        database.executemany(_COUNT, [each for each in counted.items() if each[1]])
        return Taken(stream.last, duplicates, read_gaps(database, stream.number))

    def _stream(self, database: sqlite3.Connection, delivery: Delivery) -> _Stream:
        batch = delivery.batch
        key = batch.device, batch.epoch
        if key not in self._streams:
            # A spool that was acknowledged before by a file that is gone owes us nothing of that time.
            last = 0 if batch.previous == _GENESIS else batch.first - 1
            query = "INSERT OR IGNORE INTO streams (device, epoch, begun, last, pruned) VALUES (?, ?, ?, ?, ?)"
            database.execute(query, (*key, delivery.received, last, last))
            query = "SELECT number, device, last, pruned FROM streams WHERE device = ? AND epoch = ?"
            self._streams[key] = _Stream(*database.execute(query, key).fetchone())
        return self._streams[key]

    def _insert(
        self, database: sqlite3.Connection, delivery: Delivery, stream: _Stream, events: Sequence[ReadEvent]
    ) -> None:
        batch = delivery.batch
        sending = Sending(delivery.received, batch.sent_wall, batch.sent_monotonic, batch.boot)
        is_evidence = any(event.priority == Priority.INCIDENT for event in events)
        row = (
            stream.number,
            batch.first,
            batch.last,
            delivery.received,
            batch.sent_wall,
            delivery.digest,
            delivery.signed,
            delivery.body if is_evidence else None,
        )
        query = (
            "INSERT INTO batches (stream, first, last, received, sent, digest, signed, body) VALUES (?,?,?,?,?,?,?,?)"
        )
        number = database.execute(query, row).lastrowid
        rows: list[tuple[Any, ...]] = []
        has_changed = False
        for event in events:
            at, clock = occurred_at(sending, wall=event.wall, monotonic=event.monotonic, boot=event.boot)
            is_heartbeat = event.kind == HEARTBEAT
            rows.append(
                (
                    stream.number,
                    event.sequence,
                    number,
                    event.kind,
                    event.priority,
                    at,
                    clock.value,
                    event.hash,
                    None if is_heartbeat else event.text,
                )
            )
            # What fills a gap is older than what is known.
            if event.sequence > stream.last:
                for change in changes_of(event):
                    has_changed = has_changed or not (is_heartbeat or change.is_over)
                    _note_state(database, change, (batch.device, at, delivery.received, event.text))
        database.executemany(_INSERT, rows)
        if has_changed:
            database.execute(_FORGET, (batch.device, MEDIA, MAX_STATES))


def _open(path: Path) -> sqlite3.Connection:
    try:
        database = open_checked(path, EVENTS)
    except sqlite3.Error as error:
        if not is_damage(error):
            raise StorageError(f"{path}: the events of laptops cannot be used ({error}).") from error
        log.error("fleet_events_set_aside", path=str(set_aside(path)))
        try:
            database = open_checked(path, EVENTS)
        except sqlite3.Error as again:
            raise StorageError(f"{path}: the events of laptops cannot be used ({again}).") from again
    # What is acknowledged is deleted on the laptop: it has to be on the disk.
    database.execute("PRAGMA synchronous = FULL")
    database.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    return database


def _known(database: sqlite3.Connection, stream: _Stream, batch: ReadBatch) -> dict[int, bytes]:
    """Give the hashes of what came before, by number; nothing of what may lie between its numbers."""
    numbers = [event.sequence for event in batch.events if event.sequence <= stream.last]
    query = f"SELECT seq, hash FROM events WHERE stream = ? AND seq IN ({', '.join('?' * len(numbers))})"  # noqa: S608 (marks)
    return dict(map(tuple, database.execute(query, (stream.number, *numbers)))) if numbers else {}


def _note_state(database: sqlite3.Connection, change: Change, found: tuple[str, float, float, str]) -> None:
    device, at, received, text = found
    if not change.is_over:
        database.execute(_STATE, (device, change.kind, change.key, at, received, text))
    else:
        query = "DELETE FROM device_states WHERE device = ? AND kind = ? AND (key = ? OR ? = '')"
        database.execute(query, (device, change.kind, change.key, change.key))


def _note_contact(database: sqlite3.Connection, delivery: Delivery, new: Sequence[ReadEvent]) -> None:
    batch = delivery.batch
    counts = (event.facts.get("count") for event in new if event.kind == DROPPED)
    dropped = sum(count for count in counts if isinstance(count, int) and 0 < count < _MAX_DROPPED)
    row = (
        batch.device,
        delivery.received,
        batch.agent,
        batch.policy,
        # What was taken just now does not wait any more.
        max(0, batch.depth - len(batch.events)),
        batch.oldest_seconds,
        delivery.received - batch.sent_wall,
        min(dropped, _MAX_DROPPED),
        delivery.address,
    )
    database.execute(_CONTACT, row)


def read_counts(database: sqlite3.Connection) -> dict[str, int]:
    """Read how often what happened with events."""
    return dict(map(tuple, database.execute("SELECT what, times FROM counts")))
