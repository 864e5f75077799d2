"""What the first octets of a volume say: its file system, or what encrypts it.

Octets in, a verdict out; what is in the files is not looked at. The tests hold it against `blkid` of util-linux.
"""

import math
import os
import stat
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from collectors.volume import Crypt

# Gives the octets from an offset on; fewer, or none, at the end.
ReadAt: TypeAlias = Callable[[int, int], bytes]

_HEAD_BYTES: Final = 70_000
_SAMPLE_BYTES: Final = 65_536
_RANDOM_SECTOR_BITS: Final = 7.3
_RANDOM_SAMPLE_BITS: Final = 7.99
# The least that VeraCrypt makes.
_LEAST_CONTAINER_BYTES: Final = 299_008
_DIRECTORY_BYTES: Final = 32_768
_ENTRY_BYTES: Final = 32
_FVE: Final = b"-FVE-FS-"
_MOST_FOLDERS: Final = 64
_MOST_FILES: Final = 4_096
_MOST_CANDIDATES: Final = 16


@dataclass(frozen=True, slots=True)
class Header:
    """What a volume begins with.

    Args:
        kind: of the closed set of this module: `luks2`, `bitlocker_to_go`, `fat`, `blank`, `no_signature`, …
        why: why nothing can be said, where `crypt` is UNKNOWN; else empty.
    """

    kind: str
    crypt: Crypt
    label: str = ""
    uuid: str = ""
    why: str = ""


def read_header_of(path: Path) -> Header:
    """Read the header of a device or of an image.

    Raises:
        OSError: it may not be read, is not there, holds no medium, or went away meanwhile.
    """
    # O_NONBLOCK: opening a drive must not wait for its medium.
    number = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        size_bytes = os.lseek(number, 0, os.SEEK_END)
        return read_header(lambda offset, length: os.pread(number, length, offset), size_bytes)
    finally:
        os.close(number)


def read_header(read_at: ReadAt, size_bytes: int) -> Header:
    """Say what a volume begins with."""
    head = read_at(0, _HEAD_BYTES)
    return (
        _encrypted(head, read_at, size_bytes)
        or _filesystem(head, read_at, size_bytes)
        or _no_filesystem(head, size_bytes)
    )


def _encrypted(head: bytes, read_at: ReadAt, size_bytes: int) -> Header | None:
    if head[:6] == b"LUKS\xba\xbe":
        version = int.from_bytes(head[6:8])
        if _has_ext(head):
            # A real header of LUKS is zero there, and ext leaves the first sectors to others: somebody forged one.
            return Header("two_signatures", Crypt.UNKNOWN, why="it has the signatures of both LUKS and ext")
        label = _text(head[24:72]) if version == 2 else ""
        kind = f"luks{version}" if version in {1, 2} else "luks"
        return Header(kind, Crypt.ENCRYPTED_LOCKED, label, _text(head[168:208]))
    if head[:3] in {b"\xeb\x58\x90", b"\xeb\x52\x90"} and head[3:11] == _FVE:
        return Header("bitlocker", Crypt.ENCRYPTED_LOCKED)
    if head[:11] == b"\xeb\x58\x90MSWIN4.1" and len(head) >= 512:
        # To Go keeps a small FAT of its own in front, so that an old Windows finds a reader: it looks like plain FAT.
        offset = int.from_bytes(head[440:448], "little")
        if offset and offset % 64 == 0 and offset + len(_FVE) <= size_bytes and read_at(offset, len(_FVE)) == _FVE:
            return Header("bitlocker_to_go", Crypt.ENCRYPTED_LOCKED)
    if head[88:90] == b"CS" and any(head[:4]) and head[510:512] != b"\x55\xaa":
        return Header("corestorage", Crypt.MAYBE_ENCRYPTED)
    return None


