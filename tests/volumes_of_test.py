"""Real volumes for tests: a file system of its own in a file, mounted by a loop device."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

IS_ROOT = sys.platform == "linux" and os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="mounting needs root on Linux")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@contextmanager
def mounted_volume(folder: Path, *, mebibytes: int = 64) -> Iterator[Path]:
    """Mount an empty ext4; it is gone at the end, whether or not the test has ejected it."""
    if any(shutil.which(program) is None for program in ("mkfs.ext4", "mount", "umount")):
        pytest.skip("no file system can be made here")
    image, mount_point = folder / "volume.img", folder / "PUPILS DISK"
    mount_point.mkdir()
    with image.open("wb") as file:
        file.truncate(mebibytes << 20)
    made = run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-N", "30000", str(image))
    mounted = made if made.returncode else run("mount", "-o", "loop", str(image), str(mount_point))
    if mounted.returncode:
        pytest.skip(f"no loop device can be mounted here: {mounted.stderr.strip()}")
    try:
        yield mount_point
    finally:
        run("umount", "--lazy", str(mount_point))


def eject(mount_point: Path) -> str:
    """Unmount as a person does, once; give what was said against it."""
    return run("umount", str(mount_point)).stderr
