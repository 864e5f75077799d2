"""Counts of a class: of enough devices, of its own devices, since the lesson began, and nothing else."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from teaching_of_test import meet, teaching_school

from agent.console.requests.lesson_counts import LessonCounts, count_blocked, count_of_names

CLASS = [f"192.0.2.{last}" for last in range(5, 10)]


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = teaching_school(tmp_path)
    yield made
    made.store.close()


def counted(school: SchoolOfTest, *, minutes: int = 15, groups: tuple[str, ...] = ("year5",)) -> LessonCounts | None:
    return count_blocked(
        school.parts.activity,
        school.parts.observing.known(),
        groups,
        day=school.now.date(),
        since=school.now - timedelta(minutes=minutes),
        small_number=5,
    )


def test_without_a_file_nobody_knows(school: SchoolOfTest) -> None:
    assert counted(school) is None


def test_a_file_that_cannot_be_read_is_as_none(school: SchoolOfTest) -> None:
    school.parts.activity.mkdir()
    (school.parts.activity / f"activity-{school.now.date()}.db").write_bytes(b"no database " * 100)
    assert counted(school) is None
    assert count_of_names(school.parts.activity, ["x.example"], [school.now.date()], small_number=5) is None


def test_the_devices_of_the_class_count_and_no_others(school: SchoolOfTest) -> None:
    meet(school, [(each, "x.example", "games", 2) for each in CLASS] + [("192.0.2.16", "x.example", "games", 50)])
    assert counted(school) == LessonCounts(10, 5, (("games", 10),))
    assert counted(school, groups=("year6",)) == LessonCounts(None, None)
    assert counted(school, groups=("nobody",)) == LessonCounts(0, 0)


def test_what_was_before_the_lesson_does_not_count(school: SchoolOfTest) -> None:
    meet(school, [(each, "x.example", "games", 2) for each in CLASS])
    assert counted(school, minutes=0) == LessonCounts(0, 0)


def test_what_few_devices_met_cannot_be_worked_out_from_the_total(school: SchoolOfTest) -> None:
    meet(school, [(each, "x.example", "games", 2) for each in CLASS] + [(CLASS[0], "y.example", "vpn", 30)])
    assert counted(school) == LessonCounts(10, 5, (("games", 10),), has_others=True, is_partial=True)


def test_what_enough_devices_met_together_is_in_the_total(school: SchoolOfTest) -> None:
    meet(school, [(each, "x.example", "games", 2) for each in CLASS])
    meet(school, [(each, "y.example", f"category{number}", 1) for number, each in enumerate(CLASS)])
    assert counted(school) == LessonCounts(15, 5, (("games", 10),), has_others=True)


def test_where_no_category_was_met_by_enough_the_total_is_told_alone(school: SchoolOfTest) -> None:
    meet(school, [(each, "y.example", f"category{number}", 1) for number, each in enumerate(CLASS)])
    assert counted(school) == LessonCounts(5, 5, has_others=True)


def times(school: SchoolOfTest, *names: str, small_number: int = 5) -> dict[str, int | None] | None:
    days = [school.now.date() - timedelta(days=back) for back in range(3)]
    return count_of_names(school.parts.activity, names, days, small_number=small_number)


def test_a_name_counts_with_everything_below_it(school: SchoolOfTest) -> None:
    rows = [(each, f"a{number}.x.example", "games", 2) for number, each in enumerate(CLASS)]
    meet(school, [*rows, (CLASS[1], "x.example", "games", 1), (CLASS[1], "ax.example", "games", 9)])
    assert times(school, "x.example") == {"x.example": 11}


def test_what_is_written_after_a_look_counts_in_the_next(school: SchoolOfTest) -> None:
    for number in (1, 2, 3):
        meet(school, [(each, "x.example", "games", 1) for each in CLASS])
        assert times(school, "x.example") == {"x.example": 5 * number}


def test_what_few_devices_met_is_not_told_however_often_and_neither_is_nothing(school: SchoolOfTest) -> None:
    meet(school, [(each, "x.example", "games", 90) for each in CLASS[:4]])
    assert times(school, "x.example", "z.example") == {"x.example": None, "z.example": None}
    assert times(school, "x.example", small_number=4) == {"x.example": 360}


def test_one_device_on_several_days_is_one(school: SchoolOfTest) -> None:
    for _ in range(3):
        meet(school, [(each, "x.example", "games", 1) for each in CLASS[:2]])
        school.now -= timedelta(days=1)
    school.now += timedelta(days=3)
    assert times(school, "x.example") == {"x.example": None}


def test_a_mark_of_a_pattern_in_a_name_is_a_mark(school: SchoolOfTest) -> None:
    meet(school, [(each, "axb.example", "games", 1) for each in CLASS])
    assert times(school, "a_b.example", "axb.example") == {"a_b.example": None, "axb.example": 5}
