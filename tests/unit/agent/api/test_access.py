"""Every route says what it needs, in one table, and nothing but signing in is open."""

import re
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest, Visitor
from fastapi.routing import APIRoute

from agent.api.access import DEVICE_NEEDS, ENDPOINT_PREFIX, NEEDS, PREFIX
from rules.roles import RIGHTS, Role

# Who may do what in the end, where it is easiest to get wrong; the rest follows from the table of rights.
FORBIDDEN = {
    ("GET", "/audit"): (Role.TEACHER, Role.TECHNICIAN, Role.NETWORK_MANAGER, Role.SAFEGUARDING_LEAD),
    ("GET", "/audit/export"): (Role.ICT_COORDINATOR, Role.NETWORK_MANAGER, Role.ESAFETY_GOVERNOR),
    ("POST", "/overrides"): (Role.PUPIL, Role.AUDITOR, Role.DATA_PROTECTION_OFFICER, Role.ESAFETY_GOVERNOR),
    ("POST", "/people"): (Role.TECHNICIAN, Role.TEACHER, Role.SLT, Role.SAFEGUARDING_LEAD),
    ("PUT", "/people/{id}/roles"): (Role.TECHNICIAN, Role.TEACHER, Role.SLT, Role.SAFEGUARDING_LEAD),
    ("GET", "/filter/versions"): (Role.PUPIL, Role.TEACHER),
    ("POST", "/filter/versions"): (Role.TEACHER, Role.SLT, Role.HEAD_TEACHER, Role.AUDITOR),
    ("POST", "/filter/versions/{id}/approve"): (Role.TEACHER, Role.TECHNICIAN, Role.SAFEGUARDING_LEAD),
    ("POST", "/people/import"): (Role.TECHNICIAN, Role.TEACHER, Role.SLT, Role.AUDITOR),
    ("POST", "/tokens"): (Role.TEACHER, Role.HEAD_TEACHER, Role.AUDITOR),
    ("GET", "/incidents"): (
        Role.PUPIL,
        Role.TEACHER,
        Role.SLT,
        Role.TECHNICIAN,
        Role.NETWORK_MANAGER,
        Role.ESAFETY_GOVERNOR,
        Role.DATA_PROTECTION_OFFICER,
        Role.AUDITOR,
    ),
    ("GET", "/incidents/counts"): (Role.PUPIL, Role.TEACHER, Role.TECHNICIAN, Role.NETWORK_MANAGER),
    ("GET", "/registers/incidents"): (Role.TECHNICIAN, Role.ESAFETY_GOVERNOR, Role.DATA_PROTECTION_OFFICER),
    ("GET", "/registers/access"): (Role.TECHNICIAN, Role.NETWORK_MANAGER, Role.ESAFETY_GOVERNOR),
}
# Who has no account signs in or reports something, and asks what became of it.
OPEN_ROUTES = {("POST", "/session"), ("GET", "/reports/form"), ("POST", "/reports"), ("GET", "/reports/{receipt}")}


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> SchoolOfTest:
    return SchoolOfTest(tmp_path_factory.mktemp("school"))


def paths(school: SchoolOfTest) -> set[tuple[str, str]]:
    document = school.person("Reader", Role.TEACHER).get("/openapi.json").json()
    told = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    return told | {("GET", f"{PREFIX}/openapi.json")}


def test_every_route_has_its_need_and_every_need_its_route(tmp_path: Path) -> None:
    assert paths(SchoolOfTest(tmp_path)) == {(method, PREFIX + path) for method, path in NEEDS} | set(DEVICE_NEEDS)


@pytest.mark.parametrize("route", sorted(set(DEVICE_NEEDS) - {("POST", f"{ENDPOINT_PREFIX}/enrol")}), ids=" ".join)
def test_nothing_of_laptops_is_open_without_a_signature(school: SchoolOfTest, route: tuple[str, str]) -> None:
    response = school.stranger().ask(*route)
    assert (response.status_code, response.json()["type"]) == (401, "urn:schoolgate:problem:bad-signature")


def test_the_needs_of_laptops_are_no_session_and_no_right() -> None:
    assert all(need.is_of_device and not need.rights and not need.is_open for need in DEVICE_NEEDS.values())


def test_what_is_served_outside_the_table_is_health_alone(school: SchoolOfTest) -> None:
    outside = [route.path for route in school.app.routes if isinstance(route, APIRoute)]
    assert [path for path in outside if not path.startswith((PREFIX, ENDPOINT_PREFIX))] == ["/health"]


def test_only_signing_in_and_reporting_is_open() -> None:
    assert {route for route, need in NEEDS.items() if need.is_open} == OPEN_ROUTES


@pytest.mark.parametrize("route", sorted(set(NEEDS) - OPEN_ROUTES), ids=" ".join)
def test_nothing_is_readable_without_being_known(school: SchoolOfTest, route: tuple[str, str]) -> None:
    method, path = route
    response = school.stranger().ask(method, path.replace("{id}", "x1"))
    assert response.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [(method, path, role) for (method, path), roles in FORBIDDEN.items() for role in roles],
    ids=str,
)
def test_who_must_not(tmp_path: Path, method: str, path: str, role: Role) -> None:
    school = SchoolOfTest(tmp_path)
    visitor = school.person("Visitor", role)
    assert visitor.ask(method, path, json=None if method == "GET" else {}).status_code == 403
    assert school.kinds()[-1] == "rule_refused"


@pytest.fixture(scope="module")
def one_of_each(tmp_path_factory: pytest.TempPathFactory) -> dict[Role, Visitor]:
    school = SchoolOfTest(tmp_path_factory.mktemp("everybody"))
    return {role: school.person(role.value, role) for role in Role}


# What ends the session that it is tried with, or never ends itself.
LEFT_OUT = {("DELETE", "/session"), ("GET", "/events")}


@pytest.mark.parametrize("route", sorted(set(NEEDS) - LEFT_OUT), ids=" ".join)
@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_every_cell(one_of_each: dict[Role, Visitor], route: tuple[str, str], role: Role) -> None:
    """Whoever has none of the rights that a route takes gets no further than its door, and nobody else ends there."""
    method, path = route
    need = NEEDS[route]
    response = one_of_each[role].ask(
        method, re.sub(r"{\w+}", "99", path), json=None if method == "GET" else [], headers={"If-Match": '"1"'}
    )
    may = not need.rights or bool(need.rights & RIGHTS[role])
    assert (response.status_code != 403) is may, response.text
