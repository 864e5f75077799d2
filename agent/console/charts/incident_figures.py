"""Incidents by week and row of the school's table, and how often what the engine proposed was one.

Where the reader may not know of single cases, small numbers are hidden before anything is drawn, and what few know of
is not counted at all.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from agent.console.charts.periods import Bin, Period, Unit
from agent.incidents.incident_counts import NO_ROW, for_all, row_of
from agent.storage.incident_briefs import Brief, read_briefs_as_of
from rules.incident import State
from rules.incident_kind import Kind
from rules.small_numbers import Hidden, hide_all, hide_small, rounded_number
from rules.subject import Audience

_IS_ONE: Final = frozenset({State.ACCEPTED, State.CLOSED})


@dataclass(frozen=True, slots=True)
class RowCount:
    """How many incidents fall under a row; `label` is what the table calls it, in English, empty for none.

    `audience` is whose table it is, None where it is none's.
    """

    row: str
    label: str
    count: int | Hidden
    audience: Audience | None = None


@dataclass(frozen=True, slots=True)
class Incidents:
    """Incidents of a period by stretch of time and by row, the most first.

    `by_both` has a count for each row and stretch, as long as all may be told; otherwise it is empty.
    """

    bins: tuple[Bin, ...]
    by_time: tuple[int | Hidden, ...]
    by_row: tuple[RowCount, ...]
    by_both: Mapping[str, tuple[int, ...]]
    total: int | Hidden
    small_number: int = 0


@dataclass(frozen=True, slots=True)
class Precision:
    """Of so many decided candidates, so many were accepted; None where they may not be told."""

    accepted: int | None
    decided: int | None
    share: float | Hidden | None


@dataclass(frozen=True, slots=True)
class Precisions:
    """How often candidates were accepted, by kind and by when they were opened."""

    bins: tuple[Bin, ...]
    by_time: tuple[Precision, ...]
    by_kind: tuple[tuple[Kind, Precision], ...]
    whole: Precision
    small_number: int = 0


@dataclass(frozen=True, slots=True)
class Opened:
    """What was opened in a period: each incident with the number of its stretch."""

    bins: tuple[Bin, ...]
    briefs: tuple[tuple[int, Brief], ...]
    small_number: int


def count_incidents(
    opened: Opened, labels: Mapping[str, str], audiences: Mapping[str, Audience] = MappingProxyType({})
) -> Incidents:
    """Count incidents, candidates and accepted ones alike, never those that were dismissed.

    Args:
        labels: what the school's tables call their rows, by id.
        audiences: whose table it is, by the id of the row.
    """
    bins, small_number = opened.bins, opened.small_number
    found = [each for each in opened.briefs if each[1].state is not State.DISMISSED]
    places = Counter(place for place, _ in found)
    by_time = hide_small({str(place): places[place] for place in range(len(bins))}, small_number=small_number)
    rows = Counter(row_of(brief) for _, brief in found)
    # Which rows there are at all would tell of those that have few.
    counted = {row: rows[row] for row in (*labels, NO_ROW)} | rows if small_number else dict(rows)
    by_row = hide_small(counted, small_number=small_number)
    if isinstance(by_time.total, Hidden) or isinstance(by_row.total, Hidden):
        # Each of the two would give away the total that the other hides.
        by_time, by_row = hide_all(by_time), hide_all(by_row)
    order = sorted(counted, key=lambda row: (-counted[row] if isinstance(by_row.numbers[row], int) else 0, row))
    both = Counter((row_of(brief), place) for place, brief in found)
    by_both = {row: tuple(both[row, place] for place in range(len(bins))) for row in (() if small_number else order)}
    return Incidents(
        bins,
        tuple(by_time.numbers[str(place)] for place in range(len(bins))),
        tuple(RowCount(row, labels.get(row, ""), by_row.numbers[row], audiences.get(row)) for row in order),
        by_both,
        by_time.total,
        small_number,
    )


def count_precision(opened: Opened) -> Precisions:
    """Say which share of the candidates that somebody decided about was accepted.

    What was put right as about somebody else is neither. With a small number, only shares are told, only where
    neither those that were accepted nor the others are few, and of rounded numbers, so that one case moves none.
    """
    bins, small_number = opened.bins, opened.small_number
    found = [each for each in opened.briefs if each[1].state is not State.CANDIDATE]
    # Which kinds there are at all would tell of those that have few.
    kinds = sorted(Kind if small_number else {brief.kind for _, brief in found}, key=lambda kind: kind.value)
    by_kind = [_decided(brief for _, brief in found if brief.kind is kind) for kind in kinds]
    by_time = [_decided(brief for place, brief in found if place == each) for each in range(len(bins))]
    return Precisions(
        bins,
        tuple(_precisions(by_time, small_number)),
        tuple(zip(kinds, _precisions(by_kind, small_number), strict=True)),
        _precisions([_decided(brief for _, brief in found)], small_number)[0],
        small_number,
    )


def read_opened(
    database: sqlite3.Connection, period: Period, *, timezone: str, until: datetime, small_number: int = 0
) -> Opened:
    """Read what was opened in a period, which is all that is counted of it.

    Args:
        database: the state, at one moment.
        timezone: that of the school.
        until: what was filed or decided at this instant or later is not counted.
        small_number: what is the first number that is told; 0 for whoever may read every one of them.
    """
    bins, zone = period.bins(at_least=Unit.WEEK), ZoneInfo(timezone)
    places: dict[date, int] = {day: number for number, each in enumerate(bins) for day in each.days()}
    first = bins[0].first
    since = datetime(first.year, first.month, first.day, tzinfo=zone)
    briefs = read_briefs_as_of(database, until, opened_since=since)
    dated = ((places.get(each.opened_at.astimezone(zone).date()), each) for each in briefs)
    found = {id(brief): (place, brief) for place, brief in dated if place is not None}
    told = for_all([brief for _, brief in found.values()], small_number)
    return Opened(bins, tuple(found[id(brief)] for brief in told), small_number)


def _decided(briefs: Iterable[Brief]) -> tuple[int, int]:
    """Count those that were accepted, and those that were not."""
    states = [brief.state in _IS_ONE for brief in briefs]
    return sum(states), len(states) - sum(states)


def _precisions(parts: Sequence[tuple[int, int]], small_number: int) -> list[Precision]:
    """Give the share of each part of a whole, from those that were accepted of it and the others.

    The share of the whole is told, too. Where those that are hidden are few even together, the smallest part that
    could be told is hidden with them: otherwise the whole would differ from the others by few alone.
    """
    if not small_number:
        return [Precision(yes, yes + no, yes / (yes + no) if yes + no else None) for yes, no in parts]
    told = [place for place, part in enumerate(parts) if min(part) >= small_number]
    hidden = [part for part in parts if min(part) < small_number]
    beside = None
    if told and hidden and min(map(sum, zip(*hidden, strict=True))) < small_number:
        beside = min(told, key=lambda place: (sum(parts[place]), place))
    shares: list[float | Hidden] = [Hidden.FEW] * len(parts)
    for place in told:
        yes, no = (rounded_number(each, small_number) for each in parts[place])
        shares[place] = Hidden.BESIDE if place == beside else yes / (yes + no)
    return [Precision(None, None, share) for share in shares]
