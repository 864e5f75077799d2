"""What is recorded about somebody, as the site in force says it."""

from dataclasses import replace
from pathlib import Path

import pytest
from api_of_test import site_of_test

from agent.block_page.recorded_words import recorded_sections
from agent.categories import load_categories
from agent.sites.config import parse_site
from agent.sites.site import ActivityLevel, Retention, Site
from agent.texts import load_texts
from rules.category import LANGUAGES

BASE = """\
school: {name: School of Test, timezone: Europe/London, contact: room 7}
packs: [uk-esafety]
networks: {classrooms: {audience: pupil, cidrs: [192.0.2.0/24]}}
"""


def told(site: Site, language: str = "en") -> str:
    sections = recorded_sections(site, load_categories(), load_texts(language))
    return "\n".join(sentence for section in sections for sentence in section.sentences)


@pytest.mark.parametrize(
    ("retention", "sentences"),
    [
        (
            Retention(ActivityLevel.COUNTS, 7),
            ["Only how many names were asked for.", "After 7 days it is deleted."],
        ),
        (Retention(ActivityLevel.BLOCKED, 1), ["Names that were blocked:", "After 1 day it is deleted."]),
        (
            Retention(ActivityLevel.ALL, 30, all_reason="The inspector asked for it."),
            ["All names:", "because of this: The inspector asked for it."],
        ),
    ],
)
def test_it_follows_what_is_kept(retention: Retention, sentences: list[str]) -> None:
    text = told(replace(site_of_test(), retention=retention))
    for sentence in sentences:
        assert sentence in text


def test_what_is_never_kept_is_named() -> None:
    assert "Never kept about anybody: Help and support." in told(site_of_test())


def test_it_follows_what_laptops_tell_and_how_long_cases_last() -> None:
    text = BASE + (
        "endpoints: {file_names: kept, reason: The insurer wants them., days: 14}\n"
        "incidents: {keep: {bullying: 5 years, others: 2 years, dismissed: 2 months}}\n"
    )
    words = told(parse_site(text, path=Path("site.yaml")).site)
    assert "because of this: The insurer wants them." in words
    assert "deleted after 14 days" in words
    assert "kept for 2 years" in words
    assert "deleted after 2 months" in words
    assert "Some things are kept for another time" in words
    usual = told(site_of_test())
    assert "Nobody can read the names of your files." in usual
    assert "Some things are kept for another time" not in usual


def test_where_to_ask_stands_there_if_the_school_says_it() -> None:
    assert "Where to ask: room 7" in told(site_of_test())
    nowhere = replace(site_of_test(), school=replace(site_of_test().school, contact=None))
    assert "Where to ask" not in told(nowhere)


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_short(language: str) -> None:
    assert max(map(len, told(site_of_test(), language).split("\n"))) <= 200
