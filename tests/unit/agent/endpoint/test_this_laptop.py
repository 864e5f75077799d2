"""What a laptop is, from a recorded tree and from this computer."""

import re
from pathlib import Path

import psutil
from linux_tree_of_test import LinuxTree

from agent.endpoint.this_laptop import (
    addresses_towards,
    awake_and_asleep,
    clocks_of,
    laptop_of,
    own_addresses,
    program_folder,
    program_hash,
    release,
)
from collectors.machine import Machine, Output


def test_the_boot_is_the_one_that_the_kernel_names(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.file("proc/sys/kernel/random/boot_id", "6b3f3f3e-0000-4000-8000-0123456789ab\n")
    assert clocks_of(tree.machine()).boot == "6b3f3f3e-0000-4000-8000-0123456789ab"


def test_where_the_kernel_names_none_it_is_known_by_its_time(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.file("proc/sys/kernel/random/boot_id", "no id, with spaces\n")
    assert clocks_of(tree.machine()).boot == f"b{int(psutil.boot_time())}"


def test_the_clock_goes_on() -> None:
    assert awake_and_asleep() <= awake_and_asleep()


def test_a_laptop_is_known_by_a_hash_of_its_number(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.file("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    tree.file("etc/os-release", 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    tree.file("sys/class/dmi/id/product_name", "ThinkPad T14\n")
    laptop = laptop_of(tree.machine(), tmp_path)
    assert re.fullmatch("[0-9a-f]{64}", laptop.machine)
    assert "0123456789abcdef" not in laptop.machine
    assert (laptop.host["version"], laptop.host["model"]) == ("Debian GNU/Linux 12 (bookworm)", "ThinkPad T14")
    assert laptop_of(tree.machine(), tmp_path) == laptop


def test_one_without_a_number_keeps_one(tmp_path: Path) -> None:
    machine = LinuxTree(tmp_path / "tree").machine()
    folder = tmp_path / "data"
    folder.mkdir()
    first = laptop_of(machine, folder).machine
    assert laptop_of(machine, folder).machine == first
    other = tmp_path / "other"
    other.mkdir()
    assert laptop_of(machine, other).machine != first


def test_a_mac_is_known_by_the_number_of_its_board(tmp_path: Path) -> None:
    said = b'  "IOPlatformUUID" = "01234567-89AB-CDEF-0123-456789ABCDEF"\n'
    mac = Machine(root=tmp_path, programs=lambda _command, _seconds: Output(0, said), platform="darwin")
    assert laptop_of(mac, tmp_path).machine == laptop_of(mac, tmp_path).machine
    assert not list(tmp_path.iterdir())


def test_its_addresses_are_those_that_others_see() -> None:
    assert not {"127.0.0.1", "::1"} & own_addresses()


def test_by_which_address_a_gateway_is_reached() -> None:
    assert tuple(addresses_towards("https://127.0.0.1:8443")) == ("127.0.0.1",)
    assert isinstance(tuple(addresses_towards("")), tuple)
    assert isinstance(tuple(addresses_towards("https://nowhere.invalid")), tuple)


def test_the_program_is_known_by_its_sources() -> None:
    assert re.fullmatch("[0-9a-f]{64}", program_hash())
    assert program_hash() == program_hash()
    assert (program_folder() / "agent" / "endpoint").is_dir()
    assert release()


def test_two_laptops_from_one_image_are_two(tmp_path: Path) -> None:
    told = set()
    for board in ("03000200-0400-0500-0006-000700080009", "03000200-0400-0500-0006-00070008000A"):
        tree = LinuxTree(tmp_path / board)
        tree.file("etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        tree.file("sys/class/dmi/id/product_uuid", f"{board}\n")
        told.add(laptop_of(tree.machine(), tmp_path).machine)
    assert len(told) == 2
