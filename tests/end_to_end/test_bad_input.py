"""Bad input, one kind a test: one clear sentence, nothing half done, a row where somebody tried to break a rule."""

import json
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_of_test import NOW, PASSWORD, REASON, SchoolOfTest, Visitor, lesson
from conftest import free_port
from signed_in import Staff

from agent.api.access import NEEDS, PREFIX
from agent.api.problems import MEDIA_TYPE
from agent.api.security import COOKIE
from agent.people.totp import _totp
from rules.roles import Role

EVERYTHING = (Role.HEAD_TEACHER, Role.ICT_COORDINATOR, Role.NETWORK_MANAGER, Role.ESAFETY_GOVERNOR)
HUNDRED_MB = 100 * 2**20


class School(SchoolOfTest):
    """A school with a teacher, two approvers and a pupil."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.teacher = self.person("Teacher", Role.TEACHER)
        self.manager = self.person("Manager", Role.NETWORK_MANAGER)
        self.head = self.person("Head", Role.HEAD_TEACHER)
        self.pupil = self.person("Pupil", Role.PUPIL)

    def attempts(self) -> list[tuple[str, str]]:
        """Give who tried to break which rule, the oldest first."""
        with self.store.read() as database:
            rows = database.execute("SELECT actor, facts FROM audit WHERE kind = 'rule_refused' ORDER BY number")
            facts = [(actor, json.loads(text)) for actor, text in rows]
        return [(actor, each.get("attempt") or each["route"]) for actor, each in facts]

    def requests(self) -> int:
        """Count the overrides on file."""
        return len(self.head.get("/overrides").json()["items"])


@pytest.fixture
def school(tmp_path: Path) -> School:
    return School(tmp_path)


def said(response: httpx.Response, status: int) -> str:
    """Give the sentence of a refusal; it is one, it is a problem, and it ends as a sentence does."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    detail: str = response.json()["detail"]
    assert detail.endswith(".")
    assert "\n" not in detail
    return detail


# --- Who


def test_an_unknown_person(school: School) -> None:
    made = school.manager.post("/accounts", {"login": "ghost", "person": "p99"})
    assert said(made, 409) == "Found nobody who could have the account; expected the id of a person at the school."
    assert said(school.manager.get("/people/p99"), 404) == "There is no such person."
    roles = school.manager.ask("PUT", "/people/p99/roles", json={"roles": ["staff"]}, headers={"If-Match": '"1"'})
    assert said(roles, 404) == "There is no such person."
    assert school.head.get("/overrides", requester="p99").json()["items"] == []


def test_a_pupil_who_asks(school: School) -> None:
    refused = school.pupil.post("/overrides", lesson())
    assert said(refused, 403) == "You may not do this; it takes the right to break glass or request override."
    assert school.attempts() == [(school.pupil.person, "POST /api/v1/overrides")]
    assert school.requests() == 0


def test_an_approver_without_the_right(school: School) -> None:
    other = school.person("Other", Role.TEACHER)
    made = school.teacher.post("/overrides", lesson()).json()
    refused = other.post(f"/overrides/{made['id']}/approve", version=1)
    assert (
        said(refused, 403)
        == "You may not do this; it takes the right to decide override or decide sensitive override."
    )
    asked = school.teacher.post("/overrides", lesson(names=["hate.example"])).json()
    sensitive = school.manager.post(f"/overrides/{asked['id']}/approve", version=1)
    assert said(sensitive, 409) == (
        "This request is about a sensitive category; it is for the safeguarding lead and the ICT Co-ordinator to"
        " decide."
    )
    assert school.attempts() == [
        (other.person, "POST /api/v1/overrides/{id}/approve"),
        (school.manager.person, "override_approve"),
    ]
    assert {each["state"] for each in school.head.get("/overrides").json()["items"]} == {"waiting"}


def test_the_requester_with_every_role(school: School) -> None:
    everybody = school.person("Everybody", *EVERYTHING)
    made = everybody.post("/overrides", lesson()).json()
    refused = everybody.post(f"/overrides/{made['id']}/approve", version=1)
    assert said(refused, 409) == (
        "You asked for this override yourself, so somebody else must decide whether it is approved."
    )
    assert school.attempts() == [(everybody.person, "override_approve")]


