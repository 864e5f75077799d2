"""What this service costs the laptop, as measured by itself."""

import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import psutil

from collectors.observed import JSON

# What the service promises: a share of one core, over its life and within any ten seconds, and resident octets.
MOST_CPU: Final = 0.01
MOST_BURST: Final = 0.10
MOST_RSS_BYTES: Final = 80 * 1024 * 1024
BURST_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used: shares of one core, and octets; `cpu_burst` is the worst of any ten seconds."""

    cpu_average: float = 0.0
    cpu_recent: float = 0.0
    cpu_burst: float = 0.0
    rss_bytes: int = 0
    rss_most_bytes: int = 0

    def facts(self) -> dict[str, JSON]:
        """Give it as it travels, with whether it keeps to what is promised."""
        return {
            "cpu_average": round(self.cpu_average, 5),
            "cpu_recent": round(self.cpu_recent, 5),
            "cpu_burst": round(self.cpu_burst, 5),
            "rss_bytes": self.rss_bytes,
            "rss_most_bytes": self.rss_most_bytes,
            "in_budget": self.cpu_average <= MOST_CPU
            and self.cpu_burst <= MOST_BURST
            and self.rss_most_bytes <= MOST_RSS_BYTES,
        }


def cpu_seconds() -> float:
    """Give what this process and those that it started and awaited have used."""
    return sum(os.times()[:4])


def rss_bytes() -> int:
    """Give the octets of memory that this process holds."""
    return int(psutil.Process().memory_info().rss)


class Budget:
    """Measures now and then; starting the program is no part of it.

    Args:
        cpu: seconds of processors used so far.
        rss: octets held now.
        monotonic: seconds that never go back.
    """

    def __init__(
        self,
        *,
        cpu: Callable[[], float] = cpu_seconds,
        rss: Callable[[], int] = rss_bytes,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cpu = cpu
        self._rss = rss
        self._monotonic = monotonic
        self._began = (monotonic(), cpu())
        self._marks = deque([self._began])
        self._told = self._began
        self.usage = Usage()

    def measure(self) -> None:
        """Take a measure; meant for every few seconds."""
        now = self._monotonic(), self._cpu()
        self._marks.append(now)
        while len(self._marks) > 2 and now[0] - self._marks[1][0] >= BURST_SECONDS:
            self._marks.popleft()
        used = self._rss()
        is_full = now[0] - self._marks[0][0] >= BURST_SECONDS
        self.usage = Usage(
            cpu_average=_share(self._began, now),
            cpu_recent=_share(self._told, now),
            cpu_burst=max(self.usage.cpu_burst, _share(self._marks[0], now) if is_full else 0.0),
            rss_bytes=used,
            rss_most_bytes=max(self.usage.rss_most_bytes, used),
        )

    def tell(self) -> Usage:
        """Measure, and give what there is; what is recent begins anew with this."""
        self.measure()
        self._told = self._monotonic(), self._cpu()
        return self.usage


def _share(then: tuple[float, float], now: tuple[float, float]) -> float:
    seconds = now[0] - then[0]
    return max(0.0, now[1] - then[1]) / seconds if seconds > 0 else 0.0
