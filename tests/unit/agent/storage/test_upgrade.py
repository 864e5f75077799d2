"""A state file of an older program, opened by this one: nothing is lost, and whoever decided goes on deciding."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.storage.given_rows import GivenRole, is_beginning, read_given
from agent.storage.schema import SCHEMA, VERSION
from agent.storage.state import Act, StateStore
from agent.storage.walk import Walk
from rules.errors import StorageError
from rules.roles import Role

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
AT = "2026-03-02T09:15:00.000000+00:00"
ACCOUNTS_1 = """CREATE TABLE accounts (
    login TEXT PRIMARY KEY,
    person TEXT NOT NULL REFERENCES people (id),
    password_hash TEXT NOT NULL,
    totp_secret TEXT,
    totp_step INTEGER,
    failed INTEGER NOT NULL DEFAULT 0,
    locked_until TEXT,
    created_at TEXT NOT NULL,
    closed_at TEXT
) STRICT"""
# A program that dies between the new tables and the rest.
KILLED = """
import os, signal, sys
from pathlib import Path
from agent.storage.state import StateStore

StateStore(Path(sys.argv[1]), clock=lambda: os.kill(os.getpid(), signal.SIGKILL))
"""
NEW = ("CREATE TABLE IF NOT EXISTS accounts", "CREATE TABLE IF NOT EXISTS unconfirmed_roles")


class OldFile:
    """A state file as the program of the first version wrote it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "state.db"
        self.path.touch(mode=0o600)
        with self.opened() as database:
            database.execute("PRAGMA journal_mode = WAL")
            for statement in (ACCOUNTS_1, *(each for each in SCHEMA if not each.startswith(NEW))):
                if "audit_beginning" not in statement:
                    database.execute(statement)
            database.execute("PRAGMA user_version = 1")

    def opened(self) -> closing[sqlite3.Connection]:
        database = sqlite3.connect(self.path, isolation_level=None)
        database.row_factory = sqlite3.Row
        return closing(database)

    def person(self, person: str, *roles: Role, giver: str, login: str = "", signs_in: bool = False) -> None:
        """Open somebody, with an account if they have a login; `giver` did both."""
        with self.opened() as database:
            act = Act(database, NOW)
            database.execute("INSERT INTO people (id, name, created_at) VALUES (?, ?, ?)", (person, person, AT))
            database.executemany("INSERT INTO memberships VALUES (?, ?, '')", [(person, role) for role in roles])
            self.changed(act, person, "opened", *roles, giver=giver)
            if login:
                values = (login, person, "hash", "secret", AT)
                query = "INSERT INTO accounts (login, person, password_hash, totp_secret, created_at) VALUES"
                database.execute(f"{query} (?, ?, ?, ?, ?)", values)
                for kind in ("account_created", "authenticator_enrolled"):
                    act.note(kind, actor=giver, subject=person, personal={"login": login})
            if signs_in:
                act.note("signed_in", actor=person, subject=person, personal={"login": login})

    @staticmethod
    def changed(act: Act, person: str, change: str, *roles: Role, giver: str) -> None:
        facts = {"change": change, "roles": sorted(role.value for role in roles), "classes": []}
        act.note("people_changed", actor=giver, subject=person, facts=facts, personal={"name": person})

    def act(self, done: Callable[[Act], None]) -> None:
        with self.opened() as database:
            done(Act(database, NOW))

    def version(self) -> int:
        with self.opened() as database:
            return int(database.execute("PRAGMA user_version").fetchone()[0])


@pytest.fixture
def old(tmp_path: Path) -> OldFile:
    return OldFile(tmp_path)


def upgraded(old: OldFile) -> StateStore:
    return StateStore(old.path, clock=lambda: NOW)


def accounts(store: StateStore) -> dict[str, dict[str, Any]]:
    columns = ("made_by", "is_own_password", "is_own_code", "may_decide", "confirmed_by", "managed_at")
    with store.read() as database:
        rows = database.execute("SELECT * FROM accounts").fetchall()
        return {row["login"]: {column: row[column] for column in columns} for row in rows}


