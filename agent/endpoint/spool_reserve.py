"""Room for incidents that was taken before the disk was full, and the count of everything that found no room.

The file is as large from the first day as it will ever be, so writing to it takes no block from the disk. What is in
it goes into the spool as soon as there is room again, exactly once: the spool remembers the id of the filling that
it took last.
"""

import json
import os
import secrets
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any, BinaryIO, Final

from collectors.observed import Priority

RESERVE_BYTES: Final = 1024 * 1024
_RECORDS_AT: Final = 4096
# Length and checksum of what follows; records also say to which filling they belong.
_HEAD: Final = Struct("<4sII")
_HEAD_MARK: Final = b"SGRH"
_RECORD: Final = Struct("<4s8sII")
_RECORD_MARK: Final = b"SGRR"
_ID_BYTES: Final = 8


@dataclass(slots=True)
class Lost:
    """How many of a class found no room, and when the first and the last of them happened (seconds since 1970)."""

    count: int
    first_at: float
    last_at: float


class SpoolReserve:
    """The file; whoever opens it twice at a time spoils it.

    Raises:
        OSError: it is not there and there is no room for it, or it may not be opened.
    """

    def __init__(self, path: Path, *, size_bytes: int = RESERVE_BYTES) -> None:
        self._size_bytes = size_bytes
        self.was_there = path.exists()
        # Losses are counted on even where the file cannot be written.
        self.lost: dict[Priority, Lost] = {}
        self.filling = secrets.token_bytes(_ID_BYTES)
        self._file = _opened(path, size_bytes)
        self._read_head()
        self.records, self._end = self._read_records()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to take over."""
        return not self.records and not self.lost

    def keep(self, record: Mapping[str, Any]) -> bool:
        """Write down one incident, for good; False where the file has no room for it either."""
        content = json.dumps(record, separators=(",", ":")).encode()
        end = self._end + _RECORD.size + len(content)
        if end > self._size_bytes:
            return False
        head = _RECORD.pack(_RECORD_MARK, self.filling, len(content), zlib.crc32(content))
        try:
            self._write(self._end, head + content)
        except OSError:
            return False
        self.records.append(dict(record))
        self._end = end
        return True

    def lose(self, priority: Priority, wall: float) -> None:
        """Count one that could not be kept."""
        lost = self.lost.setdefault(priority, Lost(0, wall, wall))
        lost.count += 1
        lost.last_at = wall
        self._write_head()

    def start_anew(self) -> None:
        """Forget what was taken over."""
        self.filling = secrets.token_bytes(_ID_BYTES)
        self.records, self._end = [], _RECORDS_AT
        self.lost.clear()
        self._write_head()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write_head(self) -> None:
        lost = {int(priority): [entry.count, entry.first_at, entry.last_at] for priority, entry in self.lost.items()}
        content = json.dumps({"filling": self.filling.hex(), "lost": lost}).encode()
        with suppress(OSError):
            self._write(0, _HEAD.pack(_HEAD_MARK, len(content), zlib.crc32(content)) + content)

    def _write(self, position: int, octets: bytes) -> None:
        self._file.seek(position)
        self._file.write(octets)
        os.fsync(self._file.fileno())

    def _read_head(self) -> None:
        self._file.seek(0)
        octets = self._file.read(_RECORDS_AT)
        if len(octets) < _HEAD.size:
            return
        mark, length, checksum = _HEAD.unpack_from(octets)
        content = octets[_HEAD.size : _HEAD.size + length]
        if mark != _HEAD_MARK or zlib.crc32(content) != checksum:
            self._write_head()
            return
        head = json.loads(content)
        self.filling = bytes.fromhex(head["filling"])
        self.lost = {Priority(int(name)): Lost(*entry) for name, entry in head["lost"].items()}

    def _read_records(self) -> tuple[list[dict[str, Any]], int]:
        self._file.seek(0)
        octets = self._file.read(self._size_bytes)
        records: list[dict[str, Any]] = []
        position = _RECORDS_AT
        while position + _RECORD.size <= len(octets):
            mark, filling, length, checksum = _RECORD.unpack_from(octets, position)
            content = octets[position + _RECORD.size : position + _RECORD.size + length]
            if mark != _RECORD_MARK or filling != self.filling or zlib.crc32(content) != checksum:
                break
            records.append(json.loads(content))
            position += _RECORD.size + length
        return records, position


def _opened(path: Path, size_bytes: int) -> BinaryIO:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    file = os.fdopen(descriptor, "r+b", buffering=0)
    missing = size_bytes - os.fstat(descriptor).st_size
    if missing > 0:
        try:
            file.seek(0, os.SEEK_END)
            _fill(file, missing)
            os.fsync(descriptor)
        except OSError:
            file.close()
            raise
    return file


def _fill(file: BinaryIO, octets: int) -> None:
    # Written, not only claimed: a hole in a file takes its blocks when it is too late.
    while octets > 0:
        octets -= file.write(bytes(min(octets, 65536)))
