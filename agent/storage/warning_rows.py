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

    def standing_on(self, day: date) -> str:
        """Say on a day whether it `holds`, or is `withdrawn` or `expired`."""
        if self.withdrawn_at is not None:
            return "withdrawn"
        return "holds" if day < self.expires_on else "expired"


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


def read_warning(database: sqlite3.Connection, warning_id: str) -> GivenWarning | None:
    """Read one warning."""
    row = database.execute(f"SELECT {_COLUMNS} FROM warnings WHERE id = ?", (warning_id,)).fetchone()  # noqa: S608 (our own words)
    return None if row is None else _warning(row)


def read_warnings(
    database: sqlite3.Connection,
    *,
    subject: str | None = None,
    incident: str | None = None,
    holding_on: date | None = None,
    before: tuple[str, str] | None = None,
    limit: int = _MAX_LISTED,
    offset: int = 0,
) -> list[GivenWarning]:
    """Read warnings, the newest first; what is not given does not restrict.

    Args:
        holding_on: only those that count on this day.
        before: only those that stand after one in this order, by when it was given, as text, and its id.
    """
    day = None if holding_on is None else holding_on.isoformat()
    # Terms that restrict nothing are left out: with them no index would be used.
    terms = {"subject = ?": subject, "incident = ?": incident, "withdrawn_at IS NULL AND expires_on > ?": day}
    wanted = {term: value for term, value in terms.items() if value is not None}
    where = " AND ".join(wanted) or "1 = 1"
    values: list[str | int] = list(wanted.values())
    if before is not None:
        where += " AND (given_at < ? OR (given_at = ? AND id > ?))"
        values += [before[0], *before]
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM warnings WHERE {where} ORDER BY given_at DESC, id LIMIT ? OFFSET ?",  # noqa: S608 (our own words)
        (*values, limit, offset),
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
