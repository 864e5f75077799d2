"""The block devices of a Linux computer, from /sys alone: what they are, what they lie on, how they are attached.

No right is needed for any of it. It must not learn what is mounted, nor what stands on the devices.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from collectors.machine import Machine
from collectors.volume import Bus, Evidence, Usb

SECTOR_BYTES: Final = 512
# More than any computer has; the rest is left out, and said to be left out by who looks.
MOST_DEVICES: Final = 20_000
_MOST_PARTS: Final = 256
_NUMBER: Final = re.compile(r"\d{1,10}:\d{1,10}")
_USB_ID: Final = re.compile(r"[0-9a-fA-F]{4}")
_ATA_PORT: Final = re.compile(r"ata\d+")
_OPTICAL_TYPE: Final = "5"

# Source: cryptsetup, lib/libdevmapper.c. VERITY and INTEGRITY protect against change, not against reading.
_ENCRYPTING: Final = tuple(
    f"CRYPT-{kind}-" for kind in ("LUKS1", "LUKS2", "PLAIN", "LOOPAES", "TCRYPT", "BITLK", "FVAULT2")
)
# VeraCrypt's own program makes mappings without any uuid.
_VERACRYPT_NAME: Final = re.compile(r"veracrypt\d+(_\d+)?")


@dataclass(frozen=True, slots=True)
class Connection:
    """How a whole device is attached.

    Args:
        is_unpluggable: whether a person can take it away without a screwdriver, as far as the wires tell.
    """

    bus: Bus = Bus.UNKNOWN
    usb: Usb | None = None
    is_unpluggable: bool = False
    is_optical: bool = False
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockDevice:
    """One block device of the kernel.

    Args:
        number: major and minor number, `8:17`.
        disk: the whole device; its own name where it is one.
        slaves: what it lies on; `holders`: what lies on it.
        diskseq: differs from one insertion to the next; empty on kernels before 5.15.
    """

    name: str
    number: str
    disk: str
    size_bytes: int
    is_read_only: bool
    is_flagged_removable: bool
    slaves: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    dm_name: str = ""
    dm_uuid: str = ""
    backing_file: str = ""
    diskseq: str = ""
    connection: Connection = Connection()

    @property
    def node(self) -> str:
        """Where its device file stands."""
        return "/dev/" + self.name.replace("!", "/")

    @property
    def is_partition(self) -> bool:
        """Whether it is a part of another."""
        return self.disk != self.name

    def encrypting(self) -> Evidence | None:
        """Say why what is written through it is encrypted, or None."""
        if self.dm_uuid.startswith(_ENCRYPTING):
            return Evidence("sysfs.dm_uuid", self.dm_uuid)
        if not self.dm_uuid and _VERACRYPT_NAME.fullmatch(self.dm_name):
            return Evidence("sysfs.dm_name", self.dm_name)
        return None


def read_block_devices(machine: Machine, *, most: int = MOST_DEVICES) -> dict[str, BlockDevice]:
    """Read every device that is there, but no more than this; what goes away meanwhile is left out."""
    ancestors: dict[Path, _Ancestor] = {}
    names = machine.names("/sys/class/block") or machine.names("/sys/block")
    devices = (read_block_device(machine, name, ancestors) for name in names[:most])
    found = {device.name: device for device in devices if device is not None}
    return {name: _with_disk(device, found) for name, device in found.items()}


def _with_disk(device: BlockDevice, found: Mapping[str, BlockDevice]) -> BlockDevice:
    """Let a partition inherit what only the whole device is told of."""
    disk = found.get(device.disk)
    if disk is None or disk is device:
        return device
    return replace(
        device,
        is_read_only=device.is_read_only or disk.is_read_only,
        is_flagged_removable=disk.is_flagged_removable,
        backing_file=disk.backing_file,
        diskseq=disk.diskseq,
        connection=disk.connection,
    )


def read_block_device(
    machine: Machine, name: str, ancestors: "dict[Path, _Ancestor] | None" = None
) -> BlockDevice | None:
    """Read one device; None where it is not there, or no longer."""
    place = _place(machine, name)
    if place is None:
        return None
    number = _word(place / "dev")
    if not _NUMBER.fullmatch(number):
        return None
    is_partition = (place / "partition").exists()
    seen = {} if ancestors is None else ancestors
    is_mapping = name.startswith("dm-")
    told = _properties(_word(place / "uevent"))
    return BlockDevice(
        name=name,
        number=number,
        disk=place.parent.name if is_partition else name,
        size_bytes=_count(_word(place / "size")) * SECTOR_BYTES,
        is_read_only=_word(place / "ro") == "1",
        is_flagged_removable=not is_partition and _word(place / "removable") == "1",
        slaves=_parts(place / "slaves"),
        holders=_parts(place / "holders"),
        dm_name=_word(place / "dm" / "name") if is_mapping else "",
        dm_uuid=_word(place / "dm" / "uuid") if is_mapping else "",
        backing_file=_path(place / "loop" / "backing_file") if name.startswith("loop") else "",
        diskseq="" if is_partition else told.get("DISKSEQ") or _word(place / "diskseq"),
        connection=Connection() if is_partition else _connection(machine, place, seen),
    )


def _place(machine: Machine, name: str) -> Path | None:
    """Give the real folder of a device."""
    for kind in ("class/block", "block"):
        link = machine.path(f"/sys/{kind}/{name}")
        try:
            return link.resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            continue
    return None


@dataclass(frozen=True, slots=True)
class _Ancestor:
    """What one folder above a block device says."""

    subsystem: str = ""
    usb: Usb | None = None
    card: str = ""
    scsi_type: str = ""
    is_removable_port: bool = False


def _connection(machine: Machine, place: Path, ancestors: dict[Path, _Ancestor]) -> Connection:
    top = machine.path("/sys/devices").resolve()
    if not place.is_relative_to(top) or place.is_relative_to(top / "virtual"):
        return Connection(bus=Bus.VIRTUAL)
    # The nearest comes first: a stick stands below the hub that it is plugged into.
    chain = [
        ancestors.get(folder) or ancestors.setdefault(folder, _read_ancestor(folder))
        for folder in place.parents
        if folder.is_relative_to(top) and folder != top
    ]
    usb = next((one.usb for one in chain if one.usb is not None), None)
    card = next((one.card for one in chain if one.card), "")
    subsystems = {one.subsystem for one in chain}
    has_removable_port = any(one.is_removable_port and one.subsystem == "pci" for one in chain)
    evidence = []
    if usb is not None:
        evidence.append(Evidence("sysfs.usb", f"{usb.vendor_id}:{usb.product_id}"))
    if card:
        evidence.append(Evidence("sysfs.card_type", card))
    if has_removable_port:
        evidence.append(Evidence("sysfs.pci_removable", "removable"))
    is_outside = has_removable_port or "thunderbolt" in subsystems
    bus = _bus(place, usb, card, subsystems, is_outside=is_outside)
    return Connection(
        bus=bus,
        # The numbers of a card reader are not those of the card.
        usb=None if card else usb,
        is_unpluggable=usb is not None or card.startswith("SD") or is_outside or "firewire" in subsystems,
        is_optical=place.name.startswith("sr") or any(one.scsi_type == _OPTICAL_TYPE for one in chain),
        evidence=tuple(evidence),
    )


def _bus(place: Path, usb: Usb | None, card: str, subsystems: set[str], *, is_outside: bool) -> Bus:
    if card:
        return Bus.MMC
    if usb is not None:
        return Bus.USB
    if "firewire" in subsystems:
        return Bus.FIREWIRE
    if is_outside:
        return Bus.THUNDERBOLT
    if place.name.startswith("nvme"):
        return Bus.NVME
    if any(_ATA_PORT.fullmatch(part) for part in place.parts):
        return Bus.SATA
    return Bus.SCSI if "scsi" in subsystems else Bus.UNKNOWN


def _read_ancestor(folder: Path) -> _Ancestor:
    try:
        subsystem = Path(os.readlink(folder / "subsystem")).name  # noqa: PTH115 -- the text of the link is meant
    except OSError:
        subsystem = ""
    kind = _word(folder / "type")
    return _Ancestor(
        subsystem=subsystem,
        usb=read_usb(folder),
        card=kind if kind in {"SD", "SDcombo", "MMC"} else "",
        scsi_type=kind if subsystem == "scsi" else "",
        is_removable_port=_word(folder / "removable") == "removable",
    )


def read_usb(folder: Path) -> Usb | None:
    """Read who a device on the universal serial bus says it is; None where the folder is none of such a device."""
    vendor, product = _word(folder / "idVendor"), _word(folder / "idProduct")
    if not _USB_ID.fullmatch(vendor) or not _USB_ID.fullmatch(product):
        return None
    return Usb(vendor.lower(), product.lower(), _word(folder / "serial"), _word(folder / "product"))


def _word(path: Path) -> str:
    """Read one short attribute; empty where it cannot be read. An attribute of a page is the most there is."""
    try:
        with path.open("rb", buffering=0) as file:
            return os.fsdecode(file.read(4_096) or b"").strip(" \t\r\n\0")
    except (OSError, ValueError):
        return ""


def _path(path: Path) -> str:
    """Read an attribute that is a path, of which white space may be a part."""
    try:
        return os.fsdecode(path.read_bytes().removesuffix(b"\n"))
    except (OSError, ValueError):
        return ""


def _parts(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(entry.name for entry in folder.iterdir())[:_MOST_PARTS])
    except OSError:
        return ()


def _properties(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.split("\n") if "=" in line)


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
