"""Reports that people made, by the receipts to ask after them; what they wrote is in the timeline of the incident."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent.storage.state import Act, instant_text

_COLUMNS: Final = "id, receipt, at, incident, reporter, happened"


@dataclass(frozen=True, slots=True)
class FiledReport:
    """A report as it is on file; `reporter` is the id of whoever gave their name, until it is erased."""

    id: str
    receipt: str
    at: datetime
    incident: str
    happened: str
    reporter: str | None = None


def write_report(act: Act, report: FiledReport) -> None:
    """Write a new report."""
    values = (report.id, report.receipt, instant_text(report.at), report.incident, report.reporter, report.happened)
    act.database.execute(f"INSERT INTO reports ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", values)  # noqa: S608 (our own words)


def read_receipt(database: sqlite3.Connection, receipt: str) -> FiledReport | None:
    """Read the report with a receipt number."""
    found = _read(database, "receipt = ?", receipt)
    return found[0] if found else None


def read_reports(database: sqlite3.Connection, incident_id: str) -> list[FiledReport]:
    """Read the reports that an incident comes from, the oldest first."""
    return _read(database, "incident = ? ORDER BY at, id", incident_id)


def erase_reporters(act: Act, incident_id: str) -> int:
    """Erase who reported an incident; gives how many there were."""
    query = "UPDATE reports SET reporter = NULL WHERE incident = ? AND reporter IS NOT NULL"
    erased = act.database.execute(query, (incident_id,)).rowcount
    act.erases = act.erases or erased > 0
    return erased


def _read(database: sqlite3.Connection, where: str, value: str) -> list[FiledReport]:
    rows = database.execute(f"SELECT {_COLUMNS} FROM reports WHERE {where}", (value,))  # noqa: S608 (our own words)
    return [
        FiledReport(
            id=row["id"],
            receipt=row["receipt"],
            at=datetime.fromisoformat(row["at"]),
            incident=row["incident"],
            happened=row["happened"],
            reporter=row["reporter"],
        )
        for row in rows
    ]
