"""Who gave deciding roles that nobody confirmed, and the one row of the record with which the beginning is over."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.storage.given_rows import (
    BEGINNING_ENDED,
    GivenRole,
    end_beginning,
    is_beginning,
    keep_given,
    read_given,
    read_managers,
    takes_effect,
    write_given,
)
from agent.storage.state import Act, StateStore
from rules.roles import Role

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
HEAD = GivenRole("p1", Role.HEAD_TEACHER, "p9", NOW)
SLT = GivenRole("p2", Role.SLT, "p9", NOW)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    store = StateStore(tmp_path / "state.db", clock=lambda: NOW)
    with store.act() as act:
        for person in ("p1", "p2", "p3"):
            act.database.execute("INSERT INTO people (id, name, created_at) VALUES (?, 'P', '')", (person,))
    yield store
    store.close()


def add_manager(act: Act, person: str, role: Role, **columns: object) -> None:
    """Give somebody a role and an account with which they have signed in, except where `columns` say otherwise."""
    found = {"closed_at": None, "may_decide": 1, "managed_at": "2026"} | columns
    act.database.execute("INSERT INTO memberships VALUES (?, ?, '')", (person, role))
    act.database.execute(
        "INSERT INTO accounts (login, person, password_hash, created_at, closed_at, may_decide, managed_at)"
        " VALUES (?, ?, '', '', ?, ?, ?)",
        (person, person, *found.values()),
    )


def test_who_gave_what_is_kept_until_it_is_settled(store: StateStore) -> None:
    with store.act() as act:
        write_given(act.database, [HEAD, SLT])
        later = GivenRole("p1", Role.HEAD_TEACHER, "p8", NOW + timedelta(days=1))
        write_given(act.database, [later])
        assert read_given(act.database) == [HEAD, SLT], "whoever gave it first stays its giver"
        assert read_given(act.database, "p2") == [SLT]
        keep_given(act.database, "p1", [Role.HEAD_TEACHER])
        keep_given(act.database, "p2", [Role.TEACHER])
        assert read_given(act.database) == [HEAD]


@pytest.mark.parametrize(
    ("role", "columns"),
    [
        pytest.param(Role.TECHNICIAN, {}, id="who-does-not-manage-people"),
        pytest.param(Role.HEAD_TEACHER, {"closed_at": "2026"}, id="an-account-that-is-closed"),
        pytest.param(Role.HEAD_TEACHER, {"may_decide": 0}, id="an-account-that-waits"),
        pytest.param(Role.HEAD_TEACHER, {"managed_at": None}, id="an-account-that-was-never-used"),
    ],
)
def test_what_does_not_end_the_beginning(store: StateStore, role: Role, columns: dict[str, object]) -> None:
    with store.act() as act:
        add_manager(act, "p1", Role.NETWORK_MANAGER)
        add_manager(act, "p2", role, **columns)
        end_beginning(act)
        assert is_beginning(act.database)
        assert read_managers(act.database) == ["p1"]


def test_two_who_manage_people_end_the_beginning_once_and_for_all(store: StateStore) -> None:
    with store.act() as act:
        assert takes_effect(act.database, "p1")
        add_manager(act, "p1", Role.NETWORK_MANAGER)
        add_manager(act, "p2", Role.ICT_COORDINATOR)
        end_beginning(act)
        end_beginning(act)
        assert not is_beginning(act.database)
    with store.act() as act:
        act.database.execute("DELETE FROM memberships")
        act.database.execute("UPDATE accounts SET closed_at = '2026'")
        assert read_managers(act.database) == []
        assert not is_beginning(act.database)
        assert (takes_effect(act.database, "p1"), takes_effect(act.database, "system")) == (False, True)
        rows = act.database.execute("SELECT kind, facts FROM audit").fetchall()
        assert [tuple(row) for row in rows] == [(BEGINNING_ENDED, '{"managers":["p1","p2"]}')]
    with pytest.raises(Exception, match="a row of the record is never deleted"), store.act() as act:
        act.database.execute("DELETE FROM audit WHERE kind = ?", (BEGINNING_ENDED,))


def test_asking_whether_it_is_over_does_not_read_the_record(store: StateStore) -> None:
    with store.read() as database:
        query = "EXPLAIN QUERY PLAN SELECT 1 FROM audit WHERE kind = 'beginning_ended' LIMIT 1"
        plan: list[sqlite3.Row] = database.execute(query).fetchall()
    assert [row["detail"] for row in plan] == ["SCAN audit USING INDEX audit_beginning"]
