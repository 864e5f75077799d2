"""Programs of the distribution that tests drive; `.ci/run` installs them all and lets none be missing."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import pytest

PACKAGES: Final = {
    "dig": "bind9-dnsutils",
    "chromium": "chromium",
    "unbound": "unbound",
    "dnsperf": "dnsperf",
    "ip": "iproute2",
    "setpriv": "util-linux",
    "prlimit": "util-linux",
    "openssl": "openssl",
    "lsblk": "util-linux",
    "blkid": "util-linux",
    "losetup": "mount",
    "mount": "mount",
    "umount": "mount",
    "partx": "util-linux",
    "mkswap": "util-linux",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.vfat": "dosfstools",
    "mkfs.exfat": "exfatprogs",
    "cryptsetup": "cryptsetup-bin",
    "dpkg-deb": "dpkg",
    "unshare": "util-linux",
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "lintian": "lintian",
    "desktop-file-validate": "desktop-file-utils",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
    "systemd-analyze": "systemd",
}


def need(program: str) -> str:
    """Find a program of the distribution, or say which package brings it."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if found is None:
        without(f"{program} is not installed; on Debian: sudo apt install {PACKAGES[program]}")
    return found


def need_root() -> None:
    """Go on only as root, who may attach devices and mount them."""
    if os.geteuid() != 0:
        without("only root may attach devices and mount them")


@contextmanager
def small_disk(mounted: Path, *, megabytes: int) -> Iterator[Path]:
    """Have a disk of a few megabytes at a new folder, which nothing else fills."""
    need_root()
    mount, umount = need("mount"), need("umount")
    mounted.mkdir()
    options = [mount, "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(mounted)]
    done = subprocess.run(options, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode != 0:
        without(f"no disk can be mounted here: {done.stderr.strip()}")
    try:
        yield mounted
    finally:
        subprocess.run([umount, "-l", str(mounted)], check=True, timeout=30)


def without(message: str) -> NoReturn:
    """Leave a test out because of a part that is missing; a failure where none may be."""
    if os.environ.get("SCHOOLGATE_REQUIRE_ALL"):
        pytest.fail(message)
    pytest.skip(message)
