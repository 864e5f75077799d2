"""Suspensions through the interface: two people, one of whom is the head teacher or the Co-ordinator, and an end."""

from pathlib import Path
from typing import Any

import pytest
from api_of_test import REASON, SchoolOfTest

from agent.people.people import SchoolClass
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def asked(**changes: Any) -> dict[str, Any]:
    return {
        "networks": ["classrooms"],
        "reason": REASON,
        "until_at": "2026-03-02T11:00:00+00:00",
    } | changes


def test_filtering_is_off_and_on_again(school: SchoolOfTest) -> None:
    manager, head = school.person("Manager", Role.NETWORK_MANAGER), school.person("Head", Role.HEAD_TEACHER)
    made = manager.post("/suspensions", asked())
    assert made.status_code == 201, made.text
    place = made.headers["location"].removeprefix("/api/v1")
    assert (made.json()["state"], made.json()["effect"], school.told) == ("waiting", None, 0)
    agreed = head.post(f"{place}/agree", version=1)
    assert agreed.status_code == 200, agreed.text
    assert (agreed.json()["state"], agreed.json()["agreed_by"]["name"]) == ("agreed", "Head")
    assert agreed.json()["effect"]["applied"]
    over = manager.post(f"{place}/end", version=2).json()
    assert (over["state"], over["ended_at"], school.told) == ("stopped", "2026-03-02T09:15:00Z", 2)
    assert manager.get(place).json()["state"] == "stopped"


def test_nobody_agrees_with_themselves(school: SchoolOfTest) -> None:
    head = school.person("Head", Role.HEAD_TEACHER, Role.ICT_COORDINATOR, Role.NETWORK_MANAGER)
    made = head.post("/suspensions", asked()).json()
    response = head.post(f"/suspensions/{made['id']}/agree", version=1)
    assert response.status_code == 409
    assert school.kinds()[-1] == "rule_refused"
    assert school.told == 0


def test_it_can_be_refused_and_withdrawn(school: SchoolOfTest) -> None:
    manager, head = school.person("Manager", Role.NETWORK_MANAGER), school.person("Head", Role.HEAD_TEACHER)
    first = manager.post("/suspensions", asked()).json()["id"]
    second = manager.post("/suspensions", asked(networks=[], is_for_school=True)).json()["id"]
    assert head.post(f"/suspensions/{first}/refuse", {"reason": REASON}, version=1).json()["state"] == "refused"
    assert manager.post(f"/suspensions/{second}/withdraw", version=1).json()["state"] == "withdrawn"
    assert [each["id"] for each in head.get("/suspensions", state="refused").json()["items"]] == [first]
    page = head.get("/suspensions", limit=1).json()
    assert page["items"][0]["id"] == min(first, second)
    assert page["next"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"networks": []}, id="for-nobody"),
        pytest.param({"until_at": "2026-03-02T23:00:00+00:00"}, id="longer-than-eight-hours"),
        pytest.param({"networks": ["elsewhere"]}, id="a-network-that-is-not-there"),
    ],
)
def test_a_request_that_is_refused(school: SchoolOfTest, changes: dict[str, Any]) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    assert manager.post("/suspensions", asked(**changes)).status_code == 409


def test_a_teacher_has_no_part_in_it(school: SchoolOfTest) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    assert teacher.post("/suspensions", asked()).status_code == 403
    assert teacher.get("/suspensions").status_code == 403


def test_what_is_not_there(school: SchoolOfTest) -> None:
    head = school.person("Head", Role.HEAD_TEACHER)
    assert head.get("/suspensions/nothing").status_code == 404
    assert head.post("/suspensions/nothing/agree", version=1).status_code == 404


def test_a_program_ends_only_what_its_owner_asked_for(school: SchoolOfTest) -> None:
    manager, head = school.person("Manager", Role.NETWORK_MANAGER), school.person("Head", Role.HEAD_TEACHER)
    program = manager.with_token(["request_suspension", "read_overrides"])
    theirs = head.post("/suspensions", asked()).json()["id"]
    mine = program.post("/suspensions", asked(networks=[], groups=["year5"])).json()["id"]
    manager.post(f"/suspensions/{theirs}/agree", version=1)
    head.post(f"/suspensions/{mine}/agree", version=1)
    assert program.post(f"/suspensions/{theirs}/end", version=2).status_code == 409
    assert school.kinds()[-1] == "rule_refused"
    assert program.get(f"/suspensions/{theirs}").json()["state"] == "agreed"
    assert program.post(f"/suspensions/{mine}/end", version=2).json()["state"] == "stopped"


def test_a_class_is_named_by_its_title(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    with school.store.act() as act:
        school.parts.people.set_class(act, SchoolClass("c1", "5B", "year5"), actor="system")
        school.parts.people.set_class(act, SchoolClass("c2", "6A"), actor="system")
    made = manager.post("/suspensions", asked(networks=[], groups=["5b"]))
    assert made.json()["groups"] == ["year5"]
    refused = manager.post("/suspensions", asked(networks=[], groups=["6A"]))
    assert refused.json()["detail"] == "Nobody has said which devices are the class 6A; name a group instead."
