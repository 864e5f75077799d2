"""When the school is open."""

from datetime import UTC, date, datetime

from agent.simulation.timetable import FIRST_DAY, HALF_TERM, LESSONS, Day, calendar


def test_a_term_has_its_school_days_and_what_lies_between_them() -> None:
    days = calendar(60)
    school = [day for day in days if day.number is not None]
    assert [day.number for day in school] == list(range(60))
    assert all(day.on.weekday() < 5 and not HALF_TERM[0] <= day.on <= HALF_TERM[1] for day in school)
    assert (days[0].on, days[-1].number) == (FIRST_DAY, 59)
    assert len(days) == (days[-1].on - days[0].on).days + 1


def test_minutes_are_those_of_the_clock_of_the_school() -> None:
    assert Day(date(2026, 9, 7), 0).at(540) == datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
    assert Day(date(2026, 11, 2), 0).at(540) == datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def test_lessons_are_on_and_nobody_is_there_at_night_or_at_the_week_end() -> None:
    school, sunday = Day(date(2026, 9, 7), 0), Day(date(2026, 9, 13), None)
    start, end = LESSONS[0]
    assert (school.is_lesson(start), school.is_lesson(end - 1), school.is_lesson(650)) == (True, True, False)
    assert (school.is_closed(start), school.is_closed(1_300)) == (False, True)
    assert (sunday.is_lesson(start), sunday.is_closed(start)) == (False, True)
