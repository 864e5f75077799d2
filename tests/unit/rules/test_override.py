"""The life cycle of an override over every state and move, who may move it, and what may be asked for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.engine import decide
from rules.errors import RefusedRequestError
from rules.event import Event
from rules.name import DomainName
from rules.override import (
    TRANSITIONS,
    Lift,
    Move,
    Override,
    State,
    check_decision,
    narrowed,
    needs_two,
    next_state,
    policies_of,
    shared,
)
from rules.policy import Effect, Policy, Rulebook
from rules.roles import APPROVERS, Role
from rules.subject import Audience, Profile, Scope
from rules.verdict import Allow, Block, Reason, ReasonCode

NOW = datetime(2026, 11, 18, 10, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
CASINO, NEWS = DomainName("casino.test"), DomainName("news.test")
SENSITIVE = frozenset({"drugs"})
LIFT = Lift(
    names=(CASINO, NEWS),
    categories=frozenset(),
    lifts_of=((CASINO, frozenset({"gambling"})), (NEWS, frozenset({"gambling"}))),
    audiences=frozenset({Audience.PUPIL}),
    groups=frozenset({"year-5", "year-6"}),
    from_at=NOW,
    until_at=NOW + HOUR,
)
OF_TWO_KINDS = replace(LIFT, lifts_of=((CASINO, frozenset({"gambling"})), (NEWS, frozenset({"video"}))))
ABOUT_DRUGS = replace(LIFT, lifts_of=((CASINO, SENSITIVE), (NEWS, frozenset())))
WAITING = Override(
    id="1a",
    requester="tess",
    lift=LIFT,
    reason="Year 6 study how betting firms advertise.",
    topic="maths",
    state=State.WAITING,
    is_break_glass=False,
    approvers=(),
    requested_at=NOW,
    decided_at=None,
)
EMERGENCY = replace(WAITING, is_break_glass=True, state=State.APPROVED)
LEAD, COORDINATOR, HEAD, MANAGER, TEACHER = (
    frozenset({role})
    for role in (
        Role.SAFEGUARDING_LEAD,
        Role.ICT_COORDINATOR,
        Role.HEAD_TEACHER,
        Role.NETWORK_MANAGER,
        Role.TEACHER,
    )
)
EVERY_ROLE = frozenset(Role)
PAIRS = [pytest.param(*pair, id=f"{pair[0]}-{pair[1]}") for pair in product(State, Move)]
CONFIRMING = (Move.COUNTERSIGN, Move.LAPSE)
_APPROVALS = (Move.APPROVE, Move.NARROW, Move.HALF_APPROVE)
# Written down a second time, by what a person would expect: state, moves, where they lead.
ORDINARY = {
    State.WAITING: "approve:approved half_approve:half_approved narrow:approved refuse:refused withdraw:withdrawn"
    " end:ended",
    State.HALF_APPROVED: "approve:approved narrow:approved begin_again:waiting refuse:refused withdraw:withdrawn"
    " end:ended",
    State.APPROVED: "revoke:revoked end:ended",
}
IN_AN_EMERGENCY = {
    State.APPROVED: "revoke:revoked end:ended countersign:approved lapse:unconfirmed",
    State.REVOKED: "countersign:revoked lapse:unconfirmed",
    State.ENDED: "countersign:ended lapse:unconfirmed",
}


def expected(table: dict[State, str], state: State, move: Move) -> State | None:
    found = dict(step.split(":") for step in table.get(state, "").split())
    return State(found[move]) if move in found else None


@pytest.mark.parametrize(("state", "move"), PAIRS)
def test_every_move_of_an_ordinary_override(state: State, move: Move) -> None:
    override = replace(WAITING, state=state)
    leads_to = expected(ORDINARY, state, move)
    if leads_to is None:
        with pytest.raises(RefusedRequestError, match=r"^[A-Z].*\.$"):
            next_state(override, move, sensitive=())
    else:
        assert next_state(override, move, sensitive=()) is leads_to


@pytest.mark.parametrize(("state", "move"), PAIRS)
def test_every_move_of_an_emergency(state: State, move: Move) -> None:
    override = replace(EMERGENCY, state=state)
    leads_to = expected(IN_AN_EMERGENCY, state, move)
    if leads_to is not None:
        assert next_state(override, move, sensitive=()) is leads_to
    elif state not in (State.WAITING, State.HALF_APPROVED):
        with pytest.raises(RefusedRequestError, match=r"^[A-Z].*\.$"):
            next_state(override, move, sensitive=())


@pytest.mark.parametrize(("state", "move"), PAIRS)
def test_the_table_holds_nothing_that_nobody_expects(state: State, move: Move) -> None:
    wanted = expected(ORDINARY, state, move) or expected(IN_AN_EMERGENCY, state, move)
    assert TRANSITIONS.get((state, move)) is wanted


def test_what_is_refused_withdrawn_or_unconfirmed_is_never_moved_again() -> None:
    assert not {state for state, _ in TRANSITIONS} & {State.REFUSED, State.WITHDRAWN, State.UNCONFIRMED}


def test_a_refusal_says_where_the_override_stands() -> None:
    with pytest.raises(RefusedRequestError, match=r"^This request is withdrawn, so it cannot be approved\.$"):
        next_state(replace(WAITING, state=State.WITHDRAWN), Move.APPROVE, sensitive=())
    with pytest.raises(RefusedRequestError, match=r"is half-approved, so it cannot be revoked\.$"):
        next_state(replace(WAITING, state=State.HALF_APPROVED), Move.REVOKE, sensitive=())


@pytest.mark.parametrize("move", CONFIRMING)
def test_an_emergency_is_confirmed_once(move: Move) -> None:
    with pytest.raises(RefusedRequestError, match="has been countersigned"):
        next_state(replace(EMERGENCY, approvers=("nat",)), move, sensitive=())


@pytest.mark.parametrize("move", [Move.APPROVE, Move.NARROW])
def test_a_sensitive_request_is_half_approved_first(move: Move) -> None:
    waiting = replace(WAITING, lift=ABOUT_DRUGS)
    assert needs_two(waiting.lift, SENSITIVE)
    assert next_state(waiting, move, sensitive=SENSITIVE) is State.HALF_APPROVED
    half = replace(waiting, state=State.HALF_APPROVED, approvers=("dee",))
    assert next_state(half, move, sensitive=SENSITIVE) is State.APPROVED


def test_a_sensitive_category_asked_for_as_a_whole_needs_two_as_well() -> None:
    assert needs_two(replace(LIFT, categories=SENSITIVE), SENSITIVE)
    assert not needs_two(LIFT, SENSITIVE)


@st.composite
def lives(draw: st.DrawFn) -> tuple[bool, list[Move]]:
    return draw(st.booleans()), draw(st.lists(st.sampled_from(Move), max_size=12))


@given(lives(), st.booleans())
def test_no_life_opens_without_an_approval(life: tuple[bool, list[Move]], is_sensitive: bool) -> None:
    is_emergency, moves = life
    override = EMERGENCY if is_emergency else WAITING
    override = replace(override, lift=ABOUT_DRUGS if is_sensitive else LIFT)
    approvals = 0
    for move in moves:
        try:
            state = next_state(override, move, sensitive=SENSITIVE)
        except RefusedRequestError:
            continue
        approvals = 0 if move is Move.BEGIN_AGAIN else approvals + (move in _APPROVALS)
        approvers = (*override.approvers, "nat") if move is Move.COUNTERSIGN else override.approvers
        override = replace(override, state=state, approvers=approvers)
        if state is State.APPROVED and not is_emergency:
            assert approvals >= 1 + is_sensitive
    assert override.is_active(NOW) == (override.state is State.APPROVED)


@pytest.mark.parametrize("move", [Move.APPROVE, Move.NARROW, Move.REFUSE, Move.COUNTERSIGN])
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("sensitive", [pytest.param((), id="ordinary"), pytest.param(("gambling",), id="sensitive")])
def test_the_requester_never_decides_whatever_roles_they_hold(
    state: State, move: Move, sensitive: tuple[str, ...]
) -> None:
    override = replace(WAITING, state=state, approvers=("dee",))
    with pytest.raises(RefusedRequestError, match=r"^You asked for this override yourself"):
        check_decision(
            override,
            person="tess",
            roles=EVERY_ROLE,
            sensitive=sensitive,
            move=move,
            earlier_roles=EVERY_ROLE,
        )


@pytest.mark.parametrize("move", [Move.APPROVE, Move.NARROW, Move.REFUSE])
@pytest.mark.parametrize("role", Role)
def test_a_decision_needs_the_role_of_an_approver(role: Role, move: Move) -> None:
    if role in APPROVERS:
        check_decision(WAITING, person="nat", roles=frozenset({role}), sensitive=SENSITIVE, move=move)
        return
    with pytest.raises(RefusedRequestError, match=r"^None of your roles has the right to decide override"):
        check_decision(WAITING, person="nat", roles=frozenset({role}), sensitive=SENSITIVE, move=move)


@pytest.mark.parametrize("role", Role)
def test_a_sensitive_category_is_for_the_safeguarding_lead_and_the_coordinator(role: Role) -> None:
    waiting = replace(WAITING, lift=ABOUT_DRUGS)
    if role in (Role.SAFEGUARDING_LEAD, Role.ICT_COORDINATOR):
        check_decision(waiting, person="dee", roles=frozenset({role}), sensitive=SENSITIVE)
        return
    with pytest.raises(RefusedRequestError, match=r"^This request is about a sensitive category"):
        check_decision(waiting, person="dee", roles=frozenset({role}), sensitive=SENSITIVE)


@pytest.mark.parametrize("move", [Move.APPROVE, Move.NARROW])
@pytest.mark.parametrize(
    ("earlier", "later", "is_enough"),
    [
        pytest.param(LEAD, COORDINATOR, True, id="lead-then-coordinator"),
        pytest.param(COORDINATOR, LEAD, True, id="coordinator-then-lead"),
        pytest.param(LEAD | COORDINATOR, LEAD, True, id="both-then-lead"),
        pytest.param(COORDINATOR, LEAD | COORDINATOR, True, id="coordinator-then-both"),
        pytest.param(COORDINATOR, COORDINATOR, False, id="two-coordinators"),
        pytest.param(LEAD, LEAD, False, id="two-leads"),
        pytest.param(LEAD, HEAD | MANAGER, False, id="lead-then-head"),
        pytest.param(TEACHER, COORDINATOR, False, id="the-first-is-no-longer-lead"),
        pytest.param(frozenset(), COORDINATOR, False, id="nobody-knows-who-was-first"),
    ],
)
def test_the_second_of_two_approvers(
    earlier: frozenset[Role], later: frozenset[Role], is_enough: bool, move: Move
) -> None:
    half = replace(WAITING, lift=ABOUT_DRUGS, state=State.HALF_APPROVED, approvers=("dee",))
    if is_enough:
        check_decision(half, person="cora", roles=later, sensitive=SENSITIVE, move=move, earlier_roles=earlier)
        return
    with pytest.raises(RefusedRequestError, match="safeguarding lead and the ICT Co-ordinator"):
        check_decision(half, person="cora", roles=later, sensitive=SENSITIVE, move=move, earlier_roles=earlier)


def test_one_person_with_both_roles_is_not_two_people() -> None:
    half = replace(WAITING, lift=ABOUT_DRUGS, state=State.HALF_APPROVED, approvers=("dee",))
    both = LEAD | COORDINATOR
    with pytest.raises(RefusedRequestError, match=r"^You have agreed to this request already"):
        check_decision(half, person="dee", roles=both, sensitive=SENSITIVE, earlier_roles=both)


@pytest.mark.parametrize("sensitive", [SENSITIVE, frozenset[str]()])
def test_what_was_sensitive_when_the_first_agreed_still_needs_somebody_else(sensitive: frozenset[str]) -> None:
    half = replace(WAITING, state=State.HALF_APPROVED, approvers=("dee",))
    with pytest.raises(RefusedRequestError, match="already"):
        check_decision(half, person="dee", roles=COORDINATOR, sensitive=sensitive, earlier_roles=COORDINATOR)
    check_decision(half, person="nat", roles=MANAGER, sensitive=sensitive, earlier_roles=COORDINATOR)


@pytest.mark.parametrize("roles", [pytest.param(HEAD, id="head"), pytest.param(LEAD, id="lead")])
def test_any_approver_may_refuse_what_is_sensitive_also_the_first_of_two(roles: frozenset[Role]) -> None:
    half = replace(WAITING, lift=ABOUT_DRUGS, state=State.HALF_APPROVED, approvers=("dee",))
    check_decision(half, person="dee", roles=roles, sensitive=SENSITIVE, move=Move.REFUSE)


@pytest.mark.parametrize(
    ("lift", "roles", "is_enough"),
    [
        pytest.param(LIFT, MANAGER, True, id="an-approver"),
        pytest.param(LIFT, LEAD, True, id="the-safeguarding-lead"),
        pytest.param(LIFT, TEACHER, False, id="a-teacher"),
        pytest.param(ABOUT_DRUGS, LEAD, True, id="sensitive-by-the-lead"),
        pytest.param(ABOUT_DRUGS, MANAGER, False, id="sensitive-by-the-network-manager"),
    ],
)
def test_who_countersigns(lift: Lift, roles: frozenset[Role], is_enough: bool) -> None:
    emergency = replace(EMERGENCY, lift=lift)
    if is_enough:
        check_decision(emergency, person="nat", roles=roles, sensitive=SENSITIVE, move=Move.COUNTERSIGN)
        return
    with pytest.raises(RefusedRequestError):
        check_decision(emergency, person="nat", roles=roles, sensitive=SENSITIVE, move=Move.COUNTERSIGN)


@pytest.mark.parametrize(
    ("person", "roles", "may"),
    [
        pytest.param("tess", TEACHER, True, id="the-requester"),
        pytest.param("nat", MANAGER, True, id="an-approver"),
        pytest.param("dee", LEAD, True, id="the-safeguarding-lead"),
        pytest.param("tom", TEACHER, False, id="another-teacher"),
        pytest.param("ann", frozenset({Role.AUDITOR, Role.ESAFETY_GOVERNOR}), False, id="who-only-reads"),
    ],
)
def test_who_revokes(person: str, roles: frozenset[Role], may: bool) -> None:
    active = replace(WAITING, state=State.APPROVED, lift=ABOUT_DRUGS)
    if may:
        check_decision(active, person=person, roles=roles, sensitive=SENSITIVE, move=Move.REVOKE)
        return
    with pytest.raises(RefusedRequestError):
        check_decision(active, person=person, roles=roles, sensitive=SENSITIVE, move=Move.REVOKE)


def test_only_the_requester_withdraws() -> None:
    check_decision(WAITING, person="tess", roles=TEACHER, sensitive=(), move=Move.WITHDRAW)
    with pytest.raises(RefusedRequestError, match="Only the person who asked"):
        check_decision(WAITING, person="nat", roles=EVERY_ROLE, sensitive=(), move=Move.WITHDRAW)


@pytest.mark.parametrize("move", [Move.END, Move.LAPSE, Move.HALF_APPROVE, Move.BEGIN_AGAIN])
def test_what_follows_by_itself_is_nobodys_decision(move: Move) -> None:
    with pytest.raises(RefusedRequestError, match="follows by itself"):
        check_decision(WAITING, person="nat", roles=EVERY_ROLE, sensitive=(), move=move)


def test_fewer_names_people_and_minutes() -> None:
    less = narrowed(LIFT, names=[CASINO], groups={"year-6"}, until_at=NOW + HOUR / 2)
    assert less == replace(
        LIFT,
        names=(CASINO,),
        lifts_of=((CASINO, frozenset({"gambling"})),),
        groups=frozenset({"year-6"}),
        until_at=NOW + HOUR / 2,
    )


def test_what_falls_for_a_name_that_is_left_out_falls_for_no_other() -> None:
    less = narrowed(OF_TWO_KINDS, names=[NEWS])
    assert less.lifts_of == ((NEWS, frozenset({"video"})),)
    assert less.lifts == {"video"}


def test_of_a_whole_audience_some_groups_are_less() -> None:
    everybody = replace(LIFT, groups=frozenset())
    assert narrowed(everybody, groups={"year-6"}).groups == {"year-6"}


def test_fewer_categories() -> None:
    lift = replace(OF_TWO_KINDS, categories=frozenset({"gambling", "games"}))
    less = narrowed(lift, categories={"games"}, lifts={"video"})
    assert less == replace(
        lift,
        categories=frozenset({"games"}),
        lifts_of=((CASINO, frozenset()), (NEWS, frozenset({"video"}))),
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"names": [DomainName("other.test")]}, "other.test is no address of this request", id="a-name"),
        pytest.param({"names": []}, "Nothing would be left", id="no-name-left"),
        pytest.param({"categories": ["games"]}, "games is no category of this request", id="a-category"),
        pytest.param({"lifts": ["adult"]}, "adult is no category of this request", id="a-lifted-category"),
        pytest.param({"groups": ["year-4"]}, "year-4 is no group of this request", id="a-group"),
        pytest.param({"groups": []}, "At least one group must be left", id="no-group-is-everybody"),
        pytest.param({"until_at": NOW + 2 * HOUR}, "later than the one asked for", id="a-later-end"),
        pytest.param({"until_at": NOW}, "not after the start", id="no-time-left"),
        pytest.param({}, "Nothing was narrowed", id="nothing"),
        pytest.param({"names": [CASINO, NEWS]}, "Nothing was narrowed", id="the-same"),
    ],
)
def test_narrowing_never_gives_more_or_nothing(changes: dict[str, object], says: str) -> None:
    with pytest.raises(RefusedRequestError, match=says):
        narrowed(LIFT, **changes)  # type: ignore[arg-type]


names = st.sampled_from([CASINO, NEWS, DomainName("other.test")])
some_groups = st.sampled_from(["year-4", "year-5", "year-6"])


@given(
    st.none() | st.lists(names, max_size=3),
    st.none() | st.lists(some_groups, max_size=3),
    st.none() | st.integers(-60, 120).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    st.booleans(),
)
def test_a_narrowed_lift_opens_nothing_that_was_not_asked_for(
    kept: list[DomainName] | None, groups: list[str] | None, until_at: datetime | None, is_for_all: bool
) -> None:
    asked = replace(LIFT, groups=frozenset()) if is_for_all else LIFT
    try:
        less = narrowed(asked, names=kept, groups=groups, until_at=until_at)
    except RefusedRequestError:
        return
    assert set(less.names) <= set(asked.names)
    assert less.until_at <= asked.until_at
    assert less.from_at == asked.from_at
    for group in ("year-4", "year-5", "year-6"):
        profile = Profile(Audience.PUPIL, frozenset({group}))
        assert covers(asked, profile) or not covers(less, profile)


def covers(lift: Lift, profile: Profile) -> bool:
    (policy,) = policies_of(replace(WAITING, lift=lift))
    return policy.scope.covers(profile)


def test_the_policy_of_an_override() -> None:
    assert policies_of(WAITING) == (
        Policy(
            "override-1a",
            Effect.ALLOW,
            frozenset({"name:casino.test", "name:news.test"}),
            Scope(frozenset({Audience.PUPIL}), frozenset({"year-5", "year-6"})),
            "override 1a",
            from_at=NOW,
            until_at=NOW + HOUR,
            lifts=frozenset({"gambling"}),
        ),
    )


def test_names_of_two_kinds_and_a_category_have_a_policy_each() -> None:
    lift = replace(OF_TWO_KINDS, categories=frozenset({"games"}))
    assert [(each.id, each.tags, each.lifts) for each in policies_of(replace(WAITING, lift=lift))] == [
        ("override-1a", frozenset({"name:casino.test"}), frozenset({"gambling"})),
        ("override-1a-2", frozenset({"name:news.test"}), frozenset({"video"})),
        ("override-1a-3", frozenset({"games"}), frozenset()),
    ]


def test_an_override_is_active_within_its_time_alone() -> None:
    approved = replace(WAITING, state=State.APPROVED)
    assert [approved.is_active(at) for at in (NOW - HOUR, NOW, NOW + HOUR)] == [False, True, False]
    assert not WAITING.is_active(NOW)


BLOCKS = tuple(
    Policy(f"no-{category}", Effect.BLOCK, frozenset({category}), Scope(), "site.yaml:1:1")
    for category in ("gambling", "adult", "video", "games")
)
YEAR_6 = Profile(Audience.PUPIL, frozenset({"year-6"}))


@pytest.mark.parametrize(
    ("tags", "verdict"),
    [
        pytest.param(
            {"name:casino.test", "gambling"},
            Allow(Reason(ReasonCode.LIFTED, "gambling", "override-1a")),
            id="the-name-that-was-asked-for",
        ),
        pytest.param(
            {"name:casino.test", "gambling", "adult"},
            Block(Reason(ReasonCode.POLICY, "adult", "no-adult")),
            id="the-same-name-once-it-is-also-adult",
        ),
        pytest.param(
            {"gambling"},
            Block(Reason(ReasonCode.POLICY, "gambling", "no-gambling")),
            id="another-name-of-the-category",
        ),
        pytest.param(
            {"name:casino.test", "gambling", "illegal"},
            Block(Reason(ReasonCode.STATUTORY, "illegal")),
            id="the-same-name-once-it-is-statutory",
        ),
    ],
)
def test_an_override_lifts_only_what_it_names(tags: set[str], verdict: Allow | Block) -> None:
    rulebook = Rulebook((*BLOCKS, *policies_of(WAITING)), statutory=frozenset({"illegal"}))
    assert decide(Event(NOW, YEAR_6, frozenset(tags)), rulebook) == verdict


@pytest.mark.parametrize(
    ("tags", "verdict"),
    [
        pytest.param(
            {"name:casino.test", "gambling"},
            Allow(Reason(ReasonCode.LIFTED, "gambling", "override-1a")),
            id="the-category-of-the-first",
        ),
        pytest.param(
            {"name:news.test", "video"},
            Allow(Reason(ReasonCode.LIFTED, "video", "override-1a-2")),
            id="the-category-of-the-second",
        ),
        pytest.param(
            {"name:casino.test", "gambling", "video"},
            Block(Reason(ReasonCode.POLICY, "video", "no-video")),
            id="below-the-first-what-falls-for-the-second",
        ),
        pytest.param(
            {"name:news.test", "gambling", "video"},
            Block(Reason(ReasonCode.POLICY, "gambling", "no-gambling")),
            id="below-the-second-what-falls-for-the-first",
        ),
        pytest.param(
            {"name:casino.test", "games"},
            Allow(Reason(ReasonCode.LIFTED, "games", "override-1a-3")),
            id="a-category-asked-for-falls-everywhere",
        ),
    ],
)
def test_for_each_name_only_its_own_categories_fall(tags: set[str], verdict: Allow | Block) -> None:
    lift = replace(OF_TWO_KINDS, categories=frozenset({"games"}))
    rulebook = Rulebook((*BLOCKS, *policies_of(replace(WAITING, lift=lift))))
    assert decide(Event(NOW, YEAR_6, frozenset(tags)), rulebook) == verdict


def test_an_override_lifts_for_its_own_people_and_in_its_own_time() -> None:
    rulebook = Rulebook((*BLOCKS, *policies_of(WAITING)))
    tags = frozenset({"name:casino.test", "gambling"})
    assert isinstance(decide(Event(NOW, Profile(Audience.PUPIL, frozenset({"year-4"})), tags), rulebook), Block)
    assert isinstance(decide(Event(NOW, Profile(Audience.STAFF, frozenset({"year-6"})), tags), rulebook), Block)
    assert isinstance(decide(Event(NOW + HOUR, YEAR_6, tags), rulebook), Block)
    assert isinstance(decide(Event(NOW, YEAR_6, tags), rulebook), Allow)


WWW, ALSO = DomainName("www.casino.test"), DomainName("bingo.test")


def of(name: DomainName, *lifts: str, **changes: Any) -> Lift:
    return replace(LIFT, names=(name,), lifts_of=((name, frozenset(lifts)),), **changes)


def category(*categories: str, **changes: Any) -> Lift:
    return replace(LIFT, names=(), lifts_of=(), categories=frozenset(categories), **changes)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        pytest.param(of(CASINO, "gambling"), of(CASINO, "gambling"), [CASINO], id="the-same-name"),
        pytest.param(of(CASINO, "gambling"), of(CASINO, "video"), [CASINO], id="the-same-name-whatever-falls-for-it"),
        pytest.param(of(CASINO, "gambling"), of(ALSO, "gambling"), [], id="another-name"),
        pytest.param(of(CASINO, "gambling"), of(WWW, "gambling"), [WWW], id="a-name-below"),
        pytest.param(of(CASINO, "gambling"), of(WWW, "gambling", "video"), [], id="a-name-below-that-needs-more"),
        pytest.param(of(CASINO), of(WWW), [WWW], id="a-name-below-that-only-the-school-blocks"),
        pytest.param(of(CASINO, "gambling"), category("gambling"), [CASINO], id="a-name-of-the-category"),
        pytest.param(of(CASINO, "gambling", "video"), category("gambling"), [], id="a-name-of-another-as-well"),
        pytest.param(of(CASINO), category("gambling"), [], id="a-name-of-no-category"),
        pytest.param(category("gambling", "games"), category("games", "video"), ["games"], id="a-category"),
        pytest.param(
            of(CASINO, "gambling"),
            of(CASINO, "gambling", groups=frozenset({"year-4"})),
            [],
            id="for-others",
        ),
        pytest.param(
            of(CASINO, "gambling"),
            of(CASINO, "gambling", groups=frozenset({"year-6"})),
            [CASINO],
            id="for-some-of-them",
        ),
        pytest.param(
            of(CASINO, "gambling"), of(CASINO, "gambling", groups=frozenset()), [CASINO], id="for-all-pupils"
        ),
        pytest.param(
            of(CASINO, "gambling", groups=frozenset()),
            of(CASINO, "gambling", groups=frozenset(), audiences=frozenset({Audience.STAFF})),
            [],
            id="for-staff",
        ),
    ],
)
def test_what_two_overrides_open_for_the_same_people(one: Lift, other: Lift, both: list[str]) -> None:
    assert list(shared(one, other)) == both
    assert list(shared(other, one)) == both
