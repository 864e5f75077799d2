"""Several packs on top of each other: what holds, and where they disagree. The stricter clock wins."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rules.handbook import Chain, Clock, Review
from rules.incident_kind import Kind
from rules.policy_pack import Pack
from rules.span import Span

Timed = TypeVar("Timed", Clock, Review)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A point in which two packs differ; `what` is its id, `kept` says which pack's word holds."""

    what: str
    packs: tuple[str, ...]
    kept: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Union:
    """What several packs say together.

    `clocks` and `reviews` are the strictest of each id, with the pack that they come from. `chains` holds for each
    kind of incident the chain of every pack that has one: whoever is first in any of them is told.
    """

    clocks: Mapping[str, tuple[str, Clock]]
    reviews: Mapping[str, tuple[str, Review]]
    chains: Mapping[Kind, tuple[tuple[str, Chain], ...]]
    conflicts: tuple[Conflict, ...]


def unite(packs: Sequence[Pack]) -> Union:
    """Put packs on top of each other."""
    conflicts: list[Conflict] = []
    clocks = _strictest("clock", ((pack, pack.handbook.clocks) for pack in packs), conflicts)
    reviews = _strictest("review", ((pack, pack.handbook.reviews) for pack in packs), conflicts)
    chains: dict[Kind, list[tuple[str, Chain]]] = {}
    for pack in packs:
        for chain in pack.handbook.chains.values():
            for kind in chain.kinds:
                chains.setdefault(kind, []).append((pack.id, chain))
    conflicts += _different_firsts(packs, chains)
    return Union(clocks, reviews, {kind: tuple(found) for kind, found in chains.items()}, tuple(conflicts))


def _strictest(
    what: str, parts: Iterable[tuple[Pack, Mapping[str, Timed]]], conflicts: list[Conflict]
) -> dict[str, tuple[str, Timed]]:
    kept: dict[str, tuple[str, Timed]] = {}
    for pack, by_id in parts:
        for name, part in by_id.items():
            if name not in kept:
                kept[name] = pack.id, part
                continue
            holder, before = kept[name]
            if _span(before) == _span(part):
                continue
            if _span(part).typical() < _span(before).typical():
                kept[name] = pack.id, part
            winner, holding = kept[name]
            conflicts.append(
                Conflict(
                    name,
                    (holder, pack.id),
                    winner,
                    f"The {what} {name} is {_span(before)} in {holder} and {_span(part)} in {pack.id}:"
                    f" {_span(holding)} holds.",
                )
            )
    return kept


def _span(part: Clock | Review) -> Span:
    return part.length if isinstance(part, Clock) else part.every


def _different_firsts(
    packs: Sequence[Pack], chains: Mapping[Kind, Sequence[tuple[str, Chain]]]
) -> Iterable[Conflict]:
    """Tell where packs send the same kind of incident to different people first."""
    roles = {pack.id: pack.handbook.roles for pack in packs}
    for kind, found in chains.items():
        firsts = {pack: roles[pack][chain.steps[0].to] for pack, chain in found}
        if len({(role.holds, role.id if role.holds is None else "") for role in firsts.values()}) > 1:
            told = ", ".join(f"{role.title} ({pack})" for pack, role in firsts.items())
            yield Conflict(
                kind.value,
                tuple(firsts),
                "",
                f"An incident of the kind {kind.value.replace('_', ' ')} goes first to different people,"
                f" and all of them are told: {told}.",
            )