def test_whoever_decided_goes_on_and_the_record_says_who_gave_it(old: OldFile) -> None:
    old.person("p1", Role.NETWORK_MANAGER, giver="system", login="manager", signs_in=True)
    old.person("p2", Role.HEAD_TEACHER, giver="p1", login="head", signs_in=True)
    old.person("p3", Role.TEACHER, giver="p1", login="teacher")
    with closing(upgraded(old)) as store, store.read() as database:
        assert read_given(database) == [
            GivenRole("p1", Role.NETWORK_MANAGER, "system", NOW),
            GivenRole("p2", Role.HEAD_TEACHER, "p1", NOW),
        ]
        found = {"is_own_password": 0, "is_own_code": 0, "confirmed_by": ""}
        assert accounts(store) == {
            "manager": {"made_by": "system", "may_decide": 1, "managed_at": AT, **found},
            "head": {"made_by": "p1", "may_decide": 1, "managed_at": AT, **found},
            "teacher": {"made_by": "p1", "may_decide": 0, "managed_at": None, **found},
        }
        assert not is_beginning(database), "two who manage people have signed in"
        assert walk_is_whole(database)
    assert old.version() == VERSION == 2


def walk_is_whole(database: sqlite3.Connection) -> bool:
    last = database.execute("SELECT max(number) FROM audit").fetchone()[0]
    return Walk().go_on(database, last) is None


def test_a_school_with_one_manager_still_begins(old: OldFile) -> None:
    old.person("p1", Role.NETWORK_MANAGER, giver="system", login="manager", signs_in=True)
    old.person("p2", Role.HEAD_TEACHER, giver="p1", login="head")
    with closing(upgraded(old)) as store, store.read() as database:
        assert is_beginning(database)


def test_what_an_owner_made_their_own_and_who_gave_last_is_read_off_the_record(old: OldFile) -> None:
    old.person("p1", Role.HEAD_TEACHER, giver="system", login="head")

    def live(act: Act) -> None:
        for kind in ("password_set", "authenticator_enrolled"):
            act.note(kind, actor="p1", subject="p1", personal={"login": "head"})
        old.changed(act, "p1", "changed", Role.TEACHER, giver="p8")
        old.changed(act, "p1", "closed", Role.TEACHER, giver="p8")
        old.changed(act, "p1", "opened_again", Role.HEAD_TEACHER, giver="p9")
        act.note("people_changed", actor="p9", subject="c1", facts={"change": "class_set", "title": "6B"})

    old.act(live)
    with closing(upgraded(old)) as store, store.read() as database:
        assert read_given(database) == [GivenRole("p1", Role.HEAD_TEACHER, "p9", NOW)]
        found = accounts(store)["head"]
        assert (found["made_by"], found["is_own_password"], found["is_own_code"]) == ("system", 1, 1)


def test_what_the_record_does_not_say_any_more_is_nobodys_gift(old: OldFile) -> None:
    old.person("p1", Role.HEAD_TEACHER, giver="p9", login="head")

    def forget(act: Act) -> None:
        act.database.execute("DROP TRIGGER audit_is_never_changed")
        act.database.execute("UPDATE audit SET facts = '{' WHERE kind = 'people_changed'")
        act.database.execute("DELETE FROM personal")

    old.act(forget)
    with closing(upgraded(old)) as store, store.read() as database:
        assert read_given(database) == [GivenRole("p1", Role.HEAD_TEACHER, "system", NOW)]
        assert accounts(store)["head"]["made_by"] == ""


def test_an_upgrade_is_done_once(old: OldFile) -> None:
    old.person("p1", Role.HEAD_TEACHER, giver="p9", login="head")
    with closing(upgraded(old)) as store:
        assert store.is_upgraded
    with closing(upgraded(old)) as store, store.act() as act:
        assert not store.is_upgraded
        act.database.execute("DELETE FROM unconfirmed_roles")
        act.database.execute("UPDATE accounts SET confirmed_by = 'p2'")
    with closing(upgraded(old)) as store, store.read() as database:
        assert read_given(database) == []
        assert accounts(store)["head"]["confirmed_by"] == "p2"


def test_an_upgrade_that_fails_leaves_the_old_file(old: OldFile) -> None:
    old.person("p1", Role.HEAD_TEACHER, giver="p9", login="head")

    def stand_in_the_way(act: Act) -> None:
        act.database.execute("ALTER TABLE accounts ADD COLUMN managed_at TEXT")

    old.act(stand_in_the_way)
    with pytest.raises(StorageError, match="duplicate column name: managed_at"):
        upgraded(old)
    assert old.version() == 1
    with old.opened() as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(accounts)")]
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert "made_by" not in columns
    assert "unconfirmed_roles" not in tables


def test_killed_in_the_middle_of_an_upgrade_is_the_old_file(old: OldFile) -> None:
    old.person("p1", Role.HEAD_TEACHER, giver="p9", login="head")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, old.path], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == -9, done.stderr
    assert old.version() == 1
    with closing(upgraded(old)) as store:
        assert accounts(store)["head"]["may_decide"] == 1
