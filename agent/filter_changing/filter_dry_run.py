"""A dry run: what a change of the filter would have meant for what was asked in the past days.

It goes by what the activity store keeps, which is little on purpose: names of refused questions, without the groups
of whoever asked, and counts for the rest. What that cannot show is said beside the figures.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from agent.dns.outcomes import CATEGORY_IDS
from agent.sites.site import ActivityLevel, Site
from agent.storage.files import BUSY_SECONDS
from rules.engine import decide
from rules.event import NAME_TAG, Event
from rules.name import DomainName, ancestors
from rules.policy import Rulebook
from rules.subject import Audience, Profile
from rules.verdict import Block

DAYS: Final = 7
_CATEGORIES: Final = frozenset(CATEGORY_IDS)
_DECIDED: Final = ("blocked", "allowed", "rewritten")
_WHO: Final = {Audience.PUPIL: "pupils", Audience.STAFF: "staff", Audience.GUEST: "guests"}
# Within an hour that is only counted, a schedule may begin or end: looked at this often.
_STEPS: Final = tuple(timedelta(minutes=minute) for minute in (0, 15, 30, 45))


class Turn(StrEnum):
    """What would become of a question."""

    OPENED = "opened"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Figure:
    """How much of one kind would change for an audience; where `is_sure` is false, for some of them only, or maybe.

    `names` are distinct names that are kept; `questions` are counted, with or without their name.
    """

    audience: Audience
    turn: Turn
    is_sure: bool
    names: int
    questions: int

    def __str__(self) -> str:
        adverb = "now" if self.is_sure else "perhaps, or for some of them, now"
        state = "open" if self.turn is Turn.OPENED else "blocked"
        who = _WHO[self.audience]
        if self.names:
            plural = "name" if self.names == 1 else "names"
            times = "once" if self.questions == 1 else f"{self.questions:,} times"
            return f"{self.names:,} {plural} that {who} asked for ({times}) would {adverb} be {state}."
        plural = "question" if self.questions == 1 else "questions"
        return f"{self.questions:,} {plural} of {who} that are only counted would {adverb} be {state}."


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a change would have meant; `unknown` says in sentences what the figures do not show."""

    first_on: date
    last_on: date
    days_kept: int
    figures: tuple[Figure, ...]
    unknown: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The figures in words, then what they do not show."""
        days = "day" if self.days_kept == 1 else "days"
        kept = f"{self.days_kept} {days} of {self.first_on} to {self.last_on} are on record."
        figures = map(str, self.figures) if self.figures else ("Nothing that is on record would change.",)
        return (kept, *figures, *self.unknown)


def dry_run(
    before: Site,
    after: Site,
    folder: Path,
    *,
    today: date,
    days: int = DAYS,
    categories_of: Callable[[DomainName], Iterable[str]] | None = None,
) -> DryRun:
    """Decide again, with both sites, what was asked on the days before today.

    Args:
        before: the site in force.
        after: the site with the change.
        folder: where the day files are; they are only read.
        today: the school's day.
        days: how many days before today count.
        categories_of: every category of a name by the lists in force; without it only the one that decided is known.
    """
    first_on = today - timedelta(days=days)
    run = _Run(before, after, categories_of)
    kept = 0
    for day in (first_on + timedelta(days=number) for number in range(days)):
        path = folder / f"activity-{day}.db"
        if not path.exists():
            continue
        try:
            run.take(path)
            kept += 1
        except sqlite3.Error as error:
            run.unknown.append(f"The activity of {day} could not be read ({error}).")
    return DryRun(first_on, today - timedelta(days=1), kept, tuple(run.figures()), tuple(run.remarks()))


class _Asked(NamedTuple):
    """What is kept of questions that are alike; those that are only counted have no name."""

    at_unix: int
    audience: str
    verdict: str
    category: str
    times: int
    name: str | None = None


class _Case(NamedTuple):
    """What a verdict depends on; where the question was only counted, `at_unix` begins its hour."""

    at_unix: int
    is_named: bool
    audience: Audience
    was_blocked: bool
    tags: frozenset[str]


@dataclass(slots=True)
class _Tally:
    names: set[str] = field(default_factory=set)
    questions: int = 0


class _Run:
    """One dry run as it goes from day to day."""

    def __init__(
        self, before: Site, after: Site, categories_of: Callable[[DomainName], Iterable[str]] | None
    ) -> None:
        self._sites = before, after
        self._timed = tuple(
            policy
            for policy in (*before.rulebook.policies, *after.rulebook.policies)
            if policy.schedule or policy.from_at or policy.until_at
        )
        # The first instant at which the same policies were in force; what was decided then holds for all like it.
        self._firsts: dict[tuple[bool, ...], int] = {}
        self._alike = cache(self._find_alike)
        self._turns = cache(self._find_turns)
        self._site_names = _site_names(before.rulebook) | _site_names(after.rulebook)
        self._profiles = {audience: _profiles(before, after, audience) for audience in Audience}
        self._tags_of = cache(self._find_tags)
        self._categories_of = categories_of
        # By audience, turn, whether it is sure, and whether names are known.
        self._tallies: dict[tuple[Audience, Turn, bool, bool], _Tally] = {}
        self._unexplained = 0
        self._nameless = 0
        self.unknown: list[str] = []

    def take(self, path: Path) -> None:
        """Take one day; what was taken before a fault stays."""
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as day:
            named: dict[tuple[int, str, str, str], int] = {}
            for minute_at, audience, verdict, name, category, times in day.execute(
                "SELECT minute_at, audience, verdict, name, category, times FROM queries"
            ):
                hour = minute_at - minute_at % 3600, audience, verdict, category
                named[hour] = named.get(hour, 0) + times
                self._judge(_Asked(minute_at, audience, verdict, category, times, name))
            for hour_at, audience, verdict, category, times in day.execute("SELECT * FROM counts"):
                # Most time zones begin their hours with those of UTC; elsewhere the rest is a little off.
                rest = times - named.get((hour_at, audience, verdict, category), 0)
                if rest > 0:
                    self._judge(_Asked(hour_at, audience, verdict, category, rest))

    def figures(self) -> Iterator[Figure]:
        """Give what would change, most certain first."""
        order = list(Audience)
        for key in sorted(self._tallies, key=lambda key: (order.index(key[0]), key[1], not key[2], not key[3])):
            audience, turn, is_sure, is_named = key
            tally = self._tallies[key]
            sure = self._tallies.get((audience, turn, True, True))
            names = tally.names if is_sure or sure is None else tally.names - sure.names
            if names or not is_named:
                yield Figure(audience, turn, is_sure, len(names), tally.questions)

    def remarks(self) -> Iterator[str]:
        """Say what nobody can know."""
        yield from self.unknown
        before, after = self._sites
        if before.retention.activity is not ActivityLevel.ALL:
            yield (
                "Questions that were answered are kept as counts without names, so names that would now be blocked"
                f" cannot be counted; {self._nameless:,} answered questions have no known category."
            )
        if self._categories_of is None:
            yield "Of each name only the category that decided is known; another one may still block it."
        if before.lists != after.lists:
            yield "The lists differ; what a new list names is not known before it was fetched."
        if len(self._profiles[Audience.PUPIL]) + len(self._profiles[Audience.STAFF]) > 2:
            yield "Nobody kept in which groups somebody was, so changes for groups are counted as perhaps."
        if self._unexplained:
            yield (
                f"{self._unexplained:,} refused questions would not be refused today, because of an override,"
                " a list or a setting of that time; they are left out."
            )

    def _judge(self, asked: _Asked) -> None:
        if asked.verdict not in _DECIDED or asked.audience not in tuple(Audience):
            return
        was_blocked = asked.verdict == "blocked"
        audience = Audience(asked.audience)
        if asked.name is None and asked.category not in _CATEGORIES:
            self._nameless += 0 if was_blocked else asked.times
            return
        tags = self._tags_of(asked.name) | ({asked.category} & _CATEGORIES)
        is_named = asked.name is not None
        turned = self._turns(_Case(self._alike((asked.at_unix, is_named)), is_named, audience, was_blocked, tags))
        if not turned:
            self._unexplained += asked.times if was_blocked else 0
        elif any(turned):
            # What is open may be blocked for a category that nobody kept; what is blocked stays so.
            knows_all = not was_blocked or (is_named and self._categories_of is not None)
            turn = Turn.OPENED if was_blocked else Turn.CLOSED
            key = audience, turn, all(turned) and knows_all, is_named
            tally = self._tallies.setdefault(key, _Tally())
            tally.questions += asked.times
            if asked.name is not None:
                tally.names.add(asked.name)

    def _find_alike(self, asked_at: tuple[int, bool]) -> int:
        at_unix, is_named = asked_at
        moments = _moments(at_unix, is_named=is_named)
        pattern = tuple(policy.is_in_force(moment) for moment in moments for policy in self._timed)
        return self._firsts.setdefault((is_named, *pattern), at_unix)

    def _find_turns(self, case: _Case) -> frozenset[bool]:
        """Say whether the verdict would turn, for whoever and whenever it may have been within what is kept.

        Whoever would not have had the recorded verdict did not ask; where that is everybody, nothing comes back.
        """
        before, after = (site.rulebook for site in self._sites)
        events = (
            Event(moment, profile, case.tags)
            for moment in _moments(case.at_unix, is_named=case.is_named)
            for profile in self._profiles[case.audience]
        )
        return frozenset(
            _is_blocked(event, after) is not case.was_blocked
            for event in events
            if _is_blocked(event, before) is case.was_blocked
        )

    def _find_tags(self, name: str | None) -> frozenset[str]:
        """Give the tags of a name, as policies of either site address it."""
        if name is None:
            return frozenset()
        found = DomainName(name)
        categories = self._categories_of(found) if self._categories_of is not None else ()
        return frozenset(tag for tag in categories if tag in _CATEGORIES) | {
            NAME_TAG + above for above in ancestors(found) if above in self._site_names
        }


def _moments(at_unix: int, *, is_named: bool) -> tuple[datetime, ...]:
    at = datetime.fromtimestamp(at_unix, UTC)
    return (at,) if is_named else tuple(at + step for step in _STEPS)


def _is_blocked(event: Event, rulebook: Rulebook) -> bool:
    return isinstance(decide(event, rulebook), Block)


def _site_names(rulebook: Rulebook) -> frozenset[str]:
    tags = frozenset().union(rulebook.guards, *(policy.tags for policy in rulebook.policies))
    return frozenset(tag.removeprefix(NAME_TAG) for tag in tags if tag.startswith(NAME_TAG))


def _profiles(before: Site, after: Site, audience: Audience) -> tuple[Profile, ...]:
    """Give the profiles that somebody of an audience may have had; whoever is in several groups is left to chance."""
    groups: dict[frozenset[str], None] = {frozenset(): None}
    for site in (before, after):
        for network in site.networks:
            if network.audience is audience and network.groups:
                groups[frozenset(network.groups)] = None
        addressed = _addressed_groups(site)
        for group in site.groups:
            if group.name in addressed and group.audience in (None, audience):
                groups[frozenset({group.name})] = None
    return tuple(Profile(audience, each) for each in groups)


def _addressed_groups(site: Site) -> frozenset[str]:
    scopes = (*(policy.scope for policy in site.rulebook.policies), *site.rulebook.allow_only)
    return frozenset().union(*(scope.groups | scope.except_groups for scope in scopes))
