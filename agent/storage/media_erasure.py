"""What is over of media, permits, exceptions and reports: whom it was about, and what people wrote, is erased here.

That it was, of which kind and when, stays. What is still used, signed out, lost, or part of a case that is kept, is
not over.
"""

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from agent.storage.record import erase
from agent.storage.state import Act, instant_text

_LATER_THAN_ALL: Final = "9999-12-31"
# What stays of a report: how well it was protected is what a breach is judged by.
_STAYS_ON_RECORD: Final = ("kind", "holds_personal_data", "stated", "registered_at")


class Thing(StrEnum):
    """What is erased, by the letter that people say before its number."""

    REPORT = "L"
    SIGN_OUT = "S"
    EXCEPTION = "E"
    MEDIUM = "M"


# What stands in the record of each that was erased.
ERASED: Final = {
    Thing.REPORT: "lost_report_erased",
    Thing.SIGN_OUT: "sign_out_erased",
    Thing.EXCEPTION: "media_exception_erased",
    Thing.MEDIUM: "medium_erased",
}
_TABLES: Final = {
    Thing.REPORT: "lost_reports",
    Thing.SIGN_OUT: "sign_outs",
    Thing.EXCEPTION: "media_exceptions",
    Thing.MEDIUM: "media",
}
# Whom it is about; null once it is erased.
_ABOUT: Final = {
    Thing.REPORT: "reporter",
    Thing.SIGN_OUT: "person",
    Thing.EXCEPTION: "asked_by",
    Thing.MEDIUM: "owner",
}
_IS_NAMED: Final = """({0}.serial_key <> '' AND EXISTS (SELECT 1 FROM incident_timeline
    JOIN incidents ON incidents.id = incident
    WHERE erased_at IS NULL AND instr(incident_timeline.content || coalesce(personal, ''), {0}.serial_key)))"""
_CASE_IS_KEPT: Final = f"""EXISTS (SELECT 1 FROM lost_reports AS l WHERE l.medium = m.number AND reporter IS NOT NULL)
    OR {_IS_NAMED.format("m")}"""  # noqa: S608 (our own words)
# Of what is lost there is a report, which stays as long as it is lost.
_IS_FREE: Final = f"""NOT EXISTS (SELECT 1 FROM media AS m WHERE m.number = thing.medium
    AND ({_CASE_IS_KEPT}))"""  # noqa: S608 (our own words)
# Since when it is over must be before the one value.
_IS_OVER: Final = {
    Thing.REPORT: """(SELECT erased_at FROM incidents WHERE id = thing.incident) < ?
    AND NOT EXISTS (SELECT 1 FROM media AS m WHERE m.number = thing.medium AND m.state = 'lost')""",
    Thing.SIGN_OUT: f"""state NOT IN ('waiting', 'out')
    AND max(asked_at, due_on, coalesce(decided_at, ''), coalesce(returned_at, '')) < ? AND {_IS_FREE}""",
    # What was let pass may be on no register, and is known by its serial number alone.
    Thing.EXCEPTION: f"""state NOT IN ('waiting', 'allowed') AND max(until_at, coalesce(decided_at, '')) < ?
    AND {_IS_FREE} AND NOT {_IS_NAMED.format("thing")}""",
    Thing.MEDIUM: f"""state = 'disposed' AND disposed_at < ?
    AND NOT EXISTS (SELECT 1 FROM media AS m WHERE m.number = thing.number AND ({_CASE_IS_KEPT}))""",  # noqa: S608 (our own words)
}
_NOBODY: Final = {
    Thing.REPORT: "reporter = NULL, device = NULL, words = '{}'",
    Thing.SIGN_OUT: "person = NULL, asked_by = '', decided_by = '', returned_by = '', words = '{}'",
    Thing.EXCEPTION: "asked_by = NULL, decided_by = '', device = '', serial_key = '', words = '{}'",
    Thing.MEDIUM: "owner = NULL, registered_by = '', attested_by = '', disposed_by = '', serial_key = '',"
    " serial_only = '', words = '{}'",
}
# By what of its content a move is about a permit, an exception or a report; otherwise it is about the medium.
_KEYS: Final[Mapping[Thing, str]] = MappingProxyType(
    {Thing.SIGN_OUT: "sign_out", Thing.EXCEPTION: "exception", Thing.REPORT: "report"}
)


