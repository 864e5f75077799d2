"""Programs on removable volumes and where downloads are put: those that have come, and those that were there before.

Of each its digest, and what is known of its signature. Files are read only as far as that takes, and only those that
look like programs.
"""

import hashlib
import os
import re
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final

from collectors.inventory import Entry, Pace, Seen, Walk
from collectors.machine import Machine
from collectors.observed import JSON, Observed, Priority
from collectors.program_signature import Signature, Verify, checked, signature_of, verify_nothing
from collectors.write_stream import PROGRAMS, Naming, extension_of

VOLUME: Final = "volume"
_HEAD_BYTES: Final = 4096
_MOST_HOMES: Final = 50
_BLOCK_BYTES: Final = 256 * 1024
_MACH_O: Final = frozenset(
    bytes.fromhex(word) for word in ("feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabe")
)


# In this order the programs of a medium are listed.
_WORST_FIRST: Final = (Signature.NOT_VALID, Signature.NONE, Signature.UNKNOWN, Signature.CARRIED, Signature.VERIFIED)


@dataclass(frozen=True, slots=True)
class Program:
    """An executable file; `digest` is its SHA-256, and empty where `why` says that it was not read."""

    form: str
    signature: Signature
    digest: str = ""
    why: str = ""

    def facts(self) -> dict[str, JSON]:
        """Give what is told of it."""
        return {"form": self.form, "signature": str(self.signature), "sha256": self.digest, "why": self.why}


@dataclass(frozen=True, slots=True)
class Reading:
    """How much of programs is read: the size and the time for one, and how many are told of one by one.

    A volume cannot be ejected while a file on it is read, so the time is short. Of those that were on a medium before
    no more are read than in `most_seconds_in_all`, and `most_listed` are told of one by one.
    """

    most_bytes: int = 128 << 20
    most_seconds: float = 1.0
    most_programs: int = 20
    most_seconds_in_all: float = 5.0
    most_listed: int = 10
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Place:
    """Where programs are looked for.

    Args:
        kind: `volume` or `downloads`.
        facts: what names the volume.
    """

    top: str
    kind: str
    facts: Mapping[str, JSON]

    @property
    def key(self) -> str:
        """What it is called for as long as it is there: the next volume at the same place is another one."""
        return "\0".join((self.top, *(str(value) for value in self.facts.values())))


class NewPrograms:
    """What programs have come since a place was first looked at, and what was on a volume before.

    Args:
        verify: asks the system about the signature of a program.
        was_told: says by the facts of a volume whether it was told before what is on it.
        is_mount: whether a volume is mounted at a place; the computer's own disk is nobody's business.
    """

    def __init__(
        self,
        naming: Naming,
        *,
        pace: Pace | None = None,
        reading: Reading | None = None,
        verify: Verify = verify_nothing,
        was_told: Callable[[Mapping[str, JSON]], bool] = lambda _facts: False,
        is_mount: Callable[[str], bool] = os.path.ismount,
    ) -> None:
        self._naming = naming
        self._pace = pace or Pace()
        self._reading = reading or Reading()
        self._verify = verify
        self._was_told = was_told
        self._is_mount = is_mount
        self._seen: dict[str, dict[bytes, Entry]] = {}
        self._devices: dict[str, int | None] = {}
        self._partly: set[str] = set()

    def look(self, places: Iterable[Place], *, first_only: bool = False) -> tuple[Observed, ...]:
        """Look at every place, and forget those that are no longer among them.

        Args:
            first_only: whether to look at those alone that nobody has looked at.
        """
        wanted = list(places)
        there = {place.key for place in wanted}
        for key in [key for key in self._seen if key not in there]:
            del self._seen[key], self._devices[key]
            self._partly.discard(key)
        due = [place for place in wanted if not (first_only and place.key in self._seen)]
        return tuple(told for place in due for told in self._look_at(place))

    def _look_at(self, place: Place) -> list[Observed]:
        before = self._seen.get(place.key)
        if before is None and place.kind == VOLUME and not self._is_mount(place.top):
            return []
        walk = Walk(place.top, self._pace, self._devices.get(place.key))
        seen: dict[bytes, Entry] = {}
        found: list[str] = []
        for file in walk:
            token = self._naming.token(file.path)
            seen[token] = file.entry
            if _may_be_program(file) and self._is_news(place, before, token, file.entry):
                found.append(file.path)
        if walk.device is None or (walk.gaps and not seen):
            return []
        # What an incomplete look has left out is not new when it is seen again.
        self._seen[place.key] = {**(before or {}), **seen} if walk.gaps else seen
        self._devices[place.key] = walk.device
        (self._partly.add if walk.gaps else self._partly.discard)(place.key)
        if before is not None:
            return self._tell(place, found)
        if place.kind != VOLUME or not found or self._was_told(place.facts):
            return []
        return self._tell_present(place, found, is_complete=not walk.gaps)

    def _is_news(self, place: Place, before: Mapping[bytes, Entry] | None, token: bytes, entry: Entry) -> bool:
        if before is None:
            return True
        then = before.get(token)
        # What was not seen before may have been there where not everything was seen.
        return then != entry and not (then is None and place.key in self._partly)

    def _tell(self, place: Place, paths: list[str]) -> list[Observed]:
        told: list[Observed] = []
        for path in paths:
            if len(told) == self._reading.most_programs:
                facts = {**place.facts, "place": place.kind, "left_out": len(paths) - len(told)}
                told.append(Observed("program_new", Priority.ACTIVITY, facts))
                break
            program = examine(Path(place.top, path), self._reading, self._verify)
            if program is not None:
                facts = {**place.facts, "place": place.kind, "name": self._naming.shown(path), **program.facts()}
                told.append(Observed("program_new", Priority.ACTIVITY, facts))
        return told

    def _tell_present(self, place: Place, paths: list[str], *, is_complete: bool) -> list[Observed]:
        """Tell once of all that was there: the medium is what came, and not each file on it."""
        found: list[tuple[str, Program]] = []
        examined, spent = 0, 0.0
        # What lies at the top is what people start.
        for path in sorted(paths, key=lambda path: (path.count("/"), path)):
            if not self._pace.is_wanted():
                return []
            if spent > self._reading.most_seconds_in_all or len(found) == self._reading.most_programs:
                break
            begun = self._reading.clock()
            program = examine(Path(place.top, path), self._reading, self._verify)
            took = self._reading.clock() - begun
            # Between two files the medium is left to others, who may want to eject it.
            self._pace.sleep(took * (1 / self._pace.share - 1))
            examined, spent = examined + 1, spent + took
            if program is not None:
                found.append((path, program))
        if not found:
            return []
        found.sort(key=lambda each: _WORST_FIRST.index(each[1].signature))
        signatures = Counter(str(program.signature) for _, program in found)
        listed = found[: self._reading.most_listed]
        facts: dict[str, JSON] = {
            **place.facts,
            "place": place.kind,
            "files": len(found),
            "signatures": dict(sorted(signatures.items())),
            "programs": [{"name": self._naming.shown(path), **program.facts()} for path, program in listed],
            "left_out": len(paths) - examined,
            "coverage": "complete" if is_complete else "partial",
        }
        return [Observed("programs_present", Priority.ACTIVITY, facts)]


