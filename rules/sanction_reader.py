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
"""

from collections.abc import Collection

from rules.incident_kind import Kind, Risk
from rules.pack_fields import Fields
from rules.sanction import Action, SanctionRow, SanctionTable, Step
from rules.visibility import Visibility


def read_sanctions(fields: Fields, *, roles: Collection[str]) -> dict[str, SanctionTable]:
    """Read the tables of a pack, by audience.

    Args:
        roles: the ids of the roles that the pack knows.
    """
    return fields.each("sanctions", lambda audience, table: _table(audience, table, roles))


def _table(audience: str, table: Fields, roles: Collection[str]) -> SanctionTable:
    if audience not in {"pupil", "staff"}:
        table.fault("", f"a table for {audience}", "one for pupil or for staff")
    actions = table.each("actions", lambda name, action: _action(name, action, roles))
    return SanctionTable(audience, actions, table.each("rows", lambda name, row: _row(name, row, actions)))


def _action(name: str, action: Fields, roles: Collection[str]) -> Action:
    return Action(
        id=name,
        label=action.words("label"),
        owners=action.names("owners", roles, "a role of this pack"),
        step=action.choice("step", Step),
        within=action.span("within"),
        location=action.location,
    )


def _row(name: str, row: Fields, actions: Collection[str]) -> SanctionRow:
    ticks = row.names("ticks", actions, "a column of the table")
    if len(set(ticks)) != len(ticks):
        row.fault("ticks", "a column that is ticked twice", "each column once")
    return SanctionRow(
        id=name,
        key=row.text("key"),
        label=row.words("label"),
        line=row.number("line"),
        actions=ticks,
        kinds=row.choices("kinds", Kind),
        risk=row.choice("risk", Risk),
        visibility=row.choice("visibility", Visibility),
        is_repeat=row.flag("repeat"),
        note=row.text("note", default=""),
        location=row.location,
    )
