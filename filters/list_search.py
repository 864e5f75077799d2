"""The literal lines of a list that list a name, found without parsing the rest of it."""

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

import idna

from filters.list_detection import BOM
from filters.list_entries import Chunk, ListedLine
from filters.list_formats.reader import Reader
from filters.list_names import shown
from filters.list_parser import MAX_LINE_OCTETS, close_list, make_reader, take_line
from rules.name import DomainName, ancestors, to_wire

_NAME_OCTETS: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_") | frozenset(range(0x80, 0x100))


def find_entries(
    data: bytes,
    *,
    file: str,
    format: str,  # noqa: A002 (the word of the site file)
    name: DomainName,
) -> list[ListedLine]:
    """Find the literal lines that list a name, or a name above it, or make an exception for it.

    The text is searched for these names first, and only lines where one of them stands are parsed.
    """
    reader = make_reader(format, file, data)
    found = []
    line_number, counted_to = 1, 0
    for start in sorted(_starts_of_lines(data, format, name)):
        line_number += data.count(b"\n", counted_to, start)
        counted_to = start
        chunk = _parse_entry(reader, data, start)
        if (exception := _applies_as_exception(chunk, name)) is not None:
            found.append(ListedLine(file, line_number, _text_of_line(data, start), exception))
    return found


def _starts_of_lines(data: bytes, format_: str, name: DomainName) -> set[int]:
    """Give where the lines begin that may list the name, and those without which they cannot be understood."""
    lowered = data.lower().replace(BOM, b" " * len(BOM))
    places: Iterable[int] = _places_of_names(lowered, _texts(name))
    if format_ == "adblock":
        places = chain(places, _places(lowered, b"*"))
    if format_ == "rpz":
        origins = [place for place in _places(lowered, b"$origin") if place == _start_of_line(lowered, place)]
        if len(origins) > 1:
            # Owner names may be written relative to anything: there is no text to search for.
            return {0, *(place + 1 for place in _places(lowered, b"\n") if place + 1 < len(data))}
        starts = {_start_of_line(lowered, place) for place in places}
        # A line that begins with white space belongs to an owner that stands above it, and is found there.
        starts = {start for start in starts if not lowered[start : start + 1].isspace()}
        return starts.union(origins, (_start_of_line(lowered, place) for place in _places_of_soa(lowered)))
    return {_start_of_line(lowered, place) for place in places}


def _places_of_soa(lowered: bytes) -> Iterator[int]:
    for place in _places(lowered, b"soa"):
        if lowered[place - 1 : place].isspace() and lowered[place + 3 : place + 4].isspace():
            yield place
            return


def _texts(name: DomainName) -> Iterator[bytes]:
    """Give the ways in which the name and the names above it may stand in a list, ASCII letters in lower case."""
    for ancestor in ancestors(name):
        if "." in ancestor:
            yield ancestor.encode()
            text = _to_u_labels(ancestor)
            if text != ancestor:
                forms = {text, text.upper(), text.title(), unicodedata.normalize("NFD", text)}
                yield from (form.encode("utf-8", "replace").lower() for form in sorted(forms))


def _to_u_labels(name: DomainName) -> str:
    try:
        return idna.decode(name)
    except (idna.IDNAError, UnicodeError):
        return name


def _places_of_names(lowered: bytes, texts: Iterable[bytes]) -> Iterator[int]:
    """Give where a name stands by itself, not as the end of a longer one.

    Names with the same last two labels are searched for at once, because one of them ends wherever another one does.
    """
    groups: dict[bytes, list[bytes]] = {}
    for text in texts:
        groups.setdefault(b".".join(text.split(b".")[-2:]), []).append(text)
    for ending, group in groups.items():
        for place in _places(lowered, ending):
            end = place + len(ending)
            if end < len(lowered) and lowered[end] in _NAME_OCTETS:
                continue
            if any(lowered.endswith(text, 0, end) and _begins_at(lowered, end - len(text)) for text in group):
                yield place


def _begins_at(lowered: bytes, place: int) -> bool:
    before = lowered[place - 1] if place else 0
    if before == ord(".") and place > 1:
        before = lowered[place - 2]
    return before not in _NAME_OCTETS


def _places(text: bytes, part: bytes) -> Iterator[int]:
    place = text.find(part)
    while place >= 0:
        yield place
        place = text.find(part, place + 1)


def _start_of_line(data: bytes, place: int) -> int:
    return data.rfind(b"\n", 0, place) + 1


def _end_of_line(data: bytes, start: int) -> int:
    end = data.find(b"\n", start)
    return len(data) if end < 0 else end


def _text_of_line(data: bytes, start: int) -> str:
    line = data[start : min(_end_of_line(data, start), start + MAX_LINE_OCTETS)]
    return shown(line.decode("utf-8", "surrogateescape").strip().removeprefix("\ufeff"))


def _parse_entry(reader: Reader, data: bytes, start: int) -> Chunk:
    """Parse the line that begins at a place, and those that it goes on in."""
    reader.chunk = Chunk()
    position = start
    while position == start or (reader.is_open and position < len(data)):
        end = _end_of_line(data, position)
        take_line(reader, data[position:end].removesuffix(b"\r"))
        position = end + 1
    reader.close_chunk()
    close_list(reader)
    return reader.chunk


def _applies_as_exception(chunk: Chunk, name: DomainName) -> bool | None:
    """Say whether what a line says about a name is an exception; None if it says nothing about it."""
    own = to_wire(name)
    above = {to_wire(ancestor) for ancestor in ancestors(name)}
    if own in chunk.exact or not above.isdisjoint(chunk.subtree):
        return False
    applying = [rule.exception for rule in chunk.special if rule.covers(name)]
    return all(applying) if applying else None
