"""Programs that ask by themselves."""

from dataclasses import replace
from datetime import date
from itertools import pairwise
from random import Random

import pytest

from agent.simulation.apps import App, apps_of
from agent.simulation.asking import Asked
from agent.simulation.habits import FAMILIAR
from agent.simulation.school import User, build_school
from agent.simulation.timetable import OPEN, Day

SCHOOL = build_school(Random(1))
USER = SCHOOL.pupils[0]
SCHOOL_DAY, SUNDAY = Day(date(2026, 9, 7), 0), Day(date(2026, 9, 13), None)
BEAT = App("games", ("api.play.test", "play.test"), 30, 0, irregular=False, retries=0.0, is_left_on=False)


def on_some_day(app: App, day: Day = SCHOOL_DAY) -> list[Asked]:
    """Give what it asks for on a day on which the device is there."""
    return next((asked for seed in range(20) if (asked := list(app.on(day, USER, Random(seed))))), [])


def test_a_beat_is_one_and_brings_all_its_names() -> None:
    asked = on_some_day(BEAT)
    minutes = sorted({each.minute for each in asked})
    assert {later - earlier for earlier, later in pairwise(minutes)} == {30}
    assert {each.name for each in asked} == {"api.play.test", "play.test"}
    assert all(OPEN[0] <= minute < OPEN[1] for minute in minutes)


def test_only_what_is_left_on_asks_at_the_week_end() -> None:
    assert on_some_day(BEAT, SUNDAY) == []
    assert on_some_day(replace(BEAT, is_left_on=True), SUNDAY)


def test_one_without_an_answer_tries_again() -> None:
    minutes = [each.minute for each in on_some_day(replace(BEAT, names=("play.test",), retries=1.0))]
    assert {minutes[0] + 1, minutes[0] + 3, minutes[0] + 7} <= set(minutes)


@pytest.mark.parametrize(
    "user", [SCHOOL.pupils[0], SCHOOL.staff[0], SCHOOL.strangers[0]], ids=["pupil", "staff", "stranger"]
)
def test_everybody_may_have_some(user: User) -> None:
    apps = apps_of(user, FAMILIAR, Random(3))
    assert 1 <= len(apps) <= 3
    assert all(app.names and FAMILIAR.beat[0] <= app.beat <= FAMILIAR.beat[1] for app in apps)
