"""How the filter stands at this moment, for the page of the day: networks, workers, lists, and today against usual.

Everything is read from what the gateway leaves and from the state; nobody is asked who might not answer, so the page
is as fast while the gateway is away. What nobody knows is None, never nothing and never fine.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Final

from agent.api.parts import Parts
from agent.assembly import without_granted
from agent.console.charts.activity_figures import ActivityCounts, DayCounts
from agent.console.charts.coverage_figures import Coverage, read_coverage, read_reports
from agent.console.charts.list_figures import ListAges, list_ages
from agent.dns.shared_memory import SharedMemory
from agent.lists.list_status import status
from agent.storage.suspension_rows import read_suspensions
from rules.errors import StorageError
from rules.suspension import State

# As long as a worker may be busy with something; it says many times a second that it is alive.
SILENT_SECONDS: Final = 5.0
WEEKS: Final = 8
# A median of fewer days is no habit.
FEWEST_WEEKS: Final = 2
MEMORY: Final = "shared.mem"


@dataclass(frozen=True, slots=True)
class Workers:
    """The workers that answer: so many of all, so many of those by the newest rules and lists."""

    number: int
    answering: int
    newest: int
    policy: int
    lists: int

    @property
    def are_well(self) -> bool:
        """Whether all answer, by the newest of everything."""
        return self.number == self.answering == self.newest


@dataclass(frozen=True, slots=True)
class Today:
    """What was asked and blocked today in the hours that are over, and usually on such a day; None: nobody knows."""

    hours: int
    asked: int | None
    blocked: int | None
    usually_asked: int | None
    usually_blocked: int | None


@dataclass(frozen=True, slots=True)
class Filtering:
    """How the filter stands; without `workers` no gateway answers.

    `is_suspended` where people switched it off for a while, in the networks `suspended` as a whole.
    """

    coverage: Coverage
    workers: Workers | None
    lists: ListAges
    today: Today
    is_suspended: bool = False
    suspended: frozenset[str] = frozenset()


def read_filtering(parts: Parts) -> Filtering:
    """Read how the filter of a school stands."""
    # What was granted is in the site that is published; what it opens is told apart.
    site, now = without_granted(parts.incidents.desk.site()), parts.clock()
    runtime = Path(site.paths.runtime)
    counts = counts_of(parts.activity, parts.timezone, parts.clock)
    reports = read_reports(runtime, now)
    with parts.store.read() as database:
        coverage = read_coverage(database, site, reports, now)
        off = [
            each.suspension.extent
            for each in read_suspensions(database, states=(State.AGREED,), until_after=now)
            if each.suspension.is_active(now)
        ]
    ages = list_ages(status(site, now=now), site.lists)
    every = frozenset(each.name for each in site.networks)
    suspended = frozenset[str]().union(*(every if each.is_for_school else each.networks for each in off))
    return Filtering(
        coverage,
        read_workers(runtime),
        ages,
        read_today(counts),
        is_suspended=bool(off),
        suspended=suspended,
    )


@lru_cache(maxsize=4)
def counts_of(folder: Path, timezone: str, clock: Callable[[], datetime]) -> ActivityCounts:
    """Give the counts of a school, which are summed up once a process."""
    return ActivityCounts(folder, timezone=timezone, clock=clock)


def read_workers(runtime: Path, *, monotonic: Callable[[], float] = time.monotonic) -> Workers | None:
    """Read how the workers of a gateway are; None where none answers, whatever one may have left behind.

    Args:
        monotonic: seconds, by the clock of the heartbeats.
    """
    try:
        memory = SharedMemory.open(runtime / MEMORY)
    except StorageError:
        return None
    with memory:
        now, newest = monotonic(), (memory.policy_generation, memory.index_generation)
        alive = [
            (each.policy_generation, each.index_generation)
            for each in memory.workers()
            if each.heartbeat_nanoseconds and abs(now - each.heartbeat_nanoseconds / 1e9) < SILENT_SECONDS
        ]
        number = memory.worker_count
    return Workers(number, len(alive), alive.count(newest), *newest) if alive else None


def read_today(counts: ActivityCounts) -> Today:
    """Set the hours of today that are over against the same hours of this weekday in the weeks before."""
    now = counts.now()
    days = [now.date() - timedelta(weeks=each) for each in range(WEEKS + 1)]
    found = counts.of_days(days)
    (asked, blocked), *usually = (_until(found.get(day), now.hour) for day in days)
    return Today(
        now.hour, asked, blocked, _usual([each for each, _ in usually]), _usual([each for _, each in usually])
    )


def _until(counts: DayCounts | None, hours: int) -> tuple[int | None, int | None]:
    """Sum up the first hours of a day; before any is over, nobody knows."""
    if counts is None or not hours:
        return None, None
    return sum(counts.asked[:hours]), sum(counts.blocked[:hours])


def _usual(sums: Sequence[int | None]) -> int | None:
    known = [each for each in sums if each is not None]
    return round(median(known)) if len(known) >= FEWEST_WEEKS else None


def last_school_day(parts: Parts) -> date:
    """Give the school day before today; after a very long holiday, what was so long ago."""
    desk = parts.incidents.desk
    today = desk.day_of(parts.clock().astimezone(UTC))
    return next(filter(desk.is_school_day, _days_before(today)), today - timedelta(days=_LONGEST_HOLIDAY))


_LONGEST_HOLIDAY: Final = 70


def _days_before(today: date) -> Iterator[date]:
    return (today - timedelta(days=each) for each in range(1, _LONGEST_HOLIDAY + 1))
