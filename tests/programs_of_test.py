"""Programs for tests that no system would start."""

import struct


def portable_executable(*, certificate: int = 0, magic: int = 0x20B, directories: int = 16) -> bytes:
    head = b"MZ" + bytes(0x3A) + struct.pack("<I", 0x80) + bytes(0x40)
    optional = struct.pack("<H", magic) + bytes((96 if magic == 0x10B else 112) - 6) + struct.pack("<I", directories)
    tables = bytes(32) + struct.pack("<II", certificate, certificate) + bytes(88)
    return head + b"PE\0\0" + bytes(20) + optional + tables
