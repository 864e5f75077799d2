"""How the filter stands: read from what a gateway left; what nobody knows is unknown, never fine."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from day_of_test import answer, count, move_in

from agent.console.charts.coverage_figures import Filtering
from agent.console.day.day_figures import last_school_day, read_filtering, read_workers
from agent.lists.list_status import ListState

MONDAY = date(2026, 3, 2)


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    made = SchoolOfTest(tmp_path)
    move_in(made, tmp_path)
    return made


def test_without_a_gateway_nothing_is_known_of_any_network(school: SchoolOfTest) -> None:
    found = read_filtering(school.parts)
    assert found.workers is None
    assert {each.filtering for each in found.coverage.networks} == {Filtering.UNKNOWN}


def test_with_a_gateway_every_network_says_how_it_stands(school: SchoolOfTest) -> None:
    answer(school, is_open={"visitors": ("gambling",)})
    found = read_filtering(school.parts)
    stands = {each.network: each.filtering for each in found.coverage.networks}
    assert stands == {
        "classrooms": Filtering.ON,
        "staff-room": Filtering.ON,
        "visitors": Filtering.OPENED,
    }
    assert found.workers is not None
    assert found.workers.are_well
    assert (found.workers.policy, found.workers.lists) == (12, 3)


def test_a_gateway_that_was_killed_left_workers_that_say_nothing(school: SchoolOfTest) -> None:
    answer(school, silent=2)
    assert read_filtering(school.parts).workers is None


@pytest.mark.parametrize(
    ("behind", "silent", "answering", "newest"), [(0, 0, 3, 3), (1, 0, 3, 2), (0, 1, 2, 2), (1, 1, 2, 1)]
)
def test_workers_are_counted_by_whether_they_answer_and_by_what(
    school: SchoolOfTest, behind: int, silent: int, answering: int, newest: int
) -> None:
    answer(school, workers=3, behind=behind, silent=silent)
    found = read_workers(Path(school.site.paths.runtime))
    assert found is not None
    assert (found.number, found.answering, found.newest) == (3, answering, newest)
    assert found.are_well is (newest == 3)


@pytest.mark.parametrize("left", [b"", b"nonsense", b"\0" * 8192])
def test_a_damaged_file_of_a_gateway_is_no_gateway(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "shared.mem").write_bytes(left)
    assert read_workers(tmp_path) is None


def test_lists_come_with_their_age_and_with_how_old_they_may_be(school: SchoolOfTest) -> None:
    (fresh,) = read_filtering(school.parts).lists.lists
    assert (fresh.name, fresh.state, fresh.age_seconds) == ("bets", ListState.FRESH, 0.0)
    school.now += timedelta(days=3)
    (old,) = read_filtering(school.parts).lists.lists
    assert (old.state, old.age_seconds, old.most_seconds) == (ListState.STALE, 3 * 86_400.0, 2 * 86_400.0)


def test_today_is_set_against_the_same_hours_of_this_weekday(school: SchoolOfTest) -> None:
    # It is a quarter past nine: what is asked in this hour is not over.
    count(school, MONDAY, 8, asked=120, blocked=12)
    count(school, MONDAY, 9, asked=999, blocked=99)
    for weeks, asked in ((1, 100), (2, 90), (3, 5000)):
        count(school, MONDAY - timedelta(weeks=weeks), 8, asked=asked, blocked=asked // 10)
        count(school, MONDAY - timedelta(weeks=weeks), 11, asked=1, blocked=1)
    count(school, MONDAY - timedelta(days=1), 8, asked=7, blocked=7)
    today = read_filtering(school.parts).today
    assert (today.hours, today.asked, today.blocked) == (9, 120, 12)
    assert (today.usually_asked, today.usually_blocked) == (100, 10)


def test_what_is_usual_takes_more_than_one_day(school: SchoolOfTest) -> None:
    count(school, MONDAY - timedelta(weeks=1), 8, asked=100, blocked=10)
    today = read_filtering(school.parts).today
    assert (today.asked, today.blocked, today.usually_asked, today.usually_blocked) == (None, None, None, None)


def test_the_school_day_before_a_monday_is_a_friday(school: SchoolOfTest) -> None:
    assert last_school_day(school.parts) == date(2026, 2, 27)
    school.now += timedelta(days=1)
    assert last_school_day(school.parts) == MONDAY
