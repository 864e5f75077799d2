r"""The compiled lists: one file that every worker maps, and the look-up in it.

Layout, little endian: a header of 64 octets (magic, version, flags, names, cells, place and length of the table of
meanings, checksum of everything after the header) · the cells, unsigned 64-bit words · the table of meanings, JSON.

A cell holds the upper 48 bits of the XXH3 hash of a name (lower-case wire form without the root octet) and a set
id; 0 is empty, the slot is the hash modulo the number of cells, collisions go to the next cell. A set id stands for
two masks: what the name says of itself alone, and what it says of itself and all below. Each bit is a signal: one
thing that one source says.

Two names are mistaken for each other when 48 bits of their hashes are equal and they meet in one run of cells: with a
million names about once in 10**14 look-ups, and `explain` shows the literal line of the list or says that there is
none. The builder takes the same risk when it looks whether it has a name already.
"""

import json
import mmap
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from struct import Struct
from typing import Any, Final

import xxhash

from filters.list_entries import RpzAnswer, SpecialRule
from rules.errors import IndexUnusableError
from rules.name import DomainName, from_wire

MAGIC: Final = b"SCHGIDX\0"
VERSION: Final = 1
HEADER: Final = Struct("<8sIIQQQQQ8x")
HEADER_OCTETS: Final = HEADER.size
CELL_OCTETS: Final = 8
MAX_REMEMBERED_MASKS: Final = 65_536


# The role of a signal that says only where to look: what holds stands in the rules of the name.
BY_RULE: Final = "by_rule"


@dataclass(frozen=True, slots=True)
class Signal:
    """One bit of a mask: what a unit (one category of one list) says of a name.

    Args:
        role: `block`, `important`, `except`, `important_except`, or `BY_RULE`.
        unit: -1 for all units of the tag together that make no exceptions.
        tag: the category.
        clause: the query types it is for and the answer it gives, as a rule without a name.
    """

    role: str
    unit: int
    tag: str
    clause: SpecialRule | None = None

    @property
    def is_conditional(self) -> bool:
        """Say whether more than the mask decides what it means."""
        return self.role == BY_RULE or self.clause is not None


class _Asked:
    """A name that was asked for, in every form that rules look at."""

    __slots__ = ("suffixes", "text", "wire_name")

    def __init__(self, wire_name: bytes) -> None:
        self.wire_name = wire_name
        self.suffixes = tuple(_suffixes(wire_name))
        self.text = from_wire(wire_name)


