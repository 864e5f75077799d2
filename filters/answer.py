"""What came back from an upstream: kept whole, and looked at again name by name and address by address.

Source: RFC 2308 section 5 (negative answers), RFC 9460 section 7.3 (address hints), RFC 6890 (special addresses).
"""

from struct import Struct
from typing import Any, Final, NamedTuple, TypeVar

from filters.wire import (
    CLASS_IN,
    EDE_OPTION,
    HEADER_OCTETS,
    MalformedError,
    Message,
    Rcode,
    Record,
    Type,
    parse_message,
    read_name,
)

_U16 = Struct("!H")
_U32 = Struct("!I")
_COUNTS = Struct("!HHH")
_RR_FIXED = Struct("!HHIH")

Value = TypeVar("Value")

# Plain numbers: members of an enumeration take long to compare, and every answer passes here.
_NOERROR, _ANY = int(Rcode.NOERROR), int(Type.ANY)
_ADDRESS_TYPES: Final = frozenset(map(int, (Type.A, Type.AAAA)))
_ALIAS_TYPES: Final = frozenset(map(int, (Type.CNAME, Type.DNAME)))
_BINDING_TYPES: Final = frozenset(map(int, (Type.HTTPS, Type.SVCB)))

_SVCB_IPV4HINT = 4
_SVCB_IPV6HINT = 6

# What a private network uses, and what means this machine or this link.
_PRIVATE_IPV4: Final = tuple(
    (int.from_bytes(bytes(prefix), "big"), 32 - length)
    for prefix, length in (
        ((0, 0, 0, 0), 8),
        ((10, 0, 0, 0), 8),
        ((100, 64, 0, 0), 10),
        ((127, 0, 0, 0), 8),
        ((169, 254, 0, 0), 16),
        ((172, 16, 0, 0), 12),
        ((192, 168, 0, 0), 16),
    )
)
# First octets of addresses that are worth a closer look; most are not.
_MAYBE_PRIVATE_IPV4: Final = frozenset({0, 10, 100, 127, 169, 172, 192})
_MAYBE_PRIVATE_IPV6: Final = frozenset({0x00, 0xFC, 0xFD, 0xFE})
_MAPPED_IPV4 = bytes(10) + b"\xff\xff"
_NAT64 = b"\x00\x64\xff\x9b" + bytes(8)


_MAX_SAME: Final = 4096
_same_values: dict[Any, Any] = {}


def _same(value: Value) -> Value:
    """Give the object that an equal value had before."""
    if len(_same_values) >= _MAX_SAME:
        _same_values.clear()
    found: Value = _same_values.setdefault(value, value)
    return found


class Remarks(NamedTuple):
    """What few answers have: names that they lead to, in lower-case wire form, private addresses, errors told."""

    targets: tuple[bytes, ...]
    has_private_address: bool
    ede: bytes


class Layout(NamedTuple):
    """What thousands of answers have in common: flags, counts of records, offsets of their TTLs in the body."""

    flags: int
    counts: bytes
    ttl_places: tuple[int, ...]


class RawAnswer:
    """One answer of an upstream, before any policy and shared by all profiles.

    `body` is everything after the question without the OPT record. `stored_at` is in seconds on the monotonic clock,
    `lifetime_seconds` says for how long the answer may be kept in all. A worker keeps tens of thousands of these, so
    what is usual takes no room: `remarks` is None where there are none.
    """

    __slots__ = ("body", "hits", "layout", "lifetime_seconds", "remarks", "stored_at")

    def __init__(self, message: Message, *, now: float, max_ttl_seconds: int) -> None:
        octets, answers, authorities = message.octets, message.answers, message.authorities
        kept, opt = _without_opt(message.additionals)
        start = HEADER_OCTETS + len(message.question)
        records = answers + authorities + kept
        self.body = octets[start : records[-1].end if records else start]
        counts = _COUNTS.pack(len(answers), len(authorities), len(kept))
        places = tuple([record.ttl_at - start for record in records])
        self.layout = _same(Layout(message.flags, counts, places))
        lifetime = _lifetime_seconds(message)
        if not lifetime:
            self.body = _without_odd_ttls(self.body, places)
        self.lifetime_seconds = _same(min(lifetime, max_ttl_seconds))
        self.remarks = _remarks(message, opt)
        self.stored_at = now
        self.hits = 0

    @property
    def rcode(self) -> int:
        """Give the response code, without its extended part."""
        return self.layout.flags & 0xF

    @property
    def expires_at(self) -> float:
        """Give the end of its life, in seconds on the monotonic clock."""
        return self.stored_at + self.lifetime_seconds

    def addresses(self) -> list[bytes]:
        """Give the 4 or 16 octets of every A and AAAA record."""
        found = []
        for ttl_at in self.layout.ttl_places:
            # Before the TTL stand type and class, behind it the length of the data.
            rtype, _, _, length = _RR_FIXED.unpack_from(self.body, ttl_at - 4)
            if rtype in (Type.A, Type.AAAA):
                found.append(self.body[ttl_at + 6 : ttl_at + 6 + length])
        return found

    def use_up(self) -> bool:
        """Say whether the answer was asked for more than once; to be told so again it must be asked for again."""
        was_used, self.hits = self.hits > 1, min(self.hits, 1)
        return was_used

    def size_bytes(self) -> int:
        """Estimate what this answer holds, as measured with a million of them."""
        usual = 260 + len(self.body)
        return usual if self.remarks is None else usual + 160 + sum(60 + len(name) for name in self.remarks.targets)

    def body_at(self, now: float, *, at_most_seconds: int) -> bytes:
        """Give the records with their TTLs counted down, none of them above `at_most_seconds`."""
        age = int(now - self.stored_at)
        body, places = self.body, self.layout.ttl_places
        if len(places) == 1:
            place = places[0]
            ttl = min(max(int.from_bytes(body[place : place + 4], "big") - age, 0), at_most_seconds)
            return body[:place] + ttl.to_bytes(4, "big") + body[place + 4 :]
        counted = bytearray(body)
        for place in places:
            (ttl,) = _U32.unpack_from(body, place)
            _U32.pack_into(counted, place, min(max(ttl - age, 0), at_most_seconds))
        return bytes(counted)

    def stale_body(self, ttl_seconds: int) -> bytes:
        """Give the records of an answer that is past its time. Source: RFC 8767 section 4."""
        body = bytearray(self.body)
        for place in self.layout.ttl_places:
            _U32.pack_into(body, place, ttl_seconds)
        return bytes(body)


