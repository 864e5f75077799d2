"""How much was asked and blocked: the counts of the day files alone, never a name and never whose it was.

A day is summed up once and kept as long as nothing is written to its file, so a year is read once a process. A day
without a file, and a time that has not come, are not known, which is not the same as nothing.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from agent.console.charts.periods import Bin, Period, Unit
from agent.dns.outcomes import NO_CATEGORY
from agent.observing.observing_activity import PREFIX, DayFiles
from agent.storage.files import BUSY_SECONDS
from rules.errors import StorageError
from rules.small_numbers import Hidden, hide_small

_HOURS: Final = 24
# Five years of days, with room.
_MOST_DAYS: Final = 2_000

_QUERY: Final = (
    "SELECT hour_at, verdict = 'blocked', CASE WHEN verdict = 'blocked' THEN category END, sum(times)"
    " FROM counts GROUP BY 1, 2, 3"
)


@dataclass(frozen=True, slots=True)
class DayCounts:
    """A day in counts: what was asked and blocked in each hour of the school's clock, and as what."""

    asked: tuple[int, ...]
    blocked: tuple[int, ...]
    by_category: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Activity:
    """Queries and blocks in stretches of time; None where nobody knows."""

    bins: tuple[Bin, ...]
    asked: tuple[int | None, ...]
    blocked: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class BlocksByCategory:
    """Blocks of a period by category, the most first; some may be hidden."""

    period: Period
    categories: tuple[tuple[str, int | Hidden], ...]
    total: int | Hidden
    small_number: int = 0


class ActivityCounts:
    """The counts of the day files, for the threads of one process; two of them may at most read a day both.

    Args:
        folder: where the day files are; they are only read.
        timezone: that of the school.
        clock: aware UTC.
    """

    def __init__(self, folder: Path, *, timezone: str, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._files = DayFiles(folder)
        self._timezone = ZoneInfo(timezone)
        self._clock = clock
        self._kept: dict[date, tuple[object, DayCounts]] = {}

    def now(self) -> datetime:
        """Give the time on the school's clock."""
        return self._clock().astimezone(self._timezone)

    def of_days(self, days: Iterable[date]) -> Mapping[date, DayCounts]:
        """Give the counts of those days that have any."""
        return self._read(days)

    def by_time(self, period: Period) -> Activity:
        """Give what was asked and blocked in the stretches of a period."""
        bins, now = period.bins(), self.now()
        days = self._read(day for each in bins for day in each.days())
        found = [_of_bin(each, days, now) for each in bins]
        return Activity(bins, tuple(asked for asked, _ in found), tuple(blocked for _, blocked in found))

    def by_category(self, period: Period, *, small_number: int = 0) -> BlocksByCategory:
        """Give what was blocked in a period by category.

        Args:
            small_number: what is the first number that is told; 0 tells all.
        """
        total: Counter[str] = Counter()
        bins = period.bins(at_least=Unit.DAY)
        for counts in self._read(Bin(Unit.DAY, bins[0].first, period.last).days()).values():
            total.update(counts.by_category)
        told = hide_small(total, small_number=small_number)
        order = sorted(total, key=lambda each: (-total[each] if isinstance(told.numbers[each], int) else 0, each))
        return BlocksByCategory(period, tuple((each, told.numbers[each]) for each in order), told.total, small_number)

    def _read(self, days: Iterable[date]) -> dict[date, DayCounts]:
        """Give the counts of those days that have a file that can be read."""
        wanted = set(days)
        there = set(self._files.days())
        # What was deleted at its time is in no picture either.
        for gone in set(self._kept) - there:
            self._kept.pop(gone, None)
        return {day: counts for day in sorted(wanted & there)[-_MOST_DAYS:] if (counts := self._of_day(day))}

    def _of_day(self, day: date) -> DayCounts | None:
        state = self._files.state_of(day)
        kept = self._kept.get(day)
        if kept is not None and kept[0] == state:
            return kept[1]
        try:
            counts = read_day(self._folder / f"{PREFIX}{day}.db", self._timezone)
        except StorageError:
            return None
        self._kept[day] = state, counts
        return counts


def read_day(path: Path, timezone: ZoneInfo) -> DayCounts:
    """Sum up the counts of one day file.

    Raises:
        StorageError: it cannot be read.
    """
    asked, blocked = [0] * _HOURS, [0] * _HOURS
    categories: Counter[str] = Counter()
    hours: dict[int, int] = {}
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as database:
            for hour_at, is_blocked, category, times in database.execute(_QUERY):
                hour = hours.get(hour_at)
                if hour is None:
                    hour = hours[hour_at] = datetime.fromtimestamp(hour_at, timezone).hour
                asked[hour] += times
                if is_blocked:
                    blocked[hour] += times
                    categories[category or NO_CATEGORY] += times
    except (sqlite3.Error, OverflowError, OSError, ValueError) as error:
        raise StorageError(f"{path}: what was counted could not be read ({error})") from error
    return DayCounts(tuple(asked), tuple(blocked), dict(categories))


def _of_bin(place: Bin, days: Mapping[date, DayCounts], now: datetime) -> tuple[int | None, int | None]:
    if place.unit is Unit.HOUR:
        counts = days.get(place.first)
        if counts is None or (place.first, place.hour) > (now.date(), now.hour):
            return None, None
        return counts.asked[place.hour], counts.blocked[place.hour]
    known = [days[day] for day in place.days() if day in days]
    if not known:
        return None, None
    return sum(sum(each.asked) for each in known), sum(sum(each.blocked) for each in known)
