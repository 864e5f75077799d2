"""The generations of the index on disk: each a folder that is renamed into place whole, the last few kept.

`current` names the generation in force. Whatever moment the machine dies at, either the old or the new generation is
there, and a damaged one is set aside and the newest good one taken.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from agent.list_inputs import IndexList
from filters.list_index import ListIndex
from rules.errors import IndexUnusableError, StorageError

INDEX_NAME: Final = "index.bin"
MANIFEST_NAME: Final = "manifest.json"
COMPILE_SECONDS: Final = 600.0
_UNFINISHED: Final = ".part"
_DAMAGED: Final = ".damaged"


@dataclass(frozen=True, slots=True)
class Generation:
    """One published index: its number, and its manifest.

    The manifest says when it was made (`created_at`, ISO 8601 in UTC), of what (`fingerprint`, `lists` with their
    versions and files) and what came of it (`name_count`, `rules_left_out`, `seconds`, `peak_memory_bytes`).
    """

    number: int
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def index_path(self) -> Path:
        """Give the file that workers map."""
        return self.folder / INDEX_NAME


@dataclass(frozen=True, slots=True)
class CompileReport:
    """What came of a compilation: names in the index, rules that had no room, and what it cost."""

    name_count: int
    rules_left_out: int
    seconds: float
    peak_memory_bytes: int


class GenerationStore:
    """All generations of one site.

    Args:
        folder: where they are.
        keep: how many to keep for a roll-back.
    """

    def __init__(self, folder: Path, *, keep: int) -> None:
        self._folder = folder
        self._keep = max(1, keep)

    def numbers(self) -> list[int]:
        """Give the generations that are there, oldest first."""
        try:
            return sorted(int(entry.name) for entry in self._folder.iterdir() if entry.name.isdigit())
        except FileNotFoundError:
            return []

    def current_number(self) -> int | None:
        """Give the generation in force, or nothing where there is none or the note of it is unreadable."""
        try:
            return int((self._folder / "current").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def read(self, number: int) -> Generation | None:
        """Give a generation, or nothing where it has no readable manifest."""
        folder = self._folder / str(number)
        try:
            manifest = json.loads((folder / MANIFEST_NAME).read_bytes())
        except (OSError, ValueError):
            return None
        return Generation(number, folder, manifest) if isinstance(manifest, dict) else None

    def current(self) -> Generation | None:
        """Give the generation in force, unverified."""
        number = self.current_number()
        return None if number is None else self.read(number)

    def open_current(self) -> tuple[Generation | None, list[str]]:
        """Give the generation in force after a look at every octet of it, and what was found wrong on the way.

        A damaged generation is set aside, and the newest good one takes its place.
        """
        faults: list[str] = []
        wanted = self.current_number()
        candidates = sorted(self.numbers(), key=lambda number: (number == wanted, number), reverse=True)
        for number in candidates:
            generation = self.read(number)
            fault = self._find_fault(number)
            if generation is None or fault:
                faults.append(fault or f"{self._folder / str(number)}: no manifest that can be read; expected one")
                self._set_aside(number)
                continue
            if number != wanted:
                self._point_to(number)
            return generation, faults
        return None, faults

    def _find_fault(self, number: int) -> str:
        try:
            ListIndex.open(self._folder / str(number) / INDEX_NAME)
        except IndexUnusableError as error:
            return str(error)
        return ""

    def _set_aside(self, number: int) -> None:
        folder = self._folder / str(number)
        with contextlib.suppress(OSError):
            shutil.rmtree(folder.with_suffix(_DAMAGED), ignore_errors=True)
            folder.rename(folder.with_suffix(_DAMAGED))

    def rollback(self, to: int | None = None) -> Generation:
        """Put an earlier generation in force: the one before the current one, or the one named.

        Raises:
            IndexUnusableError: there is no such generation, or it is damaged.
        """
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
        return _fingerprint(self.read(max(self.numbers(), default=0)))

    def list_versions(self) -> Mapping[int, Mapping[str, str]]:
        """Give the version of each list that each kept generation is made of."""
        kept = filter(None, map(self.read, self.numbers()))
        return {each.number: {used["name"]: used["version"] for used in each.manifest["lists"]} for each in kept}

    def publish(self, lists: Sequence[IndexList], fingerprint: str) -> int:
        """Compile lists and put the result in force; give the number of the new generation.

        Raises:
            IndexUnusableError: they could not be compiled.
            StorageError: the generation could not be written.
        """
        number = max((*self.numbers(), *self._damaged_numbers()), default=0) + 1
        unfinished = self._folder / f"{number}{_UNFINISHED}"
        with _storing(self._folder):
            for leftover in self._folder.glob(f"*{_UNFINISHED}") if self._folder.exists() else ():
                shutil.rmtree(leftover, ignore_errors=True)
            unfinished.mkdir(parents=True, mode=0o700)
        report = compile_lists(lists, unfinished / INDEX_NAME)
        ListIndex.open(unfinished / INDEX_NAME)
        with _storing(self._folder):
            manifest = _manifest(number, lists, fingerprint, report)
            _write_durably(unfinished / MANIFEST_NAME, json.dumps(manifest, indent=1).encode())
            _sync(unfinished)
            unfinished.rename(self._folder / str(number))
            _sync(self._folder)
        self._point_to(number)
        self._prune()
        return number

    def _damaged_numbers(self) -> Iterator[int]:
        for entry in self._folder.glob(f"*{_DAMAGED}") if self._folder.exists() else ():
            if entry.stem.isdigit():
                yield int(entry.stem)

    def _point_to(self, number: int) -> None:
        with _storing(self._folder):
            fresh = self._folder / "current.new"
            _write_durably(fresh, str(number).encode())
            fresh.replace(self._folder / "current")
            _sync(self._folder)

    def _prune(self) -> None:
        current = self.current_number()
        old = [number for number in self.numbers() if number != current]
        for number in old[: -self._keep + 1 or None] if self._keep > 1 else old:
            shutil.rmtree(self._folder / str(number), ignore_errors=True)
        for entry in self._folder.glob(f"*{_DAMAGED}"):
            if current is not None and entry.stem.isdigit() and int(entry.stem) < current - self._keep:
                shutil.rmtree(entry, ignore_errors=True)


def _fingerprint(generation: Generation | None) -> str | None:
    found = generation.manifest.get("fingerprint") if generation is not None else None
    return found if isinstance(found, str) else None


def _manifest(number: int, lists: Sequence[IndexList], fingerprint: str, report: CompileReport) -> dict[str, Any]:
    return {
        "generation": number,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
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
            }
            for each in lists
        ],
    }


def compile_lists(lists: Sequence[IndexList], output: Path) -> CompileReport:
    """Compile lists into an index file, in a child process.

    Raises:
        IndexUnusableError: the compiler failed, ran out of time or memory, or the disk is full.
    """
    job = {
        "output": str(output),
        "lists": [
            {
                "name": each.name,
                "files": [
                    {
                        "path": str(file.path),
                        "shown_as": file.shown_as,
                        "format": file.format,
                        "tags": list(file.tags),
                    }
                    for file in each.files
                ],
            }
            for each in lists
        ],
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "agent.list_compiler"],
            input=json.dumps(job).encode(),
            capture_output=True,
            timeout=COMPILE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise IndexUnusableError(f"the list compiler needed more than {COMPILE_SECONDS:.0f} s") from None
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise IndexUnusableError(f"the list compiler ended with status {done.returncode}: {last[0]}")
    return CompileReport(**json.loads(done.stdout))


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
