"""Explaining from a shell: the lists in force on disk and the site as it is written, by the one evaluator."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from agent.assembly import build_snapshot, open_generations, read_devices
from agent.categories import load_categories
from agent.clients import ClientResolver
from agent.explain import Explanation, ListEntry, explain
from agent.list_store import ListStore, open_store
from agent.policy_state import PolicyState
from agent.publisher import Generation
from agent.site import Site
from agent.what_if import parse_asked_name, parse_moment, parse_who
from filters.list_index import ListIndex, empty_index
from filters.list_search import find_entries
from rules.name import DomainName


def explain_site(site: Site, *, name: str, who: str, at: str | None, now: datetime) -> Explanation:
    """Explain a verdict with what is on this machine.

    Args:
        site: the site, checked.
        name: as a person wrote it.
        who: an audience, a group or an address.
        at: a moment as a person wrote it; `now` if not given.
        now: aware UTC.

    Raises:
        ConfigurationError: the name, the person or the moment cannot be read.
        IndexUnusableError: the compiled lists are damaged.
    """
    asked = parse_asked_name(name)
    resolver = ClientResolver(site.networks, site.groups, read_devices(site))
    somebody = parse_who(who, site, resolver)
    moment = parse_moment(at, site.school.timezone, now=now) if at else now
    generation = open_generations(site).current()
    index = ListIndex.open(generation.index_path) if generation else empty_index()
    snapshot = build_snapshot(site, generation, number=0)
    policy = PolicyState(snapshot, index)
    return explain(
        snapshot.site,
        name=asked,
        who=somebody,
        at=moment,
        classifier=policy.classifier,
        refusal_of=policy.refusal,
        find_entries=entries_of(site, generation),
        catalogue=load_categories(),
    )


def entries_of(site: Site, generation: Generation | None) -> Callable[[DomainName], Iterator[ListEntry]]:
    """Give what finds the literal lines about a name in the copies that a generation was made of."""
    store = open_store(site)

    def find(name: DomainName) -> Iterator[ListEntry]:
        for each in generation.manifest["lists"] if generation is not None else ():
            yield from _entries_in(store, each, name)

    return find


def _entries_in(store: ListStore, used: Mapping[str, Any], name: DomainName) -> Iterator[ListEntry]:
    """Look through the files of one list, in the version that the index was made of."""
    copy = store.copy(used["name"], used["version"])
    if copy is None:
        return
    folder = store.files_folder(copy)
    for file in used["files"]:
        path = folder / file["shown_as"]
        for line in find_entries(path.read_bytes(), file=file["shown_as"], format=file["format"], name=name):
            for tag in file["tags"]:
                yield ListEntry(tag, copy.list_name, line, copy.fetched_at)
