"""From lists to an index: the only code that fills cells."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import xxhash

from filters.list_entries import Chunk, Reason, SpecialRule
from filters.list_index import (
    BY_RULE,
    CELL_OCTETS,
    HEADER,
    HEADER_OCTETS,
    MAGIC,
    VERSION,
    bits,
    role_of,
    write_rule,
)
from rules.errors import ListRejectedError

# Half of the cells stay empty: a name that is not listed meets an empty cell at the first or second look.
CELLS_PER_NAME: Final = 2
# With fewer names than this share of the cells the table is made again, smaller: at most 20 octets a name.
MIN_LOAD: Final = 0.4
MAX_LOAD: Final = 0.75
# Beyond this the cells are not filled, only counted.
FULL_LOAD: Final = 0.9
# Set ids have 16 bits, and 0 means an empty cell.
MAX_SETS: Final = 65_535
# Clauses that many names share, such as the one answer of a policy zone, are signals; others stand with each name.
MAX_CLAUSES: Final = 256
# A worker keeps rules as objects, and looks at all rules of one name: of names such as the root (`ads.*`) or a
# top-level domain (`ads*.example`) at every query. So many and no more; the rest is counted.
MAX_RULES: Final = 20_000
MAX_RULES_AT_ONE_NAME: Final = 1000


@dataclass(frozen=True, slots=True)
class ListInput:
    """One file of one list.

    Args:
        name: of the list.
        tags: the categories of everything in it.
        chunks: reads it, and may be called again.
        size_hint: how many names there may be, rather too many than too few.
        may_except: whether exceptions can stand in it.
    """

    name: str
    tags: tuple[str, ...]
    chunks: Callable[[], Iterable[Chunk]]
    size_hint: int
    may_except: bool = True


@dataclass(slots=True)
class ListFigures:
    """What a list brought: entries that were taken, those of them known already, and lines not used by reason."""

    entries: int = 0
    repeated: int = 0
    not_used: Counter[Reason] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """The octets of an index, and what went into it; `rules_left_out` are those beyond the limits on rules."""

    octets: bytearray
    name_count: int
    rules_left_out: int
    lists: dict[str, ListFigures]


def build_index(lists: Sequence[ListInput], *, on_lines: Callable[[int], None] = lambda _: None) -> BuiltIndex:
    """Compile lists.

    Args:
        lists: all that goes into the index.
        on_lines: is told how many lines have been taken; with a table of the wrong size it begins anew.

    Raises:
        ListRejectedError: the lists say more different things than an index can hold.
    """
    excepting = {
        (each.name, tag)
        for each in lists
        if each.may_except and any(rule.exception for chunk in each.chunks() for rule in chunk.special)
        for tag in each.tags
    }
    hint = sum(each.size_hint for each in lists)
    # A table with room for all gives their number, and one made for that number has a good size.
    while True:
        builder = _Builder(max(8, CELLS_PER_NAME * hint + 1), excepting)
        for each in lists:
            builder.take(each, on_lines)
        hint = builder.name_count
        if builder.has_good_size():
            return builder.finish()
        # The next table is made while this one is gone.
        del builder


class _Builder:
    """A table that is being filled."""

    def __init__(self, cell_count: int, excepting: Iterable[tuple[str, str]]) -> None:
        self.cell_count = cell_count
        # Once names have no room any more, they are only counted, with those that come twice.
        self.name_count = 0
        self._overflowed = False
        self._octets = bytearray(HEADER_OCTETS + cell_count * CELL_OCTETS)
        self._cells = memoryview(self._octets)[HEADER_OCTETS:].cast("Q")
        # An exception cancels what its own list says: only units that make some need signals of their own.
        self._units = {unit: number for number, unit in enumerate(sorted(excepting))}
        self._signals: dict[tuple[str, int, str, SpecialRule | None], int] = {}
        self._clauses: set[SpecialRule] = set()
        self._set_ids: dict[tuple[int, int], int] = {(0, 0): 0}
        self._sets = [(0, 0)]
        self._steps: dict[tuple[int, int], dict[int, int]] = {}
        self._rules: list[tuple[int, SpecialRule]] = []
        self._rules_at: Counter[bytes] = Counter()
        self._rules_left_out = self._lines = 0
        self._root_mask = 0
        self._figures: dict[str, ListFigures] = {}

    def has_good_size(self) -> bool:
        """Say whether the names fill a fair part of the cells."""
        is_small = self.cell_count <= 1024
        load = self.name_count / self.cell_count
        return not self._overflowed and load <= MAX_LOAD and (is_small or load >= MIN_LOAD)

    def take(self, source: ListInput, on_lines: Callable[[int], None]) -> None:
        """Enter one file of one list."""
        figures = self._figures.setdefault(source.name, ListFigures())
        listed = self._signals_of(source, "block")
        for chunk in source.chunks():
            self._lines += chunk.lines
            on_lines(self._lines)
            figures.not_used += chunk.counts
            repeated = self._enter(chunk.subtree, exact=0, subtree=listed)
            repeated += self._enter(chunk.exact, exact=listed, subtree=0)
            repeated += sum(self._take_rule(source, rule) for rule in chunk.special)
            figures.entries += len(chunk.subtree) + len(chunk.exact) + len(chunk.special)
            figures.repeated += repeated

    def _enter(self, names: Sequence[bytes], *, exact: int, subtree: int) -> int:
        """Fill cells, and say how many names had one already."""
        entered = added = 0
        while entered < len(names):
            room = int(FULL_LOAD * self.cell_count) - self.name_count
            if room <= 0:
                self._overflowed = True
                self.name_count += len(names) - entered
                break
            new = self._fill(names[entered : entered + room], exact=exact, subtree=subtree)
            self.name_count += new
            entered += room
            added += new
        return len(names) - added

    def _fill(self, names: Sequence[bytes], *, exact: int, subtree: int) -> int:
        """Enter names that have room for certain, and say how many are new.

        The loop that every name of every list goes through, kept to what it must do.
        """
        following = self._steps.setdefault((exact, subtree), {})
        first = self._set_id_after(0, exact, subtree)
        cells, cell_count = self._cells, self.cell_count
        added = 0
        for digest in map(xxhash.xxh3_64_intdigest, names):
            slot = digest % cell_count
            while cell := cells[slot]:
                if cell ^ digest < 65536:
                    before = cell & 65535
                    after = following.get(before)
                    if after is None:
                        after = following[before] = self._set_id_after(before, exact, subtree)
                    cells[slot] = cell ^ before ^ after
                    break
                slot += 1
                if slot == cell_count:
                    slot = 0
            else:
                cells[slot] = digest & ~65535 | first
                added += 1
        return added

    def _set_id_after(self, set_id: int, exact: int, subtree: int) -> int:
        """Give the id of what a name says that says one thing more."""
        exact_before, subtree_before = self._sets[set_id]
        masks = exact_before | exact, subtree_before | subtree
        found = self._set_ids.setdefault(masks, len(self._sets))
        if found == len(self._sets):
            if found > MAX_SETS:
                raise ListRejectedError(
                    f"the lists together put names into more than {MAX_SETS} different sets of categories; "
                    "expected fewer lists, or fewer categories that overlap"
                )
            self._sets.append(masks)
        return found

    def _take_rule(self, source: ListInput, rule: SpecialRule) -> int:
        """Enter a rule, if there is room for it, and say how many names had a cell already."""
        clause = self._shared_clause(rule)
        is_by_rule = clause is None and (
            rule.pattern is not None or bool(rule.denyallow) or _clause_of(rule) != _NO_CLAUSE
        )
        if is_by_rule and (len(self._rules) >= MAX_RULES or self._rules_at[rule.name] >= MAX_RULES_AT_ONE_NAME):
            self._rules_left_out += 1
            return 0
        signals = self._signals_of(source, BY_RULE if is_by_rule else role_of(rule), clause)
        if is_by_rule:
            self._rules_at[rule.name] += 1
            self._rules += [(place, rule) for place in bits(signals)]
        if not rule.name:
            self._root_mask |= signals
            return 0
        if rule.subtree:
            return self._enter([rule.name], exact=0, subtree=signals)
        return self._enter([rule.name], exact=signals, subtree=0)

    def _shared_clause(self, rule: SpecialRule) -> SpecialRule | None:
        """Give what a rule says beside name and role, where names share it."""
        clause = _clause_of(rule)
        if clause == _NO_CLAUSE or rule.pattern is not None or rule.denyallow:
            return None
        if clause not in self._clauses and len(self._clauses) >= MAX_CLAUSES:
            return None
        self._clauses.add(clause)
        return clause

    def _signals_of(self, source: ListInput, role: str, clause: SpecialRule | None = None) -> int:
        signals = 0
        for tag in source.tags:
            key = role, self._units.get((source.name, tag), -1), tag, clause
            signals |= 1 << self._signals.setdefault(key, len(self._signals))
        return signals

    def finish(self) -> BuiltIndex:
        """Write the table of meanings and the header."""
        meanings = json.dumps(
            {
                "signals": [
                    [role, unit, tag, None if clause is None else write_rule(clause)]
                    for role, unit, tag, clause in self._signals
                ],
                "sets": [[f"{exact:x}", f"{subtree:x}"] for exact, subtree in self._sets],
                "root": f"{self._root_mask:x}",
                "rules": [[place, write_rule(rule)] for place, rule in self._rules],
            },
            separators=(",", ":"),
        ).encode()
        meanings_at = len(self._octets)
        self._cells.release()
        octets = self._octets
        octets += meanings
        with memoryview(octets) as whole:
            checksum = xxhash.xxh3_64_intdigest(whole[HEADER_OCTETS:])
        HEADER.pack_into(
            octets, 0, MAGIC, VERSION, 0, self.name_count, self.cell_count, meanings_at, len(meanings), checksum
        )
        return BuiltIndex(octets, self.name_count, self._rules_left_out, self._figures)


_NO_CLAUSE: Final = SpecialRule(b"")


def _clause_of(rule: SpecialRule) -> SpecialRule:
    return SpecialRule(b"", dnstypes=rule.dnstypes, not_dnstypes=rule.not_dnstypes, answer=rule.answer)
