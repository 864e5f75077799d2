"""What the timetable of a school says about a minute: whether lessons are on, and whether anybody is expected."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from agent.durations import lessons_of
from agent.sites.site import Site

# Somebody may be at a school at these times of a school day, and whenever a schedule of the site is on.
OPENS, CLOSES = time(7, 0), time(19, 0)
_PLAIN: Final[Mapping[str, str | int | bool]] = MappingProxyType({})
_LESSON: Final[Mapping[str, str | int | bool]] = MappingProxyType({"in_lesson": True})
_CLOSED: Final[Mapping[str, str | int | bool]] = MappingProxyType({"is_closed": True})
_CACHED_MINUTES: Final = 2_000


class Timetable:
    """The timetable of one site.

    Args:
        is_school_day: says whether the school is open on a day.
    """

    def __init__(self, site: Site, is_school_day: Callable[[date], bool]) -> None:
        self.zone = ZoneInfo(site.school.timezone)
        self._schedules = site.schedules
        self._lessons = lessons_of(site.schedules)
        self._is_school_day = lru_cache(is_school_day)
        self.facts = lru_cache(_CACHED_MINUTES)(self._facts)

    def day_of(self, at: datetime) -> date:
        """Give the day at the school."""
        return at.astimezone(self.zone).date()

    def _facts(self, minute: datetime) -> Mapping[str, str | int | bool]:
        """Give what is so in a minute; facts that are not so are left out."""
        if any(schedule.covers(minute) for schedule in self._lessons):
            return _LESSON
        local = minute.astimezone(self.zone)
        is_open = self._is_school_day(local.date()) and OPENS <= local.time() < CLOSES
        if is_open or any(schedule.covers(minute) for schedule in self._schedules):
            return _PLAIN
        return _CLOSED
