"""The update of lists: look at each source, judge what came, keep what is good, publish one generation of all of it.

A list that fails stops no other list, and what was good stays in force until something better has passed the guard.
`update` waits for networks and disks: an event loop calls it in a thread.
"""

import asyncio
import hashlib
import json
import os
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from agent.categories import load_categories
from agent.list_faults import Fault, ListFaultError
from agent.list_guard import Examined, Finding, Guards, check, survey
from agent.list_layout import Kind, SourceFile, Use, map_category
from agent.list_progress import Progress, SilentProgress
from agent.list_sources import Downloaded, Downloader, NotModified, Validators, collect, is_remote, open_up, spell_source
from agent.list_store import Condition, Copy, ListStore, StoredFile
from agent.site import ListConfig, Site
from agent.starter import starter_files
from rules.errors import ConfigurationError, IndexUnusableError, Problem, StorageError
from rules.name import DomainName, parse_name

FIRST_BACK_OFF_SECONDS: Final = 300.0
JITTER_SHARE: Final = 0.1
MAX_DOWNLOADS: Final = 4
KEPT_BAD_LINES: Final = 100

# Names without which a school stands still, or that no list of anything in particular has a reason to hold.
_WORLD: Final = (
    "apple.com",
    "bbc.co.uk",
    "cloudflare.com",
    "europa.eu",
    "google.com",
    "googleapis.com",
    "gov.uk",
    "gstatic.com",
    "microsoft.com",
    "microsoftonline.com",
    "mozilla.org",
    "office.com",
    "office365.com",
    "service-public.fr",
    "wikipedia.org",
    "windows.com",
    "windowsupdate.com",
)
_NAME_TAG: Final = "name:"


# --- Outcomes


@dataclass(frozen=True, slots=True)
class Taken:
    """A new copy is in force; `forced` are the objections that a person overrode."""

    list_name: str
    copy: Copy
    before: Copy | None = None
    forced: tuple[Finding, ...] = ()

    def __str__(self) -> str:
        was = f" (before: {self.before.names:,})" if self.before else ""
        notes = [f"forced although {finding.sentence}" for finding in self.forced]
        if self.copy.guard_hits:
            hit = self.copy.guard_hits[0]
            notes.append(f"it lists names that stay open all the same: {hit.guard} in {hit.place}, {len(self.copy.guard_hits)} in all")
        return "; ".join([f"{self.copy.names:,} names taken{was}", *notes])


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The copy in force stays, because it is what the source has, or because the source was not asked."""

    list_name: str
    copy: Copy
    was_asked: bool = True

    def __str__(self) -> str:
        how = "unchanged" if self.was_asked else "not asked"
        return f"{how}; {self.copy.names:,} names of {self.copy.fetched_at:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Refused:
    """The copy that came is not plausible; the last good one, if there is any, stays in force."""

    list_name: str
    findings: tuple[Finding, ...]
    kept: Copy | None

    @property
    def fault(self) -> Fault:
        """The gravest objection."""
        return self.findings[0].fault

    @property
    def can_be_forced(self) -> bool:
        """Say whether `--force` would take it."""
        return all(finding.can_be_forced for finding in self.findings)

    @property
    def sentence(self) -> str:
        """The objections, in words."""
        return "; ".join(finding.sentence for finding in self.findings)

    def __str__(self) -> str:
        hint = "; --force takes it once" if self.can_be_forced else ""
        return f"refused: {self.sentence}; {_spell_kept(self.kept)}{hint}"


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No copy came; the last good one, if there is any, stays in force."""

    list_name: str
    fault: Fault
    sentence: str
    kept: Copy | None

    def __str__(self) -> str:
        return f"failed: {self.sentence}; {_spell_kept(self.kept)}"


Outcome: TypeAlias = Taken | Unchanged | Refused | Unavailable


def _spell_kept(kept: Copy | None) -> str:
    if kept is None:
        return "there is no earlier copy, so this list filters nothing"
    return f"the copy of {kept.fetched_at:%Y-%m-%d %H:%M} UTC stays in force"


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update did: how each list ended, and the generation that came of it.

    `generation` is None where nothing had to be published, or where that failed for the reason in `fault`.
    """

    outcomes: tuple[Outcome, ...]
    generation: int | None = None
    fault: str = ""

    @property
    def is_good(self) -> bool:
        """Say whether every list and the index are as the site wants them."""
        return not self.fault and not any(isinstance(outcome, Refused | Unavailable) for outcome in self.outcomes)


# --- What an index is made of


@dataclass(frozen=True, slots=True)
class IndexFile:
    """One file for the index: every name in it belongs to each of these categories."""

    path: Path
    shown_as: str
    format: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndexList:
    """One list for the index, in the version that is in force."""

    name: str
    version: str
    files: tuple[IndexFile, ...]


class IndexKeeper(Protocol):
    """Who compiles and publishes generations of the index."""

    def fingerprint(self) -> str | None:
        """Give the fingerprint of the inputs of the generation in force, if there is one."""

    def versions_in_use(self) -> Mapping[str, Collection[str]]:
        """Give the versions of each list that the kept generations are made of."""

    def publish(self, lists: Sequence[IndexList], fingerprint: str) -> int:
        """Compile the lists and put them in force; give the number of the generation.

        Raises:
            IndexUnusableError: they could not be compiled.
            StorageError: the generation could not be written.
        """


def index_lists(site: Site, store: ListStore) -> tuple[IndexList, ...]:
    """Give what the index is to be made of: the copies in force of the site's lists."""
    copies = (store.current(config.name) for config in site.lists)
    return tuple(
        IndexList(copy.list_name, copy.version, tuple(_index_files(copy, store.files_folder(copy))))
        for copy in copies
        if copy is not None
    )


