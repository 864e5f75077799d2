"""The generations of the index on disk: each a folder that is renamed into place whole, the last few kept.

`current` names the generation in force, and the newest one there was when that was written down. Whatever moment the
machine dies at, either the old or the new generation is there, and a damaged one is set aside and the newest good one
taken. Two processes that publish at the same time do so one after the other.
"""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from agent.lists.compilation import CompileReport, compile_lists
from agent.lists.list_inputs import IndexList
from filters.list_index import ListIndex
from rules.errors import IndexUnusableError, StorageError

INDEX_NAME: Final = "index.bin"
MANIFEST_NAME: Final = "manifest.json"
# What a manifest has at least.
_EXPECTED: Final = frozenset({"created_at", "fingerprint", "lists", "name_count"})
_UNFINISHED: Final = ".part"
_DAMAGED: Final = ".damaged"


@dataclass(frozen=True, slots=True)
class Generation:
    """One published index: its number, and its manifest.

    The manifest says when it was made (`created_at`, ISO 8601 in UTC), of what (`fingerprint`, `lists` with their
    versions, their files and what they brought) and what came of it (`name_count`, `rules_left_out`, `seconds`,
    `peak_memory_bytes`).
    """

    number: int
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def index_path(self) -> Path:
        """Give the file that workers map."""
        return self.folder / INDEX_NAME


def _utc_now() -> datetime:
    return datetime.now(UTC)


