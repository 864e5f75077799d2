"""Servers under test as processes: started on chosen cores, observed through /proc, always ended."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_MEGABYTE: Final = 1024.0  # of the kB that /proc counts in


class BenchError(Exception):
    """Something that the bench needs is missing or did not do its part."""


@dataclass(frozen=True, slots=True)
class Resident:
    """Memory in MB: `rss` of the largest process that answers queries, `tree_pss` of all that the server started."""

    rss: float
    tree_pss: float


class ServerProcess:
    """One server with all its children, in a session of its own."""

    def __init__(self, argv: Sequence[str], *, cores: str, log: Path, cwd: Path) -> None:
        self.log = log
        self.started_at = time.monotonic()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["taskset", "-c", cores, *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process that was started first."""
        return self._process.pid

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def last_words(self) -> str:
        """The end of the server's log, for the sentence about its failure."""
        return self.log.read_text(errors="replace").strip()[-600:] or "it printed nothing"

    def cpu_seconds(self) -> float:
        """CPU time of the whole tree so far, children that have ended included."""
        return sum(map(_cpu_ticks, self._tree())) / TICKS_PER_SECOND

    def resident(self, worker_mark: str) -> Resident:
        """Read the memory; only processes with `worker_mark` in their command line compete for `rss`."""
        sizes = {pid: _memory(pid) for pid in self._tree()}
        workers = [pid for pid in sizes if worker_mark in _command_line(pid)] or list(sizes)
        return Resident(
            rss=max(sizes[pid][0] for pid in workers) / _MEGABYTE,
            tree_pss=sum(pss for _, pss in sizes.values()) / _MEGABYTE,
        )

    def stop(self) -> None:
        """End the tree: asked first, then made to."""
        tree = list(self._tree())
        if not self.has_ended():
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        for pid in tree:
            if _session(pid) == self.pid:
                os.kill(pid, signal.SIGKILL)

    def _tree(self) -> Iterator[int]:
        children: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and (fields := _stat(int(entry.name))):
                children.setdefault(int(fields[1]), []).append(int(entry.name))
        waiting = [self.pid]
        while waiting:
            pid = waiting.pop()
            yield pid
            waiting += children.get(pid, [])


def core_busy_seconds(core: int) -> float:
    """CPU time that everything together has had on one core so far. Source: proc(5), /proc/stat."""
    fields = next(
        line.split() for line in Path("/proc/stat").read_text().splitlines() if line.startswith(f"cpu{core} ")
    )
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third (state) on, or nothing if it has ended. Source: proc(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _session(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[3]) if fields and fields[0] != "Z" else None


def _cpu_ticks(pid: int) -> int:
    # utime, stime, cutime, cstime
    return sum(map(int, _stat(pid)[11:15]))


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _memory(pid: int) -> tuple[int, int]:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0, 0
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
    return sizes["Rss"], sizes["Pss"]
