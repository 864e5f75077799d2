"""What a state file of an older program lacks, put in within the transaction in which a newer one opens it.

Whoever decided before a second person had to confirm it goes on deciding, and stands among those whom somebody should
look at: the record says who gave them what.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from agent.storage.given_rows import SYSTEM, GivenRole, end_beginning, write_given
from rules.roles import DECIDING, MANAGERS, Role

if TYPE_CHECKING:
    from agent.storage.state import Act

_NEW_COLUMNS: Final = (
    "made_by TEXT NOT NULL DEFAULT ''",
    "is_own_password INTEGER NOT NULL DEFAULT 0",
    "is_own_code INTEGER NOT NULL DEFAULT 0",
    "may_decide INTEGER NOT NULL DEFAULT 0",
    "confirmed_by TEXT NOT NULL DEFAULT ''",
    "managed_at TEXT",
)
_HISTORY: Final = """SELECT kind, at, actor, subject, facts, content FROM audit LEFT JOIN personal USING (number)
WHERE kind IN ('people_changed', 'account_created', 'password_set', 'authenticator_enrolled', 'signed_in')
ORDER BY audit.number"""
_SET: Final = """UPDATE accounts SET made_by = ?, is_own_password = ?, is_own_code = ?, may_decide = ?, managed_at = ?
WHERE login = ?"""


@dataclass(slots=True)
class _Account:
    """What the record says of an account; whether both parts are its owner's own."""

    made_by: str = ""
    has_own_password: bool = False
    has_own_code: bool = False


@dataclass(slots=True)
class _History:
    """Who gave and made what, as far as the record still says it."""

    givers: dict[tuple[str, str], tuple[str, datetime]] = field(default_factory=dict)
    accounts: dict[str, _Account] = field(default_factory=dict)
    signed_in: dict[str, str] = field(default_factory=dict)

    def add(self, row: sqlite3.Row) -> None:
        """Read one more row; what somebody has altered is passed over here, and found when the record is verified."""
        with suppress(ValueError, TypeError, AttributeError):
            match row["kind"]:
                case "people_changed":
                    self._change(row, json.loads(row["facts"]))
                case "signed_in":
                    self.signed_in.setdefault(row["subject"], row["at"])
                case _:
                    self._account(row, str(json.loads(row["content"] or "{}").get("login", "")))

    def _change(self, row: sqlite3.Row, facts: Mapping[str, Any]) -> None:
        roles = () if facts.get("change") == "closed" else facts.get("roles", ())
        for person, role in [each for each in self.givers if each[0] == row["subject"]]:
            if role not in roles:
                del self.givers[person, role]
        for role in roles:
            self.givers.setdefault((row["subject"], role), (row["actor"], datetime.fromisoformat(row["at"])))

    def _account(self, row: sqlite3.Row, login: str) -> None:
        is_own = row["actor"] == row["subject"]
        match row["kind"]:
            case "account_created":
                self.accounts[login] = _Account(row["actor"])
            case "password_set":
                self.accounts.setdefault(login, _Account()).has_own_password = is_own
            case "authenticator_enrolled":
                self.accounts.setdefault(login, _Account()).has_own_code = is_own


def _ask_a_second_person(act: "Act") -> None:
    """Begin to ask for a second person who confirms who decides."""
    database, history = act.database, _History()
    for column in _NEW_COLUMNS:
        database.execute(f"ALTER TABLE accounts ADD COLUMN {column}")
    for row in database.execute(_HISTORY):
        history.add(row)
    decide, manage = (_holders(database, roles) for roles in (DECIDING, MANAGERS))
    for person, role in decide:
        giver, at = history.givers.get((person, role), (SYSTEM, act.now))
        write_given(database, [GivenRole(person, Role(role), giver, at)])
    deciders, managers = ({person for person, _ in found} for found in (decide, manage))
    for login, person in database.execute("SELECT login, person FROM accounts").fetchall():
        known = history.accounts.get(login, _Account())
        own = (known.made_by, known.has_own_password, known.has_own_code)
        managed_at = history.signed_in.get(person) if person in managers else None
        database.execute(_SET, (*own, person in deciders, managed_at, login))
    end_beginning(act)


def _holders(database: sqlite3.Connection, roles: frozenset[Role]) -> list[tuple[str, str]]:
    marks = ", ".join("?" * len(roles))
    query = f"SELECT DISTINCT person, role FROM memberships WHERE role IN ({marks})"  # noqa: S608 (marks only)
    return [(person, role) for person, role in database.execute(query, sorted(roles))]


# By the version that they start from; each gives the next one.
UPGRADES: Final[Mapping[int, Callable[["Act"], None]]] = {1: _ask_a_second_person}
