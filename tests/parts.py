"""Programs of the distribution that tests drive; `.ci/run` installs them all and lets none be missing."""

import os
import shutil
from typing import Final, NoReturn

import pytest

PACKAGES: Final = {
    "dig": "bind9-dnsutils",
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


def without(message: str) -> NoReturn:
    """Leave a test out because of a part that is missing; a failure where none may be."""
    if os.environ.get("SCHOOLGATE_REQUIRE_ALL"):
        pytest.fail(message)
    pytest.skip(message)
