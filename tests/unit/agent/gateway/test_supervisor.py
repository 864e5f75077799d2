"""Workers watched: real processes with real sockets, small programs in the place of the real worker."""

import contextlib
import errno
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.dns.dns_worker_job import WorkerJob
from agent.dns.shared_memory import SharedMemory
from agent.gateway.supervisor import (
    MAX_BACKOFF_SECONDS,
    SILENT_SECONDS,
    SOUND_SECONDS,
    ListeningSockets,
    Supervisor,
    end_orphans,
    explain_bind_error,
    open_sockets,
    orphans_of,
)
from agent.sites.site import Endpoint
from rules.errors import ConfigurationError

JOB = WorkerJob(0, "/run/shared.mem", "/run/snapshot.json", "/var/spool", 1000, (), ())

SLEEP = ("/bin/sh", "-c", "exec sleep 60")
# Answers every datagram with what it says and its own process number.
ECHO = """
import json, os, socket, sys
job = json.loads(sys.argv[1])
with socket.socket(fileno=job["datagrams"][0]) as listening:
    listening.settimeout(None)
    while True:
        octets, client = listening.recvfrom(100)
        listening.sendto(octets + b" " + str(os.getpid()).encode(), client)
"""
ECHOING = (sys.executable, "-S", "-E", "-c", ECHO)


def test_a_job_arrives_as_it_was_given() -> None:
    job = WorkerJob(3, "/run/é", "/run/snapshot.json", "/var/spool", 1000, (5, 6), (7,))
    assert WorkerJob.from_json(job.to_json()) == job


# ---- sockets -----------------------------------------------------------------------------------------------------


def free_endpoint(address: str = "127.0.0.1") -> Endpoint:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return Endpoint(address, probe.getsockname()[1])


def test_every_worker_gets_sockets_of_its_own_for_every_endpoint() -> None:
    endpoints = [free_endpoint(), free_endpoint("::1")]
    opened = open_sockets(endpoints, workers=3, where="site.yaml")
    with contextlib.closing(opened):
        for of_kind in (opened.datagrams, opened.streams):
            assert [[each.getsockname()[:2] for each in of_worker] for of_worker in of_kind] == [
                [(endpoint.address, endpoint.port) for endpoint in endpoints]
            ] * 3


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["UDP", "TCP"])
@pytest.mark.parametrize("shares", [False, True], ids=["keeps-it", "would-share-it"])
def test_all_endpoints_that_cannot_be_had_are_told_at_once(kind: socket.SocketKind, shares: bool) -> None:
    with socket.socket(socket.AF_INET, kind) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shares)
        other.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            other.listen()
        taken = Endpoint("127.0.0.1", other.getsockname()[1])
        endpoints = [taken, Endpoint("192.0.2.1", 5353), free_endpoint()]
        with pytest.raises(ConfigurationError) as caught:
            open_sockets(endpoints, workers=2, where="site.yaml: listeners.dns")
    who = f"`ss -lnp 'sport = :{taken.port}'` shows who has it"
    strange = "192.0.2.1:5353, which is not an address of this machine; expected one that `ip address` shows"
    assert str(caught.value).splitlines() == [
        f"site.yaml: listeners.dns: found {taken} in use by another program; expected a free port; {who}",
        f"site.yaml: listeners.dns: found {strange}",
    ]


def test_the_workers_of_a_dead_gateway_may_still_listen() -> None:
    endpoint = free_endpoint()
    with contextlib.closing(open_sockets([endpoint], workers=1, where="site.yaml")):
        shared = open_sockets([endpoint], workers=1, where="site.yaml", is_shared=True)
        shared.close()


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.EACCES, "no permission to listen on 192.0.2.1:53; expected a port above 1023, or the capability"),
        (errno.EMFILE, "192.0.2.1:53: Too many open files; expected an address and port to listen on"),
    ],
)
def test_why_nobody_can_listen_is_one_sentence(number: int, sentence: str) -> None:
    problem = explain_bind_error(OSError(number, os.strerror(number)), Endpoint("192.0.2.1", 53), "site.yaml")
    assert str(problem).startswith(f"site.yaml: found {sentence}")


