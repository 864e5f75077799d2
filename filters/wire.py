"""DNS wire format: what stands in a query and in an answer, read without building objects that nobody needs.

Everything here works on the octets after the message ID ("unidentified" messages): the ID is the only part of
a message that says nothing about its content, and leaving it off lets equal questions be equal bytes.
Offsets count from the start of such a message, so the header has 10 octets and the question begins at 10.

Source: RFC 1035 sections 4.1 and 4.1.4, RFC 6891 section 6, RFC 9460 section 2.2.
"""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

HEADER_OCTETS = 10
MAX_NAME_OCTETS = 255
# RFC 6891 section 6.2.3: values lower than 512 MUST be treated as equal to 512.
MIN_UDP_OCTETS = 512

FLAG_QR = 0x8000
FLAG_AA = 0x0400
FLAG_TC = 0x0200
FLAG_RD = 0x0100
FLAG_RA = 0x0080
FLAG_AD = 0x0020
FLAG_CD = 0x0010
OPCODE_MASK = 0x7800
EDNS_DO = 0x8000

CLASS_IN = 1
CLASS_CH = 3

EDE_OPTION = 15


class Type(IntEnum):
    """The RR types that the gateway treats specially; every other number is passed through."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    HINFO = 13
    MX = 15
    TXT = 16
    AAAA = 28
    SRV = 33
    DNAME = 39
    OPT = 41
    SVCB = 64
    HTTPS = 65
    TKEY = 249
    TSIG = 250
    IXFR = 251
    AXFR = 252
    MAILB = 253
    MAILA = 254
    ANY = 255


class Rcode(IntEnum):
    """Response codes; `BADVERS` needs the upper octet in the OPT record."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    BADVERS = 16


class Ede(IntEnum):
    """Extended DNS errors. Source: RFC 8914 section 4."""

    STALE_ANSWER = 3
    CACHED_ERROR = 13
    NOT_READY = 14
    BLOCKED = 15
    CENSORED = 16
    FILTERED = 17
    PROHIBITED = 18
    STALE_NXDOMAIN = 19
    NOT_AUTHORITATIVE = 20
    NO_REACHABLE_AUTHORITY = 22
    NETWORK_ERROR = 23


class MalformedError(ValueError):
    """Octets that are not a DNS message; the text says which rule they break."""


@dataclass(frozen=True, slots=True)
class Edns:
    """The OPT record of a query: what the client can take."""

    udp_octets: int
    dnssec_ok: bool
    version: int


@dataclass(frozen=True, slots=True)
class Query:
    """A well-formed message from a client.

    `name` is the lower-case wire form without the root octet; `question` is the whole question section as the
    client wrote it, upper case and all. `opcode` other than 0 means that nothing after the header was read.
    """

    flags: int
    opcode: int
    name: bytes
    qtype: int
    qclass: int
    question: bytes
    edns: Edns | None

    @property
    def dnssec_ok(self) -> bool:
        """Say whether the client wants DNSSEC records (RFC 3225)."""
        return self.edns is not None and self.edns.dnssec_ok


_COUNTS = Struct("!HHHH")
_TYPE_CLASS = Struct("!HH")
_RR_FIXED = Struct("!HHIH")


def parse_query(message: bytes) -> Query:
    """Read a query, without its ID.

    Raises:
        MalformedError: anything that RFC 1035 and RFC 6891 do not let a client send.
    """
    if len(message) < HEADER_OCTETS:
        raise MalformedError("the header is cut short")
    flags = message[0] << 8 | message[1]
    opcode = (flags & OPCODE_MASK) >> 11
    if opcode:
        return Query(flags, opcode, b"", 0, 0, b"", None)
    questions, answers, authorities, additionals = _COUNTS.unpack_from(message, 2)
    if questions != 1 or answers or authorities:
        raise MalformedError("a query holds one question and no answers")
    end = _end_of_plain_name(message, HEADER_OCTETS)
    if end + 4 > len(message):
        raise MalformedError("the question is cut short")
    qtype, qclass = _TYPE_CLASS.unpack_from(message, end)
    edns = _read_additionals(message, end + 4, additionals)
    name = message[HEADER_OCTETS : end - 1].lower()
    return Query(flags, 0, name, qtype, qclass, message[HEADER_OCTETS : end + 4], edns)


def _end_of_plain_name(message: bytes, position: int) -> int:
    """Find the octet after a name that must not be compressed."""
    start = position
    try:
        while length := message[position]:
            # RFC 1035 section 4.1.4: a pointer has nothing before the question to point to.
            if length > 63:
                raise MalformedError("the name in the question has a pointer or a bad label")
            position += length + 1
    except IndexError:
        raise MalformedError("the name in the question is cut short") from None
    if position + 1 - start > MAX_NAME_OCTETS:
        raise MalformedError("the name in the question is longer than 255 octets")
    return position + 1


