"""Timelines come out of the file as they went in; what is sealed or erased does not come out at all."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from storage_of_test import ANOTHER, NOW, store_with_incidents

from agent.storage.chain import canonical, commitment_of
from agent.storage.state import StateStore
from agent.storage.timeline_rows import (
    AtDevice,
    Entry,
    add_timeline,
    erase_said,
    erase_timeline,
    length_of_timeline,
    move_entries,
    read_devices,
    read_keys,
    read_timeline,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    with closing(store_with_incidents(tmp_path)) as opened:
        yield opened


def add(store: StateStore, *entries: Entry, incident: str = "i1") -> list[Entry]:
    with store.act() as act:
        return [add_timeline(act, incident, entry) for entry in entries]


def seen(at: datetime, observation: str) -> Entry:
    return Entry(at, "observed", "system", {"times": 2}, {"name": "bet.example"}, "day 1", observation)


def test_a_timeline_is_in_the_order_of_what_happened(store: StateStore) -> None:
    later, earlier, same = add(
        store, seen(NOW + timedelta(hours=1), "o1"), seen(NOW, "o2"), Entry(NOW, "said", "p1", {}, {"why": "so"})
    )
    with store.read() as database:
        assert read_timeline(database, "i1", with_personal=True) == [earlier, same, later]
        plain = read_timeline(database, "i1")
        assert length_of_timeline(database, "i1") == 3
        assert read_timeline(database, "i1", limit=1) == plain[:1]
    assert [entry.personal for entry in plain] == [None, None, None]
    assert plain[0].content == {"times": 2}
    assert (plain[0].evidence, plain[0].observation) == ("day 1", "o2")


def test_a_hash_is_of_what_and_of_what_is_personal(store: StateStore) -> None:
    (entry,) = add(store, seen(NOW, "o1"))
    with store.read() as database:
        key = database.execute("SELECT key FROM incident_timeline").fetchone()["key"]
    content = f"observed\n{canonical({'times': 2})}\n{canonical({'name': 'bet.example'})}"
    assert entry.hash == commitment_of(key, content.encode())


@pytest.mark.parametrize("value", ["track = 'sealed'", "kind = 'illegal'"])
def test_nobody_reads_what_is_sealed(store: StateStore, value: str) -> None:
    with store.act() as act:
        act.database.execute(f"UPDATE incidents SET {value}")  # noqa: S608 (our own words)
    add(store, seen(NOW, "o1"))
    with store.read() as database:
        assert [entry.personal for entry in read_timeline(database, "i1", with_personal=True)] == [None]


def test_entries_move_only_out_of_the_timeline_that_is_named(store: StateStore) -> None:
    first, second = add(store, seen(NOW, "o1"), seen(NOW, "o2"))
    with store.act() as act:
        assert move_entries(act, [first.number, 999], origin="i1", target=ANOTHER) == 1
        assert move_entries(act, [first.number], origin="i1", target=ANOTHER) == 0
    with store.read() as database:
        assert [entry.number for entry in read_timeline(database, ANOTHER)] == [first.number]
        assert [entry.number for entry in read_timeline(database, "i1")] == [second.number]


def test_what_was_said_can_be_erased_and_what_was_observed_stays(store: StateStore) -> None:
    observed, said = add(store, seen(NOW, "o1"), Entry(NOW, "said", "p1", {}, {"why": "so"}))
    with store.act() as act:
        assert erase_said(act, "i1") == 1
        assert act.erases
    with store.read() as database:
        assert read_timeline(database, "i1", with_personal=True) == [observed, replace(said, personal=None)]
    with store.act() as act:
        assert erase_timeline(act, "i1") == 1
        assert erase_timeline(act, "i1") == 0
    with store.read() as database:
        rows = database.execute("SELECT key, personal FROM incident_timeline").fetchall()
    assert [tuple(row) for row in rows] == [(None, None), (None, None)]


def test_at_which_device_something_was_observed_is_known_until_it_is_erased(store: StateStore) -> None:
    known = Entry(NOW, "observed", "system", personal={"device": "d7"}, observation="o1")
    attested = replace(known, personal={"device": "d8", "is_attested": True}, observation="o2")
    said = Entry(NOW, "incident_dismissed", "p1", personal={"device": "what somebody wrote"})
    unknown = replace(known, personal=None, observation="o3")
    numbers = [each.number for each in add(store, known, attested, said, unknown)]
    with store.read() as database:
        assert read_devices(database, "i1") == [AtDevice(NOW, "d7"), AtDevice(NOW, "d8", is_attested=True)]
        assert sorted(read_keys(database, "i1")) == numbers
        assert {len(key) for key in read_keys(database, "i1").values()} == {32}
    with store.act() as act:
        erase_timeline(act, "i1")
        assert (read_devices(act.database, "i1"), read_keys(act.database, "i1")) == ([], {})
