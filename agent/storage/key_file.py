"""A secret in a file of its own, made when it is first asked for, and never changed."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from rules.errors import StorageError

KEY_OCTETS: Final = 32
_PRIVATE_BITS: Final = 0o077


def read_or_make_key(path: Path) -> bytes:
    """Give the key of a file, which is made where there is none.

    Raises:
        StorageError: it cannot be read or made, is no key, or others may read it.
    """
    try:
        if not path.exists():
            _make(path)
        if (mode := path.stat().st_mode) & _PRIVATE_BITS:
            raise StorageError(f"{path}: others may read the key (mode {mode & 0o777:04o}); expected 0600.")
        key = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path}: the key could not be read or made ({error.strerror}).") from error
    if len(key) != KEY_OCTETS:
        raise StorageError(f"{path}: found {len(key)} octets; expected a key of {KEY_OCTETS}.")
    return key


def _make(path: Path) -> None:
    """Write a new key under another name and link it into place, so that a key is never seen half-written."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_OCTETS))
            file.flush()
            os.fsync(file.fileno())
        # Another process may be faster; then its key is the key.
        with suppress(FileExistsError):
            path.hardlink_to(fresh)
    finally:
        fresh.unlink(missing_ok=True)
