"""When a policy applies: weekly windows on the wall clock of the school, within its terms."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a day on the wall clock; it belongs to the day on which it starts.

    `days` are 0 for Monday to 6 for Sunday. Minutes count from local midnight, 0 to 1440; an end at or before
    the start is on the next day.
    """

    days: frozenset[int]
    start_minute: int
    end_minute: int


@dataclass(frozen=True, slots=True)
class DateRange:
    """Whole days, both ends included."""

    name: str
    first_on: date
    last_on: date


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
        raise NotImplementedError

    def next_boundary(self, after: datetime) -> datetime | None:
        """Give the first instant after `after` at which `covers` changes, or nothing if it never does."""
        raise NotImplementedError
