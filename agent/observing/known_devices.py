"""What a site knows of devices, by the pseudonyms under which they ask: their groups, and which of them are shared.

What is asked is kept by pseudonym alone. Whoever holds the key can tell what a pseudonym is of a device that the site
or a lease names, and of no other.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from ipaddress import ip_address, ip_network
from itertools import islice
from typing import Final

from agent.dns.clients import ClientResolver, parse_address
from agent.people.pseudonyms import Devices, Pseudonyms, device_of
from agent.sites.site import Site
from rules.errors import RefusedRequestError
from rules.subject import Audience

# Of a longer prefix nobody has written down every address.
MOST_ADDRESSES: Final = 1024
_LINK_LAYER: Final = re.compile(r"[0-9a-f]{12}")
_MOST_CHARACTERS: Final = 64


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a device; several people use one that is shared."""

    groups: frozenset[str] = frozenset()
    is_shared: bool = False


UNKNOWN: Final = Known()


class KnownDevices:
    """The devices of one site at one time.

    Args:
        devices: what else the device behind an address is known by.
    """

    def __init__(self, site: Site, devices: Devices, pseudonyms: Pseudonyms) -> None:
        self.site = site
        self.devices = devices
        self._pseudonyms = pseudonyms
        self._resolver = ClientResolver(site.networks, site.groups, devices)
        self._shared = frozenset(group.name for group in site.groups if group.is_shared)
        self._of_year: dict[date, Mapping[str, Known]] = {}

    def of(self, pseudonym: str, on: date) -> Known:
        """Say what is known of whoever has a pseudonym on a day.

        Raises:
            StorageError: the key of the pseudonyms cannot be read or made.
        """
        year = self._pseudonyms.year_began(on)
        if year not in self._of_year:
            self._of_year[year] = dict(self._pairs(on))
        return self._of_year[year].get(pseudonym, UNKNOWN)

    def pseudonym(self, device: str, on: date) -> str:
        """Give the pseudonym of a device on a day, by its address or link-layer address as a program writes it.

        Raises:
            RefusedRequestError: it is neither.
            StorageError: the key of the pseudonyms cannot be read or made.
        """
        address = _address_of(device)
        if address is not None:
            return self._pseudonyms.pseudonym(device_of(ip_address(address).packed, self.devices), on)
        return self._pseudonyms.pseudonym(link_layer_of(device), on)

    def audience(self, device: str) -> Audience | None:
        """Say whose a device is by the networks and groups of the site; nothing where it is in none of them."""
        known = _address_of(device)
        addresses = [known] if known else self._addresses_of(link_layer_of(device))
        profiles = (self._resolver.profile_of(address) for address in addresses)
        return next((profile.audience for profile in profiles if profile is not None), None)

    def _addresses_of(self, link_layer: str) -> list[str]:
        return [address for address, names in self.devices.items() if link_layer in map(str.lower, names)]

    def _pairs(self, on: date) -> Iterator[tuple[str, Known]]:
        for device in self._named():
            groups = frozenset(group.name for group in self.site.groups if device in group.devices)
            yield self._pseudonyms.pseudonym(device, on), self._known(groups)
        for address in self._addresses():
            profile = self._resolver.profile_of(address)
            if profile is not None and profile.groups:
                device = device_of(ip_address(address).packed, self.devices)
                yield self._pseudonyms.pseudonym(device, on), self._known(profile.groups)

    def _known(self, groups: frozenset[str]) -> Known:
        return Known(groups, is_shared=not self._shared.isdisjoint(groups))

    def _named(self) -> Iterator[str]:
        """Give the devices that groups name by their link-layer addresses, wherever they are."""
        for group in self.site.groups:
            yield from (device for device in group.devices if _LINK_LAYER.fullmatch(device.replace(":", "")))

    def _addresses(self) -> Iterator[str]:
        """Give the addresses that leases know or that the site names, one by one or as a short prefix."""
        yield from self.devices
        for group in self.site.groups:
            yield from (address for device in group.devices if (address := _address_of(device)) is not None)
        prefixes = [cidr for group in self.site.groups for cidr in group.cidrs]
        prefixes += [cidr for network in self.site.networks if network.groups for cidr in network.cidrs]
        for prefix in prefixes:
            yield from map(str, islice(ip_network(prefix), MOST_ADDRESSES))


class DevicesInForce:
    """The devices of the site in force, looked at again when the site or the leases have changed."""

    def __init__(self, site: Callable[[], Site], devices: Callable[[], Devices], pseudonyms: Pseudonyms) -> None:
        self._site = site
        self._devices = devices
        self._pseudonyms = pseudonyms
        self._known: KnownDevices | None = None

    def __call__(self) -> KnownDevices:
        """Give the devices as they are known now."""
        site, devices, known = self._site(), self._devices(), self._known
        if known is None or known.site is not site or known.devices != devices:
            known = self._known = KnownDevices(site, devices, self._pseudonyms)
        return known


def link_layer_of(text: str) -> str:
    """Read a link-layer address in any of the ways in which programs write it.

    Raises:
        RefusedRequestError: it is none.
    """
    plain = re.sub(r"[:.-]", "", text.strip().lower())
    if not _LINK_LAYER.fullmatch(plain):
        shown = text if len(text) <= _MOST_CHARACTERS and text.isprintable() else "that text"
        raise RefusedRequestError(
            f"No device is called {shown}; expected an address such as 10.1.2.3,"
            " or a link-layer address such as 02:00:5e:00:53:01."
        )
    return ":".join(plain[place : place + 2] for place in range(0, 12, 2))


def _address_of(text: str) -> str | None:
    try:
        return str(parse_address(text.strip()))
    except ValueError:
        return None
