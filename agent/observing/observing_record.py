"""What stands on the record and is an observation too: filtering that was off, emergencies that nobody confirmed."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from agent.filter_changing.canary_episodes import OFF
from agent.people.pseudonyms import Pseudonyms
from agent.requests.override_acts import KINDS as OVERRIDE_KINDS
from agent.requests.override_acts import USED
from agent.storage.override_rows import read_override
from rules.incident_kind import Kind
from rules.observation import Confidence, Observation, Place, Source
from rules.override import Move
from rules.subject import Audience

SOURCE: Final = "record"
UNCONFIRMED: Final = OVERRIDE_KINDS[Move.LAPSE]
# What filtering that is off is about: nobody's device.
GATEWAY: Final = "gateway"
OWN_REQUEST: Final = "own_request"
_KINDS: Final = (OFF, UNCONFIRMED, USED)


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A row of the record that is an observation."""

    number: int
    at: datetime
    kind: str
    subject: str
    facts: Mapping[str, Any]


def read_rows(database: sqlite3.Connection, *, after: int, limit: int) -> list[RecordRow]:
    """Read the next rows that are observations."""
    rows = database.execute(
        "SELECT number, at, kind, subject, facts FROM audit WHERE number > ? AND kind IN (?, ?, ?)"
        " ORDER BY number LIMIT ?",
        (after, *_KINDS, limit),
    )
    return [
        RecordRow(
            row["number"], datetime.fromisoformat(row["at"]), row["kind"], row["subject"], json.loads(row["facts"])
        )
        for row in rows
    ]


def end_of_record(database: sqlite3.Connection) -> int:
    """Give the number of the last row."""
    return int(database.execute("SELECT coalesce(max(number), 0) FROM audit").fetchone()[0])


def observation_of(
    row: RecordRow, database: sqlite3.Connection, pseudonyms: Pseudonyms, *, zone: ZoneInfo
) -> Observation:
    """Give a row as an observation.

    An emergency that nobody confirmed is about whoever took it, who is certain. What filtering that is off without a
    record is about, nobody knows yet.
    """
    at, subject, confidence, why = row.at, GATEWAY, Confidence.D, (GATEWAY,)
    facts: dict[str, str | int | bool] = {"kind": Kind.FILTER_OFF.value}
    if row.kind == OFF:
        at = _since(row)
        places = (*row.facts.get("networks", ()), *row.facts.get("profiles", ()))
        facts |= {"cause": str(row.facts.get("cause", "")), "where": ", ".join(map(str, places))}
    elif row.kind == UNCONFIRMED and (filed := read_override(database, row.subject)) is not None:
        at = filed.override.requested_at
        subject = pseudonyms.person(filed.override.requester, at.astimezone(zone).date())
        confidence, why = Confidence.A, (OWN_REQUEST,)
        facts["override"] = row.subject
    return Observation(
        id=f"{SOURCE}-{row.number}",
        source=Source.OVERRIDE_USED if row.kind == USED else Source.FILTER_OFF,
        at=min(at, row.at),
        received_at=row.at,
        subject=subject,
        confidence=confidence,
        audience=Audience.STAFF,
        why_identity=why,
        place=Place.ON_SITE,
        evidence=f"{SOURCE} {row.number}",
        facts=MappingProxyType(facts),
    )


def _since(row: RecordRow) -> datetime:
    """Say when filtering was off first; when it was recorded, where the row does not tell."""
    with suppress(ValueError, TypeError):
        return datetime.fromisoformat(row.facts.get("since", "")).astimezone(UTC)
    return row.at
