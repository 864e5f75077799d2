"""Compare Schoolgate with every DNS server that is installed: the same list, upstream, questions and core.

    make bench                                     everything, about ten minutes
    BENCH_SERVERS=schoolgate,unbound make bench    only these
    BENCH_SECONDS=2 make bench                     shorter runs (default 5)
    BENCH_JSON=FILE make bench                     the figures as a JSON array too

One core for the server, another for dnsperf and the upstream. All servers stay up, idle, and take turns in short
rounds, because a machine's speed drifts; every figure is the median of its rounds. Exit codes: 0 done, 1 a server
did not do its part, 2 something that the bench needs is missing.
"""

import json
import os
import platform
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Concatenate, Final, ParamSpec

import query_mix
from peers import upstream_command
from processes import BenchError, ServerProcess
from report import comparison, notes, table
from server import Server, free_port
from servers import SERVERS, Schoolgate
from trial import LEAD_IN_SECONDS, OUTSTANDING, OUTSTANDING_OF_TWO, Cores, Trial

P = ParamSpec("P")

_MIX_ROUNDS: Final = 5
# The slowest hundredth of a short run is at the mercy of whatever else the machine does in that moment.
_STEADY_ROUNDS: Final = 7
_MISS_ROUNDS: Final = 3
_MISS_SHARE: Final = 0.4  # of the seconds of a round of the mix
# More than any server here answers in a second: a run must not come to the end of its questions.
_LINES_PER_SECOND: Final = 320_000
_GROWTH_STEPS: Final = 4
_GROWTH_NAMES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment asks for."""

    servers: tuple[type[Server], ...]
    seconds: float
    json_path: Path | None

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the BENCH_ variables.

        Raises:
            BenchError: one of them makes no sense.
        """
        known = {server.name: server for server in SERVERS}
        asked = [name.strip() for name in os.environ.get("BENCH_SERVERS", ",".join(known)).split(",")]
        if unknown := [name for name in asked if name not in known]:
            raise BenchError(f"BENCH_SERVERS: no server is called {unknown[0]!r}; there are {', '.join(known)}")
        try:
            seconds = float(os.environ.get("BENCH_SECONDS", "5"))
        except ValueError:
            raise BenchError(f"BENCH_SECONDS: {os.environ['BENCH_SECONDS']!r} is not a number of seconds") from None
        if not 1 <= seconds <= 60:
            raise BenchError("BENCH_SECONDS: expected 1 to 60")
        path = os.environ.get("BENCH_JSON")
        return cls(tuple(known[name] for name in asked), seconds, Path(path).resolve() if path else None)


def main() -> int:
    """Run the bench and print what came out."""
    signal.signal(signal.SIGTERM, _leave)
    try:
        settings = Settings.from_environment()
        cores = _choose_cores()
        _require("taskset", "util-linux")
        _require("dnsperf", "dnsperf")
        _require("unbound", "unbound")
    except BenchError as error:
        _say(f"bench: {error}")
        return 2
    servers = [server for server in settings.servers if server.is_installed()]
    for server in settings.servers:
        if server not in servers:
            _say(f"{server.name}: not installed, left out (it is in {server.package})")
    os.sched_setaffinity(0, {cores.client})
    with tempfile.TemporaryDirectory(prefix="schoolgate-bench-") as folder, ExitStack() as at_the_end:
        return _bench(settings, servers, cores, Path(folder), at_the_end)


