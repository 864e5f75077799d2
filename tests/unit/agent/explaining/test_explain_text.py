"""Explanations as people read them: the golden texts of tests/golden, in four languages."""

from dataclasses import replace
from pathlib import Path

import pytest
from school_of_test import MONDAY_MORNING, explain_at_test

from agent.categories import load_categories
from agent.explaining.explain_text import render
from agent.requests.granted import Grant
from agent.texts import load_texts
from filters.reply import Refusal
from rules.category import LANGUAGES
from rules.verdict import Block, Reason, ReasonCode

GOLDEN = Path(__file__).parents[3] / "golden"

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


def test_a_canary_is_answered_here() -> None:
    assert "  Answer: from Schoolgate\n" in explained("unlisted.canary.schoolgate.test", "staff", "now")


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


GRANT = Grant("o1", False, "A. Teacher", ("B. Manager",), "A lesson on chance.", MONDAY_MORNING)  # noqa: FBT003 (short, for a test)


@pytest.mark.parametrize(
    ("grant", "line"),
    [
        pytest.param(GRANT, "Override: o1, asked for by A. Teacher, approved by B. Manager", id="an-override"),
        pytest.param(
            replace(GRANT, approvers=("B. Manager", "C. Lead")),
            "Override: o1, asked for by A. Teacher, approved by B. Manager and C. Lead",
            id="by-two",
        ),
        pytest.param(
            replace(GRANT, approvers=()),
            "Override: o1, taken in an emergency by A. Teacher, countersigned by nobody yet",
            id="an-emergency",
        ),
        pytest.param(
            replace(GRANT, is_suspension=True),
            "Filtering is off: suspension o1, asked for by A. Teacher, agreed by B. Manager",
            id="a-suspension",
        ),
    ],
)
def test_what_somebody_was_granted_is_told_with_who_and_why(grant: Grant, line: str) -> None:
    explanation, site = explain_at_test("shop.example", "year5")
    told = render(replace(explanation, grant=grant), site, load_categories(), load_texts("en")).splitlines()
    assert f"  {line}" in told
    assert "  Reason given: A lesson on chance." in told
    assert not any("year-five-project" in each for each in told)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_grant_is_told_in_every_language(language: str) -> None:
    explanation, site = explain_at_test("shop.example", "year5", language=language)
    told = render(replace(explanation, grant=GRANT), site, load_categories(), load_texts(language))
    assert all(word in told for word in ("o1", "A. Teacher", "B. Manager", "A lesson on chance."))


@pytest.mark.parametrize("language", LANGUAGES)
def test_restricted_access_is_told_in_every_language_and_nobody_is_named(language: str) -> None:
    explanation, site = explain_at_test("film.example", "year5", language=language)
    restricted = Block(Reason(ReasonCode.ALLOW_ONLY, policy_id="restriction-1"))
    explanation = replace(explanation, verdict=restricted, refusal=explained_refusal())
    texts = load_texts(language)
    told = render(explanation, site, load_categories(), texts)
    reason = texts.gettext("access is restricted for a while, and this name is not among what stays open.")
    assert reason in told
    assert (language == "en") is reason.startswith("access is")
    way = "What opens it: the end of the restriction; whoever deals with the case can end it before."
    assert texts.gettext(way) in told


def explained_refusal() -> Refusal:
    refusal = explain_at_test("play.bet.example", "year5")[0].refusal
    assert refusal is not None
    return refusal
