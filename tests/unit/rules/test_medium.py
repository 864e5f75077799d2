"""What may become of a medium, a permit and an exception, and what somebody may say of them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from rules.errors import RefusedRequestError
from rules.medium import (
    EXCEPTION_TRANSITIONS,
    MEDIUM_TRANSITIONS,
    SIGN_OUT_TRANSITIONS,
    ExceptionMove,
    ExceptionState,
    Medium,
    MediumException,
    MediumKind,
    MediumMove,
    MediumState,
    SignOut,
    SignOutMove,
    SignOutState,
    check_due,
    check_medium,
    check_second_person,
    check_until,
    next_exception_state,
    next_medium_state,
    next_sign_out_state,
    parse_serial,
    stands,
    steps_reached,
)
from rules.roles import Right, Role, rights_of

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
TODAY = NOW.date()
MEDIUM = Medium(MediumKind.STICK, "ada", "Marks of year five", NOW, "ada", number=12)
SIGN_OUT = SignOut(12, False, "ada", "Reports at home", TODAY, SignOutState.OUT, NOW, "ada", number=3)  # noqa: FBT003 (of the school)
UNTIL = NOW + timedelta(hours=12)
EXCEPTION = MediumException(
    12, "k", "ada", "The museum takes no other", TODAY, UNTIL, ExceptionState.ALLOWED, NOW, number=1
)


@pytest.mark.parametrize(("state", "move"), list(product(MediumState, MediumMove)))
def test_every_move_of_a_medium(state: MediumState, move: MediumMove) -> None:
    medium = replace(MEDIUM, state=state)
    if (state, move) in MEDIUM_TRANSITIONS:
        assert next_medium_state(medium, move) is MEDIUM_TRANSITIONS[state, move]
    else:
        told = rf"^M-12 is {stands(state)}, so it cannot be .*; expected one that is"
        with pytest.raises(RefusedRequestError, match=told):
            next_medium_state(medium, move)


@pytest.mark.parametrize(("state", "move"), list(product(SignOutState, SignOutMove)))
def test_every_move_of_a_permit(state: SignOutState, move: SignOutMove) -> None:
    permit = replace(SIGN_OUT, state=state)
    if (state, move) in SIGN_OUT_TRANSITIONS:
        assert next_sign_out_state(permit, move) is SIGN_OUT_TRANSITIONS[state, move]
    else:
        with pytest.raises(RefusedRequestError, match=rf"^S-3 is {state}, so "):
            next_sign_out_state(permit, move)


def test_what_is_not_out_cannot_be_signed_in() -> None:
    with pytest.raises(RefusedRequestError, match="nothing to sign in; expected one that is out"):
        next_sign_out_state(replace(SIGN_OUT, state=SignOutState.RETURNED), SignOutMove.SIGN_IN)


@pytest.mark.parametrize(("state", "move"), list(product(ExceptionState, ExceptionMove)))
def test_every_move_of_an_exception(state: ExceptionState, move: ExceptionMove) -> None:
    exception = replace(EXCEPTION, state=state)
    if (state, move) in EXCEPTION_TRANSITIONS:
        assert next_exception_state(exception, move, NOW) is EXCEPTION_TRANSITIONS[state, move]
    else:
        with pytest.raises(RefusedRequestError, match=rf"^E-1 is {state}, so it cannot be "):
            next_exception_state(exception, move, NOW)


def test_an_exception_whose_time_is_over_is_not_allowed_any_more() -> None:
    waiting = replace(EXCEPTION, state=ExceptionState.WAITING)
    with pytest.raises(RefusedRequestError, match="which is over; expected a new request"):
        next_exception_state(waiting, ExceptionMove.ALLOW, waiting.until_at)


def test_an_exception_ends_by_the_clock_and_needs_nobody_to_write_it_down() -> None:
    assert EXCEPTION.holds(EXCEPTION.until_at - timedelta(microseconds=1))
    assert not EXCEPTION.holds(EXCEPTION.until_at)
    assert not replace(EXCEPTION, state=ExceptionState.WAITING).holds(NOW)


@pytest.mark.parametrize(
    ("days", "state", "overdue"),
    [
        pytest.param(0, SignOutState.OUT, False, id="on-its-day-it-is-in-time"),
        pytest.param(1, SignOutState.OUT, True, id="overdue-the-day-after"),
        pytest.param(9, SignOutState.RETURNED, False, id="what-is-back-is-never-overdue"),
        pytest.param(9, SignOutState.WAITING, False, id="nor-what-nobody-took"),
    ],
)
def test_when_something_is_overdue(days: int, state: SignOutState, overdue: bool) -> None:
    assert replace(SIGN_OUT, state=state).is_overdue(TODAY + timedelta(days=days)) is overdue


@pytest.mark.parametrize(
    ("days", "steps"), [(-1, 0), (0, 0), (1, 1), (2, 1), (3, 2), (6, 2), (7, 3), (400, 3)], ids=str
)
def test_reminders_climb_after_one_three_and_seven_days(days: int, steps: int) -> None:
    assert steps_reached(TODAY, TODAY + timedelta(days=days)) == steps


@pytest.mark.parametrize(
    ("said", "why"),
    [
        pytest.param({"purpose": "x"}, "The purpose is missing or says too little", id="a-purpose-that-says-nothing"),
        pytest.param({"purge_on": TODAY - timedelta(days=1)}, "which is past; expected 2026-03-02", id="past"),
        pytest.param({"purge_on": date(2046, 1, 1)}, "expected one within ten years", id="in-twenty-years"),
        pytest.param({"checked_on": TODAY + timedelta(days=1)}, "which is to come", id="checked-tomorrow"),
        pytest.param({"place": "x" * 201}, "has 201 characters; expected at most 200", id="a-long-place"),
        pytest.param({"label": "a\x1b[2J"}, "The label holds a control character", id="a-label-for-terminals"),
    ],
)
def test_what_nobody_can_say_of_a_medium(said: dict[str, Any], why: str) -> None:
    with pytest.raises(RefusedRequestError, match=why):
        check_medium(replace(MEDIUM, **said), TODAY)


def test_what_was_said_before_is_not_held_against_whoever_changes_something_else() -> None:
    old = replace(MEDIUM, purge_on=TODAY - timedelta(days=9), purpose="x")
    check_medium(replace(old, place="Office"), TODAY, before=old)


@pytest.mark.parametrize(
    ("text", "serial"),
    [(" ab-1 ", "AB-1"), ("0123", "0123"), ("É7", "É7")],
    ids=["in-capitals-without-spaces", "digits", "any-letter"],
)
def test_a_serial_number_is_read_as_all_systems_tell_it(text: str, serial: str) -> None:
    assert parse_serial(text) == serial


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no letter or digit"),
        ("---", "no letter or digit"),
        ("x" * 129, "has 129 characters"),
        ("AB\x07", "a control character"),
        ("AB\u202e1", "a control character"),
        ("AB\ud800", "a control character"),
    ],
    ids=["nothing", "dashes", "too-long", "bell", "right-to-left", "half-a-character"],
)
def test_what_is_no_serial_number(text: str, why: str) -> None:
    with pytest.raises(RefusedRequestError, match=why):
        parse_serial(text)


def test_the_end_is_not_before_the_start_nor_beyond_what_the_school_allows() -> None:
    check_due(TODAY, TODAY, longest_days=30)
    check_due(TODAY + timedelta(days=30), TODAY, longest_days=30)
    with pytest.raises(RefusedRequestError, match="expected 2026-03-02 or later"):
        check_due(TODAY - timedelta(days=1), TODAY, longest_days=30)
    with pytest.raises(RefusedRequestError, match="allows 30 days, so to 2026-04-01 at the latest"):
        check_due(TODAY + timedelta(days=31), TODAY, longest_days=30)
    check_until(TODAY, TODAY, latest=TODAY)
    with pytest.raises(RefusedRequestError, match="expected 2026-03-02 or later"):
        check_until(TODAY - timedelta(days=1), TODAY, latest=TODAY)
    with pytest.raises(RefusedRequestError, match="allows none beyond 2026-03-02"):
        check_until(TODAY + timedelta(days=1), TODAY, latest=TODAY)


def test_nobody_decides_about_their_own_and_nobody_without_the_right() -> None:
    manager, teacher = (rights_of((role,)) for role in (Role.NETWORK_MANAGER, Role.TEACHER))
    check_second_person("ben", manager, Right.MANAGE_MEDIA, own=frozenset({"ada"}))
    with pytest.raises(RefusedRequestError, match="somebody else must decide"):
        check_second_person("ada", manager, Right.MANAGE_MEDIA, own=frozenset({"ada"}))
    with pytest.raises(RefusedRequestError, match="the right to manage media"):
        check_second_person("ben", teacher, Right.MANAGE_MEDIA, own=frozenset())
    technician = rights_of((Role.TECHNICIAN,))
    with pytest.raises(RefusedRequestError, match="the right to decide media exception"):
        check_second_person("ben", technician, Right.DECIDE_MEDIA_EXCEPTION, own=frozenset())
