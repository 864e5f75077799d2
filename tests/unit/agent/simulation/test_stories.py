"""What is planted."""

from collections import Counter
from random import Random

import pytest

from agent.simulation.habits import FAMILIAR
from agent.simulation.school import build_school
from agent.simulation.sites import PRIVATE
from agent.simulation.stories import SPREES, Expected, Spree, Story, by_day, plant
from rules.name import DomainName
from rules.observation import Confidence, Source
from rules.programs import site_of

SCHOOL = build_school(Random(1))
STORIES = plant(SCHOOL, 60, FAMILIAR, Random(1))


def of_title(title: str) -> list[Story]:
    return [story for story in STORIES if story.title == title]


def test_a_term_has_its_stories_and_nobody_is_in_two_of_them() -> None:
    assert Counter(story.expected for story in STORIES) == {
        Expected.FOUND: 54,
        Expected.DEVICE_ONLY: 6,
        Expected.NOTHING: 4,
    }
    subjects = [subject for story in STORIES for subject in story.subjects]
    assert len(subjects) == len(set(subjects))


def test_a_shorter_term_has_fewer_but_some_of_each() -> None:
    few = plant(SCHOOL, 10, FAMILIAR, Random(1))
    assert {story.title for story in few} == {story.title for story in STORIES}
    assert all(0 <= day < 10 for story in few for day in story.days)


@pytest.mark.parametrize("spree", [spree for spree, _ in SPREES], ids=[spree.title for spree, _ in SPREES])
def test_a_spree_is_as_long_as_it_says(spree: Spree) -> None:
    for story in of_title(spree.title):
        assert story.kind is spree.kind
        assert spree.days[0] <= len(story.days) <= spree.days[1]
        for asked in story.asked.values():
            tried = {site_of(DomainName(each.name)) for each in asked}
            assert spree.sites[0] <= len(tried) <= spree.sites[1]
            assert all(0 <= each.minute < 24 * 60 for each in asked)


def test_friends_are_of_one_class() -> None:
    for story in of_title("social networks in a group"):
        (asked,) = story.asked.values()
        assert len(story.subjects) >= 3
        assert len({each.user.groups for each in asked}) == 1


def test_where_it_is_not_clear_who_it_was_nobody_is_named() -> None:
    asked = [
        each
        for story in STORIES
        if story.expected is Expected.DEVICE_ONLY
        for day in story.asked.values()
        for each in day
    ]
    assert {each.user.confidence for each in asked} == {Confidence.C, Confidence.D}


def test_who_looks_for_help_asks_for_nothing_else() -> None:
    asked = [
        each
        for story in STORIES
        if story.expected is Expected.NOTHING
        for day in story.asked.values()
        for each in day
    ]
    assert {each.category for each in asked} == {*PRIVATE}


def test_by_day_holds_all_of_them() -> None:
    planted = by_day(STORIES)
    assert sum(map(len, planted.values())) == sum(len(day) for story in STORIES for day in story.asked.values())
    assert {each.source for day in planted.values() for each in day} == {*Source} - {Source.OVERRIDE_USED}
