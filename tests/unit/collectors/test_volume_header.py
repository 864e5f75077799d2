"""First sectors: made by the programs that make volumes, or by us, and held against the real `blkid`."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import need
from volume_images_of_test import bitlocker, bitlocker_to_go, ext, fat, luks, noise, signed

from collectors.volume import Crypt
from collectors.volume_header import Header, find_container, looks_random, read_header, read_header_of

# What blkid calls what we call otherwise.
THEIR_KINDS = {
    "ext": "ext4",
    "fat": "vfat",
    "luks1": "crypto_LUKS",
    "luks2": "crypto_LUKS",
    "bitlocker": "BitLocker",
    "bitlocker_to_go": "BitLocker",
}


def header_of(image: bytes) -> Header:
    return read_header(lambda offset, length: image[offset : offset + length], len(image))


def blkid(path: Path, tag: str) -> str:
    command = (need("blkid"), "-p", "-o", "value", "-s", tag, str(path))
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout.removesuffix("\n")


def assert_as_blkid_sees_it(path: Path) -> Header:
    ours = read_header_of(path)
    assert THEIR_KINDS.get(ours.kind, ours.kind) == blkid(path, "TYPE")
    assert (ours.crypt is Crypt.PLAIN) == (blkid(path, "USAGE") in {"filesystem", "other"})
    assert ours.label == blkid(path, "LABEL")
    assert ours.uuid == blkid(path, "UUID")
    return ours


def made(path: Path, command: str, *options: str, megabytes: int = 64) -> Path:
    with path.open("wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run((need(command), *options, str(path)), capture_output=True, check=True, timeout=60)
    return path


@pytest.mark.parametrize(
    ("command", "options", "kind", "label"),
    [
        pytest.param("mkfs.ext4", ("-q", "-L", "PUPILS"), "ext", "PUPILS", id="ext4"),
        pytest.param("mkfs.vfat", ("-F", "16", "-n", "STAFFUSB"), "fat", "STAFFUSB", id="fat16"),
        pytest.param("mkfs.vfat", ("-F", "32", "-n", "A B"), "fat", "A B", id="fat32"),
        pytest.param("mkfs.vfat", ("-F", "32"), "fat", "", id="fat32-without-a-label"),
        pytest.param("mkfs.exfat", ("-L", "EXSTICK é"), "exfat", "EXSTICK é", id="exfat"),
        pytest.param("mkfs.exfat", (), "exfat", "", id="exfat-without-a-label"),
        pytest.param("mkswap", (), "swap", "", id="swap"),
    ],
)
def test_what_the_programs_make(
    tmp_path: Path, command: str, options: tuple[str, ...], kind: str, label: str
) -> None:
    header = assert_as_blkid_sees_it(made(tmp_path / "x.img", command, *options))
    assert (header.kind, header.label, header.crypt) == (kind, label, Crypt.PLAIN)


@pytest.mark.parametrize(
    ("version", "options"),
    [pytest.param("luks1", (), id="luks1"), pytest.param("luks2", ("--label", "VAULT"), id="luks2")],
)
def test_luks(tmp_path: Path, version: str, options: tuple[str, ...]) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"a pass phrase for a test")
    cheap = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file", str(key))
    image = made(tmp_path / "x.img", "cryptsetup", "-q", "luksFormat", "--type", version, *cheap, *options)
    header = assert_as_blkid_sees_it(image)
    assert (header.kind, header.crypt) == (version, Crypt.ENCRYPTED_LOCKED)


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        pytest.param(bitlocker(), "bitlocker", id="bitlocker"),
        pytest.param(bitlocker_to_go(), "bitlocker_to_go", id="bitlocker-to-go-which-looks-like-fat32"),
    ],
)
def test_bitlocker(tmp_path: Path, image: bytes, kind: str) -> None:
    path = tmp_path / "x.img"
    path.write_bytes(image)
    header = assert_as_blkid_sees_it(path)
    assert (header.kind, header.crypt) == (kind, Crypt.ENCRYPTED_LOCKED)


def test_a_fat_that_once_was_bitlocker_to_go_is_plain() -> None:
    image = bytearray(bitlocker_to_go())
    where = int.from_bytes(image[440:448], "little")
    image[where : where + 8] = bytes(8)
    assert header_of(bytes(image)).crypt is Crypt.PLAIN


@pytest.mark.parametrize(
    "offset",
    [0, 63, 1 << 40, (1 << 64) - 64],
    ids=["nowhere", "between", "behind-the-end", "far-away"],
)
def test_metadata_that_are_not_there(offset: int) -> None:
    image = bytearray(bitlocker_to_go())
    image[440:448] = offset.to_bytes(8, "little")
    image[63:71] = b"-FVE-FS-"
    assert header_of(bytes(image)).kind == "fat"


@pytest.mark.parametrize(
    ("image", "kind", "crypt"),
    [
        pytest.param(bytes(1 << 20), "blank", Crypt.UNKNOWN, id="nothing-but-zeros"),
        pytest.param(b"", "blank", Crypt.UNKNOWN, id="nothing"),
        pytest.param(noise(), "no_signature", Crypt.MAYBE_ENCRYPTED, id="veracrypt-cannot-be-told-from-noise"),
        pytest.param(noise(262_144), "unrecognised", Crypt.UNKNOWN, id="noise-too-small-for-veracrypt"),
        pytest.param(signed(b"some words", 0), "unrecognised", Crypt.UNKNOWN, id="some-words"),
        pytest.param(signed(b"NXSB", 32), "apfs", Crypt.UNKNOWN, id="apfs-encrypts-each-volume-or-not"),
        pytest.param(
            signed(b"\x01\x02\x03\x04" + bytes(84) + b"CS", 0), "corestorage", Crypt.MAYBE_ENCRYPTED, id="corestorage"
        ),
        pytest.param(
            signed(b"\xeb\x52\x90-FVE-FS-", 0), "bitlocker", Crypt.ENCRYPTED_LOCKED, id="bitlocker-of-vista"
        ),
        pytest.param(signed(b"\xeb\x52\x90NTFS    ", 0), "ntfs", Crypt.PLAIN, id="ntfs"),
        pytest.param(signed(b"H+", 1024), "hfsplus", Crypt.PLAIN, id="hfs-plus"),
        pytest.param(signed(b"CD001", 0x8001), "iso9660", Crypt.PLAIN, id="a-disc"),
        pytest.param(signed(b"XFSB", 0), "xfs", Crypt.PLAIN, id="xfs"),
        pytest.param(signed(b"_BHRfS_M", 0x10040), "btrfs", Crypt.PLAIN, id="btrfs"),
        pytest.param(signed(b"\x10\x20\xf5\xf2", 1024), "f2fs", Crypt.PLAIN, id="f2fs"),
        pytest.param(signed(b"LABELONE", 512), "lvm", Crypt.UNKNOWN, id="a-part-of-a-volume-group"),
        pytest.param(signed(b"EFI PART", 512), "partition_table", Crypt.UNKNOWN, id="gpt"),
        pytest.param(
            signed(b"\x80\x01\x01\x00\x0c" + bytes(59) + b"\x55\xaa", 446), "partition_table", Crypt.UNKNOWN, id="mbr"
        ),
        pytest.param(luks(), "luks2", Crypt.ENCRYPTED_LOCKED, id="luks"),
    ],
)
def test_made_up_sectors(image: bytes, kind: str, crypt: Crypt) -> None:
    header = header_of(image)
    assert (header.kind, header.crypt) == (kind, crypt)
    assert bool(header.why) == (crypt is Crypt.UNKNOWN)


def test_an_ext_that_carries_the_mark_of_luks_is_not_taken_for_luks() -> None:
    image = bytearray(ext())
    image[:8] = b"LUKS\xba\xbe\x00\x02"
    assert header_of(bytes(image)) == Header(
        "two_signatures", Crypt.UNKNOWN, why="it has the signatures of both LUKS and ext"
    )


def test_a_label_that_windows_wrote_only_into_the_root_folder(tmp_path: Path) -> None:
    path = made(tmp_path / "x.img", "mkfs.vfat", "-F", "32", "-n", "OLD")
    image = bytearray(path.read_bytes())
    # The label in the first sector stays as the maker left it; the one in the folder is what people gave it.
    image[71:82] = b"NO NAME    "
    path.write_bytes(image)
    assert assert_as_blkid_sees_it(path).label == "OLD"


def test_what_may_not_be_read_or_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_header_of(tmp_path / "sdb1")
    with pytest.raises(OSError, match=r"directory|Invalid argument"):
        read_header_of(tmp_path)


@given(st.binary(max_size=2_000), st.binary(max_size=600), st.integers(0, 66_000))
def test_no_octets_are_an_error(start: bytes, later: bytes, where: int) -> None:
    image = bytearray(70_000)
    image[: len(start)] = start
    image[where : where + len(later)] = later
    for octets in (start, bytes(image)):
        header_of(octets)


@given(
    st.sampled_from([fat(), ext(), luks(), bitlocker(), bitlocker_to_go()]),
    st.integers(0, 520),
    st.binary(max_size=64),
)
def test_no_damage_is_an_error(image: bytes, where: int, damage: bytes) -> None:
    broken = bytearray(image)
    broken[where : where + len(damage)] = damage
    header_of(bytes(broken))
    header_of(bytes(broken[: len(broken) // 3]))


@given(
    st.sampled_from([b"EXFAT   ", b"MSWIN4.1"]),
    st.binary(min_size=500, max_size=500),
)
def test_no_folder_is_an_error(name: bytes, rest: bytes) -> None:
    image = bytearray(1 << 17)
    image[3:11] = name
    image[11:511] = rest
    if name != b"EXFAT   ":
        image[82:90] = b"FAT32   "
    image[510:512] = b"\x55\xaa"
    header_of(bytes(image))


# Containers


def test_a_container_among_ordinary_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello" * 100_000)
    (tmp_path / "pictures").mkdir()
    assert find_container(tmp_path) is False
    (tmp_path / "pictures" / "holiday.dat").write_bytes(noise())
    assert find_container(tmp_path) is True


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"PK\x03\x04" + bytes(508) + noise(), id="packed-behind-a-header"),
        pytest.param(noise()[:-1], id="no-whole-sectors"),
        pytest.param(noise(298_496), id="too-small"),
        pytest.param(bytes(1 << 20), id="zeros"),
    ],
)
def test_what_is_no_container(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.bin").write_bytes(content)
    assert find_container(tmp_path) is False


def test_links_and_pipes_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x").write_bytes(noise())
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "a").symlink_to(tmp_path / "outside" / "x")
    (stick / "b").symlink_to(tmp_path / "outside")
    os.mkfifo(stick / "c")
    assert find_container(stick) is False


def test_a_folder_that_is_gone_is_not_said_to_be_empty(tmp_path: Path) -> None:
    assert find_container(tmp_path / "gone") is None


def test_looking_is_bounded(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(80):
        folder /= "d"
        folder.mkdir()
    (folder / "x").write_bytes(noise())
    assert find_container(tmp_path) is False


def test_noise_is_noise_whatever_its_seed() -> None:
    assert all(looks_random(noise(70_000, seed=seed), 1 << 20) for seed in range(50))
