"""Which device is behind an address on the same link: the kernel's neighbour table.

It knows what no lease file does: the addresses that devices made up for themselves (RFC 8981).
"""

import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

# Source: linux/netlink.h, linux/rtnetlink.h, linux/neighbour.h.
_NLMSG_DONE: Final = 3
_RTM_NEWNEIGH: Final = 28
_RTM_GETNEIGH: Final = 30
_NLM_F_REQUEST_DUMP: Final = 0x301
_NDA_DST: Final = 1
_NDA_LLADDR: Final = 2
# NUD_REACHABLE, NUD_STALE, NUD_DELAY, NUD_PROBE, NUD_PERMANENT: states in which the address is known to be right.
_KNOWN_STATES: Final = 0x02 | 0x04 | 0x08 | 0x10 | 0x80
_MESSAGE_HEADER: Final = struct.Struct("=IHHII")
_NEIGHBOUR_HEADER: Final = struct.Struct("=BBHiHBB")
_ATTRIBUTE_HEADER: Final = struct.Struct("=HH")
_ETHERNET_OCTETS: Final = 6


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An address and the link-layer address of the device that has it."""

    address: str
    link_layer: str


def read_neighbours(dump: Callable[[], bytes] | None = None) -> tuple[Neighbour, ...]:
    """Read the table; empty on systems that have none to read.

    Args:
        dump: gives the kernel's answer, for tests.

    Raises:
        OSError: the kernel refused, for instance because netlink sockets are forbidden.
    """
    if dump is None:
        if not hasattr(socket, "AF_NETLINK"):
            return ()
        dump = dump_neighbours
    return tuple(parse_neighbours(dump()))


def dump_neighbours() -> bytes:
    """Ask the kernel for its table, of both families at once."""
    request = _MESSAGE_HEADER.pack(
        _MESSAGE_HEADER.size + _NEIGHBOUR_HEADER.size, _RTM_GETNEIGH, _NLM_F_REQUEST_DUMP, 1, 0
    ) + bytes(_NEIGHBOUR_HEADER.size)
    answer = bytearray()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(2)
        kernel.sendto(request, (0, 0))
        while not _is_complete(part := kernel.recv(65_536)):
            answer += part
    return bytes(answer + part)


def _is_complete(part: bytes) -> bool:
    """Say whether this part ends the dump, or is no part of one."""
    kinds = [kind for kind, _ in _messages(part)]
    return not kinds or any(kind != _RTM_NEWNEIGH for kind in kinds)


def parse_neighbours(data: bytes) -> Iterator[Neighbour]:
    """Read netlink messages; what is cut off or of another kind is left out."""
    for kind, body in _messages(data):
        if kind != _RTM_NEWNEIGH or len(body) < _NEIGHBOUR_HEADER.size:
            continue
        _family, _pad1, _pad2, _interface, state, _flags, _type = _NEIGHBOUR_HEADER.unpack_from(body)
        attributes = dict(_attributes(body[_NEIGHBOUR_HEADER.size :]))
        address = _address(attributes.get(_NDA_DST, b""))
        link_layer = attributes.get(_NDA_LLADDR, b"")
        is_known = state & _KNOWN_STATES and len(link_layer) == _ETHERNET_OCTETS and any(link_layer)
        if address is not None and is_known:
            yield Neighbour(address, link_layer.hex(":"))


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + _MESSAGE_HEADER.size <= len(data):
        length, kind, _flags, _sequence, _port = _MESSAGE_HEADER.unpack_from(data, position)
        if length < _MESSAGE_HEADER.size or position + length > len(data):
            return
        yield kind, data[position + _MESSAGE_HEADER.size : position + length]
        position += _aligned(length)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + _ATTRIBUTE_HEADER.size <= len(data):
        length, kind = _ATTRIBUTE_HEADER.unpack_from(data, position)
        if length < _ATTRIBUTE_HEADER.size or position + length > len(data):
            return
        yield kind, data[position + _ATTRIBUTE_HEADER.size : position + length]
        position += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def _address(octets: bytes) -> str | None:
    if len(octets) == 4:
        return str(IPv4Address(octets))
    return str(IPv6Address(octets)) if len(octets) == 16 else None
