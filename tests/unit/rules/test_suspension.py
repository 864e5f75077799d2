"""Filtering off: the life cycle over every state and move, the two people it takes, and where it ends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from rules.engine import decide
from rules.errors import RefusedRequestError
from rules.event import WAY_ROUND_TAG, Event
from rules.policy import Effect, Policy, Rulebook
from rules.roles import Role
from rules.subject import Audience, Profile, Scope
from rules.suspension import (
    STANDING,
    TRANSITIONS,
    Extent,
    Move,
    State,
    Suspension,
    SuspensionLimits,
    check_agreement,
    check_suspension,
    network_group,
    next_state,
    policy_of,
)
from rules.verdict import Allow, Block, Reason, ReasonCode

NOW = datetime(2026, 11, 18, 10, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
WAITING = Suspension(
    id="2b",
    requester="tess",
    extent=Extent(groups=frozenset({"year-6"})),
    reason="The exam board's site is blocked by mistake.",
    state=State.WAITING,
    requested_at=NOW,
    from_at=NOW,
    until_at=NOW + HOUR,
)
EVERY_ROLE = frozenset(Role)
PAIRS = [pytest.param(*pair, id=f"{pair[0]}-{pair[1]}") for pair in product(State, Move)]
LEGAL = {
    State.WAITING: "agree:agreed refuse:refused withdraw:withdrawn end:ended",
    State.AGREED: "stop:stopped end:ended",
}


@pytest.mark.parametrize(("state", "move"), PAIRS)
def test_every_move_in_every_state(state: State, move: Move) -> None:
    suspension = replace(WAITING, state=state)
    legal = dict(step.split(":") for step in LEGAL.get(state, "").split())
    if move in legal:
        assert next_state(suspension, move) is State(legal[move])
        assert TRANSITIONS[state, move] is State(legal[move])
    else:
        with pytest.raises(RefusedRequestError, match=rf"^This suspension is {state}, so it cannot be .*\.$"):
            next_state(suspension, move)


@pytest.mark.parametrize("move", [Move.AGREE, Move.REFUSE])
@pytest.mark.parametrize("state", State)
def test_the_requester_is_never_the_second_person_whatever_roles_they_hold(state: State, move: Move) -> None:
    with pytest.raises(RefusedRequestError, match="You asked for this suspension yourself"):
        check_agreement(
            replace(WAITING, state=state), person="tess", roles=EVERY_ROLE, requester_roles=EVERY_ROLE, move=move
        )


AUTHORITIES = (Role.HEAD_TEACHER, Role.ICT_COORDINATOR)
AGREEING = (*AUTHORITIES, Role.NETWORK_MANAGER)


@pytest.mark.parametrize(
    ("asking", "agreeing"), [pytest.param(*pair, id=f"{pair[0]}-and-{pair[1]}") for pair in product(Role, Role)]
)
def test_of_the_two_one_is_head_teacher_or_coordinator(asking: Role, agreeing: Role) -> None:
    def agree() -> None:
        check_agreement(
            WAITING, person="nat", roles=frozenset({agreeing}), requester_roles=frozenset({asking}), move=Move.AGREE
        )

    if agreeing not in AGREEING:
        with pytest.raises(RefusedRequestError, match="None of your roles has the right to agree"):
            agree()
    elif asking not in AUTHORITIES and agreeing not in AUTHORITIES:
        with pytest.raises(RefusedRequestError, match="must be the head teacher or the ICT Co-ordinator"):
            agree()
    else:
        agree()


def test_an_approver_may_refuse_alone() -> None:
    check_agreement(
        WAITING,
        person="nat",
        roles=frozenset({Role.NETWORK_MANAGER}),
        requester_roles=frozenset({Role.TECHNICIAN}),
        move=Move.REFUSE,
    )


@pytest.mark.parametrize(
    ("move", "person", "role", "says"),
    [
        pytest.param(Move.WITHDRAW, "tess", Role.TEACHER, None, id="the-requester-withdraws"),
        pytest.param(
            Move.WITHDRAW, "nat", Role.HEAD_TEACHER, "Only the person who asked", id="nobody-else-withdraws"
        ),
        pytest.param(Move.STOP, "tess", Role.TEACHER, None, id="the-requester-stops"),
        pytest.param(Move.STOP, "tom", Role.TECHNICIAN, None, id="a-technician-stops"),
        pytest.param(Move.STOP, "dee", Role.SAFEGUARDING_LEAD, None, id="the-safeguarding-lead-stops"),
        pytest.param(Move.STOP, "paul", Role.PUPIL, "right to end a suspension", id="a-pupil-does-not-stop"),
        pytest.param(Move.STOP, "ann", Role.AUDITOR, "right to end a suspension", id="an-auditor-does-not-stop"),
        pytest.param(Move.END, "nat", Role.HEAD_TEACHER, "ends by the clock", id="the-clock-ends"),
    ],
)
def test_who_ends_it(move: Move, person: str, role: Role, says: str | None) -> None:
    def ending() -> None:
        check_agreement(
            WAITING, person=person, roles=frozenset({role}), requester_roles=frozenset({Role.TEACHER}), move=move
        )

    if says is None:
        ending()
        return
    with pytest.raises(RefusedRequestError, match=says):
        ending()


def faults(suspension: Suspension, *agreed: Suspension) -> list[str]:
    return check_suspension(
        suspension,
        now=NOW,
        limits=SuspensionLimits(),
        known_networks={"pupils"},
        known_groups={"year-6"},
        agreed=agreed,
    )


SCHOOL = Extent(is_for_school=True)


@pytest.mark.parametrize(
    "suspension",
    [
        pytest.param(WAITING, id="a-group"),
        pytest.param(replace(WAITING, extent=SCHOOL), id="the-school"),
        pytest.param(replace(WAITING, extent=Extent(networks=frozenset({"pupils"}))), id="a-network"),
        pytest.param(replace(WAITING, until_at=NOW + 8 * HOUR), id="eight-hours"),
        pytest.param(replace(WAITING, until_at=NOW + timedelta(seconds=299)), id="five-minutes-a-second-ago"),
    ],
)
def test_what_may_be_asked_for(suspension: Suspension) -> None:
    assert faults(suspension) == []


@pytest.mark.parametrize(
    ("suspension", "says"),
    [
        pytest.param(replace(WAITING, extent=Extent()), "does not say where", id="nowhere"),
        pytest.param(
            replace(WAITING, extent=replace(WAITING.extent, is_for_school=True)), "choose one", id="school-and-group"
        ),
        pytest.param(
            replace(WAITING, extent=Extent(networks=frozenset({"attic"}))), "attic is no network", id="no-network"
        ),
        pytest.param(replace(WAITING, extent=Extent(groups=frozenset({"y9"}))), "y9 is no group", id="no-group"),
        pytest.param(replace(WAITING, until_at=NOW), "end is not after the start", id="no-time"),
        pytest.param(
            replace(WAITING, from_at=NOW - 2 * HOUR, until_at=NOW - HOUR), "end lies in the past", id="long-over"
        ),
        pytest.param(replace(WAITING, from_at=NOW - HOUR), "start lies in the past", id="started-before"),
        pytest.param(
            replace(WAITING, until_at=NOW + timedelta(minutes=1)), "lasts 60 seconds; at least 300", id="too-short"
        ),
        pytest.param(
            replace(WAITING, until_at=NOW + 8 * HOUR + timedelta(seconds=1)),
            "at most 8 hours",
            id="longer-than-a-day",
        ),
        pytest.param(
            replace(WAITING, from_at=NOW + timedelta(days=367), until_at=NOW + timedelta(days=367, hours=1)),
            "more than 366 days ahead",
            id="next-year",
        ),
    ],
)
def test_what_cannot_be_asked_for(suspension: Suspension, says: str) -> None:
    (fault,) = faults(suspension)
    assert says in fault
    assert fault.endswith(".")


def off(begins: float, ends: float, extent: Extent = WAITING.extent, *, until: float | None = None) -> Suspension:
    """Give a suspension that was agreed to, by hours from now; `until` where somebody stopped it then."""
    return replace(
        WAITING,
        id="another",
        extent=extent,
        state=State.AGREED,
        agreed_by="nat",
        from_at=NOW + begins * HOUR,
        until_at=NOW + ends * HOUR,
        ended_at=None if until is None else NOW + until * HOUR,
    )


def near(*agreed: Suspension, lasts: float = 4, extent: Extent = WAITING.extent) -> list[str]:
    return faults(replace(WAITING, extent=extent, until_at=NOW + lasts * HOUR), *agreed)


ON_NETWORK, YEAR_4 = Extent(networks=frozenset({"pupils"})), Extent(groups=frozenset({"year-4"}))


@pytest.mark.parametrize(
    ("found", "hours"),
    [
        pytest.param(near(), None, id="alone"),
        pytest.param(near(off(-4, 0)), None, id="eight-hours-in-a-row"),
        pytest.param(near(off(-5, 0)), "9 h 00 min", id="one-after-the-other"),
        pytest.param(near(off(4, 9)), "9 h 00 min", id="one-before-the-other"),
        pytest.param(near(off(-5.5, -0.5)), "9 h 00 min", id="a-pause-that-is-no-break"),
        pytest.param(near(off(-6, -1)), None, id="a-break-of-an-hour"),
        pytest.param(near(off(-3, 2)), None, id="the-same-time-counts-once"),
        pytest.param(near(off(-5, 2)), "9 h 00 min", id="one-begins-while-the-other-lasts"),
        pytest.param(near(off(-5, -3.5), off(-3, 0)), "8 h 30 min", id="by-a-third"),
        pytest.param(near(off(-3, 0), off(4.5, 6.01)), "8 h 31 min", id="on-both-sides"),
        pytest.param(near(off(-7, 1, until=-4)), None, id="one-that-was-stopped"),
        pytest.param(near(off(2, 8, until=1)), None, id="one-that-was-stopped-before-it-began"),
        pytest.param(near(off(-5, 0, YEAR_4)), None, id="for-others"),
        pytest.param(near(off(-5, 0, SCHOOL)), "9 h 00 min", id="one-for-the-school"),
        pytest.param(near(off(-5, 0), extent=SCHOOL), "9 h 00 min", id="one-for-a-part-of-the-school"),
        pytest.param(near(off(-5, 0, ON_NETWORK)), "9 h 00 min", id="in-whichever-network-the-devices-are"),
        pytest.param(near(off(-4, 0), off(-8, -4, YEAR_4), extent=SCHOOL), None, id="in-no-part-for-longer"),
        pytest.param(near(off(-4, 0), off(-8, -4, SCHOOL), extent=SCHOOL), "12 h 00 min", id="in-a-part-for-longer"),
    ],
)
def test_one_suspension_after_the_other_is_off_for_eight_hours_at_most(found: list[str], hours: str | None) -> None:
    if hours is None:
        assert found == []
        return
    (fault,) = found
    assert f"off somewhere for {hours}, with no break of 60 minutes; at most 8 hours" in fault


TAGS = ("gambling", "name:blocked.test")
RULEBOOK = Rulebook(
    tuple(Policy(f"no-{tag}", Effect.BLOCK, frozenset({tag}), Scope(), "site.yaml:1:1") for tag in TAGS),
    statutory=frozenset({"illegal"}),
)
YEAR_6 = Profile(Audience.PUPIL, frozenset({"year-6"}))
YEAR_5 = Profile(Audience.PUPIL, frozenset({"year-5"}))
ON_PUPILS = Profile(Audience.PUPIL, frozenset({network_group("pupils")}))


def is_open(suspension: Suspension, profile: Profile, *tags: str, at: datetime = NOW) -> bool:
    suspended = replace(RULEBOOK, policies=(*RULEBOOK.policies, policy_of(suspension, TAGS)))
    return isinstance(decide(Event(at, profile, frozenset(tags)), suspended), Allow)


@pytest.mark.parametrize("tags", [pytest.param((tag,), id=tag) for tag in TAGS] + [pytest.param(TAGS, id="both")])
def test_everything_that_is_not_statutory_is_open(tags: tuple[str, ...]) -> None:
    assert is_open(WAITING, YEAR_6, *tags)
    assert not is_open(WAITING, YEAR_5, *tags)


@pytest.mark.parametrize("extent", [pytest.param(SCHOOL, id="school"), pytest.param(WAITING.extent, id="group")])
def test_statutory_stays_blocked_throughout(extent: Extent) -> None:
    suspended = policy_of(replace(WAITING, extent=extent), (*TAGS, "illegal"))
    rulebook = replace(RULEBOOK, policies=(*RULEBOOK.policies, suspended))
    verdict = decide(Event(NOW, YEAR_6, frozenset({*TAGS, "illegal"})), rulebook)
    assert verdict == Block(Reason(ReasonCode.STATUTORY, "illegal"))


@pytest.mark.parametrize("tag", [*STANDING])
def test_what_harms_the_machine_and_what_browsers_ask_stays_as_it_is(tag: str) -> None:
    rulebook = replace(RULEBOOK, policies=(Policy("no", Effect.BLOCK, frozenset({tag, "vpn"}), Scope(), "site:1"),))
    suspended = replace(rulebook, policies=(*rulebook.policies, policy_of(WAITING, (*TAGS, "vpn", tag))))
    for about in ({tag}, {tag, "vpn"}, {tag, "gambling"}, {"vpn"}):
        event = Event(NOW, YEAR_6, frozenset(about))
        before, after = decide(event, rulebook), decide(event, suspended)
        assert before == after if tag in about else isinstance(after, Allow)


def test_what_browsers_ask_is_among_what_stands() -> None:
    assert set(STANDING) == {"malware", "phishing", WAY_ROUND_TAG}


def test_those_who_get_only_chosen_names_keep_getting_only_those() -> None:
    chosen = Policy("chosen", Effect.ALLOW, frozenset({"for_children"}), Scope(), "site.yaml:1:1")
    walled = replace(RULEBOOK, policies=(*RULEBOOK.policies, chosen), allow_only=(Scope(),))
    for rulebook in (walled, replace(walled, policies=(*walled.policies, policy_of(WAITING, TAGS)))):
        for tags in ((), TAGS[:1], TAGS):
            assert isinstance(decide(Event(NOW, YEAR_6, frozenset(tags)), rulebook), Block)
        assert isinstance(decide(Event(NOW, YEAR_6, frozenset({"for_children"})), rulebook), Allow)


def test_filtering_returns_by_itself() -> None:
    assert [is_open(WAITING, YEAR_6, "gambling", at=at) for at in (NOW - HOUR, NOW, NOW + HOUR)] == [
        False,
        True,
        False,
    ]


def test_a_suspension_is_active_within_its_time_alone() -> None:
    agreed = replace(WAITING, state=State.AGREED)
    assert [agreed.is_active(at) for at in (NOW - HOUR, NOW, NOW + HOUR)] == [False, True, False]
    assert not WAITING.is_active(NOW)


def test_whom_it_is_for() -> None:
    school = replace(WAITING, extent=SCHOOL)
    assert all(is_open(school, profile, "gambling") for profile in (YEAR_5, YEAR_6, ON_PUPILS))
    network = replace(WAITING, extent=Extent(networks=frozenset({"pupils"})))
    assert [is_open(network, profile, "gambling") for profile in (ON_PUPILS, YEAR_6)] == [True, False]
    united = replace(WAITING, extent=Extent(frozenset({"pupils"}), frozenset({"year-5"})))
    assert [is_open(united, profile, "gambling") for profile in (ON_PUPILS, YEAR_5, YEAR_6)] == [True, True, False]


def test_a_suspension_of_nothing_is_never_one_of_everybody() -> None:
    with pytest.raises(ValueError, match="a suspension of nothing"):
        policy_of(replace(WAITING, extent=Extent()), TAGS)


def test_the_policy_is_named_after_the_suspension() -> None:
    policy = policy_of(WAITING, TAGS)
    assert (policy.id, policy.location, policy.effect) == ("suspension-2b", "suspension 2b", Effect.ALLOW)
    assert policy.lifts is None
