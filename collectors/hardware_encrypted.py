"""Devices that are said to encrypt by themselves, by vendor and product, and where a school wants by serial.

That they do is their maker's claim: some were broken. What is found here is never more than CLAIMED_HARDWARE.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

import yaml

from collectors.volume import HardwareClaim, Usb

# "0951:160d", or with a serial number "0951:160d:001CC0".
ENTRY: Final = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}(?::[^\s:]{1,128})?")


def claims(devices: Mapping[str, str]) -> HardwareClaim:
    """Make what answers for a list of devices.

    Args:
        devices: names by `vendor:product` or `vendor:product:serial`, hexadecimal digits in lower case; an empty
            name says that a device is not one after all.

    Raises:
        ValueError: an entry is written otherwise.
    """
    if wrong := next((entry for entry in devices if not ENTRY.fullmatch(entry)), None):
        raise ValueError(f"found {wrong!r}; a device is written as 0951:160d, or with its serial as 0951:160d:001CC0")
    known = dict(devices)

    def claimed(usb: Usb) -> str | None:
        model = f"{usb.vendor_id}:{usb.product_id}"
        name = known.get(f"{model}:{usb.serial}")
        return (known.get(model) if name is None else name) or None

    return claimed


@cache
def shipped() -> Mapping[str, str]:
    """Give the list that ships with the product."""
    text = (files("collectors") / "data" / "hardware_encrypted.yaml").read_text(encoding="utf-8")
    devices: Mapping[str, str] = yaml.safe_load(text)["devices"]
    return devices
