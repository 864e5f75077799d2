"""Registers through the interface: who reads which, by pseudonym, for a purpose, and on record each time."""

import csv
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from api_of_test import REASON, SchoolOfTest, Visitor, lesson

from agent.sites.site import IncidentSettings, Private
from rules.incident_kind import Kind
from rules.roles import Role
from rules.subject import Audience

PURPOSE = "The review of this half of the term."
REGISTERS = (
    "incidents", "warnings", "referrals", "overrides", "suspensions", "media", "sign-outs", "rules", "access",
    "roles",
)  # fmt: skip
OF_MEDIA = {
    Role.HEAD_TEACHER, Role.ICT_COORDINATOR, Role.NETWORK_MANAGER, Role.TECHNICIAN, Role.DATA_PROTECTION_OFFICER,
    Role.AUDITOR,
}  # fmt: skip
READERS = {
    "referrals": {Role.HEAD_TEACHER, Role.ICT_COORDINATOR, Role.SAFEGUARDING_LEAD},
    "incidents": {Role.HEAD_TEACHER, Role.ICT_COORDINATOR, Role.SAFEGUARDING_LEAD},
    "warnings": {Role.HEAD_TEACHER, Role.ICT_COORDINATOR, Role.SAFEGUARDING_LEAD},
    "access": {Role.HEAD_TEACHER, Role.ICT_COORDINATOR, Role.SAFEGUARDING_LEAD, Role.DATA_PROTECTION_OFFICER},
    "media": OF_MEDIA,
    "sign-outs": OF_MEDIA,
    "rules": OF_MEDIA - {Role.TECHNICIAN},
}


