"""The deciding roles that somebody gave and nobody else has confirmed, and the beginning, in which nobody has to.

A school begins with one person, so at first what one person gives takes effect at once. That is over when two people
who manage people have signed in. A row of the record says so, and nothing that happens to people or accounts later
brings the beginning back.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rules.roles import MANAGERS, Role

if TYPE_CHECKING:
    from agent.storage.state import Act

# Whoever runs a command on the gateway itself; what they give takes effect at once.
SYSTEM: Final = "system"
BEGINNING_ENDED: Final = "beginning_ended"
MIN_MANAGERS: Final = 2

# As the index of the record has it, word for word.
_IS_OVER: Final = f"SELECT 1 FROM audit WHERE kind = '{BEGINNING_ENDED}' LIMIT 1"  # noqa: S608 (our own words)
_MANAGERS: Final = f"""SELECT DISTINCT accounts.person FROM accounts JOIN memberships USING (person)
WHERE accounts.closed_at IS NULL AND may_decide AND managed_at IS NOT NULL
    AND role IN ({", ".join("?" * len(MANAGERS))}) ORDER BY accounts.person"""  # noqa: S608 (marks only)


@dataclass(frozen=True, slots=True)
class GivenRole:
    """A deciding role that only one person stands for; whether it is in force, their memberships say."""

    person: str
    role: Role
    given_by: str
    given_at: datetime


def is_beginning(database: sqlite3.Connection) -> bool:
    """Say whether two people who manage people have never signed in yet."""
    return database.execute(_IS_OVER).fetchone() is None


def takes_effect(database: sqlite3.Connection, giver: str) -> bool:
    """Say whether what somebody gives takes effect at once."""
    return giver == SYSTEM or is_beginning(database)


def read_managers(database: sqlite3.Connection) -> list[str]:
    """Read the ids of those who manage people, and have signed in with an account that is still open."""
    return [person for (person,) in database.execute(_MANAGERS, sorted(MANAGERS))]


def end_beginning(act: "Act") -> None:
    """Note that the beginning is over, where it is and nobody has noted it yet."""
    if is_beginning(act.database) and len(found := read_managers(act.database)) >= MIN_MANAGERS:
        act.note(BEGINNING_ENDED, actor=SYSTEM, facts={"managers": found})


def read_given(database: sqlite3.Connection, person: str | None = None) -> list[GivenRole]:
    """Read the roles that nobody has confirmed: of one person, or of all."""
    query = "SELECT * FROM unconfirmed_roles WHERE person = coalesce(?, person) ORDER BY person, role"
    return [
        GivenRole(row["person"], Role(row["role"]), row["given_by"], datetime.fromisoformat(row["given_at"]))
        for row in database.execute(query, (person,))
    ]


def keep_given(database: sqlite3.Connection, person: str, roles: Iterable[Role]) -> None:
    """Forget who gave somebody every other role than these."""
    kept = set(roles)
    gone = [(person, each.role) for each in read_given(database, person) if each.role not in kept]
    database.executemany("DELETE FROM unconfirmed_roles WHERE person = ? AND role = ?", gone)


def write_given(database: sqlite3.Connection, given: Iterable[GivenRole]) -> None:
    """Write down who gave which role; where somebody gave it before, they stay who did."""
    database.executemany("INSERT OR IGNORE INTO unconfirmed_roles VALUES (?, ?, ?, ?)", map(_row, given))


def _row(each: GivenRole) -> tuple[str, str, str, str]:
    return each.person, each.role.value, each.given_by, each.given_at.isoformat(timespec="microseconds")
