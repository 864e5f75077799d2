"""Answers of our own making, composed to wire without their ID.

Source: RFC 1035 section 4.1.1, RFC 2308 (SOA for negative caching), RFC 6891, RFC 8482, RFC 8914.
"""

from dataclasses import dataclass, replace
from ipaddress import ip_address
from struct import Struct

from filters.list_entries import RpzAnswer
from filters.wire import (
    EDE_OPTION,
    FLAG_CD,
    FLAG_QR,
    FLAG_RA,
    FLAG_RD,
    FLAG_TC,
    OPCODE_MASK,
    Ede,
    Edns,
    Rcode,
    Type,
)

# What we let clients send to us, and never exceed towards them unless the site says so: no fragments.
UDP_OCTETS = 1232

_HEADER = Struct("!HHHHH")
_OPT = Struct("!BHHIH")
_RR = Struct("!HHHIH")
_SOA_NUMBERS = Struct("!IIIII")
# The owner of every record here is the name in the question, which stands at octet 12 of the whole message.
_OWNER = 0xC00C
_MNAME = b"\x0aschoolgate\x07invalid\x00"
_RNAME = b"\x06nobody\x07invalid\x00"


@dataclass(frozen=True, slots=True)
class Refusal:
    """How one verdict is told to a client.

    `ipv4` and `ipv6` are what the name is said to be (null address or block page); without one that fits the
    question the answer holds no data. `nxdomain` says that the name does not exist, whatever is asked.
    """

    nxdomain: bool
    ttl_seconds: int
    ede: Ede
    text: str = ""
    ipv4: bytes | None = None
    ipv6: bytes | None = None

    @property
    def rcode(self) -> Rcode:
        """Give the response code that the refusal goes out with."""
        return Rcode.NXDOMAIN if self.nxdomain else Rcode.NOERROR


def header(query_flags: int, rcode: int, answers: int = 0, authorities: int = 0, additionals: int = 0) -> bytes:
    """Compose the flags and counts of a response to a query with one question."""
    flags = FLAG_QR | FLAG_RA | query_flags & (FLAG_RD | FLAG_CD) | rcode & 0xF
    return _HEADER.pack(flags, 1, answers, authorities, additionals)


def opt_record(
    edns: Edns | None,
    *,
    rcode: int = 0,
    ede: Ede | None = None,
    text: str = "",
    options: bytes = b"",
    udp_octets: int = UDP_OCTETS,
) -> bytes:
    """Compose our OPT record for a client that sent one; nothing for a client that did not."""
    if edns is None:
        return b""
    if ede is not None:
        extra = text.encode()
        options = EDE_OPTION.to_bytes(2, "big") + (2 + len(extra)).to_bytes(2, "big") + ede.to_bytes(2, "big") + extra
    # RFC 6891 section 6.1.3: the DO bit is copied, the other flags are zero.
    ttl = (rcode >> 4) << 24 | (0x8000 if edns.dnssec_ok else 0)
    return _OPT.pack(0, Type.OPT, udp_octets, ttl, len(options)) + options


def compose_error(
    query_flags: int, rcode: int, question: bytes, edns: Edns | None, *, ede: Ede | None = None, text: str = ""
) -> bytes:
    """Compose an answer that holds nothing but a response code."""
    opt = opt_record(edns, rcode=rcode, ede=ede, text=text)
    return header(query_flags, rcode, additionals=1 if opt else 0) + question + opt


def compose_bare_error(query_flags: int, rcode: int) -> bytes:
    """Compose a response code for a message whose question could not be read."""
    flags = FLAG_QR | query_flags & (OPCODE_MASK | FLAG_RD | FLAG_CD) | rcode & 0xF
    return _HEADER.pack(flags, 0, 0, 0, 0)


def compose_truncated(query_flags: int, rcode: int, question: bytes, edns: Edns | None) -> bytes:
    """Compose an answer that tells the client to come back over TCP (RFC 2181 section 9)."""
    reply = compose_error(query_flags, rcode, question, edns)
    return bytes((reply[0] | FLAG_TC >> 8,)) + reply[1:]


