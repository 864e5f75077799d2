"""What UDisks says of block devices, where it runs: evidence beside the kernel's own, by `busctl` and no right.

It is asked only if neither a header nor udev told, and never started by being asked.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, Final

from collectors.machine import Machine

SECONDS: Final = 3.0
_COMMAND: Final = (
    "busctl", "--auto-start=no", "--json=short", "--timeout=2", "call", "org.freedesktop.UDisks2",
    "/org/freedesktop/UDisks2", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
)  # fmt: skip
_BLOCK: Final = "org.freedesktop.UDisks2.Block"
_MOST: Final = 10_000


def read_udisks(machine: Machine) -> Mapping[str, str]:
    """Give the kinds of what is on block devices, as blkid calls them, by major and minor number: `8:17`."""
    output = machine.run(_COMMAND, SECONDS)
    return parse_udisks(output.text) if output.is_good else {}


def parse_udisks(text: str) -> Mapping[str, str]:
    """Read the answer; what is not as expected is left out."""
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    data = tree.get("data") if isinstance(tree, dict) else None
    objects = data[0] if isinstance(data, list) and data else None
    if not isinstance(objects, dict):
        return {}
    found: dict[str, str] = {}
    for interfaces in list(objects.values())[:_MOST]:
        block = interfaces.get(_BLOCK) if isinstance(interfaces, dict) else None
        number, kind = _value(block, "DeviceNumber"), _value(block, "IdType")
        if isinstance(number, int) and 0 < number < 1 << 64 and isinstance(kind, str) and kind:
            found[f"{os.major(number)}:{os.minor(number)}"] = kind
    return found


def _value(interface: Any, name: str) -> Any:
    told = interface.get(name) if isinstance(interface, dict) else None
    return told.get("data") if isinstance(told, dict) else None
