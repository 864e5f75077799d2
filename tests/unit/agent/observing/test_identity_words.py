"""How it is known who it was, in words: each code has its own, in every language."""

import pytest

from agent.observing.identity import WHYS
from agent.observing.identity_words import identity_in_words
from agent.observing.observing_record import GATEWAY, OWN_REQUEST
from agent.texts import load_texts
from rules.category import LANGUAGES

CODES = (*WHYS, GATEWAY, OWN_REQUEST, "named_in_report", "named_by_person")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_words_of_its_own(language: str) -> None:
    words = [identity_in_words(code, load_texts(language)) for code in CODES]
    assert len(set(words)) == len(CODES)
    assert not [code for code, text in zip(CODES, words, strict=True) if text == code.replace("_", " ")]


def test_a_code_that_nobody_knows_comes_out_as_it_is_written() -> None:
    assert identity_in_words("heard_of", load_texts("en")) == "heard of"
