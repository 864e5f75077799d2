"""How a decision about an incident is made: by somebody who may, about what they saw, in words that say something."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from agent.incidents.incident_desk import Desk
from agent.incidents.incident_undoing import keep_for_undoing
from agent.people.attempts import check_version
from agent.storage.incident_rows import Filed
from agent.storage.state import Act
from agent.storage.timeline_rows import Entry
from rules.errors import RefusedRequestError
from rules.incident import Incident, Move, State, next_state
from rules.reason import check_words

KINDS: Final[Mapping[Move, str]] = {
    Move.ACCEPT: "incident_accepted",
    Move.RECLASSIFY: "incident_reclassified",
    Move.DISMISS: "incident_dismissed",
    Move.MERGE: "incident_merged",
    Move.SPLIT: "incident_split",
    Move.CLOSE: "incident_closed",
    Move.REOPEN: "incident_reopened",
    Move.CORRECT: "incident_corrected",
}
# An incident by its id, and the version at which somebody saw it.
Seen = tuple[str, int]
_OVER: Final = frozenset({State.DISMISSED, State.CLOSED, State.MERGED})


@dataclass(frozen=True, slots=True)
class Deciding:
    """A decision that is being made: in which act, by whom, about what as they saw it, and in which words."""

    act: Act
    person: str
    move: Move
    before: Filed
    words: Mapping[str, str]

    @property
    def incident(self) -> Incident:
        """What it is about, as it was before."""
        return self.before.incident

    @property
    def kind(self) -> str:
        """The kind of its row in the record."""
        return KINDS[self.move]


@contextmanager
def deciding(desk: Desk, person: str, incident_id: str, version: int, move: Move, **words: str) -> Iterator[Deciding]:
    """Give a decision; what the block raises undoes it, and a refusal is noted.

    Args:
        words: what this person says, by what it is called in a sentence (`lesson_learnt`).

    Raises:
        UnknownIdError: there is no incident with this id that they may read.
        ConflictError: it has changed since they saw it.
        RefusedRequestError: the decision does not follow, or the words say too little.
    """
    with desk.attempt(person, move.value, incident_id), desk.store.act() as act:
        yield begin(desk, act, person, (incident_id, version), move, **words)


def begin(desk: Desk, act: Act, person: str, seen: Seen, move: Move, **words: str) -> Deciding:
    """Give a decision that is made within an act.

    Errors as for `deciding`, but `NotYoursError` where this person may not read the incident.
    """
    incident_id, version = seen
    before = desk.existing(act.database, incident_id)
    desk.reader(act.database, person, before.incident)
    check_version(before.version, version)
    next_state(before.incident.state, move)
    for what, text in words.items():
        if fault := check_words(text, what.replace("_", " ")):
            raise RefusedRequestError(fault)
    return Deciding(act, person, move, before, {what: text.strip() for what, text in words.items()})


def file_decision(
    desk: Desk,
    made: Deciding,
    filed: Filed,
    *,
    to: Iterable[str] = (),
    facts: Mapping[str, Any] | None = None,
) -> Filed:
    """Write what became of an incident by a decision; gives it with its state and version.

    Args:
        filed: the incident with everything that the decision changes but its state.
        to: who is told.
        facts: what the record keeps beside the usual.
    """
    act, state = made.act, next_state(made.incident.state, made.move)
    keep_for_undoing(act, made.incident.id, made.person, made.move)
    filed = replace(
        filed,
        incident=replace(filed.incident, state=state),
        version=made.before.version + 1,
        decided_by=made.person,
        decided_at=act.now,
        decision_reason=made.words.get("reason", filed.decision_reason),
        closed_at=act.now if state in _OVER else None,
    )
    entry = Entry(act.now, made.kind, made.person, dict(facts or {}), dict(made.words) or None)
    told = [each for each in to if each != made.person]
    return desk.file(act, filed, made.kind, entry, to=told, facts=facts)
