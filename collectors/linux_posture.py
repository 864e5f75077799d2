"""How Linux protects itself, by what its files say, and by programs that are asked for nothing but their state.

What takes root is UNKNOWN to others, and the lock of a screen is known in its person's session alone.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

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

_SECONDS: Final = 5.0
_MOST_PROCESSES: Final = 5000
# Services of known products, by the name of their process, which the kernel cuts at 15 characters.
_PRODUCTS: Final[Mapping[str, str]] = {
    "clamd": "ClamAV",
    "falcon-sensor": "CrowdStrike Falcon",
    "falcon-sensor-b": "CrowdStrike Falcon",
    "wdavdaemon": "Microsoft Defender",
    "eraagent": "ESET",
    "eea": "ESET",
    "savd": "Sophos",
    "sophos_threat_d": "Sophos",
    "bdsecd": "Bitdefender",
    "ds_agent": "Trend Micro",
    "s1-agent": "SentinelOne",
    "fsavd": "WithSecure",
    "fshoster": "WithSecure",
}
_CLAMAV_DATABASES: Final = ("/var/lib/clamav/daily.cld", "/var/lib/clamav/daily.cvd")
_CLAMAV_BUILT: Final = re.compile(r"ClamAV-VDB:(\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2})-(\d{2}) ([+-]\d{4}):")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_APT_SETTING: Final = re.compile(r'^\s*APT::Periodic::Unattended-Upgrade\s+"?(\w+)"?\s*;', re.MULTILINE)
_QUALITY_MODULES: Final = ("pam_pwquality.so", "pam_passwdqc.so", "pam_cracklib.so")
_PAM_PASSWORD: Final = ("/etc/pam.d/common-password", "/etc/pam.d/system-auth")
_PAM_AUTH: Final = ("/etc/pam.d/common-auth", "/etc/pam.d/system-auth")
# Without a word of the administrator. Source: pam_unix(8), pwquality.conf(5).
_UNIX_MINIMUM: Final = 6
_QUALITY_MINIMUM: Final = 8


@dataclass(frozen=True, slots=True)
class UserSession:
    """The session that a helper runs in: its person's home, and `XDG_CURRENT_DESKTOP`."""

    home: str
    desktop: str


def linux_looks(
    machine: Machine, *, disks: DiskEncryption | None = None, session: UserSession | None = None
) -> Mapping[Check, Look]:
    """Give the checks of Linux.

    Args:
        disks: says whether what holds / and /home is encrypted.
        session: None for a service, which belongs to nobody's session.
    """
    return {
        Check.DISK_ENCRYPTION: lambda: disk_encryption(disks),
        Check.ANTIVIRUS: lambda: antivirus(machine),
        Check.FIREWALL: lambda: firewall(machine),
        Check.UPDATES: lambda: updates(machine),
        Check.SCREEN_LOCK: lambda: screen_lock(machine, session),
        Check.PASSWORD_POLICY: lambda: password_policy(machine),
    }


# --- antivirus


def antivirus(machine: Machine) -> Finding:
    """Say which known product runs, and how old its signatures are where that can be read."""
    running = sorted({_PRODUCTS[name] for name in process_names(machine) if name in _PRODUCTS})
    evidence = tuple(Evidence("process", product) for product in running)
    if "Microsoft Defender" in running:
        return _defender(machine, evidence)
    built_at = _clamav_built_at(machine)
    details = {} if built_at is None else {"age_days": age_in_days(built_at, machine.wall())}
    if built_at is not None:
        evidence += (Evidence("clamav.database", datetime.fromtimestamp(built_at, UTC).date().isoformat()),)
    if running:
        return Finding(Check.ANTIVIRUS, State.ON, evidence, details=details)
    if built_at is not None:
        # It is there, and looks only at what it is told to.
        return Finding(Check.ANTIVIRUS, State.PARTLY, evidence, details=details)
    return Finding(Check.ANTIVIRUS, State.NOT_FOUND, (Evidence("process", "none of the known products"),))


