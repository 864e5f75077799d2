"""Phones and cameras on the universal serial bus of a Linux computer.

They show no device for their files: that they are there is all that can be known.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from collectors.block_devices import read_usb
from collectors.machine import Machine
from collectors.udev_database import read_udev
from collectors.volume import Attach, Bus, Crypt, Evidence, Volume

_FOLDER: Final = "/sys/bus/usb/devices"
_INTERFACE: Final = re.compile(r"[\d.-]+:\d+\.\d+")
# Source: USB Still Image Capture Device Definition 1.0: class, subclass, protocol.
_STILL_IMAGE: Final = ("06", "01", "01")
_KINDS: Final = ("bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol")


def look_for_phones(machine: Machine) -> Iterator[Volume]:
    """Find those that are plugged in and offer their files."""
    interfaces: dict[str, list[str]] = defaultdict(list)
    names = machine.names(_FOLDER)
    for name in names:
        if _INTERFACE.fullmatch(name):
            interfaces[name.partition(":")[0]].append(name)
    for name in names:
        evidence = _evidence(machine, name, interfaces.get(name, ()))
        usb = None if evidence is None else read_usb(machine.path(f"{_FOLDER}/{name}"))
        if evidence is not None and usb is not None:
            yield Volume(
                device=name,
                attach=Attach.PHONE,
                bus=Bus.USB,
                crypt=Crypt.UNKNOWN,
                evidence=(evidence,),
                why="a phone or a camera does not tell",
                usb=usb,
                insertion_id=machine.word(f"{_FOLDER}/{name}/devnum") or "",
            )


def _evidence(machine: Machine, name: str, interfaces: Iterable[str]) -> Evidence | None:
    for interface in interfaces:
        found = tuple(machine.word(f"{_FOLDER}/{interface}/{kind}") or "" for kind in _KINDS)
        if found == _STILL_IMAGE:
            return Evidence("sysfs.usb_interface", "/".join(found))
        # Most phones have an interface of their maker's own class, and its name says what it is.
        if machine.word(f"{_FOLDER}/{interface}/interface") == "MTP":
            return Evidence("sysfs.usb_interface", "MTP")
    number = machine.word(f"{_FOLDER}/{name}/dev")
    if number is not None and read_udev(machine, number, kind="c").get("ID_MTP_DEVICE") == "1":
        return Evidence("udev.ID_MTP_DEVICE", "1")
    return None
