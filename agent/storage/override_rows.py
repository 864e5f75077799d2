"""Overrides as `state.db` keeps them: rows in, values out, and nothing decided."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from agent.storage.state import instant_text
from rules.name import DomainName
from rules.override import Lift, Override, State
from rules.subject import Audience

LIVE: Final = (State.WAITING, State.HALF_APPROVED, State.APPROVED)
_COLUMNS: Final = (
    "id, version, requester, lift, reason, topic, state, is_break_glass, approvers, requested_at, from_at, until_at,"
    " decided_at, decision_reason, used"
)
_MAX_TO_SUM_UP: Final = 1_000
# So many names are looked for, in so many requests.
_MAX_TO_COMPARE: Final = 200
_MAX_TO_COMPARE_WITH: Final = 5_000
# No bound, to SQLite.
ALL: Final = -1


@dataclass(frozen=True, slots=True)
class Use:
    """How an override was used: counts only.

    `times` is None where nobody counted, `devices` also where nobody may tell them apart. Where the count is not
    complete, there may have been more of both.
    """

    times: int | None
    devices: int | None
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Filed:
    """An override as it is on file; `version` rises with each move."""

    override: Override
    version: int
    used: Use | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """One move that was made with an override."""

    at: datetime
    person: str
    move: str
    reason: str


def read_override(database: sqlite3.Connection, override_id: str) -> Filed | None:
    """Read one override."""
    rows = database.execute(f"SELECT {_COLUMNS} FROM overrides WHERE id = ?", (override_id,)).fetchall()  # noqa: S608 (our own words)
    return _filed(tuple(rows[0])) if rows else None


def read_overrides(
    database: sqlite3.Connection,
    *,
    states: Iterable[State] | None = None,
    requester: str | None = None,
    until_after: datetime | None = None,
    before: tuple[str, str] | None = None,
    limit: int = ALL,
    offset: int = 0,
) -> list[Filed]:
    """Read overrides, the newest first; what is not given does not restrict.

    Args:
        before: only those that stand after one in this order, by when it was requested, as text, and its id.
    """
    wanted = ["1 = 1"]
    values: list[Any] = []
    if states is not None:
        chosen = [str(state) for state in states]
        wanted.append(f"state IN ({', '.join('?' * len(chosen))})")
        values += chosen
    if requester is not None:
        wanted.append("requester = ?")
        values.append(requester)
    if until_after is not None:
        wanted.append("until_at > ?")
        values.append(instant_text(until_after))
    if before is not None:
        wanted.append("(requested_at < ? OR (requested_at = ? AND id > ?))")
        values += [before[0], *before]
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM overrides WHERE {' AND '.join(wanted)}"  # noqa: S608 (our own words)
        " ORDER BY requested_at DESC, id LIMIT ? OFFSET ?",
        (*values, limit, offset),
    )
    return [_filed(tuple(row)) for row in rows]


def read_unconfirmed(database: sqlite3.Connection, *, before: datetime) -> list[Filed]:
    """Read the emergencies from before an instant that nobody has countersigned."""
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM overrides WHERE is_break_glass = 1 AND approvers = '[]' AND requested_at <= ?"  # noqa: S608 (our own words)
        " AND state IN ('approved', 'revoked', 'ended') ORDER BY requested_at",
        (instant_text(before),),
    )
    return [_filed(tuple(row)) for row in rows]


def read_about_names(database: sqlite3.Connection, names: Iterable[str], *, but: str, limit: int) -> list[Filed]:
    """Read the overrides that were asked for any of these very names, the newest first, among the newest of all.

    Args:
        database: the state, at one moment.
        names: some; of more than a statement takes, the first.
        but: the id of one that is left out.
        limit: how many at most.
    """
    asked = list(names)[:_MAX_TO_COMPARE]
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM (SELECT * FROM overrides ORDER BY requested_at DESC LIMIT ?)"  # noqa: S608 (our own words)
        " WHERE id != ? AND EXISTS (SELECT 1 FROM json_each(lift, '$.names')"
        f" WHERE value IN ({', '.join('?' * len(asked))})) ORDER BY requested_at DESC, id LIMIT ?",
        (_MAX_TO_COMPARE_WITH, but, *asked, limit),
    )
    return [_filed(tuple(row)) for row in rows]


def read_to_sum_up(database: sqlite3.Connection) -> list[Filed]:
    """Read the overrides that were open, have ended, and of which it is not written down how they were used."""
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM overrides WHERE state IN ('revoked', 'ended', 'unconfirmed')"  # noqa: S608 (our own words)
        " AND used IS NULL AND decided_at IS NOT NULL ORDER BY until_at LIMIT ?",
        (_MAX_TO_SUM_UP,),
    )
    return [_filed(tuple(row)) for row in rows]


def ids_to_sum_up(database: sqlite3.Connection, ids: Iterable[str], *, until_after: datetime) -> set[str]:
    """Give those of some overrides of which it may still be written down how they were used.

    Args:
        database: the state, at one moment.
        ids: the overrides.
        until_after: those that ended before are given up.
    """
    asked = list(ids)
    rows = database.execute(
        f"SELECT id FROM overrides WHERE id IN ({', '.join('?' * len(asked))}) AND used IS NULL AND until_at > ?",  # noqa: S608 (marks only)
        (*asked, instant_text(until_after)),
    )
    return {override_id for (override_id,) in rows}


def read_moves(database: sqlite3.Connection, override_id: str) -> list[Moved]:
    """Read what was done with an override, the oldest first."""
    rows = database.execute(
        "SELECT at, person, move, reason FROM override_moves WHERE override = ? ORDER BY at, rowid", (override_id,)
    )
    return [Moved(datetime.fromisoformat(at), person, move, reason) for at, person, move, reason in rows]


def write_override(database: sqlite3.Connection, filed: Filed) -> None:
    """Write an override whole."""
    override = filed.override
    values = (
        override.id,
        filed.version,
        override.requester,
        _lift_text(override.lift),
        override.reason,
        override.topic,
        override.state,
        int(override.is_break_glass),
        json.dumps(override.approvers),
        instant_text(override.requested_at),
        instant_text(override.lift.from_at),
        instant_text(override.lift.until_at),
        None if override.decided_at is None else instant_text(override.decided_at),
        override.decision_reason,
        None if filed.used is None else json.dumps(asdict(filed.used)),
    )
    changes = ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS.split(", ")[1:])
    database.execute(
        f"INSERT INTO overrides ({_COLUMNS}) VALUES ({', '.join('?' * len(values))})"  # noqa: S608 (our own words)
        f" ON CONFLICT (id) DO UPDATE SET {changes}",
        values,
    )


def write_move(
    database: sqlite3.Connection, override_id: str, *, at: datetime, person: str, move: str, reason: str = ""
) -> None:
    """Write down that something was done with an override."""
    database.execute(
        "INSERT INTO override_moves VALUES (?, ?, ?, ?, ?)", (override_id, instant_text(at), person, move, reason)
    )


def _lift_text(lift: Lift) -> str:
    return json.dumps(
        {
            "names": list(lift.names),
            "categories": sorted(lift.categories),
            "lifts": sorted(lift.lifts),
            "lifts_of": {name: sorted(categories) for name, categories in lift.lifts_of},
            "audiences": sorted(lift.audiences),
            "groups": sorted(lift.groups),
        }
    )


def _lifts_of(parts: dict[str, Any]) -> Iterator[tuple[DomainName, frozenset[str]]]:
    """Read what falls for each name; an earlier release wrote only what falls for all of them together."""
    for name in parts["names"]:
        yield DomainName(name), frozenset(parts["lifts_of"][name] if "lifts_of" in parts else parts["lifts"])


def _filed(row: tuple[Any, ...]) -> Filed:
    field = dict(zip(_COLUMNS.split(", "), row, strict=True))
    parts = json.loads(field["lift"])
    lift = Lift(
        names=tuple(map(DomainName, parts["names"])),
        categories=frozenset(parts["categories"]),
        lifts_of=tuple(_lifts_of(parts)),
        audiences=frozenset(map(Audience, parts["audiences"])),
        groups=frozenset(parts["groups"]),
        from_at=datetime.fromisoformat(field["from_at"]),
        until_at=datetime.fromisoformat(field["until_at"]),
    )
    decided_at = field["decided_at"]
    override = Override(
        id=field["id"],
        requester=field["requester"],
        lift=lift,
        reason=field["reason"],
        topic=field["topic"],
        state=State(field["state"]),
        is_break_glass=bool(field["is_break_glass"]),
        approvers=tuple(json.loads(field["approvers"])),
        requested_at=datetime.fromisoformat(field["requested_at"]),
        decided_at=None if decided_at is None else datetime.fromisoformat(decided_at),
        decision_reason=field["decision_reason"],
    )
    return Filed(override, field["version"], None if field["used"] is None else Use(**json.loads(field["used"])))
