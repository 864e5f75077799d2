"""Incidents as `state.db` keeps them: rows in, values out, and nothing decided.

What was visited, and what people wrote, stands apart from the rest so that it can be erased. What a sealed incident
was about is never read from here, by nobody.
"""

import json
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from agent.storage.state import Act, instant_text
from rules.assessment import Warned
from rules.errors import StorageError
from rules.incident import Dismissal, Incident, Intent, Level, Reason, State, Track
from rules.incident_kind import Kind, Risk
from rules.observation import Confidence, Place
from rules.roles import Role
from rules.subject import Audience

MAX_LISTED: Final = 1_000
# Six digits: a school does not use a hundredth of them. Where they are nearly used up, seven.
_DIGITS: Final = 6
_MOST_DIGITS: Final = 9
_TRIES: Final = 20
COLUMNS: Final = (
    "id, number, version, kind, audience, subject, level, confidence, track, state, intent, row, opened_at, last_at,"
    " filed_at, closed_at, is_held, erased_at, content, words"
)
# What people wrote; erased with what is personal.
_WORDS: Final = ("decision_reason", "why_deliberate", "outcome", "lesson")


@dataclass(frozen=True, slots=True)
class RunningClock:
    """A clock that an incident set going: by what somebody is told, and by when.

    `id` and `pack` say what for. `action` is that of the step which stops it, where there is one. `told` is how often
    people were told that it runs out, and `ended_at` when it was stopped.
    """

    id: str
    pack: str
    began_at: datetime
    due_at: datetime
    action: str = ""
    told: int = 0
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Filed:
    """An incident as it is on file.

    `version` rises with each change. `number` is the one that people say; it tells nothing, and never changes.
    `filed_at` is when it was filed, and `aware_at` when the school came to know of the first of it: since then its
    `clocks` run. `routed_at` is since when those decide who do. `warnings` are those that a repeat row follows from.
    `further` counts what was observed beyond what the timeline holds, `climbed` how often somebody else was told
    because nobody had decided. `closed_at` is when it was closed, dismissed or merged. What is held is not erased.
    """

    incident: Incident
    number: int
    version: int
    filed_at: datetime
    groups: frozenset[str] = frozenset()
    why_identity: tuple[str, ...] = ()
    warnings: tuple[Warned, ...] = ()
    further: int = 0
    climbed: int = 0
    is_allegation: bool = False
    decided_by: str = ""
    decided_at: datetime | None = None
    decision_reason: str = ""
    dismissal: Dismissal | None = None
    deliberate: Intent | None = None
    why_deliberate: str = ""
    outcome: str = ""
    lesson: str = ""
    merged_into: str = ""
    split_from: str = ""
    closed_at: datetime | None = None
    is_held: bool = False
    erased_at: datetime | None = None
    aware_at: datetime | None = None
    routed_at: datetime | None = None
    clocks: tuple[RunningClock, ...] = ()

    @property
    def known_at(self) -> datetime:
        """When the school came to know of it."""
        return self.aware_at or self.filed_at

    @property
    def told_at(self) -> datetime:
        """When those were told who decide."""
        return self.routed_at or self.filed_at


def draw_number(digits: int = _DIGITS) -> int:
    """Draw a number that people can say."""
    first: int = 10 ** (digits - 1)
    return first + secrets.randbelow(9 * first)


def free_number(database: sqlite3.Connection, draw: Callable[[int], int] = draw_number) -> int:
    """Give a number that no incident has.

    It is drawn: from numbers in their order, whoever may not read some incidents could count them by the gaps. Where
    some tries find none that is free, it has a digit more.

    Args:
        draw: draws a number of so many digits.

    Raises:
        StorageError: none is free.
    """
    for digits in range(_DIGITS, _MOST_DIGITS + 1):
        for _ in range(_TRIES):
            if read_numbered(database, number := draw(digits)) is None:
                return number
    raise StorageError("No number is free for another incident.")


def read_incident(database: sqlite3.Connection, incident_id: str) -> Filed | None:
    """Read one incident."""
    row = database.execute(f"SELECT {COLUMNS} FROM incidents WHERE id = ?", (incident_id,)).fetchone()  # noqa: S608 (our own words)
    return None if row is None else filed_of(row)


def read_numbered(database: sqlite3.Connection, number: int) -> Filed | None:
    """Read the incident with a number."""
    row = database.execute(f"SELECT {COLUMNS} FROM incidents WHERE number = ?", (number,)).fetchone()  # noqa: S608 (our own words)
    return None if row is None else filed_of(row)


