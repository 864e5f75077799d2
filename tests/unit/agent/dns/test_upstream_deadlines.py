"""Deadlines that pass, tries that end before, and time that jumps."""

import asyncio

from asking import Nowhere, attempt_at, played

from agent.dns.upstream_deadlines import Deadlines
from agent.dns.upstream_exchange import Attempt
from agent.dns.upstream_state import UpstreamState
from agent.sites.site import Endpoint, Upstream

STATE = UpstreamState(Upstream(Endpoint("192.0.2.1", 53)))


class SetClock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Watch:
    """Deadlines, and what became due."""

    def __init__(self) -> None:
        self.clock = SetClock()
        self.due: list[tuple[Attempt, float]] = []
        self.deadlines = Deadlines(self.take, loop=asyncio.get_running_loop(), clock=self.clock)

    def take(self, attempt: Attempt, now: float) -> None:
        self.due.append((attempt, now))

    def add(self, seconds: float) -> Attempt:
        attempt = attempt_at(STATE, Nowhere())
        self.deadlines.add(attempt, self.clock.now + seconds)
        return attempt

    async def at(self, seconds: float) -> list[Attempt]:
        """Set the clock and give what is due then, in its order."""
        self.clock.now = 1000.0 + seconds
        await asyncio.sleep(0.03)
        due, self.due = self.due, []
        assert all(now == self.clock.now for _, now in due)
        return [attempt for attempt, _ in due]


@played
async def test_tries_are_due_when_their_time_has_passed_and_not_before() -> None:
    watch = Watch()
    late, early, middle = watch.add(1.0), watch.add(0.1), watch.add(0.5)
    assert await watch.at(0.09) == []
    assert await watch.at(0.2) == [early]
    assert await watch.at(0.2) == []
    assert await watch.at(50.0) == [middle, late]


@played
async def test_a_try_that_is_over_is_passed_over() -> None:
    watch = Watch()
    first, second = watch.add(0.1), watch.add(0.1)
    first.is_over = True
    assert await watch.at(0.2) == [second]


@played
async def test_deadlines_go_on_after_a_fault() -> None:
    watch = Watch()
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))

    def stumble(attempt: Attempt, now: float) -> None:
        watch.due.append((attempt, now))
        raise ValueError(now)

    watch.deadlines = Deadlines(stumble, loop=asyncio.get_running_loop(), clock=watch.clock)
    first, second = watch.add(0.1), watch.add(0.3)
    assert await watch.at(0.2) == [first]
    assert await watch.at(0.4) == [second]
    assert len(faults) == 2


@played
async def test_after_closing_nothing_is_due() -> None:
    watch = Watch()
    watch.add(0.1)
    watch.deadlines.close()
    assert await watch.at(1.0) == []
