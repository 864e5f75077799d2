"""What lies on what: devices on devices, file systems on devices, images on file systems.

It knows the graph only; it must not learn what is encrypted, nor read a device.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Final

from collectors.block_devices import BlockDevice
from collectors.machine import Machine
from collectors.mountinfo import Mount

SWAP: Final = "swap"
_SYSTEM_POINTS: Final = frozenset({"/", "/boot", "/usr", "/var", "/home", "/efi", "/cdrom", "/run/live/medium", SWAP})


def is_system_point(point: str) -> bool:
    """Say whether this computer runs from what is mounted here."""
    return point in _SYSTEM_POINTS or point.startswith("/boot/")


@dataclass
class DeviceStack:
    """The devices and mounts of one look.

    Args:
        mounts: those that can be reached.
    """

    machine: Machine
    devices: Mapping[str, BlockDevice]
    mounts: tuple[Mount, ...]

    @cached_property
    def above(self) -> Mapping[str, tuple[str, ...]]:
        """What lies directly on each device. The kernel tells it twice, and it may change between the two."""
        found: dict[str, set[str]] = defaultdict(set)
        for device in self.devices.values():
            for slave in device.slaves:
                found[slave].add(device.name)
            found[device.name].update(holder for holder in device.holders if holder in self.devices)
        return {name: tuple(sorted(upper - {name})) for name, upper in found.items()}

    @cached_property
    def divided(self) -> frozenset[str]:
        """The disks that have partitions."""
        return frozenset(device.disk for device in self.devices.values() if device.is_partition)

    @cached_property
    def mounted(self) -> Mapping[str, tuple[Mount, ...]]:
        """What is mounted directly from each device, active swap included."""
        found: dict[str, list[Mount]] = defaultdict(list)
        for mount in (*self.mounts, *self._swaps()):
            for name in self.devices_of(mount):
                found[name].append(mount)
        return {name: tuple(mounts) for name, mounts in found.items()}

    def devices_of(self, mount: Mount) -> tuple[str, ...]:
        """Find the devices that a file system lies on; none for a share, or where they are gone."""
        device = self._by_number.get(mount.device)
        if device is not None:
            return (device.name,)
        # Some have no number of a device, because they may lie on several: btrfs, and most that run as programs.
        if not mount.device.startswith("0:") or not mount.source.startswith("/dev/"):
            return ()
        name = self._name_of(mount.source)
        if name is None:
            return ()
        return self._btrfs_devices.get(name, (name,)) if mount.filesystem == "btrfs" else (name,)

    def mounts_on(self, name: str) -> tuple[Mount, ...]:
        """Give what is mounted from a device and from all that lies on it."""
        names = _reach(name, lambda one: self.above.get(one, ()))
        return tuple(dict.fromkeys(mount for one in names for mount in self.mounted.get(one, ())))

    def ground(self, names: Iterable[str], *, ends: Callable[[BlockDevice], bool]) -> tuple[BlockDevice, ...]:
        """Give what these devices lie on in the end.

        Args:
            ends: says where to go no deeper; such a device is among the answers.
        """

        def below(name: str) -> tuple[str, ...]:
            device = self.devices.get(name)
            return () if device is None or ends(device) else self._directly_below(device)

        reached = {one for name in names for one in _reach(name, below)}
        return tuple(self.devices[one] for one in sorted(reached) if one in self.devices and not below(one))

    def backing(self, device: BlockDevice) -> Mount | None:
        """Find the mount that the file behind a loop device lies on."""
        if not device.backing_file.startswith("/"):
            return None
        here = PurePosixPath(device.backing_file.removesuffix(" (deleted)"))
        return next((self._by_point[str(one)] for one in (here, *here.parents) if str(one) in self._by_point), None)

    @cached_property
    def system(self) -> frozenset[str]:
        """The devices that this computer runs from, and all that lies below them."""
        starts = [
            name for name, mounts in self.mounted.items() if any(is_system_point(mount.point) for mount in mounts)
        ]

        def below(name: str) -> tuple[str, ...]:
            device = self.devices.get(name)
            return () if device is None else (*self._directly_below(device), device.disk)

        return frozenset(one for start in starts for one in _reach(start, below))

    def _directly_below(self, device: BlockDevice) -> tuple[str, ...]:
        mount = self.backing(device)
        below = () if mount is None else self.devices_of(mount)
        return tuple(name for name in (*device.slaves, *below) if name in self.devices and name != device.name)

    def _swaps(self) -> Iterator[Mount]:
        text = self.machine.word("/proc/swaps") or ""
        for line in text.split("\n")[1:]:
            fields = line.split()
            if len(fields) > 1 and fields[1] == "partition":
                yield Mount("0:0", "/", SWAP, SWAP, fields[0], frozenset())

    @cached_property
    def _by_number(self) -> Mapping[str, BlockDevice]:
        return {device.number: device for device in self.devices.values()}

    @cached_property
    def _by_dm_name(self) -> Mapping[str, str]:
        return {device.dm_name: device.name for device in self.devices.values() if device.dm_name}

    @cached_property
    def _by_point(self) -> Mapping[str, Mount]:
        return {mount.point: mount for mount in self.mounts}

    @cached_property
    def _btrfs_devices(self) -> Mapping[str, tuple[str, ...]]:
        """All the devices of the file system that each one is a part of."""
        return {
            name: members
            for uuid in self.machine.names("/sys/fs/btrfs")
            if (members := self.machine.names(f"/sys/fs/btrfs/{uuid}/devices"))
            for name in members
        }

    def _name_of(self, node: str) -> str | None:
        """Find the device behind a device file."""
        written = node.removeprefix("/dev/").replace("/", "!")
        if written in self.devices:
            return written
        if node.startswith("/dev/mapper/") and (name := self._by_dm_name.get(node.removeprefix("/dev/mapper/"))):
            return name
        try:
            real = self.machine.path(node).resolve(strict=True).name
        except (OSError, RuntimeError, ValueError):
            return None
        return real if real in self.devices else None


def _reach(start: str, step: Callable[[str], Iterable[str]]) -> tuple[str, ...]:
    """Give everything that can be reached, the nearest first; nothing twice, so that a circle ends."""
    found = dict.fromkeys((start,))
    waiting = [start]
    for name in waiting:
        for further in step(name):
            if further not in found:
                found[further] = None
                waiting.append(further)
    return tuple(found)
