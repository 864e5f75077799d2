"""What a policy means at an instant, and when it has to be looked at again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from answering import GUEST, NOON, PUPIL, STAFF, Clocks
from hypothesis import given, settings
from hypothesis import strategies as st
from indexes_of_test import index_of, name_list, wire
from lists_of_test import site_with

from agent.dns import canaries
from agent.dns.outcomes import Outcome, read_outcome
from agent.dns.policy_state import NULL_IPV4, NULL_IPV6, PolicyState, Ruling, build_overlay, policies_of_grants
from agent.dns.snapshot import BlockTexts, Snapshot
from agent.dns.spool import read_row_code
from agent.sites.site import ActivityLevel, Answers, AnswerStyle, Limits, Retention
from filters.list_index import ListIndex, empty_index
from filters.reply import Refusal
from filters.safe_search import names_by_tag
from filters.wire import Ede
from rules.engine import decide
from rules.event import WAY_ROUND_TAG, Event
from rules.name import DomainName
from rules.override import Lift, Override, State, policies_of
from rules.policy import Effect, Policy, Rulebook, SafeSearch
from rules.schedule import Schedule, Window
from rules.subject import Audience, Profile, Scope
from rules.verdict import Allow, Block, Reason, ReasonCode

PUPILS = Scope(audiences=frozenset({Audience.PUPIL}))
LUNCH = Schedule("lunch", "Europe/London", (Window(frozenset(range(5)), 12 * 60 + 15, 13 * 60),))


def block(*tags: str, scope: Scope | None = None, **when: Any) -> Policy:
    return Policy(f"no-{tags[0]}", Effect.BLOCK, frozenset(tags), scope or Scope(), "site.yaml:1:1", **when)


def policy_state(
    rulebook: Rulebook, *, index: ListIndex | None = None, clocks: Clocks | None = None, **parts: Any
) -> PolicyState:
    snapshot = parts.pop("snapshot", {})
    clocks = clocks or Clocks()
    return PolicyState(
        Snapshot(1, site_with(Path("/srv"), rulebook=rulebook, **parts), **snapshot),
        index or empty_index(),
        wall_clock=clocks.wall,
        monotonic=clocks.monotonic,
    )


def in_seconds(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def ruling(state: PolicyState, *tags: str, profile: Profile = PUPIL) -> Ruling:
    return state.profile_state(profile).table.rule(frozenset(tags))


# ---- boundaries --------------------------------------------------------------------------------------------------


def test_a_schedule_is_looked_at_again_at_each_of_its_ends() -> None:
    clocks = Clocks()
    state = policy_state(Rulebook((block("games", schedule=LUNCH),)), clocks=clocks)
    for minutes, is_blocked in ((14.9, False), (0.1, True), (44.9, True), (0.1, False)):
        clocks.advance(minutes * 60)
        assert state.is_past_boundary() is (minutes == 0.1)
        if state.is_past_boundary():
            state.advance()
        assert (ruling(state, "games").refusal is not None) is is_blocked


def test_replies_and_tables_of_before_are_forgotten() -> None:
    clocks = Clocks()
    state = policy_state(Rulebook((block("games", from_at=in_seconds(10)),)), clocks=clocks)
    pupils = state.profile_state(PUPIL)
    kept = pupils.replies.entries
    kept[b"query"] = (b"reply", 0.0, 0, 7, None, 0)  # type: ignore[assignment]
    before = pupils.table
    clocks.advance(10)
    state.advance()
    assert state.profile_state(PUPIL) is pupils
    assert pupils.table is not before
    assert pupils.replies.entries is kept, "the hot loop holds it"
    assert not kept


def test_the_boundary_is_told_on_the_clock_that_replies_live_by() -> None:
    state = policy_state(Rulebook((block("games", from_at=in_seconds(90)),)))
    assert state.boundary == 1000 + 90
    assert state.boundary_wall == NOON.timestamp() + 90
    assert policy_state(Rulebook((block("games"),))).boundary == float("inf")


@pytest.mark.parametrize(
    ("set_by", "is_noticed"),
    [(-3600.0, True), (-1.5, True), (-0.5, False), (0.0, False), (0.5, False), (1.5, True), (3600.0, True)],
)
@pytest.mark.parametrize("when", [{}, {"until_at": NOON - timedelta(seconds=1)}, {"from_at": in_seconds(86_400)}])
def test_a_clock_that_is_set_is_noticed(set_by: float, is_noticed: bool, when: dict[str, Any]) -> None:
    clocks = Clocks()
    state = policy_state(Rulebook((block("games", **when),)), clocks=clocks)
    clocks.advance(7)
    assert not state.is_past_boundary()
    clocks.wall_seconds += set_by
    assert state.is_past_boundary() is is_noticed
    state.advance()
    assert not state.is_past_boundary()


def test_a_clock_set_back_puts_in_force_again_what_was_over() -> None:
    clocks = Clocks()
    state = policy_state(Rulebook((block("games", until_at=in_seconds(-60)),)), clocks=clocks)
    assert ruling(state, "games").refusal is None
    clocks.wall_seconds -= 120
    assert state.is_past_boundary()
    state.advance()
    assert ruling(state, "games").refusal is not None


INSTANTS = st.integers(-1000, 1000).map(in_seconds)
TIMED = st.builds(
    Policy,
    id=st.uuids().map(str),
    effect=st.sampled_from(Effect),
    tags=st.frozensets(st.sampled_from(["games", "chat"]), min_size=1),
    scope=st.sampled_from([Scope(), PUPILS]),
    location=st.just("site.yaml:1:1"),
    from_at=st.none() | INSTANTS,
    until_at=st.none() | INSTANTS,
)


@settings(deadline=None)
@given(st.lists(TIMED, max_size=4), st.lists(st.integers(0, 400), max_size=12))
def test_what_the_tables_say_is_what_decide_says_at_any_instant(policies: list[Policy], steps: list[int]) -> None:
    clocks = Clocks()
    index = index_of(name_list("games", subtree=["play.test"]), name_list("chat", subtree=["talk.test"]))
    state = policy_state(Rulebook(tuple(policies)), index=index, clocks=clocks)
    for step in (0, *steps):
        clocks.advance(step)
        if state.is_past_boundary():
            state.advance()
        at = datetime.fromtimestamp(clocks.wall_seconds, UTC)
        for profile in (PUPIL, STAFF):
            for name in ("play.test", "x.talk.test", "www.example"):
                mask = state.classifier.mask(wire(name))
                tags = state.classifier.tags(mask, wire(name), 1)
                expected = decide(Event(at, profile, tags), state.snapshot.site.rulebook)
                assert state.profile_state(profile).table[mask].verdict == expected


# ---- profiles ----------------------------------------------------------------------------------------------------


def test_profiles_share_the_room_for_replies() -> None:
    state = policy_state(Rulebook(), limits=Limits(reply_cache_bytes=12_000))
    for number, profile in enumerate((PUPIL, STAFF, GUEST), start=1):
        state.profile_state(profile)
        assert {known.replies._budget_bytes for known in state.profiles.values()} == {12_000 // number}
    assert state.profile_state(PUPIL) is state.profile_state(Profile(Audience.PUPIL))


# ---- refusals ----------------------------------------------------------------------------------------------------

PAGE = Answers(page_ipv4="192.0.2.80", page_ipv6="2001:db8::80")


@pytest.mark.parametrize(
    ("style", "nxdomain", "ipv4", "ipv6"),
    [
        (AnswerStyle.NXDOMAIN, True, None, None),
        (AnswerStyle.NODATA, False, None, None),
        (AnswerStyle.NULL, False, NULL_IPV4, NULL_IPV6),
        (AnswerStyle.PAGE, False, b"\xc0\0\2\x50", bytes.fromhex("20010db8000000000000000000000080")),
    ],
)
def test_each_category_is_refused_in_its_own_style(
    style: AnswerStyle, nxdomain: bool, ipv4: bytes | None, ipv6: bytes | None
) -> None:
    answers = Answers(
        default=AnswerStyle.NODATA if nxdomain else AnswerStyle.NXDOMAIN,
        by_category={"games": style},
        page_ipv4=PAGE.page_ipv4,
        page_ipv6=PAGE.page_ipv6,
        blocked_ttl_seconds=7,
    )
    state = policy_state(Rulebook((block("games", "chat"),)), answers=answers)
    text = BlockTexts().default
    assert ruling(state, "games").refusal == Refusal(
        nxdomain=nxdomain, ttl_seconds=7, ede=Ede.FILTERED, text=text, ipv4=ipv4, ipv6=ipv6
    )
    other = ruling(state, "chat").refusal
    assert other is not None
    assert other.nxdomain is not nxdomain


def test_a_private_address_is_no_data_whatever_the_style() -> None:
    state = policy_state(Rulebook(), answers=Answers(default=AnswerStyle.PAGE, page_ipv4="192.0.2.80"))
    private = state.private_ruling(PUPIL, frozenset({"games"}))
    assert private.refusal == Refusal(nxdomain=False, ttl_seconds=10, ede=Ede.BLOCKED, text=BlockTexts().default)


@pytest.mark.parametrize(
    ("reason", "ede"),
    [
        (Reason(ReasonCode.STATUTORY, "illegal_csam"), 16),
        (Reason(ReasonCode.POLICY, "games", "p"), 17),
        (Reason(ReasonCode.POLICY, "vpn", "p"), 15),
        (Reason(ReasonCode.ALLOW_ONLY), 17),
        (Reason(ReasonCode.PRIVATE_ADDRESS), 15),
    ],
)
def test_extended_errors(reason: Reason, ede: int) -> None:
    state = policy_state(Rulebook(), snapshot={"not_askable": frozenset({"vpn", "illegal_csam"})})
    assert state.refusal(reason).ede == ede


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Reason(ReasonCode.POLICY, "games", "p"), "about games"),
        (Reason(ReasonCode.POLICY, "chat", "p"), "anything"),
        (Reason(ReasonCode.ALLOW_ONLY), "not chosen"),
    ],
)
def test_the_text_is_the_most_exact_one(reason: Reason, text: str) -> None:
    texts = BlockTexts({"games": "about games"}, {ReasonCode.ALLOW_ONLY: "not chosen"}, "anything")
    assert policy_state(Rulebook(), snapshot={"texts": texts}).refusal(reason).text == text


# ---- what is counted and recorded --------------------------------------------------------------------------------

EVERYTHING = Rulebook(
    (block("games"),),
    safe_search=(SafeSearch(Scope(), {"search:google": "strict"}),),
    guards=frozenset({"helplines"}),
)


@pytest.mark.parametrize(
    ("tags", "outcome"),
    [
        ({"games"}, Outcome("pupil", "blocked", "games", "NXDOMAIN")),
        ({"search:google"}, Outcome("pupil", "rewritten", "safe_search", "NOERROR")),
        (set(), Outcome("pupil", "allowed", "none", "NOERROR")),
        ({"helplines"}, Outcome("pupil", "allowed", "helplines", "NOERROR")),
    ],
)
def test_outcomes_are_in_words_from_closed_sets(tags: set[str], outcome: Outcome) -> None:
    assert read_outcome(ruling(policy_state(EVERYTHING), *tags).outcome) == outcome


@pytest.mark.parametrize(
    ("level", "recorded"),
    [
        (ActivityLevel.COUNTS, []),
        (ActivityLevel.BLOCKED, [ReasonCode.POLICY]),
        (ActivityLevel.ALL, [ReasonCode.POLICY, ReasonCode.SAFE_SEARCH, ReasonCode.NO_POLICY]),
    ],
)
def test_what_is_recorded(level: ActivityLevel, recorded: list[ReasonCode]) -> None:
    state = policy_state(
        EVERYTHING,
        retention=Retention(activity=level),
        snapshot={"unrecorded": frozenset({"helplines"})},
    )
    rulings = [ruling(state, *tags) for tags in (["games"], ["search:google"], [], ["helplines", "games"])]
    codes = [found.row_code for found in rulings if found.row_code is not None]
    assert [read_row_code(code)[1] for code in codes] == recorded


@pytest.mark.parametrize("level", ActivityLevel)
def test_helplines_are_never_recorded_whatever_becomes_of_them(level: ActivityLevel) -> None:
    state = policy_state(
        Rulebook(), retention=Retention(activity=level), snapshot={"unrecorded": frozenset({"helplines"})}
    )
    tags = frozenset({"helplines", "games"})
    for verdict in (Allow(Reason(ReasonCode.GUARD)), Block(Reason(ReasonCode.STATUTORY, "games"))):
        assert state.row_code(0, verdict, tags) is None
    assert state.private_ruling(PUPIL, tags).row_code is None


LESSON = Policy(
    "override-o1",
    Effect.ALLOW,
    frozenset({"name:game.test"}),
    Scope(),
    "override o1",
    from_at=NOON,
    until_at=in_seconds(60),
    lifts=frozenset({"games"}),
)


def test_a_ruling_knows_the_overrides_that_it_is_owed_to_while_they_last() -> None:
    clocks = Clocks()
    state = policy_state(Rulebook((*EVERYTHING.policies, LESSON), guards=frozenset({"helplines"})), clocks=clocks)
    rulings = [
        ruling(state, *tags)
        for tags in (
            ["games", "name:game.test"],
            ["games"],
            ["name:game.test"],
            ["games", "name:game.test", "helplines"],
        )
    ]
    assert [each.overrides for each in rulings] == [(b"o1",), (), (), ()]
    assert [each.is_granted for each in rulings] == [True, False, False, False]
    clocks.advance(60)
    state.advance()
    assert ruling(state, "games", "name:game.test").overrides == ()


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        pytest.param(LESSON, {"o1": {"override-o1"}}, id="the-first-of-an-override"),
        pytest.param(replace(LESSON, id="override-o1-2"), {"o1": {"override-o1-2"}}, id="the-next"),
        pytest.param(replace(LESSON, id="suspension-s1"), {}, id="a-suspension"),
        pytest.param(replace(LESSON, id="override-games", until_at=None), {}, id="a-rule-of-the-site-called-so"),
        pytest.param(block("games"), {}, id="any-other"),
    ],
)
def test_which_policies_are_those_of_an_override(policy: Policy, found: dict[str, set[str]]) -> None:
    assert policies_of_grants(Rulebook((policy,)), "override") == found


def test_what_an_override_does_is_known_by_its_id() -> None:
    override = Override(
        id="0123456789abcdef",
        requester="teacher",
        lift=Lift(
            names=(DomainName("a.test"), DomainName("b.test")),
            categories=frozenset({"games"}),
            lifts_of=((DomainName("a.test"), frozenset()), (DomainName("b.test"), frozenset({"video"}))),
            audiences=frozenset({Audience.PUPIL}),
            groups=frozenset(),
            from_at=NOON,
            until_at=in_seconds(60),
        ),
        reason="",
        topic="",
        state=State.APPROVED,
        is_break_glass=False,
        approvers=(),
        requested_at=NOON,
        decided_at=NOON,
    )
    policies = policies_of(override)
    assert len(policies) == 3
    assert policies_of_grants(Rulebook(policies), "override") == {override.id: {policy.id for policy in policies}}


# ---- names known beside the lists --------------------------------------------------------------------------------


def test_the_overlay_knows_what_policies_mention_canaries_searches_and_guards() -> None:
    rulebook = Rulebook(
        (block("name:a.test", "games"),), guards=frozenset({"name:open.test"}), statutory=frozenset({"name:bad.test"})
    )
    overlay = build_overlay(rulebook, {"helplines": ("help.test",), "system_updates": ("help.test",)})
    subtrees = ("a.test", "open.test", "bad.test", "help.test", canaries.APEX)
    assert overlay.subtree.keys() == {wire(name) for name in subtrees}
    found = policy_state(rulebook, snapshot={"guard_names": {"helplines": ("help.test",)}}).classifier
    expected = {
        "x.a.test": {"name:a.test"},
        "a.test": {"name:a.test"},
        "test": set(),
        "www.help.test": {"helplines"},
        "use-application-dns.net": {"encrypted_dns", WAY_ROUND_TAG},
        "x.use-application-dns.net": set(),
        "mask.icloud.com": {"proxy", WAY_ROUND_TAG},
        "www.google.com": {"search:google"},
        "x.www.google.com": set(),
        canaries.canary_name("self_harm"): {"self_harm", canaries.TAG},
        "x." + canaries.canary_name("self_harm"): {canaries.TAG},
        canaries.PRESENT_NAME: {canaries.PRESENT_TAG, canaries.TAG},
        canaries.UNLISTED_NAME: {canaries.TAG},
        "schoolgate.test": set(),
    }
    assert {name: set(found.classify(wire(name), 1)) for name in expected} == expected


def test_a_profile_that_is_only_tried_takes_no_part() -> None:
    state = policy_state(Rulebook((block("games"),)))
    assert state.state_to_try(PUPIL).table.rule(frozenset({"games"})).refusal is not None
    assert state.profiles == {}
    pupils = state.profile_state(PUPIL)
    assert state.state_to_try(PUPIL) is pupils, "the very table that clients are answered by"


def test_every_host_with_a_safe_mode_is_known() -> None:
    found = policy_state(Rulebook()).classifier
    for tag, hosts in names_by_tag().items():
        for host in hosts:
            assert found.classify(wire(host), 1) == {tag}