def _bench(settings: Settings, kinds: list[type[Server]], cores: Cores, folder: Path, at_the_end: ExitStack) -> int:
    began_at = time.monotonic()
    _say(f"making {query_mix.LISTED_NAMES:,} names and the questions")
    names = query_mix.build_names()
    files = _QuestionFiles(folder, names, settings.seconds)
    upstream_port = free_port()
    command = upstream_command(folder, upstream_port)
    upstream = ServerProcess(command, cores=str(cores.client), log=folder / "upstream.log", cwd=folder)
    at_the_end.callback(upstream.stop)

    field = _Field()
    for kind in kinds:
        place = folder / kind.name
        place.mkdir()
        trial = Trial(kind(place, upstream_port, cores.of(kind)), cores, names.listed)
        at_the_end.callback(trial.stop)
        _say(f"starting {kind.name}")
        field.add(trial)
    short = settings.seconds * _MISS_SHARE
    field.each("warm-up", everyone, Trial.run_warm_up, files.every_name)
    for number in range(1, _MIX_ROUNDS + 1):
        field.each(
            f"mix {number}/{_MIX_ROUNDS}", everyone, Trial.run_mix, files.every_name, files.mix(), settings.seconds
        )
    for number in range(1, _STEADY_ROUNDS + 1):
        field.each(f"steady {number}/{_STEADY_ROUNDS}", one_core, Trial.run_steady, files.mix(), settings.seconds)
    for number in range(1, _MISS_ROUNDS + 1):
        field.each(f"misses {number}/{_MISS_ROUNDS}", one_core, Trial.run_misses, files.misses(), short)
    for number in range(1, _GROWTH_STEPS + 1):
        questions = files.new_names(_GROWTH_NAMES // _GROWTH_STEPS)
        field.each(f"new names {number}/{_GROWTH_STEPS}", ours, Trial.run_growth, questions)
    field.each("reload", one_core, Trial.run_reload, files.every_name, files.mix())

    rows = [(trial.server.name, trial.figures) for trial in field.started]
    _say("")
    _say(table(rows))
    _say(notes(rows))
    _say(_how_it_was_taken(settings, cores, field.started, time.monotonic() - began_at))
    _say(comparison(rows))
    if settings.json_path is not None:
        settings.json_path.write_text(json.dumps([figures.row(name) for name, figures in rows], indent=1) + "\n")
    return 1 if field.failures else 0


def everyone(_trial: Trial) -> bool:
    return True


def one_core(trial: Trial) -> bool:
    return trial.server.core_count == 1


def ours(trial: Trial) -> bool:
    return isinstance(trial.server, Schoolgate) and one_core(trial)


class _Field:
    """The servers in the comparison; one that fails is stopped and keeps the figures that it has; others go on."""

    def __init__(self) -> None:
        self.started: list[Trial] = []
        self._running: list[Trial] = []
        self.failures = 0

    def add(self, trial: Trial) -> None:
        self._running.append(trial)
        self._attempt(trial, Trial.start)
        self.started = list(self._running)

    def each(
        self,
        what: str,
        applies: Callable[[Trial], bool],
        run: Callable[Concatenate[Trial, P], None],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        """Give each server that it applies to one run of the same kind, one after the other."""
        if trials := list(filter(applies, self._running)):
            _say(f"{what}: {', '.join(trial.server.name for trial in trials)}")
        for trial in trials:
            self._attempt(trial, run, *args, **kwargs)

    def _attempt(
        self, trial: Trial, run: Callable[Concatenate[Trial, P], None], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        try:
            run(trial, *args, **kwargs)
        except BenchError as error:
            _say(f"{trial.server.name} is out: {error}")
            self.failures += 1
            trial.stop()
            self._running.remove(trial)


class _QuestionFiles:
    """Query files, each with names that no earlier file had."""

    def __init__(self, folder: Path, names: query_mix.Names, seconds: float) -> None:
        self._marks: Iterator[str] = iter(query_mix.marks())
        self._run = folder / "questions.txt"
        self._mix = folder / "mix.txt"
        self._misses = folder / "misses.txt"
        self.every_name = folder / "every-name.txt"
        lines = int(_LINES_PER_SECOND * seconds)
        query_mix.write_mix(self._mix, names, lines)
        query_mix.write_misses(self._misses, max(lines // 2, _GROWTH_NAMES // _GROWTH_STEPS))
        query_mix.write_every_name(self.every_name, names.allowed)

    def mix(self) -> Path:
        query_mix.write_run(self._mix, self._run, next(self._marks))
        return self._run

    def misses(self) -> Path:
        query_mix.write_run(self._misses, self._run, next(self._marks))
        return self._run

    def new_names(self, count: int) -> Path:
        """Exactly this many names that are new."""
        text = self.misses().read_bytes().splitlines(keepends=True)
        self._run.write_bytes(b"".join(text[:count]))
        return self._run


def _choose_cores() -> Cores:
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        raise BenchError("two cores are needed: one for the server, one for the load")
    server, client, *others = available
    return Cores(server=server, client=client, second=others[0] if others else client)


def _require(program: str, package: str) -> None:
    if shutil.which(program) is None:
        raise BenchError(f"{program} is missing; it is in the Debian package {package}")


def _how_it_was_taken(settings: Settings, cores: Cores, trials: list[Trial], took_seconds: float) -> str:
    short = settings.seconds * _MISS_SHARE
    disturbed = [share for trial in trials for share in trial.figures.disturbed] or [0.0]
    machine = f"{os.cpu_count()} x {_processor()}, Linux {platform.release()}, Python {platform.python_version()}"
    rounds = f"{_MIX_ROUNDS} (mix) and {_STEADY_ROUNDS} (10 k/s) rounds of {settings.seconds:g} s"
    rounds += f", {_MISS_ROUNDS} of {short:g} s (misses)"
    names = f"{query_mix.LISTED_NAMES:,} listed names, {query_mix.ALLOWED_NAMES:,} allowed ones"
    usual, worst = statistics.median(disturbed), max(disturbed)
    disturbance = f"{usual:.0%} of the server's core in the median run, {worst:.0%} at worst"
    return f"""\
Taken on {machine}, in {took_seconds / 60:.1f} minutes.
Core {cores.server}: the server. Core {cores.client}: the upstream (Unbound) and dnsperf, {OUTSTANDING} at a time.
Two workers: all on both cores, {OUTSTANDING_OF_TWO:,} at a time, dnsperf under SCHED_BATCH.
{names}, seed {query_mix.SEED}, no EDNS. Medians of {rounds}, servers in turn;
each round of the mix after {LEAD_IN_SECONDS:g} s that is not counted.
Other programs had {disturbance}."""


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
