"""What Prometheus is told of incidents: closed words, honest numbers, and nothing of what is restricted or sealed."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from incidents_of_test import NOW, TRACKS, WHY, IncidentsOfTest, on_track
from prometheus_client.samples import Sample

from agent.incidents.incident_metrics import BECAME, DECIDED, OPEN, TOLD, WHYS, incident_metrics, row_label
from agent.storage.observation_rows import add_counts, write_told
from rules.assess import Outcome
from rules.incident import Dismissal, Track
from rules.incident_kind import Kind


@pytest.fixture
def school(tmp_path: Path) -> Iterator[IncidentsOfTest]:
    opened = IncidentsOfTest(tmp_path)
    yield opened
    opened.store.close()


def samples(school: IncidentsOfTest) -> list[Sample]:
    with school.store.read() as database:
        return [sample for each in incident_metrics(database, school.now) for sample in each.samples]


def values(school: IncidentsOfTest, name: str) -> dict[str, float]:
    return {" ".join(each.labels.values()): each.value for each in samples(school) if each.name == name}


def test_what_is_open_is_told_by_state_and_row(school: IncidentsOfTest) -> None:
    school.open()
    school.open(Kind.BYPASS, rows=("P13",))
    school.accept(school.open(Kind.GAMES, "other_pupil"), row="P02")
    assert values(school, "schoolgate_incidents") == {"candidate P02": 1, "candidate P13": 1, "accepted P02": 1}


def test_rows_of_a_school_of_its_own_and_none_share_a_label() -> None:
    assert [row_label(row) for row in ("P02", "S17", "", "P2", "X99", "Ada Clay")] == [
        "P02",
        "S17",
        "none",
        "own",
        "own",
        "own",
    ]


@pytest.mark.parametrize("track", [Track.RESTRICTED, Track.SEALED])
@pytest.mark.parametrize("number", [1, 7])
def test_what_is_restricted_or_sealed_changes_no_number(school: IncidentsOfTest, track: Track, number: int) -> None:
    school.open()
    before = samples(school)
    for _ in range(number):
        on_track(school, track)
    assert samples(school) == before


def test_what_became_of_candidates(school: IncidentsOfTest) -> None:
    school.accept(school.open())
    dismissed = school.open(Kind.GAMES, "other_pupil")
    school.incidents.decisions.dismiss(
        school.ids["coordinator"],
        dismissed.incident.id,
        version=dismissed.version,
        dismissal=Dismissal.BACKGROUND,
        words=WHY,
    )
    school.open(Kind.SHOPPING)
    assert values(school, "schoolgate_candidates_raised") == {"": 3}
    assert values(school, "schoolgate_candidates_decided") == {"accepted": 1, "dismissed": 1}


def test_how_long_the_oldest_has_waited_and_what_is_overdue(school: IncidentsOfTest) -> None:
    assert values(school, "schoolgate_oldest_incident_age_seconds") == {"candidate": 0, "accepted": 0}
    first = school.open()
    school.later(hours=2)
    school.open(Kind.BYPASS, rows=("P13",))
    assert values(school, "schoolgate_oldest_incident_age_seconds") == {"candidate": 7200, "accepted": 0}
    school.accept(first)
    assert values(school, "schoolgate_overdue_incident_steps") == {"": 0}
    school.later(days=60)
    assert values(school, "schoolgate_overdue_incident_steps")[""] > 0


def test_what_came_of_observations_and_of_machines(school: IncidentsOfTest) -> None:
    with school.store.act() as act:
        add_counts(act, {("opens", ""): 2, ("ignored", "too_little"): 5, ("sign_ins", "refused"): 1})
        write_told(act, "event-0001", {})
    observed = values(school, "schoolgate_observations_total")
    assert (observed["opens "], observed["ignored too_little"], observed["joins "]) == (2, 5, 0)
    assert values(school, "schoolgate_machine_events_total")["sign_ins refused"] == 1
    assert values(school, "schoolgate_machine_events_waiting") == {"": 1}


def test_every_label_is_one_of_ours(school: IncidentsOfTest) -> None:
    for track in TRACKS:
        on_track(school, track)
    with school.store.act() as act:
        add_counts(act, {("ignored", "www.example"): 1, ("Ada", "refused"): 1})
    closed = {
        "state": {state.value for state in OPEN},
        "decision": set(DECIDED),
        "outcome": {outcome.value for outcome in Outcome},
        "why": {"", *WHYS},
        "what": set(TOLD),
        "result": set(BECAME),
    }
    for each in samples(school):
        for label, value in each.labels.items():
            assert value in closed[label] if label in closed else row_label(value) == value


def test_a_state_that_knows_no_incidents_tells_nothing(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db")) as database:
        assert list(incident_metrics(database, NOW)) == []