def download_places(machine: Machine) -> tuple[Place, ...]:
    """Give where each person's downloads are put; on Linux that folder has a name in their language."""
    homes = {"linux": "/home", "darwin": "/Users", "win32": "/Users"}.get(machine.platform, "/home")
    places = []
    for name in machine.names(homes)[:_MOST_HOMES]:
        home = f"{homes}/{name}"
        folder = "Downloads"
        if machine.platform == "linux":
            folder = parse_user_dirs(machine.word(f"{home}/.config/user-dirs.dirs") or "") or folder
        if machine.path(f"{home}/{folder}").is_dir():
            places.append(Place(str(machine.path(f"{home}/{folder}")), "downloads", {}))
    return tuple(places)


def parse_user_dirs(text: str) -> str | None:
    """Give the folder for downloads below a home; None where it is not below. Source: user-dirs.dirs(5)."""
    found = re.findall(r'^XDG_DOWNLOAD_DIR="\$HOME/([^"\\]+)"', text, re.MULTILINE)
    # A home that is one large folder of downloads is not walked through.
    return found[-1] if found and ".." not in found[-1] and found[-1].strip("/") else None


def _may_be_program(file: Seen) -> bool:
    """Say by name and mode whether the start of a file is worth reading; on FAT all have the mode of a program.

    What was thrown away is not started.
    """
    extension = extension_of(file.path)
    is_named = extension in PROGRAMS
    return not file.is_trash and (is_named or (extension in {"none", "other"} and bool(file.mode & stat.S_IXUSR)))


def examine(path: Path, reading: Reading, verify: Verify = verify_nothing) -> Program | None:
    """Read a file that may be a program; None where it is none, or is gone.

    Only what could be read whole in its time is handed to the system, which reads it again, to check a signature.
    """
    end = reading.clock() + reading.most_seconds
    try:
        # A pipe in the place of a file would be waited for; what is not a file is not read.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    except OSError as error:
        form = form_of(b"", extension_of(path.name))
        is_gone = isinstance(error, FileNotFoundError)
        return None if form is None or is_gone else Program(form, Signature.UNKNOWN, why="not_readable")
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        program = _examine_open(file, path.name, os.fstat(descriptor).st_size, end, reading)
    if program is None or not program.digest:
        return program
    return replace(program, signature=checked(program.signature, path, program.form, verify))


def _examine_open(file: BinaryIO, name: str, size_bytes: int, end: float, reading: Reading) -> Program | None:
    try:
        head = file.read(_HEAD_BYTES)
        form = form_of(head, extension_of(name))
        if form is None:
            return None
        signature = signature_of(head, form)
        if size_bytes > reading.most_bytes:
            return Program(form, signature, why="too_large")
        digest = hashlib.sha256(head)
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            if reading.clock() > end:
                return Program(form, signature, why="too_slow")
    except OSError:
        return Program(form_of(b"", extension_of(name)) or "unknown", Signature.UNKNOWN, why="not_readable")
    return Program(form, signature, digest.hexdigest())


def form_of(head: bytes, extension: str) -> str | None:
    """Name the form of a program by how it begins, else by the end of its name; None where neither speaks for one."""
    if head.startswith(b"MZ"):
        return "pe"
    if head.startswith(b"\x7fELF"):
        return "elf"
    # A class of Java begins as a universal binary does, and then says a version that no count of processors reaches.
    if head[:4] in _MACH_O and not (head.startswith(b"\xca\xfe\xba\xbe") and head[4:8] > b"\0\0\0\x1e"):
        return "mach_o"
    if head.startswith(b"#!"):
        return "script"
    return extension if extension in PROGRAMS else None
