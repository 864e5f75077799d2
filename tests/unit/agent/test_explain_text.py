"""Explanations as people read them: the golden texts of tests/golden, in four languages."""

from pathlib import Path

import pytest
from school_of_test import explain_at_test

from agent.categories import load_categories
from agent.explain_text import render
from agent.texts import load_texts
from rules.category import LANGUAGES

GOLDEN = Path(__file__).parents[2] / "golden"

# Name, on whose behalf, when.
STORIES = (
    ("play.bet.example", "192.0.2.17", "now"),
    ("game.example", "pupil", "now"),
    ("game.example", "pupil", "12:30"),
    ("film.example", "guest", "now"),
    ("film.example", "media-club", "now"),
    ("shop.example", "year5", "now"),
    ("shop.example", "staff", "tue 10:14"),
    ("talk.example", "guest", "now"),
    ("crime.example", "staff", "now"),
    ("help.example", "pupil", "now"),
    ("update.example", "reception", "now"),
    ("www.gov.example", "reception", "now"),
    ("learning.example", "pupil", "now"),
    ("late.example", "pupil", "now"),
    ("www.google.com", "guest", "now"),
    ("wiki.intranet.example", "staff", "now"),
    ("quiet.example", "pupil", "now"),
)


def explained(
    name: str, who: str, at: str, *, language: str = "en", not_askable: frozenset[str] = frozenset()
) -> str:
    explanation, site = explain_at_test(name, who, at, language=language, not_askable=not_askable)
    return render(explanation, site, load_categories(), load_texts(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_story_reads_as_the_golden_text(language: str) -> None:
    told = "\n".join(explained(*story, language=language) for story in STORIES)
    assert told == (GOLDEN / f"explain.{language}.txt").read_text(encoding="utf-8")


def test_where_nobody_can_be_asked_nobody_is_named() -> None:
    told = explained("bet.example", "pupil", "now", not_askable=frozenset({"gambling"}))
    assert "15 Blocked" in told
    assert "nobody can ask for an exception" in told
    assert "room 7" not in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_line_is_the_verdict_and_no_line_is_empty(language: str) -> None:
    for story in STORIES:
        first, *rest = explained(*story, language=language).splitlines()
        assert first.startswith(story[0])
        assert all(line.startswith("  ") and line.strip() for line in rest)
