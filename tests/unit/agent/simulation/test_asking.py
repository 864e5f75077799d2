"""What the agent of the school would make of a query."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from agent.simulation.asking import Asked, observed
from agent.simulation.school import build_school
from agent.simulation.timetable import Day
from rules.observation import Source

DAY = Day(date(2026, 11, 2), 0)
PUPIL = build_school(Random(1)).pupils[0]


def test_an_observation_says_who_what_and_when() -> None:
    found = observed(Asked(545, PUPIL, "games", "www.play.test", 3), DAY, number=7, late=timedelta(seconds=20))
    assert (found.id, found.subject, found.category, found.name, found.times) == (
        "2026-11-02-7",
        PUPIL.subject,
        "games",
        "www.play.test",
        3,
    )
    assert found.at == datetime(2026, 11, 2, 9, 5, tzinfo=UTC)
    assert found.received_at - found.at == timedelta(seconds=20)
    assert found.evidence == "2026-11-02 09:05"


@pytest.mark.parametrize(("minute", "facts"), [(545, {"in_lesson": True}), (650, {}), (1_300, {"is_closed": True})])
def test_the_timetable_is_among_its_facts(minute: int, facts: dict[str, bool]) -> None:
    assert observed(Asked(minute, PUPIL, "games", "play.test"), DAY, number=1, late=timedelta(0)).facts == facts


def test_what_is_told_keeps_the_facts_that_it_is_told_with() -> None:
    told = Asked(545, PUPIL, "", "", source=Source.REPORT, facts={"kind": "bullying"})
    found = observed(told, DAY, number=1, late=timedelta(0))
    assert (found.name, found.facts) == (None, {"kind": "bullying"})
