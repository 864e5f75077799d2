"""Spans of time as policies write them: hours, school days, months; and when something is due by them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo


class Unit(StrEnum):
    """What a span is counted in; a school day is one on which the school is open."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    SCHOOL_DAYS = "school_days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"


# Longest first, so that no unit is taken for the beginning of another.
_WRITTEN: Final = {
    "school days": Unit.SCHOOL_DAYS,
    "school day": Unit.SCHOOL_DAYS,
    "minutes": Unit.MINUTES,
    "minute": Unit.MINUTES,
    "min": Unit.MINUTES,
    "hours": Unit.HOURS,
    "hour": Unit.HOURS,
    "h": Unit.HOURS,
    "days": Unit.DAYS,
    "day": Unit.DAYS,
    "weeks": Unit.WEEKS,
    "week": Unit.WEEKS,
    "months": Unit.MONTHS,
    "month": Unit.MONTHS,
    "years": Unit.YEARS,
    "year": Unit.YEARS,
}
_TEXT: Final = re.compile(r"(\d{1,4}) ?([a-z ]+)")
AT_ONCE: Final = "at once"
EXPECTED: Final = "at once, or a number and a unit, such as 72 h, 15 school days, 1 month"
MOST_YEARS: Final = 150
# Nobody closes for longer; a calendar that never opens must not be searched for ever.
_MOST_CLOSED_DAYS: Final = 400
_TYPICAL: Final = {
    Unit.MINUTES: timedelta(minutes=1),
    Unit.HOURS: timedelta(hours=1),
    Unit.DAYS: timedelta(days=1),
    Unit.SCHOOL_DAYS: timedelta(days=1.4),
    Unit.WEEKS: timedelta(weeks=1),
    Unit.MONTHS: timedelta(days=30.4),
    Unit.YEARS: timedelta(days=365.25),
}


@dataclass(frozen=True, slots=True)
class Span:
    """So many of a unit; none of them is "at once"."""

    amount: int
    unit: Unit

    def __str__(self) -> str:
        if self.amount == 0:
            return AT_ONCE
        unit = self.unit.value.replace("_", " ")
        return f"{self.amount} {unit.removesuffix('s') if self.amount == 1 else unit}"

    def typical(self) -> timedelta:
        """Say how long the span usually is, to compare it with others."""
        return self.amount * _TYPICAL[self.unit]


def parse_span(text: str) -> Span:
    """Read a span.

    Raises:
        ValueError: the text is no span, has no unit, or is longer than anybody can wait.
    """
    if text == AT_ONCE:
        return Span(0, Unit.MINUTES)
    match = _TEXT.fullmatch(text.strip())
    if match is None or match[2].strip() not in _WRITTEN:
        raise ValueError(f"'{text}'; expected {EXPECTED}")
    span = Span(int(match[1]), _WRITTEN[match[2].strip()])
    if span.typical() > MOST_YEARS * _TYPICAL[Unit.YEARS]:
        raise ValueError(f"'{text}'; expected at most {MOST_YEARS} years")
    return span


def stricter(first: Span, second: Span) -> Span:
    """Give the one that leaves less time."""
    return min(first, second, key=Span.typical)


def due(start: datetime, span: Span, *, zone: ZoneInfo, is_school_day: Callable[[date], bool]) -> datetime:
    """Say when something is due that began at an instant.

    Minutes and hours are counted from the instant itself. What is counted in days is due at the end of its last day;
    the day of the start does not count. A month that lacks the day ends with its last.

    Args:
        start: aware.
        zone: that of the school.
        is_school_day: says on which days the school is open.

    Returns:
        An aware instant in the zone of `start`.
    """
    match span.unit:
        case Unit.MINUTES | Unit.HOURS:
            return (start.astimezone(UTC) + span.amount * _TYPICAL[span.unit]).astimezone(start.tzinfo)
        case Unit.DAYS | Unit.WEEKS:
            last = start.astimezone(zone).date() + span.amount * _TYPICAL[span.unit]
        case Unit.SCHOOL_DAYS:
            last = _school_days_later(start.astimezone(zone).date(), span.amount, is_school_day)
        case Unit.MONTHS | Unit.YEARS:
            last = _months_later(start.astimezone(zone).date(), span.amount * (12 if span.unit is Unit.YEARS else 1))
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    return end.astimezone(start.tzinfo)


def _school_days_later(day: date, amount: int, is_school_day: Callable[[date], bool]) -> date:
    closed = 0
    while amount > 0 and closed < _MOST_CLOSED_DAYS:
        day += timedelta(days=1)
        if is_school_day(day):
            amount -= 1
            closed = 0
        else:
            closed += 1
    return day


def _months_later(day: date, months: int) -> date:
    month = day.year * 12 + day.month - 1 + months
    last = _first_of(month + 1) - timedelta(days=1)
    return last.replace(day=min(day.day, last.day))


def _first_of(month: int) -> date:
    """Give the first day of a month, counted from year 0."""
    return date(month // 12, month % 12 + 1, 1)
