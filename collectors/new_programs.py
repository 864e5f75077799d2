"""Programs that have come: new executable files on a removable volume, or where downloads are put.

Of each its digest and whether it carries a signature, which is not checked here: that takes the system's list of whom
it trusts. Files are read only as far as that takes, and only those that look like programs.
"""

import hashlib
import os
import re
import stat
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from collectors.inventory import Entry, Pace, Walk
from collectors.machine import Machine
from collectors.observed import JSON, Observed, Priority
from collectors.write_stream import Naming, extension_of

_HEAD_BYTES: Final = 4096
_MOST_HOMES: Final = 50
_BLOCK_BYTES: Final = 256 * 1024
_PROGRAMS: Final = frozenset(
    "exe msi dll scr com bat cmd ps1 vbs js jar apk sh py app pkg deb rpm appimage".split()  # noqa: SIM905 -- a list of words
)
_MACH_O: Final = frozenset(
    bytes.fromhex(word) for word in ("feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabe")
)


class Signature(StrEnum):
    """Whether a program carries a signature, of whomever."""

    CARRIED = "carried"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Program:
    """An executable file; `digest` is its SHA-256, and empty where `why` says that it was not read."""

    form: str
    signature: Signature
    digest: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How much of a program is read: its size, the time for it, and how many are told of one by one.

    A volume cannot be ejected while a file on it is read, so the time is short.
    """

    most_bytes: int = 128 << 20
    most_seconds: float = 1.0
    most_programs: int = 20
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Place:
    """Where new programs are looked for.

    Args:
        kind: `volume` or `downloads`.
        facts: what names the volume.
    """

    top: str
    kind: str
    facts: Mapping[str, JSON]


class NewPrograms:
    """What programs have come since a place was first looked at; those that were there then are not told of."""

    def __init__(self, naming: Naming, *, pace: Pace | None = None, reading: Reading | None = None) -> None:
        self._naming = naming
        self._pace = pace or Pace()
        self._reading = reading or Reading()
        self._seen: dict[str, dict[bytes, Entry]] = {}
        self._devices: dict[str, int | None] = {}

    def look(self, places: Iterable[Place]) -> tuple[Observed, ...]:
        """Look at every place, and forget those that are no longer among them."""
        wanted = list(places)
        there = {place.top for place in wanted}
        for top in [top for top in self._seen if top not in there]:
            del self._seen[top], self._devices[top]
        return tuple(told for place in wanted for told in self._look_at(place))

    def _look_at(self, place: Place) -> list[Observed]:
        before = self._seen.get(place.top)
        walk = Walk(place.top, self._pace, self._devices.get(place.top))
        seen: dict[bytes, Entry] = {}
        come: list[str] = []
        for file in walk:
            token, entry = self._naming.token(file.path), Entry(file.size_bytes, file.modified_ns)
            seen[token] = entry
            if before is not None and before.get(token) != entry and _may_be_program(file.path, file.mode):
                come.append(file.path)
        if walk.device is None or (walk.gaps and not seen):
            return []
        # What an incomplete look has left out is not new when it is seen again.
        self._seen[place.top] = {**(before or {}), **seen} if walk.gaps else seen
        self._devices[place.top] = walk.device
        return self._tell(place, come)

    def _tell(self, place: Place, paths: list[str]) -> list[Observed]:
        told: list[Observed] = []
        for path in paths:
            if len(told) == self._reading.most_programs:
                facts = {**place.facts, "place": place.kind, "left_out": len(paths) - len(told)}
                told.append(Observed("program_new", Priority.ACTIVITY, facts))
                break
            program = examine(Path(place.top, path), self._reading)
            if program is not None:
                told.append(self._observed(place, path, program))
        return told

    def _observed(self, place: Place, path: str, program: Program) -> Observed:
        facts: dict[str, JSON] = {
            **place.facts,
            "place": place.kind,
            "name": self._naming.shown(path),
            "form": program.form,
            "signature": str(program.signature),
            "sha256": program.digest,
            "why": program.why,
        }
        return Observed("program_new", Priority.ACTIVITY, facts)


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


def _may_be_program(path: str, mode: int) -> bool:
    """Say by name and mode whether the start of a file is worth reading; on FAT all have the mode of a program."""
    extension = extension_of(path)
    return extension in _PROGRAMS or (extension in {"none", "other"} and bool(mode & stat.S_IXUSR))


def examine(path: Path, reading: Reading) -> Program | None:
    """Read a file that may be a program; None where it is none, or is gone."""
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
        return _examine_open(file, path.name, os.fstat(descriptor).st_size, end, reading)


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
    return extension if extension in _PROGRAMS else None


def signature_of(head: bytes, form: str) -> Signature:
    """Say whether a program for Windows has a certificate table; of others that is not known here.

    Source: Microsoft, PE Format, "Optional Header Data Directories".
    """
    if form != "pe":
        return Signature.UNKNOWN
    try:
        (start,) = struct.unpack_from("<I", head, 0x3C)
        (sign, magic) = struct.unpack_from("<4s20xH", head, start)
        if sign != b"PE\0\0" or magic not in {0x10B, 0x20B}:
            return Signature.UNKNOWN
        directories = start + 24 + (96 if magic == 0x10B else 112)
        (count,) = struct.unpack_from("<I", head, directories - 4)
        if count <= 4:
            return Signature.NONE
        place, size_bytes = struct.unpack_from("<II", head, directories + 4 * 8)
    except struct.error:
        return Signature.UNKNOWN
    return Signature.CARRIED if place and size_bytes else Signature.NONE
