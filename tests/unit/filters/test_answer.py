"""What an upstream's answer says, and what is kept of it; messages are built by dnspython."""

import ipaddress

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.answer import RawAnswer, is_private_address, parse_answer
from filters.wire import MalformedError
from rules.name import DomainName, to_wire

QUESTION = to_wire(DomainName("www.example.test")) + b"\0\0\x01\0\x01"


def answer(
    *rrsets: str, authority: tuple[str, ...] = (), rcode: int = 0, rdtype: str = "A", max_ttl: int = 3600
) -> RawAnswer:
    message = dns.message.make_response(dns.message.make_query("www.example.test", rdtype, use_edns=0))
    message.set_rcode(dns.rcode.Rcode.make(rcode))
    for section, texts in ((message.answer, rrsets), (message.authority, authority)):
        for text in texts:
            owner, ttl, kind, data = text.split(" ", 3)
            section.append(dns.rrset.from_text(owner, int(ttl), "IN", kind, data))
    return parse_answer(message.to_wire()[2:], now=1000.0, max_ttl_seconds=max_ttl)


def targets_of(raw: RawAnswer) -> tuple[bytes, ...]:
    return raw.remarks.targets if raw.remarks else ()


SOA = "example.test. {ttl} SOA ns.example.test. mail.example.test. 1 3600 600 86400 {minimum}"


def test_the_lowest_ttl_is_the_lifetime() -> None:
    raw = answer("www.example.test. 300 CNAME a.example.test.", "a.example.test. 60 A 192.0.2.1")
    assert (raw.lifetime_seconds, raw.expires_at) == (60, 1060.0)


def test_the_site_maximum_caps_the_lifetime() -> None:
    assert answer("www.example.test. 86400 A 192.0.2.1", max_ttl=3600).lifetime_seconds == 3600


@pytest.mark.parametrize(
    ("rcode", "ttl", "minimum", "lifetime"),
    [
        pytest.param(3, 600, 60, 60, id="nxdomain-lives-as-the-soa-minimum-says"),
        pytest.param(3, 30, 60, 30, id="nxdomain-lives-no-longer-than-the-soa"),
        pytest.param(0, 600, 90, 90, id="nodata-likewise"),
    ],
)
def test_negative_answers_follow_rfc_2308(rcode: int, ttl: int, minimum: int, lifetime: int) -> None:
    raw = answer(authority=(SOA.format(ttl=ttl, minimum=minimum),), rcode=rcode)
    assert raw.lifetime_seconds == lifetime


def test_a_negative_answer_without_soa_is_not_kept() -> None:
    assert answer(rcode=3).lifetime_seconds == 0


def test_an_alias_to_nothing_is_negative() -> None:
    raw = answer(
        "www.example.test. 900 CNAME gone.example.test.", authority=(SOA.format(ttl=600, minimum=45),), rcode=3
    )
    assert raw.lifetime_seconds == 45
    assert targets_of(raw) == (to_wire(DomainName("gone.example.test")),)


def test_every_target_and_hint_is_found() -> None:
    raw = answer(
        "www.example.test. 60 HTTPS 1 svc.Example.test. ipv4hint=192.0.2.9,10.0.0.1 ipv6hint=2001:db8::1",
        "alias.example.test. 60 CNAME End.example.test.",
        rdtype="HTTPS",
    )
    assert targets_of(raw) == (to_wire(DomainName("svc.example.test")), to_wire(DomainName("end.example.test")))
    assert raw.remarks is not None
    assert raw.remarks.has_private_address


def test_addresses_are_kept_for_the_safe_modes() -> None:
    raw = answer("www.example.test. 60 A 192.0.2.1", "www.example.test. 60 A 192.0.2.2")
    assert set(raw.addresses()) == {b"\xc0\0\x02\x01", b"\xc0\0\x02\x02"}
    assert raw.remarks is None


