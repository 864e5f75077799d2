"""What lies on what, in made-up trees."""

from pathlib import Path

import pytest
from linux_tree_of_test import LinuxTree

from collectors.block_devices import read_block_devices
from collectors.device_stack import DeviceStack, is_system_point
from collectors.mountinfo import parse_mountinfo, reachable


def stack_of(tree: LinuxTree) -> DeviceStack:
    machine = tree.machine()
    mounts = reachable(parse_mountinfo(machine.text("/proc/self/mountinfo")))
    return DeviceStack(machine, read_block_devices(machine), mounts)


def points(stack: DeviceStack, name: str) -> set[str]:
    return {mount.point for mount in stack.mounts_on(name)}


def test_what_is_mounted_on_top_belongs_to_what_is_below(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    name = tree.partition(tree.usb_disk("sdb", "8:16"), 1)
    luks = tree.mapping(0, "luks-1", "CRYPT-LUKS2-1-luks-1", name)
    volume = tree.mapping(1, "vg-a", "LVM-1", luks)
    tree.mount(volume, "/media/a", "ext4")
    stack = stack_of(tree)
    assert points(stack, "sdb1") == {"/media/a"}
    assert points(stack, "sdb") == set()


@pytest.mark.parametrize("source", ["/dev/sdb1", "/dev/mapper/luks-1", "/dev/dm-0", "/dev/disk/by-label/HOME"])
def test_btrfs_lies_on_all_its_devices(tmp_path: Path, source: str) -> None:
    tree = LinuxTree(tmp_path)
    one, two = tree.partition(tree.usb_disk("sdb", "8:16"), 1), tree.partition(tree.usb_disk("sdc", "8:32"), 1)
    luks = tree.mapping(0, "luks-1", "CRYPT-LUKS2-1-luks-1", two)
    for name in (one, luks):
        tree.link(f"sys/fs/btrfs/0b5e/devices/{name}", f"sys/class/block/{name}")
    tree.content("sdb1", b"")
    tree.link("dev/disk/by-label/HOME", "dev/sdb1")
    tree.mount("", "/media/b", "btrfs", number="0:45", source=source)
    stack = stack_of(tree)
    assert points(stack, "sdb1") == points(stack, "sdc1") == {"/media/b"}


def test_swap_is_what_the_computer_runs_from(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.partition(tree.sata_disk("sda", "8:0"), 2)
    tree.swaps = ["/dev/sda2                               partition\t1048572\t0\t-2", "/swapfile file\t1\t0\t-3"]
    tree.written()
    assert stack_of(tree).system == {"sda", "sda2"}


def test_the_system_is_the_whole_chain(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    card = tree.usb_disk("sdb", "8:16")
    name = tree.partition(card, 2)
    tree.partition(card, 3)
    tree.mount(tree.mapping(0, "vg-root", "LVM-1", tree.mapping(1, "luks", "CRYPT-LUKS2-1-luks", name)), "/", "ext4")
    assert stack_of(tree).system == {"dm-0", "dm-1", "sdb2", "sdb"}


def test_a_system_on_an_image_runs_from_what_the_image_lies_on(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    name = tree.partition(tree.usb_disk("sdb", "8:16"), 1)
    tree.mount(name, "/host", "vfat")
    tree.mount(tree.loop(0, "/host/root.img"), "/", "ext4")
    assert stack_of(tree).system == {"loop0", "sdb1", "sdb"}


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        *(pytest.param(point, True, id=point) for point in ("/", "/boot", "/boot/efi", "/usr", "/var", "/home")),
        pytest.param("/home/staff/stick", False, id="a-stick-below-home"),
        pytest.param("/bootcamp", False, id="only-a-similar-name"),
        pytest.param("/media/staff/boot", False, id="a-stick-called-boot"),
    ],
)
def test_system_points(point: str, *, expected: bool) -> None:
    assert is_system_point(point) is expected


@pytest.mark.parametrize(
    ("file", "point"),
    [
        pytest.param("/media/staff/A B/x.img", "/media/staff/A B", id="on-the-stick"),
        pytest.param("/media/staff/x.img", "/", id="beside-it"),
        pytest.param("/media/staff/A B/x.img (deleted)", "/media/staff/A B", id="deleted"),
        pytest.param("x.img", None, id="no-path"),
    ],
)
def test_where_an_image_lies(tmp_path: Path, file: str, point: str | None) -> None:
    tree = LinuxTree(tmp_path)
    tree.mount(tree.usb_disk("sdb", "8:16"), "/media/staff/A B")
    tree.mount(tree.sata_disk("sda", "8:0"), "/", "ext4")
    tree.loop(0, file)
    stack = stack_of(tree)
    mount = stack.backing(stack.devices["loop0"])
    assert (mount and mount.point) == point


def test_a_circle_ends(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.mapping(0, "a", "LVM-1")
    tree.mapping(1, "b", "LVM-2", "dm-0")
    tree.link("sys/devices/virtual/block/dm-0/slaves/dm-1", "sys/devices/virtual/block/dm-1")
    tree.mount("dm-0", "/", "ext4")
    stack = stack_of(tree)
    assert points(stack, "dm-1") == {"/"}
    assert stack.system == {"dm-0", "dm-1"}
    assert stack.ground(["dm-0"], ends=lambda _: False) == ()


def test_two_looks_of_the_kernel_that_disagree_are_united(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    name = tree.partition(tree.usb_disk("sdb", "8:16"), 1)
    tree.mapping(0, "luks-1", "CRYPT-LUKS2-1-luks-1", name)
    (tmp_path / "sys/devices/virtual/block/dm-0/slaves/sdb1").unlink()
    assert stack_of(tree).above["sdb1"] == ("dm-0",)
