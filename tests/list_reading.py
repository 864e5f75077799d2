"""A whole list read for a test, and names the way people write them."""

from collections.abc import Iterable

from filters.list_parser import Chunk, SpecialRule, parse_list
from rules.name import DomainName, from_wire


def read(text: str | bytes | Iterable[bytes], list_format: str, *, file: str = "list.txt") -> Chunk:
    """Parse a list and unite its chunks."""
    united = Chunk()
    for chunk in parse_list(text.encode() if isinstance(text, str) else text, file=file, format=list_format):
        united.subtree += chunk.subtree
        united.exact += chunk.exact
        united.special += chunk.special
        united.counts += chunk.counts
        united.bad += chunk.bad
        united.lines += chunk.lines
        united.ignored += chunk.ignored
    return united


def names(wire_names: Iterable[bytes]) -> list[str]:
    """Give names as text."""
    return [str(from_wire(wire)) for wire in wire_names]


def covers(chunk: Chunk, name: str) -> bool:
    """Say whether anything in the chunk blocks the name, exceptions left aside."""
    in_lists = name in names(chunk.exact) or any(
        name == above or name.endswith(f".{above}") for above in names(chunk.subtree)
    )
    return in_lists or any(rule.covers(DomainName(name)) for rule in chunk.special if not rule.exception)


def only_rule(chunk: Chunk) -> SpecialRule:
    """Give the one special rule of a chunk."""
    (rule,) = chunk.special
    return rule
