"""What udev wrote down about a device, where udev runs: /run/udev/data.

Evidence beside the kernel's own: it knows labels and types of file systems without the right to read the device.
"""

import os
import re
from collections.abc import Mapping
from typing import Final

from collectors.machine import Machine

_NUMBER: Final = re.compile(r"\d{1,10}:\d{1,10}")
_ESCAPED: Final = re.compile(rb"\\x([0-9a-fA-F]{2})")
_PROPERTIES: Final = 1_024


def read_udev(machine: Machine, number: str, *, kind: str = "b") -> Mapping[str, str]:
    """Read the properties of a device; none where udev does not run or knows nothing.

    Args:
        number: major and minor number, `8:17`.
        kind: `b` for block devices, `c` for character devices.
    """
    if not _NUMBER.fullmatch(number):
        return {}
    try:
        text = machine.text(f"/run/udev/data/{kind}{number}")
    except OSError:
        return {}
    return parse_udev(text)


def parse_udev(text: str) -> Mapping[str, str]:
    """Read the properties, which are the lines that begin with `E:`; other lines are left out."""
    properties: dict[str, str] = {}
    for line in text.split("\n"):
        key, equals, value = line[2:].partition("=")
        if line.startswith("E:") and equals and key and len(properties) < _PROPERTIES:
            properties[key] = value
    return properties


def udev_label(properties: Mapping[str, str]) -> str:
    """Give the label as it is on the medium; udev's readable form has characters replaced."""
    written = properties.get("ID_FS_LABEL_ENC")
    if written is None:
        return properties.get("ID_FS_LABEL", "")
    octets = _ESCAPED.sub(lambda found: bytes((int(found[1], 16),)), os.fsencode(written))
    return octets.decode("utf-8", "surrogateescape")
