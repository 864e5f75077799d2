"""The timetable: lessons, and when nobody is expected at the school."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from school_of_test import load_site_of_test

from agent.observing.observing_times import Timetable
from agent.sites.site import Site
from rules.schedule import Schedule, Window

WEEK = frozenset(range(5))
SITE: Site = replace(
    load_site_of_test(),
    schedules=(
        Schedule("lessons", "Europe/London", (Window(WEEK, 9 * 60, 12 * 60),)),
        Schedule("evening-class", "Europe/London", (Window(frozenset({1}), 20 * 60, 21 * 60),)),
    ),
)


def timetable(*, is_open: bool = True) -> Timetable:
    return Timetable(SITE, lambda _: is_open)


@pytest.mark.parametrize(
    ("at", "facts"),
    [
        pytest.param("2026-03-02T09:15", {"in_lesson": True}, id="a-lesson"),
        pytest.param("2026-03-02T12:30", {}, id="a-break"),
        pytest.param("2026-03-02T06:30", {"is_closed": True}, id="before-anybody-comes"),
        pytest.param("2026-03-02T20:30", {"is_closed": True}, id="in-the-evening"),
        pytest.param("2026-03-03T20:30", {}, id="in-the-evening-while-a-schedule-is-on"),
        pytest.param("2026-06-01T06:30", {}, id="by-the-clock-of-the-school"),
    ],
)
def test_what_is_so_in_a_minute(at: str, facts: dict[str, bool]) -> None:
    assert timetable().facts(datetime.fromisoformat(at).replace(tzinfo=UTC)) == facts


def test_a_day_without_school_is_closed() -> None:
    assert timetable(is_open=False).facts(datetime(2026, 3, 2, 14, 0, tzinfo=UTC)) == {"is_closed": True}


def test_days_are_those_of_the_school() -> None:
    assert timetable().day_of(datetime(2026, 6, 1, 23, 30, tzinfo=UTC)) == date(2026, 6, 2)