def process_names(machine: Machine) -> Iterator[str]:
    """Give the names of the processes; what they were started with is never read."""
    numbers = [name for name in machine.names("/proc") if name.isdecimal()]
    for number in numbers[:_MOST_PROCESSES]:
        name = machine.word(f"/proc/{number}/comm")
        if name:
            yield name


def _clamav_built_at(machine: Machine) -> float | None:
    instants = []
    for place in _CLAMAV_DATABASES:
        try:
            with machine.path(place).open("rb") as file:
                built_at = parse_clamav_header(file.read(512))
        except OSError:
            continue
        if built_at is not None:
            instants.append(built_at)
    return max(instants, default=None)


def parse_clamav_header(head: bytes) -> float | None:
    """Read when a database of signatures was made, in seconds since 1970. Source: ClamAV, cvd.c, `cl_cvdparse`."""
    found = _CLAMAV_BUILT.match(head.decode("ascii", "replace"))
    if found is None or found[2] not in _MONTHS:
        return None
    text = f"{found[3]}-{_MONTHS.index(found[2]) + 1:02}-{found[1]}T{found[4]}:{found[5]}{found[6]}"
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _defender(machine: Machine, evidence: tuple[Evidence, ...]) -> Finding:
    said = machine.run(("mdatp", "health", "--output", "json"), _SECONDS)
    health = _mapping(said.text) if said.is_good else {}
    is_on = _value(health.get("realTimeProtectionEnabled"))
    if not isinstance(is_on, bool):
        return Finding(Check.ANTIVIRUS, State.ON, evidence)
    evidence += (Evidence("mdatp.realTimeProtectionEnabled", str(is_on)),)
    updated = _value(health.get("definitionsUpdated"))
    details = {}
    if isinstance(updated, int | float) and not isinstance(updated, bool):
        details = {"age_days": age_in_days(updated / 1000, machine.wall())}
    return Finding(Check.ANTIVIRUS, State.ON if is_on else State.OFF, evidence, details=details)


def _value(said: Any) -> Any:
    return said.get("value") if isinstance(said, dict) else said


# --- firewall


def firewall(machine: Machine) -> Finding:
    """Say whether ufw or firewalld is on, or else whether the kernel drops anything that comes in."""
    for line in (machine.word("/etc/ufw/ufw.conf") or "").splitlines():
        if line.strip().lower() == "enabled=yes":
            return Finding(Check.FIREWALL, State.ON, (Evidence("ufw.conf", line.strip()),))
    if "firewalld" in set(process_names(machine)):
        return Finding(Check.FIREWALL, State.ON, (Evidence("process", "firewalld"),))
    said = machine.run(("nft", "-j", "list", "ruleset"), _SECONDS)
    if not said.is_good:
        return unknown(Check.FIREWALL, "needs_root")
    return judge_rules(said.text)


def judge_rules(text: str) -> Finding:
    """Judge the rules of the kernel by whether any of them drops what comes in. Source: libnftables-json(5)."""
    listed = _mapping(text).get("nftables")
    if not isinstance(listed, list):
        return unknown(Check.FIREWALL, "not_understood")
    entries = [entry for entry in listed if isinstance(entry, dict)]
    chains = [entry["chain"] for entry in entries if isinstance(entry.get("chain"), dict)]
    entrances = [chain for chain in chains if chain.get("hook") == "input"]
    names = {(str(chain.get("table")), str(chain.get("name"))) for chain in entrances}
    rules = [entry["rule"] for entry in entries if isinstance(entry.get("rule"), dict)]
    dropping = [
        rule
        for rule in rules
        if (str(rule.get("table")), str(rule.get("chain"))) in names and _drops(rule.get("expr"))
    ]
    if dropping or any(chain.get("policy") == "drop" for chain in entrances):
        return Finding(Check.FIREWALL, State.ON, (Evidence("nftables", "input drops", "root"),))
    if any("jump" in step for rule in rules for step in _steps(rule.get("expr"))):
        return unknown(Check.FIREWALL, "not_understood", Evidence("nftables", "input jumps elsewhere", "root"))
    return Finding(Check.FIREWALL, State.OFF, (Evidence("nftables", "nothing drops input", "root"),))


