"""Counts: what is restricted is in none that could tell of somebody, and what was put right is in none at all."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from incidents_of_test import NOW, REASON, IncidentsOfTest, on_track

from agent.incident_counts import count, row_of, tally, tally_for_all
from agent.storage.incident_rows import read_incidents
from rules.incident import Dismissal, State, Track
from rules.incident_kind import Kind


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def test_what_was_raised_accepted_and_dismissed(school: IncidentsOfTest) -> None:
    accepted, dismissed, merged, corrected, waiting = (school.open() for _ in range(5))
    decisions, head = school.incidents.decisions, school.ids["head"]
    school.accept(accepted)
    decisions.dismiss(head, dismissed.incident.id, version=1, dismissal=Dismissal.TEST, words=REASON)
    decisions.merge(head, merged.incident.id, version=1, into=waiting.incident.id, reason=REASON)
    decisions.correct(head, corrected.incident.id, version=1, reason=REASON)
    school.later(days=3)
    with school.store.read() as database:
        found = tally_for_all(database, school.now, small_number=5)
    assert (found.raised, found.accepted, found.dismissed) == (3, 1, 1)
    assert found.open == {(State.CANDIDATE, "P02"): 1, (State.ACCEPTED, "P02"): 1}
    assert found.oldest_at == NOW
    assert found.overdue == 1


def test_restricted_ones_are_counted_once_there_are_enough(school: IncidentsOfTest) -> None:
    school.open()
    for number in range(1, 6):
        accepted = on_track(school, Track.RESTRICTED)
        school.accept(accepted, "head", "S15")
        with school.store.read() as database:
            found = tally_for_all(database, school.now + timedelta(days=30), small_number=5)
        assert found.raised == (1 if number < 5 else 6)
        assert (found.overdue > 0) is (number == 5)


def test_nothing_is_a_count_too(school: IncidentsOfTest) -> None:
    with school.store.read() as database:
        found = tally_for_all(database, NOW, small_number=5)
    assert (found.raised, found.oldest_at, found.open) == (0, None, {})
    assert tally((), overdue=0) == found


def test_a_count_that_tells_of_somebody_is_none(school: IncidentsOfTest) -> None:
    for _ in range(5):
        school.open()
    school.open(Kind.GAMES, rows=())
    with school.store.read() as database:
        filed = read_incidents(database)
    found = count(filed, small_number=5)
    assert found.by_kind == {"gambling": 5, "games": None}
    assert found.by_row == {"P02": 5, "none": None}
    assert found.by_state == {"candidate": 6}
    assert count(filed, small_number=0).by_kind == {"gambling": 5, "games": 1}


def test_the_row_is_the_accepted_one_else_the_likeliest(school: IncidentsOfTest) -> None:
    filed = school.open(rows=("P02", "P11"))
    assert row_of(filed) == "P02"
    assert row_of(replace(filed, incident=replace(filed.incident, row="P15"))) == "P15"
    assert row_of(replace(filed, incident=replace(filed.incident, rows=()))) == "none"
