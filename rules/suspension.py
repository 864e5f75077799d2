"""Suspensions: filtering is off for a network, a group or the school, agreed by two people and never for long.

E-Safety policy, "Technical": switching filtering off "for any reason, or for any user [...] must be logged and
carried out by a process that is agreed by the Head teacher or ICT Coordinator". What is statutory stays blocked
throughout, because no policy lifts it, and so does what is `STANDING`. As with overrides, beginning and ending by the
clock are no states.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rules.errors import RefusedRequestError
from rules.event import WAY_ROUND_TAG
from rules.policy import Effect, Policy
from rules.roles import SUSPENSION_AUTHORITIES, Right, Role, rights_of
from rules.subject import Scope

# What a suspension leaves as it is beside what is statutory, and in which words: what harms the machine, and what
# browsers ask to learn whether they may go round the resolver. One that hears that it may keeps to that afterwards.
STANDING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "malware": "malware",
        "phishing": "phishing",
        WAY_ROUND_TAG: "the names by which browsers ask whether they may go round this resolver",
    }
)
# Between the moment for which somebody fills in a form and the one in which it arrives.
_SLACK: Final = timedelta(minutes=5)
# "For five minutes" is a little less when it arrives.
_ARRIVAL: Final = timedelta(seconds=30)


def network_group(network: str) -> str:
    """Name the group of everybody in a network; no group that a school names has a colon."""
    return f"network:{network}"


class State(StrEnum):
    """Where a suspension stands; STOPPED was ended by a person before its time."""

    WAITING = "waiting"
    AGREED = "agreed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    ENDED = "ended"


class Move(StrEnum):
    """What can be done with a suspension; END writes down what the clock has done."""

    AGREE = "agree"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    STOP = "stop"
    END = "end"


TRANSITIONS: Final[Mapping[tuple[State, Move], State]] = MappingProxyType(
    {
        (State.WAITING, Move.AGREE): State.AGREED,
        (State.WAITING, Move.REFUSE): State.REFUSED,
        (State.WAITING, Move.WITHDRAW): State.WITHDRAWN,
        (State.WAITING, Move.END): State.ENDED,
        (State.AGREED, Move.STOP): State.STOPPED,
        (State.AGREED, Move.END): State.ENDED,
    }
)
_MOVED: Final = {
    Move.AGREE: "agreed to",
    Move.REFUSE: "refused",
    Move.WITHDRAW: "withdrawn",
    Move.STOP: "stopped",
    Move.END: "ended",
}


@dataclass(frozen=True, slots=True)
class SuspensionLimits:
    """What the site allows a suspension to be."""

    min_seconds: int = 300
    max_hours: int = 8
    # Shorter than that, filtering being on is no break.
    break_minutes: int = 60
    max_ahead_days: int = 366


@dataclass(frozen=True, slots=True)
class Extent:
    """Where filtering is off: in networks, for groups, or in the whole school."""

    networks: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    is_for_school: bool = False

    def as_scope(self) -> Scope:
        """Give whom the policy of this suspension addresses.

        Raises:
            ValueError: nobody; an empty scope would mean everybody.
        """
        if self.is_for_school:
            return Scope()
        if not self.networks and not self.groups:
            raise ValueError("a suspension of nothing")
        return Scope(groups=self.groups | {network_group(name) for name in self.networks})

    def places(self) -> "tuple[Extent, ...]":
        """Take it apart into single networks and groups."""
        if self.is_for_school:
            return (self,)
        networks = (Extent(networks=frozenset({each})) for each in sorted(self.networks))
        return (*networks, *(Extent(groups=frozenset({each})) for each in sorted(self.groups)))

    def may_meet(self, other: "Extent") -> bool:
        """Say whether somebody may be in both; the devices of a group may be in any network."""
        return (
            self.is_for_school
            or other.is_for_school
            or not self.networks.isdisjoint(other.networks)
            or not self.groups.isdisjoint(other.groups)
            or bool(self.networks and other.groups)
            or bool(self.groups and other.networks)
        )


@dataclass(frozen=True, slots=True)
class Suspension:
    """A request to switch filtering off and what became of it; `requester` and `agreed_by` are ids of people.

    `from_at` is inclusive, `until_at` exclusive; both aware UTC.
    """

    id: str
    requester: str
    extent: Extent
    reason: str
    state: State
    requested_at: datetime
    from_at: datetime
    until_at: datetime
    agreed_by: str | None = None
    ended_at: datetime | None = None

    def is_active(self, at: datetime) -> bool:
        """Say whether filtering is off by this suspension at this instant."""
        return self.state is State.AGREED and self.from_at <= at < self.until_at


def next_state(suspension: Suspension, move: Move) -> State:
    """Say where a move leads.

    Raises:
        RefusedRequestError: the move does not belong to the state.
    """
    following = TRANSITIONS.get((suspension.state, move))
    if following is None:
        raise RefusedRequestError(f"This suspension is {suspension.state}, so it cannot be {_MOVED[move]}.")
    return following


def check_agreement(
    suspension: Suspension,
    *,
    person: str,
    roles: frozenset[Role],
    requester_roles: frozenset[Role],
    move: Move = Move.AGREE,
) -> None:
    """Check that this person may make this move, whatever state the suspension is in.

    Args:
        suspension: the suspension as it stands.
        person: the id of the person, not of the account.
        roles: what the person is.
        requester_roles: what the one who asked is.
        move: what the person wants to do.

    Raises:
        RefusedRequestError: the person asked for it, has no right to this, or neither of the two is the head teacher
            or the ICT Co-ordinator.
    """
    is_requester = person == suspension.requester
    rights = rights_of(roles)
    if move is Move.WITHDRAW:
        if not is_requester:
            raise RefusedRequestError("Only the person who asked can withdraw a request; you can refuse or stop it.")
        return
    if move is Move.STOP:
        if not is_requester and Right.END_SUSPENSION not in rights:
            raise RefusedRequestError("None of your roles has the right to end a suspension.")
        return
    if move is Move.END:
        raise RefusedRequestError("A suspension ends by the clock; to end it before its time, stop it.")
    if is_requester:
        raise RefusedRequestError(
            f"You asked for this suspension yourself, so somebody else must decide whether it is {_MOVED[move]}."
        )
    if Right.AGREE_SUSPENSION not in rights:
        raise RefusedRequestError("None of your roles has the right to agree to a suspension or to refuse it.")
    if move is Move.AGREE and SUSPENSION_AUTHORITIES.isdisjoint(roles | requester_roles):
        raise RefusedRequestError(
            "One of the two who agree to a suspension must be the head teacher or the ICT Co-ordinator; neither"
            " you nor the person who asked is."
        )


def check_suspension(
    suspension: Suspension,
    *,
    now: datetime,
    limits: SuspensionLimits,
    known_networks: Collection[str],
    known_groups: Collection[str],
    agreed: Collection[Suspension] = (),
) -> list[str]:
    """Say in sentences what is wrong with a request; empty where nothing is.

    Args:
        suspension: what is asked for.
        now: aware UTC.
        limits: what the site allows.
        known_networks: those of the site.
        known_groups: those of the site.
        agreed: what two people agreed to for the days around it, whether it is to come, lasts or is over.
    """
    return [
        *_faults_of_extent(suspension.extent, known_networks, known_groups),
        *(_faults_of_time(suspension, now, limits) or filter(None, [fault_of_row(suspension, agreed, limits)])),
    ]


def _faults_of_extent(extent: Extent, networks: Collection[str], groups: Collection[str]) -> Iterator[str]:
    if extent.is_for_school and (extent.networks or extent.groups):
        yield "The request is for the whole school and for a part of it; choose one."
    if not extent.is_for_school and not extent.networks and not extent.groups:
        yield "The request does not say where filtering is to be off; name networks, groups or the school."
    for network in sorted(extent.networks.difference(networks)):
        yield f"{network} is no network of this school."
    for group in sorted(extent.groups.difference(groups)):
        yield f"{group} is no group of this school."


def _faults_of_time(suspension: Suspension, now: datetime, limits: SuspensionLimits) -> list[str]:
    if suspension.until_at <= suspension.from_at:
        return ["The end is not after the start."]
    if suspension.until_at <= now:
        return ["The end lies in the past."]
    faults = []
    if suspension.from_at < now - _SLACK:
        faults.append("The start lies in the past; leave it out to begin at once.")
    if suspension.from_at > now + timedelta(days=limits.max_ahead_days):
        faults.append(f"The start is more than {limits.max_ahead_days} days ahead.")
    lasts = suspension.until_at - suspension.from_at
    if lasts + _ARRIVAL < timedelta(seconds=limits.min_seconds):
        seconds = f"{lasts.total_seconds():.0f} seconds"
        faults.append(f"The suspension lasts {seconds}; at least {limits.min_seconds} are needed.")
    if lasts > timedelta(hours=limits.max_hours):
        faults.append(f"A suspension lasts at most {limits.max_hours} hours; this one would last longer.")
    return faults


def fault_of_row(suspension: Suspension, agreed: Collection[Suspension], limits: SuspensionLimits) -> str | None:
    """Say that filtering would be off for too long by one suspension after the other, or nothing."""
    off_for = _longest_row(suspension, agreed, timedelta(minutes=limits.break_minutes))
    if off_for <= timedelta(hours=limits.max_hours):
        return None
    hours, minutes = divmod(math.ceil(off_for / timedelta(minutes=1)), 60)
    return (
        f"With what was agreed before or after it, filtering would be off somewhere for {hours} h {minutes:02} min,"
        f" with no break of {limits.break_minutes} minutes; at most {limits.max_hours} hours are allowed."
    )


def _longest_row(suspension: Suspension, agreed: Collection[Suspension], pause: timedelta) -> timedelta:
    """Give how long filtering is off by a suspension and its neighbours, in the place where that is longest."""
    places = set(suspension.extent.places())
    if suspension.extent.is_for_school:
        places.update(place for each in agreed for place in each.extent.places())
    own = suspension.from_at, suspension.until_at
    rows = (_add_up(own, [_time_of(each) for each in agreed if _is_off(each, place)], pause) for place in places)
    return max(rows, default=timedelta())


def _is_off(suspension: Suspension, place: Extent) -> bool:
    """Say whether filtering is off in a place; for the school as a whole it is not where it is so in a part."""
    extent = suspension.extent
    return extent.is_for_school if place.is_for_school else extent.may_meet(place)


def _time_of(suspension: Suspension) -> tuple[datetime, datetime]:
    return suspension.from_at, suspension.ended_at or suspension.until_at


def _add_up(
    own: tuple[datetime, datetime], others: Iterable[tuple[datetime, datetime]], pause: timedelta
) -> timedelta:
    """Add up a time and those that touch it, or touch one of those, with less than a pause between them."""
    row, rest = [own], [each for each in others if each[0] < each[1]]
    while True:
        begins, ends = min(begin for begin, _ in row), max(end for _, end in row)
        near = [each for each in rest if each[0] < ends + pause and each[1] > begins - pause]
        if not near:
            break
        row += near
        rest = [each for each in rest if each not in near]
    total, reached = timedelta(), begins
    for begin, end in sorted(row):
        total += max(timedelta(), end - max(begin, reached))
        reached = max(reached, end)
    return total


def policy_of(suspension: Suspension, tags: Collection[str]) -> Policy:
    """Say what the gateway must do while this suspension lasts: let every block of these tags fall.

    Whoever gets only what other policies allow still does: a name that no list knows may be anything.

    Args:
        suspension: the suspension.
        tags: everything that some policy blocks and that may fall.
    """
    return Policy(
        id=f"suspension-{suspension.id}",
        effect=Effect.ALLOW,
        tags=frozenset(tags),
        scope=suspension.extent.as_scope(),
        location=f"suspension {suspension.id}",
        from_at=suspension.from_at,
        until_at=suspension.until_at,
        spares=frozenset(STANDING),
        chooses=False,
    )
