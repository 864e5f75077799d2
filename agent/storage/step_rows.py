"""The steps of incidents as `state.db` keeps them; what people wrote about them stands apart and can be erased."""

import json
import sqlite3
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from agent.storage.state import Act, instant_text
from rules.sanction import Step
from rules.steps import StepState

_COLUMNS: Final = (
    "incident, number, action, step, role, owners, due_at, state, done_at, done_by, climbed, told, is_of_table, words"
)
_WORDS: Final = ("label", "how", "outcome", "deviation", "referred_to", "reference")
_MAX_LISTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class FiledStep:
    """One step of a checklist.

    `action` is the column of the table, or empty for one that somebody added, which `label` says in their words.
    `owners` are ids of people. `deviation` is why it was left out or added. `climbed` is how often it was overdue and
    somebody else was told, `told` who that was. `referred_to` is who outside took it on, such as the police, and
    `reference` how they call it.
    """

    incident: str
    number: int
    action: str
    step: Step
    role: str
    owners: tuple[str, ...]
    due_at: datetime
    state: StepState = StepState.OPEN
    done_at: datetime | None = None
    done_by: str = ""
    climbed: int = 0
    told: tuple[str, ...] = ()
    is_of_table: bool = True
    label: str = ""
    how: str = ""
    outcome: str = ""
    deviation: str = ""
    referred_to: str = ""
    reference: str = ""

    @property
    def version(self) -> int:
        """The number by which a form knows what it says is done: the same step in the same state."""
        said = (self.action, self.step, self.role, self.state, self.label, self.deviation, self.done_at)
        return int(sha256(repr(said).encode()).hexdigest()[:7], 16)


def write_step(act: Act, step: FiledStep) -> None:
    """Write a step whole."""
    values = (
        step.incident,
        step.number,
        step.action,
        step.step.value,
        step.role,
        json.dumps(step.owners),
        instant_text(step.due_at),
        step.state.value,
        None if step.done_at is None else instant_text(step.done_at),
        step.done_by,
        step.climbed,
        json.dumps(step.told),
        int(step.is_of_table),
        json.dumps({name: getattr(step, name) for name in _WORDS if getattr(step, name)}, ensure_ascii=False),
    )
    act.database.execute(
        f"INSERT OR REPLACE INTO incident_steps ({_COLUMNS}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608 (our own words)
        values,
    )


def read_steps(database: sqlite3.Connection, incident_id: str) -> list[FiledStep]:
    """Read the checklist of an incident."""
    return _read(database, "incident = ? ORDER BY number", (incident_id,))


def read_step(database: sqlite3.Connection, incident_id: str, number: int) -> FiledStep | None:
    """Read one step."""
    found = _read(database, "incident = ? AND number = ?", (incident_id, number))
    return found[0] if found else None


def read_open_steps(
    database: sqlite3.Connection, *, due_before: datetime | None = None, climbed_below: int = sys.maxsize
) -> list[FiledStep]:
    """Read the steps that are open, the first due first; those due before an instant, where there is one.

    Args:
        climbed_below: only those of which somebody else was told less often.
    """
    until = "9999" if due_before is None else instant_text(due_before)
    where = "state = 'open' AND due_at <= ? AND climbed < ? ORDER BY due_at, incident, number LIMIT ?"
    return _read(database, where, (until, climbed_below, _MAX_LISTED))


def read_referrals(
    database: sqlite3.Connection,
    incident_id: str | None = None,
    *,
    before: tuple[str, str, int] | None = None,
    limit: int = _MAX_LISTED,
) -> list[FiledStep]:
    """Read the steps by which somebody outside was brought in, of one incident or of all, the newest first.

    Args:
        before: only those that stand after one in this order, by when it was done, as text, its incident and number.
    """
    where = "json_extract(words, '$.referred_to') IS NOT NULL"
    if incident_id is not None:
        where += " AND incident = ?"
    values: list[str | int] = [] if incident_id is None else [incident_id]
    if before is not None:
        where += " AND (done_at < ? OR (done_at = ? AND (incident, number) > (?, ?)))"
        values += [before[0], *before]
    values.append(limit)
    return _read(database, f"{where} ORDER BY done_at DESC, incident, number LIMIT ?", values)


def erase_step_words(act: Act, incident_id: str) -> None:
    """Erase what people wrote about the steps of an incident."""
    query = "UPDATE incident_steps SET words = '{}' WHERE incident = ? AND words <> '{}'"
    act.erases = act.database.execute(query, (incident_id,)).rowcount > 0 or act.erases


def _read(database: sqlite3.Connection, where: str, values: Iterable[Any]) -> list[FiledStep]:
    rows = database.execute(f"SELECT {_COLUMNS} FROM incident_steps WHERE {where}", tuple(values))  # noqa: S608 (our own words)
    return [
        FiledStep(
            incident=row["incident"],
            number=row["number"],
            action=row["action"],
            step=Step(row["step"]),
            role=row["role"],
            owners=tuple(json.loads(row["owners"])),
            due_at=datetime.fromisoformat(row["due_at"]),
            state=StepState(row["state"]),
            done_at=None if row["done_at"] is None else datetime.fromisoformat(row["done_at"]),
            done_by=row["done_by"],
            climbed=row["climbed"],
            told=tuple(json.loads(row["told"])),
            is_of_table=bool(row["is_of_table"]),
            **json.loads(row["words"]),
        )
        for row in rows
    ]
