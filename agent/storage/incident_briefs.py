"""Incidents in brief, as they are counted: without reasons and words, so that very many are read at once."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from rules.incident import Dismissal, Level, State, Track
from rules.incident_kind import Kind
from rules.roles import Role
from rules.subject import Audience

_LIKELIEST: Final = "CASE WHEN row <> '' THEN row ELSE coalesce(json_extract(content, '$.rows[0]'), '') END"
_QUERY: Final = f"""SELECT kind, audience, subject, level, track, state, opened_at, {_LIKELIEST},
    json_extract(content, '$.is_serious'), json_extract(content, '$.reached'), json_extract(content, '$.dismissal')
    FROM incidents WHERE state <> 'merged'"""  # noqa: S608 (our own words)
_AUDIENCES: Final = {each.value: each for each in Audience}
_KINDS: Final = {each.value: each for each in Kind}
_LEVELS: Final = {each.value: each for each in Level}
_TRACKS: Final = {each.value: each for each in Track}
_STATES: Final = {each.value: each for each in State}


class Brief(NamedTuple):
    """What is counted of an incident; `row` is the one that was accepted, else the likeliest, else empty."""

    kind: Kind
    audience: Audience
    subject: str
    level: Level
    track: Track
    state: State
    opened_at: datetime
    row: str
    is_serious: bool | None = None
    reached: frozenset[Role] = frozenset()


def read_briefs(database: sqlite3.Connection) -> Iterator[Brief]:
    """Read every incident that is counted: none that is part of another, or was put right as about somebody else."""
    for kind, audience, subject, level, track, state, opened_at, row, *rest in database.execute(_QUERY):
        is_serious, reached, dismissal = rest
        if dismissal != Dismissal.WRONG_PERSON.value:
            yield Brief(
                _KINDS[kind],
                _AUDIENCES[audience],
                subject,
                _LEVELS[level],
                _TRACKS[track],
                _STATES[state],
                datetime.fromisoformat(opened_at),
                row,
                None if is_serious is None else bool(is_serious),
                frozenset(map(Role, json.loads(reached))) if reached and reached != "[]" else frozenset(),
            )
