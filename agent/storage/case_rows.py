"""What is known so far of laptops and the media in them, in `state.db`: one row for each thing that is not over."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agent.storage.state import Act


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is followed; `due` is when it has to be looked at, in seconds since 1970."""

    device: str
    key: str
    content: Mapping[str, Any]
    due: float | None = None


def read_case(database: sqlite3.Connection, device: str, key: str) -> Case | None:
    """Read one."""
    return next(_read(database, "device = ? AND key = ?", (device, key)), None)


def read_cases_of(database: sqlite3.Connection, device: str) -> list[Case]:
    """Read everything of a laptop."""
    return list(_read(database, "device = ? ORDER BY key", (device,)))


def read_cases(database: sqlite3.Connection, key: str) -> list[Case]:
    """Read what has a key, of every laptop."""
    return list(_read(database, "key = ? ORDER BY device", (key,)))


def read_waiting(database: sqlite3.Connection) -> dict[str, float]:
    """Read since when something of each laptop is due."""
    rows = database.execute("SELECT device, min(due) FROM device_cases WHERE due IS NOT NULL GROUP BY device")
    return {row[0]: row[1] for row in rows}


def read_due(database: sqlite3.Connection, device: str, until: float, *, limit: int) -> list[Case]:
    """Read what has to be looked at of a laptop by then, the longest due first."""
    return list(_read(database, "device = ? AND due <= ? ORDER BY due LIMIT ?", (device, until, limit)))


def write_case(act: Act, case: Case) -> None:
    """Write one whole."""
    row = (case.device, case.key, case.due, json.dumps(case.content, ensure_ascii=False))
    act.database.execute("INSERT OR REPLACE INTO device_cases VALUES (?, ?, ?, ?)", row)


def delete_case(act: Act, device: str, key: str) -> None:
    """Delete one that is over."""
    act.database.execute("DELETE FROM device_cases WHERE device = ? AND key = ?", (device, key))


def delete_due(act: Act, *, before: float) -> int:
    """Delete what was due before then and nobody could look at; gives how much there was."""
    return act.database.execute("DELETE FROM device_cases WHERE due < ?", (before,)).rowcount


def _read(database: sqlite3.Connection, where: str, values: tuple[Any, ...]) -> Iterator[Case]:
    query = f"SELECT device, key, content, due FROM device_cases WHERE {where}"  # noqa: S608 (our own words)
    for row in database.execute(query, values):
        yield Case(row["device"], row["key"], json.loads(row["content"]), row["due"])
