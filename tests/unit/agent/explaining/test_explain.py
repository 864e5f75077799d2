"""Why a name is blocked or open: the same evaluation as live, with its evidence and what would change it."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from school_of_test import MONDAY_MORNING, explain_at_test, load_site_of_test

from agent.explaining.explain import as_json
from agent.requests.granted import Grant
from filters.wire import Ede
from rules.engine import decide
from rules.event import Event
from rules.verdict import Allow, Block, Reason, ReasonCode, Rewrite, Verdict

GAMES = "uk-esafety/gaming_non_educational/pupil"


@pytest.mark.parametrize(
    ("name", "who", "at", "verdict"),
    [
        pytest.param(
            "bet.example",
            "staff",
            "now",
            Block(Reason(ReasonCode.POLICY, "gambling", "uk-esafety/gambling")),
            id="a-rule-of-the-pack",
        ),
        pytest.param(
            "game.example", "pupil", "now", Block(Reason(ReasonCode.POLICY, "games", GAMES)), id="too-early"
        ),
        pytest.param(
            "game.example",
            "pupil",
            "12:30",
            Allow(Reason(ReasonCode.LIFTED, "games", f"{GAMES}:at_certain_times")),
            id="in-the-break",
        ),
        pytest.param(
            "crime.example", "staff", "now", Block(Reason(ReasonCode.STATUTORY, "criminal_activity")), id="illegal"
        ),
        pytest.param("help.example", "pupil", "now", Allow(Reason(ReasonCode.GUARD, "helplines")), id="a-guard"),
        pytest.param(
            "www.google.com",
            "guest",
            "now",
            Rewrite(Reason(ReasonCode.SAFE_SEARCH, "search:google"), "strict"),
            id="safe",
        ),
        pytest.param("www.gov.example", "pupil", "now", Allow(Reason(ReasonCode.NO_POLICY)), id="no-rule"),
        pytest.param(
            "www.gov.example", "reception", "now", Block(Reason(ReasonCode.ALLOW_ONLY)), id="not-among-the-allowed"
        ),
    ],
)
def test_the_verdict_is_that_of_the_engine(name: str, who: str, at: str, verdict: Verdict) -> None:
    explanation, site = explain_at_test(name, who, at)
    event = Event(explanation.at, explanation.who.profile, explanation.tags)
    assert explanation.verdict == verdict == decide(event, site.rulebook)
    assert explanation.is_blocked == isinstance(verdict, Block)


def test_every_block_that_stands_is_told_the_decisive_one_first() -> None:
    explanation, _ = explain_at_test("play.bet.example", "pupil")
    assert [(block.tag, block.policy.id) for block in explanation.blocks] == [
        ("gambling", "uk-esafety/gambling"),
        ("games", GAMES),
    ]


@pytest.mark.parametrize(("name", "who"), [("crime.example", "pupil"), ("www.gov.example", "reception")])
def test_what_no_rule_blocks_has_no_standing_block(name: str, who: str) -> None:
    explanation, _ = explain_at_test(name, who)
    assert explanation.is_blocked
    assert explanation.blocks == ()


def test_who_else_has_it_open_at_that_moment_is_told() -> None:
    explanation, _ = explain_at_test("film.example", "guest")
    assert [policy.scope.groups for policy in explanation.blocks[0].open_for] == [frozenset({"media-club"})]


def test_the_literal_line_is_shown_for_tags_that_hold_and_for_exceptions() -> None:
    explanation, _ = explain_at_test("www.bet.example", "pupil")
    assert [str(entry.line) for entry in explanation.entries] == ["gambling/domains:4: bet.example"]
    excepted, _ = explain_at_test("quiet.example", "pupil")
    assert [entry.line.exception for entry in excepted.entries] == [True]
    assert excepted.tags == frozenset()


def test_an_illegal_name_leads_to_the_row_of_the_table() -> None:
    explanation, _ = explain_at_test("crime.example", "pupil")
    assert explanation.policy is None
    assert explanation.row is not None
    assert explanation.row.row.id == "illegal_acts"


@pytest.mark.parametrize(
    ("name", "who", "at", "changes_at"),
    [
        pytest.param(
            "game.example", "pupil", "now", datetime(2026, 11, 23, 12, 15, tzinfo=UTC), id="opens-for-lunch"
        ),
        pytest.param(
            "game.example", "pupil", "12:30", datetime(2026, 11, 23, 13, tzinfo=UTC), id="closes-after-lunch"
        ),
        pytest.param(
            "game.example", "pupil", "fri 14:00", datetime(2026, 11, 30, 12, 15, tzinfo=UTC), id="next-week"
        ),
        pytest.param("late.example", "staff", "now", datetime(2026, 11, 26, tzinfo=UTC), id="the-rule-ends"),
        pytest.param("play.bet.example", "pupil", "now", None, id="another-block-stands-at-lunch-too"),
        pytest.param("game.example", "staff", "now", None, id="another-audience-has-no-hours"),
        pytest.param("crime.example", "pupil", "now", None, id="never"),
    ],
)
def test_when_the_clock_alone_changes_it(name: str, who: str, at: str, changes_at: datetime | None) -> None:
    explanation, site = explain_at_test(name, who, at)
    change = explanation.change
    assert (change and change.at) == changes_at
    if change is not None:
        event = Event(change.at, explanation.who.profile, explanation.tags)
        assert change.verdict == decide(event, site.rulebook)


@pytest.mark.parametrize(
    ("name", "who", "ede"),
    [
        pytest.param("bet.example", "pupil", Ede.FILTERED, id="somebody-can-be-asked"),
        pytest.param("crime.example", "pupil", Ede.CENSORED, id="the-law"),
    ],
)
def test_a_blocked_client_gets_the_answer_of_the_policy_in_force(name: str, who: str, ede: Ede) -> None:
    explanation, _ = explain_at_test(name, who)
    assert explanation.refusal is not None
    assert explanation.refusal.ede == ede
    assert explanation.upstreams == ()


def test_an_open_name_is_asked_of_the_upstreams_of_its_zone() -> None:
    inside, _ = explain_at_test("wiki.intranet.example", "staff")
    outside, _ = explain_at_test("intranet.example.test", "staff")
    assert inside.upstreams == ("udp://192.0.2.2:53",)
    assert outside.upstreams == ("udp://192.0.2.53:53", "tls://198.51.100.53:853")


def test_about_a_canary_nobody_else_is_asked() -> None:
    explanation, _ = explain_at_test("unlisted.canary.schoolgate.test", "staff")
    assert explanation.upstreams == ()


def test_a_service_in_its_safe_mode_leads_to_the_safe_host() -> None:
    explanation, _ = explain_at_test("www.google.com", "pupil")
    assert explanation.safe_host == "forcesafesearch.google.com"


def test_as_json_is_complete_and_plain() -> None:
    explanation, _ = explain_at_test("game.example", "192.0.2.17")
    assert json.loads(json.dumps(as_json(explanation, language="nl"))) == {
        "name": "game.example",
        "address": "192.0.2.17",
        "audience": "pupil",
        "groups": ["year5"],
        "at": "2026-11-23T10:14:00+00:00",
        "verdict": "block",
        "reason": "policy",
        "tag": "games",
        "tags": ["games"],
        "categories": [
            {
                "id": "games",
                "name": "Games",
                "description": ("Spelletjes om online te spelen of te downloaden, en de diensten daaromheen."),
            }
        ],
        "listed": [
            {
                "category": "games",
                "list": "starter",
                "file": "games.txt",
                "line": 17,
                "text": "game.example",
                "is_exception": False,
                "dated_at": None,
            }
        ],
        "policy": POLICY_AS_JSON,
        "grant": None,
        "statutory_row": None,
        "standing_blocks": [{"tag": "games", "policy": POLICY_AS_JSON, "open_for": []}],
        "answer": {
            "rcode": "NOERROR",
            "ipv4": "192.0.2.1",
            "ipv6": None,
            "ttl_seconds": 10,
            "ede": 17,
            "ede_text": "Blocked by your school: Games",
        },
        "safe_host": None,
        "upstreams": [],
        "changes_at": "2026-11-23T12:15:00+00:00",
    }


POLICY_AS_JSON = {
    "id": GAMES,
    "effect": "block",
    "location": "site.yaml:15:7",
    "clause": "E-safety policy of January 2018, table of user actions, line 314",
    "schedule": None,
    "audiences": ["pupil"],
    "groups": [],
    "except_groups": [],
    "from_at": None,
    "until_at": None,
}


def test_as_json_names_the_row_of_what_is_illegal() -> None:
    explanation, _ = explain_at_test("crime.example", "staff")
    row = as_json(explanation, language="en")["statutory_row"]
    assert row["id"] == "illegal_acts"
    assert row["location"].startswith("uk-esafety.yaml:")


def test_the_site_of_test_is_a_real_one() -> None:
    assert load_site_of_test("ja").school.language == "ja"


def test_what_somebody_was_granted_is_plain_too() -> None:
    explanation, _ = explain_at_test("shop.example", "year5")
    grant = Grant("o1", False, "A. Teacher", ("B. Manager",), "A lesson on chance.", MONDAY_MORNING)  # noqa: FBT003 (short, for a test)
    assert as_json(replace(explanation, grant=grant), language="en")["grant"] == {
        "id": "o1",
        "kind": "override",
        "requester": "A. Teacher",
        "approvers": ["B. Manager"],
        "reason": "A lesson on chance.",
        "until_at": "2026-11-23T10:14:00+00:00",
    }
