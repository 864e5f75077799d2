"""The checks of Windows, on a recorded Security Center and registry whose values are made up."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines_of_test import RecordedWindows

from collectors.machine import Machine
from collectors.posture import Check, Posture, State
from collectors.volume import Crypt
from collectors.windows_posture import (
    ANTIVIRUS,
    AUTO_UPDATE,
    FIREWALL,
    antivirus,
    firewall,
    parse_filetime,
    password_policy,
    screen_lock,
    updates,
    windows_looks,
)
from collectors.windows_settings import Value

NOW = 1_700_000_000.0
POLICY = r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
DEFENDER = r"HKLM\SOFTWARE\Microsoft\Windows Defender\Signature Updates"
WINDOWS_UPDATE = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired"
RULES = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
DESKTOP = r"HKCU\Control Panel\Desktop"
DESKTOP_POLICY = r"HKCU\Software\Policies\Microsoft\Windows\Control Panel\Desktop"
RUNNING = {rf"{SERVICES}\wuauserv\Start": 3, rf"{SERVICES}\UsoSvc\Start": 2}
PROFILES = ("DomainProfile", "PublicProfile", "StandardProfile")


def filetime(seconds: float) -> bytes:
    return struct.pack("<Q", int((seconds + 11_644_473_600) * 1e7))


@pytest.mark.parametrize(
    ("health", "state"),
    [
        (0, State.ON),
        (1, State.UNKNOWN),
        (2, State.OFF),
        (3, State.SUSPENDED),
        (9, State.UNKNOWN),
        (None, State.UNKNOWN),
    ],
)
def test_what_the_security_center_says_of_antivirus(health: int | None, state: State) -> None:
    windows = RecordedWindows({}, {} if health is None else {ANTIVIRUS: health})
    assert antivirus(windows, NOW).state is state


def test_how_old_the_signatures_of_defender_are() -> None:
    registry: dict[str, Value] = {
        rf"{DEFENDER}\AVSignatureApplied": filetime(NOW - 5.5 * 86_400),
        rf"{DEFENDER}\AVSignatureVersion": "1.401.12.0",
    }
    finding = antivirus(RecordedWindows(registry, {ANTIVIRUS: 0}), NOW)
    assert finding.details == {"defender_age_days": 5}
    assert [each.value for each in finding.evidence] == ["good", "1.401.12.0"]


@pytest.mark.parametrize(
    ("health", "profiles", "state"),
    [
        pytest.param({FIREWALL: 0}, (0, 0, 0), State.ON, id="another-product-is-on"),
        pytest.param({FIREWALL: 2}, (1, 0, 1), State.OFF, id="poor"),
        pytest.param({}, (1, 1, 1), State.ON, id="server-all-on"),
        pytest.param({}, (1, 0, 1), State.PARTLY, id="server-public-off"),
        pytest.param({}, (0, 0, 0), State.OFF, id="server-all-off"),
        pytest.param({}, (1, None, 1), State.UNKNOWN, id="server-that-does-not-say"),
    ],
)
def test_firewalls(health: dict[int, int], profiles: tuple[int | None, ...], state: State) -> None:
    values: dict[str, Value] = {
        rf"{POLICY}\{name}\EnableFirewall": value for name, value in zip(PROFILES, profiles, strict=True)
    }
    assert firewall(RecordedWindows(values, health)).state is state


@pytest.mark.parametrize(
    ("registry", "health", "state", "restart"),
    [
        pytest.param(RUNNING, {AUTO_UPDATE: 0}, State.ON, False, id="on"),
        pytest.param(
            RUNNING | {rf"{SERVICES}\wuauserv\Start": 4}, {AUTO_UPDATE: 0}, State.OFF, False, id="good-and-disabled"
        ),
        pytest.param(
            RUNNING | {r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU\NoAutoUpdate": 1},
            {AUTO_UPDATE: 0},
            State.OFF,
            False,
            id="refused-by-policy",
        ),
        pytest.param(RUNNING | {rf"{WINDOWS_UPDATE}\x": 1}, {AUTO_UPDATE: 0}, State.ON, True, id="restart-due"),
        pytest.param(RUNNING, {}, State.UNKNOWN, None, id="no-security-center"),
    ],
)
def test_updates(registry: dict[str, Value], health: dict[int, int], state: State, restart: bool | None) -> None:
    finding = updates(RecordedWindows(registry, health))
    assert (finding.state, finding.details.get("restart_due")) == (state, restart)


def saver(active: Value, secure: Value, seconds: Value, key: str = DESKTOP) -> dict[str, Value]:
    return {
        rf"{key}\ScreenSaveActive": active,
        rf"{key}\ScreenSaverIsSecure": secure,
        rf"{key}\ScreenSaveTimeOut": seconds,
    }


@pytest.mark.parametrize(
    ("registry", "in_session", "state", "delay"),
    [
        pytest.param({rf"{RULES}\InactivityTimeoutSecs": 900}, False, State.ON, 900, id="a-rule-for-the-computer"),
        pytest.param(saver("1", "1", "600"), False, State.UNKNOWN, None, id="a-service-cannot-know"),
        pytest.param(saver("1", "1", "600"), True, State.ON, 600, id="own-setting"),
        pytest.param(saver("1", "0", "600"), True, State.OFF, None, id="dark-and-not-locked"),
        pytest.param(
            saver("0", "0", "0") | saver("1", "1", "300", DESKTOP_POLICY), True, State.ON, 300, id="policy-goes-first"
        ),
        pytest.param({}, True, State.OFF, None, id="nothing-set"),
    ],
)
def test_screen_locks(registry: dict[str, Value], in_session: bool, state: State, delay: int | None) -> None:
    finding = screen_lock(RecordedWindows(registry), in_session=in_session)
    assert (finding.state, finding.details.get("delay_seconds")) == (state, delay)


@pytest.mark.parametrize(
    ("rules", "state", "details"),
    [
        pytest.param(
            (10, 90 * 86_400, 5), State.ON, {"min_length": 10, "max_age_days": 90, "lockout": True}, id="strict"
        ),
        pytest.param(
            (0, 0xFFFFFFFF, 0), State.OFF, {"min_length": 0, "max_age_days": None, "lockout": False}, id="none"
        ),
        pytest.param(None, State.UNKNOWN, {}, id="not-told"),
    ],
)
def test_password_policies(rules: tuple[int, int, int] | None, state: State, details: dict[str, Any]) -> None:
    finding = password_policy(RecordedWindows(rules=rules))
    assert (finding.state, finding.details) == (state, details)


def test_all_checks() -> None:
    looks = windows_looks(Machine(), RecordedWindows(health={ANTIVIRUS: 0}), disks=lambda: (Crypt.SUSPENDED, ()))
    told = {each.key: each.facts["state"] for each in Posture(looks).look()}
    assert set(told) == set(Check)
    assert told["disk_encryption"] == "suspended"


VALUES = st.none() | st.integers(-(2**70), 2**70) | st.text(max_size=12) | st.binary(max_size=10)


class Anything(RecordedWindows):
    """Says the same whatever it is asked."""

    def __init__(self, value: Value, health: int | None) -> None:
        super().__init__()
        self.value, self.said = value, health

    def registry(self, *_asked: str) -> Value:
        return self.value

    def security_health(self, _provider: int) -> int | None:
        return self.said


@given(VALUES, st.none() | st.integers(-5, 9))
def test_no_value_is_an_error(value: Value, health: int | None) -> None:
    parse_filetime(value)
    for look in windows_looks(Machine(), Anything(value, health), in_session=True).values():
        look()
