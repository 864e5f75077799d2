"""What should be open by a site, and what a change of the site opens."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from answering import NOON
from lists_of_test import site_with

from agent.assembly import with_granted
from agent.dns.canaries import CATEGORIES, canary_name
from agent.filter_changing.canary_expectation import Expectation, Opened, facts_of_opening, opened_by, suspendable
from agent.requests.granted import suspendable_tags
from agent.sites.site import Network, Site
from rules.event import NAME_TAG
from rules.policy import Effect, Policy, Rulebook
from rules.schedule import Schedule, Window
from rules.subject import Audience, Profile, Scope
from rules.suspension import Extent, State, Suspension, policy_of

PUPIL = Profile(Audience.PUPIL)
PUPILS = Scope(audiences=frozenset({Audience.PUPIL}))
# On this Wednesday at noon it has not begun.
LUNCH = Schedule("lunch", "Europe/London", (Window(frozenset(range(5)), 12 * 60 + 15, 13 * 60),))
LATER = NOON + timedelta(minutes=30)


def policy(effect: Effect, *tags: str, scope: Scope = PUPILS, **when: Any) -> Policy:
    return Policy(f"{effect}-{tags[0]}", effect, frozenset(tags), scope, "site.yaml:1", **when)


def block(*tags: str, **parts: Any) -> Policy:
    return policy(Effect.BLOCK, *tags, **parts)


def allow(*tags: str, **parts: Any) -> Policy:
    return policy(Effect.ALLOW, *tags, **parts)


def site(*policies: Policy, networks: tuple[Network, ...] | None = None, **rules: Any) -> Site:
    return site_with(
        Path("/srv"),
        rulebook=Rulebook(policies, **rules),
        networks=networks
        or (Network("pupils", Audience.PUPIL, ("10.1.0.0/16",)), Network("staff", Audience.STAFF, ("10.2.0.0/16",))),
    )


STRICT = (block("games", "gambling"), block("chat", scope=Scope()))


@pytest.mark.parametrize(
    ("found", "blocked"),
    [
        pytest.param(site(), set(), id="nothing-is-blocked-without-rules"),
        pytest.param(site(*STRICT), {"games", "gambling", "chat"}, id="rules-block-their-categories"),
        pytest.param(site(*STRICT, allow("games")), {"gambling", "chat"}, id="what-is-lifted-is-open"),
        pytest.param(
            site(allow("hate_speech"), statutory=frozenset({"hate_speech"})),
            {"hate_speech"},
            id="statutory-is-blocked",
        ),
        pytest.param(
            site(allow("games"), allow_only=(PUPILS,)), set(CATEGORIES) - {"games"}, id="only-what-is-chosen-is-open"
        ),
        pytest.param(
            site(*STRICT, allow(NAME_TAG + canary_name("games"))), {"gambling", "chat"}, id="a-canary-is-a-name-too"
        ),
        pytest.param(site(*STRICT, allow(NAME_TAG + "schoolgate.test")), set(), id="and-so-are-the-names-above-it"),
    ],
)
def test_a_site_blocks_for_a_profile(found: Site, blocked: set[str]) -> None:
    assert Expectation(found).blocked(PUPIL, NOON) == blocked


def test_a_suspension_leaves_what_it_leaves_and_so_do_those_who_compare() -> None:
    off = Suspension(
        id="s1",
        requester="manager",
        extent=Extent(networks=frozenset({"pupils"})),
        reason="",
        state=State.AGREED,
        requested_at=NOON,
        from_at=NOON,
        until_at=LATER,
    )
    before = site(block("games", "malware", "phishing", "encrypted_dns"), statutory=frozenset({"hate_speech"}))
    expected = Expectation(with_granted(before, [policy_of(off, suspendable_tags(before.rulebook))]))
    pupils, staff = (expected.profile(network) for network in ("pupils", "staff"))
    assert pupils is not None
    assert staff is not None
    assert expected.blocked(pupils, NOON) == {"hate_speech", "malware", "phishing"}
    assert expected.blocked(staff, NOON) == {"hate_speech"}
    assert expected.blocked(pupils, LATER) == Expectation(before).blocked(PUPIL, LATER)
    assert suspendable(Expectation(before).blocked(PUPIL, NOON), before) == {"games", "encrypted_dns"}


def test_the_instant_counts() -> None:
    expected = Expectation(site(block("games", schedule=LUNCH)))
    assert expected.blocked(PUPIL, NOON) == set()
    assert expected.blocked(PUPIL, LATER) == {"games"}


def test_a_network_has_a_profile_and_all_networks_a_sum() -> None:
    networks = (Network("year5", Audience.PUPIL, ("10.1.0.0/16",), groups=("chess",)),)
    expected = Expectation(site(*STRICT, networks=networks))
    assert expected.profile("year5") == Profile(Audience.PUPIL, frozenset({"chess"}))
    assert expected.profile("elsewhere") is None
    assert Expectation(site(*STRICT)).blocked_for_somebody(NOON) == {"games", "gambling", "chat"}


@pytest.mark.parametrize(
    ("before", "after", "opened"),
    [
        pytest.param(site(*STRICT), site(*STRICT), [], id="nothing-changed"),
        pytest.param(site(), site(*STRICT), [], id="blocking-opens-nothing"),
        pytest.param(
            site(*STRICT),
            site(block("games"), block("chat", scope=Scope())),
            [("pupils", {"gambling"}, False)],
            id="one",
        ),
        pytest.param(
            site(*STRICT),
            site(block("chat", scope=Scope())),
            [("pupils", {"games", "gambling"}, False)],
            id="not-all-while-one-stands",
        ),
        pytest.param(
            site(*STRICT),
            site(),
            [("pupils", {"games", "gambling", "chat"}, True), ("staff", {"chat"}, True)],
            id="all",
        ),
        pytest.param(
            site(*STRICT, statutory=frozenset({"hate_speech"})),
            site(statutory=frozenset({"hate_speech"})),
            [("pupils", {"games", "gambling", "chat"}, True), ("staff", {"chat"}, True)],
            id="all-but-what-is-statutory",
        ),
        pytest.param(
            site(*STRICT, block("malware", "phishing")),
            site(block("malware", "phishing")),
            [("pupils", {"games", "gambling", "chat"}, True), ("staff", {"chat"}, True)],
            id="all-but-what-a-suspension-leaves",
        ),
        pytest.param(
            site(*STRICT, block("malware")),
            site(*STRICT),
            [("pupils", {"malware"}, False)],
            id="what-a-suspension-leaves-alone-is-no-suspension",
        ),
        pytest.param(
            site(statutory=frozenset({"hate_speech"})),
            site(),
            [("pupils", {"hate_speech"}, False), ("staff", {"hate_speech"}, False)],
            id="what-is-statutory-alone-is-no-suspension",
        ),
        pytest.param(
            site(*STRICT),
            site(*STRICT, networks=(Network("children", Audience.STAFF, ("10.1.0.0/16",)),)),
            [("children", {"games", "gambling"}, False)],
            id="another-name-for-the-same-addresses",
        ),
        pytest.param(
            site(*STRICT),
            site(networks=(Network("cellar", Audience.STAFF, ("10.9.0.0/16",)),)),
            [],
            id="where-nobody-was-nothing-was-blocked",
        ),
        pytest.param(site(block("games", schedule=LUNCH)), site(), [], id="what-is-open-at-this-hour-anyway"),
    ],
)
def test_a_change_opens(before: Site, after: Site, opened: list[tuple[str, set[str], bool]]) -> None:
    assert opened_by(before, after, NOON) == [
        Opened(network, tuple(sorted(categories)), is_everything) for network, categories, is_everything in opened
    ]


def test_the_record_keeps_what_was_opened_where() -> None:
    after = site(block("games"))
    assert facts_of_opening(site(*STRICT), after, NOON) == {
        "opens": {"pupils": ["chat", "gambling"], "staff": ["chat"]},
        "switches_off": ["staff"],
    }
    assert facts_of_opening(after, after, NOON) == {"opens": {}, "switches_off": []}
