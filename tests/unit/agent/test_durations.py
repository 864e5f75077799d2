"""When something begins and ends, in a person's words."""

import contextlib
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis.strategies import integers, sampled_from, text

from agent.durations import end_of_lesson, lessons_of, parse_end, parse_length, parse_start
from rules.errors import ConfigurationError
from rules.schedule import Schedule, Window

LONDON = "Europe/London"
# A Monday, in winter time.
NOW = datetime(2026, 11, 23, 10, 14, 30, tzinfo=UTC)
WEEK = frozenset(range(5))
LESSONS = Schedule("lessons", LONDON, (Window(WEEK, 600, 650), Window(WEEK, 660, 710)))
MORNING = Schedule("morning", LONDON, (Window(WEEK, 540, 720),))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("30m", 30),
        ("90 min", 90),
        ("2h", 120),
        ("1h30m", 90),
        ("1 hour, 5 minutes", 65),
        ("3 days", 3 * 1440),
        ("2 Weeks", 14 * 1440),
        ("0m", 0),
    ],
)
def test_a_length(written: str, minutes: int) -> None:
    assert parse_length(written) == timedelta(minutes=minutes)


@pytest.mark.parametrize("written", ["", "m", "30", "30 moons", "h2", "1h x", "-5m", "123456m", "2 hmm", "9999w"])
def test_what_is_no_length(written: str) -> None:
    assert parse_length(written) is None


@given(integers(0, 500), sampled_from(["m", "h", "d", "w", " min", " hours"]))
def test_every_length_counts_from_the_start(number: int, unit: str) -> None:
    length = parse_length(f"{number}{unit}")
    assert length is not None
    assert parse_end(f"{number}{unit}", LONDON, start=NOW) == NOW + length


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("45m", "2026-11-23T10:59:30", id="a-length"),
        pytest.param("today", "2026-11-24T00:00:00", id="today-to-its-last-instant"),
        pytest.param("Tomorrow", "2026-11-25T00:00:00", id="tomorrow-to-its-last-instant"),
        pytest.param("friday", "2026-11-28T00:00:00", id="a-weekday-to-its-last-instant"),
        pytest.param("mon", "2026-11-24T00:00:00", id="a-weekday-that-is-today"),
        pytest.param("2026-12-01", "2026-12-02T00:00:00", id="a-day-is-meant-with-its-evening"),
        pytest.param("2026-06-01", "2026-06-01T23:00:00", id="on-the-clock-of-the-school"),
        pytest.param("2026-12-01 15:30", "2026-12-01T15:30:00", id="a-moment"),
        pytest.param("11:05", "2026-11-23T11:05:00", id="a-time-of-today"),
        pytest.param("fri 11:05", "2026-11-27T11:05:00", id="a-time-of-a-weekday"),
        pytest.param("this  Lesson", "2026-11-23T10:50:00", id="this-lesson"),
    ],
)
def test_an_end(written: str, expected: str) -> None:
    ends = partial(end_of_lesson, (MORNING, LESSONS))
    assert parse_end(written, LONDON, start=NOW, lesson_end=ends) == at(expected)


def test_this_lesson_is_what_is_on_where_no_schedule_is_called_so() -> None:
    assert end_of_lesson((MORNING,), NOW) == at("2026-11-23T12:00:00")


@pytest.mark.parametrize("schedules", [(), (MORNING, LESSONS)], ids=["no-schedules", "none-is-on"])
def test_this_lesson_is_refused_where_none_is_on(schedules: tuple[Schedule, ...]) -> None:
    with pytest.raises(ConfigurationError, match="no schedule of the site is on at that time; expected a length"):
        parse_end(
            "this lesson",
            LONDON,
            start=at("2026-11-23T20:00:00"),
            lesson_end=partial(end_of_lesson, schedules),
        )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("now", "2026-11-23T10:14:30", id="now"),
        pytest.param("14:00", "2026-11-23T14:00:00", id="a-time-of-today"),
        pytest.param("tomorrow", "2026-11-24T00:00:00", id="a-day-from-its-first-instant"),
        pytest.param("2026-06-01", "2026-05-31T23:00:00", id="on-the-clock-of-the-school"),
    ],
)
def test_a_start(written: str, expected: str) -> None:
    assert parse_start(written, LONDON, now=NOW) == at(expected)


@pytest.mark.parametrize("written", ["", "soon", "2026-13-01", "25:00", "9" * 400, "99999w " * 9])
def test_what_is_no_time_is_refused_in_one_sentence(written: str) -> None:
    with pytest.raises(ConfigurationError, match="--until: found") as ended:
        parse_end(written, LONDON, start=NOW)
    assert len(ended.value.problems) == 1
    with pytest.raises(ConfigurationError, match="--from: found"):
        parse_start(written, LONDON, now=NOW)


@given(text())
def test_nothing_unexpected_is_raised(written: str) -> None:
    with contextlib.suppress(ConfigurationError):
        parse_end(written, LONDON, start=NOW, lesson_end=partial(end_of_lesson, (LESSONS,)))
    with contextlib.suppress(ConfigurationError):
        parse_start(written, LONDON, now=NOW)


def test_lessons_are_the_schedules_that_are_called_so() -> None:
    assert lessons_of((MORNING, LESSONS)) == [LESSONS]
