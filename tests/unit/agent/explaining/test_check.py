"""What a site means, in the words that a head teacher reads."""

import re
from pathlib import Path

import pytest

from agent.categories import load_categories
from agent.explaining.check import describe
from agent.sites.config import load_packs, parse_site
from agent.sites.example import example_text
from agent.sites.site_packs import packs_of
from agent.texts import load_texts

GOLDEN = Path(__file__).parents[3] / "golden" / "check.en.txt"
BASE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {pupils: {audience: pupil, cidrs: 10.1.0.0/16, groups: year-6}}
groups: {year-6: }
"""


def in_words(text: str, language: str = "en") -> str:
    site = parse_site(text, path=Path("/nowhere/site.yaml")).site
    return describe(site, load_categories(), load_texts(language), packs=packs_of(site))


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
            "listeners: {api: 127.0.0.1:8443}\noverrides: {never: [gambling], sensitive: [drugs], max_days: 1}",
            """What may be opened for a while
  What somebody asks for and somebody else approves, for 1 day at most.
  An emergency, for 60 minutes at most; somebody else confirms it within 24 hours.
  With two who approve, the safeguarding lead and the ICT Co-ordinator: Drugs
  Nobody can ask for: Gambling
""",
            id="overrides",
        ),
        pytest.param(
            "listeners: {api: 127.0.0.1:8443}\noverrides: {never: [], sensitive: []}",
            "within 24 hours.\n\nWho is told",
            id="overrides-of-everything",
        ),
        pytest.param("", "Nobody can ask: no address is set for that (listeners, api).", id="no-overrides"),
        pytest.param(
            "people: {a: {name: Ada, roles: teacher}, b: {name: Ben, roles: head teacher}}",
            """Whom this file names
  2 people and 0 classes
  May decide about what is opened: 1
  They count once somebody imports them: schoolgate people import --from-site
""",
            id="people",
        ),
        pytest.param("classes: {6b: {group: year-6}}", "  0 people and 1 class\n", id="classes"),
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


API = "listeners: {api: 127.0.0.1:8443}\n"
TOLD = """notifications:
  mail:
    host: mail.example.test
    sender: gate@example.test
    recipients: {roles: {network_manager: it@example.test}, people: {p1: a@example.test, p2: b@example.test}}
  webhooks:
    chat: {url: "https://chat.example.test/hook-t024", secret_file: chat.secret, events: [test, override_waits]}
    board: {url: "https://board.example.test/", secret_file: board.secret}
  escalate_after: %s
"""


def test_which_notices_go_where_is_told_in_numbers_without_an_address() -> None:
    text = in_words(BASE + API + TOLD % "90 min")
    _, _, told = text.partition("Who is told when something waits\n")
    assert told.partition("\n\n")[0].splitlines() == [
        "  By mail from mail.example.test: 1 role and 2 people",
        "  chat, a program: of 2 kinds of event",
        "  board, a program: of everything",
        "  A request that has waited for 90 minutes is told to the next who may decide.",
    ]
    assert "@" not in text
    assert "hook-t024" not in text


@pytest.mark.parametrize(
    ("written", "words"), [("4 h", "4 hours"), ("1 h", "1 hour"), ("90 s", "90 seconds"), ("5 min", "5 minutes")]
)
def test_a_length_of_time_is_exact(written: str, words: str) -> None:
    assert f"has waited for {words} is told" in in_words(BASE + API + TOLD % written)


def test_that_nobody_is_told_is_told_where_people_can_ask() -> None:
    assert "Who is told when something waits\n  Nobody: neither" in in_words(BASE + API)
    assert "Who is told" not in in_words(BASE)


def test_every_row_of_the_table_is_told() -> None:
    text = in_words(BASE)
    assert all(row.label in text for row in load_packs()["uk-esafety"].rows)


def test_a_group_whose_devices_several_people_share_is_told() -> None:
    text = BASE.replace("year-6: }", "year-6: {shared: true}}")
    sentence = "several people share the devices of year-6: what is asked there is put down to nobody"
    assert sentence in in_words(text)
    assert "share the devices" not in in_words(BASE)
