"""The messages that go to upstreams, and as much of their answers as forwarding needs.

Queries are composed without their ID, which differs from try to try. Answers are whole messages, with their ID.

Source: RFC 1035 section 4.1, RFC 6891 section 6.1, RFC 7830 and RFC 8467 section 4.1 (padding).
"""

from struct import Struct
from typing import Final

from filters.wire import EDNS_DO, FLAG_AD, FLAG_CD, FLAG_RD, Rcode, Type

# RFC 6891 section 6.2.5 as DNS flag day 2020 settled it: no fragments.
UDP_OCTETS: Final = 1232
HEADER_OCTETS: Final = 12
# RFC 8467 section 4.1: "clients SHOULD pad queries to the closest multiple of 128 octets".
PADDING_BLOCK_OCTETS: Final = 128
# What a query carries on from the client's, beside the DO bit.
FLAGS_PASSED: Final = FLAG_AD | FLAG_CD
# RFC 6672 section 2.2: YXDOMAIN, a name that became too long under a DNAME, is an answer like NXDOMAIN.
YXDOMAIN: Final = 6
GOOD_RCODES: Final = frozenset({Rcode.NOERROR, Rcode.NXDOMAIN, YXDOMAIN})
# RFC 6891 sections 6.1.3 and 7: how servers say that they do not take EDNS, or not as we sent it.
EDNS_REFUSALS: Final = frozenset({Rcode.FORMERR, Rcode.NOTIMP, Rcode.BADVERS})

_HEADER = Struct("!HHHHH")
_OPT = Struct("!BHHIH")
_OPTION = Struct("!HH")
_COUNTS = Struct("!HHH")
_PADDING_OPTION = 12
_OPT_TYPE = int(Type.OPT)
_OPTION_OCTETS = 4


def _head(flags: int, *, edns: bool) -> bytes:
    return _HEADER.pack(FLAG_RD | flags, 1, 0, 0, 1 if edns else 0)


_HEADS: Final = {
    flags: (_head(flags, edns=False), _head(flags, edns=True)) for flags in (0, FLAG_AD, FLAG_CD, FLAGS_PASSED)
}
_OPTS: Final = tuple(_OPT.pack(0, Type.OPT, UDP_OCTETS, ttl, 0) for ttl in (0, EDNS_DO))


def compose_query(question: bytes, flags: int, *, dnssec_ok: bool, edns: bool) -> bytes:
    """Compose a query without its ID.

    Args:
        question: the question section.
        flags: the AD and CD bits, no others.
    """
    if edns:
        return _HEADS[flags][1] + question + _OPTS[dnssec_ok]
    return _HEADS[flags][0] + question


def pad_query(query: bytes) -> bytes:
    """Fill a query without its ID, which ends in an OPT record without options, up to a whole block."""
    unpadded = 2 + len(query) + _OPTION_OCTETS
    octets = -unpadded % PADDING_BLOCK_OCTETS
    length = (_OPTION_OCTETS + octets).to_bytes(2, "big")
    return query[:-2] + length + _OPTION.pack(_PADDING_OPTION, octets) + bytes(octets)


def read_rcode(message: bytes, position: int) -> int | None:
    """Walk over the records of a response from where the question ends.

    Returns:
        The response code with its extended part, or nothing where the records are not whole.
    """
    rcode = message[3] & 0xF
    answers, authorities, additionals = _COUNTS.unpack_from(message, 6)
    records = answers + authorities + additionals
    if not records:
        return rcode
    try:
        for _ in range(records):
            while length := message[position]:
                if length >= 0xC0:
                    position += 1
                    break
                if length > 63:
                    return None
                position += length + 1
            # The type is in octets 1 and 2 from here, the upper part of the response code in octet 5.
            if message[position + 2] == _OPT_TYPE and message[position + 1] == 0:
                rcode |= message[position + 5] << 4
            position += 11 + (message[position + 9] << 8 | message[position + 10])
    except IndexError:
        return None
    return rcode if position <= len(message) else None
