"""People through the interface: listed, changed by hand, and taken over from a file after a look at what it does."""

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from api_of_test import SchoolOfTest, Visitor

from agent.api.people_routes import _reading
from agent.api.people_schemas import RosterAsked
from agent.people.people import SchoolClass
from agent.sites.site import NamedClass, NamedPerson, Private
from rules.roles import RIGHTS, Role

CSV = "id,name,roles,classes\n1,Ann Other,teacher,5A\n2,Bee Other,pupil,5A\n"


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def test_a_file_is_looked_at_and_then_taken_over(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    file = {"format": "csv", "content": CSV}
    seen = manager.post("/people/import/preview", file).json()
    assert (seen["added"], seen["applied"]) == (2, False)
    assert any("Ann Other" in line for line in seen["lines"])
    assert len(manager.get("/people").json()["items"]) == 1
    done = manager.post("/people/import", file | {"digest": seen["digest"]}).json()
    assert (done["added"], done["applied"]) == (2, True)
    assert [each["name"] for each in manager.get("/people").json()["items"]] == ["Ann Other", "Bee Other", "Manager"]
    assert "people_imported" in school.kinds()


def test_something_else_than_was_seen_is_refused(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    seen = manager.post("/people/import/preview", {"format": "csv", "content": CSV}).json()
    other = {"format": "csv", "content": CSV + "3,Cee Other,pupil,5A\n", "digest": seen["digest"]}
    assert manager.post("/people/import", other).status_code == 412
    assert "rule_refused" not in school.kinds()
    assert len(manager.get("/people").json()["items"]) == 1


@pytest.mark.parametrize(
    "file",
    [
        pytest.param({"format": "csv", "content": "neither,nor\n"}, id="another-table"),
        pytest.param({"format": "oneroster", "content": "no base64!"}, id="no-base64"),
        pytest.param({"format": "oneroster", "content": base64.b64encode(b"PK").decode()}, id="no-archive"),
    ],
)
def test_a_file_that_is_none(school: SchoolOfTest, file: dict[str, str]) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    response = manager.post("/people/import/preview", file)
    assert response.status_code == 409, response.text
    assert manager.post("/people/import/preview", {"format": "ldap", "content": ""}).status_code == 422


def test_the_site_file_is_looked_at_and_then_taken_over(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    assert manager.post("/people/import/preview", {"format": "site"}).status_code == 409
    people = {"a": NamedPerson("Ann Other", frozenset({"teacher"}), frozenset({"5a"}))}
    school.private = Private(people=people, classes={"5a": NamedClass("5A", "year5")})
    seen = manager.post("/people/import/preview", {"format": "site"}).json()
    assert seen["lines"] == ["+ class 5A (group year5)", "+ Ann Other: teacher in 5A"]
    assert len(manager.get("/people").json()["items"]) == 1
    school.private = Private(people={**people, "b": NamedPerson("Bee Other", frozenset({"auditor"}))})
    asked = {"format": "site", "digest": seen["digest"]}
    assert manager.post("/people/import", asked).status_code in (409, 412), "the file is another one now"
    school.private = Private(people=people, classes={"5a": NamedClass("5A", "year5")})
    assert manager.post("/people/import", asked).json()["applied"]
    assert [each["name"] for each in manager.get("/people").json()["items"]] == ["Ann Other", "Manager"]


def test_nobody_sends_a_site_file(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    response = manager.post("/people/import/preview", {"format": "site", "content": "people: {}"})
    assert response.status_code == 409
    assert "the site file in force is read" in response.json()["detail"]


def test_a_list_in_parts(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    for name in ("Dee", "Eff", "Gee"):
        school.person(name, Role.TEACHER)
    first = manager.get("/people", limit=3).json()
    rest = manager.get("/people", limit=3, after=first["next"]).json()
    assert [each["name"] for each in first["items"] + rest["items"]] == ["Dee", "Eff", "Gee", "Manager"]
    assert rest["next"] is None


def test_leavers_are_shown_to_whoever_asks_for_them(school: SchoolOfTest) -> None:
    manager, leaver = school.person("Manager", Role.NETWORK_MANAGER), school.person("Leaver", Role.TEACHER)
    with school.store.act() as act:
        school.parts.people.close(act, leaver.person, actor=manager.person)
    assert [each["name"] for each in manager.get("/people").json()["items"]] == ["Manager"]
    assert len(manager.get("/people", with_closed=True).json()["items"]) == 2
    assert leaver.get("/me").status_code == 401


def test_the_table_of_rights(school: SchoolOfTest) -> None:
    told = school.person("Manager", Role.NETWORK_MANAGER).get("/people/rights").json()
    assert {role: set(rights) for role, rights in told["roles"].items()} == {
        role.value: {right.value for right in rights} for role, rights in RIGHTS.items()
    }
    assert "pupil" not in told["privileged"]


def test_who_may_not(school: SchoolOfTest) -> None:
    technician, teacher = school.person("Technician", Role.TECHNICIAN), school.person("Teacher", Role.TEACHER)
    assert technician.get("/people").status_code == 200
    assert technician.post("/people/import/preview", {"format": "csv", "content": CSV}).status_code == 403
    assert teacher.get("/people").status_code == 403


# --- By hand


def refusals(school: SchoolOfTest) -> list[dict[str, Any]]:
    """Give what the record says of attempts to break a rule."""
    with school.store.read() as database:
        rows = database.execute("SELECT facts, subject FROM audit WHERE kind = 'rule_refused' ORDER BY number")
        return [json.loads(facts) | {"subject": subject} for facts, subject in rows]


def set_part(visitor: Visitor, person: str, part: str, values: list[str], *, version: int | None = None) -> Any:
    """Set roles or classes of somebody, at the version that stands if no other is said."""
    seen = visitor.get(f"/people/{person}").json()["version"] if version is None else version
    headers = {"If-Match": f'"{seen}"'}
    return visitor.ask("PUT", f"/people/{person}/{part}", json={part: values}, headers=headers)


def test_somebody_is_opened_and_found_where_it_is_said(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    with school.store.act() as act:
        school.parts.people.set_class(act, SchoolClass("c1", "6B", "year6"), actor="system")
    made = manager.post("/people", {"name": " Ada Clay ", "roles": ["teacher"], "classes": ["c1"]})
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["name"], told["roles"], told["classes"], told["source"]) == ("Ada Clay", ["teacher"], ["c1"], "hand")
    shown = manager.get(made.headers["location"].removeprefix("/api/v1"))
    assert shown.headers["etag"] == made.headers["etag"] == f'"{told["version"]}"'
    (warning,) = told["warnings"]
    assert warning.startswith("Only one person may decide about overrides; expected at least 2 with an account")
    assert manager.get("/classes").json()["items"] == [{"id": "c1", "title": "6B", "group": "year6"}]


def test_roles_are_set_by_somebody_else_and_end_what_was_open(school: SchoolOfTest) -> None:
    manager, teacher = school.person("Manager", Role.NETWORK_MANAGER), school.person("Teacher", Role.TEACHER)
    told = set_part(manager, teacher.person, "roles", ["teacher", "head_teacher"])
    assert told.status_code == 200, told.text
    assert told.json()["roles"] == ["head_teacher", "teacher"]
    assert told.json()["warnings"] == [
        "Their account has no authenticator, which these roles need; close the account and make it again."
    ]
    assert teacher.get("/me").status_code == 401


def test_classes_are_set(school: SchoolOfTest) -> None:
    manager, teacher = school.person("Manager", Role.NETWORK_MANAGER), school.person("Teacher", Role.TEACHER)
    with school.store.act() as act:
        school.parts.people.set_class(act, SchoolClass("c1", "6B"), actor="system")
    assert set_part(manager, teacher.person, "classes", ["c1"]).json()["classes"] == ["c1"]
    assert teacher.get("/me").status_code == 200
    assert set_part(manager, teacher.person, "classes", []).json()["classes"] == []
    unknown = set_part(manager, teacher.person, "classes", ["c9"])
    assert (unknown.status_code, unknown.json()["detail"]) == (
        409,
        "Found no class 'c9'; expected the id of one that is open.",
    )


def test_who_leaves_is_closed_and_who_comes_back_has_the_roles_of_then(school: SchoolOfTest) -> None:
    manager, teacher = school.person("Manager", Role.NETWORK_MANAGER), school.person("Teacher", Role.TEACHER)
    place = f"/people/{teacher.person}"
    closed = manager.post(f"{place}/close", version=manager.get(place).json()["version"])
    assert (closed.status_code, closed.json()["closed"], closed.json()["roles"]) == (200, True, [])
    assert teacher.get("/me").status_code == 401
    assert set_part(manager, teacher.person, "roles", ["staff"]).json()["closed"] is False


def test_whoever_comes_from_a_file_is_said_to(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    file = {"format": "csv", "content": CSV}
    digest = manager.post("/people/import/preview", file).json()["digest"]
    assert manager.post("/people/import", file | {"digest": digest}).status_code == 200
    ann = next(each for each in manager.get("/people").json()["items"] if each["name"] == "Ann Other")
    told = set_part(manager, ann["id"], "roles", ["teacher", "slt"]).json()
    assert "This person comes from a file (csv); its next import says again what they are." in told["warnings"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 428), ({"If-Match": '"1"'}, 412)],
    ids=["no-version", "another-version"],
)
def test_two_windows_change_nobody(school: SchoolOfTest, headers: dict[str, str], status: int) -> None:
    manager, teacher = school.person("Manager", Role.NETWORK_MANAGER), school.person("Teacher", Role.TEACHER)
    place = f"/people/{teacher.person}"
    for method, path, body in (
        ("PUT", f"{place}/roles", {"roles": ["auditor"]}),
        ("PUT", f"{place}/classes", {"classes": []}),
        ("POST", f"{place}/close", {}),
    ):
        assert manager.ask(method, path, json=body, headers=headers).status_code == status
    assert manager.get(place).json()["roles"] == ["teacher"]
    assert refusals(school) == []


def test_what_the_other_window_did_is_not_undone(school: SchoolOfTest) -> None:
    manager, teacher = school.person("Manager", Role.NETWORK_MANAGER), school.person("Teacher", Role.TEACHER)
    seen = manager.get(f"/people/{teacher.person}").json()["version"]
    assert set_part(manager, teacher.person, "roles", ["teacher", "slt"], version=seen).status_code == 200
    late = set_part(manager, teacher.person, "roles", ["staff"], version=seen)
    assert late.status_code == 412
    assert late.json()["detail"] == (
        "Somebody has changed this since you looked at it; look again before you decide."
    )
    assert manager.get(f"/people/{teacher.person}").json()["roles"] == ["slt", "teacher"]


def test_nobody_gives_themselves_a_role_and_the_attempt_is_on_record(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    refused = set_part(manager, manager.person, "roles", ["network_manager", "head_teacher"])
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "Nobody changes their own roles; somebody else who manages people can.",
    )
    assert [(each["attempt"], each["subject"]) for each in refusals(school)] == [("person_roles", manager.person)]
    assert manager.get("/me").json()["roles"] == ["network_manager"]


def test_nobody_closes_themselves(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    place = f"/people/{manager.person}"
    assert manager.post(f"{place}/close", version=manager.get(place).json()["version"]).status_code == 409
    assert [each["attempt"] for each in refusals(school)] == ["person_close"]


@pytest.mark.parametrize("name", ["Manager", "MANAGER ", "Ma\u0301nager", "\uff4danager", "Man-ager"])
@pytest.mark.parametrize("role", ["head_teacher", "ict_coordinator", "network_manager", "safeguarding_lead"])
def test_nobody_opens_themselves_a_second_time_to_decide(school: SchoolOfTest, name: str, role: str) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    refused = manager.post("/people", {"name": name, "roles": [role]})
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        (
            "Found your own name, with a role that decides; somebody else who manages people has to do this for"
            " whoever is called as you are."
        ),
    )
    assert [each["attempt"] for each in refusals(school)] == ["person_add"]
    assert len(manager.get("/people").json()["items"]) == 1


def test_nor_by_a_file_and_an_account_or_by_an_account_and_a_role(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    file = {"format": "csv", "content": "id,name,roles\n1,Manager,head_teacher\n"}
    seen = manager.post("/people/import/preview", file).json()
    assert "Manager is known already (hand): see that this is somebody else." in seen["warnings"]
    assert manager.post("/people/import", file | {"digest": seen["digest"]}).status_code == 200
    (imported,) = (each["id"] for each in manager.get("/people").json()["items"] if each["source"] == "csv")
    assert manager.post("/accounts", {"login": "second", "person": imported}).status_code == 409
    other = manager.post("/people", {"name": "Manager", "roles": ["teacher"]})
    assert other.status_code == 201, "two people may have one name"
    assert manager.post("/accounts", {"login": "third", "person": other.json()["id"]}).status_code == 201
    assert set_part(manager, other.json()["id"], "roles", ["head_teacher"]).status_code == 409
    assert [each["attempt"] for each in refusals(school)] == ["account_create", "person_roles"]
    head = school.person("Head", Role.HEAD_TEACHER)
    assert set_part(head, other.json()["id"], "roles", ["head_teacher"]).status_code == 200
    assert head.post("/accounts", {"login": "second", "person": imported}).status_code == 201


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({"name": "Ada", "roles": []}, "found no role", id="no-role"),
        pytest.param({"name": "Ada", "roles": ["pupil", "staff"]}, "to be nothing else", id="pupil-and-staff"),
        pytest.param({"name": "  ", "roles": ["staff"]}, "found no text", id="no-name"),
        pytest.param({"name": "Ada", "roles": ["staff"], "classes": ["c9"]}, "Found no class 'c9'", id="no-class"),
    ],
)
def test_who_cannot_be_opened(school: SchoolOfTest, body: dict[str, Any], said: str) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    refused = manager.post("/people", body)
    assert refused.status_code == 409
    assert said in refused.json()["detail"]
    assert len(manager.get("/people").json()["items"]) == 1


def test_nobody_unknown_is_changed(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    assert manager.get("/people/p99").json()["detail"] == "There is no such person."
    assert set_part(manager, "p99", "roles", ["staff"], version=1).status_code == 404


# --- Archives


def archive(*, schools: int = 1, pupils: int = 1) -> str:
    """Give a OneRoster archive in base64, with a pupil in each school and more in the first."""
    out = io.BytesIO()
    users = [f"u{number},1,Pat{number},Doe{number},student,s1" for number in range(schools, pupils)]
    users += [f"u{number},1,Pat{number},Doe{number},student,s{number + 1}" for number in range(schools)]
    orgs = [f"s{number + 1},School {number + 1},school" for number in range(schools)]
    with zipfile.ZipFile(out, "w") as opened:
        heading = "sourcedId,enabledUser,givenName,familyName,role,orgSourcedIds"
        opened.writestr("users.csv", "\n".join((heading, *users)))
        opened.writestr("orgs.csv", "\n".join(("sourcedId,name,type", *orgs)))
    return base64.b64encode(out.getvalue()).decode()


def test_an_archive_of_several_schools_needs_the_name_of_one(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    file = {"format": "oneroster", "content": archive(schools=2)}
    assert "found 2 schools" in manager.post("/people/import/preview", file).json()["detail"]
    seen = manager.post("/people/import/preview", file | {"school": "s2"}).json()
    assert seen["lines"] == ["+ Pat1 Doe1: pupil"]
    done = manager.post("/people/import", file | {"school": "s2", "digest": seen["digest"]})
    assert (done.status_code, done.json()["added"]) == (200, 1)
    other = manager.post("/people/import", file | {"school": "s1", "digest": seen["digest"]})
    assert other.status_code == 412, "another school is another change"
    named = manager.post("/people/import/preview", {"format": "csv", "content": CSV, "school": "s1"})
    assert named.json()["detail"] == "A school was named; expected that of a OneRoster archive only."


def test_an_archive_may_be_larger_than_anything_else(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    content = archive(pupils=25_000)
    assert len(content) > 1024 * 1024
    seen = manager.post("/people/import/preview", {"format": "oneroster", "content": content})
    assert (seen.status_code, seen.json()["added"]) == (200, 25_000)
    late = manager.post("/people/import/preview", {"format": "csv", "content": "x" * 16 * 1024 * 1024})
    assert (late.status_code, late.json()["detail"]) == (
        413,
        "The body is too long; expected at most 16,777,216 bytes.",
    )


def test_one_file_is_read_at_a_time(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    file = {"format": "csv", "content": CSV}
    with _reading(RosterAsked.model_validate(file), school.parts):
        second = manager.post("/people/import/preview", file)
    assert (second.status_code, second.headers["retry-after"]) == (429, "5")
    assert manager.post("/people/import/preview", file).status_code == 200
