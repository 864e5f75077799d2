"""How many incidents there are, for those who may know that there are some, and for metrics.

What is restricted is counted with the others only where there are so many that none can be told from the count.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent.storage.incident_rows import Filed, read_incidents
from agent.storage.state import instant_text
from rules.incident import Dismissal, State, Track

NO_ROW: Final = "none"
_OPEN: Final = frozenset({State.CANDIDATE, State.ACCEPTED})
_ACCEPTED: Final = frozenset({State.ACCEPTED, State.CLOSED})


@dataclass(frozen=True, slots=True)
class Tally:
    """What can be counted.

    `raised` are all, `accepted` and `dismissed` those of which that was decided; what was put right because it was
    about somebody else is in none of them, nor what was merged into another. `open` is by state and row: the one that
    was accepted, else the likeliest. `oldest_at` is when the oldest was filed that waits for a decision. `overdue`
    counts steps.
    """

    raised: int
    accepted: int
    dismissed: int
    open: Mapping[tuple[State, str], int]
    oldest_at: datetime | None
    overdue: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are by state, kind and row; None where they are so few that somebody could be told from it."""

    by_state: Mapping[str, int | None]
    by_kind: Mapping[str, int | None]
    by_row: Mapping[str, int | None]


def count(filed: Iterable[Filed], *, small_number: int) -> Counts:
    """Count incidents; a count below the small number is not told."""
    counted = [each for each in filed if _counts(each)]

    def by(name: Callable[[Filed], str]) -> dict[str, int | None]:
        found = Counter(map(name, counted))
        return {each: number if number >= small_number else None for each, number in sorted(found.items())}

    return Counts(by(lambda each: each.incident.state.value), by(lambda each: each.incident.kind.value), by(row_of))


def for_all(filed: Sequence[Filed], small_number: int) -> list[Filed]:
    """Give the incidents that are counted for anybody: restricted ones only where there are enough of them."""
    restricted = sum(each.incident.track is Track.RESTRICTED for each in filed)
    return [each for each in filed if restricted >= small_number or each.incident.track is not Track.RESTRICTED]


def tally(filed: Iterable[Filed], *, overdue: int) -> Tally:
    """Count incidents."""
    counted = [each for each in filed if _counts(each)]
    waiting = [each.filed_at for each in counted if each.incident.state is State.CANDIDATE]
    return Tally(
        raised=len(counted),
        accepted=sum(each.incident.state in _ACCEPTED for each in counted),
        dismissed=sum(each.incident.state is State.DISMISSED for each in counted),
        open=Counter((each.incident.state, row_of(each)) for each in counted if each.incident.state in _OPEN),
        oldest_at=min(waiting, default=None),
        overdue=overdue,
    )


def tally_for_all(database: sqlite3.Connection, now: datetime, *, small_number: int) -> Tally:
    """Count what anybody may know, for metrics and for whoever reads no incident.

    Args:
        small_number: so many restricted incidents there are at least where they are counted.
    """
    found = for_all(read_incidents(database, limit=-1), small_number)
    return tally(found, overdue=count_overdue(database, [each.incident.id for each in found], now))


def count_overdue(database: sqlite3.Connection, incidents: Sequence[str], now: datetime) -> int:
    """Count the steps of some incidents that are open and should be done."""
    query = "SELECT incident FROM incident_steps WHERE state = 'open' AND due_at < ?"
    known = set(incidents)
    return sum(row["incident"] in known for row in database.execute(query, (instant_text(now),)))


def _counts(filed: Filed) -> bool:
    return filed.dismissal is not Dismissal.WRONG_PERSON and filed.incident.state is not State.MERGED


def row_of(filed: Filed) -> str:
    """Give the row of an incident: the one that was accepted, else the likeliest."""
    return filed.incident.row or next(iter(filed.incident.rows), NO_ROW)
