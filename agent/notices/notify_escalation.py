"""Who is told that a request waits: the first who can decide at once, the next when it has waited too long.

Everybody is told of a request once. Whom it waits for is read off the clock and the record of whom it was told to, so
a gateway that was off in between tells whoever is due when it is back.
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from agent.notices.notices import Notices
from agent.notices.notify import announce
from agent.people.people import Person, read_holders
from agent.sites.site import NotificationSettings
from agent.storage.override_rows import read_overrides, write_move
from agent.storage.state import Act
from rules.override import Override, State, needs_two
from rules.roles import SENSITIVE_APPROVERS, Role

# What is written down of whoever was told, beside the moves of the override.
TOLD: Final = "tell"
ESCALATED: Final = "escalate"

Ladder = Sequence[Collection[Role]]
# Who is told first, and who after each time that the site allows a request to wait.
LADDER: Final[Ladder] = ((Role.NETWORK_MANAGER,), (Role.ICT_COORDINATOR,), (Role.HEAD_TEACHER,))
# Both must agree, so both are told; the head teacher cannot stand in for them, but can remind them.
SENSITIVE_LADDER: Final[Ladder] = (SENSITIVE_APPROVERS, (Role.HEAD_TEACHER,))

_ON_LADDERS: Final = frozenset(role for ladder in (LADDER, SENSITIVE_LADDER) for rung in ladder for role in rung)
_WAITING: Final = (State.WAITING, State.HALF_APPROVED)
_MOST_OPEN: Final = 10_000
_TOLD_OF_WAITING: Final = (
    "SELECT override, person FROM override_moves JOIN overrides ON overrides.id = override"
    " WHERE move IN (?, ?) AND state IN (?, ?)"
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that nobody has decided, and the ids of those who were told of it."""

    override: Override
    told: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Escalation:
    """People who are to be told of a request; `step` is 0 for the first, then one more for each wait."""

    override: Override
    step: int
    people: tuple[Person, ...]


def escalate(
    waiting: Iterable[Waiting],
    people: Collection[Person],
    *,
    now: datetime,
    after: timedelta,
    sensitive: Collection[str] = frozenset(),
) -> tuple[Escalation, ...]:
    """Say who is to be told of which request now.

    Neither the requester nor who has agreed already is told. A step for which the school has nobody is left out.

    Args:
        waiting: requests that wait.
        people: everybody; those who have left hold no role.
        now: aware UTC.
        after: how long the site lets a request wait before the next step; more than nothing.
        sensitive: the categories that two approvers must agree to.
    """
    found = []
    for each in waiting:
        override = each.override
        ladder = SENSITIVE_LADDER if needs_two(override.lift, sensitive) else LADDER
        reached = max(0, (now - override.requested_at) // after)
        for step, rung in enumerate(_rungs(ladder, people, {override.requester, *override.approvers})):
            untold = tuple(person for person in rung if person.id not in each.told)
            if step <= reached and untold:
                found.append(Escalation(override, step, untold))
    return tuple(found)


def read_waiting(database: sqlite3.Connection, now: datetime) -> list[Waiting]:
    """Read the requests that wait for a decision and are not over, the oldest first."""
    filed = read_overrides(database, states=_WAITING, until_after=now, limit=_MOST_OPEN)
    told: dict[str, set[str]] = {}
    for override, person in database.execute(_TOLD_OF_WAITING, (TOLD, ESCALATED, *_WAITING)):
        told.setdefault(override, set()).add(person)
    return [Waiting(each.override, frozenset(told.get(each.override.id, ()))) for each in reversed(filed)]


def tell_due(
    act: Act, settings: NotificationSettings, *, timezone: str, sensitive: Collection[str] = frozenset()
) -> tuple[Escalation, ...]:
    """Queue notices for whoever is to be told now, and write down that they were; gives what was found.

    Args:
        timezone: that of the school.
    """
    waiting = read_waiting(act.database, act.now)
    if not waiting:
        return ()
    people = read_holders(act.database, _ON_LADDERS)
    after = timedelta(seconds=settings.escalate_after_seconds)
    due = escalate(waiting, people, now=act.now, after=after, sensitive=sensitive)
    for escalation in due:
        _tell(act, settings, escalation, Notices(timezone, act.now))
    return due


def _rungs(ladder: Ladder, people: Collection[Person], without: Collection[str]) -> list[tuple[Person, ...]]:
    """Put everybody on the first rung that one of their roles stands on; gives the rungs that are not empty."""
    placed = set(without)
    rungs = []
    for roles in ladder:
        rung = tuple(person for person in people if person.id not in placed and not person.roles.isdisjoint(roles))
        placed.update(person.id for person in rung)
        if rung:
            rungs.append(rung)
    return rungs


def _tell(act: Act, settings: NotificationSettings, escalation: Escalation, notices: Notices) -> None:
    override, step = escalation.override, escalation.step
    for person in escalation.people:
        write_move(act.database, override.id, at=act.now, person=person.id, move=ESCALATED if step else TOLD)
    if step:
        facts = {"step": step, "told": [person.id for person in escalation.people]}
        act.note("override_escalated", actor="system", subject=override.id, facts=facts)
    announce(act, settings, notices.request_waits(override, step), to=escalation.people)
