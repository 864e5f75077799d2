"""Real devices: loops, parts of them and mounts, with what the kernel says about them meanwhile."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from parts import need, need_root

from collectors.block_devices import read_block_devices
from collectors.device_events import DeviceEvents, Uevent, Wake
from collectors.linux_volumes import look
from collectors.machine import Machine
from collectors.removable_media import RemovableMedia
from collectors.volume import Attach, Crypt, Volume

SECONDS = 20.0
MEGABYTE = 1 << 20


def run(program: str, *arguments: str) -> str:
    done = subprocess.run((need(program), *arguments), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{program} {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


class Bench:
    """Images that are attached and mounted, and are gone at the end whatever happens."""

    def __init__(self, folder: Path, ends: ExitStack) -> None:
        self.folder, self._ends = folder, ends

    def image(self, name: str, start: bytes = b"") -> Path:
        path = self.folder / name
        with path.open("wb") as file:
            file.truncate(32 * MEGABYTE)
            file.write(start)
        return path

    def attach(self, image: Path) -> str:
        node = run("losetup", "--find", "--show", str(image))
        self._ends.callback(self.ignore, "losetup", "--detach", node)
        return node

    def partition(self, node: str) -> str:
        run("partx", "--add", node)
        self._ends.callback(self.ignore, "partx", "--delete", node)
        return f"{node}p1"

    def mount(self, node: str, name: str, *options: str) -> Path:
        point = self.folder / name
        point.mkdir()
        run("mount", *options, node, str(point))
        self._ends.callback(self.ignore, "umount", "--lazy", str(point))
        return point

    @staticmethod
    def ignore(*command: str) -> None:
        subprocess.run((need(command[0]), *command[1:]), capture_output=True, check=False, timeout=60)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    need_root()
    for program in ("losetup", "mount", "umount", "partx", "mkfs.ext4", "cryptsetup"):
        need(program)
    with ExitStack() as ends:
        yield Bench(tmp_path, ends)


def seen(node: str) -> Volume:
    name = node.removeprefix("/dev/")
    (volume,) = (volume for volume in look(Machine()) if volume.device == name)
    return volume


def wait_for(events: DeviceEvents, is_it: Callable[[Wake], bool]) -> Wake:
    """Wait for one kind of wake; whatever else happens on this computer is passed over."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        wake = events.wait(end - time.monotonic())
        if is_it(wake):
            return wake
    raise AssertionError("the kernel said nothing of the kind")


def says(action: str, name: str) -> Callable[[Wake], bool]:
    def is_it(wake: Wake) -> bool:
        return any(event.action == action and event.path.endswith(f"/{name}") for event in wake.devices)

    return is_it


def mbr() -> bytes:
    """A table with one part, from the first megabyte to the end."""
    entry = b"\x00\xff\xff\xff\x83\xff\xff\xff" + (2048).to_bytes(4, "little") + (63_488).to_bytes(4, "little")
    return bytes(446) + entry + bytes(48) + b"\x55\xaa"


def test_an_image_with_a_file_system(bench: Bench) -> None:
    image = bench.image("a b.img")
    run("mkfs.ext4", "-q", "-L", "PUPILS", str(image))
    node = bench.attach(image)
    unmounted = seen(node)
    point = bench.mount(node, "My USB é")
    mounted = seen(node)
    assert (unmounted.attach, unmounted.label, unmounted.mount_points) == (Attach.VIRTUAL, "PUPILS", ())
    assert (mounted.filesystem, mounted.mount_points, mounted.is_read_only) == ("ext4", (str(point),), False)
    assert mounted.insertion_id.isdigit()
    assert "a b.img" not in str(mounted.facts())


def test_a_read_only_mount(bench: Bench) -> None:
    image = bench.image("a.img")
    run("mkfs.ext4", "-q", str(image))
    node = bench.attach(image)
    bench.mount(node, "a", "-o", "ro,noload")
    assert seen(node).is_read_only is True


def test_a_part_of_a_device(bench: Bench) -> None:
    node = bench.attach(bench.image("a.img", mbr()))
    part = bench.partition(node)
    run("mkfs.ext4", "-q", part)
    point = bench.mount(part, "a")
    names = {volume.device for volume in look(Machine())}
    device = read_block_devices(Machine())[part.removeprefix("/dev/")]
    assert (device.is_partition, device.node, f"/dev/{device.disk}") == (True, part, node)
    assert device.diskseq == read_block_devices(Machine())[device.disk].diskseq
    assert node.removeprefix("/dev/") not in names
    assert seen(part).mount_points == (str(point),)


