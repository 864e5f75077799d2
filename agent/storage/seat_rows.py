"""Where somebody is signed in to a laptop of the school just now, as `state.db` keeps it: no longer than it lasts.

Of the person there is nothing but the groups that their classes are; what is over leaves nothing behind.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from agent.storage.files import has_table
from agent.storage.state import Act, instant_text
from rules.subject import Audience


@dataclass(frozen=True, slots=True)
class SeatRow:
    """An address at which one person is signed in; without groups it gives nobody anything.

    `heard_at` is when the laptop was last heard from there, `until_at` how long that counts. `behind` is the
    pseudonym of the device that leases knew there then, where they knew one.
    """

    address: str
    groups: frozenset[str]
    audience: Audience | None
    heard_at: datetime
    until_at: datetime
    behind: str = ""


def read_seats(database: sqlite3.Connection) -> dict[str, SeatRow]:
    """Read all by address; none where an older program wrote the file."""
    if not has_table(database, "seats"):
        return {}
    rows = database.execute("SELECT address, groups, audience, heard_at, until_at, behind FROM seats")
    return {row[0]: _seat(row) for row in rows}


def write_seats(act: Act, seats: Iterable[SeatRow]) -> None:
    """Write each whole, in the place of what was known of its address."""
    act.database.executemany(
        "INSERT OR REPLACE INTO seats (address, groups, audience, heard_at, until_at, behind)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                each.address,
                json.dumps(sorted(each.groups)),
                each.audience.value if each.audience else "",
                instant_text(each.heard_at),
                instant_text(each.until_at),
                each.behind,
            )
            for each in seats
        ],
    )


def delete_seats(act: Act, addresses: Iterable[str]) -> None:
    """Delete those at some addresses."""
    act.database.executemany("DELETE FROM seats WHERE address = ?", [(each,) for each in addresses])


def _seat(row: sqlite3.Row) -> SeatRow:
    address, groups, audience, heard_at, until_at, behind = row
    return SeatRow(
        address,
        frozenset(json.loads(groups)),
        Audience(audience) if audience else None,
        datetime.fromisoformat(heard_at),
        datetime.fromisoformat(until_at),
        behind,
    )
