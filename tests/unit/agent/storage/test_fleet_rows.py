"""Rows of laptops: what is written comes back, and a token that has ended keeps no key."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.storage.fleet_rows import (
    Device,
    DeviceKey,
    DeviceState,
    EnrolmentToken,
    FindingKind,
    KeyState,
    delete_ended_keys,
    read_device,
    read_device_of_key,
    read_device_of_machine,
    read_devices,
    read_findings,
    read_token,
    read_tokens,
    write_device,
    write_finding,
    write_token,
)
from agent.storage.state import StateStore

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
KEY = DeviceKey(b"k" * 32, "d1", KeyState.ACTIVE, "t1", NOW)
DEVICE = Device("d1", 1, DeviceState.ACTIVE, "Office", None, "m1", {"os": "Linux"}, NOW, keys=(KEY,))
TOKEN = EnrolmentToken("t1", b"secret", "Office", None, 1, 1, "p1", NOW, NOW + timedelta(hours=1))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    with closing(StateStore(tmp_path / "state.db", clock=lambda: NOW)) as opened:
        yield opened


def test_a_device_is_found_by_its_id_its_machine_and_any_of_its_keys(store: StateStore) -> None:
    with store.act() as act:
        write_device(act.database, DEVICE)
        database = act.database
        assert read_device(database, "d1") == DEVICE
        assert read_device_of_machine(database, "m1") == DEVICE
        assert read_device_of_key(database, KEY.public_key) == DEVICE
        assert read_device(database, "d2") is None
        assert read_device_of_key(database, b"other") is None


def test_keys_are_added_and_end_and_none_is_lost(store: StateStore) -> None:
    ended = replace(KEY, state=KeyState.ENDED, ended_at=NOW)
    new = DeviceKey(b"n" * 32, "d1", KeyState.PENDING, "t2", NOW + timedelta(seconds=1))
    with store.act() as act:
        write_device(act.database, DEVICE)
        write_device(act.database, replace(DEVICE, version=2, decided_at=NOW, decided_by="p1", keys=(ended, new)))
        (found,) = read_devices(act.database)
    assert (found.version, found.keys, found.decided_by) == (2, (ended, new), "p1")
    assert (found.key_in(KeyState.PENDING), found.key_in(KeyState.ACTIVE), found.is_waiting) == (new, None, True)


def test_a_token_that_has_ended_keeps_no_key(store: StateStore) -> None:
    later = replace(TOKEN, id="t2", ends_at=NOW + timedelta(hours=2))
    with store.act() as act:
        write_token(act.database, TOKEN)
        write_token(act.database, later)
        assert read_token(act.database, "t1") == TOKEN
        assert delete_ended_keys(act.database, NOW + timedelta(hours=1)) == 1
        assert [token.key for token in sorted(read_tokens(act.database), key=lambda each: each.id)] == [
            None,
            b"secret",
        ]
        assert read_token(act.database, "none") is None


def test_findings_are_read_in_their_order(store: StateStore) -> None:
    with store.act() as act:
        write_device(act.database, DEVICE)
        for kind in (FindingKind.KEY_CHANGED, FindingKind.EVENTS_MISSING):
            write_finding(act.database, "d1", kind, at=NOW, facts={"first": 1})
        first, second = read_findings(act.database)
        assert (first.kind, second.kind, second.facts, second.at) == (
            FindingKind.KEY_CHANGED,
            FindingKind.EVENTS_MISSING,
            {"first": 1},
            NOW,
        )
        assert read_findings(act.database, after=first.number) == [second]
        assert read_findings(act.database, "d2") == []
