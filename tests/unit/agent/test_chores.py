"""What happens by itself: in order, at its times, and whatever becomes of the rest."""

import pytest

from agent.chores import Chore, Chores
from rules.errors import StorageError


def test_each_chore_is_done_at_the_start_and_then_at_its_own_times() -> None:
    now = 100.0
    done: list[str] = []
    chores = Chores(
        (Chore("often", 3, lambda: done.append("often")), Chore("seldom", 60, lambda: done.append("seldom"))),
        monotonic=lambda: now,
    )
    chores.do_due()
    assert done == ["often", "seldom"]
    chores.do_due()
    now += 3
    chores.do_due()
    assert done == ["often", "seldom", "often"]
    now += 57
    chores.do_due()
    assert done[3:] == ["often", "seldom"]


def test_a_chore_that_fails_keeps_none_of_the_others_and_is_tried_again() -> None:
    tried: list[str] = []

    def fail(error: Exception) -> None:
        tried.append(type(error).__name__)
        raise error

    chores = Chores(
        (
            Chore("ours", 0, lambda: fail(StorageError("the disk is full"))),
            Chore("strange", 0, lambda: fail(KeyError("x"))),
            Chore("well", 0, lambda: tried.append("well")),
        )
    )
    chores.do_due()
    chores.do_due()
    assert tried == ["StorageError", "KeyError", "well"] * 2


@pytest.mark.parametrize(
    ("in_turns", "done"),
    [pytest.param(True, 3, id="until-nothing-is-waiting"), pytest.param(False, 1, id="others-wait-for-their-time")],
)
def test_what_is_done_in_turns_goes_on_at_the_next_occasion(*, in_turns: bool, done: int) -> None:
    waiting = [1, 2, 3]
    turns: list[int] = []

    def take() -> bool:
        turns.append(waiting.pop())
        return bool(waiting)

    chores = Chores([Chore("turns", 60.0, take, in_turns=in_turns)], monotonic=lambda: 100.0)
    for _ in range(5):
        chores.do_due()
    assert len(turns) == done
