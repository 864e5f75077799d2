"""Looking at incidents: every track for every role, what a list shows, and that every look is noted."""

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

import pytest
from incidents_of_test import NOW, PEOPLE, PURPOSE, IncidentsOfTest, on_track

from agent.incidents.incident_access import fault_of_purpose
from agent.people.attempts import UnknownIdError
from agent.storage.access_rows import Seen, read_accesses
from rules.errors import RefusedRequestError
from rules.incident import State, Track
from rules.incident_kind import Kind

READERS = {
    Track.ORDINARY: {"head", "coordinator", "lead"},
    Track.SAFEGUARDING: {"head", "lead"},
    Track.RESTRICTED: {"head", "deputy"},
    Track.SEALED: {"head", "coordinator", "lead"},
}


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def may_look(school: IncidentsOfTest, name: str, incident_id: str, case: int) -> bool:
    try:
        school.incidents.looking.get(school.ids[name], incident_id, purpose=PURPOSE, case=case)
    except UnknownIdError:
        return False
    return True


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("track", Track)
def test_every_track_for_every_role(school: IncidentsOfTest, track: Track, name: str) -> None:
    filed = on_track(school, track)
    is_reader = name in READERS[track]
    assert may_look(school, name, filed.incident.id, filed.number) is is_reader
    assert bool(school.incidents.looking.queue(school.ids[name])) is is_reader
    assert ("incident_viewed" in school.kinds()) is is_reader
    # Whoever tries what is not theirs leaves a trace, and learns nothing.
    assert ("rule_refused" in school.kinds()) is not is_reader


@pytest.mark.parametrize(
    ("about", "readers"),
    [
        pytest.param("teacher", {"head", "deputy"}, id="a-teacher"),
        pytest.param("deputy", {"head"}, id="the-second-reader"),
        pytest.param("head", {"deputy", "chair"}, id="the-head-then-the-chair"),
        pytest.param("coordinator", {"head", "deputy"}, id="the-co-ordinator"),
    ],
)
def test_who_reads_an_allegation(school: IncidentsOfTest, about: str, readers: Collection[str]) -> None:
    filed = school.open(Kind.STAFF_CONDUCT, about, rows=("S11",))
    assert {name for name in PEOPLE if may_look(school, name, filed.incident.id, 1)} == set(readers)


@pytest.mark.parametrize("track", Track)
def test_a_brief_shows_one_as_the_queue_does_and_leaves_no_trace(school: IncidentsOfTest, track: Track) -> None:
    filed = on_track(school, track)
    for name in PEOPLE:
        if name in READERS[track]:
            brief = school.incidents.looking.brief(school.ids[name], filed.incident.id)
            assert [brief] == school.incidents.looking.queue(school.ids[name])
        else:
            with pytest.raises(UnknownIdError, match="that you may read"):
                school.incidents.looking.brief(school.ids[name], filed.incident.id)
    assert "incident_viewed" not in school.kinds()
    # Whoever tries what is not theirs does.
    assert school.kinds().count("rule_refused") == len(PEOPLE) - len(READERS[track])


def test_whoever_has_a_step_to_do_knows_the_number_of_the_case(school: IncidentsOfTest) -> None:
    filed = school.accept(school.open())
    known = set()
    for name in PEOPLE:
        try:
            assert school.incidents.looking.case(school.ids[name], filed.incident.id) == filed.number
            known.add(name)
        except UnknownIdError:
            pass
    assert known == READERS[Track.ORDINARY] | {"five"}


@pytest.mark.parametrize("about", ["coordinator", "lead", "head"])
def test_nobody_reads_what_is_about_themselves(school: IncidentsOfTest, about: str) -> None:
    filed = school.open(Kind.GAMBLING, about, rows=())
    assert {name for name in PEOPLE if may_look(school, name, filed.incident.id, 1)} == READERS[Track.ORDINARY] - {
        about
    }