def test_the_requester_by_a_second_account(school: School) -> None:
    made = school.manager.post("/overrides", lesson()).json()
    refused = school.manager.post("/accounts", {"login": "manager2", "person": school.manager.person})
    assert said(refused, 409) == "Manager decides and has the account manager already; close that one first."
    with school.store.act() as act:
        other = school.parts.accounts.create(act, "manager2", school.manager.person, PASSWORD, actor="system")
    second = Visitor(school, school.manager.person, "manager2", other.totp_secret)
    second.sign_in()
    decided = second.post(f"/overrides/{made['id']}/approve", version=1)
    assert said(decided, 409).startswith("You asked for this override yourself")
    assert school.attempts() == [
        (school.manager.person, "account_create"),
        (school.manager.person, "override_approve"),
    ]


def test_somebody_who_promotes_themselves(school: School) -> None:
    place = f"/people/{school.manager.person}"
    headers = {"If-Match": f'"{school.manager.get(place).json()["version"]}"'}
    body = {"roles": ["network_manager", "head_teacher"]}
    refused = school.manager.ask("PUT", f"{place}/roles", json=body, headers=headers)
    assert said(refused, 409) == "Nobody changes their own roles; somebody else who manages people can."
    assert school.attempts() == [(school.manager.person, "person_roles")]


# --- What


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("not a name", "'not a name' is no name of a site"),
        ("example", "that is not a whole name"),
        ("http://192.0.2.7/odds", "that is an address; the filter goes by names"),
        ("https://", "is no name of a site"),
        ("a" * 64 + ".example", "is no name of a site"),
        ("*.example", "is no name of a site"),
    ],
    ids=["words", "one-label", "an-address", "nothing", "a-label-of-64", "a-pattern"],
)
def test_a_name_that_is_no_domain(school: School, name: str, why: str) -> None:
    detail = said(school.teacher.post("/overrides", lesson(names=[name])), 409)
    assert why in detail
    assert "expected a name such as www.example.com." in detail
    assert school.requests() == 0


def test_a_url_is_reduced_to_its_host_and_said_so(school: School) -> None:
    asked = lesson(names=["https://user@bet.example:8443/odds?x=1#y"])
    assert school.teacher.post("/overrides/preview", asked).json()["notes"] == [
        (
            "https://user@bet.example:8443/odds?x=1#y was reduced to its host, bet.example: the filter sees hosts,"
            " not pages."
        )
    ]
    assert school.teacher.post("/overrides", asked).json()["names"] == ["bet.example"]


@pytest.mark.parametrize("written", ["b\u0435t.example", "xn--bt-nlc.example"], ids=["as-read", "as-sent"])
def test_an_idn_is_shown_in_both_forms_against_look_alikes(school: School, written: str) -> None:
    seen = school.teacher.post("/overrides/preview", lesson(names=[written])).json()
    assert seen["notes"][0] == (
        "b\u0435t.example is sent as xn--bt-nlc.example: compare both forms, because letters of different alphabets"
        " can look alike."
    )
    assert seen["lifts"] == [], "it is not the name that it looks like"


def test_ten_thousand_names(school: School) -> None:
    names = [f"n{number}.example" for number in range(10_000)]
    refused = school.teacher.post("/overrides", lesson(names=names))
    assert said(refused, 409) == "10,000 names were given; expected at most 200."
    many = school.teacher.post("/overrides", lesson(names=[*names, "one.example"]))
    assert said(many, 422) == "body.names: List should have at most 10000 items, not 10001."
    assert school.requests() == 0


def test_an_unknown_category(school: School) -> None:
    refused = school.teacher.post("/overrides", lesson(names=[], categories=["gambeling"]))
    assert said(refused, 409) == "Gambeling is no category; `schoolgate lists` shows the ones there are."


def test_a_statutory_category_can_be_asked_for_and_is_refused_with_the_reason(school: School) -> None:
    refused = school.teacher.post("/overrides", lesson(names=[], categories=["criminal_activity"]))
    assert said(refused, 409) == (
        "criminal_activity is blocked by law and stays blocked for everybody, so it cannot be asked for."
    )
    assert school.attempts() == [(school.teacher.person, "override_request")]


# --- When


def test_an_end_before_its_start(school: School) -> None:
    times = {"from_at": "2026-03-02T11:00:00+00:00", "until_at": "2026-03-02T10:00:00+00:00"}
    assert said(school.teacher.post("/overrides", lesson(**times)), 409) == "The end is not after the start."
    off = {"is_for_school": True, "reason": REASON, **times}
    assert said(school.manager.post("/suspensions", off), 409) == "The end is not after the start."


