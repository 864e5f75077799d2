"""Pseudonyms: a device or person has the same one for a school year, and nobody without the key can tell whose it is.

The key of a year lives in a file of its own. Once it is deleted, what was recorded under it belongs to nobody.

Source: RFC 2104, with SHA-256; the key is as long as the digest.
"""

import hmac
import os
import re
import secrets
from base64 import b32encode
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from rules.errors import StorageError

KEY_OCTETS: Final = 32
# 80 bits, in 16 characters: two devices of a school never meet, and a person can still compare two by eye.
_PSEUDONYM_OCTETS: Final = 10
_LINK_LAYER: Final = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_KEY_FILE: Final = re.compile(r"pseudonym-(\d{4})-\d{4}\.key")
_CACHED_DEVICES: Final = 65_536

# What stands before the pseudonym of a person.
OF_PERSON: Final = "p-"

Devices = Mapping[str, Iterable[str]]


def device_of(address: bytes, devices: Devices) -> str:
    """Give what a device is recognised by: its link-layer address where leases or neighbours know it.

    Args:
        address: 4 or 16 octets.
        devices: what else the device behind an address is known by.
    """
    text = _text_of(address)
    known_as = (name.lower() for name in devices.get(text, ()))
    return next((name for name in known_as if _LINK_LAYER.fullmatch(name)), text)


@lru_cache(_CACHED_DEVICES)
def _text_of(address: bytes) -> str:
    parsed = ip_address(address)
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


class Pseudonyms:
    """The pseudonyms of one school.

    Args:
        folder: where the keys are.
        year_begins: month and day on which a new school year, and with it a new key, begins.
    """

    def __init__(self, folder: Path, *, year_begins: tuple[int, int] = (9, 1)) -> None:
        self._folder = folder
        self._year_begins = year_begins
        self._keys: dict[int, bytes] = {}
        self._pseudonym: Callable[[int, str], str] = lru_cache(_CACHED_DEVICES)(self._compute)

    def pseudonym(self, device: str, on: date) -> str:
        """Give the pseudonym of a device on a day; the key of that school year is made where there is none.

        Raises:
            StorageError: the key cannot be read or made.
        """
        return self._pseudonym(self._first_year(on), f"device\0{device}")

    def person(self, person: str, on: date) -> str:
        """Give the pseudonym of a person on a day, by their id; it can be told from that of a device.

        Raises:
            StorageError: the key cannot be read or made.
        """
        return OF_PERSON + self._pseudonym(self._first_year(on), f"person\0{person}")

    def year_began(self, on: date) -> date:
        """Say when the school year of a day began, and with it the key."""
        return date(self._first_year(on), *self._year_begins)

    def has_key(self, on: date) -> bool:
        """Say whether there is a key of the school year of a day, so that what was recorded then can be told."""
        return self._key_path(self._first_year(on)).exists()

    def delete_expired_keys(
        self, today: date, *, retention_days: int, needed_since: date | None = None
    ) -> list[Path]:
        """Delete the keys of school years from which no record is left; gives what was deleted.

        Args:
            retention_days: so long after the end of a year its records are kept.
            needed_since: the oldest day of which somebody may still have to be told by their pseudonym.
        """
        gone = []
        for path in sorted(self._folder.glob("pseudonym-*.key")):
            if (match := _KEY_FILE.fullmatch(path.name)) is None:
                continue
            ended_on = date(int(match[1]) + 1, *self._year_begins)
            if needed_since is not None and needed_since < ended_on:
                continue
            if today > ended_on + timedelta(days=retention_days):
                path.unlink(missing_ok=True)
                self._keys.pop(int(match[1]), None)
                gone.append(path)
        return gone

    def _first_year(self, on: date) -> int:
        return on.year if (on.month, on.day) >= self._year_begins else on.year - 1

    def _compute(self, first_year: int, whose: str) -> str:
        key = self._keys.get(first_year)
        if key is None:
            key = self._keys[first_year] = self._load_or_make(first_year)
        digest = hmac.digest(key, whose.encode(), "sha256")
        return b32encode(digest[:_PSEUDONYM_OCTETS]).decode().lower()

    def _load_or_make(self, first_year: int) -> bytes:
        path = self._key_path(first_year)
        try:
            if not path.exists():
                self._make(path)
            key = path.read_bytes()
        except OSError as error:
            raise StorageError(f"{path}: the key of the pseudonyms could not be used ({error.strerror})") from error
        if len(key) != KEY_OCTETS:
            raise StorageError(
                f"{path}: found {len(key)} octets; expected the {KEY_OCTETS} of a key."
                " Bring it back from a copy, or move it away to give every device a new pseudonym"
            )
        return key

    def _key_path(self, first_year: int) -> Path:
        return self._folder / f"pseudonym-{first_year}-{first_year + 1}.key"

    def _make(self, path: Path) -> None:
        """Write a new key under another name and link it into place, so that a key is never seen half-written."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(KEY_OCTETS))
                file.flush()
                os.fsync(file.fileno())
            path.hardlink_to(fresh)
        except FileExistsError:
            # Another process was faster; its key is the key.
            return
        finally:
            fresh.unlink(missing_ok=True)
