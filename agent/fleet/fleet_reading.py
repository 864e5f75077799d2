"""What laptops told, read for whoever weighs it: one event after the other, and up to when all of it is known."""

import json
import sqlite3
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from agent.fleet.fleet_times import Clock

SOURCE: Final = "fleet"
_EVENTS: Final = """SELECT events.number, device, epoch, seq, kind, occurred, clock, hash, content, received, digest
FROM events JOIN streams ON streams.number = events.stream JOIN batches ON batches.number = events.batch
WHERE events.number > ? ORDER BY events.number LIMIT ?"""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as it is on file.

    `at` is our estimate of when it happened; where `has_time` is False, nothing says when it did. `hash` is the
    beginning of the SHA-256 of the event and `batch` the SHA-256 of the body that its device signed, in hexadecimal
    digits. Of a heartbeat nothing else is kept.
    """

    number: int
    device: str
    epoch: str
    sequence: int
    kind: str
    at: datetime
    received_at: datetime
    has_time: bool
    boot: str
    facts: Mapping[str, Any]
    hash: str
    batch: str

    @property
    def id(self) -> str:
        """What this event is known by for ever."""
        return f"{self.device}/{self.epoch}/{self.sequence}"

    @property
    def delay_seconds(self) -> float:
        """How long it took to come in."""
        return (self.received_at - self.at).total_seconds()


@dataclass(frozen=True, slots=True)
class Word:
    """The last word of a laptop: when it came, from which address, and whether more waits on the laptop."""

    seen_at: datetime
    address: str
    has_more: bool


def source_of(database: sqlite3.Connection) -> str:
    """Name this file, whatever becomes of its path; empty where nothing was ever stored in it."""
    row = database.execute("SELECT epoch, begun FROM streams ORDER BY number LIMIT 1").fetchone()
    return "" if row is None else f"{SOURCE}-{row[0]}-{row[1]:.6f}"


def read_events(
    database: sqlite3.Connection, *, after: int, limit: int, kinds: Container[str] | None = None
) -> list[StoredEvent]:
    """Read the events after a number, in the order in which they were stored.

    Args:
        kinds: those of which the facts are read; of every event where nothing is given.
    """
    rows = database.execute(_EVENTS, (after, limit))
    return [_event(row, has_facts=kinds is None or row["kind"] in kinds) for row in rows]


def read_words(database: sqlite3.Connection) -> dict[str, Word]:
    """Read the last word of each laptop."""
    rows = database.execute("SELECT device, seen, depth, address FROM device_contacts")
    return {row["device"]: Word(instant_of(row["seen"]), row["address"], row["depth"] > 0) for row in rows}


def instant_of(seconds: float) -> datetime:
    """Give an instant by its seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def _event(row: sqlite3.Row, *, has_facts: bool) -> StoredEvent:
    content: dict[str, Any] = json.loads(row["content"]) if has_facts and row["content"] else {}
    return StoredEvent(
        number=row["number"],
        device=row["device"],
        epoch=row["epoch"],
        sequence=row["seq"],
        kind=row["kind"],
        at=instant_of(row["occurred"]),
        received_at=instant_of(row["received"]),
        has_time=row["clock"] != Clock.RECEIVED,
        boot=str(content.get("b", "")),
        facts=content.get("d", {}),
        hash=bytes(row["hash"]).hex(),
        batch=bytes(row["digest"]).hex(),
    )
