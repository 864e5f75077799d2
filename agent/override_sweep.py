"""Writing down what the clock has done to overrides, reminding, and finding what was left undone.

Nothing ends by being swept: an override is over at its instant. This is for the record, and for people.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from agent.override_acts import KINDS, SYSTEM, Made, Tell, end, existing, file_override, is_over
from agent.storage.override_rows import (
    LIVE,
    Filed,
    Use,
    read_moves,
    read_overrides,
    read_unconfirmed,
    write_move,
)
from agent.storage.state import Act, StateStore
from rules.override import Move, Override, State, next_state

REMIND: Final = timedelta(minutes=10)
# What is remarked, once each; it changes no state.
ENDS_SOON: Final = "override_ends_soon"
WAITS_LONG: Final = "override_waits_long"
MAX_SWEPT: Final = 10_000


def sweep_overrides(
    store: StateStore,
    *,
    now: datetime,
    countersign: timedelta,
    escalate_after: timedelta,
    use_of: Callable[[Override], Use | None],
    tell: Tell,
) -> int:
    """Go through what is not closed; gives how many overrides something was written down about.

    Args:
        countersign: so long a second person may take to confirm an emergency.
        escalate_after: so long a request may wait before somebody else is told.
        use_of: counts how an override was used, or gives nothing where nobody counted.
        tell: told what happened, in the same transaction.
    """
    with store.read() as database:
        live = read_overrides(database, states=LIVE, limit=MAX_SWEPT)
        remarks: dict[str, str] = {}
        for each in live:
            remark = _remark_on(each.override, now, escalate_after)
            if remark and all(moved.move != remark for moved in read_moves(database, each.override.id)):
                remarks[each.override.id] = remark
    done = 0
    for each in live:
        if is_over(each, now):
            used = use_of(each.override) if each.override.state is State.APPROVED else None
            done += _once(store, each, partial(end, tell=tell, used=used))
        elif each.override.id in remarks:
            done += _once(store, each, partial(_remark, remark=remarks[each.override.id], tell=tell))
    with store.read() as database:
        alone = read_unconfirmed(database, before=now - countersign)
    for each in alone:
        done += _once(store, each, partial(_lapse, tell=tell))
    return done


def _once(store: StateStore, seen: Filed, what: Callable[[Act, Filed], object]) -> int:
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
