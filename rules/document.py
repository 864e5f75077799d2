"""YAML with places: the text of a file a person wrote, as plain values that remember where they stand.

Scalars stay the text that was written (`off`, `12:30`, `2026-09-01`, `007`), because YAML's own guesses about
them surprise people; whoever reads a value knows what it should be. Only an empty value and `null` become None.
"""

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import yaml

from rules.errors import ConfigurationError, Problem

# Text, nothing, a list or a mapping with text keys.
Value: TypeAlias = Any
Path: TypeAlias = tuple[str | int, ...]
# Line and column, counted from 1.
Position: TypeAlias = tuple[int, int]

MAX_DEPTH: Final = 16
_MAX_SHOWN: Final = 60
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONTROL: Final = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class Document:
    """The value of a file, and where each part of it stands."""

    file: str
    value: Value = None
    # Faults that did not keep the rest from being read: keys that stand twice.
    problems: list[Problem] = field(default_factory=list)
    _values: dict[Path, Position] = field(default_factory=dict)
    _keys: dict[Path, Position] = field(default_factory=dict)

    def position(self, path: Path) -> Position:
        """Give the place of the value at this path, or of the nearest part above it that exists."""
        return self._values.get(self.known_part(path), (1, 1))

    def key_position(self, path: Path) -> Position:
        """Give the place of the key at this path; of the value, where it stands in a list."""
        known = self.known_part(path)
        return self._keys.get(known) or self._values.get(known, (1, 1))

    def known_part(self, path: Path) -> Path:
        """Give the path as far as it exists; an index that a reader made up for a single value is left out."""
        known: Path = ()
        for step in path:
            if (*known, step) in self._values:
                known = (*known, step)
            elif not isinstance(step, int):
                break
        return known

    def location(self, path: Path) -> str:
        """Give the place of a key as `site.yaml:12:5`."""
        line, column = self.key_position(path)
        return f"{self.file}:{line}:{column}"

    def problem(self, path: Path, found: str, expected: str, *, at_key: bool = False) -> Problem:
        """Describe a fault at the value, or at the key, of a path."""
        line, column = self.key_position(path) if at_key else self.position(path)
        where = f"{self.file}:{line}:{column}"
        return Problem(f"{where}: {spell_path(path)}" if path else where, found, expected)


def spell_path(path: Path) -> str:
    """Write a path as people do: `lists.ut1.categories[2]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def describe(value: Any) -> str:
    """Say what was found, without repeating pages of it."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    text = str(value)
    return f"'{text}'" if len(text) <= _MAX_SHOWN else f"'{text[:_MAX_SHOWN]}…'"


def suggest(word: str, known: Collection[str], otherwise: str) -> str:
    """Name the known word that is close to a misspelt one, or all of them."""
    if len(known) == 1:
        return next(iter(known))
    close = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.7)
    return close[0] if close else f"{otherwise} " + ", ".join(known)


def parse_document(text: str, *, file: str) -> Document:
    """Read one YAML document.

    Anchors, aliases, tags, keys that are no plain text and a second document are refused: nothing that a school
    writes needs them, and each has a way to hurt.

    Raises:
        ConfigurationError: the text is not YAML, or uses a part of it that is refused.
    """
    if (control := _CONTROL.search(text)) is not None:
        line = text.count("\n", 0, control.start()) + 1
        column = control.start() - text.rfind("\n", 0, control.start())
        raise _refusal(file, (line, column), f"the control character U+{ord(control[0]):04X}", "readable text")
    document = Document(file)
    try:
        _Reader(document).read(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(file, text, error) from None
    except yaml.YAMLError as error:
        raise _refusal(file, (1, 1), f"text that is not YAML ({error})", "YAML") from None
    return document


def _refusal(file: str, position: Position, found: str, expected: str) -> ConfigurationError:
    return ConfigurationError((Problem(f"{file}:{position[0]}:{position[1]}", found, expected),))


def _syntax_error(file: str, text: str, error: yaml.MarkedYAMLError) -> ConfigurationError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    lines = text.splitlines()
    before = lines[line][:column] if line < len(lines) else ""
    if "\t" in (lines[line][column : column + 1] if line < len(lines) else "") and not before.strip():
        return _refusal(file, (line + 1, column + 1), "a tab", "spaces before the first word of a line")
    saying = error.problem or "it cannot be read"
    if error.context and error.context_mark is not None:
        saying = f"{error.context} that begins in line {error.context_mark.line + 1}: {saying}"
    return _refusal(file, (line + 1, column + 1), f"text that is not YAML ({saying})", "key: value, or - item")


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet; `key` waits for its value."""

    path: Path
    value: dict[str, Value] | list[Value]
    key: str | None = None


class _Reader:
    """Builds the values from libyaml's events, without recursion."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._open: list[_Open] = []
        self._documents = 0

    def read(self, events: Iterator[yaml.Event]) -> None:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise self._refuse(event, "a second document", "one document, without a line of ---")
            elif isinstance(event, yaml.AliasEvent):
                raise self._refuse(event, f"the alias *{event.anchor}", "the value itself, written out")
            elif isinstance(event, yaml.NodeEvent):
                self._read_node(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._open.pop()

    def _read_node(self, event: Any) -> None:
        if event.anchor is not None:
            raise self._refuse(event, f"the anchor &{event.anchor}", "the value without an anchor")
        if event.tag is not None:
            raise self._refuse(event, f"the tag {event.tag}", "the value without a tag")
        above = self._open[-1] if self._open else None
        if above is not None and isinstance(above.value, dict) and above.key is None:
            self._read_key(event, above, above.value)
        else:
            self._read_value(event, above)

    def _read_key(self, event: Any, above: _Open, mapping: dict[str, Value]) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refuse(event, "a list or mapping as a key", "a word as a key")
        key = event.value
        path = (*above.path, key)
        if key in mapping:
            first_line, _ = self._document.key_position(path)
            problem = Problem(
                f"{self._where(event)}: {spell_path(path)}",
                f"the key {key} a second time (first in line {first_line})",
                "each key once",
            )
            self._document.problems.append(problem)
        self._document._keys[path] = _position(event)  # noqa: SLF001 - the reader fills the document
        above.key = key

    def _read_value(self, event: Any, above: _Open | None) -> None:
        path: Path = ()
        value = _value(event)
        if above is None:
            self._document.value = value
        elif isinstance(above.value, list):
            path = (*above.path, len(above.value))
            above.value.append(value)
        elif above.key is not None:
            path = (*above.path, above.key)
            above.value[above.key] = value
            above.key = None
        self._document._values[path] = _position(event)  # noqa: SLF001 - the reader fills the document
        if isinstance(value, dict | list):
            if len(self._open) >= MAX_DEPTH:
                raise self._refuse(event, f"more than {MAX_DEPTH} levels inside each other", "a site of a few levels")
            self._open.append(_Open(path, value))

    def _where(self, event: yaml.Event) -> str:
        line, column = _position(event)
        return f"{self._document.file}:{line}:{column}"

    def _refuse(self, event: yaml.Event, found: str, expected: str) -> ConfigurationError:
        return _refusal(self._document.file, _position(event), found, expected)


def _position(event: yaml.Event) -> Position:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _value(event: Any) -> Value:
    if isinstance(event, yaml.MappingStartEvent):
        return {}
    if isinstance(event, yaml.SequenceStartEvent):
        return []
    is_plain = event.style in (None, "")
    return None if is_plain and event.value in _NULLS else event.value
