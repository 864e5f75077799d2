"""A dry run: what a change of the filter would have meant for what was asked in the past days.

It goes by what the activity store keeps, which is little on purpose: names of refused questions, without the groups
of whoever asked, and counts for the rest. What that cannot show is said beside the figures.

Nobody learns from it what a single pupil asked for: what few devices stand behind is left out, names that a change
addresses each on their own; figures are rounded, and nothing is looked at by less than an hour.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from agent.dns.outcomes import CATEGORY_IDS
from agent.filter_changing.turned_names import Turn, TurnedName, TurnedNames, rounded
from agent.sites.site import ActivityLevel, Site
from agent.storage.files import BUSY_SECONDS, has_table
from rules.engine import decide
from rules.event import NAME_TAG, Event
from rules.name import DomainName, ancestors
from rules.policy import Rulebook
from rules.subject import Audience, Profile
from rules.verdict import Block

DAYS: Final = 7
# How many names are told of those that would open, and of those that would be blocked.
MOST_NAMES: Final = 20
_CATEGORIES: Final = frozenset(CATEGORY_IDS)
_DECIDED: Final = ("blocked", "allowed", "rewritten")
_WHO: Final = {Audience.PUPIL: "pupils", Audience.STAFF: "staff", Audience.GUEST: "guests"}
# Never fewer, whatever a school says.
FEWEST_DEVICES: Final = 5
# Within an hour, a schedule may begin or end: looked at this often.
_STEPS: Final = tuple(timedelta(minutes=minute) for minute in range(0, 60, 5))
_HOUR_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Figure:
    """How much of one kind would change for an audience; where `is_sure` is false, for some of them only, or maybe.

    `names` are distinct names that are kept, None where questions are only counted; `questions` are counted, with
    or without their name. Both are rounded, so that no names are few.
    """

    audience: Audience
    turn: Turn
    is_sure: bool
    names: int | None
    questions: int

    def __str__(self) -> str:
        adverb = "now" if self.is_sure else "perhaps, or for some of them, now"
        state = "open" if self.turn is Turn.OPENED else "blocked"
        who, times = _WHO[self.audience], f"about {self.questions:,}"
        if self.names is None:
            return f"{times.capitalize()} questions of {who} that are only counted would {adverb} be {state}."
        names = f"About {self.names:,}" if self.names else "A few"
        return f"{names} names that {who} asked for ({times} times) would {adverb} be {state}."


class Gap(StrEnum):
    """Why the figures do not show everything."""

    UNREADABLE = "unreadable"
    ONLY_COUNTED = "only_counted"
    ONE_CATEGORY = "one_category"
    LISTS_DIFFER = "lists_differ"
    GROUPS = "groups"
    UNEXPLAINED = "unexplained"
    FEW = "few"


@dataclass(frozen=True, slots=True)
class Remark:
    """What the figures do not show: of how many questions or devices, or of which day and for what fault."""

    gap: Gap
    questions: int = 0
    day: date | None = None
    fault: str = ""
    devices: int = FEWEST_DEVICES

    def __str__(self) -> str:
        return {
            Gap.UNREADABLE: f"The activity of {self.day} could not be read ({self.fault}).",
            Gap.ONLY_COUNTED: (
                "Questions that were answered are kept as counts without names, so names that would now be blocked"
                f" cannot be counted; about {self.questions:,} answered questions have no known category."
            ),
            Gap.ONE_CATEGORY: "Of each name only the category that decided is known; another one may still block it.",
            Gap.LISTS_DIFFER: "The lists differ; what a new list names is not known before it was fetched.",
            Gap.GROUPS: "Nobody kept in which groups somebody was, so changes for groups are counted as perhaps.",
            Gap.UNEXPLAINED: (
                f"About {self.questions:,} refused questions would not be refused today, because of an override,"
                " a list or a setting of that time; they are left out."
            ),
            Gap.FEW: (
                f"Figures are rounded, and what fewer than {self.devices} devices asked for on the same day"
                " is left out."
            ),
        }[self.gap]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a change would have meant; `remarks` are what the figures do not show.

    `names` are those that would turn and that enough devices asked for, with rounded numbers; None for whoever is
    told no names.
    """

    first_on: date
    last_on: date
    days_kept: int
    figures: tuple[Figure, ...]
    remarks: tuple[Remark, ...]
    names: tuple[TurnedName, ...] | None = None

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the figures do not show, in sentences."""
        return tuple(map(str, self.remarks))

    @property
    def sentences(self) -> tuple[str, ...]:
        """The figures in words, then what they do not show."""
        days = "day" if self.days_kept == 1 else "days"
        kept = f"{self.days_kept} {days} of {self.first_on} to {self.last_on} are on record."
        figures = map(str, self.figures) if self.figures else ("Nothing that may be told would change.",)
        return (kept, *figures, *self.unknown)


def dry_run(
    before: Site,
    after: Site,
    folder: Path,
    *,
    today: date,
    days: int = DAYS,
    categories_of: Callable[[DomainName], Iterable[str]] | None = None,
    small_number: int = FEWEST_DEVICES,
    tells_names: bool = False,
) -> DryRun:
    """Decide again, with both sites, what was asked on the days before today.

    Args:
        before: the site in force.
        after: the site with the change.
        folder: where the day files are; they are only read.
        today: the school's day.
        days: how many days before today count.
        categories_of: every category of a name by the lists in force; without it only the one that decided is known.
        small_number: something is told where so many devices stand behind it on a day; never of fewer than five.
        tells_names: whether names are told, those that so many devices asked for.
    """
    first_on = today - timedelta(days=days)
    small_number = max(FEWEST_DEVICES, small_number)
    run = _Run(before, after, categories_of, small_number)
    kept = 0
    for day in (first_on + timedelta(days=number) for number in range(days)):
        path = folder / f"activity-{day}.db"
        if not path.exists():
            continue
        try:
            kept += run.take(path)
        except sqlite3.Error as error:
            run.unread.append(Remark(Gap.UNREADABLE, day=day, fault=str(error)))
        finally:
            run.end_day()
    turned = run.names.told(small_number=small_number, most=MOST_NAMES) if tells_names else ()
    names = tuple(replace(each, devices=rounded(each.devices), questions=rounded(each.questions)) for each in turned)
    return DryRun(
        first_on,
        today - timedelta(days=1),
        kept,
        tuple(run.figures()),
        tuple(run.remarks()),
        names if tells_names else None,
    )


def addressed_anew(before: Site, after: Site) -> frozenset[str]:
    """Give the names, as tags, of which a change says something else than before."""
    old, new = before.rulebook, after.rulebook
    policies = (
        *(each for each in old.policies if each not in new.policies),
        *(each for each in new.policies if each not in old.policies),
    )
    tags = (old.guards ^ new.guards).union(*(each.tags | each.spares for each in policies))
    return frozenset(tag for tag in tags if tag.startswith(NAME_TAG))


class _Asked(NamedTuple):
    """What is kept of questions that are alike; those that are only counted have no name.

    `at_unix` begins an hour. `devices` asked them; where they are only counted, those whose questions of that hour
    are kept, because nobody knows more.
    """

    at_unix: int
    audience: str
    verdict: str
    category: str
    times: int
    devices: Collection[str]
    name: str | None = None


class _Case(NamedTuple):
    """What a verdict depends on; `at_unix` begins the hour."""

    at_unix: int
    audience: Audience
    was_blocked: bool
    tags: frozenset[str]


@dataclass(slots=True)
class _Tally:
    names: set[str] = field(default_factory=set)
    questions: int = 0
    most: int = 0
    today: set[str] = field(default_factory=set)

    def take(self, asked: _Asked) -> None:
        self.questions += asked.times
        self.today.update(asked.devices)
        if asked.name is not None:
            self.names.add(asked.name)

    def end_day(self) -> None:
        """Forget who asked on a day; how many they were stays."""
        self.most = max(self.most, len(self.today))
        self.today.clear()


class _Kind(NamedTuple):
    """What a figure is of."""

    audience: Audience
    turn: Turn
    is_sure: bool
    is_named: bool


class _Run:
    """One dry run as it goes from day to day."""

    def __init__(
        self,
        before: Site,
        after: Site,
        categories_of: Callable[[DomainName], Iterable[str]] | None,
        small_number: int,
    ) -> None:
        self._sites = before, after
        self._small_number = small_number
        self._addressed = addressed_anew(before, after)
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
        # Of what a change says of single names, each is counted on its own, or the one beside many would be seen.
        self._tallies: dict[tuple[_Kind, frozenset[str]], _Tally] = {}
        self.names = TurnedNames()
        self._unexplained = _Tally()
        self._nameless = 0
        self.unread: list[Remark] = []

    def take(self, path: Path) -> bool:
        """Take one day, and say whether anything is kept of it; what was taken before a fault stays."""
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as day:
            if not has_table(day, "queries"):
                return False
            named: dict[tuple[int, str, str, str], int] = {}
            present: dict[tuple[int, str], set[str]] = {}
            for minute_at, audience, verdict, name, category, times, pseudonym in day.execute(
                "SELECT minute_at, audience, verdict, name, category, times, pseudonym FROM queries"
            ):
                at = minute_at - minute_at % _HOUR_SECONDS
                hour = at, audience, verdict, category
                named[hour] = named.get(hour, 0) + times
                present.setdefault((at, audience), set()).add(pseudonym)
                self._judge(_Asked(at, audience, verdict, category, times, (pseudonym,), name))
            for hour_at, audience, verdict, category, times in day.execute("SELECT * FROM counts"):
                # Most time zones begin their hours with those of UTC; elsewhere the rest is a little off.
                rest = times - named.get((hour_at, audience, verdict, category), 0)
                if rest > 0:
                    devices = present.get((hour_at, audience), ())
                    self._judge(_Asked(hour_at, audience, verdict, category, rest, devices))
        return True

    def end_day(self) -> None:
        """Forget who asked on a day."""
        self.names.end_day()
        for tally in (self._unexplained, *self._tallies.values()):
            tally.end_day()

    def figures(self) -> Iterator[Figure]:
        """Give what would change, most certain first; nothing of what few devices stand behind."""
        told: dict[_Kind, _Tally] = {}
        for (kind, _), tally in self._tallies.items():
            if tally.most >= self._small_number:
                together = told.setdefault(kind, _Tally())
                together.names |= tally.names
                together.questions += tally.questions
        order = list(Audience)
        for kind in sorted(told, key=lambda kind: (order.index(kind[0]), kind[1], not kind[2], not kind[3])):
            tally, sure = told[kind], told.get(kind._replace(is_sure=True))
            names = tally.names if kind.is_sure or sure is None else tally.names - sure.names
            if names or not kind.is_named:
                counted = rounded(len(names)) if kind.is_named else None
                yield Figure(kind.audience, kind.turn, kind.is_sure, counted, rounded(tally.questions))

    def remarks(self) -> Iterator[Remark]:
        """Say what nobody can know."""
        yield from self.unread
        before, after = self._sites
        if before.retention.activity is not ActivityLevel.ALL:
            yield Remark(Gap.ONLY_COUNTED, rounded(self._nameless))
        if self._categories_of is None:
            yield Remark(Gap.ONE_CATEGORY)
        if before.lists != after.lists:
            yield Remark(Gap.LISTS_DIFFER)
        if len(self._profiles[Audience.PUPIL]) + len(self._profiles[Audience.STAFF]) > 2:
            yield Remark(Gap.GROUPS)
        if self._unexplained.most >= self._small_number:
            yield Remark(Gap.UNEXPLAINED, rounded(self._unexplained.questions))
        yield Remark(Gap.FEW, devices=self._small_number)

    def _judge(self, asked: _Asked) -> None:
        if asked.verdict not in _DECIDED or asked.audience not in tuple(Audience):
            return
        was_blocked = asked.verdict == "blocked"
        audience = Audience(asked.audience)
        if asked.name is None and asked.category not in _CATEGORIES:
            self._nameless += 0 if was_blocked else asked.times
            return
        if asked.name is None and len(asked.devices) < self._small_number:
            return
        tags = self._tags_of(asked.name) | ({asked.category} & _CATEGORIES)
        is_named = asked.name is not None
        turned = self._turns(_Case(self._alike(asked.at_unix), audience, was_blocked, tags))
        if not turned:
            if was_blocked:
                self._unexplained.take(asked)
        elif any(turned):
            # What is open may be blocked for a category that nobody kept; what is blocked stays so.
            knows_all = not was_blocked or (is_named and self._categories_of is not None)
            turn = Turn.OPENED if was_blocked else Turn.CLOSED
            kind = _Kind(audience, turn, all(turned) and knows_all, is_named)
            self._tallies.setdefault((kind, tags & self._addressed), _Tally()).take(asked)
            if asked.name is not None:
                of_name = audience, turn, asked.name
                (pseudonym,) = asked.devices
                self.names.take(of_name, is_sure=kind.is_sure, times=asked.times, pseudonym=pseudonym)

    def _find_alike(self, hour_at: int) -> int:
        pattern = tuple(policy.is_in_force(moment) for moment in _moments(hour_at) for policy in self._timed)
        return self._firsts.setdefault(pattern, hour_at)

    def _find_turns(self, case: _Case) -> frozenset[bool]:
        """Say whether the verdict would turn, for whoever and whenever it may have been within what is kept.

        Whoever would not have had the recorded verdict did not ask; where that is everybody, nothing comes back.
        """
        before, after = (site.rulebook for site in self._sites)
        events = (
            Event(moment, profile, case.tags)
            for moment in _moments(case.at_unix)
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


def _moments(hour_at: int) -> tuple[datetime, ...]:
    at = datetime.fromtimestamp(hour_at, UTC)
    return tuple(at + step for step in _STEPS)


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
