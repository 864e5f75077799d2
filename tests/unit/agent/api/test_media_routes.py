"""Media by the interface: the whole life of one, who is let in, and what is refused in one sentence."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from api_of_test import SchoolOfTest, Visitor

from rules.roles import Role

STICK = {"kind": "stick", "purpose": "Marks of year five", "serial": "AB-1", "vendor": "0951", "product": "177f"}
HOW = {"how": "Shredded in the office"}
OUT = {"purpose": "Reports at home", "due_on": "2026-03-04"}
LET = {"purpose": "The museum takes no other", "until_on": "2026-03-20"}
LOST = {"how": "stolen", "text": "It was in my bag on the train", "medium": 1}


@dataclass(frozen=True)
class People:
    """Who is there."""

    school: SchoolOfTest
    head: Visitor
    technician: Visitor
    teacher: Visitor
    officer: Visitor
    pupil: Visitor


@pytest.fixture
def there(tmp_path: Path) -> People:
    school = SchoolOfTest(tmp_path)
    roles = (Role.HEAD_TEACHER, Role.TECHNICIAN, Role.TEACHER, Role.DATA_PROTECTION_OFFICER, Role.PUPIL)
    return People(school, *(school.person(role.name.title(), role) for role in roles))


def detail(visitor: Visitor, path: str, body: Any, **further: Any) -> tuple[int, str]:
    response = visitor.post(path, body, **further)
    return response.status_code, response.json()["detail"]


def test_the_life_of_a_medium(there: People) -> None:
    teacher, technician = there.teacher, there.technician
    made = teacher.post("/media", STICK)
    assert (made.status_code, made.headers["location"], made.headers["etag"]) == (201, "/api/v1/media/1", '"1"')
    changed = teacher.post("/media/1/change", {"place": "Safe", "purge_on": "2026-07-01"}, version=1)
    assert (changed.json()["place"], changed.json()["purge_on"]) == ("Safe", "2026-07-01")
    assert teacher.post("/media/1/attest", {"how": "A password of mine"}, version=2).json()["attested"]
    cleared = teacher.post("/media/1/purge", {"how": "Overwritten in the office"}, version=3)
    assert (cleared.json()["purge_on"], cleared.json()["version"]) == (None, 4)
    asked = teacher.post("/media/1/sign-out", OUT)
    assert (asked.status_code, asked.json()["state"]) == (201, "waiting")
    assert technician.post("/media/sign-outs/1/allow", {}, version=1).json()["state"] == "out"
    assert teacher.get("/media/sign-outs", state="out").json()["items"][0]["medium"] == 1
    assert technician.post("/media/1/sign-in").json()["returned_by"]["name"] == "Technician"
    assert teacher.post("/media/1/exceptions", LET).status_code == 201
    assert there.head.post("/media/exceptions/1/allow", {}, version=1).json()["holds"] is True
    shown = teacher.get("/media/1")
    assert (shown.headers["etag"], shown.json()["exception"]["number"], shown.json()["sign_out"]) == ('"4"', 1, None)
    assert [move["move"] for move in shown.json()["moves"]][-1] == "media_exception_allowed"
    assert teacher.post("/media/exceptions/1/withdraw", {}, version=2).json()["state"] == "withdrawn"
    assert technician.post("/media/1/dispose", HOW, version=4).json()["disposal"] == HOW["how"]
    assert teacher.get("/media", state="registered").json()["items"] == []


def test_what_is_lost_is_told_with_what_was_on_record_and_found_again(there: People) -> None:
    there.teacher.post("/media", STICK)
    made = there.teacher.post("/media/lost", LOST)
    assert (made.status_code, made.json()["case"], made.json()["on_record"]["proved"]) == (201, 1, None)
    assert made.json()["on_record"]["owner"]["name"] == "Teacher"
    assert [each["number"] for each in there.officer.get("/media/lost").json()["items"]] == [1]
    assert there.officer.get("/media/lost/1").json() == made.json()
    assert there.officer.get("/media/1").status_code == 403
    assert detail(there.teacher, "/media/lost", LOST)[0] == 409
    found = there.technician.post("/media/1/find", {"how": "Under the seat of the car"}, version=2)
    assert found.json()["state"] == "registered"


def test_what_is_over_is_erased_for_whoever_asks(there: People) -> None:
    there.teacher.post("/media", STICK)
    there.technician.post("/media/1/dispose", HOW, version=1)
    asked = {"person": there.teacher.person, "reason": "The person asked for it in a letter of yesterday."}
    made = there.head.post("/media/erasures", asked)
    assert (made.status_code, made.json()) == (201, {"erased": 1, "kept": 0})
    assert there.technician.get("/media/1").json()["owner"] == {"id": "", "name": ""}
    assert there.technician.post("/media/erasures", asked).status_code == 403
    assert there.head.post("/media/erasures", asked | {"person": "p999"}).status_code == 404


def test_what_is_erased_beside_the_record_is_erased_from_the_history_of_the_medium(there: People) -> None:
    there.teacher.post("/media", STICK)
    row = there.school.kinds().index("medium_registered") + 1
    (move,) = there.teacher.get("/media/1").json()["moves"]
    assert move["words"] == {"owner": "Teacher", "purpose": STICK["purpose"]}
    body = {"reason": "Her parents asked for it in a letter."}
    assert there.head.post(f"/audit/{row}/erase", body).status_code == 201
    (move,) = there.teacher.get("/media/1").json()["moves"]
    assert move["words"] == {}
    assert there.head.get("/audit/verify").json()["is_whole"]


def test_a_person_sees_their_own_alone(there: People) -> None:
    there.technician.post("/media", {"kind": "paper", "purpose": "Plans of the network"})
    there.teacher.post("/media", STICK)
    assert [each["number"] for each in there.teacher.get("/media").json()["items"]] == [2]
    assert [each["number"] for each in there.technician.get("/media").json()["items"]] == [2, 1]
    assert there.teacher.get("/media/1").status_code == 404
    assert there.teacher.get("/media/9").status_code == 404
    assert there.teacher.get("/media", owner=there.technician.person).json()["items"][0]["number"] == 2


def test_lists_come_in_parts(there: People) -> None:
    for _ in range(3):
        there.teacher.post("/media", {"kind": "paper", "purpose": "Marks of year five"})
    first = there.teacher.get("/media", limit=2).json()
    rest = there.teacher.get("/media", limit=2, after=first["next"]).json()
    assert [each["number"] for each in first["items"] + rest["items"]] == [3, 2, 1]
    assert rest["next"] is None
    assert there.teacher.get("/media", after="x").status_code == 422


def test_what_should_be_back_is_listed_apart(there: People) -> None:
    there.teacher.post("/media", STICK)
    there.technician.post("/media/1/sign-out", OUT | {"person": there.teacher.person})
    assert there.teacher.get("/media/sign-outs", overdue=True).json()["items"] == []
    there.school.now = there.school.now.replace(day=5)
    there.teacher.sign_in()
    (late,) = there.teacher.get("/media/sign-outs", overdue=True).json()["items"]
    assert late["is_overdue"] is True


def test_refusals_are_sentences(there: People) -> None:
    teacher, technician = there.teacher, there.technician
    teacher.post("/media", STICK)
    same = "A medium with this serial number stands on the register as M-1; expected another one."
    assert detail(teacher, "/media", STICK) == (409, same)
    assert detail(teacher, "/media/1/sign-in", {})[1] == "M-1 is not signed out, so there is nothing to sign in."
    assert detail(teacher, "/media/1/change", {"place": "Safe"}, version=9)[0] == 412
    assert detail(teacher, "/media/1/change", {"place": "Safe"})[0] == 428
    assert detail(teacher, "/media/1/dispose", HOW, version=1)[0] == 403
    teacher.post("/media/1/sign-out", OUT)
    fewer = {"reason": "Ask for fewer days"}
    assert technician.post("/media/sign-outs/1/refuse", fewer, version=1).status_code == 200
    assert teacher.post("/media/1/sign-out", OUT).status_code == 201
    assert teacher.post("/media/sign-outs/2/withdraw", {}, version=1).json()["state"] == "withdrawn"
    teacher.post("/media/1/exceptions", LET)
    refused = there.head.post("/media/exceptions/1/refuse", {"reason": "Buy an encrypted one"}, version=1)
    assert refused.json()["reason"] == "Buy an encrypted one"
    assert [each["state"] for each in teacher.get("/media/exceptions").json()["items"]] == ["refused"]
    assert there.school.kinds().count("rule_refused") == 3


@pytest.mark.parametrize("path", ["/media", "/media/sign-outs", "/media/exceptions", "/media/lost", "/media/1"])
def test_who_is_not_let_in(there: People, path: str) -> None:
    assert there.pupil.get(path).status_code == 403
    assert there.school.stranger().get(path).status_code == 401


def test_ten_thousand_media_are_listed_in_parts(there: People) -> None:
    there.teacher.post("/media", STICK)
    with there.school.store.act() as act:
        act.database.executemany(
            "INSERT INTO media (kind, owner, state, stated, holds_personal_data, is_foreign, registered_at,"
            " registered_by, words) VALUES ('stick', ?, 'registered', 'plain', 0, 0, '2026-03-02', 'x', '{}')",
            [(there.teacher.person,)] * 10_000,
        )
    page = there.technician.get("/media", limit=500).json()
    assert (len(page["items"]), page["items"][0]["number"]) == (500, 10_001)
    register = there.head.get("/registers/media", purpose="The review of this term", format="csv")
    assert register.text.count("\n") == 10_001
