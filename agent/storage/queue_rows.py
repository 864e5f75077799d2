"""The queue of incidents as `state.db` gives it: in its order, a part at a time, and without what people wrote.

Who is at risk comes first, then how much speaks for it, then how long it waits. What is sealed has its place by when
it was filed alone, and is never given beside whatever else is of the same subject.
"""

import heapq
import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from agent.storage.incident_briefs import Brief, brief_of
from agent.storage.schema import QUEUE_PLACE
from agent.storage.state import instant_text
from rules.incident import Level, State, Track
from rules.incident_kind import Kind
from rules.incident_weight import FROM_POINTS, Weight

# More that began about then is not counted.
MOST_NEAR: Final = 500
_WEIGHTS: Final = {each.value: each for each in Weight}
_WEIGHT: Final = (
    f"CASE WHEN track = 'sealed' THEN '{Weight.HIGH}' "
    + " ".join(f"WHEN intent >= {points} THEN '{weight}'" for weight, points in FROM_POINTS.items())
    + " END"
)
# Both as they are written where there is nothing to tell: then they need not be looked for.
_NOTHING_SAID: Final = '"is_serious": null, "reached": []'
_SAID: Final = f"""CASE WHEN instr(content, '{_NOTHING_SAID}') THEN NULL
    ELSE json_array(json_extract(content, '$.is_serious'), json_extract(content, '$.reached')) END"""
_PLAIN: Final = "kind, audience, subject, level, track, state, opened_at, row"
_COLUMNS: Final = f"{_PLAIN}, {_SAID}, id, number, version, intent, last_at, filed_at, {QUEUE_PLACE}"
_ORDER: Final = f"{QUEUE_PLACE}, filed_at, number"
# By what an incident stands in the queue, the smaller the sooner: its urgency, when it was filed as text, its number.
Rank = tuple[int, str, int]


class Queued(NamedTuple):
    """What puts an incident in its place; of a sealed one, about whom it is and when it was is for the gate alone."""

    brief: Brief
    id: str
    number: int
    version: int
    intent: int
    last_at: datetime
    rank: Rank


class Counted(NamedTuple):
    """What is counted of an incident; when it was filed as text."""

    brief: Brief
    weight: Weight
    filed_at: str


