"""Phones and cameras, in made-up trees."""

from pathlib import Path

from linux_tree_of_test import LinuxTree

from collectors.phones import look_for_phones
from collectors.volume import Attach, Bus, Crypt, Evidence, Usb


def plug(tree: LinuxTree, port: str, *, kinds: str, name: str = "") -> str:
    folder = tree.usb_device(port, ids="18d1:4ee1", serial="8A1X", product="Pixel")
    interface = f"{folder}/{port}:1.0"
    for file, text in zip(
        ("bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol"), kinds.split("/"), strict=True
    ):
        tree.file(f"{interface}/{file}", f"{text}\n")
    if name:
        tree.file(f"{interface}/interface", f"{name}\n")
    tree.link(f"sys/bus/usb/devices/{port}:1.0", interface)
    return folder


def test_a_camera_or_a_phone_that_offers_pictures(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    plug(tree, "1-4", kinds="06/01/01")
    (phone,) = look_for_phones(tree.machine())
    assert (phone.attach, phone.bus, phone.crypt) == (Attach.PHONE, Bus.USB, Crypt.UNKNOWN)
    assert phone.why == "a phone or a camera does not tell"
    assert phone.usb == Usb("18d1", "4ee1", "8A1X", "Pixel")
    assert phone.evidence == (Evidence("sysfs.usb_interface", "06/01/01"),)
    assert phone.key == "1-4#7"


def test_a_phone_with_an_interface_of_its_makers_own(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    plug(tree, "1-4.2", kinds="ff/ff/00", name="MTP")
    assert [phone.device for phone in look_for_phones(tree.machine())] == ["1-4.2"]


def test_a_phone_that_only_udev_knows(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    folder = plug(tree, "1-4", kinds="ff/ff/00")
    tree.file(f"{folder}/dev", "189:12\n")
    assert not list(look_for_phones(tree.machine()))
    tree.udev("c189:12", ID_MTP_DEVICE="1")
    (phone,) = look_for_phones(tree.machine())
    assert phone.evidence == (Evidence("udev.ID_MTP_DEVICE", "1"),)


def test_what_is_no_phone(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    plug(tree, "1-1", kinds="08/06/50")
    plug(tree, "1-2", kinds="03/01/02", name="Keyboard")
    plug(tree, "1-3", kinds="06/02/01", name="Scanner")
    (tmp_path / "sys/bus/usb/devices/1-9:1.0").symlink_to("gone")
    assert not list(look_for_phones(tree.machine()))


def test_a_phone_that_only_charges_shows_nothing(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    plug(tree, "1-4", kinds="ff/42/01", name="ADB Interface")
    assert not list(look_for_phones(tree.machine()))
