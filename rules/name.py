r"""Domain names: the one normal form that every list, policy and query is brought to.

A `DomainName` is lower-case A-label text without the final dot (`www.example.test`); the root is the empty
string. Inside the filter the same name travels in wire form without the root octet (`b"\x03www\x07example..."`),
so that every ancestor of a name is a suffix of its bytes.
"""

from collections.abc import Iterator
from typing import NewType

DomainName = NewType("DomainName", str)

MAX_LABEL_OCTETS = 63
# RFC 1035 section 3.1: 255 octets with the root octet, so 254 without it.
MAX_WIRE_OCTETS = 254

# Host names use letters, digits and hyphens; service names such as _dmarc add the underscore.
_PLAIN_OCTETS = b"abcdefghijklmnopqrstuvwxyz0123456789-_"
_PLAIN = frozenset(_PLAIN_OCTETS)
_PLAIN_OCTETS_AND_DOT = _PLAIN_OCTETS + _PLAIN_OCTETS.upper() + b"."


class InvalidNameError(ValueError):
    """Text that is not a domain name; the message says why in a few words."""


def parse_name(text: str) -> DomainName:
    """Bring text to the normal form.

    Args:
        text: A-label or U-label text in any case, with or without the final dot.

    Raises:
        InvalidNameError: an empty or over-long label or name, a character no host name has, a bad IDN.
    """
    text = text.strip()
    if text == ".":
        return DomainName("")
    text = text.removesuffix(".")
    if not text:
        raise InvalidNameError("the name is empty")
    lowered = text.lower() if text.isascii() else _to_a_labels(text)
    _check_labels(lowered)
    return DomainName(lowered)


def _to_a_labels(text: str) -> str:
    # Its tables are large, and a process that only answers queries never needs them.
    import idna  # noqa: PLC0415

    try:
        return idna.encode(text, uts46=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise InvalidNameError(f"not a valid internationalised name ({error})") from None


def _check_labels(name: str) -> None:
    if len(name) + 1 > MAX_WIRE_OCTETS:
        raise InvalidNameError(f"the name has {len(name)} characters, at most {MAX_WIRE_OCTETS - 1} are possible")
    for label in name.encode("ascii", "replace").split(b"."):
        if not label:
            raise InvalidNameError("two dots stand together or the name begins with a dot")
        if len(label) > MAX_LABEL_OCTETS:
            raise InvalidNameError(f"a label has {len(label)} characters, at most {MAX_LABEL_OCTETS} are possible")
        if not _PLAIN.issuperset(label):
            raise InvalidNameError("a character that no host name has")


def to_wire(name: DomainName) -> bytes:
    """Compose the wire form without the root octet."""
    if not name:
        return b""
    return b"".join(bytes((len(label),)) + label for label in name.encode("ascii").split(b"."))


def from_wire(wire: bytes) -> DomainName:
    r"""Scan wire form without the root octet into text; odd octets become `\DDD` (RFC 1035 section 5.1)."""
    labels = []
    position, end = 0, len(wire)
    while position < end:
        following = position + 1 + wire[position]
        labels.append(wire[position + 1 : following])
        position = following
    text = b".".join(labels)
    if text.translate(None, _PLAIN_OCTETS_AND_DOT) or text.count(b".") >= max(1, len(labels)):
        return DomainName(".".join("".join(map(_presentation, label)) for label in labels).lower())
    return DomainName(text.decode("ascii").lower())


def _presentation(octet: int) -> str:
    if octet in b".\\":
        return f"\\{octet:c}"
    return chr(octet) if 0x21 <= octet <= 0x7E else f"\\{octet:03d}"


def ancestors(name: DomainName) -> Iterator[DomainName]:
    """Give the name itself and every name above it, longest first, without the root."""
    rest = str(name)
    while rest:
        yield DomainName(rest)
        _, _, rest = rest.partition(".")


def is_at_or_below(name: DomainName, ancestor: DomainName) -> bool:
    """Say whether `name` is `ancestor` or stands below it."""
    return name == ancestor or not ancestor or name.endswith("." + ancestor)
