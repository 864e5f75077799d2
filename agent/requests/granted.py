"""What people were granted, or for a while not: overrides, suspensions and restrictions that hold now or will.

The gateway asks whenever it writes the policy. Each grant travels with its end, so it ends by itself in every worker,
also when nobody is there to end it.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agent.dns.clients import Seat
from agent.people.people import read_person
from agent.storage.override_rows import read_override, read_overrides
from agent.storage.restriction_rows import Restriction, read_running
from agent.storage.seat_rows import SeatRow, read_seats
from agent.storage.state import is_begun, read_only
from agent.storage.suspension_rows import read_suspension, read_suspensions
from rules import override, restriction, suspension
from rules.errors import StorageError
from rules.policy import Effect, Policy, Rulebook
from rules.subject import Audience


def active_policies(path: Path, now: datetime, rulebook: Rulebook) -> tuple[Policy, ...]:
    """Give a policy for everything granted that has not ended; empty where there is no state yet.

    Args:
        path: the state file; it is only read.
        now: aware UTC.
        rulebook: the school's own rules, whose blocks fall while the filter is off.

    Raises:
        StorageError: the state could not be read.
    """
    if not is_begun(path):
        return ()
    with _reading(path) as database:
        overrides = read_overrides(database, states=(override.State.APPROVED,), until_after=now)
        suspensions = read_suspensions(database, states=(suspension.State.AGREED,), until_after=now)
        restrictions = [each for each in read_running(database) if each.until_at > now]
    tags = suspendable_tags(rulebook)
    return (
        *(policy for each in overrides for policy in override.policies_of(each.override)),
        *(suspension.policy_of(each.suspension, tags) for each in suspensions),
        *map(_restricting, restrictions),
    )


def _restricting(each: Restriction) -> Policy:
    return restriction.policy_of(
        each.id, groups=each.groups, devices=each.devices, from_at=each.from_at, until_at=each.until_at
    )


def active_seats(path: Path, now: datetime, rulebook: Rulebook) -> dict[str, Seat]:
    """Give what addresses have from whoever is signed in there, as far as any policy asks for it.

    Args:
        path: the state file; it is only read.
        now: aware UTC.
        rulebook: the rules with everything granted beside them.

    Raises:
        StorageError: the state could not be read.
    """
    if not is_begun(path):
        return {}
    with _reading(path) as database:
        return seats_of(read_seats(database).values(), now, rulebook)


def seats_of(rows: Iterable[SeatRow], now: datetime, rulebook: Rulebook) -> dict[str, Seat]:
    """Give those of some seats that make a difference.

    A class whose access is restricted takes its pupils with it, and not its teacher.
    """
    scopes = [policy.scope for policy in rulebook.policies] + [each.scope for each in rulebook.safe_search]
    scopes += rulebook.allow_only
    named = frozenset[str]().union(*(scope.groups | scope.except_groups for scope in scopes))
    restricting = (policy.scope.groups for policy in rulebook.policies if policy.effect is Effect.RESTRICT)
    restricted = frozenset[str]().union(*restricting)
    found = {}
    for each in rows:
        groups = each.groups & named
        if each.audience is not Audience.PUPIL:
            groups -= restricted
        if groups and each.until_at > now:
            found[each.address] = Seat(tuple(sorted(groups)), each.until_at.timestamp())
    return found


@dataclass(frozen=True, slots=True)
class Grant:
    """What stands behind a policy that somebody was granted; people by their names."""

    id: str
    is_suspension: bool
    requester: str
    approvers: tuple[str, ...]
    reason: str
    until_at: datetime


def find_grant(path: Path, policy_id: str) -> Grant | None:
    """Find who was granted a policy, and why; nothing where it is a rule of the site.

    Raises:
        StorageError: the state could not be read.
    """
    # A third part counts the policies of one override.
    kind, _, numbered_id = policy_id.partition("-")
    granted_id = numbered_id.partition("-")[0]
    if kind not in {"override", "suspension"} or not is_begun(path):
        return None
    with _reading(path) as database:
        if kind == "override" and (override := read_override(database, granted_id)) is not None:
            lift, approvers = override.override.lift, override.override.approvers
            requester, reason, until_at = override.override.requester, override.override.reason, lift.until_at
        elif kind == "suspension" and (suspension := read_suspension(database, granted_id)) is not None:
            found = suspension.suspension
            requester, reason, until_at = found.requester, found.reason, found.until_at
            approvers = (found.agreed_by,) if found.agreed_by else ()
        else:
            return None
        asker, *others = _names(database, (requester, *approvers))
    return Grant(granted_id, kind == "suspension", asker, tuple(others), reason, until_at)


def _names(database: sqlite3.Connection, people: Iterable[str]) -> list[str]:
    found = ((each, read_person(database, each)) for each in people)
    return [each if person is None else person.name for each, person in found]


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Read a state that another program may have written to."""
    try:
        with read_only(path) as database:
            yield database
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise StorageError(f"{path}: what it says of overrides and suspensions cannot be read ({error}).") from error


def blocked_tags(rulebook: Rulebook) -> frozenset[str]:
    """Give every tag that some policy blocks for somebody."""
    blocks = (policy.tags for policy in rulebook.policies if policy.effect is Effect.BLOCK)
    return frozenset().union(*blocks)


def suspendable_tags(rulebook: Rulebook) -> frozenset[str]:
    """Give the tags whose blocks fall while the filter is off: all but what is statutory, and what stands."""
    return blocked_tags(rulebook) - rulebook.statutory - suspension.STANDING.keys()
