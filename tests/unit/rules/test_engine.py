"""The order of precedence, clause by clause, and the properties that keep it honest."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.engine import decide, owed_to
from rules.event import Event
from rules.policy import Effect, Policy, Rulebook, SafeSearch
from rules.schedule import Schedule, Window
from rules.subject import Audience, Profile, Scope
from rules.verdict import Allow, Block, Reason, ReasonCode, Rewrite, Verdict

# A Wednesday in term, 10:14 in London.
AT = datetime(2026, 11, 18, 10, 14, tzinfo=UTC)
PUPIL = Profile(Audience.PUPIL)
STAFF = Profile(Audience.STAFF)
YEAR_6 = Profile(Audience.PUPIL, frozenset({"year-6"}))
LUNCH = Schedule("lunch", "Europe/London", (Window(frozenset(range(5)), 12 * 60, 13 * 60),))
EVERYBODY = Scope()


def policy(
    effect: Effect,
    *tags: str,
    scope: Scope = EVERYBODY,
    id_: str = "",
    schedule: Schedule | None = None,
    lifts: frozenset[str] | None = None,
) -> Policy:
    return Policy(
        id_ or f"{effect}-{'-'.join(tags)}",
        effect,
        frozenset(tags),
        scope,
        "site.yaml:1:1",
        schedule=schedule,
        lifts=lifts,
    )


def block(*tags: str, **options: object) -> Policy:
    return policy(Effect.BLOCK, *tags, **options)  # type: ignore[arg-type]


def allow(*tags: str, **options: object) -> Policy:
    return policy(Effect.ALLOW, *tags, **options)  # type: ignore[arg-type]


def restrict(*tags: str, **options: object) -> Policy:
    return policy(Effect.RESTRICT, *tags, **options)  # type: ignore[arg-type]


def rule(rulebook: Rulebook, *tags: str, profile: Profile = PUPIL, at: datetime = AT) -> Verdict:
    return decide(Event(at, profile, frozenset(tags)), rulebook)


STATUTORY = Rulebook(statutory=frozenset({"illegal"}), policies=(allow("illegal"), allow("name:bad.test")))
GUARDED = Rulebook(guards=frozenset({"helplines"}), policies=(block("chat"),), statutory=frozenset({"illegal"}))
LIFTED = Rulebook(
    policies=(block("gambling"), block("pornography"), allow("gambling", scope=Scope(groups=frozenset({"year-6"}))))
)
NAMED = Rulebook(policies=(block("gambling"), block("games"), allow("name:maths.test")))
BELOW = Rulebook(policies=(block("name:chat.site.test"), allow("name:site.test")))
AROUND = Rulebook(policies=(block("name:site.test"), allow("name:maths.site.test")))
# What overrides look like here: names, and the categories against which these are opened.
GAMBLING_ALONE = frozenset({"gambling"})
LIMITED = Rulebook(
    policies=(
        block("gambling"),
        block("adult"),
        block("name:site.test"),
        block("name:chat.casino.site.test"),
        allow("name:casino.site.test", lifts=GAMBLING_ALONE),
        allow("name:plain.test", lifts=frozenset()),
        allow("name:bad.test", lifts=frozenset({"illegal"})),
        allow(
            "gambling",
            id_="allow-all-gambling",
            scope=Scope(audiences=frozenset({Audience.STAFF})),
            lifts=frozenset(),
        ),
    ),
    statutory=frozenset({"illegal"}),
)


@pytest.mark.parametrize(
    ("rulebook", "tags", "profile", "verdict"),
    [
        pytest.param(
            STATUTORY,
            ("illegal",),
            STAFF,
            Block(Reason(ReasonCode.STATUTORY, "illegal")),
            id="statutory-is-never-lifted",
        ),
        pytest.param(
            STATUTORY,
            ("illegal", "name:bad.test"),
            PUPIL,
            Block(Reason(ReasonCode.STATUTORY, "illegal")),
            id="statutory-is-not-lifted-by-name-either",
        ),
        pytest.param(
            GUARDED,
            ("chat", "helplines"),
            PUPIL,
            Allow(Reason(ReasonCode.GUARD, "helplines")),
            id="a-helpline-is-allowed",
        ),
        pytest.param(
            GUARDED,
            ("illegal", "helplines"),
            PUPIL,
            Block(Reason(ReasonCode.STATUTORY, "illegal")),
            id="statutory-goes-before-guards",
        ),
        pytest.param(
            LIFTED,
            ("gambling",),
            PUPIL,
            Block(Reason(ReasonCode.POLICY, "gambling", "block-gambling")),
            id="a-block-stands",
        ),
        pytest.param(
            LIFTED,
            ("gambling",),
            YEAR_6,
            Allow(Reason(ReasonCode.LIFTED, "gambling", "allow-gambling")),
            id="a-block-is-lifted-for-its-own-people",
        ),
        pytest.param(
            LIFTED,
            ("gambling", "pornography"),
            YEAR_6,
            Block(Reason(ReasonCode.POLICY, "pornography", "block-pornography")),
            id="override-lifts-only-its-own-category",
        ),
        pytest.param(
            NAMED,
            ("gambling", "games", "name:maths.test"),
            PUPIL,
            Allow(Reason(ReasonCode.LIFTED, "gambling", "allow-name:maths.test")),
            id="a-name-is-lifted-with-all-its-categories",
        ),
        pytest.param(
            BELOW,
            ("name:chat.site.test", "name:site.test"),
            PUPIL,
            Block(Reason(ReasonCode.POLICY, "name:chat.site.test", "block-name:chat.site.test")),
            id="the-block-of-a-name-below-stands",
        ),
        pytest.param(
            AROUND,
            ("name:site.test", "name:maths.site.test"),
            PUPIL,
            Allow(Reason(ReasonCode.LIFTED, "name:site.test", "allow-name:maths.site.test")),
            id="the-block-of-a-name-above-is-lifted",
        ),
        pytest.param(
            LIMITED,
            ("gambling", "name:casino.site.test"),
            PUPIL,
            Allow(Reason(ReasonCode.LIFTED, "gambling", "allow-name:casino.site.test")),
            id="a-name-is-lifted-with-the-categories-of-its-override",
        ),
        pytest.param(
            LIMITED,
            ("gambling", "adult", "name:casino.site.test"),
            PUPIL,
            Block(Reason(ReasonCode.POLICY, "adult", "block-adult")),
            id="a-gambling-override-never-lifts-a-name-that-is-also-adult",
        ),
        pytest.param(
            LIMITED,
            ("gambling", "name:casino.site.test", "name:site.test"),
            PUPIL,
            Allow(Reason(ReasonCode.LIFTED, "gambling", "allow-name:casino.site.test")),
            id="an-override-lifts-the-block-of-a-name-above",
        ),
        pytest.param(
            LIMITED,
            ("gambling", "name:casino.site.test", "name:chat.casino.site.test"),
            PUPIL,
            Block(Reason(ReasonCode.POLICY, "name:chat.casino.site.test", "block-name:chat.casino.site.test")),
            id="an-override-never-lifts-the-block-of-a-name-below",
        ),
        pytest.param(
            LIMITED,
            ("gambling", "name:plain.test"),
            PUPIL,
            Block(Reason(ReasonCode.POLICY, "gambling", "block-gambling")),
            id="no-categories-are-not-all-categories",
        ),
        pytest.param(
            LIMITED,
            ("illegal", "name:bad.test"),
            PUPIL,
            Block(Reason(ReasonCode.STATUTORY, "illegal")),
            id="statutory-is-not-lifted-by-an-override-that-claims-it",
        ),
        pytest.param(
            LIMITED,
            ("gambling",),
            STAFF,
            Allow(Reason(ReasonCode.LIFTED, "gambling", "allow-all-gambling")),
            id="a-category-lifts-itself-whatever-names-lift",
        ),
        pytest.param(
            Rulebook(), ("shopping",), PUPIL, Allow(Reason(ReasonCode.NO_POLICY)), id="allowed-where-nothing-speaks"
        ),
    ],
)
def test_precedence(rulebook: Rulebook, tags: tuple[str, ...], profile: Profile, verdict: Verdict) -> None:
    assert rule(rulebook, *tags, profile=profile) == verdict


def test_certain_times_hold_within_the_schedule_alone() -> None:
    rulebook = Rulebook(policies=(block("games"), allow("games", schedule=LUNCH)))
    assert isinstance(rule(rulebook, "games", at=AT), Block)
    assert isinstance(rule(rulebook, "games", at=AT.replace(hour=12, minute=0)), Allow)
    assert isinstance(rule(rulebook, "games", at=AT.replace(hour=13, minute=0)), Block)


def test_a_policy_ends_by_itself() -> None:
    ending = Policy(
        "study",
        Effect.ALLOW,
        frozenset({"drugs"}),
        EVERYBODY,
        "site.yaml:1:1",
        from_at=AT,
        until_at=AT + timedelta(hours=1),
    )
    rulebook = Rulebook(policies=(block("drugs"), ending))
    assert isinstance(rule(rulebook, "drugs", at=AT - timedelta(seconds=1)), Block)
    assert isinstance(rule(rulebook, "drugs", at=AT), Allow)
    assert isinstance(rule(rulebook, "drugs", at=AT + timedelta(hours=1)), Block)
    assert rulebook.next_boundary(AT) == AT + timedelta(hours=1)


def test_the_youngest_get_what_a_policy_allows_and_nothing_else() -> None:
    rulebook = Rulebook(policies=(allow("for_children"),), allow_only=(Scope(groups=frozenset({"year-6"})),))
    assert rule(rulebook, "shopping", profile=YEAR_6) == Block(Reason(ReasonCode.ALLOW_ONLY))
    assert isinstance(rule(rulebook, "for_children", profile=YEAR_6), Allow)
    assert isinstance(rule(rulebook, "shopping", profile=PUPIL), Allow)


def test_what_only_undoes_blocks_is_not_chosen_for_the_youngest() -> None:
    lifting = replace(allow("shopping", "for_children"), chooses=False)
    rulebook = Rulebook(policies=(lifting, block("shopping")), allow_only=(Scope(groups=frozenset({"year-6"})),))
    assert rule(rulebook, "shopping", profile=YEAR_6) == Block(Reason(ReasonCode.ALLOW_ONLY))
    assert isinstance(rule(rulebook, "shopping", profile=PUPIL), Allow)
    chosen = replace(rulebook, policies=(*rulebook.policies, allow("for_children")))
    assert isinstance(rule(chosen, "shopping", "for_children", profile=YEAR_6), Allow)


def test_a_policy_says_nothing_of_what_it_spares() -> None:
    rulebook = Rulebook(policies=(block("shopping"), replace(allow("shopping"), spares=frozenset({"malware"}))))
    assert isinstance(rule(rulebook, "shopping"), Allow)
    assert rule(rulebook, "shopping", "malware") == rule(Rulebook(policies=(block("shopping"),)), "shopping")


def test_safe_modes_rewrite_what_is_allowed_and_the_stricter_holds() -> None:
    rulebook = Rulebook(
        policies=(block("video"), allow("video", scope=Scope(audiences=frozenset({Audience.STAFF})))),
        safe_search=(
            SafeSearch(EVERYBODY, {"search:youtube": "moderate"}),
            SafeSearch(Scope(groups=frozenset({"year-6"})), {"search:youtube": "strict"}),
        ),
    )
    tags = ("video", "search:youtube")
    assert isinstance(rule(rulebook, *tags), Block)
    assert rule(rulebook, *tags, profile=STAFF) == Rewrite(
        Reason(ReasonCode.SAFE_SEARCH, "search:youtube"), "moderate"
    )
    strict = rule(rulebook, "search:youtube", profile=YEAR_6)
    assert strict == Rewrite(Reason(ReasonCode.SAFE_SEARCH, "search:youtube"), "strict")


TAGS = ["gambling", "games", "chat", "illegal", "helplines", "name:a.test", "name:b.a.test", "search:google"]
scopes = st.builds(
    Scope,
    audiences=st.frozensets(st.sampled_from(list(Audience)), max_size=2),
    groups=st.frozensets(st.sampled_from(["one", "two"]), max_size=1),
    except_groups=st.frozensets(st.sampled_from(["one", "two"]), max_size=1),
)
policies = st.builds(
    Policy,
    id=st.uuids().map(str),
    effect=st.sampled_from(Effect),
    tags=st.frozensets(st.sampled_from(TAGS), min_size=1, max_size=3),
    scope=scopes,
    location=st.just("site.yaml:1:1"),
    schedule=st.sampled_from([None, LUNCH]),
    lifts=st.none() | st.frozensets(st.sampled_from(["gambling", "games", "chat", "illegal"])),
)
rulebooks = st.builds(
    Rulebook,
    policies=st.lists(policies, max_size=6).map(tuple),
    statutory=st.just(frozenset({"illegal"})),
    guards=st.just(frozenset({"helplines"})),
    allow_only=st.lists(scopes, max_size=1).map(tuple),
    safe_search=st.lists(
        st.builds(SafeSearch, scope=scopes, modes=st.just({"search:google": "strict"})), max_size=1
    ).map(tuple),
)
events = st.builds(
    Event,
    at=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 (zone is given)
    profile=st.builds(
        Profile, audience=st.sampled_from(Audience), groups=st.frozensets(st.sampled_from(["one", "two"]), max_size=2)
    ),
    tags=st.frozensets(st.sampled_from(TAGS), max_size=4),
)


@given(rulebooks, events, st.randoms())
def test_nothing_depends_on_the_order_of_policies(rulebook: Rulebook, event: Event, random: object) -> None:
    shuffled = list(rulebook.policies)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide(event, rulebook) == decide(
        event,
        Rulebook(tuple(shuffled), rulebook.statutory, rulebook.guards, rulebook.allow_only, rulebook.safe_search),
    )


@given(rulebooks, events)
def test_statutory_is_blocked_whatever_the_rulebook_says(rulebook: Rulebook, event: Event) -> None:
    verdict = decide(Event(event.at, event.profile, event.tags | {"illegal"}), rulebook)
    assert verdict == Block(Reason(ReasonCode.STATUTORY, "illegal"))


@given(rulebooks, events, policies)
def test_one_more_block_never_allows_more(rulebook: Rulebook, event: Event, extra: Policy) -> None:
    if extra.effect is Effect.ALLOW:
        return
    before = decide(event, rulebook)
    after = decide(
        event,
        Rulebook(
            (*rulebook.policies, extra),
            rulebook.statutory,
            rulebook.guards,
            rulebook.allow_only,
            rulebook.safe_search,
        ),
    )
    assert not (isinstance(before, Block) and not isinstance(after, Block))


@given(rulebooks, events, policies)
def test_an_override_opens_nothing_beyond_its_categories(rulebook: Rulebook, event: Event, override: Policy) -> None:
    """Of a block of a category that an override neither names nor lifts, it changes nothing."""
    override = replace(override, effect=Effect.ALLOW, lifts=override.lifts or frozenset())
    before = decide(event, rulebook)
    after = decide(event, replace(rulebook, policies=(*rulebook.policies, override)))
    if isinstance(before, Block) and before.reason.code is ReasonCode.POLICY and not isinstance(after, Block):
        blocked = before.reason.tag or ""
        assert blocked.startswith("name:") or blocked in override.tags | (override.lifts or frozenset())


@given(rulebooks, events, policies)
def test_an_override_with_fewer_categories_never_allows_more(
    rulebook: Rulebook, event: Event, override: Policy
) -> None:
    wide = replace(override, effect=Effect.ALLOW, lifts=None)
    opened = [
        not isinstance(decide(event, replace(rulebook, policies=(*rulebook.policies, each))), Block)
        for each in (replace(wide, lifts=frozenset()), replace(wide, lifts=GAMBLING_ALONE), wide)
    ]
    assert opened == sorted(opened)


# ---- what an answer is owed to -----------------------------------------------------------------------------------


def without(rulebook: Rulebook, *ids: str) -> Rulebook:
    return replace(rulebook, policies=tuple(policy for policy in rulebook.policies if policy.id not in ids))


FIVE = Profile(Audience.PUPIL, frozenset({"five"}))
SCOPE_FIVE = Scope(groups=frozenset({"five"}))
GAMBLING = allow("name:bet.test", id_="o1", lifts=GAMBLING_ALONE)
GAMES = allow("name:bet.test", id_="o2", lifts=frozenset({"games"}))
NOTHING = allow("name:bet.test", id_="o0", lifts=frozenset())
SPLIT = allow("gambling", id_="o1-2", lifts=frozenset())
BLOCKS = (block("gambling"), block("games"))


@pytest.mark.parametrize(
    ("policies_", "tags", "owed"),
    [
        pytest.param((*BLOCKS, GAMBLING), "gambling", ("o1",), id="the-one-that-lifts-it"),
        pytest.param((*BLOCKS, GAMBLING), "", (), id="what-nobody-blocks-is-owed-to-nobody"),
        pytest.param((*BLOCKS, allow("gambling"), GAMBLING), "gambling", (), id="a-rule-of-the-site-opens-it-anyhow"),
        pytest.param((*BLOCKS, GAMBLING, GAMES), "gambling games", ("o1", "o2"), id="both-where-both-are-needed"),
        pytest.param((*BLOCKS, allow("games"), GAMBLING), "gambling games", ("o1",), id="the-rest-by-the-site"),
        pytest.param((*BLOCKS, GAMBLING, replace(GAMBLING, id="o2")), "gambling", ("o1",), id="the-first-of-equals"),
        pytest.param((*BLOCKS, NOTHING, GAMBLING), "gambling", ("o1",), id="not-the-one-that-lifts-nothing"),
        pytest.param((*BLOCKS, NOTHING, SPLIT), "gambling", ("o1",), id="any-policy-of-it"),
    ],
)
def test_what_an_answer_is_owed_to(policies_: tuple[Policy, ...], tags: str, owed: tuple[str, ...]) -> None:
    grants = {"o0": frozenset({"o0"}), "o1": frozenset({"o1", "o1-2"}), "o2": frozenset({"o2"})}
    event = Event(AT, PUPIL, frozenset({"name:bet.test", *tags.split()}))
    assert owed_to(event, Rulebook(policies_), grants) == owed


def test_what_only_the_youngest_would_not_get_is_owed_to_it_by_them_alone() -> None:
    rulebook = Rulebook((replace(NOTHING, id="o1"),), allow_only=(SCOPE_FIVE,))
    owed = [
        owed_to(Event(AT, profile, frozenset({"name:bet.test"})), rulebook, {"o1": frozenset({"o1"})})
        for profile in (FIVE, PUPIL)
    ]
    assert owed == [("o1",), ()]


def test_a_safe_mode_is_owed_to_what_opens_the_service() -> None:
    rulebook = Rulebook(
        (block("video"), allow("video", id_="o1")), safe_search=(SafeSearch(EVERYBODY, {"search:youtube": "strict"}),)
    )
    event = Event(AT, PUPIL, frozenset({"video", "search:youtube"}))
    assert isinstance(decide(event, rulebook), Rewrite)
    assert owed_to(event, rulebook, {"o1": frozenset({"o1"})}) == ("o1",)


@given(rulebooks, events)
def test_what_an_answer_is_owed_to_is_enough_and_nothing_of_it_is_idle(rulebook: Rulebook, event: Event) -> None:
    if isinstance(decide(event, rulebook), Block):
        return
    allowing = [policy.id for policy in rulebook.policies if policy.effect is Effect.ALLOW]
    grants = {f"grant-{place % 3}": frozenset(allowing[place % 3 :: 3]) for place in range(len(allowing))}
    owed = owed_to(event, rulebook, grants)
    others = [id_ for grant, ids in grants.items() if grant not in owed for id_ in ids]
    assert not isinstance(decide(event, without(rulebook, *others)), Block)
    for grant in owed:
        assert isinstance(decide(event, without(rulebook, *others, *grants[grant])), Block)


# ---- restrictions --------------------------------------------------------------------------------------------

RESTRICTED = Rulebook(
    policies=(
        restrict("for_children", scope=Scope(groups=frozenset({"year-6"}))),
        block("gambling"),
        allow("gambling", "video"),
    ),
    statutory=frozenset({"illegal"}),
    guards=frozenset({"helplines"}),
)


@pytest.mark.parametrize(
    ("tags", "profile", "code"),
    [
        pytest.param((), YEAR_6, ReasonCode.ALLOW_ONLY, id="a-name-of-no-category"),
        pytest.param(("video",), YEAR_6, ReasonCode.ALLOW_ONLY, id="what-a-policy-allows-others"),
        pytest.param(("for_children",), YEAR_6, ReasonCode.NO_POLICY, id="what-the-restriction-leaves"),
        pytest.param(("helplines",), YEAR_6, ReasonCode.GUARD, id="a-guard"),
        pytest.param(("illegal", "for_children"), YEAR_6, ReasonCode.STATUTORY, id="what-is-illegal"),
        pytest.param((), PUPIL, ReasonCode.NO_POLICY, id="somebody-else"),
    ],
)
def test_whoever_is_restricted_gets_only_what_is_left(
    tags: tuple[str, ...], profile: Profile, code: ReasonCode
) -> None:
    assert rule(RESTRICTED, *tags, profile=profile).reason.code is code


def test_a_restriction_names_itself_and_lifts_no_block() -> None:
    assert rule(RESTRICTED, profile=YEAR_6).reason.policy_id == "restrict-for_children"
    blocked = replace(RESTRICTED, policies=(*RESTRICTED.policies[:2],))
    assert rule(blocked, "for_children", "gambling", profile=YEAR_6).reason.code is ReasonCode.POLICY


def test_what_the_restriction_leaves_is_what_every_restriction_leaves() -> None:
    policies = (restrict("for_children", id_="a"), restrict("maps", id_="b"))
    assert rule(Rulebook(policies=policies), "for_children").reason.policy_id == "b"
    assert rule(Rulebook(policies=policies), "for_children", "maps").reason.code is ReasonCode.NO_POLICY
