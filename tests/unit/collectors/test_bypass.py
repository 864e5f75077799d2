"""Signs of a bypass: what counts, what is weak, what belongs to the school; and this computer, really looked at."""

import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines_of_test import recorded

from collectors.bypass import (
    Allowed,
    Bypass,
    Interface,
    Network,
    Seen,
    Signal,
    listening_ports,
    load_lists,
    parse_listeners,
    program_names,
    signals_of,
    this_network,
    ways_out,
)
from collectors.machine import Machine
from collectors.observed import Priority

LISTS = load_lists()
WIRELESS = Interface("wlan0", ("10.20.0.7", "fe80::1"))
TUNNEL = Interface("tun0", ("10.8.0.2",))


@pytest.mark.parametrize(
    ("seen", "allowed", "expected"),
    [
        pytest.param(Seen((WIRELESS,), ("10.20.0.7",), ("firefox", "sshd"), (22, 631)), Allowed(), [], id="nothing"),
        pytest.param(
            Seen((TUNNEL,), ("10.20.0.7",)), Allowed(), [Signal("tunnel_interface", "tun0")], id="tunnel-on-the-side"
        ),
        pytest.param(
            Seen((TUNNEL,), ("10.8.0.2",)),
            Allowed(),
            [Signal("tunnel_interface", "tun0"), Signal("tunnel_way_out", "tun0", is_weak=False)],
            id="everything-goes-through-a-tunnel",
        ),
        pytest.param(Seen((TUNNEL,), ("10.8.0.2",)), Allowed(interfaces=("tun*",)), [], id="the-schools-own-tunnel"),
        pytest.param(Seen((Interface("utun3", ("fe80::2%utun3",)),)), Allowed(), [], id="icloud-has-no-address"),
        pytest.param(Seen((Interface("docker0", ("172.17.0.1",)),)), Allowed(), [], id="containers-are-no-tunnel"),
        pytest.param(
            Seen((Interface("ProtonVPN TUN", ("10.2.0.2",)),)),
            Allowed(),
            [Signal("tunnel_interface", "protonvpn tun")],
            id="windows-by-its-name",
        ),
        pytest.param(
            Seen(programs=("Tor.exe", "tor")),
            Allowed(),
            [Signal("program_circumvention", "tor", is_weak=False)],
            id="a-program-that-only-bypasses",
        ),
        pytest.param(Seen(programs=("openvpn",)), Allowed(), [Signal("program_vpn", "openvpn")], id="a-weak-one"),
        pytest.param(Seen(programs=("OpenVPN.exe",)), Allowed(programs=frozenset({"openvpn"})), [], id="our-own"),
        pytest.param(
            Seen(programs=("psiphon-tunnel-",)),
            Allowed(),
            [Signal("program_circumvention", "psiphon-tunnel-core", is_weak=False)],
            id="a-name-that-linux-has-cut",
        ),
        pytest.param(Seen(programs=("tor-is-not-this",)), Allowed(), [], id="another-name"),
        pytest.param(Seen(ports=(9050, 9050)), Allowed(), [Signal("listener", "9050")], id="a-door"),
        pytest.param(Seen(ports=(1080,)), Allowed(ports=frozenset({1080})), [], id="a-door-of-the-technician"),
    ],
)
def test_signs(seen: Seen, allowed: Allowed, expected: list[Signal]) -> None:
    assert sorted(signals_of(seen, LISTS, allowed)) == sorted(expected)


class World:
    """A network that is what it is told to be."""

    def __init__(self, *programs: str) -> None:
        self.programs: Iterable[str] = programs
        self.fails: Exception | None = None

    def network(self) -> Network:
        return Network(lambda: (WIRELESS,), lambda: ("10.20.0.7",), lambda: self.programs, self._ports)

    def _ports(self) -> Iterable[int]:
        if self.fails is not None:
            raise self.fails
        return ()


def look(bypass: Bypass) -> list[tuple[Any, ...]]:
    return [(each.priority, each.key, each.facts["signals"], each.facts["is_weak"]) for each in bypass.look()]


