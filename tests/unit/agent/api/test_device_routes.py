"""Laptops over HTTP: who manages them, what each is told, and what the list says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest, Visitor
from fleet_of_test import LaptopOfTest, event, token_of

from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = SchoolOfTest(tmp_path)
    yield made
    made.parts.fleet.close()


@pytest.fixture
def manager(school: SchoolOfTest) -> Visitor:
    return school.person("Nadia", Role.NETWORK_MANAGER)


def waiting(school: SchoolOfTest, manager: Visitor) -> LaptopOfTest:
    laptop = LaptopOfTest(school)
    laptop.enrol(token_of(manager, uses=2, owner=manager.person))
    return laptop


def test_a_token_is_shown_once_and_listed_without_itself(school: SchoolOfTest, manager: Visitor) -> None:
    made = manager.post("/devices/tokens", {"label": "Office", "hours": 1})
    assert made.status_code == 201
    listed = manager.get("/devices/tokens")
    (token,) = listed.json()["items"]
    assert (token["label"], token["uses_left"], token["is_usable"]) == ("Office", 1, True)
    assert made.json()["token"].split(".")[2] not in listed.text
    assert manager.ask("DELETE", f"/devices/tokens/{token['id']}").status_code == 204
    assert manager.get("/devices/tokens").json()["items"][0]["is_usable"] is False
    assert manager.ask("DELETE", "/devices/tokens/none").status_code == 404
    LaptopOfTest(school).enrol(made.json()["token"])
    assert manager.get("/devices").json()["items"] == []


@pytest.mark.parametrize(
    "asked", [{}, {"label": ""}, {"label": "x", "uses": 0}, {"label": "x", "hours": 721}, {"label": "x", "more": 1}]
)
def test_a_token_that_cannot_be_made(manager: Visitor, asked: dict[str, object]) -> None:
    response = manager.post("/devices/tokens", asked)
    assert response.status_code in (409, 422)
    assert response.json()["detail"][-1] == "."


def test_the_list_says_how_each_laptop_stands(school: SchoolOfTest, manager: Visitor) -> None:
    laptop = waiting(school, manager)
    (found,) = manager.get("/devices").json()["items"]
    assert (found["state"], found["is_waiting"], found["owner"]["name"], found["contact"]) == (
        "pending",
        True,
        "Nadia",
        None,
    )
    path = f"/devices/{laptop.device}"
    approved = manager.post(f"{path}/approve", {"code": f" {found['code']} "}, version=found["version"])
    assert (approved.status_code, approved.headers["ETag"], approved.json()["code"]) == (200, '"2"', None)
    laptop.send(event(1, "posture", priority=1, facts={"check": "firewall", "state": "on"}))
    whole = manager.get(path).json()
    assert whole["contact"]["agent"] == "0.1.0"
    assert [(each["kind"], each["key"], each["facts"]["state"]) for each in whole["states"]] == [
        ("posture", "firewall", "on")
    ]
    assert whole["findings"] == []


def test_decisions_are_about_what_was_seen(school: SchoolOfTest, manager: Visitor) -> None:
    path = f"/devices/{waiting(school, manager).device}"
    assert manager.post(f"{path}/refuse", {"reason": ""}).status_code == 428
    assert manager.post(f"{path}/refuse", {"reason": ""}, version=9).status_code == 412
    assert manager.post(f"{path}/refuse", {"reason": ""}, version=1).json()["state"] == "refused"
    assert manager.post(f"{path}/owner", {"owner": None}, version=2).json()["owner"] is None
    assert manager.post(f"{path}/revoke", {"reason": "Sold."}, version=3).json()["state"] == "revoked"
    assert manager.get("/devices/none").status_code == 404
    assert manager.post("/devices/none/revoke", {}, version=1).status_code == 404


def test_reading_takes_less_than_managing(school: SchoolOfTest, manager: Visitor) -> None:
    path = f"/devices/{waiting(school, manager).device}"
    technician = school.person("Tim", Role.TECHNICIAN)
    assert technician.get("/devices").status_code == 200
    for each in (f"{path}/revoke", "/devices/tokens"):
        assert technician.post(each, {"reason": ""}, version=1).status_code == 403
    assert school.person("Tess", Role.TEACHER).get("/devices").status_code == 403
    assert manager.with_token(["read_devices"]).get("/devices").status_code == 200
