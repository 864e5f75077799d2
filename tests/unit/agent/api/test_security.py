"""The door: who is let in, how often, with how much, and what happens to whoever is not."""

import asyncio
import json
import tracemalloc
from collections.abc import Callable, MutableMapping
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from agent.api.access import MAX_BODY_BYTES, MAX_FILE_BYTES, MAX_SIGN_IN_BYTES, PREFIX
from agent.api.problems import MEDIA_TYPE, ProblemError, install_problems
from agent.api.security import (
    COOKIE,
    HEADERS,
    MAX_JSON_DEPTH,
    MAX_JSON_MARKS,
    NOT_CONFIRMED,
    Caller,
    Frame,
    Guard,
    GuardedRoute,
    Known,
    Limits,
    RateLimit,
    _linger,
    is_too_deep,
)
from rules.roles import Right, Role, rights_of

TEACHER = Caller("t1", frozenset({Role.TEACHER}), rights_of([Role.TEACHER]), proof="cookie-t", csrf="csrf-t")
MANAGER = Caller(
    "m1", frozenset({Role.HEAD_TEACHER}), rights_of([Role.HEAD_TEACHER]), proof="cookie-m", csrf="csrf-m"
)
COORDINATOR = Caller("c1", frozenset(), frozenset({Right.ISSUE_TOKENS}), proof="cookie-c", csrf="csrf-c")
GOVERNOR = Caller("g1", frozenset({Role.ESAFETY_GOVERNOR}), frozenset({Right.SIGN_OFF_RECORD}), proof="token-g")
WAITING = Caller("w1", frozenset(), frozenset(), proof="cookie-w", csrf="csrf-w", is_waiting=True)
SCRIPT = Caller("m1", frozenset({Role.NETWORK_MANAGER}), frozenset({Right.READ_OVERRIDES}), proof="token-s")


class Gate:
    """A gatekeeper who knows six callers."""

    def __init__(self) -> None:
        self.refused: list[tuple[str, str, str]] = []
        self.callers = [TEACHER, MANAGER, COORDINATOR, WAITING]

    def by_session(self, token: str) -> Caller | None:
        return {each.proof: each for each in self.callers}.get(token)

    def by_token(self, secret: str) -> Caller | None:
        return {each.proof: each for each in (SCRIPT, GOVERNOR)}.get(secret)

    def is_still_welcome(self, caller: Caller) -> bool:
        return bool(caller)

    def note_refused(self, caller: Caller, *, route: str, wanted: str, named: str = "") -> None:
        self.refused.append((caller.person, route, wanted + named))

    def notice(self, caller: Caller) -> str | None:
        return "filtering=off" if caller is TEACHER else None


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class House:
    """An application behind the door, and somebody who asks."""

    def __init__(self, *, sign_ins: int = 100, strangers: int = 100, callers: int = 100) -> None:
        self.gate = Gate()
        self.clock = Clock()
        self.reached: list[str] = []
        limits = Limits(*(RateLimit(rate=1, burst=n, clock=self.clock) for n in (sign_ins, strangers, callers)))
        self.app = FastAPI(openapi_url=None)
        self.app.state.guard = Guard(self.gate, limits)
        self.app.add_middleware(Frame)
        install_problems(self.app)
        router = APIRouter(prefix=PREFIX, route_class=GuardedRoute)
        router.post("/session")(self.take)
        router.post("/overrides")(self.take)
        router.post("/audit/sign-offs")(self.take)
        router.post("/people/import")(self.take)
        router.get("/me")(self.who)
        router.get("/people")(self.who)
        router.get("/tokens")(self.fail)
        self.app.include_router(router)

    async def take(self, body: dict[str, Any]) -> int:
        self.reached.append("take")
        return len(body)

    async def who(self, caller: Known) -> str:
        return caller.person

    async def fail(self) -> None:
        raise ZeroDivisionError("a secret stands here")

    def ask(self, method: str, path: str, caller: Caller | None = None, **request: Any) -> httpx.Response:
        headers = dict(request.pop("headers", {}))
        if caller is not None:
            known = {"Cookie": f"{COOKIE}={caller.proof}", "X-CSRF-Token": caller.csrf or ""}
            headers = (known if caller.csrf else {"Authorization": f"Bearer {caller.proof}"}) | headers

        async def converse() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="https://gateway.example") as client:
                return await client.request(method, f"/api/v1{path}", headers=headers, **request)

        return asyncio.run(converse())


def is_framed(response: httpx.Response) -> bool:
    return all(response.headers[name] == value for name, value in HEADERS.items())


def kind_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == MEDIA_TYPE
    kind: str = response.json()["type"].rpartition(":")[2]
    return kind


