"""What really happens in the term: planted stories, each with what has to become of it.

How much of it there is is drawn from what people do, from a timid try to a whole afternoon.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from random import Random
from typing import Final

from agent.simulation.asking import Asked
from agent.simulation.habits import Habits
from agent.simulation.school import School, User
from agent.simulation.sites import PRIVATE, as_typed, different_sites
from agent.simulation.timetable import CLUBS, EVENING, LESSONS
from rules.incident_kind import Kind
from rules.observation import Confidence, Place, Source
from rules.subject import Audience


class Expected(StrEnum):
    """What has to become of a story: a candidate for a person, at most a note about a device, or nothing at all."""

    FOUND = "found"
    DEVICE_ONLY = "device_only"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Story:
    """Something that happens.

    `asked` is what is asked for, by the number of the school day. `subjects` are those whom it is about, and each of
    them has to be found. Of an `is_warned` one a warning is recorded after its first day. `kind` is empty where no
    incident should come of it.
    """

    title: str
    kind: Kind | None
    expected: Expected
    subjects: tuple[str, ...]
    asked: dict[int, list[Asked]] = field(default_factory=dict)
    is_warned: bool = False

    @property
    def days(self) -> tuple[int, ...]:
        """The school days on which it happens."""
        return tuple(sorted(self.asked))


@dataclass(frozen=True, slots=True)
class Spree:
    """Somebody who tries one site after another: how many on a day, and so many minutes from one to the next.

    `within` are minutes of a day; `days` how many days there are, each `gap` or one more after the one before.
    """

    title: str
    kind: Kind
    categories: tuple[str, ...]
    sites: tuple[int, int]
    pause: tuple[int, int]
    within: tuple[int, int] = (LESSONS[3][0], CLUBS[1])
    days: tuple[int, int] = (1, 1)
    gap: int = 1
    place: Place = Place.ON_SITE
    is_staff: bool = False
    is_warned: bool = False


def _in_the_evening(title: str, kind: Kind, category: str, sites: tuple[int, int], pause: tuple[int, int]) -> Spree:
    return Spree(title, kind, (category,), sites, pause, within=EVENING, place=Place.OFF_SITE)


_PROXIES: Final = ("proxy", "vpn")
# With how many of each there are in a term of sixty days.
_TERM: Final = 60
SPREES: Final = (
    (Spree("an afternoon of gambling", Kind.GAMBLING, ("gambling",), (5, 9), (2, 8)), 4),
    (Spree("a timid try at gambling", Kind.GAMBLING, ("gambling",), (4, 5), (3, 7)), 2),
    (Spree("pornography on three days", Kind.PORNOGRAPHY, ("pornography",), (2, 4), (1, 5), days=(3, 3)), 3),
    (_in_the_evening("pornography in the evening", Kind.PORNOGRAPHY, "pornography", (4, 7), (1, 3)), 2),
    (Spree("a hunt for proxies", Kind.BYPASS, _PROXIES, (4, 9), (1, 3)), 3),
    (Spree("a short hunt for proxies", Kind.BYPASS, ("proxy",), (3, 4), (2, 4), within=LESSONS[2]), 2),
    (_in_the_evening("self-harm in the evening", Kind.SELF_HARM, "self_harm", (2, 4), (3, 12)), 4),
    (Spree("games on many days", Kind.GAMES, ("games",), (2, 3), (2, 4), within=LESSONS[4], days=(6, 9)), 4),
    (Spree("films and music without paying", Kind.PIRACY, ("piracy",), (4, 7), (3, 8)), 3),
    (Spree("fights and weapons", Kind.OFFENSIVE, ("violence", "weapons"), (5, 8), (2, 6)), 2),
    (Spree("files sent out", Kind.FILE_TRANSFER, ("file_sharing",), (4, 6), (2, 5)), 2),
    (Spree("shopping in a lesson", Kind.SHOPPING, ("shopping",), (5, 8), (2, 4), within=LESSONS[1]), 1),
    (
        Spree(
            "gambling again after a warning", Kind.GAMBLING, ("gambling",), (5, 7), (2, 6), days=(2, 2), gap=8,
            is_warned=True,
        ),
        2,
    ),
    (Spree("staff going round the filter", Kind.BYPASS, _PROXIES, (4, 6), (2, 6), is_staff=True), 2),
    (Spree("staff at offensive sites", Kind.OFFENSIVE, ("violence", "drugs"), (4, 6), (3, 7), is_staff=True), 1),
    (Spree("staff at pornography", Kind.PORNOGRAPHY, ("pornography",), (4, 6), (2, 7), is_staff=True), 1),
)  # fmt: skip


def plant(school: School, school_days: int, habits: Habits, random: Random) -> list[Story]:
    """Make the stories of a term; nobody is in two of them."""
    teller = _Teller(school, school_days, habits, random)
    planted: list[Story] = []
    for tell, times in teller.kinds_of_story():
        wanted = max(1, round(times * school_days / _TERM))
        planted += (tell() for _ in range(wanted))
    return planted


class _Teller:
    """Makes stories; those that take several days only if the term has them."""

    def __init__(self, school: School, school_days: int, habits: Habits, random: Random) -> None:
        self._habits = habits
        self._school = school
        self._days = school_days
        self._random = random
        self._pupils = _shuffled(school.pupils, random)
        self._staff = _shuffled(school.staff, random)
        self._tablets = _shuffled(school.tablets, random)

    def kinds_of_story(self) -> Sequence[tuple[Callable[[], Story], int]]:
        """Give each kind of story with how often it happens in a full term."""
        own = (
            (self._group, 2),
            (lambda: self._single_hit(self._pupils.pop()), 1),
            (lambda: self._single_hit(self._tablets.pop()), 1),
            (lambda: self._told("an unencrypted stick", Kind.MEDIA, self._staff.pop(), Source.ENDPOINT), 3),
            (lambda: self._told("one account on two devices", Kind.ACCOUNT_SHARING, self._pupils.pop(),
                                Source.ENDPOINT, signals=2, is_weak=True), 2),
            (lambda: self._told("bullying, reported", Kind.BULLYING, self._reported(), Source.REPORT), 3),
            (lambda: self._told("an anonymous report", Kind.BULLYING, self._unnamed(), Source.REPORT), 2),
            (lambda: self._told("filtering switched off", Kind.FILTER_OFF, self._unnamed(), Source.FILTER_OFF), 2),
            (self._shared_tablet, 3),
            (self._address_reused, 3),
            (self._looks_for_help, 4),
        )  # fmt: skip
        return (*((partial(self._of_spree, spree), times) for spree, times in SPREES), *own)

    def _of_spree(self, spree: Spree) -> Story:
        user = (self._staff if spree.is_staff else self._pupils).pop()
        days = self._some_days(spree.days, spree.gap)
        asked = {day: list(self._spree(user, spree)) for day in days}
        return Story(spree.title, spree.kind, Expected.FOUND, (user.subject,), asked, is_warned=spree.is_warned)

    # ---- stories of their own --------------------------------------------------------------------------------

    def _group(self) -> Story:
        """Some friends try social networks together, one after the other and all at once."""
        room = self._random.choice([room for room in self._school.classes if not room.is_shared])
        free = [user for user in self._pupils if user in room.users]
        friends = free[: self._random.randint(3, 4)]
        for friend in friends:
            self._pupils.remove(friend)
        start = self._random.randint(CLUBS[0], CLUBS[0] + 60)
        title, categories = "social networks in a group", ("social_networks", "chat")
        spree = Spree(title, Kind.SOCIAL, categories, (5, 8), (1, 4), within=(start, start + 45))
        asked = [each for friend in friends for each in self._spree(friend, spree)]
        subjects = tuple(friend.subject for friend in friends)
        return Story(title, spree.kind, Expected.FOUND, subjects, {self._some_day(): asked})

    def _single_hit(self, user: User) -> Story:
        spree = Spree("one illegal name", Kind.ILLEGAL, ("hate_speech",), (1, 1), (1, 1), within=LESSONS[2])
        asked = {self._some_day(): list(self._spree(user, spree))}
        return Story(spree.title, spree.kind, Expected.FOUND, (user.subject,), asked)

    def _told(self, title: str, kind: Kind, user: User, source: Source, **facts: int) -> Story:
        told = Asked(self._random.randint(560, 900), user, "", "", source=source, facts={"kind": kind.value, **facts})
        return Story(title, kind, Expected.FOUND, (user.subject,), {self._some_day(): [told]})

    def _reported(self) -> User:
        pupil = self._pupils.pop()
        return User(pupil.subject, pupil.device, pupil.audience, Confidence.B, "named_in_report", pupil.groups)

    def _unnamed(self) -> User:
        code = f"u-{self._random.getrandbits(48):012x}"
        return User(code, code, Audience.PUPIL, Confidence.D, "nobody_named")

    def _shared_tablet(self) -> Story:
        user = self._tablets.pop()
        return self._of_a_device("gambling on a shared tablet", user, user.subject)

    def _address_reused(self) -> Story:
        user = self._pupils.pop()
        return self._of_a_device("gambling at an address that changed hands", user.unclear, user.subject)

    def _of_a_device(self, title: str, user: User, subject: str) -> Story:
        spree = Spree(title, Kind.GAMBLING, ("gambling",), (6, 9), (2, 5), within=LESSONS[3])
        asked = {self._some_day(): list(self._spree(user, spree))}
        return Story(title, spree.kind, Expected.DEVICE_ONLY, (subject,), asked)

    def _looks_for_help(self) -> Story:
        user = self._pupils.pop()
        spree = Spree("", Kind.OTHER, PRIVATE, (6, 10), (1, 5), within=EVENING)
        asked = {day: list(self._spree(user, spree)) for day in self._some_days((2, 4), 2)}
        return Story("somebody who looks for help", None, Expected.NOTHING, (user.subject,), asked)

    # ---- what they are made of ------------------------------------------------------------------------------

    def _spree(self, user: User, spree: Spree) -> Iterator[Asked]:
        """Let somebody try one site after another, some again, on one day."""
        random = self._random
        wanted = random.randint(*spree.sites)
        chosen = [
            (category, site)
            for index, category in enumerate(spree.categories)
            for site in different_sites(random, category, -(-(wanted - index) // len(spree.categories)))
        ]
        random.shuffle(chosen)
        first, last = spree.within
        minute = random.randint(first, max(first, last - wanted * (sum(spree.pause) // 2 + 1)))
        for category, site in chosen:
            name = as_typed(random, site, self._habits)
            yield Asked(minute, user, category, name, random.randint(1, 4), place=spree.place)
            if random.random() < 0.3:
                again = f"www.{site}" if name == site else site
                yield Asked(
                    minute + random.randint(0, 1), user, category, again, random.randint(1, 2), place=spree.place
                )
            minute += random.randint(*spree.pause)

    def _some_day(self) -> int:
        return self._random.randrange(self._days)

    def _some_days(self, number: tuple[int, int], gap: int) -> list[int]:
        """Pick days; several of them follow each other, `gap` or a day more apart, as far as the term goes."""
        random = self._random
        wanted = random.randint(*number)
        day = random.randint(0, max(0, self._days - 1 - (wanted - 1) * (gap + 1)))
        days = [day]
        while len(days) < wanted and day + gap < self._days:
            day = min(self._days - 1, day + gap + random.randint(0, 1))
            days.append(day)
        return days


def by_day(stories: Iterable[Story]) -> dict[int, list[Asked]]:
    """Give what is asked for in stories, by school day."""
    found: dict[int, list[Asked]] = defaultdict(list)
    for story in stories:
        for day, asked in story.asked.items():
            found[day] += asked
    return dict(found)


def _shuffled(users: Sequence[User], random: Random) -> list[User]:
    return random.sample(users, len(users))
