"""The timelines of incidents as `state.db` keeps them.

What was visited, and what people wrote, stands apart from the rest so that it can be erased. What a sealed incident
was about is never read from here, by nobody.
"""

import json
import secrets
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from agent.storage.chain import canonical, commitment_of
from agent.storage.state import Act, instant_text

MAX_LISTED: Final = 1_000
_KEY_OCTETS: Final = 32
# By this the personal part of an entry names the device that something happened at.
DEVICE: Final = "device"
# And by this, that the device itself attested who it was.
ATTESTED: Final = "is_attested"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a timeline; `personal` is None where there is none, it was erased, or nobody may see it.

    `evidence` refers to where the fact is stored beside that. `hash` commits to `content` and `personal`.
    """

    at: datetime
    what: str
    actor: str
    content: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    personal: Mapping[str, Any] | None = None
    evidence: str = ""
    observation: str = ""
    hash: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class AtDevice:
    """When something was observed at which device, by pseudonym; of some the device itself attested who it was."""

    at: datetime
    device: str
    is_attested: bool = False


def add_timeline(act: Act, incident_id: str, entry: Entry) -> Entry:
    """Add an entry to a timeline; gives it with its number and its hash.

    The hash commits to what is in the entry under a key that is erased with the personal part: after that nobody can
    try out what it may have been.
    """
    content = canonical(dict(entry.content))
    personal = None if entry.personal is None else canonical(dict(entry.personal))
    key = secrets.token_bytes(_KEY_OCTETS)
    told = commitment_of(key, f"{entry.what}\n{content}\n{personal or ''}".encode())
    number = act.database.execute(
        "INSERT INTO incident_timeline"
        " (incident, at, what, actor, observation, content, evidence, hash, key, personal)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            incident_id,
            instant_text(entry.at),
            entry.what,
            entry.actor,
            entry.observation,
            content,
            entry.evidence,
            told,
            key,
            personal,
        ),
    ).lastrowid
    return Entry(
        entry.at,
        entry.what,
        entry.actor,
        entry.content,
        entry.personal,
        entry.evidence,
        entry.observation,
        told,
        number or 0,
    )


def read_timeline(
    database: sqlite3.Connection, incident_id: str, *, with_personal: bool = False, limit: int = MAX_LISTED
) -> list[Entry]:
    """Read a timeline, the oldest first; the personal part of a sealed incident is read by nobody.

    Args:
        with_personal: with what was visited and what people wrote.
    """
    rows = database.execute(
        "SELECT t.number, t.at, t.what, t.actor, t.observation, t.content, t.evidence, t.hash,"
        " CASE WHEN i.track = 'sealed' OR i.kind = 'illegal' OR NOT ? THEN NULL ELSE t.personal END AS personal"
        " FROM incident_timeline t JOIN incidents i ON i.id = t.incident"
        " WHERE t.incident = ? ORDER BY t.at, t.number LIMIT ?",
        (int(with_personal), incident_id, limit),
    )
    return [
        Entry(
            at=datetime.fromisoformat(row["at"]),
            what=row["what"],
            actor=row["actor"],
            content=json.loads(row["content"]),
            personal=None if row["personal"] is None else json.loads(row["personal"]),
            evidence=row["evidence"],
            observation=row["observation"],
            hash=row["hash"],
            number=row["number"],
        )
        for row in rows
    ]


def read_devices(database: sqlite3.Connection, incident_id: str) -> list[AtDevice]:
    """Read when something of an incident was observed at which device, as far as that is kept."""
    rows = database.execute(
        f"SELECT at, json_extract(personal, '$.{DEVICE}') AS device,"  # noqa: S608 (our own words)
        f" json_extract(personal, '$.{ATTESTED}') AS is_attested FROM incident_timeline"
        " WHERE incident = ? AND device IS NOT NULL AND observation <> '' ORDER BY at, number",
        (incident_id,),
    )
    return [AtDevice(datetime.fromisoformat(row["at"]), row["device"], bool(row["is_attested"])) for row in rows]


def read_keys(database: sqlite3.Connection, incident_id: str) -> dict[int, bytes]:
    """Read the keys of the hashes of a timeline by the number of the entry, as far as they are not erased."""
    query = "SELECT number, key FROM incident_timeline WHERE incident = ? AND key IS NOT NULL"
    return {row["number"]: row["key"] for row in database.execute(query, (incident_id,))}


def length_of_timeline(database: sqlite3.Connection, incident_id: str) -> int:
    """Count the entries of a timeline."""
    query = "SELECT count(*) FROM incident_timeline WHERE incident = ?"
    return int(database.execute(query, (incident_id,)).fetchone()[0])


def move_entries(act: Act, numbers: Collection[int], *, origin: str, target: str) -> int:
    """Move entries from one timeline to another; gives how many there were."""
    moved = 0
    for number in numbers:
        query = "UPDATE incident_timeline SET incident = ? WHERE number = ? AND incident = ?"
        moved += act.database.execute(query, (target, number, origin)).rowcount
    return moved


def erase_said(act: Act, incident_id: str) -> int:
    """Erase what people wrote in a timeline, and keep what was observed; gives how many entries there were."""
    return _erase(act, incident_id, "observation = ''")


def erase_timeline(act: Act, incident_id: str) -> int:
    """Erase everything personal in a timeline; gives how many entries there were."""
    return _erase(act, incident_id, "1 = 1")


def _erase(act: Act, incident_id: str, which: str) -> int:
    where = f"incident = ? AND key IS NOT NULL AND {which}"
    query = f"UPDATE incident_timeline SET personal = NULL, key = NULL WHERE {where}"  # noqa: S608 (our own words)
    erased = act.database.execute(query, (incident_id,)).rowcount
    act.erases = act.erases or erased > 0
    return erased
