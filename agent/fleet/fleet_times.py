"""When something happened on a laptop whose clock may be wrong: an estimate, and how it was made; never a refusal.

The clock that only goes forward is trusted within one boot. What an earlier boot wrote is told by its wall clock,
corrected by how far that clock is off now, as long as that gives a time at which it can have happened.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# A laptop keeps what it could not send over a summer, and longer.
OLDEST_SECONDS: Final = 400 * 86_400.0
# So far off a clock of a laptop is still called right.
USUAL_SKEW_SECONDS: Final = 300.0


class Clock(StrEnum):
    """How the time of an event is known."""

    BOOT = "boot"
    WALL = "wall"
    CORRECTED = "corrected"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class Sending:
    """One batch by three clocks, all in seconds: `received` is ours."""

    received: float
    wall: float
    monotonic: float
    boot: str

    @property
    def skew(self) -> float:
        """How many seconds the clock of the laptop is behind ours; below zero where it is ahead."""
        return self.received - self.wall


def occurred_at(sending: Sending, *, wall: float, monotonic: float, boot: str) -> tuple[float, Clock]:
    """Estimate when an event happened, in seconds by our clock."""
    if boot == sending.boot and 0 <= (age := sending.monotonic - monotonic) <= OLDEST_SECONDS:
        return sending.received - age, Clock.BOOT
    if abs(sending.skew) > USUAL_SKEW_SECONDS and _is_possible(wall + sending.skew, sending):
        return wall + sending.skew, Clock.CORRECTED
    if _is_possible(wall, sending):
        return min(wall, sending.received), Clock.WALL
    return sending.received, Clock.RECEIVED


def _is_possible(at: float, sending: Sending) -> bool:
    return -OLDEST_SECONDS <= at - sending.received <= USUAL_SKEW_SECONDS