class GenerationStore:
    """All generations of one site.

    Args:
        folder: where they are.
        keep: how many to keep, the one in force among them.
        now: the clock, in aware UTC.
    """

    def __init__(self, folder: Path, *, keep: int, now: Callable[[], datetime] = _utc_now) -> None:
        self._folder = folder
        self._keep = max(1, keep)
        self._now = now

    def numbers(self) -> list[int]:
        """Give the generations that are there, oldest first."""
        try:
            return sorted(int(entry.name) for entry in self._folder.iterdir() if entry.name.isdigit())
        except FileNotFoundError:
            return []

    def current_number(self) -> int | None:
        """Give the generation in force, or nothing where there is none or the note of it is unreadable."""
        return self._noted()[0]

    def _noted(self) -> tuple[int | None, int]:
        """Give the generation in force, and the newest there was then: 0 where nothing is noted.

        One that is newer still is whole, but whoever published it was ended before it could say so.
        """
        try:
            in_force, newest = (self._folder / "current").read_text(encoding="ascii").split()
            return int(in_force), int(newest)
        except (OSError, ValueError):
            return None, 0

    def read(self, number: int) -> Generation | None:
        """Give a generation, or nothing where it has no readable manifest."""
        folder = self._folder / str(number)
        try:
            manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
        except (OSError, ValueError):
            return None
        is_whole = isinstance(manifest, dict) and manifest.keys() >= _EXPECTED
        return Generation(number, folder, manifest) if is_whole else None

    def current(self) -> Generation | None:
        """Give the generation in force, unverified."""
        number = self.current_number()
        return None if number is None else self.read(number)

    def open_current(self) -> tuple[Generation | None, list[str]]:
        """Give the generation in force after a look at every octet of it, and what was found wrong on the way.

        A damaged generation is set aside, and the newest good one takes its place; on a disk that cannot be written
        at the moment, or while another process publishes, it does so for the caller only.
        """
        faults: list[str] = []
        found: Generation | None = None
        damaged: list[int] = []
        wanted, newest = self._noted()
        for number in sorted(
            self.numbers(), key=lambda number: (number > newest, number == wanted, number), reverse=True
        ):
            generation = self.read(number)
            fault = self._find_fault(number)
            if generation is not None and not fault:
                found = generation
                break
            faults.append(fault or f"{self._folder / str(number)}: no manifest that can be read; expected one")
            damaged.append(number)
        if damaged or (found is not None and found.number != wanted):
            try:
                self._mend(damaged, found)
            except StorageError as error:
                faults.append(str(error))
        return found, faults

    def _mend(self, damaged: Sequence[int], found: Generation | None) -> None:
        with self._locked(wait=False), _storing(self._folder):
            for number in damaged:
                aside = self._folder / f"{number}{_DAMAGED}"
                shutil.rmtree(aside, ignore_errors=True)
                with contextlib.suppress(FileNotFoundError):
                    (self._folder / str(number)).rename(aside)
            if found is not None:
                self._point_to(found.number)

    def _find_fault(self, number: int) -> str:
        try:
            ListIndex.open(self._folder / str(number) / INDEX_NAME)
        except IndexUnusableError as error:
            return str(error)
        return ""

    def rollback(self, to: int | None = None) -> Generation:
        """Put an earlier generation in force: the one before the current one, or the one named.

        Raises:
            IndexUnusableError: there is no such generation, or it is damaged.
            StorageError: another process publishes at this moment, or the disk cannot be written.
        """
        with self._locked(wait=False):
            current = self.current_number()
            earlier = [number for number in self.numbers() if current is None or number < current]
            number = to if to is not None else max(earlier, default=None)
            generation = None if number is None else self.read(number)
            if generation is None or number is None:
                kept = ", ".join(map(str, self.numbers())) or "none"
                asked = f"generation {to}" if to is not None else "an earlier generation"
                raise IndexUnusableError(f"{asked} is not there; kept are: {kept}")
            ListIndex.open(generation.index_path)
            self._point_to(number)
            return generation

    # ---- what the updater asks for -------------------------------------------------------------------------

    def fingerprint(self) -> str | None:
        """Give the fingerprint of the inputs of the generation in force, if there is one."""
        return _fingerprint(self.current())

    def newest_fingerprint(self) -> str | None:
        """Give the fingerprint of the newest generation, also where somebody has rolled back from it."""
        return _fingerprint(self.read(self._noted()[1]))

    def list_versions(self) -> Mapping[int, Mapping[str, str]]:
        """Give the version of each list that each kept generation is made of."""
        kept = filter(None, map(self.read, self.numbers()))
        return {each.number: {used["name"]: used["version"] for used in each.manifest["lists"]} for each in kept}

    def publish(
        self,
        lists: Sequence[IndexList],
        fingerprint: str,
        *,
        on_progress: Callable[[int, int], None] = lambda *_: None,
    ) -> int:
        """Compile lists and put the result in force; give the number of the new generation.

        Args:
            lists: what it is made of.
            fingerprint: of the lists, so that nobody compiles the same again.
            on_progress: is told how many lines have been taken, and how many there are.

        Raises:
            IndexUnusableError: they could not be compiled.
            StorageError: the generation could not be written.
        """
        with self._locked(wait=True):
            self._remove_unfinished()
            with self._unfinished() as folder:
                report = compile_lists(lists, folder / INDEX_NAME, on_progress=on_progress)
                ListIndex.open(folder / INDEX_NAME)
                number = max((*self.numbers(), *self._damaged_numbers()), default=0) + 1
                manifest = _manifest(number, self._now(), lists, fingerprint, report)
                self._put_in_place(folder, number, manifest)
            self._prune()
            return number

    def _put_in_place(self, folder: Path, number: int, manifest: Mapping[str, Any]) -> None:
        place = self._folder / str(number)
        try:
            with _storing(self._folder):
                _write_durably(folder / MANIFEST_NAME, json.dumps(manifest, indent=1).encode())
                _sync(folder)
                folder.rename(place)
                _sync(self._folder)
            self._point_to(number)
        except StorageError:
            shutil.rmtree(place, ignore_errors=True)
            raise

    @contextlib.contextmanager
    def _locked(self, *, wait: bool) -> Iterator[None]:
        """Keep every other process from changing what is here."""
        with _storing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise StorageError(
                    f"{self._folder}: another process publishes at this moment; try again when it has ended"
                ) from None
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _unfinished(self) -> Iterator[Path]:
        """Give a folder that vanishes if it does not become a generation.

        No name comes twice, so that a compiler whose gateway was killed never writes where the next one does.
        """
        with _storing(self._folder):
            folder = Path(tempfile.mkdtemp(suffix=_UNFINISHED, dir=self._folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _remove_unfinished(self) -> None:
        for leftover in self._folder.glob(f"*{_UNFINISHED}"):
            shutil.rmtree(leftover, ignore_errors=True)

    def _damaged_numbers(self) -> Iterator[int]:
        for entry in self._folder.glob(f"*{_DAMAGED}"):
            if entry.stem.isdigit():
                yield int(entry.stem)

    def _point_to(self, number: int) -> None:
        with _storing(self._folder):
            fresh = self._folder / "current.new"
            _write_durably(fresh, f"{number} {max(self.numbers())}".encode())
            fresh.replace(self._folder / "current")
            _sync(self._folder)

    def _prune(self) -> None:
        """Remove what is too old, each by way of a name that nobody takes for a generation."""
        current = self.current_number()
        others = [number for number in self.numbers() if number != current]
        old = [str(number) for number in others[: max(0, len(others) - self._keep + 1)]]
        oldest = min([*others[len(old) :], *([] if current is None else [current])], default=0)
        old += [f"{number}{_DAMAGED}" for number in self._damaged_numbers() if number < oldest]
        with contextlib.suppress(OSError):
            for name in old:
                (self._folder / name).rename(self._folder / f"{name}{_UNFINISHED}")
        self._remove_unfinished()


def _fingerprint(generation: Generation | None) -> str | None:
    found = generation.manifest.get("fingerprint") if generation is not None else None
    return found if isinstance(found, str) else None


def _manifest(
    number: int, created_at: datetime, lists: Sequence[IndexList], fingerprint: str, report: CompileReport
) -> dict[str, Any]:
    return {
        "generation": number,
        "created_at": created_at.isoformat(timespec="seconds"),
        "fingerprint": fingerprint,
        "name_count": report.name_count,
        "rules_left_out": report.rules_left_out,
        "seconds": report.seconds,
        "peak_memory_bytes": report.peak_memory_bytes,
        "lists": [
            {
                "name": each.name,
                "version": each.version,
                "files": [
                    {"shown_as": file.shown_as, "format": file.format, "tags": list(file.tags)} for file in each.files
                ],
                **report.lists.get(each.name, {}),
            }
            for each in lists
        ],
    }


@contextlib.contextmanager
def _storing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{folder}: the generation could not be written ({error.strerror})") from error


def _write_durably(path: Path, octets: bytes) -> None:
    with path.open("wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