# --- Who


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing-shown"),
        pytest.param({"Cookie": f"{COOKIE}=stolen"}, id="a-cookie-that-nobody-has"),
        pytest.param({"Cookie": f"{COOKIE}="}, id="an-empty-cookie"),
        pytest.param({"Cookie": f"{COOKIE}={'x' * 5000}"}, id="a-cookie-of-5000-characters"),
        pytest.param({"Cookie": "schoolgate=cookie-t"}, id="a-cookie-of-another-name"),
        pytest.param({"Authorization": "Bearer nobody"}, id="a-token-that-nobody-has"),
        pytest.param({"Authorization": "Bearer"}, id="a-token-without-itself"),
        pytest.param({"Authorization": "Basic token-s"}, id="another-scheme"),
        pytest.param({"Authorization": "Bearer cookie-t"}, id="a-cookie-as-a-token"),
        pytest.param({"Cookie": f"{COOKIE}=token-s"}, id="a-token-as-a-cookie"),
        pytest.param(
            {"Authorization": "Bearer no", "Cookie": f"{COOKIE}=cookie-t"}, id="a-wrong-token-with-a-cookie"
        ),
    ],
)
def test_whoever_is_not_known_is_not_let_in(headers: dict[str, str]) -> None:
    response = House().ask("GET", "/me", headers=headers)
    assert (response.status_code, kind_of(response)) == (401, "not-signed-in")
    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("caller", [TEACHER, MANAGER, SCRIPT, GOVERNOR], ids=lambda caller: caller.proof)
def test_whoever_is_known_is_let_in(caller: Caller) -> None:
    assert House().ask("GET", "/me", caller).json() == caller.person


def test_a_right_is_needed_and_trying_without_is_noted() -> None:
    house = House()
    assert house.ask("GET", "/people", MANAGER).status_code == 200
    response = house.ask("GET", "/people", TEACHER)
    assert (response.status_code, kind_of(response)) == (403, "forbidden")
    assert response.json()["detail"] == "You may not do this; it takes the right to read people."
    assert house.gate.refused == [("t1", "GET /api/v1/people", "read_people")]


def test_a_token_gives_no_more_than_its_scopes() -> None:
    assert House().ask("GET", "/people", SCRIPT).status_code == 403


def test_what_a_person_must_do_no_program_does() -> None:
    house = House()
    response = house.ask("POST", "/audit/sign-offs", GOVERNOR, json={})
    assert (response.status_code, kind_of(response)) == (403, "forbidden")
    assert house.gate.refused


# --- Pages of other sites


@pytest.mark.parametrize("shown", ["", "csrf-m", "csrf-t ", "CSRF-T", "é"])
def test_a_change_needs_the_header_of_our_page(shown: str) -> None:
    house = House()
    response = house.ask("POST", "/overrides", TEACHER, json={}, headers={"X-CSRF-Token": shown.encode()})
    assert (response.status_code, kind_of(response)) == (403, "csrf")
    assert not house.reached


def test_a_program_needs_no_such_header() -> None:
    requester = House()
    assert requester.ask("POST", "/overrides", TEACHER, json={}).status_code == 200
    assert kind_of(House().ask("POST", "/overrides", SCRIPT, json={})) == "forbidden"


@pytest.mark.parametrize("path", ["/session", "/overrides"])
@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_what_a_page_of_another_site_sends_is_refused(path: str, site: str) -> None:
    response = House().ask("POST", path, TEACHER, json={}, headers={"Sec-Fetch-Site": site})
    assert kind_of(response) == "cross-site"


# --- How much


def test_a_body_that_is_said_to_be_too_long_is_not_read() -> None:
    house = House()
    response = house.ask("POST", "/overrides", TEACHER, content=b"{}", headers={"Content-Length": str(10**8)})
    assert (response.status_code, kind_of(response)) == (413, "too-long")
    assert not house.reached


class Sender:
    """Somebody who sends a body in parts and never says how long it is; what crosses the wire is kept."""

    def __init__(self, part: bytes, parts: int) -> None:
        self.part = part
        self.left = parts
        self.transcript: list[str] = []
        self.status = 0
        self.headers: dict[bytes, bytes] = {}

    def post(self, house: House, path: str, caller: Caller | None) -> None:
        """Send it all, and listen."""
        headers = [(b"transfer-encoding", b"chunked"), (b"content-type", b"application/json")]
        if caller is not None:
            headers += [(b"cookie", f"{COOKIE}={caller.proof}".encode()), (b"x-csrf-token", b"csrf-t")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": f"{PREFIX}{path}",
            "query_string": b"",
            "headers": headers,
            "http_version": "1.1",
            "scheme": "https",
            "client": ("192.0.2.1", 1),
            "server": ("gateway.example", 443),
        }
        asyncio.run(house.app(scope, self.receive, self.send))

    async def receive(self) -> dict[str, Any]:
        self.left -= 1
        self._note("sent")
        return {"type": "http.request", "body": self.part, "more_body": self.left > 0}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
            self._note("answered")
        elif not message.get("more_body", False):
            self._note("closed")

    def _note(self, what: str) -> None:
        if self.transcript[-1:] != [what]:
            self.transcript.append(what)


