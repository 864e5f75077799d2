"""What Prometheus is told of incidents and of what was observed: numbers that nobody can be told from.

What is restricted or sealed is in none of them, not even in a total: whoever subtracts one number from another learns
nothing of it. Rows are told by their id where they are of the form of the tables that come with the product.
"""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from agent.storage.observation_rows import (
    ACCEPTED,
    EVENTS,
    NOT_UNDERSTOOD,
    NOT_WEIGHED,
    REFUSED,
    REPEATED,
    SIGN_INS,
    count_waiting,
    read_counts,
)
from agent.storage.state import instant_text
from rules.assess import Outcome, Why
from rules.incident import State

OPEN: Final = (State.CANDIDATE, State.ACCEPTED)
NO_ROW, OWN_ROW = "none", "own"
SOON: Final = timedelta(days=1)
DECIDED: Final = ("accepted", "dismissed")
TOLD: Final = (SIGN_INS, EVENTS)
BECAME: Final = (ACCEPTED, REPEATED, REFUSED)
WHYS: Final = (*(why.value for why in Why), NOT_WEIGHED[1], NOT_UNDERSTOOD[1])
_TABLES: Final = ("incidents", "incident_steps", "observation_counts", "told_events")
_ROW: Final = re.compile(r"[PS]\d{2}")
_TOLD_TRACKS: Final = "('ordinary', 'safeguarding')"
_LIKELIEST: Final = "CASE WHEN row <> '' THEN row ELSE coalesce(json_extract(content, '$.rows[0]'), '') END"
_BY_ROW: Final = f"""SELECT state, {_LIKELIEST}, count(*) FROM incidents
    WHERE state IN ('candidate', 'accepted') AND track IN {_TOLD_TRACKS} GROUP BY 1, 2"""  # noqa: S608 (our own words)
_DECISIONS: Final = f"""SELECT count(*), total(state IN ('accepted', 'closed')), total(state = 'dismissed')
    FROM incidents WHERE track IN {_TOLD_TRACKS}"""  # noqa: S608 (our own words)
_OLDEST: Final = f"""SELECT state, min(filed_at) FROM incidents
    WHERE state IN ('candidate', 'accepted') AND track IN {_TOLD_TRACKS} GROUP BY state"""  # noqa: S608 (our own words)
_OVERDUE: Final = f"""SELECT count(*) FROM incident_steps JOIN incidents ON id = incident
    WHERE incident_steps.state = 'open' AND due_at < ? AND track IN {_TOLD_TRACKS}"""  # noqa: S608 (our own words)

_CLOCKS: Final = f"""SELECT count(*) FROM incidents, json_each(content, '$.clocks')
    WHERE state IN ('candidate', 'accepted') AND track IN {_TOLD_TRACKS}
    AND json_extract(value, '$.ended_at') IS NULL
    AND json_extract(value, '$.due_at') > ? AND json_extract(value, '$.due_at') <= ?"""  # noqa: S608 (our own words)


def incident_metrics(database: sqlite3.Connection, now: datetime) -> Iterator[Metric]:
    """Give the metrics; none where the state is of a program that knew no incidents.

    Args:
        now: aware UTC.
    """
    marks = ", ".join("?" * len(_TABLES))
    known = f"SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ({marks})"  # noqa: S608 (marks only)
    if database.execute(known, _TABLES).fetchone()[0] == len(_TABLES):
        yield from _incidents(database, now)
        yield from _observations(database)


def _incidents(database: sqlite3.Connection, now: datetime) -> Iterator[Metric]:
    by_row = GaugeMetricFamily(
        "schoolgate_incidents",
        "Incidents that are open, by the row that was accepted or is the likeliest.",
        labels=["state", "row"],
    )
    counts: Counter[tuple[str, str]] = Counter()
    for state, row, number in database.execute(_BY_ROW):
        counts[state, row_label(row)] += number
    for (state, row), number in sorted(counts.items()):
        by_row.add_metric([state, row], number)
    yield by_row
    raised, *decided = database.execute(_DECISIONS).fetchone()
    yield GaugeMetricFamily("schoolgate_candidates_raised", "Incidents that were ever filed as candidates.", raised)
    decisions = GaugeMetricFamily("schoolgate_candidates_decided", "What became of candidates.", labels=["decision"])
    for decision, number in zip(DECIDED, decided, strict=True):
        decisions.add_metric([decision], number)
    yield decisions
    oldest = GaugeMetricFamily(
        "schoolgate_oldest_incident_age_seconds", "How long the oldest of them has been open.", labels=["state"]
    )
    filed: dict[str, str] = dict(map(tuple, database.execute(_OLDEST)))
    for each in OPEN:
        filed_at = datetime.fromisoformat(filed[each.value]) if each.value in filed else now
        oldest.add_metric([each.value], max(0.0, (now - filed_at).total_seconds()))
    yield oldest
    (overdue,) = database.execute(_OVERDUE, (instant_text(now),)).fetchone()
    yield GaugeMetricFamily("schoolgate_overdue_incident_steps", "Steps that should have been done.", overdue)
    (ended,) = database.execute(_CLOCKS, ("", instant_text(now))).fetchone()
    text = "Times by which something had to be done about incidents, and was not."
    yield GaugeMetricFamily("schoolgate_overdue_incident_clocks", text, ended)
    (ending,) = database.execute(_CLOCKS, (instant_text(now), instant_text(now + SOON))).fetchone()
    text = "Times that end within a day, by which something must be done about incidents."
    yield GaugeMetricFamily("schoolgate_ending_incident_clocks", text, ending)


def row_label(row: str) -> str:
    """Give the label of a row: rows of a school's own tables share one."""
    if not row:
        return NO_ROW
    return row if _ROW.fullmatch(row) else OWN_ROW


def _observations(database: sqlite3.Connection) -> Iterator[Metric]:
    counts = read_counts(database)
    weighed = CounterMetricFamily(
        "schoolgate_observations", "What came of what was observed.", labels=["outcome", "why"]
    )
    for outcome, why in product(Outcome, ("", *WHYS)):
        if bool(why) == (outcome is Outcome.IGNORED):
            weighed.add_metric([outcome.value, why], counts.get((outcome.value, why), 0))
    yield weighed
    told = CounterMetricFamily("schoolgate_machine_events", "What machines told.", labels=["what", "result"])
    for what, result in product(TOLD, BECAME):
        told.add_metric([what, result], counts.get((what, result), 0))
    yield told
    yield GaugeMetricFamily(
        "schoolgate_machine_events_waiting", "Events of machines that are to be weighed.", count_waiting(database)
    )
