"""What looks wrong in a pack although it can be read: oddities that a school should know of, and decide about."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from rules.policy_pack import Pack
from rules.roles import Role
from rules.sanction import SanctionRow, SanctionTable, Step


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
    for row in table.rows.values():
        if not row.actions:
            yield Finding(row.location, "no_action", f"Row {row.id} ticks no action, so nobody would do anything.")
        if row.is_repeat and all(action.step is not Step.WARN for action in table.actions_of(row.id)):
            yield Finding(
                row.location,
                "repeat_without_warning",
                f"Row {row.id} is for going on after a warning, and ticks no warning itself.",
            )


def _weaker_rows(pupil: SanctionTable, staff: SanctionTable) -> Iterator[Finding]:
    """Compare each row of the staff with its twin: the row for pupils that is about the same."""
    for row in staff.rows.values():
        for twin in pupil.rows.values():
            if _are_twins(row, twin) and len(row.actions) < len(twin.actions):
                yield Finding(
                    row.location,
                    "staff_weaker",
                    f"Row {row.id} of the staff ticks {len(row.actions)} actions, and row {twin.id} of the pupils,"
                    f" which is about the same, ticks {len(twin.actions)}.",
                )


def _are_twins(row: SanctionRow, twin: SanctionRow) -> bool:
    return row.key == twin.key


def _vacancies(pack: Pack, held: Collection[Role]) -> Iterator[Finding]:
    for role in pack.handbook.roles.values():
        if role.holds is not None and role.holds not in held:
            yield Finding(
                role.cites.location,
                "vacant_role",
                f"Nobody at the school is {role.holds.in_words}, which this policy calls {role.title}.",
            )
