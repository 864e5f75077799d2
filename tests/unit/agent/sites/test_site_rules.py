"""Rows, policies and safe search of a site, by what they do to a question."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.sites.config import parse_site
from agent.sites.site import Site
from rules.engine import decide
from rules.event import Event
from rules.policy import Effect
from rules.subject import Audience, Profile, Scope
from rules.verdict import Allow, Block, ReasonCode, Rewrite, Verdict

BASE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {pupils: {audience: pupil, cidrs: 10.1.0.0/16}}
groups: {office: , media: , year-6: }
schedules: {lunch: {windows: {days: mon-fri, from: 12:10, to: 13:00}}}
"""
PUPIL, STAFF, GUEST = Audience.PUPIL, Audience.STAFF, Audience.GUEST
AT_LUNCH = datetime(2026, 11, 19, 12, 30, tzinfo=UTC)
IN_LESSONS = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)


def build(text: str) -> Site:
    return parse_site(BASE + text, path=Path("/nowhere/site.yaml")).site


def ask(text: str, who: Audience, *groups: str, tags: str, at: datetime = IN_LESSONS) -> Verdict:
    return decide(Event(at, Profile(who, frozenset(groups)), frozenset(tags.split())), build(text).rulebook)


def is_open(text: str, who: Audience, *groups: str, tags: str, at: datetime = IN_LESSONS) -> bool:
    return not isinstance(ask(text, who, *groups, tags=tags, at=at), Block)


# --- The table


@pytest.mark.parametrize(
    "category",
    [
        pytest.param("pornography", id="unacceptable"),
        pytest.param("vpn", id="ways-round-the-filter"),
        pytest.param("games_educational", id="certain-times-that-nobody-named"),
        pytest.param("shopping", id="nominated-users-whom-nobody-named"),
        pytest.param("illegal_csam", id="illegal"),
    ],
)
def test_a_site_that_names_the_pack_and_nothing_else_has_the_table(category: str) -> None:
    assert not any(is_open("", audience, "office", tags=category, at=AT_LUNCH) for audience in Audience)


def test_what_the_table_does_not_name_is_open() -> None:
    assert is_open("", PUPIL, tags="webmail blogs")


def test_rows_take_times_and_groups_from_the_site() -> None:
    text = "rows: {gaming_educational: {schedule: lunch}, shopping_commerce: {nominated: [office]}}"
    assert is_open(text, PUPIL, tags="games_educational", at=AT_LUNCH)
    assert not is_open(text, PUPIL, tags="games_educational")
    assert is_open(text, STAFF, "office", tags="shopping")
    assert not is_open(text, STAFF, "media", tags="shopping")


def test_several_audiences_and_groups_share_a_setting() -> None:
    settings = "{audience: [staff, guest], tick: acceptable}, {group: [media, year-6], tick: acceptable}"
    text = f"rows: {{video_broadcasting: [{settings}]}}"
    assert [is_open(text, who, tags="video") for who in Audience] == [False, True, True]
    assert is_open(text, PUPIL, "media", tags="video")
    assert is_open(text, PUPIL, "year-6", tags="video")


# --- Policies


def test_a_policy_blocks_categories_and_names_for_those_whom_it_names() -> None:
    text = "policies: {p: {block: {categories: [dating], names: [Chat.Example.]}, audiences: [pupil]}}"
    assert not is_open(text, PUPIL, tags="dating")
    assert not is_open(text, PUPIL, tags="name:chat.example")
    assert is_open(text, STAFF, tags="dating")


def test_an_allow_lifts_a_row_of_the_table_but_nothing_illegal() -> None:
    text = "policies: {p: {allow: {categories: [social_networks], names: [x.test]}, groups: media}}"
    assert is_open(text, PUPIL, "media", tags="social_networks")
    assert not is_open(text, PUPIL, tags="social_networks")
    assert is_open(text, PUPIL, "media", tags="gambling name:x.test")
    assert not is_open(text, PUPIL, "media", tags="illegal_csam name:x.test")


