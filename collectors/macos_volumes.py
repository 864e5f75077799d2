"""The volumes of a Mac, by the property lists of `diskutil`; no privileges, and no volume is read.

Tried with property lists of our own making only: no Mac has run this.
"""

import json
import plistlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from xml.parsers.expat import ExpatError

from collectors.machine import Machine
from collectors.volume import Attach, Bus, Crypt, Evidence, HardwareClaim, Usb, Volume, no_hardware_claim

Plist: TypeAlias = Mapping[str, Any]

SECONDS: Final = 10.0
MOST_VOLUMES: Final = 64
_MOST_DISKS: Final = 4 * MOST_VOLUMES
_LIST: Final = ("diskutil", "list", "-plist")
_USB: Final = ("system_profiler", "SPUSBDataType", "-json")
_BUSES: Final = {
    "usb": Bus.USB,
    "secure digital": Bus.MMC,
    "thunderbolt": Bus.THUNDERBOLT,
    "pci-express": Bus.NVME,
    "pci": Bus.NVME,
    "apple fabric": Bus.NVME,
    "sata": Bus.SATA,
    "firewire": Bus.FIREWIRE,
    "disk image": Bus.VIRTUAL,
    "virtual interface": Bus.VIRTUAL,
}
# What neither holds a volume nor hides one.
_NO_VOLUMES: Final = frozenset({"Apple_Boot", "Apple_Free", "EFI", "Apple_APFS_ISC", "Apple_APFS_Recovery"})
_CANNOT_ENCRYPT: Final = frozenset({"msdos", "exfat", "ntfs", "udf", "cd9660"})
# Where VeraCrypt shows an open container to the system, as a file that the system mounts as a disk image.
_VERACRYPT: Final = ("/private/tmp", ".veracrypt_aux_mnt")
_SYSTEM_MOUNTS: Final = ("/System/Volumes/", "/private/var/vm")


def look(machine: Machine, *, hardware_claim: HardwareClaim = no_hardware_claim) -> tuple[Volume, ...]:
    """Give the volumes of a Mac, at most `MOST_VOLUMES`; what `diskutil` does not tell is UNKNOWN.

    Raises:
        OSError: `diskutil` gave no list.
    """
    answer = machine.run(_LIST, SECONDS)
    listed = _plist(answer.out) if answer.is_good else None
    if listed is None:
        raise OSError(answer.why or "diskutil gave no list of disks")
    disks = _Disks(machine)
    names = [name for name in _texts(listed.get("AllDisks")) if _holds_volume(disks.about(name))]
    usb = _usb_devices(machine) if any(_bus(disks.physical(disks.about(name))) is Bus.USB for name in names) else {}
    has_container = any(name.startswith(_VERACRYPT[1]) for name in machine.names(_VERACRYPT[0]))
    local = [
        _volume(disks, name, usb=usb, hardware_claim=hardware_claim, has_container=has_container)
        for name in names[:MOST_VOLUMES]
    ]
    return (*local, *_elsewhere(machine, disks, local))


@dataclass(slots=True)
class _Disks:
    """What `diskutil info` says of each disk, each asked once."""

    machine: Machine
    _known: dict[str, Plist] = field(default_factory=dict)

    def about(self, name: str) -> Plist:
        """Give what is known of a disk, by its identifier or mount point; empty where nothing is."""
        if name not in self._known:
            if len(self._known) >= _MOST_DISKS:
                return {}
            answer = self.machine.run(("diskutil", "info", "-plist", name), SECONDS)
            self._known[name] = _plist(answer.out) or {}
        return self._known[name]

    def physical(self, info: Plist) -> Plist:
        """Give the device under a volume: an APFS volume stands on a disk that exists in memory alone."""
        stores = info.get("APFSPhysicalStores")
        store = next((each for each in stores if isinstance(each, Mapping)), {}) if isinstance(stores, list) else {}
        name = _text(store, "APFSPhysicalStore") or _text(store, "DeviceIdentifier") or _text(info, "ParentWholeDisk")
        if not name or name == _text(info, "DeviceIdentifier"):
            return info
        below = self.about(name)
        whole = _text(below, "ParentWholeDisk")
        return self.about(whole) if stores and whole and whole != name else below or info


