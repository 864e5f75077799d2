"""What services refuse, warn of and explain, in the language of a page.

They say it in English, as finished sentences. `agent/locale/<language>/refusals.po` holds these with numbered places
for what varies (`{1} is no group of this school.`); a translation has the same places, in its own order. A value
stays as it is, unless the translation asks for it as words (`{1:words}`): then it is looked up as a message itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from babel.messages.pofile import read_po

from agent.texts import SOURCE_LANGUAGE, Texts

FILE_NAME: Final = "refusals.po"
PLACE: Final = re.compile(r"\{([1-9])(:words)?\}")
# A longer text is no sentence of ours, and comes out as it is.
MAX_CHARACTERS: Final = 4_000
_MAX_SENTENCES: Final = 40
# A sentence may hold a part, and this another: the fault of a name that a sentence speaks of.
_MAX_DEPTH: Final = 3
_BETWEEN_SENTENCES: Final = re.compile(r"(?<=[.!?]) (?=\S)")
_BETWEEN_WORDS: Final = re.compile(r", | or | and ")


@dataclass(frozen=True, slots=True)
class Form:
    """A message with places: the text before, between and behind them, and its translation."""

    literals: tuple[str, ...]
    translation: str

    def values_in(self, text: str) -> tuple[str, ...] | None:
        """Give what stands in the places of a text, each the shortest that fits; None where it is another message."""
        first, *between, last = self.literals
        if not (text.startswith(first) and text.endswith(last)):
            return None
        at, end = len(first), len(text) - len(last)
        values = []
        for literal in between:
            found = text.find(literal, at + 1, end)
            if found < 0:
                return None
            values.append(text[at:found])
            at = found + len(literal)
        return (*values, text[at:end]) if at < end else None


@dataclass(frozen=True, slots=True)
class Refusals:
    """The messages of a language; the forms of most text of their own come first."""

    whole: dict[str, str]
    forms: tuple[Form, ...]


@cache
def load_refusals(language: str) -> Refusals:
    """Read the messages of a language, once a process."""
    with (files("agent") / "locale" / language / FILE_NAME).open("rb") as lines:
        found = {
            str(each.id): str(each.string) for each in read_po(lines, locale=language) if each.id and each.string
        }
    forms = [Form(_literals_of(message), said) for message, said in found.items() if PLACE.search(message)]
    return Refusals(found, tuple(sorted(forms, key=_own_text, reverse=True)))


def _own_text(form: Form) -> tuple[int, int]:
    """Say how much of a message is text of its own: the longest of it, and all of it."""
    lengths = [len(literal) for literal in form.literals]
    return max(lengths), sum(lengths)


def _literals_of(message: str) -> tuple[str, ...]:
    return tuple(PLACE.sub("\0", message).split("\0"))


def spell_refusal(sentence: str, texts: Texts) -> str:
    """Give one or several sentences of a service in a language; what it lacks comes out in English."""
    if not sentence or texts.language == SOURCE_LANGUAGE or len(sentence) > MAX_CHARACTERS:
        return sentence
    pieces = _BETWEEN_SENTENCES.split(sentence)
    if len(pieces) == 1 or len(pieces) > _MAX_SENTENCES:
        return _spell(sentence, texts) or sentence
    # Each by itself before all as one: what one speaks of must not swallow the next.
    spelt = [_spell(piece, texts) for piece in pieces]
    if None in spelt and (whole := _spell(sentence, texts)):
        return whole
    return _join([said or piece for said, piece in zip(spelt, pieces, strict=True)])


def _join(sentences: Sequence[str]) -> str:
    joined = " ".join(sentences)
    return joined.replace("。 ", "。")


def _spell(text: str, texts: Texts, depth: int = _MAX_DEPTH) -> str | None:
    known = load_refusals(texts.language)
    if said := known.whole.get(text):
        return said
    # Some sentences stand on pages too; a word may mean something else there.
    if depth == _MAX_DEPTH and (said := texts.gettext(text)) != text:
        return said
    for form in known.forms:
        if values := form.values_in(text):
            return _fill(form.translation, values, texts, depth)
    return None


def _fill(translation: str, values: Sequence[str], texts: Texts, depth: int) -> str:
    """Put the values into their places; what stands in a value is not looked at again."""

    def value(place: re.Match[str]) -> str:
        found = values[int(place[1]) - 1]
        return _words(found, texts, depth - 1) if place[2] and depth else found

    return PLACE.sub(value, translation)


def _words(value: str, texts: Texts, depth: int) -> str:
    """Spell a part of a sentence, or each word of a list of them."""
    if said := _spell(value, texts, depth):
        return said
    spelt = [_spell(word, texts, depth) or word for word in _BETWEEN_WORDS.split(value)]
    return (", " if texts.language != "ja" else "、").join(spelt)
