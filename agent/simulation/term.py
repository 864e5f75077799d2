"""A term: everything that is observed in it, day by day, in the order in which it comes in."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Final

from agent.simulation.asking import Asked, observed
from agent.simulation.habits import Habits, habits_of
from agent.simulation.noise import Everyday, count
from agent.simulation.school import build_school
from agent.simulation.stories import by_day, plant
from agent.simulation.timetable import OPEN, Day, calendar
from rules.observation import Observation

SCHOOL_DAYS: Final = 60
_PROMPT_SECONDS: Final = 60
_LATE_MINUTES: Final = (10, 180)


class Term:
    """One term of one school; the same seed gives the same, to the last observation.

    Args:
        seed: of everything that is drawn.
        school_days: how long it is, without week-ends and holidays.
        habits: those of the seed, where nothing else is said.
    """

    def __init__(self, seed: int, *, school_days: int = SCHOOL_DAYS, habits: Habits | None = None) -> None:
        self._seed = seed
        self._habits = habits or habits_of(seed)
        random = Random(seed)
        self.school = build_school(random)
        self.stories = plant(self.school, school_days, self._habits, random)
        self.days = calendar(school_days)
        self._planted = by_day(self.stories)
        self._everyday = Everyday(self.school, self._habits, random)

    def of(self, day: Day) -> list[Observation]:
        """Give what is observed on a day, in the order in which it comes in: some late, some twice."""
        random = Random(f"{self._seed} {day.on}")
        asked = [*self._unclear(day, list(self._everyday.of(day, random)), random)]
        if day.number is not None:
            asked += self._planted.get(day.number, ())
        made = [observed(each, day, number=number, late=self._lateness(random)) for number, each in enumerate(asked)]
        made += (each for each in made if random.random() < self._habits.twice)
        return sorted(made, key=lambda each: each.received_at)

    def _lateness(self, random: Random) -> timedelta:
        if random.random() < self._habits.late:
            return timedelta(minutes=random.randint(*_LATE_MINUTES))
        return timedelta(seconds=int(random.random() * _PROMPT_SECONDS))

    def _unclear(self, day: Day, asked: list[Asked], random: Random) -> Iterator[Asked]:
        """Take somebody's name off what came while their address went from one device to another."""
        if day.number is None:
            yield from asked
            return
        people = (*self.school.pupils, *self.school.staff)
        hours = {
            random.choice(people).subject: random.randint(OPEN[0], OPEN[1] - 60)
            for _ in range(count(random, self._habits.address_changes))
        }
        for each in asked:
            start = hours.get(each.user.subject)
            is_unclear = start is not None and start <= each.minute < start + 60
            yield each._replace(user=each.user.unclear) if is_unclear else each
