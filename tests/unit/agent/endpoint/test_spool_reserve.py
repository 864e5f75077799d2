import os
from pathlib import Path

import pytest

from agent.endpoint.spool_reserve import RESERVE_BYTES, SpoolReserve
from collectors.observed import Priority


def reopened(path: Path, reserve: SpoolReserve) -> SpoolReserve:
    reserve.close()
    return SpoolReserve(path, size_bytes=16_384)


def test_its_room_is_taken_from_the_first_day(tmp_path: Path) -> None:
    path = tmp_path / "reserve"
    SpoolReserve(path).close()
    assert path.stat().st_size == RESERVE_BYTES == 1024 * 1024
    assert path.stat().st_blocks * 512 >= RESERVE_BYTES
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_it_keeps_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "reserve"
    reserve = SpoolReserve(path, size_bytes=16_384)
    assert not reserve.was_there
    assert reserve.is_empty
    assert reserve.keep({"n": 1})
    reserve.lose(Priority.ACTIVITY, 5.0)
    reserve.lose(Priority.ACTIVITY, 9.0)
    reserve = reopened(path, reserve)
    assert reserve.was_there
    assert reserve.records == [{"n": 1}]
    assert reserve.keep({"n": 2})
    lost = reserve.lost[Priority.ACTIVITY]
    assert (lost.count, lost.first_at, lost.last_at) == (2, 5.0, 9.0)
    filling = reserve.filling
    reserve = reopened(path, reserve)
    assert reserve.filling == filling
    assert reserve.records == [{"n": 1}, {"n": 2}]
    reserve.close()


def test_after_it_was_taken_over_it_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "reserve"
    reserve = SpoolReserve(path, size_bytes=16_384)
    reserve.keep({"n": 1})
    reserve.keep({"n": 2})
    reserve.lose(Priority.STATE, 1.0)
    before = reserve.filling
    reserve.start_anew()
    assert reserve.is_empty
    reserve = reopened(path, reserve)
    assert reserve.is_empty
    assert reserve.filling != before
    # The new first record is as long as the old one, and the old second one stands right behind it.
    reserve.keep({"n": 3})
    reserve = reopened(path, reserve)
    assert reserve.records == [{"n": 3}]
    reserve.close()


def test_when_it_is_full_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "reserve"
    reserve = SpoolReserve(path, size_bytes=16_384)
    kept = [reserve.keep({"n": number, "text": "x" * 1000}) for number in range(20)]
    assert kept.index(False) == 11
    assert not any(kept[11:])
    assert path.stat().st_size == 16_384
    reserve = reopened(path, reserve)
    assert len(reserve.records) == 11
    reserve.close()


@pytest.mark.parametrize("first", [0, 20, 4096, 4100], ids=["mark", "head", "record", "checksum"])
def test_a_damaged_file_gives_what_is_whole(tmp_path: Path, first: int) -> None:
    path = tmp_path / "reserve"
    reserve = SpoolReserve(path, size_bytes=16_384)
    reserve.keep({"n": 1})
    reserve.close()
    with path.open("r+b") as file:
        file.seek(first)
        file.write(os.urandom(8))
    reserve = SpoolReserve(path, size_bytes=16_384)
    assert reserve.records in ([], [{"n": 1}])
    reserve.start_anew()
    assert reserve.keep({"n": 2})
    reserve = reopened(path, reserve)
    assert reserve.records == [{"n": 2}]
    reserve.close()
