"""Whether somebody whom this system trusts has signed a program, as far as it can tell without asking the network.

A file tells only that it carries a signature. Windows and macOS check it by what they have on the disk: a certificate
that was revoked of late may pass. Programs of Linux have no signature of their own, so of these nothing is known.
"""

import struct
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from collectors.machine import Machine, Output

# What the systems check at all; that a script is not signed says nothing of it.
_WINDOWS_FORMS: Final = frozenset({"pe", "msi"})
_MACOS_FORMS: Final = frozenset({"mach_o"})
_CODESIGN_SECONDS: Final = 3.0
# Whoever can write can sign with a key of their own; of those whom Apple knows this is asked for.
_CODESIGN: Final = ("/usr/bin/codesign", "--verify", "--strict", "-R=anchor apple generic")
_NOT_APPLES: Final = 3
_NOT_SIGNED: Final = ": code object is not signed at all"


class Signature(StrEnum):
    """What is known of the signature of a program.

    VERIFIED: this system trusts it. NOT_VALID: there is one, and it does not hold. CARRIED: there is one that nobody
    has checked. UNKNOWN is neither signed nor unsigned.
    """

    VERIFIED = "verified"
    NOT_VALID = "not_valid"
    CARRIED = "carried"
    NONE = "none"
    UNKNOWN = "unknown"


# Asks the system about a file of a form; None where it says nothing.
Verify: TypeAlias = Callable[[Path, str], Signature | None]


def verify_nothing(_path: Path, _form: str) -> Signature | None:
    """Ask nobody, as on Linux."""
    return None


class TrustCalls(Protocol):
    """Windows, as far as it tells of signatures."""

    def trust(self, path: str) -> int:
        """Give what WinVerifyTrust says of a file, with no sign."""


# Source: winerror.h. What is not here was not to be told without the network: a root that Windows fetches only when
# it is needed looks like one that nobody knows.
_TRUST: Final[Mapping[int, Signature]] = {
    0: Signature.VERIFIED,
    0x800B0100: Signature.NONE,  # TRUST_E_NOSIGNATURE
    0x80096010: Signature.NOT_VALID,  # TRUST_E_BAD_DIGEST
    0x80096004: Signature.NOT_VALID,  # TRUST_E_CERT_SIGNATURE
    0x800B0004: Signature.NOT_VALID,  # TRUST_E_SUBJECT_NOT_TRUSTED
    0x800B0111: Signature.NOT_VALID,  # TRUST_E_EXPLICIT_DISTRUST
    0x800B010C: Signature.NOT_VALID,  # CERT_E_REVOKED
    0x800B0101: Signature.NOT_VALID,  # CERT_E_EXPIRED
}


def verify_on_windows(calls: TrustCalls) -> Verify:
    """Ask Windows; a signature in a catalogue, as its own programs have, is none that comes with a file."""

    def verify(path: Path, form: str) -> Signature | None:
        return _TRUST.get(calls.trust(str(path))) if form in _WINDOWS_FORMS else None

    return verify


def verify_on_macos(machine: Machine) -> Verify:
    """Ask macOS."""

    def verify(path: Path, form: str) -> Signature | None:
        if form not in _MACOS_FORMS:
            return None
        return _codesigned(machine.run((*_CODESIGN, str(path)), _CODESIGN_SECONDS), str(path))

    return verify


def _codesigned(said: Output, path: str) -> Signature | None:
    """Read the end of codesign: 0 good, 1 not, 2 misused, 3 good and not by whom was asked for."""
    if said.is_good:
        return Signature.VERIFIED
    if said.code == _NOT_APPLES:
        return Signature.NOT_VALID
    if said.code != 1:
        return None
    why = said.err.decode("utf-8", "surrogateescape").removeprefix(path)
    return Signature.NONE if why.startswith(_NOT_SIGNED) else Signature.NOT_VALID


def checked(carried: Signature, path: Path, form: str, verify: Verify) -> Signature:
    """Join what a file tells of its signature with what the system says of it."""
    said = verify(path, form)
    if said is Signature.NONE and carried is Signature.CARRIED:
        return Signature.NOT_VALID
    return said or carried


def signature_of(head: bytes, form: str) -> Signature:
    """Say whether a program for Windows has a certificate table; of others that is not known here.

    Source: Microsoft, PE Format, "Optional Header Data Directories".
    """
    if form != "pe":
        return Signature.UNKNOWN
    try:
        (start,) = struct.unpack_from("<I", head, 0x3C)
        (sign, magic) = struct.unpack_from("<4s20xH", head, start)
        if sign != b"PE\0\0" or magic not in {0x10B, 0x20B}:
            return Signature.UNKNOWN
        directories = start + 24 + (96 if magic == 0x10B else 112)
        (count,) = struct.unpack_from("<I", head, directories - 4)
        if count <= 4:
            return Signature.NONE
        place, size_bytes = struct.unpack_from("<II", head, directories + 4 * 8)
    except struct.error:
        return Signature.UNKNOWN
    return Signature.CARRIED if place and size_bytes else Signature.NONE