def read_over(
    database: sqlite3.Connection,
    thing: Thing,
    *,
    before: datetime | None = None,
    person: str | None = None,
    number: int | None = None,
) -> list[int]:
    """Read the numbers of what is over, and not erased; what is not given does not restrict.

    Args:
        before: only what was over before this instant, which of a report is when its case was erased.
        person: only what is about this person, by their id.
    """
    limit, about = _LATER_THAN_ALL if before is None else instant_text(before), _ABOUT[thing]
    query = f"""SELECT number FROM {_TABLES[thing]} AS thing WHERE {about} IS NOT NULL
    AND (? IS NULL OR {about} = ?) AND (? IS NULL OR number = ?) AND {_IS_OVER[thing]} ORDER BY number"""  # noqa: S608 (our own words)
    values = (person, person, number, number, limit)
    return [each for (each,) in map(tuple, database.execute(query, values))]


def counts_about(database: sqlite3.Connection, person: str) -> dict[Thing, int]:
    """Count what is kept about a person, of each kind."""
    queries = {each: f"SELECT count(*) FROM {_TABLES[each]} WHERE {_ABOUT[each]} = ?1" for each in Thing}  # noqa: S608 (our own words)
    return {each: int(database.execute(query, (person,)).fetchone()[0]) for each, query in queries.items()}


def count_about(database: sqlite3.Connection, person: str) -> int:
    """Count what is kept about a person."""
    return sum(counts_about(database, person).values())


def read_erasures(database: sqlite3.Connection, *, limit: int) -> list[sqlite3.Row]:
    """Read what the record has of what was erased, the newest first: at, kind, actor, subject and facts."""
    kinds = ", ".join(f"'{kind}'" for kind in ERASED.values())
    query = f"SELECT at, kind, actor, subject, facts FROM audit WHERE kind IN ({kinds}) ORDER BY number DESC LIMIT ?"  # noqa: S608 (our own words)
    return database.execute(query, (limit,)).fetchall()


def erase_thing(act: Act, thing: Thing, number: int, *, actor: str, reason: str) -> int | None:
    """Erase whom something was about and what people wrote of it, here and beside the record.

    Returns:
        the medium that it is about, if that is on the register.
    """
    row = act.database.execute(f"SELECT * FROM {_TABLES[thing]} WHERE number = ?", (number,)).fetchone()  # noqa: S608 (our own words)
    medium = number if thing is Thing.MEDIUM else row["medium"]
    act.database.execute(f"UPDATE {_TABLES[thing]} SET {_NOBODY[thing]} WHERE number = ?", (number,))  # noqa: S608 (our own words)
    if thing is Thing.REPORT:
        kept = json.dumps(_kept(json.loads(row["on_record"])), ensure_ascii=False)
        act.database.execute("UPDATE lost_reports SET on_record = ? WHERE number = ?", (kept, number))
    act.erases = True
    of_record = _of_moves(act, thing, number, medium)
    if medium is None:
        query = "SELECT number FROM audit JOIN personal USING (number) WHERE subject = ?"
        of_record = [each for (each,) in map(tuple, act.database.execute(query, (f"{thing}-{number}",)))]
    for each in of_record:
        erase(act, each, actor=actor, reason=reason)
    return medium


def erase_words_of(act: Act, record: int) -> None:
    """Erase what stands in the history of a medium of what was erased beside a row of the record."""
    act.database.execute("UPDATE media_moves SET words = '{}' WHERE record = ?", (record,))


def _of_moves(act: Act, thing: Thing, number: int, medium: int | None) -> list[int]:
    """Erase who made the moves that something is about, and their words; gives the rows of the record with more."""
    if thing is Thing.MEDIUM:
        chosen = " AND ".join(f"json_extract(content, '$.{key}') IS NULL" for key in _KEYS.values())
        values: tuple[Any, ...] = (medium,)
    else:
        chosen, values = f"json_extract(content, '$.{_KEYS[thing]}') = ?", (medium, number)
    where = f"medium = ? AND {chosen}"
    query = f"SELECT number FROM personal WHERE number IN (SELECT record FROM media_moves WHERE {where})"  # noqa: S608 (our own words)
    found = [each for (each,) in map(tuple, act.database.execute(query, values))]
    act.database.execute(
        "UPDATE media_moves SET person = CASE person WHEN 'system' THEN person ELSE '' END, words = '{}',"  # noqa: S608 (our own words)
        f" content = json_remove(content, '$.device') WHERE {where}",
        values,
    )
    return found


def _kept(on_record: Mapping[str, Any]) -> dict[str, Any]:
    """Give what stays of what was on record: what it was, and what had been proved when."""
    kept = {name: on_record[name] for name in _STAYS_ON_RECORD if name in on_record}
    for name in ("proved", "worst_proved"):
        proof = on_record.get(name)
        kept[name] = None if proof is None else {"crypt": proof["crypt"], "at": proof["at"]}
    return kept
