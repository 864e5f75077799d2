"""One verdict for each volume, in made-up trees: what is removable, whether it is encrypted, and on what evidence."""

import json
import os
from pathlib import Path

import pytest
from linux_tree_of_test import LinuxTree
from volume_images_of_test import bitlocker, bitlocker_to_go, ext, fat, luks, noise, signed

from collectors.linux_volumes import look
from collectors.machine import Machine, Output
from collectors.volume import Attach, Bus, Crypt, Evidence, Usb, Volume

LUKS = "CRYPT-LUKS2-9f3c0000000000000000000000000000-luks-9f3c"


def seen(tree: LinuxTree, name: str) -> Volume:
    (found,) = (volume for volume in look(tree.machine()) if volume.device == name)
    return found


def sources(volume: Volume) -> dict[str, str]:
    return {one.source: one.value for one in volume.evidence}


@pytest.fixture
def tree(tmp_path: Path) -> LinuxTree:
    """A laptop with an unencrypted disk inside."""
    tree = LinuxTree(tmp_path)
    disk = tree.sata_disk("sda", "8:0")
    tree.partition(disk, 1)
    tree.mount(tree.partition(disk, 2), "/", "ext4")
    return tree


@pytest.fixture
def stick(tree: LinuxTree) -> str:
    """A stick with one part, that nobody has mounted and nobody may read."""
    return tree.partition(tree.usb_disk("sdb", "8:16"), 1)


# What is a volume, and how it is attached


def test_the_disk_inside_is_fixed_and_the_system(tree: LinuxTree) -> None:
    volume = seen(tree, "sda2")
    assert (volume.attach, volume.bus, volume.is_system) == (Attach.FIXED, Bus.SATA, True)
    assert (volume.crypt, volume.mount_points) == (Crypt.PLAIN, ("/",))


def test_a_mounted_stick(tree: LinuxTree, stick: str) -> None:
    tree.mount(stick, "/media/staff/PUPILS")
    tree.content(stick, fat())
    assert seen(tree, stick) == Volume(
        device="sdb1",
        disk="sdb",
        attach=Attach.REMOVABLE,
        bus=Bus.USB,
        crypt=Crypt.PLAIN,
        evidence=(
            Evidence("mountinfo.filesystem", "vfat"),
            Evidence("header", "fat", privilege="root"),
            Evidence("sysfs.removable", "1"),
            Evidence("sysfs.usb", "0951:1666"),
        ),
        filesystem="vfat",
        uuid="0000-0000",
        size_bytes=32 << 20,
        is_read_only=False,
        mount_points=("/media/staff/PUPILS",),
        usb=Usb("0951", "1666", "001CC0", "DataTraveler"),
        insertion_id="26",
    )


def test_a_stick_without_parts(tree: LinuxTree) -> None:
    tree.mount(tree.usb_disk("sdb", "8:16"), "/media/x", "exfat")
    assert seen(tree, "sdb").crypt is Crypt.PLAIN


def test_a_divided_disk_is_no_volume_beside_its_parts(tree: LinuxTree, stick: str) -> None:
    assert {volume.device for volume in look(tree.machine())} == {"sda1", "sda2", "sdb1"}


def test_a_fast_stick_whose_flag_says_fixed_is_removable(tree: LinuxTree) -> None:
    tree.usb_disk("sdb", "8:16", removable=0, ids="0951:177f")
    assert seen(tree, "sdb").attach is Attach.REMOVABLE


