"""Names looked for in what a page tells that must hold none: people, laptops, sites that were asked for.

The words of the page itself are not looked at: a laptop that is called like one of them gives nobody away.
A name of one word is not looked for in a script with spaces: it may be a word of a label as well.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final

from agent.storage.fleet_rows import DeviceState

_WORD: Final = re.compile(r"\w+(?:[.-]\w+)*")
# From here on, scripts that write no spaces between words.
_WITHOUT_SPACES: Final = "\u2e80"
# No name goes from one text on into the next.
_BETWEEN: Final = "\n"
_FEWEST: Final = 2
_FEWEST_CHARACTERS: Final = 3


def names_in(told: Iterable[Any], names: Iterable[str]) -> list[str]:
    """Give those of the names that stand in values.

    Args:
        told: what is put into a page: texts, and numbers with their labels in dataclasses, collections and mappings.
    """
    text = f" {_BETWEEN.join(_spaced(each) for each in _texts_in(told))} "
    return [name for name in names if _is_telling(name) and _key(name) in text]


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, Enum):
        return
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        yield from _texts_in([getattr(value, each.name) for each in fields(value)])
    elif isinstance(value, Mapping):
        yield from _texts_in([*value.keys(), *value.values()])
    elif isinstance(value, Iterable):
        for each in value:
            yield from _texts_in(each)


def read_names(database: sqlite3.Connection) -> Iterator[str]:
    """Give what must stand nowhere: people, also those who left, and the sites that were asked for."""
    yield from (row[0] for row in database.execute("SELECT name FROM people"))
    query = "SELECT DISTINCT value FROM overrides, json_each(overrides.lift, '$.names')"
    yield from (row[0] for row in database.execute(query))


def read_labels(database: sqlite3.Connection) -> Iterator[str]:
    """Give what laptops are called that somebody let in; whoever enrols one may call it anything until then."""
    let_in = (DeviceState.ACTIVE.value, DeviceState.REVOKED.value)
    rows = database.execute("SELECT label FROM fleet_devices WHERE state IN (?, ?)", let_in)
    yield from (row[0] for row in rows)


def _spaced(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def _key(name: str) -> str:
    return name.casefold() if _is_dense(name) else _spaced(name)


def _is_dense(name: str) -> bool:
    return max(name, default="") >= _WITHOUT_SPACES


def _is_telling(name: str) -> bool:
    if _is_dense(name):
        return len(name) >= _FEWEST_CHARACTERS
    words = _WORD.findall(name)
    return len(words) >= _FEWEST or any("." in word or "-" in word for word in words)