def test_whoever_has_left_reads_nothing(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.RESTRICTED)
    with school.store.act() as act:
        school.people.close(act, school.ids["deputy"], actor="system")
    with pytest.raises(RefusedRequestError, match="Nobody at this school"):
        school.incidents.looking.queue(school.ids["deputy"])
    with school.store.read() as database:
        assert school.names([each.id for each in school.incidents.desk.readers(database, filed.incident)]) == {"head"}


def test_the_queue_shows_who_is_at_risk_first(school: IncidentsOfTest) -> None:
    for track in (Track.ORDINARY, Track.RESTRICTED, Track.SEALED, Track.SAFEGUARDING):
        on_track(school, track)
    found = school.incidents.looking.queue(school.ids["head"])
    assert [filed.incident.track for filed in found] == [
        Track.SAFEGUARDING,
        Track.SEALED,
        Track.RESTRICTED,
        Track.ORDINARY,
    ]
    assert [each.number for each in school.incidents.looking.queue(school.ids["head"], limit=2, offset=1)] == [3, 2]
    assert school.incidents.looking.queue(school.ids["head"], states=(State.CLOSED,)) == []


def test_a_list_shows_no_words_and_leaves_no_trace(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.accept(filed)
    before = school.kinds()
    (shown,) = school.incidents.looking.queue(school.ids["head"])
    assert shown.why_deliberate == ""
    assert shown.incident.subject == filed.incident.subject
    assert school.kinds() == before


def test_one_incident_is_shown_for_a_purpose_and_that_is_noted(school: IncidentsOfTest) -> None:
    filed = school.open()
    viewed = school.incidents.looking.get(
        school.ids["coordinator"], filed.incident.id, purpose=f"  {PURPOSE} ", case=filed.number
    )
    assert [entry.personal for entry in viewed.timeline] == [{"name": "bet.example"}]
    with school.store.read() as database:
        (access,) = read_accesses(database, incident=filed.incident.id)
        personal = database.execute("SELECT content FROM personal ORDER BY number DESC LIMIT 1").fetchone()
    assert (access.person, access.seen, access.purpose) == (school.ids["coordinator"], Seen.INCIDENT, PURPOSE)
    assert personal["content"] == f'{{"purpose":"{PURPOSE}"}}'
    assert school.kinds()[-1] == "incident_viewed"


@pytest.mark.parametrize(
    ("purpose", "says"),
    [
        pytest.param("", "There is no purpose", id="none"),
        pytest.param("- 1 -", "There is no purpose", id="no-letters"),
        pytest.param("x" * 201, "has 201 characters; expected at most 200", id="too-long"),
        pytest.param("Looking\x00at it", "cannot be shown", id="control-character"),
    ],
)
def test_a_look_without_a_purpose(school: IncidentsOfTest, purpose: str, says: str) -> None:
    filed = school.open()
    assert says in str(fault_of_purpose(purpose))
    for look in (school.incidents.looking.get, school.incidents.looking.reveal):
        with pytest.raises(RefusedRequestError, match=says):
            look(school.ids["head"], filed.incident.id, purpose=purpose, case=1)
    assert school.kinds()[-1] == "rule_refused"


def test_a_look_for_another_case(school: IncidentsOfTest) -> None:
    filed = school.open()
    with pytest.raises(RefusedRequestError, match="Case 7 is another one"):
        school.incidents.looking.get(school.ids["head"], filed.incident.id, purpose=PURPOSE, case=7)


def test_a_pseudonym_is_revealed_for_a_case_and_that_is_noted(school: IncidentsOfTest) -> None:
    filed = school.open()
    person = school.incidents.looking.reveal(school.ids["coordinator"], filed.incident.id, purpose=PURPOSE, case=1)
    assert person.id == school.ids["pupil"]
    assert school.kinds()[-1] == "subject_revealed"
    assert school.ids["pupil"] not in school.record()[-1][2]
    with school.store.read() as database:
        assert read_accesses(database)[0].seen is Seen.SUBJECT


def test_it_is_revealed_after_the_year_has_changed_too(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.now += timedelta(days=300)
    person = school.incidents.looking.reveal(school.ids["head"], filed.incident.id, purpose=PURPOSE, case=1)
    assert person.id == school.ids["pupil"]


def test_of_a_device_nobody_is_revealed(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.FILTER_OFF, "", rows=())
    with pytest.raises(RefusedRequestError, match="about a device that nobody"):
        school.incidents.looking.reveal(school.ids["head"], filed.incident.id, purpose=PURPOSE, case=1)


def test_whom_nobody_knows_any_more_is_not_revealed(school: IncidentsOfTest) -> None:
    filed = school.open(subject="p-nobody")
    with pytest.raises(RefusedRequestError, match="by that pseudonym any more"):
        school.incidents.looking.reveal(school.ids["head"], filed.incident.id, purpose=PURPOSE, case=1)


def test_whoever_has_to_do_something_about_somebody_learns_about_whom(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.BYPASS, rows=("P13",))
    with pytest.raises(UnknownIdError):
        school.incidents.looking.reveal(school.ids["five"], filed.incident.id, purpose=PURPOSE, case=1)
    school.accept(filed, row="P13")
    found = school.incidents.looking.reveal(school.ids["five"], filed.incident.id, purpose=PURPOSE, case=1)
    assert found.id == school.ids["pupil"]
    # A technician learns what to do, not about whom; nobody of them reads the incident.
    for name in ("six", "technician", "five"):
        with pytest.raises(UnknownIdError):
            school.incidents.looking.get(school.ids[name], filed.incident.id, purpose=PURPOSE, case=1)
    with pytest.raises(UnknownIdError):
        school.incidents.looking.reveal(school.ids["technician"], filed.incident.id, purpose=PURPOSE, case=1)


# ---- counts ----------------------------------------------------------------------------------------------


def test_readers_count_what_they_may_read(school: IncidentsOfTest) -> None:
    for track in Track:
        on_track(school, track)
    assert school.incidents.looking.counts(school.ids["head"]).by_state == {"candidate": 4}
    assert school.incidents.looking.counts(school.ids["coordinator"]).by_state == {"candidate": 2}
    assert school.incidents.looking.counts(school.ids["deputy"]).by_kind == {"pornography": 1}


def test_others_learn_no_count_that_tells_of_somebody(school: IncidentsOfTest) -> None:
    for _ in range(4):
        school.open()
        on_track(school, Track.RESTRICTED)
    for name in ("chair", "officer", "leader"):
        if name == "leader":
            with pytest.raises(RefusedRequestError, match="None of your roles"):
                school.incidents.looking.counts(school.ids[name])
            continue
    for _ in range(30):
        school.open(Kind.GAMES)
    school.later(days=1)
    for told in (school.incidents.looking.counts(school.ids["officer"]), school.incidents.looking.counts(None)):
        # Four cases and none are alike, and those that few know of are in no number.
        assert told.by_kind == {kind.value: None for kind in Kind} | {"games": 30}


def test_others_count_up_to_the_end_of_yesterday(school: IncidentsOfTest) -> None:
    """What happens today, and what is decided today, is in the numbers of tomorrow and all at once."""
    filed = [school.open() for _ in range(16)]
    counts = school.incidents.looking.counts
    assert set(counts(None).by_kind.values()) == {None}
    school.later(days=1)
    before = counts(None)
    for each in filed[:11]:
        school.accept(each)
    for _ in range(11):
        school.open(Kind.GAMES)
    assert counts(None) == before
    school.later(days=1)
    assert counts(None) != before


def test_a_sealed_incident_shows_nothing_but_that_it_is_there(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.SEALED)
    (shown,) = school.incidents.looking.queue(school.ids["coordinator"])
    viewed = school.incidents.looking.get(school.ids["head"], filed.incident.id, purpose=PURPOSE, case=1)
    for each in (shown, viewed.filed):
        assert (each.incident.subject, each.incident.reasons, each.groups) == ("", (), frozenset())
    assert viewed.timeline == ()
    with pytest.raises(RefusedRequestError, match="is sealed"):
        school.incidents.looking.reveal(school.ids["head"], filed.incident.id, purpose=PURPOSE, case=1)
    assert shown.filed_at == NOW
