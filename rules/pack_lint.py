"""What looks wrong in a pack although it can be read: oddities that a school should know of, and decide about."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from rules.handbook import PackRole
from rules.policy_pack import Pack
from rules.roles import Role
from rules.sanction import SanctionRow, SanctionTable, Step

# What people are rather than what they were appointed to.
_NO_OFFICE: Final = frozenset({Role.PUPIL, Role.TEACHER, Role.STAFF})
_STEPS: Final = {
    Step.REFER: "refers to nobody",
    Step.INFORM: "informs nobody",
    Step.TECHNICAL: "brings in no technical support",
    Step.RESTRICT: "takes no access away",
    Step.WARN: "does not warn",
    Step.SANCTION: "has no sanction",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One oddity: where it stands, a code, and a sentence about it."""

    where: str
    code: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}"


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
            yield Finding(action.location, "no_owner", f"Nobody is to do what the column {action.id} says.")
    for row in table.rows.values():
        if not row.actions:
            yield Finding(row.location, "no_action", f"Row {row.id} ticks no action, so nobody would do anything.")
        if row.is_repeat and row.id not in warning:
            others = (
                f"; of the other rows only {' and '.join(sorted(warning))} tick{'s' * (len(warning) == 1)} one"
                if warning
                else ", and no other row does either, so nothing would ever lead to it"
            )
            yield Finding(
                row.location,
                "repeat_without_warning",
                f"Row {row.id} is for going on after a warning, and ticks no warning itself{others}.",
            )


def _weaker_rows(pupil: SanctionTable, staff: SanctionTable) -> Iterator[Finding]:
    """Compare each row of the staff with its twin: the row for pupils that is about the same.

    Only steps count for which the table of the staff has a column: nobody tells a teacher's parents.
    """
    possible = {action.step for action in staff.actions.values()}
    for row in staff.rows.values():
        for twin in pupil.rows.values():
            missing = (_steps(pupil, twin) & possible) - _steps(staff, row)
            if row.key == twin.key and missing:
                told = " and ".join(_STEPS[step] for step in Step if step in missing)
                yield Finding(
                    row.location,
                    "staff_weaker",
                    f"Row {row.id} of the staff ticks {len(row.actions)} of {len(staff.actions)} actions and {told},"
                    f" unlike row {twin.id} of the pupils, which is about the same and ticks {len(twin.actions)} of"
                    f" {len(pupil.actions)}.",
                )


def _steps(table: SanctionTable, row: SanctionRow) -> set[Step]:
    return {action.step for action in table.actions_of(row.id)}


def _vacancies(pack: Pack, held: Collection[Role]) -> Iterator[Finding]:
    vacant: dict[Role, list[PackRole]] = {}
    for role in pack.handbook.roles.values():
        if role.holds is not None and role.holds not in held and role.holds not in _NO_OFFICE:
            vacant.setdefault(role.holds, []).append(role)
    for office, roles in vacant.items():
        told = f"Nobody at the school is {office.in_words}"
        titles = [str(role.title) for role in roles]
        if [title.casefold() for title in titles] != [office.in_words.casefold()]:
            told += f", which this policy calls {' and '.join(titles)}"
        yield Finding(roles[0].cites.location, "vacant_role", f"{told}.")
