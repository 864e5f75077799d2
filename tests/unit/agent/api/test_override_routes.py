"""Overrides through the interface: from a teacher's request to its end, with nobody deciding about their own."""

import json
from pathlib import Path
from typing import Any

import pytest
from api_of_test import REASON, SchoolOfTest, Visitor, lesson

from agent.requests.override_acts import existing, sum_up, tell_nobody
from agent.storage.override_rows import Use
from rules.roles import Role


class School(SchoolOfTest):
    """A school with a teacher, two approvers, and a pupil."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.teacher = self.person("Teacher", Role.TEACHER)
        self.manager = self.person("Manager", Role.NETWORK_MANAGER)
        self.head = self.person("Head", Role.HEAD_TEACHER)
        self.pupil = self.person("Pupil", Role.PUPIL)

    def requested(self, **changes: Any) -> dict[str, Any]:
        made = self.teacher.post("/overrides", lesson(**changes))
        assert made.status_code == 201, made.text
        tree: dict[str, Any] = made.json()
        return tree


@pytest.fixture
def school(tmp_path: Path) -> School:
    return School(tmp_path)


def kind_of(response: Any) -> str:
    kind: str = response.json()["type"].rpartition(":")[2]
    return kind


def test_a_lesson(school: School) -> None:
    seen = school.teacher.post("/overrides/preview", lesson()).json()
    assert (seen["lifts"], seen["faults"], seen["needs_two"]) == (["gambling"], [], False)
    made = school.requested()
    assert (made["state"], made["names"], made["requester"]["name"]) == ("waiting", ["bet.example"], "Teacher")
    assert (made["effect"], school.told) == (None, 0)
    place = f"/overrides/{made['id']}"
    approved = school.manager.post(f"{place}/approve", version=made["version"])
    assert approved.status_code == 200, approved.text
    told = approved.json()
    assert (told["state"], told["lifts"], told["approvers"][0]["name"]) == ("approved", ["gambling"], "Manager")
    assert told["effect"] == {"applied": True, "everywhere_by": "2026-03-02T09:15:11Z"}
    assert approved.headers["etag"] == f'"{told["version"]}"'
    revoked = school.head.post(f"{place}/revoke", {"reason": REASON}, version=told["version"])
    assert (revoked.json()["state"], school.told) == ("revoked", 2)
    assert [kind for kind in school.kinds() if kind.startswith("override")] == [
        "override_requested",
        "override_approved",
        "override_revoked",
    ]


def test_where_it_was_made_it_is_shown(school: School) -> None:
    made = school.teacher.post("/overrides", lesson())
    shown = school.teacher.get(made.headers["location"].removeprefix("/api/v1"))
    assert shown.json() == made.json()
    assert shown.headers["etag"] == made.headers["etag"]


@pytest.mark.parametrize("move", ["approve", "refuse", "narrow"])
def test_whoever_asked_does_not_decide(school: School, move: str) -> None:
    made = school.manager.post("/overrides", lesson()).json()
    response = school.manager.post(f"/overrides/{made['id']}/{move}", {"reason": REASON}, version=1)
    assert response.status_code == 409, response.text
    assert kind_of(response) == "refused"
    assert school.kinds()[-1] == "rule_refused"
    assert school.head.get(f"/overrides/{made['id']}").json()["state"] == "waiting"


@pytest.mark.parametrize("move", ["approve", "refuse", "narrow", "countersign"])
def test_a_teacher_decides_nothing(school: School, move: str) -> None:
    made = school.requested()
    response = school.teacher.post(f"/overrides/{made['id']}/{move}", {"reason": REASON}, version=1)
    assert response.status_code == 403
    assert school.kinds()[-1] == "rule_refused"


def test_whoever_asked_may_end_it_early(school: School) -> None:
    made = school.requested()
    place = f"/overrides/{made['id']}"
    version = school.manager.post(f"{place}/approve", version=made["version"]).json()["version"]
    revoked = school.teacher.post(f"{place}/revoke", {"reason": REASON}, version=version)
    assert revoked.json()["state"] == "revoked"


def test_what_another_one_still_opens_of_what_was_revoked_is_told(school: School) -> None:
    mine, other = (school.requested(names=[name])["id"] for name in ("bet.example", "cdn.bet.example"))
    for each in (mine, other):
        school.manager.post(f"/overrides/{each}/approve", version=1)
    told = school.teacher.post(f"/overrides/{mine}/revoke", {"reason": REASON}, version=2).json()
    assert told["effect"] == {"applied": True, "everywhere_by": "2026-03-02T09:16:01Z"}
    assert told["stays_open"] == [
        {"override": other, "what": ["cdn.bet.example"], "until_at": "2026-03-02T10:00:00Z"}
    ]
    assert school.head.get(f"/overrides/{mine}").json()["stays_open"] == [], "it is said once"
    last = school.teacher.post(f"/overrides/{other}/revoke", {"reason": REASON}, version=2).json()
    assert last["stays_open"] == []


def test_a_program_ends_and_withdraws_only_what_its_owner_asked_for(school: School) -> None:
    program = school.manager.with_token(["request_override", "read_overrides"])
    theirs, waiting = school.requested()["id"], school.requested()["id"]
    mine = program.post("/overrides", lesson(names=["cdn.bet.example"])).json()["id"]
    for each in (theirs, mine):
        assert school.head.post(f"/overrides/{each}/approve", version=1).status_code == 200
    for path, version in ((f"/overrides/{theirs}/revoke", 2), (f"/overrides/{waiting}/withdraw", 1)):
        refused = program.post(path, {"reason": REASON}, version=version)
        assert (refused.status_code, kind_of(refused)) == (409, "refused"), path
        assert last_row(school)[:2] == ("rule_refused", path.split("/")[2])
    assert school.head.get(f"/overrides/{theirs}").json()["state"] == "approved"
    assert program.post(f"/overrides/{mine}/revoke", {"reason": REASON}, version=2).json()["state"] == "revoked"
    wider = school.manager.with_token(["revoke_override", "read_overrides"])
    assert wider.post(f"/overrides/{theirs}/revoke", {"reason": REASON}, version=2).json()["state"] == "revoked"


@pytest.mark.parametrize("move", ["approve", "narrow", "refuse", "countersign"])
def test_who_is_refused_at_the_door_is_on_record_with_what_they_tried_it_with(school: School, move: str) -> None:
    made = school.requested()["id"]
    for tried, subject in ((made, made), ("nothing", ""), ("-" * 60, "")):
        assert school.pupil.post(f"/overrides/{tried}/{move}", version=1).status_code == 403
        kind, found, facts = last_row(school)
        assert (kind, found) == ("rule_refused", subject)
        assert facts["route"] == f"POST /api/v1/overrides/{{id}}/{move}"


def last_row(school: School) -> tuple[str, str, dict[str, Any]]:
    with school.store.read() as database:
        query = "SELECT kind, subject, facts FROM audit ORDER BY number DESC LIMIT 1"
        kind, subject, facts = database.execute(query).fetchone()
    return kind, subject, json.loads(facts)


def test_a_pupil_asks_for_nothing(school: School) -> None:
    for path in ("/overrides", "/overrides/preview"):
        assert school.pupil.post(path, lesson()).status_code == 403
    assert school.kinds()[-2:] == ["rule_refused", "rule_refused"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 428, id="no-version"),
        pytest.param({"If-Match": '"7"'}, 412, id="another-version"),
        pytest.param({"If-Match": "*"}, 412, id="any-version"),
    ],
)
def test_two_windows(school: School, headers: dict[str, str], status: int) -> None:
    made = school.requested()
    response = school.manager.ask("POST", f"/overrides/{made['id']}/approve", json={}, headers=headers)
    assert response.status_code == status, response.text
    assert school.head.get(f"/overrides/{made['id']}").json()["version"] == 1


def test_a_decision_on_what_was_withdrawn(school: School) -> None:
    made = school.requested()
    withdrawn = school.teacher.post(f"/overrides/{made['id']}/withdraw", version=1).json()
    assert withdrawn["state"] == "withdrawn"
    assert school.manager.post(f"/overrides/{made['id']}/approve", version=1).status_code == 412
    assert school.manager.post(f"/overrides/{made['id']}/approve", version=2).status_code == 409


def test_less_than_was_asked_for(school: School) -> None:
    made = school.requested(groups=["year5", "year6"])
    body = {"reason": REASON, "groups": ["year5"], "until_at": "2026-03-02T09:40:00+00:00"}
    told = school.manager.post(f"/overrides/{made['id']}/narrow", body, version=1).json()
    assert (told["state"], told["groups"], told["until_at"]) == ("approved", ["year5"], "2026-03-02T09:40:00Z")


def test_an_emergency_holds_at_once_and_is_countersigned(school: School) -> None:
    made = school.manager.post("/overrides", lesson(is_break_glass=True)).json()
    assert (made["state"], made["is_break_glass"], school.told) == ("approved", True, 1)
    assert made["effect"]["applied"]
    told = school.head.post(f"/overrides/{made['id']}/countersign", {"reason": REASON}, version=made["version"])
    assert told.status_code == 200, told.text
    assert told.json()["approvers"][0]["name"] == "Head"


def test_without_the_right_to_read_all_there_are_only_ones_own(school: School) -> None:
    theirs = school.manager.post("/overrides", lesson()).json()
    mine = school.requested()
    assert [each["id"] for each in school.teacher.get("/overrides").json()["items"]] == [mine["id"]]
    asked_for = school.teacher.get("/overrides", requester=school.manager.person)
    assert [each["id"] for each in asked_for.json()["items"]] == [mine["id"]]
    assert school.teacher.get(f"/overrides/{theirs['id']}").status_code == 404
    assert len(school.head.get("/overrides").json()["items"]) == 2
    assert len(school.head.get("/overrides", requester=school.teacher.person).json()["items"]) == 1


def test_a_list_in_parts(school: School) -> None:
    made = {school.requested()["id"] for _ in range(5)}
    found, after = [], None
    while True:
        page = school.head.get("/overrides", limit=2, **({"after": after} if after else {})).json()
        found += [each["id"] for each in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert len(found) == 5
    assert set(found) == made


def test_a_list_of_some_states(school: School) -> None:
    school.requested()
    assert len(school.head.get("/overrides", state="waiting").json()["items"]) == 1
    assert school.head.get("/overrides", state="approved").json()["items"] == []
    assert school.head.get("/overrides", state="anything").status_code == 422


def test_what_is_not_there(school: School) -> None:
    for response in (
        school.head.get("/overrides/nothing"),
        school.manager.post("/overrides/nothing/approve", version=1),
    ):
        assert (response.status_code, kind_of(response)) == (404, "not-found")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"names": ["not a name"]}, id="a-name-that-is-none"),
        pytest.param({"names": ["a.example"] * 9_000}, id="nine-thousand-names"),
        pytest.param({"names": ["crime.example"]}, id="what-is-statutory"),
        pytest.param({"categories": ["everything"], "names": []}, id="a-category-that-is-not-there"),
        pytest.param({"groups": ["year9"]}, id="a-group-that-is-not-there"),
        pytest.param({"categories": ["gambling", "games"], "names": []}, id="two-categories"),
        pytest.param({"groups": []}, id="everybody"),
        pytest.param({"until_at": "2026-03-02T09:00:00+00:00"}, id="an-end-in-the-past"),
        pytest.param({"from_at": "2026-03-02T11:00:00+00:00"}, id="an-end-before-its-start"),
        pytest.param({"reason": "because"}, id="no-reason"),
        pytest.param({"is_break_glass": True}, id="an-emergency-of-a-teacher"),
    ],
)
def test_a_request_that_is_refused(school: School, changes: dict[str, Any]) -> None:
    response = school.teacher.post("/overrides", lesson(**changes))
    assert (response.status_code, kind_of(response)) == (409, "refused"), response.text
    assert response.json()["detail"].endswith(".")
    assert school.head.get("/overrides").json()["items"] == []


def test_a_program_reads_within_its_scopes(school: School) -> None:
    made = school.requested()
    program: Visitor = school.manager.with_token(["read_overrides"])
    assert program.get(f"/overrides/{made['id']}").status_code == 200
    assert program.post(f"/overrides/{made['id']}/approve", version=1).status_code == 403


def test_how_an_override_was_used_is_told_when_that_is_known(school: School) -> None:
    place = f"/overrides/{school.requested()['id']}"
    assert school.teacher.get(place).json()["used"] is None
    with school.store.act() as act:
        filed = existing(act.database, place.rpartition("/")[2])
        sum_up(act, filed, tell_nobody, used=Use(3, None, is_complete=False))
    shown = school.teacher.get(place)
    assert shown.json()["used"] == {"times": 3, "devices": None, "is_complete": False}
    assert shown.headers["etag"] == '"2"', "it is not what somebody has seen before"


def test_no_program_takes_an_override_in_an_emergency(school: School) -> None:
    program = school.manager.with_token(["request_override"])
    refused = program.post("/overrides", lesson(is_break_glass=True))
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "A program cannot take an override in an emergency; a person who signs in can.",
    )
    assert school.kinds()[-1] == "rule_refused"
    assert program.post("/overrides", lesson()).json()["state"] == "waiting"
    assert school.manager.post("/overrides", lesson(is_break_glass=True)).json()["state"] == "approved"
