"""Taking back a decision that was a slip: by who made it, soon, and as long as nothing else has happened.

That is an act of its own. What was decided stays on record, and messages that went out are not called back.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from agent.incidents.incident_access import shown
from agent.incidents.incident_desk import Desk
from agent.incidents.incident_gate import Gate
from agent.incidents.incident_steps import change_row, put_off_steps
from agent.people.attempts import check_version, known_person
from agent.storage.incident_rows import Filed
from agent.storage.state import Act
from agent.storage.timeline_rows import Entry
from agent.storage.undo_rows import (
    are_kept_before,
    forget_all_before,
    forget_before,
    happened_since,
    keep_before,
    read_lately_decided,
    read_undoable,
)
from rules.errors import RefusedRequestError
from rules.incident import Move, State

UNDONE: Final = "incident_decision_undone"
UNDO_WITHIN: Final = timedelta(minutes=10)
# More than somebody decides in that time.
MOST_UNDOABLE: Final = 200
# The others take more with them than can be put back: entries move, or words are erased.
_UNDOABLE: Final = frozenset({Move.ACCEPT, Move.DISMISS, Move.RECLASSIFY})


def keep_for_undoing(act: Act, incident_id: str, person: str, move: Move) -> None:
    """Keep an incident as it stands before a move, where that can be taken back; an earlier one no more can."""
    if move in _UNDOABLE:
        keep_before(act, incident_id, person)
    else:
        forget_before(act, incident_id)


@dataclass(frozen=True, slots=True)
class Slip:
    """What somebody decided at one instant and may still take back, each as a list shows it, until an instant."""

    found: tuple[Filed, ...]
    decided_at: datetime
    until_at: datetime


def undoable(desk: Desk, person: str) -> list[Slip]:
    """Give what somebody may still take back, the last first; only what they may read as it stands now.

    Raises:
        RefusedRequestError: nobody has this id.
    """
    slips: dict[datetime, list[Filed]] = {}
    with desk.store.read() as database:
        gate = Gate(desk, database, known_person(database, person))
        for each in read_lately_decided(database, person, desk.clock() - UNDO_WITHIN, MOST_UNDOABLE):
            kept, filed = read_undoable(database, each), desk.existing(database, each)
            if kept is None or not gate.lets(filed.incident):
                continue
            if len(happened_since(database, each, kept.entry)) == 1:
                slips.setdefault(kept.decided_at, []).append(shown(filed))
    return [Slip(tuple(found), at, at + UNDO_WITHIN) for at, found in slips.items()]


def take_back(desk: Desk, act: Act, person: str, incident_id: str, version: int) -> Filed:
    """Put an incident back to what it was before the last decision; what was observed since then stays.

    Raises:
        UnknownIdError: there is no such incident.
        NotYoursError: it is none that they may read.
        ConflictError: it has changed since they saw it.
        RefusedRequestError: the last decision is not theirs, too long ago, or something has happened since.
    """
    stands = desk.existing(act.database, incident_id)
    desk.reader(act.database, person, stands.incident)
    check_version(stands.version, version)
    kept = read_undoable(act.database, incident_id)
    if kept is None or kept.person != person or act.now > kept.decided_at + UNDO_WITHIN:
        minutes = UNDO_WITHIN // timedelta(minutes=1)
        raise RefusedRequestError(
            f"There is nothing to undo: only whoever accepted, dismissed or reclassified this can, within {minutes}"
            " minutes."
        )
    what, *others = happened_since(act.database, incident_id, kept.entry)
    if others:
        raise RefusedRequestError(
            "Something has been done about this since, so the decision cannot be undone; expected a new decision."
        )
    filed = _put_back(kept.before, stands)
    desk.reader(act.database, person, filed.incident)
    if filed.incident.state is State.ACCEPTED:
        change_row(desk, act, filed, person)
    else:
        put_off_steps(act, incident_id, person, "undone")
    forget_before(act, incident_id)
    facts = {"undone": what}
    return desk.file(act, filed, UNDONE, Entry(act.now, UNDONE, person, facts), facts=facts)


def forget_undoable(desk: Desk) -> None:
    """Forget what incidents were before decisions that nobody can take back any more."""
    since = desk.clock() - UNDO_WITHIN
    with desk.store.read() as database:
        if not are_kept_before(database, since):
            return
    with desk.store.act() as act:
        forget_all_before(act, since)


def _put_back(before: Filed, stands: Filed) -> Filed:
    """Give an incident as it was before a decision, with what was observed of it since."""
    was, now = before.incident, stands.incident
    observed = replace(
        was,
        opened_at=now.opened_at,
        last_at=now.last_at,
        intent=now.intent,
        reasons=now.reasons,
        against=now.against,
    )
    filed = replace(before, incident=observed, version=stands.version + 1, further=stands.further)
    if was.kind is now.kind and was.state is not now.state:
        # It was accepted or dismissed as what it is: then what is proposed has only grown.
        return replace(filed, incident=replace(observed, rows=now.rows), warnings=stands.warnings)
    return filed
