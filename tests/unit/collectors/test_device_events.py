"""Messages of the kernel, and the wait for them; the real ones are in the end-to-end tests."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from linux_tree_of_test import LinuxTree

from collectors.device_events import DeviceEvents, Uevent, Wake, parse_uevent
from collectors.machine import Machine

ADDED = (
    b"add@/devices/pci0000:00/usb1/1-2/host6/block/sdb/sdb1\0ACTION=add\0DEVPATH=/devices/x\0SUBSYSTEM=block\0"
    b"DEVNAME=sdb1\0DEVTYPE=partition\0DISKSEQ=26\0SEQNUM=4711\0"
)


def test_a_message() -> None:
    event = parse_uevent(ADDED)
    assert event is not None
    assert (event.action, event.subsystem) == ("add", "block")
    assert event.path == "/devices/pci0000:00/usb1/1-2/host6/block/sdb/sdb1"
    assert (event.properties["DEVNAME"], event.properties["DISKSEQ"]) == ("sdb1", "26")


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"libudev\0\xfe\xed\xca\xfe" + bytes(40), id="what-udev-sends"),
        pytest.param(b"explode@/devices/x\0", id="an-action-that-nobody-knows"),
        pytest.param(b"add/devices/x\0", id="no-path"),
        pytest.param(b"add@devices\0", id="a-path-from-nowhere"),
    ],
)
def test_what_is_no_message(message: bytes) -> None:
    assert parse_uevent(message) is None


def test_a_message_that_is_cut_off_says_what_it_says() -> None:
    event = parse_uevent(ADDED[:100])
    assert event is not None
    assert event.action == "add"


@given(st.binary(max_size=300))
def test_no_octets_are_an_error(octets: bytes) -> None:
    parse_uevent(octets)
    event = parse_uevent(b"change@/devices/x\0" + octets)
    assert event is not None
    assert "" not in event.properties


@pytest.mark.parametrize(
    ("wake", "expected"),
    [
        (Wake(), False),
        (Wake(mounts=True), True),
        (Wake(lost=True), True),
        (Wake(devices=(Uevent("add", "/x", {}),)), True),
    ],
    ids=["nothing", "mounts", "lost", "devices"],
)
def test_reasons_to_look(wake: Wake, *, expected: bool) -> None:
    assert bool(wake) is expected


def test_nothing_happens_in_a_recorded_tree_and_the_wait_ends(tmp_path: Path) -> None:
    with DeviceEvents(LinuxTree(tmp_path).machine()) as events:
        assert "mounts" not in events.blind
        assert not events.wait(0).mounts


def test_a_system_without_mountinfo_is_said_to_be_blind_to_mounts(tmp_path: Path) -> None:
    with DeviceEvents(Machine(root=tmp_path)) as events:
        assert events.blind["mounts"] == "No such file or directory"


def test_another_thread_can_end_the_wait(tmp_path: Path) -> None:
    with DeviceEvents(LinuxTree(tmp_path).machine()) as events:
        timer = threading.Timer(0.05, events.interrupt)
        timer.start()
        events.wait(60)
        timer.join()


def test_interrupting_after_the_end_is_no_error(tmp_path: Path) -> None:
    events = DeviceEvents(LinuxTree(tmp_path).machine())
    events.close()
    events.interrupt()
