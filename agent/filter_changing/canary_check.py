"""Filtering that is off without a record: what the workers find open, compared with what is on record.

The workers leave what they find (`agent.dns.canary_looks`). What should be open follows from the site file on record,
what was approved over it, and the overrides and suspensions of this moment. A canary that resolves and should not,
in looks some seconds apart, is an incident: a row of the record for each episode, and one when it ends. So is a site
file that opens all that was blocked in a network, because nobody approved that.

Nothing here changes the filter, and what is blocked though it should be open is only counted.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from agent.assembly import with_granted
from agent.dns.canaries import CATEGORIES
from agent.dns.canary_looks import Report, read_report, report_path
from agent.dns.shared_memory import SharedMemory
from agent.filter_changing.canary_episodes import OFF, ON_AGAIN, Cause, Episodes, Place, facts_of_places, facts_off
from agent.filter_changing.canary_expectation import NOTHING, Expectation, suspendable
from agent.filter_changing.filter_basis import Basis, basis_of
from agent.lists.publisher import Generation, GenerationStore
from agent.lists.starter import STARTER_SOURCE
from agent.requests.granted import active_policies
from agent.sites.site import Site
from agent.storage.state import Act, StateStore
from rules.errors import RefusedRequestError, StorageError
from rules.policy import Policy
from rules.subject import Profile

# A worker that has not looked for so long may be anything.
FRESH_SECONDS: Final = 60.0
# So long the record and the workers may differ: everybody needs a moment to hear of a change.
SETTLE_SECONDS: Final = 4.0
# A worker notices a boundary of the clock with its next tick, and clocks are read one after the other.
SLACK: Final = timedelta(seconds=2)

ALL: Final = frozenset(CATEGORIES)

# Told within the act that begins an episode.
Tell = Callable[[Act], None]


def tell_nobody(_act: Act) -> None:
    """Stand in for whoever is told."""


@dataclass(frozen=True, slots=True)
class _Key:
    """One canary that one worker finds open though it should not be."""

    worker: int
    place: Place
    category: str


@dataclass(frozen=True, slots=True)
class _Sight:
    """When a difference was noticed, by the clock that is never set, and since when it was there."""

    noticed_at: float
    since: datetime


@dataclass(frozen=True, slots=True)
class _InForce:
    """What is on record, and what follows from it; `expected` is with what people were granted, `plain` without."""

    basis: Basis
    granted: tuple[Policy, ...]
    site: Site
    expected: Expectation
    plain: Expectation

    def is_off(self, network: str, categories: frozenset[str], at: datetime) -> bool:
        """Say whether the site itself blocks none of these categories in a network that a suspension would open."""
        profile = self.plain.profile(network)
        opened = suspendable(categories, self.site)
        return profile is not None and bool(opened) and opened.isdisjoint(self.plain.blocked(profile, at))


@dataclass(slots=True)
class Found:
    """What a comparison brought: what is open and should not be, what is blocked and need not be."""

    open: dict[Place, frozenset[str]] = field(default_factory=dict)
    blocked: set[tuple[Place, str]] = field(default_factory=set)


class CanaryCheck:
    """Compares from time to time, for the one writer of the state.

    Args:
        store: where the record is.
        runtime: the folder in which the workers and the gateway leave what they tell.
        tell: called within the act that begins an episode.
        monotonic: seconds, by the clock of the workers.
    """

    def __init__(
        self,
        store: StateStore,
        runtime: Path,
        *,
        tell: Tell = tell_nobody,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._tell = tell
        self._monotonic = monotonic
        self._generations = GenerationStore(store.path.parent / "generations", keep=1)
        self._episodes = Episodes()
        self._in_force: _InForce | None = None
        self._seen: dict[_Key, _Sight] = {}
        self._without_lists: set[int] = set()

    def look(self) -> None:
        """Compare, record what begins and what ends, and leave the numbers for whoever shows them.

        Raises:
            SchoolgateError: the record could not be read or written; it is compared again next time.
        """
        try:
            memory = SharedMemory.open(self._runtime / "shared.mem", writable=True)
        except StorageError:
            # No gateway has run here: nobody answers, so nobody answers wrongly.
            return
        with memory:
            try:
                in_force = self._read_record()
            except RefusedRequestError:
                # No site is on record yet.
                return
            memory.tell_canaries(self._compare(memory, in_force))

    def _compare(self, memory: SharedMemory, in_force: _InForce) -> dict[str, int]:
        now = self._monotonic()
        reports = self._fresh_reports(memory.worker_count, now)
        generation = self._generations.current()
        needless: set[tuple[Place, str]] = set()
        confirmed: dict[Place, frozenset[str]] = {}
        for worker, report in reports.items():
            missing = missing_from_lists(in_force.site, generation, report)
            (self._without_lists.add if missing else self._without_lists.discard)(worker)
            found = compare(report, in_force.expected, missing)
            needless |= found.blocked
            self._remember(worker, found.open, _Sight(now, _instant(report.began_at)))
            for place, categories in self._confirmed(worker, report).items():
                confirmed[place] = confirmed.get(place, NOTHING) | categories
        self._record_workers(confirmed, everybody_looked=len(reports) == memory.worker_count)
        self._record_site_file(in_force)
        age_seconds = self._store.clock().timestamp() - memory.created_at_nanoseconds / 1e9
        return {
            "checked_nanoseconds": int(now * 1e9),
            "unlogged_open": self._episodes.count(),
            "needlessly_blocked": len(needless),
            "unknown_workers": memory.worker_count - len(reports) if age_seconds > FRESH_SECONDS else 0,
        }

    # ---- what should be ------------------------------------------------------------------------------------

    def _read_record(self) -> _InForce:
        """Read what is in force by the record; nothing is worked out again while it is the same."""
        with self._store.read() as database:
            self._episodes.read(database)
            basis = basis_of(database)
        held = self._in_force
        if held is None or held.basis != basis:
            site = basis.site_with_what_fits()
            plain = Expectation(site)
            held = _InForce(basis, (), site, expected=plain, plain=plain)
        granted = active_policies(self._store.path, self._store.clock(), held.site.rulebook)
        if granted != held.granted:
            expected = Expectation(with_granted(held.site, granted))
            held = replace(held, granted=granted, expected=expected)
        self._in_force = held
        return held

    # ---- what is -------------------------------------------------------------------------------------------

    def _fresh_reports(self, workers: int, now: float) -> dict[int, Report]:
        read = ((worker, read_report(report_path(self._runtime, worker))) for worker in range(workers))
        return {
            worker: report
            for worker, report in read
            if report is not None and 0 <= now - report.ended_monotonic < FRESH_SECONDS
        }

    def _remember(self, worker: int, found: Mapping[Place, frozenset[str]], sight: _Sight) -> None:
        """Keep since when a worker differs; what it does not show any more is forgotten."""
        keys = {_Key(worker, place, category) for place, categories in found.items() for category in categories}
        for key in [key for key in self._seen if key.worker == worker and key not in keys]:
            del self._seen[key]
        for key in keys:
            self._seen.setdefault(key, sight)

    def _confirmed(self, worker: int, report: Report) -> dict[Place, frozenset[str]]:
        """Give what a worker found open when it looked again, after everybody had time to hear of a change."""
        confirmed: dict[Place, frozenset[str]] = {}
        for key, sight in self._seen.items():
            if key.worker == worker and report.began_monotonic >= sight.noticed_at + SETTLE_SECONDS:
                confirmed[key.place] = confirmed.get(key.place, NOTHING) | {key.category}
        return confirmed

    # ---- what is recorded ----------------------------------------------------------------------------------

    def _record_workers(self, confirmed: Mapping[Place, frozenset[str]], *, everybody_looked: bool) -> None:
        """Record where workers answer otherwise than the record says, and where they do no longer."""
        told = {place: self._episodes.told_at(Cause.WORKERS, place) for place in confirmed}
        begun = {place: fresh for place in confirmed if (fresh := confirmed[place] - told[place])}
        if begun:
            sights = {key: sight for key, sight in self._seen.items() if key.place in begun}
            workers = {key.worker for key in sights}
            self._begin(
                facts_off(
                    Cause.WORKERS,
                    begun,
                    NOTHING.union(*begun.values()),
                    workers=workers,
                    since=min(sight.since for sight in sights.values()),
                    is_without_lists=not workers.isdisjoint(self._without_lists),
                )
            )
        seen = {key.place for key in self._seen}
        ended = [place for place in self._episodes.places(Cause.WORKERS) if place not in seen]
        if ended and everybody_looked:
            self._end(Cause.WORKERS, ended)

    def _record_site_file(self, in_force: _InForce) -> None:
        """Record in which networks the site file on record opens everything, and where it does no longer."""
        at = self._store.clock()
        untold = self._episodes.untold
        begun = {network: each for network, each in untold.items() if in_force.is_off(network, each.categories, at)}
        untold.clear()
        if begun:
            self._begin(
                facts_off(
                    Cause.SITE_FILE,
                    map(Place, begun),
                    NOTHING.union(*(each.categories for each in begun.values())),
                    since=min(each.since for each in begun.values()),
                )
            )
        places = self._episodes.places(Cause.SITE_FILE)
        told = {place: self._episodes.told_at(Cause.SITE_FILE, place) for place in places}
        ended = [place for place, categories in told.items() if not in_force.is_off(place.name, categories, at)]
        if ended:
            self._end(Cause.SITE_FILE, ended)

    def _begin(self, facts: Mapping[str, Any]) -> None:
        with self._store.act() as act:
            act.note(OFF, actor="system", facts=facts)
            self._tell(act)
        self._read_episodes()

    def _end(self, cause: Cause, places: Iterable[Place]) -> None:
        with self._store.act() as act:
            act.note(ON_AGAIN, actor="system", facts=facts_of_places(cause, places))
        self._read_episodes()

    def _read_episodes(self) -> None:
        with self._store.read() as database:
            self._episodes.read(database)


def compare(report: Report, expected: Expectation, missing: frozenset[str]) -> Found:
    """Compare what a worker found with what is on record for the time of its look.

    Args:
        report: what it found.
        expected: what is on record.
        missing: the categories whose names its lists do not give, though they should.
    """
    began_at, ended_at = _instant(report.began_at), _instant(report.ended_at)
    instants = (began_at - SLACK, began_at, ended_at)
    found = Found()
    for look in report.looks:
        profile: Profile | None = Profile(look.audience, frozenset(look.groups))
        place = Place(look.network) if look.network else Place(str(profile), is_profile=True)
        if look.network:
            profile = expected.profile(look.network)
        blocked = [
            # Of a network that is not on record nothing may be open that is blocked elsewhere.
            expected.blocked_for_somebody(at) if profile is None else expected.blocked(profile, at)
            for at in instants
        ]
        # Where only chosen names are open, lists have nothing to say.
        is_open = frozenset(look.open) | (missing if look.is_unlisted_open else NOTHING)
        if unlogged := is_open.intersection(*blocked):
            found.open[place] = unlogged
        found.blocked |= {(place, category) for category in ALL - NOTHING.union(*blocked) - is_open}
    return found


def missing_from_lists(site: Site, generation: Generation | None, report: Report) -> frozenset[str]:
    """Give the categories that the lists in force should fill and those of a worker do not.

    That a list lost many of its names is for whoever takes it to notice; here it is noticed where there are none at
    all, and where the lists that come with the product are in force, which hold a canary in each of their files.

    Args:
        site: the site on record.
        generation: the lists in force, if any could be compiled.
        report: what the worker's lists give.
    """
    if not site.lists:
        return NOTHING
    should_have_names = generation is None or generation.manifest["name_count"]
    if should_have_names and not report.index_names:
        return ALL
    if generation is None:
        return NOTHING
    starters = {each.name for each in site.lists if each.source == STARTER_SOURCE}
    files = (file for each in generation.manifest["lists"] if each["name"] in starters for file in each["files"])
    listed = {category for file in files for category in file["tags"] if file["shown_as"] == f"{category}.txt"}
    return (ALL & listed) - frozenset(report.index_gives)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
