"""Accounts through the interface: made for somebody, taken over by their owner, closed."""

import asyncio
from pathlib import Path

import httpx
import pytest
from api_of_test import PASSWORD, SchoolOfTest
from argon2 import PasswordHasher

from rules.errors import RefusedRequestError
from rules.roles import Role

NEW = "nine yellow trams 9"


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def is_password_of(school: SchoolOfTest, login: str, password: str) -> bool:
    try:
        school.parts.accounts.sign_in(login, password)
    except RefusedRequestError:
        return False
    return True


def person_without_account(school: SchoolOfTest, *roles: Role) -> str:
    with school.store.act() as act:
        return school.parts.people.open(act, "Newcomer", roles, actor="system").id


@pytest.mark.parametrize(("role", "has_code"), [(Role.TEACHER, False), (Role.HEAD_TEACHER, True)])
def test_an_account_is_made_with_a_first_password(school: SchoolOfTest, role: Role, has_code: bool) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    asked = {"login": "newcomer", "person": person_without_account(school, role)}
    made = manager.post("/accounts", asked)
    assert made.status_code == 201
    assert (made.json()["totp_secret"] is not None) is has_code
    assert len(made.json()["password"]) == 16
    assert manager.post("/accounts", asked).status_code == 409, "the login is taken"
    assert school.kinds().count("account_created") == 2


@pytest.mark.parametrize("role", [Role.HEAD_TEACHER, Role.SAFEGUARDING_LEAD, Role.NETWORK_MANAGER])
def test_nobody_makes_a_second_way_in_for_somebody_who_decides(school: SchoolOfTest, role: Role) -> None:
    manager, decider = school.person("Manager", Role.NETWORK_MANAGER), school.person("Decider", role)
    for person, name in ((decider.person, "Decider"), (manager.person, "Manager")):
        refused = manager.post("/accounts", {"login": "second", "person": person})
        assert (refused.status_code, refused.json()["detail"]) == (
            409,
            f"{name} decides and has the account {name.lower()} already; close that one first.",
        )
        assert school.kinds()[-1] == "rule_refused"
    assert manager.ask("DELETE", "/accounts/decider").status_code == 204
    assert manager.post("/accounts", {"login": "decider", "person": decider.person}).status_code == 201


def test_a_teacher_may_have_two(school: SchoolOfTest) -> None:
    manager, teacher = school.person("Manager", Role.NETWORK_MANAGER), school.person("Teacher", Role.TEACHER)
    assert manager.post("/accounts", {"login": "second", "person": teacher.person}).status_code == 201


def test_nobody_else_makes_accounts(school: SchoolOfTest) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    assert teacher.post("/accounts", {"login": "me2", "person": teacher.person}).status_code == 403


def test_the_owner_sets_a_password_of_their_own(school: SchoolOfTest) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    done = teacher.post("/me/password", {"password": PASSWORD, "new_password": NEW})
    assert done.status_code == 204
    assert teacher.get("/me").status_code == 401, "every session has ended"
    assert is_password_of(school, "teacher", NEW)
    assert not is_password_of(school, "teacher", PASSWORD)


def test_a_stolen_session_guesses_once(school: SchoolOfTest) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    refused = teacher.post("/me/password", {"password": "wrong guess 1", "new_password": NEW})
    assert refused.status_code == 403
    assert teacher.post("/me/password", {"password": PASSWORD, "new_password": NEW}).status_code == 401
    assert is_password_of(school, "teacher", PASSWORD)


def test_a_stolen_session_guesses_once_however_many_guesses_come_at_once(school: SchoolOfTest) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    # Long enough for all guesses to be under way before the first is found wrong.
    school.parts.accounts._hasher = PasswordHasher(time_cost=2, memory_cost=8192, parallelism=1)

    async def guess() -> list[int]:
        transport = httpx.ASGITransport(school.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://gateway.example") as client:
            bodies = ({"password": f"wrong guess {number}", "new_password": NEW} for number in range(12))
            sent = (client.post("/api/v1/me/password", headers=teacher.headers, json=body) for body in bodies)
            answers = await asyncio.gather(*sent)
            return [each.status_code for each in answers]

    assert sorted(asyncio.run(guess())) == [401] * 11 + [403]
    assert school.kinds().count("sign_in_refused") == 1


def test_a_password_that_breaks_a_rule_is_refused(school: SchoolOfTest) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    refused = teacher.post("/me/password", {"password": PASSWORD, "new_password": "short 1"})
    assert refused.status_code == 409
    assert teacher.get("/me").status_code == 200


def test_the_owner_enrols_an_authenticator_of_their_own(school: SchoolOfTest) -> None:
    head = school.person("Head", Role.HEAD_TEACHER)
    told = head.post("/me/authenticator", {"password": PASSWORD})
    assert told.status_code == 201
    assert told.json()["totp_secret"]
    assert told.json()["password"] is None
    assert head.get("/me").status_code == 401


def test_a_token_ends_with_the_last_account_of_whom_it_acts_for(school: SchoolOfTest) -> None:
    manager, teacher = school.person("Manager", Role.NETWORK_MANAGER), school.person("Teacher", Role.TEACHER)
    accounts = school.parts.accounts
    with school.store.act() as act:
        token = accounts.issue_token(act, teacher.person, "a board", ["request_override"])
    assert manager.post("/accounts", {"login": "second", "person": teacher.person}).status_code == 201
    assert manager.ask("DELETE", "/accounts/teacher").status_code == 204
    assert accounts.by_token(token) is not None
    assert manager.ask("DELETE", "/accounts/second").status_code == 204
    assert accounts.by_token(token) is None
    assert school.kinds()[-2:] == ["account_closed", "token_revoked"]


def test_a_closed_account_is_gone(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    teacher = school.person("Teacher", Role.TEACHER)
    assert manager.ask("DELETE", "/accounts/teacher").status_code == 204
    assert teacher.get("/me").status_code == 401
    assert manager.ask("DELETE", "/accounts/teacher").status_code == 404