class School(SchoolOfTest):
    """A school in which something stands on every register."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.head = self.person("Head", Role.HEAD_TEACHER)
        self.teacher = self.person("Teacher", Role.TEACHER)
        self.pupil = self.person("Pupil", Role.PUPIL)
        assert self.teacher.post("/overrides", lesson(reason=REASON)).status_code == 201
        asked = {"groups": ["year5"], "reason": REASON, "until_at": "2026-03-02T10:00:00+00:00"}
        assert self.head.post("/suspensions", asked).status_code == 201
        assert self.teacher.post("/media", {"kind": "paper", "purpose": "Marks of year five"}).status_code == 201
        out = {"purpose": "Reports at home", "due_on": "2026-03-04"}
        assert self.teacher.post("/media/1/sign-out", out).status_code == 201
        filed = self.candidate(about=self.pupil.person)
        place = f"/incidents/{filed.incident.id}"
        body = {"row": "P10", "deliberate": "deliberate", "why": "Three pupils say the same."}
        assert self.head.post(f"{place}/accept", body, version=1).status_code == 200
        add = {"action": "warning", "role": "head_teacher", "within": "1 school day", "kind": "warn"}
        added = self.head.post(f"{place}/steps", add | {"reason": REASON})
        assert added.status_code == 201, added.text
        done = self.head.post(f"{place}/steps/{added.json()['number']}/done", {"how": "I warned them in my office."})
        assert done.status_code == 200, done.text
        referred = {"how": "I called them.", "referred_to": "The parents' council", "reference": "4711"}
        assert self.head.post(f"{place}/steps/1/done", referred).status_code == 200
        assert self.head.get(place, purpose=PURPOSE, case=filed.number).status_code == 200
        self.incident = filed.incident
        with self.store.act() as act:
            said = {"version": "2026-09", "accepted": False, "at": "2026-03-02T09:15:00+00:00"}
            act.note("rules_answered", actor=self.pupil.person, subject="laptop1", facts=said)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> School:
    return School(tmp_path_factory.mktemp("school"))


@pytest.fixture(scope="module")
def one_of_each(school: School) -> dict[Role, Visitor]:
    return {role: school.person(f"reader-{role}", role) for role in Role}


def items_of(visitor: Visitor, name: str, **wanted: Any) -> list[dict[str, Any]]:
    response = visitor.get(f"/registers/{name}", purpose=PURPOSE, **wanted)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


@pytest.mark.parametrize("name", REGISTERS)
def test_every_register_has_what_happened_and_names_no_pupil(school: School, name: str) -> None:
    response = school.head.get(f"/registers/{name}", purpose=PURPOSE)
    assert response.status_code == 200, response.text
    told = response.json()
    assert told["items"]
    assert all(list(item) == told["columns"] for item in told["items"])
    for word in ("Pupil", "hidden", school.pupil.person):
        assert f'"{word}"' not in response.text
    assert school.kinds()[-1] == "register_read"


@pytest.mark.parametrize("name", REGISTERS)
def test_every_register_is_csv_too(school: School, name: str) -> None:
    response = school.head.get(f"/registers/{name}", purpose=PURPOSE, format="csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"].endswith('-2026-03-02.csv"')
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [list(row) for row in rows] == [list(item) for item in items_of(school.head, name)][: len(rows)]
    assert rows


@pytest.mark.parametrize("name", REGISTERS)
def test_no_register_without_a_purpose(school: School, name: str) -> None:
    before = school.kinds().count("register_read")
    response = school.head.get(f"/registers/{name}")
    assert (response.status_code, response.json()["detail"]) == (
        409,
        "There is no purpose; say in a few words why you look at this.",
    )
    assert school.kinds().count("register_read") == before


@pytest.mark.parametrize("name", ["incidents", "warnings", "overrides", "suspensions", "media", "sign-outs", "rules"])
def test_with_names_if_somebody_asks_for_them(school: School, name: str) -> None:
    without = school.head.get(f"/registers/{name}", purpose=PURPOSE).text
    named = school.head.get(f"/registers/{name}", purpose=PURPOSE, with_names=True).text
    of_teacher = ("overrides", "media", "sign-outs")
    word = "Teacher" if name in of_teacher else {"suspensions": "Head"}.get(name, "Pupil")
    assert (f'"{word}"' in named, f'"{word}"' in without) == (True, False)


@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
@pytest.mark.parametrize("name", READERS)
def test_who_reads_which(one_of_each: dict[Role, Visitor], name: str, role: Role) -> None:
    response = one_of_each[role].get(f"/registers/{name}", purpose=PURPOSE)
    assert response.status_code == (200 if role in READERS[name] else 403), response.text


def test_a_register_holds_only_what_somebody_may_read(school: School, one_of_each: dict[Role, Visitor]) -> None:
    allegation = school.candidate(Kind.STAFF_CONDUCT, about=school.teacher.person, audience=Audience.STAFF)
    numbers = [item["number"] for item in items_of(school.head, "incidents")]
    theirs = [item["number"] for item in items_of(one_of_each[Role.ICT_COORDINATOR], "incidents")]
    assert (allegation.number in numbers, allegation.number in theirs) == (True, False)


@pytest.mark.parametrize("name", [name for name in REGISTERS if name != "roles"])
def test_a_register_is_cut_to_days_of_the_school_in_both_forms(school: School, name: str) -> None:
    everything = items_of(school.head, name)
    days = {"from_on": "2026-01-01", "until_on": "2026-12-31"}
    # To read who looked is a look itself.
    assert items_of(school.head, name, **days)[-len(everything) :] == everything
    assert items_of(school.head, name, until_on="2025-12-31") == []
    assert items_of(school.head, name, from_on="2027-01-01") == []
    response = school.head.get(f"/registers/{name}", purpose=PURPOSE, format="csv", until_on="2025-12-31")
    assert response.text.count("\n") == 1


def test_vacancies_and_since_when(school: School) -> None:
    rows = items_of(school.head, "roles")
    assert {"role": "head_teacher", "person": school.head.person, "name": "Head"}.items() <= next(
        row for row in rows if row["person"] == school.head.person
    ).items()


@pytest.mark.parametrize(
    ("name", "wanted", "status"),
    [
        pytest.param("secrets", {}, 404, id="a-register-that-there-is-not"),
        pytest.param("incidents", {"format": "xml"}, 422, id="a-form-that-there-is-not"),
        pytest.param("incidents", {"from_on": "soon"}, 422, id="a-day-that-there-is-not"),
        pytest.param("incidents", {"from_on": "2026-03-02", "until_on": "2026-03-01"}, 409, id="days-turned-round"),
        pytest.param("roles", {"purpose": "x" * 3_000}, 422, id="a-purpose-without-end"),
    ],
)
def test_what_there_is_not(school: School, name: str, wanted: dict[str, str], status: int) -> None:
    assert school.head.get(f"/registers/{name}", **wanted).status_code == status


# ---- whom the site names -------------------------------------------------------------------------------------------


@pytest.fixture
def named(tmp_path: Path) -> tuple[School, Visitor, Visitor]:
    """A school with a second reader, a chair, and allegations against a teacher and against the head teacher."""
    found = School(tmp_path)
    second, chair = found.person("Second", Role.SLT), found.person("Chair", Role.ESAFETY_GOVERNOR)
    found.private = Private(incidents=IncidentSettings(second_reader=second.person, chair=chair.person))
    for visitor in (second, chair):
        with found.store.act() as act:
            enrolment = found.parts.accounts.enrol_totp(act, visitor.login, actor=visitor.person)
        visitor._totp_secret = enrolment.totp_secret
        found.now += timedelta(minutes=1)
        visitor.sign_in()
    for about in (found.teacher, found.head):
        restricted = found.candidate(Kind.STAFF_CONDUCT, about=about.person, audience=Audience.STAFF)
        place = f"/incidents/{restricted.incident.id}"
        assert second.get(place, purpose=PURPOSE, case=restricted.number).status_code == 200
        body = {"row": "S15", "deliberate": "unclear", "why": "Three colleagues say the same."}
        assert second.post(f"{place}/accept", body, version=1).status_code == 200
        for step in second.get(f"{place}/steps").json()["items"]:
            is_referral = step["action"] == "refer_la_hr_social"
            body = {"how": "I spoke with them myself."} | ({"referred_to": "The authority"} if is_referral else {})
            assert second.post(f"{place}/steps/{step['number']}/done", body).status_code == 200
    return found, second, chair


@pytest.mark.parametrize(
    ("name", "column"),
    [("incidents", "number"), ("warnings", "case"), ("referrals", "case"), ("access", "case")],
    ids=["incidents", "warnings", "referrals", "access"],
)
def test_whom_the_site_names_reads_of_a_register_what_is_about_the_incidents_that_they_may_read(
    named: tuple[School, Visitor, Visitor], name: str, column: str
) -> None:
    school, second, chair = named
    # The first case is a pupil's, the second a teacher's, the third the head teacher's.
    assert {item[column] for item in items_of(second, name) if item[column]} == {2, 3}
    assert {item[column] for item in items_of(chair, name) if item[column]} == {3}
    assert 3 not in {item[column] for item in items_of(school.head, name)}
    assert {item[column] for item in items_of(second, name, format="json") if item[column]} == {2, 3}


def test_whom_the_site_names_sees_who_holds_which_role_as_others_who_read_incidents(
    named: tuple[School, Visitor, Visitor],
) -> None:
    _, second, chair = named
    assert items_of(second, "roles")
    assert items_of(chair, "roles")


def test_whom_the_site_names_no_longer_reads_none(named: tuple[School, Visitor, Visitor]) -> None:
    school, second, _ = named
    school.private = Private()
    for name in ("incidents", "warnings", "referrals", "access", "roles"):
        assert second.get(f"/registers/{name}", purpose=PURPOSE).status_code == 403
