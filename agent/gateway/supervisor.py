"""The workers: started with sockets that outlive them, watched, started again when they die.

The sockets belong to the supervisor. While a worker is dead the kernel keeps the queries that came for it, and the
next worker in its place answers them: clients see a pause, not a loss.
"""

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from agent.dns.datagrams import listen_on_datagrams
from agent.dns.dns_worker_job import WorkerJob
from agent.dns.shared_memory import SharedMemory
from agent.dns.streams import listen_on_stream
from agent.logs import log
from agent.sites.site import Endpoint
from rules.errors import ConfigurationError, Problem

# A worker that says nothing for so long hangs, and is ended.
SILENT_SECONDS: Final = 10.0
STOP_SECONDS: Final = 3.0
FIRST_BACKOFF_SECONDS: Final = 0.05
MAX_BACKOFF_SECONDS: Final = 30.0
# A worker that lived for so long was sound; the next fault is a new one.
SOUND_SECONDS: Final = 60.0
WORKER_COMMAND: Final = (sys.executable, "-P", "-m", "agent.dns.dns_worker")


@dataclass(slots=True)
class _Worker:
    """One place for a worker, and whoever is in it."""

    job: WorkerJob
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    backoff_seconds: float = 0.0
    start_at: float = 0.0


@dataclass(slots=True)
class ListeningSockets:
    """The open sockets of all workers: for each worker one of each kind for every endpoint."""

    datagrams: list[list[socket.socket]] = field(default_factory=list)
    streams: list[list[socket.socket]] = field(default_factory=list)

    def close(self) -> None:
        """Close them all."""
        for each in (*self.datagrams, *self.streams):
            for listening in each:
                listening.close()


def open_sockets(
    endpoints: Iterable[Endpoint], *, workers: int, where: str, is_shared: bool = False
) -> ListeningSockets:
    """Listen at every endpoint, for every worker.

    Args:
        endpoints: where.
        workers: how many.
        where: the place in the site that problems are told with.
        is_shared: workers of a gateway that died still listen there, and are to be relieved.

    Raises:
        ConfigurationError: a port is taken or may not be used, an address is not this machine's; all at once.
    """
    opened = ListeningSockets([[] for _ in range(workers)], [[] for _ in range(workers)])
    problems = []
    for endpoint in endpoints:
        try:
            if not is_shared:
                _check_free(endpoint)
            for number in range(workers):
                opened.datagrams[number].append(listen_on_datagrams(endpoint.address, endpoint.port))
                opened.streams[number].append(listen_on_stream(endpoint.address, endpoint.port))
        except OSError as error:
            problems.append(explain_bind_error(error, endpoint, where))
    if problems:
        opened.close()
        raise ConfigurationError(tuple(problems))
    return opened


