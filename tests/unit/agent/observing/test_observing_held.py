"""What is held: one set of rules at a time, and nothing that was not stored."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from incidents_of_test import NOW, IncidentsOfTest

from agent.observing.observing_held import Holding


@pytest.fixture
def school(tmp_path: Path) -> Iterator[IncidentsOfTest]:
    opened = IncidentsOfTest(tmp_path)
    yield opened
    opened.store.close()


def test_the_same_rules_hold_what_is_remembered(school: IncidentsOfTest) -> None:
    holding = Holding(school.incidents)
    held = holding()
    school.site = replace(school.site, path="elsewhere.yaml")
    assert holding() is held
    assert held.site is school.site


def test_other_rules_remember_nothing_yet(school: IncidentsOfTest) -> None:
    holding = Holding(school.incidents)
    held = holding()
    tuned = replace(school.site.private.assessment, open_at=70)
    school.site = replace(school.site, private=replace(school.site.private, assessment=tuned))
    assert holding() is not held
    assert holding().rules.open_at == 70


def test_an_act_that_fails_leaves_nothing_remembered(school: IncidentsOfTest) -> None:
    holding = Holding(school.incidents)
    held = holding()
    with holding.weighing(held, since=NOW) as weighing:
        weighing.take(school.observation(id="o1"))
    assert holding() is held
    with pytest.raises(ZeroDivisionError), holding.weighing(held, since=NOW):
        raise ZeroDivisionError
    assert holding() is not held
    assert not len(holding().memory)


def test_only_what_anything_can_come_of_is_read(school: IncidentsOfTest) -> None:
    categories = Holding(school.incidents)().categories
    assert {"gambling", "criminal_activity"} <= categories
    assert categories.isdisjoint({"helplines", "health_education", "advertising"})
