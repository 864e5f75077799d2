"""How many incidents there are, for those who may know that there are some.

What is restricted or sealed is counted for everybody only where there are so many that none can be told from the
count: that there is one is already too much.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.storage.incident_briefs import Brief
from rules.incident import Track

NO_ROW: Final = "none"
_HIDDEN: Final = (Track.RESTRICTED, Track.SEALED)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are by state, kind and row; None where they are so few that somebody could be told from it."""

    by_state: Mapping[str, int | None]
    by_kind: Mapping[str, int | None]
    by_row: Mapping[str, int | None]


def count(found: Iterable[Brief], *, small_number: int) -> Counts:
    """Count incidents; a count below the small number is not told."""
    counted = list(found)

    def by(name: Callable[[Brief], str]) -> dict[str, int | None]:
        numbers = Counter(map(name, counted))
        return {each: number if number >= small_number else None for each, number in sorted(numbers.items())}

    return Counts(by(lambda each: each.state.value), by(lambda each: each.kind.value), by(row_of))


def for_all(found: Sequence[Brief], small_number: int) -> list[Brief]:
    """Give the incidents that are counted for anybody: of the tracks that few know of, those with enough of them."""
    of_track = Counter(each.track for each in found)
    hidden = {track for track in _HIDDEN if of_track[track] < small_number}
    return [each for each in found if each.track not in hidden]


def row_of(brief: Brief) -> str:
    """Give the row of an incident: the one that was accepted, else the likeliest."""
    return brief.row or NO_ROW
