"""Reasons in words, in every language, whatever their numbers are."""

import pytest

from agent.incidents.incident_words import reason_in_words, subject_in_words
from agent.texts import load_texts
from rules.category import LANGUAGES
from rules.incident import Reason
from rules.incident_kind import Kind

ENGLISH = load_texts("en")
EVERY = {
    "kind_gambling": ({}, "What it is about: gambling"),
    "sites": ({"sites": 9, "minutes": 6}, "9 different names (gambling) in 6 minutes"),
    "typed": ({}, "Names that were typed or clicked, no parts of pages"),
    "row": ({"tries": 5}, "5 tries one after the other, without a long pause"),
    "persistence": ({"minutes": 7}, "Went on after the block page, in 7 different minutes"),
    "days": ({"days": 1}, "Several tries on 1 other day of late"),
    "lesson": ({}, "During a lesson"),
    "statutory": ({}, "On a list of what is illegal; nobody opens it to look"),
    "report": ({}, "Somebody reported it"),
    "filter_off": ({}, "Filtering was off, and nothing on record explains it"),
    "signals": ({"signals": 2}, "Told by a device, by 2 signs"),
    "single_site": ({}, "One site only"),
    "identity_lost": ({"entries": 2, "of": 5}, "It is no longer certain who it was (2 of 5 entries)"),
    "parts": ({"parts": 3}, "3 queries beside them that pages and programs make by themselves"),
    "class": ({"others": 20}, "20 others of the same class asked for the same subject in that lesson"),
    "override": ({}, "An override for this subject was in force"),
    "signature_none": ({}, "Nobody has signed the program"),
    "signature_not_valid": ({}, "The signature of the program does not hold"),
    "medium_had_programs": (
        {},
        "One of the signs is a medium with programs that were on it before; whoever plugged it in need not know",
    ),
    "closed": ({}, "At a time when nobody is expected in the school"),
    "dismissed": ({}, "Another candidate like this one was dismissed of late"),
}


@pytest.mark.parametrize("code", EVERY)
def test_every_reason_has_its_sentence(code: str) -> None:
    numbers, sentence = EVERY[code]
    assert reason_in_words(Reason(code, 10, numbers), Kind.GAMBLING, ENGLISH) == sentence


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
@pytest.mark.parametrize("code", EVERY)
def test_every_language_has_words_of_its_own_for_it(code: str, language: str) -> None:
    numbers, sentence = EVERY[code]
    words = reason_in_words(Reason(code, 10, numbers), Kind.GAMBLING, load_texts(language))
    assert words != sentence
    assert "%" not in words
    assert all(str(number) in words for number in numbers.values())


def test_a_reason_of_a_later_version_is_shown_by_its_code() -> None:
    assert reason_in_words(Reason("full_moon"), Kind.GAMBLING, ENGLISH) == "full moon"


def test_every_kind_is_called_something() -> None:
    assert all(subject_in_words(kind, ENGLISH) for kind in Kind)
