"""What a pack says, in its own language and in English."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

SOURCE_LANGUAGE: Final = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """One text in one or more languages, by language code."""

    by_language: Mapping[str, str]

    def in_language(self, language: str) -> str:
        """Give the text in a language; else in English, else in the language that there is."""
        found = self.by_language.get(language) or self.by_language.get(SOURCE_LANGUAGE)
        return found if found is not None else next(iter(self.by_language.values()), "")

    def __str__(self) -> str:
        return self.in_language(SOURCE_LANGUAGE)


def words(**by_language: str) -> Words:
    """Make words of texts by language: `words(nl="school", en="school")`."""
    return Words(MappingProxyType(by_language))


NO_WORDS: Final = words()
