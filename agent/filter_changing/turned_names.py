"""Which names a change would open or block, told only where enough devices asked for them.

What is kept knows a device by another pseudonym each day, so devices are counted within a day, and the most count.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from rules.subject import Audience

_STEP: Final = 5
_TWO_DIGITS: Final = 100


class Turn(StrEnum):
    """What would become of a question."""

    OPENED = "opened"
    CLOSED = "closed"


# For whom a name would turn, and how.
TurnKey: TypeAlias = tuple[Audience, Turn, str]


@dataclass(frozen=True, slots=True)
class TurnedName:
    """A name that would turn for an audience: how many devices asked for it on one day, and how often it was asked.

    Where `is_sure` is false, for some of them only, or maybe.
    """

    audience: Audience
    turn: Turn
    name: str
    is_sure: bool
    devices: int
    questions: int


@dataclass(slots=True)
class _Tally:
    is_sure: bool = False
    questions: int = 0
    most: int = 0
    today: set[str] = field(default_factory=set)


class TurnedNames:
    """The names, as they come from day to day."""

    def __init__(self) -> None:
        self._tallies: dict[TurnKey, _Tally] = {}

    def take(self, key: TurnKey, *, is_sure: bool, times: int, pseudonym: str) -> None:
        """Take what a device asked for on a day."""
        tally = self._tallies.setdefault(key, _Tally())
        tally.is_sure |= is_sure
        tally.questions += times
        tally.today.add(pseudonym)

    def end_day(self) -> None:
        """Forget who asked on a day; how many they were stays."""
        for tally in self._tallies.values():
            tally.most = max(tally.most, len(tally.today))
            tally.today.clear()

    def told(self, *, small_number: int, most: int) -> tuple[TurnedName, ...]:
        """Give for each way to turn so many names at most, those of most devices first.

        Args:
            small_number: of fewer devices a name is not told.
        """
        found: list[TurnedName] = []
        for turn in Turn:
            names = [
                TurnedName(audience, turned, name, tally.is_sure, tally.most, tally.questions)
                for (audience, turned, name), tally in self._tallies.items()
                if turned is turn and tally.most >= small_number
            ]
            names.sort(key=lambda each: (-each.devices, -each.questions, each.name, each.audience))
            found += names[:most]
        return tuple(found)


def rounded(count: int) -> int:
    """Round to fives, and from a hundred on to two digits, so that one question more or less is not seen."""
    step = _STEP if count < _TWO_DIGITS else int(10 ** (len(str(count)) - 2))
    return (count + step // 2) // step * step
