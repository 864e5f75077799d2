"""What Prometheus is told of laptops: totals of the fleet, so that no number is one person's.

Every label is a word of a closed set of ours; never a device, an owner or a name.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from agent.fleet.fleet_events import DUPLICATE, TAKEN, UNKNOWN_KIND, read_counts
from agent.fleet.fleet_inventory import Standing, take_stock
from agent.fleet.fleet_states import MEDIA, POSTURE
from agent.storage.files import has_table
from agent.storage.fleet_rows import DeviceState, FindingKind, read_devices
from agent.storage.state import read_only
from collectors.posture import Check, State
from collectors.school_filter import KIND as FILTER
from collectors.school_filter import Seen
from collectors.volume import Crypt
from rules.errors import StorageError

RESULTS: Final = (TAKEN, DUPLICATE, UNKNOWN_KIND)
_OPEN, _UNKNOWN = "open", "unknown"
FILTERS: Final = (Seen.ANSWERED_BY_US.value, _OPEN, Seen.NOT_OURS.value, _UNKNOWN)
_PLAIN: Final = (Crypt.PLAIN.value, Crypt.SUSPENDED.value)


def fleet_metrics(state: Path, events: Path, now: datetime, *, silent_after: timedelta) -> list[Metric]:
    """Give every metric; none where there is no fleet or a file cannot be read.

    Args:
        state, events: the two files; they are only read.
        now: aware UTC.
    """
    if not state.exists() or not events.exists():
        return []
    try:
        with read_only(state) as database, read_only(events) as told:
            if not has_table(database, "fleet_devices"):
                return []
            stock = list(take_stock(read_devices(database), told, now=now, silent_after=silent_after))
            return [*_stock_metrics(stock), *_finding_metrics(database), *_event_metrics(told, stock)]
    except (StorageError, OSError):
        return []


def _stock_metrics(stock: list[Standing]) -> Iterator[Metric]:
    by_state = GaugeMetricFamily("schoolgate_devices", "Laptops that have enrolled, by state.", labels=["state"])
    counts = Counter(standing.device.state for standing in stock)
    for each in DeviceState:
        by_state.add_metric([each.value], counts[each])
    yield by_state
    waiting = sum(standing.device.is_waiting for standing in stock)
    yield GaugeMetricFamily("schoolgate_devices_waiting", "Laptops whose code nobody has compared yet.", waiting)
    silent = sum(standing.is_silent for standing in stock)
    yield GaugeMetricFamily("schoolgate_silent_devices", "Laptops that should tell something and do not.", silent)
    contacts = [standing.contact for standing in stock if standing.contact is not None]
    yield GaugeMetricFamily(
        "schoolgate_device_spool_events",
        "The most events that wait on one laptop.",
        max((contact.waiting for contact in contacts), default=0),
    )
    yield GaugeMetricFamily(
        "schoolgate_device_spool_oldest_seconds",
        "How long the oldest of them had waited when it was last told.",
        max((contact.oldest_seconds for contact in contacts if contact.waiting), default=0.0),
    )
    yield CounterMetricFamily(
        "schoolgate_device_events_dropped",
        "Events that laptops had to give up.",
        sum(contact.dropped_total for contact in contacts),
    )


def _finding_metrics(database: sqlite3.Connection) -> Iterator[Metric]:
    findings = CounterMetricFamily(
        "schoolgate_device_findings", "What somebody had to look at about laptops.", labels=["kind"]
    )
    counts = dict(map(tuple, database.execute("SELECT kind, count(*) FROM device_findings GROUP BY kind")))
    for kind in FindingKind:
        findings.add_metric([kind.value], counts.get(kind.value, 0))
    yield findings


def _event_metrics(told: sqlite3.Connection, stock: list[Standing]) -> Iterator[Metric]:
    counts = read_counts(told)
    events = CounterMetricFamily("schoolgate_device_events", "What laptops told.", labels=["result"])
    for result in RESULTS:
        events.add_metric([result], counts.get(result, 0))
    yield events
    active = {standing.device.id for standing in stock if standing.device.state is DeviceState.ACTIVE}
    media: set[str] = set()
    disks: dict[str, bool | None] = {}
    filters: dict[str, str] = {}
    query = "SELECT device, kind, key, content FROM device_states WHERE kind IN (?, ?, ?)"
    for device, kind, key, content in told.execute(query, (MEDIA, POSTURE, FILTER)):
        facts = json.loads(content).get("d", {})
        if device in active and kind == MEDIA and facts.get("crypt") in _PLAIN and facts.get("mounted"):
            media.add(f"{device} {key}")
        elif device in active and kind == POSTURE and key == Check.DISK_ENCRYPTION:
            disks[device] = is_encrypted(facts)
        elif kind == FILTER:
            filters[device] = _filter_seen(facts)
    yield GaugeMetricFamily(
        "schoolgate_unencrypted_media", "Media that are plugged in and not encrypted, by the last word.", len(media)
    )
    coverage = GaugeMetricFamily(
        "schoolgate_device_disks", "Laptops by whether their own disk is encrypted.", labels=["encrypted"]
    )
    found = Counter(disks.get(device) for device in active)
    for label, value in (("yes", True), ("no", False), ("unknown", None)):
        coverage.add_metric([label], found[value])
    yield coverage
    seen = GaugeMetricFamily(
        "schoolgate_device_filters",
        "Laptops by who answered when they last asked in the school.",
        labels=["seen"],
    )
    found_filters = Counter(filters.get(device, _UNKNOWN) for device in active)
    for label in FILTERS:
        seen.add_metric([label], found_filters[label])
    yield seen


def _filter_seen(facts: dict[str, object]) -> str:
    """Read who answers a laptop; the filter that is open where it should not be is a state of its own."""
    found = facts.get("seen")
    if found == Seen.ANSWERED_BY_US:
        return _OPEN if facts.get("open") else Seen.ANSWERED_BY_US.value
    return Seen.NOT_OURS.value if found == Seen.NOT_OURS else _UNKNOWN


def is_encrypted(facts: dict[str, object]) -> bool | None:
    """Read what a laptop proved of its own disk; what could not be checked is neither."""
    if facts.get("state") == State.ON:
        return True
    return False if facts.get("state") in (State.OFF, State.PARTLY, State.SUSPENDED) else None
