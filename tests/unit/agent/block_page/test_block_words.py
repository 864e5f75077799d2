"""Why a site is not open, in one sentence."""

from dataclasses import replace

import pytest
from school_of_test import explain_at_test

from agent.block_page.block_words import ILLEGAL, is_unlawful, why_blocked, why_category
from agent.categories import load_categories
from agent.texts import load_texts
from rules.category import LANGUAGES, Kind

ORDINARY = [each.id for each in load_categories() if each.kind is Kind.ORDINARY]


@pytest.mark.parametrize(
    ("name", "who", "sentence"),
    [
        ("bet.example", "pupil", "It is about playing for money."),
        ("crime.example", "staff", "The law does not allow this site. Nobody at school can open it."),
        ("late.example", "pupil", "Your school has decided to keep this site closed."),
        ("news.example", "reception", "Only sites that your school has chosen are open here."),
    ],
)
def test_the_sentence(name: str, who: str, sentence: str) -> None:
    explanation, _ = explain_at_test(name, who)
    assert explanation.is_blocked
    assert why_blocked(explanation, load_texts("en")).startswith(sentence)


def test_a_reason_speaks_of_other_times_only_where_there_are_some() -> None:
    timed, _ = explain_at_test("game.example", "pupil")
    never = replace(timed, change=None)
    assert timed.is_blocked
    assert why_blocked(timed, load_texts("en")).endswith("games for other times.")
    assert why_blocked(never, load_texts("en")).endswith("games closed here.")


def test_of_what_is_illegal_nothing_is_said_but_that() -> None:
    explanation, _ = explain_at_test("crime.example", "pupil")
    assert is_unlawful(explanation)
    words = load_categories()["criminal_activity"].name("en")
    assert words.lower() not in why_blocked(explanation, load_texts("en")).lower()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_category_that_can_be_blocked_has_a_short_sentence_of_its_own(language: str) -> None:
    texts = load_texts(language)
    missing = [each for each in ORDINARY if not why_category(each, texts) and each not in ILLEGAL]
    assert missing == []
    assert all(
        len(why_category(each, texts, at_other_times=is_timed)) <= 120
        for each in ORDINARY
        for is_timed in (True, False)
    )


def test_a_tag_that_is_no_category_has_none() -> None:
    assert why_category("name:own.example", load_texts("en")) == ""


@pytest.mark.parametrize("category", ["hate_speech", "criminal_activity"])
def test_what_a_school_may_open_is_not_told_as_forbidden_by_law(category: str) -> None:
    assert category not in ILLEGAL
    assert why_category(category, load_texts("en"))
