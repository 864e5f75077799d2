"""Overrides: one person asks for something to be opened for a while, another decides.

The life cycle is a table; an illegal move is a missing key. That an override began or ended by the clock is no state:
it is read off `from_at` and `until_at`, so a gateway that was off at that moment cannot miss it. `Move.END` only
writes down what the clock has already done.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar

from rules.errors import RefusedRequestError
from rules.event import NAME_TAG
from rules.name import DomainName
from rules.policy import Effect, Policy
from rules.reason import check_reason
from rules.roles import SENSITIVE_APPROVERS, Right, Role, rights_of
from rules.subject import Audience, Scope

__all__ = ["TRANSITIONS", "Lift", "Move", "Override", "OverrideLimits", "State", "check_decision", "check_lift"]
__all__ += ["check_reason", "narrowed", "needs_two", "next_state", "policies_of"]

Text = TypeVar("Text", bound=str)
# Between the moment for which somebody fills in a form and the one in which it arrives.
_SLACK: Final = timedelta(minutes=5)
# "For five minutes" is a little less when it arrives.
_ARRIVAL: Final = timedelta(seconds=30)


class State(StrEnum):
    """Where an override stands; an emergency begins as APPROVED, with no approver until it is countersigned.

    HALF_APPROVED: one of the two whom a sensitive category needs has agreed. UNCONFIRMED: an emergency that nobody
    countersigned in time.
    """

    WAITING = "waiting"
    HALF_APPROVED = "half_approved"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    ENDED = "ended"
    UNCONFIRMED = "unconfirmed"


class Move(StrEnum):
    """What can be done with an override; NARROW approves less than was asked for.

    HALF_APPROVE is what approving or narrowing becomes where a second approver must agree.
    """

    APPROVE = "approve"
    HALF_APPROVE = "half_approve"
    NARROW = "narrow"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    REVOKE = "revoke"
    END = "end"
    COUNTERSIGN = "countersign"
    LAPSE = "lapse"


TRANSITIONS: Final[Mapping[tuple[State, Move], State]] = MappingProxyType(
    {
        (State.WAITING, Move.APPROVE): State.APPROVED,
        (State.WAITING, Move.HALF_APPROVE): State.HALF_APPROVED,
        (State.WAITING, Move.NARROW): State.APPROVED,
        (State.WAITING, Move.REFUSE): State.REFUSED,
        (State.WAITING, Move.WITHDRAW): State.WITHDRAWN,
        (State.WAITING, Move.END): State.ENDED,
        (State.HALF_APPROVED, Move.APPROVE): State.APPROVED,
        (State.HALF_APPROVED, Move.NARROW): State.APPROVED,
        (State.HALF_APPROVED, Move.REFUSE): State.REFUSED,
        (State.HALF_APPROVED, Move.WITHDRAW): State.WITHDRAWN,
        (State.HALF_APPROVED, Move.END): State.ENDED,
        (State.APPROVED, Move.REVOKE): State.REVOKED,
        (State.APPROVED, Move.END): State.ENDED,
        # An emergency is countersigned or not whether it still lasts, was cut short or ran to its end.
        (State.APPROVED, Move.COUNTERSIGN): State.APPROVED,
        (State.REVOKED, Move.COUNTERSIGN): State.REVOKED,
        (State.ENDED, Move.COUNTERSIGN): State.ENDED,
        (State.APPROVED, Move.LAPSE): State.UNCONFIRMED,
        (State.REVOKED, Move.LAPSE): State.UNCONFIRMED,
        (State.ENDED, Move.LAPSE): State.UNCONFIRMED,
    }
)
_CONFIRMING: Final = frozenset({Move.COUNTERSIGN, Move.LAPSE})
_DECIDED_BY_TWO: Final = {
    (State.WAITING, Move.APPROVE): Move.HALF_APPROVE,
    (State.WAITING, Move.NARROW): Move.HALF_APPROVE,
}
_MOVED: Final = {
    Move.APPROVE: "approved",
    Move.HALF_APPROVE: "approved by the first of two",
    Move.NARROW: "narrowed",
    Move.REFUSE: "refused",
    Move.WITHDRAW: "withdrawn",
    Move.REVOKE: "revoked",
    Move.END: "ended",
    Move.COUNTERSIGN: "countersigned",
    Move.LAPSE: "marked as unconfirmed",
}


@dataclass(frozen=True, slots=True)
class OverrideLimits:
    """What the site allows an override to be."""

    min_seconds: int = 300
    max_days: int = 30
    max_ahead_days: int = 366
    break_glass_minutes: int = 60
    countersign_hours: int = 24
    max_names: int = 200


@dataclass(frozen=True, slots=True)
class Lift:
    """What is opened, for whom and when.

    `names` are opened with everything below them; `lifts_of` says of each, in the same order, which categories fall
    for it and no others. `categories` are opened as a whole. `from_at` is inclusive, `until_at` exclusive; both
    aware UTC.
    """

    names: tuple[DomainName, ...]
    categories: frozenset[str]
    lifts_of: tuple[tuple[DomainName, frozenset[str]], ...]
    audiences: frozenset[Audience]
    groups: frozenset[str]
    from_at: datetime
    until_at: datetime

    @property
    def lifts(self) -> frozenset[str]:
        """Give the categories that fall for any of the names."""
        return frozenset[str]().union(*(categories for _, categories in self.lifts_of))


@dataclass(frozen=True, slots=True)
class Override:
    """A request and what became of it; `requester` and `approvers` are ids of people."""

    id: str
    requester: str
    lift: Lift
    reason: str
    topic: str
    state: State
    is_break_glass: bool
    approvers: tuple[str, ...]
    requested_at: datetime
    decided_at: datetime | None
    decision_reason: str = ""

    def is_active(self, at: datetime) -> bool:
        """Say whether this override opens something at this instant."""
        return self.state is State.APPROVED and self.lift.from_at <= at < self.lift.until_at


def needs_two(lift: Lift, sensitive: Collection[str]) -> bool:
    """Say whether two approvers must agree to what is asked for."""
    return not (lift.categories | lift.lifts).isdisjoint(sensitive)


def next_state(override: Override, move: Move, *, sensitive: Collection[str]) -> State:
    """Say where a move leads.

    Args:
        override: the override as it stands.
        move: what somebody wants to do with it; whether they may is for `check_decision` and its siblings to say.
        sensitive: the categories that two approvers must agree to.

    Raises:
        RefusedRequestError: the move does not belong to the state.
    """
    if move in _CONFIRMING:
        _check_confirmation(override, move)
    if needs_two(override.lift, sensitive):
        move = _DECIDED_BY_TWO.get((override.state, move), move)
    following = TRANSITIONS.get((override.state, move))
    if following is None:
        raise RefusedRequestError(
            f"This request is {override.state.replace('_', '-')}, so it cannot be {_MOVED[move]}."
        )
    return following


def _check_confirmation(override: Override, move: Move) -> None:
    if not override.is_break_glass:
        raise RefusedRequestError(f"Only an emergency can be {_MOVED[move]}, and this override is none.")
    if override.approvers:
        raise RefusedRequestError(f"This emergency has been countersigned, so it cannot be {_MOVED[move]}.")


def policies_of(override: Override) -> tuple[Policy, ...]:
    """Say what the gateway must do while this override lasts.

    Names for which the same categories fall share a policy, and the categories asked for have one of their own. The
    first has the id `override-ID`, the next `override-ID-2` and so on.
    """
    lift = override.lift
    together: dict[frozenset[str], frozenset[str]] = {}
    for name, lifts in lift.lifts_of:
        together[lifts] = together.get(lifts, frozenset()) | {NAME_TAG + name}
    opened = [(tags, lifts) for lifts, tags in together.items()]
    if lift.categories:
        opened.append((lift.categories, frozenset()))
    return tuple(
        Policy(
            id=f"override-{override.id}" if number == 1 else f"override-{override.id}-{number}",
            effect=Effect.ALLOW,
            tags=tags,
            scope=Scope(audiences=lift.audiences, groups=lift.groups),
            location=f"override {override.id}",
            from_at=lift.from_at,
            until_at=lift.until_at,
            lifts=lifts,
        )
        for number, (tags, lifts) in enumerate(opened, 1)
    )


def narrowed(
    lift: Lift,
    *,
    names: Collection[DomainName] | None = None,
    categories: Collection[str] | None = None,
    lifts: Collection[str] | None = None,
    groups: Collection[str] | None = None,
    until_at: datetime | None = None,
) -> Lift:
    """Give less than was asked for; what is not given stays as it was.

    Raises:
        RefusedRequestError: something is not part of the request, nothing is smaller, or nothing is left.
    """
    kept = lift.names if names is None else _part_of(names, lift.names, "address")
    falling = lift.lifts if lifts is None else frozenset(_part_of(lifts, lift.lifts, "category"))
    smaller = replace(
        lift,
        names=kept,
        categories=lift.categories
        if categories is None
        else frozenset(_part_of(categories, lift.categories, "category")),
        lifts_of=tuple((name, each & falling) for name, each in lift.lifts_of if name in kept),
        groups=lift.groups if groups is None else _fewer_groups(groups, lift.groups),
        until_at=lift.until_at if until_at is None else _earlier(until_at, lift),
    )
    if smaller == lift:
        raise RefusedRequestError("Nothing was narrowed; name fewer addresses, fewer groups or an earlier end.")
    if not smaller.names and not smaller.categories:
        raise RefusedRequestError("Nothing would be left of the request; refuse it, or leave at least one address.")
    return smaller


def _part_of(chosen: Collection[Text], asked: Collection[Text], kind: str) -> tuple[Text, ...]:
    if extra := sorted(set(chosen).difference(asked)):
        raise RefusedRequestError(f"{extra[0]} is no {kind} of this request, and narrowing can only leave out.")
    return tuple(each for each in asked if each in chosen)


def _fewer_groups(chosen: Collection[str], asked: Collection[str]) -> frozenset[str]:
    # No groups mean the whole audience, so leaving all of them out would open more.
    if not chosen:
        raise RefusedRequestError("At least one group must be left; without any, everybody of the audience is meant.")
    return frozenset(_part_of(chosen, asked, "group")) if asked else frozenset(chosen)


def _earlier(until_at: datetime, lift: Lift) -> datetime:
    if until_at > lift.until_at:
        raise RefusedRequestError("That end is later than the one asked for, and narrowing can only shorten.")
    if until_at <= lift.from_at:
        raise RefusedRequestError("That end is not after the start; refuse the request, or choose a later end.")
    return until_at


_NEEDED: Final = {
    Move.APPROVE: Right.DECIDE_OVERRIDE,
    Move.NARROW: Right.DECIDE_OVERRIDE,
    Move.REFUSE: Right.DECIDE_OVERRIDE,
    Move.REVOKE: Right.REVOKE_OVERRIDE,
    Move.COUNTERSIGN: Right.COUNTERSIGN,
}


def check_decision(
    override: Override,
    *,
    person: str,
    roles: frozenset[Role],
    sensitive: Collection[str],
    move: Move = Move.APPROVE,
    earlier_roles: frozenset[Role] = frozenset(),
) -> None:
    """Check that this person may make this move, whatever state the override is in.

    Args:
        override: the override as it stands.
        person: the id of the person, not of the account.
        roles: what the person is.
        sensitive: the categories that two approvers must agree to.
        move: what the person wants to do.
        earlier_roles: what the one who has agreed already is; needed where the override is half-approved.

    Raises:
        RefusedRequestError: the person asked for it, has no right to this, or has agreed already.
    """
    is_requester = person == override.requester
    if move is Move.WITHDRAW:
        if not is_requester:
            raise RefusedRequestError(
                "Only the person who asked can withdraw a request; you can refuse or revoke it."
            )
        return
    if move not in _NEEDED:
        raise RefusedRequestError(f"Nobody decides that an override is {_MOVED[move]}; it follows by itself.")
    if is_requester:
        if move is Move.REVOKE:
            return
        raise RefusedRequestError(
            f"You asked for this override yourself, so somebody else must decide whether it is {_MOVED[move]}."
        )
    is_sensitive = needs_two(override.lift, sensitive)
    _check_right(move, rights_of(roles), is_sensitive=is_sensitive)
    if override.state is State.HALF_APPROVED and move in (Move.APPROVE, Move.NARROW):
        _check_second(override, person, roles, earlier_roles, is_sensitive=is_sensitive)


def _check_right(move: Move, rights: frozenset[Right], *, is_sensitive: bool) -> None:
    needed = _NEEDED[move]
    if needed is Right.REVOKE_OVERRIDE or not is_sensitive:
        is_enough = needed in rights
    elif move is Move.REFUSE:
        is_enough = not rights.isdisjoint({needed, Right.DECIDE_SENSITIVE_OVERRIDE})
    else:
        is_enough = Right.DECIDE_SENSITIVE_OVERRIDE in rights
    if is_enough:
        return
    if is_sensitive:
        raise RefusedRequestError(
            "This request is about a sensitive category; it is for the safeguarding lead and the ICT Co-ordinator"
            " to decide."
        )
    raise RefusedRequestError(f"None of your roles has the right to {needed.replace('_', ' ')}, which this takes.")


def _check_second(
    override: Override, person: str, roles: frozenset[Role], earlier_roles: frozenset[Role], *, is_sensitive: bool
) -> None:
    if person in override.approvers:
        raise RefusedRequestError("You have agreed to this request already; a second person must agree as well.")
    one, other = SENSITIVE_APPROVERS
    if is_sensitive and not ((one in roles and other in earlier_roles) or (other in roles and one in earlier_roles)):
        raise RefusedRequestError(
            f"Both the {one.in_words} and the {other.in_words} must agree; the one of them who is missing is not you."
        )


def check_lift(
    lift: Lift,
    *,
    now: datetime,
    limits: OverrideLimits,
    known_groups: Collection[str],
    known_categories: Collection[str],
    statutory: Collection[str],
    never_override: Collection[str],
    is_break_glass: bool = False,
) -> list[str]:
    """Say in sentences what is wrong with a request; empty where nothing is."""
    return [
        *_faults_of_names(lift, limits),
        *_faults_of_categories(lift, known_categories, statutory, never_override),
        *_faults_of_people(lift, known_groups),
        *_faults_of_time(lift, now, limits, is_break_glass=is_break_glass),
    ]


def _faults_of_names(lift: Lift, limits: OverrideLimits) -> Iterator[str]:
    if not lift.names and not lift.categories:
        yield "The request names nothing to open; name at least one address or one category."
    if len(lift.names) > limits.max_names:
        yield f"The request names {len(lift.names)} addresses; at most {limits.max_names} fit into one request."
    for name in lift.names:
        if "." not in name:
            yield f"{name or 'The root'} is not one site but everything below it; name the site itself."


def _faults_of_categories(
    lift: Lift, known: Collection[str], statutory: Collection[str], never: Collection[str]
) -> Iterator[str]:
    for category in sorted(lift.categories | lift.lifts):
        if category in statutory:
            yield f"{category} is blocked by law and stays blocked for everybody, so it cannot be asked for."
        elif category in never:
            yield f"{category} protects the filter and its users and is never opened by an override."
        elif category not in known:
            yield f"{category} is no category; `schoolgate lists` shows the ones there are."


def _faults_of_people(lift: Lift, known: Collection[str]) -> Iterator[str]:
    for group in sorted(lift.groups.difference(known)):
        yield f"{group} is no group of this school."
    if not lift.groups and len(lift.audiences) != 1:
        whom = "everybody" if len(lift.audiences) in (0, len(Audience)) else " and ".join(sorted(lift.audiences))
        yield f"The request is for {whom}; name the groups or the one audience that it is for."


def _faults_of_time(lift: Lift, now: datetime, limits: OverrideLimits, *, is_break_glass: bool) -> Iterator[str]:
    if lift.until_at <= lift.from_at:
        yield "The end is not after the start."
        return
    if lift.until_at <= now:
        yield "The end lies in the past."
        return
    if lift.from_at < now - _SLACK:
        yield "The start lies in the past; leave it out to begin at once."
    if lift.from_at > now + timedelta(days=limits.max_ahead_days):
        yield f"The start is more than {limits.max_ahead_days} days ahead."
    if is_break_glass and lift.from_at > now + _SLACK:
        yield "An emergency begins at once; for later there is time to ask."
    lasts = lift.until_at - lift.from_at
    if lasts + _ARRIVAL < timedelta(seconds=limits.min_seconds):
        yield f"The request lasts {lasts.total_seconds():.0f} seconds; at least {limits.min_seconds} are needed."
    if is_break_glass and lasts > timedelta(minutes=limits.break_glass_minutes):
        yield f"An emergency lasts at most {limits.break_glass_minutes} minutes; this one would last longer."
    elif lasts > timedelta(days=limits.max_days):
        days = "1 day" if limits.max_days == 1 else f"{limits.max_days} days"
        yield f"A request lasts at most {days}; this one would last longer."
