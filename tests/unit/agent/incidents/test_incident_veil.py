"""What is veiled of the record: to whoever may not read an incident, whose it is, and to programs."""

from datetime import timedelta
from pathlib import Path

import pytest
from incidents_of_test import NOW, IncidentsOfTest, on_track

from agent.incidents.incident_veil import CONFIDENTIAL, WITHHELD, Veil
from agent.storage.record import Entry, show
from rules.incident import Track
from rules.incident_kind import Kind
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def hides(school: IncidentsOfTest, subject: str, *, whom: str | None) -> bool:
    with school.store.read() as database:
        person = None if whom is None else school.ids[whom]
        return Veil(school.incidents.desk, database, person).hides(subject)


@pytest.mark.parametrize(
    ("track", "seen_by"),
    [
        pytest.param(Track.ORDINARY, {"head", "coordinator", "lead", "officer", "technician", None}, id="ordinary"),
        pytest.param(Track.SAFEGUARDING, {"head", "lead"}, id="safeguarding"),
        pytest.param(Track.RESTRICTED, {"head"}, id="restricted"),
        pytest.param(Track.SEALED, {"head", "lead", "coordinator"}, id="sealed"),
    ],
)
def test_who_sees_which_case_a_row_is_about(school: IncidentsOfTest, track: Track, seen_by: set[str | None]) -> None:
    filed = on_track(school, track)
    asked = ("head", "coordinator", "lead", "officer", "technician", None)
    assert {whom for whom in asked if not hides(school, filed.incident.id, whom=whom)} == seen_by


@pytest.mark.parametrize("whom", ["coordinator", "technician", None])
def test_what_is_ordinary_and_about_who_reads_such_is_not_for_them_nor_for_others_who_read_none(
    school: IncidentsOfTest, whom: str | None
) -> None:
    filed = school.open(Kind.GAMBLING, "coordinator", rows=("S02",))
    assert hides(school, filed.incident.id, whom=whom)
    assert not hides(school, filed.incident.id, whom="head")


def test_whoever_it_is_about_sees_no_row_of_it(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.GAMBLING, "officer", rows=("S02",))
    assert hides(school, filed.incident.id, whom="officer")
    assert not hides(school, filed.incident.id, whom="technician")


@pytest.mark.parametrize("subject", ["", "p1", "o-17"])
def test_what_is_about_no_incident_is_not_veiled(school: IncidentsOfTest, subject: str) -> None:
    assert not hides(school, subject, whom=None)


@pytest.mark.parametrize("track", Track)
def test_whoever_only_counts_sees_no_row_of_any_case(school: IncidentsOfTest, track: Track) -> None:
    filed = on_track(school, track)
    with school.store.act() as act:
        governor = school.people.open(act, "Governor", [Role.ESAFETY_GOVERNOR], actor="system").id
    with school.store.read() as database:
        veil = Veil(school.incidents.desk, database, governor)
        assert veil.hides(filed.incident.id)
        assert not veil.may_ask_for("incident_opened")
        assert not veil.may_ask_for("subject_revealed")
        assert veil.may_ask_for("signed_in")
        kept = Entry(1, NOW, "incident_erased", "p9", "gone", {"kind": "gambling"}, None, is_erased=True)
        assert veil.of(kept) == Entry(1, NOW, WITHHELD, "", "", {}, None, is_erased=False)


def test_whoever_reviews_the_record_without_reading_it_learns_of_no_request_and_of_nobody(
    school: IncidentsOfTest,
) -> None:
    with school.store.act() as act:
        governor = school.people.open(act, "Governor", [Role.ESAFETY_GOVERNOR], actor="system").id
        both = [Role.ESAFETY_GOVERNOR, Role.AUDITOR]
        auditor = school.people.open(act, "Auditor too", both, actor="system").id
    asked = Entry(1, NOW, "override_requested", "p9", "x4", {"names": ["bet.example"]}, None, is_erased=False)
    changed = Entry(2, NOW, "filter_change_approved", "p2", "7", {}, None, is_erased=False)
    with school.store.read() as database:
        veil = Veil(school.incidents.desk, database, governor)
        assert veil.of(asked) == Entry(1, NOW, "request_withheld", "", "", {}, None, is_erased=False)
        assert veil.of(changed) == changed
        assert not veil.may_ask_for("override_requested")
        assert not veil.may_ask_for("rules_answered")
        assert veil.may_ask_for("filter_change_approved")
        counts = [("override_requested", "x4", 1), ("suspension_agreed", "x5", 2), ("signed_in", "", 3)]
        assert veil.counted([*counts, ("rules_answered", "d", 9)]) == {"request_withheld": 12, "signed_in": 3}
        assert Veil(school.incidents.desk, database, auditor).of(asked) == asked


def test_a_veiled_row_tells_of_no_case_and_two_of_one_are_alike(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.SAFEGUARDING)
    school.later(hours=1)
    school.incidents.sweep()
    with school.store.read() as database:
        veil = Veil(school.incidents.desk, database, school.ids["coordinator"])
        about = [each for each in show(database) if each.subject == filed.incident.id]
        seen = [veil.of(each) for each in about]
        counts = veil.counted([("incident_opened", filed.incident.id, 1), ("people_changed", "p1", 2)])
    assert [(each.kind, each.subject, each.facts) for each in seen] == [
        (CONFIDENTIAL, "", {"is_confidential": True})
    ] * 2
    assert counts == {CONFIDENTIAL: 1, "people_changed": 2}
    other = Entry(1, NOW + timedelta(days=1), "people_changed", "system", "p1", {}, None, is_erased=False)
    assert veil.of(other) == other
