"""Archives of lists: gzip and tar, unpacked into a folder that they cannot leave and cannot fill.

Links are never made on disk, only remembered, so nothing that is written later can pass through one.
"""

import gzip
import os
import posixpath
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, Self

from agent.lists.list_faults import Fault, ListFaultError

MAX_MEMBERS: Final = 20_000
_MAX_GZIP_LAYERS: Final = 2  # a file.gz that the server packed once more on the way
_BLOCK_BYTES: Final = 256 * 1024
_TAR_BLOCK_BYTES: Final = 512
_GZIP_MAGIC: Final = b"\x1f\x8b"
_OTHER_PACKINGS: Final = {
    b"PK\x03\x04": "a zip archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"BZh": "a bzip2 archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"%PDF": "a PDF document",
}


class ByteStream(Protocol):
    """A file that is read from its beginning, perhaps twice."""

    def read(self, size: int = ..., /) -> bytes:
        """Give at most `size` octets; none at the end."""

    def seek(self, offset: int, /) -> int:
        """Go to an offset."""


@dataclass(slots=True)
class Unpacked:
    """What was found or written below a folder: regular files, and the links that stood between them."""

    paths: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    is_archive: bool = True


class Budget:
    """The octets that may still be written."""

    def __init__(self, size_bytes: int) -> None:
        self.limit = size_bytes
        self._left = size_bytes

    def spend(self, size_bytes: int) -> None:
        """Take octets from the budget.

        Raises:
            ListFaultError: there are not that many left.
        """
        self._left -= size_bytes
        if self._left < 0:
            raise ListFaultError(
                Fault.TOO_LARGE, f"the list has more than {spell_size(self.limit)}, the limit that max_size sets"
            )


def spell_size(size_bytes: int) -> str:
    """Write a size as people do."""
    for unit, octets in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if size_bytes >= octets:
            return f"{size_bytes / octets:.4g} {unit}"
    return f"{size_bytes} bytes"


def copy_stream(source: ByteStream, target: Path, budget: Budget) -> int:
    """Write a stream to a new file within a budget; give its size."""
    size_bytes = 0
    with target.open("xb") as file:
        while block := source.read(_BLOCK_BYTES):
            budget.spend(len(block))
            file.write(block)
            size_bytes += len(block)
    return size_bytes


def unpack(raw: Path, into: Path, *, name: str, max_size_bytes: int) -> Unpacked:
    """Bring what a file holds into a folder: the members of a tar, or the one list that it is.

    Args:
        raw: the file as it came, gzipped or not.
        name: what a single list is to be called.
        max_size_bytes: for all that is written and for all that is decompressed.

    Raises:
        ListFaultError: too large, truncated, damaged, an archive that reaches out of its folder, no list at all.
    """
    try:
        with raw.open("rb") as file:
            return _unpack(file, into, name, Budget(max_size_bytes), _MAX_GZIP_LAYERS)
    except EOFError:
        raise ListFaultError(Fault.TRUNCATED, "the gzip file ends too early: it is not complete") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ListFaultError(Fault.DAMAGED, f"the gzip file is damaged ({error})") from None


def _unpack(stream: ByteStream, into: Path, name: str, budget: Budget, gzip_layers: int) -> Unpacked:
    head = stream.read(_TAR_BLOCK_BYTES)
    stream.seek(0)
    if head.startswith(_GZIP_MAGIC) and gzip_layers:
        with gzip.GzipFile(fileobj=stream, mode="rb") as inner:
            return _unpack(inner, into, name.removesuffix(".gz"), budget, gzip_layers - 1)
    if head[257:262] == b"ustar":
        return _unpack_tar(stream, into, budget)
    for magic, what in _OTHER_PACKINGS.items():
        if head.startswith(magic):
            raise ListFaultError(Fault.BINARY, f"found {what}; expected text, .gz, .tar or .tar.gz")
    copy_stream(stream, into / name, budget)
    return Unpacked([name], is_archive=False)


