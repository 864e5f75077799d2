"""Restricted access as `state.db` keeps it: for which groups or devices, until when, and who ended it before."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from agent.storage.state import Act, instant_text

_COLUMNS: Final = "id, incident, step, scope, from_at, until_at, review_on, ended_at, ended_by"


@dataclass(frozen=True, slots=True)
class Restriction:
    """Access that is restricted; `from_at` is inclusive, `until_at` exclusive.

    `devices` are addresses or names by which devices are known. `review_on` is when somebody looks again whether it
    is still needed. `ended_at` is when it was written down that it is over.
    """

    id: str
    incident: str
    step: int
    groups: frozenset[str]
    devices: frozenset[str]
    from_at: datetime
    until_at: datetime
    review_on: date
    ended_at: datetime | None = None
    ended_by: str = ""


def write_restriction(act: Act, restriction: Restriction) -> None:
    """Write a restriction whole."""
    scope = {"groups": sorted(restriction.groups), "devices": sorted(restriction.devices)}
    ended_at = restriction.ended_at
    act.database.execute(
        f"INSERT OR REPLACE INTO restrictions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 (our own words)
        (
            restriction.id,
            restriction.incident,
            restriction.step,
            json.dumps(scope),
            instant_text(restriction.from_at),
            instant_text(restriction.until_at),
            restriction.review_on.isoformat(),
            None if ended_at is None else instant_text(ended_at),
            restriction.ended_by,
        ),
    )


def read_restriction(database: sqlite3.Connection, restriction_id: str) -> Restriction | None:
    """Read one restriction."""
    found = _read(database, "id = ?", restriction_id)
    return found[0] if found else None


def read_restrictions(database: sqlite3.Connection, incident_id: str) -> list[Restriction]:
    """Read the restrictions that follow from an incident."""
    return _read(database, "incident = ? ORDER BY from_at, id", incident_id)


def read_running(database: sqlite3.Connection) -> list[Restriction]:
    """Read the restrictions of which it is not written down that they are over."""
    return _read(database, "ended_at IS NULL ORDER BY from_at, id")


def _read(database: sqlite3.Connection, where: str, *values: str) -> list[Restriction]:
    rows = database.execute(f"SELECT {_COLUMNS} FROM restrictions WHERE {where}", values)  # noqa: S608 (our own words)
    return [_restriction(row) for row in rows]


def _restriction(row: Any) -> Restriction:
    scope = json.loads(row["scope"])
    return Restriction(
        id=row["id"],
        incident=row["incident"],
        step=row["step"],
        groups=frozenset(scope["groups"]),
        devices=frozenset(scope["devices"]),
        from_at=datetime.fromisoformat(row["from_at"]),
        until_at=datetime.fromisoformat(row["until_at"]),
        review_on=date.fromisoformat(row["review_on"]),
        ended_at=None if row["ended_at"] is None else datetime.fromisoformat(row["ended_at"]),
        ended_by=row["ended_by"],
    )
