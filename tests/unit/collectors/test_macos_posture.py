"""The checks of macOS, on recorded answers of its programs and property lists whose values are made up."""

import os
import plistlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines_of_test import NOW, recorded

from collectors.machine import Machine, Output
from collectors.macos_posture import (
    filevault,
    firewall,
    macos_looks,
    parse_plist,
    password_policy,
    screen_lock,
    updates,
    xprotect,
)
from collectors.posture import Check, Finding, Posture

SOCKETFILTER = ("/usr/libexec/ApplicationFirewall/socketfilterfw", "--getglobalstate")
FDESETUP = ("/usr/bin/fdesetup", "status")
SCREEN = ("/usr/sbin/sysadminctl", "-screenLock", "status")
PWPOLICY = ("/usr/bin/pwpolicy", "-getaccountpolicies")
XPROTECT = "/Library/Apple/System/Library/CoreServices/XProtect.bundle/Contents/Info.plist"
OWN_UPDATES = "/Library/Preferences/com.apple.SoftwareUpdate.plist"
MANAGED_UPDATES = "/Library/Managed Preferences/com.apple.SoftwareUpdate.plist"


def summary(finding: Finding) -> str:
    return f"{finding.state}{' ' if finding.why else ''}{finding.why}"


def xml(value: dict[str, Any]) -> str:
    return plistlib.dumps(value).decode()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param("FileVault is On.\n", "on", id="on"),
        pytest.param("FileVault is Off.\n", "off", id="off-though-the-chip-encrypts"),
        pytest.param("FileVault is On.\nEncryption in progress: Percent completed = 40\n", "partly", id="converting"),
        pytest.param("FileVault est active.\n", "unknown not_told", id="other-words"),
        pytest.param(Output(1, b"FileVault is On."), "unknown not_told", id="failed"),
    ],
)
def test_disks(said: Output | str, expected: str, tmp_path: Path) -> None:
    assert summary(filevault(recorded(tmp_path, {}, {FDESETUP: said}))) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param("Firewall is enabled. (State = 1)\n", "on", id="on"),
        pytest.param("Firewall is enabled. (State = 2)\n", "on", id="blocks-everything"),
        pytest.param("Firewall is disabled. (State = 0)\n", "off", id="off"),
        pytest.param("Firewall settings are managed\n", "unknown not_told", id="other-words"),
    ],
)
def test_firewalls(said: str, expected: str, tmp_path: Path) -> None:
    assert summary(firewall(recorded(tmp_path, {}, {SOCKETFILTER: said}))) == expected


def test_xprotect_has_an_age(tmp_path: Path) -> None:
    machine = recorded(tmp_path, {XPROTECT: xml({"CFBundleShortVersionString": "5301"})})
    os.utime(tmp_path / XPROTECT.lstrip("/"), (NOW - 300_000, NOW - 300_000))
    finding = xprotect(machine)
    assert (summary(finding), finding.details) == ("on", {"age_days": 3})
    assert summary(xprotect(recorded(tmp_path / "other"))) == "unknown not_readable"


@pytest.mark.parametrize(
    ("own", "managed", "expected"),
    [
        pytest.param({"LastSuccessfulDate": "x"}, None, "on", id="as-it-comes"),
        pytest.param({"CriticalUpdateInstall": False}, None, "partly", id="critical-ones-not-put-in"),
        pytest.param({"AutomaticCheckEnabled": False}, None, "off", id="not-looked-for"),
        pytest.param(
            {"AutomaticCheckEnabled": False}, {"AutomaticCheckEnabled": True}, "on", id="managed-goes-first"
        ),
        pytest.param({"AutomaticDownload": "No"}, None, "unknown not_understood", id="not-a-boolean"),
        pytest.param(None, None, "unknown not_readable", id="nothing"),
    ],
)
def test_updates(own: dict[str, Any] | None, managed: dict[str, Any] | None, expected: str, tmp_path: Path) -> None:
    files = {OWN_UPDATES: own, MANAGED_UPDATES: managed}
    machine = recorded(tmp_path, {place: xml(value) for place, value in files.items() if value is not None})
    assert summary(updates(machine)) == expected


@pytest.mark.parametrize(
    ("said", "in_session", "expected", "delay"),
    [
        pytest.param("screenLock delay is 300 seconds", True, "on", 300, id="after-five-minutes"),
        pytest.param("screenLock delay is immediate", True, "on", 0, id="at-once"),
        pytest.param("screenLock is off", True, "off", None, id="off"),
        pytest.param("", True, "unknown not_told", None, id="silent"),
        pytest.param("screenLock is off", False, "unknown per_user", None, id="a-service-cannot-know"),
    ],
)
def test_screen_locks(said: str, in_session: bool, expected: str, delay: int | None, tmp_path: Path) -> None:
    err = f"2026-11-21 09:00:00.123 sysadminctl[512:4711] {said}\n".encode()
    finding = screen_lock(recorded(tmp_path, {}, {SCREEN: Output(0, b"", err)}), in_session=in_session)
    assert (summary(finding), finding.details.get("delay_seconds")) == (expected, delay)


def policies(*contents: str) -> str:
    return "Getting global account policies\n" + xml(
        {"policyCategoryPasswordContent": [{"policyContent": each} for each in contents]}
    )


@pytest.mark.parametrize(
    ("said", "expected", "length"),
    [
        pytest.param(policies("policyAttributePassword matches '.{12,}+'"), "on", 12, id="length"),
        pytest.param(
            policies("policyAttributePassword matches '(.*[A-Z].*){1,}+'", "matches '.{4,}'"), "on", 4, id="of"
        ),
        pytest.param(policies("policyAttributeMaximumFailedAuthentications < 5"), "partly", None, id="lockout-alone"),
        pytest.param("Getting global account policies\n", "off", None, id="none"),
        pytest.param("<?xml version='1.0'?><broken", "unknown not_understood", None, id="broken"),
    ],
)
def test_password_policies(said: str, expected: str, length: int | None, tmp_path: Path) -> None:
    finding = password_policy(recorded(tmp_path, {}, {PWPOLICY: said}))
    assert (summary(finding), finding.details.get("min_length")) == (expected, length)


def test_all_checks_of_a_computer_that_says_nothing(tmp_path: Path) -> None:
    told = {each.key: each.facts["state"] for each in Posture(macos_looks(recorded(tmp_path))).look()}
    assert told == dict.fromkeys(Check, "unknown")


@given(st.binary(max_size=200))
def test_no_octets_are_an_error(octets: bytes) -> None:
    parse_plist(octets)
    parse_plist(b"bplist00" + octets)
    parse_plist(b'<?xml version="1.0"?><plist version="1.0"><dict>' + octets + b"</dict></plist>")


@settings(max_examples=25, deadline=None)
@given(octets=st.binary(max_size=120), code=st.sampled_from([0, 1, None]))
def test_no_answer_is_an_error(octets: bytes, code: int | None, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("mac", numbered=True)
    machine = Machine(folder, programs=lambda _command, _seconds: Output(code, octets, octets), platform="darwin")
    for place in (XPROTECT, OWN_UPDATES):
        path = machine.path(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(octets)
    for look in macos_looks(machine, in_session=True).values():
        look()
