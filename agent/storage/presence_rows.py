"""Who used which device when, as `state.db` keeps it: by pseudonyms, and no longer than what was asked is kept."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from agent.storage.state import Act, instant_text
from rules.subject import Audience

# So long a sign-in counts of which nobody told the end.
OPEN_FOR: Final = timedelta(hours=10)
# None lasts longer, so none that began earlier covers an instant.
LONGEST: Final = timedelta(hours=24)
# So long what somebody asked waits for who else asks the same, and for who was there: nobody is first alone.
SETTLE: Final = timedelta(minutes=3)
_COLUMNS: Final = "id, device, person, kind, audience, groups, from_at, until_at, told_at, looked_back_at"
_MOST: Final = 500
_CACHED_GROUPS: Final = 1_000


class SignIn(StrEnum):
    """How it is known who is at a device: their own sign-in to it, a log-on to the network, an account of several."""

    ATTESTED = "attested"
    LOGON = "logon"
    SHARED = "shared"


# Of hundreds of rows at once each is made of these.
_KINDS: Final = {kind.value: kind for kind in SignIn}
_AUDIENCES: Final[dict[str, Audience | None]] = {"": None, **{each.value: each for each in Audience}}


@dataclass(frozen=True, slots=True)
class Presence:
    """A stretch of time in which somebody used a device, or an account that several use.

    `device` and `person` are pseudonyms; `person` is empty where several use the account or nobody is known by it,
    and then `audience` is None. `groups` are those of the person's classes. Without `until_at` it has not ended.
    `told_at` is when that was last heard of, `looked_back_at` when what was asked in it before was looked at again.
    """

    id: str
    device: str
    person: str
    kind: SignIn
    from_at: datetime
    told_at: datetime
    until_at: datetime | None = None
    audience: Audience | None = None
    groups: frozenset[str] = frozenset()
    looked_back_at: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        """When it ends; without an end, as long as it counts."""
        return self.until_at or min(self.told_at + OPEN_FOR, self.from_at + LONGEST)

    def covers(self, first: datetime, end: datetime) -> bool:
        """Say whether it lasts at some instant from the first to before the end."""
        return self.from_at < end and self.ends_at > first


def read_presence(database: sqlite3.Connection, presence_id: str) -> Presence | None:
    """Read one."""
    found = _read(database, "id = ?", (presence_id,))
    return found[0] if found else None


def read_at_device(database: sqlite3.Connection, device: str, first: datetime, end: datetime) -> list[Presence]:
    """Read who was at a device within a stretch of time, or may have been."""
    return _within(database, "device = ?", device, first, end)


def read_of_person(database: sqlite3.Connection, person: str, first: datetime, end: datetime) -> list[Presence]:
    """Read where somebody was within a stretch of time, or may have been."""
    return _within(database, "person = ? AND person <> ''", person, first, end)


def read_to_look_back(database: sqlite3.Connection, *, limit: int) -> list[Presence]:
    """Read those of which nobody has looked yet at what was asked in them before they were told."""
    return _read(database, "looked_back_at IS NULL ORDER BY from_at LIMIT ?", (limit,))


def write_presence(act: Act, presence: Presence) -> None:
    """Write one whole."""
    act.database.execute(
        f"INSERT OR REPLACE INTO presences ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 (our own words)
        (
            presence.id,
            presence.device,
            presence.person,
            presence.kind.value,
            presence.audience.value if presence.audience else "",
            json.dumps(sorted(presence.groups)),
            instant_text(presence.from_at),
            presence.until_at and instant_text(presence.until_at),
            instant_text(presence.told_at),
            presence.looked_back_at and instant_text(presence.looked_back_at),
        ),
    )


def mark_looked_back(act: Act, presences: Iterable[Presence]) -> None:
    """Write down that what was asked in these before was looked at again."""
    query = "UPDATE presences SET looked_back_at = ? WHERE id = ?"
    act.database.executemany(query, [(instant_text(act.now), each.id) for each in presences])


def delete_presences(act: Act, *, before: datetime) -> int:
    """Delete those that began before an instant; gives how many there were."""
    query = "DELETE FROM presences WHERE from_at < ?"
    return act.database.execute(query, (instant_text(before),)).rowcount


def _within(database: sqlite3.Connection, whose: str, value: str, first: datetime, end: datetime) -> list[Presence]:
    found = _read(
        database,
        f"{whose} AND from_at < ? AND from_at > ? AND (until_at IS NULL OR until_at > ?) ORDER BY from_at LIMIT ?",
        (value, instant_text(end), instant_text(first - LONGEST), instant_text(first), _MOST),
    )
    return [each for each in found if each.covers(first, end)]


def _read(database: sqlite3.Connection, where: str, values: tuple[Any, ...]) -> list[Presence]:
    rows = database.execute(f"SELECT {_COLUMNS} FROM presences WHERE {where}", values)  # noqa: S608 (our own words)
    return [_presence(row) for row in rows]


@lru_cache(_CACHED_GROUPS)
def _groups_of(written: str) -> frozenset[str]:
    return frozenset(json.loads(written))


def _presence(row: Any) -> Presence:
    until_at, looked_back_at = row["until_at"], row["looked_back_at"]
    return Presence(
        id=row["id"],
        device=row["device"],
        person=row["person"],
        kind=_KINDS[row["kind"]],
        from_at=datetime.fromisoformat(row["from_at"]),
        told_at=datetime.fromisoformat(row["told_at"]),
        until_at=None if until_at is None else datetime.fromisoformat(until_at),
        audience=_AUDIENCES[row["audience"]],
        groups=_groups_of(row["groups"]),
        looked_back_at=None if looked_back_at is None else datetime.fromisoformat(looked_back_at),
    )
