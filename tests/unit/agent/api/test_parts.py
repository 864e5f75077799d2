"""The door's view of accounts: who knocks, and who is welcome still."""

from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest, Visitor

from agent.api.parts import Door, names_of
from agent.api.security import COOKIE
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def cookie_of(visitor: Visitor) -> str:
    return visitor.headers["Cookie"].removeprefix(f"{COOKIE}=")


def test_a_stream_is_welcome_as_long_as_its_session_and_keeps_nobody_awake(school: SchoolOfTest) -> None:
    door = Door(school.parts)
    caller = door.by_session(cookie_of(school.person("Teacher", Role.TEACHER)))
    assert caller is not None
    for _ in range(2):
        school.now += timedelta(minutes=14)
        assert door.is_still_welcome(caller)
    school.now += timedelta(minutes=3)
    assert not door.is_still_welcome(caller)


def test_a_stream_ends_with_sign_out(school: SchoolOfTest) -> None:
    door = Door(school.parts)
    teacher = school.person("Teacher", Role.TEACHER)
    caller = door.by_session(cookie_of(teacher))
    assert caller is not None
    teacher.ask("DELETE", "/session")
    assert not door.is_still_welcome(caller)


def test_a_stream_ends_when_roles_change(school: SchoolOfTest) -> None:
    door = Door(school.parts)
    teacher = school.person("Teacher", Role.TEACHER)
    caller = door.by_session(cookie_of(teacher))
    assert caller is not None
    with school.store.act() as act:
        school.parts.people.change_roles(act, teacher.person, [Role.STAFF], actor="system")
    assert not door.is_still_welcome(caller)


def test_a_program_is_welcome_until_its_token_is_revoked(school: SchoolOfTest) -> None:
    door = Door(school.parts)
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    secret = manager.with_token(["read_overrides"]).headers["Authorization"].removeprefix("Bearer ")
    caller = door.by_token(secret)
    assert caller is not None
    assert caller.is_program
    assert door.is_still_welcome(caller)
    with school.store.act() as act:
        school.parts.accounts.revoke_token(act, school.parts.accounts.tokens()[0].id, actor=manager.person)
    assert not door.is_still_welcome(caller)


def test_names_of_more_people_than_a_statement_takes(school: SchoolOfTest) -> None:
    teacher = school.person("Teacher", Role.TEACHER)
    with school.store.read() as database:
        names = names_of(database, [teacher.person, "system", *(f"nobody{number}" for number in range(2000))])
    assert (names[teacher.person], names["system"], len(names)) == ("Teacher", "system", 2002)
