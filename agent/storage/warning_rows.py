"""The register of warnings as `state.db` keeps it: a warning holds until a day, or until somebody takes it back."""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from agent.storage.state import Act, instant_text
from rules.assessment import Warned

_COLUMNS: Final = "id, incident, subject, row, given_at, given_by, expires_on, expired_at, withdrawn_at, withdrawn_by"
_MAX_LISTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class GivenWarning:
    """A warning or sanction on the register; `row` is what it was for, `expires_on` the first day without it.

    `expired_at` is when it was written down that its time was over.
    """

    id: str
    incident: str
    subject: str
    row: str
    given_at: datetime
    given_by: str
    expires_on: date
    expired_at: datetime | None = None
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""

    def holds_on(self, day: date) -> bool:
        """Say whether it counts on a day."""
        return self.withdrawn_at is None and day < self.expires_on


def write_warning(act: Act, warning: GivenWarning) -> None:
    """Write a warning whole."""
    act.database.execute(
        f"INSERT OR REPLACE INTO warnings ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 (our own words)
        (
            warning.id,
            warning.incident,
            warning.subject,
            warning.row,
            instant_text(warning.given_at),
            warning.given_by,
            warning.expires_on.isoformat(),
            None if warning.expired_at is None else instant_text(warning.expired_at),
            None if warning.withdrawn_at is None else instant_text(warning.withdrawn_at),
            warning.withdrawn_by,
        ),
    )


def read_warnings(
    database: sqlite3.Connection,
    *,
    subject: str | None = None,
    incident: str | None = None,
    holding_on: date | None = None,
    limit: int = _MAX_LISTED,
    offset: int = 0,
) -> list[GivenWarning]:
    """Read warnings, the newest first; what is not given does not restrict.

    Args:
        holding_on: only those that count on this day.
    """
    day = None if holding_on is None else holding_on.isoformat()
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM warnings WHERE (?1 IS NULL OR subject = ?1) AND (?2 IS NULL OR incident = ?2)"  # noqa: S608 (our own words)
        " AND (?3 IS NULL OR (withdrawn_at IS NULL AND expires_on > ?3))"
        " ORDER BY given_at DESC, id LIMIT ?4 OFFSET ?5",
        (subject, incident, day, limit, offset),
    )
    return [_warning(row) for row in rows]


def read_run_out(database: sqlite3.Connection, day: date) -> list[GivenWarning]:
    """Read the warnings whose time is over and of which that is not written down."""
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM warnings WHERE expires_on <= ? AND expired_at IS NULL AND withdrawn_at IS NULL"  # noqa: S608 (our own words)
        " ORDER BY expires_on LIMIT ?",
        (day.isoformat(), _MAX_LISTED),
    )
    return [_warning(row) for row in rows]


def is_anybody_warned(database: sqlite3.Connection, day: date, *, before: datetime) -> bool:
    """Say whether a warning counts on a day that was for something that happened before an instant."""
    query = (
        "SELECT 1 FROM warnings JOIN incidents ON incidents.id = warnings.incident"
        " WHERE withdrawn_at IS NULL AND expires_on > ? AND opened_at < ? LIMIT 1"
    )
    return database.execute(query, (day.isoformat(), instant_text(before))).fetchone() is not None


def read_warned(database: sqlite3.Connection, subject: str, day: date) -> list[Warned]:
    """Read the warnings of somebody that count on a day, as the rules take them."""
    found = read_warnings(database, subject=subject, holding_on=day)
    return [Warned(each.incident, each.row, each.expires_on.isoformat()) for each in found]


def _warning(row: Any) -> GivenWarning:
    expired_at, withdrawn_at = row["expired_at"], row["withdrawn_at"]
    return GivenWarning(
        id=row["id"],
        incident=row["incident"],
        subject=row["subject"],
        row=row["row"],
        given_at=datetime.fromisoformat(row["given_at"]),
        given_by=row["given_by"],
        expires_on=date.fromisoformat(row["expires_on"]),
        expired_at=None if expired_at is None else datetime.fromisoformat(expired_at),
        withdrawn_at=None if withdrawn_at is None else datetime.fromisoformat(withdrawn_at),
        withdrawn_by=row["withdrawn_by"],
    )
