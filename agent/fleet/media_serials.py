"""Serial numbers of media as keyed hashes: a number that somebody has can be found, and none can be read from here.

The key lies in a file of its own, and never changes: what was registered under it would be found by nobody.

Source: RFC 2104, with SHA-256; the key is as long as the digest.
"""

import hmac
import os
import re
import secrets
from base64 import b32encode
from contextlib import suppress
from pathlib import Path
from typing import Final

from rules.errors import RefusedRequestError, StorageError
from rules.medium import parse_serial

KEY_NAME: Final = "media-serials.key"
KEY_OCTETS: Final = 32
# 100 bits: two media of a school never meet.
_HASH_LETTERS: Final = 20
_PRIVATE_BITS: Final = 0o077
_USB_ID: Final = re.compile(r"[0-9a-f]{4}", re.ASCII)


class MediaSerials:
    """The keyed hashes of one school.

    Args:
        folder: where the keys are.

    Raises:
        StorageError: the key cannot be read or made, is no key, or others may read it.
    """

    def __init__(self, folder: Path) -> None:
        self._key = _read_or_make(folder / KEY_NAME)

    def key(self, vendor: str, product: str, serial: str) -> str:
        """Give the keyed hash of a serial number; with empty vendor and product, of the number alone.

        Raises:
            RefusedRequestError: it is no serial number, or one of the ids is none.
        """
        said = "\0".join((parse_usb_id(vendor), parse_usb_id(product), parse_serial(serial)))
        digest = hmac.digest(self._key, said.encode("utf-8", "surrogatepass"), "sha256")
        return b32encode(digest).decode().lower()[:_HASH_LETTERS]


def parse_usb_id(text: str) -> str:
    """Read the id of a vendor or product, or nothing.

    Raises:
        RefusedRequestError: it is none.
    """
    usb_id = text.strip().lower().removeprefix("0x")
    if usb_id and not _USB_ID.fullmatch(usb_id):
        raise RefusedRequestError("The vendor or product is no USB id; expected four hexadecimal digits, as 0951.")
    return usb_id


def _read_or_make(path: Path) -> bytes:
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
