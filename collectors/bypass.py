"""Signs that a filter is bypassed: tunnels, the way out through one, programs and the doors that they open.

Signs are counted and never judged, and one weak sign is no more than one. Of a program its name is seen, never what
it was started with. What belongs to the school itself is no sign.
"""

import fnmatch
import socket
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from ipaddress import ip_address
from typing import Any, Final

import psutil
import yaml

from collectors.linux_posture import process_names
from collectors.machine import Machine
from collectors.observed import JSON, Observed, Priority
from collectors.probe import reason_of

# Addresses for documentation, to which nothing is sent: the kernel only says by which way it would go there.
# Source: RFC 5737, RFC 3849.
_FAR_AWAY: Final = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
_DISCARD_PORT: Final = 9
_PROCESS_NAME_CHARACTERS: Final = 15
_WEAK_KINDS: Final = frozenset({"vpn", "dns"})
_LISTENING: Final = "0A"
_SECONDS: Final = 5.0
_SIGNALS_SHOWN: Final = 20
# The same signs that come and go are one matter for so long.
_KEPT_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True, order=True)
class Signal:
    """One sign; `what` names it: an interface, a program of the list, a port, a resolver."""

    code: str
    what: str
    is_weak: bool = True


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface that is up, with its addresses."""

    name: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lists:
    """What is known of means to bypass a filter."""

    programs: Mapping[str, str]
    interfaces: tuple[str, ...]
    ports: frozenset[int]


@dataclass(frozen=True, slots=True)
class Allowed:
    """What belongs to the school: interfaces as shells match them, and programs by their names."""

    interfaces: tuple[str, ...] = ()
    programs: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Network:
    """What can be seen of this computer's network.

    Args:
        ways_out: the own addresses by which it would go to the rest of the world.
    """

    interfaces: Callable[[], Iterable[Interface]]
    ways_out: Callable[[], Iterable[str]]
    programs: Callable[[], Iterable[str]]
    ports: Callable[[], Iterable[int]]


@dataclass(slots=True)
class Seen:
    """What was seen, and what could not be, with the reason."""

    interfaces: tuple[Interface, ...] = ()
    ways_out: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    unseen: dict[str, str] = field(default_factory=dict)


def load_lists() -> Lists:
    """Read the lists that come with the product."""
    text = resources.files("collectors").joinpath("data/bypass.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    programs = {str(name): str(kind) for kind, names in data["programs"].items() for name in names}
    return Lists(programs, tuple(data["interfaces"]), frozenset(data["ports"]))


class Bypass:
    """All signs together, told when they change.

    Args:
        others: signs that other collectors know, as of the resolver: two weak ones count as two.
    """

    def __init__(
        self,
        network: Network,
        lists: Lists,
        *,
        allowed: Allowed | None = None,
        others: Callable[[], Iterable[Signal]] = tuple,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._network = network
        self._lists = lists
        self._allowed = allowed or Allowed()
        self._others = others
        self._monotonic = monotonic
        self._kept: dict[tuple[Signal, ...], float] = {}
        self._told: tuple[tuple[Signal, ...], tuple[str, ...]] = ((), ())

    def look(self) -> tuple[Observed, ...]:
        """Look once; empty where nothing has changed."""
        seen = _see(self._network)
        signals = tuple(sorted({*signals_of(seen, self._lists, self._allowed), *self._others()}))
        now = (signals, tuple(sorted(seen.unseen)))
        if now == self._told:
            return ()
        self._told = now
        is_strong = len(signals) > 1 or any(not signal.is_weak for signal in signals)
        at = self._monotonic()
        is_fresh = signals not in self._kept or at - self._kept[signals] >= _KEPT_SECONDS
        if is_strong and is_fresh:
            self._kept = {key: then for key, then in self._kept.items() if at - then < _KEPT_SECONDS} | {signals: at}
        return (observe_signals(signals, seen.unseen, is_kept=is_strong and is_fresh),)


def observe_signals(signals: Collection[Signal], unseen: Mapping[str, str], *, is_kept: bool) -> Observed:
    """Tell of signs: how many there are, and whether all of them are weak; that there is none any more, too.

    Args:
        is_kept: whether it must not be replaced by what is told later, before anybody has read it.
    """
    is_weak = all(signal.is_weak for signal in signals)
    facts: dict[str, JSON] = {
        "kind": "bypass",
        "signals": len(signals),
        "is_weak": is_weak,
        "found": [
            {"signal": signal.code, "what": signal.what, "weak": signal.is_weak}
            for signal in sorted(signals, key=lambda signal: (signal.is_weak, signal))[:_SIGNALS_SHOWN]
        ],
        "unseen": dict(unseen),
    }
    if is_kept:
        return Observed("bypass", Priority.INCIDENT, facts)
    return Observed("bypass", Priority.STATE, facts, key="bypass")


def _see(network: Network) -> Seen:
    seen = Seen()
    for name in ("interfaces", "ways_out", "programs", "ports"):
        try:
            setattr(seen, name, tuple(getattr(network, name)()))
        except Exception as error:  # noqa: BLE001 -- what cannot be seen is said, and the rest still counts
            seen.unseen[name] = reason_of(error)
    return seen


def signals_of(seen: Seen, lists: Lists, allowed: Allowed) -> Iterator[Signal]:
    """Give the signs in what was seen."""
    for interface in seen.interfaces:
        name = interface.name.lower()
        if not _matches(name, lists.interfaces) or _matches(name, allowed.interfaces):
            continue
        addresses = [address for address in interface.addresses if _is_given(address)]
        # iCloud and others have tunnels of their own without an address.
        if not addresses:
            continue
        yield Signal("tunnel_interface", name)
        if not set(addresses).isdisjoint(seen.ways_out):
            yield Signal("tunnel_way_out", name, is_weak=False)
    yield from _program_signals(seen.programs, lists, allowed)
    for port in set(seen.ports) & lists.ports - allowed.ports:
        yield Signal("listener", str(port))


def _program_signals(programs: Iterable[str], lists: Lists, allowed: Allowed) -> Iterator[Signal]:
    cut = {name[:_PROCESS_NAME_CHARACTERS]: name for name in lists.programs}
    own = {name.lower()[:_PROCESS_NAME_CHARACTERS] for name in allowed.programs}
    for name in {program.lower().removesuffix(".exe")[:_PROCESS_NAME_CHARACTERS] for program in programs}:
        if name in cut and name not in own:
            kind = lists.programs[cut[name]]
            yield Signal(f"program_{kind}", cut[name], is_weak=kind in _WEAK_KINDS)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern.lower()) for pattern in patterns)


def _is_given(address: str) -> bool:
    """Say whether somebody gave this address; one of the link alone everybody has."""
    try:
        return not ip_address(address.partition("%")[0]).is_link_local
    except ValueError:
        return False


# --- this computer


def this_network(machine: Machine) -> Network:
    """See the computer that this runs on; its files of processes and listeners are those of the machine."""
    return Network(
        interfaces=_interfaces,
        ways_out=ways_out,
        programs=lambda: program_names(machine),
        ports=lambda: listening_ports(machine),
    )


def _interfaces() -> Iterator[Interface]:
    states = psutil.net_if_stats()
    for name, addresses in psutil.net_if_addrs().items():
        if name in states and states[name].isup:
            found = [each.address for each in addresses if each.family in {socket.AF_INET, socket.AF_INET6}]
            yield Interface(name, tuple(address.partition("%")[0] for address in found))


def ways_out(far_away: Iterable[tuple[int, str]] = _FAR_AWAY) -> Iterator[str]:
    """Give the own addresses by which packets would leave; rules for routing count, as WireGuard makes them."""
    for family, address in far_away:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((address, _DISCARD_PORT))
                own: str = probe.getsockname()[0]
        except OSError:
            continue
        yield own


def program_names(machine: Machine) -> Iterable[str]:
    """Give the names of the processes. psutil would read command lines to complete long names, but on Windows."""
    if machine.platform == "win32":
        return [str(process.info["name"]) for process in psutil.process_iter(["name"])]
    if machine.platform == "darwin":
        said = machine.run(("/bin/ps", "-Aco", "comm="), _SECONDS)
        if not said.is_good:
            raise OSError("ps gave no answer")
        return [line.strip() for line in said.text.splitlines()]
    return process_names(machine)


def listening_ports(machine: Machine) -> Iterable[int]:
    """Give the TCP ports that are listened on for this computer's own programs."""
    if machine.platform == "linux":
        tables = [machine.word(place) for place in ("/proc/net/tcp", "/proc/net/tcp6")]
        if tables == [None, None]:
            raise FileNotFoundError("/proc/net/tcp")
        return [port for table in tables if table is not None for port in parse_listeners(table)]
    connections: Any = psutil.net_connections("tcp")
    return [each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN and each.laddr]


def parse_listeners(table: str) -> Iterator[int]:
    """Read the kernel's table of TCP sockets; a line that cannot be read is left out. Source: proc_net_tcp(5)."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 4 or fields[3] != _LISTENING:
            continue
        try:
            yield int(fields[1].rpartition(":")[2], 16)
        except ValueError:
            continue
