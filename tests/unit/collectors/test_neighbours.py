"""The kernel's neighbour table, from recorded and made-up netlink messages."""

import struct
import sys
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.neighbours import Neighbour, parse_neighbours, read_neighbours

TABLET = "02:00:5e:00:53:01"
REACHABLE, STALE, INCOMPLETE, FAILED, NO_ARP = 0x02, 0x04, 0x01, 0x20, 0x40
DONE = struct.pack("=IHHIII", 20, 3, 2, 1, 0, 0)


def attribute(kind: int, value: bytes) -> bytes:
    padding = bytes(-len(value) % 4)
    return struct.pack("=HH", 4 + len(value), kind) + value + padding


def message(address: str, link_layer: str | None, state: int) -> bytes:
    parsed = ip_address(address)
    body = struct.pack("=BBHiHBB", 2 if parsed.version == 4 else 10, 0, 0, 2, state, 0, 1)
    body += attribute(1, parsed.packed)
    if link_layer is not None:
        body += attribute(2, bytes.fromhex(link_layer.replace(":", "")))
    body += attribute(4, bytes(4))
    return struct.pack("=IHHII", 16 + len(body), 28, 2, 1, 0) + body


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(message("192.0.2.10", TABLET, REACHABLE), [Neighbour("192.0.2.10", TABLET)], id="ipv4"),
        pytest.param(message("2001:db8::10", TABLET, STALE), [Neighbour("2001:db8::10", TABLET)], id="ipv6-stale"),
        pytest.param(message("192.0.2.10", None, INCOMPLETE), [], id="asked-for-and-not-yet-known"),
        pytest.param(message("192.0.2.10", TABLET, FAILED), [], id="gone"),
        pytest.param(message("2001:db8::10", "33:33:00:00:00:01", NO_ARP), [], id="needs-no-resolution"),
        pytest.param(message("127.0.0.1", "00:00:00:00:00:00", STALE), [], id="no-real-address"),
        pytest.param(
            message("192.0.2.10", TABLET, STALE) + message("2001:db8::10", TABLET, STALE) + DONE,
            [Neighbour("192.0.2.10", TABLET), Neighbour("2001:db8::10", TABLET)],
            id="several-in-one-datagram",
        ),
        pytest.param(message("192.0.2.10", TABLET, STALE)[:-8], [], id="cut-off"),
    ],
)
def test_messages(data: bytes, expected: list[Neighbour]) -> None:
    assert list(parse_neighbours(data)) == expected
    assert list(read_neighbours(lambda: data)) == expected


@given(st.binary(max_size=400), st.binary(max_size=60))
def test_no_octets_are_an_error(data: bytes, tail: bytes) -> None:
    list(parse_neighbours(data))
    list(parse_neighbours(message("192.0.2.10", TABLET, STALE) + tail))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has netlink")
def test_the_table_of_this_machine_can_be_read() -> None:
    for neighbour in read_neighbours():
        assert str(ip_address(neighbour.address)) == neighbour.address