def test_an_inside_disk_whose_flag_says_removable_is_not_when_the_system_runs_from_it(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    disk = tree.sata_disk("sda", "8:0", removable=1)
    tree.mount(tree.partition(disk, 1), "/", "ext4")
    tree.mount(tree.partition(disk, 2), "/srv/data", "ext4")
    assert {volume.attach for volume in look(tree.machine())} == {Attach.FIXED}


def test_the_card_that_a_computer_runs_from_is_no_stick(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    host = "sys/devices/platform/soc/mmc_host/mmc0/mmc0:aaaa"
    tree.file(f"{host}/type", "SD\n")
    card = tree.disk(f"{host}/block/mmcblk0", "179:0")
    tree.mount(tree.partition(card, 1), "/boot/firmware", "vfat")
    tree.mount(tree.partition(card, 2), "/", "ext4")
    volumes = look(tree.machine())
    assert [(volume.attach, volume.is_system) for volume in volumes] == [(Attach.FIXED, True)] * 2


def test_a_stick_below_home_is_still_a_stick(tree: LinuxTree, stick: str) -> None:
    tree.mount(stick, "/home/staff/stick")
    assert seen(tree, stick).attach is Attach.REMOVABLE


def test_an_empty_reader_has_no_medium(tree: LinuxTree) -> None:
    tree.usb_disk("sdb", "8:16", megabytes=0, product="Card Reader")
    volume = seen(tree, "sdb")
    assert (volume.has_medium, volume.crypt, volume.why) == (False, Crypt.UNKNOWN, "there is no medium in it")


def test_a_disc_is_optical_and_not_read(tree: LinuxTree) -> None:
    tree.usb_disk("sr0", "11:0")
    tree.content("sr0", signed(b"CD001", 0x8001))
    volume = seen(tree, "sr0")
    assert (volume.attach, volume.why) == (Attach.OPTICAL, "an optical disc is not read")


def test_the_frame_of_logical_partitions_is_no_volume(tree: LinuxTree) -> None:
    disk = tree.usb_disk("sdb", "8:16")
    name = tree.partition(disk, 2)
    tree.file(f"{disk}/{name}/size", "2\n")
    tree.partition(disk, 5)
    assert {volume.device for volume in look(tree.machine())} == {"sda1", "sda2", "sdb5"}


def test_memory_and_idle_loops_are_no_volumes(tree: LinuxTree) -> None:
    tree.loop(0, "", megabytes=0)
    tree.disk("sys/devices/virtual/block/zram0", "252:0")
    tree.disk("sys/devices/virtual/block/ram0", "1:0")
    tree.swaps = ["/dev/zram0 partition 1 0 100"]
    tree.written()
    assert {volume.device for volume in look(tree.machine())} == {"sda1", "sda2"}


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        pytest.param(["rw"], False, id="writable"),
        pytest.param(["ro"], True, id="read-only"),
        pytest.param(["ro", "rw"], False, id="once-read-only-and-once-not"),
    ],
)
def test_read_only(tree: LinuxTree, stick: str, mounts: list[str], *, expected: bool) -> None:
    for place, options in enumerate(mounts):
        tree.mount(stick, f"/media/{place}", options=options)
    assert seen(tree, stick).is_read_only is expected


def test_a_write_protected_stick(tree: LinuxTree) -> None:
    folder = tree.usb_disk("sdb", "8:16")
    name = tree.partition(folder, 1)
    tree.file(f"{folder}/ro", "1\n")
    assert seen(tree, name).is_read_only is True


# Whether it is encrypted


def test_an_unlocked_stick_stays_the_same_volume(tree: LinuxTree, stick: str) -> None:
    tree.content(stick, luks())
    locked = seen(tree, stick)
    tree.mount(tree.mapping(0, "luks-9f3c", LUKS, stick), "/media/staff/VAULT", "ext4")
    unlocked = seen(tree, stick)
    assert (locked.crypt, unlocked.crypt) == (Crypt.ENCRYPTED_LOCKED, Crypt.ENCRYPTED)
    assert locked.key == unlocked.key
    assert (unlocked.mount_points, unlocked.attach) == (("/media/staff/VAULT",), Attach.REMOVABLE)
    assert sources(unlocked)["sysfs.dm_uuid"] == LUKS


@pytest.mark.parametrize(
    ("content", "crypt"),
    [
        pytest.param(luks(), Crypt.ENCRYPTED_LOCKED, id="luks"),
        pytest.param(bitlocker(), Crypt.ENCRYPTED_LOCKED, id="bitlocker"),
        pytest.param(bitlocker_to_go(), Crypt.ENCRYPTED_LOCKED, id="bitlocker-to-go"),
        pytest.param(fat(), Crypt.PLAIN, id="fat"),
        pytest.param(ext(), Crypt.PLAIN, id="ext"),
        pytest.param(noise(), Crypt.MAYBE_ENCRYPTED, id="noise"),
        pytest.param(bytes(1 << 20), Crypt.UNKNOWN, id="zeros"),
    ],
)
def test_a_stick_that_nobody_mounted_is_judged_by_its_header(
    tree: LinuxTree, stick: str, content: bytes, crypt: Crypt
) -> None:
    tree.content(stick, content)
    volume = seen(tree, stick)
    assert volume.crypt is crypt
    assert bool(volume.why) == (crypt is Crypt.UNKNOWN)
    assert "header" in sources(volume)


