"""Giving: what takes effect at once, what waits, and what the record says of both."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.people.giving import is_waiting, record_given, record_made, roles_in_force
from agent.people.people import Person
from agent.storage.given_rows import BEGINNING_ENDED, read_given
from agent.storage.state import Act, StateStore
from rules.roles import DECIDING, Role

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
HEAD, SLT, TEACHER = Role.HEAD_TEACHER, Role.SLT, Role.TEACHER


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    store = StateStore(tmp_path / "state.db", clock=lambda: NOW)
    with store.act() as act:
        act.database.execute("INSERT INTO people (id, name, created_at) VALUES ('p1', 'Ada', '')")
        query = "INSERT INTO accounts (login, person, password_hash, created_at) VALUES ('ada', 'p1', '', '')"
        act.database.execute(query)
    yield store
    store.close()


def end_beginning(act: Act) -> None:
    act.note(BEGINNING_ENDED, actor="system")


def may_decide(act: Act) -> bool:
    return bool(act.database.execute("SELECT may_decide FROM accounts").fetchone()[0])


def rows(act: Act) -> list[tuple[str, str, dict[str, Any]]]:
    found = act.database.execute("SELECT kind, actor, facts FROM audit WHERE kind = 'people_waiting'")
    return [(kind, actor, json.loads(facts)) for kind, actor, facts in found]


@pytest.mark.parametrize(
    ("given", "before", "expected"),
    [
        pytest.param({HEAD, TEACHER}, set(), {TEACHER}, id="what-decides-waits"),
        pytest.param({HEAD, TEACHER}, {HEAD}, {HEAD, TEACHER}, id="what-was-in-force-stays"),
        pytest.param({TEACHER}, {HEAD}, {TEACHER}, id="taking-away-needs-nobody"),
        pytest.param({HEAD, SLT}, {SLT}, {SLT}, id="one-more-waits-alone"),
        pytest.param(DECIDING, set(), set(), id="all-that-decide"),
    ],
)
def test_which_roles_hold_at_once(
    store: StateStore, given: set[Role], before: set[Role], expected: set[Role]
) -> None:
    with store.act() as act:
        arguments = (act.database, frozenset(given), frozenset(before))
        assert roles_in_force(*arguments, "p9") == given, "in the beginning all of them"
        end_beginning(act)
        assert roles_in_force(*arguments, "p9") == expected
        assert roles_in_force(*arguments, "system") == given, "on the gateway itself too"


def test_what_waits_is_a_row_with_its_giver(store: StateStore) -> None:
    with store.act() as act:
        end_beginning(act)
        person = Person("p1", "Ada", frozenset({TEACHER}), waiting=frozenset({HEAD, SLT}))
        assert record_given(act, person, frozenset({SLT}), giver="p9") == {"waiting": ["head_teacher"]}
        assert [(each.role, each.given_by) for each in read_given(act.database)] == [(HEAD, "p9")]
        assert rows(act) == [("people_waiting", "p9", {"roles": ["head_teacher"]})]
        assert not may_decide(act)
        assert record_given(act, person, person.given, giver="p8") == {}


@pytest.mark.parametrize(("ended", "fact"), [(False, "unconfirmed_start"), (True, "unconfirmed")])
def test_what_takes_effect_without_a_second_person_says_so(store: StateStore, *, ended: bool, fact: str) -> None:
    with store.act() as act:
        if ended:
            end_beginning(act)
        person = Person("p1", "Ada", frozenset({HEAD}))
        assert record_given(act, person, frozenset(), giver="system") == {fact: True}
        assert may_decide(act), "with the account that they have"
        assert rows(act) == []


def test_an_account_that_nobody_confirmed_does_not_wait_for_roles_of_a_later_day(store: StateStore) -> None:
    with store.act() as act:
        record_given(act, Person("p1", "Ada", frozenset({HEAD})), frozenset(), giver="p9")
        record_given(act, Person("p1", "Ada", frozenset({TEACHER})), frozenset({HEAD}), giver="p9")
        assert not may_decide(act)
        assert read_given(act.database) == []


def test_an_account_that_somebody_confirmed_stays_so(store: StateStore) -> None:
    with store.act() as act:
        act.database.execute("UPDATE accounts SET may_decide = 1, confirmed_by = 'p8'")
        record_given(act, Person("p1", "Ada", frozenset({TEACHER})), frozenset({HEAD}), giver="p9")
        assert may_decide(act)


@pytest.mark.parametrize(
    ("owner", "facts", "decides"),
    [
        pytest.param(Person("p1", "Ada", frozenset({HEAD})), {"waiting": True}, False, id="who-decides"),
        pytest.param(Person("p1", "Ada", waiting=frozenset({HEAD})), {"waiting": True}, False, id="who-is-to-decide"),
        pytest.param(Person("p1", "Ada", frozenset({TEACHER})), {}, False, id="who-does-not"),
    ],
)
def test_an_account_waits_for_whoever_decides(
    store: StateStore, owner: Person, facts: dict[str, Any], *, decides: bool
) -> None:
    with store.act() as act:
        end_beginning(act)
        act.database.execute("UPDATE accounts SET confirmed_by = 'p8', may_decide = 1")
        assert record_made(act, "ada", owner, maker="p9") == facts
        assert may_decide(act) is decides
        row = act.database.execute("SELECT made_by, confirmed_by FROM accounts").fetchone()
        assert tuple(row) == ("p9", "")
        assert len(rows(act)) == len(facts)


def test_in_the_beginning_an_account_is_one_at_once(store: StateStore) -> None:
    with store.act() as act:
        owner = Person("p1", "Ada", frozenset({HEAD}))
        assert record_made(act, "ada", owner, maker="p9") == {"unconfirmed_start": True}
        assert may_decide(act)


@pytest.mark.parametrize(
    ("role", "account", "expected"),
    [(HEAD, 0, True), (HEAD, 1, False), (TEACHER, 0, False), (Role.AUDITOR, 0, False)],
    ids=["who-decides", "confirmed", "a-teacher", "who-only-reads"],
)
def test_whose_account_waits(role: Role, account: int, *, expected: bool) -> None:
    assert is_waiting({"may_decide": account}, Person("p1", "Ada", frozenset({role}))) is expected
