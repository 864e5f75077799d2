"""The deadlines of many tries, looked at together every hundredth of a second: a timer for each would cost more."""

import asyncio
from collections.abc import Callable
from typing import Final

from agent.dns.upstream_exchange import Attempt

TICKS_PER_SECOND: Final = 100


class Deadlines:
    """Tries that are to be looked at when their time has come; those that are over by then are passed over.

    Args:
        on_due: is given each of them and the instant.
    """

    def __init__(
        self,
        on_due: Callable[[Attempt, float], None],
        *,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float],
    ) -> None:
        self._on_due = on_due
        self._loop = loop
        self._clock = clock
        self._due: dict[int, list[Attempt]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, attempt: Attempt, instant: float) -> None:
        """Look at this try when the instant has passed."""
        slot = int(instant * TICKS_PER_SECOND) + 1
        due = self._due.get(slot)
        if due is not None:
            due.append(attempt)
            return
        self._due[slot] = [attempt]
        if self._timer is None:
            self._wait()

    def _wait(self) -> None:
        self._timer = self._loop.call_later(1 / TICKS_PER_SECOND, self._look)

    def _look(self) -> None:
        now = self._clock()
        last = int(now * TICKS_PER_SECOND)
        try:
            for slot in sorted(slot for slot in self._due if slot <= last):
                for attempt in self._due.pop(slot):
                    if not attempt.is_over:
                        self._on_due(attempt, now)
        finally:
            self._timer = None
            if self._due:
                self._wait()

    def close(self) -> None:
        """Forget them all."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
