"""When the school is open, and what is on: lessons, breaks, clubs, and nobody there.

Minutes count from midnight on the clock of the school.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Europe/London")
FIRST_DAY: Final = date(2026, 9, 7)
HALF_TERM: Final = (date(2026, 10, 26), date(2026, 10, 30))
LESSONS: Final = ((540, 600), (600, 640), (660, 720), (780, 840), (840, 900))
_LESSON_MINUTES: Final = frozenset(minute for start, end in LESSONS for minute in range(start, end))
BREAKS: Final = ((640, 660), (720, 780))
CLUBS: Final = (915, 1050)
# When children who took a device home use it.
EVENING: Final = (1170, 1290)
# Lights are on from then to then.
OPEN: Final = (450, 1110)


@dataclass(frozen=True)
class Day:
    """A day of the calendar; `number` counts school days from 0, and a day without school has none."""

    on: date
    number: int | None

    @cached_property
    def midnight(self) -> datetime:
        """The instant at which it begins, in UTC."""
        return datetime.combine(self.on, time(), ZONE).astimezone(UTC)

    def at(self, minute: int) -> datetime:
        """Give the instant of a minute."""
        return self.midnight + timedelta(0, minute * 60)

    def is_closed(self, minute: int) -> bool:
        """Say whether nobody is expected in the school."""
        return self.number is None or not OPEN[0] <= minute < OPEN[1]

    def is_lesson(self, minute: int) -> bool:
        """Say whether lessons are on."""
        return self.number is not None and minute in _LESSON_MINUTES


def calendar(school_days: int) -> list[Day]:
    """Give the days of a term from its first, with the week-ends and holidays in between."""
    days: list[Day] = []
    on, number = FIRST_DAY, 0
    while number < school_days:
        is_school = on.weekday() < 5 and not HALF_TERM[0] <= on <= HALF_TERM[1]
        days.append(Day(on, number if is_school else None))
        number += is_school
        on += timedelta(days=1)
    return days
