"""How macOS protects itself: by programs of its own whose few words are known, and by its property lists."""

import plistlib
import re
from collections.abc import Mapping
from typing import Any, Final
from xml.parsers.expat import ExpatError

from collectors.machine import Machine
from collectors.observed import JSON
from collectors.posture import (
    Check,
    DiskEncryption,
    Finding,
    Look,
    State,
    age_in_days,
    bounded,
    disk_encryption,
    unknown,
)
from collectors.volume import Evidence

_SECONDS: Final = 10.0
_FIREWALL: Final = "/usr/libexec/ApplicationFirewall/socketfilterfw"
_XPROTECT: Final = (
    "/private/var/protected/xprotect/XProtect.bundle/Contents/Info.plist",
    "/Library/Apple/System/Library/CoreServices/XProtect.bundle/Contents/Info.plist",
)
# What MDM has set comes before what the computer's owner has.
_UPDATES: Final = (
    "/Library/Managed Preferences/com.apple.SoftwareUpdate.plist",
    "/Library/Preferences/com.apple.SoftwareUpdate.plist",
)
_UPDATE_KEYS: Final = ("AutomaticCheckEnabled", "AutomaticDownload", "CriticalUpdateInstall")
_PLIST_BYTES: Final = 1 << 20


def macos_looks(
    machine: Machine, *, disks: DiskEncryption | None = None, in_session: bool = False
) -> Mapping[Check, Look]:
    """Give the checks of macOS.

    Args:
        disks: says what diskutil says of the disk; without it fdesetup is asked.
        in_session: whether this runs as the person at the screen.
    """
    return {
        Check.DISK_ENCRYPTION: lambda: disk_encryption(disks) if disks is not None else filevault(machine),
        Check.ANTIVIRUS: lambda: xprotect(machine),
        Check.FIREWALL: lambda: firewall(machine),
        Check.UPDATES: lambda: updates(machine),
        Check.SCREEN_LOCK: lambda: screen_lock(machine, in_session=in_session),
        Check.PASSWORD_POLICY: lambda: password_policy(machine),
    }


def filevault(machine: Machine) -> Finding:
    """Say whether FileVault is on: what a T2 or Apple chip encrypts without it opens without a password."""
    said = machine.run(("/usr/bin/fdesetup", "status"), _SECONDS)
    first = said.text.strip().partition("\n")[0]
    evidence = (Evidence("fdesetup", bounded(first)),)
    states = {"FileVault is On.": State.ON, "FileVault is Off.": State.OFF}
    state = states.get(first)
    if state is None or not said.is_good:
        return unknown(Check.DISK_ENCRYPTION, "not_told", *evidence)
    if "in progress" in said.text:
        state = State.PARTLY
    return Finding(Check.DISK_ENCRYPTION, state, evidence)


def xprotect(machine: Machine) -> Finding:
    """Say which XProtect there is and how old: it is part of macOS and cannot be switched off."""
    for place in _XPROTECT:
        version = read_plist(machine, place).get("CFBundleShortVersionString")
        if not isinstance(version, str):
            continue
        written_at = machine.path(place).stat().st_mtime
        details: dict[str, JSON] = {"age_days": age_in_days(written_at, machine.wall())}
        return Finding(Check.ANTIVIRUS, State.ON, (Evidence("xprotect.version", bounded(version)),), details=details)
    return unknown(Check.ANTIVIRUS, "not_readable")


def firewall(machine: Machine) -> Finding:
    """Say whether the firewall is on; its old property list is gone since macOS 15."""
    said = machine.run((_FIREWALL, "--getglobalstate"), _SECONDS)
    text = said.text.strip()
    evidence = (Evidence("socketfilterfw", bounded(text)),)
    found = re.search(r"\(State = ([012])\)", text)
    if not said.is_good or found is None:
        return unknown(Check.FIREWALL, "not_told", *evidence)
    return Finding(Check.FIREWALL, State.OFF if found[1] == "0" else State.ON, evidence)


