"""One file of the spool: its rows, its bounds, and the tombstones of what had to go; every call is one transaction.

A tombstone takes the place and the number of the first event that it counts. So it reaches the gateway before the
gap that it explains.
"""

import json
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from agent.endpoint.wire_batch import GENESIS, MAX_EVENTS, BadBatchError, Event
from collectors.observed import JSON, Priority

MAX_SPOOL_BYTES: Final = 64 * 1024 * 1024
MAX_SPOOL_EVENTS: Final = 200_000
# Of both bounds, so much is for incidents alone.
INCIDENT_SHARE: Final = 0.25
# What a row takes beside its facts, in the table and its indexes.
ROW_BYTES: Final = 200
MAX_QUARANTINED: Final = 1000
_BUSY_MILLISECONDS: Final = 5000
# A log that stays this large is written over, so there is room to delete in even when the disk is full.
_LOG_BYTES: Final = 512 * 1024
_LOG_PAGES: Final = 100
_EVICTION_ORDER: Final = (Priority.HEARTBEAT, Priority.ACTIVITY, Priority.STATE)
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_FOUND_BY_PYTHON: Final = (sqlite3.DatabaseError, sqlite3.OperationalError)
_META: Final = ("epoch", "previous", "filling")
_TABLES: Final = {"event", "quarantine", "meta"}
_MAX_REASON_CHARACTERS: Final = 200
_COLUMNS: Final = "wall, mono, boot, kind, priority, key, facts"
_FORMS: Final = ("REAL", "REAL", "TEXT", "TEXT", "INTEGER", "TEXT", "TEXT")

_FIELDS: Final = ", ".join(f"{name} {form} NOT NULL" for name, form in zip(_COLUMNS.split(", "), _FORMS, strict=True))
_SCHEMA: Final = (
    f"CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, {_FIELDS}, size INTEGER NOT NULL)",
    "CREATE INDEX event_by_priority ON event (priority, seq)",
    "CREATE INDEX event_by_key ON event (kind, key, seq)",
    f"CREATE TABLE quarantine (seq INTEGER PRIMARY KEY, {_FIELDS}, reason TEXT NOT NULL)",
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)


