"""The list of laptops as people read it: whose each is, when it was last heard of, and what was last proved of it."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from agent.fleet.fleet_states import HEARTBEAT
from agent.storage.fleet_rows import Device, DeviceState

# How old an estimate can be at the most and still be a date.
_LATEST: Final = 253_402_300_000.0
_CONTACTS: Final = "SELECT * FROM device_contacts WHERE device IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class Contact:
    """The last word of a laptop.

    `waiting` events were in its spool, `dropped_total` were given up in all, and its clock was `skew_seconds` behind.
    """

    seen_at: datetime
    agent: str
    policy: int
    waiting: int
    oldest_seconds: float
    skew_seconds: float
    dropped_total: int
    address: str


@dataclass(frozen=True, slots=True)
class ProvenState:
    """One thing that a laptop told, and when that was so by our estimate."""

    kind: str
    key: str
    proven_at: datetime
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """A laptop and what is known of it; without a contact it has never told anything."""

    device: Device
    contact: Contact | None
    is_silent: bool
    states: tuple[ProvenState, ...] = ()


def take_stock(
    devices: list[Device], database: sqlite3.Connection, *, now: datetime, silent_after: timedelta
) -> Iterator[Standing]:
    """Say how each device stands.

    Args:
        database: the file of events.
        silent_after: how long a laptop may say nothing before it is called silent.
    """
    wanted = json.dumps([device.id for device in devices])
    contacts = {row["device"]: _contact(row) for row in database.execute(_CONTACTS, (wanted,))}
    for device in devices:
        contact = contacts.get(device.id)
        heard_at = device.enrolled_at if contact is None else contact.seen_at
        is_silent = device.state is DeviceState.ACTIVE and now - heard_at > silent_after
        yield Standing(device, contact, is_silent)


def read_states(database: sqlite3.Connection, device: str) -> tuple[ProvenState, ...]:
    """Read what a device last told of each thing, without the heartbeat."""
    query = "SELECT * FROM device_states WHERE device = ? AND kind <> ? ORDER BY kind, key"
    return tuple(
        ProvenState(row["kind"], row["key"], _instant(row["occurred"]), json.loads(row["content"]).get("d", {}))
        for row in database.execute(query, (device, HEARTBEAT))
    )


def _contact(row: sqlite3.Row) -> Contact:
    return Contact(
        seen_at=_instant(row["seen"]),
        agent=row["agent"],
        policy=row["policy"],
        waiting=row["depth"],
        oldest_seconds=row["oldest"],
        skew_seconds=row["skew"],
        dropped_total=row["dropped"],
        address=row["address"],
    )


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(min(max(seconds, 0.0), _LATEST), UTC)
