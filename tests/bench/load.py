"""Questions put to a server: dnsperf for load, one socket for the moment of the first answer."""

import itertools
import re
import signal
import socket
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from processes import BenchError, ServerProcess

_NOERROR: Final = 0
_NXDOMAIN: Final = 3
# Many sockets, as many clients have: with SO_REUSEPORT the kernel spreads them over workers.
CLIENTS: Final = 20
# dnsperf's own receive buffer must never be what loses answers; its default holds 40.
_BUFFER_KB: Final = 4096
TIMEOUT_SECONDS: Final = 2


class LoadCrashedError(BenchError):
    """dnsperf itself crashed or hung; the server is not to blame."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What one dnsperf run saw; `lost` counts answers that are failures (SERVFAIL, REFUSED) too."""

    seconds: float
    answered: int
    lost: int
    blocked_share: float
    latencies_ms: tuple[float, ...] = ()

    @property
    def qps(self) -> float:
        return self.answered / self.seconds

    def percentile_ms(self, percent: int) -> float:
        return statistics.quantiles(self.latencies_ms, n=100)[percent - 1]


class Load:
    """One dnsperf on the client core."""

    def __init__(
        self,
        questions: Path,
        *,
        port: int,
        cores: str,
        gives_way: bool = False,
        seconds: float,
        queries_per_second: float | None = None,
        outstanding: int = 100,
        each_once: bool = True,
        latencies: bool = False,
        clients: int = CLIENTS,
    ) -> None:
        self._output = questions.parent / "dnsperf.out"
        # SCHED_BATCH (sched(7)): it does not interrupt a server on its core whenever an answer comes.
        argv = ["chrt", "--batch", "0"] if gives_way else []
        argv += ["taskset", "-c", cores, "dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(questions)]
        argv += [
            "-l",
            f"{seconds:g}",
            "-t",
            str(TIMEOUT_SECONDS),
            "-q",
            str(outstanding),
            "-c",
            str(clients),
            "-T",
            "1",
        ]
        argv += ["-b", str(_BUFFER_KB), "-O", "suppress=timeout,congestion,sendfailed,sockready,unexpected"]
        argv += ["-n", "1"] if each_once else []
        argv += ["-Q", f"{queries_per_second:.0f}"] if queries_per_second else []
        argv += ["-v"] if latencies else []
        self._limit_seconds = seconds + TIMEOUT_SECONDS + 15
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=questions.parent
            )

    def end_early(self) -> None:
        """Let dnsperf stop asking and print what it has seen."""
        # taskset has become dnsperf: exec keeps the process.
        self._process.send_signal(signal.SIGINT)

    def result(self) -> LoadResult:
        """Wait for the end of the run.

        Raises:
            LoadCrashedError: dnsperf did not come to an end of its own.
        """
        try:
            self._process.wait(self._limit_seconds)
        except subprocess.TimeoutExpired:
            raise LoadCrashedError(f"dnsperf did not end within {self._limit_seconds:.0f} s") from None
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
        if self._process.returncode < 0:
            raise LoadCrashedError(f"dnsperf was ended by signal {-self._process.returncode}")
        return parse_result(self._output.read_text(errors="replace"))


def parse_result(text: str) -> LoadResult:
    """Read what dnsperf printed.

    Raises:
        BenchError: it printed no statistics.
    """
    lost, seconds = re.search(r"Queries lost: +(\d+)", text), re.search(r"Run time \(s\): +([\d.]+)", text)
    if lost is None or seconds is None:
        raise BenchError(f"dnsperf printed no statistics: {text.strip()[-300:]}")
    codes = re.search(r"Response codes: +(.*)", text)
    counts = {code: int(count) for code, count in re.findall(r"([A-Z]+\d*) (\d+)", codes[1] if codes else "")}
    latencies = re.findall(r"^> [A-Z]\S* .* (\d+\.\d+)$", text, re.MULTILINE)
    answered = counts.get("NOERROR", 0) + counts.get("NXDOMAIN", 0)
    return LoadResult(
        seconds=float(seconds[1]),
        answered=answered,
        lost=int(lost[1]) + sum(counts.values()) - answered,
        blocked_share=counts.get("NXDOMAIN", 0) / max(1, answered),
        latencies_ms=tuple(float(latency) * 1000 for latency in latencies),
    )


class Poller:
    """A client that asks for ever new names below one name until the server blocks it."""

    def __init__(self, port: int, name: str) -> None:
        self._name = name
        self._numbers = itertools.count(1)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.settimeout(0.004)

    def close(self) -> None:
        self._socket.close()

    def wait_until_blocked(self, server: ServerProcess, limit_seconds: float) -> tuple[float, int]:
        """Return the monotonic time of the first NXDOMAIN, and how many answers before it were not blocked.

        Raises:
            BenchError: the server ended, or nothing was blocked in time.
        """
        unfiltered = 0
        deadline = time.monotonic() + limit_seconds
        while time.monotonic() < deadline:
            codes = self._ask()
            if _NXDOMAIN in codes:
                return time.monotonic(), unfiltered
            unfiltered += codes.count(_NOERROR)
            if server.has_ended():
                raise BenchError(f"the server ended: {server.last_words()}")
        raise BenchError(f"{self._name} was not blocked within {limit_seconds:.0f} s: {server.last_words()}")

    def _ask(self) -> list[int]:
        """Ask once and read all answers that have come: a backlog of old ones must not delay the news."""
        number = next(self._numbers)
        codes = []
        try:
            self._socket.send(_question(number & 0xFFFF, f"p{number}.{self._name}"))
            codes.append(self._socket.recv(4096)[3] & 0x0F)
            while True:
                codes.append(self._socket.recv(4096, socket.MSG_DONTWAIT)[3] & 0x0F)
        except (TimeoutError, BlockingIOError):
            pass
        except ConnectionRefusedError:
            time.sleep(0.002)
        return codes


def _question(identity: int, name: str) -> bytes:
    labels = (part.encode() for part in name.split("."))
    wire = b"".join(len(label).to_bytes() + label for label in labels)
    return identity.to_bytes(2) + b"\1\0\0\1\0\0\0\0\0\0" + wire + b"\0\0\1\0\1"


def median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None