def _check_free(endpoint: Endpoint) -> None:
    """Fail where somebody else listens: SO_REUSEPORT would share the port with him, and half of the queries."""
    family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(family, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((endpoint.address, endpoint.port))


def explain_bind_error(error: OSError, endpoint: Endpoint, where: str) -> Problem:
    """Say in one sentence why nobody can listen there, and what to do."""
    found, expected = {
        errno.EADDRINUSE: (
            f"{endpoint} in use by another program",
            f"a free port; `ss -lnp 'sport = :{endpoint.port}'` shows who has it",
        ),
        errno.EACCES: (
            f"no permission to listen on {endpoint}",
            "a port above 1023, or the capability CAP_NET_BIND_SERVICE as deploy/schoolgate.service gives it",
        ),
        errno.EADDRNOTAVAIL: (f"{endpoint}, which is not an address of this machine", "one that `ip address` shows"),
    }.get(error.errno or 0, (f"{endpoint}: {error.strerror}", "an address and port to listen on"))
    return Problem(where, found, expected)


class Supervisor:
    """Keeps the workers running.

    Args:
        shared: where generations are published and workers report.
        sockets: what each worker listens on.
        job: what every worker is told, but for its slot and its sockets.
        command: starts a worker, with its job as the last argument.
        monotonic: seconds, on the clock that workers tell their heartbeat by.
    """

    def __init__(
        self,
        shared: SharedMemory,
        sockets: ListeningSockets,
        job: WorkerJob,
        *,
        command: Sequence[str] = WORKER_COMMAND,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shared = shared
        self._sockets = sockets
        self._command = command
        self._monotonic = monotonic
        self._slots = shared.workers()
        self._workers = [
            _Worker(
                replace(
                    job,
                    slot=number,
                    datagrams=tuple(each.fileno() for each in sockets.datagrams[number]),
                    streams=tuple(each.fileno() for each in sockets.streams[number]),
                )
            )
            for number in range(shared.worker_count)
        ]

    def start(self) -> None:
        """Start every worker."""
        for worker in self._workers:
            self._start(worker)

    def _start(self, worker: _Worker) -> None:
        worker.started_at = self._monotonic()
        worker.process = subprocess.Popen(  # noqa: S603 (our own interpreter, our own module, no shell)
            [*self._command, worker.job.to_json()],
            pass_fds=(*worker.job.datagrams, *worker.job.streams),
            stdin=subprocess.DEVNULL,
            # Not in reach of the terminal's Ctrl-C, yet in our session: see `agent.dns.background`.
            process_group=0,
        )

    def watch(self) -> None:
        """Start again what has died or hangs; call it often."""
        now = self._monotonic()
        for worker, slot in zip(self._workers, self._slots, strict=True):
            process = worker.process
            if process is None:
                if now >= worker.start_at:
                    self._start_again(worker, slot.number, now)
                continue
            heartbeat = slot.heartbeat_nanoseconds if slot.pid == process.pid else 0
            silent_for = now - max(heartbeat / 1e9, worker.started_at)
            if process.poll() is None and silent_for > SILENT_SECONDS:
                log.error("worker_hangs", worker=slot.number)
                process.kill()
                process.wait()
            if process.poll() is not None:
                self._bury(worker, slot.number, now)

    def _start_again(self, worker: _Worker, number: int, now: float) -> None:
        try:
            self._start(worker)
        except OSError as error:
            # No memory or no process number is to be had: the others go on, and later there may be.
            self._back_off(worker, now)
            log.error("worker_not_started", worker=number, reason=error.strerror or str(error))

    def _back_off(self, worker: _Worker, now: float) -> None:
        seconds = min(max(worker.backoff_seconds * 2, FIRST_BACKOFF_SECONDS), MAX_BACKOFF_SECONDS)
        worker.backoff_seconds = seconds
        worker.start_at = now + seconds

    def _bury(self, worker: _Worker, number: int, now: float) -> None:
        if worker.process is None:
            return
        code, worker.process = worker.process.returncode, None
        if now - worker.started_at > SOUND_SECONDS:
            worker.backoff_seconds = 0.0
            worker.start_at = now
        else:
            self._back_off(worker, now)
        self._shared.count("worker_restarts")
        log.error("worker_died", worker=number, exit_code=code, seconds=worker.backoff_seconds)

    def is_whole(self) -> bool:
        """Say whether every worker is there."""
        return all(worker.process is not None for worker in self._workers)

    def applied(self) -> list[tuple[int, int]]:
        """Give the index and policy generation that each worker answers by."""
        return [(slot.index_generation, slot.policy_generation) for slot in self._slots]

    def pids(self) -> list[int]:
        """Give the running workers' process numbers."""
        return [worker.process.pid for worker in self._workers if worker.process is not None]

    def have_applied(self, *, index_generation: int, policy_generation: int) -> bool:
        """Say whether every worker answers by these generations."""
        return all(found == (index_generation, policy_generation) for found in self.applied())

    def has_failed_to_start(self) -> bool:
        """Say whether a worker ended because it could not start at all."""
        return any(worker.process is not None and worker.process.poll() == 2 for worker in self._workers)

    def stop(self) -> None:
        """End every worker, kindly first."""
        processes = [worker.process for worker in self._workers if worker.process is not None]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._sockets.close()


def orphans_of(shared_path: Path) -> list[int]:
    """Give the workers that supervisors before us left behind: they answer until somebody takes their place.

    They are known by what they were started with, because several gateways may have died one after the other.
    """
    processes = Path("/proc")
    pids = [int(entry.name) for entry in processes.iterdir() if entry.name.isdigit()] if processes.is_dir() else []
    return [pid for pid in pids if _is_worker(pid, shared_path)]


def _is_worker(pid: int, shared_path: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"agent.dns.dns_worker" in command and json.dumps(str(shared_path)).encode() in command


def end_orphans(pids: Iterable[int]) -> None:
    """End workers whose place has been taken."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
