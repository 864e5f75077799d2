"""The names of RR types, as they stand in rules and zone files.

Source: IANA, "Domain Name System Parameters", resource record types; RFC 3597 section 5 for `TYPE65`.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

RR_TYPES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "A": 1,
        "NS": 2,
        "CNAME": 5,
        "SOA": 6,
        "PTR": 12,
        "HINFO": 13,
        "MX": 15,
        "TXT": 16,
        "RP": 17,
        "AFSDB": 18,
        "KEY": 25,
        "AAAA": 28,
        "LOC": 29,
        "SRV": 33,
        "NAPTR": 35,
        "CERT": 37,
        "DNAME": 39,
        "OPT": 41,
        "DS": 43,
        "SSHFP": 44,
        "IPSECKEY": 45,
        "RRSIG": 46,
        "NSEC": 47,
        "DNSKEY": 48,
        "NSEC3": 50,
        "NSEC3PARAM": 51,
        "TLSA": 52,
        "SMIMEA": 53,
        "CDS": 59,
        "CDNSKEY": 60,
        "OPENPGPKEY": 61,
        "ZONEMD": 63,
        "SVCB": 64,
        "HTTPS": 65,
        "SPF": 99,
        "ANY": 255,
        "URI": 256,
        "CAA": 257,
    }
)
_GENERIC: Final = re.compile(r"TYPE([0-9]{1,5})", re.ASCII)


def parse_rr_type(text: str) -> int | None:
    """Give the number of an RR type, named or written as `TYPE65`; None if there is no such type."""
    text = text.upper()
    if match := _GENERIC.fullmatch(text):
        number = int(match[1])
        return number if 0 < number <= 0xFFFF else None
    return RR_TYPES.get(text)
