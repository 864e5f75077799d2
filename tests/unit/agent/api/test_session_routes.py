"""Signing in and out, who one is, and tokens for programs."""

from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from api_of_test import PASSWORD, SchoolOfTest

from agent.api.security import COOKIE
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def test_the_cookie_is_for_this_host_over_tls_and_no_script(school: SchoolOfTest) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    response = teacher.sign_in()
    cookie = SimpleCookie(response.headers["set-cookie"])[COOKIE]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, True, "strict", "/")
    assert cookie["domain"] == cookie["max-age"] == cookie["expires"] == ""
    told = response.json()
    assert (told["name"], told["roles"], told["timezone"]) == ("Teacher", ["teacher"], "Europe/London")
    assert told["rights"] == ["request_override", "use_media"]
    assert told["ends_at"] == "2026-03-02T19:15:00Z"
    assert cookie.value not in response.text


def test_what_was_wrong_is_not_told(school: SchoolOfTest) -> None:
    school.person("Teacher", Role.TEACHER)
    stranger = school.stranger()
    answers = [
        stranger.post("/session", {"login": login, "password": password})
        for login, password in (("teacher", "wrong"), ("nobody", PASSWORD), ("'; DROP TABLE people; --", "x"))
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert all("set-cookie" not in answer.headers for answer in answers)


def test_a_stolen_cookie_is_worth_nothing_after_sign_out(school: SchoolOfTest) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    assert teacher.get("/me").json()["csrf"] == teacher.headers["X-CSRF-Token"]
    response = teacher.ask("DELETE", "/session")
    assert response.status_code == 204
    assert SimpleCookie(response.headers["set-cookie"])[COOKIE].value == ""
    assert teacher.get("/me").status_code == 401
    assert teacher.ask("DELETE", "/session").status_code == 401


def test_signing_out_needs_the_header_of_our_page(school: SchoolOfTest) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    assert teacher.ask("DELETE", "/session", headers={"X-CSRF-Token": ""}).status_code == 403
    proof = teacher.headers.pop("X-CSRF-Token")
    assert teacher.ask("DELETE", "/session").status_code == 403
    teacher.headers["X-CSRF-Token"] = proof
    assert teacher.get("/me").status_code == 200


def test_a_session_ends_by_the_clock(school: SchoolOfTest) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    school.now += timedelta(minutes=31)
    assert teacher.get("/me").status_code == 401


def test_a_token_is_shown_once_and_ends_when_it_is_revoked(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    program = manager.with_token(["read_overrides"])
    listed = manager.get("/tokens").json()["items"]
    assert [(each["label"], each["scopes"], each["secret"]) for each in listed] == [
        ("a board", ["read_overrides"], None)
    ]
    told = program.get("/me").json()
    assert (told["person"], told["rights"], told["csrf"]) == (manager.person, ["read_overrides"], None)
    assert program.get("/tokens").status_code == 403
    assert manager.ask("DELETE", f"/tokens/{listed[0]['id']}").status_code == 204
    assert program.get("/me").status_code == 401


def test_nobody_ends_the_token_of_somebody_else(school: SchoolOfTest) -> None:
    manager, other = (school.person(name, Role.NETWORK_MANAGER) for name in ("Manager", "Other"))
    program = manager.with_token(["read_overrides"])
    token = manager.get("/tokens").json()["items"][0]["id"]
    assert other.get("/tokens").json()["items"] == []
    assert other.ask("DELETE", f"/tokens/{token}").status_code == 404
    assert program.get("/me").status_code == 200


@pytest.mark.parametrize("ending", ["revoked", "ended", "of-a-leaver", "changed", "as-a-cookie"])
def test_a_token_that_is_shown_after_its_end_is_refused_in_one_sentence(school: SchoolOfTest, ending: str) -> None:
    manager, head = school.person("Manager", Role.NETWORK_MANAGER), school.person("Head", Role.HEAD_TEACHER)
    ends_at = (school.now + timedelta(days=1)).isoformat()
    made = manager.post("/tokens", {"label": "a board", "scopes": ["read_overrides"], "ends_at": ends_at}).json()
    program = school.stranger()
    program.headers = {"Authorization": f"Bearer {made['secret']}"}
    assert program.get("/overrides").status_code == 200
    if ending == "revoked":
        assert manager.ask("DELETE", f"/tokens/{made['id']}").status_code == 204
    elif ending == "ended":
        school.now += timedelta(days=1)
    elif ending == "of-a-leaver":
        place = f"/people/{manager.person}"
        assert head.post(f"{place}/close", version=head.get(place).json()["version"]).status_code == 200
    elif ending == "changed":
        program.headers = {"Authorization": f"Bearer {made['secret'][:-1]}"}
    else:
        program.headers = {"Cookie": f"{COOKIE}={made['secret']}"}
    refused = program.get("/overrides")
    said = (
        "You are not signed in, or your session has ended."
        if ending == "as-a-cookie"
        else "This token is not known, has ended or was revoked."
    )
    assert (refused.status_code, refused.json()["detail"]) == (401, said)
    assert made["secret"] not in refused.text


def test_a_token_cannot_end_before_it_begins(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    ended = {"label": "x", "scopes": ["read_overrides"], "ends_at": school.now.isoformat()}
    refused = manager.post("/tokens", ended)
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "Found an end of the token in the past; expected one to come.",
    )


@pytest.mark.parametrize(
    "scopes", [["sign_off_record"], ["decide_override"], ["read_record"]], ids=["not-held", "people-only", "beyond"]
)
def test_a_token_gives_nothing_beyond(school: SchoolOfTest, scopes: list[str]) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    assert manager.post("/tokens", {"label": "x", "scopes": scopes}).status_code == 409


def test_a_program_makes_no_tokens(school: SchoolOfTest) -> None:
    program = school.person("Manager", Role.NETWORK_MANAGER).with_token(["read_overrides"])
    assert program.post("/tokens", {"label": "x", "scopes": ["read_overrides"]}).status_code == 403