def test_a_header_that_cannot_be_read_is_unknown_and_never_plain(tree: LinuxTree, stick: str) -> None:
    volume = seen(tree, stick)
    assert volume.crypt is Crypt.UNKNOWN
    assert volume.why == "its first sectors could not be read: No such file or directory"


@pytest.mark.parametrize(
    ("told", "crypt"),
    [
        pytest.param("crypto_LUKS", Crypt.ENCRYPTED_LOCKED, id="luks"),
        pytest.param("BitLocker", Crypt.ENCRYPTED_LOCKED, id="bitlocker"),
        pytest.param("exfat", Crypt.PLAIN, id="exfat"),
        pytest.param("cs_fvault2", Crypt.MAYBE_ENCRYPTED, id="corestorage"),
        pytest.param("apfs", Crypt.UNKNOWN, id="apfs"),
        pytest.param("LVM2_member", Crypt.UNKNOWN, id="lvm"),
    ],
)
def test_where_nothing_may_be_read_udev_tells(tree: LinuxTree, stick: str, told: str, crypt: Crypt) -> None:
    tree.udev("b8:17", ID_FS_TYPE=told, ID_FS_LABEL_ENC=r"Year\x205", ID_FS_UUID="8BAB-6547")
    volume = seen(tree, stick)
    assert (volume.crypt, volume.label, volume.uuid) == (crypt, "Year 5", "8BAB-6547")
    assert sources(volume)["udev.ID_FS_TYPE"] == told


def test_where_udev_does_not_tell_either_udisks_does(tree: LinuxTree, stick: str) -> None:
    block = {"DeviceNumber": {"type": "t", "data": 8 << 8 | 17}, "IdType": {"type": "s", "data": "crypto_LUKS"}}
    objects = {"/org/freedesktop/UDisks2/block_devices/sdb1": {"org.freedesktop.UDisks2.Block": block}}
    tree.programs["busctl"] = Output(0, json.dumps({"type": "a{oa{sa{sv}}}", "data": [objects]}).encode())
    volume = seen(tree, stick)
    assert volume.crypt is Crypt.ENCRYPTED_LOCKED
    assert sources(volume)["udisks.IdType"] == "crypto_LUKS"


def test_the_first_sector_excuses_nothing_that_is_mounted_in_clear(tree: LinuxTree, stick: str) -> None:
    tree.mount(stick, "/media/x", "ext4")
    tree.content(stick, luks())
    volume = seen(tree, stick)
    assert volume.crypt is Crypt.PLAIN
    assert (sources(volume)["header"], sources(volume)["mountinfo.filesystem"]) == ("luks2", "ext4")


def test_the_front_of_bitlocker_to_go_is_not_plain_though_it_is_mounted(tree: LinuxTree, stick: str) -> None:
    tree.mount(stick, "/media/x")
    tree.content(stick, bitlocker_to_go())
    assert seen(tree, stick).crypt is Crypt.ENCRYPTED_LOCKED


def test_the_front_of_bitlocker_to_go_without_the_right_to_look_behind_it_is_unknown(
    tree: LinuxTree, stick: str
) -> None:
    tree.mount(stick, "/media/x")
    tree.file("media/x/BitLockerToGo.exe", b"MZ")
    volume = seen(tree, stick)
    assert volume.crypt is Crypt.UNKNOWN
    assert volume.why.startswith("it shows the reader of BitLocker To Go, and its first sectors could not be read")


@pytest.mark.parametrize("uuid", ["CRYPT-VERITY-1-x", "CRYPT-INTEGRITY-x", "LVM-1"])
def test_a_mapping_that_does_not_encrypt_makes_nothing_better(tree: LinuxTree, stick: str, uuid: str) -> None:
    tree.mount(tree.mapping(0, "x", uuid, stick), "/media/x", "ext4")
    assert seen(tree, stick).crypt is Crypt.PLAIN


def test_luks_over_integrity(tree: LinuxTree, stick: str) -> None:
    tree.mount(tree.mapping(1, "b", LUKS, tree.mapping(0, "a", "CRYPT-INTEGRITY-a", stick)), "/media/x", "ext4")
    assert seen(tree, stick).crypt is Crypt.ENCRYPTED


