"""Names that never leave the house, and the answers that they get, as dnspython reads them."""

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.reversename
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.local_zones import LOCAL_ZONES, local_zone
from filters.wire import Edns
from rules.name import DomainName, from_wire, to_wire

EDNS = Edns(udp_octets=1232, dnssec_ok=False, version=0)


def wire_of(name: dns.name.Name) -> bytes:
    return name.to_wire() or b""


def answer(name: str, rtype: str = "A", **options: int) -> dns.message.Message:
    """Ask a local zone and read its answer, question and all."""
    wire = wire_of(dns.name.from_text(name))
    qtype = dns.rdatatype.from_text(rtype)
    zone = local_zone(wire[:-1].lower())
    assert zone is not None, name
    question = wire + int(qtype).to_bytes(2, "big") + b"\0\1"
    message = dns.message.from_wire(b"\0\1" + zone.compose(0x0100, question, EDNS, qtype, **options))
    assert message.question[0].to_text() == f"{dns.name.from_text(name)} IN {rtype}"
    assert message.edns == 0
    return message


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.1",
        "192.168.1.1",
        "127.0.0.1",
        "0.0.0.0",
        "169.254.1.1",
        "100.64.0.1",
        "100.127.0.1",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "255.255.255.255",
        "::",
        "::1",
        "fd00::1",
        "fe80::1",
        "febf::1",
        "2001:db8::1",
    ],
)
def test_reverse_names_of_private_addresses_never_leak(address: str) -> None:
    name = dns.reversename.from_address(address)
    assert local_zone(wire_of(name)[:-1]) is not None


@pytest.mark.parametrize(
    "name",
    [
        "www.example.test",
        "test",
        "com",
        "arpa",
        "in-addr.arpa",
        "172.in-addr.arpa",
        "invalid.example",
        "notinvalid",
        "notonion",
        "local",
        "",
        *(
            dns.reversename.from_address(address).to_text(omit_final_dot=True)
            for address in (
                "8.8.8.8",
                "172.15.0.1",
                "172.32.0.1",
                "192.169.0.1",
                "100.63.0.1",
                "100.128.0.1",
                "2001:db9::1",
                "::2",
                "fec0::1",
            )
        ),
    ],
)
def test_other_names_are_forwarded(name: str) -> None:
    assert local_zone(to_wire(DomainName(name))) is None


@pytest.mark.parametrize(
    ("name", "rtype", "rcode", "expected"),
    [
        ("3.2.1.10.in-addr.arpa", "PTR", "NXDOMAIN", None),
        ("10.in-addr.arpa", "PTR", "NOERROR", None),
        ("10.in-addr.arpa", "NS", "NOERROR", "10.in-addr.arpa."),
        ("1.0.0.127.in-addr.arpa", "PTR", "NOERROR", "localhost."),
        ("1.0.0.127.in-addr.arpa", "A", "NOERROR", None),
        ("0.0.127.in-addr.arpa", "PTR", "NOERROR", None),
        ("2.0.0.127.in-addr.arpa", "PTR", "NXDOMAIN", None),
        ("1." + "0." * 31 + "ip6.arpa", "PTR", "NOERROR", "localhost."),
        ("anything.invalid", "A", "NXDOMAIN", None),
        ("Secret.Onion", "AAAA", "NXDOMAIN", None),
        ("printer.home.arpa", "A", "NXDOMAIN", None),
        ("localhost", "A", "NOERROR", "127.0.0.1"),
        ("LocalHost", "AAAA", "NOERROR", "::1"),
        ("app.localhost", "A", "NOERROR", "127.0.0.1"),
        ("app.localhost", "HTTPS", "NOERROR", None),
        ("localhost", "MX", "NOERROR", None),
    ],
)
def test_local_zones_answer_for_themselves(name: str, rtype: str, rcode: str, expected: str | None) -> None:
    message = answer(name, rtype)
    assert dns.rcode.to_text(message.rcode()) == rcode
    assert [str(record) for rrset in message.answer for record in rrset] == ([expected] if expected else [])
    if expected is None:
        soa = message.authority[0]
        assert dns.name.from_text(name).is_subdomain(soa.name)
        assert soa.to_text().split(maxsplit=4)[4] == f"{soa.name} nobody.invalid. 1 3600 1200 604800 10800"


def test_the_soa_record_is_given_where_it_is_asked_for() -> None:
    message = answer("10.in-addr.arpa", "SOA")
    assert str(message.answer[0][0]) == "10.in-addr.arpa. nobody.invalid. 1 3600 1200 604800 10800"


def test_answers_live_no_longer_than_they_may() -> None:
    assert answer("x.invalid").authority[0].ttl == 10_800
    assert answer("x.invalid", at_most_seconds=60).authority[0].ttl == 60
    assert answer("localhost", at_most_seconds=60).answer[0].ttl == 60


def test_a_client_without_edns_gets_none() -> None:
    zone = local_zone(b"\x07invalid")
    assert zone is not None
    question = b"\x07invalid\0\0\1\0\1"
    assert dns.message.from_wire(b"\0\1" + zone.compose(0x0100, question, None, 1)).edns == -1


@given(st.sampled_from(sorted(LOCAL_ZONES)), st.lists(st.binary(min_size=1, max_size=12), max_size=3))
def test_every_name_below_a_local_zone_belongs_to_it(apex: bytes, labels: list[bytes]) -> None:
    name = b"".join(bytes((len(label),)) + label.lower() for label in labels) + apex
    zone = local_zone(name)
    assert zone is not None
    assert name.endswith(zone.apex)


@given(st.lists(st.binary(min_size=1, max_size=12), max_size=6))
def test_labels_are_compared_whole(labels: list[bytes]) -> None:
    name = b"".join(bytes((len(label),)) + label.lower() for label in labels)
    zone = local_zone(name)
    ancestors = {b"".join(bytes((len(label),)) + label.lower() for label in labels[at:]) for at in range(len(labels))}
    assert (zone is not None) == any(ancestor in LOCAL_ZONES for ancestor in ancestors), from_wire(name)
