"""Categories: the subjects that policies speak about, in words that a parent understands.

The file `categories.yaml` beside this module holds them; reading it is the business of `agent`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import yaml

from rules.errors import ConfigurationError, Problem

LANGUAGES: Final = ("en", "fr", "nl", "ja")

_KEYS: Final = {"id", "kind", "recorded", "names", "descriptions"}


class Kind(StrEnum):
    """What a category is for: policies address ordinary ones, guards are what no policy may block."""

    ORDINARY = "ordinary"
    GUARD = "guard"


@dataclass(frozen=True, slots=True)
class Category:
    """One subject; where `recorded` is false, a query about it is never kept against a person."""

    id: str
    kind: Kind
    recorded: bool
    names: Mapping[str, str]
    descriptions: Mapping[str, str]

    def name(self, language: str) -> str:
        """Give the name in this language, in English where there is none."""
        return self.names.get(language, self.names["en"])

    def description(self, language: str) -> str:
        """Give the one-sentence description in this language, in English where there is none."""
        return self.descriptions.get(language, self.descriptions["en"])


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All categories, in the order in which people are shown them."""

    categories: tuple[Category, ...]
    _by_id: dict[str, Category] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {category.id: category for category in self.categories})

    def __iter__(self) -> Iterator[Category]:
        return iter(self.categories)

    def __len__(self) -> int:
        return len(self.categories)

    def __contains__(self, category_id: object) -> bool:
        return category_id in self._by_id

    def __getitem__(self, category_id: str) -> Category:
        return self._by_id[category_id]

    def get(self, category_id: str | None) -> Category | None:
        """Give the category with this id, or nothing."""
        return None if category_id is None else self._by_id.get(category_id)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids, in order."""
        return tuple(category.id for category in self.categories)

    @property
    def guards(self) -> frozenset[str]:
        """The ids of the categories that no policy may block."""
        return frozenset(category.id for category in self.categories if category.kind is Kind.GUARD)

    @property
    def unrecorded(self) -> frozenset[str]:
        """The ids of the categories that are never kept against a person."""
        return frozenset(category.id for category in self.categories if not category.recorded)


def parse_categories(text: str) -> Catalogue:
    """Read the text of `categories.yaml`.

    Raises:
        ConfigurationError: the text is not YAML, or a category is incomplete or stands twice.
    """
    try:
        tree = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    except yaml.YAMLError as error:
        raise ConfigurationError((Problem("categories.yaml", f"text that is not YAML ({error})", "YAML"),)) from None
    if not isinstance(tree, list):
        raise ConfigurationError((Problem("categories.yaml", type(tree).__name__, "a list of categories"),))
    problems: list[Problem] = []
    categories: dict[str, Category] = {}
    for number, row in enumerate(tree, start=1):
        where = f"categories.yaml: category {number}"
        if wrong := _wrong(row, seen=categories):
            problems.append(Problem(where, *wrong))
            continue
        categories[row["id"]] = Category(
            id=row["id"],
            kind=Kind(row.get("kind", Kind.ORDINARY)),
            recorded=row.get("recorded", True),
            names=row["names"],
            descriptions=row["descriptions"],
        )
    if problems:
        raise ConfigurationError(tuple(problems))
    return Catalogue(tuple(categories.values()))


def _wrong(row: Any, *, seen: Mapping[str, Category]) -> tuple[str, str] | None:
    """Say what was found and what was expected, or nothing if the row is right."""
    if not isinstance(row, dict) or not isinstance(row.get("id"), str):
        return f"{row!r}"[:80], "a category with an id"
    if unknown := sorted(str(key) for key in row.keys() - _KEYS):
        return f"the unknown key {unknown[0]}", "one of " + ", ".join(sorted(_KEYS))
    if row["id"] in seen:
        return f"{row['id']} a second time", "each category once"
    if row.get("kind", Kind.ORDINARY) not in tuple(Kind):
        return f"the kind {row['kind']!r} of {row['id']}", "ordinary or guard"
    if not isinstance(row.get("recorded", True), bool):
        return f"recorded: {row['recorded']!r} of {row['id']}", "true or false"
    for part in ("names", "descriptions"):
        if not _is_in_every_language(row.get(part)):
            return f"{part} of {row['id']} that are incomplete", f"text for {', '.join(LANGUAGES)}, in this order"
    return None


def _is_in_every_language(words: Any) -> bool:
    return (
        isinstance(words, dict)
        and tuple(words) == LANGUAGES
        and all(isinstance(word, str) and word for word in words.values())
    )
