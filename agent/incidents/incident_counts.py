"""How many incidents there are, for those who may know that there are some.

What is restricted or sealed is counted for everybody only where there are so many that none can be told from the
count: that there is one is already too much.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.storage.incident_briefs import Brief
from rules.incident import State, Track
from rules.incident_kind import Kind
from rules.small_numbers import Hidden, hide_all, hide_small, rounded

# Whatever a school says: what is smaller tells of somebody.
SMALL_NUMBER: Final = 5
NO_ROW: Final = "none"
_HIDDEN: Final = (Track.RESTRICTED, Track.SEALED)
# What is part of another incident is counted there.
_COUNTED: Final = tuple(state for state in State if state is not State.MERGED)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are by state, kind and row; None where they are so few that somebody could be told from it."""

    by_state: Mapping[str, int | None]
    by_kind: Mapping[str, int | None]
    by_row: Mapping[str, int | None]


def count(found: Iterable[Brief]) -> Counts:
    """Count incidents for somebody who may read each of them."""
    return Counts(*(dict(sorted(each.items())) for each in _numbers(list(found))))


def count_told(found: Sequence[Brief], *, rows: Collection[str], small_number: int) -> Counts:
    """Count incidents for whoever may read none: nothing small, nor what gives it away, and rounded.

    Which states, kinds and rows there are at all would tell of those that have few, so each stands in it.

    Args:
        rows: those of the school's tables.
        small_number: what is the first number that is told.
    """
    every = ([state.value for state in _COUNTED], [kind.value for kind in Kind], [*rows, NO_ROW])
    told = [
        hide_small(dict.fromkeys(sorted(names), 0) | numbers, small_number=small_number)
        for names, numbers in zip(every, _numbers(for_all(found, small_number)), strict=True)
    ]
    if any(isinstance(each.total, Hidden) for each in told):
        # Each of them would give away the total that another hides.
        told = [hide_all(each) for each in told]
    return Counts(*({name: _number(each, small_number) for name, each in part.numbers.items()} for part in told))


def _numbers(found: Sequence[Brief]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    return (
        Counter(each.state.value for each in found),
        Counter(each.kind.value for each in found),
        Counter(map(row_of, found)),
    )


def _number(told: int | Hidden, small_number: int) -> int | None:
    near = rounded(told, small_number)
    return None if isinstance(near, Hidden) else near


def first_told(of_site: int) -> int:
    """Give the first number that is told to whoever may not know of single cases.

    Args:
        of_site: what the site says it is.
    """
    return max(SMALL_NUMBER, of_site)


def for_all(found: Sequence[Brief], small_number: int) -> list[Brief]:
    """Give the incidents that are counted for anybody: of the tracks that few know of, those with enough of them."""
    of_track = Counter(each.track for each in found)
    hidden = {track for track in _HIDDEN if of_track[track] < small_number}
    return [each for each in found if each.track not in hidden]


def row_of(brief: Brief) -> str:
    """Give the row of an incident: the one that was accepted, else the likeliest."""
    return brief.row or NO_ROW
