"""People through the interface: listed, and taken over from a file after a look at what it changes."""

import base64
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest

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
    assert manager.post("/people/import", other).status_code == 409
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