def test_the_past(school: School) -> None:
    ended = {"from_at": "2026-03-02T08:00:00+00:00", "until_at": "2026-03-02T09:00:00+00:00"}
    assert said(school.teacher.post("/overrides", lesson(**ended)), 409) == "The end lies in the past."
    begun = {"from_at": "2026-03-02T08:00:00+00:00"}
    assert said(school.teacher.post("/overrides", lesson(**begun)), 409) == (
        "The start lies in the past; leave it out to begin at once."
    )
    off = {"is_for_school": True, "reason": REASON, **ended}
    assert said(school.manager.post("/suspensions", off), 409) == "The end lies in the past."
    assert said(school.teacher.post("/overrides", lesson(until_at="1999-01-01T00:00:00+00:00")), 422) == (
        "body.until_at: Expected a year between 2000 and 2100."
    )


# --- Twice, late, or with what somebody else holds


def test_a_decision_on_a_withdrawn_request(school: School) -> None:
    made = school.teacher.post("/overrides", lesson()).json()
    place = f"/overrides/{made['id']}"
    assert school.teacher.post(f"{place}/withdraw", version=1).status_code == 200
    late = school.manager.post(f"{place}/approve", version=1)
    assert said(late, 412) == "Somebody has changed this since you looked at it; look again before you decide."
    refused = school.manager.post(f"{place}/approve", version=2)
    assert said(refused, 409) == "This request is withdrawn, so it cannot be approved."
    assert school.attempts() == [(school.manager.person, "override_approve")]
    assert school.told == 0


def test_two_windows_open(school: School) -> None:
    made = school.teacher.post("/overrides", lesson()).json()
    place = f"/overrides/{made['id']}"
    without = school.manager.post(f"{place}/approve")
    assert said(without, 428) == "Say in the header If-Match which version you saw; it is the ETag of what you read."
    narrowed = {"reason": REASON, "until_at": "2026-03-02T09:40:00+00:00"}
    assert school.head.post(f"{place}/narrow", narrowed, version=1).status_code == 200
    late = school.manager.post(f"{place}/approve", version=1)
    assert said(late, 412) == "Somebody has changed this since you looked at it; look again before you decide."
    assert school.head.get(place).json()["until_at"] == "2026-03-02T09:40:00Z"


def test_a_replayed_token(school: School) -> None:
    program = school.manager.with_token(["read_overrides"])
    token = school.manager.get("/tokens").json()["items"][0]["id"]
    assert program.get("/overrides").status_code == 200
    school.manager.ask("DELETE", f"/tokens/{token}")
    assert said(program.get("/overrides"), 401) == "This token is not known, has ended or was revoked."


def test_a_replayed_code(school: School) -> None:
    secret = school.manager._totp_secret
    assert secret is not None
    code = _totp(secret).generate(int(school.now.timestamp())).decode()
    again = school.stranger().post("/session", {"login": "manager", "password": PASSWORD, "totp": code})
    assert said(again, 401).startswith("The login, the password or the code is not right")
    assert school.kinds()[-1] == "sign_in_refused"


def test_a_stolen_cookie_after_sign_out(school: School) -> None:
    thief = school.stranger()
    thief.headers = dict(school.manager.headers)
    assert thief.get("/me").status_code == 200
    assert school.manager.ask("DELETE", "/session").status_code == 204
    for response in (thief.get("/me"), thief.post("/overrides", lesson()), thief.ask("DELETE", "/session")):
        assert said(response, 401) == "You are not signed in, or your session has ended."


def test_a_cookie_without_the_proof_of_its_page(school: School) -> None:
    thief = school.stranger()
    thief.headers = {"Cookie": school.manager.headers["Cookie"], "X-CSRF-Token": school.head.headers["X-CSRF-Token"]}
    refused = thief.post("/overrides", lesson())
    assert said(refused, 403) == "The header X-CSRF-Token is missing or wrong; it was given at sign-in."


# --- Too much


def changing() -> list[tuple[str, str]]:
    """Give every route that takes a body."""
    return sorted((method, path) for method, path in NEEDS if method != "GET")


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Visitor:
    return SchoolOfTest(tmp_path_factory.mktemp("school")).person("Everybody", *EVERYTHING)


