"""The volumes of a Windows computer: which drive is removable, and what Windows says of its encryption.

What Windows is asked stands in `windows_calls`; here it is only judged. Tried with recorded answers of our own
making: no Windows has run this.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from collectors.volume import Attach, Bus, Crypt, Evidence, HardwareClaim, Usb, Volume, no_hardware_claim

# Source: winerror.h and fveapi.h, as signed numbers of Windows.
NOT_READY: Final = 21
LOCKED_VOLUME: Final = -2144272384
READ_ONLY_VOLUME: Final = 0x80000
# Source: GetDriveTypeW.
_REMOVABLE, _FIXED, _REMOTE, _OPTICAL, _RAM = 2, 3, 4, 5, 6
# Source: STORAGE_BUS_TYPE.
_BUSES: Final = {
    1: Bus.SCSI, 3: Bus.SATA, 4: Bus.FIREWIRE, 7: Bus.USB, 8: Bus.SCSI, 10: Bus.SCSI, 11: Bus.SATA, 12: Bus.MMC,
    13: Bus.MMC, 14: Bus.VIRTUAL, 15: Bus.VIRTUAL, 17: Bus.NVME,
}  # fmt: skip
_OUTSIDE: Final = frozenset({Bus.USB, Bus.MMC, Bus.FIREWIRE})
_VERACRYPT: Final = r"\device\veracryptvolume"
# Of System.Volume.BitLockerProtection. Sources differ on 3 and 5; a state in which the key lies open on the disk is
# read with caution.
_SHELL: Final = {
    1: Crypt.ENCRYPTED,
    2: Crypt.PLAIN,
    3: Crypt.CONVERTING,
    4: Crypt.PLAIN,
    5: Crypt.SUSPENDED,
    6: Crypt.ENCRYPTED_LOCKED,
    7: Crypt.PLAIN,
    8: Crypt.SUSPENDED,
}
_FULLY_DECRYPTED, _FULLY_ENCRYPTED = 0, 1
_INSTANCE: Final = re.compile(r"USB\\VID_([0-9A-F]{4})&PID_([0-9A-F]{4})[^\\]*\\(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Label:
    """What is on a volume; `flags` as GetVolumeInformationW gives them."""

    label: str
    filesystem: str
    serial: int
    flags: int
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk under a volume: its number, its STORAGE_BUS_TYPE, and the instance id of its USB device, if any."""

    number: int
    bus_type: int
    usb_instance: str = ""


@dataclass(frozen=True, slots=True)
class BitLocker:
    """What the methods of Win32_EncryptableVolume say; the properties of that class are out of date at times."""

    protection: int
    conversion: int
    lock: int


class Windows(Protocol):
    """What Windows is asked, of drives that are written as `E:`. Each may raise OSError for one drive alone."""

    def drives(self) -> tuple[str, ...]:
        """Give the drives that have a letter."""

    def system_drive(self) -> str:
        """Give the drive that Windows runs from."""

    def drive_type(self, drive: str) -> int:
        """Give what GetDriveTypeW says."""

    def label(self, drive: str) -> Label:
        """Give what is on it; OSError with `winerror` where it cannot be read."""

    def disk(self, drive: str) -> Disk | None:
        """Give the disk under it; None where none is known."""

    def target(self, drive: str) -> str:
        r"""Give the device that the letter stands for: `\Device\HarddiskVolume3`."""

    def shell_protection(self, drive: str) -> int | None:
        """Give System.Volume.BitLockerProtection; None where the shell says nothing."""

    def bitlocker(self) -> Mapping[str, BitLocker] | None:
        """Give what BitLocker says of each drive; None where this account may not ask."""


def look(windows: Windows, *, hardware_claim: HardwareClaim = no_hardware_claim) -> tuple[Volume, ...]:
    """Give the volumes that have a letter; one that cannot be asked is there all the same, as UNKNOWN."""
    told = windows.bitlocker()
    return tuple(
        _volume(windows, drive, None if told is None else told.get(drive), hardware_claim)
        for drive in windows.drives()[:26]
    )