def _filesystem(head: bytes, read_at: ReadAt, size_bytes: int) -> Header | None:
    if head[3:11] == b"EXFAT   ":
        return _plain("exfat", _exfat_label(head, read_at, size_bytes), _serial(head[100:104]))
    if head[3:11] == b"NTFS    ":
        return _plain("ntfs", "", head[72:80][::-1].hex().upper())
    if head[32:36] == b"NXSB":
        return Header("apfs", Crypt.UNKNOWN, why="each volume inside APFS is encrypted or not by itself")
    if _has_ext(head):
        return _plain("ext", _text(head[1144:1160]), _uuid(head[1128:1144]))
    if head[1024:1026] in {b"H+", b"HX"}:
        return _plain("hfsplus")
    if head[0x10040:0x10048] == b"_BHRfS_M":
        return _plain("btrfs", _text(head[0x1012B : 0x1012B + 256]), _uuid(head[0x10020:0x10030]))
    if head[:4] == b"XFSB":
        return _plain("xfs", _text(head[108:120]), _uuid(head[32:48]))
    if head[1024:1028] == b"\x10\x20\xf5\xf2":
        return _plain("f2fs")
    if head[0x8001:0x8006] == b"CD001":
        return _plain("iso9660", _text(head[0x8028:0x8048].rstrip(b" ")))
    if head[510:512] == b"\x55\xaa" and (head[82:87] == b"FAT32" or head[54:57] == b"FAT"):
        is_large = head[82:87] == b"FAT32"
        return _plain("fat", _fat_label(head, read_at, size_bytes), _serial(head[67:71] if is_large else head[39:43]))
    if head[4086:4096] in {b"SWAPSPACE2", b"SWAP-SPACE"}:
        return _plain("swap", _text(head[1052:1068]), _uuid(head[1036:1052]))
    return None


def _no_filesystem(head: bytes, size_bytes: int) -> Header:
    if head[512:520] == b"LABELONE" or head[536:544] == b"LVM2 001":
        return Header("lvm", Crypt.UNKNOWN, why="it is a part of a volume group")
    if head[512:520] == b"EFI PART" or (head[510:512] == b"\x55\xaa" and _has_partitions(head)):
        return Header("partition_table", Crypt.UNKNOWN, why="it holds partitions, which the system does not show")
    if not any(head):
        return Header("blank", Crypt.UNKNOWN, why="it begins with nothing but zeros")
    if looks_random(head, size_bytes):
        return Header("no_signature", Crypt.MAYBE_ENCRYPTED)
    return Header("unrecognised", Crypt.UNKNOWN, why="it begins with nothing that is known here")


def looks_random(head: bytes, size_bytes: int) -> bool:
    """Say whether this could be VeraCrypt or plain dm-crypt, which by their design cannot be told from noise."""
    return (
        size_bytes >= _LEAST_CONTAINER_BYTES
        and size_bytes % 512 == 0
        and _entropy(head[:512]) > _RANDOM_SECTOR_BITS
        and _entropy(head[:_SAMPLE_BYTES]) > _RANDOM_SAMPLE_BITS
    )


def _entropy(octets: bytes) -> float:
    """Give the bits of each octet; a whole sector of noise has 7.6, of which 8 would need more."""
    if not octets:
        return 0.0
    shares = (count / len(octets) for count in Counter(octets).values())
    return -sum(share * math.log2(share) for share in shares)


def _has_ext(head: bytes) -> bool:
    return head[1080:1082] == b"\x53\xef"


def _has_partitions(head: bytes) -> bool:
    entries = [head[446 + 16 * index : 462 + 16 * index] for index in range(4)]
    return any(entry[4] for entry in entries) and all(entry[0] in {0x00, 0x80} for entry in entries)


def _plain(kind: str, label: str = "", uuid: str = "") -> Header:
    return Header(kind, Crypt.PLAIN, label, uuid)


