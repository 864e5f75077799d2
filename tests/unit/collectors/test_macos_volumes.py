"""The volumes of a Mac, from property lists of our own making with the keys that real ones have."""

import json
import plistlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.hardware_encrypted import claims
from collectors.machine import Machine, Output
from collectors.macos_volumes import MOST_VOLUMES, look
from collectors.volume import Attach, Bus, Crypt, Volume

STICK = {
    "WholeDisk": True,
    "ParentWholeDisk": "disk4",
    "BusProtocol": "USB",
    "RemovableMediaOrExternalDevice": True,
    "Internal": False,
    "TotalSize": 16_000_000_000,
}
EXFAT = {
    "ParentWholeDisk": "disk4",
    "FilesystemType": "exfat",
    "VolumeName": "PUPILS",
    "MountPoint": "/Volumes/PUPILS",
    "RemovableMediaOrExternalDevice": True,
    "WritableVolume": True,
    "TotalSize": 15_990_000_000,
}
# An APFS volume stands on a disk in memory (disk5) whose store is a part of the stick (disk4s2).
APFS = {
    "ParentWholeDisk": "disk5",
    "FilesystemType": "apfs",
    "VolumeName": "Staff",
    "VolumeUUID": "00000000-0000-0000-0000-000000000005",
    "APFSPhysicalStores": [{"APFSPhysicalStore": "disk4s2"}],
    "RemovableMediaOrExternalDevice": True,
    "TotalSize": 15_000_000_000,
}
STORE = {"ParentWholeDisk": "disk4", "Content": "Apple_APFS", "BusProtocol": "USB"}
INTERNAL = {
    "WholeDisk": True,
    "ParentWholeDisk": "disk0",
    "BusProtocol": "Apple Fabric",
    "RemovableMediaOrExternalDevice": False,
    "TotalSize": 500_000_000_000,
}
DATA = {
    "ParentWholeDisk": "disk0",
    "FilesystemType": "apfs",
    "MountPoint": "/System/Volumes/Data",
    "RemovableMediaOrExternalDevice": False,
    "TotalSize": 400_000_000_000,
}
PROFILED = {
    "SPUSBDataType": [
        {
            "_name": "USB31Bus",
            "_items": [
                {
                    "_name": "Vault",
                    "vendor_id": "0x0951  (Kingston Technology Company)",
                    "product_id": "0x160d",
                    "serial_num": "001CC0",
                    "Media": [{"bsd_name": "disk4", "size_in_bytes": 1}],
                }
            ],
        }
    ]
}


def mac(root: Path, disks: Mapping[str, Mapping[str, Any]], *, profiled: object = None) -> Machine:
    """A Mac that answers for these disks; what it does not know is an error, as of the real one."""

    def programs(command: tuple[str, ...], _seconds: float) -> Output:
        if command[0] == "system_profiler":
            return Output(0, json.dumps(profiled).encode())
        if command == ("diskutil", "list", "-plist"):
            return Output(0, plistlib.dumps({"AllDisks": list(disks)}))
        name = command[-1]
        known = disks.get(name)
        if known is None:
            return Output(1, plistlib.dumps({"Error": True, "ErrorMessage": "No such disk"}))
        return Output(0, plistlib.dumps({"DeviceIdentifier": name, **known}, fmt=plistlib.FMT_BINARY))

    return Machine(root=root, programs=programs, platform="darwin")


def of(root: Path, device: str, disks: Mapping[str, Mapping[str, Any]]) -> Volume:
    return next(volume for volume in look(mac(root, disks)) if volume.device == device)


def test_a_stick(tmp_path: Path) -> None:
    (stick,) = look(mac(tmp_path, {"disk4": STICK, "disk4s1": EXFAT}, profiled=PROFILED))
    assert (stick.attach, stick.bus, stick.crypt) == (Attach.REMOVABLE, Bus.USB, Crypt.PLAIN)
    assert (stick.label, stick.disk, stick.mount_points) == ("PUPILS", "disk4", ("/Volumes/PUPILS",))
    assert stick.is_read_only is False
    assert stick.usb is not None
    assert (stick.usb.vendor_id, stick.usb.product_id, stick.usb.serial) == ("0951", "160d", "001CC0")


