"""Rights and sources in words."""

import pytest

from agent.console.people.people_words import spell_right, spell_source
from agent.texts import load_texts
from rules.roles import Right


@pytest.mark.parametrize("right", Right)
def test_every_right_has_words(right: Right) -> None:
    assert spell_right(right, load_texts("en"))


def test_no_two_rights_have_the_same_words() -> None:
    assert len({spell_right(right, load_texts("en")) for right in Right}) == len(Right)


def test_sources_have_words_and_unknown_ones_stay() -> None:
    assert [spell_source(each, load_texts("en")) for each in ("hand", "elsewhere")] == ["added by hand", "elsewhere"]