def _fat_label(head: bytes, read_at: ReadAt, size_bytes: int) -> str:
    """Find the label in the root folder, where Windows writes it; the one in the first sector may be old.

    Source: Microsoft, FAT32 File System Specification 1.03.
    """
    sector, per_cluster, reserved, copies, root_entries = struct.unpack_from("<HBHBH", head, 11)
    is_large = head[82:87] == b"FAT32"
    table_sectors = int.from_bytes(head[36:40] if is_large else head[22:24], "little")
    start = reserved + copies * table_sectors
    length = root_entries * _ENTRY_BYTES
    if is_large:
        start += max(int.from_bytes(head[44:48], "little") - 2, 0) * per_cluster
        length = per_cluster * sector
    for entry in _entries(read_at, start * sector, length, size_bytes):
        # The attribute of a label, and not of a part of a long name.
        if entry[11] & 0x08 and entry[11] & 0x0F != 0x0F and entry[0] != 0xE5:
            return _oem(entry[:11])
    written = _oem(head[71:82] if is_large else head[43:54])
    return "" if written == "NO NAME" else written


def _exfat_label(head: bytes, read_at: ReadAt, size_bytes: int) -> str:
    """Find the label in the root folder. Source: Microsoft, exFAT file system specification, sections 3.1 and 7.3."""
    if len(head) < 512 or not 9 <= head[108] <= 12 or head[108] + head[109] > 25:
        return ""
    heap, _clusters, root = struct.unpack_from("<III", head, 88)
    start = (heap << head[108]) + (max(root - 2, 0) << (head[108] + head[109]))
    for entry in _entries(read_at, start, _DIRECTORY_BYTES, size_bytes):
        if entry[0] == 0x83:
            return entry[2 : 2 + 2 * min(entry[1], 11)].decode("utf-16-le", "replace")
    return ""


def _entries(read_at: ReadAt, start: int, length: int, size_bytes: int) -> Iterator[bytes]:
    """Read the entries of a folder, as far as one look goes; a zero begins what was never used."""
    if not 0 < start < size_bytes:
        return
    folder = read_at(start, min(length, _DIRECTORY_BYTES))
    for place in range(0, len(folder) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        if folder[place] == 0:
            return
        yield folder[place : place + _ENTRY_BYTES]


def _oem(octets: bytes) -> str:
    return octets.rstrip(b" \0").decode("cp850")


def _text(octets: bytes) -> str:
    return octets.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _serial(octets: bytes) -> str:
    text = octets[::-1].hex().upper()
    return f"{text[:4]}-{text[4:]}"


def _uuid(octets: bytes) -> str:
    text = octets.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def find_container(folder: Path) -> bool | None:
    """Say whether one of the larger files below looks like an encrypted container.

    A hint and no proof, either way: only so many folders and files are looked at, and of a file its first octets.

    Returns:
        None where the folder cannot be listed.
    """
    folders = [folder]
    listed = files = candidates = 0
    while folders and listed < _MOST_FOLDERS:
        entries = _list(folders.pop(0))
        listed += 1
        if entries is None:
            if listed == 1:
                return None
            continue
        folders += [path for path, size in entries if size is None]
        for path, size in entries:
            files += 1
            if files > _MOST_FILES or candidates >= _MOST_CANDIDATES:
                return False
            if size is not None and size >= _LEAST_CONTAINER_BYTES and size % 512 == 0:
                candidates += 1
                if _is_container(path, size):
                    return True
    return False


def _list(folder: Path) -> list[tuple[Path, int | None]] | None:
    """List files with their size in octets, and folders without; at once, because an open folder bars ejecting."""
    found: list[tuple[Path, int | None]] = []
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(range(_MOST_FILES), entries, strict=False):
                if entry.is_dir(follow_symlinks=False):
                    found.append((Path(entry.path), None))
                elif entry.is_file(follow_symlinks=False):
                    found.append((Path(entry.path), entry.stat(follow_symlinks=False).st_size))
    except OSError:
        return found or None
    return found


def _is_container(path: Path, size_bytes: int) -> bool:
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(number).st_mode) and looks_random(os.read(number, _SAMPLE_BYTES), size_bytes)
    except OSError:
        return False
    finally:
        os.close(number)
