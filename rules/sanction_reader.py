"""The written form of sanction tables.

sanctions:
  pupil:
    actions:                        # the columns, in their order
      class_teacher:
        label: Refer to the class teacher
        owners: [class_teacher]     # roles of this pack; the first that somebody holds does it
        step: refer                 # one of `Step`
        within: 1 school day
    rows:
      P04:
        key: social_im_personal_email
        label: Social networks, messages or private mail without leave
        line: 345
        ticks: [class_teacher, technical_support]
        kinds: [social]             # the kinds of incident for which the row is proposed
        risk: contact
        visibility: partial
        repeat: false               # whether it is for whoever goes on after a warning
        note: ...

A school's own pack may lie over a table: an action or a row with an id that stands there takes its place, and what is
not written of it stays as it was. What is new is added at the end.

sanctions:
  pupil:
    rows:
      P05: {ticks: [class_teacher, inform_parents]}
"""

from collections.abc import Collection, Mapping
from typing import Final

from rules.document import suggest
from rules.incident_kind import Kind, Risk
from rules.pack_fields import Fields
from rules.sanction import Action, SanctionRow, SanctionTable, Step
from rules.visibility import Visibility


def read_sanctions(
    fields: Fields, *, roles: Collection[str], below: Mapping[str, SanctionTable] | None = None
) -> dict[str, SanctionTable]:
    """Read the tables of a pack, by audience.

    Args:
        roles: the ids of the roles that the pack knows.
        below: the tables that it lies over.

    Returns:
        Whole tables, with what stays of those below.
    """
    return fields.each("sanctions", lambda name, table: _table(name, table, roles, (below or {}).get(name)))


def _table(audience: str, table: Fields, roles: Collection[str], below: SanctionTable | None) -> SanctionTable:
    if audience not in {"pupil", "staff"}:
        table.fault("", f"a table for {audience}", "one for pupil or for staff")
    actions = dict(below.actions) if below else {}
    actions |= table.each("actions", lambda name, action: _action(name, action, roles, actions.get(name)))
    rows = dict(below.rows) if below else {}
    written = table.each("rows", lambda name, row: _new_or_changed(name, row, actions, rows))
    rows |= {name: row for name, row in written.items() if row is not None}
    return SanctionTable(audience, actions, rows)


def _new_or_changed(
    name: str, row: Fields, actions: Collection[str], below: Mapping[str, SanctionRow]
) -> SanctionRow | None:
    if name in below or row.has("label"):
        return _row(name, row, actions, below.get(name))
    # Somebody meant a row that stands elsewhere: one sentence about it says more than one for each part it lacks.
    row.fault("", f"the row {name} without a label", suggest(name, tuple(below), "a whole row, or a part of one of"))
    row.leave()
    return None


def _action(name: str, action: Fields, roles: Collection[str], below: Action | None) -> Action:
    was = below or _NOTHING
    return Action(
        id=name,
        label=action.or_below("label", action.words, was.label),
        owners=action.or_below("owners", lambda key: action.names(key, roles, "a role of this pack"), was.owners),
        step=action.or_below("step", lambda key: action.choice(key, Step), was.step),
        within=action.or_below("within", action.span, was.within),
        location=action.location,
    )


def _row(name: str, row: Fields, actions: Collection[str], below: SanctionRow | None) -> SanctionRow:
    was = below or _NOTHING
    ticks = row.or_below("ticks", lambda key: row.names(key, actions, "a column of the table"), was.actions)
    if len(set(ticks)) != len(ticks):
        row.fault("ticks", "a column that is ticked twice", "each column once")
    return SanctionRow(
        id=name,
        key=row.or_below("key", row.text, was.key),
        label=row.or_below("label", row.words, was.label),
        line=row.or_below("line", lambda key: row.number(key, default=0), was.line),
        actions=ticks,
        kinds=row.or_below("kinds", lambda key: row.choices(key, Kind), was.kinds),
        risk=row.or_below("risk", lambda key: row.choice(key, Risk), was.risk),
        visibility=row.or_below("visibility", lambda key: row.choice(key, Visibility), was.visibility),
        is_repeat=row.or_below("repeat", row.flag, was.is_repeat),
        note=row.or_below("note", lambda key: row.text(key, default=""), was.note),
        location=row.location,
    )


class _Nothing:
    """What stands below where nothing does: of every part, nothing."""

    def __getattr__(self, name: str) -> None:
        return None


_NOTHING: Final = _Nothing()