@pytest.mark.parametrize(
    ("path", "bound"),
    [("/overrides", MAX_BODY_BYTES), ("/people/import", MAX_FILE_BYTES)],
    ids=["what-a-person-writes", "a-file-of-people"],
)
def test_a_body_that_does_not_say_how_long_it_is_ends_at_the_bound(path: str, bound: int) -> None:
    house = House()
    sender = Sender(b" " * 65_536, 100 * 2**20 // 65_536)
    caller = replace(TEACHER, rights=TEACHER.rights | {Right.MANAGE_PEOPLE})
    house.gate.callers.append(caller)
    tracemalloc.start()
    sender.post(house, path, caller)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sender.status == 413
    # The answer comes at the bound; what still comes then is let go by, so that whoever sends gets to read it.
    assert sender.transcript == ["sent", "answered", "sent", "closed"]
    assert sender.headers[b"connection"] == b"close"
    assert most < 1.5 * bound + 2**20
    assert not house.reached


def test_whoever_is_not_known_is_answered_before_anything_is_read() -> None:
    sender = Sender(b"{}", 3)
    sender.post(House(), "/overrides", None)
    assert (sender.status, sender.headers[b"connection"]) == (401, b"close")
    assert sender.transcript == ["answered", "sent", "closed"]


def test_nobody_waits_for_a_sender_without_end() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    async def linger() -> float:
        began = asyncio.get_running_loop().time()
        await _linger(receive, seconds=0.01)
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(linger()) < 30


def test_what_was_read_whole_keeps_the_connection() -> None:
    house = House()
    assert "connection" not in house.ask("POST", "/overrides", TEACHER, json={}).headers
    assert "connection" not in house.ask("POST", "/session", content=b"[" * 10_000).headers


def test_larger_files_are_for_those_alone_who_may_send_them() -> None:
    house = House()
    stated = {"Content-Length": str(MAX_FILE_BYTES), "Content-Type": "application/json"}
    refused = house.ask("POST", "/people/import", TEACHER, content=b"{}", headers=stated)
    assert (refused.status_code, kind_of(refused)) == (403, "forbidden")


def test_what_is_told_to_everybody_stands_beside_every_answer() -> None:
    house = House()
    assert house.ask("GET", "/me", TEACHER).headers["schoolgate-notice"] == "filtering=off"
    assert house.ask("GET", "/people", TEACHER).headers["schoolgate-notice"] == "filtering=off"
    assert "schoolgate-notice" not in house.ask("GET", "/me", MANAGER).headers
    assert "schoolgate-notice" not in house.ask("GET", "/me").headers


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"])
def test_only_json_is_taken(content_type: str) -> None:
    response = House().ask("POST", "/session", content=b"{}", headers={"Content-Type": content_type})
    assert (response.status_code, kind_of(response)) == (415, "not-json")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(b"[" * 10_000, "too-deep", id="ten-thousand-levels"),
        pytest.param(b'{"a":' * 3000, "too-deep", id="three-thousand-keys"),
        pytest.param(b"{" * 10 + b"]" * 10, "invalid", id="brackets-that-do-not-fit"),
        pytest.param(b'"' + b'\\"' * 8000, "invalid", id="a-string-without-an-end"),
        pytest.param(b"\xff\xfe\x00", "bad-request", id="octets"),
    ],
)
def test_json_that_is_none_is_told(content: bytes, kind: str) -> None:
    response = House().ask("POST", "/session", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)
    assert kind_of(response) == kind


@pytest.mark.parametrize("mark", ["[", "{", ",", '"'])
def test_json_of_too_many_parts_is_not_looked_at(mark: str) -> None:
    headers = {"Content-Type": "application/json"}
    few, many = mark * MAX_JSON_MARKS, mark * (MAX_JSON_MARKS + 1)
    assert House().ask("POST", "/overrides", TEACHER, content=few, headers=headers).status_code in (400, 422)
    response = House().ask("POST", "/overrides", TEACHER, content=many, headers=headers)
    assert (response.status_code, kind_of(response)) == (413, "too-long")
    assert "50,000 brackets, commas and quotation marks" in response.text


def test_whoever_is_not_known_yet_sends_little() -> None:
    content = b'{"login": "' + b"a" * MAX_SIGN_IN_BYTES + b'"}'
    response = House().ask("POST", "/session", content=content, headers={"Content-Type": "application/json"})
    assert (response.status_code, kind_of(response)) == (413, "too-long")


