"""The language of a page: what the reader chose, else what their browser asks for, else that of the school."""

from typing import Final

from agent.texts import Texts, load_texts
from rules.category import LANGUAGES

# In their own words, for those who look for theirs.
NAMES: Final = {"en": "English", "fr": "Français", "nl": "Nederlands", "ja": "日本語"}
_MAX_HEADER_CHARACTERS: Final = 500


def choose_texts(chosen: str, accepted: str, school: str) -> Texts:
    """Choose the words of a page.

    Args:
        chosen: what stands in the address or in a cookie; anything may.
        accepted: the header `Accept-Language`.
        school: the language of the school.
    """
    return load_texts(chosen if chosen in LANGUAGES else asked_for(accepted) or school)


def asked_for(header: str) -> str:
    """Give the language of ours that a browser likes best, or nothing. Source: RFC 9110, section 12.5.4."""
    liked = ("", 0.0)
    for part in header[:_MAX_HEADER_CHARACTERS].split(","):
        tag, _, weight = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if language in LANGUAGES and liked[1] < quality <= 1:
            liked = language, quality
    return liked[0]
