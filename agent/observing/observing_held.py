"""What observing holds in memory: the rules that are gone by, and what is remembered of each subject by them.

The names that somebody asked for are remembered nowhere else. Where an act fails, what it remembered is not so, and
all of it is read again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

from agent.incidents.incidents import Incidents
from agent.observing.observing_times import Timetable
from agent.observing.observing_weighing import Weighing
from agent.sites.site import Site
from agent.sites.site_assessment import site_assessment
from agent.storage.observation_rows import add_counts
from rules.assessment import AssessmentRules
from rules.crowd import Crowd
from rules.memory import Memory


@dataclass(slots=True)
class Held:
    """What is held by one set of rules; `positions` say how far each day file was read into memory.

    `taken` is what a day file was like when a step had nothing left to do with it; in those of `unsettled` something
    is too new for that.
    """

    site: Site
    rules: AssessmentRules
    timetable: Timetable
    memory: Memory
    crowd: Crowd
    positions: dict[str, int] = field(default_factory=dict)
    taken: dict[tuple[str, date], object] = field(default_factory=dict)
    unsettled: set[date] = field(default_factory=set)

    @property
    def categories(self) -> frozenset[str]:
        """The categories that anything can come of."""
        weighed = (kind.categories for kind in self.rules.kinds.values())
        return self.rules.statutory.union(*weighed) - self.rules.unattributed


class Holding:
    """What is held at this moment, and the acts in which it is gone by.

    Args:
        incidents: where candidates are filed, by the site and the packs in force.
    """

    def __init__(self, incidents: Incidents) -> None:
        self.store = incidents.desk.store
        self._incidents = incidents
        self._held: Held | None = None

    def __call__(self) -> Held:
        """Give what is held; after a change of the rules, nothing is remembered yet."""
        site = self._incidents.desk.site()
        rules = site_assessment(site, self._incidents.desk.packs())
        held = self._held
        if held is None or rules != held.rules:
            held = self._held = Held(site, rules, self._timetable(site), Memory(rules), Crowd(rules.background))
        elif held.site is not site:
            held.site, held.timetable = site, self._timetable(site)
        return held

    def forget(self) -> None:
        """Remember everything anew, by whom it is known now to have been."""
        self._held = None

    @contextmanager
    def weighing(self, held: Held, *, since: datetime) -> Iterator[Weighing]:
        """Give an act in which observations are weighed; `since` is when the earliest of them happened.

        Raises:
            StorageError: nothing of it was stored.
        """
        try:
            with self.store.act() as act:
                weighing = Weighing(act, self._incidents, held.rules, held.memory, since=since)
                yield weighing
                add_counts(act, weighing.counts)
        except BaseException:
            self._held = None
            raise

    def _timetable(self, site: Site) -> Timetable:
        return Timetable(site, self._incidents.desk.is_school_day)
