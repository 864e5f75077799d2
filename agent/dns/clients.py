"""Whose address is this: the profile of a client, from the site's networks and groups.

Workers import this module, so it must stay light.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, Generic, TypeVar

from agent.sites.site import Group, Network
from rules.subject import Audience, Profile

# Where the groups of one client disagree, the one who needs most protection.
_MOST_PROTECTED_FIRST: Final = (Audience.PUPIL, Audience.GUEST, Audience.STAFF)

Value = TypeVar("Value")


class _PrefixTable(Generic[Value]):
    """Values by prefix; a look-up asks once for each prefix length that occurs."""

    def __init__(self, entries: Iterable[tuple[str, Value]]) -> None:
        tables: dict[tuple[int, int], dict[int, list[Value]]] = {}
        for cidr, value in entries:
            network = ip_network(cidr, strict=False)
            table = tables.setdefault((network.version, network.prefixlen), {})
            table.setdefault(int(network.network_address), []).append(value)
        self._levels: dict[int, list[tuple[int, dict[int, list[Value]]]]] = {4: [], 6: []}
        for (version, length), table in sorted(tables.items(), reverse=True):
            bits = 32 if version == 4 else 128
            self._levels[version].append(((1 << bits) - (1 << (bits - length)), table))

    def longest(self, address: IPv4Address | IPv6Address) -> Value | None:
        """Give the value of the longest prefix that covers the address."""
        number = int(address)
        for mask, table in self._levels[address.version]:
            if (values := table.get(number & mask)) is not None:
                return values[0]
        return None

    def all(self, address: IPv4Address | IPv6Address) -> list[Value]:
        """Give the values of every prefix that covers the address."""
        number = int(address)
        return [value for mask, table in self._levels[address.version] for value in table.get(number & mask, ())]


@dataclass(frozen=True, slots=True)
class Seat:
    """What an address has from whoever is signed in there: groups, until an instant in seconds since 1970."""

    groups: tuple[str, ...]
    until: float


class ClientResolver:
    """Profiles by address: the longest prefix of a network gives the audience, groups add to it.

    Whoever is signed in somewhere adds groups, and never changes the audience.

    Args:
        networks: the parts of the school's network; addresses outside of them are nobody's.
        groups: what policies address together, by prefix or by device.
        devices: what else the device behind an address is known by: link-layer address, host name.
        seats: what addresses have from whoever is signed in there.
        wall_clock: seconds since 1970, by which seats are over.
    """

    def __init__(
        self,
        networks: Iterable[Network],
        groups: Iterable[Group],
        devices: Mapping[str, Iterable[str]] | None = None,
        *,
        seats: Mapping[str, Seat] | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        groups = tuple(groups)
        self._networks = _PrefixTable((cidr, network) for network in networks for cidr in network.cidrs)
        self._groups_by_prefix = _PrefixTable((cidr, group) for group in groups for cidr in group.cidrs)
        self._groups_by_device: dict[str, list[Group]] = {}
        for group in groups:
            for device in group.devices:
                self._groups_by_device.setdefault(_normal(device), []).append(group)
        self._devices = {_normal(address): tuple(names) for address, names in (devices or {}).items()}
        self._seats = seats or {}
        self._wall_clock = wall_clock
        self._next_end = self._first_end()

    def network_of(self, address: str | bytes) -> Network | None:
        """Give the network that an address belongs to."""
        return self._networks.longest(parse_address(address))

    def profile_of(self, address: str | bytes) -> Profile | None:
        """Give the profile of an address, or nothing if it is in no network of the site.

        Raises:
            ValueError: that is not an address.
        """
        parsed = parse_address(address)
        network = self._networks.longest(parsed)
        if network is None:
            return None
        groups = self._groups_by_prefix.all(parsed)
        if self._groups_by_device:
            own = str(parsed)
            for known_as in (own, *self._devices.get(own, ())):
                groups += self._groups_by_device.get(_normal(known_as), ())
        stated = {group.audience for group in groups}
        audience = next((each for each in _MOST_PROTECTED_FIRST if each in stated), network.audience)
        return Profile(
            audience, frozenset((*network.groups, *(group.name for group in groups), *self._seated(parsed)))
        )

    def has_a_seat_ended(self) -> bool:
        """Say whether a seat is over that was not when this was last asked, so that profiles may be others."""
        if self._wall_clock() < self._next_end:
            return False
        self._next_end = self._first_end()
        return True

    def _first_end(self) -> float:
        now = self._wall_clock()
        return min((seat.until for seat in self._seats.values() if seat.until > now), default=float("inf"))

    def _seated(self, address: IPv4Address | IPv6Address) -> tuple[str, ...]:
        """Give the groups of whoever is signed in at an address."""
        seat = self._seats.get(str(address)) if self._seats else None
        return seat.groups if seat is not None and self._wall_clock() < seat.until else ()


def parse_address(address: str | bytes) -> IPv4Address | IPv6Address:
    """Read an address as text or as the octets of a packet; an IPv4 address in IPv6 form is the IPv4 client.

    Raises:
        ValueError: that is not an address.
    """
    parsed = ip_address(address.partition("%")[0] if isinstance(address, str) else address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def _normal(device: str) -> str:
    """Write an address, a link-layer address or a host name in the one way in which it is compared."""
    try:
        return str(parse_address(device))
    except ValueError:
        return device.lower()
