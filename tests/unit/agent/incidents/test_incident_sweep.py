"""What the clock does: whoever waits too long is passed over, step by step of the chain, and warnings run out."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from incidents_of_test import NOW, REASON, IncidentsOfTest, on_track

from agent.incidents.incident_sweep import decide_by
from agent.storage.warning_rows import read_warnings
from rules.incident import Dismissal, Track
from rules.incident_kind import Kind


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


@pytest.mark.parametrize(
    ("track", "by"),
    [
        pytest.param(Track.SAFEGUARDING, NOW + timedelta(hours=1), id="the-same-hour"),
        pytest.param(Track.SEALED, NOW + timedelta(hours=1), id="sealed-in-the-same-hour"),
        pytest.param(Track.RESTRICTED, datetime(2026, 3, 4, tzinfo=NOW.tzinfo), id="by-the-end-of-the-next-day"),
        pytest.param(Track.ORDINARY, datetime(2026, 3, 5, tzinfo=NOW.tzinfo), id="within-two-school-days"),
    ],
)
def test_by_when_somebody_decides(school: IncidentsOfTest, track: Track, by: datetime) -> None:
    assert decide_by(school.incidents.desk, on_track(school, track)) == by


def test_a_weekend_is_no_time_to_decide(school: IncidentsOfTest) -> None:
    school.now = datetime(2026, 3, 6, 9, 0, tzinfo=NOW.tzinfo)
    assert decide_by(school.incidents.desk, school.open()) == datetime(2026, 3, 11, tzinfo=NOW.tzinfo)


def test_what_waits_climbs_step_by_step_and_is_told_once_each(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.SAFEGUARDING)
    told = []
    for minutes in (59, 1, 0, 59, 1, 60, 60):
        school.later(minutes=minutes)
        before = len(school.told)
        school.incidents.sweep()
        told.append([people for _, _, people in school.told[before:]])
    # The lead was told when it was filed; then the head, who is the end of the chain, again and again.
    assert told == [[], [("head",)], [], [], [("head",)], [("head",)], [("head",)]]
    assert school.filed(filed).climbed == 4
    assert school.kinds().count("incident_undecided") == 4
    assert school.filed(filed).version == 1


def test_it_does_not_climb_for_ever(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.SAFEGUARDING)
    climbed = []
    for _ in range(15):
        school.later(hours=1)
        climbed.append(school.incidents.sweep())
    assert climbed == [1] * 10 + [0] * 5
    assert school.filed(filed).climbed == 10


def test_whoever_was_passed_over_while_nothing_ran_is_told_at_once(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.accept(filed)
    school.open()
    school.later(days=30)
    assert school.incidents.sweep() == 2
    assert school.incidents.sweep() == 0
    assert school.told[-2:] == [
        ("incident_undecided", 2, ("head",)),
        ("incident_step_overdue", 1, ("coordinator", "head")),
    ]


def test_what_is_decided_does_not_climb(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.incidents.decisions.dismiss(
        school.ids["head"], filed.incident.id, version=1, dismissal=Dismissal.TEST, words=REASON
    )
    school.later(days=30)
    assert school.incidents.sweep() == 0


def test_what_is_restricted_climbs_within_its_circle(school: IncidentsOfTest) -> None:
    on_track(school, Track.RESTRICTED)
    school.later(days=3)
    school.incidents.sweep()
    assert school.told[-1] == ("incident_undecided", 1, ("deputy", "head"))


def test_an_overdue_step_climbs_past_its_owner(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.accept(filed)
    school.later(days=1)
    assert school.incidents.sweep() == 0
    told = []
    for _ in range(4):
        school.later(days=1)
        before = len(school.told)
        school.incidents.sweep()
        told.append([each for what, _, each in school.told[before:] if what == "incident_step_overdue"])
    # The class teacher was told when it was accepted; then the Co-ordinator, the head, and both again.
    assert told == [
        [("coordinator",)],
        [("head",)],
        [("coordinator", "head")],
        [("coordinator", "head")],
    ]
    step = school.steps(filed)[0]
    assert (step.climbed, school.names(step.told)) == (4, {"coordinator", "head"})
    assert school.kinds().count("incident_step_overdue") == 4


def test_a_step_that_is_done_climbs_no_more(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.accept(filed)
    school.later(days=3)
    school.do_all(filed)
    assert school.incidents.sweep() == 0


def test_steps_of_what_was_corrected_do_not_climb(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.accept(filed)
    school.incidents.decisions.correct(school.ids["head"], filed.incident.id, version=2, reason=REASON)
    school.later(days=9)
    assert school.incidents.sweep() == 0


def test_a_warning_runs_out_and_that_is_written_down_once(school: IncidentsOfTest) -> None:
    warned = school.warned()
    school.do_all(warned)
    school.later(days=365)
    assert school.incidents.sweep() == 0
    school.later(days=1)
    # The warning itself, and the sanction after it.
    assert school.incidents.sweep() == 2
    assert school.incidents.sweep() == 0
    with school.store.read() as database:
        assert [each.expired_at for each in read_warnings(database)] == [school.now, school.now]
    assert school.kinds()[-1] == "incident_warning_expired"


def test_a_sweep_over_many_writes_of_each_once(school: IncidentsOfTest) -> None:
    for _ in range(30):
        school.open(Kind.GAMES)
    school.later(days=4)
    assert school.incidents.sweep() == 30
    assert school.incidents.sweep() == 0