def test_a_veracrypt_stick_is_maybe_encrypted_and_encrypted_once_it_is_opened(tree: LinuxTree, stick: str) -> None:
    tree.content(stick, noise())
    assert seen(tree, stick).crypt is Crypt.MAYBE_ENCRYPTED
    tree.mount(tree.mapping(0, "veracrypt1", "", stick), "/media/veracrypt1")
    volume = seen(tree, stick)
    assert (volume.crypt, sources(volume)["sysfs.dm_name"]) == (Crypt.ENCRYPTED, "veracrypt1")


def test_of_a_group_over_an_encrypted_and_a_plain_device_the_plain_one_is_plain(tree: LinuxTree) -> None:
    one, two = tree.partition(tree.usb_disk("sdb", "8:16"), 1), tree.partition(tree.usb_disk("sdc", "8:32"), 1)
    group = tree.mapping(1, "vg-a", "LVM-1", tree.mapping(0, "luks-9f3c", LUKS, one), two)
    tree.mount(group, "/media/a", "ext4")
    assert (seen(tree, one).crypt, seen(tree, two).crypt) == (Crypt.ENCRYPTED, Crypt.PLAIN)
    assert seen(tree, one).mount_points == seen(tree, two).mount_points == ("/media/a",)


def test_of_two_volumes_on_one_stick_the_worst_counts(tree: LinuxTree, stick: str) -> None:
    one, two = tree.mapping(0, "vg-a", "LVM-1", stick), tree.mapping(1, "vg-b", "LVM-2", stick)
    tree.mount(tree.mapping(2, "luks-9f3c", LUKS, one), "/media/a", "ext4")
    tree.mount(two, "/media/b", "ext4")
    volume = seen(tree, stick)
    assert (volume.crypt, set(volume.mount_points)) == (Crypt.PLAIN, {"/media/a", "/media/b"})


def test_btrfs_over_an_encrypted_and_a_plain_stick(tree: LinuxTree) -> None:
    one, two = tree.partition(tree.usb_disk("sdb", "8:16"), 1), tree.partition(tree.usb_disk("sdc", "8:32"), 1)
    for name in (mapping := tree.mapping(0, "luks-9f3c", LUKS, one), two):
        tree.link(f"sys/fs/btrfs/0b5e/devices/{name}", f"sys/class/block/{name}")
    tree.mount("", "/media/b", "btrfs", number="0:45", source=f"/dev/{mapping}")
    assert (seen(tree, one).crypt, seen(tree, two).crypt) == (Crypt.ENCRYPTED, Crypt.PLAIN)


def test_layers_without_end_are_unknown(tree: LinuxTree, stick: str) -> None:
    name = stick
    for index in range(40):
        name = tree.mapping(index, f"m{index}", f"LVM-{index}", name)
    tree.mount(name, "/media/x", "ext4")
    volume = seen(tree, stick)
    assert (volume.crypt, volume.why) == (Crypt.UNKNOWN, "more than 16 devices lie upon each other")


def test_a_file_system_that_may_encrypt_by_itself_is_unknown(tree: LinuxTree, stick: str) -> None:
    tree.mount(stick, "/media/x", "bcachefs")
    volume = seen(tree, stick)
    assert (volume.crypt, volume.why) == (Crypt.UNKNOWN, "it is not known here whether bcachefs encrypts")


def test_a_device_that_is_listed_as_encrypting_by_itself(tree: LinuxTree) -> None:
    name = tree.partition(tree.usb_disk("sdb", "8:16", ids="0951:160d"), 1)
    tree.mount(name, "/media/x")
    volumes = look(tree.machine(), claims=lambda usb: "Vault" if usb.product_id == "160d" else None)
    (volume,) = (one for one in volumes if one.device == name)
    assert (volume.crypt, sources(volume)["list.hardware_encrypted"]) == (Crypt.CLAIMED_HARDWARE, "Vault")
    assert sources(volume)["mountinfo.filesystem"] == "vfat"


def test_proven_encryption_is_better_than_a_claim(tree: LinuxTree, stick: str) -> None:
    tree.mount(tree.mapping(0, "luks-9f3c", LUKS, stick), "/media/x", "ext4")
    (volume,) = (one for one in look(tree.machine(), claims=lambda _: "Vault") if one.device == stick)
    assert volume.crypt is Crypt.ENCRYPTED


