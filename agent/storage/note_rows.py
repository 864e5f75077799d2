"""What is known of devices day by day, where nobody is known to have used them, as `state.db` keeps it."""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from agent.storage.state import Act, instant_text
from rules.incident_kind import Kind
from rules.subject import Audience

MAX_LISTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of a device on a day, where nobody is known to have used it: never a name."""

    subject: str
    kind: Kind
    day: date
    first_at: datetime
    last_at: datetime
    times: int
    intent: int
    audience: Audience


def write_note(act: Act, note: Note) -> None:
    """Add to what is known of a device on a day."""
    act.database.execute(
        "INSERT INTO incident_notes VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at),"
        " times = times + excluded.times, intent = max(intent, excluded.intent)",
        (
            note.subject,
            note.kind.value,
            note.day.isoformat(),
            instant_text(note.first_at),
            instant_text(note.last_at),
            note.times,
            note.intent,
            note.audience.value,
        ),
    )


def read_notes(
    database: sqlite3.Connection, *, since: date | None = None, subject: str | None = None, limit: int = MAX_LISTED
) -> list[Note]:
    """Read what is known of devices, the newest first."""
    rows = database.execute(
        "SELECT subject, kind, day, first_at, last_at, times, intent, audience FROM incident_notes"
        " WHERE day >= ? AND (? IS NULL OR subject = ?) ORDER BY day DESC, subject, kind LIMIT ?",
        ("" if since is None else since.isoformat(), subject, subject, limit),
    )
    return [
        Note(
            row["subject"],
            Kind(row["kind"]),
            date.fromisoformat(row["day"]),
            datetime.fromisoformat(row["first_at"]),
            datetime.fromisoformat(row["last_at"]),
            row["times"],
            row["intent"],
            Audience(row["audience"]),
        )
        for row in rows
    ]


def delete_notes(act: Act, *, before: date) -> int:
    """Delete what is known of devices from before a day; gives how many notes there were."""
    return act.database.execute("DELETE FROM incident_notes WHERE day < ?", (before.isoformat(),)).rowcount
