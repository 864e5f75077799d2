"""Evidence of one incident for somebody outside: everything that its readers may see, signed, and on record itself.

Of what is sealed it holds what two people may know of it, who did what when, and hashes: no name, no address, and
nothing that anybody wrote.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime
from enum import Enum
from typing import Any, Final

from agent.incidents.incident_access import note_access, revealed
from agent.incidents.incident_desk import Desk
from agent.incidents.incident_sealed import check_opened_by
from agent.people.people import read_people
from agent.record.evidence import digest_of, pack
from agent.storage.access_rows import Seen, read_accesses
from agent.storage.anchors import key_path, record_key, sign
from agent.storage.chain import COLUMNS, GENESIS
from agent.storage.incident_rows import Filed
from agent.storage.letter_rows import read_letters
from agent.storage.state import Act, instant_text
from agent.storage.step_rows import read_steps
from agent.storage.timeline_rows import Entry, read_keys, read_timeline
from agent.storage.walk import Walk
from agent.storage.warning_rows import read_warnings
from rules.errors import RefusedRequestError
from rules.incident import Track

EXPORTED: Final = "incident_exported"
FORMAT: Final = 1
# What people wrote, and what says what was asked for.
_WORDS: Final = frozenset(
    {"decision_reason", "why_deliberate", "outcome", "lesson", "how", "deviation", "label", "purpose"}
)
_ROWS: Final = (
    f"SELECT {', '.join(COLUMNS)} FROM audit WHERE subject = ?"  # noqa: S608 (our own words)
    " AND kind <> 'rule_refused' ORDER BY number"
)


class Exports:
    """How evidence of incidents is handed out; errors as for looking."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def export(self, person: str, incident_id: str, *, purpose: str, case: int, with_names: bool = False) -> bytes:
        """Give the evidence of an incident as a signed file.

        Args:
            with_names: with who it is about, which is noted as a reveal.

        Raises:
            UnknownIdError: there is none that this person may read.
            RefusedRequestError: no purpose, another case, nobody to name, or it is sealed and two people have not
                unsealed it.
            StorageError: the key of the record cannot be read.
        """
        desk = self._desk
        key = record_key(key_path(desk.store.path))
        with desk.attempt(person, "export", incident_id), desk.store.act() as act:
            filed = desk.existing(act.database, incident_id)
            desk.reader(act.database, person, filed.incident)
            is_sealed = filed.incident.track is Track.SEALED
            if is_sealed:
                check_opened_by(act, filed, person)
                if with_names:
                    raise RefusedRequestError("Evidence of what is sealed names nobody; expected it without names.")
            about = None
            if with_names:
                subject = revealed(desk, act, filed, person, purpose=purpose, case=case)
                about = {"id": subject.id, "name": subject.name}
            desk.add(act, filed, Entry(act.now, EXPORTED, person, {"with_names": with_names}))
            timeline = _timeline(act.database, filed)
            facts = {"evidence": digest_of([entry["hash"] for entry in timeline])}
            note_access(desk, act, filed, person, Seen.EXPORT, purpose=purpose, case=case, kind=EXPORTED, facts=facts)
            document = {
                **self._head(act, filed, person, "" if is_sealed else purpose.strip()),
                "about": about,
                **_parts(act.database, filed, timeline),
            }
        rows = document["record"]["rows"]
        last = rows[-1]
        document["record"]["anchor"] = str(sign(key, act.now.date().isoformat(), last["number"], last["hash"]))
        with desk.store.read() as database:
            document["record"]["chain"] = _chain(database, rows[0]["number"], last["number"])
        return pack(document, key)

    def _head(self, act: Act, filed: Filed, person: str, purpose: str) -> dict[str, Any]:
        school = self._desk.site().school
        return {
            "format": FORMAT,
            "case": filed.number,
            "school": school.name,
            "timezone": school.timezone,
            "exported_at": instant_text(act.now),
            "exported_by": person,
            "purpose": purpose,
            "is_sealed": filed.incident.track is Track.SEALED,
        }


def _parts(database: sqlite3.Connection, filed: Filed, timeline: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    incident_id, is_sealed = filed.incident.id, filed.incident.track is Track.SEALED
    letters = (replace(letter, text=None) for letter in read_letters(database, incident_id))
    parts: dict[str, Any] = {
        "incident": _plain(filed),
        "timeline": timeline,
        "steps": [_plain(step) for step in read_steps(database, incident_id)],
        "letters": [_plain(letter) for letter in letters],
        "warnings": [_plain(warning) for warning in read_warnings(database, incident=incident_id)],
        "accesses": [_plain(access) for access in reversed(read_accesses(database, incident=incident_id, limit=-1))],
        "people": {} if is_sealed else _people(database, timeline),
    }
    if is_sealed:
        parts = _without_words(parts)
    return {**parts, "record": {"rows": _rows(database, incident_id)}}


def _timeline(database: sqlite3.Connection, filed: Filed) -> list[dict[str, Any]]:
    """Give the entries with the keys of their hashes, as far as they are kept; of a sealed one with neither."""
    incident_id, is_sealed = filed.incident.id, filed.incident.track is Track.SEALED
    keys = {} if is_sealed else read_keys(database, incident_id)
    entries = []
    for entry in read_timeline(database, incident_id, with_personal=not is_sealed, limit=-1):
        key = keys.get(entry.number)
        content = {} if is_sealed and entry.observation else entry.content
        plain: dict[str, Any] = _plain(replace(entry, content=content))
        entries.append({**plain, "key": None if key is None else key.hex()})
    return entries


def _people(database: sqlite3.Connection, timeline: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Give the names of those who did something about it."""
    acted = {entry["actor"] for entry in timeline}
    return {person.id: person.name for person in read_people(database) if person.id in acted}


def _rows(database: sqlite3.Connection, incident_id: str) -> list[dict[str, Any]]:
    """Give the rows of the record about it, the last of which is that of this export."""
    rows = [dict(row) for row in database.execute(_ROWS, (incident_id,))]
    return [{**row, "facts": json.loads(row["facts"])} for row in rows]


def _chain(database: sqlite3.Connection, first: int, last: int) -> dict[str, Any]:
    """Say whether the chain is whole from the first of these rows to the last."""
    before = database.execute("SELECT number, hash FROM audit WHERE number = ?", (first - 1,)).fetchone()
    walk = Walk() if before is None else Walk(before["number"], before["hash"])
    broken = walk.go_on(database, last)
    return {
        "first": first,
        "last": last,
        "begins_after": GENESIS if before is None else before["hash"],
        "is_whole": broken is None,
        "why": "" if broken is None else broken.what,
    }


def _plain(value: Any) -> Any:
    """Give a value as JSON has it."""
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(_plain, value))
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def _without_words(value: Any) -> Any:
    """Leave out what people wrote."""
    if isinstance(value, list):
        return [_without_words(inner) for inner in value]
    if isinstance(value, dict):
        return {name: "" if name in _WORDS and inner else _without_words(inner) for name, inner in value.items()}
    return value