def test_policies_have_times_and_days() -> None:
    text = "policies: {p: {block: webmail, schedule: lunch, from: 2026-11-19, until: 2026-11-19}}"
    policy = build(text).rulebook.policies[-1]
    assert (policy.from_at, policy.until_at) == (
        datetime(2026, 11, 19, tzinfo=UTC),
        datetime(2026, 11, 20, tzinfo=UTC),
    )
    assert not is_open(text, PUPIL, tags="webmail", at=AT_LUNCH)
    assert is_open(text, PUPIL, tags="webmail", at=IN_LESSONS)
    assert is_open(text, PUPIL, tags="webmail", at=AT_LUNCH.replace(day=20))


def test_a_minute_is_one_on_the_clock_of_the_school() -> None:
    policy = build("policies: {p: {block: webmail, until: 2026-07-01 15:30}}").rulebook.policies[-1]
    assert policy.until_at == datetime(2026, 7, 1, 14, 30, tzinfo=UTC)


def test_policies_say_where_they_stand_and_why() -> None:
    policy = build("policies:\n  p: {allow: webmail, reason: agreed  in   May}").rulebook.policies[-1]
    assert (policy.id, policy.effect, policy.location, policy.clause) == (
        "p",
        Effect.ALLOW,
        "site.yaml:7:3",
        "agreed in May",
    )


def test_allow_only_blocks_what_nothing_allows() -> None:
    text = "policies: {p: {allow_only: {categories: [for_children], names: [school.example]}, groups: year-6}}"
    assert build(text).rulebook.allow_only == (Scope(groups=frozenset({"year-6"})),)
    assert is_open(text, PUPIL, "year-6", tags="name:school.example")
    assert not is_open(text, PUPIL, "year-6", tags="")
    assert is_open(text, PUPIL, tags="")


def test_essentials_are_always_open() -> None:
    text = "essentials: [school.example]\npolicies: {p: {block: {names: [school.example]}}}"
    verdict = ask(text, PUPIL, tags="name:school.example gambling")
    assert isinstance(verdict, Allow)
    assert verdict.reason.code is ReasonCode.GUARD


# --- Safe search


def mode(text: str, who: Audience, *groups: str, service: str) -> str | None:
    verdict = ask(text, who, *groups, tags=f"search:{service}")
    return verdict.mode if isinstance(verdict, Rewrite) else None


@pytest.mark.parametrize(
    ("text", "who", "groups", "service", "expected"),
    [
        pytest.param("", PUPIL, (), "google", "strict", id="pupils-by-default"),
        pytest.param("", GUEST, (), "youtube", "strict", id="guests-by-default"),
        pytest.param("", STAFF, (), "google", None, id="staff-by-default"),
        pytest.param("safe_search: {pupil: off}", PUPIL, (), "google", None, id="off-for-all-services"),
        pytest.param("safe_search: {staff: strict}", STAFF, (), "bing", "strict", id="strict-for-all-services"),
        pytest.param(
            "safe_search: {pupil: moderate}", PUPIL, (), "youtube", "moderate", id="moderate-where-there-is-one"
        ),
        pytest.param("safe_search: {pupil: moderate}", PUPIL, (), "bing", "strict", id="strict-where-there-is-none"),
        pytest.param("safe_search: {pupil: {youtube: moderate}}", PUPIL, (), "youtube", "moderate", id="one-service"),
        pytest.param(
            "safe_search: {pupil: {youtube: moderate}}", PUPIL, (), "google", "strict", id="the-others-stay"
        ),
        pytest.param(
            "safe_search: {media: {youtube: off}}",
            PUPIL,
            ("media",),
            "youtube",
            None,
            id="a-group-before-its-audience",
        ),
        pytest.param(
            "safe_search: {media: {youtube: off}}",
            PUPIL,
            ("media",),
            "google",
            "strict",
            id="where-it-says-something",
        ),
        pytest.param(
            "safe_search: {office: {bing: strict}}", STAFF, ("office",), "bing", "strict", id="a-group-of-staff"
        ),
        pytest.param(
            "safe_search: {media: {youtube: off}, office: {youtube: moderate}}",
            PUPIL,
            ("media", "office"),
            "youtube",
            "moderate",
            id="in-two-groups-the-stricter",
        ),
    ],
)
def test_safe_search(text: str, who: Audience, groups: tuple[str, ...], service: str, expected: str | None) -> None:
    assert mode(text, who, *groups, service=service) == expected
