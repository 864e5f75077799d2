"""Serial numbers of media as keyed hashes: a number that somebody has can be found, and none can be read from here.

The key lies in a file of its own, and never changes: what was registered under it would be found by nobody.

Source: RFC 2104, with SHA-256; the key is as long as the digest.
"""

import hmac
import re
from base64 import b32encode
from pathlib import Path
from typing import Final

from agent.storage.key_file import read_or_make_key
from rules.errors import RefusedRequestError
from rules.medium import parse_serial

KEY_NAME: Final = "media-serials.key"
# 100 bits: two media of a school never meet.
_HASH_LETTERS: Final = 20
_USB_ID: Final = re.compile(r"[0-9a-f]{4}", re.ASCII)


class MediaSerials:
    """The keyed hashes of one school.

    Args:
        folder: where the keys are.

    Raises:
        StorageError: the key cannot be read or made, is no key, or others may read it.
    """

    def __init__(self, folder: Path) -> None:
        self._key = read_or_make_key(folder / KEY_NAME)

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
