"""What a move makes of an override, by the filter and the people of this moment; nothing is written here."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from agent.people.attempts import has_left
from agent.people.people import Person, read_person
from agent.requests.filter_context import FilterContext
from agent.requests.override_drafts import lifts_of, sentences_of, stays_blocked
from rules.errors import RefusedRequestError
from rules.override import Lift, Move, Override, State, check_decision, next_state
from rules.override_request import check_time_left
from rules.roles import SENSITIVE_APPROVERS, Role

OPENING: Final = frozenset({Move.APPROVE, Move.NARROW})


def moved(
    database: sqlite3.Connection,
    override: Override,
    who: Person,
    move: Move,
    *,
    context: FilterContext,
    now: datetime,
    change: Callable[[Lift], Lift] = lambda lift: lift,
) -> Override:
    """Give an override after a move of somebody who may make it.

    Args:
        database: people, at one moment.
        override: as it stands.
        who: makes the move.
        move: the move.
        context: the filter.
        now: aware UTC.
        change: what narrowing leaves of what was asked for.

    Raises:
        RefusedRequestError: they may not, or it cannot be made.
    """
    _check(database, override, who, move, context)
    if move in OPENING:
        # First by the state, so that nobody is told about what was decided long ago.
        next_state(override, move, sensitive=context.sensitive)
        if has_left(database, override.requester):
            raise RefusedRequestError("Whoever asked for this has left the school, so it can only be refused.")
        override = replace(override, lift=_lift_now(override.lift, change(override.lift), context, now))
        _check(database, override, who, move, context)
    state = next_state(override, move, sensitive=context.sensitive)
    if move is Move.COUNTERSIGN:
        _check_in_time(override, context.limits.countersign_hours, now)
    return replace(override, state=state)


def has_lost_its_half(database: sqlite3.Connection, override: Override) -> bool:
    """Say whether the first of two approvers has left, or is none of those any more who approve what takes two."""
    if override.state is not State.HALF_APPROVED:
        return False
    approvers = (read_person(database, each) for each in override.approvers)
    return all(each is None or each.roles.isdisjoint(SENSITIVE_APPROVERS) for each in approvers)


def _check(database: sqlite3.Connection, override: Override, who: Person, move: Move, context: FilterContext) -> None:
    earlier = (read_person(database, each) for each in override.approvers)
    roles = frozenset[Role]().union(*(each.roles for each in earlier if each is not None))
    check_decision(
        override, person=who.id, roles=who.roles, sensitive=context.sensitive, move=move, earlier_roles=roles
    )


def _lift_now(asked: Lift, lift: Lift, context: FilterContext, now: datetime) -> Lift:
    """Give what is left of a request by the site and the lists of this moment.

    Raises:
        RefusedRequestError: something in it has become what nobody can have, or is not there any more.
    """
    if gone := sorted(lift.groups - context.groups):
        raise RefusedRequestError(
            f"{gone[0]} is no group of this school any more; leave it out, or refuse the request."
        )
    if lift.until_at < asked.until_at:
        check_time_left(lift, now=now, limits=context.limits)
    if stays := tuple(stays_blocked(lift, context)):
        raise RefusedRequestError(" ".join(sentences_of(stays)))
    by_name = dict(lifts_of(lift.names, context))
    return replace(lift, lifts_of=tuple((name, each & by_name[name]) for name, each in lift.lifts_of))


def _check_in_time(override: Override, hours: int, now: datetime) -> None:
    """Check that an emergency may still be countersigned, whether or not anybody has written down that it may not."""
    if now >= override.requested_at + timedelta(hours=hours):
        raise RefusedRequestError(
            f"An emergency is countersigned within {hours} hours, and those are over; it stays on record as one that"
            " nobody confirmed."
        )
