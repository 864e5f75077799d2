"""What a stream of events about written files gives, whatever system it comes from.

Names of files are not kept as they are: a keyed hash stands for each, unless the school chose names. Nothing here
opens a file.
"""

import hmac
import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

_TOKEN_BYTES: Final = 16
_MOST_FILES: Final = 50_000
_NAME_CHARACTERS: Final = 200

# Text, tables and slides; pictures, sound and film; archives and images of disks; data bases and mail; programs.
_ENDS: Final = (
    "txt rtf md pdf doc docx docm odt pages tex epub csv tsv xls xlsx xlsm ods numbers ppt pptx pptm odp key"
    " jpg jpeg png gif heic webp bmp tif tiff svg raw mp3 m4a wav ogg flac mp4 m4v mov avi mkv webm"
    " zip 7z rar gz bz2 xz tar iso img dmg vhd vhdx vmdk hc"
    " json xml yaml html htm ini log sql db sqlite mdb accdb pst ost eml msg mbox vcf ics pub one"
    " exe msi dll scr com bat cmd ps1 vbs js jar apk sh py app pkg deb rpm appimage lnk"
)
# What a file may be called by its end; everything else is `other`, and without an end it is `none`.
EXTENSIONS: Final = frozenset(_ENDS.split())
# The ends of what is started, and not opened by something else.
PROGRAMS: Final = frozenset(
    "exe msi dll scr com bat cmd ps1 vbs js jar apk sh py app pkg deb rpm appimage".split()  # noqa: SIM905 -- a list of words
)
# What the systems write by themselves at the top of every volume that they see, and into any of its folders.
_SYSTEM_FOLDERS: Final = frozenset(
    {
        "system volume information",
        "lost+found",
        ".fseventsd",
        ".spotlight-v100",
        ".temporaryitems",
        ".documentrevisions-v100",
    }
)
_SYSTEM_FILES: Final = frozenset({".ds_store", "thumbs.db", "desktop.ini", ".metadata_never_index"})
# Where macOS puts beside a file what the file system of the volume has no room for, and how large it makes that at
# first. Source: XNU, bsd/vfs/vfs_xattr.c, ATTR_BUF_SIZE.
_BESIDE_A_FILE: Final = "._"
_BESIDE_A_FILE_BYTES: Final = 4096
_TRASH: Final = frozenset({"$recycle.bin", "recycler", ".trashes", ".trash"})
_TRASH_OF_SOMEBODY: Final = ".trash-"
# The lists of what was thrown away. Source: freedesktop.org, Trash specification; `$I` and `$R` of Windows.
_TRASH_LIST: Final = re.compile(
    r"\$recycle\.bin/.*/\$i[^/]*|recycler/.*/info2|\.trash[^/]*/(.*/)?(directorysizes[^/]*|info/[^/]*\.trashinfo)",
    re.DOTALL,
)


class Gap(StrEnum):
    """Why what is told of writes may not be everything."""

    NO_STREAM = "no_stream"
    OVERFLOW = "overflow"
    OVERFLOW_UNSEEN = "overflow_unseen"
    STREAM_ENDED = "stream_ended"
    TOO_MANY_FILES = "too_many_files"
    NOT_READABLE = "not_readable"
    STARTED_LATE = "started_late"
    NO_LAST_LOOK = "no_last_look"
    STREAM_MISSED = "stream_missed"
    COALESCED = "coalesced"
    UNCLEAN_REMOVAL = "unclean_removal"


@dataclass(frozen=True, slots=True)
class Naming:
    """How files are called when they are told of: by a keyed hash, or by their names where the school chose that."""

    key: bytes
    with_names: bool = False

    def token(self, path: str) -> bytes:
        """Give what stands for a path below the top of a volume."""
        return hmac.digest(self.key, path.encode("utf-8", "surrogatepass"), "sha256")[:_TOKEN_BYTES]

    def shown(self, path: str) -> str:
        """Give what leaves this computer for a path."""
        if not self.with_names:
            return self.token(path).hex()
        return path[-_NAME_CHARACTERS:].encode("utf-8", "replace").decode("utf-8")


def extension_of(name: str) -> str:
    """Give the end of a name, of the closed list."""
    _, point, end = name.rpartition(".")
    if not point:
        return "none"
    return end.lower() if end.lower() in EXTENSIONS else "other"


