"""Who signed: a key in use, one that waits, one that has ended, or nobody who is known."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.endpoint.message_signatures import sign_request
from agent.fleet.device_errors import RefusedDeviceError
from agent.fleet.fleet_devices import FleetDevices
from agent.storage.fleet_rows import Device, DeviceKey, DeviceState, KeyState, write_device
from agent.storage.state import StateStore

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
KEYS = [Ed25519PrivateKey.generate() for _ in range(3)]
PATH = "/endpoint/v1/policy"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    with closing(StateStore(tmp_path / "state.db", clock=lambda: NOW)) as opened:
        yield opened


def put(store: StateStore, state: DeviceState, *states: KeyState) -> FleetDevices:
    keys = tuple(
        DeviceKey(key.public_key().public_bytes_raw(), "d1", state, "t", NOW)
        for key, state in zip(KEYS, states, strict=False)
    )
    with store.act() as act:
        write_device(act.database, Device("d1", 1, state, "Office", None, "m1", {}, NOW, keys=keys))
    return FleetDevices(store)


def ask(devices: FleetDevices, key: Ed25519PrivateKey, *, name: str = "d1", path: str = PATH) -> Device:
    headers = {
        header.lower(): value
        for header, value in sign_request(key, name, method="GET", path=PATH, body=b"", created=1).items()
    }
    return devices.active_signer(headers, method="GET", path=path, body=b"")


@pytest.mark.parametrize(
    ("state", "key", "expected"),
    [
        (DeviceState.ACTIVE, KeyState.ACTIVE, None),
        (DeviceState.ACTIVE, KeyState.PENDING, "device-pending"),
        (DeviceState.ACTIVE, KeyState.ENDED, "bad-signature"),
        (DeviceState.PENDING, KeyState.PENDING, "device-pending"),
        (DeviceState.REFUSED, KeyState.ENDED, "device-refused"),
        (DeviceState.REVOKED, KeyState.ENDED, "device-revoked"),
    ],
    ids=str,
)
def test_who_may_tell_something(store: StateStore, state: DeviceState, key: KeyState, expected: str | None) -> None:
    devices = put(store, state, key)
    if expected is None:
        assert ask(devices, KEYS[0]).id == "d1"
        return
    with pytest.raises(RefusedDeviceError) as caught:
        ask(devices, KEYS[0])
    assert caught.value.kind == expected


def test_both_keys_of_a_laptop_are_known(store: StateStore) -> None:
    devices = put(store, DeviceState.ACTIVE, KeyState.ENDED, KeyState.PENDING, KeyState.ACTIVE)
    assert ask(devices, KEYS[2]).id == "d1"
    with pytest.raises(RefusedDeviceError, match="compared its code"):
        ask(devices, KEYS[1])


def test_nobody_else_signs_and_nothing_else_is_signed(store: StateStore) -> None:
    devices = put(store, DeviceState.ACTIVE, KeyState.ACTIVE)
    for key, name, path in ((KEYS[1], "d1", PATH), (KEYS[0], "d2", PATH), (KEYS[0], "d1", "/endpoint/v1/batches")):
        with pytest.raises(RefusedDeviceError) as caught:
            ask(devices, key, name=name, path=path)
        assert caught.value.status == 401
    with pytest.raises(RefusedDeviceError, match="header signature-input is missing"):
        devices.signer({}, method="GET", path=PATH, body=b"")


def test_what_has_changed_counts_once_it_is_read_again(store: StateStore) -> None:
    devices = put(store, DeviceState.ACTIVE, KeyState.ACTIVE)
    found = devices.get("d1")
    assert found is not None
    assert devices.all() == [found]
    with store.act() as act:
        write_device(act.database, replace(found, label="Library", keys=()))
    assert devices.get("d1") == found
    devices.refresh()
    changed = devices.get("d1")
    assert changed is not None
    assert changed.label == "Library"
