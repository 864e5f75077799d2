"""The application as a whole: what everybody can read, what describes it, and what no request can do to it."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from api_of_test import SchoolOfTest, Visitor, lesson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.schemas import BaseSchema

from agent.api.access import NEEDS, PREFIX
from agent.api.app import _events, openapi
from agent.api.parts import Door
from agent.api.problems import MEDIA_TYPE
from agent.api.security import COOKIE, HEADERS
from rules.incident_kind import Kind
from rules.roles import Role
from rules.subject import Audience

# Where schemathesis would end the session that it works with, or wait for what never ends.
LEFT_OUT = {
    ("DELETE", f"{PREFIX}/session"),
    ("POST", f"{PREFIX}/me/password"),
    ("POST", f"{PREFIX}/me/authenticator"),
    ("GET", f"{PREFIX}/events"),
}


def test_health_is_for_everybody(tmp_path: Path) -> None:
    response = SchoolOfTest(tmp_path).stranger().get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert all(response.headers[name] == value for name, value in HEADERS.items())


def test_what_the_interface_says_is_for_programs_alone(tmp_path: Path) -> None:
    headers = SchoolOfTest(tmp_path).stranger().get("/health").headers
    # Written out: what a header says is not for the constant to say that it is made from.
    assert set(headers["content-security-policy"].split("; ")) == {
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    }


@pytest.mark.parametrize("path", ["/openapi.json", "/../openapi.json", "/docs", "/redoc", "/nothing"])
def test_nothing_else_is(tmp_path: Path, path: str) -> None:
    response = SchoolOfTest(tmp_path).stranger().get(path)
    assert response.status_code in (401, 404)
    assert response.headers["content-type"] == MEDIA_TYPE


def test_the_document_says_how_one_is_known_and_how_errors_look(tmp_path: Path) -> None:
    document = openapi(SchoolOfTest(tmp_path).app)
    assert document["paths"][f"{PREFIX}/session"]["post"]["security"] == []
    assert document["paths"][f"{PREFIX}/audit/sign-offs"]["post"]["security"] == [{"session": []}]
    assert document["paths"][f"{PREFIX}/overrides"]["get"]["security"] == [{"session": []}, {"token": []}]
    for operations in document["paths"].values():
        for operation in operations.values():
            assert {"4XX", "5XX"} <= operation["responses"].keys()
            assert operation["description"]
            assert MEDIA_TYPE in operation["responses"]["4XX"]["content"]


def test_what_is_written_is_given_back_as_it_was(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path)
    teacher = school.person("Teacher", Role.TEACHER)
    text = "Pupils compare <script>alert(1)</script> with '; DROP TABLE audit; -- in a lesson."
    made = teacher.post("/overrides", lesson(reason=text, topic="<b>'\"</b>"))
    assert made.status_code == 201, made.text
    assert (made.json()["reason"], made.json()["topic"]) == (text, "<b>'\"</b>")
    assert made.headers["content-type"] == "application/json"
    assert "override_requested" in school.kinds()


def test_a_record_that_cannot_be_written_refuses_the_act_and_says_so(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path)
    teacher = school.person("Teacher", Role.TEACHER)
    rows = len(school.kinds())
    with school.store.act() as act:
        act.database.execute("ALTER TABLE overrides RENAME TO elsewhere")
    response = teacher.post("/overrides", lesson())
    assert (response.status_code, response.json()["type"]) == (503, "urn:schoolgate:problem:record-unavailable")
    assert str(tmp_path) not in response.text
    assert len(school.kinds()) == rows


def test_events_are_not_for_everybody(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path)
    assert school.stranger().get("/events").status_code == 401
    assert school.person("Auditor", Role.AUDITOR).get("/events").status_code == 403
    school.parts.hub.close()
    teacher = school.person("Teacher", Role.TEACHER)
    assert teacher.get("/events").status_code == 503
    assert teacher.ask("GET", "/events", headers={"Last-Event-ID": "x"}).status_code == 422
    assert teacher.get("/events", after=-1).status_code == 422


def test_what_happens_to_an_incident_is_told_to_those_alone_who_may_read_it(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path)
    head, coordinator = school.person("Head", Role.HEAD_TEACHER), school.person("Coordinator", Role.ICT_COORDINATOR)
    technician = school.person("Technician", Role.TECHNICIAN)
    school.candidate()
    school.candidate(Kind.STAFF_CONDUCT, about=technician.person, audience=Audience.STAFF)
    assert {who.login: replayed(school, who) for who in (head, coordinator, technician)} == {
        "head": ["incident_opened", "incident_opened"],
        "coordinator": ["incident_opened"],
        "technician": [],
    }


def test_what_happens_to_people_is_told_to_those_alone_who_may_know_them(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path)
    manager, teacher = school.person("Manager", Role.NETWORK_MANAGER), school.person("Teacher", Role.TEACHER)
    school.person("Head", Role.HEAD_TEACHER)
    assert manager.post("/people", {"name": "Cy", "roles": ["technician"]}).status_code == 201
    assert replayed(school, manager, of="people") == ["people_waiting"]
    assert replayed(school, teacher, of="people") == []


def test_a_request_is_told_to_who_made_it_and_to_who_reads_all_of_them(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path)
    head, teacher = school.person("Head", Role.HEAD_TEACHER), school.person("Teacher", Role.TEACHER)
    other = school.person("Other", Role.TEACHER)
    assert teacher.post("/overrides", lesson()).status_code == 201
    told = [replayed(school, who, of="override") for who in (head, teacher, other)]
    assert told == [["override_requested"], ["override_requested"], []]


def replayed(school: SchoolOfTest, visitor: Visitor, *, of: str = "incident") -> list[str]:
    """Give the kinds of event that somebody missed, as the stream tells them."""
    door = Door(school.parts)
    caller = door.by_session(visitor.headers["Cookie"].removeprefix(f"{COOKIE}="))
    assert caller is not None

    async def follow() -> str:
        written = ""
        async for part in _events(school.parts, door, caller, 0):
            written += part.decode()
            # What was missed comes first; then there is nothing more.
            for listener in school.parts.hub._listeners:
                listener.offer(None)
        return written

    return re.findall(rf"^event: ({of}_\w+)$", asyncio.run(follow()), re.MULTILINE)


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Visitor:
    school = SchoolOfTest(tmp_path_factory.mktemp("explored"))
    roles = (Role.HEAD_TEACHER, Role.ICT_COORDINATOR, Role.NETWORK_MANAGER, Role.ESAFETY_GOVERNOR)
    return school.person("Allrounder", *roles)


@pytest.fixture(scope="module")
def document(visitor: Visitor) -> BaseSchema:
    """Give what the interface says of itself, which takes long to make."""
    schema = schemathesis.openapi.from_dict(_without_security(openapi(visitor.school.app)))
    schema.app = visitor.school.app
    return schema


def operations() -> list[tuple[str, str]]:
    return sorted({(method, PREFIX + path) for method, path in NEEDS if path != "/openapi.json"} - LEFT_OUT)


@pytest.mark.parametrize("route", operations(), ids=" ".join)
def test_the_document_is_true(visitor: Visitor, document: BaseSchema, route: tuple[str, str]) -> None:
    """Ask each route for what the document allows and for what it does not; no answer surprises whoever read it."""
    method, path = route
    operation = document[path][method]

    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def explore(data: Any) -> None:
        case = data.draw(operation.as_strategy())
        response = case.call(headers=visitor.headers)
        assert response.status_code != 401 or path == f"{PREFIX}/session"
        case.validate_response(
            response,
            checks=[
                schemathesis.checks.not_a_server_error,
                schemathesis.checks.status_code_conformance,
                schemathesis.checks.content_type_conformance,
                schemathesis.checks.response_schema_conformance,
            ],
        )

    explore()


def _without_security(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out how one is known, or schemathesis makes up cookies of its own."""
    del document["components"]["securitySchemes"]
    for operations_of_path in document["paths"].values():
        for operation in operations_of_path.values():
            del operation["security"]
    return document
