"""resolv.conf as found, and resolvers that would be ourselves."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.dns.upstream_system import CHECK_SECONDS, SystemResolvers, leads_back, parse_resolv_conf
from agent.sites.site import Endpoint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nameserver 192.0.2.1\n", ["192.0.2.1"]),
        (
            "search example.test\nnameserver 192.0.2.1\noptions ndots:1\nnameserver 192.0.2.2",
            ["192.0.2.1", "192.0.2.2"],
        ),
        ("nameserver\t192.0.2.1  # the old one\n", ["192.0.2.1"]),
        ("# nameserver 192.0.2.1\n; nameserver 192.0.2.2\n", []),
        ("nameserver 2001:db8::1\nnameserver fe80::1%eth0\n", ["2001:db8::1", "fe80::1%eth0"]),
        ("nameserver fe80::1%\nnameserver 192.0.2.1%eth0\n", []),
        ("nameserver 192.0.2.1\nnameserver 192.0.2.1\n", ["192.0.2.1"]),
        ("nameserver dns.example.test\nnameserver 192.0.2.300\nnameserver\nnameservers 192.0.2.1\n", []),
        ("nameserver 127.0.0.53\r\n", ["127.0.0.53"]),
        ("", []),
    ],
    ids=[
        "one",
        "among-other-lines",
        "with-a-comment-behind",
        "comments",
        "ipv6-with-scope",
        "scopes-that-are-none",
        "twice",
        "not-an-address",
        "carriage-returns",
        "empty",
    ],
)
def test_nameservers_are_read_in_their_order(text: str, expected: list[str]) -> None:
    assert parse_resolv_conf(text) == tuple(Endpoint(address, 53) for address in expected)


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert all(endpoint.port == 53 for endpoint in parse_resolv_conf(text))
    assert all(endpoint.port == 53 for endpoint in parse_resolv_conf("nameserver " + text))


@pytest.mark.parametrize(
    ("asked", "own", "expected"),
    [
        (Endpoint("192.0.2.1", 53), Endpoint("192.0.2.1", 53), True),
        (Endpoint("127.0.0.1", 53), Endpoint("0.0.0.0", 53), True),
        (Endpoint("127.0.0.53", 53), Endpoint("0.0.0.0", 53), True),
        (Endpoint("127.0.0.1", 53), Endpoint("127.0.0.1", 5335), False),
        (Endpoint("127.0.0.1", 53), Endpoint("0.0.0.0", 5335), False),
        (Endpoint("192.0.2.1", 53), Endpoint("0.0.0.0", 53), False),
        (Endpoint("192.0.2.1", 53), Endpoint("192.0.2.2", 53), False),
        (Endpoint("::1", 53), Endpoint("::", 53), True),
        (Endpoint("0.0.0.0", 53), Endpoint("0.0.0.0", 53), True),
        (Endpoint("fe80::1%nosuch0", 53), Endpoint("::", 53), False),
    ],
    ids=str,
)
def test_we_never_ask_ourselves(asked: Endpoint, own: Endpoint, *, expected: bool) -> None:
    assert leads_back(asked, [own]) is expected


def test_a_changed_file_is_read_again_but_not_all_the_time(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.1\n")
    resolvers = SystemResolvers(path, [Endpoint("192.0.2.9", 53)])
    assert resolvers.refresh(100.0)
    assert [str(upstream) for upstream in resolvers.upstreams] == ["udp://192.0.2.1:53"]
    assert not resolvers.refresh(100.0 + CHECK_SECONDS)
    path.write_text("nameserver 192.0.2.9\nnameserver 192.0.2.22\n")
    assert not resolvers.refresh(101.0 + CHECK_SECONDS)
    assert resolvers.refresh(100.0 + 2 * CHECK_SECONDS)
    assert [str(upstream) for upstream in resolvers.upstreams] == ["udp://192.0.2.22:53"]
    path.write_text("search example.test\nnameserver 192.0.2.22\n")
    assert not resolvers.refresh(100.0 + 3 * CHECK_SECONDS), "the same resolvers"


def test_a_file_that_goes_leaves_the_resolvers(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    resolvers = SystemResolvers(path, [])
    assert not resolvers.refresh(0.0)
    assert resolvers.upstreams == ()
    path.write_bytes(b"nameserver 192.0.2.1\n\xff\n")
    assert resolvers.refresh(10.0)
    path.unlink()
    assert not resolvers.refresh(20.0)
    assert len(resolvers.upstreams) == 1
