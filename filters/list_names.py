"""Names as they stand in lists, brought to wire form: one by one with every check, or whole runs of plain ones."""

import re
from typing import Final

from filters.list_entries import MAX_SHOWN_CHARACTERS, Reason, RpzAnswer, SpecialRule
from rules.name import MAX_LABEL_OCTETS, MAX_WIRE_OCTETS, DomainName, InvalidNameError, parse_name, to_wire

LABEL: Final = rb"[a-z0-9_-]{1,63}+"
# A name that needs no second look but at its length: lower case, two labels or more, the last one not a number.
PLAIN_NAME: Final = rb"(?:" + LABEL + rb"\.(?![ \t\n]))++[a-z][a-z0-9_-]{0,62}+"

_IPV4: Final = r"\d{1,3}(?:\.\d{1,3}){3}(?:[/:]\d{1,5})?"
_IPV6: Final = r"\[?[0-9a-f]*:[0-9a-f:.]*\]?(?:/\d{1,3})?"
_ADDRESS: Final = re.compile(f"(?:{_IPV4}|{_IPV6})", re.IGNORECASE | re.ASCII)
_ONLY_NUMBERS: Final = frozenset("0123456789.-")
_OCTET: Final = tuple(bytes((number,)) for number in range(256))


class Refused(Exception):  # noqa: N818 (a refused entry is an outcome, not a fault)
    """An entry that is not used."""

    def __init__(self, reason: Reason, why: str) -> None:
        super().__init__(why)
        self.reason = reason
        self.why = why


def to_wire_names(text: bytes) -> list[bytes]:
    """Compose the wire form of plain names, each of which ends its line; give nothing if one of them is too long.

    The text is taken apart at dots and line ends at once, every label gets its length before it, and a line end
    becomes a label of its own. That label cannot occur otherwise: no plain label holds an octet below the hyphen.
    """
    labels = text.replace(b"\n", b".\n.").split(b".")
    labels.pop()
    octets = [b""] * (2 * len(labels))
    octets[1::2] = labels
    octets[0::2] = [_OCTET[len(label)] for label in labels]
    names = b"".join(octets).split(b"\x01\n")
    names.pop()
    return names if max(map(len, names), default=0) <= MAX_WIRE_OCTETS else []


def read_name(text: str) -> DomainName:
    """Parse the name of an entry that may cover all names below it.

    Raises:
        Refused: no name, an address, or a name that stands for a whole top-level domain.
    """
    name = DomainName("") if text == "*" else read_any_name(text)
    if "." not in name:
        raise Refused(Reason.TOO_BROAD, f"{f'all of .{name}' if name else 'every name'} would be covered")
    return name


def read_any_name(text: str) -> DomainName:
    """Parse a name, or a single label, or the root.

    Raises:
        Refused: no name, or an address.
    """
    if is_address(text):
        raise Refused(Reason.RAW_ADDRESS, "an address, where a name was expected")
    if "/" in text:
        raise Refused(Reason.NOT_FOR_DNS, "a web address, of which DNS sees only the name")
    # No U-label is longer than its A-label, so the limits hold before conversion; they bound its work on rubbish.
    if len(text) > MAX_WIRE_OCTETS or max(map(len, text.split("."))) > MAX_LABEL_OCTETS:
        raise Refused(Reason.BAD_NAME, "more characters than a label (63) or a name (253) can have")
    try:
        name = parse_name(text)
    except InvalidNameError as error:
        raise Refused(Reason.BAD_NAME, _what_is_wrong(text, error)) from None
    last_label = name.rpartition(".")[2]
    if last_label.isdigit():
        if _ONLY_NUMBERS.issuperset(name):
            raise Refused(Reason.RAW_ADDRESS, "an address, where a name was expected")
        raise Refused(Reason.BAD_NAME, "the last label is a number, which no top-level domain is")
    return name


def read_wire_name(text: str) -> bytes:
    """Parse the name of an entry as `read_name` does, and compose its wire form."""
    return to_wire(read_name(text))


def below_only(name: DomainName, *, exception: bool = False, answer: RpzAnswer | None = None) -> SpecialRule:
    """Make the rule for all names below a name, but not for the name itself."""
    return SpecialRule(to_wire(name), pattern=r".*\." + re.escape(name), exception=exception, answer=answer)


def is_address(text: str) -> bool:
    """Say whether text is written like an address, with or without a port or prefix length."""
    return _ADDRESS.fullmatch(text) is not None


def _what_is_wrong(text: str, error: InvalidNameError) -> str:
    if any("\udc80" <= character <= "\udcff" for character in text):
        return "not UTF-8 text"
    if len(text.split()) > 1:
        return "several words, where one name was expected"
    return str(error)


def shown(text: str) -> str:
    """Make text fit to be shown: short, on one line, without control characters."""
    short = text[: MAX_SHOWN_CHARACTERS + 1]
    safe = "".join(character if character.isprintable() else _escaped(character) for character in short)
    return safe if len(safe) <= MAX_SHOWN_CHARACTERS else safe[: MAX_SHOWN_CHARACTERS - 1] + "…"


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
