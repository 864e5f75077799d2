"""Several packs on top of each other: what holds, and where they disagree.

The stricter clock and the more frequent review win. Of two times for keeping something the longer one holds: what is
deleted is gone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from rules.handbook import Chain, Clock, Handbook, Keeping, PackRole, Review
from rules.incident_kind import Kind
from rules.policy_pack import Pack
from rules.span import Span
from rules.subject import Audience
from rules.words import NO_WORDS, Words

Timed = TypeVar("Timed", Clock, Review, Keeping)


class Point(StrEnum):
    """What packs can disagree about."""

    CLOCK = "clock"
    REVIEW = "review"
    RETENTION = "retention"
    FIRST_TOLD = "first_told"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A point in which packs differ.

    `what` is the id of a clock, review, kind of record or row, or the kind of incident, and `title` what a pack calls
    it. `packs` are those that differ, with the `spans` or the `titles` of whom they tell first in the same order.
    `kept` is the pack whose word holds; it is empty where all of them hold together.
    """

    point: Point
    what: str
    packs: tuple[str, ...]
    kept: str
    title: Words = NO_WORDS
    spans: tuple[Span, ...] = ()
    titles: tuple[Words, ...] = ()

    @property
    def sentence(self) -> str:
        """Say it in English."""
        what = self.what.replace("_", " ")
        if self.point is Point.FIRST_TOLD:
            told = ", ".join(f"{title} ({pack})" for title, pack in zip(self.titles, self.packs, strict=True))
            return f"An incident of the kind {what} goes first to different people, and all of them are told: {told}."
        if self.point is Point.ROWS:
            packs = " and ".join(self.packs)
            return f"The row {what} stands in {packs}; both hold, and what either blocks is blocked."
        spans = " and ".join(f"{span} in {pack}" for span, pack in zip(self.spans, self.packs, strict=True))
        return f"The {self.point} {what} is {spans}: {self.span_kept} holds."

    @property
    def span_kept(self) -> Span | None:
        """The span that holds, where it is about one."""
        return self.spans[self.packs.index(self.kept)] if self.spans else None


@dataclass(frozen=True, slots=True)
class Union:
    """What several packs say together.

    `clocks`, `reviews` and `retention` hold what wins of each id, with the pack that it comes from. `chains` holds
    for each kind of incident the chains of every pack that has one: whoever is first in any of them is told.
    """

    clocks: Mapping[str, tuple[str, Clock]]
    reviews: Mapping[str, tuple[str, Review]]
    retention: Mapping[str, tuple[str, Keeping]]
    chains: Mapping[Kind, tuple[tuple[str, Chain], ...]]
    conflicts: tuple[Conflict, ...]

    def chains_of(self, kind: Kind, audience: Audience) -> tuple[tuple[str, Chain], ...]:
        """Give the chain of each pack for an incident; one for an audience goes before one for everybody."""
        found: dict[str, Chain] = {}
        for pack, chain in self.chains.get(kind, ()):
            before = found.get(pack)
            is_closer = chain.audience is audience and (before is None or before.audience is None)
            if is_closer or (before is None and chain.audience is None):
                found[pack] = chain
        return tuple(found.items())


def unite(packs: Sequence[Pack]) -> Union:
    """Put packs on top of each other."""
    conflicts: list[Conflict] = []
    chains: dict[Kind, list[tuple[str, Chain]]] = {}
    for pack in packs:
        for chain in pack.handbook.chains.values():
            for kind in sorted(chain.kinds):
                chains.setdefault(kind, []).append((pack.id, chain))
    united = Union(
        clocks=_winners(Point.CLOCK, packs, lambda book: book.clocks, conflicts),
        reviews=_winners(Point.REVIEW, packs, lambda book: book.reviews, conflicts),
        retention=_winners(Point.RETENTION, packs, lambda book: book.retention, conflicts),
        chains={kind: tuple(found) for kind, found in chains.items()},
        conflicts=(),
    )
    conflicts += _rows_of_both(packs)
    conflicts += _different_firsts(packs, united)
    return replace(united, conflicts=tuple(conflicts))


def _winners(
    point: Point,
    packs: Iterable[Pack],
    parts_of: Callable[[Handbook], Mapping[str, Timed]],
    conflicts: list[Conflict],
) -> dict[str, tuple[str, Timed]]:
    found: dict[str, list[tuple[str, Timed]]] = {}
    for pack in packs:
        for name, part in parts_of(pack.handbook).items():
            found.setdefault(name, []).append((pack.id, part))
    wins = max if point is Point.RETENTION else min
    kept = {}
    for name, parts in found.items():
        timed = [(span, pack, part) for pack, part in parts if (span := _span(part)) is not None]
        if not timed:
            kept[name] = parts[0]
            continue
        _, holder, part = wins(timed, key=lambda each: each[0].typical())
        kept[name] = holder, part
        spans, holders = tuple(each[0] for each in timed), tuple(each[1] for each in timed)
        if len({span.typical() for span in spans}) > 1:
            conflicts.append(Conflict(point, name, holders, holder, title=part.title, spans=spans))
    return kept


def _span(part: Clock | Review | Keeping) -> Span | None:
    return part.every if isinstance(part, Review) else part.length


def _rows_of_both(packs: Sequence[Pack]) -> Iterator[Conflict]:
    """Tell of rows of the tables of user actions that two packs call the same."""
    found: dict[str, list[str]] = {}
    for pack in packs:
        for row in pack.rows:
            found.setdefault(row.id, []).append(pack.id)
    for name, holders in found.items():
        if len(holders) > 1:
            yield Conflict(Point.ROWS, name, tuple(holders), "")


def _different_firsts(packs: Sequence[Pack], united: Union) -> Iterator[Conflict]:
    """Tell where packs send the same kind of incident to different people first."""
    roles = {pack.id: pack.handbook.roles for pack in packs}
    for kind in united.chains:
        seen: set[tuple[str, ...]] = set()
        for audience in Audience:
            chains = united.chains_of(kind, audience)
            firsts = {pack: roles[pack][chain.steps[0].to] for pack, chain in chains}
            if len({_who(role) for role in firsts.values()}) > 1 and tuple(firsts) not in seen:
                seen.add(tuple(firsts))
                titles = tuple(role.title for role in firsts.values())
                yield Conflict(Point.FIRST_TOLD, kind.value, tuple(firsts), "", titles=titles)


def _who(role: PackRole) -> str:
    return role.holds or role.id