class _Counted:
    """A stream within a budget."""

    def __init__(self, stream: ByteStream, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._budget.spend(len(block))
        return block


class _WholeMember(tarfile.TarInfo):
    """A member of an archive that must have an end mark; tarfile itself takes whatever it cannot read for the end."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.HeaderError as error:
            match type(error).__name__:
                case "InvalidHeaderError":
                    raise _damaged_tar(error) from None
                case "EmptyHeaderError" | "TruncatedHeaderError":
                    raise _truncated_tar() from None
            raise


def _unpack_tar(stream: ByteStream, into: Path, budget: Budget) -> Unpacked:
    # Holes of a sparse file cost the stream nothing, so what is written has a budget of its own.
    counted = _Counted(stream, Budget(budget.limit))
    unpacked = Unpacked()
    members = 0
    try:
        with tarfile.open(fileobj=counted, mode="r|", tarinfo=_WholeMember) as archive:  # type: ignore[call-overload]  # it only reads
            for member in archive:
                members += 1
                if members > MAX_MEMBERS:
                    raise ListFaultError(Fault.TOO_LARGE, f"the archive has more than {MAX_MEMBERS} members")
                _take_member(archive, member, into, budget, unpacked)
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise _truncated_tar() if "unexpected end" in str(error) else _damaged_tar(error) from None
    # What follows the end mark is read too, for the check sum of gzip stands behind it.
    while counted.read(_BLOCK_BYTES):
        pass
    return unpacked


def _truncated_tar() -> ListFaultError:
    return ListFaultError(Fault.TRUNCATED, "the tar archive ends too early: it is not complete")


def _damaged_tar(error: Exception) -> ListFaultError:
    return ListFaultError(Fault.DAMAGED, f"the tar archive is damaged ({error})")


def _take_member(
    archive: tarfile.TarFile, member: tarfile.TarInfo, into: Path, budget: Budget, unpacked: Unpacked
) -> None:
    path = _check_path(member, into)
    if member.isdir():
        return
    if member.issym():
        unpacked.links[path] = posixpath.normpath(posixpath.join(posixpath.dirname(path), member.linkname))
        return
    if member.islnk():
        target = posixpath.normpath(member.linkname)
        if target not in unpacked.paths:
            raise _unsafe(member, f"a hard link to {target!r}, which did not come before it")
        unpacked.links[path] = target
        return
    content = archive.extractfile(member)
    if content is None or path in unpacked.paths or path in unpacked.links:
        raise _unsafe(member, "a second member of that name")
    target_file = into / path
    try:
        target_file.parent.mkdir(parents=True, exist_ok=True)
        copy_stream(content, target_file, budget)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise _unsafe(member, "a file and a folder of one name") from None
    unpacked.paths.append(path)


def _check_path(member: tarfile.TarInfo, into: Path) -> str:
    """Give the path of a member inside the folder.

    Raises:
        ListFaultError: the member is no file, folder or link, or leads out of the folder.
    """
    path = posixpath.normpath(member.name)
    if not path.isprintable() or len(path) > 255 or "\\" in path:
        raise _unsafe(member, "a name of unreadable characters, or more than 255 of them")
    if path.startswith("/") or ".." in member.name.split("/") or (member.issym() and member.linkname.startswith("/")):
        raise _unsafe(member, "a path that leads out of its folder")
    try:
        tarfile.data_filter(member, str(into))
    except tarfile.SpecialFileError:
        raise _unsafe(member, "neither a file nor a folder nor a link") from None
    except tarfile.FilterError:
        raise _unsafe(member, "a path that leads out of its folder") from None
    return path


def _unsafe(member: tarfile.TarInfo, what: str) -> ListFaultError:
    shown = member.name[:80].encode("unicode_escape", "replace").decode()
    return ListFaultError(Fault.UNSAFE_ARCHIVE, f"the archive holds {shown!r}: {what}; nothing of it is used")


def walk(root: Path) -> Unpacked:
    """Find the files of a folder and the links between them; hidden ones are passed over.

    Raises:
        ListFaultError: a link leads out of the folder, or there are too many files.
    """
    real_root = root.resolve()
    found = Unpacked()
    for folder, folders, names in os.walk(root, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in (*folders, *(name for name in names if not name.startswith("."))):
            file = Path(folder, name)
            path = file.relative_to(root).as_posix()
            if file.is_symlink():
                found.links[path] = _target(file, real_root)
            elif file.is_file():
                found.paths.append(path)
        if len(found.paths) > MAX_MEMBERS:
            raise ListFaultError(Fault.TOO_LARGE, f"the folder has more than {MAX_MEMBERS} files")
    return found


def _raise(error: OSError) -> None:
    raise error


def _target(link: Path, real_root: Path) -> str:
    target = Path(os.path.realpath(link))
    if not target.is_relative_to(real_root):
        raise ListFaultError(
            Fault.UNSAFE_ARCHIVE, f"{link} leads out of the folder of the list; expected the file itself in its place"
        )
    return target.relative_to(real_root).as_posix()


def copy_files(root: Path, into: Path, *, paths: Iterable[str], max_size_bytes: int) -> None:
    """Copy files of a folder to another one within a budget."""
    budget = Budget(max_size_bytes)
    for path in paths:
        target = into / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with (root / path).open("rb") as source:
            copy_stream(source, target, budget)
