"""What an incident about an account may be instead: not that its holder let somebody in, but that somebody used it.

Where an account was in use at two devices, nobody knows who was at the other one. Whoever decides that it was
somebody else takes the incident off the holder; then it is about that device, until people know whom.
"""

import sqlite3
from dataclasses import replace

from agent.incidents.incident_desk import Desk
from agent.incidents.incident_table import rows_for
from agent.storage.incident_rows import Filed
from agent.storage.timeline_rows import read_timeline
from rules.errors import RefusedRequestError
from rules.incident import Incident, Level, State
from rules.incident_kind import USED_BY_ANOTHER, Kind
from rules.observation import OTHER_DEVICE, Confidence

_BY_ANOTHER = frozenset(USED_BY_ANOTHER.values())


def as_row(desk: Desk, database: sqlite3.Connection, filed: Filed, row: str | None) -> Filed:
    """Give an incident as a row is about it: one that is about using somebody else's account is not about its holder.

    Args:
        row: one of the table of its audience.
    """
    table = desk.table_of(filed.incident.audience.value)
    kinds = table.rows[row].kinds if table is not None and row is not None else ()
    if filed.incident.kind in kinds:
        return filed
    return as_kind(desk, database, filed, next((kind for kind in kinds if kind in _BY_ANOTHER), None))


def as_kind(desk: Desk, database: sqlite3.Connection, filed: Filed, kind: Kind | None) -> Filed:
    """Give an incident as a kind is about it.

    Raises:
        RefusedRequestError: it was accepted as a matter of the holder.
    """
    incident = filed.incident
    if kind not in _BY_ANOTHER or incident.kind is not Kind.ACCOUNT_SHARING or incident.level is not Level.PERSON:
        return filed
    device = _other_device(database, incident)
    if not device:
        return filed
    if incident.state is not State.CANDIDATE:
        raise RefusedRequestError(
            "This was accepted as a matter of whose account it is; expected a correction, which takes it off them."
        )
    after = replace(
        incident,
        kind=kind,
        subject=device,
        level=Level.DEVICE,
        confidence=Confidence.C,
        rows=rows_for(desk.table_of(incident.audience.value), kind),
    )
    return replace(filed, incident=after, warnings=(), groups=frozenset())


def _other_device(database: sqlite3.Connection, incident: Incident) -> str:
    """Give the other device, by pseudonym; of several the one that came last."""
    entries = read_timeline(database, incident.id, with_personal=True, limit=-1)
    named = [str((each.personal or {}).get(OTHER_DEVICE, "")) for each in entries if each.observation]
    return next(filter(None, reversed(named)), "")
