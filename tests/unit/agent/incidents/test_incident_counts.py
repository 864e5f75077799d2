"""Counts: nobody can be told from one, and what few know of is in none that others get."""

from pathlib import Path

import pytest
from incidents_of_test import IncidentsOfTest, on_track

from agent.incidents.incident_counts import count, for_all
from agent.storage.incident_briefs import Brief, read_briefs
from rules.incident import Track
from rules.incident_kind import Kind


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def briefs(school: IncidentsOfTest) -> list[Brief]:
    with school.store.read() as database:
        return list(read_briefs(database))


@pytest.mark.parametrize("track", [Track.RESTRICTED, Track.SEALED])
def test_what_few_know_of_is_counted_once_there_is_enough_of_it(school: IncidentsOfTest, track: Track) -> None:
    school.open()
    for number in range(1, 6):
        on_track(school, track)
        found = for_all(briefs(school), 5)
        assert len(found) == (1 if number < 5 else 6)


def test_of_one_track_there_may_be_enough_and_of_the_other_not(school: IncidentsOfTest) -> None:
    for _ in range(5):
        on_track(school, Track.RESTRICTED)
    on_track(school, Track.SEALED)
    assert {each.track for each in for_all(briefs(school), 5)} == {Track.RESTRICTED}


def test_a_count_that_tells_of_somebody_is_none(school: IncidentsOfTest) -> None:
    for _ in range(5):
        school.open()
    school.open(Kind.GAMES, rows=())
    found = count(briefs(school), small_number=5)
    assert found.by_kind == {"gambling": 5, "games": None}
    assert found.by_row == {"P02": 5, "none": None}
    assert found.by_state == {"candidate": 6}
    assert count(briefs(school), small_number=0).by_kind == {"gambling": 5, "games": 1}


def test_nothing_is_a_count_too() -> None:
    found = count((), small_number=5)
    assert (found.by_state, found.by_kind, found.by_row) == ({}, {}, {})