def _plist(octets: bytes) -> Plist | None:
    try:
        read = plistlib.loads(octets)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, ExpatError, RecursionError, EOFError):
        return None
    return read if isinstance(read, dict) else None


def _holds_volume(info: Plist) -> bool:
    if not info or _text(info, "Content") in _NO_VOLUMES:
        return False
    is_volume = bool(_text(info, "MountPoint") or _text(info, "FilesystemType") or _text(info, "VolumeUUID"))
    is_empty_reader = info.get("WholeDisk") is True and _size(info) == 0
    return is_volume or is_empty_reader or _text(info, "Content") == "Apple_CoreStorage"


def _volume(
    disks: _Disks, name: str, *, usb: Mapping[str, Usb], hardware_claim: HardwareClaim, has_container: bool
) -> Volume:
    info = disks.about(name)
    physical = disks.physical(info)
    disk = _text(physical, "DeviceIdentifier") or name
    is_system = _is_system(info)
    attach = _attach(info, physical, is_system=is_system)
    device = usb.get(disk)
    crypt, why, evidence = _judge(info, attach, has_container=has_container)
    if crypt in {Crypt.PLAIN, Crypt.UNKNOWN} and device is not None and (claimed := hardware_claim(device)):
        crypt, why = Crypt.CLAIMED_HARDWARE, ""
        evidence = (*evidence, Evidence("hardware_list", claimed))
    mount_point = _text(info, "MountPoint")
    return Volume(
        device=name,
        attach=attach,
        bus=_bus(physical),
        crypt=crypt,
        evidence=evidence,
        why=why,
        disk=disk,
        filesystem=_text(info, "FilesystemType"),
        label=_text(info, "VolumeName"),
        uuid=_text(info, "VolumeUUID"),
        size_bytes=_size(info),
        is_read_only=not info["WritableVolume"] if isinstance(info.get("WritableVolume"), bool) else None,
        mount_points=(mount_point,) if mount_point else (),
        usb=device,
        insertion_id=disk,
        is_system=is_system,
        has_medium=_size(info) != 0,
    )


def _is_system(info: Plist) -> bool:
    mount_point = _text(info, "MountPoint")
    return mount_point == "/" or mount_point.startswith(_SYSTEM_MOUNTS) or info.get("SystemImage") is True


def _attach(info: Plist, physical: Plist, *, is_system: bool) -> Attach:
    if _bus(physical) is Bus.VIRTUAL:
        return Attach.VIRTUAL
    if _text(physical, "OpticalMediaType") or _text(info, "FilesystemType") == "cd9660":
        return Attach.OPTICAL
    # A reader that is built in calls its cards internal.
    is_card = _bus(physical) is Bus.MMC
    outside = [info.get("RemovableMediaOrExternalDevice"), physical.get("RemovableMediaOrExternalDevice")]
    if not is_system and (is_card or True in outside):
        return Attach.REMOVABLE
    return Attach.FIXED if is_system or False in outside else Attach.UNKNOWN


