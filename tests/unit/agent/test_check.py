"""What a site means, in the words that a head teacher reads."""

import re
from pathlib import Path

import pytest

from agent.categories import load_categories
from agent.check import describe
from agent.config import load_packs, parse_site
from agent.example import example_text
from agent.texts import load_texts

GOLDEN = Path(__file__).parents[2] / "golden" / "check.en.txt"
BASE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {pupils: {audience: pupil, cidrs: 10.1.0.0/16, groups: year-6}}
groups: {year-6: }
"""


def in_words(text: str, language: str = "en") -> str:
    site = parse_site(text, path=Path("/nowhere/site.yaml")).site
    return describe(site, load_categories(), load_texts(language))


def test_the_example_in_words() -> None:
    assert in_words(example_text()) == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("part", "line"),
    [
        pytest.param("", "group year-6: pupils", id="group-of-a-network"),
        pytest.param("", "Nobody is named; say so under school, contact.", id="nobody-to-ask"),
        pytest.param(
            "", "Educational games: for everybody: blocked, because no schedule says when it is open", id="never"
        ),
        pytest.param(
            "", "Shops and markets: for everybody: blocked, because nobody is nominated", id="nobody-nominated"
        ),
        pytest.param(
            "rows: {gambling: acceptable}", "Open for everybody:\n    Betting and games for money", id="open-row"
        ),
        pytest.param(
            "rows: {gambling: {group: year-6, tick: acceptable}}",
            "Betting and games for money: for year-6: open; for everybody else: blocked",
            id="row-for-a-group",
        ),
        pytest.param(
            "policies: {few: {allow_only: for_children, groups: year-6}}",
            "Blocked for year-6: everything that no rule opens\n  Open for year-6: For children (few)",
            id="allow-only",
        ),
        pytest.param(
            "policies: {p: {block: webmail, audiences: pupil, groups: year-6, until: 2026-07-01 15:30}}",
            "Blocked for pupils (year-6) until Wednesday 1 July 2026, 15:30: Personal e-mail (p)",
            id="policy-until-a-minute",
        ),
        pytest.param(
            "schedules: {s: {windows: "
            "[{days: daily, from: 0:00, to: 9:00}, {days: [wed, mon], from: 22:00, to: 6:00}]}}",
            "s: every day 0:00 to 9:00; Monday and Wednesday 22:00 to 6:00",
            id="days-and-times",
        ),
        pytest.param(
            "safe_search: {pupil: off, guest: off}", "Safe search\n  off for everybody", id="no-safe-search"
        ),
        pytest.param("lists: {}", "There are none, so no category is known", id="no-lists"),
        pytest.param(
            "lists: {a: {source: https://lists.example/x, category: games}}",
            "a: https://lists.example/x, looked at every 24 hours",
            id="list-from-the-net",
        ),
        pytest.param(
            "retention: {activity: counts, days: 1}", "Counts of questions, for 1 day; nothing about", id="counts"
        ),
        pytest.param(
            "retention: {activity: all, reason: for a month}",
            "Every question under a pseudonym, for 30 days, because",
            id="all",
        ),
        pytest.param(
            "fail_modes: {no_index: open, reason: lessons go on}",
            "When no list can be used, everything is open, because: lessons go on",
            id="open-when-broken",
        ),
        pytest.param(
            "answers: {by_category: {gambling: page}, page_ipv4: 192.0.2.80}",
            "Gambling: the school's own page, where the connection is not encrypted",
            id="page",
        ),
    ],
)
def test_parts_in_words(part: str, line: str) -> None:
    assert line in in_words(BASE + part)


@pytest.mark.parametrize("language", ["en", "fr", "nl", "ja"])
def test_every_language_says_it_without_a_placeholder_left_over(language: str) -> None:
    text = in_words(example_text(), language)
    assert not re.search(r"%\(\w+\)|%[sd]", text)
    assert "Example School" in text
    assert text.count("\n\n") == GOLDEN.read_text(encoding="utf-8").count("\n\n")


def test_every_row_of_the_table_is_told() -> None:
    text = in_words(BASE)
    assert all(row.label in text for row in load_packs()["uk-esafety"].rows)
