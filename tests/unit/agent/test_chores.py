"""What happens by itself: in order, at its times, and whatever becomes of the rest."""

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
