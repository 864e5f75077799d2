"""How heavy an incident is in the queue: how much speaks for it, in three words to be told apart at a glance."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rules.incident import Track


class Weight(StrEnum):
    """How much speaks for a candidate."""

    HIGH = "high"
    MIDDLE = "middle"
    LOW = "low"


# From so many points of 100 on; most candidates are opened at 60.
FROM_POINTS: Final[Mapping[Weight, int]] = MappingProxyType({Weight.HIGH: 85, Weight.MIDDLE: 70, Weight.LOW: 0})


def weight_of(track: Track, intent: int) -> Weight:
    """Say how heavy an incident is; what is sealed says nothing of that, and comes with the heaviest."""
    if track is Track.SEALED:
        return Weight.HIGH
    return next(weight for weight, points in FROM_POINTS.items() if intent >= points)