# ---- workers -----------------------------------------------------------------------------------------------------


@dataclass
class Watched:
    """A supervisor with a clock that stands still."""

    supervisor: Supervisor
    shared: SharedMemory
    sockets: ListeningSockets
    seconds: float = 1000.0

    def watch_until(self, condition: Callable[[], bool]) -> None:
        """Watch, at this instant of our clock, until real processes have done what they do."""
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline
            self.supervisor.watch()
            time.sleep(0.002)

    def kill(self) -> int:
        """Kill the first worker and see it buried; gives who it was."""
        pid = self.supervisor.pids()[0]
        os.kill(pid, signal.SIGKILL)
        self.watch_until(lambda: pid not in self.supervisor.pids())
        return pid


Watch = Callable[..., Watched]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watch]:
    with contextlib.ExitStack() as stack:

        def make(*command: str, workers: int = 1) -> Watched:
            shared = stack.enter_context(SharedMemory.create(tmp_path / "shared.mem", workers=workers))
            sockets = open_sockets([free_endpoint()], workers=workers, where="site.yaml")
            made: Watched
            supervisor = Supervisor(shared, sockets, JOB, command=command, monotonic=lambda: made.seconds)
            made = Watched(supervisor, shared, sockets)
            stack.callback(supervisor.stop)
            supervisor.start()
            return made

        yield make


def test_what_lives_is_left_alone(watched: Watch) -> None:
    running = watched(*SLEEP, workers=2)
    before = running.supervisor.pids()
    assert len(before) == 2
    for _ in range(5):
        running.supervisor.watch()
    assert running.supervisor.pids() == before
    assert running.shared.control()["worker_restarts"] == 0


def test_a_dead_worker_is_replaced_and_its_siblings_are_left_alone(watched: Watch) -> None:
    running = watched(*SLEEP, workers=2)
    _, sibling = running.supervisor.pids()
    dead = running.kill()
    assert running.supervisor.pids() == [sibling]
    running.seconds += 1
    running.supervisor.watch()
    replaced, still = running.supervisor.pids()
    assert replaced not in (dead, sibling)
    assert still == sibling
    assert running.shared.control()["worker_restarts"] == 1


def test_a_worker_that_keeps_dying_is_started_less_and_less_often(watched: Watch) -> None:
    running = watched("/bin/sh", "-c", "exit 1")
    pauses = []
    for _ in range(14):
        running.watch_until(lambda: not running.supervisor.pids())
        died_at = running.seconds
        while not running.supervisor.pids():
            running.seconds += 0.05
            running.supervisor.watch()
        pauses.append(running.seconds - died_at)
    assert pauses[:5] == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8], abs=0.051)
    assert pauses[-1] == pytest.approx(MAX_BACKOFF_SECONDS, abs=0.051)
    assert all(earlier <= later + 0.051 for earlier, later in itertools.pairwise(pauses))


def test_a_worker_that_was_sound_for_long_is_replaced_at_once(watched: Watch) -> None:
    running = watched(*SLEEP)
    for _ in range(3):
        running.kill()
        running.seconds += 5
        running.supervisor.watch()
        assert running.supervisor.pids()
    slot = running.shared.worker(0)
    slot.begin(pid=running.supervisor.pids()[0], started_at_nanoseconds=0)
    running.seconds += SOUND_SECONDS + 1
    slot.beat(int(running.seconds * 1e9))
    running.kill()
    running.supervisor.watch()
    assert running.supervisor.pids()


def test_a_worker_that_hangs_is_ended(watched: Watch) -> None:
    running = watched(*SLEEP)
    (pid,) = running.supervisor.pids()
    slot = running.shared.worker(0)
    slot.begin(pid=pid, started_at_nanoseconds=0)
    for _ in range(3):
        slot.beat(int(running.seconds * 1e9))
        running.seconds += SILENT_SECONDS - 0.1
        running.supervisor.watch()
        assert running.supervisor.pids() == [pid]
    running.seconds += 0.2
    running.supervisor.watch()
    assert running.supervisor.pids() == []
    assert running.shared.control()["worker_restarts"] == 1


