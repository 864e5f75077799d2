"""Who is told of an incident, and when: the chains of the packs put on top of each other.

The first of each chain is told at once, and the others as its times say while nobody has decided. Of two packs that
name the same role, the one that tells it earlier wins.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rules.handbook import Case, Chain, ChainStep, PackRole
from rules.roles import Role
from rules.span import Span

# A chain of a pack, and the roles that it speaks of.
OfPack = tuple[Mapping[str, PackRole], Chain]
Due = Callable[[datetime, Span], datetime]
_BY_THE_CLOCK: Final = frozenset({Case.ALWAYS, Case.UNDECIDED, Case.LESSER})


@dataclass(frozen=True, slots=True)
class Rung:
    """The roles that are told at an instant, where nobody has decided by then."""

    at: datetime
    roles: frozenset[Role]


def ladder(chains: Iterable[OfPack], start: datetime, *, is_serious: bool, due: Due) -> tuple[Rung, ...]:
    """Give the rungs, the first at the start; each role stands on one.

    Whoever is outside, or holds no role of the product, is told by people. So is whoever is to be told only where
    somebody finds something.

    Args:
        start: when the first are told.
        is_serious: somebody has said that it is; then those are told at once who are to hear of that.
        due: says when something is due by the calendar of the school.
    """
    told: dict[Role, datetime] = {}
    for roles, chain in chains:
        for place, step in enumerate(chain.steps):
            role = roles[step.to].holds
            if role is None or not (place == 0 or counts(step.case, is_serious=is_serious)):
                continue
            at = start if place == 0 or step.case is Case.SERIOUS else due(start, step.within)
            told[role] = min(at, told.get(role, at))
    instants = sorted(set(told.values()))
    return tuple(Rung(at, frozenset(role for role, when in told.items() if when == at)) for at in instants)


def at_once(chains: Iterable[OfPack], *, is_serious: bool) -> frozenset[Role]:
    """Give the roles that are told as soon as there is something."""
    found: set[Role] = set()
    for roles, chain in chains:
        for place, step in enumerate(chain.steps):
            role = roles[step.to].holds
            is_now = place == 0 or step.within.amount == 0 or step.case is Case.SERIOUS
            if role is not None and is_now and (place == 0 or counts(step.case, is_serious=is_serious)):
                found.add(role)
    return frozenset(found)


def roles_on(chains: Iterable[OfPack]) -> frozenset[Role]:
    """Give every role that some chain tells by itself: by the clock, or once something is serious."""
    told = (
        roles[step.to].holds
        for roles, chain in chains
        for place, step in enumerate(chain.steps)
        if place == 0 or step.case is not Case.FOUND
    )
    return frozenset(role for role in told if role is not None)


def counts(case: Case, *, is_serious: bool) -> bool:
    """Say whether somebody is told by the clock."""
    if case is Case.LESSER:
        return not is_serious
    return case in _BY_THE_CLOCK or (case is Case.SERIOUS and is_serious)


def to_do(chain: Chain, *, is_serious: bool) -> tuple[ChainStep, ...]:
    """Give the steps that are left to people once somebody has decided; what they have to find stays theirs."""
    left_out = Case.LESSER if is_serious else Case.SERIOUS
    return tuple(step for step in chain.steps if step.case is not left_out)


def asks_whether_serious(chains: Iterable[OfPack]) -> bool:
    """Say whether it makes a difference to somebody whether an incident is serious."""
    return any(step.case in {Case.SERIOUS, Case.LESSER} for _, chain in chains for step in chain.steps)
