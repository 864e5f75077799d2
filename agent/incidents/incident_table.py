"""Rows of the sanction tables as incidents use them: which are proposed, and which one can be accepted."""

import sqlite3

from agent.incidents.incident_desk import Desk
from agent.storage.warning_rows import read_warnings
from rules.errors import RefusedRequestError
from rules.incident import Incident, Level
from rules.incident_kind import AT_RISK_OF, Kind, Risk
from rules.sanction import SanctionTable


def rows_for(table: SanctionTable | None, kind: Kind) -> tuple[str, ...]:
    """Give the rows of a table that are about a kind of incident."""
    return () if table is None else tuple(row.id for row in table.rows.values() if kind in row.kinds)


def risk_of(table: SanctionTable | None, kind: Kind) -> Risk:
    """Give what a kind of incident puts somebody at risk of, as the table says, or else as the kind does."""
    rows = table.rows.values() if table is not None else ()
    return next((row.risk for row in rows if kind in row.kinds), AT_RISK_OF.get(kind, Risk.CONDUCT))


def check_row(desk: Desk, database: sqlite3.Connection, incident: Incident, row: str | None) -> str | None:
    """Give the row as which an incident can be accepted.

    There is none where the school has no table for its audience. Where no row is about it, none has to be: then those
    are brought in whom the chain of its kind names.

    Raises:
        RefusedRequestError: it is none of the table of the audience, or one for whoever goes on after a warning and
            no warning is on the register.
    """
    audience = incident.audience.value
    table = desk.table_of(audience)
    if table is None:
        if row:
            raise RefusedRequestError(f"The school has no table for {audience}; expected no row.")
        return None
    if row is None and not incident.rows:
        return None
    if row is None or row not in table.rows:
        found = f"There is no row {row[:20]!r} in the table for {audience}" if row else "There is no row"
        raise RefusedRequestError(f"{found}; expected one of {', '.join(table.rows)}.")
    if table.rows[row].is_repeat and not is_warned(desk, database, incident):
        raise RefusedRequestError(
            f"Row {row} is for whoever goes on after a warning; no warning on the register counts for this person."
        )
    return row


def is_warned(desk: Desk, database: sqlite3.Connection, incident: Incident) -> bool:
    """Say whether the subject has a recorded warning for something else that counts today."""
    if incident.level is not Level.PERSON:
        return False
    now = desk.clock()
    return any(
        each.incident != incident.id
        for subject in desk.known_as(database, incident.subject, now)
        for each in read_warnings(database, subject=subject, holding_on=desk.day_of(now))
    )
