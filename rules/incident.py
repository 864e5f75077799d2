"""Incidents: candidates that the engine opens, and what people decide about them.

The engine orders and reminds; it never sanctions. A candidate becomes an incident when a named person accepts it as
a row of the school's own table, and every step of that row is then done, or left out with a reason, by a person.
The life cycle is a table; an illegal move is a missing key.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rules.errors import RefusedRequestError
from rules.incident_kind import SAFEGUARDING, Kind, Risk
from rules.observation import Confidence, Place
from rules.roles import Role
from rules.subject import Audience


class State(StrEnum):
    """Where an incident stands; a MERGED one is part of another."""

    CANDIDATE = "candidate"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    MERGED = "merged"
    CLOSED = "closed"


class Move(StrEnum):
    """What people do with an incident; CORRECT takes it off a person whom it does not concern."""

    ACCEPT = "accept"
    RECLASSIFY = "reclassify"
    DISMISS = "dismiss"
    MERGE = "merge"
    SPLIT = "split"
    CLOSE = "close"
    REOPEN = "reopen"
    CORRECT = "correct"


TRANSITIONS: Final[Mapping[tuple[State, Move], State]] = MappingProxyType(
    {
        (State.CANDIDATE, Move.ACCEPT): State.ACCEPTED,
        (State.CANDIDATE, Move.RECLASSIFY): State.CANDIDATE,
        (State.CANDIDATE, Move.DISMISS): State.DISMISSED,
        (State.CANDIDATE, Move.MERGE): State.MERGED,
        (State.CANDIDATE, Move.SPLIT): State.CANDIDATE,
        (State.CANDIDATE, Move.CORRECT): State.DISMISSED,
        (State.ACCEPTED, Move.RECLASSIFY): State.ACCEPTED,
        (State.ACCEPTED, Move.MERGE): State.MERGED,
        (State.ACCEPTED, Move.SPLIT): State.ACCEPTED,
        (State.ACCEPTED, Move.CLOSE): State.CLOSED,
        (State.ACCEPTED, Move.CORRECT): State.DISMISSED,
        (State.DISMISSED, Move.REOPEN): State.CANDIDATE,
        (State.CLOSED, Move.REOPEN): State.ACCEPTED,
        (State.CLOSED, Move.CORRECT): State.DISMISSED,
    }
)
_MOVED: Final = {
    Move.ACCEPT: "accepted",
    Move.RECLASSIFY: "put under another row",
    Move.DISMISS: "dismissed",
    Move.MERGE: "merged",
    Move.SPLIT: "split",
    Move.CLOSE: "closed",
    Move.REOPEN: "opened again",
    Move.CORRECT: "corrected",
}


class Level(StrEnum):
    """Whether an incident is about a person, or only about a device that nobody is known to have used."""

    PERSON = "person"
    DEVICE = "device"


class Track(StrEnum):
    """Who deals with an incident.

    SAFEGUARDING goes to the safeguarding lead first. RESTRICTED is for allegations against staff. SEALED shows nobody
    what it was about.
    """

    ORDINARY = "ordinary"
    SAFEGUARDING = "safeguarding"
    RESTRICTED = "restricted"
    SEALED = "sealed"


class Intent(StrEnum):
    """Whether it was deliberate: asked of a person, with why; the engine never says."""

    DELIBERATE = "deliberate"
    ACCIDENTAL = "accidental"
    UNCLEAR = "unclear"


class Dismissal(StrEnum):
    """Why a candidate was none."""

    BACKGROUND = "background"
    ALLOWED = "allowed"
    LESSON = "lesson"
    WRONG_PERSON = "wrong_person"
    TOO_LITTLE = "too_little"
    DEALT_WITH = "dealt_with"
    TEST = "test"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that speaks for or against a candidate: a code, its numbers, and the points that it gave."""

    code: str
    points: int = 0
    numbers: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Incident:
    """A candidate or incident as the rules see it; what was visited is not in it.

    `rows` are the proposed rows of the sanction table of `audience`, the likeliest first; `row` the one that somebody
    accepted. `intent` is 0 to 100. `opened_at` and `last_at` are the first and the last of what was observed.
    `is_serious` is what somebody said, or None. `reached` are the roles to which it climbed because nobody decided.
    """

    id: str
    kind: Kind
    risk: Risk
    audience: Audience
    subject: str
    level: Level
    confidence: Confidence
    track: Track
    state: State
    rows: tuple[str, ...]
    intent: int
    reasons: tuple[Reason, ...]
    against: tuple[Reason, ...]
    opened_at: datetime
    last_at: datetime
    place: Place = Place.UNKNOWN
    is_background: bool = False
    row: str | None = None
    is_serious: bool | None = None
    reached: frozenset[Role] = frozenset()

    @property
    def weighed_intent(self) -> int | None:
        """The intent as far as it was weighed: None where it was told in as many words, or is nobody's doing."""
        if self.kind is Kind.DEVICE_SECURITY or all(reason.code in _TOLD for reason in self.reasons):
            return None
        return self.intent


