"""A secret in a file of its own: made once, for the gateway alone, and refused where others may read it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.storage.key_file import KEY_OCTETS, read_or_make_key
from rules.errors import StorageError


def test_it_is_made_once_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "a.key"
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(read_or_make_key, [path] * 8))
    assert [len(key) for key in found] == [KEY_OCTETS]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["a.key"]


@pytest.mark.parametrize(
    ("octets", "mode", "why"),
    [(b"x" * 31, 0o600, "found 31 octets; expected a key of 32"), (b"x" * 32, 0o644, "others may read the key")],
    ids=["too-short", "open-to-others"],
)
def test_one_that_cannot_be_used_is_refused(tmp_path: Path, octets: bytes, mode: int, why: str) -> None:
    path = tmp_path / "a.key"
    path.write_bytes(octets)
    path.chmod(mode)
    with pytest.raises(StorageError, match=why):
        read_or_make_key(path)


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(StorageError, match="could not be read or made"):
        read_or_make_key(tmp_path / "keys" / "a.key")
