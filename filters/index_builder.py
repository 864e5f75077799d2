"""From lists to an index: the only code that fills cells."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import xxhash

from filters.list_entries import Chunk, SpecialRule
from filters.list_index import CELL_OCTETS, HEADER, HEADER_OCTETS, MAGIC, VERSION, role_of, write_rule
from rules.errors import ListRejectedError

# Half of the cells stay empty: a name that is not listed meets an empty cell at the first or second look.
CELLS_PER_NAME: Final = 2
# With fewer names than this share of the cells the table is made again, smaller: at most 20 octets a name.
MIN_LOAD: Final = 0.4
# Set ids have 16 bits, and 0 means an empty cell.
MAX_SETS: Final = 65_535
# Rules without a literal end, such as `ads.*`, are looked at for every name: so many and no more.
MAX_ROOT_RULES: Final = 1000


@dataclass(frozen=True, slots=True)
class ListInput:
    """One category of one list.

    Args:
        name: of the list.
        tag: the category of everything in it.
        chunks: reads it, and may be called again.
        size_hint: how many names there may be, rather too many than too few.
    """

    name: str
    tag: str
    chunks: Callable[[], Iterable[Chunk]]
    size_hint: int


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """The octets of an index, and what went into it."""

    octets: bytearray
    name_count: int
    rules_left_out: int


def build_index(lists: Sequence[ListInput]) -> BuiltIndex:
    """Compile lists.

    Raises:
        ListRejectedError: the lists say more different things than an index can hold.
    """
    hint = sum(each.size_hint for each in lists)
    while True:
        builder = _Builder(max(8, CELLS_PER_NAME * hint + 1))
        for each in lists:
            builder.take(each)
        is_too_large = builder.name_count < MIN_LOAD * builder.cell_count and builder.cell_count > 1024
        is_too_small = builder.name_count > 0.75 * builder.cell_count
        if not is_too_large and not is_too_small and not builder.overflowed:
            return builder.finish()
        hint = max(builder.name_count, 4) * (4 if builder.overflowed else 1)


class _Builder:
    """A table that is being filled."""

    def __init__(self, cell_count: int) -> None:
        self.cell_count = cell_count
        self.name_count = 0
        self.overflowed = False
        self._octets = bytearray(HEADER_OCTETS + cell_count * CELL_OCTETS)
        self._cells = memoryview(self._octets)[HEADER_OCTETS:].cast("Q")
        self._signals: dict[tuple[str, int, str], int] = {}
        self._sets: dict[tuple[int, int], int] = {(0, 0): 0}
        self._units: dict[tuple[str, str], int] = {}
        self._units_with_rules: set[int] = set()
        self._rules: list[tuple[int, SpecialRule]] = []
        self._root_mask = 0
        self._root_rules = self._rules_left_out = 0

    def take(self, source: ListInput) -> None:
        """Enter one category of one list."""
        unit = self._units.setdefault((source.name, source.tag), len(self._units))
        listed = self._signal("block", unit, source.tag)
        in_subtree, alone = _Step(self, 0, listed), _Step(self, listed, 0)
        for chunk in source.chunks():
            if self.name_count + len(chunk.subtree) + len(chunk.exact) > 0.9 * self.cell_count:
                self.overflowed = True
                self.name_count += len(chunk.subtree) + len(chunk.exact)
                continue
            self._enter(chunk.subtree, in_subtree)
            self._enter(chunk.exact, alone)
            for rule in chunk.special:
                self._take_rule(unit, source.tag, rule)

    def _enter(self, names: Iterable[bytes], step: "_Step") -> None:
        """Fill cells; the loop that every name of every list goes through, kept to what it must do."""
        cells, cell_count, following = self._cells, self.cell_count, step.following
        first = step.after(0)
        digest_of = xxhash.xxh3_64_intdigest
        added = 0
        for name in names:
            digest = digest_of(name)
            slot = digest % cell_count
            cell = cells[slot]
            while cell and cell ^ digest >= 65536:
                slot = slot + 1 if slot + 1 < cell_count else 0
                cell = cells[slot]
            if not cell:
                cells[slot] = digest & ~65535 | first
                added += 1
            else:
                before = cell & 65535
                after = following.get(before)
                if after is None:
                    after = step.after(before)
                cells[slot] = cell ^ before ^ after
        self.name_count += added

    def _take_rule(self, unit: int, tag: str, rule: SpecialRule) -> None:
        self._units_with_rules.add(unit)
        conditional = bool(rule.dnstypes or rule.not_dnstypes or rule.denyallow or rule.pattern or rule.answer)
        signal = self._signal("conditional" if conditional else role_of(rule), unit, tag)
        if not rule.name:
            if self._root_rules >= MAX_ROOT_RULES:
                self._rules_left_out += 1
                return
            self._root_rules += 1
            self._root_mask |= signal
        else:
            self._enter([rule.name], _Step(self, 0, signal) if rule.subtree else _Step(self, signal, 0))
        if conditional:
            self._rules.append((unit, rule))

    def _signal(self, role: str, unit: int, tag: str) -> int:
        return 1 << self._signals.setdefault((role, unit, tag), len(self._signals))

    def set_id(self, exact: int, subtree: int) -> int:
        """Give the id of what a name says."""
        found = self._sets.setdefault((exact, subtree), len(self._sets))
        if found > MAX_SETS:
            raise ListRejectedError(
                f"the lists together put names into more than {MAX_SETS} different sets of categories; "
                "expected fewer lists, or fewer categories that overlap"
            )
        return found

    def masks(self, set_id: int) -> tuple[int, int]:
        """Give what a set id stands for."""
        if set_id >= len(self._masks_by_id):
            self._masks_by_id = list(self._sets)
        return self._masks_by_id[set_id]

    _masks_by_id: Sequence[tuple[int, int]] = ()

    def finish(self) -> BuiltIndex:
        """Write the table of meanings and the header."""
        places, signals = self._share_signals()

        def shared(mask: int) -> str:
            return f"{sum({1 << places[bit] for bit in _bits(mask)}):x}"

        meanings = json.dumps(
            {
                "signals": signals,
                "sets": [[shared(exact), shared(subtree)] for exact, subtree in self._sets],
                "root": shared(self._root_mask),
                "rules": [[unit, write_rule(rule)] for unit, rule in self._rules],
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
        return BuiltIndex(octets, self.name_count, self._rules_left_out)

    def _share_signals(self) -> tuple[list[int], list[tuple[str, int, str]]]:
        """Let all units that only list names share one signal a tag, so that fewer masks differ."""
        shared: dict[tuple[str, int, str], int] = {}
        places = [
            shared.setdefault((role, unit if unit in self._units_with_rules else -1, tag), len(shared))
            for role, unit, tag in self._signals
        ]
        return places, list(shared)


class _Step:
    """What happens to a set id when a name says one thing more."""

    def __init__(self, builder: _Builder, exact: int, subtree: int) -> None:
        self._builder = builder
        self._exact = exact
        self._subtree = subtree
        self.following: dict[int, int] = {}

    def after(self, set_id: int) -> int:
        """Give the id that follows, and remember it."""
        exact, subtree = self._builder.masks(set_id)
        found = self.following[set_id] = self._builder.set_id(exact | self._exact, subtree | self._subtree)
        return found


def _bits(mask: int) -> Iterator[int]:
    place = 0
    while mask:
        if mask & 1:
            yield place
        mask >>= 1
        place += 1
