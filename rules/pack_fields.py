"""Reading the parts of a pack one by one, with every fault at its place instead of the first one only."""

from collections.abc import Callable, Collection, Iterator
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

from rules.category import LANGUAGES
from rules.document import Document, Path, Value, describe, suggest
from rules.errors import Problem
from rules.span import Span, parse_span
from rules.words import NO_WORDS, Words

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_NO_SPAN: Final = parse_span("at once")
_MAX_LINE_DIGITS: Final = 6


class Fields:
    """A mapping of a pack, read key by key; `done` tells of the keys that nobody has asked for."""

    def __init__(self, document: Document, path: Path, problems: list[Problem]) -> None:
        self._document = document
        self.path = path
        self._problems = problems
        value = _at(document.value, path)
        self._is_mapping = isinstance(value, dict)
        self._value: dict[str, Value] = value if isinstance(value, dict) else {}
        self._asked: set[str] = set()
        if not self._is_mapping:
            self._wrong((), describe(value), "a mapping")

    @property
    def location(self) -> str:
        """Say where the mapping stands, as `pack.yaml:12:5`."""
        return self._document.location(self.path)

    def has(self, key: str) -> bool:
        """Say whether something is written for a key."""
        self._asked.add(key)
        return self._value.get(key) is not None

    def or_below(self, key: str, read: Callable[[str], T], below: T | None) -> T:
        """Read a key that may be left out where something stands below: that holds then."""
        return read(key) if below is None or self.has(key) else below

    def text(self, key: str, *, default: str | None = None) -> str:
        """Read a text; without a default it has to be there."""
        value = self._get(key, is_needed=default is None)
        if value is None:
            return default or ""
        if not isinstance(value, str):
            self._wrong((key,), describe(value), "text")
            return ""
        return value

    def words(self, key: str, *, is_needed: bool = True) -> Words:
        """Read words: text is English, a mapping is by language."""
        value = self._get(key, is_needed=is_needed)
        return NO_WORDS if value is None else self._words((key,), value)

    def all_words(self, key: str) -> tuple[Words, ...]:
        """Read a list of words, which may be missing."""
        return tuple(self._words((key, index), value) for index, value in enumerate(self._list(key)))

    def number(self, key: str, *, default: int | None = None) -> int:
        """Read a whole number of lines or of whatever is counted; without a default it has to be there."""
        value = self._get(key, is_needed=default is None)
        if isinstance(value, str) and value.isdecimal() and len(value) <= _MAX_LINE_DIGITS:
            return int(value)
        if value is not None:
            self._wrong((key,), describe(value), "a whole number")
        return default or 0

    def day(self, key: str) -> date:
        """Read a date."""
        value = self._get(key, is_needed=True)
        try:
            return date.fromisoformat(value) if isinstance(value, str) else date.min
        except ValueError:
            self._wrong((key,), describe(value), "a date, such as 2026-09-01")
            return date.min

    def names_of_parts(self) -> tuple[str, ...]:
        """Give the keys of a mapping whose parts have names of their own."""
        return tuple(self._value)

    def flag(self, key: str) -> bool:
        """Read yes or no; nothing is no."""
        value = self._get(key, is_needed=False)
        if value not in (None, "true", "false"):
            self._wrong((key,), describe(value), "true or false")
        return bool(value == "true")

    def span(self, key: str) -> Span:
        """Read a span of time, which has a unit."""
        value = self._get(key, is_needed=True)
        if value is None:
            return _NO_SPAN
        try:
            return parse_span(value if isinstance(value, str) else "")
        except ValueError as error:
            self._wrong((key,), describe(value), str(error).rpartition("; expected ")[2])
            return _NO_SPAN

    def choice(self, key: str, kind: type[E], *, default: E | None = None) -> E:
        """Read one of a closed set."""
        value = self._get(key, is_needed=default is None)
        otherwise = next(iter(kind)) if default is None else default
        return otherwise if value is None else self._chosen((key,), value, kind) or otherwise

    def choices(self, key: str, kind: type[E]) -> frozenset[E]:
        """Read several of a closed set; a list that may be missing."""
        read = (self._chosen((key, index), value, kind) for index, value in enumerate(self._list(key)))
        return frozenset(one for one in read if one is not None)

    def names(self, key: str, known: Collection[str], what: str) -> tuple[str, ...]:
        """Read a list, which may be missing, of names that exist.

        Args:
            what: what they are, as in "a role of this pack".
        """
        found = []
        for index, value in enumerate(self._list(key)):
            if isinstance(value, str) and value in known:
                found.append(value)
            else:
                self._wrong((key, index), describe(value), suggest(str(value), tuple(known), what + ", one of"))
        return tuple(found)

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a list of texts, which may be missing."""
        found = []
        for index, value in enumerate(self._list(key)):
            if isinstance(value, str):
                found.append(value)
            else:
                self._wrong((key, index), describe(value), "text")
        return tuple(found)

    def each(self, key: str, read: Callable[[str, "Fields"], T]) -> dict[str, T]:
        """Read a mapping of parts by their ids, which may be missing, in its order."""
        if not self.has(key):
            return {}
        return dict(self._parts(key, read))

    def each_words(self, key: str) -> dict[str, Words]:
        """Read a mapping of words by their ids."""
        inner = self.inner(key)
        return {name: inner.words(name) for name in inner.names_of_parts()}

    def items(self, key: str, read: Callable[["Fields"], T]) -> tuple[T, ...]:
        """Read a list of parts, which may be missing."""
        found = []
        for index, _ in enumerate(self._list(key)):
            fields = Fields(self._document, (*self.path, key, index), self._problems)
            found.append(read(fields))
            fields.done()
        return tuple(found)

    def inner(self, key: str) -> "Fields":
        """Give the mapping under a key, which has to be there."""
        self._get(key, is_needed=True)
        return Fields(self._document, (*self.path, key), self._problems)

    def fault(self, key: str, found: str, expected: str) -> None:
        """Note what is wrong with the value of a key, or with the mapping where the key is empty."""
        self._wrong((key,) if key else (), found, expected)

    def leave(self) -> None:
        """Leave the rest unread, where what stands there was refused as a whole."""
        self._asked.update(self._value)

    def done(self) -> None:
        """Note every key that nobody has asked for."""
        for key in self._value:
            if key not in self._asked:
                expected = suggest(key, sorted(self._asked), "one of")
                self._problems.append(
                    self._document.problem((*self.path, key), f"the unknown key {key}", expected, at_key=True)
                )

    def _parts(self, key: str, read: Callable[[str, "Fields"], T]) -> Iterator[tuple[str, T]]:
        outer = Fields(self._document, (*self.path, key), self._problems)
        for name in outer.names_of_parts():
            fields = Fields(self._document, (*self.path, key, name), self._problems)
            yield name, read(name, fields)
            fields.done()

    def _get(self, key: str, *, is_needed: bool) -> Value:
        self._asked.add(key)
        value = self._value.get(key)
        if value is None and is_needed and self._is_mapping:
            self._problems.append(self._document.problem(self.path, f"no {key}", f"the key {key}", at_key=True))
        return value

    def _list(self, key: str) -> list[Value]:
        value = self._get(key, is_needed=False)
        if value is None:
            return []
        if not isinstance(value, list):
            self._wrong((key,), describe(value), "a list")
            return []
        return value

    def _words(self, path: Path, value: Value) -> Words:
        if isinstance(value, str):
            return Words({"en": value})
        if not isinstance(value, dict) or not value:
            self._wrong(path, describe(value), "text, or text by language")
            return NO_WORDS
        for language, text in value.items():
            if language not in LANGUAGES:
                self._wrong((*path, language), f"the language {language}", "one of " + ", ".join(LANGUAGES))
            elif not isinstance(text, str):
                self._wrong((*path, language), describe(text), "text")
        if "en" not in value:
            self._wrong(path, "no English", "the English words beside the others")
        return Words({language: text for language, text in value.items() if isinstance(text, str)})

    def _chosen(self, path: Path, value: Value, kind: type[E]) -> E | None:
        try:
            return kind(value)
        except ValueError:
            self._wrong(path, describe(value), suggest(str(value), [each.value for each in kind], "one of"))
            return None

    def _wrong(self, path: Path, found: str, expected: str) -> None:
        self._problems.append(self._document.problem((*self.path, *path), found, expected))


def _at(value: Value, path: Path) -> Value:
    for step in path:
        value = value[step]
    return value
