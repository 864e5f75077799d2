"""What this laptop is: its boot, its clocks, its addresses, its make, and the program that runs on it.

Nothing here names a person.
"""

import hashlib
import platform
import re
import socket
import sys
import time
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil

from agent.endpoint.enrolment import Laptop
from agent.endpoint.event_spool import Clocks
from agent.endpoint.keys import write_private
from collectors.bypass import ways_out
from collectors.machine import Machine

MACHINE_FILE: Final = "machine.id"
_BOOT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_MACOS_UUID: Final = re.compile(r'"IOPlatformUUID" = "([0-9A-Fa-f-]{36})"')
_SECONDS: Final = 5.0
_PARTS: Final = ("agent/endpoint", "collectors", "rules")
_ENDS: Final = frozenset({".py", ".yaml"})


def release() -> str:
    """Give the version of this program."""
    try:
        return version("schoolgate")
    except PackageNotFoundError:
        return "0"


def awake_and_asleep() -> float:
    """Give the seconds of a clock that nobody sets and that goes on while the laptop sleeps, where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def clocks_of(machine: Machine) -> Clocks:
    """Give the clocks of a laptop, with the id of this boot."""
    boot = machine.word("/proc/sys/kernel/random/boot_id") or ""
    if not _BOOT.fullmatch(boot):
        boot = f"b{int(psutil.boot_time())}"
    return Clocks(wall=time.time, monotonic=awake_and_asleep, boot=boot)


def laptop_of(machine: Machine, folder: Path) -> Laptop:
    """Give what this laptop tells of itself when it enrols.

    Args:
        folder: where a number is kept for a system that has none of its own.

    Raises:
        OSError: it could not be kept.
    """
    number = _machine_number(machine)
    if not number:
        kept = folder / MACHINE_FILE
        if not kept.exists():
            write_private(kept, hashlib.sha256(f"{time.time_ns()} {platform.node()}".encode()).hexdigest().encode())
        number = kept.read_text()
    digest = hashlib.sha256(f"schoolgate machine {number.lower()}".encode()).hexdigest()
    return Laptop(host=_host(machine), machine=digest, agent=release())


def _machine_number(machine: Machine) -> str:
    if machine.platform == "darwin":
        found = _MACOS_UUID.search(machine.run(("/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice"), 5.0).text)
        return found[1] if found else ""
    if sys.platform == "win32":
        from collectors.windows_settings import ThisWindows  # noqa: PLC0415 -- there is none elsewhere

        value = ThisWindows().registry("HKLM", r"SOFTWARE\Microsoft\Cryptography", "MachineGuid")
        return value if isinstance(value, str) else ""
    system = machine.word("/etc/machine-id") or machine.word("/var/lib/dbus/machine-id") or ""
    # Laptops that were set up from one image have one machine-id; the board has a number of its own.
    board = machine.word("/sys/class/dmi/id/product_uuid") or ""
    return f"{system} {board}".strip()


def _host(machine: Machine) -> dict[str, str]:
    named = re.search(r'^PRETTY_NAME="?([^"\n]*)', machine.word("/etc/os-release") or "", re.MULTILINE)
    return {
        "os": platform.system(),
        "version": named[1] if named else platform.release(),
        "hostname": socket.gethostname(),
        "model": machine.word("/sys/class/dmi/id/product_name") or "",
    }


def own_addresses() -> frozenset[str]:
    """Give the addresses that this laptop has now, but for those that never leave it."""
    families = {socket.AF_INET, socket.AF_INET6}
    found = (
        each.address.partition("%")[0]
        for card in psutil.net_if_addrs().values()
        for each in card
        if each.family in families
    )
    return frozenset(address for address in found if not address.startswith(("127.", "fe80:")) and address != "::1")


def addresses_towards(gateway: str) -> Iterable[str]:
    """Give the own addresses by which a gateway is reached, or the rest of the world where there is no gateway yet.

    Args:
        gateway: https, host and port; may be empty.
    """
    host = urlsplit(gateway).hostname or ""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM) if host else []
    except OSError:
        found = []
    far = [(int(family), str(where[0])) for family, _, _, _, where in found]
    return tuple(ways_out(far)) if far else tuple(ways_out())


def program_hash() -> str:
    """Give the SHA-256 of the program that runs: of its file where it is one, else of its sources."""
    digest = hashlib.sha256()
    if getattr(sys, "frozen", False):
        with Path(sys.executable).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()
    root = program_folder()
    for part in _PARTS:
        for path in sorted(each for each in (root / part).rglob("*") if each.suffix in _ENDS):
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def program_folder() -> Path:
    """Give the folder that holds the packages of this program."""
    return Path(__file__).resolve().parents[2]
