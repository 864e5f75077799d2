"""What every act leaves behind: the override, its move, its row in the record, and somebody told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from granting import Granting

from agent.requests.override_acts import (
    KINDS,
    Made,
    UnknownOverrideError,
    begin_again,
    end,
    existing,
    file_override,
    is_over,
    sum_up,
    tell_nobody,
)
from agent.storage.override_rows import Filed, Use
from rules.errors import RefusedRequestError
from rules.override import Move, State


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def waiting(school: Granting) -> Filed:
    return school.overrides.request("teacher", school.written())


def test_every_move_has_its_kind_of_row() -> None:
    assert set(KINDS) == set(Move)
    assert len(set(KINDS.values())) == len(KINDS)


def test_an_act_leaves_all_of_it(school: Granting, waiting: Filed) -> None:
    told: list[tuple[str, str]] = []
    filed = replace(waiting, version=2)
    made = Made("override_looked_at", "manager", "look", "why", {"reason": "why"}, {"roles": ["head_teacher"]})
    with school.store.act() as act:
        file_override(act, filed, made, lambda _, kind, each: told.append((kind, each.override.id)))
    assert school.overrides.get(waiting.override.id) == filed
    assert school.overrides.moves(waiting.override.id)[-1].move == "look"
    assert school.facts() == {
        "approvers": [],
        "audiences": [],
        "categories": [],
        "from_at": "2026-11-24T10:15:00.000000+00:00",
        "groups": ["year5"],
        "is_break_glass": False,
        "lifts": ["gambling"],
        "names": ["bet.example"],
        "roles": ["head_teacher"],
        "state": "waiting",
        "until_at": "2026-11-24T11:00:00.000000+00:00",
        "version": 2,
    }
    assert told == [("override_looked_at", waiting.override.id)]


def test_it_is_over_at_its_end_and_only_where_it_was_open(waiting: Filed) -> None:
    until_at = waiting.override.lift.until_at
    assert is_over(waiting, until_at)
    assert not is_over(waiting, until_at - timedelta(microseconds=1))
    refused = replace(waiting, override=replace(waiting.override, state=State.REFUSED))
    assert not is_over(refused, until_at)


def test_the_end_says_what_it_was_the_end_of(school: Granting, waiting: Filed) -> None:
    with school.store.act() as act:
        ended = end(act, waiting, tell_nobody)
    assert (ended.override.state, ended.version) == (State.ENDED, 2)
    assert school.facts()["was"] == "waiting"
    with school.store.act() as act, pytest.raises(RefusedRequestError):
        end(act, ended, tell_nobody)


def test_an_end_before_its_time_says_why(school: Granting, waiting: Filed) -> None:
    with school.store.act() as act:
        end(act, waiting, tell_nobody, why="group_gone")
    assert school.facts()["why"] == "group_gone"


def test_who_agreed_before_is_on_record_when_that_counts_no_more(school: Granting, waiting: Filed) -> None:
    half = replace(
        waiting, override=replace(waiting.override, state=State.HALF_APPROVED, approvers=("safeguarding",))
    )
    told: list[str] = []
    with school.store.act() as act:
        again = begin_again(act, half, lambda _, kind, __: told.append(kind))
    assert (again.override.state, again.override.approvers, again.version) == (State.WAITING, (), 2)
    assert (school.facts()["agreed_before"], school.facts()["approvers"]) == (["safeguarding"], [])
    assert told == ["override_half_lapsed"]
    with school.store.act() as act, pytest.raises(RefusedRequestError):
        begin_again(act, waiting, tell_nobody)


@pytest.mark.parametrize(
    "used",
    [
        pytest.param(Use(3, 2, is_complete=True), id="known"),
        pytest.param(Use(3, None, is_complete=True), id="by-nobody-knows-how-many"),
        pytest.param(Use(None, None, is_complete=False), id="unknown"),
    ],
)
def test_a_use_is_summed_up_in_a_row_of_its_own(school: Granting, waiting: Filed, used: Use) -> None:
    told: list[tuple[str, Use | None]] = []
    with school.store.act() as act:
        ended = end(act, waiting, tell_nobody)
        summed_up = sum_up(act, ended, lambda _, kind, each: told.append((kind, each.used)), used=used)
    assert summed_up == replace(ended, version=3, used=used) == school.overrides.get(waiting.override.id)
    assert school.kinds()[-1] == "override_used"
    assert school.facts() == {"times": used.times, "devices": used.devices, "is_complete": used.is_complete}
    assert told == [("override_used", used)]
    assert school.overrides.moves(waiting.override.id)[-1].move == Move.END, "it is no move"


def test_what_is_not_there_is_not_made_up(school: Granting) -> None:
    with school.store.read() as database, pytest.raises(UnknownOverrideError):
        existing(database, "o99")