def _drops(expression: Any) -> bool:
    return any("drop" in step or "reject" in step for step in _steps(expression))


def _steps(expression: Any) -> list[dict[str, Any]]:
    return [step for step in expression if isinstance(step, dict)] if isinstance(expression, list) else []


# --- updates


def updates(machine: Machine) -> Finding:
    """Say whether updates are put in by themselves, when lists were last fetched, and whether a restart is due."""
    details: dict[str, JSON] = {"restart_due": machine.path("/run/reboot-required").exists()}
    if machine.path("/etc/apt").is_dir():
        try:
            fetched_at = machine.path("/var/lib/apt/periodic/update-success-stamp").stat().st_mtime
            details["age_days"] = age_in_days(fetched_at, machine.wall())
        except OSError:
            pass
        return _apt_updates(machine, details)
    if machine.path("/etc/dnf").is_dir():
        return _dnf_updates(machine, details)
    return unknown(Check.UPDATES, "no_known_package_system")


def _apt_updates(machine: Machine, details: dict[str, JSON]) -> Finding:
    setting, place = "0", "apt.conf.d"
    for name in machine.names("/etc/apt/apt.conf.d"):
        for found in _APT_SETTING.findall(machine.word(f"/etc/apt/apt.conf.d/{name}") or ""):
            setting, place = found, name
    evidence = (Evidence("apt.Unattended-Upgrade", f"{setting} ({place})"),)
    timer = machine.path("/etc/systemd/system/apt-daily-upgrade.timer")
    if timer.is_symlink() and str(timer.readlink()) == "/dev/null":
        return Finding(Check.UPDATES, State.OFF, (*evidence, Evidence("timer", "masked")), details=details)
    state = State.OFF if setting in {"0", "false", "no"} else State.ON
    return Finding(Check.UPDATES, state, evidence, details=details)


def _dnf_updates(machine: Machine, details: dict[str, JSON]) -> Finding:
    text = machine.word("/etc/dnf/automatic.conf") or ""
    found = re.findall(r"^\s*apply_updates\s*=\s*(\w+)", text, re.MULTILINE)
    timers = [name for name in machine.names("/etc/systemd/system/timers.target.wants") if "automatic" in name]
    applies = bool(found) and found[-1].lower() in {"yes", "true", "1", "on"}
    is_install = any("install" in name for name in timers)
    evidence = (
        Evidence("dnf.apply_updates", found[-1] if found else "not set"),
        Evidence("timer", ", ".join(timers) or "none"),
    )
    state = State.ON if timers and (applies or is_install) else State.PARTLY if timers else State.OFF
    return Finding(Check.UPDATES, state, evidence, details=details)


# --- screen lock


def screen_lock(machine: Machine, session: UserSession | None) -> Finding:
    """Say whether the screen locks by itself, and after how long."""
    if session is None:
        return unknown(Check.SCREEN_LOCK, "per_user")
    desktops = {name.lower() for name in session.desktop.split(":")}
    if "kde" in desktops:
        return _kde_lock(machine, session)
    if not desktops.isdisjoint({"gnome", "unity", "budgie", "pantheon"}):
        return _gnome_lock(machine)
    return unknown(Check.SCREEN_LOCK, "no_known_desktop")