def updates(machine: Machine) -> Finding:
    """Say whether updates are looked for, fetched, and put in where they are critical, by themselves."""
    settings: dict[str, Any] = {}
    for place in reversed(_UPDATES):
        settings |= read_plist(machine, place)
    if not settings:
        return unknown(Check.UPDATES, "not_readable")
    # A key that is not there is as macOS comes: on.
    values = {key: settings.get(key) for key in _UPDATE_KEYS}
    evidence = tuple(Evidence(f"SoftwareUpdate.{key}", str(value)) for key, value in values.items())
    off = [value for value in values.values() if value is False]
    is_odd = any(value is not None and not isinstance(value, bool) for value in values.values())
    if is_odd:
        return unknown(Check.UPDATES, "not_understood", *evidence)
    state = State.ON if not off else State.OFF if values["AutomaticCheckEnabled"] is False else State.PARTLY
    return Finding(Check.UPDATES, state, evidence)


def screen_lock(machine: Machine, *, in_session: bool) -> Finding:
    """Say whether a password is asked for once the screen is dark, and how soon."""
    if not in_session:
        return unknown(Check.SCREEN_LOCK, "per_user")
    said = machine.run(("/usr/sbin/sysadminctl", "-screenLock", "status"), _SECONDS)
    # It writes where errors go, behind the time and its own name.
    text = f"{said.text}\n{said.err.decode('utf-8', 'replace')}"
    if "screenLock is off" in text:
        return Finding(Check.SCREEN_LOCK, State.OFF, (Evidence("sysadminctl", "screenLock is off"),))
    if "screenLock delay is immediate" in text:
        evidence = (Evidence("sysadminctl", "screenLock delay is immediate"),)
        return Finding(Check.SCREEN_LOCK, State.ON, evidence, details={"delay_seconds": 0})
    found = re.search(r"screenLock delay is ([0-9]{1,9}) seconds", text)
    if found is None:
        return unknown(Check.SCREEN_LOCK, "not_told")
    return Finding(
        Check.SCREEN_LOCK, State.ON, (Evidence("sysadminctl", found[0]),), details={"delay_seconds": int(found[1])}
    )


def password_policy(machine: Machine) -> Finding:
    """Say what the account policies demand of a new password."""
    said = machine.run(("/usr/bin/pwpolicy", "-getaccountpolicies"), _SECONDS)
    if not said.is_good:
        return unknown(Check.PASSWORD_POLICY, "not_told")
    start = said.out.find(b"<?xml")
    if start < 0:
        return Finding(Check.PASSWORD_POLICY, State.OFF, (Evidence("pwpolicy", "no policies"),))
    policies = parse_plist(said.out[start:])
    contents = [
        entry["policyContent"]
        for entries in policies.values()
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and isinstance(entry.get("policyContent"), str)
    ]
    if not contents:
        return unknown(Check.PASSWORD_POLICY, "not_understood")
    lengths = [int(number) for text in contents for number in re.findall(r"\{([0-9]{1,3}),[0-9]*\}", text)]
    details: dict[str, JSON] = {
        "min_length": max(lengths, default=None),
        "lockout": any("policyAttributeMaximumFailedAuthentications" in text for text in contents),
    }
    evidence = (Evidence("pwpolicy", f"{len(contents)} policies"),)
    return Finding(Check.PASSWORD_POLICY, State.ON if lengths else State.PARTLY, evidence, details=details)


def read_plist(machine: Machine, place: str) -> dict[str, Any]:
    """Read a property list; empty where it is not there or is none."""
    try:
        with machine.path(place).open("rb") as file:
            return parse_plist(file.read(_PLIST_BYTES))
    except OSError:
        return {}


def parse_plist(octets: bytes) -> dict[str, Any]:
    """Read a property list of either form; empty where it is none."""
    try:
        value = plistlib.loads(octets)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, ExpatError):
        return {}
    return value if isinstance(value, dict) else {}