def test_a_stick_whose_maker_says_that_it_encrypts(tmp_path: Path) -> None:
    machine = mac(tmp_path, {"disk4": STICK, "disk4s1": EXFAT}, profiled=PROFILED)
    (stick,) = look(machine, hardware_claim=claims({"0951:160d": "Vault"}))
    assert stick.crypt is Crypt.CLAIMED_HARDWARE


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"Encryption": True, "FileVault": True}, Crypt.ENCRYPTED),
        ({"Encryption": True, "FileVault": True, "Locked": True}, Crypt.ENCRYPTED_LOCKED),
        ({"Encryption": True}, Crypt.ENCRYPTED),
        ({"FileVault": False}, Crypt.PLAIN),
        ({"Encryption": False, "FileVault": False}, Crypt.PLAIN),
        ({"Encryption": True, "FileVault": False}, Crypt.UNKNOWN),
        ({"Encryption": False, "FileVault": True}, Crypt.UNKNOWN),
        ({"Encryption": True, "FileVault": True, "CryptoMigrationOn": True}, Crypt.CONVERTING),
        ({}, Crypt.UNKNOWN),
        ({"Encryption": "Yes", "FileVault": 1}, Crypt.UNKNOWN),
    ],
    ids=[
        "both", "locked", "encryption-only", "no-file-vault", "neither", "contradiction", "the-other-contradiction",
        "converting", "says-nothing", "not-truth-values",
    ],
)  # fmt: skip
def test_an_external_apfs_volume(tmp_path: Path, keys: Mapping[str, Any], expected: Crypt) -> None:
    volume = of(tmp_path, "disk5s1", {"disk4": STICK, "disk4s2": STORE, "disk5s1": {**APFS, **keys}})
    assert (volume.attach, volume.bus, volume.disk) == (Attach.REMOVABLE, Bus.USB, "disk4")
    assert volume.crypt is expected
    assert bool(volume.why) is (expected is Crypt.UNKNOWN)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"Encryption": True, "FileVault": False}, Crypt.PLAIN),
        ({"Encryption": True, "FileVault": True}, Crypt.ENCRYPTED),
        ({"Encryption": True}, Crypt.UNKNOWN),
    ],
    ids=["hardware-key-without-a-password", "file-vault", "file-vault-not-told"],
)
def test_the_internal_disk_counts_by_its_password_alone(
    tmp_path: Path, keys: Mapping[str, Any], expected: Crypt
) -> None:
    volume = of(tmp_path, "disk0s2", {"disk0": INTERNAL, "disk0s2": {**DATA, **keys}})
    assert (volume.attach, volume.is_system, volume.crypt) == (Attach.FIXED, True, expected)


@pytest.mark.parametrize(
    ("keys", "attach", "crypt"),
    [
        ({"FilesystemType": "hfs", "Content": "Apple_HFS"}, Attach.REMOVABLE, Crypt.PLAIN),
        ({"FilesystemType": "hfs", "CoreStorageEncrypted": True}, Attach.REMOVABLE, Crypt.ENCRYPTED),
        ({"FilesystemType": "", "Content": "Apple_CoreStorage"}, Attach.REMOVABLE, Crypt.MAYBE_ENCRYPTED),
        ({"FilesystemType": "cd9660"}, Attach.OPTICAL, Crypt.UNKNOWN),
        ({"FilesystemType": "somefs"}, Attach.REMOVABLE, Crypt.UNKNOWN),
    ],
    ids=["plain-hfs", "core-storage", "locked-core-storage", "optical", "unknown-filesystem"],
)
def test_other_filesystems(tmp_path: Path, keys: Mapping[str, Any], attach: Attach, crypt: Crypt) -> None:
    volume = of(tmp_path, "disk4s1", {"disk4": STICK, "disk4s1": {**EXFAT, **keys}})
    assert (volume.attach, volume.crypt) == (attach, crypt)


