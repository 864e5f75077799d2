"""The first account, made on the gateway itself and once; and the way back where a school lost its second manager."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from agent.people.accounts import Accounts, Enrolment
from agent.people.bootstrap import bootstrap, bootstrap_again
from agent.people.people import People, Person
from agent.people.totp import _totp
from agent.storage.given_rows import is_beginning
from agent.storage.state import StateStore
from rules.errors import RefusedRequestError
from rules.roles import Role

PASSWORD = "kestrel over weir 7"  # noqa: S105 (of nobody)


class School:
    """A state file that nobody has used, and the services of it."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
        self.store = StateStore(folder / "state.db", clock=lambda: self.now)
        self.people = People(self.store)
        self.accounts = Accounts(self.store, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))

    def first(self, name: str = "Ada", **parts: Any) -> Enrolment:
        with self.store.act() as act:
            wanted = {"login": name.lower() or "ada", "password": PASSWORD} | parts
            return bootstrap(act, self.people, self.accounts, name=name, **wanted)

    def again(self, name: str, login: str, **parts: Any) -> Enrolment:
        with self.store.act() as act:
            wanted = {"login": login, "password": PASSWORD, "os_user": "root"} | parts
            return bootstrap_again(act, self.people, self.accounts, name=name, **wanted)

    def sign_in(self, made: Enrolment) -> str:
        assert made.totp_secret is not None
        self.now += timedelta(minutes=1)
        code = _totp(made.totp_secret).generate(int(self.now.timestamp())).decode()
        return self.accounts.sign_in(made.login, PASSWORD, code).token

    def second_manager(self) -> Enrolment:
        """Have the first manager make a second one, and both sign in."""
        self.sign_in(first := self.first())
        with self.store.act() as act:
            person = self.people.open(act, "Ben", [Role.HEAD_TEACHER], actor=first.person)
            made = self.accounts.create(act, "ben", person.id, PASSWORD, actor=first.person)
        self.sign_in(made)
        return made

    def person(self, person_id: str) -> Person:
        found = self.people.get(person_id)
        assert found is not None
        return found

    def begins(self) -> bool:
        with self.store.read() as database:
            return is_beginning(database)

    def rows(self, kind: str) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
        query = "SELECT subject, facts, content FROM audit LEFT JOIN personal USING (number) WHERE kind = ?"
        with self.store.read() as database:
            rows = database.execute(f"{query} ORDER BY number", (kind,)).fetchall()
        return [(row["subject"], json.loads(row["facts"]), json.loads(row["content"] or "{}")) for row in rows]


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    school = School(tmp_path)
    yield school
    school.store.close()


def test_the_first_account_is_made_once(school: School) -> None:
    first = school.first()
    assert first.totp_secret is not None
    assert school.person(first.person).roles == {Role.NETWORK_MANAGER}
    assert [facts["unconfirmed_start"] for _, facts, _ in school.rows("account_created")] == [True]
    with pytest.raises(RefusedRequestError, match="There is an account already"):
        school.first("Eve")
    with school.store.act() as act:
        school.accounts.close(act, "ada", actor="system")
    with pytest.raises(RefusedRequestError, match="There is an account already"):
        school.first("Eve")


@pytest.mark.parametrize(
    ("name", "parts", "said"),
    [
        pytest.param("Ada", {"password": "short"}, "expected at least 10", id="bad-password"),
        pytest.param("", {}, "name of a person", id="no-name"),
        pytest.param(
            "Ada", {"roles": [Role.TEACHER]}, "roles that do not manage people", id="role-without-the-right"
        ),
    ],
)
def test_an_account_that_cannot_be_made_leaves_nothing(
    school: School, name: str, parts: dict[str, Any], said: str
) -> None:
    with pytest.raises(RefusedRequestError, match=said):
        school.first(name, **parts)
    with pytest.raises(RefusedRequestError, match=said):
        school.again(name, "ada", **parts)
    assert school.people.list(with_closed=True) == ()


def test_one_more_is_none_where_two_can_give_and_confirm(school: School) -> None:
    school.second_manager()
    with pytest.raises(RefusedRequestError, match="Found 2 people who manage people and have signed in"):
        school.again("Eve", "eve")
    assert {each.name for each in school.people.list()} == {"Ada", "Ben"}
    assert school.rows("people_bootstrapped") == []


def test_a_school_that_lost_its_second_manager_finds_back_and_begins_no_second_time(school: School) -> None:
    ben = school.second_manager()
    with school.store.act() as act:
        school.people.close(act, ben.person, actor=school.people.list()[0].id)
    assert not school.begins(), "closing the others brings nothing back"
    made = school.again("Cy", "cy", roles=[Role.ICT_COORDINATOR])
    signed_in = school.accounts.session(school.sign_in(made))
    assert signed_in is not None
    assert signed_in.roles == {Role.ICT_COORDINATOR}
    assert not school.begins()
    assert school.rows("people_bootstrapped") == [(made.person, {}, {"login": "cy", "os_user": "root"})]
    subject, facts, _ = school.rows("account_created")[-1]
    assert (subject, facts) == (made.person, {"unconfirmed": True})


def test_whoever_lost_their_phone_stays_the_same_person(school: School) -> None:
    ben = school.second_manager()
    with school.store.act() as act:
        school.accounts.close(act, "ben", actor=school.people.list()[0].id)
    token = school.sign_in(made := school.again(ben.person, "benjamin"))
    assert made.person == ben.person
    assert school.person(ben.person).roles == {Role.HEAD_TEACHER, Role.NETWORK_MANAGER}
    assert school.accounts.session(token) is not None
    with school.store.act() as act:
        school.accounts.close(act, "benjamin", actor="system")
    school.again(ben.person, "ben")
    with school.store.read() as database:
        logins = database.execute("SELECT login FROM accounts WHERE closed_at IS NULL ORDER BY login").fetchall()
    assert [login for (login,) in logins] == ["ada", "ben"], "their other accounts have ended"


def test_a_first_manager_who_never_comes_back_is_followed_by_another(school: School) -> None:
    school.first()
    made = school.again("Ben", "ben")
    school.sign_in(made)
    assert school.begins(), "one alone has signed in"
