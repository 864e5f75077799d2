"""The literal lines of the lists that speak of a name, from the very copies that the index in force was made of."""

from collections.abc import Iterator, Mapping

from agent.explaining.explain import ListEntry
from agent.lists.list_store import Copy, ListStore, open_store
from agent.sites.site import Site
from filters.list_search import find_entries
from rules.name import DomainName


def find_listed(site: Site, name: DomainName, *, versions: Mapping[str, str] | None = None) -> Iterator[ListEntry]:
    """Give each line that lists a name, or a name above it, with each category that the line's file stands for.

    Args:
        site: whose lists.
        name: the name in question.
        versions: the version of each list in the generation in force; lists that it does not name are left out.
            Without it, the newest copies are searched.
    """
    store = open_store(site)
    for config in site.lists:
        copy = _copy(store, config.name, versions)
        if copy is None:
            continue
        for file in copy.used:
            if file.format is None:
                continue
            data = (store.files_folder(copy) / file.source.path).read_bytes()
            for line in find_entries(data, file=file.source.path, format=file.format, name=name):
                for tag in file.tags:
                    yield ListEntry(tag, copy.list_name, line, copy.fetched_at)


def _copy(store: ListStore, list_name: str, versions: Mapping[str, str] | None) -> Copy | None:
    if versions is None:
        return store.current(list_name)
    return store.copy(list_name, versions[list_name]) if list_name in versions else None
