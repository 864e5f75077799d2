import random
from contextlib import closing
from pathlib import Path

import pytest

from agent.endpoint.spool_file import Limits, Row, SpoolFile
from agent.endpoint.spool_salvage import finish_replacing, read_damaged, replace_damaged, successor


def filled(path: Path, count: int = 200) -> str:
    with closing(SpoolFile(path, limits=Limits())) as file:
        file.take(
            [
                Row(1.0, 2.0, "boot", "writes", 2, "", f'{{"n": {number}, "t": "{"x" * 300}"}}')
                for number in range(count)
            ]
        )
        return file.epoch


def test_of_a_whole_file_everything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    epoch = filled(path)
    found, rows = read_damaged(path)
    assert found == epoch
    assert [row.facts[:7] for row in rows[:3]] == ['{"n": 0', '{"n": 1', '{"n": 2']
    assert len(rows) == 200


@pytest.mark.parametrize("page", range(1, 20, 3))
def test_one_damaged_page_costs_its_own_rows_at_most(tmp_path: Path, page: int) -> None:
    path = tmp_path / "spool.db"
    filled(path)
    octets = bytearray(path.read_bytes())
    octets[page * 4096 : (page + 1) * 4096] = random.Random(page).randbytes(4096)
    path.write_bytes(octets)
    _, rows = read_damaged(path)
    # Where it is the page that names the others, all of them are out of reach.
    assert len(rows) >= 200 - 15 or rows == []


@pytest.mark.parametrize("octets", [b"", b"not a database", bytes(10_000)], ids=["empty", "text", "zeros"])
def test_what_is_no_database_gives_nothing(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "spool.db"
    path.write_bytes(octets)
    assert read_damaged(path) == ("", [])


def test_the_damaged_file_keeps_a_name_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    for number in range(3):
        path.write_text(f"damaged {number}")
        successor(path).write_text("successor")
        replace_damaged(path, 1_763_713_531.0)
        assert path.read_text() == "successor"
        assert not successor(path).exists()
    aside = sorted(entry.name for entry in tmp_path.iterdir() if "corrupt" in entry.name)
    assert aside == [f"spool.corrupt-20251121T082531{end}" for end in ("", "-2", "-3")]
    assert (tmp_path / aside[2]).read_text() == "damaged 2"


def test_a_successor_beside_its_predecessor_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    path.write_text("damaged")
    successor(path).write_text("half")
    finish_replacing(path)
    assert path.read_text() == "damaged"
    assert not successor(path).exists()


def test_a_successor_without_predecessor_takes_its_place_without_its_log(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    successor(path).write_text("whole")
    (tmp_path / "spool.db-wal").write_text("of the damaged one")
    finish_replacing(path)
    assert path.read_text() == "whole"
    assert [entry.name for entry in tmp_path.iterdir()] == ["spool.db"]