class ListIndex:
    """A compiled index over any buffer.

    The hot path looks names up by the attributes itself: `cells` and `cell_count`; `exact_masks` and
    `subtree_masks` by set id; `root_mask`, which every look-up begins with; `conditional_mask`, the bits whose
    meaning depends on the query type or on the whole name.

    Raises:
        IndexUnusableError: the octets are cut short, damaged or of another version.
    """

    def __init__(self, buffer: "mmap.mmap | bytes | bytearray | memoryview", *, where: str = "index") -> None:
        octets = memoryview(buffer)
        header = _read_header(octets, where)
        _, _, _, self.name_count, self.cell_count, meanings_at, meanings_octets, checksum = header
        if xxhash.xxh3_64_intdigest(octets[HEADER_OCTETS:]) != checksum:
            raise IndexUnusableError(f"{where}: the checksum does not match; expected an undamaged index")
        self.cells = octets[HEADER_OCTETS:meanings_at].cast("Q")
        try:
            self._read_meanings(json.loads(bytes(octets[meanings_at : meanings_at + meanings_octets])))
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise IndexUnusableError(f"{where}: the table of meanings cannot be read ({error})") from error
        self._remembered: dict[int, frozenset[str]] = {}

    @classmethod
    def open(cls, path: Path) -> "ListIndex":
        """Map an index file; all processes that do share its pages.

        Raises:
            IndexUnusableError: there is no such file, or it is damaged.
        """
        try:
            with path.open("rb") as file:
                mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise IndexUnusableError(f"{path}: {error.strerror}; expected a compiled index") from error
        except ValueError:
            raise IndexUnusableError(f"{path}: 0 octets; expected a compiled index") from None
        return cls(mapping, where=str(path))

    def _read_meanings(self, meanings: dict[str, Any]) -> None:
        self.signals = tuple(
            Signal(role, unit, tag, None if clause is None else read_rule(clause))
            for role, unit, tag, clause in meanings["signals"]
        )
        self.exact_masks = [int(exact, 16) for exact, _ in meanings["sets"]]
        self.subtree_masks = [int(subtree, 16) for _, subtree in meanings["sets"]]
        if not self.exact_masks:
            raise ValueError("not even what stands for nothing")
        self.root_mask = int(meanings["root"], 16)
        self.signal_count = len(self.signals)
        self.tags_present = frozenset(signal.tag for signal in self.signals)
        self.conditional_mask = self._answering_mask = 0
        for place, signal in enumerate(self.signals):
            self.conditional_mask |= signal.is_conditional << place
            self._answering_mask |= (signal.clause is not None and signal.clause.answer is not None) << place
        self._rules: dict[tuple[int, bytes], list[SpecialRule]] = {}
        for place, written in meanings["rules"]:
            rule = read_rule(written)
            self._rules.setdefault((place, rule.name), []).append(rule)
            self._answering_mask |= (rule.answer is not None) << place
        # What a whole top-level domain has in common is said by patterns alone (`ads*.example`).
        self.has_top_level_rules = any(len(name) == name[0] + 1 for _, name in self._rules if name)
        # Compiled when first needed: most never are, and the cache of `re` is too small for a list of patterns.
        self._matchers: dict[str, Callable[[str], object]] = {}

    def look_up(self, wire_name: bytes) -> int:
        """Unite what every source says of a name and of the names above it."""
        mask = self.root_mask
        cells, cell_count = self.cells, self.cell_count
        position = 0
        while position < len(wire_name):
            digest = xxhash.xxh3_64_intdigest(wire_name[position:])
            slot = digest % cell_count
            while cell := cells[slot]:
                if cell ^ digest < 65536:
                    mask |= self.subtree_masks[cell & 65535]
                    if position == 0:
                        mask |= self.exact_masks[cell & 65535]
                    break
                slot = slot + 1 if slot + 1 < cell_count else 0
            position += wire_name[position] + 1
        return mask

    def tags(self, mask: int, wire_name: bytes, qtype: int) -> frozenset[str]:
        """Give the tags that a mask means; name and type matter only where the mask is conditional."""
        asked = _Asked(wire_name) if mask & self.conditional_mask else None
        if asked is None and (known := self._remembered.get(mask)) is not None:
            return known
        said: dict[tuple[int, str], set[str]] = {}
        for place in bits(mask):
            signal = self.signals[place]
            roles = said.setdefault((signal.unit, signal.tag), set())
            if asked is not None and signal.role == BY_RULE:
                roles.update(role_of(rule) for rule in self._rules_about(asked, place) if rule.is_for_type(qtype))
            elif signal.clause is None or signal.clause.is_for_type(qtype):
                roles.add(signal.role)
        tags = frozenset(tag for (_, tag), roles in said.items() if _is_listed(roles))
        if asked is None and len(self._remembered) < MAX_REMEMBERED_MASKS:
            self._remembered[mask] = tags
        return tags

    def answer_for(self, wire_name: bytes) -> RpzAnswer | None:
        """Give the answer that a list itself has for a name, the nearest one."""
        if not self._answering_mask:
            return None
        asked = _Asked(wire_name)
        for suffix in asked.suffixes:
            for place in bits(self._said_at(suffix, is_itself=suffix == wire_name) & self._answering_mask):
                clause = self.signals[place].clause
                rules = self._rules_at(asked, place, suffix) if clause is None else (clause,)
                for rule in rules:
                    if rule.answer is not None:
                        return rule.answer
        return None

    def _said_at(self, suffix: bytes, *, is_itself: bool) -> int:
        """Give what stands at one name only, of which `look_up` unites all that are above."""
        if not suffix:
            return self.root_mask
        digest = xxhash.xxh3_64_intdigest(suffix)
        slot = digest % self.cell_count
        while cell := self.cells[slot]:
            if cell ^ digest < 65536:
                set_id: int = cell & 65535
                return self.subtree_masks[set_id] | (self.exact_masks[set_id] if is_itself else 0)
            slot = slot + 1 if slot + 1 < self.cell_count else 0
        return 0

    def _rules_about(self, asked: _Asked, place: int) -> Iterator[SpecialRule]:
        for suffix in asked.suffixes:
            yield from self._rules_at(asked, place, suffix)

    def _rules_at(self, asked: _Asked, place: int, suffix: bytes) -> Iterator[SpecialRule]:
        """Give the rules of a name that cover what was asked: `SpecialRule.covers`, made for many of them."""
        is_itself = suffix == asked.wire_name
        for rule in self._rules.get((place, suffix), ()):
            if (
                (rule.subtree or is_itself)
                and (rule.pattern is None or self._matches(rule.pattern, asked.text))
                and rule.denyallow.isdisjoint(asked.suffixes)
            ):
                yield rule

    def _matches(self, pattern: str, name: DomainName) -> bool:
        matcher = self._matchers.get(pattern)
        if matcher is None:
            matcher = self._matchers[pattern] = re.compile(pattern).fullmatch
        return matcher(name) is not None


