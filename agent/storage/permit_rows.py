"""Permits, exceptions and lost reports of media in `state.db`: rows become values here, and nothing is decided."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from agent.storage.media_rows import (
    MAX_LISTED,
    day_text,
    read_day,
    read_instant,
    text_or_none,
    words_text,
    write_numbered,
)
from agent.storage.state import Act, instant_text
from rules.medium import ExceptionState, LostHow, Medium, MediumException, MediumState, SignOut, SignOutState

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_PERMIT_WORDS: Final = ("purpose", "reason")


@dataclass(frozen=True, slots=True)
class LostReport:
    """That something is gone: a medium, a laptop that has enrolled, or something else that `text` tells of.

    `on_record` is what was known of it at that moment, and never changes. `breach` is the case that somebody opened
    of it; empty while there is none.
    """

    at: datetime
    reporter: str
    how: LostHow
    incident: str
    text: str
    medium: int | None = None
    device: str | None = None
    missed_on: date | None = None
    on_record: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    breach: str = ""
    number: int = 0


# ---- permits ---------------------------------------------------------------------------------------------------


def write_sign_out(act: Act, sign_out: SignOut) -> SignOut:
    """Write a permit whole; a new one gets its number."""
    values = {
        "version": sign_out.version,
        "medium": sign_out.medium,
        "is_foreign": int(sign_out.is_foreign),
        "person": sign_out.person or None,
        "due_on": sign_out.due_on.isoformat(),
        "state": sign_out.state.value,
        "asked_at": instant_text(sign_out.asked_at),
        "asked_by": sign_out.asked_by,
        "decided_at": text_or_none(sign_out.decided_at),
        "decided_by": sign_out.decided_by,
        "returned_at": text_or_none(sign_out.returned_at),
        "returned_by": sign_out.returned_by,
        "climbed": sign_out.climbed,
        "words": words_text(sign_out, _PERMIT_WORDS),
    }
    return replace(sign_out, number=write_numbered(act, "sign_outs", sign_out.number, values))


def read_sign_out(database: sqlite3.Connection, number: int) -> SignOut | None:
    """Read one permit."""
    row = database.execute("SELECT * FROM sign_outs WHERE number = ?", (number,)).fetchone()
    return None if row is None else _sign_out(row)


def read_sign_outs(
    database: sqlite3.Connection,
    *,
    person: str | None = None,
    medium: int | None = None,
    states: Iterable[SignOutState] = (),
    due_before: date | None = None,
    before: int | None = None,
    limit: int = MAX_LISTED,
) -> list[SignOut]:
    """Read permits, the newest first; what is not given does not restrict.

    Args:
        due_before: only those that are due on an earlier day.
        before: only those with a lower number.
    """
    wanted = tuple(states)
    chosen = f"state IN ({', '.join('?' * len(wanted))})" if wanted else "1"
    rows = database.execute(
        f"SELECT * FROM sign_outs WHERE {chosen} AND (? IS NULL OR person = ?) AND (? IS NULL OR medium = ?)"  # noqa: S608 (marks only)
        " AND (? IS NULL OR due_on < ?) AND (? IS NULL OR number < ?) ORDER BY number DESC LIMIT ?",
        (*wanted, *(each for each in (person, medium, day_text(due_before), before) for _ in range(2)), limit),
    )
    return [_sign_out(row) for row in rows]


def read_open_sign_out(database: sqlite3.Connection, medium: int) -> SignOut | None:
    """Read the permit of a medium that is out, or that somebody asks for."""
    found = read_sign_outs(database, medium=medium, states=(SignOutState.WAITING, SignOutState.OUT), limit=1)
    return next(iter(found), None)


def _sign_out(row: sqlite3.Row) -> SignOut:
    words = json.loads(row["words"])
    return SignOut(
        number=row["number"],
        version=row["version"],
        medium=row["medium"],
        is_foreign=bool(row["is_foreign"]),
        person=row["person"] or "",
        due_on=date.fromisoformat(row["due_on"]),
        state=SignOutState(row["state"]),
        asked_at=datetime.fromisoformat(row["asked_at"]),
        asked_by=row["asked_by"],
        decided_at=read_instant(row["decided_at"]),
        decided_by=row["decided_by"],
        returned_at=read_instant(row["returned_at"]),
        returned_by=row["returned_by"],
        climbed=row["climbed"],
        purpose=words.get("purpose", ""),
        reason=words.get("reason", ""),
    )


# ---- exceptions ------------------------------------------------------------------------------------------------


def write_exception(act: Act, exception: MediumException) -> MediumException:
    """Write an exception whole; a new one gets its number."""
    values = {
        "version": exception.version,
        "medium": exception.medium,
        "serial_key": exception.serial_key,
        "device": exception.device,
        "asked_by": exception.asked_by or None,
        "asked_at": instant_text(exception.asked_at),
        "until_on": exception.until_on.isoformat(),
        "until_at": instant_text(exception.until_at),
        "state": exception.state.value,
        "decided_at": text_or_none(exception.decided_at),
        "decided_by": exception.decided_by,
        "words": words_text(exception, _PERMIT_WORDS),
    }
    return replace(exception, number=write_numbered(act, "media_exceptions", exception.number, values))


def read_exception(database: sqlite3.Connection, number: int) -> MediumException | None:
    """Read one exception."""
    row = database.execute("SELECT * FROM media_exceptions WHERE number = ?", (number,)).fetchone()
    return None if row is None else _exception(row)


def read_exceptions(
    database: sqlite3.Connection,
    *,
    asked_by: str | None = None,
    medium: int | None = None,
    state: ExceptionState | None = None,
    before: int | None = None,
    limit: int = MAX_LISTED,
) -> list[MediumException]:
    """Read exceptions, the newest first; what is not given does not restrict."""
    rows = database.execute(
        "SELECT * FROM media_exceptions WHERE (?1 IS NULL OR asked_by = ?1) AND (?2 IS NULL OR medium = ?2)"
        " AND (?3 IS NULL OR state = ?3) AND (?4 IS NULL OR number < ?4) ORDER BY number DESC LIMIT ?5",
        (asked_by, medium, state, before, limit),
    )
    return [_exception(row) for row in rows]


def read_exceptions_over(database: sqlite3.Connection, at: datetime) -> list[MediumException]:
    """Read the exceptions whose time is over, or whose medium is gone, and of which that is not written down."""
    query = (
        "SELECT * FROM media_exceptions WHERE state IN ('waiting', 'allowed') AND (until_at <= ?"
        " OR medium IN (SELECT number FROM media WHERE media.state = 'disposed')) ORDER BY number"
    )
    return [_exception(row) for row in database.execute(query, (instant_text(at),))]


def exception_for(database: sqlite3.Connection, serial_key: str, at: datetime) -> MediumException | None:
    """Give the exception that lets a medium pass at an instant, by its keyed hash."""
    if not serial_key:
        return None
    row = database.execute(
        "SELECT media_exceptions.* FROM media_exceptions LEFT JOIN media ON media.number = medium"
        " WHERE media_exceptions.state = 'allowed' AND until_at > ?2 AND decided_at <= ?2"
        " AND (media_exceptions.serial_key = ?1 OR media.serial_key = ?1)"
        " AND coalesce(media.state, '') <> 'disposed' ORDER BY until_at DESC LIMIT 1",
        (serial_key, instant_text(at)),
    ).fetchone()
    return None if row is None else _exception(row)


def exception_of(database: sqlite3.Connection, medium: Medium, at: datetime) -> MediumException | None:
    """Give the exception that lets a medium on the register pass at an instant, also one without a serial number."""
    asked = read_exceptions(database, medium=medium.number, state=ExceptionState.ALLOWED)
    found = (each for each in asked if each.holds(at) and medium.state is not MediumState.DISPOSED)
    return next(found, None) or exception_for(database, medium.serial_key, at)


def _exception(row: sqlite3.Row) -> MediumException:
    words = json.loads(row["words"])
    return MediumException(
        number=row["number"],
        version=row["version"],
        medium=row["medium"],
        serial_key=row["serial_key"],
        device=row["device"],
        asked_by=row["asked_by"] or "",
        asked_at=datetime.fromisoformat(row["asked_at"]),
        until_on=date.fromisoformat(row["until_on"]),
        until_at=datetime.fromisoformat(row["until_at"]),
        state=ExceptionState(row["state"]),
        decided_at=read_instant(row["decided_at"]),
        decided_by=row["decided_by"],
        purpose=words.get("purpose", ""),
        reason=words.get("reason", ""),
    )


# ---- lost reports ----------------------------------------------------------------------------------------------


def write_lost(act: Act, report: LostReport) -> LostReport:
    """Write a report; a new one gets its number."""
    values = {
        "at": instant_text(report.at),
        "reporter": report.reporter or None,
        "how": report.how.value,
        "medium": report.medium,
        "device": report.device,
        "missed_on": day_text(report.missed_on),
        "incident": report.incident,
        "breach": report.breach,
        "on_record": json.dumps(dict(report.on_record), ensure_ascii=False),
        "words": json.dumps({"text": report.text}, ensure_ascii=False),
    }
    return replace(report, number=write_numbered(act, "lost_reports", report.number, values))


def read_lost(
    database: sqlite3.Connection,
    number: int | None = None,
    *,
    reporter: str | None = None,
    medium: int | None = None,
    before: int | None = None,
    limit: int = MAX_LISTED,
) -> list[LostReport]:
    """Read reports, the newest first; what is not given does not restrict."""
    rows = database.execute(
        "SELECT * FROM lost_reports WHERE (?1 IS NULL OR number = ?1) AND (?2 IS NULL OR reporter = ?2)"
        " AND (?3 IS NULL OR medium = ?3) AND (?4 IS NULL OR number < ?4) ORDER BY number DESC LIMIT ?5",
        (number, reporter, medium, before, limit),
    )
    return [
        LostReport(
            number=row["number"],
            at=datetime.fromisoformat(row["at"]),
            reporter=row["reporter"] or "",
            how=LostHow(row["how"]),
            medium=row["medium"],
            device=row["device"],
            missed_on=read_day(row["missed_on"]),
            incident=row["incident"],
            breach=row["breach"],
            on_record=json.loads(row["on_record"]),
            text=json.loads(row["words"]).get("text", ""),
        )
        for row in rows
    ]
