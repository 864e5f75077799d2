"""One device, however many addresses it has: leases and neighbours united by the link-layer address.

A device that gives itself a new IPv6 address every day still has the link-layer address, and with it the host name,
that it told the DHCP server.
"""

from collections.abc import Iterable
from datetime import datetime

from collectors.leases import Lease
from collectors.neighbours import Neighbour


def unite_devices(
    leases: Iterable[Lease], neighbours: Iterable[Neighbour], *, at: datetime
) -> dict[str, tuple[str, ...]]:
    """Say what else the device behind each address is known by: its link-layer address, its host name.

    Where a lease and the neighbour table disagree about an address, the table holds: it says who answers there now.
    Host names are what devices call themselves; where it matters who is who, a school names link-layer addresses.
    """
    valid = [lease for lease in leases if lease.is_valid(at)]
    link_layers = {lease.address: lease.link_layer for lease in valid if lease.link_layer is not None}
    link_layers |= {neighbour.address: neighbour.link_layer for neighbour in neighbours}

    host_names: dict[str, set[str]] = {}
    for lease in valid:
        if lease.host_name is not None:
            # cart-07.school.example answers to cart-07 too.
            names = (lease.host_name, lease.host_name.partition(".")[0])
            host_names.setdefault(lease.link_layer or lease.address, set()).update(names)

    devices: dict[str, tuple[str, ...]] = {}
    for address in {*link_layers, *(lease.address for lease in valid)}:
        device = link_layers.get(address, address)
        known = (*(name for name in (device,) if name != address), *sorted(host_names.get(device, ())))
        if known:
            devices[address] = known
    return devices
