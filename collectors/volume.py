"""One volume: how it is attached, whether it is encrypted, and the evidence for that.

It knows the states and which of two is worse. It must not learn what a school thinks of them, nor of any one system.
"""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from collectors.observed import JSON

_LABEL_CHARACTERS: Final = 64
_TEXT_CHARACTERS: Final = 256
_MOUNT_POINTS: Final = 16
_EVIDENCES: Final = 32
# Source: Unicode Standard Annex 9, explicit formatting characters.
_TURNING: Final = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_MARKS: Final = frozenset("\u200e\u200f\u061c")


class Attach(StrEnum):
    """How a volume is attached to this computer."""

    REMOVABLE = "removable"
    FIXED = "fixed"
    NETWORK = "network"
    OPTICAL = "optical"
    PHONE = "phone"
    VIRTUAL = "virtual"
    UNKNOWN = "unknown"


class Bus(StrEnum):
    """What it is attached by."""

    USB = "usb"
    MMC = "mmc"
    THUNDERBOLT = "thunderbolt"
    SATA = "sata"
    NVME = "nvme"
    FIREWIRE = "firewire"
    SCSI = "scsi"
    VIRTUAL = "virtual"
    UNKNOWN = "unknown"


class Crypt(StrEnum):
    """Whether what is stored can be read by who finds the medium.

    "Could not check" is UNKNOWN: never PLAIN, which accuses, and never ENCRYPTED, which reassures.
    """

    ENCRYPTED = "encrypted"
    ENCRYPTED_LOCKED = "encrypted_locked"
    PLAIN = "plain"
    CONVERTING = "converting"
    SUSPENDED = "suspended"
    CLAIMED_HARDWARE = "claimed_hardware"
    MAYBE_ENCRYPTED = "maybe_encrypted"
    UNKNOWN = "unknown"


# The worst first. A volume that lies on several devices is as good as the worst of them.
_WORST_FIRST: Final = (
    Crypt.PLAIN,
    Crypt.SUSPENDED,
    Crypt.CONVERTING,
    Crypt.UNKNOWN,
    Crypt.MAYBE_ENCRYPTED,
    Crypt.CLAIMED_HARDWARE,
    Crypt.ENCRYPTED,
    Crypt.ENCRYPTED_LOCKED,
)


def worst(states: Iterable[Crypt]) -> Crypt:
    """Give the worst of these; UNKNOWN where there are none."""
    return min(states, key=_WORST_FIRST.index, default=Crypt.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen and bears on a verdict.

    Args:
        source: where it was seen, from the closed set of its collector: `sysfs.dm_uuid`.
        value: what was seen there.
        privilege: what it takes to see it: `user` or `root`.
    """

    source: str
    value: str
    privilege: str = "user"


@dataclass(frozen=True, slots=True)
class Usb:
    """A device on the universal serial bus; the ids are four lower-case hexadecimal digits."""

    vendor_id: str
    product_id: str
    serial: str = ""
    product: str = ""


# Says under which name a device is listed as encrypting by itself, or None where it is not listed.
HardwareClaim: TypeAlias = Callable[[Usb], str | None]


def no_hardware_claim(_usb: Usb) -> str | None:
    """Know of no device that encrypts by itself."""
    return None


@dataclass(frozen=True, slots=True)
class Volume:
    """A place for files, or a device that could be one.

    Args:
        device: its name on this computer: `sdb1`, `E:`, `disk4s1`.
        disk: the whole device that it is a part of, under the lowest layer; its own name where it is none's part.
        why: why it could not be checked, where `crypt` is UNKNOWN; else empty.
        insertion_id: differs from one insertion to the next; empty where the system tells none.
        is_read_only: None where nothing says.
        is_system: what this computer runs from; never a stick.
        has_container: whether a file on it looks like an encrypted container; None where nobody looked.
        has_medium: False for a reader without a card.
    """

    device: str
    attach: Attach
    bus: Bus
    crypt: Crypt
    evidence: tuple[Evidence, ...] = ()
    why: str = ""
    disk: str = ""
    filesystem: str = ""
    label: str = ""
    uuid: str = ""
    size_bytes: int | None = None
    is_read_only: bool | None = None
    mount_points: tuple[str, ...] = ()
    usb: Usb | None = None
    insertion_id: str = ""
    is_system: bool = False
    has_container: bool | None = None
    has_medium: bool = True

    @property
    def key(self) -> str:
        """What this volume is called for as long as it stays inserted."""
        return f"{self.device}#{self.insertion_id}"

    @property
    def is_mounted(self) -> bool:
        """Whether files on it can be reached."""
        return bool(self.mount_points)

    def facts(self) -> dict[str, JSON]:
        """Give everything that is known of it as JSON: whole, bounded, and valid Unicode."""
        label, marks = printed(self.label)
        usb: JSON = None
        if self.usb is not None:
            usb = {
                "vendor": self.usb.vendor_id,
                "product": self.usb.product_id,
                "serial": _bounded(self.usb.serial),
                "name": _bounded(self.usb.product),
            }
        return {
            "device": _bounded(self.device),
            "disk": _bounded(self.disk),
            "attach": str(self.attach),
            "bus": str(self.bus),
            "crypt": str(self.crypt),
            "why": _bounded(self.why),
            "evidence": [
                {"source": one.source, "value": _bounded(one.value), "privilege": one.privilege}
                for one in self.evidence[:_EVIDENCES]
            ],
            "filesystem": _bounded(self.filesystem),
            "label": label,
            "label_marks": list(marks),
            "uuid": _bounded(self.uuid),
            "size_bytes": self.size_bytes,
            "read_only": self.is_read_only,
            "mounted": self.is_mounted,
            "mount_points": [_bounded(point) for point in self.mount_points[:_MOUNT_POINTS]],
            "usb": usb,
            "insertion": _bounded(self.insertion_id),
            "system": self.is_system,
            "container": self.has_container,
            "medium": self.has_medium,
        }


def printed(label: str) -> tuple[str, tuple[str, ...]]:
    """Bound a label that a stranger may have written, and say what is odd about it.

    Returns:
        the label, at most 64 characters, its control characters kept; and marks of the closed set `control`,
        `direction` (characters that turn the text around), `not_text` (octets that are no text, replaced), `cut`.
    """
    text = label[:_LABEL_CHARACTERS]
    kinds = {unicodedata.category(character) for character in text}
    turns = any(unicodedata.bidirectional(character) in _TURNING for character in text) or not _MARKS.isdisjoint(text)
    marks = (
        ("control", "Cc" in kinds),
        ("direction", turns),
        ("not_text", "Cs" in kinds),
        ("cut", len(label) > _LABEL_CHARACTERS),
    )
    return _valid(text), tuple(mark for mark, is_so in marks if is_so)


def _bounded(text: str) -> str:
    return _valid(text[:_TEXT_CHARACTERS])


def _valid(text: str) -> str:
    """Replace lone surrogates, which stand for octets that are no text and cannot be written as UTF-8."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if not text.isascii() else text
