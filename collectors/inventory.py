"""Which files a volume holds: size and time of each, by a keyed hash of its path; and what changed between two looks.

A folder is open only while it is listed, because an open one keeps the volume from being ejected. No file is opened.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from collectors.write_stream import Gap, Naming, Written, extension_of, is_own

MOST_ENTRIES: Final = 50_000
# FAT keeps the time of a write to two seconds, and some systems remember it better until they forget the file.
# Source: Microsoft Extensible Firmware Initiative FAT32 File System Specification, "Date and Time Formats".
COARSE_NANOSECONDS: Final = 2_000_000_000
_COARSE_FILESYSTEMS: Final = frozenset({"vfat", "msdos", "fat", "fat12", "fat16", "fat32", "exfat", "fuseblk"})
_ENTRIES_AT_ONCE: Final = 500


class Entry(NamedTuple):
    """A file as it was seen."""

    size_bytes: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """The files of a volume, by token; `gaps` say why there may be more, `device` which file system it was."""

    files: Mapping[bytes, Entry] = field(default_factory=dict)
    gaps: frozenset[Gap] = frozenset()
    seconds: float = 0.0
    device: int | None = None

    @property
    def is_complete(self) -> bool:
        """Whether every file was seen."""
        return not self.gaps


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different in a later inventory."""

    created: Mapping[bytes, Written]
    modified: Mapping[bytes, Written]
    removed: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is looked at, and how fast.

    Args:
        most_entries: after so many files and folders the rest is left out, and that is said.
        most_seconds: so it is after so many seconds of looking, on a reader that is very slow.
        share: the part of the time that may be spent looking; the rest is slept, so that nobody feels it.
        is_wanted: said No, the walk ends at once: the volume is about to be ejected.
    """

    most_entries: int = MOST_ENTRIES
    most_seconds: float = 15.0
    share: float = 0.5
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.perf_counter
    is_wanted: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True)
class Seen:
    """A file that the walk came by."""

    path: str
    size_bytes: int
    modified_ns: int
    mode: int


class Walk:
    """One walk over the files below a folder, of the same file system. Iterate it once, then read `gaps`.

    Args:
        expected: the file system that it must be; another one under that name is as good as none.
    """

    def __init__(self, top: str, pace: Pace, expected: int | None = None) -> None:
        self.gaps: set[Gap] = set()
        self.seconds = 0.0
        self.device = device_of(top)
        self._expected = expected
        self._top = top
        self._pace = pace
        self._left = pace.most_entries

    def __iter__(self) -> Iterator[Seen]:
        device = self.device
        if device is None or self._expected not in {None, device}:
            self.gaps.add(Gap.NOT_READABLE)
            return
        folders = [""]
        while folders:
            folder = folders.pop()
            entries = self._list(folder)
            for start in range(0, len(entries), _ENTRIES_AT_ONCE):
                if not self._pace.is_wanted():
                    self.gaps.add(Gap.NOT_READABLE)
                    return
                if self.seconds > self._pace.most_seconds:
                    self.gaps.add(Gap.TOO_MANY_FILES)
                    return
                begun = self._pace.clock()
                part = [self._see(entry, folder, device) for entry in entries[start : start + _ENTRIES_AT_ONCE]]
                self._rest(self._pace.clock() - begun)
                for seen in part:
                    if seen is not None and stat.S_ISDIR(seen.mode):
                        folders.append(seen.path)
                    elif seen is not None and stat.S_ISREG(seen.mode):
                        yield seen

    def _list(self, folder: str) -> list[os.DirEntry[str]]:
        """List one folder; it is closed when this returns, and only then are its files looked at."""
        begun = self._pace.clock()
        try:
            with os.scandir(os.path.join(self._top, folder)) as entries:  # noqa: PTH118 -- for every folder of a stick
                found = list(islice(entries, self._left + 1))
        except OSError:
            self.gaps.add(Gap.NOT_READABLE)
            return []
        if len(found) > self._left:
            self.gaps.add(Gap.TOO_MANY_FILES)
            found.pop()
        self._left -= len(found)
        self.seconds += self._pace.clock() - begun
        return found

    def _see(self, entry: os.DirEntry[str], folder: str, device: int) -> Seen | None:
        path = f"{folder}/{entry.name}" if folder else entry.name
        if is_own(entry.name):
            return None
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            self.gaps.add(Gap.NOT_READABLE)
            return None
        # Windows tells no device here. Another one is another volume, mounted below.
        is_here = status.st_dev in {0, device}
        return Seen(path, status.st_size, status.st_mtime_ns, status.st_mode) if is_here else None

    def _rest(self, spent: float) -> None:
        self.seconds += spent
        self._pace.sleep(spent * (1 / self._pace.share - 1))


def take_inventory(top: str, naming: Naming, pace: Pace | None = None) -> Inventory:
    """See which files there are; never raises: what could not be read is a gap."""
    walk = Walk(top, pace or Pace())
    files = {naming.token(seen.path): Entry(seen.size_bytes, seen.modified_ns) for seen in walk}
    return Inventory(files, frozenset(walk.gaps), walk.seconds, walk.device)


def device_of(top: str) -> int | None:
    """Give the number of the file system at a place; None where there is none."""
    try:
        return os.lstat(top).st_dev
    except (OSError, ValueError):
        return None


def take_changes(
    before: Inventory, top: str, naming: Naming, pace: Pace | None = None, *, filesystem: str = ""
) -> tuple[Inventory, Changes]:
    """See which files there are now, and what is different from before."""
    walk = Walk(top, pace or Pace(), before.device)
    files: dict[bytes, Entry] = {}
    created: dict[bytes, Written] = {}
    modified: dict[bytes, Written] = {}
    for seen in walk:
        token = naming.token(seen.path)
        files[token] = now = Entry(seen.size_bytes, seen.modified_ns)
        then = before.files.get(token)
        if then is None or not is_same(then, now, filesystem):
            written = Written(seen.size_bytes, extension_of(seen.path), naming.shown(seen.path))
            (created if then is None else modified)[token] = written
    # A file that was left out of the later look was not taken away.
    removed = 0 if walk.gaps else sum(token not in files for token in before.files)
    return Inventory(files, frozenset(walk.gaps), walk.seconds, walk.device), Changes(created, modified, removed)


def is_same(then: Entry, now: Entry, filesystem: str) -> bool:
    """Say whether a file was not written between two looks, as far as its size and time tell."""
    tolerance = COARSE_NANOSECONDS if filesystem.lower() in _COARSE_FILESYSTEMS else 1
    return then.size_bytes == now.size_bytes and abs(then.modified_ns - now.modified_ns) < tolerance