@pytest.mark.parametrize("route", changing(), ids=" ".join)
def test_json_of_depth_ten_thousand(everybody: Visitor, route: tuple[str, str]) -> None:
    method, path = route
    headers = {"Content-Type": "application/json", "If-Match": '"1"'}
    for content in (b"[" * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000):
        answer = everybody.ask(method, re.sub(r"{\w+}", "99", path), content=content, headers=headers)
        if len(content) > (bound := NEEDS[route].max_body_bytes):
            assert said(answer, 413) == f"The body is too long; expected at most {bound:,} bytes."
        else:
            assert said(answer, 400) == "The body is nested too deeply; expected at most 64 levels."


@pytest.mark.parametrize("route", changing(), ids=" ".join)
def test_a_body_of_100_mb_on_any_route(everybody: Visitor, route: tuple[str, str]) -> None:
    method, path = route
    headers = {"Content-Type": "application/json", "If-Match": '"1"', "Content-Length": str(HUNDRED_MB)}
    answer = everybody.ask(method, re.sub(r"{\w+}", "99", path), content=b"{}", headers=headers)
    bound = NEEDS[route].max_body_bytes
    assert said(answer, 413) == f"The body is too long; expected at most {bound:,} bytes."
    assert answer.headers["connection"] == "close"


@contextmanager
def served(staff: Staff) -> Iterator[int]:
    """Run the interface as it is, and give its process."""
    server = subprocess.Popen(
        [sys.executable, "-m", "agent.api.server", staff.site], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        assert "https://127.0.0.1:" in server.stdout.readline()
        yield server.pid
    finally:
        server.terminate()
        server.communicate(timeout=20)


def memory_bytes(pid: int, what: str) -> int:
    found = re.search(rf"^{what}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.parametrize("is_said", [True, False], ids=["it-says-how-long", "it-does-not-say"])
def test_a_body_of_100_mb_over_the_wire(tmp_path: Path, is_said: bool) -> None:
    """The sentence arrives whole although the sender still sends, the connection ends, and the memory stays flat."""
    staff = Staff(tmp_path)
    port = free_port()
    staff.site.write_text(
        "school: {name: Test School, timezone: Europe/London}\npacks: [uk-esafety]\n"
        "networks: {pupils: {audience: pupil, cidrs: [127.0.0.1/32]}}\n"
        f'listeners: {{dns: ["127.0.0.1:{free_port()}"], metrics: off, api: "127.0.0.1:{port}"}}\n'
    )
    staff.enrol("nora", Role.NETWORK_MANAGER)
    with served(staff) as pid, staff.client("nora") as client:
        trusted = ssl.create_default_context(cafile=tmp_path / "state" / "tls" / "certificate.pem")
        session = client.session
        assert session is not None
        known = {"X-CSRF-Token": session.csrf, "Content-Type": "application/json"}
        # From now on the peak is counted anew.
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        before = memory_bytes(pid, "VmRSS")
        url = f"https://127.0.0.1:{port}{PREFIX}"
        with httpx.Client(verify=trusted, cookies={COOKIE: session.cookies[COOKIE]}, timeout=60) as sender:
            for path, headers, status in (
                ("/overrides", known, 413),
                ("/people/import", known, 413),
                ("/session", {"Content-Type": "application/json"}, 413),
                ("/audit/sign-offs", known, 403),
                ("/suspensions", {"Authorization": "Bearer stranger"}, 401),
            ):
                stated = {"Content-Length": str(HUNDRED_MB)} if is_said else {}
                answer = sender.post(url + path, content=hundred_mb(), headers=headers | stated)
                said(answer, status)
                assert answer.headers["connection"] == "close"
        assert memory_bytes(pid, "VmHWM") < before + 3 * 16 * 2**20
        assert client.get("/me")["name"] == "Nora"


def hundred_mb() -> Iterator[bytes]:
    for _ in range(HUNDRED_MB // 65_536):
        yield b" " * 65_536


# --- SQL and HTML in every field

HTML = "<script>alert(1)</script>"
SQL = "'; DROP TABLE audit; --"
FIELDS: dict[tuple[str, str], tuple[dict[str, Any], tuple[str, ...]]] = {
    ("POST", "/session"): ({"login": "x", "password": "y", "totp": "123456"}, ("login", "password", "totp")),
    ("POST", "/me/password"): ({"password": "x", "new_password": "y"}, ("new_password",)),
    ("POST", "/accounts"): ({"login": "x", "person": "p1"}, ("login", "person")),
    ("POST", "/tokens"): ({"label": "x", "scopes": ["read_overrides"]}, ("label", "scopes", "ends_at")),
    ("POST", "/overrides"): (
        lesson(),
        ("names", "categories", "audiences", "groups", "reason", "topic", "from_at", "until_at", "is_break_glass"),
    ),
    ("POST", "/overrides/preview"): (lesson(), ("names", "categories", "groups", "reason", "topic")),
    ("POST", "/overrides/{id}/approve"): ({}, ("reason",)),
    ("POST", "/overrides/{id}/narrow"): ({"reason": REASON}, ("names", "groups", "until_at", "reason")),
    ("POST", "/suspensions"): (
        {"is_for_school": False, "reason": REASON, "until_at": (NOW + timedelta(hours=1)).isoformat()},
        ("networks", "groups", "reason", "from_at", "until_at", "is_for_school"),
    ),
    ("POST", "/people"): ({"name": "x", "roles": ["staff"]}, ("name", "roles", "classes")),
    ("PUT", "/people/{id}/roles"): ({"roles": ["staff"]}, ("roles",)),
    ("PUT", "/people/{id}/classes"): ({"classes": []}, ("classes",)),
    ("POST", "/people/import/preview"): (
        {"format": "csv", "content": "id,name,roles\n1,x,staff\n"},
        ("format", "content", "school"),
    ),
    ("POST", "/people/import"): (
        {"format": "csv", "content": "id,name,roles\n1,x,staff\n", "digest": "0" * 64},
        ("format", "content", "digest"),
    ),
    ("POST", "/audit/sign-offs"): (
        {"from_on": "2026-03-01", "until_on": "2026-03-02"},
        ("from_on", "until_on", "remark"),
    ),
}
QUERIES = {
    "/overrides": ("state", "requester", "after", "limit"),
    "/suspensions": ("state", "after", "limit"),
    "/people": ("with_closed", "after", "limit"),
    "/classes": ("after", "limit"),
    "/audit": ("actor", "kind", "since", "until", "after", "limit"),
    "/audit/export": ("format",),
    "/schedules": ("at",),
}


@pytest.mark.parametrize("text", [HTML, SQL], ids=["html", "sql"])
@pytest.mark.parametrize(
    ("method", "path", "field"),
    [(method, path, field) for (method, path), (_, fields) in FIELDS.items() for field in fields],
    ids=str,
)
def test_sql_and_html_in_every_field(everybody: Visitor, method: str, path: str, field: str, text: str) -> None:
    everybody.school.now += timedelta(minutes=1)
    everybody.sign_in()
    body, _ = FIELDS[method, path]
    wants_list = field in ("names", "categories", "audiences", "groups", "networks", "scopes", "roles", "classes")
    answer = everybody.ask(
        method,
        path.replace("{id}", everybody.person),
        json=body | {field: [text] if wants_list else text},
        headers={"If-Match": '"1"'},
    )
    assert answer.status_code < 500, answer.text
    if answer.is_error:
        said(answer, answer.status_code)
    else:
        assert answer.headers["content-type"] == "application/json"
        assert answer.json().get(field, text) in (text, [text])


@pytest.mark.parametrize("text", [HTML, SQL], ids=["html", "sql"])
@pytest.mark.parametrize(
    ("path", "parameter"), [(path, each) for path, parameters in QUERIES.items() for each in parameters], ids=str
)
def test_sql_and_html_in_every_parameter(everybody: Visitor, path: str, parameter: str, text: str) -> None:
    everybody.school.now += timedelta(minutes=1)
    everybody.sign_in()
    said(everybody.get(path, **{parameter: text}), 422)


@pytest.mark.parametrize("text", [HTML, SQL], ids=["html", "sql"])
@pytest.mark.parametrize("path", ["/overrides/", "/suspensions/", "/people/"])
def test_sql_and_html_in_an_address(everybody: Visitor, path: str, text: str) -> None:
    everybody.school.now += timedelta(minutes=1)
    everybody.sign_in()
    answer = everybody.get(path + text)
    assert answer.status_code in (404, 422)
    said(answer, answer.status_code)


def test_after_all_of_it_the_record_is_whole(everybody: Visitor) -> None:
    everybody.school.now += timedelta(minutes=1)
    everybody.sign_in()
    told = everybody.get("/audit/verify").json()
    assert told["is_whole"], told
    assert told["rows"] == len(everybody.school.kinds())


def test_what_was_written_is_shown_as_it_was(school: School) -> None:
    reason = f"Pupils compare {HTML} with {SQL} in a lesson."
    made: dict[str, Any] = school.teacher.post("/overrides", lesson(reason=reason, topic=HTML)).json()
    assert (made["reason"], made["topic"]) == (reason, HTML)
