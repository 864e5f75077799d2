"""Texts in languages: the one that was asked for, else English, else what there is."""

from rules.words import NO_WORDS, words


def test_a_text_comes_in_the_language_that_was_asked_for() -> None:
    school = words(nl="school", en="a school", fr="une école")
    assert [school.in_language(language) for language in ("nl", "fr", "ja")] == ["school", "une école", "a school"]
    assert str(school) == "a school"


def test_without_english_there_is_the_text_that_there_is() -> None:
    assert words(ja="学校").in_language("fr") == "学校"
    assert NO_WORDS.in_language("en") == ""
