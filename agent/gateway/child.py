"""A process that the gateway keeps running beside its workers."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agent.logs import log

END_SECONDS: Final = 5.0


class Child:
    """One module of ours in a process of its own, started again when it has ended.

    Args:
        name: what the log calls it.
        module: what it runs, with `paths` as arguments.
        backoff_seconds: so long after an end the next one is started.
        on_death: called when it has ended by itself.
    """

    def __init__(
        self,
        name: str,
        module: str,
        *paths: Path,
        backoff_seconds: float,
        on_death: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._command = [sys.executable, "-P", "-m", module, *map(str, paths)]
        self._backoff_seconds = backoff_seconds
        self._on_death = on_death
        self._monotonic = monotonic
        self._process: subprocess.Popen[bytes] | None = None
        self._start_at = 0.0

    @property
    def is_running(self) -> bool:
        """Say whether it ran when somebody last watched."""
        return self._process is not None

    def watch(self) -> None:
        """Start it, where it does not run and its time has come."""
        now = self._monotonic()
        if self._process is not None and self._process.poll() is not None:
            log.error(f"{self._name}_died", exit_code=self._process.returncode)
            self._process = None
            self._start_at = now + self._backoff_seconds
            self._on_death()
        if self._process is None and now >= self._start_at:
            # A process group of its own, in the gateway's session: work in the background has to stay there.
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, process_group=0)  # noqa: S603 (our own module, no shell)

    def end(self) -> None:
        """Ask it to end, and end it where it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
