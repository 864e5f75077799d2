"""Our reading of the wire, held against dnspython's."""

import dns.edns
import dns.message
import dns.name
import dns.opcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.CNAME
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.wire import MalformedError, Query, Type, parse_message, parse_query, read_name


def query_octets(name: str = "www.Example.test", rdtype: str = "A", **options: object) -> bytes:
    return dns.message.make_query(name, rdtype, **options).to_wire()[2:]  # type: ignore[arg-type]


def alias_to(target: dns.name.Name) -> dns.rdtypes.ANY.CNAME.CNAME:
    return dns.rdtypes.ANY.CNAME.CNAME(dns.rdataclass.IN, dns.rdatatype.CNAME, target)  # type: ignore[no-untyped-call]


def lower_wire(name: dns.name.Name) -> bytes:
    wire = name.to_wire()
    assert wire is not None
    return wire.lower()


labels = st.binary(min_size=1, max_size=63)
names = st.lists(labels, max_size=6).filter(lambda found: sum(len(label) + 1 for label in found) < 255)


def test_reads_name_type_class_and_flags() -> None:
    query = parse_query(query_octets(rdtype="AAAA", use_edns=0, payload=4096, want_dnssec=True))
    assert query.name == b"\x03www\x07example\x04test"
    assert query.question.startswith(b"\x03www\x07Example\x04test\x00"), "the case of the question is kept"
    assert (query.qtype, query.qclass, query.opcode) == (Type.AAAA, 1, 0)
    assert query.edns is not None
    assert (query.edns.udp_octets, query.edns.dnssec_ok, query.edns.version) == (4096, True, 0)


def test_a_payload_below_512_counts_as_512() -> None:
    query = parse_query(query_octets(use_edns=0, payload=100))
    assert query.edns is not None
    assert query.edns.udp_octets == 512


def test_unknown_options_and_flags_are_ignored() -> None:
    message = dns.message.make_query(
        "a.test",
        "A",
        use_edns=0,
        ednsflags=0x4321,
        options=[
            dns.edns.GenericOption(dns.edns.OptionType.make(65001), b"abc"),
            dns.edns.GenericOption(dns.edns.OptionType.make(10), b"12345678"),
        ],
    )
    query = parse_query(message.to_wire()[2:])
    assert query.edns is not None
    assert not query.edns.dnssec_ok


def test_other_opcodes_are_not_read_further() -> None:
    message = dns.message.make_query("a.test", "A")
    message.set_opcode(dns.opcode.NOTIFY)
    assert parse_query(message.to_wire()[2:]).opcode == dns.opcode.NOTIFY


OPT = b"\0" + b"\x00\x29\x04\xd0\0\0\0\0\0\0"
HEADER = b"\x01\x00\0\x01\0\0\0\0"
QUESTION = b"\x01a\x04test\0\0\x01\0\x01"


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x01\x00\0\x01", id="half-a-header"),
        pytest.param(b"\x01\x00\0\x00\0\0\0\0\0\0", id="no-question"),
        pytest.param(b"\x01\x00\0\x02\0\0\0\0\0\0" + QUESTION * 2, id="two-questions"),
        pytest.param(b"\x01\x00\0\x01\0\x01\0\0\0\0" + QUESTION, id="an-answer-in-a-query"),
        pytest.param(HEADER + b"\0\0" + b"\x01a\x04te", id="name-cut-short"),
        pytest.param(HEADER + b"\0\0" + b"\x01a\xc0\x0c\0\x01\0\x01", id="pointer-in-the-question"),
        pytest.param(HEADER + b"\0\0" + b"\x41" + b"a" * 65 + b"\0\0\x01\0\x01", id="label-kind-01"),
        pytest.param(HEADER + b"\0\0" + (b"\x3f" + b"a" * 63) * 4 + b"\0\0\x01\0\x01", id="name-of-257-octets"),
        pytest.param(HEADER + b"\0\0" + b"\x01a\0\0\x01", id="question-cut-short"),
        pytest.param(HEADER + b"\0\x01" + QUESTION, id="record-missing"),
        pytest.param(HEADER + b"\0\x02" + QUESTION + OPT * 2, id="two-OPT-records"),
        pytest.param(HEADER + b"\0\x01" + QUESTION + b"\x01a" + OPT, id="OPT-below-the-root"),
        pytest.param(HEADER + b"\0\0" + QUESTION + b"x", id="trailing-octets"),
        pytest.param(HEADER + b"\0\x01" + QUESTION + OPT[:-2] + b"\0\x05\0\x0a\0\x09x", id="option-too-long"),
    ],
)
def test_malformed_queries_are_told_apart(octets: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_query(octets)


@given(st.binary(max_size=600))
def test_no_octets_raise_anything_else(octets: bytes) -> None:
    for parse in (parse_query, parse_message):
        try:
            parse(octets)
        except MalformedError:
            continue


@given(names, st.integers(1, 40), st.booleans())
def test_every_query_of_dnspython_is_read_alike(parts: list[bytes], rdtype: int, wants_dnssec: bool) -> None:
    name = dns.name.Name([*parts, b""])
    message = dns.message.make_query(
        name, dns.rdatatype.RdataType.make(rdtype), use_edns=0 if wants_dnssec else -1, want_dnssec=wants_dnssec
    )
    query = parse_query(message.to_wire()[2:])
    assert isinstance(query, Query)
    assert query.name + b"\0" == lower_wire(name)
    assert query.qtype == rdtype
    assert query.dnssec_ok is wants_dnssec


@given(st.lists(names, min_size=1, max_size=4))
def test_compressed_names_are_read_as_dnspython_reads_them(found: list[list[bytes]]) -> None:
    message = dns.message.make_response(dns.message.make_query("start.example.test", "CNAME"))
    owner = dns.name.from_text("start.example.test")
    for parts in found:
        target = dns.name.Name([*parts, b""])
        message.answer.append(dns.rrset.from_rdata(owner, 60, alias_to(target)))
        owner = target
    octets = message.to_wire()[2:]
    parsed = parse_message(octets)
    read = [read_name(octets, record.data_at) + b"\0" for record in parsed.answers]
    assert read == [lower_wire(dns.name.Name([*parts, b""])) for parts in found]


@pytest.mark.parametrize("target", [12, 13, 14, 200], ids=lambda at: f"pointer-to-{at}")
def test_pointers_that_loop_or_lead_nowhere_end(target: int) -> None:
    octets = b"\x81\x80\0\x01\0\x01\0\0\0\0" + QUESTION + b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x02"
    octets += (
        (0xC000 | target + len(octets)).to_bytes(2, "big") if target >= 200 else b"\xc0" + bytes((len(octets) + 2,))
    )
    record = parse_message(octets).answers[0]
    with pytest.raises(MalformedError):
        read_name(octets, record.data_at)
