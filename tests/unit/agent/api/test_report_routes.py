"""Reports over HTTP: without an account, within bounds, and with one sentence for whatever cannot be taken."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_of_test import SchoolOfTest, Visitor, generous

from agent.api.security import RateLimit
from agent.storage.incident_rows import Filed, read_incidents
from agent.storage.timeline_rows import read_timeline
from rules.incident import Track
from rules.incident_kind import Kind
from rules.roles import Role

REPORT = {"about": "mean", "text": "They laugh at me in the chat of our class."}


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    opened = SchoolOfTest(tmp_path, limits=replace(generous(), reports=RateLimit(rate=1e6, burst=10**6)))
    yield opened
    opened.store.close()


def filed(school: SchoolOfTest) -> list[Filed]:
    with school.store.read() as database:
        return read_incidents(database)


def words(school: SchoolOfTest) -> list[Any]:
    (only,) = filed(school)
    with school.store.read() as database:
        return [each.personal for each in read_timeline(database, only.incident.id, with_personal=True)]


@pytest.mark.parametrize(
    ("language", "title"), [(None, "Tell us what happened"), ("fr", "Dis-nous ce qui"), ("xx", "Tell us")]
)
def test_anybody_sees_the_form(school: SchoolOfTest, language: str | None, title: str) -> None:
    parameters = {} if language is None else {"language": language}
    answer = school.stranger().get("/reports/form", **parameters)
    assert answer.status_code == 200
    assert answer.json()["title"].startswith(title)
    assert answer.json()["questions"][0]["id"] == "about"


def test_a_pupil_without_an_account_reports_and_gets_a_number(school: SchoolOfTest) -> None:
    answer = school.stranger().post("/reports?language=nl", REPORT | {"who": "Somebody in 6B", "name": "Ada"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["thanks"].startswith("Dank je")
    (only,) = filed(school)
    assert (only.incident.kind, only.incident.track) == (Kind.BULLYING, Track.SAFEGUARDING)
    (personal,) = words(school)
    assert "They laugh at me" in personal["text"]
    assert "Somebody in 6B" in personal["text"]
    standing = school.stranger().get(f"/reports/{answer.json()['receipt']}").json()
    assert standing == {"standing": "received", "in_words": "We have it. Nobody has looked at it yet."}


def test_who_is_signed_in_reports_with_their_name_or_without(school: SchoolOfTest) -> None:
    teacher = school.person("Ada", Role.TEACHER)
    assert teacher.post("/me/reports", REPORT | {"about": "filter"}).status_code == 201
    assert teacher.post("/me/reports", REPORT | {"is_anonymous": True}).status_code == 201
    with school.store.read() as database:
        reporters = [row["reporter"] for row in database.execute("SELECT reporter FROM reports ORDER BY rowid")]
    assert reporters == [teacher.person, None]
    assert school.stranger().post("/me/reports", REPORT).status_code == 401


def test_whoever_reports_may_say_that_it_is_serious(school: SchoolOfTest) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    assert teacher.post("/me/reports", REPORT | {"is_serious": True}).status_code == 201
    assert teacher.post("/me/reports", REPORT).status_code == 201
    with school.store.read() as database:
        assert [filed.incident.is_serious for filed in read_incidents(database)] == [None, True]


def test_a_report_about_the_head_is_not_for_the_head(school: SchoolOfTest) -> None:
    head = school.person("Head", Role.HEAD_TEACHER)
    school.stranger().post("/reports", REPORT | {"whom": "head"})
    assert [each.incident.track for each in filed(school)] == [Track.RESTRICTED]
    assert head.get("/incidents").json()["items"] == []


def test_what_is_written_stands_in_the_erasable_part_alone(school: SchoolOfTest) -> None:
    school.stranger().post("/reports", REPORT)
    with school.store.read() as database:
        facts = [row["facts"] for row in database.execute("SELECT facts FROM audit")]
        content = [row["content"] for row in database.execute("SELECT content FROM incidents")]
    assert not any("laugh" in each for each in (*facts, *content))


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        pytest.param(
            {"text": "x" * 4_001},
            422,
            "Found 4,001 characters; expected some words",
            id="too-long",
        ),
        pytest.param({"text": ""}, 422, "Found nothing; expected some words", id="no-words"),
        pytest.param({"text": "???"}, 409, "There are no words in the report", id="nothing-said"),
        pytest.param({"text": "It\u0000 stops"}, 422, "control character", id="a-control-character"),
        pytest.param({"about": "gossip"}, 422, "body.about", id="an-answer-that-nobody-offered"),
        pytest.param({"about": "illegal"}, 422, "body.about", id="not-for-anybody-to-seal"),
        pytest.param({"keeps": ["../../etc/passwd"]}, 409, "without folders", id="a-name-with-a-path"),
        pytest.param({"keeps": ["C:\\temp\\a.png"]}, 409, "without folders", id="a-name-with-another-path"),
        pytest.param({"keeps": ["a.png"] * 6}, 422, "at most 5 items", id="too-many-names"),
        pytest.param({"page": "<script>"}, 422, "Extra inputs", id="a-key-that-nobody-knows"),
        pytest.param({"who": "x" * 301}, 422, "Found 301 characters; expected at most 300", id="too-much-of-who"),
    ],
)
def test_what_cannot_be_taken_is_said_in_a_sentence(
    school: SchoolOfTest, changes: dict[str, Any], status: int, said: str
) -> None:
    answer = school.stranger().post("/reports", REPORT | changes)
    assert (answer.status_code, filed(school)) == (status, [])
    detail = answer.json()["detail"]
    assert said in detail
    assert detail.endswith(".")
    assert "passwd" not in detail


def test_a_few_words_are_enough(school: SchoolOfTest) -> None:
    assert school.stranger().post("/reports", {"about": "hurt", "text": "help"}).status_code == 201


def test_html_is_text(school: SchoolOfTest) -> None:
    written = "<script>alert('x')</script> &amp; they laughed at me"
    assert school.stranger().post("/reports", REPORT | {"text": written}).status_code == 201
    assert words(school)[0]["text"].startswith(written)


def send(visitor: Visitor, body: bytes, kind: str = "application/json") -> tuple[int, str]:
    answer = visitor.ask("POST", "/reports", content=body, headers={"Content-Type": kind})
    return answer.status_code, answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        pytest.param(b"x" * 10_000_000, "application/json", 413, "too long; expected at most 65,536", id="10-MB"),
        pytest.param(b"<html>", "text/html", 415, "Expected a body of application/json", id="a-page"),
        pytest.param(b"[" * 5_000, "application/json", 400, "nested too deeply", id="deep"),
        pytest.param(b"{", "application/json", 422, "body", id="no-json"),
    ],
)
def test_a_body_that_is_none_is_said_in_a_sentence(
    school: SchoolOfTest, body: bytes, kind: str, status: int, said: str
) -> None:
    found, detail = send(school.stranger(), body, kind)
    assert (found, filed(school)) == (status, [])
    assert said in detail


def test_four_thousand_characters_of_any_script_fit(school: SchoolOfTest) -> None:
    body = json.dumps(REPORT | {"text": "心" * 4_000}).encode()
    assert (
        school.stranger()
        .ask("POST", "/reports", content=body, headers={"Content-Type": "application/json"})
        .status_code
        == 201
    )


def test_one_address_reports_so_often_and_all_together_so_often(tmp_path: Path) -> None:
    slow = RateLimit(rate=1e-6, burst=2)
    for name, limits in (("one", replace(generous(), reports=slow)), ("all", replace(generous(), all_reports=slow))):
        school = SchoolOfTest(tmp_path / name, limits=limits)
        statuses = [school.stranger().post("/reports", REPORT).status_code for _ in range(3)]
        assert statuses == [201, 201, 429]
        assert school.stranger().get("/reports/form").status_code == 200
        school.store.close()


@pytest.mark.parametrize("receipt", ["AAAA-BBBB-CCCC", "x", "%00", "'--"])
def test_a_number_that_nobody_was_given_tells_nothing(school: SchoolOfTest, receipt: str) -> None:
    answer = school.stranger().get(f"/reports/{receipt}")
    assert answer.status_code == 404
    assert "detail" in answer.json()


def test_addresses_of_one_network_report_with_one_pace(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path, limits=replace(generous(), reports=RateLimit(rate=1e-6, burst=1)))

    async def report(address: str) -> int:
        transport = httpx.ASGITransport(school.app, client=(address, 40_000))
        async with httpx.AsyncClient(transport=transport, base_url="https://gateway.example") as client:
            return (await client.post("/api/v1/reports", json={})).status_code

    assert [asyncio.run(report(each)) for each in ("2001:db8::1", "2001:db8::ffff:1")] == [422, 429]
