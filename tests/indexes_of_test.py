"""Small indexes for tests, compiled from the text of lists or from names."""

from collections.abc import Iterable

from filters.index_builder import ListInput, build_index
from filters.list_index import ListIndex
from filters.list_parser import Chunk, SpecialRule, parse_list
from rules.name import DomainName, to_wire

TYPE_A = 1
TYPE_AAAA = 28
TYPE_HTTPS = 65


def wire(name: str) -> bytes:
    return to_wire(DomainName(name))


def text_list(text: str, *tags: str, list_format: str = "adblock", name: str = "list") -> ListInput:
    """Give a list from its text; there may be many lines in one."""
    data = text.encode()
    return ListInput(
        name, tags, lambda: parse_list(data, file=name, format=list_format), size_hint=data.count(b"\n") + 1
    )


def name_list(
    *tags: str,
    subtree: Iterable[str] = (),
    exact: Iterable[str] = (),
    special: Iterable[SpecialRule] = (),
    name: str = "list",
) -> ListInput:
    """Give a list from what a parser would make of it."""
    chunk = Chunk(subtree=list(map(wire, subtree)), exact=list(map(wire, exact)), special=list(special))
    return ListInput(name, tags, lambda: [chunk], size_hint=len(chunk.subtree) + len(chunk.exact) + 1)


def index_of(*lists: ListInput) -> ListIndex:
    return ListIndex(build_index(lists).octets)


def tags_of(index: ListIndex, name: str, qtype: int = TYPE_A) -> set[str]:
    return set(index.tags(index.look_up(wire(name)), wire(name), qtype))
