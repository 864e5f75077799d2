"""Names that are answered here and never forwarded: private reverse zones and special-use names.

Source: RFC 6303 section 4 and the IANA registry of locally-served DNS zones, RFC 6761 sections 6.3 and 6.4
(localhost, invalid), RFC 7686 section 2 (onion), RFC 7793 (shared address space), RFC 8375 section 4 (home.arpa).
`test` is not here: RFC 6761 section 6.2 lets a site give it a meaning.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from filters.reply import header, opt_record
from filters.wire import HEADER_OCTETS, Edns, Rcode, Type
from rules.name import DomainName, to_wire

# RFC 6303 section 3: the TTL of the zones, and what stands in their SOA record.
TTL_SECONDS: Final = 10_800
_RNAME = b"\x06nobody\x07invalid\x00"
_SOA_NUMBERS = Struct("!IIIII").pack(1, 3600, 1200, 604_800, TTL_SECONDS)
_RR = Struct("!HHHIH")
_POINTER = 0xC000
# Pointers count from the ID, which the messages here are without.
_ID_OCTETS = 2

_PTR = 12
_LOCALHOST = b"\x09localhost\x00"


@dataclass(frozen=True, slots=True)
class LocalZone:
    """A zone with nothing in it but its SOA and NS records, and perhaps an address or the name of this machine.

    `apex` is the zone's name in wire form without the root octet. Where `everywhere` holds, the records are those
    of every name at and below the apex, and no name is missing.
    """

    apex: bytes
    ipv4: bytes | None = None
    ipv6: bytes | None = None
    everywhere: bool = False
    pointer_name: bytes | None = None

    def compose(
        self,
        query_flags: int,
        question: bytes,
        edns: Edns | None,
        qtype: int,
        *,
        at_most_seconds: int = TTL_SECONDS,
    ) -> bytes:
        """Compose the answer, without its ID, to a question for a name at or below the apex."""
        below = len(question) - 5 - len(self.apex)
        apex_at = _POINTER | HEADER_OCTETS + _ID_OCTETS + below
        ttl = min(TTL_SECONDS, at_most_seconds)
        data = self._data(question[:-5].lower(), qtype, apex_at)
        opt = opt_record(edns)
        counts = {"answers" if data is not None else "authorities": 1, "additionals": 1 if opt else 0}
        if data is not None:
            owner = _POINTER | HEADER_OCTETS + _ID_OCTETS
            record = _RR.pack(owner, qtype, 1, ttl, len(data)) + data
            return header(query_flags, Rcode.NOERROR, **counts) + question + record + opt
        exists = below == 0 or self.everywhere or self._leads_on(question[:-5].lower())
        soa = self._soa(apex_at)
        record = _RR.pack(apex_at, Type.SOA, 1, ttl, len(soa)) + soa
        return header(query_flags, Rcode.NOERROR if exists else Rcode.NXDOMAIN, **counts) + question + record + opt

    def _data(self, name: bytes, qtype: int, apex_at: int) -> bytes | None:
        """Give the data of the one record that the name has of this type."""
        if qtype == _PTR and name == self.pointer_name:
            return _LOCALHOST
        if name != self.apex and not self.everywhere:
            return None
        if qtype == Type.A:
            return self.ipv4
        if qtype == Type.AAAA:
            return self.ipv6
        if name == self.apex and qtype == Type.SOA:
            return self._soa(apex_at)
        if name == self.apex and qtype == Type.NS:
            return apex_at.to_bytes(2, "big")
        return None

    def _leads_on(self, name: bytes) -> bool:
        # RFC 8020 section 2: NXDOMAIN would say that nothing is below, so a name on the way to the pointer exists.
        return self.pointer_name is not None and self.pointer_name.endswith(name)

    def _soa(self, apex_at: int) -> bytes:
        # RFC 6303 section 3: the MNAME is the name of the zone itself, so that nobody sends updates anywhere.
        return apex_at.to_bytes(2, "big") + _RNAME + _SOA_NUMBERS


_REVERSE: Final = (
    # RFC 6303 section 4.1: RFC 1918.
    "10.in-addr.arpa",
    *(f"{octet}.172.in-addr.arpa" for octet in range(16, 32)),
    "168.192.in-addr.arpa",
    # RFC 6303 section 4.2: this network, link local, documentation, broadcast.
    "0.in-addr.arpa",
    "254.169.in-addr.arpa",
    "2.0.192.in-addr.arpa",
    "100.51.198.in-addr.arpa",
    "113.0.203.in-addr.arpa",
    "255.255.255.255.in-addr.arpa",
    # RFC 7793: shared address space, 100.64.0.0/10.
    *(f"{octet}.100.in-addr.arpa" for octet in range(64, 128)),
    # RFC 6303 sections 4.3 to 4.6: the unspecified address, unique local, link local, documentation.
    ".".join(["0"] * 32) + ".ip6.arpa",
    "d.f.ip6.arpa",
    *(f"{nibble}.e.f.ip6.arpa" for nibble in "89ab"),
    "8.b.d.0.1.0.0.2.ip6.arpa",
)


def _wire(name: str) -> bytes:
    return to_wire(DomainName(name))


_LOOPBACK_IPV4: Final = _wire("127.in-addr.arpa")
_LOOPBACK_IPV6: Final = _wire("1." + ".".join(["0"] * 31) + ".ip6.arpa")

LOCAL_ZONES: Final = {
    zone.apex: zone
    for zone in (
        *(LocalZone(_wire(name)) for name in _REVERSE),
        # RFC 6303 section 4.2: "a meaningful reverse mapping should exist" for the loopback addresses.
        LocalZone(_LOOPBACK_IPV4, pointer_name=_wire("1.0.0.127.in-addr.arpa")),
        LocalZone(_LOOPBACK_IPV6, pointer_name=_LOOPBACK_IPV6),
        LocalZone(_wire("home.arpa")),
        LocalZone(_wire("invalid")),
        LocalZone(_wire("onion")),
        # RFC 9462 section 6.4: what it says of a resolver is true of that resolver alone; ours has no other way in.
        LocalZone(_wire("resolver.arpa"), everywhere=True),
        # RFC 6761 section 6.3: "always respond with the loopback address", for every name below, too.
        LocalZone(_wire("localhost"), ipv4=bytes((127, 0, 0, 1)), ipv6=bytes(15) + b"\x01", everywhere=True),
    )
}
_LAST_LABELS: Final = tuple({_wire(zone) for zone in ("arpa", "invalid", "localhost", "onion")})


def local_zone(wire_name: bytes) -> LocalZone | None:
    """Find the zone that a name, in lower-case wire form without the root octet, is at or below."""
    if not wire_name.endswith(_LAST_LABELS):
        return None
    position = 0
    while position < len(wire_name):
        if (zone := LOCAL_ZONES.get(wire_name[position:])) is not None:
            return zone
        position += wire_name[position] + 1
    return None