def test_one_weak_sign_is_told_as_one_and_a_strong_one_is_not_replaced_before_it_is_read() -> None:
    now = [0.0]
    world = World("openvpn")
    bypass = Bypass(world.network(), LISTS, monotonic=lambda: now[0])
    assert look(bypass) == [(Priority.STATE, "bypass", 1, True)]
    assert look(bypass) == [], "only changes are told"
    world.programs = ("openvpn", "tor")
    assert look(bypass) == [(Priority.INCIDENT, "", 2, False)]
    world.programs = ()
    assert look(bypass) == [(Priority.STATE, "bypass", 0, True)]
    world.programs = ("openvpn", "tor")
    assert look(bypass) == [(Priority.STATE, "bypass", 2, False)], "the same matter comes and goes"
    world.programs = ()
    look(bypass)
    now[0] += 3600
    world.programs = ("tor", "openvpn")
    assert look(bypass) == [(Priority.INCIDENT, "", 2, False)]


def test_two_weak_signs_of_two_collectors_are_two() -> None:
    weak = Signal("resolver_not_ours", "192.0.2.53")
    bypass = Bypass(World("openvpn").network(), LISTS, others=lambda: (weak,))
    assert look(bypass) == [(Priority.INCIDENT, "", 2, True)]


def test_the_facts_are_those_that_an_endpoint_is_asked_for() -> None:
    (told,) = Bypass(World("tor").network(), LISTS).look()
    assert told.facts == {
        "kind": "bypass",
        "signals": 1,
        "is_weak": False,
        "found": [{"signal": "program_circumvention", "what": "tor", "weak": False}],
        "unseen": {},
    }


def test_what_cannot_be_seen_is_said_and_the_rest_counts() -> None:
    world = World("tor")
    world.fails = PermissionError(13, "/proc/net/tcp")
    (told,) = Bypass(world.network(), LISTS).look()
    assert (told.facts["signals"], told.facts["unseen"]) == (1, {"ports": "PermissionError:EACCES"})


def test_the_lists_are_in_order() -> None:
    assert len(LISTS.programs) > 60
    assert all(name == name.lower() and not name.endswith(".exe") for name in LISTS.programs)
    assert set(LISTS.programs.values()) == {"circumvention", "tunnel", "vpn", "dns"}
    cut = [name[:15] for name in LISTS.programs]
    assert len(cut) == len(set(cut))


TCP = (
    "  sl  local_address rem_address   st tx_queue\n"
    "   0: 0100007F:235A 00000000:0000 0A 00000000:00000000\n"
    "   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000\n"
)


def test_doors_are_read_from_the_kernel(tmp_path: Path) -> None:
    machine = recorded(tmp_path, {"/proc/net/tcp": TCP, "/proc/net/tcp6": "junk\nnot a line\n 0: x:zz y 0A\n"})
    assert list(listening_ports(machine)) == [9050]
    with pytest.raises(FileNotFoundError):
        listening_ports(recorded(tmp_path / "empty"))


def test_command_lines_are_never_read(tmp_path: Path) -> None:
    machine = recorded(tmp_path, {"/proc/12/comm": "psiphon-tunnel-\n"})
    (tmp_path / "proc/12/cmdline").mkdir()
    assert list(program_names(machine)) == ["psiphon-tunnel-"]
    mac = recorded(tmp_path, {}, {("/bin/ps", "-Aco", "comm="): "launchd\nTor Browser\n"}, platform="darwin")
    assert list(program_names(mac)) == ["launchd", "Tor Browser"]
    with pytest.raises(OSError, match="ps gave no answer"):
        program_names(recorded(tmp_path, platform="darwin"))


@pytest.mark.skipif(sys.platform != "linux", reason="looks at this computer as a Linux")
def test_this_computer_is_really_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert server.getsockname()[1] in set(listening_ports(Machine()))
    network = this_network(Machine())
    assert "lo" in {interface.name for interface in network.interfaces()}
    assert any(name.startswith(("python", "pytest")) for name in network.programs())
    (*_,) = Bypass(network, LISTS).look()


def test_the_way_out_is_asked_of_the_kernel() -> None:
    assert list(ways_out([(socket.AF_INET, "127.0.0.1")])) == ["127.0.0.1"]
    assert list(ways_out([(socket.AF_INET, "not an address")])) == []


@given(st.text(max_size=200))
def test_no_table_is_an_error(text: str) -> None:
    list(parse_listeners(text))
    list(parse_listeners("head\n" + text))


@given(st.lists(st.text(max_size=20)), st.lists(st.text(max_size=20)))
def test_no_name_and_no_address_is_an_error(names: list[str], addresses: list[str]) -> None:
    interfaces = tuple(Interface(f"tun0{name}", tuple(addresses)) for name in names)
    list(signals_of(Seen(interfaces, tuple(addresses), tuple(names)), LISTS, Allowed()))
