"""Stretches of time as charts show them: hours of a day, days, weeks from Monday, or months, never too many.

The first and the last are cut to the days that were asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

MOST_DAYS: Final = 31
MOST_WEEKS: Final = 54
MOST_MONTHS: Final = 60
_HOURS: Final = 24


class Unit(StrEnum):
    """How long a stretch is."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Bin:
    """One stretch, from the day `first` to the day `last`; an hour of the school's clock is one of `first`."""

    unit: Unit
    first: date
    last: date
    hour: int = 0

    def days(self) -> Iterator[date]:
        """Give its days."""
        return (self.first + timedelta(days=each) for each in range((self.last - self.first).days + 1))


@dataclass(frozen=True, slots=True)
class Period:
    """Some days, both ends included; one that is turned round is its first day."""

    first: date
    last: date

    @classmethod
    def last_days(cls, today: date, days: int) -> "Period":
        """Give so many days up to today."""
        return cls(today - timedelta(days=max(days, 1) - 1), today)

    @property
    def days(self) -> int:
        """How many days it has."""
        return max((self.last - self.first).days, 0) + 1

    def bins(self, *, at_least: Unit = Unit.HOUR) -> tuple[Bin, ...]:
        """Give the stretches to show: the shortest of which there are not too many, of months the newest.

        Args:
            at_least: what is too short to be told apart by what is counted.
        """
        last = max(self.first, self.last)
        if self.days == 1 and at_least is Unit.HOUR:
            return tuple(Bin(Unit.HOUR, self.first, self.first, hour) for hour in range(_HOURS))
        if self.days <= MOST_DAYS and at_least in (Unit.HOUR, Unit.DAY):
            return tuple(Bin(Unit.DAY, day, day) for day in Bin(Unit.DAY, self.first, last).days())
        monday = self.first - timedelta(days=self.first.weekday())
        if at_least is not Unit.MONTH and (last - monday).days < 7 * MOST_WEEKS:
            return tuple(_within(_weeks(monday, last), self.first, last))
        return tuple(_within(_months(self.first, last), self.first, last))


def _within(bins: Iterator[Bin], first: date, last: date) -> Iterator[Bin]:
    """Cut what stands out at both ends, so that no other days are counted than those of the period."""
    return (replace(each, first=max(each.first, first), last=min(each.last, last)) for each in bins)


def _weeks(monday: date, last: date) -> Iterator[Bin]:
    while monday <= last:
        yield Bin(Unit.WEEK, monday, monday + timedelta(days=6))
        monday += timedelta(days=7)


def _months(first: date, last: date) -> Iterator[Bin]:
    begins = max(first.year * 12 + first.month - 1, last.year * 12 + last.month - MOST_MONTHS)
    for month in range(begins, last.year * 12 + last.month):
        begin = date(month // 12, month % 12 + 1, 1)
        following = date((month + 1) // 12, (month + 1) % 12 + 1, 1)
        yield Bin(Unit.MONTH, begin, following - timedelta(days=1))
