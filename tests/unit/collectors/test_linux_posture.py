"""The checks of Linux, on recorded trees and, as far as it goes, on the computer that runs this."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines_of_test import NOW, recorded

from collectors.linux_posture import (
    UserSession,
    antivirus,
    firewall,
    judge_rules,
    linux_looks,
    parse_clamav_header,
    password_policy,
    screen_lock,
    updates,
)
from collectors.machine import Machine, Output
from collectors.posture import Check, Finding, Posture, State
from collectors.volume import Crypt

# 2023-11-14 22:13:20 UTC.
CLAMAV = "ClamAV-VDB:{} 22-00 +0000:27812:2060000:90:0:0:builder:1700000000"
GNOME = UserSession("/home/staff", "ubuntu:GNOME")
KDE = UserSession("/home/staff", "KDE")


def summary(finding: Finding) -> tuple[str, dict[str, Any]]:
    return f"{finding.state}{' ' if finding.why else ''}{finding.why}", dict(finding.details)


@pytest.mark.parametrize(
    ("files", "programs", "expected"),
    [
        pytest.param({"/proc/1/comm": "systemd\n"}, {}, ("not_found", {}), id="none-that-is-known"),
        pytest.param(
            {"/proc/9/comm": "clamd\n", "/var/lib/clamav/daily.cld": CLAMAV.format("11 Nov 2023")},
            {},
            ("on", {"age_days": 3}),
            id="clamav-runs",
        ),
        pytest.param(
            {
                "/var/lib/clamav/daily.cvd": CLAMAV.format("01 Nov 2023"),
                "/var/lib/clamav/daily.cld": CLAMAV.format("13 Nov 2023"),
            },
            {},
            ("partly", {"age_days": 1}),
            id="clamav-only-when-it-is-asked-newest-counts",
        ),
        pytest.param({"/proc/9/comm": "falcon-sensor\n"}, {}, ("on", {}), id="another-product-of-unknown-age"),
        pytest.param(
            {"/proc/9/comm": "wdavdaemon\n"},
            {
                ("mdatp", "health", "--output", "json"): json.dumps(
                    {"realTimeProtectionEnabled": {"value": False}, "definitionsUpdated": (NOW - 200_000) * 1000}
                )
            },
            ("off", {"age_days": 2}),
            id="defender-switched-off",
        ),
        pytest.param({"/proc/9/comm": "wdavdaemon\n"}, {}, ("on", {}), id="defender-runs-and-does-not-say"),
    ],
)
def test_antivirus(
    files: dict[str, str], programs: dict[tuple[str, ...], str], expected: object, tmp_path: Path
) -> None:
    assert summary(antivirus(recorded(tmp_path, files, programs))) == expected


INPUT = {"chain": {"family": "inet", "table": "filter", "name": "input", "hook": "input", "policy": "accept"}}
DROPPING = {"chain": {"family": "inet", "table": "filter", "name": "input", "hook": "input", "policy": "drop"}}


def rule(*steps: dict[str, Any], chain: str = "input") -> dict[str, Any]:
    return {"rule": {"family": "inet", "table": "filter", "chain": chain, "expr": list(steps)}}


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([DROPPING], "on", id="drops-what-no-rule-lets-in"),
        pytest.param([INPUT, rule({"match": {}}, {"drop": None})], "on", id="a-rule-drops"),
        pytest.param([INPUT, rule({"reject": {}})], "on", id="a-rule-rejects"),
        pytest.param([INPUT, rule({"drop": None}, chain="forward")], "off", id="drops-elsewhere"),
        pytest.param([INPUT, rule({"jump": {"target": "ours"}})], "unknown not_understood", id="jumps-elsewhere"),
        pytest.param([], "off", id="no-rules"),
    ],
)
def test_rules_of_the_kernel(entries: list[Any], expected: str) -> None:
    assert summary(judge_rules(json.dumps({"nftables": entries})))[0] == expected


@pytest.mark.parametrize(
    ("files", "nft", "expected"),
    [
        pytest.param({"/etc/ufw/ufw.conf": "# x\nENABLED=yes\nLOGLEVEL=low\n"}, None, "on", id="ufw"),
        pytest.param({"/etc/ufw/ufw.conf": "ENABLED=no\n"}, None, "unknown needs_root", id="ufw-off-and-no-root"),
        pytest.param({"/proc/7/comm": "firewalld\n"}, None, "on", id="firewalld"),
        pytest.param({}, '{"nftables": []}', "off", id="nothing-at-all"),
        pytest.param({}, "Operation not permitted", "unknown not_understood", id="text-that-is-none"),
    ],
)
def test_firewalls(files: dict[str, str], nft: str | None, expected: str, tmp_path: Path) -> None:
    programs: dict[tuple[str, ...], str] = {} if nft is None else {("nft", "-j", "list", "ruleset"): nft}
    assert summary(firewall(recorded(tmp_path, files, programs)))[0] == expected


APT = "/etc/apt/apt.conf.d/"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({f"{APT}20auto": 'APT::Periodic::Unattended-Upgrade "1";\n'}, "on", id="debian-on"),
        pytest.param(
            {
                f"{APT}20auto": 'APT::Periodic::Unattended-Upgrade "1";\n',
                f"{APT}99off": 'APT::Periodic::Unattended-Upgrade "0";\n',
            },
            "off",
            id="debian-the-last-word-counts",
        ),
        pytest.param({f"{APT}01x": '// APT::Periodic::Unattended-Upgrade "1";\n'}, "off", id="debian-a-comment"),
        pytest.param(
            {
                "/etc/dnf/automatic.conf": "[commands]\napply_updates = yes\n",
                "/etc/systemd/system/timers.target.wants/dnf-automatic.timer": "",
            },
            "on",
            id="fedora-on",
        ),
        pytest.param({"/etc/dnf/automatic.conf": "apply_updates = yes\n"}, "off", id="fedora-without-a-timer"),
        pytest.param({}, "unknown no_known_package_system", id="another-system"),
    ],
)
def test_updates(files: dict[str, str], expected: str, tmp_path: Path) -> None:
    assert summary(updates(recorded(tmp_path, files)))[0] == expected


def test_updates_that_are_masked_and_how_old_they_are(tmp_path: Path) -> None:
    machine = recorded(
        tmp_path,
        {
            f"{APT}20auto": 'APT::Periodic::Unattended-Upgrade "1";\n',
            "/run/reboot-required": "",
            "/var/lib/apt/periodic/update-success-stamp": "",
        },
    )
    os.utime(tmp_path / "var/lib/apt/periodic/update-success-stamp", (NOW - 900_000, NOW - 900_000))
    assert summary(updates(machine)) == ("on", {"restart_due": True, "age_days": 10})
    folder = tmp_path / "etc/systemd/system"
    folder.mkdir(parents=True)
    (folder / "apt-daily-upgrade.timer").symlink_to("/dev/null")
    assert updates(machine).state is State.OFF


def gnome(enabled: str, idle: str, delay: str = "uint32 5") -> dict[tuple[str, ...], str]:
    saver, session = "org.gnome.desktop.screensaver", "org.gnome.desktop.session"
    return {
        ("gsettings", "get", saver, "lock-enabled"): f"{enabled}\n",
        ("gsettings", "get", saver, "lock-delay"): f"{delay}\n",
        ("gsettings", "get", session, "idle-delay"): f"{idle}\n",
    }


@pytest.mark.parametrize(
    ("session", "files", "programs", "expected"),
    [
        pytest.param(None, {}, gnome("true", "uint32 300"), ("unknown per_user", {}), id="a-service-cannot-know"),
        pytest.param(GNOME, {}, gnome("true", "uint32 300"), ("on", {"delay_seconds": 305}), id="gnome"),
        pytest.param(GNOME, {}, gnome("true", "uint32 0"), ("off", {}), id="gnome-never"),
        pytest.param(GNOME, {}, gnome("false", "uint32 300"), ("off", {}), id="gnome-off"),
        pytest.param(GNOME, {}, {}, ("unknown not_understood", {}), id="gnome-without-gsettings"),
        pytest.param(KDE, {}, {}, ("on", {"delay_seconds": 300}), id="kde-as-it-comes"),
        pytest.param(
            KDE,
            {"/home/staff/.config/kscreenlockerrc": "[Daemon]\nAutolock=false\nTimeout=10\n"},
            {},
            ("off", {}),
            id="kde-off",
        ),
        pytest.param(UserSession("/home/staff", "sway"), {}, {}, ("unknown no_known_desktop", {}), id="another"),
    ],
)
def test_screen_locks(
    session: UserSession | None,
    files: dict[str, str],
    programs: dict[tuple[str, ...], str],
    expected: object,
    tmp_path: Path,
) -> None:
    assert summary(screen_lock(recorded(tmp_path, files, programs), session)) == expected


UNIX = "password [success=1 default=ignore] pam_unix.so obscure yescrypt\n"
QUALITY = "password requisite pam_pwquality.so retry=3\n" + UNIX


@pytest.mark.parametrize(
    ("files", "state", "details"),
    [
        pytest.param({"/etc/pam.d/common-password": UNIX}, "partly", (6, None, False), id="the-least-of-the-system"),
        pytest.param(
            {
                "/etc/pam.d/common-password": QUALITY,
                "/etc/security/pwquality.conf": "# minlen = 20\nminlen = 12\n",
                "/etc/login.defs": "PASS_MAX_DAYS\t180\n",
                "/etc/pam.d/common-auth": "auth required pam_faillock.so preauth\n",
            },
            "on",
            (12, 180, True),
            id="a-rule-of-its-own",
        ),
        pytest.param(
            {"/etc/pam.d/system-auth": "password requisite pam_pwquality.so minlen=14\n", "/etc/login.defs": "x"},
            "on",
            (14, None, False),
            id="in-the-line-itself",
        ),
    ],
)
def test_password_policies(files: dict[str, str], state: str, details: tuple[object, ...], tmp_path: Path) -> None:
    expected = dict(zip(("min_length", "max_age_days", "lockout"), details, strict=True))
    assert summary(password_policy(recorded(tmp_path, files))) == (state, expected)


def test_a_policy_that_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    assert summary(password_policy(recorded(tmp_path)))[0] == "unknown not_readable"


def test_all_checks_of_a_recorded_computer(tmp_path: Path) -> None:
    looks = linux_looks(recorded(tmp_path), disks=lambda: (Crypt.PLAIN, ()))
    told = {each.key: each.facts["state"] for each in Posture(looks).look()}
    assert told == {
        "disk_encryption": "off",
        "antivirus": "not_found",
        "firewall": "unknown",
        "updates": "unknown",
        "screen_lock": "unknown",
        "password_policy": "unknown",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="reads this computer, which is to be a Linux")
def test_this_computer_can_be_checked() -> None:
    told = Posture(linux_looks(Machine())).look()
    assert {each.key for each in told} == set(Check)
    assert not [each.facts for each in told if "Error" in str(each.facts["why"])]


@given(st.binary(max_size=200))
def test_no_header_is_an_error(octets: bytes) -> None:
    parse_clamav_header(octets)
    parse_clamav_header(b"ClamAV-VDB:" + octets)


@pytest.mark.parametrize("text", ["99 Nov 2023", "11 Foo 2023", "31 Feb 2023"])
def test_a_date_that_is_none(text: str) -> None:
    assert parse_clamav_header(CLAMAV.format(text).encode()) is None


WORDS = ["chain", "rule", "expr", "hook", "nftables", "table", "input", "value"]
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@given(JSONS, st.text(max_size=50))
def test_no_rules_are_an_error(entries: Any, text: str) -> None:
    judge_rules(json.dumps({"nftables": entries}))
    judge_rules(json.dumps({"nftables": [entries]}))
    judge_rules(text)


@settings(max_examples=25, deadline=None)
@given(text=st.text(max_size=120), code=st.sampled_from([0, 1, None]))
def test_no_file_and_no_answer_is_an_error(
    text: str, code: int | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("machine", numbered=True)
    places = ["/etc/pam.d/common-password", "/etc/security/pwquality.conf", "/etc/login.defs", f"{APT}20auto"]
    places += ["/etc/ufw/ufw.conf", "/home/staff/.config/kscreenlockerrc", "/var/lib/clamav/daily.cvd"]
    files = dict.fromkeys(places, text) | {"/proc/9/comm": "wdavdaemon"}
    recorded(folder, files)
    machine = Machine(folder, programs=lambda _command, _seconds: Output(code, text.encode("utf-8", "replace")))
    for session in (GNOME, KDE):
        for look in linux_looks(machine, session=session).values():
            look()
