"""Whether the clock of this laptop is right, and whether somebody set it; nothing is ever refused for it.

The gateway's clock is the measure; it is on every signed answer.
"""

from dataclasses import dataclass
from typing import Final

from collectors.observed import JSON, Observed, Priority

WRONG_SECONDS: Final = 300.0
# A wrong clock is told anew when it is wrong by so much more or less.
_TOLD_AGAIN_SECONDS: Final = 60.0
STEP_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Skew:
    """How far the gateway's clock is ahead of this one, and how far that may be off."""

    seconds: float
    uncertainty_seconds: float


def estimate_skew(sent_wall: float, round_trip_seconds: float, server_time_ms: int) -> Skew:
    """Compare the clocks over one exchange.

    Args:
        sent_wall: when it was sent, by the clock of this laptop.
        round_trip_seconds: how long it took, by a clock that nobody sets.
    """
    half = max(0.0, round_trip_seconds) / 2
    return Skew(server_time_ms / 1000 - (sent_wall + half), half)


class ClockWatch:
    """What there is to tell about the clock."""

    def __init__(self) -> None:
        self.skew: Skew | None = None
        self._told: float | None = None
        self._wall: float | None = None
        self._monotonic = 0.0

    def compare(self, skew: Skew) -> Observed | None:
        """Take a new estimate; something is to be told when the clock becomes wrong, wrong otherwise, or right."""
        self.skew = skew
        is_wrong = abs(skew.seconds) - skew.uncertainty_seconds > WRONG_SECONDS
        if is_wrong:
            if self._told is not None and abs(self._told - skew.seconds) < _TOLD_AGAIN_SECONDS:
                return None
        elif self._told is None:
            return None
        self._told = skew.seconds if is_wrong else None
        facts: dict[str, JSON] = {
            "what": "skew",
            "state": "wrong" if is_wrong else "right",
            "seconds": round(skew.seconds, 3),
            "uncertainty_seconds": round(skew.uncertainty_seconds, 3),
        }
        return Observed("clock", Priority.STATE, facts, key="skew")

    def look(self, wall: float, monotonic: float) -> Observed | None:
        """Look at both clocks of this laptop; they run alike unless somebody sets one.

        Args:
            monotonic: of a clock that goes on while the laptop sleeps; with another one, sleep looks like a step.
        """
        before, self._wall = self._wall, wall
        elapsed, self._monotonic = monotonic - self._monotonic, monotonic
        if before is None or elapsed < 0:
            return None
        step = wall - before - elapsed
        if abs(step) < STEP_SECONDS:
            return None
        facts: dict[str, JSON] = {
            "what": "step",
            "seconds": round(step, 3),
            "wall_before": round(before + elapsed, 3),
        }
        return Observed("clock", Priority.ACTIVITY, facts)
