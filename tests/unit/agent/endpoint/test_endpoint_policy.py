import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.endpoint.endpoint_policy import (
    BadPolicyError,
    EndpointPolicy,
    PolicySettings,
    PolicyStore,
    decode_policy,
)
from agent.endpoint.message_signatures import sign_values

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
NOW = 1_763_713_531.0

trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = [*sorted(PolicySettings.__dataclass_fields__), "version", "expires", "v", "run", "command"]


def policy(version: int = 1, *, expires: int = 0, key: Ed25519PrivateKey = KEY, **written: Any) -> bytes:
    return json.dumps(sign_values(key, {"v": 1, "version": version, "expires": expires, **written})).encode()


def read(**written: Any) -> EndpointPolicy:
    return decode_policy(policy(**written), KEY.public_key())


def test_what_is_written_is_in_force() -> None:
    found = read(
        vpn=["School VPN"],
        resolvers=["192.0.2.1", "2001:DB8::1"],
        file_names="kept",
        file_names_reason="agreed with the governors",
        heartbeat_seconds=60,
        posture_seconds=600,
        grace_seconds=0,
        hardware_encrypted=["18a5:0250"],
        register_url="https://school.example/media",
        aup_version="2026-09",
        closed=["malware"],
        issued=7,
    )
    assert found.settings == PolicySettings(
        ("School VPN",),
        ("192.0.2.1", "2001:db8::1"),
        "kept",
        "agreed with the governors",
        60,
        600,
        0,
        ("18a5:0250",),
        "https://school.example/media",
        "2026-09",
        ("malware",),
    )
    assert found.warnings == ()


@pytest.mark.parametrize("name", ["run", "command", "exec", "update_url", "query"])
def test_there_is_no_setting_that_runs_anything(name: str) -> None:
    found = read(**{name: "rm -rf /"})
    assert found.settings == PolicySettings()
    assert found.warnings == (f"The setting {name!r} is not known to this agent and is ignored.",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vpn", "one"),
        ("vpn", [7]),
        ("vpn", ["a"] * 501),
        ("vpn", ["a\n"]),
        ("resolvers", ["dns.example"]),
        ("file_names", "all"),
        ("file_names", None),
        ("heartbeat_seconds", 1),
        ("heartbeat_seconds", True),
        ("heartbeat_seconds", "60"),
        ("grace_seconds", 10**9),
        ("register_url", "javascript:alert(1)"),
        ("aup_version", "x" * 301),
        ("closed", "malware"),
    ],
)
def test_a_value_in_another_form_is_ignored_with_a_warning(name: str, value: object) -> None:
    found = read(**{name: value}, posture_seconds=601)
    assert found.settings == PolicySettings(posture_seconds=601)
    assert len(found.warnings) == 1
    assert name in found.warnings[0]


def test_names_of_files_stay_hashed_without_a_reason() -> None:
    found = read(file_names="kept")
    assert found.settings.file_names == "hashed"
    assert "reason" in found.warnings[0]


def test_the_permission_to_keep_names_ends_with_the_policy() -> None:
    found = read(file_names="kept", file_names_reason="agreed", expires=int(NOW) + 10, posture_seconds=601)
    assert found.settings_at(NOW).file_names == "kept"
    assert found.settings_at(NOW + 20).file_names == "hashed"
    assert found.settings_at(NOW + 20).posture_seconds == 601
    assert found.is_expired(NOW + 20)


@pytest.mark.parametrize(
    "change", [{"version": 0}, {"version": "1"}, {"version": True}, {"expires": -1}, {"expires": None}], ids=str
)
def test_a_policy_without_version_or_end_is_none(change: dict[str, Any]) -> None:
    with pytest.raises(BadPolicyError):
        decode_policy(json.dumps(sign_values(KEY, {"version": 1, "expires": 0, **change})).encode(), KEY.public_key())


def test_a_policy_by_another_key_is_refused() -> None:
    with pytest.raises(BadPolicyError, match="signature"):
        decode_policy(policy(key=OTHER), KEY.public_key())


@given(st.dictionaries(st.sampled_from(NAMES), trees))
@settings(deadline=None)
def test_no_signed_policy_does_worse_than_being_refused(values: dict[str, Any]) -> None:
    octets = json.dumps(sign_values(KEY, {"version": 1, "expires": 0, **values})).encode()
    try:
        found = decode_policy(octets, KEY.public_key())
    except BadPolicyError:
        return
    assert found.version >= 1
    assert 30 <= found.settings.heartbeat_seconds <= 3600
    assert found.settings.file_names == "hashed" or found.settings.file_names_reason


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_no_octets_do_worse_than_being_refused(octets: bytes) -> None:
    with pytest.raises(BadPolicyError):
        decode_policy(octets, KEY.public_key())


def test_the_version_only_rises(tmp_path: Path) -> None:
    store = PolicyStore(tmp_path, KEY.public_key())
    assert store.policy == EndpointPolicy()
    store.take(policy(5, posture_seconds=601), NOW)
    for version in (1, 5):
        with pytest.raises(BadPolicyError, match="more than 5"):
            store.take(policy(version), NOW)
    assert store.policy.settings.posture_seconds == 601
    assert store.take(policy(6), NOW).version == 6


def test_a_policy_outlives_a_restart_and_a_bad_successor(tmp_path: Path) -> None:
    PolicyStore(tmp_path, KEY.public_key()).take(policy(5, posture_seconds=601), NOW)
    store = PolicyStore(tmp_path, KEY.public_key())
    for bad in (policy(9, key=OTHER), b"", policy(9, expires=int(NOW) - 1)):
        with pytest.raises(BadPolicyError):
            store.take(bad, NOW)
    assert store.policy.version == 5
    assert PolicyStore(tmp_path, KEY.public_key()).policy == store.policy
    assert (tmp_path / "policy.json").stat().st_mode & 0o777 == 0o600


def test_a_policy_stays_in_force_after_its_end(tmp_path: Path) -> None:
    PolicyStore(tmp_path, KEY.public_key()).take(policy(5, expires=int(NOW) + 1, posture_seconds=601), NOW)
    store = PolicyStore(tmp_path, KEY.public_key())
    assert store.policy.settings_at(NOW + 1e7).posture_seconds == 601


@pytest.mark.parametrize(
    "octets", [b"", b"{}", b"\xff", policy(3, key=OTHER)], ids=["empty", "object", "octets", "other-key"]
)
def test_a_damaged_file_means_no_policy_and_is_told(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "policy.json").write_bytes(octets)
    store = PolicyStore(tmp_path, KEY.public_key())
    assert store.policy == EndpointPolicy()
    assert "cannot be used" in store.fault
    store.take(policy(3), NOW)
    assert store.fault == ""