class Row(NamedTuple):
    """An event as it stands in the table: `facts` is JSON, `key` what only the latest counts of."""

    wall: float
    mono: float
    boot: str
    kind: str
    priority: int
    key: str
    facts: str

    @property
    def size(self) -> int:
        """What it takes on the disk, about."""
        return ROW_BYTES + len(self.facts.encode())

    @property
    def replaces(self) -> bool:
        """Whether it takes the place of the one before it with the same kind and key."""
        return self.priority == Priority.HEARTBEAT or (self.priority == Priority.STATE and self.key != "")

    def event(self, sequence: int) -> Event:
        """Give it as it travels.

        Raises:
            BadBatchError: it cannot travel.
        """
        return Event(sequence, self.wall, self.mono, self.boot, self.kind, self.priority, json.loads(self.facts))

    def telling(self, kind: str, key: str, facts: Mapping[str, JSON]) -> "Row":
        """Give the incident that takes its place."""
        return self._replace(kind=kind, key=key, priority=int(Priority.INCIDENT), facts=json.dumps(facts))


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait, whichever is reached first."""

    size_bytes: int = MAX_SPOOL_BYTES
    events: int = MAX_SPOOL_EVENTS


def is_damage(error: sqlite3.Error) -> bool:
    """Say whether the file is damaged, not only out of reach at this moment."""
    code = getattr(error, "sqlite_errorcode", None)
    # What Python finds has no code: text that is no text, and the checks of `SpoolFile`.
    return code & 0xFF in _DAMAGED if code is not None else type(error) in _FOUND_BY_PYTHON


class SpoolFile:
    """An open file.

    Raises:
        sqlite3.Error: it is damaged (`is_damage`), or cannot be opened or written now.
    """

    # Whether it was empty before.
    is_new: bool
    epoch: str
    previous: str
    filling: str

    def __init__(
        self, path: Path, *, limits: Limits, new_epoch: Callable[[], str] = lambda: secrets.token_hex(16)
    ) -> None:
        self._limits = limits
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.counts = dict.fromkeys(Priority, 0)
        self.sizes = dict.fromkeys(Priority, 0)
        try:
            self._prepare(new_epoch)
        except BaseException:
            self.close()
            raise
        meta = dict(self._database.execute("SELECT name, value FROM meta").fetchall())
        self.epoch, self.previous, self.filling = meta["epoch"], meta["previous"], meta["filling"]
        for priority, count, size in self._database.execute(
            "SELECT priority, count(*), sum(size) FROM event GROUP BY priority"
        ):
            self.counts[Priority(priority)], self.sizes[Priority(priority)] = count, size
        # What was handed out before is among the first rows, however they were grouped: it stays as it is.
        (self._handed_out,) = self._database.execute(
            "SELECT coalesce(max(seq), 0) FROM (SELECT seq FROM event ORDER BY seq LIMIT ?)", (MAX_EVENTS,)
        ).fetchone()

    def close(self) -> None:
        """Close it; everything is on the disk already."""
        with suppress(sqlite3.Error):
            self._database.close()

    def take(self, rows: Sequence[Row], *, filling: str | None = None) -> list[bool]:
        """Keep these rows, all or none, and let go what has no room then; False for each that had no room itself.

        Args:
            filling: the id of the filling of the reserve that is among them.
        """
        with self._transaction():
            kept = [self._take(row) for row in rows]
            if filling is not None:
                self._database.execute("UPDATE meta SET value = ? WHERE name = 'filling'", (filling,))
        return kept

    def next_events(self, max_events: int, max_bytes: int) -> tuple[Event, ...]:
        """Hand out what goes next; from now on it stays as it is."""
        events: list[Event] = []
        size = 0
        while len(events) < max_events:
            # The number before, the row after: a row that cannot travel is put aside and looked at again.
            found = self._database.execute(
                f"SELECT seq, {_COLUMNS} FROM event WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608 -- constants
                (events[-1].sequence if events else 0, max_events - len(events)),
            ).fetchall()
            for sequence, *values in found:
                try:
                    event = Row(*values).event(sequence)
                except (BadBatchError, ValueError) as error:
                    self.put_aside(sequence, str(error))
                    break
                size += len(event.text.encode()) + 1
                if events and size > max_bytes:
                    return self._handed(events)
                events.append(event)
            else:
                break
        return self._handed(events)

    def delete_to(self, last: int, previous: str) -> None:
        """Take away what the gateway has, and remember the hash that the next batch names."""
        with self._transaction():
            gone = "SELECT priority, count(*), sum(size) FROM event WHERE seq <= ? GROUP BY priority"
            for priority, count, size in self._database.execute(gone, (last,)).fetchall():
                self._counted(priority, -count, -size)
            self._database.execute("DELETE FROM event WHERE seq <= ?", (last,))
            self._database.execute("UPDATE meta SET value = ? WHERE name = 'previous'", (previous,))
        self.previous = previous

    def give_back_room(self) -> None:
        """Give what was deleted back to the disk, and begin the log anew."""
        # As a script, for it is done page by page and says nothing in between.
        self._database.executescript("PRAGMA incremental_vacuum")
        self._database.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()

    def put_aside(self, sequence: int, reason: str) -> None:
        """Move an event that cannot be delivered into quarantine; the one that says so takes its place."""
        with self._transaction():
            if (row := self._row(sequence)) is None:
                return
            self._database.execute(
                f"INSERT OR REPLACE INTO quarantine (seq, {_COLUMNS}, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 -- constants
                (sequence, *row, reason),
            )
            self._database.execute(
                "DELETE FROM quarantine WHERE seq NOT IN (SELECT seq FROM quarantine ORDER BY seq DESC LIMIT ?)",
                (MAX_QUARANTINED,),
            )
            facts: dict[str, JSON] = {
                "number": sequence,
                "kind": row.kind,
                "size_bytes": len(row.facts.encode()),
                "reason": reason[:_MAX_REASON_CHARACTERS],
            }
            self._replace(sequence, row, row.telling("event_quarantined", "", facts))

    def put_back(self, sequence: int) -> None:
        """Put an event that was not at fault into its place again."""
        with self._transaction():
            aside = self._database.execute(
                f"SELECT {_COLUMNS} FROM quarantine WHERE seq = ?",  # noqa: S608 -- constants
                (sequence,),
            ).fetchone()
            standing = self._row(sequence)
            if aside is None or standing is None:
                return
            self._replace(sequence, standing, Row(*aside))
            self._database.execute("DELETE FROM quarantine WHERE seq = ?", (sequence,))

    def oldest(self) -> tuple[float, float, str] | None:
        """Give wall clock, monotonic clock and boot of the event that has waited longest."""
        found: tuple[float, float, str] | None = self._database.execute(
            "SELECT wall, mono, boot FROM event ORDER BY seq LIMIT 1"
        ).fetchone()
        return found

    def quarantined(self) -> int:
        """Say how many events are aside."""
        (count,) = self._database.execute("SELECT count(*) FROM quarantine").fetchone()
        return int(count)

    def _prepare(self, new_epoch: Callable[[], str]) -> None:
        run = self._database.execute
        run(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        run("PRAGMA auto_vacuum=INCREMENTAL")
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=FULL")
        run(f"PRAGMA journal_size_limit={_LOG_BYTES}")
        run(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
        (found,) = run("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(f"the spool is damaged: {found}")
        with self._transaction():
            tables = {name for (name,) in run("SELECT name FROM sqlite_master WHERE type = 'table'")}
            self.is_new = not tables
            if self.is_new:
                for statement in _SCHEMA:
                    run(statement)
                values = (new_epoch(), GENESIS, "")
                self._database.executemany("INSERT INTO meta VALUES (?, ?)", zip(_META, values, strict=True))
            elif not tables >= _TABLES or len(run("SELECT name FROM meta").fetchall()) != len(_META):
                raise sqlite3.DatabaseError("the spool is damaged: it has not the tables that it must have")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        counts, sizes = dict(self.counts), dict(self.sizes)
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            self.counts, self.sizes = counts, sizes
            # A full disk may have rolled back by itself.
            if self._database.in_transaction:
                with suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
            raise

    def _handed(self, events: Sequence[Event]) -> tuple[Event, ...]:
        if events:
            self._handed_out = max(self._handed_out, events[-1].sequence)
        return tuple(events)

    def _take(self, row: Row) -> bool:
        if row.replaces and (older := self._older(row.kind, row.key)) is not None:
            self._replace(*older, row)
        elif row.priority == Priority.INCIDENT and self._is_over(room_for=row.size):
            # Incidents are never let go; what the file cannot hold any more is at least counted.
            self._make_room(row.size)
            if self._is_over(room_for=row.size):
                self._count_lost(row)
                return False
            self._insert(row)
        else:
            self._insert(row)
        self._make_room(0)
        return True

    def _insert(self, row: Row) -> None:
        self._database.execute(
            f"INSERT INTO event ({_COLUMNS}, size) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 -- constants
            (*row, row.size),
        )
        self._counted(row.priority, 1, row.size)

    def _replace(self, sequence: int, old: Row, new: Row) -> None:
        names = ", ".join(f"{name} = ?" for name in _COLUMNS.split(", "))
        self._database.execute(f"UPDATE event SET {names}, size = ? WHERE seq = ?", (*new, new.size, sequence))  # noqa: S608 -- constants
        self._counted(old.priority, -1, -old.size)
        self._counted(new.priority, 1, new.size)

    def _row(self, sequence: int) -> Row | None:
        found = self._database.execute(f"SELECT {_COLUMNS} FROM event WHERE seq = ?", (sequence,)).fetchone()  # noqa: S608 -- constants
        return Row(*found) if found else None

    def _older(self, kind: str, key: str) -> tuple[int, Row] | None:
        """Find the latest row with this kind and key that was not handed out."""
        found = self._database.execute(
            f"SELECT seq, {_COLUMNS} FROM event WHERE kind = ? AND key = ? AND seq > ? ORDER BY seq DESC LIMIT 1",  # noqa: S608 -- constants
            (kind, key, self._handed_out),
        ).fetchone()
        return (found[0], Row(*found[1:])) if found else None

    def _counted(self, priority: int, count: int, size: int) -> None:
        self.counts[Priority(priority)] += count
        self.sizes[Priority(priority)] += size

    def _is_over(self, *, room_for: int) -> bool:
        count, size = sum(self.counts.values()), sum(self.sizes.values())
        is_one_more = room_for > 0
        return count + is_one_more > self._limits.events or size + room_for > self._limits.size_bytes

    def _others_are_over(self) -> bool:
        count = sum(self.counts.values()) - self.counts[Priority.INCIDENT]
        size = sum(self.sizes.values()) - self.sizes[Priority.INCIDENT]
        share = 1 - INCIDENT_SHARE
        return count > share * self._limits.events or size > share * self._limits.size_bytes

    def _make_room(self, size: int) -> None:
        while (self._is_over(room_for=size) or self._others_are_over()) and self._evict():
            pass

    def _evict(self) -> bool:
        """Let the oldest event of the least important class go; False where none may."""
        for priority in _EVICTION_ORDER:
            if not self.counts[priority]:
                continue
            found = self._database.execute(
                f"SELECT seq, {_COLUMNS} FROM event WHERE priority = ? AND seq > ? ORDER BY seq LIMIT 1",  # noqa: S608 -- constants
                (int(priority), self._handed_out),
            ).fetchone()
            if found:
                self._bury(found[0], Row(*found[1:]))
                return True
        return False

    def _bury(self, sequence: int, row: Row) -> None:
        """Count an event in the tombstone of its class, or let it become one."""
        key = f"dropped {row.priority}"
        if (standing := self._older("spool_dropped", key)) is None:
            facts = _dropped(row.priority, 1, row.wall, row.wall, (sequence, sequence))
            self._replace(sequence, row, row.telling("spool_dropped", key, facts))
            return
        self._database.execute("DELETE FROM event WHERE seq = ?", (sequence,))
        self._counted(row.priority, -1, -row.size)
        self._extend(*standing, row, sequence)

    def _extend(self, place: int, tombstone: Row, row: Row, sequence: int | None) -> None:
        facts = json.loads(tombstone.facts)
        facts["count"] += 1
        facts["t_first"], facts["t_last"] = min(facts["t_first"], row.wall), max(facts["t_last"], row.wall)
        if sequence is not None:
            facts["seq_last"] = max(facts["seq_last"], sequence)
        self._replace(place, tombstone, tombstone._replace(facts=json.dumps(facts)))

    def _count_lost(self, row: Row) -> None:
        """Count an incident that finds no room in a file full of incidents."""
        key = f"lost {row.priority}"
        if (standing := self._older("spool_dropped", key)) is not None:
            self._extend(*standing, row, None)
        else:
            facts = _dropped(row.priority, 1, row.wall, row.wall, None)
            self._insert(row.telling("spool_dropped", key, facts))


def dropped_row(row: Row, count: int, first_at: float, last_at: float) -> Row:
    """Give the tombstone of events that never got a number, told at the time and boot of `row`."""
    return row.telling("spool_dropped", "", _dropped(row.priority, count, first_at, last_at, None))


def _dropped(
    priority: int, count: int, first_at: float, last_at: float, numbers: tuple[int, int] | None
) -> dict[str, JSON]:
    facts: dict[str, JSON] = {"class": priority, "count": count, "t_first": first_at, "t_last": last_at}
    if numbers is not None:
        facts["seq_first"], facts["seq_last"] = numbers
    return facts
