"""The registers: what each person may read of them, by pseudonym, for a purpose, as rows and as CSV."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW, PEOPLE, PURPOSE, IncidentsOfTest, on_track

from agent.incidents.incident_registers import Register
from agent.incidents.incident_reports import Report
from agent.storage.access_rows import Seen, read_accesses
from rules.errors import RefusedRequestError
from rules.incident import Track
from rules.incident_kind import Kind
from rules.roles import Role

NAMES = ("incidents", "warnings", "accesses", "roles")


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def read(school: IncidentsOfTest, name: str, by: str = "head", **changes: Any) -> Register:
    register = getattr(school.incidents.registers, name)(school.ids[by], **({"purpose": PURPOSE} | changes))
    assert isinstance(register, Register)
    return register


@pytest.mark.parametrize(
    ("by", "tracks"),
    [
        pytest.param("head", {"ordinary", "safeguarding", "restricted", "sealed"}, id="head"),
        pytest.param("coordinator", {"ordinary", "sealed"}, id="co-ordinator"),
        pytest.param("lead", {"ordinary", "safeguarding", "sealed"}, id="safeguarding-lead"),
        pytest.param("deputy", {"restricted"}, id="second-reader"),
        pytest.param("chair", set(), id="chair-while-it-is-not-about-the-head"),
    ],
)
def test_a_register_is_what_one_may_read_of_it(school: IncidentsOfTest, by: str, tracks: set[str]) -> None:
    for track in Track:
        on_track(school, track)
    items = read(school, "incidents", by).as_items()
    assert {item["track"] for item in items} == tracks
    assert all(item["subject"] != "Pupil" for item in items)


@pytest.mark.parametrize("by", sorted(set(PEOPLE) - {"head", "coordinator", "lead", "deputy", "chair"}))
def test_others_read_no_register_of_incidents(school: IncidentsOfTest, by: str) -> None:
    for name in ("incidents", "warnings"):
        with pytest.raises(RefusedRequestError, match="None of your roles reads the register"):
            read(school, name, by)
    assert school.kinds() == ["rule_refused"] * 2


def test_names_come_only_where_they_are_asked_for_and_never_of_what_is_sealed(school: IncidentsOfTest) -> None:
    school.open()
    school.open(about="")
    on_track(school, Track.SEALED)
    subjects = [item["subject"] for item in read(school, "incidents", with_names=True).as_items()]
    assert subjects == ["", "device7", "Pupil"]
    assert '"with_names":true' in school.record()[-1][2]
    assert school.ids["pupil"] not in school.everything_stored().split("register_read")[1]


@pytest.mark.parametrize("with_names", [False, True])
@pytest.mark.parametrize(("is_about_head", "by"), [(False, "head"), (True, "chair")])
def test_a_report_that_named_nobody_is_about_neither_a_person_nor_a_device(
    school: IncidentsOfTest, by: str, *, is_about_head: bool, with_names: bool
) -> None:
    with school.store.act() as act:
        school.people.open(act, "Second Head", (Role.HEAD_TEACHER,), actor="system")
    school.incidents.reports.report(None, Report("Somebody was hurt there.", is_about_head=is_about_head))
    (item,) = read(school, "incidents", by, with_names=with_names).as_items()
    assert (item["subject"], item["level"], item["confidence"]) == ("", None, "D")


def test_that_it_was_read_is_in_the_register_and_the_record(school: IncidentsOfTest) -> None:
    read(school, "incidents")
    with school.store.read() as database:
        (access,) = read_accesses(database)
    assert (access.seen, access.purpose, access.incident) == (Seen.EXPORT, PURPOSE, "")
    assert school.kinds() == ["register_read"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_handed_out_without_a_purpose(school: IncidentsOfTest, name: str) -> None:
    with pytest.raises(RefusedRequestError, match="There is no purpose"):
        read(school, name, purpose=" ")
    assert school.kinds() == ["rule_refused"]


def test_warnings_say_whether_they_hold(school: IncidentsOfTest) -> None:
    school.warned()
    (item,) = read(school, "warnings", with_names=True).as_items()
    assert (item["case"], item["subject"], item["row"]) == (1, "Pupil", "P13")
    assert (item["expires_on"], item["standing"]) == ("2027-03-03", "holds")
    school.later(days=366)
    assert read(school, "warnings").as_items()[0]["standing"] == "expired"
    assert read(school, "warnings", "coordinator").as_items()[0]["case"] == 1


def test_whoever_watches_over_data_sees_every_access(school: IncidentsOfTest) -> None:
    for track in Track:
        filed = on_track(school, track)
        school.incidents.looking.get(school.ids["head"], filed.incident.id, purpose="To decide", case=filed.number)
    watching = read(school, "accesses", "officer").as_items()
    assert [item["case"] for item in watching] == [4, 3, 2, 1]
    assert {item["purpose"] for item in watching} == {"To decide"}
    # The Co-ordinator does not learn from it that there is something restricted.
    assert [item["case"] for item in read(school, "accesses", "coordinator").as_items()] == [4, 1]


def test_nobody_sees_there_that_they_are_looked_at(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.GAMBLING, "officer", rows=())
    school.incidents.looking.get(school.ids["head"], filed.incident.id, purpose="To decide", case=1)
    assert read(school, "accesses", "officer").rows == ()


def test_roles_say_who_holds_them_since_when_and_which_nobody_holds(school: IncidentsOfTest) -> None:
    with school.store.act() as act:
        school.people.close(act, school.ids["technician"], actor="system")
    items = read(school, "roles").as_items()
    head = next(item for item in items if item["role"] == "head_teacher")
    assert (head["name"], head["is_vacant"]) == ("Head", False)
    assert head["since"] == NOW.isoformat(timespec="microseconds")
    assert [item["role"] for item in items if item["is_vacant"]] == ["technician"]
    assert all(item["role"] != "pupil" for item in items)


def test_a_register_is_a_table_that_a_spreadsheet_takes_for_text(school: IncidentsOfTest) -> None:
    register = replace(
        read(school, "roles"), rows=(("slt", "p1", "=cmd()", None, True), ("staff", 7, "Ünï", "", False))
    )
    rows = list(csv.reader(io.StringIO(register.as_csv())))
    assert rows == [
        ["role", "person", "name", "since", "is_vacant"],
        ["slt", "p1", "'=cmd()", "", "yes"],
        ["staff", "7", "Ünï", "", "no"],
    ]


def test_a_decision_shows_in_the_register(school: IncidentsOfTest) -> None:
    school.accept(school.open())
    (item,) = read(school, "incidents").as_items()
    assert (item["row"], item["state"], item["deliberate"]) == ("P02", "accepted", "unclear")
    assert item["decided_by"] == school.ids["coordinator"]
    assert "He said" not in read(school, "incidents").as_csv()