def read_incidents(
    database: sqlite3.Connection,
    *,
    states: Iterable[State] | None = None,
    tracks: Iterable[Track] | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    filed_since: datetime | None = None,
    climbed_below: int | None = None,
    with_erased: bool = True,
    with_clocks_alone: bool = False,
    before: tuple[str, str] | None = None,
    limit: int = MAX_LISTED,
    offset: int = 0,
) -> list[Filed]:
    """Read incidents, the newest first; what is not given does not restrict.

    Args:
        since: only those of which something was observed at this instant or later.
        filed_since: only those that were filed at this instant or later.
        climbed_below: only those of which somebody else was told less often.
        with_erased: also those of which nothing personal is left.
        with_clocks_alone: only those that set a clock going.
        before: only those that stand after one in this order, by when it was filed, as text, and its id.
    """
    wanted: list[str] = ["1 = 1"]
    values: list[Any] = []
    for column, chosen in (("state", states), ("track", tracks)):
        if chosen is not None:
            names = [each.value for each in chosen]
            wanted.append(f"{column} IN ({', '.join('?' * len(names))})")
            values += names
    for term, value in (
        ("subject = ?", subject),
        ("last_at >= ?", since and instant_text(since)),
        ("filed_at >= ?", filed_since and instant_text(filed_since)),
        ("json_extract(content, '$.climbed') < ?", climbed_below),
        ("erased_at IS NULL AND ?", None if with_erased else 1),
        ("json_array_length(content, '$.clocks') >= ?", 1 if with_clocks_alone else None),
    ):
        if value is not None:
            wanted.append(term)
            values.append(value)
    if before is not None:
        wanted.append("(filed_at < ? OR (filed_at = ? AND rowid < (SELECT rowid FROM incidents WHERE id = ?)))")
        values += [before[0], *before]
    newest_first = "ORDER BY filed_at DESC, rowid DESC LIMIT ? OFFSET ?"
    rows = database.execute(
        f"SELECT {COLUMNS} FROM incidents WHERE {' AND '.join(wanted)} {newest_first}",  # noqa: S608 (our own words)
        (*values, limit, offset),
    )
    return [filed_of(row) for row in rows]


def write_incident(act: Act, filed: Filed) -> None:
    """Write an incident whole."""
    incident = filed.incident
    values = (
        incident.id,
        filed.number,
        filed.version,
        incident.kind.value,
        incident.audience.value,
        incident.subject,
        incident.level.value,
        incident.confidence.value,
        incident.track.value,
        incident.state.value,
        incident.intent,
        incident.row or "",
        instant_text(incident.opened_at),
        instant_text(incident.last_at),
        instant_text(filed.filed_at),
        _instant_or_none(filed.closed_at),
        int(filed.is_held),
        _instant_or_none(filed.erased_at),
        json.dumps(_content_of(filed), ensure_ascii=False),
        json.dumps({name: getattr(filed, name) for name in _WORDS if getattr(filed, name)}, ensure_ascii=False),
    )
    changes = ", ".join(f"{column} = excluded.{column}" for column in COLUMNS.split(", ")[1:])
    act.database.execute(
        f"INSERT INTO incidents ({COLUMNS}) VALUES ({', '.join('?' * len(values))})"  # noqa: S608 (our own words)
        f" ON CONFLICT (id) DO UPDATE SET {changes}",
        values,
    )


def read_about_somebody(database: sqlite3.Connection, first: datetime, end: datetime) -> list[Filed]:
    """Read the incidents about somebody of which something was observed from the first instant to before the end."""
    rows = database.execute(
        f"SELECT {COLUMNS} FROM incidents WHERE level = 'person' AND state IN ('candidate', 'accepted', 'closed')"  # noqa: S608 (our own words)
        " AND opened_at < ? AND last_at >= ? ORDER BY filed_at, rowid",
        (instant_text(end), instant_text(first)),
    )
    return [filed_of(row) for row in rows]


def is_observed(database: sqlite3.Connection, observation: str) -> bool:
    """Say whether an observation is part of some incident already."""
    return read_observed(database, observation) is not None


def read_observed(database: sqlite3.Connection, observation: str) -> Filed | None:
    """Read the incident that an observation is part of, if it is of any."""
    query = "SELECT incident FROM incident_timeline WHERE observation = ? AND observation <> ''"
    row = database.execute(query, (observation,)).fetchone()
    return None if row is None else read_incident(database, row["incident"])


