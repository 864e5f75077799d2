"""What observing keeps in `state.db`: how far each source was taken, how much came of it, and what machines told.

How far a source was taken is written in the act that holds what came of it, so that everything is weighed once,
whoever dies when.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from agent.storage.state import Act, instant_text

# What and why, in words from closed sets: `("ignored", "too_little")`.
CountKey = tuple[str, str]
# Blocked, but of no category that anything can come of, or asked from nobody's network.
NOT_WEIGHED: Final[CountKey] = ("ignored", "not_weighed")
# An event of a laptop whose facts are not as they should be.
NOT_UNDERSTOOD: Final[CountKey] = ("ignored", "not_understood")
# What machines tell, and what becomes of it.
SIGN_INS, EVENTS = "sign_ins", "events"
ACCEPTED, REPEATED, REFUSED = "accepted", "repeated", "refused"
_MAX_COUNTS: Final = 500


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that a machine told and that is not weighed yet."""

    number: int
    id: str
    received_at: datetime
    content: Mapping[str, Any]


def read_positions(database: sqlite3.Connection) -> dict[str, int]:
    """Read how far each source was taken."""
    return dict(map(tuple, database.execute("SELECT source, position FROM observed")))


def read_position(database: sqlite3.Connection, source: str) -> int:
    """Read how far a source was taken; 0 where it never was."""
    row = database.execute("SELECT position FROM observed WHERE source = ?", (source,)).fetchone()
    return 0 if row is None else int(row[0])


def write_position(act: Act, source: str, position: int) -> None:
    """Write how far a source was taken."""
    act.database.execute("INSERT OR REPLACE INTO observed VALUES (?, ?)", (source, position))


def delete_positions(act: Act, sources: Iterable[str]) -> None:
    """Forget sources that are not there any more."""
    act.database.executemany("DELETE FROM observed WHERE source = ?", [(source,) for source in sources])


def add_counts(act: Act, counts: Mapping[CountKey, int]) -> None:
    """Add to what was counted."""
    act.database.executemany(
        "INSERT INTO observation_counts VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET times = times + excluded.times",
        [(*key, times) for key, times in counts.items() if times],
    )


def read_counts(database: sqlite3.Connection) -> dict[CountKey, int]:
    """Read what was counted."""
    rows = database.execute("SELECT what, why, times FROM observation_counts LIMIT ?", (_MAX_COUNTS,))
    return {(row[0], row[1]): row[2] for row in rows}


def write_told(act: Act, event_id: str, content: Mapping[str, Any]) -> bool:
    """Let an event wait to be weighed; gives False where one with this id was told before."""
    query = "INSERT OR IGNORE INTO told_events (id, received_at, content) VALUES (?, ?, ?)"
    written = json.dumps(content, ensure_ascii=False)
    return act.database.execute(query, (event_id, instant_text(act.now), written)).rowcount > 0


def read_waiting(database: sqlite3.Connection, *, limit: int) -> list[Waiting]:
    """Read the events that wait, the oldest first."""
    rows = database.execute(
        "SELECT number, id, received_at, content FROM told_events WHERE content IS NOT NULL ORDER BY number LIMIT ?",
        (limit,),
    )
    return [
        Waiting(row["number"], row["id"], datetime.fromisoformat(row["received_at"]), json.loads(row["content"]))
        for row in rows
    ]


def count_waiting(database: sqlite3.Connection) -> int:
    """Count the events that wait."""
    return int(database.execute("SELECT count(*) FROM told_events WHERE content IS NOT NULL").fetchone()[0])


def mark_taken(act: Act, taken: Iterable[Waiting]) -> None:
    """Erase what was told in events that were weighed; their ids stay."""
    numbers = [(each.number,) for each in taken]
    act.database.executemany("UPDATE told_events SET content = NULL WHERE number = ?", numbers)
    act.erases = act.erases or bool(numbers)


def delete_told(act: Act, *, before: datetime) -> int:
    """Forget the ids of events that came in before an instant and were weighed; gives how many there were."""
    query = "DELETE FROM told_events WHERE received_at < ? AND content IS NULL"
    return act.database.execute(query, (instant_text(before),)).rowcount
