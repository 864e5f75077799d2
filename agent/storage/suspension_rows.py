"""Suspensions as `state.db` keeps them: rows in, values out, and nothing decided."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from agent.storage.state import instant_text
from rules.suspension import Extent, State, Suspension

LIVE: Final = (State.WAITING, State.AGREED)
_COLUMNS: Final = (
    "id",
    "version",
    "requester",
    "scope",
    "reason",
    "state",
    "agreed_by",
    "requested_at",
    "from_at",
    "until_at",
    "ended_at",
)
# No bound, to SQLite.
ALL: Final = -1


@dataclass(frozen=True, slots=True)
class FiledSuspension:
    """A suspension as it is on file; `version` rises with each move."""

    suspension: Suspension
    version: int


def read_suspension(database: sqlite3.Connection, suspension_id: str) -> FiledSuspension | None:
    """Read one suspension."""
    query = f"SELECT {', '.join(_COLUMNS)} FROM suspensions WHERE id = ?"  # noqa: S608 (our own words)
    row = database.execute(query, (suspension_id,)).fetchone()
    return None if row is None else _filed(tuple(row))


def read_suspensions(
    database: sqlite3.Connection,
    *,
    states: Iterable[State] | None = None,
    until_after: datetime | None = None,
    before: tuple[str, str] | None = None,
    limit: int = ALL,
    offset: int = 0,
) -> list[FiledSuspension]:
    """Read suspensions, the newest first; what is not given does not restrict.

    Args:
        before: only those that stand after one in this order, by when it was requested, as text, and its id.
    """
    wanted = ["1 = 1"]
    values: list[Any] = []
    if states is not None:
        chosen = [str(state) for state in states]
        wanted.append(f"state IN ({', '.join('?' * len(chosen))})")
        values += chosen
    if until_after is not None:
        wanted.append("until_at > ?")
        values.append(instant_text(until_after))
    if before is not None:
        wanted.append("(requested_at < ? OR (requested_at = ? AND id > ?))")
        values += [before[0], *before]
    rows = database.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM suspensions WHERE {' AND '.join(wanted)}"  # noqa: S608 (our own words)
        " ORDER BY requested_at DESC, id LIMIT ? OFFSET ?",
        (*values, limit, offset),
    )
    return [_filed(tuple(row)) for row in rows]


def write_suspension(database: sqlite3.Connection, filed: FiledSuspension) -> None:
    """Write a suspension whole."""
    suspension, extent = filed.suspension, filed.suspension.extent
    scope = {
        "networks": sorted(extent.networks),
        "groups": sorted(extent.groups),
        "is_for_school": extent.is_for_school,
    }
    values = (
        suspension.id,
        filed.version,
        suspension.requester,
        json.dumps(scope),
        suspension.reason,
        suspension.state.value,
        suspension.agreed_by,
        instant_text(suspension.requested_at),
        instant_text(suspension.from_at),
        instant_text(suspension.until_at),
        None if suspension.ended_at is None else instant_text(suspension.ended_at),
    )
    changes = ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS[1:])
    database.execute(
        f"INSERT INTO suspensions ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(values))})"  # noqa: S608 (our own words)
        f" ON CONFLICT (id) DO UPDATE SET {changes}",
        values,
    )


def _filed(row: tuple[Any, ...]) -> FiledSuspension:
    field = dict(zip(_COLUMNS, row, strict=True))
    scope = json.loads(field["scope"])
    suspension = Suspension(
        id=field["id"],
        requester=field["requester"],
        extent=Extent(
            networks=frozenset(scope["networks"]),
            groups=frozenset(scope["groups"]),
            is_for_school=scope["is_for_school"],
        ),
        reason=field["reason"],
        state=State(field["state"]),
        requested_at=datetime.fromisoformat(field["requested_at"]),
        from_at=datetime.fromisoformat(field["from_at"]),
        until_at=datetime.fromisoformat(field["until_at"]),
        agreed_by=field["agreed_by"],
        ended_at=None if field["ended_at"] is None else datetime.fromisoformat(field["ended_at"]),
    )
    return FiledSuspension(suspension, field["version"])
