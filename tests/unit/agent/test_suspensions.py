"""Filtering off: two people, an end, and what is illegal stays blocked."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from granting import Granting

from agent.attempts import ConflictError, UnknownIdError
from agent.storage.suspension_rows import FiledSuspension
from agent.suspensions import AskedSuspension, Suspensions
from rules.errors import RefusedRequestError
from rules.subject import Audience
from rules.suspension import Move, State

REASON = "The lists block the examination board today."


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


def asked(
    school: Granting, person: str = "manager", *, lasts: timedelta = timedelta(hours=1), **parts: Any
) -> FiledSuspension:
    usual: dict[str, Any] = {"groups": ("year5",), "reason": REASON, "until_at": school.clock() + lasts}
    return school.suspensions.request(person, AskedSuspension(**(usual | parts)))


def agreed(school: Granting, **parts: Any) -> FiledSuspension:
    return school.suspensions.agree("head", asked(school, **parts).suspension.id, version=1)


def test_filtering_is_off_for_whom_it_was_agreed_and_no_longer(school: Granting) -> None:
    filed = agreed(school)
    assert filed.suspension.agreed_by == "head"
    assert all(school.open_for("year5", name) for name in ("bet.example", "nude.example", "virus.example"))
    assert not school.open_for("year6", "bet.example")
    assert not school.open_for("year5", "bet.example", at=filed.suspension.until_at)
    assert school.changes == 1
    assert school.kinds() == ["suspension_requested", "suspension_agreed"]
    assert school.suspensions.everywhere_at(filed) == school.clock() + timedelta(seconds=11)


@pytest.mark.parametrize(
    ("parts", "groups"),
    [
        pytest.param({"groups": ("class-5b",)}, ("year5",), id="a-class"),
        pytest.param({"groups": (), "networks": ("library",)}, ("network:library",), id="a-network"),
        pytest.param({"groups": (), "is_for_school": True}, ("year5", "year6", "anybody"), id="the-school"),
    ],
)
def test_where_it_can_be_off(school: Granting, parts: dict[str, Any], groups: tuple[str, ...]) -> None:
    agreed(school, **parts)
    assert all(school.open_for(group, "bet.example") for group in groups)
    assert school.open_for("nobody", "bet.example") is ("anybody" in groups)


def test_what_is_illegal_stays_blocked_throughout(school: Granting) -> None:
    agreed(school, groups=(), is_for_school=True)
    assert not any(school.open_for("year5", "crime.example", audience=audience) for audience in Audience)
    assert school.open_for("year5", "own.example"), "a name that the school blocks itself"


@pytest.mark.parametrize("person", ["everything", "head", "coordinator", "manager"])
def test_nobody_agrees_with_themselves(school: Granting, person: str) -> None:
    filed = asked(school, person)
    with pytest.raises(RefusedRequestError, match="yourself"):
        school.suspensions.agree(person, filed.suspension.id, version=1)
    assert school.kinds() == ["suspension_requested", "rule_refused"]
    assert not school.open_for("year5", "bet.example")


def test_one_of_the_two_is_the_head_or_the_coordinator(school: Granting) -> None:
    filed = asked(school, "technician")
    with pytest.raises(RefusedRequestError, match="head teacher or the ICT Co-ordinator"):
        school.suspensions.agree("manager", filed.suspension.id, version=1)
    assert school.suspensions.agree("coordinator", filed.suspension.id, version=1).suspension.state is State.AGREED


@pytest.mark.parametrize("person", ["pupil", "teacher", "gone"])
def test_who_cannot_ask_is_noted(school: Granting, person: str) -> None:
    with pytest.raises(RefusedRequestError):
        asked(school, person)
    assert school.kinds() == ["rule_refused"]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        pytest.param({"lasts": timedelta(hours=9)}, "at most 8 hours", id="too-long"),
        pytest.param({"lasts": timedelta(hours=-1)}, "end", id="an-end-before-its-start"),
        pytest.param({"reason": "no"}, "reason", id="a-reason-that-is-none"),
        pytest.param({"reason": "x" * 3_000}, "3,000 characters", id="a-reason-without-end"),
        pytest.param({"groups": ("year9",)}, "no group", id="an-unknown-group"),
        pytest.param({"networks": ("moon",)}, "no network", id="an-unknown-network"),
        pytest.param({"groups": ()}, "does not say where", id="nowhere"),
        pytest.param({"is_for_school": True}, "choose one", id="everywhere-and-somewhere"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_nothing_half_done(
    school: Granting, parts: dict[str, Any], said: str
) -> None:
    with pytest.raises(RefusedRequestError, match=said):
        asked(school, **parts)
    assert school.kinds() == []
    assert school.suspensions.list() == []


def test_an_instant_has_a_zone(school: Granting) -> None:
    with pytest.raises(RefusedRequestError, match="time zone"):
        asked(school, from_at=school.clock().replace(tzinfo=None))


MOVES: dict[Move, Callable[[Suspensions, str, int], FiledSuspension]] = {
    Move.AGREE: lambda service, id_, version: service.agree("head", id_, version=version),
    Move.REFUSE: lambda service, id_, version: service.refuse("head", id_, version=version, reason=REASON),
    Move.WITHDRAW: lambda service, id_, version: service.withdraw("manager", id_, version=version),
    Move.STOP: lambda service, id_, version: service.end("safeguarding", id_, version=version),
}
LEGAL = {
    (State.WAITING, Move.AGREE): "suspension_agreed",
    (State.WAITING, Move.REFUSE): "suspension_refused",
    (State.WAITING, Move.WITHDRAW): "suspension_withdrawn",
    (State.AGREED, Move.STOP): "suspension_stopped",
}
WAYS: dict[State, tuple[Move, ...]] = {
    State.WAITING: (),
    State.AGREED: (Move.AGREE,),
    State.REFUSED: (Move.REFUSE,),
    State.WITHDRAWN: (Move.WITHDRAW,),
    State.STOPPED: (Move.AGREE, Move.STOP),
    State.ENDED: (Move.AGREE,),
}


@pytest.mark.parametrize("state", WAYS, ids=str)
@pytest.mark.parametrize("move", MOVES, ids=str)
def test_every_move_in_every_state(school: Granting, state: State, move: Move) -> None:
    filed = asked(school)
    for step in WAYS[state]:
        filed = MOVES[step](school.suspensions, filed.suspension.id, filed.version)
    if state is State.ENDED:
        school.clock.advance(hours=2)
    before = school.kinds()
    if (kind := LEGAL.get((state, move))) is not None:
        MOVES[move](school.suspensions, filed.suspension.id, filed.version)
        assert school.kinds() == [*before, kind]
        return
    with pytest.raises(RefusedRequestError):
        MOVES[move](school.suspensions, filed.suspension.id, filed.version)
    assert school.kinds() == [*before, "rule_refused"]
    assert school.suspensions.get(filed.suspension.id) == filed


def test_stopping_works_at_once(school: Granting) -> None:
    filed = agreed(school, lasts=timedelta(hours=5))
    done = school.suspensions.end("manager", filed.suspension.id, version=2)
    assert (done.suspension.state, done.suspension.ended_at) == (State.STOPPED, school.clock())
    assert not school.open_for("year5", "bet.example")
    assert school.suspensions.everywhere_at(done) == school.clock() + timedelta(hours=1, seconds=1)
    assert school.changes == 2


def test_refusing_has_a_reason(school: Granting) -> None:
    filed = asked(school)
    with pytest.raises(RefusedRequestError, match="reason"):
        school.suspensions.refuse("head", filed.suspension.id, version=1, reason="no")


def test_two_windows_decide_once(school: Granting) -> None:
    filed = agreed(school)
    with pytest.raises(ConflictError):
        school.suspensions.refuse("coordinator", filed.suspension.id, version=1, reason=REASON)


def test_one_that_is_not_there(school: Granting) -> None:
    with pytest.raises(UnknownIdError):
        school.suspensions.get("0")


def test_it_ends_by_itself_and_that_is_written_down(school: Granting) -> None:
    over, waiting = agreed(school), asked(school)
    school.clock.advance(hours=1)
    with school.store.read() as database:
        assert school.suspensions.active(database, school.clock()) == []
    assert [school.suspensions.sweep(), school.suspensions.sweep()] == [2, 0]
    ended = school.suspensions.get(over.suspension.id).suspension
    assert (ended.state, ended.ended_at) == (State.ENDED, over.suspension.until_at)
    assert school.suspensions.get(waiting.suspension.id).suspension.ended_at is None


def test_what_is_off_now_is_told_to_whoever_shows_it(school: Granting) -> None:
    now_off = agreed(school)
    agreed(school, from_at=school.clock() + timedelta(hours=2), lasts=timedelta(hours=3))
    with school.store.read() as database:
        active = school.suspensions.active(database, school.clock())
    assert [each.id for each in active] == [now_off.suspension.id]