def test_a_disk_that_stays_in_the_computer_is_left_to_sleep(tree: LinuxTree) -> None:
    tree.content("sda1", luks())
    volume = seen(tree, "sda1")
    assert (volume.crypt, volume.why) == (Crypt.UNKNOWN, "a disk that stays in the computer is not read")


# Images


def test_an_image_is_as_safe_as_what_it_lies_on(tree: LinuxTree, stick: str) -> None:
    tree.mount(tree.mapping(0, "luks-9f3c", LUKS, stick), "/media/vault", "ext4")
    tree.mount(tree.loop(0, "/media/vault/a.img"), "/mnt/a", "ext4")
    tree.mount(tree.loop(1, "/home/staff/b.img"), "/mnt/b", "ext4")
    safe, plain = seen(tree, "loop0"), seen(tree, "loop1")
    assert (safe.attach, safe.crypt, plain.crypt) == (Attach.VIRTUAL, Crypt.ENCRYPTED, Crypt.PLAIN)


def test_an_encrypted_image_makes_no_stick_encrypted(tree: LinuxTree, stick: str) -> None:
    tree.mount(stick, "/media/x")
    loop = tree.loop(0, "/media/x/secret.hc")
    tree.mount(tree.mapping(0, "veracrypt1", "", loop), "/media/veracrypt1")
    assert (seen(tree, stick).crypt, seen(tree, loop).crypt) == (Crypt.PLAIN, Crypt.ENCRYPTED)


def test_the_name_of_an_image_is_a_persons_own(tree: LinuxTree, stick: str) -> None:
    tree.mount(stick, "/media/x")
    tree.loop(0, "/media/x/Divorce papers.img")
    assert "Divorce" not in str([volume.facts() for volume in look(tree.machine())])


def test_veracrypt_without_the_kernels_help_shows_its_inside_as_a_file(tree: LinuxTree) -> None:
    tree.mount("", "/run/vera/aux1", "fuse", number="0:50", source="veracrypt")
    tree.mount(tree.loop(0, "/run/vera/aux1/volume"), "/media/veracrypt1")
    assert seen(tree, "loop0").crypt is Crypt.ENCRYPTED


def test_an_image_on_a_share_is_unknown(tree: LinuxTree) -> None:
    tree.mount("", "/srv/share", "nfs4", number="0:60", source="nas:/x")
    tree.mount(tree.loop(0, "/srv/share/x.img"), "/mnt/a", "ext4")
    volume = seen(tree, "loop0")
    assert (volume.crypt, volume.why) == (Crypt.UNKNOWN, "its file lies on nfs4")


