"""What happens in a school all day that nobody has to look at: pages and their parts, slips, and lessons.

How often each happens is said by the habits of a school.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from agent.simulation.apps import App, apps_of
from agent.simulation.asking import Asked
from agent.simulation.habits import Habits
from agent.simulation.school import Classroom, School, User
from agent.simulation.sites import FAMOUS, PRIVATE, as_typed, different_sites, known_site, sites
from agent.simulation.timetable import BREAKS, LESSONS, Day
from rules.observation import Confidence, Source

_SLIPS: Final = {
    "games": 40, "social_networks": 20, "shopping": 8, "violence": 6, "gambling": 6, "piracy": 6, "file_sharing": 5,
    "pornography": 5, "proxy": 4, "weapons": 3, "chat": 3, "drugs": 2, "self_harm": 1,
}  # fmt: skip
# What pages carry that belongs to somebody else, and what a list of results leads to.
_CARRIED: Final = {"file_sharing": 3, "games": 3, "shopping": 3, "violence": 1, "piracy": 1, "chat": 1}
_ADVERTISED: Final = {"gambling": 6, "shopping": 4, "games": 3, "pornography": 1}
_RESULTS: Final = {
    "games": 6, "shopping": 5, "violence": 3, "gambling": 2, "piracy": 2, "weapons": 2, "drugs": 2, "file_sharing": 2,
    "social_networks": 2, "pornography": 1, "proxy": 1, "self_harm": 1,
}  # fmt: skip
_WAITING: Final = ("pornography", "gambling", "shopping")
_TOPICS: Final = ("weapons", "drugs", "violence", "discrimination")
_ORDINARY_PAGES: Final = 150
# A browser does not ask again for so long.
_REMEMBERED_MINUTES: Final = 20


@dataclass(frozen=True, slots=True)
class Part:
    """What a page carries of another site, and how often it does."""

    category: str
    name: str
    chance: float


Page = tuple[Part, ...]


class Everyday:
    """The everyday of one school.

    Args:
        random: for what stays the same all term: which pages carry what, who has which app.
    """

    def __init__(self, school: School, habits: Habits, random: Random) -> None:
        self._school = school
        self._habits = habits
        self._pages = [self._page(random) for _ in range(_ORDINARY_PAGES)]
        users = ((school.pupils, habits.pupil_apps), (school.tablets, habits.tablet_apps))
        people = ((school.staff, habits.staff_apps), (school.strangers, habits.stranger_apps))
        self._apps: list[tuple[User, App]] = [
            (user, app)
            for group, share in (*users, *people)
            for user in group
            if random.random() < share
            for app in apps_of(user, habits, random)
        ]
        everybody = (*school.pupils, *school.staff)
        self._start_pages = {
            user.subject: self._parts(random, _pick(random, _CARRIED), random.randint(1, 3), chance=1.0)
            for user in everybody
            if random.random() < habits.start_pages
        }

    def of(self, day: Day, random: Random) -> Iterator[Asked]:
        """Give what happens on a day, in no order."""
        for user, app in self._apps:
            yield from app.on(day, user, random)
        if day.number is None:
            return
        for room in self._school.classes:
            for user in room.users:
                yield from self._pupil(user, random)
        for user in self._school.staff:
            yield from self._member_of_staff(user, random)
        for _ in range(count(random, self._habits.class_pages)):
            yield from self._class_page(random.choice(self._school.classes), random)
        yield from self._lessons_on_a_subject(random)
        for _ in range(count(random, self._habits.swaps)):
            yield from self._swap(random)
        for _ in range(count(random, self._habits.stray_illegal)):
            yield Asked(random.randint(540, 900), random.choice(self._school.pupils), "hate_speech", _stray(random))
        for _ in range(count(random, self._habits.help)):
            yield from self._looks_for_help(random.choice(self._school.pupils), random)

    # ---- pages -----------------------------------------------------------------------------------------------

    def _page(self, random: Random) -> Page:
        habits = self._habits
        parts: list[Part] = []
        if random.random() < habits.social_pages:
            famous = random.sample(sites("social_networks")[:FAMOUS], random.randint(1, 3))
            parts += (Part("social_networks", self._part(random, site), 0.4) for site in famous)
        if random.random() < habits.ad_pages:
            parts += self._parts(random, _pick(random, _ADVERTISED), random.randint(2, 6), chance=0.15)
        if random.random() < habits.carrying_pages:
            parts += self._parts(random, _pick(random, _CARRIED), random.randint(1, 2), chance=0.9)
        return tuple(parts)

    def _some_page(self, random: Random) -> Page:
        if random.random() < self._habits.rare_pages:
            return self._page(random)
        return self._pages[min(int(random.expovariate(0.02)), _ORDINARY_PAGES - 1)]

    def _parts(self, random: Random, category: str, number: int, *, chance: float) -> Page:
        chosen = random.sample(sites(category), number)
        return tuple(Part(category, self._part(random, site), chance) for site in chosen)

    def _part(self, random: Random, site: str) -> str:
        drawn = random.random()
        if drawn < self._habits.bare_parts:
            return random.choice((site, f"www.{site}"))
        is_own = drawn < self._habits.bare_parts + self._habits.own_labels
        return f"{random.choice(self._habits.maker_labels if is_own else self._habits.giving_labels)}.{site}"

    def _browses(self, user: User, start: int, end: int, pages: tuple[int, int], random: Random) -> Iterator[Asked]:
        minute = start + random.randint(0, 8)
        asked: dict[str, int] = {}
        for part in self._start_pages.get(user.subject, ()):
            yield Asked(minute, user, part.category, part.name)
        for _ in range(random.randint(*pages)):
            minute += 1 + int(random.expovariate(0.4))
            if minute >= end:
                return
            if random.random() < self._habits.result_pages:
                yield from self._results(user, minute, random)
                continue
            for part in self._some_page(random):
                if asked.get(part.name, 0) < minute and random.random() < part.chance:
                    asked[part.name] = minute + _REMEMBERED_MINUTES
                    yield Asked(minute, user, part.category, part.name, 1 + (random.random() < 0.5))

    def _results(self, user: User, minute: int, random: Random) -> Iterator[Asked]:
        """A list of results whose names the browser asks for ahead; now and then one of them is clicked."""
        category = _pick(random, _RESULTS)
        found = different_sites(random, category, random.randint(*self._habits.results))
        for site in found:
            yield Asked(minute, user, category, as_typed(random, site, self._habits))
        if random.random() < 0.3:
            yield Asked(minute + 1, user, category, f"www.{random.choice(found)}", 2)

    # ---- people ----------------------------------------------------------------------------------------------

    def _pupil(self, user: User, random: Random) -> Iterator[Asked]:
        chance = self._habits.tablet_lessons if user.confidence is Confidence.C else self._habits.lessons
        for start, end in LESSONS:
            if random.random() < chance:
                yield from self._browses(user, start, end, self._habits.pages, random)
        yield from self._slips(user, random)

    def _member_of_staff(self, user: User, random: Random) -> Iterator[Asked]:
        yield from self._browses(user, random.randint(460, 700), 1080, self._habits.staff_pages, random)
        yield from self._slips(user, random)

    def _slips(self, user: User, random: Random) -> Iterator[Asked]:
        if random.random() < self._habits.mistyped:
            minute, subject = _some_minute(random), random.choice(_WAITING)
            for name in _mistyped(known_site(random, "")):
                yield Asked(minute, user, subject, name)
        drawn = random.random()
        if drawn >= self._habits.slips + self._habits.tries:
            return
        category = _pick(random, _SLIPS)
        minute = _some_minute(random)
        number = 1 if drawn < self._habits.slips else _curious(random, category)
        for site in different_sites(random, category, number):
            yield Asked(minute, user, category, as_typed(random, site, self._habits), random.randint(1, 3))
            minute += random.randint(1, 4)

    def _swap(self, random: Random) -> Iterator[Asked]:
        """Two children use one device one after the other, and for a while nobody knows which."""
        first, second = random.sample(random.choice(self._school.classes[-12:]).users, 2)
        category = _pick(random, _SLIPS)
        minute = _some_minute(random)
        for user in (first, first.unclear, second):
            for site in different_sites(random, category, min(_curious(random, category), random.randint(1, 2))):
                yield Asked(minute, user, category, as_typed(random, site, self._habits))
                minute += random.randint(1, 5)

    def _looks_for_help(self, user: User, random: Random) -> Iterator[Asked]:
        minute = _some_minute(random)
        for site in different_sites(random, random.choice(PRIVATE), random.randint(1, 4)):
            category = "helplines" if "helpline" in site else "health_education"
            yield Asked(minute, user, category, as_typed(random, site, self._habits), 2)
            minute += random.randint(1, 6)

    # ---- classes ---------------------------------------------------------------------------------------------

    def _class_page(self, room: Classroom, random: Random) -> Iterator[Asked]:
        """Let a whole class open one page, some of them again, whose parts are of a blocked subject."""
        start, end = random.choice(LESSONS)
        page = self._parts(random, _pick(random, _CARRIED | _ADVERTISED), random.randint(2, 5), chance=0.95)
        first = random.randint(start + 2, end - 10)
        for user in room.users:
            if random.random() < 0.1:
                continue
            minute = first + random.randint(0, 3)
            for part in page:
                if random.random() < part.chance:
                    yield Asked(minute, user, part.category, part.name)
                    if random.random() < 0.2:
                        yield Asked(minute + random.randint(1, 4), user, part.category, part.name)

    def _lessons_on_a_subject(self, random: Random) -> Iterator[Asked]:
        rooms = [room for room in self._school.classes if not room.is_shared]
        for _ in range(count(random, self._habits.topic_lessons)):
            yield from self._topic(random.choice(rooms), random.choice(_TOPICS), random)
        for _ in range(count(random, self._habits.override_lessons)):
            room = random.choice(rooms)
            start, _ = random.choice(LESSONS)
            opened = different_sites(random, "gambling", 4)
            for user in room.users:
                for minute in sorted(random.sample(range(start + 3, start + 35), 4)):
                    name = f"www.{random.choice(opened)}"
                    yield Asked(minute, user, "gambling", name, source=Source.OVERRIDE_USED)
            yield from self._topic(room, "gambling", random, start=start)

    def _topic(self, room: Classroom, category: str, random: Random, *, start: int | None = None) -> Iterator[Asked]:
        """Let a class look for something that a lesson is about; everybody comes upon other sites."""
        if start is None:
            start, _ = random.choice(LESSONS)
        for user in room.users:
            minute = start + random.randint(3, 20)
            for site in different_sites(random, category, random.choice((0, 1, 1, 2, 2, 3, 4))):
                yield Asked(minute, user, category, as_typed(random, site, self._habits))
                minute += random.randint(1, 5)


def _pick(random: Random, weights: dict[str, int]) -> str:
    return random.choices(list(weights), list(weights.values()))[0]


def count(random: Random, rate: float) -> int:
    """Draw how often something happens that happens so often on average."""
    drawn, total = 0, random.expovariate(1)
    while total < rate:
        drawn += 1
        total += random.expovariate(1)
    return drawn


def _curious(random: Random, category: str) -> int:
    """Draw how many sites somebody looks at who only wants to know; of some subjects three are no curiosity."""
    return {"self_harm": 1, "proxy": 2, "pornography": 2}.get(category) or random.randint(2, 3)


def _some_minute(random: Random) -> int:
    start, end = random.choice((*LESSONS, *BREAKS))
    return random.randint(start + 1, end - 1)


def _mistyped(site: str) -> tuple[str, str]:
    wrong = site[0] + site[2:]
    return wrong, f"www.{wrong}"


def _stray(random: Random) -> str:
    return f"img.{known_site(random, 'hate_speech')}"