def test_the_heartbeat_of_a_predecessor_says_nothing(watched: Watch) -> None:
    running = watched(*SLEEP)
    slot = running.shared.worker(0)
    slot.begin(pid=1, started_at_nanoseconds=0)
    slot.beat(int((running.seconds + 1000) * 1e9))
    running.seconds += SILENT_SECONDS + 0.1
    running.supervisor.watch()
    assert running.supervisor.pids() == []


def test_where_no_process_can_be_started_the_others_go_on(watched: Watch, tmp_path: Path) -> None:
    program = tmp_path / "worker"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o700)
    running = watched(str(program), workers=2)
    _, sibling = running.supervisor.pids()
    running.kill()
    program.rename(tmp_path / "away")
    for _ in range(4):
        running.seconds += SILENT_SECONDS - 1
        running.supervisor.watch()
        assert running.supervisor.pids() == [sibling]
        running.shared.worker(1).begin(pid=sibling, started_at_nanoseconds=0)
        running.shared.worker(1).beat(int(running.seconds * 1e9))
    (tmp_path / "away").rename(program)
    running.seconds += SILENT_SECONDS - 1
    running.supervisor.watch()
    assert len(running.supervisor.pids()) == 2


def test_queries_wait_in_the_socket_while_a_worker_is_dead(watched: Watch) -> None:
    running = watched(*ECHOING)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect(running.sockets.datagrams[0][0].getsockname())
        client.send(b"one")
        first = running.supervisor.pids()[0]
        assert client.recv(100) == b"one %d" % first
        running.kill()
        client.send(b"two")
        running.seconds += 1
        running.supervisor.watch()
        (second,) = running.supervisor.pids()
        assert client.recv(100) == b"two %d" % second
    assert second != first


@pytest.mark.parametrize(("status", "failed"), [(2, True), (1, False)])
def test_a_worker_that_cannot_start_at_all_says_so(watched: Watch, status: int, failed: bool) -> None:
    running = watched("/bin/sh", "-c", f"exit {status}")
    process = running.supervisor._workers[0].process
    assert process is not None
    process.wait(5)
    assert running.supervisor.has_failed_to_start() is failed


def test_generations_are_applied_when_every_worker_says_so(watched: Watch) -> None:
    running = watched(*SLEEP, workers=2)
    supervisor = running.supervisor
    running.shared.worker(0).acknowledge(index_generation=4, policy_generation=7)
    assert supervisor.applied() == [(4, 7), (0, 0)]
    assert not supervisor.have_applied(index_generation=4, policy_generation=7)
    running.shared.worker(1).acknowledge(index_generation=4, policy_generation=7)
    assert supervisor.have_applied(index_generation=4, policy_generation=7)
    assert not supervisor.have_applied(index_generation=4, policy_generation=8)


def test_stopping_ends_all_workers_and_closes_the_sockets(watched: Watch) -> None:
    running = watched(*SLEEP, workers=2)
    pids = running.supervisor.pids()
    running.supervisor.stop()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert running.sockets.datagrams[0][0].fileno() == running.sockets.streams[1][0].fileno() == -1


def test_orphans_are_known_by_what_they_were_started_with(tmp_path: Path) -> None:
    ours, others = tmp_path / "é" / "shared.mem", tmp_path / "other" / "shared.mem"
    jobs = [WorkerJob(0, str(path), "", "", 0, (), ()).to_json() for path in (ours, ours, others)]
    sleep = "import time; time.sleep(60)"
    processes = [
        subprocess.Popen([sys.executable, "-S", "-E", "-c", sleep, "agent.dns.dns_worker", job]) for job in jobs
    ]
    processes.append(subprocess.Popen([sys.executable, "-S", "-E", "-c", sleep, "something.else", jobs[0]]))
    try:
        orphans = orphans_of(ours)
        assert set(orphans) == {process.pid for process in processes[:2]}
        end_orphans([*orphans, 2**22 + 1])
        assert [process.wait(5) for process in processes[:2]] == [-signal.SIGTERM] * 2
        assert orphans_of(ours) == []
        assert [process.poll() for process in processes[2:]] == [None, None]
    finally:
        for process in processes:
            process.kill()
            process.wait()
