"""The update of lists: look at each source, judge what came, keep what is good, publish one generation of all of it.

A list that fails stops no other list, and what was good stays in force until something better has passed the guard.
An update waits for networks and disks: an event loop calls it in a thread.
"""

import asyncio
import hashlib
import os
import random
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from agent.categories import load_categories
from agent.lists.list_faults import Fault, ListFaultError
from agent.lists.list_guard import Examined, Guards, Survey, check, survey
from agent.lists.list_guard_names import guards_of
from agent.lists.list_inputs import IndexKeeper, fingerprint
from agent.lists.list_layout import Kind, SourceFile, Use, map_category
from agent.lists.list_outcomes import Outcome, Refused, Taken, Unavailable, Unchanged, UpdateReport
from agent.lists.list_progress import Progress, SilentProgress
from agent.lists.list_schedule import next_refresh_at
from agent.lists.list_sources import Downloaded, Downloader, NotModified, Validators, collect, is_remote, open_up
from agent.lists.list_store import Condition, Copy, StoredFile, open_store
from agent.sites.site import ListConfig, Site
from rules.errors import ConfigurationError, IndexUnusableError, Problem, StorageError

MAX_DOWNLOADS: Final = 4
KEPT_BAD_LINES: Final = 100


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _random_jitter() -> float:
    return random.uniform(-1, 1)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a copy came from, and what the server said about it."""

    fetched_at: datetime
    validators: Validators = field(default_factory=Validators)
    imported_from: str | None = None


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

    def __init__(
        self,
        site: Site,
        *,
        index: IndexKeeper,
        downloader: Downloader | None = None,
        progress: Progress | None = None,
        guards: Guards | None = None,
        now: Callable[[], datetime] = _utc_now,
        jitter: Callable[[], float] = _random_jitter,
    ) -> None:
        self._site = site
        self._index = index
        self._downloader = downloader or Downloader()
        self._progress = progress or SilentProgress()
        self._guards = guards or guards_of(site)
        self._now = now
        self._jitter = jitter
        self._store = open_store(site)

    def update(
        self,
        only: Collection[str] | None = None,
        *,
        force: bool = False,
        offline: bool = False,
        wait_seconds: float = 0.0,
    ) -> UpdateReport:
        """Look at the sources, and publish a generation if that, or the site, changed anything.

        Args:
            only: the lists whose source to look at; all of them if not given.
            force: take copies that the guard would refuse for being implausible.
            offline: ask nobody over the network.
            wait_seconds: for an update that is under way already.

        Raises:
            ConfigurationError: the site has no list of that name.
            StorageError: another update is under way, or nothing can be kept.
        """
        configs = self._choose(only)
        with self._store.locked(wait_seconds=wait_seconds), ExitStack() as stack:
            incoming = {config.name: stack.enter_context(self._store.incoming(config.name)) for config in configs}
            remote = [config for config in configs if is_remote(config) and not offline]
            downloads = asyncio.run(self._download_all(remote, incoming)) if remote else {}
            outcomes = [
                self._settle(
                    config,
                    partial(self._bring, config, incoming[config.name], downloads, force=force),
                    was_asked=not is_remote(config) or config.name in downloads,
                )
                for config in configs
            ]
            outcomes += self._follow_site(except_for=incoming, force=force)
            return self._publish(outcomes, force=force)

    def import_bundle(
        self, list_name: str, file: Path, *, force: bool = False, wait_seconds: float = 0.0
    ) -> UpdateReport:
        """Take a file, an archive or a folder as the new copy of a list, as if its source had given it.

        Raises:
            ConfigurationError: the site has no list of that name.
            StorageError: another update is under way, or nothing can be kept.
        """
        (config,) = self._choose([list_name])
        with self._store.locked(wait_seconds=wait_seconds), self._store.incoming(list_name) as incoming:
            outcome = self._settle(config, partial(self._import, config, file, incoming, force=force))
            return self._publish([outcome], force=force)

    def _choose(self, only: Collection[str] | None) -> list[ListConfig]:
        known = {config.name: config for config in self._site.lists}
        unknown = [name for name in only or () if name not in known]
        if unknown:
            names = ", ".join(known) or "no list at all"
            raise ConfigurationError(
                tuple(Problem("lists", f"the list {name}", f"one that the site has: {names}") for name in unknown)
            )
        return [config for name, config in known.items() if only is None or name in only]

    def _follow_site(self, *, except_for: Collection[str], force: bool) -> Iterator[Outcome]:
        """Read the copies of other lists anew where the site reads them differently now."""
        for config in self._site.lists:
            copy = self._store.current(config.name)
            if config.name in except_for or copy is None or _is_read_alike(copy, config):
                continue
            with self._store.incoming(config.name) as incoming:
                read_again = partial(self._read_again, config, incoming, was_asked=False, force=force)
                yield self._settle(config, read_again, was_asked=False)

    # --- One list

    async def _download_all(
        self, configs: Sequence[ListConfig], incoming: Mapping[str, Path]
    ) -> dict[str, Downloaded | NotModified | ListFaultError]:
        turns = asyncio.Semaphore(MAX_DOWNLOADS)

        async def download(config: ListConfig) -> Downloaded | NotModified | ListFaultError:
            copy = self._store.current(config.name)
            is_same = copy is not None and copy.source == config.source
            validators = Validators(copy.etag, copy.last_modified) if copy and is_same else Validators()
            async with turns:
                try:
                    return await self._downloader.download(
                        config, incoming[config.name] / "download", validators=validators, progress=self._progress
                    )
                except ListFaultError as fault:
                    return fault

        results = await asyncio.gather(*(download(config) for config in configs))
        return {config.name: result for config, result in zip(configs, results, strict=True)}

    def _settle(self, config: ListConfig, bring: Callable[[], Outcome], *, was_asked: bool = True) -> Outcome:
        """Bring a list, remember how that ended if it says something about the source, and tell people."""
        try:
            outcome = bring()
        except ListFaultError as error:
            outcome = self._unavailable(config, error.fault, error.sentence)
        except StorageError as error:
            outcome = self._unavailable(config, Fault.UNREADABLE, str(error))
        except OSError as error:
            outcome = self._unavailable(config, Fault.UNREADABLE, f"it could not be kept ({error.strerror})")
        except Exception as error:  # noqa: BLE001 - whatever one list does to us, the others need their update
            outcome = self._unavailable(config, Fault.INTERNAL, _spell_surprise(error))
        if was_asked or isinstance(outcome, Refused):
            try:
                self._store.write_condition(config.name, self._condition(config, outcome))
            except StorageError as error:
                outcome = self._unavailable(config, Fault.UNREADABLE, str(error))
        self._progress.finish(config.name, str(outcome))
        return outcome

    def _unavailable(self, config: ListConfig, fault: Fault, sentence: str) -> Unavailable:
        return Unavailable(config.name, fault, sentence, self._store.current(config.name))

    def _condition(self, config: ListConfig, outcome: Outcome) -> Condition:
        now = self._now()
        before = self._store.condition(config.name)
        if isinstance(outcome, Taken | Unchanged):
            return Condition(
                source=config.source,
                checked_at=now,
                succeeded_at=now,
                next_refresh_at=next_refresh_at(config, now, self._jitter()),
            )
        failures = before.failures + 1 if before else 1
        return Condition(
            source=config.source,
            checked_at=now,
            succeeded_at=before.succeeded_at if before else None,
            next_refresh_at=next_refresh_at(config, now, self._jitter(), failures=failures),
            failures=failures,
            fault=outcome.fault,
            sentence=outcome.sentence,
            is_refused=isinstance(outcome, Refused),
        )

    def _bring(
        self,
        config: ListConfig,
        incoming: Path,
        downloads: Mapping[str, Downloaded | NotModified | ListFaultError],
        *,
        force: bool,
    ) -> Outcome:
        files = incoming / "files"
        download = downloads.get(config.name)
        if isinstance(download, ListFaultError):
            raise download
        if isinstance(download, Downloaded):
            self._progress.step(config.name, "unpacking")
            sources = open_up(download.file, files, name=download.name, max_size_bytes=config.max_size_bytes)
            download.file.unlink()
            return self._judge(config, incoming, sources, Origin(self._now(), download.validators), force=force)
        if is_remote(config):
            return self._read_again(config, incoming, was_asked=download is not None, force=force)
        self._progress.step(config.name, "reading")
        return self._judge(config, incoming, collect(config, files), Origin(self._now()), force=force)

    def _import(self, config: ListConfig, file: Path, incoming: Path, *, force: bool) -> Outcome:
        sources = collect(config, incoming / "files", source=file)
        return self._judge(config, incoming, sources, Origin(self._now(), imported_from=str(file)), force=force)

    def _read_again(self, config: ListConfig, incoming: Path, *, was_asked: bool, force: bool) -> Outcome:
        """Keep the copy in force; if the site reads it differently now, judge it anew."""
        copy = self._store.current(config.name)
        if copy is None:
            raise ListFaultError(Fault.NO_CONNECTION, "the source was not asked, because this update is offline")
        if _is_read_alike(copy, config):
            return Unchanged(config.name, copy, was_asked=was_asked)
        folder = self._store.files_folder(copy)
        for file in copy.files:
            target = incoming / "files" / file.source.path
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(folder / file.source.path, target)
        origin = Origin(copy.fetched_at, Validators(copy.etag, copy.last_modified), copy.imported_from)
        return self._judge(config, incoming, [file.source for file in copy.files], origin, force=force)

    def _judge(
        self, config: ListConfig, incoming: Path, sources: Sequence[SourceFile], origin: Origin, *, force: bool
    ) -> Outcome:
        """Put what came into force, unless it is what is in force already or the guard objects."""
        folder = incoming / "files"
        before = self._store.current(config.name)
        digests = {source: _digest(folder / source.path) for source in sources}
        if before and _is_read_alike(before, config) and {f.source: f.sha256 for f in before.files} == digests:
            return Unchanged(config.name, self._confirm(before, config, origin))
        self._progress.step(config.name, "checking")
        examined = [self._examine(config, folder, source) for source in sources]
        findings = check(
            config,
            [file for file in examined if file.source.kind is Kind.NAMES],
            guards=self._guards,
            known_hits=before.known_guards if before else frozenset(),
            before=_names_before(before, config),
        )
        if findings and not (force and all(finding.can_be_forced for finding in findings)):
            return Refused(config.name, tuple(findings), before)
        files = tuple(_stored(file, folder, config, digests[file.source]) for file in examined)
        total = hashlib.sha256("".join(f"{file.sha256} {file.source.path}\n" for file in files).encode()).hexdigest()
        used = [file.survey for file in examined if file.use is Use.USED and file.source.kind is Kind.NAMES]
        copy = Copy(
            list_name=config.name,
            version=self._store.new_version(config.name, origin.fetched_at, total),
            source=config.source,
            format=config.format,
            fetched_at=origin.fetched_at,
            sha256=total,
            files=files,
            etag=origin.validators.etag,
            last_modified=origin.validators.last_modified,
            bad=tuple(bad for result in used for bad in result.bad)[:KEPT_BAD_LINES],
            guard_hits=tuple(hit for result in used for hit in result.hits),
            forced=tuple(finding.fault for finding in findings),
            imported_from=origin.imported_from,
        )
        self._store.publish(incoming, copy)
        return Taken(config.name, copy, before, tuple(findings))

    def _confirm(self, copy: Copy, config: ListConfig, origin: Origin) -> Copy:
        confirmed = replace(
            copy,
            source=config.source,
            etag=origin.validators.etag,
            last_modified=origin.validators.last_modified,
            imported_from=origin.imported_from,
        )
        if confirmed != copy:
            self._store.confirm(confirmed)
        return confirmed

    def _examine(self, config: ListConfig, folder: Path, source: SourceFile) -> Examined:
        use, tags = map_category(source, config)
        if source.kind not in (Kind.NAMES, Kind.NOT_FOR_DNS):
            return Examined(source, use, Survey(None))
        # A guard category may hold what must never be blocked: that is what it is for.
        may_block = use is Use.USED and not set(tags) <= load_categories().guards
        guards = self._guards if may_block else Guards()
        return Examined(source, use, survey(folder / source.path, source, format_=config.format, guards=guards))

    # --- All of them

    def _tell_compiled(self, lines: int, of: int) -> None:
        self._progress.step("index", f"compiling, {lines:,} of {of:,} lines")

    def _publish(self, outcomes: Sequence[Outcome], *, force: bool) -> UpdateReport:
        lists = self._store.index_lists(config.name for config in self._site.lists)
        wanted = fingerprint(lists)
        generation: int | None = None
        fault = ""
        # Who has rolled back does not want the same generation again, until something changes or he says so.
        there_is = self._index.fingerprint() if force else self._index.newest_fingerprint()
        if lists and there_is != wanted:
            self._progress.step("index", "compiling")
            try:
                generation = self._index.publish(lists, wanted, on_progress=self._tell_compiled)
                self._progress.finish("index", f"generation {generation} published")
            except (IndexUnusableError, StorageError) as error:
                fault = str(error)
                self._progress.finish("index", f"failed: {fault}; the generation before stays in force")
        made_of = self._index.list_versions().values()
        for config in self._site.lists:
            in_use = frozenset(versions[config.name] for versions in made_of if config.name in versions)
            self._store.prune(config.name, in_use=in_use)
        return UpdateReport(tuple(outcomes), generation, fault)


def _spell_surprise(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"our own program failed at it ({type(error).__name__} in {Path(place.filename).name}:{place.lineno})"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_read_alike(copy: Copy, config: ListConfig) -> bool:
    """Say whether the site reads a list as it did when the copy was taken."""
    return copy.format == config.format and all(
        (file.use, file.tags) == map_category(file.source, config) for file in copy.files
    )


def _names_before(copy: Copy | None, config: ListConfig) -> dict[str, int] | None:
    """Give the names of each category in the last good copy, as far as the site uses it now.

    A copy of another source, or one that was read as another format, is no measure.
    """
    if copy is None or copy.source != config.source or copy.format != config.format:
        return None
    names: dict[str, int] = {}
    for file in copy.files:
        if file.source.kind is Kind.NAMES and map_category(file.source, config)[0] is Use.USED:
            names[file.source.category] = names.get(file.source.category, 0) + file.names
    return names


def _stored(file: Examined, folder: Path, config: ListConfig, digest: str) -> StoredFile:
    return StoredFile(
        source=file.source,
        use=file.use,
        tags=map_category(file.source, config)[1],
        size_bytes=(folder / file.source.path).stat().st_size,
        sha256=digest,
        format=file.survey.format,
        names=file.survey.names,
        rows=file.survey.rows,
        counts=file.survey.counts or {},
    )
