"""The spool: how rows about queries leave a worker for the control plane, without loss and off the hot path.

A worker appends frames to segment files of its own; one process reads them all. What was written survives the death
of either side. The reader keeps no state here: how far it has come is stored with the rows, in one transaction, so
that a row is stored exactly once.

A writer holds a lock on its growing segment; the kernel takes it away when the process ends, however it ends, and
that is how the reader knows that nothing more will come.
"""

import contextlib
import fcntl
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple, Self

from agent.dns.outcomes import RCODES, Outcome, read_outcome
from rules.verdict import ReasonCode

SUFFIX: Final = ".seg"
HEADER: Final = b"SCHGSPL\x01"
SEGMENT_BYTES: Final = 4 * 1024 * 1024
SEGMENT_SECONDS: Final = 60.0
MAX_BYTES: Final = 256 * 1024 * 1024
# So many rows at most stand in a frame, so that no frame is much larger than a quarter of a megabyte.
FRAME_ROWS: Final = 1000

# Frame: a mark to find the next one by when one is damaged, checksum of all that follows, octets of rows, seconds
# since 1970.
_MARK: Final = b"\xf7SGF"
_FRAME: Final = Struct("<4sIId")
_CHECKED: Final = Struct("<Id")
_CHECKED_AT: Final = 8
# Row: what happened, how often, octets of the address, octets of the name; then address and name.
_ROW: Final = Struct("<HIBB")
# More than any segment has, so one read gives what is left of it.
_READ_OCTETS: Final = 2 * SEGMENT_BYTES
# While the spool is full, the writer looks this often whether it still is.
_FULL_SECONDS: Final = 1.0
# A file without even a header belongs to a process that died in that moment, once it is this old.
_STILLBORN_SECONDS: Final = 3600.0

_REASONS: Final = tuple(ReasonCode)
_REASON_INDEX: Final = {reason: place for place, reason in enumerate(_REASONS)}

# Instead of a `row_code`: the query was answered because of an override, whose id stands in the place of the name.
USED: Final = 0xFFFF

# The client's address (4 or 16 octets), the listed name in wire form without the root octet, and a `row_code`.
# The listed name is what a list or a policy says, never the full name that was asked, unless all queries are kept.
# Where nobody may tell devices apart, a row that says USED has no address.
RowKey = tuple[bytes, bytes, int]


def spool_folder(state: str) -> Path:
    """Give the folder through which workers hand rows over."""
    return Path(state) / "activity" / "spool"


def row_code(outcome: int, reason: ReasonCode) -> int:
    """Fold an outcome (its RCODE does not matter) and the reason into the number that a row carries."""
    return outcome // len(RCODES) * len(_REASONS) + _REASON_INDEX[reason]


def read_row_code(code: int) -> tuple[Outcome, ReasonCode]:
    """Say what a row's number means; the RCODE that comes with it means nothing."""
    place, reason = divmod(code, len(_REASONS))
    return read_outcome(place * len(RCODES)), _REASONS[reason]


class Row(NamedTuple):
    """One kind of query of one client within a moment, and how often it came."""

    address: bytes
    name: bytes
    code: int
    times: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that were written together; `position` is where the segment goes on after them."""

    segment: str
    position: int
    at_unix: float
    rows: list[Row]


def encode_frame(rows: Mapping[RowKey, int], at_unix: float) -> bytes:
    """Compose one frame of at most FRAME_ROWS rows."""
    pack = _ROW.pack
    payload = b"".join(
        [pack(code, times, len(address), len(name)) + address + name for (address, name, code), times in rows.items()]
    )
    checked = _CHECKED.pack(len(payload), at_unix) + payload
    return _MARK + zlib.crc32(checked).to_bytes(4, "little") + checked


def _decode_rows(payload: bytes) -> list[Row]:
    unpack = _ROW.unpack_from
    rows = []
    position, end = 0, len(payload)
    while position < end:
        code, times, address_octets, name_octets = unpack(payload, position)
        name_at = position + _ROW.size + address_octets
        row_end = name_at + name_octets
        rows.append(Row(payload[position + _ROW.size : name_at], payload[name_at:row_end], code, times))
        position = row_end
    return rows


class SpoolWriter:
    """One worker's way into the spool.

    Args:
        folder: where all segments are.
        worker: the number of this worker.
        max_bytes: what all segments together may take; over it rows are lost, and the caller counts them.
    """

    def __init__(
        self,
        folder: Path,
        *,
        worker: int,
        max_bytes: int = MAX_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
        segment_seconds: float = SEGMENT_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._name = f"{worker}-{time.time_ns()}"
        self._max_bytes = max_bytes
        self._segment_bytes = segment_bytes
        self._segment_seconds = segment_seconds
        self._monotonic = monotonic
        self._sequence = 0
        self._descriptor = -1
        self._size = 0
        self._opened_at = 0.0
        self._full_until = float("-inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, rows: Mapping[RowKey, int], at_unix: float) -> int:
        """Append rows; gives how many were lost because the spool or the disk is full. Never raises OSError."""
        left = iter(rows.items())
        lost = 0
        while part := dict(islice(left, FRAME_ROWS)):
            if not self._append(encode_frame(part, at_unix)):
                lost += len(part)
        return lost

    def _append(self, frame: bytes) -> bool:
        try:
            if not self._has_segment():
                return False
            written = os.write(self._descriptor, frame)
            if written == len(frame):
                self._size += written
                return True
            # The disk filled up within the frame; what the next one follows must be whole.
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            self.close()
        self._pause()
        return False

    def _has_segment(self) -> bool:
        """See to it that a segment with room is open, unless there is no room for another."""
        now = self._monotonic()
        if now < self._full_until:
            return False
        is_due = self._size >= self._segment_bytes or now >= self._opened_at + self._segment_seconds
        if self._descriptor >= 0 and not is_due:
            return True
        self.close()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if spool_bytes(self._folder) >= self._max_bytes:
            self._pause()
            return False
        self._open_segment()
        self._opened_at = now
        return True

    def _pause(self) -> None:
        self._full_until = self._monotonic() + _FULL_SECONDS

    def _open_segment(self) -> None:
        self._sequence += 1
        path = self._folder / f"{self._name}-{self._sequence:08}{SUFFIX}"
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            # Locked before the first octet is written: the reader leaves empty files alone.
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._size = os.write(self._descriptor, HEADER)
        except OSError:
            path.unlink(missing_ok=True)
            raise

    def close(self) -> None:
        """End the segment; the reader may take it away when it has stored it."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def segments(folder: Path) -> list[Path]:
    """Give the segments of a spool, oldest first."""
    found = [path for path in folder.iterdir() if path.suffix == SUFFIX] if folder.is_dir() else []
    return sorted(found, key=_age)