def _volume(windows: Windows, drive: str, bitlocker: BitLocker | None, hardware_claim: HardwareClaim) -> Volume:
    try:
        kind = windows.drive_type(drive)
        target = windows.target(drive)
    except OSError as error:
        return Volume(drive, Attach.UNKNOWN, Bus.UNKNOWN, Crypt.UNKNOWN, why=_reason(error))
    disk = _disk(windows, drive) if kind in {_REMOVABLE, _FIXED} else None
    is_system = drive.casefold() == windows.system_drive().casefold()
    bus = _BUSES.get(disk.bus_type, Bus.UNKNOWN) if disk is not None else Bus.UNKNOWN
    attach = _attach(kind, bus, is_system=is_system)
    written, refused = _label(windows, drive, kind)
    has_medium = refused is None or getattr(refused, "winerror", refused.errno) != NOT_READY
    usb = usb_of(disk.usb_instance) if disk is not None else None
    crypt, why, evidence = _judge(windows, drive, target, bitlocker, refused)
    if attach in {Attach.NETWORK, Attach.OPTICAL}:
        crypt, why = Crypt.UNKNOWN, "a share lies on another computer" if attach is Attach.NETWORK else "a disc"
    elif crypt in {Crypt.PLAIN, Crypt.UNKNOWN} and usb is not None and (claimed := hardware_claim(usb)):
        crypt, why, evidence = Crypt.CLAIMED_HARDWARE, "", (*evidence, Evidence("hardware_list", claimed))
    return Volume(
        device=drive,
        attach=attach,
        bus=bus,
        crypt=crypt,
        evidence=evidence,
        why="no medium is in it" if not has_medium else why,
        disk=f"disk{disk.number}" if disk is not None else drive,
        filesystem=written.filesystem if written is not None else "",
        label=written.label if written is not None else "",
        uuid=f"{written.serial:08X}" if written is not None else "",
        size_bytes=written.size_bytes if written is not None else None,
        is_read_only=bool(written.flags & READ_ONLY_VOLUME) if written is not None else None,
        mount_points=(f"{drive}\\",) if written is not None else (),
        usb=usb,
        insertion_id=f"{target}#{written.serial:08X}" if written is not None else target,
        is_system=is_system,
        has_medium=has_medium,
    )


def usb_of(instance: str) -> Usb | None:
    r"""Read an instance id like `USB\VID_0951&PID_1693\001CC0`.

    A serial number whose second character is `&` was made up by Windows for a device that has none.
    """
    read = _INSTANCE.fullmatch(instance)
    if read is None:
        return None
    serial = "" if read[3][1:2] == "&" else read[3]
    return Usb(read[1].lower(), read[2].lower(), serial)


def _attach(kind: int, bus: Bus, *, is_system: bool) -> Attach:
    if kind == _REMOTE:
        return Attach.NETWORK
    if kind == _OPTICAL:
        return Attach.OPTICAL
    if kind == _RAM or bus is Bus.VIRTUAL:
        return Attach.VIRTUAL
    if is_system:
        return Attach.FIXED
    # Windows calls many USB disks and large sticks fixed.
    if kind == _REMOVABLE or bus in _OUTSIDE:
        return Attach.REMOVABLE
    return Attach.FIXED if kind == _FIXED else Attach.UNKNOWN


def _disk(windows: Windows, drive: str) -> Disk | None:
    try:
        return windows.disk(drive)
    except OSError:
        return None


def _label(windows: Windows, drive: str, kind: int) -> tuple[Label | None, OSError | None]:
    if kind == _REMOTE:
        return None, None
    try:
        return windows.label(drive), None
    except OSError as error:
        return None, error


def _judge(
    windows: Windows, drive: str, target: str, bitlocker: BitLocker | None, refused: OSError | None
) -> tuple[Crypt, str, tuple[Evidence, ...]]:
    """Say whether a drive is encrypted, why that is not known, and by what; the surest source first."""
    if target.casefold().startswith(_VERACRYPT):
        return Crypt.ENCRYPTED, "", (Evidence("dos_device", "VeraCryptVolume"),)
    evidence: tuple[Evidence, ...] = ()
    shell, why = _shell(windows, drive)
    if shell is not None:
        evidence = (Evidence("shell.BitLockerProtection", str(shell)),)
    if bitlocker is not None:
        said = f"protection {bitlocker.protection}, conversion {bitlocker.conversion}, lock {bitlocker.lock}"
        evidence = (Evidence("wmi.Win32_EncryptableVolume", said, privilege="root"), *evidence)
        if (crypt := _of_methods(bitlocker)) is not None:
            return crypt, "", evidence
    if refused is not None and getattr(refused, "winerror", None) == LOCKED_VOLUME:
        return Crypt.ENCRYPTED_LOCKED, "", (*evidence, Evidence("volume.error", "FVE_E_LOCKED_VOLUME"))
    if shell in _SHELL:
        return _SHELL[shell], "", evidence
    return Crypt.UNKNOWN, why or "Windows does not say whether this drive is encrypted", evidence


def _shell(windows: Windows, drive: str) -> tuple[int | None, str]:
    try:
        return windows.shell_protection(drive), ""
    except OSError as error:
        return None, _reason(error)


def _of_methods(said: BitLocker) -> Crypt | None:
    if said.lock == 1:
        return Crypt.ENCRYPTED_LOCKED
    if said.conversion == _FULLY_DECRYPTED:
        return Crypt.PLAIN
    if said.conversion != _FULLY_ENCRYPTED:
        return Crypt.CONVERTING
    return {0: Crypt.SUSPENDED, 1: Crypt.ENCRYPTED}.get(said.protection)


def _reason(error: OSError) -> str:
    return f"Windows could not be asked about this drive: {error.strerror or error}"