class Whose(StrEnum):
    """Whose doing a file on a volume is."""

    PERSON = "person"
    TRASH = "trash"
    SYSTEM = "system"


def whose(path: str, size_bytes: int | None) -> Whose:
    """Say whose doing a file is, by its path below the top of a volume.

    What somebody throws away is moved to the trash, and still there; what the trash lists is the system's. Folders
    of a system are such at the top alone: deeper ones somebody has called so. What is called as macOS calls what it
    puts beside a file is macOS's only as far as nobody could hide a program or much else under that name.

    Args:
        size_bytes: None where nobody knows; then it may be large.
    """
    lowered = path.lower()
    top, *below = lowered.split("/")
    name = below[-1] if below else top
    if (below and top in _SYSTEM_FOLDERS) or name in _SYSTEM_FILES or _is_beside_a_file(name, size_bytes):
        return Whose.SYSTEM
    if not below or not (top in _TRASH or top.startswith(_TRASH_OF_SOMEBODY)):
        return Whose.PERSON
    return Whose.SYSTEM if _TRASH_LIST.fullmatch(lowered) else Whose.TRASH


def _is_beside_a_file(name: str, size_bytes: int | None) -> bool:
    is_small = size_bytes is not None and size_bytes <= _BESIDE_A_FILE_BYTES
    return name.startswith(_BESIDE_A_FILE) and is_small and extension_of(name) not in PROGRAMS


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written; `size_bytes` is None where it was gone before anybody could see its size."""

    size_bytes: int | None
    extension: str
    shown: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What came since the last time: files by their token, how many were taken away, and why that may not be all."""

    written: Mapping[bytes, Written] = field(default_factory=dict)
    removed: int = 0
    gaps: frozenset[Gap] = frozenset()


class WriteStream(Protocol):
    """Events about files, while a volume is there."""

    @property
    def source(self) -> str:
        """What it reads: `fanotify`, `inotify`, `fsevents`."""

    def take(self) -> Taken:
        """Give what came since the last time."""

    def close(self) -> None:
        """Let go of the volume."""


class Gathering:
    """What a stream has heard of and nobody has taken yet. Safe to be filled by one thread and taken by another."""

    def __init__(self, naming: Naming, *, most_files: int = _MOST_FILES) -> None:
        self._naming = naming
        self._most_files = most_files
        self._lock = threading.Lock()
        self._written: dict[bytes, Written] = {}
        self._removed = 0
        self._gaps: set[Gap] = set()

    def write(self, path: str, size_bytes: int | None, *, is_moved: bool = False) -> None:
        """Note that a file was written; what was only thrown away was not.

        Args:
            path: below the top of the volume, with `/` between folders.
            size_bytes: None where it cannot be seen.
            is_moved: whether all that is known may come of a move within the volume.
        """
        is_whose = whose(path, size_bytes)
        if is_whose is Whose.SYSTEM or (is_whose is Whose.TRASH and is_moved):
            return
        token = self._naming.token(path)
        with self._lock:
            known = self._written.get(token)
            if known is None and len(self._written) >= self._most_files:
                self._gaps.add(Gap.TOO_MANY_FILES)
                return
            if size_bytes is None and known is not None:
                size_bytes = known.size_bytes
            self._written[token] = Written(size_bytes, extension_of(path), self._naming.shown(path))

    def remove(self, path: str) -> None:
        """Note that a file was taken away; what lies in the trash was so before.

        Nobody can say any more how large it was, so only its name tells whose it was.
        """
        if whose(path, 0) is Whose.PERSON:
            with self._lock:
                self._removed += 1

    def miss(self, gap: Gap) -> None:
        """Note that something may be missing, and why."""
        with self._lock:
            self._gaps.add(gap)

    def take(self) -> Taken:
        """Give what came since the last time."""
        with self._lock:
            taken = Taken(self._written, self._removed, frozenset(self._gaps))
            self._written, self._removed = {}, 0
            self._gaps.clear()
        return taken


def kinds_of(written: Mapping[bytes, Written]) -> dict[str, int]:
    """Count files by their ends."""
    return dict(sorted(Counter(each.extension for each in written.values()).items()))
