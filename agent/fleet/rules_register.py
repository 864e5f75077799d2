"""The register of who accepted or declined which version of the rules, at which laptop, as the record has it.

Every answer stands there, the newest first: somebody who declined and accepted later did both. It decides nothing.
"""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from agent.fleet.device_answers import SYSTEM
from agent.incidents.incident_registers import Register
from agent.incidents.register_parts import WHOLE, Cell, Part, Placed, in_chunks
from agent.people.pseudonyms import Pseudonyms
from agent.requests.noted_registers import Namer, NotedRegisters
from agent.storage.state import Act, StateStore
from rules.roles import Right

READING: Final = frozenset({Right.READ_RECORD, Right.MANAGE_DEVICES})
_COLUMNS: Final = ("answered_at", "person", "is_known", "version", "is_accepted", "laptop", "how", "language")
_QUERY: Final = """SELECT audit.number, at, actor, subject, facts, content
FROM audit LEFT JOIN personal USING (number)
WHERE kind = 'rules_answered' AND audit.number < ? ORDER BY audit.number DESC LIMIT ?"""
_LAST: Final = 2**62


class RulesRegister:
    """The register."""

    def __init__(self, store: StateStore, pseudonyms: Pseudonyms) -> None:
        self._noted = NotedRegisters(store, pseudonyms, reading=READING)

    def answers(self, person: str, *, purpose: str, with_names: bool = False, part: Part = WHOLE) -> Register:
        """Give every answer; of an account that nobody is known by, with names what it is called.

        Raises:
            RefusedRequestError: this person may not read it, or says no purpose.
        """

        def make(act: Act, name: Namer) -> Iterator[Placed]:
            def read(*, before: tuple[int] | None, limit: int) -> list[sqlite3.Row]:
                return act.database.execute(_QUERY, (before[0] if before else _LAST, limit)).fetchall()

            found = in_chunks(read, lambda row: (int(row["number"]),), part, at_of=_answered_at)
            return (((int(row["number"]),), _row(row, name, with_names=with_names)) for row in found)

        return self._noted.hand_out(
            "rules", _COLUMNS, person, purpose=purpose, make=make, part=part, with_names=with_names
        )


def _answered_at(row: sqlite3.Row) -> datetime:
    """Give when somebody answered, which may be long before their laptop told it."""
    at = datetime.fromisoformat(json.loads(row["facts"]).get("at") or row["at"])
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _row(row: sqlite3.Row, name: Namer, *, with_names: bool) -> tuple[Cell, ...]:
    facts: dict[str, Any] = json.loads(row["facts"])
    is_known = row["actor"] != SYSTEM
    account = json.loads(row["content"] or "{}").get("account", "") if with_names else ""
    return (
        facts.get("at"),
        name(row["actor"], datetime.fromisoformat(row["at"])) if is_known else account,
        is_known,
        facts.get("version"),
        facts.get("accepted"),
        row["subject"],
        facts.get("how"),
        facts.get("language"),
    )