def _age(path: Path) -> tuple[int, str]:
    _, _, rest = path.stem.partition("-")
    started = rest.partition("-")[0]
    return (int(started) if started.isdecimal() else 0), path.name


def spool_bytes(folder: Path) -> int:
    """Say what all segments together take on the disk."""
    total = 0
    for path in segments(folder):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


class SpoolReader:
    """The reading end: everything that was not confirmed yet, oldest segment first.

    What `read` gives is confirmed, batch after batch in the same order, as soon as rows and positions are stored;
    after a failure `rewind` goes back to what was not.

    Args:
        positions: how far each segment was stored, as the store remembers it.
    """

    def __init__(
        self, folder: Path, positions: Mapping[str, int], *, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._confirmed = dict(positions)
        self._read = dict(positions)
        self._finished: dict[str, int] = {}
        self._wall_clock = wall_clock
        self.damaged_frames = 0

    def read(self, max_rows: int) -> list[Batch]:
        """Read whole frames until they hold `max_rows` rows or there are no more.

        Raises:
            OSError: the spool cannot be read.
        """
        batches: list[Batch] = []
        count = 0
        for path in segments(self._folder):
            for batch in self._read_segment(path):
                batches.append(batch)
                count += len(batch.rows)
                if count >= max_rows:
                    return batches
        return batches

    def confirm(self, batches: Iterable[Batch]) -> None:
        """Take note that these batches are stored; a finished segment that is stored whole is deleted."""
        for batch in batches:
            self._confirmed[batch.segment] = batch.position
        for name, damaged_frames in list(self._finished.items()):
            if self._confirmed.get(name) == self._read.get(name):
                (self._folder / name).unlink(missing_ok=True)
                self.damaged_frames += damaged_frames
                for positions in (self._confirmed, self._read, self._finished):
                    positions.pop(name, None)

    def rewind(self) -> None:
        """Go back to what was confirmed."""
        self._read = dict(self._confirmed)
        self._finished = {}

    def waiting_bytes(self) -> int:
        """Say how much of the spool is not stored yet."""
        waiting = 0
        for path in segments(self._folder):
            with contextlib.suppress(FileNotFoundError):
                waiting += max(0, path.stat().st_size - self._confirmed.get(path.name, len(HEADER)))
        return waiting

    def _read_segment(self, path: Path) -> Iterator[Batch]:
        name = path.name
        with path.open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                if path.stat().st_mtime < self._wall_clock() - _STILLBORN_SECONDS:
                    self._finished[name] = 0
                return
            # Asked before reading: what is there once the writer has gone is all that there will be.
            is_finished = _is_finished(file.fileno())
            position = self._read.get(name, len(HEADER))
            file.seek(position)
            octets = file.read(_READ_OCTETS)
        offset = 0
        while (frame := _next_frame(octets, offset, is_finished=is_finished)) is not None:
            self.damaged_frames += frame.start > offset
            offset = frame.end
            self._read[name] = position + offset
            yield Batch(name, position + offset, frame.at_unix, frame.rows)
        if is_finished:
            self._finished[name] = int(offset < len(octets))


class _Frame(NamedTuple):
    start: int
    end: int
    at_unix: float
    rows: list[Row]


def _next_frame(octets: bytes, offset: int, *, is_finished: bool) -> _Frame | None:
    """Find the next whole frame.

    In a growing segment it can only begin where the last one ended: what is not whole there may become so. In a
    finished one, damage is stepped over.
    """
    start = offset
    while (start := octets.find(_MARK, start)) >= 0 and (is_finished or start == offset):
        if (frame := _whole_frame(octets, start)) is not None:
            return frame
        start += 1
    return None


def _whole_frame(octets: bytes, start: int) -> _Frame | None:
    if start + _FRAME.size > len(octets):
        return None
    _, checksum, length, at_unix = _FRAME.unpack_from(octets, start)
    end = start + _FRAME.size + length
    if end > len(octets) or zlib.crc32(octets[start + _CHECKED_AT : end]) != checksum:
        return None
    return _Frame(start, end, at_unix, _decode_rows(octets[start + _FRAME.size : end]))


def _is_finished(descriptor: int) -> bool:
    """Say whether the writer has closed the segment or has gone."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
