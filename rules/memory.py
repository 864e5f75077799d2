"""What is remembered of each subject, to weigh by it what comes next: bounded in time and in number.

Of what is never kept against anybody nothing is remembered either.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from rules.assessment import AssessmentRules
from rules.incident_kind import Kind
from rules.name import DomainName
from rules.observation import Observation, Source
from rules.programs import site_of
from rules.weighing import MOST_OF_A_MINUTE, is_by_program

MOST_OF_LATE: Final = 200
MOST_OF_BEFORE: Final = 300
MOST_SUBJECTS: Final = 20_000

_Matter = tuple[str, Kind]
_Minute = tuple[int, bool]
_Once = tuple[date, DomainName, Source]


@dataclass(slots=True)
class _Remembered:
    """Of late some of every minute; of before, what somebody may have chosen, each site once a day.

    `minutes` count what of late there was in one, made by programs and not.
    """

    late: list[Observation] = field(default_factory=list)
    minutes: Counter[_Minute] = field(default_factory=Counter)
    before: dict[_Once, Observation] = field(default_factory=dict)


class Memory:
    """The blocked queries of late of every subject, by the kind of incident that they could be part of.

    Whoever was quiet longest is forgotten first.
    """

    def __init__(self, rules: AssessmentRules) -> None:
        self._rules = rules
        self._late = rules.window + rules.gap
        self._matters: OrderedDict[_Matter, _Remembered] = OrderedDict()

    def __len__(self) -> int:
        return sum(len(each.late) + len(each.before) for each in self._matters.values())

    def like(self, observation: Observation) -> list[Observation]:
        """Give what is remembered of the same subject and kind."""
        known = self._matters.get(matter) if (matter := self._matter(observation)) is not None else None
        return [*known.before.values(), *known.late] if known is not None else []

    def add(self, observation: Observation) -> None:
        """Remember an observation, if it may ever count."""
        matter = self._matter(observation)
        if matter is None:
            return
        known = self._matters.get(matter)
        if known is None:
            known = self._matters[matter] = _Remembered()
            if len(self._matters) > MOST_SUBJECTS:
                self._matters.popitem(last=False)
        else:
            self._matters.move_to_end(matter)
        minute = int(observation.at.timestamp()) // 60, is_by_program(observation, self._rules)
        if known.minutes[minute] >= MOST_OF_A_MINUTE:
            return
        known.minutes[minute] += 1
        known.late.append(observation)
        if len(known.late) > MOST_OF_LATE or known.late[0].at < observation.at - 2 * self._late:
            self._thin(known, observation.at)

    def _matter(self, observation: Observation) -> _Matter | None:
        if observation.category in self._rules.unattributed:
            return None
        kind = self._rules.kind_of(observation.category)
        return (observation.subject, kind.kind) if kind is not None else None

    def _thin(self, known: _Remembered, now: datetime) -> None:
        """Keep what is old by the day; of too much of late, give up the earlier half."""
        known.late.sort(key=lambda each: each.at)
        old = sum(each.at < now - self._late for each in known.late)
        surplus = len(known.late) - MOST_OF_LATE // 2 if len(known.late) > MOST_OF_LATE else 0
        for each in known.late[: max(old, surplus)]:
            if each.name is not None and not is_by_program(each, self._rules):
                known.before.setdefault((each.at.date(), site_of(each.name), each.source), each)
        del known.late[: max(old, surplus)]
        first = int((now - self._late).timestamp()) // 60
        known.minutes = Counter({minute: times for minute, times in known.minutes.items() if minute[0] >= first})
        since = now - self._rules.memory
        fresh = [(key, each) for key, each in known.before.items() if each.at >= since]
        known.before = dict(fresh[-MOST_OF_BEFORE:])
