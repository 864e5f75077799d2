"""How Windows protects itself, by what an ordinary account may ask: the Security Center and the registry.

No command is started, because what commands say is translated; and no PowerShell, which protection programs dislike.
"""

import struct
from collections.abc import Mapping
from typing import Final

from collectors.machine import Machine
from collectors.observed import JSON
from collectors.posture import (
    Check,
    DiskEncryption,
    Finding,
    Look,
    State,
    age_in_days,
    disk_encryption,
    unknown,
)
from collectors.volume import Evidence
from collectors.windows_settings import Value, WindowsSettings

# Source: wscapi.h, WSC_SECURITY_PROVIDER and WSC_SECURITY_PROVIDER_HEALTH.
FIREWALL: Final = 1
AUTO_UPDATE: Final = 2
ANTIVIRUS: Final = 4
_HEALTHS: Final[Mapping[int, tuple[str, State]]] = {
    0: ("good", State.ON),
    1: ("not monitored", State.UNKNOWN),
    2: ("poor", State.OFF),
    3: ("snoozed", State.SUSPENDED),
}
_DISABLED: Final = 4
_FOREVER: Final = 0xFFFFFFFF
# A FILETIME counts tenths of microseconds since 1601.
_FILETIME_EPOCH: Final = 11_644_473_600
_PROFILES: Final = ("DomainProfile", "PublicProfile", "StandardProfile")
_FIREWALL_POLICY: Final = r"SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
_DEFENDER: Final = r"SOFTWARE\Microsoft\Windows Defender\Signature Updates"
_UPDATE_POLICY: Final = r"SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU"
_RESTART_DUE: Final = r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired"
_SERVICES: Final = r"SYSTEM\CurrentControlSet\Services"
_SYSTEM_POLICY: Final = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
_DESKTOP_POLICY: Final = r"Software\Policies\Microsoft\Windows\Control Panel\Desktop"
_DESKTOP: Final = r"Control Panel\Desktop"


def windows_looks(
    machine: Machine, windows: WindowsSettings, *, disks: DiskEncryption | None = None, in_session: bool = False
) -> Mapping[Check, Look]:
    """Give the checks of Windows.

    Args:
        in_session: whether this runs as the person at the screen, whose own settings HKCU then holds.
    """
    return {
        Check.DISK_ENCRYPTION: lambda: disk_encryption(disks),
        Check.ANTIVIRUS: lambda: antivirus(windows, machine.wall()),
        Check.FIREWALL: lambda: firewall(windows),
        Check.UPDATES: lambda: updates(windows),
        Check.SCREEN_LOCK: lambda: screen_lock(windows, in_session=in_session),
        Check.PASSWORD_POLICY: lambda: password_policy(windows),
    }


def antivirus(windows: WindowsSettings, now: float) -> Finding:
    """Say what the Security Center says of all products together, and how old the signatures of Defender are."""
    state, evidence = _health(windows, ANTIVIRUS)
    if state is State.UNKNOWN:
        return unknown(Check.ANTIVIRUS, "no_security_center", *evidence)
    details: dict[str, JSON] = {}
    applied_at = parse_filetime(windows.registry("HKLM", _DEFENDER, "AVSignatureApplied"))
    if applied_at is not None:
        # With another product Defender sleeps, and its age says nothing.
        details["defender_age_days"] = age_in_days(applied_at, now)
        version = windows.registry("HKLM", _DEFENDER, "AVSignatureVersion")
        evidence += (Evidence("registry.AVSignatureVersion", _shown(version)),)
    return Finding(Check.ANTIVIRUS, state, evidence, details=details)


