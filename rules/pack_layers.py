"""A school's own pack on top of others: which of their roles, actions and rows it replaces, and what follows."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TypeAlias

from rules.assessment_reader import proposed_rows, repeat_rows
from rules.handbook import Citation, PackRole
from rules.policy_pack import Pack
from rules.sanction import Action, SanctionRow

Part: TypeAlias = PackRole | Action | SanctionRow


class What(StrEnum):
    """What of a pack may be replaced."""

    ROLE = "role"
    ACTION = "action"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Replaced:
    """Something of a pack that a school's own pack replaces, or adds where `parts` is empty.

    `audience` is that of the table, empty for roles; `parts` are what differs; `location` is where that is written.
    """

    pack: str
    by: str
    what: What
    audience: str
    id: str
    parts: tuple[str, ...]
    location: str

    @property
    def is_new(self) -> bool:
        """Whether nothing stood there before."""
        return not self.parts


def lay_over(packs: Sequence[Pack], own: Pack) -> tuple[tuple[Pack, ...], tuple[Replaced, ...]]:
    """Lay a school's own pack over others.

    A table that exists below is changed there, in the first pack that has it, so that there is one table for each
    audience; a role that exists below is changed in every pack that has it.

    Args:
        packs: those below.
        own: read with these packs below it.

    Returns:
        All packs, the own one last, and what it replaced.
    """
    holder = {audience: pack.id for pack in reversed(packs) for audience in pack.sanctions}
    roles = _written_roles(packs, own)
    laid = tuple(
        _lay(pack, own, roles, {audience for audience, where in holder.items() if where == pack.id}) for pack in packs
    )
    found = tuple(each for below, above in zip(packs, laid, strict=True) for each in _replaced(below, above, own.id))
    return (*laid, _rest(own, roles, holder)), found


def _written_roles(packs: Sequence[Pack], own: Pack) -> dict[str, PackRole]:
    """Give the roles that the own pack writes itself, of all that it may name."""
    return {
        name: role
        for name, role in own.handbook.roles.items()
        if all(role != pack.handbook.roles.get(name) for pack in packs)
    }


def _lay(below: Pack, own: Pack, written: Mapping[str, PackRole], audiences: set[str]) -> Pack:
    tables = {
        audience: own.sanctions.get(audience, table) if audience in audiences else table
        for audience, table in below.sanctions.items()
    }
    roles = {name: written.get(name, role) for name, role in below.handbook.roles.items()}
    owners = {owner for table in tables.values() for action in table.actions.values() for owner in action.owners}
    roles |= {name: own.handbook.roles[name] for name in sorted(owners - roles.keys())}
    assessment = below.assessment
    if assessment is not None:
        assessment = replace(assessment, rows=proposed_rows(tables), repeat_rows=repeat_rows(tables))
    return replace(below, sanctions=tables, handbook=replace(below.handbook, roles=roles), assessment=assessment)


def _rest(own: Pack, written: Mapping[str, PackRole], holder: Collection[str]) -> Pack:
    """Give what is left of the own pack itself: tables that nobody else has, and the roles that it speaks of."""
    tables = {audience: table for audience, table in own.sanctions.items() if audience not in holder}
    book = own.handbook
    named = {owner for table in tables.values() for action in table.actions.values() for owner in action.owners}
    named |= {step.to for chain in book.chains.values() for step in chain.steps}
    named |= {name for review in book.reviews.values() for name in review.by}
    roles = {name: role for name, role in book.roles.items() if name in named or name in written}
    return replace(own, sanctions=tables, handbook=replace(book, roles=roles))


def _replaced(below: Pack, above: Pack, by: str) -> Iterator[Replaced]:
    for what, audience, name, was, now in _pairs(below, above):
        parts = () if was is None else _differing(was, now)
        if was is None or parts:
            yield Replaced(below.id, by, what, audience, name, parts, _location(now))


def _pairs(below: Pack, above: Pack) -> Iterator[tuple[What, str, str, Part | None, Part]]:
    for name, role in above.handbook.roles.items():
        yield What.ROLE, "", name, below.handbook.roles.get(name), role
    for audience, table in above.sanctions.items():
        was = below.sanctions[audience]
        for name, action in table.actions.items():
            yield What.ACTION, audience, name, was.actions.get(name), action
        for name, row in table.rows.items():
            yield What.ROW, audience, name, was.rows.get(name), row


def _differing(was: Part, now: Part) -> tuple[str, ...]:
    return tuple(
        field.name
        for field in fields(now)
        if _unplaced(getattr(was, field.name)) != _unplaced(getattr(now, field.name)) and field.name != "location"
    )


def _unplaced(value: object) -> object:
    """Give a value without its place: text that only moved replaces nothing."""
    return replace(value, location="") if isinstance(value, Citation) else value


def _location(part: Part) -> str:
    return part.cites.location if isinstance(part, PackRole) else part.location
