"""A computer in a folder: /proc, /sys, /run and /dev as Linux shows them, with the devices that a test plugs in.

Everything in it is made up; what matters is that `lsblk --sysroot` reads it as we do.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from collectors.machine import Machine, Output

PCI = "sys/devices/pci0000:00/0000:00:14.0"
MEGABYTE = 1 << 20


@dataclass
class LinuxTree:
    """A computer without any device yet, but for the mounts of every Linux."""

    root: Path
    mounts: list[str] = field(default_factory=lambda: ["22 27 0:21 / /proc rw - proc proc rw"])
    swaps: list[str] = field(default_factory=list)
    programs: dict[str, Output] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in ("proc/self", "sys/block", "sys/class/block", "sys/dev/block", "sys/bus/usb/devices", "dev"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.written()

    def machine(self) -> Machine:
        return Machine(root=self.root, programs=self._run, wall=lambda: 0.0, monotonic=lambda: 0.0)

    def _run(self, command: tuple[str, ...], _seconds: float) -> Output:
        return self.programs.get(command[0], Output(None, why=f"could not start {command[0]}"))

    def written(self) -> None:
        """Write what changes while the computer runs."""
        self.file("proc/self/mountinfo", "".join(f"{line}\n" for line in self.mounts))
        head = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        self.file("proc/swaps", head + "".join(f"{line}\n" for line in self.swaps))

    def file(self, place: str, text: str | bytes) -> Path:
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else os.fsencode(text))
        return path

    def link(self, place: str, target: str) -> None:
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(os.path.relpath(self.root / target, path.parent))

    # What is plugged in

    def usb_device(
        self, port: str, *, ids: str = "0951:1666", serial: str = "001CC0", product: str = "DataTraveler"
    ) -> str:
        """Plug a device into the universal serial bus; gives its folder."""
        folder = f"{PCI}/usb1/{port}"
        vendor, model = ids.split(":")
        for name, text in (("idVendor", vendor), ("idProduct", model), ("serial", serial), ("product", product)):
            if text:
                self.file(f"{folder}/{name}", f"{text}\n")
        self.file(f"{folder}/removable", "unknown\n")
        self.file(f"{folder}/devnum", "7\n")
        self._subsystem(f"{PCI}/usb1/{port}", "usb")
        self._subsystem(PCI, "pci")
        self.link(f"sys/bus/usb/devices/{port.rpartition('/')[2]}", folder)
        return folder

    def usb_disk(
        self, name: str, number: str, *, port: str = "1-2", removable: int = 1, megabytes: int = 64, **usb: str
    ) -> str:
        """Plug in a stick or a disk with a USB plug; gives the folder of the whole device."""
        device = self.usb_device(port, **usb)
        scsi = f"{device}/{port}:1.0/host6/target6:0:0/6:0:0:{number.split(':')[1]}"
        self._subsystem(scsi, "scsi")
        self.file(f"{scsi}/type", "0\n")
        return self.disk(f"{scsi}/block/{name}", number, removable=removable, megabytes=megabytes)

    def sata_disk(self, name: str, number: str, *, removable: int = 0, megabytes: int = 1024) -> str:
        """Give the computer a disk inside."""
        scsi = f"sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:{number.split(':')[1]}"
        self._subsystem(scsi, "scsi")
        self.file(f"{scsi}/type", "0\n")
        return self.disk(f"{scsi}/block/{name}", number, removable=removable, megabytes=megabytes)

    def disk(
        self, folder: str, number: str, *, removable: int = 0, megabytes: int = 64, diskseq: int | None = None
    ) -> str:
        """Add a whole device at any place below /sys/devices."""
        name = folder.rpartition("/")[2]
        sequence = 10 + int(number.split(":")[1]) if diskseq is None else diskseq
        self._block(folder, name, number, megabytes, f"DEVTYPE=disk\nDISKSEQ={sequence}\n")
        self.file(f"{folder}/removable", f"{removable}\n")
        self.file(f"{folder}/queue/logical_block_size", "512\n")
        self.link(f"sys/block/{name}", folder)
        return folder

    def partition(self, disk: str, index: int, *, megabytes: int = 32) -> str:
        """Divide a disk; gives the name of the part."""
        whole = disk.rpartition("/")[2]
        name = f"{whole}{'p' if whole[-1].isdigit() else ''}{index}"
        major, minor = (self.root / disk / "dev").read_text().strip().split(":")
        self._block(
            f"{disk}/{name}", name, f"{major}:{int(minor) + index}", megabytes, f"DEVTYPE=partition\nPARTN={index}\n"
        )
        self.file(f"{disk}/{name}/partition", f"{index}\n")
        return name

    def mapping(self, index: int, name: str, uuid: str, *slaves: str, megabytes: int = 30) -> str:
        """Open something on top of other devices; gives its name."""
        folder = f"sys/devices/virtual/block/dm-{index}"
        self.disk(folder, f"253:{index}", megabytes=megabytes)
        self.file(f"{folder}/dm/name", f"{name}\n")
        self.file(f"{folder}/dm/uuid", f"{uuid}\n" if uuid else "")
        for slave in slaves:
            below = os.path.relpath((self.root / "sys/class/block" / slave).resolve(), self.root.resolve())
            self.link(f"{folder}/slaves/{slave}", below)
            self.link(f"{below}/holders/dm-{index}", folder)
        return f"dm-{index}"

    def loop(self, index: int, backing_file: str, *, megabytes: int = 16) -> str:
        """Attach an image."""
        folder = f"sys/devices/virtual/block/loop{index}"
        self.disk(folder, f"7:{index}", megabytes=megabytes)
        self.file(f"{folder}/loop/backing_file", f"{backing_file}\n")
        return f"loop{index}"

    def unplug(self, name: str) -> None:
        """Take a device away, as it is when only its links are gone yet."""
        number = (self.root / "sys/class/block" / name / "dev").read_text().strip()
        for place in (f"sys/class/block/{name}", f"sys/block/{name}", f"sys/dev/block/{number}"):
            (self.root / place).unlink(missing_ok=True)

    def mount(
        self,
        name: str,
        point: str,
        filesystem: str = "vfat",
        *,
        options: str = "rw",
        number: str = "",
        source: str = "",
    ) -> None:
        """Mount a device, or anything that has no device of its own."""
        name = name.rpartition("/")[2]
        number = number or (self.root / "sys/class/block" / name / "dev").read_text().strip()
        point = point.replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011").replace("\n", "\\012")
        access = "ro" if "ro" in options.split(",") else "rw"
        source = source or f"/dev/{name}"
        self.mounts.append(
            f"{40 + len(self.mounts)} 22 {number} / {point} {options} - {filesystem} {source} {access}"
        )
        self.written()

    def unmount(self, point: str) -> None:
        self.mounts = [line for line in self.mounts if line.split(" ")[4] != point]
        self.written()

    def udev(self, number: str, **properties: str) -> None:
        """Let udev have seen a device."""
        lines = "".join(f"E:{key}={value}\n" for key, value in properties.items())
        self.file(f"run/udev/data/{number}", f"S:disk/by-id/x\nI:1234\n{lines}G:systemd\n")

    def content(self, name: str, image: bytes) -> None:
        """Let a device be readable, and begin like this."""
        self.file(f"dev/{name}", image)

    def _block(self, folder: str, name: str, number: str, megabytes: int, uevent: str) -> None:
        major, minor = number.split(":")
        self.file(f"{folder}/dev", f"{number}\n")
        self.file(f"{folder}/uevent", f"MAJOR={major}\nMINOR={minor}\nDEVNAME={name}\n{uevent}")
        self.file(f"{folder}/size", f"{megabytes * MEGABYTE // 512}\n")
        self.file(f"{folder}/ro", "0\n")
        for kind in ("slaves", "holders"):
            (self.root / folder / kind).mkdir(exist_ok=True)
        self.link(f"sys/class/block/{name}", folder)
        self.link(f"sys/dev/block/{number}", folder)

    def _subsystem(self, folder: str, name: str) -> None:
        (self.root / "sys/bus" / name).mkdir(parents=True, exist_ok=True)
        self.link(f"{folder}/subsystem", f"sys/bus/{name}")
