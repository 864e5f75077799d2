"""Machines over HTTP: a token with a right of its own, many things at once, each taken or refused by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_of_test import NOW, SchoolOfTest, Visitor

from agent.storage.incident_rows import read_incidents
from agent.storage.observation_rows import read_counts
from rules.incident_kind import Kind
from rules.roles import Role

AT = NOW.isoformat()
EVENT = {"id": "event-0001", "kind": "bypass", "at": AT, "device": "192.0.2.7"}
SIGN_IN = {"id": "radius-1", "device": "192.0.2.7", "kind": "attested", "from_at": "2026-03-02T09:00:00+00:00"}


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    opened = SchoolOfTest(tmp_path)
    yield opened
    opened.store.close()


def machine(school: SchoolOfTest, *scopes: str) -> Visitor:
    return school.person("Manager", Role.NETWORK_MANAGER).with_token(scopes)


def told(answer: Any) -> tuple[int, int, list[int]]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return body["accepted"], body["repeated"], [each["place"] for each in body["refused"]]


def test_what_machines_tell_becomes_a_candidate_about_whoever_signed_in(school: SchoolOfTest) -> None:
    pupil = school.person("Ada", Role.PUPIL)
    program = machine(school, "tell_sign_ins", "tell_observations")
    assert told(program.post("/sign-ins", {"items": [SIGN_IN | {"account": "ada"}]})) == (1, 0, [])
    assert told(program.post("/observations", {"items": [EVENT]})) == (1, 0, [])
    school.parts.observing.look()
    with school.store.read() as database:
        (filed,) = read_incidents(database)
    person = school.parts.incidents.desk.pseudonyms.person(pupil.person, NOW.date())
    assert (filed.incident.kind, filed.incident.subject) == (Kind.BYPASS, person)
    assert filed.incident.rows == ("P13",)


def test_each_is_taken_or_refused_by_itself_and_counted(school: SchoolOfTest) -> None:
    program = machine(school, "tell_observations")
    items = [EVENT, {"id": "event-0002"}, EVENT | {"id": "event-0003", "kind": "gambling"}, EVENT, 7]
    answer = program.post("/observations", {"items": items})
    assert told(answer) == (1, 1, [1, 2, 4])
    assert [each["why"].endswith(".") for each in answer.json()["refused"]] == [True] * 3
    with school.store.read() as database:
        counts = read_counts(database)
    assert counts == {("events", "accepted"): 1, ("events", "repeated"): 1, ("events", "refused"): 3}


@pytest.mark.parametrize("items", [[], [EVENT] * 1_001, "none", None])
def test_a_batch_has_one_to_a_thousand(school: SchoolOfTest, items: Any) -> None:
    answer = machine(school, "tell_observations").post("/observations", {"items": items})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("body.items: ")


@pytest.mark.parametrize(("route", "scope"), [("/sign-ins", "tell_observations"), ("/observations", "tell_sign_ins")])
def test_each_takes_a_right_of_its_own(school: SchoolOfTest, route: str, scope: str) -> None:
    assert machine(school, scope).post(route, {"items": [EVENT]}).status_code == 403
    assert school.stranger().post(route, {"items": [EVENT]}).status_code == 401
