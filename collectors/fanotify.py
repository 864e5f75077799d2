"""Writes to a volume as Linux tells them to a privileged program: every one, from every mount namespace.

Events name a folder by its handle and a file by its name. Unlike events that carry an open file, they do not keep
the volume from being ejected while they wait, and the process that wrote is neither asked for nor kept.
"""

import ctypes
import errno
import os
import select
import struct
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from collectors.write_stream import Gap, Gathering, Naming, Taken

# Source: linux/fanotify.h.
_FAN_CLOEXEC: Final = 0x01
_FAN_NONBLOCK: Final = 0x02
_FAN_UNLIMITED_QUEUE: Final = 0x10
_FAN_REPORT_DFID_NAME: Final = 0x0C00
_FAN_MARK_ADD: Final = 0x01
# A mark on the mount would not see what is written through the mount of another namespace, and a service that systemd
# protects lives in one of its own.
_FAN_MARK_FILESYSTEM: Final = 0x100
FAN_CLOSE_WRITE: Final = 0x08
FAN_MOVED_FROM: Final = 0x40
FAN_MOVED_TO: Final = 0x80
FAN_DELETE: Final = 0x200
FAN_Q_OVERFLOW: Final = 0x4000
_MASK: Final = FAN_CLOSE_WRITE | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_DELETE
_METADATA: Final = struct.Struct("=IBBHQii")
_METADATA_VERSION: Final = 3
_INFORMATION: Final = struct.Struct("=BxH8xIi")
_INFORMATION_DFID_NAME: Final = 2
_AT_FDCWD: Final = -100
_READ_BYTES: Final = 64 * 1024
# Source: linux/exportfs.h, MAX_HANDLE_SZ.
_HANDLE_BYTES: Final = 128
_MOST_FOLDERS: Final = 10_000
_WORDS: Final = 64
_JOIN_SECONDS: Final = 5.0
# Where files are written without end nobody ever catches up; the rest comes with the next look.
_TAKE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a file: bits of the mask, the handle of its folder, its name; both empty on an overflow."""

    mask: int
    folder: bytes = b""
    name: bytes = b""


class FanotifyError(OSError):
    """This system, this file system or this account has no fanotify that tells names."""


def parse_events(data: bytes) -> Iterator[Event]:
    """Read what the kernel wrote; what is cut off, of another version or of another kind is left out.

    Source: fanotify(7).
    """
    position = 0
    while position + _METADATA.size <= len(data):
        length, version, _reserved, head, mask, _file, _process = _METADATA.unpack_from(data, position)
        end = position + length
        if length < _METADATA.size or end > len(data) or version != _METADATA_VERSION:
            return
        if mask & FAN_Q_OVERFLOW:
            yield Event(mask)
        elif head >= _METADATA.size:
            yield from _parse_information(mask, data[position + head : end])
        position = end


def _parse_information(mask: int, data: bytes) -> Iterator[Event]:
    position = 0
    while position + _INFORMATION.size <= len(data):
        kind, length, handle_bytes, handle_type = _INFORMATION.unpack_from(data, position)
        body = data[position + _INFORMATION.size : position + length]
        if length < _INFORMATION.size or len(body) < length - _INFORMATION.size or handle_bytes > len(body):
            return
        if kind == _INFORMATION_DFID_NAME:
            handle = struct.pack("=Ii", handle_bytes, handle_type) + body[:handle_bytes]
            name, _, _ = body[handle_bytes:].partition(b"\0")
            yield Event(mask, handle, name)
        position += length


class FanotifyStream:
    """Every write to the file system that is mounted at a place.

    Args:
        is_unlimited: whether the kernel keeps any number of events for us; False to see it give up.

    Raises:
        FanotifyError: it cannot be had here. Needs CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH, Linux 5.9, and a file system
            whose handles lead back to folders, which those in user space (`fuseblk`) have not.
    """

    source = "fanotify"

    def __init__(self, mount_point: str, naming: Naming, *, is_unlimited: bool = True) -> None:
        if _path_of(mount_point, _handle_of(mount_point)) != "":
            raise FanotifyError(errno.EOPNOTSUPP, "handles do not lead back to folders here")
        self._mount_point = mount_point
        self._gathering = Gathering(naming)
        self._folders: dict[bytes, str | None] = {}
        self._is_closed = False
        self._has_caught_up = threading.Event()
        self._file = _open_group(mount_point, is_unlimited=is_unlimited)
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._drain, name="fanotify", daemon=True)
        self._thread.start()

    def take(self) -> Taken:
        """Give what came since the last time."""
        if not self._is_closed and not self._thread.is_alive():
            self._gathering.miss(Gap.STREAM_ENDED)
        elif not self._is_closed:
            # What the kernel has told by now belongs to it, unless a broken reader keeps us from looking.
            self._has_caught_up.clear()
            os.write(self._waker, b"?")
            self._has_caught_up.wait(_TAKE_SECONDS)
        return self._gathering.take()

    def close(self) -> None:
        """Stop; what came before is read first."""
        self._is_closed = True
        os.write(self._waker, b"!")
        self._thread.join(_JOIN_SECONDS)
        if self._thread.is_alive():
            # It hangs in the kernel, on a broken reader, and still holds its files.
            self._gathering.miss(Gap.STREAM_ENDED)
            return
        for file in (self._file, self._wake, self._waker):
            os.close(file)

    def _drain(self) -> None:
        poll = select.poll()
        poll.register(self._file, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        is_closing = False
        while not is_closing:
            told = os.read(self._wake, _WORDS) if self._wake in {file for file, _ in poll.poll()} else b""
            is_closing = b"!" in told
            try:
                self._read_all()
            except OSError:
                self._gathering.miss(Gap.STREAM_ENDED)
                return
            finally:
                if told:
                    self._has_caught_up.set()

    def _read_all(self) -> None:
        while True:
            try:
                data = os.read(self._file, _READ_BYTES)
            except BlockingIOError:
                return
            for event in parse_events(data):
                self._note(event)

    def _note(self, event: Event) -> None:
        if event.mask & FAN_Q_OVERFLOW:
            self._gathering.miss(Gap.OVERFLOW)
            return
        path = self._path(event)
        if event.mask & (FAN_CLOSE_WRITE | FAN_MOVED_TO):
            size_bytes = size_of(self._mount_point, path)
            if size_bytes is None and self._folders.pop(event.folder, None) is not None:
                # Its folder may have been moved since.
                path = self._path(event)
                size_bytes = size_of(self._mount_point, path)
            self._gathering.write(path, size_bytes, is_moved=not event.mask & FAN_CLOSE_WRITE)
        if event.mask & (FAN_DELETE | FAN_MOVED_FROM):
            self._gathering.remove(path)

    def _path(self, event: Event) -> str:
        folder = self._folder(event.folder)
        # A folder that nobody can find any more is told from others by its handle.
        parent = event.folder.hex() if folder is None else folder
        return f"{parent}/{os.fsdecode(event.name)}".lstrip("/")

    def _folder(self, handle: bytes) -> str | None:
        if handle not in self._folders:
            if len(self._folders) >= _MOST_FOLDERS:
                self._folders.clear()
            self._folders[handle] = _path_of(self._mount_point, handle)
        return self._folders[handle]


def size_of(top: str, path: str) -> int | None:
    """Give the size of a file without opening it; None where it is gone."""
    try:
        return os.lstat(f"{top}/{path}").st_size
    except (OSError, ValueError):
        return None


def _open_group(mount_point: str, *, is_unlimited: bool) -> int:
    library = _library()
    flags = _FAN_CLOEXEC | _FAN_NONBLOCK | _FAN_REPORT_DFID_NAME | (_FAN_UNLIMITED_QUEUE if is_unlimited else 0)
    group: int = library.fanotify_init(flags, os.O_RDONLY | os.O_CLOEXEC)
    if group < 0:
        raise _error()
    if library.fanotify_mark(
        group, _FAN_MARK_ADD | _FAN_MARK_FILESYSTEM, ctypes.c_uint64(_MASK), _AT_FDCWD, os.fsencode(mount_point)
    ):
        error = _error()
        os.close(group)
        raise error
    return group


def _library() -> ctypes.CDLL:
    if sys.platform != "linux":
        raise FanotifyError(errno.ENOSYS, "only Linux has fanotify")
    return ctypes.CDLL(None, use_errno=True)


def _error() -> FanotifyError:
    number = ctypes.get_errno()
    return FanotifyError(number, os.strerror(number))


def _handle_of(folder: str) -> bytes:
    buffer = ctypes.create_string_buffer(struct.pack("=Ii", _HANDLE_BYTES, 0) + bytes(_HANDLE_BYTES))
    mount_id = ctypes.c_int()
    if _library().name_to_handle_at(_AT_FDCWD, os.fsencode(folder), buffer, ctypes.byref(mount_id), 0):
        raise _error()
    (length,) = struct.unpack_from("=I", buffer.raw)
    return buffer.raw[: 8 + length]


def _path_of(mount_point: str, handle: bytes) -> str | None:
    """Give the path of a folder below the top of a volume; None where there is no saying.

    The volume is held for as long as this takes, which is some microseconds.
    """
    try:
        top = os.open(mount_point, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        folder = _library().open_by_handle_at(top, ctypes.create_string_buffer(handle), os.O_PATH | os.O_CLOEXEC)
    finally:
        os.close(top)
    if folder < 0:
        return None
    try:
        path = os.fspath(Path(f"/proc/self/fd/{folder}").readlink())
    finally:
        os.close(folder)
    base = os.path.realpath(mount_point)
    if path == base:
        return ""
    return path[len(base) + 1 :] if path.startswith(f"{base}/") else None
