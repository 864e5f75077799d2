"""One probe: a look at this computer that may fail, hang or come late, and never takes anything else down with it.

It knows time limits and when to leave a broken reader alone. What a probe looks at is no business of it.
"""

import errno
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from collectors.observed import JSON, Observed, Priority

_LOG: Final = logging.getLogger(__name__)

FAILURES_ALLOWED: Final = 3
PAUSE_SECONDS: Final = 3600.0
_TIMED_OUT: Final = "timed_out"

Look: TypeAlias = Callable[[], Iterable[Observed]]


class Health(StrEnum):
    """How a probe is."""

    OK = "ok"
    FAILING = "failing"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a probe has cost since it was made."""

    runs: int = 0
    cpu_seconds: float = 0.0


class _Run:
    """One look in a thread of its own."""

    def __init__(self, look: Look) -> None:
        self.found: tuple[Observed, ...] = ()
        self.why = "ended"
        self.cpu_seconds = 0.0
        self._look = look
        self._thread = threading.Thread(target=self._work, name="probe", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        begun = time.thread_time()
        try:
            self.found, self.why = tuple(self._look()), ""
        except Exception as error:  # noqa: BLE001 -- a probe that cannot look is a finding, not the end of the service
            self.why = reason_of(error)
        self.cpu_seconds = time.thread_time() - begun

    def is_over(self, seconds: float) -> bool:
        """Wait so long at most, and say whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()


class Probe:
    """A look with a time limit, which is left alone for an hour after three failures in a row.

    What a look gives after its time limit is not lost: it comes with the next run. While one hangs no other is
    begun, and nobody waits for it again.

    Args:
        name: of the closed set of collectors; stands in health.
        seconds: the time limit of one look.
        monotonic: seconds that never go back.
    """

    def __init__(
        self,
        name: str,
        look: Look,
        *,
        seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self.name = name
        self.cost = Cost()
        self.health = Health.OK
        self.failures = 0
        self.why = ""
        self._look = look
        self._seconds = seconds
        self._monotonic = monotonic
        self._pause_seconds = pause_seconds
        self._resumes_at = 0.0
        self._hanging: _Run | None = None
        self._told: tuple[Health, str] = (Health.OK, "")

    def run(self) -> tuple[Observed, ...]:
        """Look once, and give what was found; a change of the probe's own health is one thing that is found."""
        late = self._take_late()
        if self._is_paused():
            return late
        found: tuple[Observed, ...] = ()
        if self._hanging is None and (run := _Run(self._look)).is_over(self._seconds):
            found = self._settle(run)
        else:
            self._hanging = self._hanging or run
            self._fail(_TIMED_OUT)
        return (*late, *found, *self._change())

    def observed_health(self) -> Observed:
        """Say how this probe is."""
        facts: dict[str, JSON] = {
            "collector": self.name,
            "health": str(self.health),
            "failures": self.failures,
            "why": self.why,
        }
        return Observed("collector_health", Priority.STATE, facts, key=self.name)

    def _take_late(self) -> tuple[Observed, ...]:
        if self._hanging is None or not self._hanging.is_over(0):
            return ()
        run, self._hanging = self._hanging, None
        self._count(run)
        return run.found

    def _is_paused(self) -> bool:
        return self.health is Health.PAUSED and self._monotonic() < self._resumes_at

    def _settle(self, run: _Run) -> tuple[Observed, ...]:
        self._count(run)
        if run.why:
            self._fail(run.why)
        else:
            self.health, self.failures, self.why = Health.OK, 0, ""
        return run.found

    def _count(self, run: _Run) -> None:
        self.cost = Cost(self.cost.runs + 1, self.cost.cpu_seconds + run.cpu_seconds)

    def _fail(self, why: str) -> None:
        self.failures += 1
        self.why = why
        self.health = Health.FAILING
        if self.failures >= FAILURES_ALLOWED:
            self.health = Health.PAUSED
            self._resumes_at = self._monotonic() + self._pause_seconds
        _LOG.warning("The collector %s failed (%s), %d in a row.", self.name, why, self.failures)

    def _change(self) -> tuple[Observed, ...]:
        now = (self.health, self.why)
        if now == self._told:
            return ()
        self._told = now
        return (self.observed_health(),)


def reason_of(error: Exception) -> str:
    """Name a failure in a word that tells nothing of a person: its class, and what the system calls it."""
    name = type(error).__name__
    if isinstance(error, OSError) and error.errno is not None:
        return f"{name}:{errno.errorcode.get(error.errno, error.errno)}"
    return name
