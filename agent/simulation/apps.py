"""Programs that ask for blocked names by themselves, at a beat or whenever they like, whoever sits before them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from agent.simulation.asking import Asked
from agent.simulation.habits import Habits
from agent.simulation.school import User
from agent.simulation.sites import known_site
from agent.simulation.timetable import OPEN, Day
from rules.observation import Confidence
from rules.subject import Audience

_OF_STAFF: Final = {"social_networks": 6, "file_sharing": 5, "shopping": 4, "vpn": 3, "games": 1}
_OF_PUPILS: Final = {"games": 6, "social_networks": 3, "vpn": 1, "file_sharing": 1}
_OF_STRANGERS: Final = {"social_networks": 4, "games": 3, "piracy": 2, "vpn": 2, "shopping": 2}
_DAY: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class App:
    """A program: the names that it asks for each time, every so many minutes, more or less.

    Where it is `irregular`, `beat` is an average. One that gets no answer tries again a few times (`retries` is the
    chance of it). `is_left_on` ones run at night and at week-ends.
    """

    category: str
    names: Sequence[str]
    beat: int
    jitter: int
    irregular: bool
    retries: float
    is_left_on: bool

    def on(self, day: Day, user: User, random: Random) -> Iterator[Asked]:
        """Give what it asks for on a day."""
        if day.number is None and not self.is_left_on:
            return
        # Not every day is the device there, and seldom all day.
        if random.random() < 0.25:
            return
        start, end = (
            (0, _DAY) if self.is_left_on else (OPEN[0] + random.randint(0, 120), OPEN[1] - random.randint(0, 180))
        )
        minute: float = start + random.randint(0, self.beat)
        while minute < end:
            yield from self._ask(int(minute), user)
            if self.retries and random.random() < self.retries:
                for wait in (1, 3, 7):
                    yield from self._ask(int(minute) + wait, user, most=1)
            pause = max(2.0, random.expovariate(1 / self.beat)) if self.irregular else self.beat
            minute += pause + random.randint(-self.jitter, self.jitter)

    def _ask(self, minute: int, user: User, *, most: int | None = None) -> Iterator[Asked]:
        if minute < _DAY:
            for name in self.names[:most]:
                yield Asked(minute, user, self.category, name)


def apps_of(user: User, habits: Habits, random: Random) -> list[App]:
    """Give somebody's programs: one, or now and then two or three."""
    return [_app(user, habits, random) for _ in range(random.choice((1, 1, 1, 2, 3)))]


def _app(user: User, habits: Habits, random: Random) -> App:
    weights = _weights(user)
    category = random.choices(list(weights), list(weights.values()))[0]
    site = known_site(random, category)
    labels = (*habits.giving_labels, *habits.maker_labels, "www")
    names = [f"{label}.{site}" for label in random.sample(labels, random.choice((1, 1, 2, 3)))]
    if category == "piracy":
        names += [f"{random.choice(labels)}.{known_site(random, category)}" for _ in range(random.randint(1, 3))]
    irregular = random.random() < habits.irregular_apps
    return App(
        category=category,
        names=names,
        beat=random.randint(*habits.beat),
        jitter=habits.jitter,
        irregular=irregular,
        retries=habits.retries if irregular else 0.0,
        is_left_on=random.random() < habits.left_on,
    )


def _weights(user: User) -> Mapping[str, int]:
    if user.confidence is Confidence.D:
        return _OF_STRANGERS
    return _OF_STAFF if user.audience is Audience.STAFF else _OF_PUPILS
