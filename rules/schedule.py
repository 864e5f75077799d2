"""When a policy applies: weekly windows on the wall clock of the school, within its terms.

Everything is said on the wall clock, so a change of the clocks needs no rule of its own: a window inside the hour
that is skipped in spring does not happen, one inside the hour that is repeated in autumn happens twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
# No clock has ever been put forward or back by more, so nothing of a day happens earlier than this before midnight.
_CLOCK_CHANGE = timedelta(hours=3)
_SEARCH_DAYS = 400
_LAST_DAY = date(9990, 1, 1)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a day on the wall clock; it belongs to the day on which it starts.

    `days` are 0 for Monday to 6 for Sunday. Minutes count from local midnight, 0 to 1440; an end at or before
    the start is on the next day.
    """

    days: frozenset[int]
    start_minute: int
    end_minute: int

    @property
    def is_over_midnight(self) -> bool:
        """Say whether the window ends on the day after it started."""
        return self.end_minute <= self.start_minute


@dataclass(frozen=True, slots=True)
class DateRange:
    """Whole days, both ends included."""

    name: str
    first_on: date
    last_on: date

    def covers(self, day: date) -> bool:
        """Say whether the day falls into the range."""
        return self.first_on <= day <= self.last_on


@dataclass(frozen=True, slots=True)
class Schedule:
    """Weekly windows of one time zone; empty `terms` mean the whole year, `holidays` always close."""

    name: str
    timezone: str
    windows: tuple[Window, ...]
    terms: tuple[DateRange, ...] = ()
    holidays: tuple[DateRange, ...] = ()

    def covers(self, at: datetime) -> bool:
        """Say whether this instant falls into a window."""
        local = at.astimezone(ZoneInfo(self.timezone))
        minute = local.hour * 60 + local.minute
        return self._covers_from(local.date(), minute) or self._covers_from(local.date() - _DAY, minute + 1440)

    def _covers_from(self, day: date, minute: int) -> bool:
        """Say whether a window that starts on this day covers the minute, counted from that day's midnight."""
        return self.is_open_on(day) and any(
            day.weekday() in window.days
            and window.start_minute <= minute < window.end_minute + 1440 * window.is_over_midnight
            for window in self.windows
        )

    def is_open_on(self, day: date) -> bool:
        """Say whether windows may start on this day: within a term, outside the holidays."""
        return not any(holiday.covers(day) for holiday in self.holidays) and (
            not self.terms or any(term.covers(day) for term in self.terms)
        )

    def next_boundary(self, after: datetime) -> datetime | None:
        """Give the first instant after `after` at which `covers` changes, or nothing if it never does.

        The search ends after 400 days on which windows may start.
        """
        zone = ZoneInfo(self.timezone)
        covered = self.covers(after)
        pending: list[datetime] = []
        for day in self._days(after.astimezone(zone).date() - 2 * _DAY):
            earliest = datetime.combine(day, time(), zone).astimezone(UTC) - _CLOCK_CHANGE
            if (boundary := self._first_change(pending, covered=covered, until=earliest)) is not None:
                return boundary
            edges = {*self._edges(day, zone), *_clock_changes(earliest, earliest + 3 * _DAY, zone)}
            pending = sorted(edge for edge in {*pending, *edges} if edge > after and edge >= earliest)
        return self._first_change(pending, covered=covered, until=None)

    def _first_change(self, edges: list[datetime], *, covered: bool, until: datetime | None) -> datetime | None:
        for edge in edges:
            if until is not None and edge >= until:
                break
            if self.covers(edge) is not covered:
                return edge
        return None

    def _days(self, first: date) -> Iterator[date]:
        """Give the days on which a window may start, in order."""
        weekdays = frozenset().union(*(window.days for window in self.windows))
        day = first
        for _ in range(_SEARCH_DAYS):
            if day >= _LAST_DAY or not weekdays:
                return
            if (holiday := next((range_ for range_ in self.holidays if range_.covers(day)), None)) is not None:
                day = min(holiday.last_on, _LAST_DAY) + _DAY
            elif self.terms and not any(term.covers(day) for term in self.terms):
                day = min((term.first_on for term in self.terms if term.first_on > day), default=_LAST_DAY)
            else:
                if day.weekday() in weekdays:
                    yield day
                day += _DAY

    def _edges(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        """Give the instants at which windows of this day start and end; both, where the clock shows it twice."""
        for window in self.windows:
            if day.weekday() in window.days:
                for minute in (window.start_minute, window.end_minute + 1440 * window.is_over_midnight):
                    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
                    yield wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
                    yield wall.replace(tzinfo=zone, fold=1).astimezone(UTC)


def _clock_changes(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Give the instants at which the offset of a zone changes, to the second."""
    while start < end:
        stop = start + _DAY
        if start.astimezone(zone).utcoffset() != stop.astimezone(zone).utcoffset():
            yield _bisect_change(start, stop, zone)
        start = stop


def _bisect_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Find the first second with the new offset; `before` has the old one, `after` the new."""
    old = before.astimezone(zone).utcoffset()
    seconds_before, seconds_after = int(before.timestamp()), int(after.timestamp())
    while seconds_after - seconds_before > 1:
        middle = (seconds_before + seconds_after) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == old:
            seconds_before = middle
        else:
            seconds_after = middle
    return datetime.fromtimestamp(seconds_after, UTC)
