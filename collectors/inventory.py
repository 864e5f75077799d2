"""Which files a volume holds: size and time of each, by a keyed hash of its path; and what changed between two looks.

What a system keeps for itself is left out. What lies in the trash is kept apart: a file that was thrown away is taken
away and not written, and what nobody has thrown there was put there.
A folder is open only while it is listed, because an open one keeps the volume from being ejected. No file is opened.
"""

import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from collectors.write_stream import Gap, Naming, Whose, Written, extension_of, whose

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
    """The files of a volume, by token; `gaps` say why there may be more, `device` which file system it was.

    `trash` are those that lie in the trash.
    """

    files: Mapping[bytes, Entry] = field(default_factory=dict)
    trash: Mapping[bytes, Entry] = field(default_factory=dict)
    gaps: frozenset[Gap] = frozenset()
    seconds: float = 0.0
    device: int | None = None

    @property
    def is_complete(self) -> bool:
        """Whether every file was seen."""
        return not self.gaps


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different in a later inventory; `put_in_trash` is what is there that was nowhere before."""

    created: Mapping[bytes, Written]
    modified: Mapping[bytes, Written]
    removed: int
    put_in_trash: Mapping[bytes, Written] = field(default_factory=dict)


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
    is_trash: bool = False

    @property
    def entry(self) -> Entry:
        """What is remembered of it."""
        return Entry(self.size_bytes, self.modified_ns)


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
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            self.gaps.add(Gap.NOT_READABLE)
            return None
        # Windows tells no device here. Another one is another volume, mounted below.
        is_here = status.st_dev in {0, device}
        is_whose = whose(f"{path}/" if stat.S_ISDIR(status.st_mode) else path, status.st_size)
        if not is_here or is_whose is Whose.SYSTEM:
            return None
        return Seen(path, status.st_size, status.st_mtime_ns, status.st_mode, is_whose is Whose.TRASH)

    def _rest(self, spent: float) -> None:
        self.seconds += spent
        self._pace.sleep(spent * (1 / self._pace.share - 1))


def take_inventory(top: str, naming: Naming, pace: Pace | None = None) -> Inventory:
    """See which files there are; never raises: what could not be read is a gap."""
    walk = Walk(top, pace or Pace())
    files: dict[bytes, Entry] = {}
    trash: dict[bytes, Entry] = {}
    for seen in walk:
        (trash if seen.is_trash else files)[naming.token(seen.path)] = seen.entry
    return Inventory(files, trash, frozenset(walk.gaps), walk.seconds, walk.device)


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
    trash: dict[bytes, Entry] = {}
    created: dict[bytes, Written] = {}
    modified: dict[bytes, Written] = {}
    in_trash: dict[bytes, Written] = {}
    for seen in walk:
        token = naming.token(seen.path)
        (trash if seen.is_trash else files)[token] = seen.entry
        then = (before.trash if seen.is_trash else before.files).get(token)
        if then is None or not is_same(then, seen.entry, filesystem):
            changed = in_trash if seen.is_trash else created if then is None else modified
            changed[token] = Written(seen.size_bytes, extension_of(seen.path), naming.shown(seen.path))
    gone = [entry for token, entry in before.files.items() if token not in files]
    # A file that was left out of the later look was not taken away.
    removed = 0 if walk.gaps else len(gone)
    moved = set(_moved(gone, {token: trash[token] for token in in_trash}))
    put = {token: written for token, written in in_trash.items() if token not in moved}
    now = Inventory(files, trash, frozenset(walk.gaps), walk.seconds, walk.device)
    return now, Changes(created, modified, removed, put)


def _moved(gone: Iterable[Entry], into: Mapping[bytes, Entry]) -> Iterator[bytes]:
    """Find what lies in the trash and is no longer where it was: a move keeps size and time."""
    left = Counter(_as_coarse(entry) for entry in gone)
    for token, entry in into.items():
        if left[_as_coarse(entry)]:
            left[_as_coarse(entry)] -= 1
            yield token


def _as_coarse(entry: Entry) -> Entry:
    return Entry(entry.size_bytes, entry.modified_ns // COARSE_NANOSECONDS)


def is_same(then: Entry, now: Entry, filesystem: str) -> bool:
    """Say whether a file was not written between two looks, as far as its size and time tell."""
    tolerance = COARSE_NANOSECONDS if filesystem.lower() in _COARSE_FILESYSTEMS else 1
    return then.size_bytes == now.size_bytes and abs(then.modified_ns - now.modified_ns) < tolerance
