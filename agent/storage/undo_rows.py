"""What incidents were before the last decision about them, kept for as long as somebody may take that back."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent.storage.incident_rows import COLUMNS, Filed, filed_of
from agent.storage.state import Act, instant_text

_ROW: Final = f"json_object({', '.join(f'{name!r}, {name}' for name in COLUMNS.split(', '))})"


@dataclass(frozen=True, slots=True)
class Undoable:
    """The last decision about an incident: who made it, when, and what the incident was before.

    `entry` is the number of the last entry of its timeline before that decision.
    """

    person: str
    decided_at: datetime
    before: Filed
    entry: int


def keep_before(act: Act, incident_id: str, person: str) -> None:
    """Keep an incident as it stands now, for whoever decides about it."""
    act.database.execute(
        "INSERT OR REPLACE INTO undoable_decisions (incident, person, decided_at, entry, before)"  # noqa: S608 (our own words)
        " SELECT id, ?, ?, (SELECT coalesce(max(number), 0) FROM incident_timeline WHERE incident = incidents.id),"
        f" {_ROW} FROM incidents WHERE id = ?",
        (person, instant_text(act.now), incident_id),
    )


def read_undoable(database: sqlite3.Connection, incident_id: str) -> Undoable | None:
    """Read the last decision about an incident, if what it was before is still kept."""
    query = "SELECT person, decided_at, before, entry FROM undoable_decisions WHERE incident = ?"
    row = database.execute(query, (incident_id,)).fetchone()
    if row is None:
        return None
    before = filed_of(json.loads(row["before"]))
    return Undoable(row["person"], datetime.fromisoformat(row["decided_at"]), before, row["entry"])


def read_lately_decided(database: sqlite3.Connection, person: str, since: datetime, limit: int) -> list[str]:
    """Give the incidents that somebody decided about since an instant, and that were not decided about again."""
    query = (
        "SELECT incident FROM undoable_decisions WHERE person = ? AND decided_at >= ?"
        " ORDER BY decided_at DESC, rowid LIMIT ?"
    )
    return [row["incident"] for row in database.execute(query, (person, instant_text(since), limit))]


def happened_since(database: sqlite3.Connection, incident_id: str, entry: int) -> list[str]:
    """Give what happened to an incident after an entry of its timeline, but for what was only observed."""
    query = (
        "SELECT what FROM incident_timeline WHERE incident = ? AND number > ? AND observation = '' ORDER BY number"
        " LIMIT 10"
    )
    return [row["what"] for row in database.execute(query, (incident_id, entry))]


def forget_before(act: Act, incident_id: str) -> None:
    """Forget what an incident was before the last decision."""
    query = "DELETE FROM undoable_decisions WHERE incident = ?"
    act.erases = act.database.execute(query, (incident_id,)).rowcount > 0 or act.erases


def are_kept_before(database: sqlite3.Connection, instant: datetime) -> bool:
    """Say whether anything is kept of decisions made before an instant."""
    query = "SELECT 1 FROM undoable_decisions WHERE decided_at < ? LIMIT 1"
    return database.execute(query, (instant_text(instant),)).fetchone() is not None


def forget_all_before(act: Act, instant: datetime) -> None:
    """Forget what is kept of decisions made before an instant."""
    query = "DELETE FROM undoable_decisions WHERE decided_at < ?"
    act.erases = act.database.execute(query, (instant_text(instant),)).rowcount > 0 or act.erases
