"""Counts: nobody can be told from one, and what few know of is in none that others get."""

from pathlib import Path

import pytest
from incidents_of_test import IncidentsOfTest, on_track

from agent.incidents.incident_counts import Counts, count, count_told, first_told, for_all
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


ROWS = ("P02", "P03", "P04", "S15")


def told(school: IncidentsOfTest) -> Counts:
    return count_told(briefs(school), rows=ROWS, small_number=5)


def open_some(school: IncidentsOfTest, times: int, kind: Kind = Kind.GAMBLING, row: str = "P02") -> None:
    for _ in range(times):
        school.open(kind, rows=(row,))


def test_whoever_reads_them_counts_each(school: IncidentsOfTest) -> None:
    open_some(school, 6)
    open_some(school, 1, Kind.GAMES, "P03")
    assert count(briefs(school)) == Counts({"candidate": 7}, {"gambling": 6, "games": 1}, {"P02": 6, "P03": 1})


def test_what_there_is_once_is_not_told_from_what_there_is_not(school: IncidentsOfTest) -> None:
    open_some(school, 13)
    before = told(school)
    open_some(school, 1, Kind.SELF_HARM, "P04")
    assert told(school) == before
    assert set(before.by_kind) == {kind.value for kind in Kind}
    assert set(before.by_row) == {*ROWS, "none"}
    assert set(before.by_state) == {"accepted", "candidate", "closed", "dismissed"}


def test_no_count_is_what_is_left_of_another(school: IncidentsOfTest) -> None:
    """Eleven games and one case of self-harm are twelve in all: no table tells how many of another are missing."""
    open_some(school, 11, Kind.GAMES, "P03")
    open_some(school, 1, Kind.SELF_HARM, "P04")
    found = told(school)
    numbers = [*found.by_state.values(), *found.by_kind.values(), *found.by_row.values()]
    assert {each for each in numbers if each is not None} <= {10}
    assert (found.by_kind["self_harm"], found.by_kind["games"]) == (None, None)


def test_one_more_is_seen_by_nobody(school: IncidentsOfTest) -> None:
    open_some(school, 20, Kind.GAMES, "P03")
    open_some(school, 11)
    before = told(school)
    open_some(school, 1)
    assert told(school) == before


@pytest.mark.parametrize(("of_site", "first"), [(2, 5), (5, 5), (8, 8)])
def test_a_site_may_ask_for_more_and_not_for_less_than_five(of_site: int, first: int) -> None:
    assert first_told(of_site) == first


def test_of_nothing_no_count_is_told() -> None:
    found = count_told((), rows=ROWS, small_number=5)
    assert not {*found.by_state.values(), *found.by_kind.values(), *found.by_row.values()} - {None}
    assert count(()) == Counts({}, {}, {})
