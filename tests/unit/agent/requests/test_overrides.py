"""Overrides as acts: who may move them, what is on record, and what the gateway reads."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from granting import REASON, Granting

from agent.requests.overrides import ConflictError, Overrides, UnknownOverrideError
from agent.storage.override_rows import Filed, Use
from rules.errors import RefusedRequestError, StorageError
from rules.override import Move, State


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


def asked(school: Granting, **parts: Any) -> Filed:
    return school.overrides.request(parts.pop("person", "teacher"), school.written(**parts))


def test_a_request_waits_and_opens_nothing(school: Granting) -> None:
    filed = asked(school)
    assert filed.override.state is State.WAITING
    assert filed.override.lift.lifts == {"gambling"}
    assert school.open_for("year5", "bet.example") is False
    assert school.kinds() == ["override_requested"]


def test_approving_opens_it_for_its_own_people_in_its_own_time(school: Granting) -> None:
    filed = asked(school)
    done = school.overrides.approve("manager", filed.override.id, version=1)
    assert (done.override.state, done.override.approvers, done.version) == (State.APPROVED, ("manager",), 2)
    assert school.changes == 1
    assert school.open_for("year5", "bet.example")
    assert not school.open_for("year6", "bet.example")
    assert not school.open_for("year5", "poker.example")
    assert not school.open_for("year5", "bet.example", at=filed.override.lift.until_at)
    assert school.overrides.everywhere_at(done) == school.clock() + timedelta(seconds=11)


@pytest.mark.parametrize("person", ["everything", "manager", "coordinator", "head"])
def test_nobody_approves_what_they_asked_for(school: Granting, person: str) -> None:
    filed = asked(school, person=person)
    with pytest.raises(RefusedRequestError, match="You asked for this override yourself"):
        school.overrides.approve(person, filed.override.id, version=1)
    assert school.overrides.get(filed.override.id) == filed
    assert school.kinds() == ["override_requested", "rule_refused"]
    assert school.changes == 0


@pytest.mark.parametrize(
    ("person", "said"),
    [
        pytest.param("pupil", "a teacher can ask for you", id="a-pupil"),
        pytest.param("technician", "None of your roles", id="somebody-without-the-right"),
        pytest.param("gone", "Nobody at this school", id="somebody-who-left"),
        pytest.param("nobody-at-all", "Nobody at this school", id="somebody-unknown"),
    ],
)
def test_who_cannot_ask_is_told_and_noted(school: Granting, person: str, said: str) -> None:
    with pytest.raises(RefusedRequestError, match=said):
        asked(school, person=person)
    assert school.kinds() == ["rule_refused"]
    assert school.overrides.list() == []


def test_an_approver_without_the_right_is_refused_and_noted(school: Granting) -> None:
    filed = asked(school)
    with pytest.raises(RefusedRequestError, match="right to decide"):
        school.overrides.approve("other-teacher", filed.override.id, version=1)
    assert school.kinds() == ["override_requested", "rule_refused"]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        pytest.param({"reason": "because"}, "reason", id="a-reason-that-is-none"),
        pytest.param({"names": ("not a name",)}, "no name of a site", id="a-name-that-is-no-domain"),
        pytest.param({"names": tuple(f"n{n}.example" for n in range(10_000))}, "10,000 names", id="10000-names"),
        pytest.param({"groups": ("year9",)}, "no group of this school", id="an-unknown-group"),
        pytest.param({"audiences": ("teachers",), "groups": ()}, "no audience 'teachers'", id="an-unknown-audience"),
        pytest.param({"groups": ()}, "everybody", id="for-everybody"),
        pytest.param({"names": (), "categories": ("chess",)}, "no category", id="an-unknown-category"),
        pytest.param(
            {"names": (), "categories": ("gambling", "games")}, "ask for a suspension", id="more-than-one-category"
        ),
        pytest.param({"names": ()}, "nothing to open", id="nothing-at-all"),
        pytest.param({"lasts": timedelta(minutes=-5)}, "end", id="an-end-before-its-start"),
        pytest.param({"begins": timedelta(days=-2), "lasts": timedelta(days=1)}, "past", id="in-the-past"),
        pytest.param({"lasts": timedelta(days=31)}, "at most 30 days", id="too-long"),
        pytest.param({"topic": "x" * 300}, "topic has 300", id="a-topic-without-end"),
        pytest.param({"naive": True}, "time zone", id="an-instant-without-a-zone"),
    ],
)
def test_what_is_wrong_with_a_request_is_one_sentence_and_nothing_half_done(
    school: Granting, parts: dict[str, Any], said: str
) -> None:
    with pytest.raises(RefusedRequestError, match=said):
        asked(school, **parts)
    assert school.kinds() == []
    assert school.overrides.list() == []


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        pytest.param({"names": ("crime.example",)}, "illegal", id="a-name-that-is-illegal"),
        pytest.param({"names": ("virus.example",)}, "never lifted", id="a-name-that-harms"),
        pytest.param({"names": (), "categories": ("criminal_activity",)}, "by law", id="a-category-that-is-illegal"),
        pytest.param({"names": (), "categories": ("malware",)}, "never opened", id="a-category-that-harms"),
    ],
)
def test_what_nobody_can_have_is_refused_with_its_reason_and_noted(
    school: Granting, parts: dict[str, Any], said: str
) -> None:
    with pytest.raises(RefusedRequestError, match=said):
        asked(school, **parts)
    assert school.kinds() == ["rule_refused"]


def test_a_gambling_override_never_opens_a_name_that_has_become_adult(school: Granting) -> None:
    filed = asked(school)
    school.tags["bet.example"] = {"gambling", "pornography"}
    done = school.overrides.approve("manager", filed.override.id, version=1)
    assert done.override.lift.lifts == {"gambling"}
    assert not school.open_for("year5", "bet.example")


def test_for_each_of_two_names_only_its_own_categories_fall(school: Granting) -> None:
    filed = asked(school, names=("bet.example", "film.example"))
    school.tags["films.bet.example"] = {"video"}
    school.overrides.approve("manager", filed.override.id, version=1)
    assert school.open_for("year5", "bet.example")
    assert school.open_for("year5", "film.example")
    assert not school.open_for("year5", "films.bet.example")


def test_a_name_does_not_gain_by_approval_what_was_asked_for_another(school: Granting) -> None:
    filed = asked(school, names=("bet.example", "film.example"))
    school.tags["bet.example"] = {"gambling", "video"}
    done = school.overrides.approve("manager", filed.override.id, version=1)
    assert done.override.lift.lifts_of == (
        ("bet.example", frozenset({"gambling"})),
        ("film.example", frozenset({"video"})),
    )
    assert not school.open_for("year5", "bet.example")


def test_a_name_that_has_become_illegal_is_not_approved(school: Granting) -> None:
    filed = asked(school)
    school.tags["bet.example"] = {"gambling", "criminal_activity"}
    with pytest.raises(RefusedRequestError, match="illegal"):
        school.overrides.approve("manager", filed.override.id, version=1)
    assert school.overrides.get(filed.override.id) == filed


def test_a_sensitive_category_needs_both(school: Granting) -> None:
    filed = asked(school, names=("nude.example",))
    with pytest.raises(RefusedRequestError, match="safeguarding lead and the ICT Co-ordinator"):
        school.overrides.approve("manager", filed.override.id, version=1)
    half = school.overrides.approve("safeguarding", filed.override.id, version=1)
    assert half.override.state is State.HALF_APPROVED
    assert not school.open_for("year5", "nude.example")
    with pytest.raises(RefusedRequestError, match="agreed to this request already"):
        school.overrides.approve("safeguarding", filed.override.id, version=2)
    done = school.overrides.approve("coordinator", filed.override.id, version=2)
    assert done.override.approvers == ("safeguarding", "coordinator")
    assert school.open_for("year5", "nude.example")
    assert school.kinds() == [
        "override_requested",
        "rule_refused",
        "override_half_approved",
        "rule_refused",
        "override_approved",
    ]
    assert school.changes == 1


def test_narrowing_approves_less(school: Granting) -> None:
    filed = asked(school, names=("bet.example", "game.example"), groups=("year5", "year6"))
    assert filed.override.lift.lifts == {"gambling", "games"}
    done = school.overrides.narrow(
        "manager", filed.override.id, version=1, reason=REASON, names=["game.example"], groups=["year6"]
    )
    assert done.override.lift.lifts == {"games"}, "what only the others had is not lifted"
    assert school.open_for("year6", "game.example")
    assert not school.open_for("year5", "game.example")
    assert not school.open_for("year6", "bet.example")


def test_one_of_two_cannot_narrow_a_sensitive_request_into_one_of_their_own(school: Granting) -> None:
    filed = asked(school, names=("nude.example", "game.example"))
    with pytest.raises(RefusedRequestError, match="right to decide"):
        school.overrides.narrow("safeguarding", filed.override.id, version=1, reason=REASON, names=["game.example"])


MOVES: dict[Move, Callable[[Overrides, str, int], Filed]] = {
    Move.APPROVE: lambda service, id_, version: service.approve("manager", id_, version=version),
    Move.NARROW: lambda service, id_, version: service.narrow(
        "manager", id_, version=version, reason=REASON, names=["bet.example"]
    ),
    Move.REFUSE: lambda service, id_, version: service.refuse("manager", id_, version=version, reason=REASON),
    Move.WITHDRAW: lambda service, id_, version: service.withdraw("teacher", id_, version=version),
    Move.REVOKE: lambda service, id_, version: service.revoke("manager", id_, version=version, reason=REASON),
    Move.COUNTERSIGN: lambda service, id_, version: service.countersign("manager", id_, version=version),
}
LEGAL = {
    (State.WAITING, Move.APPROVE): "override_approved",
    (State.WAITING, Move.NARROW): "override_narrowed",
    (State.WAITING, Move.REFUSE): "override_refused",
    (State.WAITING, Move.WITHDRAW): "override_withdrawn",
    (State.APPROVED, Move.REVOKE): "override_revoked",
}
WAYS: dict[State, tuple[Move, ...]] = {
    State.WAITING: (),
    State.APPROVED: (Move.APPROVE,),
    State.REFUSED: (Move.REFUSE,),
    State.WITHDRAWN: (Move.WITHDRAW,),
    State.REVOKED: (Move.APPROVE, Move.REVOKE),
}


@pytest.mark.parametrize("state", [*WAYS, State.ENDED], ids=str)
@pytest.mark.parametrize("move", MOVES, ids=str)
def test_every_move_in_every_state(school: Granting, state: State, move: Move) -> None:
    filed = asked(school, names=("bet.example", "game.example"))
    for step in WAYS.get(state, ()):
        filed = MOVES[step](school.overrides, filed.override.id, filed.version)
    if state is State.ENDED:
        school.clock.advance(hours=2)
    before = school.kinds()
    if (kind := LEGAL.get((state, move))) is not None:
        MOVES[move](school.overrides, filed.override.id, filed.version)
        assert school.kinds() == [*before, kind]
        return
    with pytest.raises(RefusedRequestError):
        MOVES[move](school.overrides, filed.override.id, filed.version)
    assert school.kinds() == [*before, "rule_refused"]
    assert school.overrides.get(filed.override.id) == filed


@pytest.mark.parametrize("move", [Move.REFUSE, Move.REVOKE, Move.NARROW], ids=str)
def test_a_decision_against_somebody_has_a_reason(school: Granting, move: Move) -> None:
    filed = asked(school)
    call = {
        Move.REFUSE: school.overrides.refuse,
        Move.REVOKE: school.overrides.revoke,
        Move.NARROW: school.overrides.narrow,
    }[move]
    with pytest.raises(RefusedRequestError, match="reason"):
        call("manager", filed.override.id, version=1, reason="")


def test_two_windows_decide_once(school: Granting) -> None:
    filed = asked(school)
    school.overrides.approve("manager", filed.override.id, version=1)
    with pytest.raises(ConflictError, match="look again"):
        school.overrides.refuse("head", filed.override.id, version=1, reason=REASON)
    assert school.kinds() == ["override_requested", "override_approved"]


def test_an_override_that_is_not_there(school: Granting) -> None:
    with pytest.raises(UnknownOverrideError):
        school.overrides.get("0")
    with pytest.raises(UnknownOverrideError):
        school.overrides.approve("manager", "'; DROP TABLE overrides; --", version=1)
    assert school.kinds() == []


def test_what_people_write_is_kept_as_written_and_outside_of_the_chain(school: Granting) -> None:
    reason = "<script>alert('1')</script>; DROP TABLE audit; a lesson on chance."
    filed = asked(school, reason=reason, topic="<b>chance</b>")
    assert school.overrides.get(filed.override.id).override.reason == reason
    (row,) = school.rows()
    assert reason not in row["facts"]
    assert row["commitment"]


def test_an_emergency_holds_at_once_and_is_countersigned_by_somebody_else(school: Granting) -> None:
    with pytest.raises(RefusedRequestError, match="Only somebody who decides"):
        asked(school, is_break_glass=True)
    filed = asked(school, person="manager", is_break_glass=True)
    assert school.open_for("year5", "bet.example")
    assert school.changes == 1
    with pytest.raises(RefusedRequestError, match="yourself"):
        school.overrides.countersign("manager", filed.override.id, version=1)
    school.clock.advance(hours=3)
    school.overrides.sweep()
    assert school.overrides.get(filed.override.id).override.state is State.ENDED
    done = school.overrides.countersign("head", filed.override.id, version=2)
    assert (done.override.state, done.override.approvers) == (State.ENDED, ("head",))
    school.clock.advance(days=2)
    assert school.overrides.sweep() == 0


def test_an_emergency_lasts_an_hour_at_most(school: Granting) -> None:
    with pytest.raises(RefusedRequestError, match="60 minutes"):
        asked(school, person="manager", is_break_glass=True, lasts=timedelta(minutes=61))


def test_an_emergency_that_nobody_countersigns_is_on_record(school: Granting) -> None:
    filed = asked(school, person="manager", is_break_glass=True)
    school.clock.advance(hours=25)
    assert school.overrides.sweep() == 2
    assert school.overrides.get(filed.override.id).override.state is State.UNCONFIRMED
    assert school.kinds() == ["override_broke_glass", "override_ended", "override_unconfirmed"]
    assert school.overrides.sweep() == 0


def test_it_ends_by_itself_and_that_is_written_down_and_how_it_was_used(school: Granting) -> None:
    filed = asked(school)
    school.overrides.approve("manager", filed.override.id, version=1)
    school.clock.advance(minutes=45)
    assert not school.open_for("year5", "bet.example"), "nobody swept yet"
    assert school.overrides.sweep() == 1
    assert school.overrides.get(filed.override.id).override.state is State.ENDED
    assert school.told[-1] == ("override_ended", filed.override.id)
    school.uses[filed.override.id] = used = Use(14, 3, is_complete=True)
    assert school.overrides.sweep() == 1
    ended = school.overrides.get(filed.override.id)
    assert (ended.override.state, ended.used, ended.version) == (State.ENDED, used, 4)
    assert school.kinds()[-2:] == ["override_ended", "override_used"]
    assert school.facts() == {"times": 14, "devices": 3, "is_complete": True}
    assert school.told[-1] == ("override_used", filed.override.id)
    assert school.overrides.sweep() == 0


@pytest.mark.parametrize(
    ("moves", "decided_by"),
    [
        pytest.param((Move.APPROVE,), Move.APPROVE, id="approved"),
        pytest.param((Move.NARROW,), Move.NARROW, id="narrowed"),
        pytest.param((Move.REFUSE,), Move.REFUSE, id="refused"),
        pytest.param((Move.APPROVE, Move.REVOKE), Move.APPROVE, id="approved-and-revoked"),
        pytest.param((Move.WITHDRAW,), None, id="withdrawn"),
        pytest.param((), None, id="waiting"),
    ],
)
def test_it_was_decided_when_somebody_approved_or_refused_it(
    school: Granting, moves: tuple[Move, ...], decided_by: Move | None
) -> None:
    filed = asked(school, names=("bet.example", "game.example"))
    at: dict[Move | None, datetime | None] = {None: None}
    for move in moves:
        school.clock.advance(minutes=5)
        at[move] = school.clock()
        filed = MOVES[move](school.overrides, filed.override.id, filed.version)
    assert filed.override.decided_at == at[decided_by]
    assert school.overrides.get(filed.override.id) == filed


def test_half_of_an_approval_decides_nothing(school: Granting) -> None:
    filed = asked(school, names=("nude.example",))
    half = school.overrides.approve("safeguarding", filed.override.id, version=1)
    assert half.override.decided_at is None
    school.clock.advance(minutes=5)
    done = school.overrides.approve("coordinator", filed.override.id, version=2)
    assert done.override.decided_at == school.clock()


def test_an_emergency_was_decided_when_it_was_taken(school: Granting) -> None:
    filed = asked(school, person="manager", is_break_glass=True)
    taken_at = school.clock()
    school.clock.advance(minutes=5)
    assert school.overrides.countersign("head", filed.override.id, version=1).override.decided_at == taken_at
    assert (
        school.overrides.revoke("head", filed.override.id, version=2, reason=REASON).override.decided_at == taken_at
    )


def test_reminders_and_escalation_come_once(school: Granting) -> None:
    approved = asked(school)
    school.overrides.approve("manager", approved.override.id, version=1)
    waiting = asked(school, lasts=timedelta(days=1))
    school.told.clear()
    school.clock.advance(minutes=36)
    assert [school.overrides.sweep(), school.overrides.sweep()] == [1, 0]
    school.clock.advance(hours=4)
    assert [school.overrides.sweep(), school.overrides.sweep()] == [2, 0]
    assert sorted(school.told) == [
        ("override_ended", approved.override.id),
        ("override_ends_soon", approved.override.id),
        ("override_waits_long", waiting.override.id),
    ]


def test_revoking_works_at_once_and_devices_follow(school: Granting) -> None:
    filed = asked(school, lasts=timedelta(hours=3))
    school.overrides.approve("manager", filed.override.id, version=1)
    done = school.overrides.revoke("teacher", filed.override.id, version=2, reason=REASON)
    assert not school.open_for("year5", "bet.example")
    assert school.changes == 2
    assert school.overrides.everywhere_at(done) == school.clock() + timedelta(minutes=1, seconds=1)


def test_an_answer_does_not_outlive_the_override_that_was_revoked(school: Granting) -> None:
    filed = asked(school)
    school.overrides.approve("manager", filed.override.id, version=1)
    school.clock.at = filed.override.lift.until_at - timedelta(seconds=30)
    done = school.overrides.revoke("manager", filed.override.id, version=2, reason=REASON)
    assert school.overrides.everywhere_at(done) == filed.override.lift.until_at + timedelta(seconds=1)


def test_what_another_override_still_opens_of_one_that_was_revoked_is_told(school: Granting) -> None:
    mine = asked(school, names=("bet.example", "game.example"))
    by_name, by_category, for_others, later, waiting = (
        asked(school, person="head", **parts)
        for parts in (
            {"names": ("www.bet.example", "film.example"), "groups": ("year5", "year6")},
            {"names": (), "categories": ("games",), "groups": (), "audiences": ("pupil",)},
            {"groups": ("year6",)},
            {"begins": timedelta(hours=1)},
            {},
        )
    )
    for each in (mine, by_name, by_category, for_others, later):
        school.overrides.approve("manager", each.override.id, version=1)
    revoked = school.overrides.revoke("teacher", mine.override.id, version=2, reason=REASON)
    found = {each.id: what for each, what in school.overrides.stays_open(revoked)}
    assert found == {by_name.override.id: ("www.bet.example",), by_category.override.id: ("game.example",)}
    assert school.open_for("year5", "www.bet.example")
    assert school.open_for("year5", "game.example")
    assert not school.open_for("year5", "bet.example")
    assert waiting.override.state is State.WAITING


def test_of_two_that_open_the_same_the_other_goes_on(school: Granting) -> None:
    one, other = asked(school), asked(school, person="other-teacher")
    for each in (one, other):
        school.overrides.approve("manager", each.override.id, version=1)
    revoked = school.overrides.revoke("teacher", one.override.id, version=2, reason=REASON)
    assert school.open_for("year5", "bet.example")
    assert [(each.id, what) for each, what in school.overrides.stays_open(revoked)] == [
        (other.override.id, ("bet.example",))
    ]


def test_an_approval_stands_although_the_gateway_cannot_be_told(
    school: Granting, capsys: pytest.CaptureFixture[str]
) -> None:
    filed = asked(school)
    school.is_gateway_gone = True
    assert school.overrides.approve("manager", filed.override.id, version=1).override.state is State.APPROVED
    assert "policy_not_published" in capsys.readouterr().err


def test_nothing_is_acknowledged_that_could_not_be_told_of_in_the_same_transaction(school: Granting) -> None:
    filed = asked(school)
    school.is_queue_full = True
    with pytest.raises(StorageError):
        school.overrides.approve("manager", filed.override.id, version=1)
    assert school.overrides.get(filed.override.id) == filed
    assert school.kinds() == ["override_requested"]
    assert school.changes == 0


def test_a_preview_shows_and_stores_nothing(school: Granting) -> None:
    seen = school.overrides.preview("teacher", school.written(names=("bet.example", "virus.example")))
    assert seen.lifts == {"gambling"}
    assert seen.stays_blocked == (("virus.example", "it is listed as malware, which is never lifted by an override"),)
    assert school.overrides.list() == []
    assert school.kinds() == []


def test_moves_are_kept_in_order(school: Granting) -> None:
    filed = asked(school)
    school.overrides.approve("manager", filed.override.id, version=1, reason="Good for year five.")
    moves = [(move.person, move.move, move.reason) for move in school.overrides.moves(filed.override.id)]
    assert moves == [("teacher", "request", REASON), ("manager", "approve", "Good for year five.")]


def test_the_list_is_newest_first_and_can_be_restricted(school: Granting) -> None:
    first = asked(school)
    school.clock.advance(minutes=1)
    second = asked(school, person="other-teacher")
    assert [each.override.id for each in school.overrides.list()] == [second.override.id, first.override.id]
    assert [each.override.id for each in school.overrides.list(requester="teacher")] == [first.override.id]
    assert school.overrides.list(states=(State.APPROVED,)) == []
    school.overrides.approve("manager", first.override.id, version=1)
    with school.store.read() as database:
        active = school.overrides.active(database, school.clock())
    assert [override.id for override in active] == [first.override.id]
