"""The table of user actions of a policy document, what a site says about its rows, and the rulebook that follows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from rules.policy import Effect, Policy, Rulebook, SafeSearch
from rules.schedule import Schedule
from rules.subject import Audience, Scope
from rules.visibility import Visibility


class Tick(StrEnum):
    """The column of the table that is ticked for a row."""

    ACCEPTABLE = "acceptable"
    CERTAIN_TIMES = "certain_times"
    NOMINATED_USERS = "nominated_users"
    UNACCEPTABLE = "unacceptable"
    UNACCEPTABLE_ILLEGAL = "unacceptable_illegal"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table; `location` is its place in the pack, `source_line` its place in the document."""

    id: str
    label: str
    section: str
    source_line: int
    tick: Tick
    categories: frozenset[str]
    visibility: Visibility
    note: str
    location: str


@dataclass(frozen=True, slots=True)
class RowSetting:
    """What a site says about a row: for everybody, for one audience or for one group; empty parts are inherited."""

    location: str
    audience: Audience | None = None
    group: str | None = None
    tick: Tick | None = None
    schedule: Schedule | None = None
    nominated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What holds for a row in one scope, after the site's settings; `location` is where that was written."""

    tick: Tick
    location: str
    audience: Audience | None = None
    group: str | None = None
    schedule: Schedule | None = None
    nominated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row as this school has it; the first ruling is for everybody whom no other one names.

    The most specific ruling holds: that of a group before that of an audience before the first. Somebody in
    several groups with rulings of their own gets everything that any of them allows.
    """

    pack: str
    clause: str
    row: Row
    rulings: tuple[Ruling, ...]


def find_fault(row: Row, setting: RowSetting) -> tuple[str, str] | None:
    """Say what a site must not write about a row (found, expected), or nothing if the setting is right."""
    if row.tick is Tick.UNACCEPTABLE_ILLEGAL:
        return (
            f"a setting for {row.id}, which the table calls unacceptable and illegal",
            "no setting: what is illegal is blocked for everybody, always, and no site can change that",
        )
    if setting.tick is Tick.UNACCEPTABLE_ILLEGAL:
        return "the tick unacceptable_illegal", "unacceptable: what is illegal is for the law and the pack to say"
    if setting.audience is not None and setting.group is not None:
        return "an audience and a group together", "one of them: a group's setting holds for all of its members"
    return None


def find_mismatch(ruling: Ruling, setting: RowSetting) -> tuple[str, str] | None:
    """Say which part of a setting does not go with the tick that holds, or nothing if all of them do."""
    if setting.schedule is not None and ruling.tick is not Tick.CERTAIN_TIMES:
        return f"a schedule although the tick is {ruling.tick}", "tick: certain_times, or no schedule"
    if setting.nominated and ruling.tick is not Tick.NOMINATED_USERS:
        return f"nominated groups although the tick is {ruling.tick}", "tick: nominated_users, or nobody nominated"
    if setting.group is not None and ruling.tick is Tick.NOMINATED_USERS:
        return "the tick nominated_users for a group", "acceptable, certain_times or unacceptable for that group"
    return None


def rule_row(pack: str, source: str, row: Row, settings: Iterable[RowSetting]) -> TableRow:
    """Apply a site's settings to a row; what a setting leaves empty comes from the one for everybody.

    Args:
        pack: the id of the pack.
        source: how its document is cited.
    """
    everybody = Ruling(row.tick, row.location)
    scoped: list[RowSetting] = []
    for setting in settings:
        if setting.audience is None and setting.group is None:
            everybody = inherit(everybody, setting)
        else:
            scoped.append(setting)
    rulings = (everybody, *(inherit(everybody, setting) for setting in scoped))
    return TableRow(pack, f"{source}, line {row.source_line}", row, rulings)


def inherit(above: Ruling, setting: RowSetting) -> Ruling:
    """Give what holds where a setting is written below a ruling."""
    return replace(
        above,
        tick=setting.tick or above.tick,
        location=setting.location,
        audience=setting.audience,
        group=setting.group,
        schedule=setting.schedule or above.schedule,
        nominated=setting.nominated or above.nominated,
    )


def build_rulebook(
    table: Sequence[TableRow],
    *,
    policies: Sequence[Policy] = (),
    guards: frozenset[str] = frozenset(),
    allow_only: Sequence[Scope] = (),
    safe_search: Sequence[SafeSearch] = (),
) -> Rulebook:
    """Unite the table with the site's own policies."""
    return Rulebook(
        policies=(*(policy for row in table for policy in _row_policies(row)), *policies),
        statutory=statutory_categories(table),
        guards=guards,
        allow_only=tuple(allow_only),
        safe_search=tuple(safe_search),
    )


def statutory_categories(table: Iterable[TableRow]) -> frozenset[str]:
    """Give the categories of the rows that are unacceptable and illegal."""
    illegal = (row.row.categories for row in table if row.row.tick is Tick.UNACCEPTABLE_ILLEGAL)
    return frozenset().union(*illegal)


def _row_policies(table_row: TableRow) -> Iterator[Policy]:
    """Turn the rulings of a row into policies whose blocks do not overlap, except for members of several groups."""
    if not table_row.row.categories or table_row.row.tick is Tick.UNACCEPTABLE_ILLEGAL:
        return
    rulings = table_row.rulings
    own_groups = frozenset(ruling.group for ruling in rulings if ruling.group is not None)
    free_groups = frozenset(
        ruling.group for ruling in rulings if ruling.group is not None and ruling.tick is Tick.ACCEPTABLE
    )
    own_audiences = frozenset(ruling.audience for ruling in rulings if ruling.audience is not None)
    others = frozenset(Audience) - own_audiences
    for ruling in rulings:
        if ruling.group is not None:
            scope = Scope(groups=frozenset({ruling.group}), except_groups=free_groups)
        elif ruling.audience is not None:
            scope = Scope(audiences=frozenset({ruling.audience}), except_groups=own_groups)
        elif others:
            scope = Scope(audiences=others if own_audiences else frozenset(), except_groups=own_groups)
        else:
            continue
        yield from _ruling_policies(table_row, ruling, scope, nominated=ruling.nominated - own_groups)


def _ruling_policies(
    table_row: TableRow, ruling: Ruling, scope: Scope, *, nominated: frozenset[str]
) -> Iterator[Policy]:
    if ruling.tick is Tick.ACCEPTABLE:
        return
    whom = ruling.group or ruling.audience
    block = Policy(
        id=f"{table_row.pack}/{table_row.row.id}" + (f"/{whom}" if whom else ""),
        effect=Effect.BLOCK,
        tags=table_row.row.categories,
        scope=scope,
        location=ruling.location,
        clause=table_row.clause,
    )
    yield block
    if ruling.tick is Tick.CERTAIN_TIMES and ruling.schedule is not None:
        yield replace(block, id=f"{block.id}:at_certain_times", effect=Effect.ALLOW, schedule=ruling.schedule)
    elif ruling.tick is Tick.NOMINATED_USERS and nominated:
        # Being nominated adds to what another group says, so it reaches into groups with rulings of their own.
        allowed = Scope(audiences=scope.audiences, groups=nominated)
        yield replace(block, id=f"{block.id}:for_nominated", effect=Effect.ALLOW, scope=allowed)
