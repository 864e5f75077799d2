"""Messages to upstreams as dnspython reads them, and response codes out of any octets."""

import contextlib

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.dns.upstream_message import UDP_OCTETS, compose_query, pad_query, read_rcode
from filters.wire import FLAG_AD, FLAG_CD


def wire(name: dns.name.Name) -> bytes:
    return name.to_wire() or b""


labels = st.lists(st.binary(min_size=1, max_size=20), max_size=8)
questions = labels.map(lambda found: wire(dns.name.Name([*found, b""])) + b"\0\1\0\1")


@given(questions, st.booleans(), st.booleans(), st.sampled_from([0, FLAG_AD, FLAG_CD, FLAG_AD | FLAG_CD]))
def test_a_query_reads_as_it_was_meant(question: bytes, dnssec_ok: bool, edns: bool, flags: int) -> None:
    message = dns.message.from_wire(b"\1\2" + compose_query(question, flags, dnssec_ok=dnssec_ok, edns=edns))
    assert message.id == 0x102
    assert message.flags == dns.flags.RD | flags
    assert wire(message.question[0].name) + b"\0\1\0\1" == question
    assert message.edns == (0 if edns else -1)
    if edns:
        assert message.payload == UDP_OCTETS
        assert message.ednsflags == (dns.flags.DO if dnssec_ok else 0)


@given(questions)
def test_padding_fills_the_block_and_changes_nothing_else(question: bytes) -> None:
    plain = compose_query(question, 0, dnssec_ok=True, edns=True)
    padded = b"\1\2" + pad_query(plain)
    assert len(padded) % 128 == 0
    assert len(padded) < 2 + len(plain) + 4 + 128
    message = dns.message.from_wire(padded)
    assert [option.otype for option in message.options] == [dns.edns.OptionType.PADDING]
    message.use_edns(0, message.ednsflags, message.payload)
    assert message.to_wire() == b"\1\2" + plain


def response(rcode: str, *, answers: int = 0, edns: bool = True) -> tuple[bytes, int]:
    query = dns.message.make_query("www.example.test", "A", use_edns=0 if edns else False)
    message = dns.message.make_response(query)
    message.set_rcode(dns.rcode.from_text(rcode))
    for number in range(answers):
        message.answer.append(
            dns.rrset.from_text(f"a{number}.www.example.test.", 60, "IN", "MX", "1 mx.example.test.")
        )
    return message.to_wire(), len(wire(query.question[0].name)) + 16


@pytest.mark.parametrize(
    ("rcode", "edns"),
    [
        ("NOERROR", True),
        ("NOERROR", False),
        ("SERVFAIL", True),
        ("REFUSED", False),
        ("BADVERS", True),
        ("BADCOOKIE", True),
    ],
)
@pytest.mark.parametrize("answers", [0, 1, 7])
def test_the_whole_response_code_is_read(rcode: str, answers: int, *, edns: bool) -> None:
    message, position = response(rcode, answers=answers, edns=edns)
    assert read_rcode(message, position) == dns.rcode.from_text(rcode)


def test_a_message_cut_short_anywhere_is_not_whole() -> None:
    message, position = response("NOERROR", answers=3)
    for end in range(position, len(message)):
        assert read_rcode(message[:end], position) is None


@given(st.binary(min_size=12, max_size=600), st.integers(min_value=12, max_value=40))
def test_any_octets_are_read_or_refused(message: bytes, position: int) -> None:
    rcode = read_rcode(message, position)
    assert rcode is None or 0 <= rcode < 4096


@given(st.integers(min_value=0, max_value=120), st.integers(min_value=0, max_value=255))
def test_what_dnspython_takes_is_whole(place: int, octet: int) -> None:
    message, position = response("NOERROR", answers=3)
    place = min(max(place, position), len(message) - 1)
    changed = message[:place] + bytes((octet,)) + message[place + 1 :]
    with contextlib.suppress(dns.exception.DNSException):
        dns.message.from_wire(changed)
        assert read_rcode(changed, position) is not None