def oldest_about_somebody(database: sqlite3.Connection) -> datetime | None:
    """Say since when there are incidents about somebody by a pseudonym that must still be told."""
    query = "SELECT min(opened_at) AS oldest FROM incidents WHERE level = 'person' AND subject <> ''"
    oldest = database.execute(query).fetchone()["oldest"]
    return None if oldest is None else datetime.fromisoformat(oldest)


def _content_of(filed: Filed) -> dict[str, Any]:
    incident = filed.incident
    return {
        "risk": incident.risk.value,
        "rows": list(incident.rows),
        "reasons": [_reason_content(reason) for reason in incident.reasons],
        "against": [_reason_content(reason) for reason in incident.against],
        "place": incident.place.value,
        "is_background": incident.is_background,
        "groups": sorted(filed.groups),
        "why_identity": list(filed.why_identity),
        "warnings": [asdict(each) for each in filed.warnings],
        "further": filed.further,
        "climbed": filed.climbed,
        "is_allegation": filed.is_allegation,
        "decided_by": filed.decided_by,
        "decided_at": _instant_or_none(filed.decided_at),
        "dismissal": filed.dismissal,
        "deliberate": filed.deliberate,
        "merged_into": filed.merged_into,
        "split_from": filed.split_from,
        "is_serious": incident.is_serious,
        "reached": sorted(incident.reached),
        "aware_at": _instant_or_none(filed.aware_at),
        "routed_at": _instant_or_none(filed.routed_at),
        "clocks": [_clock_content(each) for each in filed.clocks],
    }


def _clock_content(clock: RunningClock) -> dict[str, Any]:
    return {
        "id": clock.id,
        "pack": clock.pack,
        "began_at": instant_text(clock.began_at),
        "due_at": instant_text(clock.due_at),
        "action": clock.action,
        "told": clock.told,
        "ended_at": _instant_or_none(clock.ended_at),
    }


def _clock(content: Mapping[str, Any]) -> RunningClock:
    return RunningClock(
        content["id"],
        content["pack"],
        datetime.fromisoformat(content["began_at"]),
        datetime.fromisoformat(content["due_at"]),
        content["action"],
        content["told"],
        _instant(content["ended_at"]),
    )


def _reason_content(reason: Reason) -> dict[str, Any]:
    return {"code": reason.code, "points": reason.points, "numbers": dict(reason.numbers)}


def filed_of(row: Any) -> Filed:
    """Give an incident from a row of its table."""
    content, words = json.loads(row["content"]), json.loads(row["words"])
    incident = Incident(
        id=row["id"],
        kind=Kind(row["kind"]),
        risk=Risk(content["risk"]),
        audience=Audience(row["audience"]),
        subject=row["subject"],
        level=Level(row["level"]),
        confidence=Confidence(row["confidence"]),
        track=Track(row["track"]),
        state=State(row["state"]),
        rows=tuple(content["rows"]),
        intent=row["intent"],
        reasons=tuple(Reason(**each) for each in content["reasons"]),
        against=tuple(Reason(**each) for each in content["against"]),
        opened_at=datetime.fromisoformat(row["opened_at"]),
        last_at=datetime.fromisoformat(row["last_at"]),
        place=Place(content["place"]),
        is_background=content["is_background"],
        row=row["row"] or None,
        is_serious=content.get("is_serious"),
        reached=frozenset(map(Role, content.get("reached", ()))),
    )
    return Filed(
        incident=incident,
        number=row["number"],
        version=row["version"],
        filed_at=datetime.fromisoformat(row["filed_at"]),
        groups=frozenset(content["groups"]),
        why_identity=tuple(content["why_identity"]),
        warnings=tuple(Warned(**each) for each in content["warnings"]),
        further=content["further"],
        climbed=content["climbed"],
        is_allegation=content["is_allegation"],
        decided_by=content["decided_by"],
        decided_at=_instant(content["decided_at"]),
        dismissal=Dismissal(content["dismissal"]) if content["dismissal"] else None,
        deliberate=Intent(content["deliberate"]) if content["deliberate"] else None,
        merged_into=content["merged_into"],
        split_from=content["split_from"],
        closed_at=_instant(row["closed_at"]),
        is_held=bool(row["is_held"]),
        erased_at=_instant(row["erased_at"]),
        aware_at=_instant(content.get("aware_at")),
        routed_at=_instant(content.get("routed_at")),
        clocks=tuple(map(_clock, content.get("clocks", ()))),
        **words,
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _instant_or_none(at: datetime | None) -> str | None:
    return None if at is None else instant_text(at)
