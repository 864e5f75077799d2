"""What Prometheus is told of what waits for a second person: how much there is, and how long it has waited."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric

from agent.people.confirmations import read_unconfirmed_people

_ASKED: Final = "SELECT count(*), min(requested_at) FROM {} WHERE state IN ('waiting', 'half_approved')"
_REQUESTS: Final = {
    "override": _ASKED.format("overrides"),
    "suspension": _ASKED.format("suspensions"),
    "filter_change": "SELECT count(*), min(at) FROM filter_versions WHERE state = 'drafted'",
}
PERSON: Final = "person"
WAITING: Final = (*_REQUESTS, PERSON)
_REVIEWS: Final = "SELECT count(*) FROM filter_versions WHERE state IN ('on_disk', 'approved') AND review_on < ?"


def waiting_metrics(database: sqlite3.Connection, now: datetime) -> Iterator[Metric]:
    """Give the metrics.

    Args:
        now: aware UTC.
    """
    waiting = GaugeMetricFamily("schoolgate_requests_waiting", "What waits for a second person.", labels=["what"])
    age = GaugeMetricFamily(
        "schoolgate_oldest_request_age_seconds", "How long the oldest of it has waited.", labels=["what"]
    )
    for what, (number, oldest_at) in _waiting(database):
        waiting.add_metric([what], number)
        age.add_metric([what], max(0.0, (now - (oldest_at or now)).total_seconds()))
    yield from (waiting, age)
    (overdue,) = database.execute(_REVIEWS, (now.date().isoformat(),)).fetchone()
    yield GaugeMetricFamily(
        "schoolgate_filter_reviews_overdue", "Changes of the filter that should have been looked at again.", overdue
    )


def _waiting(database: sqlite3.Connection) -> Iterator[tuple[str, tuple[int, datetime | None]]]:
    """Give how much waits of each kind, and since when the oldest of it does."""
    for what, query in _REQUESTS.items():
        number, oldest_at = database.execute(query).fetchone()
        yield what, (number, None if oldest_at is None else datetime.fromisoformat(oldest_at))
    waiting = [
        [part.given_at for part in each.given if not part.is_in_force] for each in read_unconfirmed_people(database)
    ]
    given = [given_at for parts in waiting for given_at in parts]
    yield PERSON, (sum(map(bool, waiting)), min(given, default=None))
