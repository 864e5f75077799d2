"""The copies of lists that were good: one folder a version, the one in force behind a link, older ones beside it.

    <state>/lists/.lock
    <state>/lists/<list>/current -> versions/<version>
    <state>/lists/<list>/versions/<version>/meta.json
    <state>/lists/<list>/versions/<version>/files/...
    <state>/lists/<list>/condition.json      how the last look at the source ended

Whatever is killed at whatever moment, `current` leads to a version that was complete and on the disk before.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from agent.lists.list_faults import Fault
from agent.lists.list_guard import GuardHit
from agent.lists.list_inputs import IndexFile, IndexList
from agent.lists.list_layout import Kind, SourceFile, Use
from agent.sites.site import Site
from filters.list_entries import BadLine
from rules.errors import StorageError
from rules.name import DomainName

KEPT_VERSIONS: Final = 3
LOCK_POLL_SECONDS: Final = 0.05
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a copy: what it is to the provider (`source`), what it is here, and what it holds.

    `rows` are the lines that say something, `names` those of them that are used, `counts` the others by reason.
    """

    source: SourceFile
    use: Use
    tags: tuple[str, ...]
    size_bytes: int
    sha256: str
    format: str | None = None
    names: int = 0
    rows: int = 0
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Copy:
    """One version of a list, as it was taken.

    `sha256` is over all that was taken, `format` what the site stated. `forced` are the faults that a person
    accepted, `guard_hits` the guard names that it lists. `imported_from` is the file that a person handed in
    instead of the source.
    """

    list_name: str
    version: str
    source: str
    format: str
    fetched_at: datetime
    sha256: str
    files: tuple[StoredFile, ...]
    etag: str | None = None
    last_modified: str | None = None
    bad: tuple[BadLine, ...] = ()
    guard_hits: tuple[GuardHit, ...] = ()
    forced: tuple[Fault, ...] = ()
    imported_from: str | None = None

    @property
    def used(self) -> tuple[StoredFile, ...]:
        """The files whose names go into the index."""
        return tuple(file for file in self.files if file.source.kind is Kind.NAMES and file.use is Use.USED)

    @property
    def names(self) -> int:
        """How many entries are used, with those that stand in several files."""
        return sum(file.names for file in self.used)

    @property
    def known_guards(self) -> frozenset[DomainName]:
        """The guard names that it lists."""
        return frozenset(hit.guard for hit in self.guard_hits)

    @property
    def licences(self) -> tuple[str, ...]:
        """The licence files that came with the list."""
        return tuple(file.source.path for file in self.files if file.source.kind is Kind.LICENCE)


@dataclass(frozen=True, slots=True)
class Condition:
    """How the last look at a source ended.

    `source` is what was looked at, `succeeded_at` when the copy in force was last known to be what it has.
    `failures` count what went wrong since then; `fault` and `sentence` say what. `is_refused` tells a copy that was
    not plausible from one that did not come.
    """

    source: str
    checked_at: datetime
    succeeded_at: datetime | None
    next_refresh_at: datetime
    failures: int = 0
    fault: Fault | None = None
    sentence: str = ""
    is_refused: bool = False