def test_a_card_in_a_reader_that_is_built_in(tmp_path: Path) -> None:
    reader = {**STICK, "BusProtocol": "Secure Digital", "Internal": True, "RemovableMediaOrExternalDevice": False}
    card = of(tmp_path, "disk4s1", {"disk4": reader, "disk4s1": {**EXFAT, "RemovableMediaOrExternalDevice": False}})
    assert (card.attach, card.bus) == (Attach.REMOVABLE, Bus.MMC)


def test_an_empty_reader(tmp_path: Path) -> None:
    reader = of(tmp_path, "disk4", {"disk4": {**STICK, "TotalSize": 0}})
    assert reader.has_medium is False
    assert reader.crypt is Crypt.UNKNOWN


def test_the_sealed_system_volume_is_not_judged(tmp_path: Path) -> None:
    root = {**DATA, "MountPoint": "/", "Sealed": "Yes", "Encryption": True, "FileVault": True}
    volume = of(tmp_path, "disk0s1", {"disk0": INTERNAL, "disk0s1": root})
    assert (volume.is_system, volume.crypt) == (True, Crypt.UNKNOWN)


@pytest.mark.parametrize(
    ("open_containers", "expected"),
    [((), Crypt.UNKNOWN), ((".veracrypt_aux_mnt1",), Crypt.MAYBE_ENCRYPTED)],
    ids=["an-image", "with-a-container-open"],
)
def test_a_disk_image(tmp_path: Path, open_containers: tuple[str, ...], expected: Crypt) -> None:
    for name in open_containers:
        (tmp_path / "private/tmp" / name).mkdir(parents=True)
    image = {"WholeDisk": True, "BusProtocol": "Disk Image", "RemovableMediaOrExternalDevice": True}
    volume = of(tmp_path, "disk4s1", {"disk4": image, "disk4s1": {**EXFAT, "FilesystemType": "hfs"}})
    assert (volume.attach, volume.crypt) == (Attach.VIRTUAL, expected)


def test_a_share_lies_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "Volumes/Homework").mkdir(parents=True)
    (share,) = look(mac(tmp_path, {}))
    assert (share.attach, share.crypt, share.mount_points) == (
        Attach.NETWORK,
        Crypt.UNKNOWN,
        ("/Volumes/Homework",),
    )


@pytest.mark.parametrize(
    "answer",
    [Output(None, why="diskutil took longer than 10 s"), Output(1), Output(0, b"not a list"), Output(0, b"bplist00")],
    ids=["slow", "failed", "text", "cut-off"],
)
def test_without_a_list_nothing_is_claimed(tmp_path: Path, answer: Output) -> None:
    with pytest.raises(OSError, match="diskutil"):
        look(Machine(root=tmp_path, programs=lambda _command, _seconds: answer))


def test_ten_thousand_disks_are_not_all_asked(tmp_path: Path) -> None:
    asked = 0
    known = mac(tmp_path, {f"disk{number}": EXFAT for number in range(10_000)})

    def programs(command: tuple[str, ...], seconds: float) -> Output:
        nonlocal asked
        asked += 1
        return known.run(command, seconds)

    assert len(look(Machine(root=tmp_path, programs=programs))) == MOST_VOLUMES
    assert asked <= 5 * MOST_VOLUMES


@given(st.binary(max_size=400))
def test_no_answer_breaks_it(octets: bytes) -> None:
    def programs(command: tuple[str, ...], _seconds: float) -> Output:
        listed = plistlib.dumps({"AllDisks": ["disk4", 7]})
        return Output(0, listed if command[-1] == "-plist" else octets)

    look(Machine(root=Path("/nowhere"), programs=programs))


VALUES: st.SearchStrategy[Any] = st.one_of(
    st.booleans(), st.integers(-5, 2**40), st.text(max_size=8), st.just([{}]), st.just({})
)


@given(st.dictionaries(st.sampled_from(sorted({*EXFAT, *APFS, *STICK, "Encryption", "FileVault"})), VALUES))
def test_no_property_list_breaks_it(keys: dict[str, Any]) -> None:
    for volume in look(mac(Path("/nowhere"), {"disk4": keys, "disk4s1": {**EXFAT, **keys}})):
        volume.facts()
