"""How the record stands, as far as it can be said without proving it; that costs the same however long it is."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Final

VERIFIED: Final = "record_verified"
BROKEN: Final = "record_broken"
# In the words of the index of the checks, so that it serves.
_LAST_CHECK: Final = (
    "SELECT at, kind, facts FROM audit WHERE kind IN ('record_verified', 'record_broken')"
    " ORDER BY number DESC LIMIT 1"
)
# The record has no gaps, and counting its rows would read them all.
_ROWS: Final = "SELECT coalesce(max(number), 0) FROM audit"
# An anchor and the row that tells of it are one act.
_ANCHORED_AT: Final = "SELECT at FROM audit WHERE number > (SELECT max(number) FROM anchors) ORDER BY number LIMIT 1"


@dataclass(frozen=True, slots=True)
class RecordStatus:
    """How the record stands.

    `is_intact` is what the last check found, at `verified_at`; both are None where there was none. `fault` is a
    sentence where it is not intact.
    """

    rows: int
    verified_at: datetime | None
    is_intact: bool | None
    fault: str
    anchored_at: datetime | None


def record_status(database: sqlite3.Connection) -> RecordStatus:
    """Read how the record stands."""
    (rows,) = database.execute(_ROWS).fetchone()
    anchored = database.execute(_ANCHORED_AT).fetchone()
    anchored_at = None if anchored is None else _instant(anchored[0])
    checked = database.execute(_LAST_CHECK).fetchone()
    if checked is None:
        return RecordStatus(rows, None, None, "", anchored_at)
    at, kind, facts = checked
    is_intact = kind == VERIFIED
    return RecordStatus(rows, _instant(at), is_intact, "" if is_intact else _fault(facts), anchored_at)


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _fault(facts: str) -> str:
    try:
        return str(json.loads(facts)["what"])
    except (ValueError, LookupError, TypeError):
        return "The row that tells of the last check was altered."
