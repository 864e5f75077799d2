"""Counts so small that somebody could be told from one, hidden so that nobody works them out from a total either."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class Hidden(Enum):
    """Why a count is not told: it is small, or it stands beside one that is and would give it away."""

    FEW = "few"
    BESIDE = "beside"


# None where nobody knows.
Count: TypeAlias = int | Hidden | None


@dataclass(frozen=True, slots=True)
class Told:
    """Counts as they may be told, with their total."""

    numbers: Mapping[str, int | Hidden]
    total: int | Hidden


def hide_small(numbers: Mapping[str, int], *, small_number: int) -> Told:
    """Hide what is small, nothing counted as small too, and as much beside it as keeps it hidden.

    Whoever subtracts from the total what is told learns what the hidden ones are together. Each of them can then
    still be anything that is small, or the smallest of those that are told is hidden with them, or the total.

    Args:
        numbers: what was counted, without gaps.
        small_number: what is the first number to be told; 0 hides nothing.
    """
    total = sum(numbers.values())
    told: dict[str, int | Hidden] = {
        each: number if number >= small_number else Hidden.FEW for each, number in numbers.items()
    }
    small = [number for number in numbers.values() if number < small_number]
    if not small or _is_open(small, small_number):
        return Told(told, total if total >= small_number or not numbers else Hidden.FEW)
    if len(small) == len(numbers):
        return Told(told, Hidden.FEW if total < small_number else Hidden.BESIDE)
    beside = min((each for each in numbers if told[each] is not Hidden.FEW), key=lambda each: (numbers[each], each))
    told[beside] = Hidden.BESIDE
    # The smallest that is told is exactly known where the small ones are nothing and it is the small number itself.
    return Told(told, Hidden.BESIDE if sum(small) + numbers[beside] <= small_number else total)


def hide_all(told: Told) -> Told:
    """Hide every number and the total, and tell no more of them than before."""
    numbers = {each: Hidden.BESIDE if isinstance(number, int) else number for each, number in told.numbers.items()}
    return Told(numbers, told.total if isinstance(told.total, Hidden) else Hidden.BESIDE)


def rounded(count: int | Hidden, small_number: int) -> int | Hidden:
    """Round what is told to the small number, so that no small one lies between two figures that overlap."""
    return count if isinstance(count, Hidden) else rounded_number(count, small_number)


def rounded_number(number: int, small_number: int) -> int:
    """Round a number to the nearest multiple of the small number."""
    few = max(small_number, 1)
    return (number + few // 2) // few * few


def gives_away(numbers: Sequence[int | Hidden], total: int | Hidden, small_number: int) -> bool:
    """Say whether rounded numbers and their rounded total rule out a value that a hidden small one could have."""
    if isinstance(total, Hidden) or Hidden.FEW not in numbers:
        return False
    # What each could have been before it was rounded.
    below, above = small_number // 2, (small_number - 1) // 2
    most = min((each + above for each in numbers if isinstance(each, int)), default=total + above)
    ranges = [
        (0, small_number - 1)
        if each is Hidden.FEW
        else (small_number, most)
        if isinstance(each, Hidden)
        else (max(small_number, each - below), each + above)
        for each in numbers
    ]
    least, highest = sum(first for first, _ in ranges), sum(last for _, last in ranges)
    largest = small_number - 1
    return total - below > highest - largest or total + above < least + largest


def _is_open(small: list[int], small_number: int) -> bool:
    """Say whether each of several small counts may still be any, for whoever knows their sum."""
    most = small_number - 1
    return most <= sum(small) <= (len(small) - 1) * most
