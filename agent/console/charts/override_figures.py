"""How often overrides are asked for, what becomes of them, and how long people wait: counts and spans, nobody's.

Few are hidden before anything is drawn, and the rest is rounded: a request that is told alone is somebody's.
"""

import math
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from agent.console.charts.periods import Bin, Period, Unit
from agent.storage.state import instant_text
from rules.override import State
from rules.small_numbers import Hidden, hide_all, hide_small, rounded

_QUERY: Final = (
    "SELECT requested_at, decided_at, state, is_break_glass, until_at,"
    " (SELECT max(at) FROM override_moves WHERE override = overrides.id)"
    " FROM overrides WHERE requested_at >= ? AND requested_at < ?"
)
_HALF, _NEARLY_ALL = 0.5, 0.9
_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
_CLASSES: Final = (
    *(minutes * _MINUTE for minutes in (5, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 4, 8)),
    *(days * _DAY for days in (1, 2, 4, 7)),
)
# None where nobody waited.
Wait: TypeAlias = float | Hidden | None


class Outcome(StrEnum):
    """What became of a request; UNDECIDED was over before anybody decided."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    UNDECIDED = "undecided"
    EMERGENCY = "emergency"


_OUTCOMES: Final = {
    State.WAITING: Outcome.WAITING,
    State.HALF_APPROVED: Outcome.WAITING,
    State.APPROVED: Outcome.APPROVED,
    State.REVOKED: Outcome.APPROVED,
    State.UNCONFIRMED: Outcome.APPROVED,
    State.REFUSED: Outcome.REFUSED,
    State.WITHDRAWN: Outcome.WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class OverrideWeek:
    """The overrides that were asked for in a stretch of time.

    Emergencies open at once, so nobody waits for them. Waits are those of all that were decided.
    """

    bin: Bin
    asked: int | Hidden
    median_seconds: Wait
    nearly_all_seconds: Wait


@dataclass(frozen=True, slots=True)
class Overrides:
    """Overrides over a period, what became of them, and how long decisions took over all of it."""

    weeks: tuple[OverrideWeek, ...]
    by_outcome: tuple[tuple[Outcome, int | Hidden], ...]
    total: int | Hidden
    median_seconds: Wait
    nearly_all_seconds: Wait
    small_number: int


@dataclass(frozen=True, slots=True)
class _Asked:
    day: date
    wait_seconds: float | None
    outcome: Outcome


def read_override_figures(
    database: sqlite3.Connection, period: Period, *, timezone: str, until: datetime, small_number: int
) -> Overrides:
    """Count the overrides of a period by week, or by month where it is long.

    Args:
        database: the state, at one moment.
        timezone: that of the school.
        until: what was asked for, decided or over at this instant or later is not counted.
        small_number: what is the first number that is told, of requests and of those who waited; then waits are told
            in whole classes.
    """
    zone = ZoneInfo(timezone)
    bins = period.bins(at_least=Unit.WEEK)
    first, end = bins[0].first, bins[-1].last + timedelta(days=1)
    since, before = (datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) for day in (first, end))
    limits = instant_text(since), instant_text(min(before, until))
    found = [_asked(row, zone, instant_text(until)) for row in database.execute(_QUERY, limits)]
    places = {day: place for place, each in enumerate(bins) for day in each.days()}
    by_place: list[list[_Asked]] = [[] for _ in bins]
    for each in found:
        by_place[places[each.day]].append(each)
    by_time = hide_small({str(place): len(asked) for place, asked in enumerate(by_place)}, small_number=small_number)
    outcomes = Counter(each.outcome for each in found)
    by_outcome = hide_small({each.value: outcomes[each] for each in Outcome}, small_number=small_number)
    if isinstance(by_time.total, Hidden) or isinstance(by_outcome.total, Hidden):
        # Each of the two would give away the total that the other hides.
        by_time, by_outcome = hide_all(by_time), hide_all(by_outcome)
    return Overrides(
        tuple(
            OverrideWeek(
                each,
                rounded(by_time.numbers[str(place)], small_number),
                *(_told(by_place[place], share, small_number) for share in (_HALF, _NEARLY_ALL)),
            )
            for place, each in enumerate(bins)
        ),
        tuple((each, rounded(by_outcome.numbers[each.value], small_number)) for each in Outcome),
        rounded(by_time.total, small_number),
        _told(found, _HALF, small_number),
        _told(found, _NEARLY_ALL, small_number),
        small_number,
    )


def part(waits: Sequence[float], share: float) -> float | None:
    """Give the least wait that such a share of people did not exceed; None where nobody waited."""
    return sorted(waits)[max(math.ceil(share * len(waits)) - 1, 0)] if waits else None


def _told(asked: Sequence[_Asked], share: float, small_number: int) -> Wait:
    """Give the wait that such a share did not exceed, where those who waited are not few.

    Of fewer than ten, nine in ten would be the longest wait itself.
    """
    waits = [each.wait_seconds for each in asked if each.wait_seconds is not None]
    if len(waits) < (small_number if share <= _HALF else 2 * small_number):
        return Hidden.FEW
    wait = part(waits, share)
    return wait if wait is None or not small_number else in_classes(wait)


def in_classes(seconds: float) -> float:
    """Give the least of the classes that a wait does not exceed: minutes, hours, days, then whole weeks."""
    week = _CLASSES[-1]
    return next((each for each in _CLASSES if seconds <= each), math.ceil(seconds / week) * week)


def _asked(row: sqlite3.Row, zone: ZoneInfo, until: str) -> _Asked:
    """Give a request as it stood at an instant."""
    requested_at, decided_at, state, is_emergency, until_at, moved_at = row
    if decided_at is not None and not is_emergency and decided_at >= until:
        decided_at, state = None, State.WAITING
    elif decided_at is None:
        # What nobody decided about is over at its time, unless it ended before.
        over_at = min(until_at, moved_at or until_at) if state == State.ENDED else moved_at or ""
        state = State.WAITING if over_at >= until else state
    asked_at = datetime.fromisoformat(requested_at)
    is_decided = decided_at is not None and not is_emergency
    wait = max((datetime.fromisoformat(decided_at) - asked_at).total_seconds(), 0.0) if is_decided else None
    ended = Outcome.UNDECIDED if decided_at is None else Outcome.APPROVED
    outcome = Outcome.EMERGENCY if is_emergency else _OUTCOMES.get(State(state), ended)
    return _Asked(asked_at.astimezone(UTC).astimezone(zone).date(), wait, outcome)