class Amount(NamedTuple):
    """How many incidents are alike: one of them, and when the newest was filed as text."""

    brief: Brief
    weight: Weight
    filed_at: str
    number: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Which incidents are wanted; what is None does not restrict.

    Args:
        subject: a pseudonym; nothing sealed has one.
        filed_after: an instant as text.
    """

    states: Collection[State]
    tracks: Collection[Track] | None = None
    kinds: Collection[Kind] | None = None
    level: Level | None = None
    weights: Collection[Weight] | None = None
    subject: str | None = None
    number: int | None = None
    filed_after: str | None = None


def walk_queue(database: sqlite3.Connection, choice: Choice, *, after: Rank | None = None) -> Iterator[Queued]:
    """Give incidents in the order of the queue, and read no further than somebody asks.

    Args:
        after: only those from this place on, with the one that stands there.
    """
    where, values = _where(choice)
    if after is not None:
        where += f" AND ({_ORDER}) >= (?, ?, ?)"
        values = [*values, *after]
    query = f"SELECT {_COLUMNS} FROM incidents WHERE state = ? AND {where} ORDER BY {_ORDER}"  # noqa: S608 (our own words)
    parts = (map(_queued, database.execute(query, (state.value, *values))) for state in sorted(set(choice.states)))
    yield from heapq.merge(*parts, key=_rank)


def read_of_subject(
    database: sqlite3.Connection, choice: Choice, subject: str, *, before: Rank | None = None
) -> Iterator[Queued]:
    """Read what is of a subject, in no order; nothing that is sealed.

    Args:
        before: only what stands before this place.
    """
    where, values = _where(choice)
    if before is not None:
        where += f" AND ({_ORDER}) < (?, ?, ?)"
        values = [*values, *before]
    query = f"SELECT {_COLUMNS} FROM incidents WHERE subject = ? AND {_STATE} AND track <> 'sealed' AND {where}"  # noqa: S608 (our own words)
    return map(_queued, database.execute(query, (subject, _names(choice.states), *values)))


def read_near(
    database: sqlite3.Connection, choice: Choice, like: Brief, *, first: datetime, last: datetime
) -> Iterator[Queued]:
    """Read what is of the same kind and began between two instants; nothing that is sealed, and not too many."""
    where, values = _where(choice)
    query = (
        f"SELECT {_COLUMNS} FROM incidents WHERE kind = ? AND opened_at BETWEEN ? AND ? AND track = ? AND {_STATE}"  # noqa: S608 (our own words)
        f" AND track <> 'sealed' AND {where} LIMIT {MOST_NEAR}"
    )
    between = instant_text(first), instant_text(last)
    rows = database.execute(query, (like.kind.value, *between, like.track.value, _names(choice.states), *values))
    return map(_queued, rows)


def read_counted(database: sqlite3.Connection, choice: Choice) -> Iterator[Counted]:
    """Read of everything that is wanted what is counted, in no order."""
    where, values = _where(choice)
    query = f"SELECT {_PLAIN}, {_SAID}, {_WEIGHT}, filed_at FROM incidents WHERE {_STATE} AND {where}"  # noqa: S608 (our own words)
    for *of_brief, weight, filed_at in database.execute(query, (_names(choice.states), *values)):
        yield Counted(_brief(of_brief), _WEIGHTS[weight], filed_at)


def read_amounts(
    database: sqlite3.Connection, choice: Choice, *, apart: Collection[str], apart_from: str
) -> Iterator[Amount]:
    """Read how much there is of what is wanted, with what is alike for whoever may read it put together.

    What is restricted stays by itself: who reads that depends on whom it is about.

    Args:
        apart: subjects of which each incident stays by itself, too.
        apart_from: and those that begin with this.
    """
    where, values = _where(choice)
    query = (
        f"SELECT {_PLAIN}, {_SAID} AS said, {_WEIGHT} AS weight, max(filed_at), count(*)"  # noqa: S608 (our own words)
        f" FROM incidents WHERE {_STATE} AND {where} GROUP BY kind, audience, track, said, weight,"
        " CASE WHEN track = 'restricted' OR substr(subject, 1, length(?)) = ?"
        " OR subject IN (SELECT value FROM json_each(?)) THEN id ELSE '' END"
    )
    given = (_names(choice.states), *values, apart_from, apart_from, _names(apart))
    for *of_brief, weight, filed_at, number in database.execute(query, given):
        yield Amount(_brief(of_brief), _WEIGHTS[weight], filed_at, number)


_STATE: Final = "state IN (SELECT value FROM json_each(?))"


def _where(choice: Choice) -> tuple[str, list[Any]]:
    wanted, values = ["1 = 1"], list[Any]()
    for column, chosen in (("track", choice.tracks), ("kind", choice.kinds)):
        if chosen is not None:
            wanted.append(f"{column} IN (SELECT value FROM json_each(?))")  # noqa: S608 (one of two words)
            values.append(_names(chosen))
    for term, value in (
        ("level = ?", choice.level),
        ("subject = ? AND track <> 'sealed'", choice.subject),
        ("number = ?", choice.number),
        ("filed_at > ?", choice.filed_after),
    ):
        if value is not None:
            wanted.append(term)
            values.append(value)
    if choice.weights is not None:
        wanted.append(f"{_WEIGHT} IN (SELECT value FROM json_each(?))")  # noqa: S608 (our own words)
        values.append(_names(choice.weights))
    return " AND ".join(wanted), values


def _names(chosen: Collection[str]) -> str:
    return json.dumps(sorted(chosen))


def _rank(queued: Queued) -> Rank:
    return queued.rank


def _queued(found: sqlite3.Row) -> Queued:
    *of_brief, name, number, version, intent, last_at, filed_at, place = found
    brief = _brief(of_brief)
    points = 0 if brief.track is Track.SEALED else intent
    return Queued(brief, name, number, version, points, datetime.fromisoformat(last_at), (place, filed_at, number))


def _brief(columns: Sequence[Any]) -> Brief:
    *plain, said = columns
    is_serious, reached = (None, ()) if said is None else json.loads(said)
    return brief_of(plain, is_serious, reached or ())
