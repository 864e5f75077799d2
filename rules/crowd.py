"""How many others ask for the same at the same time: a class that opens one page, or has a lesson on a subject.

What many ask for at once is seldom a choice of each of them. Only numbers come out of here, never who the others are.
"""

from collections import OrderedDict
from dataclasses import replace
from types import MappingProxyType
from typing import Final, NamedTuple

from rules.observation import Observation, Source
from rules.programs import Background

# The same name within this time before or after, the same name on one day, the same subject within that time.
_NAME_SECONDS: Final = 5 * 60
_DAY_SECONDS: Final = 24 * 3600
_SUBJECT_SECONDS: Final = 15 * 60
# Counting stops at so many, and what was asked for longest ago is forgotten first.
MOST_OTHERS: Final = 64
MOST_KEYS: Final = 50_000

# Before the name of a group stands nothing, so these are none.
_NOW: Final = " now"
_TODAY: Final = " today"

_Key = tuple[str, str, int]
# Names that so few ask for on a day are not remembered for longer.
_FIRST_FAME: Final = 5
_FAME_DAYS: Final = 28
MOST_FAMOUS: Final = 10_000


class _Fame(NamedTuple):
    """How many asked for a name on the day on which most did; days count from 1970."""

    askers: int
    day: int


class Crowd:
    """Who asked for what of late, in stretches of minutes; in any order, and twice is once.

    Put in everything that came in, and only then ask: who loads a page first is otherwise alone with it.

    Args:
        background: names that programs ask for by themselves, which are not counted.
    """

    def __init__(self, background: Background) -> None:
        self._background = background
        self._asking: OrderedDict[_Key, set[str]] = OrderedDict()
        self._famous: OrderedDict[str, _Fame] = OrderedDict()

    def __len__(self) -> int:
        return len(self._asking)

    def add(self, observation: Observation) -> None:
        """Count a blocked query; what comes from elsewhere is nobody's page."""
        if not self._counts(observation):
            return
        at = int(observation.at.timestamp())
        name = observation.name or ""
        self._count((_NOW, name, at // _NAME_SECONDS), observation.subject)
        day = at // _DAY_SECONDS
        self._remember(name, self._count((_TODAY, name, day), observation.subject), day)
        for group in observation.groups:
            self._count((group, observation.category, at // _SUBJECT_SECONDS), observation.subject)

    def told(self, observation: Observation) -> Observation:
        """Give a blocked query with what is known of others among its facts, each number at most `MOST_OTHERS`.

        `others` asked for the same name within minutes, `askers` about that day or on the best of the days of late;
        `peers`, of the smallest group of the subject, asked for the same category of late, in a lesson. What is
        nobody is left out.
        """
        if not self._counts(observation):
            return observation
        at, subject, facts = int(observation.at.timestamp()), observation.subject, observation.facts
        name = observation.name or ""
        counts = {
            "others": self._others(_NOW, name, at // _NAME_SECONDS, subject),
            "askers": max(self._others(_TODAY, name, at // _DAY_SECONDS, subject), self._fame(name, at)),
        }
        if facts.get("in_lesson") is True:
            stretch = at // _SUBJECT_SECONDS
            peers = (self._others(group, observation.category, stretch, subject) for group in observation.groups)
            counts["peers"] = min(peers, default=0)
        known = {fact: count for fact, count in counts.items() if count}
        return replace(observation, facts=MappingProxyType({**facts, **known})) if known else observation

    def _counts(self, observation: Observation) -> bool:
        name = observation.name
        return observation.source is Source.BLOCKED and name is not None and not self._background.covers(name)

    def _count(self, key: _Key, subject: str) -> int:
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = set()
            if len(self._asking) > MOST_KEYS:
                self._asking.popitem(last=False)
        if len(asking) <= MOST_OTHERS:
            asking.add(subject)
        return len(asking)

    def _remember(self, name: str, askers: int, day: int) -> None:
        """Keep how many asked on the best of the days of late: on a Monday morning a famous name is still famous."""
        if askers < _FIRST_FAME:
            return
        known = self._famous.get(name)
        if known is None or askers >= known.askers or day - known.day > _FAME_DAYS:
            self._famous[name] = _Fame(askers, day)
            self._famous.move_to_end(name)
            if len(self._famous) > MOST_FAMOUS:
                self._famous.popitem(last=False)

    def _fame(self, name: str, at: int) -> int:
        known = self._famous.get(name)
        if known is None or abs(at // _DAY_SECONDS - known.day) > _FAME_DAYS:
            return 0
        return min(MOST_OTHERS, known.askers - 1)

    def _others(self, group: str, what: str, stretch: int, subject: str) -> int:
        found: set[str] = set()
        for near in (stretch, stretch - 1, stretch + 1):
            found.update(self._asking.get((group, what, near), ()))
            if len(found) > MOST_OTHERS:
                return MOST_OTHERS
        return len(found) - (subject in found)