@given(st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_depth_is_that_of_the_tree(tree: Any) -> None:
    def depth(value: Any) -> int:
        if isinstance(value, list | dict):
            inner = value.values() if isinstance(value, dict) else value
            return 1 + max(map(depth, inner), default=0)
        return 0

    text = json.dumps(tree).encode()
    assert not is_too_deep(text, limit=depth(tree))
    assert depth(tree) == 0 or is_too_deep(text, limit=depth(tree) - 1)


def test_brackets_within_text_are_no_depth() -> None:
    assert not is_too_deep(json.dumps(["[{" * 1000, '"[[[[\\' * 100]).encode(), limit=1)
    assert not is_too_deep(b"[" * MAX_JSON_DEPTH)
    assert is_too_deep(b"[" * (MAX_JSON_DEPTH + 1))


@given(st.binary(max_size=300))
def test_no_octets_raise_the_unexpected(octets: bytes) -> None:
    is_too_deep(octets, limit=1)


# --- How often


@pytest.mark.parametrize(
    ("house", "method", "path", "caller"),
    [
        pytest.param({"sign_ins": 2}, "POST", "/session", None, id="signing-in"),
        pytest.param({"strangers": 2}, "GET", "/me", None, id="knocking"),
        pytest.param({"callers": 2}, "GET", "/me", TEACHER, id="asking"),
    ],
)
def test_whoever_comes_too_often_waits(house: dict[str, int], method: str, path: str, caller: Caller | None) -> None:
    place = House(**house)
    first, second, third = (place.ask(method, path, caller, json={}) for _ in range(3))
    assert first.status_code == second.status_code
    assert (third.status_code, kind_of(third)) == (429, "too-many-requests")
    assert third.headers["retry-after"] == "2"
    place.clock.now += 1
    assert place.ask(method, path, caller, json={}).status_code == first.status_code


def test_one_caller_does_not_wait_for_another() -> None:
    house = House(callers=1)
    assert house.ask("GET", "/me", TEACHER).status_code == 200
    assert house.ask("GET", "/me", TEACHER).status_code == 429
    assert house.ask("GET", "/me", MANAGER).status_code == 200


def test_a_limit_keeps_a_bounded_number_of_keys() -> None:
    limit = RateLimit(rate=1, burst=1, max_keys=10, clock=Clock())
    assert all(limit.take(str(number)) == 0 for number in range(1000))
    assert limit.take("999") > 0
    assert limit.take("0") == 0


# --- What goes out


@pytest.mark.parametrize(
    ("path", "caller"),
    [("/me", TEACHER), ("/me", None), ("/nowhere", None), ("/tokens", SCRIPT)],
    ids=["an-answer", "a-refusal", "an-unknown-address", "another-refusal"],
)
def test_every_response_has_the_headers(path: str, caller: Caller | None) -> None:
    assert is_framed(House().ask("GET", path, caller))


def test_a_fault_of_ours_is_told_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    response = House().ask("GET", "/tokens", COORDINATOR)
    assert (response.status_code, kind_of(response)) == (500, "internal")
    assert is_framed(response)
    told = capsys.readouterr().err
    assert "ZeroDivisionError" in told
    assert "secret" not in told + response.text


def test_a_route_that_the_table_does_not_know_cannot_be_made() -> None:
    router = APIRouter(prefix=PREFIX, route_class=GuardedRoute)
    with pytest.raises(KeyError):
        router.get("/forgotten")(test_only_json_is_taken)


def test_an_account_that_waits_is_good_for_itself_alone_and_each_attempt_is_on_record() -> None:
    house = House()
    assert house.ask("GET", "/me", WAITING).json() == "w1"
    for method, path in (("GET", "/people"), ("POST", "/overrides")):
        refused = house.ask(method, path, WAITING, json={})
        assert (refused.status_code, kind_of(refused), refused.json()["detail"]) == (
            403,
            "not-confirmed",
            NOT_CONFIRMED,
        )
    assert house.gate.refused == [
        ("w1", "GET /api/v1/people", "a confirmed account"),
        ("w1", "POST /api/v1/overrides", "a confirmed account"),
    ]
    assert house.reached == []


@pytest.mark.parametrize("check", [Guard.check_enrolment, Guard.check_unknown_device])
def test_addresses_of_one_network_have_one_pace_as_laptops(check: Callable[[Guard, Request], None]) -> None:
    few = RateLimit(rate=1e-6, burst=1)
    guard = Guard(Gate(), Limits(few, few, few, enrolments=few, unknown_devices=few))
    first, second = (Request({"type": "http", "headers": [], "client": (f"2001:db8::{each}", 1)}) for each in (1, 2))
    check(guard, first)
    with pytest.raises(ProblemError):
        check(guard, second)
