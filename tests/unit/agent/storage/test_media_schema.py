"""The tables of media refuse by themselves what no part of the program may write."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from agent.storage.media_schema import MEDIA
from agent.storage.schema import SCHEMA

MEDIUM = (
    "INSERT INTO media (kind, owner, state, stated, holds_personal_data, is_foreign, serial_key, registered_at,"
    " registered_by, words) VALUES ('stick', '{owner}', '{state}', 'plain', 0, 0, '{key}', '2026', 'ada', '{{}}')"
)
OUT = (
    "INSERT INTO sign_outs (medium, is_foreign, person, due_on, state, asked_at, asked_by, words)"
    " VALUES (1, 0, 'ada', '2026', '{state}', '2026', 'ada', '{{}}')"
)


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        opened.execute("PRAGMA foreign_keys = ON")
        for statement in SCHEMA:
            opened.execute(statement)
        opened.execute("INSERT INTO people (id, name, created_at) VALUES ('ada', 'Ada', '2026')")
        opened.execute(MEDIUM.format(owner="ada", state="registered", key="k1"))
        yield opened


def test_they_are_part_of_the_state() -> None:
    assert set(MEDIA) <= set(SCHEMA)


@pytest.mark.parametrize("state", ["registered", "lost"])
def test_one_serial_number_stands_once(database: sqlite3.Connection, state: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        database.execute(MEDIUM.format(owner="ada", state=state, key="k1"))


@pytest.mark.parametrize(("state", "key"), [("disposed", "k1"), ("registered", ""), ("registered", "k2")])
def test_what_is_gone_and_what_has_no_number_is_in_nobodys_way(
    database: sqlite3.Connection, state: str, key: str
) -> None:
    for _ in range(2 if state == "disposed" or not key else 1):
        database.execute(MEDIUM.format(owner="ada", state=state, key=key))


def test_a_medium_has_an_owner_who_is_known(database: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        database.execute(MEDIUM.format(owner="nobody", state="registered", key=""))


def test_a_medium_is_in_one_pair_of_hands(database: sqlite3.Connection) -> None:
    database.execute(OUT.format(state="returned"))
    database.execute(OUT.format(state="out"))
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        database.execute(OUT.format(state="waiting"))


def test_a_number_is_never_used_twice(database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM media")
    database.execute(MEDIUM.format(owner="ada", state="registered", key=""))
    assert database.execute("SELECT number FROM media").fetchone()[0] == 2
