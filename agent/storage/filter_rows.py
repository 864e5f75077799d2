"""Versions of the filter as `state.db` keeps them: rows in, values out, and nothing decided."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from agent.storage.state import instant_text

MAX_LISTED: Final = 1_000


class Source(StrEnum):
    """Where a version comes from."""

    DISK = "disk"
    API = "api"


class State(StrEnum):
    """Where a version stands; `ON_DISK` is in force although nobody approved it."""

    DRAFTED = "drafted"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    ON_DISK = "on_disk"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the filter: a site file that was found changed, or changes that somebody drafted.

    `text` is what was written: the whole site file, or the changes; `hash` its SHA-256 in hex. `changes` say in
    words what it does. `overlay` is what lies over the site file from its approval on, `in_force` the filter settings
    that came of it, both as YAML; `origins` says which version each entry of the overlay was approved with, and
    `fault` why it cannot lie over the site file that was found since. `owner` is the id of who answers for it,
    `restores` the version whose settings it brings back. `path` is where a site file stands, `os_user` whose it is.
    """

    number: int
    at: datetime
    source: Source
    state: State
    text: str
    hash: str
    changes: tuple[str, ...]
    drafted_by: str = ""
    approved_by: str | None = None
    reason: str = ""
    review_on: date | None = None
    owner: str = ""
    restores: int | None = None
    overlay: str = ""
    in_force: str = ""
    origins: Mapping[str, int] = field(default_factory=dict)
    fault: str = ""
    path: str = ""
    os_user: str = ""
    decided_at: datetime | None = None
    decision_reason: str = ""
    is_review_told: bool = False

    @property
    def step(self) -> int:
        """How far it has come; rises with each move, so that whoever decides can say what they saw."""
        return _STEPS[self.state]


_STEPS: Final = {
    State.DRAFTED: 1,
    State.ON_DISK: 1,
    State.APPROVED: 2,
    State.REFUSED: 2,
    State.WITHDRAWN: 2,
    State.SUPERSEDED: 3,
}

# What has no column of its own.
_IN_CONTENT: Final = (
    "text",
    "owner",
    "restores",
    "overlay",
    "in_force",
    "origins",
    "fault",
    "path",
    "os_user",
    "decision_reason",
    "is_review_told",
)
_COLUMNS: Final = "number, at, content, hash, drafted_by, approved_by, reason, review_on, state, source"


def next_number(database: sqlite3.Connection) -> int:
    """Give the number of the version that is written next."""
    return int(database.execute("SELECT coalesce(max(number), 0) + 1 FROM filter_versions").fetchone()[0])


def write_version(database: sqlite3.Connection, version: Version) -> None:
    """Write a version, or what has become of it."""
    content: dict[str, Any] = {name: getattr(version, name) for name in _IN_CONTENT}
    content["changes"] = list(version.changes)
    content["decided_at"] = instant_text(version.decided_at) if version.decided_at else None
    database.execute(
        f"INSERT OR REPLACE INTO filter_versions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 (our own words)
        (
            version.number,
            instant_text(version.at),
            json.dumps(content, ensure_ascii=False),
            version.hash,
            version.drafted_by,
            version.approved_by,
            version.reason,
            version.review_on.isoformat() if version.review_on else None,
            version.state.value,
            version.source.value,
        ),
    )


def read_version(database: sqlite3.Connection, number: int) -> Version | None:
    """Read one version."""
    row = database.execute(f"SELECT {_COLUMNS} FROM filter_versions WHERE number = ?", (number,)).fetchone()  # noqa: S608 (our own words)
    return _version(row) if row else None


def read_versions(
    database: sqlite3.Connection,
    *,
    states: Iterable[State] = tuple(State),
    before: int | None = None,
    limit: int = MAX_LISTED,
) -> list[Version]:
    """Read versions, the newest first; those before a number, where there is one."""
    chosen = [state.value for state in states]
    marks = ", ".join("?" * len(chosen))
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM filter_versions WHERE state IN ({marks}) AND (? IS NULL OR number < ?)"  # noqa: S608 (our own words)
        " ORDER BY number DESC LIMIT ?",
        (*chosen, before, before, limit),
    )
    return [_version(row) for row in rows]


def read_in_state(database: sqlite3.Connection, state: State) -> Version | None:
    """Read the newest version in a state."""
    found = read_versions(database, states=(state,), limit=1)
    return found[0] if found else None


def _version(row: Any) -> Version:
    content = json.loads(row["content"])
    decided_at = content["decided_at"]
    return Version(
        number=row["number"],
        at=datetime.fromisoformat(row["at"]),
        source=Source(row["source"]),
        state=State(row["state"]),
        hash=row["hash"],
        changes=tuple(content["changes"]),
        drafted_by=row["drafted_by"],
        approved_by=row["approved_by"],
        reason=row["reason"],
        review_on=date.fromisoformat(row["review_on"]) if row["review_on"] else None,
        decided_at=datetime.fromisoformat(decided_at) if decided_at else None,
        **{name: content[name] for name in _IN_CONTENT if name in content},
    )
