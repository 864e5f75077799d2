"""Warnings on the register: who reads the incident that one was given for takes it back, and what rested on it falls.

A warning that ran out or was taken back stays on the register; it only counts no longer.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from agent.incidents.incident_desk import Desk
from agent.people.attempts import UnknownIdError
from agent.storage.incident_rows import Filed, read_incidents
from agent.storage.state import Act
from agent.storage.timeline_rows import Entry
from agent.storage.warning_rows import GivenWarning, read_warning, read_warnings, write_warning
from rules.assessment import Warned
from rules.errors import RefusedRequestError
from rules.incident import State
from rules.reason import check_words

WITHDRAWN: Final = "incident_warning_withdrawn"
# What another incident's repeat row rested on is gone.
FELL: Final = "incident_warning_fell"


class Warnings:
    """What people do with warnings; errors as for decisions."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def of(self, person: str, incident_id: str) -> list[GivenWarning]:
        """Give the warnings that were given for an incident, the newest first."""
        desk = self._desk
        with desk.attempt(person, "warnings", incident_id), desk.store.read() as database:
            desk.reader(database, person, desk.existing(database, incident_id).incident)
            return read_warnings(database, incident=incident_id)

    def withdraw(self, person: str, warning_id: str, *, reason: str) -> GivenWarning:
        """Take a warning back; no row for whoever goes on is proposed because of it any more."""
        desk = self._desk
        with desk.store.read() as database:
            incident_id = _existing(database, warning_id).incident
        with desk.attempt(person, "warning_withdraw", incident_id), desk.store.act() as act:
            filed = desk.existing(act.database, incident_id)
            desk.reader(act.database, person, filed.incident)
            warning = _existing(act.database, warning_id)
            if warning.withdrawn_at is not None:
                raise RefusedRequestError("This warning is withdrawn already.")
            if not warning.holds_on(desk.day_of(act.now)):
                raise RefusedRequestError(
                    f"This warning has not counted since {warning.expires_on}, so there is nothing to withdraw."
                )
            if fault := check_words(reason, "reason"):
                raise RefusedRequestError(fault)
            return withdraw(desk, act, filed, [warning], person, reason=reason.strip())[0]


def withdraw(
    desk: Desk, act: Act, filed: Filed, warnings: Iterable[GivenWarning], person: str, *, reason: str = ""
) -> list[GivenWarning]:
    """Withdraw warnings that were given for an incident, and what was proposed because of them.

    Args:
        warnings: those that were withdrawn before stay as they are.
        reason: in words; empty where it stands beside this.
    """
    withdrawn = []
    for each in warnings:
        if each.withdrawn_at is None:
            withdrawn.append(replace(each, withdrawn_at=act.now, withdrawn_by=person))
            write_warning(act, withdrawn[-1])
            facts = {"row": each.row}
            entry = Entry(act.now, WITHDRAWN, person, facts, {"reason": reason} if reason else None)
            desk.enter(act, filed, WITHDRAWN, entry, facts=facts)
    if withdrawn:
        for other in read_incidents(act.database, states=(State.CANDIDATE, State.ACCEPTED), limit=-1):
            if any(each.incident == filed.incident.id for each in other.warnings):
                _propose_without(desk, act, other, filed.incident.id)
    return withdrawn


def _propose_without(desk: Desk, act: Act, filed: Filed, incident_id: str) -> None:
    """Take what does not count any more out of what is proposed for another incident.

    Where it was accepted as a row for whoever goes on, nobody but a person changes that; they are told.
    """
    standing = Counter(
        Warned(each.incident, each.row, each.expires_on.isoformat())
        for each in read_warnings(act.database, incident=incident_id, holding_on=desk.day_of(act.now))
    )
    warnings = tuple(each for each in filed.warnings if each.incident != incident_id or standing[each])
    if warnings == filed.warnings:
        return
    incident, table = filed.incident, desk.table_of(filed.incident.audience.value)
    repeats = {row.id for row in table.rows.values() if row.is_repeat} if table is not None else set[str]()
    rows = incident.rows if warnings else tuple(row for row in incident.rows if row not in repeats)
    after = replace(filed, incident=replace(incident, rows=rows), warnings=warnings, version=filed.version + 1)
    rests_on_it = not warnings and incident.row in repeats
    facts = {"warnings": len(warnings)}
    told = [filed.decided_by] if rests_on_it else []
    desk.file(act, after, FELL, Entry(act.now, FELL, "system", facts), to=told, facts=facts)


def _existing(database: sqlite3.Connection, warning_id: str) -> GivenWarning:
    warning = read_warning(database, warning_id)
    if warning is None:
        raise UnknownIdError("There is no warning with that id that you may read.")
    return warning
