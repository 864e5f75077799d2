"""Names as people write them in a form: pages are reduced to their host, and each change is said.

The filter sees the names of hosts and nothing else, so that is all that anybody can ask for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import idna

from rules.name import DomainName, InvalidNameError, parse_name

EXPECTED: Final = "expected a name such as www.example.com"
_MAX_WRITTEN_CHARACTERS: Final = 2_048
_SHOWN_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class AskedNames:
    """What was made of written names: each once, in the order written.

    `notes` say what was changed or needs a second look; `faults` what could not be read, one sentence each.
    """

    names: tuple[DomainName, ...]
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def read_names(written: Iterable[str], *, limit: int) -> AskedNames:
    """Read names or addresses of pages; more than `limit` are a fault and are not looked at."""
    texts = [text.strip() for text in written]
    if len(texts) > limit:
        return AskedNames((), faults=(f"{len(texts):,} names were given; expected at most {limit}.",))
    names: dict[DomainName, None] = {}
    notes: dict[str, None] = {}
    faults: dict[str, None] = {}
    for text in texts:
        try:
            name = _read(text)
        except ValueError as error:
            faults[f"{shorten(text)!r} is no name of a site ({error}); {EXPECTED}."] = None
            continue
        names[name] = None
        notes.update(dict.fromkeys(_notes(text, name)))
    return AskedNames(tuple(names), tuple(notes), tuple(faults))


def shorten(text: str) -> str:
    """Give enough of a text to recognise it by."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def both_forms(name: DomainName) -> str:
    """Write a name as it is sent and, where letters of other alphabets stand in it, as people read it."""
    read = _unicode_form(name)
    return name if read == name else f"{read} ({name})"


def _read(text: str) -> DomainName:
    if len(text) > _MAX_WRITTEN_CHARACTERS:
        raise InvalidNameError(f"it has {len(text):,} characters, at most {_MAX_WRITTEN_CHARACTERS:,} are read")
    name = parse_name(_host(text))
    if _is_address(name):
        raise InvalidNameError("that is an address; the filter goes by names")
    if "." not in name:
        raise InvalidNameError("that is not a whole name")
    return name


def _host(text: str) -> str:
    """Give the host of a page's address, or what stands where a host would."""
    parts = urlsplit(text if "//" in text else f"//{text}")
    return parts.hostname or ""


def _is_address(name: str) -> bool:
    # A URL may write an IPv4 address as numbers of many forms; no top-level domain is a number (RFC 3696 section 2).
    if name.rpartition(".")[2].isdigit():
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _notes(text: str, name: DomainName) -> Iterable[str]:
    bare = text.rstrip(".").lower()
    if name != bare and (bare.isascii() or any(mark in bare for mark in "/:@?#")):
        yield f"{shorten(text)} was reduced to its host, {name}: the filter sees hosts, not pages."
    if (read := _unicode_form(name)) != name:
        yield (
            f"{read} is sent as {name}: compare both forms, because letters of different alphabets can look alike."
        )


def _unicode_form(name: DomainName) -> str:
    if not any(label.startswith("xn--") for label in name.split(".")):
        return name
    try:
        return idna.decode(name)
    except (idna.IDNAError, UnicodeError):
        return name
