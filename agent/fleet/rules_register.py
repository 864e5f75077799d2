"""The register of who accepted or declined which version of the rules, at which laptop, as the record has it.

Every answer stands there, the newest first: somebody who declined and accepted later did both. It decides nothing.
"""

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from agent.fleet.device_answers import SYSTEM
from agent.incidents.incident_registers import MAX_ROWS, Cell, Register
from agent.people.pseudonyms import Pseudonyms
from agent.requests.noted_registers import Namer, NotedRegisters
from agent.storage.state import Act, StateStore
from rules.roles import Right

READING: Final = frozenset({Right.READ_RECORD, Right.MANAGE_DEVICES})
_COLUMNS: Final = ("answered_at", "person", "is_known", "version", "is_accepted", "laptop", "how", "language")
_QUERY: Final = """SELECT at, actor, subject, facts, content FROM audit LEFT JOIN personal USING (number)
WHERE kind = 'rules_answered' ORDER BY audit.number DESC LIMIT ?"""


class RulesRegister:
    """The register."""

    def __init__(self, store: StateStore, pseudonyms: Pseudonyms) -> None:
        self._noted = NotedRegisters(store, pseudonyms, reading=READING)

    def answers(self, person: str, *, purpose: str, with_names: bool = False) -> Register:
        """Give every answer; of an account that nobody is known by, with names what it is called.

        Raises:
            RefusedRequestError: this person may not read it, or says no purpose.
        """

        def make(act: Act, name: Namer) -> Iterable[tuple[Cell, ...]]:
            return [_row(row, name, with_names=with_names) for row in act.database.execute(_QUERY, (MAX_ROWS,))]

        return self._noted.hand_out("rules", _COLUMNS, person, purpose=purpose, make=make, with_names=with_names)


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
