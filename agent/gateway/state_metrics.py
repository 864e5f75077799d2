"""What Prometheus is told of `state.db`: overrides, suspensions and the record, as numbers and nothing else.

Every label comes from a closed set of words of ours; never a person, a name or a reason. Everything is one look at
one moment, and costs the same however long the record is.
"""

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeHistogramMetricFamily, GaugeMetricFamily, Metric

from agent.fleet.media_metrics import media_metrics
from agent.gateway.waiting_metrics import waiting_metrics
from agent.incidents.incident_metrics import incident_metrics
from agent.notices.notify import KEEP_SETTLED, read_queue
from agent.people.confirmations import count_unconfirmed
from agent.record.record_status import record_status
from agent.storage.given_rows import is_beginning
from agent.storage.state import instant_text, read_only
from rules.errors import StorageError
from rules.override import State
from rules.roles import APPROVERS

WAITING_BOUNDS: Final = (60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400)
WAITING_DAYS: Final = 90
# Of the newest overrides only, however many somebody asks for in these days.
MAX_WAITED: Final = 5_000
CONFIRMATIONS: Final = ("confirmed", "unconfirmed", "waiting")

_BY_STATE: Final = "SELECT state, count(*) FROM overrides GROUP BY state"
_ACTIVE: Final = "SELECT count(*) FROM overrides WHERE state = 'approved' AND until_at > :now AND from_at <= :now"
_SUSPENSIONS: Final = """SELECT
    total(state = 'agreed' AND from_at <= :now AND until_at > :now), total(state = 'refused')
FROM suspensions"""
_BREAK_GLASS: Final = """SELECT CASE
    WHEN state = 'unconfirmed' THEN 'unconfirmed' WHEN approvers = '[]' THEN 'waiting' ELSE 'confirmed'
END AS confirmation, count(*) FROM overrides WHERE is_break_glass = 1 GROUP BY confirmation"""
# In an emergency nobody waited.
_WAITED: Final = f"""WITH waited AS MATERIALIZED (
    SELECT max(0, round((julianday(decided_at) - julianday(requested_at)) * 86400, 3)) AS seconds FROM overrides
    WHERE rowid > (SELECT max(rowid) FROM overrides) - {MAX_WAITED} AND requested_at >= :since
        AND is_break_glass = 0 AND decided_at IS NOT NULL
)
SELECT {", ".join(f"total(seconds <= {bound})" for bound in WAITING_BOUNDS)}, count(seconds), total(seconds)
FROM waited"""  # noqa: S608 (our own words)
# Closing a person takes every role away; without an account nobody decides.
_APPROVERS: Final = f"""SELECT count(DISTINCT person) FROM memberships JOIN accounts USING (person)
WHERE accounts.closed_at IS NULL AND may_decide AND role IN ({", ".join("?" * len(APPROVERS))})"""  # noqa: S608 (our own words)


def state_metrics(path: Path, now: datetime) -> list[Metric]:
    """Give every metric of a state file: none where there is no file, `schoolgate_state_readable 0` for a faulty one.

    Args:
        path: the state file; it is only read.
        now: aware UTC.
    """
    try:
        if not path.exists():
            return []
        with read_only(path) as database:
            told = [
                *_override_metrics(database, now),
                *_people_metrics(database),
                *waiting_metrics(database, now),
                *_notice_metrics(database, now),
                *_record_metrics(database),
                *incident_metrics(database, now),
                *media_metrics(database, now),
            ]
    except (StorageError, OSError):
        return [_readable(is_readable=False)]
    return [_readable(is_readable=True), *told]


def _readable(*, is_readable: bool) -> Metric:
    return GaugeMetricFamily("schoolgate_state_readable", "Whether the state could be read.", int(is_readable))


