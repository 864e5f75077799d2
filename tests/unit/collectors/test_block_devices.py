"""Block devices from made-up trees, each held against the real `lsblk`."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from linux_tree_of_test import PCI, LinuxTree
from parts import need

from collectors.block_devices import BlockDevice, read_block_device, read_block_devices
from collectors.machine import Machine
from collectors.volume import Bus, Evidence, Usb


def lsblk(tree: LinuxTree) -> dict[str, dict[str, Any]]:
    """Ask the real program about a made-up tree; its devices by their names of the kernel."""
    columns = "NAME,KNAME,PKNAME,MAJ:MIN,TYPE,RM,RO,SIZE,MOUNTPOINTS,SUBSYSTEMS"
    command = (need("lsblk"), "--sysroot", str(tree.root), "--json", "--all", "--bytes", "--output", columns)
    output = subprocess.run(command, capture_output=True, check=True, timeout=30).stdout
    found: dict[str, dict[str, Any]] = {}
    waiting = json.loads(output)["blockdevices"]
    for device in waiting:
        found[device["kname"]] = device
        waiting += device.pop("children", [])
    return found


def assert_as_lsblk_sees_it(tree: LinuxTree) -> dict[str, BlockDevice]:
    ours, theirs = read_block_devices(tree.machine()), lsblk(tree)
    assert set(ours) == set(theirs)
    for name, device in ours.items():
        other = theirs[name]
        assert device.number == other["maj:min"]
        assert device.size_bytes == other["size"]
        assert device.is_read_only == other["ro"]
        assert device.is_partition == (other["type"] == "part")
        # Of what lies on a stick, lsblk says that it is not removable; of a part of one, it says what the stick is.
        assert device.is_flagged_removable == other["rm"]
        assert (device.connection.usb is not None) == ("usb" in (other["subsystems"] or "").split(":"))
        if device.slaves or device.is_partition:
            assert other["pkname"] in {*device.slaves, device.disk}
    return ours


def test_a_stick(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.partition(tree.usb_disk("sdb", "8:16"), 1)
    devices = assert_as_lsblk_sees_it(tree)
    part = devices["sdb1"]
    assert (part.disk, part.number, part.node, part.diskseq) == ("sdb", "8:17", "/dev/sdb1", "26")
    assert part.connection.bus is Bus.USB
    assert part.connection.usb == Usb("0951", "1666", "001CC0", "DataTraveler")
    assert part.connection.is_unpluggable
    assert Evidence("sysfs.usb", "0951:1666") in part.connection.evidence


def test_a_fast_stick_that_says_it_is_fixed_is_still_on_usb(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.usb_disk("sda", "8:0", port="2-3", removable=0, ids="0951:177f", product="DataTraveler Max")
    device = assert_as_lsblk_sees_it(tree)["sda"]
    assert not device.is_flagged_removable
    assert device.connection.is_unpluggable


def test_luks_on_a_stick(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    name = tree.partition(tree.usb_disk("sdc", "8:32", removable=0), 1)
    tree.mapping(0, "luks-9f3c", "CRYPT-LUKS2-9f3c0000000000000000000000000000-luks-9f3c", name)
    devices = assert_as_lsblk_sees_it(tree)
    assert devices["dm-0"].slaves == ("sdc1",)
    assert devices["sdc1"].holders == ("dm-0",)
    assert devices["dm-0"].connection.bus is Bus.VIRTUAL


def test_a_volume_group_over_two_disks(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    one, two = tree.sata_disk("sda", "8:0"), tree.sata_disk("sdb", "8:16")
    names = (tree.partition(one, 1), tree.partition(two, 1))
    tree.mapping(0, "vg-home", "LVM-8Bwyu3HK", *names)
    devices = assert_as_lsblk_sees_it(tree)
    assert devices["dm-0"].slaves == ("sda1", "sdb1")
    assert devices["sda"].connection.bus is Bus.SATA
    assert not devices["sda"].connection.is_unpluggable


def test_an_image(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.loop(0, "/media/staff/PUPILS/a b .img ")
    device = assert_as_lsblk_sees_it(tree)["loop0"]
    assert device.backing_file == "/media/staff/PUPILS/a b .img "


@pytest.mark.parametrize(
    ("card", "is_unpluggable"), [pytest.param("SD", True, id="card"), pytest.param("MMC", False, id="soldered")]
)
def test_cards(tmp_path: Path, card: str, *, is_unpluggable: bool) -> None:
    tree = LinuxTree(tmp_path)
    host = "sys/devices/platform/soc/mmc_host/mmc0/mmc0:aaaa"
    tree.file(f"{host}/type", f"{card}\n")
    tree.partition(tree.disk(f"{host}/block/mmcblk0", "179:0"), 1)
    device = read_block_devices(tree.machine())["mmcblk0p1"]
    assert (device.disk, device.connection.bus) == ("mmcblk0", Bus.MMC)
    assert device.connection.is_unpluggable is is_unpluggable


def test_the_numbers_of_a_card_reader_are_not_those_of_the_card(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    reader = tree.usb_device("1-5", ids="0bda:0129", product="Card Reader")
    host = f"{reader}/1-5:1.0/rtsx_usb_sdmmc.0/mmc_host/mmc0/mmc0:59b4"
    tree.file(f"{host}/type", "SD\n")
    tree.disk(f"{host}/block/mmcblk0", "179:0")
    connection = read_block_devices(tree.machine())["mmcblk0"].connection
    assert (connection.bus, connection.usb, connection.is_unpluggable) == (Bus.MMC, None, True)


def test_the_nearest_device_counts_and_not_the_hub(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.usb_device("1-2", ids="05e3:0610", serial="", product="Hub")
    tree.usb_disk("sdb", "8:16", port="1-2/1-2.1", ids="ABCD:1234", serial="S1", product="Stick")
    usb = read_block_devices(tree.machine())["sdb"].connection.usb
    assert usb == Usb("abcd", "1234", "S1", "Stick")


@pytest.mark.parametrize("way", ["pci", "thunderbolt"])
def test_a_thunderbolt_enclosure_has_neither_flag_nor_usb(tmp_path: Path, way: str) -> None:
    tree = LinuxTree(tmp_path)
    bridge = "sys/devices/pci0000:00/0000:00:1d.0/0000:06:00.0"
    tree._subsystem(bridge, way)
    if way == "pci":
        tree.file(f"{bridge}/removable", "removable\n")
    tree.disk(f"{bridge}/nvme/nvme1/nvme1n1", "259:0")
    connection = read_block_devices(tree.machine())["nvme1n1"].connection
    assert (connection.bus, connection.is_unpluggable) == (Bus.THUNDERBOLT, True)


def test_an_nvme_inside_stays_there(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree._subsystem("sys/devices/pci0000:00/0000:00:1d.0", "pci")
    tree.file("sys/devices/pci0000:00/0000:00:1d.0/removable", "fixed\n")
    tree.disk("sys/devices/pci0000:00/0000:00:1d.0/nvme/nvme0/nvme0n1", "259:0")
    connection = read_block_devices(tree.machine())["nvme0n1"].connection
    assert (connection.bus, connection.is_unpluggable) == (Bus.NVME, False)


def test_firewire(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    unit = "sys/devices/pci0000:00/0000:00:1e.0/fw1/fw1.0"
    tree._subsystem(unit, "firewire")
    tree.disk(f"{unit}/host9/block/sdd", "8:48")
    connection = read_block_devices(tree.machine())["sdd"].connection
    assert (connection.bus, connection.is_unpluggable) == (Bus.FIREWIRE, True)


@pytest.mark.parametrize("name", ["sr0", "sdz"])
def test_discs_are_known_by_their_name_or_their_type(tmp_path: Path, name: str) -> None:
    tree = LinuxTree(tmp_path)
    folder = tree.usb_disk(name, "11:0")
    tree.file(f"{folder.rpartition('/block/')[0]}/type", "5\n")
    assert read_block_devices(tree.machine())[name].connection.is_optical


@pytest.mark.parametrize(
    ("name", "uuid", "source"),
    [
        *(
            pytest.param("x", f"CRYPT-{kind}-0123-x", "sysfs.dm_uuid", id=kind)
            for kind in ("LUKS1", "LUKS2", "PLAIN", "LOOPAES", "TCRYPT", "BITLK", "FVAULT2")
        ),
        pytest.param("veracrypt1", "", "sysfs.dm_name", id="veracrypt-has-only-a-name"),
        pytest.param("veracrypt1_0", "", "sysfs.dm_name", id="veracrypt-in-layers"),
        pytest.param("x", "CRYPT-VERITY-0123-x", None, id="verity-encrypts-nothing"),
        pytest.param("x", "CRYPT-INTEGRITY-x", None, id="integrity-encrypts-nothing"),
        pytest.param("vg-home", "LVM-0123", None, id="lvm"),
        pytest.param("vg-crypt", "LVM-CRYPT-LUKS2-", None, id="a-name-that-pretends"),
        pytest.param("veracrypt1", "LVM-0123", None, id="a-volume-called-veracrypt1"),
        pytest.param("veracrypt1x", "", None, id="almost-veracrypt"),
    ],
)
def test_what_encrypts(name: str, uuid: str, source: str | None) -> None:
    device = BlockDevice("dm-0", "253:0", "dm-0", 1, False, False, dm_name=name, dm_uuid=uuid)  # noqa: FBT003
    evidence = device.encrypting()
    assert (evidence and evidence.source) == source


def test_a_slash_in_a_name(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.disk("sys/devices/pci0000:00/host0/block/cciss!c0d0", "104:0")
    assert read_block_devices(tree.machine())["cciss!c0d0"].node == "/dev/cciss/c0d0"


def test_devices_that_go_away_while_they_are_read(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.usb_disk("sdb", "8:16")
    (tmp_path / "sys/class/block/sdc").symlink_to("../../devices/gone/sdc")
    half = tree.usb_disk("sdd", "8:48", port="1-4")
    for name in ("dev", "size", "uevent"):
        (tmp_path / half / name).unlink()
    assert set(read_block_devices(tree.machine())) == {"sdb"}
    assert read_block_device(tree.machine(), "sdc") is None


def test_a_part_without_its_disk_is_still_a_part(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.partition(tree.usb_disk("sdb", "8:16"), 1)
    (tmp_path / "sys/class/block/sdb").unlink()
    (tmp_path / "sys/block/sdb").unlink()
    device = read_block_devices(tree.machine())["sdb1"]
    assert (device.disk, device.is_partition) == ("sdb", True)


def test_a_link_that_leads_to_itself(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    (tmp_path / "sys/class/block/sdb").symlink_to("sdb")
    assert read_block_devices(tree.machine()) == {}


@given(content=st.binary(max_size=80))
def test_no_attribute_is_an_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    tree = LinuxTree(tmp_path_factory.mktemp("tree"))
    folder = tree.usb_disk("sdb", "8:16")
    for name in ("uevent", "size", "ro", "removable"):
        tree.file(f"{folder}/{name}", content)
    for name in ("idVendor", "serial", "product"):
        tree.file(f"{PCI}/usb1/1-2/{name}", content)
    device = read_block_devices(tree.machine())["sdb"]
    assert device.size_bytes >= 0
    tree.file(f"{folder}/dev", content)
    read_block_devices(tree.machine())


def test_the_devices_of_this_computer() -> None:
    for name, device in read_block_devices(Machine()).items():
        assert device.name == name
