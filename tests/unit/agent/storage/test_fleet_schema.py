"""The tables of laptops: those of what they tell can be made a second time, and hold what their writer counts on."""

import sqlite3
from contextlib import closing

from agent.storage.fleet_schema import EVENTS, FLEET
from agent.storage.schema import SCHEMA


def test_the_state_has_the_tables_of_devices() -> None:
    assert set(FLEET) <= set(SCHEMA)


def test_the_file_of_events_is_made_once() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(EVENTS)
        database.executescript(EVENTS)
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    tables = {"streams", "batches", "events", "gaps", "drops", "device_states", "device_contacts", "counts"}
    assert names - {"sqlite_sequence"} == tables
