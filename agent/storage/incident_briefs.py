"""Incidents in brief, as they are counted: without reasons and words, so that very many are read at once."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from agent.storage.state import instant_text
from rules.incident import TRANSITIONS, Dismissal, Level, Move, State, Track
from rules.incident_kind import Kind
from rules.roles import Role
from rules.subject import Audience

_LIKELIEST: Final = "CASE WHEN row <> '' THEN row ELSE coalesce(json_extract(content, '$.rows[0]'), '') END"
_QUERY: Final = f"""SELECT kind, audience, subject, level, track, state, opened_at, {_LIKELIEST},
    json_extract(content, '$.is_serious'), json_extract(content, '$.reached'), json_extract(content, '$.dismissal')
    FROM incidents WHERE opened_at >= ? AND state <> 'merged'"""  # noqa: S608 (our own words)
# What was merged since was counted then, and the row of what was accepted since was the likeliest.
_QUERY_AS_OF: Final = """SELECT kind, audience, subject, level, track, state, opened_at, row,
    json_extract(content, '$.is_serious'), json_extract(content, '$.reached'), json_extract(content, '$.dismissal'),
    id, coalesce(json_extract(content, '$.rows[0]'), ''), coalesce(json_extract(content, '$.decided_at'), '') >= ?1
        OR EXISTS (SELECT 1 FROM incident_timeline WHERE incident = incidents.id AND at >= ?1 AND what = ?3)
    FROM incidents WHERE opened_at >= ?2 AND filed_at < ?1 AND (state <> 'merged' OR closed_at >= ?1)"""
# What the timeline says of decisions.
MOVES: Final = {
    "incident_accepted": Move.ACCEPT,
    "incident_reclassified": Move.RECLASSIFY,
    "incident_dismissed": Move.DISMISS,
    "incident_merged": Move.MERGE,
    "incident_split": Move.SPLIT,
    "incident_closed": Move.CLOSE,
    "incident_reopened": Move.REOPEN,
    "incident_corrected": Move.CORRECT,
}
_UNDONE: Final = "incident_decision_undone"
_DECISIONS: Final = f"""SELECT what, coalesce(json_extract(content, '$.row'), '') FROM incident_timeline
    WHERE incident = ? AND at < ? AND what IN ({", ".join("?" * (len(MOVES) + 1))}) ORDER BY number"""  # noqa: S608 (marks only)
_AUDIENCES: Final = {each.value: each for each in Audience}
_KINDS: Final = {each.value: each for each in Kind}
_LEVELS: Final = {each.value: each for each in Level}
_TRACKS: Final = {each.value: each for each in Track}
_STATES: Final = {each.value: each for each in State}
_NOBODY: Final[frozenset[Role]] = frozenset()


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


def read_briefs(database: sqlite3.Connection, *, opened_since: datetime | None = None) -> Iterator[Brief]:
    """Read every incident that is counted: none that is part of another, or was put right as about somebody else."""
    since = "" if opened_since is None else instant_text(opened_since)
    for *plain, is_serious, reached, dismissal in database.execute(_QUERY, (since,)):
        if dismissal != Dismissal.WRONG_PERSON.value:
            yield brief_of(plain, is_serious, json.loads(reached or "[]"))


def read_briefs_as_of(
    database: sqlite3.Connection, at: datetime, *, opened_since: datetime | None = None
) -> Iterator[Brief]:
    """Read every incident that was counted at an instant, as far as people had decided about it by then.

    Kind and track are those of now.
    """
    since, until = "" if opened_since is None else instant_text(opened_since), instant_text(at)
    rows = database.execute(_QUERY_AS_OF, (until, since, _UNDONE))
    for *plain, row, is_serious, reached, dismissal, incident, likeliest, is_decided_since in rows.fetchall():
        if is_decided_since:
            state, row, is_put_right = _as_of(database, incident, until)  # noqa: PLW2901 (as it was then)
            plain[_STATE] = state.value
        else:
            is_put_right = dismissal == Dismissal.WRONG_PERSON.value
        if not is_put_right:
            yield brief_of([*plain, row or likeliest], is_serious, json.loads(reached or "[]"))


_STATE: Final = 5


def _as_of(database: sqlite3.Connection, incident: str, until: str) -> tuple[State, str, bool]:
    """Follow the decisions about an incident before an instant: its state, its row, and whether it was put right."""
    stood = [(State.CANDIDATE, "", False)]
    for what, row in database.execute(_DECISIONS, (incident, until, *MOVES, _UNDONE)):
        if what == _UNDONE:
            stood = stood[:-1] or stood
            continue
        move, (state, its_row, _) = MOVES[what], stood[-1]
        is_put_right = move is Move.CORRECT
        its_row = "" if is_put_right else row or its_row
        stood.append((TRANSITIONS.get((state, move), state), its_row, is_put_right))
    return stood[-1]


def brief_of(plain: Sequence[Any], is_serious: int | None, reached: Collection[str]) -> Brief:
    """Give a brief from what stands in the columns.

    Args:
        plain: kind, audience, subject, level, track, state, when it was opened, row.
    """
    kind, audience, subject, level, track, state, opened_at, row = plain
    return Brief(
        _KINDS[kind],
        _AUDIENCES[audience],
        subject,
        _LEVELS[level],
        _TRACKS[track],
        _STATES[state],
        datetime.fromisoformat(opened_at),
        row,
        None if is_serious is None else bool(is_serious),
        frozenset(map(Role, reached)) if reached else _NOBODY,
    )
