"""What a governor reads, in numbers: a period of the school, and what was counted in it; nobody's name is read here.

Incidents, requests, and who accepted the rules, are told only where they are not few, rounded, and up to the end of
yesterday.
Times without filtering and changes of the filter are acts of people in office, and every one of them counts.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from agent.api.parts import Parts
from agent.console.charts.incident_figures import (
    Incidents,
    Precisions,
    count_incidents,
    count_precision,
    read_opened,
)
from agent.console.charts.override_figures import Overrides, read_override_figures
from agent.console.charts.periods import Period
from agent.incidents.incident_counts import first_told
from agent.record.record_status import RecordStatus, record_status
from agent.storage.state import instant_text
from agent.storage.suspension_rows import read_suspensions
from agent.texts import SOURCE_LANGUAGE
from rules.schedule import DateRange
from rules.small_numbers import Count, Hidden, gives_away, rounded
from rules.subject import Audience
from rules.suspension import State, Suspension

_WEEK: Final = timedelta(weeks=1)
# Where a site names no terms.
_HALF_WEEKS, _TERM_WEEKS = 6, 12
_AGREED: Final = (State.AGREED, State.STOPPED, State.ENDED)
_MOST_SIGN_OFFS: Final = 10
_MOST_TIMES_OFF: Final = 50


class Span(StrEnum):
    """Which part of the school year."""

    HALF_TERM = "half"
    TERM = "term"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class SignOff:
    """A review that somebody signed: when, and of which days."""

    at: datetime
    from_on: str
    until_on: str
    number: int


class Ending(StrEnum):
    """How a time without filtering ended; NOT_YET: it lasts on."""

    AS_AGREED = "as_agreed"
    EARLY = "early"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class TimeOff:
    """A time without filtering that was agreed, cut to the period; for the whole school, or for a part of it."""

    from_at: datetime
    until_at: datetime
    hours: float
    ending: Ending
    is_for_school: bool


@dataclass(frozen=True, slots=True)
class Governed:
    """What was counted in a period.

    `hours_off` is how long filtering was off by agreement, added up; `times_off` the newest of these times; `rules`
    who accepted and who declined.
    """

    period: Period
    incidents: Incidents
    precision: Precisions
    overrides: Overrides
    suspensions: int
    hours_off: float
    longest_hours_off: float
    times_off: tuple[TimeOff, ...]
    acts: dict[str, int]
    rules: dict[str, Count]
    record: RecordStatus
    sign_offs: tuple[SignOff, ...]


def period_of(
    span: Span, today: date, terms: Sequence[DateRange], holidays: Sequence[DateRange], year: date
) -> Period:
    """Give the days of a part of the school year up to today.

    Args:
        year: the day on which the school year began.
    """
    if span is Span.YEAR:
        return Period(year, today)
    begun = [each for each in terms if each.first_on <= today]
    if not begun:
        return Period.last_days(today, 7 * (_HALF_WEEKS if span is Span.HALF_TERM else _TERM_WEEKS))
    term = max(begun, key=lambda each: each.first_on)
    last = min(today, term.last_on)
    if span is Span.TERM:
        return Period(term.first_on, last)
    breaks = [each for each in holidays if term.first_on < each.first_on <= last and each.last_on > each.first_on]
    middle = term.first_on + (term.last_on - term.first_on) / 2
    second = max((each.last_on for each in breaks), default=middle) + timedelta(days=1)
    return Period(second if second <= last else term.first_on, last)


def small_number_of(parts: Parts) -> int:
    """Give the first number that is told."""
    return first_told(parts.incidents.desk.settings.small_number)


def read_governed(parts: Parts, period: Period) -> Governed:
    """Read what was counted in a period; incidents, requests and answers to the rules up to the end of yesterday."""
    few, zone = small_number_of(parts), ZoneInfo(parts.timezone)
    since, until = (
        datetime.combine(day, time(), zone).astimezone(UTC)
        for day in (period.first, max(period.first, period.last) + timedelta(days=1))
    )
    # What happened or was decided today tells its minute to whoever looks again.
    desk = parts.incidents.desk
    today = desk.day_of(parts.clock())
    midnight, yesterday = desk.began_at(today), today - timedelta(days=1)
    counted = Period(period.first, max(period.first, min(period.last, yesterday)))
    labels = {each: row.label.in_language(SOURCE_LANGUAGE) for each, row in desk.rows().items()}
    audiences = {
        row: Audience(audience)
        for pack in desk.packs()
        for audience, table in pack.sanctions.items()
        for row in table.rows
    }
    with parts.store.read() as database:
        off = _times_off(database, since, until, parts.clock())
        acts, sign_offs = _acts(database, since, until)
        opened = read_opened(database, counted, timezone=parts.timezone, until=midnight, small_number=few)
        return Governed(
            period,
            rounded_incidents(count_incidents(opened, labels, audiences)),
            count_precision(opened),
            read_override_figures(database, counted, timezone=parts.timezone, until=midnight, small_number=few),
            len(off),
            sum(each.hours for each in off),
            max((each.hours for each in off), default=0.0),
            tuple(off[:_MOST_TIMES_OFF]),
            acts,
            _rules(database, since, min(until, midnight), few),
            record_status(database),
            sign_offs,
        )


def rounded_incidents(found: Incidents) -> Incidents:
    """Round what is told of incidents to the small number.

    Whoever takes a half term from its term, or the page of yesterday from that of today, learns no small number so.
    """

    def near(count: int | Hidden) -> int | Hidden:
        return rounded(count, found.small_number)

    told = replace(
        found,
        by_time=tuple(map(near, found.by_time)),
        by_row=tuple(replace(each, count=near(each.count)) for each in found.by_row),
        total=near(found.total),
    )
    rows = [each.count for each in told.by_row]
    if not any(gives_away(each, told.total, found.small_number) for each in (told.by_time, rows)):
        return told

    def hidden(count: int | Hidden) -> Hidden:
        return count if isinstance(count, Hidden) else Hidden.BESIDE

    return replace(
        told,
        by_time=tuple(map(hidden, told.by_time)),
        by_row=tuple(replace(each, count=hidden(each.count)) for each in told.by_row),
        total=hidden(told.total),
    )


def _times_off(database: sqlite3.Connection, since: datetime, until: datetime, now: datetime) -> list[TimeOff]:
    """Give when filtering was off as somebody had agreed, within a time; the newest first."""
    filed = (each.suspension for each in read_suspensions(database, states=_AGREED, until_after=since))
    # What nobody had decided about before it was over has ended, too, and never was.
    found = (_time_off(each, since, until, now) for each in filed if each.agreed_by)
    return sorted((each for each in found if each.hours > 0), key=lambda each: each.from_at, reverse=True)


def _time_off(suspension: Suspension, since: datetime, until: datetime, now: datetime) -> TimeOff:
    over_at = min(suspension.ended_at or suspension.until_at, suspension.until_at)
    ending = Ending.EARLY if over_at < suspension.until_at else Ending.AS_AGREED
    first, last = max(suspension.from_at, since), min(over_at, until, now)
    return TimeOff(
        first,
        last,
        (last - first).total_seconds() / 3600,
        Ending.NOT_YET if over_at > now else ending,
        is_for_school=suspension.extent.is_for_school,
    )


_SIGNED_OFF: Final = "record_signed_off"
_ACTS: Final = (
    "filter_change_approved",
    "filter_change_refused",
    "filter_changed_on_disk",
    "filter_off_without_record",
    "record_broken",
    "record_verified",
)


def _acts(
    database: sqlite3.Connection, since: datetime, until: datetime
) -> tuple[dict[str, int], tuple[SignOff, ...]]:
    """Count acts of a time by kind, and give the newest reviews of any time: the record is walked over once."""
    marks = ", ".join("?" * (len(_ACTS) + 1))
    rows = database.execute(
        f"SELECT number, at, kind, facts FROM audit WHERE kind IN ({marks}) ORDER BY number DESC",  # noqa: S608 (marks only)
        (*_ACTS, _SIGNED_OFF),
    )
    counts, signed = dict.fromkeys(_ACTS, 0), list[SignOff]()
    first, end = instant_text(since), instant_text(until)
    for number, at, kind, facts in rows:
        if kind == _SIGNED_OFF:
            if len(signed) < _MOST_SIGN_OFFS:
                said = json.loads(facts)
                signed.append(SignOff(datetime.fromisoformat(at), said["from_on"], said["until_on"], number))
        elif first <= at < end:
            counts[kind] += 1
    return counts, tuple(signed)


def _rules(database: sqlite3.Connection, since: datetime, until: datetime, few: int) -> dict[str, Count]:
    """Count who accepted the rules, and who declined them and accepted none since."""
    # Of each person the newest answer: SQLite takes the other columns from the row of the maximum.
    rows = database.execute(
        "SELECT json_extract(facts, '$.accepted'), max(number) FROM audit"
        " WHERE kind = 'rules_answered' AND at >= ? AND at < ? AND actor <> 'system' GROUP BY actor",
        (instant_text(since), instant_text(until)),
    )
    last = [bool(accepted) for accepted, _ in rows]
    numbers = {"accepted": sum(last), "declined": len(last) - sum(last)}
    # Their total is told nowhere, so that none gives the other away.
    return {name: rounded(number if number >= few else Hidden.FEW, few) for name, number in numbers.items()}
