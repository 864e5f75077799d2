"""The volumes of a Linux computer: what the kernel, the headers and udev say, put together into one verdict each.

A volume is a place on a medium: a partition, or a device without any. What is opened on top of it (LUKS, LVM, RAID)
belongs to it, so that a stick stays the same volume when it is unlocked. A file system that lies on several devices
is on each of them, and each is judged by itself: of a group over an encrypted and a plain device, one is plain.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from collectors.block_devices import MOST_DEVICES, SECTOR_BYTES, BlockDevice, read_block_devices
from collectors.device_stack import DeviceStack, is_system_point
from collectors.machine import Machine
from collectors.mountinfo import FilesystemClass, Mount, is_plain_type, parse_mountinfo, reachable
from collectors.phones import look_for_phones
from collectors.udev_database import read_udev, udev_label
from collectors.udisks import read_udisks
from collectors.volume import Attach, Bus, Crypt, Evidence, HardwareClaim, Volume, no_hardware_claim, worst
from collectors.volume_header import Header, read_header_of

# Layers upon layers: LUKS on LVM on RAID is three. More than this somebody built to get lost in.
_MOST_LAYERS: Final = 16
_ZFS_COMMAND: Final = ("zfs", "get", "-H", "-t", "filesystem", "-o", "name,value", "encryption")
_ZFS_SECONDS: Final = 10.0
_STATES_OF_KINDS: Final = {
    "crypto_LUKS": Crypt.ENCRYPTED_LOCKED,
    "BitLocker": Crypt.ENCRYPTED_LOCKED,
    "cs_fvault2": Crypt.MAYBE_ENCRYPTED,
}


class Verdict(NamedTuple):
    """A state, what it rests on, and why it could not be known where it is UNKNOWN."""

    crypt: Crypt
    evidence: tuple[Evidence, ...] = ()
    why: str = ""


def look(
    machine: Machine, *, claims: HardwareClaim = no_hardware_claim, most: int = MOST_DEVICES
) -> tuple[Volume, ...]:
    """Look once at every volume of this computer.

    Needs no right; with the right to read devices it also knows those that are not mounted. It hangs where a device
    does, so who calls it has a time limit.

    Args:
        claims: knows the devices that encrypt by themselves.
        most: how many block devices are looked at; that there are more is told by a volume without a name.

    Raises:
        OSError: it cannot be known what is mounted.
    """
    mounts = reachable(parse_mountinfo(machine.text("/proc/self/mountinfo")))
    devices = read_block_devices(machine, most=most)
    seen = _Look(machine, claims, DeviceStack(machine, devices, mounts))
    return (
        *(volume for device in devices.values() if (volume := seen.volume(device)) is not None),
        *seen.without_device(),
        *look_for_phones(machine),
        *_left_out(machine, most),
    )


@dataclass
class _Look:
    """One look."""

    machine: Machine
    claims: HardwareClaim
    stack: DeviceStack
    _headers: dict[str, Header] = field(default_factory=dict)
    _verdicts: dict[str, Verdict] = field(default_factory=dict)
    _told: Mapping[str, str] | None = None

    def volume(self, device: BlockDevice) -> Volume | None:
        """Describe a place on a medium; None for what is none."""
        if not self._is_place(device):
            return None
        if not device.size_bytes:
            return self._described(device, Verdict(Crypt.UNKNOWN, why="there is no medium in it"))
        volume = self._described(device, self._claimed(device, self._verdict(device, _MOST_LAYERS)))
        mounts = self.stack.mounts_on(device.name)
        header = self._headers.get(device.name, Header("", Crypt.UNKNOWN))
        told = read_udev(self.machine, device.number)
        return replace(
            volume,
            filesystem=next((mount.filesystem for mount in mounts), "") or told.get("ID_FS_TYPE", "") or header.kind,
            label=header.label or udev_label(told),
            uuid=header.uuid or told.get("ID_FS_UUID", ""),
            mount_points=tuple(mount.point for mount in mounts),
            is_read_only=all(mount.is_read_only for mount in mounts) if mounts else device.is_read_only,
        )

    def _is_place(self, device: BlockDevice) -> bool:
        is_used = bool(self.stack.above.get(device.name) or self.stack.mounted.get(device.name))
        if any(slave in self.stack.devices for slave in device.slaves):
            return False  # It is what is opened on another.
        if device.name.startswith(("ram", "zram")):
            return False  # It is gone when the power is.
        if device.name in self.stack.divided:
            return is_used  # Its partitions are.
        if device.is_partition and 0 < device.size_bytes <= 2 * SECTOR_BYTES:
            return False  # It is the frame around the logical partitions.
        is_idle = not (device.backing_file or is_used or device.encrypting())
        return not (device.connection.bus is Bus.VIRTUAL and (is_idle or not device.size_bytes))

    def _described(self, device: BlockDevice, verdict: Verdict) -> Volume:
        wires = device.connection
        is_system = self._is_system(device)
        flag = (Evidence("sysfs.removable", "1"),) if device.is_flagged_removable else ()
        return Volume(
            device=device.name,
            disk=device.disk,
            attach=_attach(device, is_system=is_system),
            bus=wires.bus,
            crypt=verdict.crypt,
            evidence=(*verdict.evidence, *flag, *wires.evidence),
            why=verdict.why,
            size_bytes=device.size_bytes or None,
            is_read_only=device.is_read_only,
            usb=wires.usb,
            insertion_id=device.diskseq,
            is_system=is_system,
            has_medium=bool(device.size_bytes),
        )

    def _is_system(self, device: BlockDevice) -> bool:
        return device.name in self.stack.system or device.disk in self.stack.system

    def _verdict(self, device: BlockDevice, layers: int) -> Verdict:
        """Judge what is written to a device: by what is opened on it, what is mounted from it, what stands on it."""
        # Once each: two ways may lead to what is opened on several devices.
        if device.name not in self._verdicts:
            self._verdicts[device.name] = self._new_verdict(device, layers)
        return self._verdicts[device.name]

    def _new_verdict(self, device: BlockDevice, layers: int) -> Verdict:
        itself = device.encrypting()
        if itself is not None:
            return Verdict(Crypt.ENCRYPTED, (itself,))
        uppers = [self.stack.devices[name] for name in self.stack.above.get(device.name, ())]
        mounts = self.stack.mounted.get(device.name, ())
        if not layers:
            return Verdict(Crypt.UNKNOWN, why=f"more than {_MOST_LAYERS} devices lie upon each other")
        verdicts = [self._verdict(upper, layers - 1) for upper in uppers]
        if mounts:
            verdicts.append(self._mounted(device, mounts))
        return _worst_of(verdicts) if verdicts else self._unmounted(device)

    def _mounted(self, device: BlockDevice, mounts: tuple[Mount, ...]) -> Verdict:
        evidence = tuple(Evidence("mountinfo.filesystem", name) for name in sorted({m.filesystem for m in mounts}))
        below = self._backing(device)
        if below is not None:
            return below._replace(evidence=(*evidence, *below.evidence))
        header, seen, why = self._header(device)
        if header is not None and header.kind == "bitlocker_to_go":
            return Verdict(Crypt.ENCRYPTED_LOCKED, (*evidence, *seen))
        # What is mounted without a layer that encrypts is readable, whatever its first sector claims to be.
        odd = next((mount.filesystem for mount in mounts if not is_plain_type(mount.filesystem)), None)
        if odd is not None:
            return Verdict(Crypt.UNKNOWN, (*evidence, *seen), f"it is not known here whether {odd} encrypts")
        if header is None and any(self._shows_to_go_reader(mount) for mount in mounts):
            return Verdict(Crypt.UNKNOWN, evidence, f"it shows the reader of BitLocker To Go, and {why}")
        return Verdict(Crypt.PLAIN, (*evidence, *seen))

    def _shows_to_go_reader(self, mount: Mount) -> bool:
        """Say whether it shows what BitLocker puts in front for old Windows; anybody could put it there as well."""
        try:
            return mount.filesystem == "vfat" and (self.machine.path(mount.point) / "BitLockerToGo.exe").exists()
        except (OSError, ValueError):
            return False

    def _unmounted(self, device: BlockDevice) -> Verdict:
        header, evidence, why = self._header(device)
        if header is None:
            told = read_udev(self.machine, device.number).get("ID_FS_TYPE", "")
            if told:
                return _of_kind("udev.ID_FS_TYPE", told)
            told = self._by_udisks(device.number) if device.connection.is_unpluggable else ""
            return _of_kind("udisks.IdType", told) if told else Verdict(Crypt.UNKNOWN, why=why)
        below = self._backing(device) if header.crypt is Crypt.PLAIN else None
        if below is not None:
            return below._replace(evidence=(*evidence, *below.evidence))
        return Verdict(header.crypt, evidence, header.why)

    def _by_udisks(self, number: str) -> str:
        if self._told is None:
            self._told = read_udisks(self.machine)
        return self._told.get(number, "")

    def _header(self, device: BlockDevice) -> tuple[Header | None, tuple[Evidence, ...], str]:
        """Read what a device begins with: of what people plug in, and of images. A disk inside is left to sleep."""
        wires = device.connection
        is_worth_it = wires.is_unpluggable or device.is_flagged_removable or device.backing_file
        if wires.is_optical:
            return None, (), "an optical disc is not read"
        if self._is_system(device) or not is_worth_it:
            return None, (), "a disk that stays in the computer is not read"
        try:
            header = read_header_of(self.machine.path(device.node))
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            return None, (), f"its first sectors could not be read: {reason}"
        self._headers[device.name] = header
        return header, (Evidence("header", header.kind, privilege="root"),), header.why

    def _backing(self, device: BlockDevice) -> Verdict | None:
        """Judge an image by what its file lies on; None for what is no image.

        The name of the file is a person's own, and does not become evidence.
        """
        if not device.backing_file:
            return None
        mount = self.stack.backing(device)
        if mount is None:
            return Verdict(Crypt.UNKNOWN, why="it cannot be known what its file lies on")
        evidence = Evidence("loop.backing", mount.filesystem)
        if mount.filesystem_class in {FilesystemClass.OPENED_CONTAINER, FilesystemClass.ENCRYPTED_FOLDER}:
            return Verdict(Crypt.ENCRYPTED, (evidence,))
        ground = self.stack.ground(self.stack.devices_of(mount), ends=lambda one: one.encrypting() is not None)
        if not ground:
            return Verdict(Crypt.UNKNOWN, (evidence,), f"its file lies on {mount.filesystem}")
        reasons = [(one, one.encrypting()) for one in ground]
        crypt = worst(Crypt.PLAIN if reason is None else Crypt.ENCRYPTED for _, reason in reasons)
        return Verdict(
            crypt,
            tuple(reason or Evidence("loop.backing", f"{mount.filesystem} on {one.name}") for one, reason in reasons),
        )

    def _claimed(self, device: BlockDevice, verdict: Verdict) -> Verdict:
        usb = device.connection.usb
        is_open = verdict.crypt in {Crypt.PLAIN, Crypt.UNKNOWN, Crypt.MAYBE_ENCRYPTED}
        name = self.claims(usb) if usb is not None and is_open else None
        if name is None:
            return verdict
        return Verdict(Crypt.CLAIMED_HARDWARE, (Evidence("list.hardware_encrypted", name), *verdict.evidence))

    def without_device(self) -> Iterator[Volume]:
        """Describe what is mounted from elsewhere: shares, encrypted folders, ZFS, and devices that are gone."""
        has_zfs = any(mount.filesystem_class is FilesystemClass.ZFS for mount in self.stack.mounts)
        zfs = self._zfs() if has_zfs else {}
        for mount in self.stack.mounts:
            if not self.stack.devices_of(mount) and (volume := _elsewhere(mount, zfs)) is not None:
                yield volume

    def _zfs(self) -> Mapping[str, Verdict]:
        output = self.machine.run(_ZFS_COMMAND, _ZFS_SECONDS)
        lines = (line.partition("\t") for line in output.text.split("\n") if output.is_good)
        return {
            name: Verdict(Crypt.PLAIN if value == "off" else Crypt.ENCRYPTED, (Evidence("zfs.encryption", value),))
            for name, _, value in lines
            if value not in {"", "-"}
        }


def _worst_of(verdicts: list[Verdict]) -> Verdict:
    crypt = worst(verdict.crypt for verdict in verdicts)
    evidence = tuple(dict.fromkeys(piece for verdict in verdicts for piece in verdict.evidence))
    return Verdict(crypt, evidence, next((one.why for one in verdicts if one.crypt is crypt and one.why), ""))


def _of_kind(source: str, kind: str) -> Verdict:
    evidence = (Evidence(source, kind),)
    crypt = Crypt.PLAIN if is_plain_type(kind) else _STATES_OF_KINDS.get(kind, Crypt.UNKNOWN)
    return Verdict(crypt, evidence, f"it is not known here whether {kind} encrypts" if crypt is Crypt.UNKNOWN else "")


def _attach(device: BlockDevice, *, is_system: bool) -> Attach:
    """Say how a device is attached: neither flag nor wire is enough, and what the computer runs from stays."""
    if device.connection.is_optical:
        return Attach.OPTICAL
    if (device.connection.is_unpluggable or device.is_flagged_removable) and not is_system:
        return Attach.REMOVABLE
    return Attach.VIRTUAL if device.connection.bus is Bus.VIRTUAL else Attach.FIXED


def _elsewhere(mount: Mount, zfs: Mapping[str, Verdict]) -> Volume | None:
    attach, verdict = _judged_elsewhere(mount, zfs)
    if verdict is None:
        return None
    return Volume(
        device=mount.source if mount.device.startswith("0:") else mount.device,
        attach=attach,
        bus=Bus.UNKNOWN,
        crypt=verdict.crypt,
        evidence=(*verdict.evidence, Evidence("mountinfo.filesystem", mount.filesystem)),
        why=verdict.why,
        filesystem=mount.filesystem,
        is_read_only=mount.is_read_only,
        mount_points=(mount.point,),
        is_system=is_system_point(mount.point),
    )


def _judged_elsewhere(mount: Mount, zfs: Mapping[str, Verdict]) -> tuple[Attach, Verdict | None]:
    match mount.filesystem_class:
        case FilesystemClass.NETWORK:
            return Attach.NETWORK, Verdict(Crypt.UNKNOWN, why="it lies on another computer")
        case FilesystemClass.ENCRYPTED_FOLDER:
            return Attach.VIRTUAL, Verdict(Crypt.ENCRYPTED)
        case FilesystemClass.ZFS:
            silent = Verdict(Crypt.UNKNOWN, why="zfs did not say whether it is encrypted")
            return Attach.UNKNOWN, zfs.get(mount.source, silent)
        case FilesystemClass.PLAIN | FilesystemClass.BLOCK:
            return Attach.UNKNOWN, Verdict(Crypt.UNKNOWN, why="its device is not there")
        case FilesystemClass.VIRTUAL if mount.point == "/":
            return Attach.VIRTUAL, Verdict(Crypt.UNKNOWN, why=f"it is not known what {mount.filesystem} lies on")
        case _:
            return Attach.VIRTUAL, None


def _left_out(machine: Machine, most: int) -> Iterator[Volume]:
    """Say that there were more devices than are looked at."""
    total = len(machine.names("/sys/class/block"))
    if total > most:
        why = f"only {most} of {total} devices were looked at"
        yield Volume(device="", attach=Attach.UNKNOWN, bus=Bus.UNKNOWN, crypt=Crypt.UNKNOWN, why=why)