@pytest.mark.parametrize("version", ["luks1", "luks2"])
def test_a_locked_image(bench: Bench, version: str) -> None:
    image, key = bench.image("a.img"), bench.folder / "key"
    key.write_bytes(b"a pass phrase for a test")
    cheap = ("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file", str(key))
    run("cryptsetup", "-q", "luksFormat", "--type", version, *cheap, str(image))
    volume = seen(bench.attach(image))
    assert (volume.crypt, volume.filesystem) == (Crypt.ENCRYPTED_LOCKED, version)
    assert volume.uuid == run("cryptsetup", "luksUUID", str(image))


def test_the_same_device_with_another_image_is_another_insertion(bench: Bench) -> None:
    node = bench.attach(bench.image("a.img", b"a"))
    first = seen(node).key
    run("losetup", "--detach", node)
    run("losetup", node, str(bench.image("b.img", b"b")))
    assert seen(node).key != first


def test_the_kernel_says_when_a_device_comes_and_goes(bench: Bench) -> None:
    image = bench.image("a.img", mbr())
    with DeviceEvents(Machine()) as events:
        assert not events.blind
        node = bench.attach(image)
        name = node.removeprefix("/dev/")
        wake = wait_for(events, says("change", name))
        (changed, *_) = (event for event in wake.devices if event.path.endswith(f"/{name}"))
        assert isinstance(changed, Uevent)
        assert changed.properties["DISKSEQ"] == seen_sequence(name)
        part = bench.partition(node).removeprefix("/dev/")
        wait_for(events, says("add", part))
        run("partx", "--delete", node)
        wait_for(events, says("remove", part))
        run("losetup", "--detach", node)
        wait_for(events, says("change", name))


def seen_sequence(name: str) -> str:
    return read_block_devices(Machine())[name].diskseq


def test_mounting_wakes_and_ejecting_is_not_barred(bench: Bench) -> None:
    image = bench.image("a.img")
    run("mkfs.ext4", "-q", str(image))
    node = bench.attach(image)
    media = RemovableMedia(lambda: tuple(look(Machine())))
    with DeviceEvents(Machine()) as events:
        point = bench.mount(node, "a")
        wait_for(events, lambda wake: wake.mounts)
        (point / "x.hc").write_bytes(bytes(MEGABYTE))
        media.observe()
        assert seen(node).is_mounted
        # Whoever pulls the stick out must find it free, even while we watch and look at it.
        run("umount", str(point))
        wait_for(events, lambda wake: wake.mounts)
        assert not seen(node).is_mounted


def test_a_mount_that_hides_another_is_the_one_that_counts(bench: Bench) -> None:
    images = [bench.image("a.img"), bench.image("b.img")]
    for image in images:
        run("mkfs.ext4", "-q", str(image))
    below, above = (bench.attach(image) for image in images)
    point = bench.mount(below, "a")
    run("mount", above, str(point))
    assert (seen(below).mount_points, seen(above).mount_points) == ((), (str(point),))
    run("umount", str(point))
    assert (seen(below).mount_points, seen(above).mount_points) == ((str(point),), ())


def test_a_program_that_pretends_to_be_the_kernel_is_not_heard(bench: Bench) -> None:
    node = bench.attach(bench.image("a.img"))
    forged = b"remove@/devices/virtual/block/forged0\0ACTION=remove\0SUBSYSTEM=block\0"
    with DeviceEvents(Machine()) as events:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15) as program:
            program.sendto(forged, (0, 1))
        run("losetup", "--detach", node)
        is_real = says("change", node.removeprefix("/dev/"))
        heard = [events.wait(SECONDS)]
        while heard[-1] and not is_real(heard[-1]):
            heard.append(events.wait(SECONDS))
    assert is_real(heard[-1])
    assert not any(says("remove", "forged0")(wake) for wake in heard)


def test_messages_that_no_one_takes_in_are_said_to_be_lost(bench: Bench) -> None:
    trigger = Path("/sys/class/block") / Path(bench.attach(bench.image("a.img"))).name / "uevent"
    with DeviceEvents(Machine()) as events:
        for _ in range(20_000):
            trigger.write_text("change")
        assert wait_for(events, lambda wake: wake.lost).lost
        # It goes on to hear what comes later.
        while events.wait(0):
            pass
        trigger.write_text("change")
        wait_for(events, says("change", trigger.parent.name))


def test_looking_while_devices_come_and_go(bench: Bench) -> None:
    image = bench.image("a.img", mbr())
    node = run("losetup", "--find")
    command = (
        f"for i in $(seq 60); do losetup {node} {image}; partx -a {node}; partx -d {node}; losetup -d {node}; done"
    )
    with subprocess.Popen(("sh", "-c", command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as churn:
        looks = 0
        while churn.poll() is None:
            assert all(volume.facts() for volume in look(Machine()))
            looks += 1
    Bench.ignore("partx", "--delete", node)
    Bench.ignore("losetup", "--detach", node)
    assert looks
