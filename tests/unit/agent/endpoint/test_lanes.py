"""Looks side by side: a hanging one, a failing one, and when the next one is due."""

import threading
import time
from collections.abc import Callable, Iterable

import pytest

from agent.endpoint.lanes import Lane, Timed
from collectors.observed import Observed, Priority
from collectors.probe import Probe

SECONDS = 10.0
SEEN = Observed("writes", Priority.ACTIVITY, {})


class Told:
    """What came out of a lane; `wait` gives up after some seconds."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Condition()

    def __call__(self, _observed: Observed) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def wait(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.count >= count, SECONDS)


def timed(
    look: Callable[[], Iterable[Observed]], *, seconds: float = 3600.0, limit: float = 5.0, **more: bool
) -> Timed:
    return Timed(Probe("looks", look, seconds=limit), lambda: seconds, **more)


def ended(lane: Lane) -> bool:
    lane.stop()
    return lane.join(SECONDS)


def test_each_looks_at_once_and_again_when_it_is_due() -> None:
    told = Told()
    lane = Lane("a", [timed(lambda: [SEEN], seconds=0.01), timed(list)], told)
    lane.start()
    told.wait(5)
    assert ended(lane)


def test_an_event_lets_only_those_look_that_it_wakes() -> None:
    woken, other = Told(), Told()
    first = timed(lambda: [SEEN], wakes=True)
    second = timed(lambda: [Observed("posture", Priority.STATE, {})])

    def sink(observed: Observed) -> None:
        (woken if observed.kind == "writes" else other)(observed)

    lane = Lane("a", [first, second], sink)
    lane.start()
    woken.wait(1)
    lane.wake()
    woken.wait(2)
    assert ended(lane)
    assert other.count == 1


def test_at_the_end_those_look_once_more_that_want_to() -> None:
    told = Told()
    lane = Lane("a", [timed(lambda: [SEEN], looks_last=True)], told)
    lane.start()
    told.wait(1)
    assert ended(lane)
    assert told.count == 2


def test_a_hanging_look_hangs_no_other_lane_and_is_left_behind() -> None:
    told, gate = Told(), threading.Event()

    def hang() -> list[Observed]:
        gate.wait(SECONDS)
        return []

    hanging = Lane("hanging", [timed(hang, limit=SECONDS)], told)
    other = Lane("other", [timed(lambda: [SEEN], seconds=0.01)], told)
    hanging.start()
    other.start()
    told.wait(3)
    hanging.stop()
    assert not hanging.join(0.05)
    assert ended(other)
    gate.set()
    assert hanging.join(SECONDS)


def test_a_fault_of_ours_does_not_end_a_lane(caplog: pytest.LogCaptureFixture) -> None:
    told, faults = Told(), [True]

    def sink(observed: Observed) -> None:
        if faults.pop() if faults else False:
            raise ZeroDivisionError
        told(observed)

    lane = Lane("a", [timed(lambda: [SEEN], seconds=0.0)], sink)
    lane.start()
    told.wait(1)
    assert ended(lane)
    assert "A look failed." in caplog.text


def test_a_look_that_cost_much_rests_long() -> None:
    now = [0.0]

    def work() -> list[Observed]:
        end = time.thread_time() + 0.02
        while time.thread_time() < end:
            pass
        return []

    one = timed(work, seconds=0.5)
    one.look(lambda: now[0])
    assert 2.0 <= one.next_at < 100.0


def test_who_is_told_what_a_look_found_can_wake_another_lane() -> None:
    told = Told()
    writes = Lane("writes", [timed(lambda: [SEEN], wakes=True)], told)
    media = Lane(
        "media",
        [timed(lambda: [Observed("media_inserted", Priority.STATE, {})])],
        lambda _observed: None,
        on_found=lambda _probe, found: writes.wake() if found else None,
    )
    writes.start()
    told.wait(1)
    media.start()
    told.wait(2)
    assert ended(media)
    assert ended(writes)
