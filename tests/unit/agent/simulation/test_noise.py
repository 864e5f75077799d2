"""What happens in a school all day that nobody has to look at."""

from collections import Counter
from dataclasses import replace
from datetime import date
from random import Random
from statistics import mean

from agent.simulation.asking import Asked
from agent.simulation.habits import FAMILIAR, Habits
from agent.simulation.noise import Everyday, count
from agent.simulation.school import build_school
from agent.simulation.sites import PRIVATE, SUBJECTS
from agent.simulation.timetable import Day
from rules.observation import Source

SCHOOL = build_school(Random(1))
QUIET = Habits(
    lessons=0,
    tablet_lessons=0,
    staff_pages=(0, 0),
    start_pages=0,
    slips=0,
    tries=0,
    mistyped=0,
    class_pages=0,
    topic_lessons=0,
    override_lessons=0,
    swaps=0,
    stray_illegal=0,
    help=0,
    pupil_apps=0,
    tablet_apps=0,
    staff_apps=0,
    stranger_apps=0,
)


def a_day(habits: Habits, *, is_school: bool = True) -> list[Asked]:
    day = Day(date(2026, 9, 7), 0 if is_school else None)
    return list(Everyday(SCHOOL, habits, Random(1)).of(day, Random(1)))


def test_an_ordinary_day_has_something_of_everything() -> None:
    asked = a_day(replace(FAMILIAR, override_lessons=3, topic_lessons=9, help=9))
    assert {each.category for each in asked} >= {*SUBJECTS} - {"", "hate_speech", "discrimination", "self_harm"}
    assert {each.source for each in asked} == {Source.BLOCKED, Source.OVERRIDE_USED}
    assert 1_500 < len(asked) < 10_000


def test_without_its_habits_a_school_is_quiet() -> None:
    assert a_day(QUIET) == []
    assert {each.user.subject for each in a_day(FAMILIAR, is_school=False)} < {user.subject for user in SCHOOL.users}


def test_a_class_opens_one_page_together() -> None:
    asked = a_day(replace(QUIET, class_pages=1.5))
    of_a_name = Counter(each.name for each in asked)
    assert max(of_a_name.values()) > 10
    assert max(each.minute for each in asked) - min(each.minute for each in asked if each.name == asked[0].name) < 500


def test_in_a_lesson_on_a_subject_everybody_comes_upon_other_sites() -> None:
    asked = a_day(replace(QUIET, topic_lessons=1.5))
    assert len({each.user.subject for each in asked}) > 15
    assert len({each.name for each in asked}) > 15


def test_a_slip_is_one_and_who_is_curious_looks_at_two_or_three_sites() -> None:
    slips = Counter(each.user.subject for each in a_day(replace(QUIET, slips=0.5)))
    assert set(slips.values()) == {1}
    tries = Counter(each.user.subject for each in a_day(replace(QUIET, tries=0.5)))
    assert set(tries.values()) == {1, 2, 3}


def test_a_mistyped_name_comes_with_and_without_www() -> None:
    names = {each.name for each in a_day(replace(QUIET, mistyped=0.2))}
    assert names
    assert {f"www.{name}" for name in names if not name.startswith("www.")} <= names


def test_who_looks_for_help_is_among_them() -> None:
    assert {each.category for each in a_day(replace(QUIET, help=20))} == {*PRIVATE}


def test_counts_are_right_on_average() -> None:
    random = Random(1)
    assert abs(mean(count(random, 2.5) for _ in range(5_000)) - 2.5) < 0.1