def _override_metrics(database: sqlite3.Connection, now: datetime) -> Iterator[Metric]:
    at = {"now": instant_text(now)}
    numbers: dict[str, int] = dict(map(tuple, database.execute(_BY_STATE)))
    by_state = GaugeMetricFamily("schoolgate_overrides", "Requests for overrides, by state.", labels=["state"])
    for state in State:
        by_state.add_metric([state.value], numbers.get(state.value, 0))
    yield by_state
    yield _waited(database, now)
    (active,) = database.execute(_ACTIVE, at).fetchone()
    yield GaugeMetricFamily("schoolgate_active_overrides", "Overrides that open something now.", active)
    suspended, refused = database.execute(_SUSPENSIONS, at).fetchone()
    yield GaugeMetricFamily("schoolgate_active_suspensions", "Suspensions: filtering is off now.", suspended)
    refusals = CounterMetricFamily("schoolgate_refusals", "Requests that somebody refused.", labels=["what"])
    refusals.add_metric(["override"], numbers.get(State.REFUSED.value, 0))
    refusals.add_metric(["suspension"], refused)
    yield refusals
    numbers = dict(map(tuple, database.execute(_BREAK_GLASS)))
    emergencies = GaugeMetricFamily(
        "schoolgate_break_glass_overrides",
        "Overrides taken in an emergency, by whether a second person confirmed them.",
        labels=["confirmation"],
    )
    for confirmation in CONFIRMATIONS:
        emergencies.add_metric([confirmation], numbers.get(confirmation, 0))
    yield emergencies


def _waited(database: sqlite3.Connection, now: datetime) -> Metric:
    """Tell how long people waited; a gauge, because what is too old leaves it again."""
    since = instant_text(now - timedelta(days=WAITING_DAYS))
    *reached, decided, seconds = database.execute(_WAITED, {"since": since}).fetchone()
    bounds = (*(str(float(bound)) for bound in WAITING_BOUNDS), "+Inf")
    return GaugeHistogramMetricFamily(
        "schoolgate_override_waiting_seconds",
        f"Time until overrides that were requested in the last {WAITING_DAYS} days were decided.",
        buckets=list(zip(bounds, (*reached, decided), strict=True)),
        gsum_value=seconds,
    )


def _people_metrics(database: sqlite3.Connection) -> Iterator[Metric]:
    (approvers,) = database.execute(_APPROVERS, sorted(APPROVERS)).fetchone()
    yield GaugeMetricFamily(
        "schoolgate_approvers", "People who may decide about overrides, though never their own.", approvers
    )
    yield GaugeMetricFamily(
        "schoolgate_beginning", "Whether one person alone still makes others decide.", int(is_beginning(database))
    )
    unconfirmed = GaugeMetricFamily(
        "schoolgate_unconfirmed_people",
        "People whose roles or accounts, with which they decide, no second person has confirmed.",
        labels=["effect"],
    )
    for effect, count in zip(("waiting", "in_force"), count_unconfirmed(database), strict=True):
        unconfirmed.add_metric([effect], count)
    yield unconfirmed


def _notice_metrics(database: sqlite3.Connection, now: datetime) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("schoolgate_notices_waiting", "Notices that are to be sent.", labels=["channel"])
    age = GaugeMetricFamily(
        "schoolgate_oldest_notice_age_seconds", "How long the oldest of them has waited.", labels=["channel"]
    )
    given_up = GaugeMetricFamily(
        "schoolgate_notices_given_up",
        f"Notices of the last {KEEP_SETTLED.days} days that could not be sent.",
        labels=["channel"],
    )
    for channel, facts in read_queue(database).items():
        oldest_at = facts.oldest_at or now
        waiting.add_metric([channel], facts.waiting)
        age.add_metric([channel], max(0.0, (now - oldest_at).total_seconds()))
        given_up.add_metric([channel], facts.given_up)
    yield from (waiting, age, given_up)


def _record_metrics(database: sqlite3.Connection) -> Iterator[Metric]:
    status = record_status(database)
    yield GaugeMetricFamily("schoolgate_record_rows", "Rows of the record of every act.", status.rows)
    if status.anchored_at is not None:
        yield GaugeMetricFamily(
            "schoolgate_record_anchor_time_seconds",
            "When the record was last anchored, since 1970.",
            status.anchored_at.timestamp(),
        )
    if status.is_intact is not None:
        yield GaugeMetricFamily(
            "schoolgate_record_intact", "Whether the last check found the whole record sound.", int(status.is_intact)
        )
    if status.verified_at is not None:
        yield GaugeMetricFamily(
            "schoolgate_record_verified_time_seconds",
            "When the whole record was last checked, since 1970.",
            status.verified_at.timestamp(),
        )
