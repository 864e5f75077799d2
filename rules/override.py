"""Overrides: one person asks for something to be opened for a while, another decides.

The life cycle is a table; an illegal move is a missing key. That an override began or ended by the clock is no state:
it is read off `from_at` and `until_at`, so a gateway that was off at that moment cannot miss it. `Move.END` only
writes down what the clock has already done.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar

from rules.errors import RefusedRequestError
from rules.event import NAME_TAG
from rules.name import DomainName, ancestors
from rules.policy import Effect, Policy
from rules.roles import SENSITIVE_APPROVERS, Right, Role, rights_of
from rules.subject import Audience, Scope

Text = TypeVar("Text", bound=str)


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

    HALF_APPROVE is what approving or narrowing becomes where a second approver must agree. BEGIN_AGAIN: the first of
    two could not agree any more, so nobody has.
    """

    APPROVE = "approve"
    HALF_APPROVE = "half_approve"
    BEGIN_AGAIN = "begin_again"
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
        (State.HALF_APPROVED, Move.BEGIN_AGAIN): State.WAITING,
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
    Move.BEGIN_AGAIN: "asked about again",
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
    max_categories: int = 1


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


def shared(one: Lift, other: Lift) -> tuple[str, ...]:
    """Give what both lifts open for some of the same people: names, of two the one below, and categories."""
    if not (_meet(one.audiences, other.audiences) and _meet(one.groups, other.groups)):
        return ()
    names = *_opened_too(one, other), *_opened_too(other, one)
    return tuple(dict.fromkeys((*names, *sorted(one.categories & other.categories))))


def _opened_too(lift: Lift, other: Lift) -> list[DomainName]:
    """Give the names of a lift that the other opens as well: by a name at or above it, or by its categories."""
    by_name = dict(other.lifts_of)
    found = []
    for name, lifts in lift.lifts_of:
        above = [by_name[each] for each in ancestors(name) if each in by_name]
        falling = other.categories.union(*above)
        if name in by_name or (lifts <= falling and (lifts or above)):
            found.append(name)
    return found


def _meet(some: Collection[str], others: Collection[str]) -> bool:
    """Say whether two restrictions have something in common; an empty one does not restrict."""
    return not some or not others or not set(some).isdisjoint(others)


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
