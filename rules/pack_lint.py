"""What looks wrong in a pack although it can be read: oddities that a school should know of, and decide about."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

from rules.handbook import PackRole
from rules.policy_pack import Pack
from rules.roles import Role
from rules.sanction import SanctionRow, SanctionTable, Step
from rules.words import Words

# What people are rather than what they were appointed to.
_NO_OFFICE: Final = frozenset({Role.PUPIL, Role.TEACHER, Role.STAFF})


@dataclass(frozen=True, slots=True)
class NoOwner:
    """A column whose action nobody has to do; `where` is its place in a file, as of every finding."""

    code: ClassVar[str] = "no_owner"
    where: str
    column: str


@dataclass(frozen=True, slots=True)
class NoAction:
    """A row that ticks nothing."""

    code: ClassVar[str] = "no_action"
    where: str
    row: str


@dataclass(frozen=True, slots=True)
class RepeatWithoutWarning:
    """A row for going on after a warning that ticks none; `others` are the rows of its table that do."""

    code: ClassVar[str] = "repeat_without_warning"
    where: str
    row: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StaffWeaker:
    """A row of the staff that lacks what its `twin`, the row for pupils about the same, ticks.

    `ticked` and `columns` count those of the staff, `twin_ticked` and `twin_columns` those of the pupils.
    """

    code: ClassVar[str] = "staff_weaker"
    where: str
    row: str
    ticked: int
    columns: int
    missing: tuple[Step, ...]
    twin: str
    twin_ticked: int
    twin_columns: int


@dataclass(frozen=True, slots=True)
class VacantRole:
    """A role that nobody at the school holds, and what the policy calls it."""

    code: ClassVar[str] = "vacant_role"
    where: str
    role: Role
    titles: tuple[Words, ...]


Finding: TypeAlias = NoOwner | NoAction | RepeatWithoutWarning | StaffWeaker | VacantRole


def lint(pack: Pack, *, held: Collection[Role] | None = None) -> tuple[Finding, ...]:
    """Find what a school should look at.

    Args:
        held: the roles that somebody at the school holds; None where nobody is known yet.
    """
    found = [finding for table in pack.sanctions.values() for finding in _lint_table(table)]
    if "pupil" in pack.sanctions and "staff" in pack.sanctions:
        found += _weaker_rows(pack.sanctions["pupil"], pack.sanctions["staff"])
    if held is not None:
        found += _vacancies(pack, held)
    return tuple(found)


def _lint_table(table: SanctionTable) -> Iterator[Finding]:
    warning = {row.id for row in table.rows.values() if Step.WARN in _steps(table, row)}
    for action in table.actions.values():
        if not action.owners:
            yield NoOwner(action.location, action.id)
    for row in table.rows.values():
        if not row.actions:
            yield NoAction(row.location, row.id)
        if row.is_repeat and row.id not in warning:
            yield RepeatWithoutWarning(row.location, row.id, tuple(sorted(warning)))


def _weaker_rows(pupil: SanctionTable, staff: SanctionTable) -> Iterator[Finding]:
    """Compare each row of the staff with its twin: the row for pupils that is about the same.

    Only steps count for which the table of the staff has a column: nobody tells a teacher's parents.
    """
    possible = {action.step for action in staff.actions.values()}
    for row in staff.rows.values():
        for twin in pupil.rows.values():
            missing = (_steps(pupil, twin) & possible) - _steps(staff, row)
            if row.key == twin.key and missing:
                yield StaffWeaker(
                    row.location,
                    row.id,
                    len(row.actions),
                    len(staff.actions),
                    tuple(step for step in Step if step in missing),
                    twin.id,
                    len(twin.actions),
                    len(pupil.actions),
                )


def _steps(table: SanctionTable, row: SanctionRow) -> set[Step]:
    return {action.step for action in table.actions_of(row.id)}


def _vacancies(pack: Pack, held: Collection[Role]) -> Iterator[Finding]:
    vacant: dict[Role, list[PackRole]] = {}
    for role in pack.handbook.roles.values():
        if role.holds is not None and role.holds not in held and role.holds not in _NO_OFFICE:
            vacant.setdefault(role.holds, []).append(role)
    for office, roles in vacant.items():
        yield VacantRole(roles[0].cites.location, office, tuple(role.title for role in roles))
