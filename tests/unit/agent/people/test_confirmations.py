"""Confirmations: what a second person puts in force or takes away, all of it or nothing, and who is one."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from agent.people.accounts import Accounts
from agent.people.attempts import ConflictError, UnknownIdError
from agent.people.confirmations import (
    Given,
    Settled,
    Unconfirmed,
    What,
    confirm,
    count_unconfirmed,
    read_unconfirmed_people,
    refuse,
    warn_of_beginning,
    warn_of_waiting,
)
from agent.people.people import People
from agent.storage.given_rows import BEGINNING_ENDED
from agent.storage.state import StateStore
from rules.errors import RefusedRequestError, StorageError
from rules.roles import Role

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
PASSWORD = "kestrel over weir 7"  # noqa: S105 (of nobody)


class School:
    """A school that has two who manage people, and a teacher who has no account."""

    def __init__(self, folder: Path) -> None:
        self.store = StateStore(folder / "state.db", clock=lambda: NOW)
        names = iter(["manager", "head", "teacher", "cy", "di", "eve"])
        self.people = People(self.store, new_id=lambda: next(names))
        self.accounts = Accounts(self.store, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.add("Manager", Role.NETWORK_MANAGER, by="system")
        self.add("Head", Role.HEAD_TEACHER, by="system")
        self.add("Teacher", Role.TEACHER, by="system")
        with self.store.act() as act:
            act.note(BEGINNING_ENDED, actor="system")
            act.database.execute("DELETE FROM unconfirmed_roles")

    def add(self, name: str, *roles: Role, by: str = "manager") -> str:
        with self.store.act() as act:
            return self.people.open(act, name, roles, actor=by).id

    def account(self, person: str, *, by: str = "manager", own: str = "") -> None:
        """Make an account, whose owner sets these parts themselves."""
        with self.store.act() as act:
            self.accounts.create(act, person, person, PASSWORD, actor=by)
            if "password" in own:
                self.accounts.set_password(act, person, PASSWORD, actor=person)
            if "code" in own:
                self.accounts.enrol_totp(act, person, actor=person)

    def unconfirmed(self, person: str) -> Unconfirmed | None:
        with self.store.read() as database:
            return next(iter(read_unconfirmed_people(database, person)), None)

    def confirm(self, person: str, *, by: str = "head", version: int | None = None) -> Settled:
        found = self.unconfirmed(person)
        seen = (found.version if found else 0) if version is None else version
        with self.store.act() as act:
            return confirm(act, person, version=seen, actor=by)

    def refuse(self, person: str, *, by: str = "head") -> Settled:
        found = self.unconfirmed(person)
        with self.store.act() as act:
            return refuse(act, self.people, self.accounts, person, version=found.version if found else 0, actor=by)

    def roles(self, person: str) -> tuple[set[Role], set[Role]]:
        found = self.people.get(person)
        assert found is not None
        return set(found.roles), set(found.waiting)

    def open_logins(self) -> list[str]:
        with self.store.read() as database:
            rows = database.execute("SELECT login FROM accounts WHERE closed_at IS NULL ORDER BY login")
            return [login for (login,) in rows]


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    school = School(tmp_path)
    yield school
    school.store.close()


def test_what_waits_is_read_with_who_gave_it(school: School) -> None:
    school.add("Cy", Role.TECHNICIAN, Role.TEACHER)
    school.account("cy", by="head", own="password")
    found = school.unconfirmed("cy")
    assert found is not None
    assert found.given == (
        Given(What.ROLE, "technician", "manager", NOW, is_in_force=False),
        Given(What.ACCOUNT, "cy", "head", NOW, is_in_force=False, is_own=False),
    )
    assert school.unconfirmed("teacher") is None
    with school.store.read() as database:
        assert count_unconfirmed(database) == (1, 0)


@pytest.mark.parametrize(
    ("role", "own", "expected"),
    [
        (Role.TECHNICIAN, "", False),
        (Role.TECHNICIAN, "password", False),
        (Role.TECHNICIAN, "code", False),
        (Role.TECHNICIAN, "password and code", True),
        (Role.SLT, "password", True),
    ],
    ids=["nothing", "the-password", "the-code", "both", "who-needs-no-code"],
)
def test_when_an_account_is_its_owners_own(school: School, role: Role, own: str, *, expected: bool) -> None:
    school.add("Cy", role)
    school.account("cy", own=own)
    found = school.unconfirmed("cy")
    assert found is not None
    assert found.given[1].is_own is expected


def test_a_part_that_somebody_else_sets_makes_it_wait_again(school: School) -> None:
    school.add("Cy", Role.TECHNICIAN)
    school.account("cy", own="password and code")
    assert school.confirm("cy").left == ()
    assert school.unconfirmed("cy") is None
    with school.store.act() as act:
        school.accounts.set_password(act, "cy", PASSWORD, actor="manager")
    found = school.unconfirmed("cy")
    assert found is not None
    assert found.given == (Given(What.ACCOUNT, "cy", "manager", NOW, is_in_force=False, is_own=False),)


def test_a_confirmed_role_is_one_and_their_classes_stay(school: School) -> None:
    with school.store.act() as act:
        act.database.execute("INSERT INTO classes VALUES ('c1', '5B', '', '', '', NULL)")
        school.people.open(act, "Cy", [Role.SLT], actor="manager", classes=["c1"])
    assert school.roles("cy") == (set(), {Role.SLT})
    settled = school.confirm("cy")
    assert school.roles("cy") == ({Role.SLT}, set())
    assert settled.person == school.people.get("cy")
    assert settled.person.classes == ("c1",)


@pytest.mark.parametrize(
    ("by", "said"),
    [
        pytest.param("manager", "You gave this yourself", id="who-gave-it"),
        pytest.param("teacher", "Found nobody who manages people", id="who-does-not-manage-people"),
        pytest.param("nobody", "Nobody at this school is known by that id", id="who-is-not-there"),
    ],
)
def test_who_is_no_second_person(school: School, by: str, said: str) -> None:
    school.add("Cy", Role.HEAD_TEACHER)
    with pytest.raises(RefusedRequestError, match=said):
        school.confirm("cy", by=by)
    assert school.roles("cy") == (set(), {Role.HEAD_TEACHER})


def test_nor_is_who_got_it(school: School) -> None:
    with school.store.act() as act:
        school.people.change_roles(act, "head", [Role.HEAD_TEACHER, Role.TECHNICIAN], actor="manager")
    for decide in (school.confirm, school.refuse):
        with pytest.raises(RefusedRequestError, match="Nobody confirms or refuses what they were given themselves"):
            decide("head", by="head")


def test_nor_is_their_namesake(school: School) -> None:
    school.add("HEAD", Role.SLT)
    with pytest.raises(RefusedRequestError, match="Found your own name"):
        school.confirm("cy")


def test_nor_is_who_waits_themselves(school: School) -> None:
    school.add("Cy", Role.HEAD_TEACHER)
    school.add("Di", Role.SLT)
    with pytest.raises(RefusedRequestError, match="Found nobody who manages people"):
        school.confirm("di", by="cy")


def test_what_was_changed_meanwhile_is_neither_confirmed_nor_refused(school: School) -> None:
    school.add("Cy", Role.SLT)
    found = school.unconfirmed("cy")
    assert found is not None
    assert replace(found, given=()).version != found.version
    with pytest.raises(ConflictError):
        school.confirm("cy", version=found.version + 1)


@pytest.mark.parametrize("person", ["teacher", "nobody"])
def test_where_nothing_waits_there_is_nothing_to_decide(school: School, person: str) -> None:
    with pytest.raises(UnknownIdError, match="Nothing that this person was given waits"):
        school.confirm(person)
    with pytest.raises(UnknownIdError):
        school.refuse(person)


def test_a_refused_person_without_another_role_is_closed_with_their_account(school: School) -> None:
    school.add("Cy", Role.TECHNICIAN)
    school.account("cy")
    assert school.refuse("cy", by="manager").person.closed, "whoever gave it may take it back"
    assert school.open_logins() == []
    assert school.unconfirmed("cy") is None


def test_a_refused_person_with_another_role_keeps_it_and_their_account(school: School) -> None:
    school.add("Cy", Role.TECHNICIAN, Role.TEACHER)
    school.account("cy")
    assert not school.refuse("cy").person.closed
    assert school.roles("cy") == ({Role.TEACHER}, set())
    assert school.open_logins() == ["cy"]
    assert school.unconfirmed("cy") is None


def test_a_refused_account_of_who_decides_is_closed_and_they_stay(school: School) -> None:
    school.account("head", own="password and code")
    assert not school.refuse("head", by="manager").person.closed
    assert school.roles("head") == ({Role.HEAD_TEACHER}, set())
    assert school.open_logins() == []


def test_a_confirmation_whose_act_does_not_end_is_none(school: School) -> None:
    school.add("Cy", Role.SLT)
    found = school.unconfirmed("cy")
    assert found is not None

    def confirm_and_fail(version: int) -> None:
        with school.store.act() as act:
            confirm(act, "cy", version=version, actor="head")
            raise StorageError("no room for notices")

    with pytest.raises(StorageError, match="no room for notices"):
        confirm_and_fail(found.version)
    assert school.unconfirmed("cy") == found
    assert school.roles("cy") == (set(), {Role.SLT})


def test_whoever_could_confirm_is_looked_for(school: School) -> None:
    school.add("Cy", Role.SLT)
    person = school.people.get("cy")
    assert person is not None
    with school.store.read() as database:
        assert warn_of_waiting(database, person) == (
            "They are no member of the senior leadership team before somebody else who manages people confirms it:"
            " people confirm cy."
        )
    with school.store.act() as act:
        school.people.close(act, "head", actor="manager")
        assert warn_of_waiting(act.database, person).endswith(
            "and nobody else does; on the gateway itself, people bootstrap --again makes an account for somebody who"
            " can."
        )


def test_a_school_that_begins_is_warned(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "state.db", clock=lambda: NOW)
    with store.act() as act:
        assert (warn_of_beginning(act.database) or "").startswith("The school is still in its beginning")
        act.note(BEGINNING_ENDED, actor="system")
        assert warn_of_beginning(act.database) is None
    store.close()