def _gnome_lock(machine: Machine) -> Finding:
    said = {
        key: machine.run(("gsettings", "get", schema, key), _SECONDS).text.split()
        for schema, key in (
            ("org.gnome.desktop.screensaver", "lock-enabled"),
            ("org.gnome.desktop.screensaver", "lock-delay"),
            ("org.gnome.desktop.session", "idle-delay"),
        )
    }
    last = {key: words[-1] if words else "" for key, words in said.items()}
    evidence = tuple(Evidence(f"gsettings.{key}", word) for key, word in last.items() if word)
    if last["lock-enabled"] == "false":
        return Finding(Check.SCREEN_LOCK, State.OFF, evidence)
    if last["lock-enabled"] != "true" or not last["idle-delay"].isdecimal() or not last["lock-delay"].isdecimal():
        return unknown(Check.SCREEN_LOCK, "not_understood", *evidence)
    idle_seconds = int(last["idle-delay"])
    if idle_seconds == 0:
        return Finding(Check.SCREEN_LOCK, State.OFF, evidence)
    delay = {"delay_seconds": idle_seconds + int(last["lock-delay"])}
    return Finding(Check.SCREEN_LOCK, State.ON, evidence, details=delay)


def _kde_lock(machine: Machine, session: UserSession) -> Finding:
    try:
        text = machine.text(f"{session.home}/.config/kscreenlockerrc")
    except FileNotFoundError:
        text = ""
    section = re.search(r"^\[Daemon\]\s*$(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    values = dict(re.findall(r"^(\w+)(?:\[\$i\])?=(\w+)\s*$", section[1] if section else "", re.MULTILINE))
    # Without a word of the person it locks after five minutes. Source: kscreenlocker, kscreensaversettings.kcfg.
    minutes = values.get("Timeout", "5")
    is_on = values.get("Autolock", "true").lower() == "true" and minutes.isdecimal() and int(minutes) > 0
    evidence = (Evidence("kscreenlockerrc", f"Autolock={values.get('Autolock', 'true')} Timeout={minutes}"),)
    details = {"delay_seconds": int(minutes) * 60} if is_on else {}
    return Finding(Check.SCREEN_LOCK, State.ON if is_on else State.OFF, evidence, details=details)


# --- passwords


def password_policy(machine: Machine) -> Finding:
    """Say how long a new password must be, how old one may grow, and whether guessing locks an account."""
    rules = next((text for place in _PAM_PASSWORD if (text := machine.word(place)) is not None), None)
    if rules is None:
        return unknown(Check.PASSWORD_POLICY, "not_readable")
    lines = [line for line in rules.splitlines() if line.lstrip().startswith("password")]
    quality = next((line for line in lines if any(module in line for module in _QUALITY_MODULES)), None)
    details: dict[str, JSON] = {
        "min_length": _minimum(machine, quality, lines),
        "max_age_days": _max_age_days(machine),
        "lockout": any("pam_faillock.so" in (machine.word(place) or "") for place in _PAM_AUTH),
    }
    evidence = (Evidence("pam.password", " ".join((quality or "pam_unix.so alone").split())),)
    state = State.PARTLY if quality is None else State.ON
    return Finding(Check.PASSWORD_POLICY, state, evidence, details=details)


def _minimum(machine: Machine, quality: str | None, lines: list[str]) -> int:
    if quality is None:
        return max((_number(r"\bminlen=(\d+)", line, _UNIX_MINIMUM) for line in lines), default=_UNIX_MINIMUM)
    conf = machine.word("/etc/security/pwquality.conf") or ""
    configured = _number(r"(?m)^\s*minlen\s*=\s*(\d+)", conf, _QUALITY_MINIMUM)
    return _number(r"\bminlen=(\d+)", quality, configured)


def _max_age_days(machine: Machine) -> int | None:
    days = _number(r"(?m)^\s*PASS_MAX_DAYS\s+(\d+)", machine.word("/etc/login.defs") or "", 0)
    # 99999 is how the file says "never".
    return days if 0 < days < 10_000 else None


def _number(pattern: str, text: str, otherwise: int) -> int:
    found = re.findall(pattern, text)
    return int(found[-1][:6]) if found else otherwise


def _mapping(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