def parse_answer(octets: bytes, *, now: float, max_ttl_seconds: int) -> RawAnswer:
    """Read an upstream's response, without its ID.

    Raises:
        MalformedError: the response is not whole, or a name in it cannot be read.
    """
    return RawAnswer(parse_message(octets), now=now, max_ttl_seconds=max_ttl_seconds)


def _without_opt(additionals: tuple[Record, ...]) -> tuple[tuple[Record, ...], Record | None]:
    """Split the additional section; what stands behind an OPT record cannot be kept, its pointers may pass it."""
    for place, record in enumerate(additionals):
        if record.rtype == Type.OPT:
            return additionals[:place], record
    return additionals, None


def _without_odd_ttls(body: bytes, places: tuple[int, ...]) -> bytes:
    """Write zero for TTLs with the top bit set. Source: RFC 2181 section 8."""
    mended = bytearray(body)
    for place in places:
        if mended[place] & 0x80:
            mended[place : place + 4] = bytes(4)
    return bytes(mended)


def _ede_options(options: bytes) -> bytes:
    found = b""
    position = 0
    while position + 4 <= len(options):
        code, length = _U16.unpack_from(options, position)[0], _U16.unpack_from(options, position + 2)[0]
        end = position + 4 + length
        if code == EDE_OPTION and length >= 2 and end <= len(options):
            found += options[position:end]
        position = end
    return found


def _lifetime_seconds(message: Message) -> int:
    """Say for how long an answer may be kept: its lowest TTL, and for negative ones the SOA's minimum too."""
    records = message.answers + message.authorities
    if not records:
        return 0
    lowest = min([record.ttl for record in records])
    qtype = _U16.unpack_from(message.question, len(message.question) - 4)[0]
    if message.flags & 0xF == _NOERROR and any(qtype in (record.rtype, _ANY) for record in message.answers):
        return lowest
    # RFC 2308 section 5: without an SOA a negative answer SHOULD NOT be cached.
    soa = next((record for record in message.authorities if record.rtype == Type.SOA), None)
    if soa is None or soa.end - soa.data_at < 22:
        return 0
    return min(lowest, int.from_bytes(message.octets[soa.end - 4 : soa.end], "big"))


def _remarks(message: Message, opt: Record | None) -> Remarks | None:
    """Give the names in an answer, whether a private address stands in a record or hint, and what error is told."""
    octets = message.octets
    targets: list[bytes] = []
    has_private_address = False
    for record in message.answers + message.additionals:
        if record.rclass != CLASS_IN:
            continue
        rtype = record.rtype
        if rtype in _ADDRESS_TYPES:
            has_private_address |= is_private_address(octets[record.data_at : record.end])
        elif rtype in _ALIAS_TYPES:
            targets.append(read_name(octets, record.data_at))
        elif rtype in _BINDING_TYPES:
            target, hints = _service_binding(octets, record)
            has_private_address |= any(map(is_private_address, hints))
            if target:
                targets.append(target)
    ede = b"" if opt is None else _ede_options(octets[opt.data_at : opt.end])
    if targets or has_private_address or ede:
        return Remarks(tuple(dict.fromkeys(targets)), has_private_address, ede)
    return None


def _service_binding(octets: bytes, record: Record) -> tuple[bytes, list[bytes]]:
    """Read the target and the address hints of an HTTPS or SVCB record."""
    position = record.data_at + 2
    # RFC 9460 section 2.2: the target is not compressed, so its length is that of its octets and the root's.
    target = read_name(octets, position)
    position += len(target) + 1
    hints: list[bytes] = []
    while position < record.end:
        if position + 4 > record.end:
            raise MalformedError("a service parameter is cut short")
        key, length = _U16.unpack_from(octets, position)[0], _U16.unpack_from(octets, position + 2)[0]
        position += 4
        if position + length > record.end:
            raise MalformedError("a service parameter is cut short")
        width = {_SVCB_IPV4HINT: 4, _SVCB_IPV6HINT: 16}.get(key)
        if width:
            hints += [octets[at : at + width] for at in range(position, position + length, width)]
        position += length
    return target, hints


def is_private_address(address: bytes) -> bool:
    """Say whether a public name must not have this address (4 or 16 octets); odd lengths count as private."""
    if len(address) == 16:
        if address[0] not in _MAYBE_PRIVATE_IPV6:
            return False
        if address.startswith((_MAPPED_IPV4, _NAT64)):
            return is_private_address(address[12:])
        # ::/127 holds the unspecified address and loopback; fc00::/7 unique local, fe80::/10 link-local.
        return (
            (address[:15] == bytes(15) and address[15] < 2)
            or address[0] & 0xFE == 0xFC
            or (address[0] == 0xFE and address[1] & 0xC0 == 0x80)
        )
    if len(address) != 4:
        return True
    if address[0] not in _MAYBE_PRIVATE_IPV4:
        return False
    value = int.from_bytes(address, "big")
    return any(value >> bits == prefix >> bits for prefix, bits in _PRIVATE_IPV4)
