"""Writing down what the clock has done to overrides, reminding, and finding what was left undone.

Nothing ends by being swept: an override is over at its instant. This is for the record, and for people.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from agent.people.attempts import has_left
from agent.requests.override_acts import (
    KINDS,
    SYSTEM,
    Made,
    Tell,
    begin_again,
    end,
    existing,
    file_override,
    is_over,
    sum_up,
)
from agent.requests.override_moves import has_lost_its_half
from agent.storage.override_rows import (
    LIVE,
    Filed,
    Moved,
    Use,
    read_moves,
    read_overrides,
    read_to_sum_up,
    read_unconfirmed,
    write_move,
)
from agent.storage.state import Act, StateStore
from rules.override import Move, Override, State, next_state

REMIND: Final = timedelta(minutes=10)
# What is remarked, once each; it changes no state.
ENDS_SOON: Final = "override_ends_soon"
WAITS_LONG: Final = "override_waits_long"
# Why an override ended before its time, in the facts of its row.
GROUP_GONE: Final = "group_gone"
REQUESTER_LEFT: Final = "requester_left"
_ENDING: Final = frozenset({Move.END, Move.REVOKE, Move.LAPSE})
_UNDECIDED: Final = frozenset({State.WAITING, State.HALF_APPROVED})

# Says how an override was used that ended at an instant; nothing where that cannot be said yet.
UseOf = Callable[[Override, datetime], Use | None]
# Writes one thing down about an override.
_Work = Callable[[Act, Filed], object]


def sweep_overrides(
    store: StateStore,
    *,
    now: datetime,
    countersign: timedelta,
    escalate_after: timedelta,
    groups: Collection[str],
    use_of: UseOf,
    tell: Tell,
    on_close: Callable[[], None] = lambda: None,
) -> int:
    """Go through what is not closed; gives how many overrides something was written down about.

    Args:
        store: where acts become permanent.
        now: aware UTC.
        countersign: so long a second person may take to confirm an emergency.
        escalate_after: so long a request may wait before somebody else is told.
        groups: those of the site. What was for one that is gone ends, so that it is not open for whoever is in a
            group of that name later.
        use_of: says how an override was used that has ended, or nothing yet.
        tell: told what happened, in the same transaction.
        on_close: called when something ended that was open by the clock.
    """
    with store.read() as database:
        live = read_overrides(database, states=LIVE)
        due = [
            (each, work)
            for each in live
            if (work := _due(database, each, now=now, groups=groups, escalate_after=escalate_after, tell=tell))
        ]
    done = sum(_once(store, each, work) for each, work in due)
    if any(not is_over(each, now) and _has_lost_a_group(each, groups) for each, _ in due):
        on_close()
    with store.read() as database:
        alone = read_unconfirmed(database, before=now - countersign)
    for each in alone:
        done += _once(store, each, partial(_lapse, tell=tell))
    return done + _sum_up(store, use_of, tell)


def _due(
    database: sqlite3.Connection,
    filed: Filed,
    *,
    now: datetime,
    groups: Collection[str],
    escalate_after: timedelta,
    tell: Tell,
) -> _Work | None:
    """Say what is to be written down about an override that is not closed."""
    override = filed.override
    if is_over(filed, now):
        return partial(end, tell=tell)
    if _has_lost_a_group(filed, groups):
        return partial(end, tell=tell, why=GROUP_GONE)
    if override.state in _UNDECIDED and has_left(database, override.requester):
        return partial(end, tell=tell, why=REQUESTER_LEFT)
    if has_lost_its_half(database, override):
        return partial(begin_again, tell=tell)
    remark = _remark_on(override, now, escalate_after)
    if remark and all(moved.move != remark for moved in read_moves(database, override.id)):
        return partial(_remark, remark=remark, tell=tell)
    return None


def _has_lost_a_group(filed: Filed, groups: Collection[str]) -> bool:
    override = filed.override
    return override.state is State.APPROVED and not override.lift.groups.issubset(groups)


def _sum_up(store: StateStore, use_of: UseOf, tell: Tell) -> int:
    """Write down how overrides were used, once that can be said."""
    with store.read() as database:
        over = [(each, _ended_at(each, read_moves(database, each.override.id))) for each in read_to_sum_up(database)]
    done = 0
    for each, ended_at in over:
        if (used := use_of(each.override, ended_at)) is not None:
            done += _once(store, each, partial(sum_up, tell=tell, used=used))
    return done


def _ended_at(filed: Filed, moves: Iterable[Moved]) -> datetime:
    """Say when an override ended: at the end it was given, unless somebody ended it before."""
    return min((filed.override.lift.until_at, *(each.at for each in moves if each.move in _ENDING)))


def _once(store: StateStore, seen: Filed, what: _Work) -> int:
    """Do something in an act of its own, unless somebody has moved the override since it was seen."""
    with store.act() as act:
        filed = existing(act.database, seen.override.id)
        if filed.version != seen.version:
            return 0
        what(act, filed)
    return 1


def _lapse(act: Act, filed: Filed, tell: Tell) -> None:
    after = replace(filed.override, state=next_state(filed.override, Move.LAPSE, sensitive=()))
    lapsed = replace(filed, override=after, version=filed.version + 1)
    file_override(act, lapsed, Made(KINDS[Move.LAPSE], SYSTEM, Move.LAPSE), tell)


def _remark_on(override: Override, now: datetime, escalate_after: timedelta) -> str:
    """Say what somebody should be told about an override that goes on."""
    lift = override.lift
    if override.state is State.APPROVED:
        is_long = lift.until_at - lift.from_at > 2 * REMIND
        return ENDS_SOON if is_long and lift.until_at - now <= REMIND else ""
    return WAITS_LONG if now - override.requested_at >= escalate_after else ""


def _remark(act: Act, filed: Filed, remark: str, tell: Tell) -> None:
    write_move(act.database, filed.override.id, at=act.now, person=SYSTEM, move=remark)
    act.note(remark, actor=SYSTEM, subject=filed.override.id)
    tell(act, remark, filed)
