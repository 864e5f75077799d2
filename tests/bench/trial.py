"""One server under test: started once, then given every kind of run, and what was seen of it."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from load import CLIENTS, Load, LoadCrashedError, LoadResult, Poller, median
from processes import BenchError, ServerProcess, core_busy_seconds
from query_mix import BLOCKED_SHARE
from server import Server

STEADY_QPS: Final = 10_000
_START_LIMIT_SECONDS: Final = 90
_RELOAD_LIMIT_SECONDS: Final = 90
# dnsperf begins with a burst of so many: it must fit into the socket of every server here, or what is lost is lost
# at the start and not in the reload.
RELOAD_OUTSTANDING: Final = 4_000
# A server that puts work off until it has time does it before the next one is measured.
_SETTLE_LIMIT_SECONDS: Final = 30.0
# Work that waits for its turn may look once a second whether there is any.
_SETTLE_STEP_SECONDS: Final = 1.25
_SETTLED_SHARE: Final = 0.05
_RELOAD_ATTEMPTS: Final = 3
OUTSTANDING: Final = 100
LEAD_IN_SECONDS: Final = 1.0
# dnsperf gives questions to its sockets in turn: no divisor of the number of names.
ODD_CLIENTS: Final = 19
# dnsperf shares the cores of a server that has two: only with many questions waiting are both workers busy, as one
# worker is with few.
OUTSTANDING_OF_TWO: Final = 400


@dataclass(frozen=True, slots=True)
class Cores:
    """Where things run: the server, the load with its upstream, and the second worker of a server that has two."""

    server: int
    client: int
    second: int

    def of(self, kind: type[Server]) -> str:
        """The cores of a server, as taskset wants them."""
        return f"{self.server},{self.second}" if kind.core_count > 1 else str(self.server)


@dataclass(slots=True)
class Figures:
    """Everything measured of one server; a list holds one figure a round."""

    version: str = "?"
    start_s: float | None = None
    unfiltered_at_start: int = 0
    qps: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    miss_qps: list[float] = field(default_factory=list)
    miss_cpu_us: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    lost: int = 0
    lost_misses: int = 0
    reload_s: float | None = None
    lost_in_reload: int | None = None
    # What other programs took of the server's core, as a share, in the runs at full speed.
    disturbed: list[float] = field(default_factory=list)
    resident_mb: float = 0
    tree_mb: float = 0
    # Resident MB after each quarter of a million names that nobody had asked for before.
    growth_mb: list[float] = field(default_factory=list)

    def row(self, name: str) -> dict[str, str | float | int | None]:
        """The row of the JSON report."""
        return {
            "name": name,
            "version": self.version,
            "qps": round(median(self.qps) or 0) or None,
            "cpu_us_per_query": _rounded(median(self.cpu_us), 2),
            "resident_mb": _rounded(self.resident_mb, 1),
            "start_s": _rounded(self.start_s, 3),
            "lost": self.lost,
            "p50_ms": _rounded(median(self.p50_ms), 3),
            "p99_ms": _rounded(median(self.p99_ms), 3),
            "reload_s": _rounded(self.reload_s, 2),
            "lost_in_reload": self.lost_in_reload,
        }


class Trial:
    """A server that runs, and the runs that it is given."""

    def __init__(self, server: Server, cores: Cores, listed: list[str]) -> None:
        self.server = server
        self.figures = Figures()
        self._cores = cores
        self._listed = listed
        self._process: ServerProcess | None = None

    def start(self) -> None:
        """Start the server and wait for the first answer."""
        self.server.write_list(self._listed)
        command = self.server.prepare()
        self.figures.version = self.server.version()
        poller = Poller(self.server.port, self._listed[0])
        try:
            folder = self.server.folder
            process = self._process = ServerProcess(command, cores=self.server.cores, log=folder / "log", cwd=folder)
            answered_at, self.figures.unfiltered_at_start = poller.wait_until_blocked(process, _START_LIMIT_SECONDS)
            self.figures.start_s = answered_at - process.started_at
        finally:
            poller.close()

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def run_warm_up(self, every_name: Path) -> None:
        """Fill the caches."""
        self._ask_for_every_name(every_name, seconds=3)
        self._settle()

    def _ask_for_every_name(self, every_name: Path, seconds: float) -> None:
        """Ask for all allowed names again and again, each from ever other sockets, so that every worker gets it."""
        self._load(every_name, seconds=seconds, each_once=False, clients=ODD_CLIENTS).result()

    def run_mix(self, every_name: Path, questions: Path, seconds: float) -> None:
        """Ask the mix as fast as the server answers; a second for the caches, which others have had meanwhile."""
        self._ask_for_every_name(every_name, seconds=LEAD_IN_SECONDS)
        result, cpu_us = self._run(questions, seconds)
        self._check_filtering(result)
        self.figures.qps.append(result.qps)
        self.figures.cpu_us.append(cpu_us)
        self.figures.lost += result.lost

    def run_misses(self, questions: Path, seconds: float) -> None:
        """Ask for names that nobody has asked for."""
        result, cpu_us = self._run(questions, seconds)
        self.figures.miss_qps.append(result.qps)
        self.figures.miss_cpu_us.append(cpu_us)
        self.figures.lost_misses += result.lost

    def run_steady(self, questions: Path, seconds: float) -> None:
        """Ask at the pace of a large school and look at each answer's time."""
        result = self._load(questions, seconds=seconds, queries_per_second=STEADY_QPS, latencies=True).result()
        self._check_filtering(result)
        self.figures.p50_ms.append(result.percentile_ms(50))
        self.figures.p99_ms.append(result.percentile_ms(99))
        self.figures.lost += result.lost

    def run_growth(self, questions: Path) -> None:
        """Ask for every name of the file once."""
        self._load(questions, seconds=60).result()
        self._settle()
        self.figures.growth_mb.append(self._note_memory())

    def run_reload(self, every_name: Path, questions: Path) -> None:
        """Replace the list by one that is a name longer, under half the load that the server can carry."""
        for number in range(_RELOAD_ATTEMPTS):
            try:
                self.run_warm_up(every_name)
                self._reload_once(questions, f"reload-canary-{number}.example")
            except LoadCrashedError:
                continue
            return

    def _reload_once(self, questions: Path, canary: str) -> None:
        load = self._load(
            questions,
            seconds=_RELOAD_LIMIT_SECONDS + 10,
            queries_per_second=(median(self.figures.qps) or STEADY_QPS) / 2,
            outstanding=RELOAD_OUTSTANDING,
            each_once=False,
        )
        poller = Poller(self.server.port, canary)
        try:
            with ThreadPoolExecutor(max_workers=1) as beside:
                # The command may come back long after, or long before, the list is in force: watch meanwhile.
                self.server.write_list([*self._listed, canary])
                asked_at = time.monotonic()
                command = beside.submit(self.server.reload)
                in_force_at, _ = poller.wait_until_blocked(self._running(), _RELOAD_LIMIT_SECONDS)
                self.figures.reload_s = in_force_at - asked_at
                command.result()
            time.sleep(1)
        finally:
            poller.close()
            load.end_early()
            self.figures.lost_in_reload = load.result().lost

    def _running(self) -> ServerProcess:
        if self._process is None:
            raise BenchError(f"{self.server.name} has not been started")
        return self._process

    def _load(
        self,
        questions: Path,
        *,
        seconds: float,
        queries_per_second: float | None = None,
        outstanding: int | None = None,
        clients: int = CLIENTS,
        each_once: bool = True,
        latencies: bool = False,
    ) -> Load:
        shares_cores = self.server.core_count > 1
        usual = OUTSTANDING_OF_TWO if shares_cores else OUTSTANDING
        return Load(
            questions,
            port=self.server.port,
            cores=self.server.cores if shares_cores else str(self._cores.client),
            gives_way=shares_cores,
            seconds=seconds,
            queries_per_second=queries_per_second,
            outstanding=usual if outstanding is None else outstanding,
            each_once=each_once,
            clients=clients,
            latencies=latencies,
        )

    def _run(self, questions: Path, seconds: float) -> tuple[LoadResult, float]:
        process = self._running()
        before, core_before = process.cpu_seconds(), core_busy_seconds(self._cores.server)
        result = self._load(questions, seconds=seconds).result()
        used, core_used = process.cpu_seconds() - before, core_busy_seconds(self._cores.server) - core_before
        self._note_memory()
        if self.server.core_count == 1:
            self.figures.disturbed.append(max(0.0, core_used - used) / result.seconds)
        # What the server puts off until later is part of what these queries cost.
        self._settle()
        used = process.cpu_seconds() - before
        return result, used * 1e6 / max(1, result.answered)

    def _settle(self) -> None:
        """Wait until the server has done what it put off."""
        process = self._running()
        deadline = time.monotonic() + _SETTLE_LIMIT_SECONDS
        before = process.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(_SETTLE_STEP_SECONDS)
            now = process.cpu_seconds()
            if now - before < _SETTLED_SHARE * _SETTLE_STEP_SECONDS:
                return
            before = now

    def _note_memory(self) -> float:
        resident = self._running().resident(self.server.worker_mark)
        self.figures.resident_mb = max(self.figures.resident_mb, resident.rss)
        self.figures.tree_mb = max(self.figures.tree_mb, resident.tree_pss)
        return resident.rss

    def _check_filtering(self, result: LoadResult) -> None:
        if abs(result.blocked_share - BLOCKED_SHARE) > 0.02:
            raise BenchError(
                f"{self.server.name} blocked {result.blocked_share:.1%} of the mix, not {BLOCKED_SHARE:.0%}: "
                f"{self._running().last_words()}"
            )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
