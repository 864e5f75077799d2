"""How the lists of a site are doing: how old, how large, what of them is used, what is wrong with them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from agent.categories import load_categories
from agent.lists.list_faults import Fault
from agent.lists.list_inputs import IndexKeeper
from agent.lists.list_layout import Kind, Use
from agent.lists.list_sources import is_remote, spell_source
from agent.lists.list_store import Condition, Copy, ListStore, StoredFile, open_store
from agent.lists.starter import STARTER_SOURCE
from agent.sites.site import ListConfig, Site
from filters.list_entries import BadLine
from filters.usage_catalogue import parse_catalogue

# A list that missed one refresh may be unlucky; beyond that people should know.
STALE_AFTER_INTERVALS: Final = 2


class ListState(StrEnum):
    """What people need to know first about a list."""

    FRESH = "fresh"
    STALE = "stale"
    REFUSED = "refused"
    MISSING = "missing"
    NEVER_LOADED = "never_loaded"


@dataclass(frozen=True, slots=True)
class CategoryStatus:
    """One of the provider's categories: its title in the school's language, what it is here, what it holds."""

    provider_category: str
    title: str
    use: Use
    tags: tuple[str, ...]
    names: int
    rows: int
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListStatus:
    """One list.

    `age_seconds` counts from when the copy in force was last known to be what the source has; None without a copy.
    `counts` are the lines that are not used, by reason, of the files that are; `bad` the first of them. `generation`
    is the newest one that this copy is part of. `fault` and `sentence` say how the last look went wrong, if it did.
    """

    name: str
    source: str
    state: ListState = ListState.NEVER_LOADED
    age_seconds: float | None = None
    fetched_at: datetime | None = None
    checked_at: datetime | None = None
    next_refresh_at: datetime | None = None
    version: str | None = None
    names: int = 0
    rows: int = 0
    size_bytes: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    bad: tuple[BadLine, ...] = ()
    formats: tuple[str, ...] = ()
    categories: tuple[CategoryStatus, ...] = ()
    guard_names: tuple[str, ...] = ()
    forced: tuple[Fault, ...] = ()
    licences: tuple[str, ...] = ()
    imported_from: str | None = None
    generation: int | None = None
    failures: int = 0
    fault: Fault | None = None
    sentence: str = ""

    def categories_by_use(self, use: Use) -> tuple[CategoryStatus, ...]:
        """Give the provider's categories that are used, left out on purpose, or unknown."""
        return tuple(category for category in self.categories if category.use is use)


def status(site: Site, *, now: datetime, index: IndexKeeper | None = None) -> list[ListStatus]:
    """Say how each list of the site is doing.

    Args:
        site: whose lists.
        now: aware UTC.
        index: knows what generations are made of.
    """
    store = open_store(site)
    generations = index.list_versions() if index else {}
    statuses = []
    for config in site.lists:
        copy = store.current(config.name)
        looked = _look(config, copy, store.condition(config.name), now)
        if copy is not None:
            made_of_it = [number for number, used in generations.items() if used.get(config.name) == copy.version]
            looked = replace(
                _with_copy(looked, copy, store, site.school.language), generation=max(made_of_it, default=None)
            )
        statuses.append(looked)
    return statuses


def _look(config: ListConfig, copy: Copy | None, condition: Condition | None, now: datetime) -> ListStatus:
    """Say what there is to say without the copy's content."""
    looked = ListStatus(name=config.name, source=spell_source(config.source))
    if condition is not None:
        looked = replace(
            looked,
            checked_at=condition.checked_at,
            next_refresh_at=condition.next_refresh_at,
            failures=condition.failures,
            fault=condition.fault,
            sentence=condition.sentence,
        )
    if copy is not None:
        good_at = (condition.succeeded_at if condition else None) or copy.fetched_at
        looked = replace(looked, age_seconds=(now - good_at).total_seconds())
    is_refused = condition is not None and condition.is_refused
    return replace(looked, state=_state(config, looked, is_refused=is_refused))


def _state(config: ListConfig, looked: ListStatus, *, is_refused: bool) -> ListState:
    if looked.fault is Fault.NOT_FOUND or not _is_there(config):
        return ListState.MISSING
    if is_refused:
        return ListState.REFUSED
    if looked.age_seconds is None:
        return ListState.NEVER_LOADED
    # Of what was taken by a clock that ran ahead by more than an interval, nobody knows how old it is.
    oldest = STALE_AFTER_INTERVALS * config.refresh_seconds
    is_old = not -config.refresh_seconds <= looked.age_seconds <= oldest
    return ListState.STALE if is_old else ListState.FRESH


def _is_there(config: ListConfig) -> bool:
    """Say whether the source may be there, as far as this machine knows."""
    return is_remote(config) or config.source == STARTER_SOURCE or Path(config.source).exists()


def _with_copy(looked: ListStatus, copy: Copy, store: ListStore, language: str) -> ListStatus:
    """Add what the copy in force holds."""
    used = copy.used
    counts: Counter[str] = Counter()
    for file in copy.files:
        if file.use is Use.USED:
            counts.update(file.counts)
    return replace(
        looked,
        fetched_at=copy.fetched_at,
        version=copy.version,
        names=copy.names,
        rows=sum(file.rows for file in used),
        size_bytes=sum(file.size_bytes for file in copy.files),
        counts=dict(counts.most_common()),
        bad=copy.bad,
        formats=tuple(sorted({file.format for file in used if file.format})),
        categories=tuple(_categories(copy, _titles(copy, store, language))),
        guard_names=tuple(f"{hit.guard} ({hit.place})" for hit in copy.guard_hits),
        forced=copy.forced,
        licences=copy.licences,
        imported_from=copy.imported_from,
    )


def _titles(copy: Copy, store: ListStore, language: str) -> dict[str, str]:
    """Give what the provider's own catalogue calls its categories, and what we call ours."""
    titles = {category.id: category.name(language) for category in load_categories()}
    for file in copy.files:
        if file.source.kind is Kind.CATALOGUE:
            data = (store.files_folder(copy) / file.source.path).read_bytes()
            entries = parse_catalogue(data, file=file.source.path).entries
            titles |= {category: entry.name_in(language) for category, entry in entries.items()}
    return titles


def _categories(copy: Copy, titles: Mapping[str, str]) -> Iterator[CategoryStatus]:
    by_category: dict[str, list[StoredFile]] = {}
    for file in copy.files:
        if file.source.kind is Kind.NAMES:
            by_category.setdefault(file.source.category, []).append(file)
    for category, files in by_category.items():
        yield CategoryStatus(
            provider_category=category,
            title=titles.get(category, category),
            use=files[0].use,
            tags=files[0].tags,
            names=sum(file.names for file in files),
            rows=sum(file.rows for file in files),
            aliases=files[0].source.aliases,
        )
