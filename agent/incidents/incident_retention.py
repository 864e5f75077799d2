"""How long what is kept about incidents lasts: at its time everything personal is erased, unless somebody holds it.

What stays is that there was an incident, of which kind, and what was done by when: no name, no words, no pseudonym.
The hashes stay too, and nobody can try out what they were of.
"""

import sqlite3
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from agent.incidents.incident_desk import SYSTEM, Desk
from agent.storage.incident_rows import Filed, read_incident, read_incidents
from agent.storage.letter_rows import erase_letters
from agent.storage.note_rows import delete_notes
from agent.storage.record import erase
from agent.storage.report_rows import erase_reporters
from agent.storage.state import Act
from agent.storage.step_rows import erase_step_words
from agent.storage.timeline_rows import Entry, erase_timeline
from agent.storage.undo_rows import forget_before
from agent.storage.warning_rows import read_warnings, write_warning
from rules.incident import State
from rules.incident_kind import Kind
from rules.span import Span

ERASED: Final = "incident_erased"
# How packs call how long incidents, and breaches, are kept.
_OF_PACKS: Final = {Kind.DATA_BREACH: "breaches"}
_OVER: Final = (State.CLOSED, State.DISMISSED, State.MERGED)


def erase_expired(desk: Desk) -> int:
    """Erase what is personal of incidents whose time is over; gives how many there were.

    Notes of devices go with the activity that they are about.
    """
    now = desk.clock()
    with desk.store.read() as database:
        kept = read_incidents(database, states=_OVER, with_erased=False, limit=-1)
        over = [each for each in kept if _is_over(desk, database, each, now)]
    oldest = desk.day_of(now) - timedelta(days=desk.site().retention.activity_days)
    with desk.store.act() as act:
        delete_notes(act, before=oldest)
    for each in over:
        with desk.store.act() as act:
            filed = read_incident(act.database, each.incident.id)
            if filed is not None and filed.version == each.version and _is_over(desk, act.database, filed, now):
                _erase(desk, act, filed)
    return len(over)


def keep_until(desk: Desk, filed: Filed) -> datetime | None:
    """Say until when what is personal of an incident is kept; None while it is open, or held."""
    if filed.closed_at is None or filed.is_held:
        return None
    return desk.due(filed.closed_at, _length(desk, filed))


def _length(desk: Desk, filed: Filed) -> Span:
    settings, kind = desk.settings, filed.incident.kind
    if (own := settings.keep.get(kind.value)) is not None:
        return own
    if filed.incident.state is State.DISMISSED:
        return settings.keep_dismissed
    name = _OF_PACKS.get(kind, "incidents")
    of_packs = [pack.handbook.retention[name].length for pack in desk.packs() if name in pack.handbook.retention]
    lengths = [length for length in of_packs if length is not None]
    return min(lengths, key=Span.typical) if lengths else settings.keep_others


def _is_over(desk: Desk, database: sqlite3.Connection, filed: Filed, now: datetime) -> bool:
    until = keep_until(desk, filed)
    if until is None or until > now or filed.erased_at is not None:
        return False
    # A warning that still counts needs what it was for.
    day: date = desk.day_of(now)
    return not read_warnings(database, incident=filed.incident.id, holding_on=day)


def _erase(desk: Desk, act: Act, filed: Filed) -> None:
    incident_id = filed.incident.id
    erase_timeline(act, incident_id)
    erase_step_words(act, incident_id)
    erase_letters(act, incident_id)
    erase_reporters(act, incident_id)
    forget_before(act, incident_id)
    act.database.execute("UPDATE accesses SET purpose = NULL WHERE incident = ?", (incident_id,))
    for warning in read_warnings(act.database, incident=incident_id):
        write_warning(act, replace(warning, subject=""))
    query = "SELECT number FROM audit JOIN personal USING (number) WHERE subject = ?"
    for (number,) in act.database.execute(query, (incident_id,)).fetchall():
        erase(act, number, actor=SYSTEM, reason="the time for which it is kept is over")
    after = replace(
        filed,
        incident=replace(filed.incident, subject=""),
        version=filed.version + 1,
        groups=frozenset(),
        why_identity=(),
        warnings=(),
        decision_reason="",
        why_deliberate="",
        outcome="",
        lesson="",
        erased_at=act.now,
    )
    desk.file(act, after, ERASED, Entry(act.now, ERASED, SYSTEM))
