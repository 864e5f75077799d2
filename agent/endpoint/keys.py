"""The key of this laptop: made here, kept here, readable by the service alone.

Nothing here deletes a key: an old one is kept beside the new one, with the moment in its name.
"""

import ctypes
import os
import stat
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FILE: Final = "device.key"
NEXT_FILE: Final = "device.key.next"
_KEY_OCTETS: Final = 32
_CRYPTPROTECT_UI_FORBIDDEN: Final = 0x1
_CRYPTPROTECT_LOCAL_MACHINE: Final = 0x4


class BadKeyError(Exception):
    """The key of this laptop cannot be used as it is."""


def write_private(path: Path, octets: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all, and onto the disk before this returns.

    Raises:
        OSError: it could not be written.
    """
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync_folder(path.parent)


class KeyStore:
    """The folder that holds the key.

    Args:
        protect: what the system does to a secret before it is written, with `unprotect` as its inverse.
    """

    def __init__(
        self,
        folder: Path,
        *,
        protect: Callable[[bytes], bytes] | None = None,
        unprotect: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._folder = folder
        self._protect = protect or _protect
        self._unprotect = unprotect or _unprotect

    def load(self) -> Ed25519PrivateKey | None:
        """Give the key; None where there is none yet.

        Raises:
            BadKeyError: it cannot be read, or others can read it.
        """
        return self._load(self._folder / FILE)

    def load_next(self) -> Ed25519PrivateKey | None:
        """Give the key that is to become this laptop's, if a change is under way.

        Raises:
            BadKeyError: as in `load`.
        """
        return self._load(self._folder / NEXT_FILE)

    def make(self) -> Ed25519PrivateKey:
        """Give the key, and make it where there is none yet.

        Raises:
            BadKeyError: as in `load`.
            OSError: it could not be written.
        """
        return self.load() or self._make(self._folder / FILE)

    def make_next(self) -> Ed25519PrivateKey:
        """Give the key that is to become this laptop's, and make it where there is none yet.

        Raises:
            BadKeyError: as in `load`.
            OSError: it could not be written.
        """
        return self.load_next() or self._make(self._folder / NEXT_FILE)

    def adopt_next(self, now: float) -> None:
        """Let the next key be the key, and keep the old one beside it.

        Args:
            now: seconds since 1970.

        Raises:
            OSError: it could not be done; one of both is still there as the key.
        """
        current, following = self._folder / FILE, self._folder / NEXT_FILE
        if following.exists():
            self._keep_copy(current, now)
            following.replace(current)
            _sync_folder(self._folder)

    def _keep_copy(self, path: Path, now: float) -> None:
        if path.exists():
            moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S")
            write_private(path.with_name(f"{FILE}.old-{moment}"), path.read_bytes())

    def _make(self, path: Path) -> Ed25519PrivateKey:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = Ed25519PrivateKey.generate()
        write_private(path, self._protect(key.private_bytes_raw()))
        return key

    def _load(self, path: Path) -> Ed25519PrivateKey | None:
        try:
            octets = path.read_bytes()
            mode = path.stat().st_mode
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BadKeyError(f"The key of this laptop, {path}, cannot be read: {error.strerror}.") from error
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BadKeyError(f"The key of this laptop, {path}, can be read by others; expected mode 0600.")
        try:
            secret = self._unprotect(octets)
        except OSError as error:
            raise BadKeyError(f"The key of this laptop, {path}, was protected on another computer.") from error
        if len(secret) != _KEY_OCTETS:
            raise BadKeyError(f"The key of this laptop, {path}, is damaged; it stays where it is.")
        return Ed25519PrivateKey.from_private_bytes(secret)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _protect(secret: bytes) -> bytes:
    return _data_protection("CryptProtectData", secret) if sys.platform == "win32" else secret


def _unprotect(octets: bytes) -> bytes:
    return _data_protection("CryptUnprotectData", octets) if sys.platform == "win32" else octets


class _Blob(ctypes.Structure):
    # DATA_BLOB of dpapi.h.
    _fields_ = (("size", ctypes.c_uint32), ("data", ctypes.c_void_p))


def _data_protection(function: str, octets: bytes) -> bytes:
    """Let Windows bind octets to this computer, or undo it.

    Raises:
        OSError: Windows would not.
    """
    libraries = ctypes.__dict__["windll"]
    buffer = ctypes.create_string_buffer(octets, len(octets))
    given = _Blob(len(octets), ctypes.cast(buffer, ctypes.c_void_p))
    found = _Blob()
    flags = _CRYPTPROTECT_UI_FORBIDDEN | _CRYPTPROTECT_LOCAL_MACHINE
    call = getattr(libraries.crypt32, function)
    if not call(ctypes.byref(given), None, None, None, None, flags, ctypes.byref(found)):
        raise OSError(f"{function} failed")
    try:
        return ctypes.string_at(found.data, found.size)
    finally:
        free = libraries.kernel32.LocalFree
        free.argtypes = (ctypes.c_void_p,)
        free(found.data)