def parse_filetime(value: Value) -> float | None:
    """Read an instant as the registry keeps it, in seconds since 1970."""
    if isinstance(value, bytes) and len(value) == 8:
        (value,) = struct.unpack("<Q", value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 63:
        return None
    return value / 1e7 - _FILETIME_EPOCH


def firewall(windows: WindowsSettings) -> Finding:
    """Say whether a firewall is on: the Security Center knows all products, the registry only that of Windows."""
    values = {name: windows.registry("HKLM", rf"{_FIREWALL_POLICY}\{name}", "EnableFirewall") for name in _PROFILES}
    own = tuple(Evidence(f"registry.{name}", f"EnableFirewall={_shown(value)}") for name, value in values.items())
    state, evidence = _health(windows, FIREWALL)
    if state is not State.UNKNOWN:
        return Finding(Check.FIREWALL, state, evidence + own)
    known = [value for value in values.values() if isinstance(value, int)]
    if len(known) < len(_PROFILES):
        return unknown(Check.FIREWALL, "no_security_center", *evidence, *own)
    state = State.ON if all(known) else State.PARTLY if any(known) else State.OFF
    return Finding(Check.FIREWALL, state, evidence + own)


def updates(windows: WindowsSettings) -> Finding:
    """Say whether updates come by themselves; the Security Center says Good although their services are disabled."""
    state, evidence = _health(windows, AUTO_UPDATE)
    starts = {name: windows.registry("HKLM", rf"{_SERVICES}\{name}", "Start") for name in ("wuauserv", "UsoSvc")}
    evidence += tuple(Evidence(f"registry.{name}", f"Start={_shown(start)}") for name, start in starts.items())
    is_refused = windows.registry("HKLM", _UPDATE_POLICY, "NoAutoUpdate") == 1
    if is_refused:
        evidence += (Evidence("registry.NoAutoUpdate", "1"),)
    details: dict[str, JSON] = {"restart_due": windows.subkeys("HKLM", _RESTART_DUE) is not None}
    if is_refused or _DISABLED in starts.values():
        return Finding(Check.UPDATES, State.OFF, evidence, details=details)
    if state is State.UNKNOWN:
        return unknown(Check.UPDATES, "no_security_center", *evidence)
    return Finding(Check.UPDATES, state, evidence, details=details)


def _health(windows: WindowsSettings, provider: int) -> tuple[State, tuple[Evidence, ...]]:
    health = windows.security_health(provider)
    if health is None:
        return State.UNKNOWN, ()
    words, state = _HEALTHS.get(health, (f"another: {health}", State.UNKNOWN))
    return state, (Evidence(f"wsc.{provider}", words),)


def _shown(value: Value) -> str:
    return "not set" if value is None else repr(value) if isinstance(value, bytes) else str(value)


def screen_lock(windows: WindowsSettings, *, in_session: bool) -> Finding:
    """Say whether the screen locks by itself: by a rule for the computer, or by the person's own settings."""
    limit = _whole(windows.registry("HKLM", _SYSTEM_POLICY, "InactivityTimeoutSecs"))
    if limit:
        ruled = (Evidence("registry.InactivityTimeoutSecs", str(limit)),)
        return Finding(Check.SCREEN_LOCK, State.ON, ruled, details={"delay_seconds": limit})
    if not in_session:
        return unknown(Check.SCREEN_LOCK, "per_user")
    said = {
        name: _desktop(windows, name) for name in ("ScreenSaveActive", "ScreenSaverIsSecure", "ScreenSaveTimeOut")
    }
    evidence = tuple(Evidence(f"registry.{name}", str(value)) for name, value in said.items())
    seconds = said["ScreenSaveTimeOut"]
    if said["ScreenSaveActive"] == 1 and said["ScreenSaverIsSecure"] == 1 and seconds:
        return Finding(Check.SCREEN_LOCK, State.ON, evidence, details={"delay_seconds": seconds})
    return Finding(Check.SCREEN_LOCK, State.OFF, evidence)


def _desktop(windows: WindowsSettings, name: str) -> int | None:
    ruled = _whole(windows.registry("HKCU", _DESKTOP_POLICY, name))
    return ruled if ruled is not None else _whole(windows.registry("HKCU", _DESKTOP, name))


def _whole(value: Value) -> int | None:
    """Read a number, which the registry keeps as one or as text."""
    if isinstance(value, int):
        return value
    is_number = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10
    return int(value) if is_number and isinstance(value, str) else None


def password_policy(windows: WindowsSettings) -> Finding:
    """Say how long a new password must be, how old it may grow, and whether guessing locks an account."""
    rules = windows.password_rules()
    if rules is None:
        return unknown(Check.PASSWORD_POLICY, "not_told")
    min_length, max_age_seconds, threshold = rules
    details: dict[str, JSON] = {
        "min_length": min_length,
        "max_age_days": None if max_age_seconds == _FOREVER else max_age_seconds // 86_400,
        "lockout": threshold > 0,
    }
    evidence = (Evidence("NetUserModalsGet", f"min_passwd_len={min_length} lockout_threshold={threshold}"),)
    return Finding(Check.PASSWORD_POLICY, State.ON if min_length else State.OFF, evidence, details=details)