class ListStore:
    """The folder of all lists of a site."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def files_folder(self, copy: Copy) -> Path:
        """Give the folder that the paths of a copy's files are relative to."""
        return self._version_folder(copy.list_name, copy.version) / "files"

    def current(self, list_name: str) -> Copy | None:
        """Give the copy in force; if it was damaged, the newest whole one."""
        with contextlib.suppress(OSError):
            version = (self._folder / list_name / "current").readlink().name
            if copy := self.copy(list_name, version):
                return copy
        whole = (self.copy(list_name, version) for version in reversed(self.versions(list_name)))
        return next((copy for copy in whole if copy is not None), None)

    def copy(self, list_name: str, version: str) -> Copy | None:
        """Give one version of a list; None if it is not there, or not whole."""
        folder = self._version_folder(list_name, version)
        copy = _read(folder / "meta.json", Copy)
        if copy is None or not all(
            _has_size(folder / "files" / file.source.path, file.size_bytes) for file in copy.files
        ):
            return None
        return copy

    def versions(self, list_name: str) -> list[str]:
        """Give the versions that are kept, oldest first."""
        try:
            return sorted(folder.name for folder in (self._folder / list_name / "versions").iterdir())
        except OSError:
            return []

    def index_lists(self, list_names: Iterable[str]) -> tuple[IndexList, ...]:
        """Give what the index is to be made of: the copies in force."""
        copies = (self.current(name) for name in list_names)
        return tuple(self._index_list(copy) for copy in copies if copy is not None)

    def _index_list(self, copy: Copy) -> IndexList:
        folder = self.files_folder(copy)
        return IndexList(
            copy.list_name,
            copy.version,
            tuple(
                IndexFile(folder / file.source.path, file.source.path, file.format, file.tags)
                for file in copy.used
                if file.format is not None
            ),
        )

    def condition(self, list_name: str) -> Condition | None:
        """Say how the last look at the source ended; None if there was none."""
        return _read(self._folder / list_name / "condition.json", Condition)

    def write_condition(self, list_name: str, condition: Condition) -> None:
        """Remember how a look at the source ended."""
        with self._kept(list_name):
            _write(self._folder / list_name / "condition.json", condition)

    @contextmanager
    def incoming(self, list_name: str) -> Iterator[Path]:
        """Give an empty folder for a copy that is on its way; what is not published is gone afterwards."""
        folder = self._folder / list_name / "incoming"
        with self._kept(list_name):
            shutil.rmtree(folder, ignore_errors=True)
            (folder / "files").mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def new_version(self, list_name: str, fetched_at: datetime, sha256: str) -> str:
        """Give a name for a version that sorts behind all others."""
        version = f"{fetched_at:%Y%m%dT%H%M%S%f}Z-{sha256[:8]}"
        newest = max(self.versions(list_name), default="")
        # The clock may have been set back.
        return version if version > newest else f"{newest}~"

    def publish(self, incoming: Path, copy: Copy) -> None:
        """Make the copy in the incoming folder the one in force.

        Raises:
            StorageError: the disk is full or the folder cannot be written.
        """
        folder = self._folder / copy.list_name
        with self._kept(copy.list_name):
            _write(incoming / "meta.json", copy)
            _sync_tree(incoming)
            (folder / "versions").mkdir(exist_ok=True)
            incoming.rename(folder / "versions" / copy.version)
            _sync(folder / "versions")
            link = folder / "current.new"
            link.unlink(missing_ok=True)
            link.symlink_to(Path("versions", copy.version))
            link.replace(folder / "current")
            _sync(folder)

    def confirm(self, copy: Copy) -> None:
        """Replace what is written about a copy whose files are the same as before."""
        with self._kept(copy.list_name):
            _write(self._version_folder(copy.list_name, copy.version) / "meta.json", copy)

    def prune(self, list_name: str, *, in_use: frozenset[str] = frozenset()) -> None:
        """Remove old versions, but for the newest few, the one in force and those that a generation is made of."""
        current = self.current(list_name)
        kept = {*self.versions(list_name)[-KEPT_VERSIONS:], *in_use, current.version if current else ""}
        for version in set(self.versions(list_name)) - kept:
            shutil.rmtree(self._version_folder(list_name, version), ignore_errors=True)

    @contextmanager
    def locked(self, *, wait_seconds: float = 0.0, pause: Callable[[float], None] = time.sleep) -> Iterator[None]:
        """Keep every other update of these lists out, in this process and in others.

        Raises:
            StorageError: another update is under way and does not end in time, or the folder cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o640)
        except OSError as error:
            raise StorageError(f"{self._folder}: the lists cannot be kept there ({error.strerror})") from error
        try:
            waited = 0.0
            while not _try_lock(descriptor):
                if waited >= wait_seconds:
                    raise StorageError("another update of the lists is under way; try again when it has ended")
                pause(LOCK_POLL_SECONDS)
                waited += LOCK_POLL_SECONDS
            yield
        finally:
            os.close(descriptor)

    def _version_folder(self, list_name: str, version: str) -> Path:
        return self._folder / list_name / "versions" / version

    @contextmanager
    def _kept(self, list_name: str) -> Iterator[None]:
        try:
            (self._folder / list_name).mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            raise StorageError(
                f"{self._folder / list_name}: the list could not be kept ({error.strerror})"
            ) from error


def open_store(site: Site) -> ListStore:
    """Give the store of a site's lists."""
    return ListStore(Path(site.paths.state) / "lists")


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return False
    return True


def _has_size(path: Path, size_bytes: int) -> bool:
    try:
        return path.stat().st_size == size_bytes
    except OSError:
        return False


def _read(path: Path, shape: type[_Value]) -> _Value | None:
    """Read one of our own files; None if it is not there or was written by another version of the product."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape)
    except (OSError, msgspec.DecodeError):
        return None


def _write(path: Path, value: Any) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(value), indent=1))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync(path.parent)


def _sync_tree(root: Path) -> None:
    for folder, _, names in os.walk(root):
        for name in names:
            _sync(Path(folder, name))
        _sync(Path(folder))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