def _read_additionals(message: bytes, position: int, count: int) -> Edns | None:
    edns = None
    for _ in range(count):
        owner_is_root = message[position : position + 1] == b"\0"
        position = skip_name(message, position)
        rtype, rclass, ttl, length = _read_fixed(message, position)
        position += 10 + length
        if position > len(message):
            raise MalformedError("a record is cut short")
        if rtype != Type.OPT:
            continue
        # RFC 6891 section 6.1.1: more than one OPT, or one below the root, is a format error.
        if edns is not None or not owner_is_root:
            raise MalformedError("the query has a second or misplaced OPT record")
        _check_options(message, position - length, position)
        edns = Edns(max(rclass, MIN_UDP_OCTETS), bool(ttl & EDNS_DO), ttl >> 16 & 0xFF)
    if position != len(message):
        raise MalformedError("octets follow the last record")
    return edns


def _check_options(message: bytes, position: int, end: int) -> None:
    while position < end:
        if position + 4 > end:
            raise MalformedError("an EDNS option is cut short")
        _, length = _TYPE_CLASS.unpack_from(message, position)
        position += 4 + length
    if position != end:
        raise MalformedError("an EDNS option is longer than its record")


def _read_fixed(message: bytes, position: int) -> tuple[int, int, int, int]:
    """Read type, class, TTL and data length of a record, whose owner ends at `position`."""
    if position + 10 > len(message):
        raise MalformedError("a record is cut short")
    rtype, rclass, ttl, length = _RR_FIXED.unpack_from(message, position)
    return rtype, rclass, ttl, length


def skip_name(message: bytes, position: int) -> int:
    """Find the octet after a name, which may end in a pointer."""
    try:
        while True:
            length = message[position]
            if length == 0:
                return position + 1
            if length >= 0xC0:
                if position + 2 > len(message):
                    break
                return position + 2
            if length > 63:
                raise MalformedError("a label of an unknown kind")
            position += length + 1
    except IndexError:
        pass
    raise MalformedError("a name is cut short")


def read_name(message: bytes, position: int) -> bytes:
    """Read a name that may be compressed; gives lower-case wire form without the root octet.

    Raises:
        MalformedError: a pointer that does not point backwards, a loop, an over-long name.
    """
    parts = []
    octets = 1
    limit = position
    try:
        while length := message[position]:
            if length >= 0xC0:
                # The ID is missing from the message, so every offset is two less than the pointer says.
                target = ((length & 0x3F) << 8 | message[position + 1]) - 2
                # "a prior occurrence" (RFC 1035 section 4.1.4): strictly backwards, so a loop cannot happen.
                if not HEADER_OCTETS <= target < limit:
                    raise MalformedError("a pointer does not point backwards into the message")
                limit = position = target
                continue
            if length > 63:
                raise MalformedError("a label of an unknown kind")
            label = message[position : position + length + 1]
            octets += length + 1
            if octets > MAX_NAME_OCTETS or len(label) != length + 1:
                raise MalformedError("a name is longer than 255 octets or cut short")
            parts.append(label)
            position += length + 1
    except IndexError:
        raise MalformedError("a name is cut short") from None
    return b"".join(parts).lower()


class Record(NamedTuple):
    """One RR of an answer, by its places in the message."""

    owner_at: int
    rtype: int
    rclass: int
    ttl: int
    ttl_at: int
    data_at: int
    end: int


class Message(NamedTuple):
    """A response, cut into its records; the data of a record is read only where somebody needs it."""

    octets: bytes
    flags: int
    question: bytes
    answers: tuple[Record, ...]
    authorities: tuple[Record, ...]
    additionals: tuple[Record, ...]

    @property
    def rcode(self) -> int:
        """Give the lower four bits; the upper eight stand in the OPT record."""
        return self.flags & 0xF


def parse_message(message: bytes) -> Message:
    """Cut a response, without its ID, into records.

    Raises:
        MalformedError: the message is not one question and whole records.
    """
    if len(message) < HEADER_OCTETS:
        raise MalformedError("the header is cut short")
    flags = message[0] << 8 | message[1]
    questions, *counts = _COUNTS.unpack_from(message, 2)
    if questions != 1:
        raise MalformedError("a response repeats the one question")
    position = _end_of_plain_name(message, HEADER_OCTETS) + 4
    question = message[HEADER_OCTETS:position]
    sections: list[tuple[Record, ...]] = []
    for count in counts:
        records, position = _read_records(message, position, count)
        sections.append(records)
    if position > len(message):
        raise MalformedError("a record is cut short")
    return Message(message, flags, question, *sections)


def _read_records(message: bytes, position: int, count: int) -> tuple[tuple[Record, ...], int]:
    records = []
    for _ in range(count):
        owner_at = position
        # Nearly every owner in an answer is a pointer to the question.
        position = position + 2 if message[position : position + 1] >= b"\xc0" else skip_name(message, position)
        if position + 10 > len(message):
            raise MalformedError("a record is cut short")
        rtype, rclass, ttl, length = _RR_FIXED.unpack_from(message, position)
        end = position + 10 + length
        if end > len(message):
            raise MalformedError("a record is cut short")
        # RFC 2181 section 8: a TTL with the top bit set is treated as zero.
        records.append(Record(owner_at, rtype, rclass, ttl if ttl < 1 << 31 else 0, position + 4, position + 10, end))
        position = end
    return tuple(records), position
