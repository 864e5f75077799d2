"""The register of access to personal data: who looked at what is kept about somebody, when, and for what purpose."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from agent.storage.state import Act, instant_text

_MAX_LISTED: Final = 1_000


class Seen(StrEnum):
    """What somebody looked at."""

    INCIDENT = "incident"
    SUBJECT = "subject"
    METADATA = "metadata"
    LETTER = "letter"
    REPORT = "report"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Access:
    """One look; `purpose` is None once it was erased, `incident` is empty where it was at more than one."""

    at: datetime
    person: str
    incident: str
    seen: Seen
    purpose: str | None
    number: int = 0


def write_access(act: Act, access: Access) -> None:
    """Write down one look."""
    act.database.execute(
        "INSERT INTO accesses (at, person, incident, what, purpose) VALUES (?, ?, ?, ?, ?)",
        (instant_text(access.at), access.person, access.incident, access.seen.value, access.purpose),
    )


def read_accesses(
    database: sqlite3.Connection,
    *,
    incident: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = _MAX_LISTED,
    offset: int = 0,
) -> list[Access]:
    """Read who looked, the newest first; what is not given does not restrict.

    Args:
        since: only at this instant or later.
        until: only before this instant.
        before: only those with a lower number.
    """
    whose = "" if incident is None else "incident = ? AND"
    whose += "" if before is None else " number < ? AND"
    whose += "" if until is None else " at < ? AND"
    since_at, until_at = ("" if since is None else instant_text(since)), until and instant_text(until)
    values = [each for each in (incident, before, until_at, since_at) if each is not None]
    rows = database.execute(
        f"SELECT number, at, person, incident, what, purpose FROM accesses WHERE {whose} at >= ?"  # noqa: S608 (our own words)
        " ORDER BY number DESC LIMIT ? OFFSET ?",
        (*values, limit, offset),
    )
    return [
        Access(
            datetime.fromisoformat(row["at"]),
            row["person"],
            row["incident"],
            Seen(row["what"]),
            row["purpose"],
            row["number"],
        )
        for row in rows
    ]
