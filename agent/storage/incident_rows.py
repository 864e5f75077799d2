"""Incidents as `state.db` keeps them: rows in, values out, and nothing decided.

What was visited, and what people wrote, stands apart from the rest so that it can be erased. What a sealed incident
was about is never read from here, by nobody.
"""

import json
import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from agent.storage.chain import canonical, commitment_of
from agent.storage.state import Act, instant_text
from rules.assessment import Warned
from rules.incident import Dismissal, Incident, Intent, Level, Reason, State, Track
from rules.incident_kind import Kind, Risk
from rules.observation import Confidence, Place
from rules.subject import Audience

MAX_LISTED: Final = 1_000
# Six digits: a school does not use a hundredth of them.
_FIRST_NUMBER, _LAST_NUMBER = 100_000, 999_999
_KEY_OCTETS: Final = 32
# By this the personal part of an entry names the device that something happened at.
DEVICE: Final = "device"
# And by this, that the device itself attested who it was.
ATTESTED: Final = "is_attested"
_COLUMNS: Final = (
    "id, number, version, kind, audience, subject, level, confidence, track, state, intent, row, opened_at, last_at,"
    " filed_at, closed_at, is_held, erased_at, content, words"
)
# What people wrote; erased with what is personal.
_WORDS: Final = ("decision_reason", "why_deliberate", "outcome", "lesson")


@dataclass(frozen=True, slots=True)
class Filed:
    """An incident as it is on file.

    `version` rises with each change. `number` is the one that people say; it tells nothing, and never changes.
    `filed_at` is when the school came to know of it. `warnings` are those that a repeat row is proposed from.
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
class Note:
    """What is known of a device on a day, where nobody is known to have used it: never a name."""

    subject: str
    kind: Kind
    day: date
    first_at: datetime
    last_at: datetime
    times: int
    intent: int
    audience: Audience


@dataclass(frozen=True, slots=True)
class AtDevice:
    """When something was observed at which device, by pseudonym; of some the device itself attested who it was."""

    at: datetime
    device: str
    is_attested: bool = False


def draw_number() -> int:
    """Draw a number that people can say."""
    return _FIRST_NUMBER + secrets.randbelow(_LAST_NUMBER - _FIRST_NUMBER + 1)


def free_number(database: sqlite3.Connection, draw: Callable[[], int] = draw_number) -> int:
    """Give a number that no incident has.

    It is drawn: from numbers in their order, whoever may not read some incidents could count them by the gaps.
    """
    while read_numbered(database, number := draw()) is not None:
        pass
    return number


def read_incident(database: sqlite3.Connection, incident_id: str) -> Filed | None:
    """Read one incident."""
    row = database.execute(f"SELECT {_COLUMNS} FROM incidents WHERE id = ?", (incident_id,)).fetchone()  # noqa: S608 (our own words)
    return None if row is None else _filed(row)


def read_numbered(database: sqlite3.Connection, number: int) -> Filed | None:
    """Read the incident with a number."""
    row = database.execute(f"SELECT {_COLUMNS} FROM incidents WHERE number = ?", (number,)).fetchone()  # noqa: S608 (our own words)
    return None if row is None else _filed(row)


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
    limit: int = MAX_LISTED,
    offset: int = 0,
) -> list[Filed]:
    """Read incidents, the newest first; what is not given does not restrict.

    Args:
        since: only those of which something was observed at this instant or later.
        filed_since: only those that were filed at this instant or later.
        climbed_below: only those of which somebody else was told less often.
        with_erased: also those of which nothing personal is left.
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
    ):
        if value is not None:
            wanted.append(term)
            values.append(value)
    newest_first = "ORDER BY filed_at DESC, rowid DESC LIMIT ? OFFSET ?"
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM incidents WHERE {' AND '.join(wanted)} {newest_first}",  # noqa: S608 (our own words)
        (*values, limit, offset),
    )
    return [_filed(row) for row in rows]


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
    changes = ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS.split(", ")[1:])
    act.database.execute(
        f"INSERT INTO incidents ({_COLUMNS}) VALUES ({', '.join('?' * len(values))})"  # noqa: S608 (our own words)
        f" ON CONFLICT (id) DO UPDATE SET {changes}",
        values,
    )


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


def read_about_somebody(database: sqlite3.Connection, first: datetime, end: datetime) -> list[Filed]:
    """Read the incidents about somebody of which something was observed from the first instant to before the end."""
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM incidents WHERE level = 'person' AND state IN ('candidate', 'accepted', 'closed')"  # noqa: S608 (our own words)
        " AND opened_at < ? AND last_at >= ? ORDER BY filed_at, rowid",
        (instant_text(end), instant_text(first)),
    )
    return [_filed(row) for row in rows]


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


def write_note(act: Act, note: Note) -> None:
    """Add to what is known of a device on a day."""
    act.database.execute(
        "INSERT INTO incident_notes VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at),"
        " times = times + excluded.times, intent = max(intent, excluded.intent)",
        (
            note.subject,
            note.kind.value,
            note.day.isoformat(),
            instant_text(note.first_at),
            instant_text(note.last_at),
            note.times,
            note.intent,
            note.audience.value,
        ),
    )


def read_notes(
    database: sqlite3.Connection, *, since: date | None = None, subject: str | None = None, limit: int = MAX_LISTED
) -> list[Note]:
    """Read what is known of devices, the newest first."""
    rows = database.execute(
        "SELECT subject, kind, day, first_at, last_at, times, intent, audience FROM incident_notes"
        " WHERE day >= ? AND (? IS NULL OR subject = ?) ORDER BY day DESC, subject, kind LIMIT ?",
        ("" if since is None else since.isoformat(), subject, subject, limit),
    )
    return [
        Note(
            row["subject"],
            Kind(row["kind"]),
            date.fromisoformat(row["day"]),
            datetime.fromisoformat(row["first_at"]),
            datetime.fromisoformat(row["last_at"]),
            row["times"],
            row["intent"],
            Audience(row["audience"]),
        )
        for row in rows
    ]


def delete_notes(act: Act, *, before: date) -> int:
    """Delete what is known of devices from before a day; gives how many notes there were."""
    return act.database.execute("DELETE FROM incident_notes WHERE day < ?", (before.isoformat(),)).rowcount


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
    }


def _reason_content(reason: Reason) -> dict[str, Any]:
    return {"code": reason.code, "points": reason.points, "numbers": dict(reason.numbers)}


def _filed(row: Any) -> Filed:
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
        **words,
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _instant_or_none(at: datetime | None) -> str | None:
    return None if at is None else instant_text(at)
