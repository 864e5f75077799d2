"""Letters that were drafted about incidents, and when they were sent; the text itself can be erased."""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from agent.storage.state import Act, instant_text

_COLUMNS: Final = "id, incident, kind, language, made_at, made_by, sent_on, sent_by, text"


class LetterKind(StrEnum):
    """To whom, and what about."""

    PARENTS = "parents"
    LINE_MANAGER = "line_manager"
    REVIEW_MEETING = "review_meeting"
    DEALT_WITH = "dealt_with"


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it was drafted; `text` is None once it was erased."""

    id: str
    incident: str
    kind: LetterKind
    language: str
    made_at: datetime
    made_by: str
    text: str | None
    sent_on: date | None = None
    sent_by: str = ""


def write_letter(act: Act, letter: Letter) -> None:
    """Write a letter whole."""
    act.database.execute(
        f"INSERT OR REPLACE INTO letters ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 (our own words)
        (
            letter.id,
            letter.incident,
            letter.kind.value,
            letter.language,
            instant_text(letter.made_at),
            letter.made_by,
            None if letter.sent_on is None else letter.sent_on.isoformat(),
            letter.sent_by,
            letter.text,
        ),
    )


def read_letter(database: sqlite3.Connection, letter_id: str) -> Letter | None:
    """Read one letter."""
    row = database.execute(f"SELECT {_COLUMNS} FROM letters WHERE id = ?", (letter_id,)).fetchone()  # noqa: S608 (our own words)
    return None if row is None else _letter(row)


def read_letters(database: sqlite3.Connection, incident_id: str) -> list[Letter]:
    """Read the letters about an incident, the oldest first."""
    query = f"SELECT {_COLUMNS} FROM letters WHERE incident = ? ORDER BY made_at, id"  # noqa: S608 (our own words)
    return [_letter(row) for row in database.execute(query, (incident_id,))]


def erase_letters(act: Act, incident_id: str) -> int:
    """Erase the text of the letters about an incident; gives how many there were."""
    query = "UPDATE letters SET text = NULL WHERE incident = ? AND text IS NOT NULL"
    erased = act.database.execute(query, (incident_id,)).rowcount
    act.erases = act.erases or erased > 0
    return erased


def _letter(row: Any) -> Letter:
    return Letter(
        id=row["id"],
        incident=row["incident"],
        kind=LetterKind(row["kind"]),
        language=row["language"],
        made_at=datetime.fromisoformat(row["made_at"]),
        made_by=row["made_by"],
        text=row["text"],
        sent_on=None if row["sent_on"] is None else date.fromisoformat(row["sent_on"]),
        sent_by=row["sent_by"],
    )