def _index_files(copy: Copy, folder: Path) -> Iterable[IndexFile]:
    for file in copy.used:
        if file.format is not None:
            yield IndexFile(folder / file.source.path, file.source.path, file.format, file.tags)


def fingerprint(lists: Sequence[IndexList]) -> str:
    """Give what two sets of inputs have in common if they make the same index."""
    inputs = [(each.name, each.version, [(f.shown_as, f.format, f.tags) for f in each.files]) for each in lists]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()


# --- When


def next_refresh_at(config: ListConfig, now: datetime, jitter: float, *, failures: int = 0) -> datetime:
    """Say when to look at a source again.

    Args:
        config: the list.
        now: when it was looked at.
        jitter: -1 to 1, so that not all schools ask at the same moment.
        failures: how often in a row it went wrong; after a failure the next look comes sooner, then ever later.
    """
    seconds = float(config.refresh_seconds)
    if failures:
        seconds = min(seconds, FIRST_BACK_OFF_SECONDS * 2 ** min(failures - 1, 16))
    return now + timedelta(seconds=seconds * (1 + JITTER_SHARE * jitter))


def due_lists(site: Site, now: datetime) -> list[str]:
    """Give the names of the lists whose source is to be looked at."""
    return [name for name, due_at in _due_moments(site) if due_at is None or due_at <= now]


def next_due_at(site: Site) -> datetime | None:
    """Say when the next list is due; None where there are no lists, or one has never been looked at."""
    moments = [due_at for _, due_at in _due_moments(site)]
    return min((due_at for due_at in moments if due_at), default=None) if None not in moments else None


def _due_moments(site: Site) -> Iterable[tuple[str, datetime | None]]:
    store = open_store(site)
    for config in site.lists:
        condition = store.condition(config.name)
        is_known = condition is not None and condition.source == config.source
        yield config.name, condition.next_refresh_at if condition and is_known else None


# --- The update


def open_store(site: Site) -> ListStore:
    """Give the store of a site's lists."""
    return ListStore(Path(site.path).parent / site.paths.state / "lists")


def guards_of(site: Site) -> Guards:
    """Give the names that no list may block: the site's own, and those that everybody needs."""
    own = {tag.removeprefix(_NAME_TAG) for tag in site.rulebook.guards if tag.startswith(_NAME_TAG)}
    own |= {zone.name for zone in site.upstreams.zones}
    starters = {category: _names_in(file.read_text("utf-8")) for category, file in starter_files()}
    essential = {parse_name(name) for name in (*own, *_WORLD)} | starters.get("system_updates", set())
    return Guards(frozenset(essential), frozenset(starters.get("helplines", set())))


def _names_in(text: str) -> set[DomainName]:
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return {parse_name(line) for line in lines if line}


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _random_jitter() -> float:
    return random.uniform(-1, 1)


@dataclass(frozen=True)
class ListUpdater:
    """Updates the lists of one site.

    Args:
        site: whose lists.
        index: compiles and publishes.
        downloader: brings what is not on this machine.
        progress: is told how far it has come.
        guards: names that no list may block; those of the site if not given.
        now: the clock, in aware UTC.
        jitter: gives a number from -1 to 1.
    """

    site: Site
    index: IndexKeeper
    downloader: Downloader = field(default_factory=Downloader)
    progress: Progress = field(default_factory=SilentProgress)
    guards: Guards | None = None
    now: Callable[[], datetime] = _utc_now
    jitter: Callable[[], float] = _random_jitter
    store: ListStore = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "store", open_store(self.site))
        if self.guards is None:
            object.__setattr__(self, "guards", guards_of(self.site))

    def update(
        self,
        only: Collection[str] | None = None,
        *,
        force: bool = False,
        offline: bool = False,
        wait_seconds: float = 0.0,
    ) -> UpdateReport:
        """Look at the sources, and publish a generation if that changed anything.

        Args:
            only: the lists to look at; all of them if not given.
            force: take copies that the guard would refuse for being implausible.
            offline: ask nobody over the network.
            wait_seconds: for an update that is under way already.

        Raises:
            ConfigurationError: the site has no list of that name.
            StorageError: another update is under way, or nothing can be kept.
        """
        configs = self._choose(only)
        with self.store.locked(wait_seconds=wait_seconds), ExitStack() as stack:
            incoming = {config.name: stack.enter_context(self.store.incoming(config.name)) for config in configs}
            remote = [config for config in configs if is_remote(config) and not offline]
            downloads = asyncio.run(self._download_all(remote, incoming)) if remote else {}
            outcomes = tuple(
                self._look_at(config, incoming[config.name], downloads.get(config.name), force=force)
                for config in configs
            )
            return self._publish(outcomes)

    def import_bundle(
        self, list_name: str, file: Path, *, force: bool = False, wait_seconds: float = 0.0
    ) -> UpdateReport:
        """Take a file, an archive or a folder as the new copy of a list, as if its source had given it.

        Raises:
            ConfigurationError: the site has no list of that name.
            StorageError: another update is under way, or nothing can be kept.
        """
        (config,) = self._choose([list_name])
        with self.store.locked(wait_seconds=wait_seconds), self.store.incoming(list_name) as incoming:
            outcome = self._settle(config, lambda: self._import(config, file, incoming, force=force))
            return self._publish((outcome,))

    def _choose(self, only: Collection[str] | None) -> list[ListConfig]:
        known = {config.name: config for config in self.site.lists}
        unknown = [name for name in only or () if name not in known]
        if unknown:
            names = ", ".join(known) or "no list at all"
            raise ConfigurationError(
                tuple(Problem("lists", f"the list {name}", f"one that the site has: {names}") for name in unknown)
            )
        return [config for name, config in known.items() if only is None or name in only]