def refusal_parts(refusal: Refusal, query_flags: int, qtype: int, edns: Edns | None) -> tuple[bytes, bytes]:
    """Compose what stands before and after the question of a blocked answer; neither depends on the name."""
    opt = opt_record(edns, ede=refusal.ede, text=refusal.text)
    additionals = 1 if opt else 0
    address = {Type.A: refusal.ipv4, Type.AAAA: refusal.ipv6}.get(Type(qtype)) if qtype in (1, 28) else None
    if address is not None and not refusal.nxdomain:
        record = _RR.pack(_OWNER, qtype, 1, refusal.ttl_seconds, len(address)) + address
        return header(query_flags, Rcode.NOERROR, answers=1, additionals=additionals), record + opt
    authority = soa_record(refusal.ttl_seconds)
    return header(query_flags, refusal.rcode, authorities=1, additionals=additionals), authority + opt


def as_zone_says(refusal: Refusal, answer: RpzAnswer) -> Refusal:
    """Word a refusal as the response policy zone that lists the name words it."""
    addresses = {rtype: ip_address(data).packed for rtype, _, data in answer.records if rtype in (Type.A, Type.AAAA)}
    return replace(
        refusal,
        nxdomain=answer.kind == "nxdomain",
        ipv4=addresses.get(Type.A),
        ipv6=addresses.get(Type.AAAA),
    )


def soa_record(ttl_seconds: int) -> bytes:
    """Compose the SOA that lets a client remember a negative answer for `ttl_seconds` (RFC 2308 section 3)."""
    numbers = _SOA_NUMBERS.pack(1, 3600, 600, 86_400, ttl_seconds)
    data = _MNAME + _RNAME + numbers
    return _RR.pack(_OWNER, Type.SOA, 1, ttl_seconds, len(data)) + data


def compose_nodata(
    query_flags: int, question: bytes, edns: Edns | None, ttl_seconds: int, *, rcode: int = Rcode.NOERROR
) -> bytes:
    """Compose an answer that says the name has no such record, or with `NXDOMAIN` no record at all."""
    opt = opt_record(edns)
    head = header(query_flags, rcode, authorities=1, additionals=1 if opt else 0)
    return head + question + soa_record(ttl_seconds) + opt


def compose_records(
    query_flags: int, question: bytes, edns: Edns | None, records: list[tuple[int, int, bytes]], *, rclass: int = 1
) -> bytes:
    """Compose an answer of records that all belong to the name in the question.

    Args:
        records: type, TTL in seconds and data of each.
        rclass: the class of the records.
    """
    opt = opt_record(edns)
    answers = b"".join(_RR.pack(_OWNER, rtype, rclass, ttl, len(data)) + data for rtype, ttl, data in records)
    return header(query_flags, 0, answers=len(records), additionals=1 if opt else 0) + question + answers + opt


def compose_minimal_any(query_flags: int, question: bytes, edns: Edns | None, ttl_seconds: int) -> bytes:
    """Compose the one record that answers a question for everything (RFC 8482 section 4.2)."""
    return compose_records(query_flags, question, edns, [(Type.HINFO, ttl_seconds, b"\x07RFC8482\x00")])


def compose_text(query_flags: int, question: bytes, edns: Edns | None, text: str, *, rclass: int) -> bytes:
    """Compose one TXT record with TTL 0, as CHAOS questions are answered."""
    data = text.encode()[:255]
    return compose_records(query_flags, question, edns, [(Type.TXT, 0, bytes((len(data),)) + data)], rclass=rclass)


def compose_safe_mode(
    query_flags: int, question: bytes, edns: Edns | None, safe: bytes, addresses: list[bytes], *, ttl_seconds: int
) -> bytes:
    """Compose the answer that leads to the safe mode of a service: an alias, and the addresses behind it.

    Args:
        safe: the name of the safe mode in wire form, with the root octet.
        addresses: 4 or 16 octets each.
    """
    opt = opt_record(edns)
    alias = _RR.pack(_OWNER, Type.CNAME, 1, ttl_seconds, len(safe)) + safe
    # The addresses belong to the alias's target, which stands 12 octets into the record after the question.
    owner = 0xC000 | 12 + len(question) + 12
    records = b"".join(
        _RR.pack(owner, Type.A if len(address) == 4 else Type.AAAA, 1, ttl_seconds, len(address)) + address
        for address in addresses
    )
    head = header(query_flags, 0, answers=1 + len(addresses), additionals=1 if opt else 0)
    return head + question + alias + records + opt
