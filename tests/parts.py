"""Programs of the distribution that tests drive; `.ci/run` installs them all and lets none be missing."""

import os
import shutil
from typing import Final

import pytest

PACKAGES: Final = {
    "dig": "bind9-dnsutils",
    "unbound": "unbound",
    "dnsperf": "dnsperf",
    "ip": "iproute2",
    "setpriv": "util-linux",
    "prlimit": "util-linux",
    "openssl": "openssl",
}


def need(program: str) -> str:
    """Find a program of the distribution, or say which package brings it."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if found is None:
        message = f"{program} is not installed; on Debian: sudo apt install {PACKAGES[program]}"
        if os.environ.get("SCHOOLGATE_REQUIRE_ALL"):
            pytest.fail(message)
        pytest.skip(message)
    return found
