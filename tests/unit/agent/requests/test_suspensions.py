"""Filtering off: two people, an end, and what is illegal stays blocked."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from granting import Granting, leave

from agent.people.attempts import ConflictError, UnknownIdError
from agent.requests.suspensions import AskedSuspension, Suspensions
from agent.storage.suspension_rows import FiledSuspension
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
    assert all(school.open_for("year5", name) for name in ("bet.example", "nude.example", "film.example"))
    assert not school.open_for("year5", "virus.example"), "what harms the machine"
    assert not school.open_for("year6", "bet.example")
    assert not school.open_for("year5", "bet.example", at=filed.suspension.until_at)
    assert school.changes == 1
    assert school.kinds() == ["suspension_requested", "suspension_agreed"]
    assert school.suspensions.everywhere_at(filed) == school.clock() + timedelta(seconds=11)


@pytest.mark.parametrize(
    ("parts", "groups"),
    [
        pytest.param({"groups": ("class-5b",)}, ("year5",), id="a-class"),
        pytest.param({"groups": ("5B",)}, ("year5",), id="a-class-by-its-title"),
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
    assert school.suspensions.everywhere_at(done) == school.clock() + timedelta(minutes=1, seconds=1)
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


# ---- one after the other ---------------------------------------------------------------------------------------


def test_eight_hours_are_not_made_longer_by_the_next_request(school: Granting) -> None:
    first = agreed(school, lasts=timedelta(hours=8))
    with pytest.raises(RefusedRequestError, match="off somewhere for 8 h 30 min"):
        asked(school, "head", from_at=first.suspension.until_at, lasts=timedelta(hours=8, minutes=30))
    school.clock.at = first.suspension.until_at
    school.suspensions.sweep()
    with pytest.raises(RefusedRequestError, match="at most 8 hours are allowed"):
        asked(school, lasts=timedelta(minutes=30))
    asked(school, lasts=timedelta(minutes=30), groups=("year6",))
    school.clock.advance(hours=1)
    asked(school, lasts=timedelta(hours=8))


def test_of_two_that_were_asked_for_only_what_fits_is_agreed_to(school: Granting) -> None:
    one, other = (asked(school, lasts=timedelta(hours=hours)) for hours in (8, 8))
    later = asked(school, from_at=school.clock() + timedelta(hours=8), lasts=timedelta(hours=10))
    for each in (one, other):
        school.suspensions.agree("head", each.suspension.id, version=1)
    with pytest.raises(RefusedRequestError, match="off somewhere for 10 h 00 min"):
        school.suspensions.agree("head", later.suspension.id, version=1)
    assert school.kinds()[-1] == "rule_refused"
    assert school.suspensions.get(later.suspension.id) == later


def test_what_was_stopped_counts_for_as_long_as_it_lasted(school: Granting) -> None:
    first = agreed(school, lasts=timedelta(hours=8))
    school.clock.advance(hours=1)
    school.suspensions.end("manager", first.suspension.id, version=2)
    with pytest.raises(RefusedRequestError, match="8 h 30 min"):
        asked(school, lasts=timedelta(hours=7, minutes=30))
    agreed(school, lasts=timedelta(hours=7))


def test_what_nobody_agreed_to_counts_for_nothing(school: Granting) -> None:
    refused, withdrawn, forgotten = (asked(school, lasts=timedelta(hours=8)) for _ in range(3))
    school.suspensions.refuse("head", refused.suspension.id, version=1, reason=REASON)
    school.suspensions.withdraw("manager", withdrawn.suspension.id, version=1)
    school.clock.advance(hours=8)
    school.suspensions.sweep()
    assert school.suspensions.get(forgotten.suspension.id).suspension.state is State.ENDED
    agreed(school, lasts=timedelta(hours=8))


def test_it_is_off_from_when_it_was_agreed_to(school: Granting) -> None:
    filed = asked(school, lasts=timedelta(hours=8))
    school.clock.advance(hours=6)
    done = school.suspensions.agree("head", filed.suspension.id, version=1).suspension
    assert (done.from_at, done.until_at) == (school.clock(), filed.suspension.until_at)
    later = asked(school, from_at=done.until_at, lasts=timedelta(hours=8))
    assert later.suspension.until_at - done.from_at == timedelta(hours=8)


# ---- what is gone ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"groups": ("year5", "year6")}, id="a-group"),
        pytest.param({"groups": (), "networks": ("library",)}, id="a-network"),
    ],
)
def test_a_place_that_is_gone_is_not_agreed_to_and_does_not_come_back(
    school: Granting, parts: dict[str, Any]
) -> None:
    waiting, off = asked(school, **parts), agreed(school, **parts)
    school.groups, school.networks, before = frozenset({"year6"}), frozenset({"classrooms"}), school.changes
    with pytest.raises(RefusedRequestError, match="is not in this school any more"):
        school.suspensions.agree("head", waiting.suspension.id, version=1)
    school.clock.advance(minutes=10)
    assert [school.suspensions.sweep(), school.suspensions.sweep()] == [1, 0]
    ended = school.suspensions.get(off.suspension.id).suspension
    assert (ended.state, ended.ended_at) == (State.ENDED, school.clock())
    assert (school.facts()["why"], school.changes) == ("place_gone", before + 1)


def test_that_its_time_is_over_is_said_although_its_place_is_gone_too(school: Granting) -> None:
    agreed(school)
    school.clock.advance(hours=1)
    school.groups = frozenset()
    school.suspensions.sweep()
    assert "why" not in school.facts()


def test_what_somebody_asked_for_who_has_left_can_only_be_refused_and_is_closed(school: Granting) -> None:
    first, second = asked(school), asked(school)
    leave(school, "manager")
    with pytest.raises(RefusedRequestError, match="has left the school, so it can only be refused"):
        school.suspensions.agree("head", first.suspension.id, version=1)
    school.suspensions.refuse("head", first.suspension.id, version=1, reason=REASON)
    assert [school.suspensions.sweep(), school.suspensions.sweep()] == [1, 0]
    assert (school.facts()["was"], school.facts()["why"]) == ("waiting", "requester_left")
    assert school.suspensions.get(second.suspension.id).suspension.ended_at is None
