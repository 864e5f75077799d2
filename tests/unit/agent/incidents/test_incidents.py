"""The engine's side of incidents: filing, joining, notes of devices, and what the engine is told of a subject."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from incidents_of_test import NOW, IncidentsOfTest, on_track

from agent.incidents.incidents import MOST_ENTRIES
from agent.people.attempts import UnknownIdError
from agent.storage.incident_rows import is_observed
from agent.storage.note_rows import read_notes
from agent.storage.timeline_rows import read_timeline
from rules.assess import Assessment, Outcome
from rules.errors import RefusedRequestError
from rules.incident import Level, State, Track
from rules.incident_kind import Kind
from rules.name import DomainName


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def test_a_candidate_is_filed_with_its_number_and_its_first_entry(school: IncidentsOfTest) -> None:
    first, second = school.open(), school.open(Kind.GAMES)
    assert (first.number, second.number, first.version) == (1, 2, 1)
    assert first.incident.state is State.CANDIDATE
    assert first.filed_at == NOW
    with school.store.read() as database:
        (entry,) = read_timeline(database, first.incident.id, with_personal=True)
    assert entry.content == {
        "source": "blocked",
        "category": "gambling",
        "times": 1,
        "place": "on_site",
        "confidence": "A",
    }
    assert entry.personal == {"name": "bet.example"}
    assert entry.evidence == "activity 2026-03-02 09:15"
    assert len(entry.hash) == 64


def test_the_record_tells_of_it_without_a_name_or_person(school: IncidentsOfTest) -> None:
    filed = school.open()
    (row,) = [row for row in school.record() if row[0] == "incident_opened"]
    assert row[1] == "system"
    for part in ('"kind":"gambling"', '"track":"ordinary"', '"level":"person"', '"intent":70', '"evidence":"'):
        assert part in row[2]
    for secret in ("bet.example", filed.incident.subject, school.ids["pupil"], "Pupil"):
        assert secret not in row[2]


@pytest.mark.parametrize("track", [Track.SAFEGUARDING, Track.RESTRICTED, Track.SEALED])
def test_what_is_confidential_leaves_only_a_proof_in_the_record(school: IncidentsOfTest, track: Track) -> None:
    on_track(school, track)
    (row,) = [row for row in school.record() if row[0] == "incident_opened"]
    assert '"is_confidential":true' in row[2]
    assert not {"kind", "track", "level", "intent", "number"} & set(row[2].replace('"', " ").split())


def test_what_led_to_it_stands_in_the_timeline_before_it(school: IncidentsOfTest) -> None:
    earlier = [
        school.observation(at=NOW - timedelta(minutes=minutes), name=DomainName(f"{minutes}.example"))
        for minutes in (3, 9)
    ]
    observation = school.observation()
    with school.store.act() as act:
        filed = school.incidents.open(
            act, observation, school.assessment(observation, Kind.GAMBLING, ("P02",)), earlier=earlier
        )
    with school.store.read() as database:
        timeline = read_timeline(database, filed.incident.id, with_personal=True)
        assert is_observed(database, earlier[0].id)
    assert [entry.personal["name"] for entry in timeline if entry.personal] == [
        "9.example",
        "3.example",
        "bet.example",
    ]
    assert filed.incident.opened_at == NOW - timedelta(minutes=9)
    assert school.kinds().count("incident_opened") == 1


def test_one_afternoon_is_one_incident(school: IncidentsOfTest) -> None:
    filed = school.open()
    joined = school.join(filed, at=NOW + timedelta(hours=2), intent=90)
    assert (joined.incident.id, joined.number) == (filed.incident.id, 1)
    assert joined.incident.last_at == NOW + timedelta(hours=2)
    assert joined.incident.intent == 90
    assert school.filed(filed).incident == joined.incident


def test_what_comes_late_begins_the_incident_earlier(school: IncidentsOfTest) -> None:
    filed = school.open()
    assert school.join(filed, at=NOW - timedelta(hours=1)).incident.opened_at == NOW - timedelta(hours=1)


def test_a_weaker_moment_takes_nothing_from_the_reasons(school: IncidentsOfTest) -> None:
    filed = school.open()
    joined = school.join(filed, at=NOW + timedelta(minutes=1), intent=20)
    assert joined.incident.intent == 70
    assert joined.incident.reasons == filed.incident.reasons


def test_the_same_observation_twice_is_one(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.join(filed, at=NOW + timedelta(minutes=1))
    before = school.kinds()
    school.join(filed, at=NOW + timedelta(minutes=1))
    assert school.kinds() == before


def test_an_observation_that_is_part_of_one_opens_no_other(school: IncidentsOfTest) -> None:
    first = school.open(id="o-1")
    assert school.open(Kind.GAMES, id="o-1") == first
    assert school.kinds() == ["incident_opened"]


def test_whoever_decides_is_not_disturbed_by_more_of_the_same(school: IncidentsOfTest) -> None:
    filed = school.open()
    assert school.join(filed, at=NOW + timedelta(minutes=1)).version == 1
    assert school.join(filed, at=NOW + timedelta(minutes=2), rows=("P02", "P11")).version == 2


def test_after_so_many_entries_there_is_only_counted(school: IncidentsOfTest) -> None:
    filed = school.open()
    with school.store.act() as act:
        for minute in range(MOST_ENTRIES + 10):
            observation = school.observation(at=NOW + timedelta(minutes=minute + 1))
            assessment = school.assessment(observation, Kind.GAMBLING, ("P02",))
            last = school.incidents.join(act, filed.incident.id, observation, assessment)
    assert last.further == 11
    with school.store.read() as database:
        assert len(read_timeline(database, filed.incident.id, limit=-1)) == MOST_ENTRIES
    assert school.kinds().count("incident_joined") == MOST_ENTRIES - 1


def test_nothing_joins_what_is_not_there_or_not_open(school: IncidentsOfTest) -> None:
    filed = school.open()
    observation = school.observation(at=NOW + timedelta(minutes=1))
    assessment = school.assessment(observation, Kind.GAMBLING, ("P02",))
    with pytest.raises(UnknownIdError), school.store.act() as act:
        school.incidents.join(act, "nothing", observation, assessment)
    school.accept(filed)
    school.do_all(filed)
    school.incidents.decisions.close(
        school.ids["head"],
        filed.incident.id,
        version=2,
        outcome="He has understood what it is about",
        lesson="We talk about odds in maths",
    )
    with pytest.raises(RefusedRequestError, match="is not open"), school.store.act() as act:
        school.incidents.join(act, filed.incident.id, observation, assessment)


def test_an_assessment_without_a_kind_opens_nothing(school: IncidentsOfTest) -> None:
    with pytest.raises(RefusedRequestError, match="without a kind"), school.store.act() as act:
        school.incidents.open(act, school.observation(), Assessment(Outcome.IGNORED))
    with school.store.act() as act:
        school.incidents.note_device(act, school.observation(""), Assessment(Outcome.IGNORED))
    assert school.kinds() == []


def test_what_nobody_is_known_for_stays_a_note_of_the_device(school: IncidentsOfTest) -> None:
    for minute in (0, 5):
        observation = school.observation("", at=NOW + timedelta(minutes=minute), times=3)
        with school.store.act() as act:
            school.incidents.note_device(act, observation, school.assessment(observation, Kind.GAMES, ()))
    with school.store.read() as database:
        (note,) = read_notes(database, since=NOW.date())
    assert (note.subject, note.times, note.last_at) == ("device7", 6, NOW + timedelta(minutes=5))
    assert "bet.example" not in school.everything_stored()
    assert school.kinds() == []


def test_the_engine_knows_what_stands_against_a_subject_of_late(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.open(about="other_pupil")
    with school.store.read() as database:
        found = school.incidents.recent_of(database, filed.incident.subject, NOW - timedelta(days=1))
        assert [incident.id for incident in found] == [filed.incident.id]
        assert school.incidents.recent_of(database, filed.incident.subject, NOW + timedelta(days=1)) == []


def test_a_warning_is_known_also_after_the_pseudonyms_have_changed(school: IncidentsOfTest) -> None:
    warned = school.warned()
    with school.store.read() as database:
        assert school.incidents.warnings_of(database, school.pseudonym("other_pupil"), school.now) == []
    school.now = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
    now = school.pseudonym("pupil")
    assert now != warned.incident.subject
    with school.store.read() as database:
        (found,) = school.incidents.warnings_of(database, now, school.now)
        assert (found.incident, found.row) == (warned.incident.id, "P13")
        assert school.incidents.warnings_of(database, now, school.now + timedelta(days=365)) == []


@pytest.mark.parametrize(
    ("track", "people"),
    [
        pytest.param(Track.ORDINARY, ("coordinator",), id="ordinary-to-the-co-ordinator"),
        pytest.param(Track.SAFEGUARDING, ("lead",), id="safeguarding-to-the-lead-and-not-to-ict"),
        pytest.param(Track.RESTRICTED, ("deputy", "head"), id="restricted-to-the-head-and-the-second-reader"),
        pytest.param(Track.SEALED, ("lead",), id="sealed-to-the-safeguarding-lead"),
    ],
)
def test_who_is_told_first(school: IncidentsOfTest, track: Track, people: tuple[str, ...]) -> None:
    filed = on_track(school, track)
    assert school.told == [("incident_opened", filed.number, people)]


def test_an_incident_goes_past_whom_it_is_about(school: IncidentsOfTest) -> None:
    school.open(Kind.GAMBLING, "coordinator", rows=())
    school.open(Kind.PORNOGRAPHY, "head", rows=("S15",))
    assert [people for _, _, people in school.told] == [("head",), ("chair", "deputy")]


def test_what_is_sealed_is_held_from_the_start(school: IncidentsOfTest) -> None:
    assert on_track(school, Track.SEALED).is_held
    assert not on_track(school, Track.ORDINARY).is_held


def test_a_device_that_everybody_must_look_at_is_an_incident_of_nobody(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.FILTER_OFF, "", rows=())
    assert filed.incident.level is Level.DEVICE
    assert replace(filed.incident, subject="").subject == ""
