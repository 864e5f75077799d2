"""Every answer of our making, read by dnspython, which knows nothing of our code."""

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from filters.reply import (
    Refusal,
    compose_bare_error,
    compose_error,
    compose_minimal_any,
    compose_nodata,
    compose_safe_mode,
    compose_text,
    compose_truncated,
    refusal_parts,
)
from filters.wire import FLAG_CD, FLAG_RD, Ede, Edns, Rcode, Type

QUESTION = b"\x03WwW\x07example\x04test\x00\x00\x01\x00\x01"
EDNS = Edns(4096, dnssec_ok=True, version=0)


def read(octets: bytes) -> dns.message.Message:
    return dns.message.from_wire(b"\x12\x34" + octets)


def refuse(refusal: Refusal, qtype: int, edns: Edns | None = EDNS) -> dns.message.Message:
    head, tail = refusal_parts(refusal, FLAG_RD | FLAG_CD, qtype, edns)
    return read(head + QUESTION[:-4] + qtype.to_bytes(2, "big") + b"\0\x01" + tail)


def ede_of(message: dns.message.Message) -> tuple[int, str | None]:
    (option,) = (option for option in message.options if isinstance(option, dns.edns.EDEOption))
    return int(option.code), option.text


@pytest.mark.parametrize("qtype", [1, 28, 65, 16, 257], ids=["A", "AAAA", "HTTPS", "TXT", "CAA"])
def test_nxdomain_is_said_whatever_is_asked(qtype: int) -> None:
    message = refuse(Refusal(nxdomain=True, ttl_seconds=10, ede=Ede.CENSORED, text="Blocked"), qtype)
    assert message.rcode() == dns.rcode.NXDOMAIN
    assert not message.answer
    (soa,) = message.authority
    assert (soa.rdtype, soa.ttl, soa[0].minimum) == (dns.rdatatype.SOA, 10, 10)
    assert soa.name == message.question[0].name
    assert ede_of(message) == (16, "Blocked")


@pytest.mark.parametrize(
    ("qtype", "address"),
    [
        pytest.param(1, "192.0.2.80", id="A-gets-the-address"),
        pytest.param(28, "2001:db8::80", id="AAAA-gets-the-address"),
        pytest.param(65, None, id="HTTPS-gives-no-way-round"),
        pytest.param(64, None, id="SVCB-gives-no-way-round"),
        pytest.param(16, None, id="TXT-holds-nothing"),
    ],
)
def test_a_block_page_is_an_address_and_nothing_else(qtype: int, address: str | None) -> None:
    page = Refusal(
        nxdomain=False,
        ttl_seconds=10,
        ede=Ede.FILTERED,
        ipv4=b"\xc0\0\x02\x50",
        ipv6=bytes.fromhex("20010db8000000000000000000000080"),
    )
    message = refuse(page, qtype)
    assert message.rcode() == dns.rcode.NOERROR
    if address is None:
        assert not message.answer
        assert message.authority[0].rdtype == dns.rdatatype.SOA
    else:
        (rrset,) = message.answer
        assert (str(rrset[0]), rrset.ttl) == (address, 10)


def test_flags_echo_what_the_client_sent_and_no_more() -> None:
    message = refuse(Refusal(nxdomain=True, ttl_seconds=10, ede=Ede.BLOCKED), 1)
    expected = dns.flags.QR | dns.flags.RD | dns.flags.RA | dns.flags.CD
    assert message.flags & ~0xF == expected
    assert message.ednsflags == dns.flags.DO
    assert message.payload == 1232
    assert message.question[0].name.to_text() == "WwW.example.test."


def test_a_client_without_edns_gets_none() -> None:
    message = refuse(Refusal(nxdomain=True, ttl_seconds=10, ede=Ede.BLOCKED), 1, edns=None)
    assert message.edns == -1


@pytest.mark.parametrize(
    ("octets", "rcode"),
    [
        pytest.param(compose_bare_error(FLAG_RD, Rcode.FORMERR), dns.rcode.FORMERR, id="formerr-without-a-question"),
        pytest.param(compose_error(0, Rcode.BADVERS, QUESTION, EDNS), dns.rcode.BADVERS, id="badvers"),
        pytest.param(compose_error(0, Rcode.REFUSED, QUESTION, None), dns.rcode.REFUSED, id="refused"),
        pytest.param(compose_nodata(0, QUESTION, EDNS, 60), dns.rcode.NOERROR, id="no-such-record"),
        pytest.param(
            compose_nodata(0, QUESTION, EDNS, 60, rcode=Rcode.NXDOMAIN), dns.rcode.NXDOMAIN, id="no-such-name"
        ),
        pytest.param(compose_truncated(0, 0, QUESTION, EDNS), dns.rcode.NOERROR, id="truncated"),
    ],
)
def test_errors_are_whole_messages(octets: bytes, rcode: dns.rcode.Rcode) -> None:
    message = read(octets)
    assert message.rcode() == rcode
    assert message.id == 0x1234


def test_not_implemented_repeats_the_opcode() -> None:
    message = dns.message.from_wire(b"\0\x01" + compose_bare_error(0x2000, Rcode.NOTIMP))
    assert (message.opcode(), message.rcode()) == (4, dns.rcode.NOTIMP)


def test_truncation_is_flagged() -> None:
    assert read(compose_truncated(0, 0, QUESTION, EDNS)).flags & dns.flags.TC


def test_any_gets_one_record_of_rfc_8482() -> None:
    question = QUESTION[:-4] + b"\0\xff\0\x01"
    message = read(compose_minimal_any(0, question, EDNS, 60))
    assert [str(rrset[0]) for rrset in message.answer] == ['"RFC8482" ""']


def test_a_chaos_text_is_one_string() -> None:
    question = b"\x07version\x04bind\x00\x00\x10\x00\x03"
    message = read(compose_text(0, question, None, "Schoolgate", rclass=3))
    assert str(message.answer[0][0]) == '"Schoolgate"'


def test_a_safe_mode_is_an_alias_with_its_addresses() -> None:
    safe = b"\x0fforcesafesearch\x07example\x04test\x00"
    addresses = [b"\xc0\0\x02\x01", b"\xc0\0\x02\x02"]
    message = read(compose_safe_mode(0, QUESTION, EDNS, safe, addresses, ttl_seconds=120))
    alias, behind = message.answer
    assert alias.rdtype == dns.rdatatype.CNAME
    assert str(alias[0]) == "forcesafesearch.example.test."
    assert behind.name.to_text() == "forcesafesearch.example.test."
    assert {str(rdata) for rdata in behind} == {"192.0.2.1", "192.0.2.2"}
    assert int(behind.rdtype) == Type.A
