"""Which format a list is in, or what it is when it is no list at all, judged from its first octets."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

from filters.list_entries import Reason
from filters.list_formats.plain import without_comment, without_wildcard
from filters.list_names import Refused, is_address, read_name

SAMPLE_OCTETS: Final = 65_536
# A list that is mostly something else is better stated than guessed.
_MIN_SHARE: Final = 0.5
_MAX_SHARE_NOT_TEXT: Final = 0.3

BOM: Final = b"\xef\xbb\xbf"
_COMPRESSED: Final = {
    b"\x1f\x8b": "gzip data",
    b"PK\x03\x04": "a ZIP archive",
    b"BZh": "bzip2 data",
    b"\xfd7zXZ\x00": "xz data",
    b"\x28\xb5\x2f\xfd": "zstd data",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
}
_WIDE_TEXT: Final = (b"\xff\xfe", b"\xfe\xff")
_MARKUP: Final = re.compile(
    rb"\s*<(?:!doctype\b|!--|[?]xml\b|(?:html|head|body|title|meta|script|style|iframe|div|center|h1|p|table)\b)",
    re.IGNORECASE,
)
_CONTROL_OCTETS: Final = bytes(octet for octet in range(32) if octet not in b"\t\n\v\f\r\x1b")

_DNSMASQ: Final = re.compile(r"(?:address|server|local)=/", re.IGNORECASE)
_RPZ: Final = re.compile(r"\S*\s+(?:\d\w*\s+)?(?:in\s+)?(?:\d\w*\s+)?(?:cname|soa|ns)\s+\S", re.IGNORECASE)
_ADBLOCK: Final = re.compile(
    r"@@|\|{1,2}[^\s|]|[^\s#]*#[@?$%]{0,2}#\S|[^\s$]+\$[a-z~-]+(?:[=,]|$)|[^\s/^]+\^", re.IGNORECASE
)
_ZONE_HEADER: Final = re.compile(r"\$(?:ttl|origin)\s", re.IGNORECASE)


def detect_format(sample: bytes) -> str | None:
    """Name the format of a list from its first octets (64 KB are plenty); None when it cannot be told."""
    sample = sample[:SAMPLE_OCTETS]
    if find_other_content(sample) is not None:
        return None
    lines = sample.removeprefix(BOM).decode("utf-8", "replace").splitlines()
    if len(sample) == SAMPLE_OCTETS and len(lines) > 1:
        lines.pop()
    votes: Counter[str] = Counter()
    for line in lines:
        if line[:8].lower() == "[adblock":
            return "adblock"
        if _ZONE_HEADER.match(line):
            return "rpz"
        if vote := _format_of_line(line):
            votes[vote] += 1
    if not votes:
        return None
    (winner, count), *_ = votes.most_common(1)
    return winner if winner != "other" and count >= _MIN_SHARE * votes.total() else None


def _format_of_line(line: str) -> str | None:
    """Give the format that this line speaks for, or `other`; None if it could stand anywhere."""
    text = line.strip()
    if not text or text[0] in "#;![" or is_address(text):
        return None
    return next((name for name, fits in _TELLING if fits(line)), "other")


def _is_hosts_line(line: str) -> bool:
    words = without_comment(line).split()
    return len(words) > 1 and (words[0] == "0" or is_address(words[0].partition("%")[0]))


def _is_name(line: str) -> bool:
    try:
        read_name(without_wildcard(without_comment(line)))
    except Refused:
        return False
    return True


# The first that fits names the line.
_TELLING: Final[tuple[tuple[str, Callable[[str], object]], ...]] = (
    ("dnsmasq", _DNSMASQ.match),
    ("hosts", _is_hosts_line),
    ("rpz", _RPZ.match),
    ("domains", _is_name),
    ("adblock", _ADBLOCK.match),
)


def find_other_content(sample: bytes) -> Refused | None:
    """Say what the content is if it is not the text of a list."""
    for magic, what in _COMPRESSED.items():
        if sample.startswith(magic):
            return Refused(Reason.BINARY, f"{what}, where the text of a list was expected")
    if sample.startswith(_WIDE_TEXT):
        return Refused(Reason.BINARY, "UTF-16 text, where UTF-8 was expected")
    if _MARKUP.match(sample.removeprefix(BOM)):
        return Refused(Reason.HTML, "a web page, where the text of a list was expected")
    control_octets = len(sample) - len(sample.translate(None, _CONTROL_OCTETS))
    if control_octets > _MAX_SHARE_NOT_TEXT * len(sample):
        return Refused(Reason.BINARY, "binary data, where the text of a list was expected")
    return None