def bits(mask: int) -> Iterator[int]:
    """Give the places of the bits that are set."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _suffixes(wire_name: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(wire_name):
        yield wire_name[position:]
        position += wire_name[position] + 1
    yield b""


def _is_listed(roles: set[str]) -> bool:
    """Say whether a unit lists a name: an important rule beats a common one, at equal rank the exception wins."""
    if "important_except" in roles:
        return False
    return "important" in roles or ("block" in roles and "except" not in roles)


def role_of(rule: SpecialRule) -> str:
    """Give the role of a rule once its conditions hold."""
    if rule.exception:
        return "important_except" if rule.important else "except"
    return "important" if rule.important else "block"


def _read_header(octets: memoryview, where: str) -> tuple[Any, ...]:
    if len(octets) < HEADER_OCTETS:
        raise IndexUnusableError(f"{where}: {len(octets)} octets; expected an index of at least {HEADER_OCTETS}")
    header = HEADER.unpack_from(octets)
    magic, version, _, names, cells, meanings_at, meanings_octets, _ = header
    if magic != MAGIC:
        raise IndexUnusableError(f"{where}: not an index (it begins with {magic!r}); expected a compiled index")
    if version != VERSION:
        raise IndexUnusableError(f"{where}: an index of version {version}; expected version {VERSION}")
    sound = cells > names and meanings_at == HEADER_OCTETS + cells * CELL_OCTETS
    if not sound or meanings_at + meanings_octets != len(octets):
        raise IndexUnusableError(f"{where}: {len(octets)} octets, cut short or too long; expected a whole index")
    return header


def write_rule(rule: SpecialRule) -> dict[str, Any]:
    """Bring a rule into the shape in which the table of meanings holds it."""
    return {
        "name": rule.name.hex(),
        "subtree": rule.subtree,
        "exception": rule.exception,
        "important": rule.important,
        "types": sorted(rule.dnstypes),
        "not_types": sorted(rule.not_dnstypes),
        "but": sorted(name.hex() for name in rule.denyallow),
        "pattern": rule.pattern,
        "answer": None if rule.answer is None else [rule.answer.kind, [list(each) for each in rule.answer.records]],
    }


def read_rule(written: dict[str, Any]) -> SpecialRule:
    """Read what `write_rule` wrote."""
    answer = written["answer"]
    return SpecialRule(
        name=bytes.fromhex(written["name"]),
        subtree=written["subtree"],
        exception=written["exception"],
        important=written["important"],
        dnstypes=frozenset(written["types"]),
        not_dnstypes=frozenset(written["not_types"]),
        denyallow=frozenset(bytes.fromhex(name) for name in written["but"]),
        pattern=written["pattern"],
        answer=None
        if answer is None
        else RpzAnswer(answer[0], tuple((rtype, ttl, data) for rtype, ttl, data in answer[1])),
    )


@lru_cache(maxsize=1)
def empty_index() -> ListIndex:
    """Give the index of a site without lists."""
    meanings = json.dumps({"signals": [], "sets": [["0", "0"]], "root": "0", "rules": []}).encode()
    body = bytes(8 * CELL_OCTETS) + meanings
    meanings_at = HEADER_OCTETS + 8 * CELL_OCTETS
    checksum = xxhash.xxh3_64_intdigest(body)
    return ListIndex(HEADER.pack(MAGIC, VERSION, 0, 0, 8, meanings_at, len(meanings), checksum) + body)
