"""Devices, their keys, enrolment tokens and findings in `state.db`: rows become values here; nothing is decided."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from agent.storage.chain import canonical
from agent.storage.state import instant_text

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class DeviceState(StrEnum):
    """What a device may do: one that is pending waits for somebody to compare a code, and tells nothing yet."""

    PENDING = "pending"
    ACTIVE = "active"
    REFUSED = "refused"
    REVOKED = "revoked"


class KeyState(StrEnum):
    """Whether what a key signs is taken."""

    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"


class FindingKind(StrEnum):
    """What somebody has to look at."""

    KEY_CHANGED = "key_changed"
    CLONE_SUSPECTED = "clone_suspected"
    EVENTS_MISSING = "events_missing"
    MANY_ACCOUNTS = "many_accounts"
    MANY_MEDIA = "many_media"


@dataclass(frozen=True, slots=True)
class EnrolmentToken:
    """A token by which devices enrol; `key` is None once it has ended, or was used up and is over."""

    id: str
    key: bytes | None
    label: str
    owner: str | None
    uses: int
    uses_left: int
    created_by: str
    created_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A key of a device, as its 32 octets."""

    public_key: bytes
    device: str
    state: KeyState
    token: str
    enrolled_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """A laptop that has enrolled; `machine` is a hash that it gives of the hardware that it runs on."""

    id: str
    version: int
    state: DeviceState
    label: str
    owner: str | None
    machine: str
    host: Mapping[str, str]
    enrolled_at: datetime
    decided_at: datetime | None = None
    decided_by: str = ""
    keys: tuple[DeviceKey, ...] = ()

    def key_in(self, state: KeyState) -> DeviceKey | None:
        """Give the one key in this state, if there is one; of those that ended, the latest."""
        return next((key for key in reversed(self.keys) if key.state is state), None)

    @property
    def is_waiting(self) -> bool:
        """Say whether somebody has to compare a code: for the device, or for another key of one that is known."""
        return self.key_in(KeyState.PENDING) is not None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that somebody has to look at."""

    number: int
    device: str
    kind: FindingKind
    at: datetime
    facts: Mapping[str, Any]


# ---- tokens ----------------------------------------------------------------------------------------------------


def write_token(database: sqlite3.Connection, token: EnrolmentToken) -> None:
    """Write a token, new or changed."""
    database.execute(
        "INSERT OR REPLACE INTO enrolment_tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            token.id,
            token.key,
            token.label,
            token.owner,
            token.uses,
            token.uses_left,
            token.created_by,
            instant_text(token.created_at),
            instant_text(token.ends_at),
        ),
    )


def read_token(database: sqlite3.Connection, token: str) -> EnrolmentToken | None:
    """Read a token by its id."""
    row = database.execute("SELECT * FROM enrolment_tokens WHERE id = ?", (token,)).fetchone()
    return None if row is None else _token(row)


def read_tokens(database: sqlite3.Connection) -> list[EnrolmentToken]:
    """Read every token, the newest first."""
    return list(map(_token, database.execute("SELECT * FROM enrolment_tokens ORDER BY created_at DESC, id")))


def delete_ended_keys(database: sqlite3.Connection, now: datetime) -> int:
    """Delete the keys of tokens that have ended, so that nobody can enrol by them; gives how many there were."""
    query = "UPDATE enrolment_tokens SET key = NULL WHERE key IS NOT NULL AND ends_at <= ?"
    return database.execute(query, (instant_text(now),)).rowcount


def _token(row: sqlite3.Row) -> EnrolmentToken:
    created_at, ends_at = (datetime.fromisoformat(row[at]) for at in ("created_at", "ends_at"))
    key = None if row["key"] is None else bytes(row["key"])
    counts = row["uses"], row["uses_left"]
    return EnrolmentToken(row["id"], key, row["label"], row["owner"], *counts, row["created_by"], created_at, ends_at)


# ---- devices and keys ------------------------------------------------------------------------------------------


def write_device(database: sqlite3.Connection, device: Device) -> None:
    """Write a device and its keys, new or changed."""
    row = (
        device.id,
        device.version,
        device.state,
        device.label,
        device.owner,
        device.machine,
        canonical(device.host),
        instant_text(device.enrolled_at),
        None if device.decided_at is None else instant_text(device.decided_at),
        device.decided_by,
    )
    database.execute(
        "INSERT INTO fleet_devices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " (version, state, label, owner, host, enrolled_at, decided_at, decided_by) = (excluded.version,"
        " excluded.state, excluded.label, excluded.owner, excluded.host, excluded.enrolled_at, excluded.decided_at,"
        " excluded.decided_by)",
        row,
    )
    database.executemany(
        "INSERT INTO device_keys VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (public_key) DO UPDATE SET"
        " (state, ended_at) = (excluded.state, excluded.ended_at)",
        [
            (
                key.public_key,
                device.id,
                key.state,
                key.token,
                instant_text(key.enrolled_at),
                None if key.ended_at is None else instant_text(key.ended_at),
            )
            for key in device.keys
        ],
    )


def read_device(database: sqlite3.Connection, device: str) -> Device | None:
    """Read a device by its id."""
    return next(iter(read_devices(database, "id = ?", (device,))), None)


def read_device_of_machine(database: sqlite3.Connection, machine: str) -> Device | None:
    """Read a device by the hash of its hardware."""
    return next(iter(read_devices(database, "machine = ?", (machine,))), None)


def read_device_of_key(database: sqlite3.Connection, public_key: bytes) -> Device | None:
    """Read the device that has or had a key."""
    where = "id = (SELECT device FROM device_keys WHERE public_key = ?)"
    return next(iter(read_devices(database, where, (public_key,))), None)


def read_devices(database: sqlite3.Connection, where: str = "1", values: Iterable[Any] = ()) -> list[Device]:
    """Read devices by label; `where` is a condition of ours."""
    values = tuple(values)
    chosen = f"SELECT id FROM fleet_devices WHERE {where}"  # noqa: S608 (our own words)
    keys: dict[str, list[DeviceKey]] = {}
    query = f"SELECT * FROM device_keys WHERE device IN ({chosen}) ORDER BY enrolled_at, public_key"  # noqa: S608 (the same)
    for row in database.execute(query, values):
        keys.setdefault(row["device"], []).append(_key(row))
    query = f"SELECT * FROM fleet_devices WHERE {where} ORDER BY label, id"  # noqa: S608 (the same)
    return [_device(row, tuple(keys.get(row["id"], ()))) for row in database.execute(query, values)]


def _key(row: sqlite3.Row) -> DeviceKey:
    ended_at = None if row["ended_at"] is None else datetime.fromisoformat(row["ended_at"])
    enrolled_at = datetime.fromisoformat(row["enrolled_at"])
    return DeviceKey(
        bytes(row["public_key"]), row["device"], KeyState(row["state"]), row["token"], enrolled_at, ended_at
    )


def _device(row: sqlite3.Row, keys: tuple[DeviceKey, ...]) -> Device:
    return Device(
        id=row["id"],
        version=row["version"],
        state=DeviceState(row["state"]),
        label=row["label"],
        owner=row["owner"],
        machine=row["machine"],
        host=json.loads(row["host"]),
        enrolled_at=datetime.fromisoformat(row["enrolled_at"]),
        decided_at=None if row["decided_at"] is None else datetime.fromisoformat(row["decided_at"]),
        decided_by=row["decided_by"],
        keys=keys,
    )


# ---- findings --------------------------------------------------------------------------------------------------


def write_finding(
    database: sqlite3.Connection,
    device: str,
    kind: FindingKind,
    *,
    at: datetime,
    facts: Mapping[str, Any] = _NOTHING,
) -> None:
    """Write down what somebody has to look at."""
    row = (device, kind, instant_text(at), canonical(facts))
    database.execute("INSERT INTO device_findings (device, kind, at, facts) VALUES (?, ?, ?, ?)", row)


def read_findings(
    database: sqlite3.Connection, device: str | None = None, *, after: int = 0, since: datetime | None = None
) -> list[Finding]:
    """Read the findings of a device or of all, those after a number or an instant, the oldest first."""
    query = "SELECT * FROM device_findings WHERE number > ? AND at > ? AND (? IS NULL OR device = ?) ORDER BY number"
    at = "" if since is None else instant_text(since)
    return [
        Finding(
            row["number"],
            row["device"],
            FindingKind(row["kind"]),
            datetime.fromisoformat(row["at"]),
            json.loads(row["facts"]),
        )
        for row in database.execute(query, (after, at, device, device))
    ]
