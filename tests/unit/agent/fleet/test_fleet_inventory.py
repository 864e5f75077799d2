"""How laptops stand: heard of, silent, and what each last proved."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.fleet.fleet_inventory import read_states, take_stock
from agent.storage.fleet_rows import Device, DeviceState
from agent.storage.fleet_schema import EVENTS

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
WEEK = timedelta(days=7)
DEVICE = Device("d1", 1, DeviceState.ACTIVE, "Office", None, "m1", {}, NOW - timedelta(days=30))


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as opened:
        opened.row_factory = sqlite3.Row
        opened.executescript(EVENTS)
        yield opened


def contact(database: sqlite3.Connection, seen: float) -> None:
    row = ("d1", seen, "0.1.0", 3, 7, 90.0, -2.5, 4, "192.0.2.9")
    database.execute("INSERT INTO device_contacts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def test_the_last_word_of_a_laptop(database: sqlite3.Connection) -> None:
    contact(database, NOW.timestamp() - 60)
    (found,) = take_stock([DEVICE], database, now=NOW, silent_after=WEEK)
    assert found.contact is not None
    assert (found.contact.seen_at, found.contact.waiting, found.contact.dropped_total) == (
        NOW - timedelta(minutes=1),
        7,
        4,
    )
    assert not found.is_silent


@pytest.mark.parametrize(
    ("state", "days", "is_silent"),
    [
        (DeviceState.ACTIVE, 8, True),
        (DeviceState.ACTIVE, 6, False),
        (DeviceState.ACTIVE, None, True),
        (DeviceState.REVOKED, 8, False),
        (DeviceState.PENDING, None, False),
    ],
    ids=str,
)
def test_only_who_should_tell_something_is_silent(
    database: sqlite3.Connection, state: DeviceState, days: int | None, *, is_silent: bool
) -> None:
    if days is not None:
        contact(database, NOW.timestamp() - days * 86_400)
    (found,) = take_stock([replace(DEVICE, state=state)], database, now=NOW, silent_after=WEEK)
    assert found.is_silent == is_silent


def test_what_was_proved_has_its_time_and_a_heartbeat_is_none_of_it(database: sqlite3.Connection) -> None:
    for kind, key, at in (("posture", "firewall", NOW.timestamp()), ("heartbeat", "", 0.0), ("odd", "", 1e300)):
        row = ("d1", kind, key, at, at, '{"d":{"state":"on"}}')
        database.execute("INSERT INTO device_states VALUES (?, ?, ?, ?, ?, ?)", row)
    odd, posture = read_states(database, "d1")
    assert (posture.kind, posture.key, posture.proven_at, posture.facts) == (
        "posture",
        "firewall",
        NOW,
        {"state": "on"},
    )
    assert odd.proven_at.year == 9999
