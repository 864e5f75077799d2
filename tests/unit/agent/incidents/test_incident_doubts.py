"""When it is no longer certain who it was: what a candidate loses, and who is told of what."""

from pathlib import Path

import pytest
from incidents_of_test import PURPOSE, TRACKS, IncidentsOfTest, on_track

from agent.incidents.incident_doubts import DOUBTED, LOST, Doubt, doubt
from agent.storage.incident_rows import Filed
from agent.storage.timeline_rows import read_timeline
from rules.incident import Level, Reason, State, Track
from rules.observation import Confidence

FOUND = Doubt("device7", Confidence.C, ("several_people",), 2, 5)


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def learn(school: IncidentsOfTest, filed: Filed) -> bool:
    with school.store.act() as act:
        return doubt(school.incidents.desk, act, school.filed(filed), FOUND)


@pytest.mark.parametrize("track", TRACKS)
def test_a_candidate_is_about_the_device_and_stays_with_whoever_deals_with_it(
    school: IncidentsOfTest, track: Track
) -> None:
    filed = on_track(school, track)
    assert learn(school, filed)
    after = school.filed(filed)
    incident = after.incident
    assert (incident.subject, incident.level, incident.confidence) == ("device7", Level.DEVICE, Confidence.C)
    assert (incident.track, incident.state, after.version) == (track, State.CANDIDATE, 2)
    assert incident.against[-1] == Reason(LOST, 0, {"entries": 2, "of": 5})
    assert (after.why_identity, after.warnings, after.groups) == (("several_people",), (), frozenset())
    with school.store.read() as database:
        last = read_timeline(database, incident.id)[-1]
    assert (last.what, last.actor) == (DOUBTED, "system")
    assert dict(last.content) == {"entries": 2, "of": 5, "why": ["several_people"]}


def test_whoever_looked_at_it_and_may_is_told_beside_those_who_know_first(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.SAFEGUARDING)
    school.incidents.looking.get(school.ids["head"], filed.incident.id, purpose=PURPOSE, case=filed.number)
    learn(school, filed)
    assert school.told[-1] == (DOUBTED, filed.number, ("head", "lead"))


def test_whom_it_was_about_is_not_told(school: IncidentsOfTest) -> None:
    filed = school.open(about="coordinator", rows=("S02",))
    learn(school, filed)
    assert "coordinator" not in school.told[-1][2]


@pytest.mark.parametrize("is_closed", [False, True], ids=["accepted", "closed"])
def test_what_was_decided_stays_and_whoever_decided_is_told_once(school: IncidentsOfTest, is_closed: bool) -> None:
    filed = school.open()
    school.accept(filed)
    if is_closed:
        school.do_all(filed)
        close = school.incidents.decisions.close
        version = school.filed(filed).version
        close(
            school.ids["coordinator"],
            filed.incident.id,
            version=version,
            outcome="All is said",
            lesson="We ask sooner",
        )
    before = school.filed(filed)
    assert (learn(school, filed), learn(school, filed)) == (True, False)
    assert school.filed(filed) == before
    assert school.told[-1] == (DOUBTED, filed.number, ("coordinator",))
    assert school.kinds().count(DOUBTED) == 1


def test_where_whoever_decided_has_left_those_are_told_who_know_first(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.accept(filed, "lead")
    with school.store.act() as act:
        school.people.close(act, school.ids["lead"], actor="system")
    learn(school, filed)
    assert school.told[-1] == (DOUBTED, filed.number, ("coordinator",))


def test_the_record_keeps_of_what_is_not_ordinary_that_something_was_learnt(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.RESTRICTED)
    learn(school, filed)
    kind, _, facts = school.record()[-1]
    assert (kind, "several_people" in facts, "is_confidential" in facts) == (DOUBTED, False, True)
