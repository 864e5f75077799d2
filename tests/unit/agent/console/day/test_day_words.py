"""The three answers of the day: one sentence each, exact, and never fine where nobody knows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agent.console.charts.coverage_figures import Coverage, NetworkCoverage
from agent.console.charts.coverage_figures import Filtering as Stands
from agent.console.charts.list_figures import ListAge, ListAges
from agent.console.day.day_figures import Filtering, Today, Workers
from agent.console.day.day_waiting import Changed, Changes, Overdue, Waiting, Waits, What
from agent.console.day.day_words import (
    PATHS,
    Tone,
    answer_changes,
    answer_filtering,
    answer_waiting,
    list_words,
    since_words,
    span_of,
    stand_words,
    wait_words,
    waiting_lines,
    weight_words,
)
from agent.lists.list_status import ListState
from agent.record.record_status import RecordStatus
from agent.texts import load_texts
from rules.category import LANGUAGES
from rules.incident_weight import Weight
from rules.subject import Audience

ENGLISH = load_texts("en")
# A Monday.
NOW = datetime(2026, 3, 2, 9, 15, tzinfo=ZoneInfo("Europe/London"))
ELSEWHERE_ON = "Filtering is off for a while, as two people agreed; elsewhere it is on"
ALL_OFF = "Filtering is off in the whole school for a while, as two people agreed."
LATE = "A part of the gateway answers by older rules or not at all."


def network(name: str, stands: Stands = Stands.ON) -> NetworkCoverage:
    return NetworkCoverage(name, Audience.PUPIL, stands, 20, 20)


def aged(name: str, days: float | None, state: ListState = ListState.FRESH) -> ListAge:
    return ListAge(name, state, None if days is None else days * 86_400, 2 * 86_400)


WELL = Filtering(
    Coverage((network("classrooms"), network("library"))),
    Workers(2, 2, 2, policy=12, lists=3),
    ListAges((aged("ut1", 2), aged("ours", 0.5))),
    Today(9, 1, 1, 1, 1),
)


@pytest.mark.parametrize(
    ("changes", "words", "tone"),
    [
        ({}, "Filtering is on in all 2 networks, by lists that are at most 2 days old.", Tone.GOOD),
        (
            {"coverage": Coverage((network("classrooms", Stands.OPENED),))},
            "Filtering is on in the one network, by lists that are at most 2 days old.",
            Tone.GOOD,
        ),
        ({"coverage": Coverage(())}, "No network is set up yet, so nothing is filtered.", Tone.BAD),
        (
            {"workers": None},
            "Nobody knows just now whether filtering is on: the gateway does not answer.",
            Tone.BAD,
        ),
        (
            {"coverage": Coverage((network("a", Stands.OFF), network("b", Stands.UNKNOWN))), "workers": None},
            "Filtering is off in a, and nothing on record says why.",
            Tone.BAD,
        ),
        (
            {"coverage": Coverage((network("a"), network("b", Stands.UNKNOWN)))},
            "Of 1 network nobody knows just now whether filtering is on there.",
            Tone.WARN,
        ),
        (
            {"is_suspended": True},
            f"{ELSEWHERE_ON}, by lists that are at most 2 days old.",
            Tone.WARN,
        ),
        (
            {
                "is_suspended": True,
                "suspended": frozenset({"library"}),
                "lists": ListAges((aged("ut1", 9, ListState.STALE), aged("ours", 1))),
            },
            f"{ELSEWHERE_ON}, but not all lists are as they should be: ut1.",
            Tone.WARN,
        ),
        (
            {"is_suspended": True, "suspended": frozenset({"classrooms", "library"})},
            "Filtering is off in the whole school for a while, as two people agreed.",
            Tone.WARN,
        ),
        (
            {
                "is_suspended": True,
                "suspended": frozenset({"classrooms", "library"}),
                "lists": ListAges((aged("ut1", 9, ListState.STALE), aged("ours", 1))),
                "workers": Workers(2, 2, 1, policy=12, lists=3),
            },
            f"{ALL_OFF} Not all lists are as they should be: ut1. {LATE}",
            Tone.WARN,
        ),
        (
            {
                "is_suspended": True,
                "suspended": frozenset({"classrooms", "library"}),
                "lists": ListAges(()),
            },
            f"{ALL_OFF} There is no list.",
            Tone.WARN,
        ),
        (
            {
                "lists": ListAges((aged("ut1", 9, ListState.STALE), aged("ours", 1))),
                "workers": Workers(2, 1, 1, policy=12, lists=3),
            },
            f"Filtering is on in all 2 networks, but not all lists are as they should be: ut1. {LATE}",
            Tone.WARN,
        ),
        (
            {"lists": ListAges((aged("ut1", 9, ListState.STALE), aged("ours", 1)))},
            "Filtering is on in all 2 networks, but not all lists are as they should be: ut1.",
            Tone.WARN,
        ),
        (
            {"lists": ListAges(())},
            "Filtering is on in all 2 networks, by the school's own rules alone: there is no list.",
            Tone.WARN,
        ),
        (
            {"workers": Workers(2, 2, 1, policy=12, lists=3)},
            "Filtering is on in all 2 networks, but a part of it answers by older rules or not at all.",
            Tone.WARN,
        ),
    ],
    ids=str,
)
def test_whether_filtering_is_on_and_right(changes: Mapping[str, Any], words: str, tone: Tone) -> None:
    found = answer_filtering(replace(WELL, **changes), ENGLISH)
    assert (found.words, found.tone) == (words, tone)


@pytest.mark.parametrize(
    ("waiting", "words", "tone"),
    [
        (Waiting(), "Nothing waits for you, and nothing is overdue.", Tone.GOOD),
        (Waiting(overdue=Overdue(own=1)), "1 thing is overdue.", Tone.WARN),
        (
            Waiting(waits=(Waits(What.REQUESTS, 3), Waits(What.CANDIDATES, 5))),
            "Waiting for you: 3 requests and 5 candidates. Nothing is overdue.",
            Tone.WARN,
        ),
        (
            Waiting(waits=(Waits(What.LAPTOPS, 1),), overdue=Overdue(1, 2, 3)),
            "Waiting for you: 1 laptop to let in. 6 things are overdue.",
            Tone.WARN,
        ),
        (
            Waiting(record=RecordStatus(9, None, is_intact=False, fault="row 7 is another", anchored_at=None)),
            "The record is not whole; somebody has to look at it now.",
            Tone.BAD,
        ),
    ],
)
def test_what_needs_me(waiting: Waiting, words: str, tone: Tone) -> None:
    found = answer_waiting(waiting, ENGLISH)
    assert (found.words, found.tone) == (words, tone)


def test_every_line_says_where_it_is_done_and_what_is_late() -> None:
    waiting = Waiting(waits=(Waits(What.PEOPLE, 2, NOW),), overdue=Overdue(1, 2, 3))
    assert [(each.words, each.path, each.is_late) for each in waiting_lines(waiting, ENGLISH)] == [
        ("2 people to confirm", "/people", False),
        ("1 step of yours", "/tasks", True),
        ("2 steps of others", "/incidents?standing=accepted", True),
        ("3 changes of the filter to look at again", "/filter", True),
    ]


def changed(by: str) -> Changed:
    return Changed(7, NOW, ("A rule was added.",), by, is_in_force=True)


@pytest.mark.parametrize(
    ("filters", "emergencies", "suspensions", "words", "tone"),
    [
        ((), 0, 0, "Nothing of the filter has changed since Friday.", Tone.GOOD),
        ((changed("Henry"),), 0, 0, "Since Friday: 1 change of the filter.", Tone.GOOD),
        (
            (changed("Henry"), changed("")),
            0,
            0,
            "Since Friday: 2 changes of the filter. Nobody approved 1 of these changes.",
            Tone.WARN,
        ),
        (
            (),
            2,
            1,
            "Since Friday: 2 emergencies and filtering off for a while, 1 time.",
            Tone.WARN,
        ),
    ],
)
def test_what_changed(
    filters: tuple[Changed, ...], emergencies: int, suspensions: int, words: str, tone: Tone
) -> None:
    since = datetime(2026, 2, 27, tzinfo=UTC)
    found = answer_changes(Changes(since, filters, 4, emergencies, suspensions), NOW, ENGLISH)
    assert (found.words, found.tone) == (words, tone)


@pytest.mark.parametrize(
    ("days", "words"), [(1, "yesterday"), (3, "Friday"), (6, "Tuesday"), (9, "21 February 2026")]
)
def test_a_day_is_named_as_people_do(days: int, words: str) -> None:
    assert since_words(NOW.replace(hour=0) - timedelta(days=days), NOW, ENGLISH) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "1 minute"), (5400, "2 hours"), (86_400, "24 hours"), (2 * 86_400, "2 days")]
)
def test_an_age_has_one_unit(seconds: float, words: str) -> None:
    assert span_of(seconds, ENGLISH) == words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_thing_has_words_and_a_place_in_every_language(language: str) -> None:
    texts = load_texts(language)
    assert {wait_words(each, number, texts) for each in What for number in (1, 2)}
    assert set(PATHS) == set(What)
    assert set(stand_words(texts)) == set(Stands)
    assert set(list_words(texts)) == set(ListState)
    assert len({weight_words(each, texts) for each in Weight}) == len(Weight)
    for answer in (answer_filtering(WELL, texts), answer_waiting(Waiting(), texts)):
        assert answer.words


def test_overdue_steps_of_others_lead_to_the_cases_that_have_steps() -> None:
    lines = waiting_lines(Waiting(overdue=Overdue(others=2)), ENGLISH)
    assert [(each.words, each.path) for each in lines] == [("2 steps of others", "/incidents?standing=accepted")]
