"""What a UT1 or SquidGuard tree says about itself: its categories in several languages, and what each is for.

The type of a category says what its provider made it for, not what a school does with it: that is for policies.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from filters.list_entries import BadLine
from filters.list_names import shown

_FIELD: Final = re.compile(r"(NAME|DESC|DEFAULT_TYPE|SOURCE)(?:[ \t]+([A-Za-z]{2,3}))?[ \t]*:[ \t]*(.*)")
MAX_LINE_CHARACTERS: Final = 4_096
MAX_BAD_LINES: Final = 1_000


class Usage(StrEnum):
    """What the provider made a category for."""

    BLOCK = "black"
    ALLOW = "white"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One category of a provider.

    `names` and `descriptions` are by language, in lower case (`en`); `usage` is None if the catalogue does not say.
    """

    category: str
    usage: Usage | None
    names: Mapping[str, str]
    descriptions: Mapping[str, str]
    source: str = ""

    def name_in(self, language: str) -> str:
        """Give the name in a language, else in English, else the provider's own word."""
        return self.names.get(language) or self.names.get("en") or self.category


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The categories of a tree, and the lines that could not be read."""

    entries: Mapping[str, CatalogueEntry]
    bad: tuple[BadLine, ...] = ()


def parse_catalogue(data: bytes, *, file: str) -> Catalogue:
    """Parse a `global_usage` file."""
    reading = _Reading(file)
    for number, line in enumerate(_decode(data).split("\n"), start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            reading.take_line(number, text)
    reading.end_entry()
    return Catalogue(MappingProxyType(reading.entries), tuple(reading.bad))


def parse_usage(data: bytes) -> frozenset[Usage]:
    """Parse the `usage` file of one category: a word a line, of which both types or others may be among them."""
    words = {line.strip().lower() for line in _decode(data).split("\n")}
    return frozenset(usage for usage in Usage if usage in words)


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Older trees are in Latin-1, in which every octet is a character.
        return data.decode("latin-1")


class _Reading:
    def __init__(self, file: str) -> None:
        self.file = file
        self.entries: dict[str, CatalogueEntry] = {}
        self.bad: list[BadLine] = []
        self._category: str | None = None
        self._clear()

    def _clear(self) -> None:
        self._usage: Usage | None = None
        self._source = ""
        self._names: dict[str, str] = {}
        self._descriptions: dict[str, str] = {}

    def take_line(self, number: int, text: str) -> None:
        """Take a line that is neither blank nor a comment."""
        match = _FIELD.fullmatch(text[:MAX_LINE_CHARACTERS])
        if match is None:
            self._refuse(number, text, "'NAME:', 'NAME EN:', 'DESC EN:', 'DEFAULT_TYPE:' or 'SOURCE:' was expected")
            return
        field, language, value = match[1], match[2], match[3].strip()
        if field == "NAME" and language is None:
            self.end_entry()
            self._category = value or None
        elif self._category is None:
            self._refuse(number, text, "a line before the first 'NAME: category'")
        elif field in {"NAME", "DESC"} and language is not None:
            texts = self._names if field == "NAME" else self._descriptions
            texts[language.lower()] = value
        elif field == "SOURCE":
            self._source = value
        elif field == "DEFAULT_TYPE" and value.lower() in set(Usage):
            self._usage = Usage(value.lower())
        else:
            self._refuse(number, text, "'DEFAULT_TYPE: black' or 'DEFAULT_TYPE: white', or 'DESC' with a language")

    def end_entry(self) -> None:
        """Keep what was said of the category so far."""
        if self._category is not None:
            self.entries[self._category] = CatalogueEntry(
                self._category, self._usage, self._names, self._descriptions, self._source
            )
        self._clear()

    def _refuse(self, number: int, text: str, why: str) -> None:
        if len(self.bad) < MAX_BAD_LINES:
            self.bad.append(BadLine(self.file, number, shown(text), why))
