"""Looks that are taken again and again, side by side: where one hangs, the others go on.

A lane is a thread. What it costs is bounded by rest: whatever took a second of a processor is left alone for a
hundred.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from collectors.observed import Observed
from collectors.probe import Probe

_LOG: Final = logging.getLogger(__name__)
REST_PER_SECOND: Final = 100.0

Sink = Callable[[Observed], object]
# Waits so long at most, and says whether something happened that is worth a look.
Wait = Callable[[float], bool]


@dataclass
class Timed:
    """A probe and when it looks next.

    Args:
        seconds: from one look to the next, as it is wanted now.
        wakes: whether an event ends its waiting.
        looks_last: whether it looks once more at the end.
    """

    probe: Probe
    seconds: Callable[[], float]
    wakes: bool = False
    looks_last: bool = False
    next_at: float = 0.0
    looked_at: float | None = None

    def look(self, monotonic: Callable[[], float]) -> tuple[Observed, ...]:
        """Look, and rest for as long as that was worth."""
        before = self.probe.cost.cpu_seconds
        found = self.probe.run()
        self.looked_at = monotonic()
        self.next_at = self.looked_at + max(self.seconds(), REST_PER_SECOND * (self.probe.cost.cpu_seconds - before))
        return found


class Lane:
    """One thread of looks.

    Args:
        wait: how to wait; by default for `wake` alone.
        interrupt: ends a wait of `wait`, from another thread.
        on_found: told what one look of a probe gave.
        settle_seconds: after an event, before it looks: devices come in several steps.
    """

    def __init__(
        self,
        name: str,
        timed: Sequence[Timed],
        sink: Sink,
        *,
        wait: Wait | None = None,
        interrupt: Callable[[], None] = lambda: None,
        on_found: Callable[[Probe, tuple[Observed, ...]], None] = lambda _probe, _found: None,
        settle_seconds: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.timed = timed
        self._sink = sink
        self._wait = wait or self._wait_for_wake
        self._interrupt = interrupt
        self._on_found = on_found
        self._settle_seconds = settle_seconds
        self._monotonic = monotonic
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lane {name}", daemon=True)
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Let those look at once that an event wakes."""
        self._woken.set()
        self._interrupt()

    def stop(self) -> None:
        """End after the look that runs, and after a last one of those that want it."""
        self._stop.set()
        self.wake()

    def join(self, seconds: float) -> bool:
        """Wait so long at most for the end, and say whether it came."""
        self._thread.join(max(0.0, seconds))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._look_at_due()
            following = min(each.next_at for each in self.timed)
            is_event = self._wait(max(0.0, following - self._monotonic()))
            if is_event or self._woken.is_set():
                self._stop.wait(self._settle_seconds)
                self._woken.clear()
                for each in self.timed:
                    each.next_at = self._monotonic() if each.wakes else each.next_at
        for each in self.timed:
            if each.looks_last:
                self._look(each)

    def _look_at_due(self) -> None:
        for each in self.timed:
            if not self._stop.is_set() and self._monotonic() >= each.next_at:
                self._look(each)

    def _look(self, timed: Timed) -> None:
        try:
            found = timed.look(self._monotonic)
            for observed in found:
                self._sink(observed)
            self._on_found(timed.probe, found)
        except Exception:  # noqa: BLE001 -- logged with its place
            # A fault of ours in one look must not end the others.
            _LOG.exception("A look failed.")
            timed.next_at = self._monotonic() + max(1.0, timed.seconds())

    def _wait_for_wake(self, seconds: float) -> bool:
        return self._woken.wait(seconds)
