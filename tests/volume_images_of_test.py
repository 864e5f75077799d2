"""First sectors of volumes, made up by us from the published layouts; `blkid` takes them for real."""

import os
import random

METADATA_AT = 0x8000
SIZE = 1 << 20


def noise(size: int = SIZE, *, seed: int = 5) -> bytes:
    """Give octets that look like nothing, as VeraCrypt and plain dm-crypt do; the same each time."""
    return random.Random(seed).randbytes(size)


def _with_metadata(image: bytearray) -> bytes:
    """Add the block of metadata that BitLocker keeps three times; once is enough to be found.

    Source: libbde, BitLocker Drive Encryption (BDE) format: block header, then the header of the metadata.
    """
    block = b"-FVE-FS-" + (68).to_bytes(2, "little") + (2).to_bytes(2, "little")
    image[METADATA_AT : METADATA_AT + len(block)] = block
    header = b"".join(number.to_bytes(4, "little") for number in (48, 1, 48, 48)) + os.urandom(16)
    image[METADATA_AT + 64 : METADATA_AT + 64 + len(header)] = header
    image[510:512] = b"\x55\xaa"
    return bytes(image)


def bitlocker() -> bytes:
    """A volume that Windows 7 or later encrypted."""
    image = bytearray(SIZE)
    image[:11] = b"\xeb\x58\x90-FVE-FS-"
    image[11:14] = b"\x00\x02\x08"
    image[160:176] = bytes.fromhex("3bd667492e29d84a8399f6a339e3d001")
    image[176:184] = METADATA_AT.to_bytes(8, "little")
    return _with_metadata(image)


def bitlocker_to_go() -> bytes:
    """A stick that BitLocker To Go encrypted: to whom looks only once it is a FAT32."""
    image = bytearray(SIZE)
    image[:11] = b"\xeb\x58\x90MSWIN4.1"
    image[11:14] = b"\x00\x02\x08"
    image[82:90] = b"FAT32   "
    image[424:440] = bytes.fromhex("3bd667492e29d84a8399f6a339e3d001")
    image[440:448] = METADATA_AT.to_bytes(8, "little")
    return _with_metadata(image)


def signed(signature: bytes, at: int, *, size: int = SIZE) -> bytes:
    """An image of zeros with one signature."""
    image = bytearray(size)
    image[at : at + len(signature)] = signature
    return bytes(image)


def fat() -> bytes:
    """No more of a FAT than its signatures."""
    image = bytearray(signed(b"FAT16   ", 54))
    image[510:512] = b"\x55\xaa"
    return bytes(image)


def luks() -> bytes:
    return signed(b"LUKS\xba\xbe\x00\x02", 0)


def ext() -> bytes:
    return signed(b"\x53\xef", 1080)