@pytest.mark.parametrize(
    ("age", "at_most", "ttls"),
    [
        pytest.param(0.0, 3600, [300, 60], id="fresh"),
        pytest.param(10.9, 3600, [290, 50], id="counts-down"),
        pytest.param(10.0, 20, [20, 20], id="never-outlives-the-policy"),
        pytest.param(70.0, 3600, [230, 0], id="never-below-zero"),
    ],
)
def test_ttls_count_down_in_the_records(age: float, at_most: int, ttls: list[int]) -> None:
    raw = answer("www.example.test. 300 CNAME a.example.test.", "a.example.test. 60 A 192.0.2.1")
    message = _whole(raw, raw.body_at(1000.0 + age, at_most_seconds=at_most))
    assert [rrset.ttl for rrset in message.answer] == ttls


def test_a_ttl_with_the_top_bit_set_is_zero() -> None:
    raw = answer("www.example.test. 2147483647 A 192.0.2.1")
    octets = bytearray(b"\x81\x80\0\x01" + raw.layout.counts + QUESTION + raw.body)
    place = 10 + len(QUESTION) + raw.layout.ttl_places[0]
    octets[place] |= 0x80
    odd = parse_answer(bytes(octets), now=1000.0, max_ttl_seconds=3600)
    assert odd.lifetime_seconds == 0
    assert [rrset.ttl for rrset in _whole(odd, odd.body_at(1000.0, at_most_seconds=3600)).answer] == [0]


def test_stale_records_have_one_ttl() -> None:
    raw = answer("www.example.test. 300 CNAME a.example.test.", "a.example.test. 60 A 192.0.2.1")
    assert [rrset.ttl for rrset in _whole(raw, raw.stale_body(30)).answer] == [30, 30]


def _whole(raw: RawAnswer, body: bytes) -> dns.message.Message:
    return dns.message.from_wire(b"\0\0\x81\x80\0\x01" + raw.layout.counts + QUESTION + body)


def test_the_opt_record_is_ours_to_write_and_its_error_is_kept() -> None:
    message = dns.message.make_response(dns.message.make_query("www.example.test", "A", use_edns=0))
    message.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.DNSSEC_BOGUS, "no")])
    raw = parse_answer(message.to_wire()[2:], now=0.0, max_ttl_seconds=60)
    assert raw.layout.counts == bytes(6)
    assert raw.remarks is not None
    assert raw.remarks.ede == b"\0\x0f\0\x04\0\x06no"


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("192.0.2.1", False),
        ("8.8.8.8", False),
        ("10.1.2.3", True),
        ("127.0.0.53", True),
        ("172.16.0.1", True),
        ("172.32.0.1", False),
        ("192.168.1.1", True),
        ("169.254.169.254", True),
        ("100.64.0.1", True),
        ("0.0.0.0", True),
        ("2001:db8::1", False),
        ("::1", True),
        ("::", True),
        ("fd00::1", True),
        ("fe80::1", True),
        ("::ffff:10.0.0.1", True),
        ("::ffff:192.0.2.1", False),
        ("64:ff9b::192.168.0.1", True),
    ],
)
def test_private_addresses(address: str, private: bool) -> None:
    assert is_private_address(ipaddress.ip_address(address).packed) is private


@given(st.binary(max_size=400))
def test_rubbish_is_malformed_and_nothing_else(octets: bytes) -> None:
    try:
        parse_answer(octets, now=0.0, max_ttl_seconds=60)
    except MalformedError:
        return


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_damaged_answer_is_malformed_and_nothing_else(place: int, octet: int) -> None:
    message = dns.message.make_response(dns.message.make_query("www.example.test", "HTTPS", use_edns=0))
    message.answer.append(
        dns.rrset.from_text("www.example.test.", 60, "IN", "HTTPS", "1 svc.test. ipv4hint=192.0.2.9")
    )
    octets = bytearray(message.to_wire()[2:])
    octets[place % len(octets)] = octet
    try:
        parse_answer(bytes(octets), now=0.0, max_ttl_seconds=60)
    except MalformedError:
        return
