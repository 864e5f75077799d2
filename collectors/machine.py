"""The computer that is observed, as a parameter: its file tree, its programs, its clocks.

A recorded tree is a `Machine` whose root is a folder. Nothing here knows what the files mean.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

# What the kernel tells of itself fits; what somebody else wrote is not read whole.
_TEXT_BYTES: Final = 1 << 20
_OUTPUT_BYTES: Final = 8 << 20


@dataclass(frozen=True, slots=True)
class Output:
    """What a program said.

    `code` is None where it gave no answer: it is not there, it may not be started, or it took too long; `why` says
    which, in a few words.

    Args:
        is_late: whether it was started and took too long.
    """

    code: int | None
    out: bytes = b""
    err: bytes = b""
    why: str = ""
    is_late: bool = False

    @property
    def is_good(self) -> bool:
        """Whether it ended and said that all was well."""
        return self.code == 0

    @property
    def text(self) -> str:
        """What it wrote, as text."""
        return self.out.decode("utf-8", "replace")


Programs: TypeAlias = Callable[[tuple[str, ...], float], Output]


def run_program(command: tuple[str, ...], seconds: float) -> Output:
    """Start a program, never through a shell, in English, and wait for it no longer than this."""
    environment = {**os.environ, "LC_ALL": "C", "LANG": "C"}
    try:
        started = subprocess.Popen(  # noqa: S603 -- the command is a constant of a collector, no person's text
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        return Output(None, why=f"could not start {command[0]}: {error.strerror or error}")
    with started:
        try:
            out, err = started.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _give_up(started)
            return Output(None, why=f"{command[0]} took longer than {seconds:g} s", is_late=True)
        return Output(started.returncode, out[:_OUTPUT_BYTES], err[:_OUTPUT_BYTES])


def _give_up(started: "subprocess.Popen[bytes]") -> None:
    """Kill a program that took too long, and do not wait for one that cannot even be killed."""
    started.kill()
    with suppress(subprocess.TimeoutExpired):
        started.communicate(timeout=1)
        return
    # It hangs in the kernel, as on a broken card reader. The context manager would wait for it for ever.
    for pipe in (started.stdout, started.stderr):
        if pipe is not None:
            pipe.close()
    started.returncode = -9


@dataclass(frozen=True, slots=True)
class Machine:
    """One computer.

    Args:
        root: where /proc, /sys, /run, /dev and /etc are found.
        programs: starts a program; by default real ones, and none at all for a recorded tree.
        wall: seconds since 1970, as this computer believes.
        monotonic: seconds that never go back.
        platform: as `sys.platform` has it.
    """

    root: Path = Path("/")
    programs: Programs | None = None
    wall: Callable[[], float] = field(default=time.time)
    monotonic: Callable[[], float] = field(default=time.monotonic)
    platform: str = sys.platform

    @property
    def is_recorded(self) -> bool:
        """Whether this is a folder that looks like a computer."""
        return self.root != Path("/")

    def run(self, command: tuple[str, ...], seconds: float) -> Output:
        """Run a program of this computer."""
        if self.programs is not None:
            return self.programs(command, seconds)
        if self.is_recorded:
            return Output(None, why=f"could not start {command[0]}: a recorded tree has no programs")
        return run_program(command, seconds)

    def path(self, place: str) -> Path:
        """Give the path of a place that is written as on the computer itself: /proc/self/mountinfo."""
        return self.root / place.lstrip("/")

    def text(self, place: str) -> str:
        """Read a file; octets that are no text are kept as surrogates.

        Raises:
            OSError: it is not there, may not be read, or went away while it was read.
        """
        with self.path(place).open("rb") as file:
            return os.fsdecode(file.read(_TEXT_BYTES))

    def word(self, place: str) -> str | None:
        """Read a file of one line, without its end; None where it cannot be read."""
        try:
            return self.text(place).strip(" \t\r\n\0")
        except (OSError, ValueError):
            return None

    def names(self, place: str) -> tuple[str, ...]:
        """List a folder, in order; empty where it cannot be listed. The folder is closed when this returns."""
        try:
            return tuple(sorted(entry.name for entry in self.path(place).iterdir()))
        except (OSError, ValueError):
            return ()