def _judge(info: Plist, attach: Attach, *, has_container: bool) -> tuple[Crypt, str, tuple[Evidence, ...]]:
    """Say whether a volume is encrypted, why that is not known, and by what.

    Source: on Macs with a security chip `Encryption` is true of the internal disk without any password, so that only
    `FileVault` counts there; an external HFS+ disk that is plain has neither key.
    """
    keys = ("Encryption", "FileVault", "Locked", "CryptoMigrationOn", "CoreStorageEncrypted")
    told = {key: info[key] for key in keys if isinstance(info.get(key), bool)}
    evidence = tuple(Evidence(f"diskutil.{key}", str(value).lower()) for key, value in told.items())
    file_vault, encryption = told.get("FileVault"), told.get("Encryption")
    filesystem = _text(info, "FilesystemType").lower()
    if _text(info, "MountPoint") == "/" and info.get("Sealed") is not None:
        return Crypt.UNKNOWN, "the sealed system volume is not judged; the data volume beside it is", evidence
    if attach is Attach.VIRTUAL and has_container:
        return Crypt.MAYBE_ENCRYPTED, "", (*evidence, Evidence("veracrypt.mount", _VERACRYPT[1]))
    if told.get("CryptoMigrationOn"):
        return Crypt.CONVERTING, "", evidence
    is_internal = attach is not Attach.REMOVABLE
    is_encrypted = file_vault is True or (encryption is True and not is_internal) or told.get("CoreStorageEncrypted")
    if is_encrypted:
        if not is_internal and file_vault is not None and encryption is not None and file_vault != encryption:
            return Crypt.UNKNOWN, "diskutil contradicts itself about this volume", evidence
        return (Crypt.ENCRYPTED_LOCKED if told.get("Locked") else Crypt.ENCRYPTED), "", evidence
    if file_vault is False:
        return Crypt.PLAIN, "", evidence
    if _text(info, "Content") == "Apple_CoreStorage" or info.get("CoreStorage") is True:
        return Crypt.MAYBE_ENCRYPTED, "", (*evidence, Evidence("diskutil.Content", "Apple_CoreStorage"))
    if not is_internal and encryption is None and (filesystem in _CANNOT_ENCRYPT or filesystem == "hfs"):
        return Crypt.PLAIN, "", (*evidence, Evidence("diskutil.FilesystemType", filesystem))
    if _size(info) == 0:
        return Crypt.UNKNOWN, "no medium is in it", evidence
    return Crypt.UNKNOWN, "diskutil does not say whether this volume is encrypted", evidence


def _elsewhere(machine: Machine, disks: _Disks, local: list[Volume]) -> Iterator[Volume]:
    """Give what is mounted in /Volumes and is no disk: shares."""
    mounted = {point for volume in local for point in volume.mount_points}
    for name in machine.names("/Volumes")[:MOST_VOLUMES]:
        point = f"/Volumes/{name}"
        if point not in mounted and disks.about(point).get("Error") is True:
            why = "a share lies on another computer"
            yield Volume(name, Attach.NETWORK, Bus.UNKNOWN, Crypt.UNKNOWN, why=why, mount_points=(point,))


def _usb_devices(machine: Machine) -> dict[str, Usb]:
    """Give the devices behind disks by the disks' identifiers; `diskutil` tells no numbers of theirs."""
    answer = machine.run(_USB, SECONDS)
    try:
        tree = json.loads(answer.out) if answer.is_good else {}
    except (ValueError, RecursionError):
        return {}
    found: dict[str, Usb] = {}
    waiting: list[Any] = [tree.get("SPUSBDataType")] if isinstance(tree, dict) else []
    seen = 0
    while waiting and seen < _MOST_DISKS * 16:
        seen += 1
        each = waiting.pop()
        if isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            waiting += (value for key in ("_items", "Media") if isinstance(value := each.get(key), list))
            usb = Usb(
                _hexadecimal(_text(each, "vendor_id")),
                _hexadecimal(_text(each, "product_id")),
                _text(each, "serial_num"),
                _text(each, "_name"),
            )
            media = each.get("Media")
            for medium in media if isinstance(media, list) else ():
                if isinstance(medium, dict) and (name := _text(medium, "bsd_name")) and usb.vendor_id:
                    found[name] = usb
    return found


def _hexadecimal(text: str) -> str:
    """Give the four digits of `0x0951 (Kingston)`; empty where there are none."""
    digits = text.removeprefix("0x")[:4].lower()
    return digits if len(digits) == 4 and all(digit in "0123456789abcdef" for digit in digits) else ""


def _bus(info: Plist) -> Bus:
    return _BUSES.get(_text(info, "BusProtocol").lower(), Bus.UNKNOWN)


def _size(info: Plist) -> int | None:
    size = info.get("TotalSize", info.get("Size"))
    return size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None


def _text(tree: Plist, key: str) -> str:
    value = tree.get(key)
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
