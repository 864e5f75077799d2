"""What a laptop told, as its collectors tell it."""

from typing import Any

from collectors.volume import Attach, Bus, Crypt, Usb, Volume

STICK = Volume(
    device="sdb1",
    attach=Attach.REMOVABLE,
    bus=Bus.USB,
    crypt=Crypt.PLAIN,
    disk="sdb",
    label="PUPILS",
    size_bytes=32_010_928_128,
    is_read_only=False,
    mount_points=("/media/x",),
    usb=Usb("0951", "1666", "S1", "DataTraveler"),
    insertion_id="26",
).facts()
WRITES: dict[str, Any] = {
    "volume": "1234-ABCD",
    "device": "sdb1",
    "insertion": "26",
    "since": 5.0,
    "until": 9.0,
    "files": 3,
    "bytes": 3_100_000,
    "removed": 0,
    "kinds": {"pdf": 2, "docx": 1},
    "names": ["0" * 32],
    "names_left_out": 2,
    "total_files": 3,
    "total_bytes": 3_100_000,
    "total_removed": 0,
    "sizes_unknown": 0,
    "coverage": "complete",
    "why": [],
    "source": "inotify",
    "last": False,
    "clean": None,
}
PROGRAM = {"device": "sdb1", "place": "volume", "name": "0" * 32, "form": "exe", "signature": "none", "why": ""}