def test_an_image_whose_place_nobody_knows_is_unknown(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.mount(tree.loop(0, "/elsewhere/x.img"), "/mnt/a", "ext4")
    volume = seen(tree, "loop0")
    assert (volume.crypt, volume.why) == (Crypt.UNKNOWN, "it cannot be known what its file lies on")


def test_an_image_whose_inside_is_locked(tree: LinuxTree) -> None:
    tree.content(tree.loop(0, "/home/staff/b.img"), luks())
    assert seen(tree, "loop0").crypt is Crypt.ENCRYPTED_LOCKED


# What lies on no device


@pytest.mark.parametrize(
    ("filesystem", "source", "attach", "crypt"),
    [
        pytest.param("cifs", "//nas/staff", Attach.NETWORK, Crypt.UNKNOWN, id="share"),
        pytest.param("fuse.gocryptfs", "/home/a/.x", Attach.VIRTUAL, Crypt.ENCRYPTED, id="encrypted-folder"),
        pytest.param("zfs", "tank/open", Attach.UNKNOWN, Crypt.PLAIN, id="zfs-in-clear"),
        pytest.param("zfs", "tank/vault", Attach.UNKNOWN, Crypt.ENCRYPTED, id="zfs-encrypted"),
        pytest.param("zfs", "other", Attach.UNKNOWN, Crypt.UNKNOWN, id="zfs-that-nobody-told-of"),
        pytest.param("btrfs", "/dev/gone", Attach.UNKNOWN, Crypt.UNKNOWN, id="btrfs-whose-device-is-gone"),
    ],
)
def test_what_lies_elsewhere(tree: LinuxTree, filesystem: str, source: str, attach: Attach, crypt: Crypt) -> None:
    tree.programs["zfs"] = Output(0, b"tank/open\toff\ntank/vault\taes-256-gcm\ntank/odd\t-\nbroken\n")
    tree.mount("", "/mnt/x", filesystem, number="0:70", source=source)
    volume = seen(tree, source)
    assert (volume.attach, volume.crypt, volume.mount_points) == (attach, crypt, ("/mnt/x",))
    assert bool(volume.why) == (crypt is Crypt.UNKNOWN)


def test_zfs_without_its_program_is_unknown(tree: LinuxTree) -> None:
    tree.mount("", "/mnt/x", "zfs", number="0:70", source="tank/open")
    assert seen(tree, "tank/open").why == "zfs did not say whether it is encrypted"


def test_a_mount_whose_device_was_pulled_out_is_told(tree: LinuxTree, stick: str) -> None:
    tree.mount(stick, "/media/x")
    tree.unplug("sdb1")
    tree.unplug("sdb")
    volume = seen(tree, "8:17")
    assert (volume.attach, volume.crypt, volume.why) == (Attach.UNKNOWN, Crypt.UNKNOWN, "its device is not there")


def test_a_system_in_layers_is_unknown(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.mount("", "/", "overlay", number="0:30", source="overlay")
    (volume,) = look(tree.machine())
    assert (volume.is_system, volume.crypt, volume.why) == (
        True,
        Crypt.UNKNOWN,
        "it is not known what overlay lies on",
    )


# What may go wrong


def test_without_mountinfo_nothing_is_claimed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        look(Machine(root=tmp_path))


def test_labels_as_found(tree: LinuxTree, stick: str) -> None:
    tree.mount(stick, "/media/<b>x</b>\u202e\n")
    tree.udev("b8:17", ID_FS_TYPE="vfat", ID_FS_LABEL_ENC=r"<b>\x0ax</b>\xe2\x80\xae\xff" + "y" * 100)
    volume = seen(tree, stick)
    assert volume.mount_points == ("/media/<b>x</b>\u202e\n",)
    facts = volume.facts()
    assert facts["label_marks"] == ["control", "direction", "not_text", "cut"]
    assert str(facts["label"]).startswith("<b>\nx</b>\u202e")


def test_a_node_that_leads_elsewhere_is_an_answer(tree: LinuxTree, stick: str) -> None:
    (tree.root / "dev" / stick).mkdir()
    # The first is what file systems on a disk say, the second those in memory.
    told = ("Is a directory", "Invalid argument")
    assert seen(tree, stick).why in {f"its first sectors could not be read: {each}" for each in told}


def test_a_node_that_would_make_a_reader_wait_is_an_answer(tree: LinuxTree, stick: str) -> None:
    os.mkfifo(tree.root / "dev" / stick)
    assert seen(tree, stick).why == "its first sectors could not be read: Illegal seek"


def test_ten_thousand_volumes(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    lines = []
    for index in range(10_000):
        folder = f"sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/host/block/sd{index}"
        for name, text in (("dev", f"8:{index}"), ("size", "131072"), ("removable", "1"), ("uevent", "DISKSEQ=1")):
            tree.file(f"{folder}/{name}", f"{text}\n")
        (tmp_path / f"sys/class/block/sd{index}").symlink_to(tmp_path / folder)
        lines.append(f"{index} 22 8:{index} / /media/{index} rw - vfat /dev/sd{index} rw")
    tree.mounts += lines
    tree.written()
    volumes = look(tree.machine())
    assert len(volumes) == 10_000
    assert {(volume.attach, volume.crypt) for volume in volumes} == {(Attach.REMOVABLE, Crypt.PLAIN)}


def test_more_devices_than_are_looked_at_are_told(tree: LinuxTree, stick: str) -> None:
    assert [volume.why for volume in look(tree.machine(), most=5) if not volume.device] == []
    (told,) = (volume for volume in look(tree.machine(), most=2) if not volume.device)
    assert (told.attach, told.crypt) == (Attach.UNKNOWN, Crypt.UNKNOWN)
    assert told.why == "only 2 of 5 devices were looked at"


def test_this_computer() -> None:
    assert all(volume.facts() for volume in look(Machine()))
