"""Serial numbers as keyed hashes."""

import re
from pathlib import Path

import pytest

from agent.fleet.media_serials import KEY_NAME, MediaSerials, parse_usb_id
from rules.errors import RefusedRequestError, StorageError


def test_one_number_is_one_hash_at_one_school_and_another_at_another(tmp_path: Path) -> None:
    ours, again = MediaSerials(tmp_path / "a"), MediaSerials(tmp_path / "a")
    theirs = MediaSerials(tmp_path / "b")
    key = ours.key("0951", "177f", "ab-1")
    assert re.fullmatch(r"[a-z2-7]{20}", key)
    assert key == again.key("0951", "177F", " AB-1 ")
    assert key != theirs.key("0951", "177f", "ab-1")
    assert (
        len({key, ours.key("", "", "ab-1"), ours.key("0951", "177e", "ab-1"), ours.key("0951", "177f", "ab-2")}) == 4
    )


def test_the_key_is_for_the_gateway_alone(tmp_path: Path) -> None:
    MediaSerials(tmp_path / "keys")
    path = tmp_path / "keys" / KEY_NAME
    assert (path.stat().st_mode & 0o777, len(path.read_bytes())) == (0o600, 32)
    assert [each.name for each in path.parent.iterdir()] == [KEY_NAME]


@pytest.mark.parametrize(
    ("octets", "mode", "why"),
    [(b"x" * 31, 0o600, "found 31 octets; expected a key of 32"), (b"x" * 32, 0o644, "others may read the key")],
    ids=["too-short", "open-to-others"],
)
def test_a_key_that_cannot_be_used(tmp_path: Path, octets: bytes, mode: int, why: str) -> None:
    path = tmp_path / KEY_NAME
    path.write_bytes(octets)
    path.chmod(mode)
    with pytest.raises(StorageError, match=why):
        MediaSerials(tmp_path)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(StorageError, match="could not be read or made"):
        MediaSerials(tmp_path / "keys")


@pytest.mark.parametrize(("text", "usb_id"), [("", ""), ("0951", "0951"), (" 0x177F", "177f")])
def test_usb_ids(text: str, usb_id: str) -> None:
    assert parse_usb_id(text) == usb_id


@pytest.mark.parametrize("text", ["951", "09511", "zzzz", "٠٩٥١", "0951\n0"])
def test_what_is_no_usb_id(text: str) -> None:
    with pytest.raises(RefusedRequestError, match="four hexadecimal digits"):
        parse_usb_id(text)
