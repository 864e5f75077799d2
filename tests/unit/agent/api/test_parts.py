"""The door's view of accounts: who knocks, and who is welcome still."""

from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest, Visitor

from agent.api.parts import Door, names_of
from agent.api.security import COOKIE
from agent.sites.site import IncidentSettings, Private
from rules.roles import Right, Role


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


def test_whom_the_site_names_for_restricted_incidents_passes_with_a_second_factor(school: SchoolOfTest) -> None:
    door = Door(school.parts)
    second, other = school.person("Second", Role.SLT), school.person("Other", Role.SLT)
    school.private = Private(incidents=IncidentSettings(second_reader=second.person, chair="from the file"))
    assert not any(rights_at(door, visitor) for visitor in (second, other))
    with school.store.act() as act:
        act.database.execute("UPDATE accounts SET totp_secret = 'any' WHERE login = 'second'")
    assert [rights_at(door, visitor) for visitor in (second, other)] == [True, False]
    with school.store.act() as act:
        act.database.execute("UPDATE accounts SET totp_secret = 'any'")
        act.database.execute("UPDATE people SET external_id = 'from the file' WHERE id = ?", (other.person,))
    assert [rights_at(door, visitor) for visitor in (second, other)] == [True, True]


def test_whom_the_site_names_needs_an_account_that_one_person_alone_did_not_make(school: SchoolOfTest) -> None:
    door, staff = Door(school.parts), school.person("Staff", Role.STAFF)
    school.private = Private(incidents=IncidentSettings(chair=staff.person))
    with school.store.act() as act:
        act.database.execute("UPDATE accounts SET totp_secret = 'any'")
    assert not rights_at(door, staff)


def test_whom_a_pack_tells_of_incidents_passes_with_a_second_factor(school: SchoolOfTest) -> None:
    door = Door(school.parts)
    school.person("Head", Role.HEAD_TEACHER)
    officer, leader = school.person("Officer", Role.DATA_PROTECTION_OFFICER), school.person("Leader", Role.SLT)
    assert [rights_at(door, visitor) for visitor in (officer, leader)] == [False, False]
    school.packs = ("uk-esafety", "uk-data-protection")
    assert [rights_at(door, visitor) for visitor in (officer, leader)] == [True, False]
    school.packs = ("jp-kosen-kojin-joho",)
    assert not rights_at(door, leader), "without a second factor"
    with school.store.act() as act:
        act.database.execute("UPDATE accounts SET totp_secret = 'any'")
    assert [rights_at(door, visitor) for visitor in (officer, leader)] == [False, True]


def test_an_account_that_waits_comes_with_nothing(school: SchoolOfTest) -> None:
    door, head = Door(school.parts), school.person("Head", Role.HEAD_TEACHER)
    school.private = Private(incidents=IncidentSettings(chair=head.person))
    with school.store.act() as act:
        act.database.execute("UPDATE accounts SET may_decide = 0")
    caller = door.by_session(cookie_of(head))
    assert caller is not None
    assert (caller.is_waiting, caller.roles, caller.rights) == (True, frozenset(), frozenset())


def rights_at(door: Door, visitor: Visitor) -> bool:
    caller = door.by_session(cookie_of(visitor))
    assert caller is not None
    return Right.READ_INCIDENTS in caller.rights
