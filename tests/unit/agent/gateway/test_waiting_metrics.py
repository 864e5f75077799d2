"""What waits for a second person: how much of each kind, and since when."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from granting import LESSON, Granting

from agent.gateway.waiting_metrics import WAITING, waiting_metrics
from agent.people.people import People
from agent.requests.suspensions import AskedSuspension
from agent.storage.given_rows import BEGINNING_ENDED
from agent.storage.state import instant_text
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


def told(school: Granting) -> dict[str, float]:
    with school.store.read() as database:
        return {
            " ".join((sample.name.removeprefix("schoolgate_"), *sample.labels.values())): sample.value
            for family in waiting_metrics(database, school.clock())
            for sample in family.samples
        }


def draft(school: Granting, number: int, state: str, *, review_on: str) -> None:
    with school.store.act() as act:
        row = (
            number,
            instant_text(school.clock()),
            "{}",
            f"hash-{number}",
            "technician",
            None,
            "",
            review_on,
            state,
            "",
        )
        act.database.execute("INSERT INTO filter_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def test_of_every_kind_it_is_told_that_nothing_waits(school: Granting) -> None:
    found = told(school)
    assert len(found) == 2 * len(WAITING) + 1
    assert set(found.values()) == {0}


def test_the_oldest_of_each_kind_says_how_long_somebody_has_waited(school: Granting) -> None:
    first = school.overrides.request("teacher", school.written()).override.id
    school.clock.advance(minutes=5)
    school.overrides.request("teacher", school.written())
    asked = AskedSuspension(
        groups=("year5",), reason="The test of the exam board needs it.", until_at=school.clock() + LESSON
    )
    school.suspensions.request("technician", asked)
    draft(school, 1, "drafted", review_on="2027-01-01")
    school.clock.advance(minutes=1)
    found = told(school)
    assert [found[f"requests_waiting {what}"] for what in WAITING] == [2, 1, 1, 0]
    assert [found[f"oldest_request_age_seconds {what}"] for what in WAITING] == [360, 60, 60, 0]
    school.overrides.approve("manager", first, version=1)
    assert told(school)["oldest_request_age_seconds override"] == 60


def test_people_whose_roles_wait_are_counted_once(school: Granting) -> None:
    with school.store.act() as act:
        act.note(BEGINNING_ENDED, actor="system")
        People(school.store, new_id=lambda: "ben").open(act, "Ben", [Role.SLT, Role.HEAD_TEACHER], actor="manager")
    school.clock.advance(hours=2)
    found = told(school)
    assert (found["requests_waiting person"], found["oldest_request_age_seconds person"]) == (1, 7200)


def test_a_review_is_overdue_the_day_after_and_only_of_what_is_at_work(school: Granting) -> None:
    today = school.clock().date()
    for number, (state, days) in enumerate([("approved", 1), ("on_disk", 2), ("approved", 0), ("superseded", 9)]):
        draft(school, number, state, review_on=(today - timedelta(days=days)).isoformat())
    assert told(school)["filter_reviews_overdue"] == 2
