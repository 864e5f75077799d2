import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.endpoint.spool_file import MAX_QUARANTINED, Limits, Row, SpoolFile, is_damage
from agent.endpoint.wire_batch import BadBatchError

ROW = Row(1.0, 2.0, "boot", "writes", 2, "", '{"n": 1}')


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SpoolFile]:
    with closing(SpoolFile(tmp_path / "spool.db", limits=Limits())) as file:
        yield file


def test_the_database_is_as_durable_as_the_specification_says(file: SpoolFile) -> None:
    def setting(name: str) -> object:
        return file._database.execute(f"PRAGMA {name}").fetchone()[0]

    assert [setting(name) for name in ("journal_mode", "synchronous", "auto_vacuum", "busy_timeout")] == [
        "wal",
        2,
        2,
        5000,
    ]
    (table,) = file._database.execute("SELECT sql FROM sqlite_master WHERE name = 'event'").fetchone()
    assert "seq INTEGER PRIMARY KEY AUTOINCREMENT" in table


def test_rows_are_taken_all_or_none(file: SpoolFile) -> None:
    bad = ROW._replace(kind=None)  # type: ignore[arg-type] # the table refuses it
    with pytest.raises(sqlite3.IntegrityError):
        file.take([ROW, bad])
    assert file.next_events(10, 1000) == ()
    assert sum(file.counts.values()) == 0
    assert file.take([ROW, ROW]) == [True, True]
    assert len(file.next_events(10, 1000)) == 2


def test_the_counts_are_those_of_the_table_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    with closing(SpoolFile(path, limits=Limits())) as file:
        file.take([ROW, ROW._replace(priority=0), ROW._replace(priority=1, key="a")])
        counts, sizes, epoch = dict(file.counts), dict(file.sizes), file.epoch
        assert file.is_new
    with closing(SpoolFile(path, limits=Limits())) as file:
        assert (file.counts, file.sizes, file.epoch) == (counts, sizes, epoch)
        assert not file.is_new


def test_quarantine_is_bounded(file: SpoolFile) -> None:
    file._database.executemany(
        "INSERT INTO quarantine VALUES (?, 1, 1, 'b', 'writes', 2, '', '{}', 'why')",
        [(-number,) for number in range(1, MAX_QUARANTINED + 5)],
    )
    file.take([ROW])
    file.put_aside(1, "why")
    assert file.quarantined() == MAX_QUARANTINED


def test_only_states_and_heartbeats_replace_each_other() -> None:
    kinds = [(0, "k"), (1, "k"), (1, ""), (2, "k"), (3, ""), (3, "k")]
    assert [ROW._replace(priority=priority, key=key).replaces for priority, key in kinds] == [
        False,
        True,
        False,
        False,
        True,
        True,
    ]


def test_a_row_that_cannot_travel_says_so() -> None:
    with pytest.raises(BadBatchError):
        ROW._replace(facts='{"n": NaN}').event(1)


@pytest.mark.parametrize("statement", ["DROP TABLE event", "DELETE FROM meta WHERE name = 'epoch'"])
def test_a_file_that_lacks_what_it_must_have_is_damaged(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "spool.db"
    SpoolFile(path, limits=Limits()).close()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)
    with pytest.raises(sqlite3.DatabaseError) as refusal:
        SpoolFile(path, limits=Limits())
    assert is_damage(refusal.value)


def test_a_file_that_is_closed_is_not_taken_for_damaged(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path / "spool.db", limits=Limits())
    file.close()
    with pytest.raises(sqlite3.ProgrammingError) as refusal:
        file.take([ROW])
    assert not is_damage(refusal.value)
