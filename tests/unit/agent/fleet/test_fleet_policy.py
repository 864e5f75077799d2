"""The policy of laptops: signed, published when something changes, with a version that only rises."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.endpoint.endpoint_policy import EndpointPolicy, decode_policy
from agent.fleet.fleet_policy import LASTS, RENEWED_BEFORE, FleetPolicy
from agent.sites.site import EndpointSettings
from agent.storage.state import StateStore

KEY = Ed25519PrivateKey.generate()


class School:
    def __init__(self, folder: Path) -> None:
        self.now = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
        self.settings = EndpointSettings()
        self.store = StateStore(folder / "state.db", clock=lambda: self.now)

    def policy(self) -> FleetPolicy:
        return FleetPolicy(self.store, lambda: self.settings, key=lambda: KEY)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    made = School(tmp_path)
    with closing(made.store):
        yield made


def read(policy: FleetPolicy) -> EndpointPolicy:
    return decode_policy(policy.signed(), KEY.public_key())


def test_every_setting_is_one_that_laptops_know(school: School) -> None:
    school.settings = EndpointSettings(
        vpn=("School VPN",),
        resolvers=("192.0.2.53",),
        file_names="kept",
        file_names_reason="The inspector asked.",
        heartbeat_seconds=120,
        posture_seconds=600,
        grace_seconds=60,
        hardware_encrypted=("0951:177f",),
        register_url="https://it.school.example/media",
        aup_version="2026-09",
        closed=("malware",),
    )
    found = read(school.policy())
    assert found.warnings == ()
    assert (found.settings.vpn, found.settings.resolvers) == (("School VPN",), ("192.0.2.53",))
    assert (found.settings.file_names_reason, found.settings.heartbeat_seconds) == ("The inspector asked.", 120)
    assert (found.settings.hardware_encrypted, found.settings.aup_version) == (("0951:177f",), "2026-09")
    assert (found.settings.register_url, found.settings.closed) == ("https://it.school.example/media", ("malware",))
    assert found.settings.file_names != read_default().settings.file_names


def read_default() -> EndpointPolicy:
    return EndpointPolicy()


def test_nothing_is_published_twice(school: School) -> None:
    policy = school.policy()
    for _ in range(3):
        policy.look()
    again = school.policy()
    assert again.signed() == policy.signed()
    assert (policy.version, again.version) == (1, 1)


def test_a_change_rises_also_when_it_is_changed_back(school: School) -> None:
    policy = school.policy()
    policy.look()
    for expected, heartbeat in ((2, 120), (3, 300)):
        school.settings = EndpointSettings(heartbeat_seconds=heartbeat)
        policy.look()
        assert (policy.version, read(policy).settings.heartbeat_seconds) == (expected, heartbeat)


def test_a_policy_is_renewed_long_before_it_ends(school: School) -> None:
    policy = school.policy()
    policy.look()
    assert read(policy).expires == int((school.now + LASTS).timestamp())
    school.now += LASTS - RENEWED_BEFORE
    policy.look()
    assert policy.version == 1
    school.now += timedelta(seconds=1)
    policy.look()
    assert policy.version == 2
