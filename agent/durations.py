"""How long something lasts, in people's words: `this lesson`, `today`, `90 min`, `friday`, `2026-12-01`."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from agent.explaining.what_if import parse_moment
from rules.errors import ConfigurationError, Problem
from rules.schedule import Schedule

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MIN_WEEKDAY_LETTERS: Final = 3
_UNITS: Final = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_MAX_SECONDS: Final = 10 * 366 * 86_400
_LENGTH: Final = re.compile(r"(\d{1,5})\s*(m|min|mins|minutes?|h|hrs?|hours?|d|days?|w|weeks?)(?![a-z])[\s,]*")
_LESSON: Final = re.compile(r"lesson|period")
_LESSON_WORDS: Final = frozenset({"this lesson", "lesson", "the lesson"})
_EXPECTED_END: Final = "this lesson, today, 30m, 2h, a weekday, 2026-12-01 or '2026-12-01 15:30'"
_EXPECTED_START: Final = "now, 10:30, tomorrow, a weekday, 2026-12-01 or '2026-12-01 09:00'"


def parse_start(text: str, timezone: str, *, now: datetime) -> datetime:
    """Read when something begins; a day means its first instant on the clock of the school.

    Args:
        text: as a person wrote it.
        timezone: that of the school.
        now: aware.

    Raises:
        ConfigurationError: the text is no instant.
    """
    day = _parse_day(_plain(text), now.astimezone(ZoneInfo(timezone)).date())
    if day is not None:
        return _first_instant(day, timezone)
    return _parse_instant(text, timezone, now=now, where="--from", expected=_EXPECTED_START)


def parse_end(
    text: str, timezone: str, *, start: datetime, lesson_end: Callable[[datetime], datetime | None] = lambda _: None
) -> datetime:
    """Read when something ends: a length counts from its start, a day is meant to its last instant.

    Args:
        text: as a person wrote it.
        timezone: that of the school.
        start: aware; when it begins.
        lesson_end: gives when the lesson ends that is on at the start, or nothing if none is.

    Raises:
        ConfigurationError: the text is no length and no instant, or no lesson is on at the start.
    """
    words = _plain(text)
    if words in _LESSON_WORDS:
        return _lesson(lesson_end(start))
    if (length := parse_length(words)) is not None:
        return start + length
    day = _parse_day(words, start.astimezone(ZoneInfo(timezone)).date())
    if day is not None:
        return _first_instant(day + timedelta(days=1), timezone)
    return _parse_instant(text, timezone, now=start, where="--until", expected=_EXPECTED_END)


def parse_length(text: str) -> timedelta | None:
    """Read `30m`, `2h`, `1 h 30 min` or `2 weeks`; nothing where the text is no length, or one of over ten years."""
    words = _plain(text)
    seconds, place = 0, 0
    while match := _LENGTH.match(words, place):
        seconds += int(match[1]) * _UNITS[match[2][0]]
        place = match.end()
    is_length = place > 0 and place == len(words) and seconds <= _MAX_SECONDS
    return timedelta(seconds=seconds) if is_length else None


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _parse_day(words: str, today: date) -> date | None:
    """Read a whole day; a weekday is the next one, today included."""
    if words in ("today", "tomorrow"):
        return today + timedelta(days=words == "tomorrow")
    if len(words) >= _MIN_WEEKDAY_LETTERS:
        for number, weekday in enumerate(_WEEKDAYS):
            if weekday.startswith(words):
                return today + timedelta(days=(number - today.weekday()) % 7)
    try:
        day = date.fromisoformat(words)
    except ValueError:
        return None
    return day if date(1990, 1, 1) < day < date(9990, 1, 1) else None


def _first_instant(day: date, timezone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)


def _parse_instant(text: str, timezone: str, *, now: datetime, where: str, expected: str) -> datetime:
    try:
        return parse_moment(text, timezone, now=now)
    except ConfigurationError:
        raise ConfigurationError((Problem(where, f"'{text}'", expected),)) from None


def _lesson(end: datetime | None) -> datetime:
    if end is None:
        found = "'this lesson', but no schedule of the site is on at that time"
        raise ConfigurationError((Problem("--until", found, "a length such as 45m, or a time such as 11:05"),))
    return end


def lessons_of(schedules: Sequence[Schedule]) -> list[Schedule]:
    """Give the schedules that are called lessons or periods."""
    return [schedule for schedule in schedules if _LESSON.search(schedule.name.lower())]


def end_of_lesson(schedules: Sequence[Schedule], start: datetime) -> datetime | None:
    """Give the first end of a window that covers the start, or nothing where none does.

    Schedules that are called lessons or periods go first.
    """
    covering = [schedule for schedule in schedules if schedule.covers(start)]
    named = lessons_of(covering)
    ends = [end for schedule in named or covering if (end := schedule.next_boundary(start)) is not None]
    return min(ends).astimezone(UTC) if ends else None
