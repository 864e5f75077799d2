"""Files that are checked, and set aside where they are damaged."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.storage.files import has_table, is_damage, open_checked, set_aside
from rules.errors import StorageError

SCHEMA = "CREATE TABLE IF NOT EXISTS things (name TEXT) STRICT;"


def test_what_is_missing_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "some.db"
    for _ in range(2):
        with closing(open_checked(path, SCHEMA)) as database:
            database.execute("INSERT INTO things VALUES ('a')")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "folder").touch()
    with pytest.raises(StorageError, match=r"some\.db: could not be made \("):
        open_checked(tmp_path / "folder" / "some.db", SCHEMA)


@pytest.mark.parametrize("place", [0, 8192], ids=["no-database-at-all", "damage-within"])
def test_damage_is_found_when_it_is_opened(tmp_path: Path, place: int) -> None:
    path = tmp_path / "some.db"
    with closing(open_checked(path, SCHEMA)) as database:
        database.executemany("INSERT INTO things VALUES (?)", [("x" * 100,)] * 1000)
    octets = bytearray(path.read_bytes())
    octets[place : place + 3000] = b"\xff" * 3000
    path.write_bytes(octets)
    with pytest.raises(sqlite3.Error) as caught:
        open_checked(path, SCHEMA)
    assert is_damage(caught.value)


def test_all_tables_are_made_or_none(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    with pytest.raises(sqlite3.Error):
        open_checked(path, f"{SCHEMA} no statement;")
    with closing(sqlite3.connect(path)) as database:
        assert not has_table(database, "things")
    with closing(open_checked(path, SCHEMA)) as database:
        assert has_table(database, "things")


def test_a_wrong_statement_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error) as caught:
        open_checked(tmp_path / "some.db", "no statement")
    assert not is_damage(caught.value)


def test_each_damaged_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    aside = []
    for text in ("one", "two", "three"):
        path.write_text(text)
        (tmp_path / "some.db-wal").touch()
        aside.append(set_aside(path))
    assert [each.name for each in aside] == ["some.db.corrupt", "some.db.corrupt-2", "some.db.corrupt-3"]
    assert [each.read_text() for each in aside] == ["one", "two", "three"]
    assert sorted(tmp_path.iterdir()) == sorted(aside), "nothing is left that belonged to them"
    with pytest.raises(StorageError, match="could not be set aside"):
        set_aside(path)