# Reasons that are somebody's or something's word, and weigh nothing that anybody did.
_TOLD: Final = frozenset({"report", "filter_off", "statutory"})


def next_state(state: State, move: Move) -> State:
    """Say where a move leads.

    Raises:
        RefusedRequestError: the move does not belong to the state.
    """
    following = TRANSITIONS.get((state, move))
    if following is None:
        raise RefusedRequestError(f"This incident is {_STANDING[state]}, so it cannot be {_MOVED[move]}.")
    return following


_STANDING: Final = {
    State.CANDIDATE: "waiting for a decision",
    State.ACCEPTED: "accepted",
    State.DISMISSED: "dismissed",
    State.MERGED: "part of another one",
    State.CLOSED: "closed",
}


def track_of(kind: Kind, audience: Audience, *, is_allegation: bool = False) -> Track:
    """Say who deals with a kind of incident.

    Args:
        audience: of whom it is about.
        is_allegation: somebody says that a member of staff did something to a child or against the law.
    """
    if kind is Kind.ILLEGAL:
        return Track.SEALED
    if audience is Audience.STAFF and (is_allegation or kind in _STAFF_ALLEGATIONS or kind in SAFEGUARDING):
        return Track.RESTRICTED
    return Track.SAFEGUARDING if kind in SAFEGUARDING else Track.ORDINARY


_STAFF_ALLEGATIONS: Final = frozenset(
    {Kind.PORNOGRAPHY, Kind.OFFENSIVE, Kind.CONTACT_WITH_PUPILS, Kind.STAFF_CONDUCT}
)

# Who reads what of each track; of a sealed one nobody reads what it was about.
READERS: Final[Mapping[Track, frozenset[Role]]] = MappingProxyType(
    {
        Track.ORDINARY: frozenset({Role.ICT_COORDINATOR, Role.HEAD_TEACHER, Role.SAFEGUARDING_LEAD}),
        Track.SAFEGUARDING: frozenset({Role.SAFEGUARDING_LEAD, Role.HEAD_TEACHER}),
        Track.RESTRICTED: frozenset({Role.HEAD_TEACHER}),
        Track.SEALED: frozenset({Role.HEAD_TEACHER, Role.SAFEGUARDING_LEAD, Role.ICT_COORDINATOR}),
    }
)


def may_read(
    track: Track,
    *,
    person: str,
    roles: Collection[Role],
    subject: str | None,
    named: Collection[str],
    chain: Collection[Role] = (),
) -> bool:
    """Say whether somebody may read an incident.

    Args:
        person: the id of whoever wants to.
        subject: the id of the person whom it is about, where that is known; they never read it here.
        named: the ids of those who were named for restricted incidents: a second member of the senior leadership
            team, and whoever takes the head teacher's place where it is about them.
        chain: the roles that the packs tell first of such an incident, and those to which it has climbed; what is
            not ordinary goes by its track alone.
    """
    if subject is not None and person == subject:
        return False
    if track is Track.RESTRICTED and person in named:
        return True
    if track is Track.ORDINARY and not set(chain).isdisjoint(roles):
        return True
    return not READERS[track].isdisjoint(roles)
