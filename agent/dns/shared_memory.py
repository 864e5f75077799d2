"""Shared memory: what workers and the control plane tell each other without a message.

One file, mapped by all. The supervisor publishes generations in the header; each worker writes its own slot and
no other. Every field is one aligned unsigned 64-bit word, stored whole, so a reader never sees half of a number;
what it may see is one counter from before and its neighbour from after an update.

Counters only rise: a worker that is started again in the same slot goes on from what it finds there.
"""

import mmap
import time
from collections.abc import Hashable, Mapping, Sequence
from itertools import compress
from operator import is_not
from pathlib import Path
from typing import Final, Protocol, Self

from agent.dns.outcomes import OUTCOMES
from rules.errors import StorageError

MAX_WORKERS: Final = 64
MAX_UPSTREAMS: Final = 8

# ---- what is counted beside outcomes: closed lists ------------------------------------------------------------

PLAIN: Final = (
    "queries_udp",
    "queries_tcp",
    "reply_cache_hits",
    "answer_cache_hits",
    "answer_cache_misses",
    "stale_answers",
    "prefetches",
    "cache_evictions",
    "truncated",
    "malformed",
    "dropped",
    "unsent",
    "overloaded",
    "clients_refused",
    "clients_limited",
    "clients_slowed",
    "clients_truncated",
    "tcp_connections",
    "tcp_rejected",
    "rows_handed_over",
    "rows_lost",
    "upstream_malformed",
    "adopt_failures",
    "unexpected_errors",
)
GAUGES: Final = ("reply_cache_bytes", "answer_cache_bytes", "clients_known", "inflight", "tcp_open")
HISTOGRAMS: Final = ("hit", "miss", "upstream")
# What the supervisor counts, and what the intake tells; both in the header.
CONTROL: Final = ("worker_restarts", "intake_restarts", "reloads", "reloads_refused", "index_fallbacks")
INTAKE: Final = (
    "rows_taken",
    "queries_stored",
    "damaged_frames",
    "files_set_aside",
    "failures",
    "is_failing",
    "waiting_bytes",
    "heartbeat_nanoseconds",
    "taken_until_nanoseconds",
)
# What came of comparing the canaries with the record: how many resolve without a record, how many are blocked that
# need not be, how many workers nobody has heard of for too long.
CANARIES: Final = ("checked_nanoseconds", "unlogged_open", "needlessly_blocked", "unknown_workers")

# What happened with one upstream; then two gauges: its state, and how long its answers usually take.
UPSTREAM_COUNTERS: Final = (
    "sent",
    "answered",
    "timed_out",
    "failed",
    "malformed",
    "mismatched",
    "hedged",
    "tcp_fallbacks",
)
UPSTREAM: Final = (*UPSTREAM_COUNTERS, "state", "latency_microseconds")
# UNTRIED: it has answered nothing yet, nor failed so often that it counts as down.
UPSTREAM_UNUSED, UPSTREAM_DOWN, UPSTREAM_HEALTHY, UPSTREAM_UNTRIED = range(4)

BUCKETS: Final = 24
_PLAIN_SLOTS: Final = 96
_GAUGE_SLOTS: Final = 16
_HISTOGRAM_WORDS: Final = BUCKETS + 2
_UPSTREAM_WORDS: Final = 16

# ---- layout, in words of 8 octets -----------------------------------------------------------------------------

MAGIC: Final = int.from_bytes(b"SCHGMEM\0", "little")
VERSION: Final = 1
_WORD_OCTETS: Final = 8

_MAGIC_AT, _VERSION_AT, _WORKERS_AT, _SLOT_WORDS_AT, _INDEX_AT, _POLICY_AT, _CREATED_AT, _PUBLISHED_AT = range(8)
_CONTROL_AT: Final = 16
_INTAKE_AT: Final = 64
_CANARIES_AT: Final = 96
_HEADER_WORDS: Final = 512

_PID_AT, _STARTED_AT, _HEARTBEAT_AT, _APPLIED_INDEX_AT, _APPLIED_POLICY_AT, _ROWS_HELD_AT = range(6)
_OUTCOMES_AT: Final = 16
_HISTOGRAMS_AT: Final = _OUTCOMES_AT + OUTCOMES
_PLAIN_AT: Final = _HISTOGRAMS_AT + len(HISTOGRAMS) * _HISTOGRAM_WORDS
_GAUGES_AT: Final = _PLAIN_AT + _PLAIN_SLOTS
_UPSTREAMS_AT: Final = _GAUGES_AT + _GAUGE_SLOTS
# Whole pages, so that workers never write to the same one.
SLOT_WORDS: Final = -(-(_UPSTREAMS_AT + MAX_UPSTREAMS * _UPSTREAM_WORDS) // 512) * 512


class Histogram:
    """How long something took: BUCKETS powers of two of a microsecond, the sum in nanoseconds, the count."""

    __slots__ = ("words",)

    def __init__(self, words: list[int]) -> None:
        self.words = words

    def observe(self, seconds: float, times: int = 1) -> None:
        """Add what took this long, `times` times; bucket n holds what took less than 2**n microseconds."""
        nanoseconds = max(0, int(seconds * 1e9))
        words = self.words
        words[min((nanoseconds // 1000).bit_length(), BUCKETS - 1)] += times
        words[BUCKETS] += nanoseconds * times
        words[BUCKETS + 1] += times


class UpstreamReport(Protocol):
    """What the worker tells of one upstream; its counters begin at zero when its `upstream` is new."""

    @property
    def upstream(self) -> Hashable:
        """Which one it is."""

    @property
    def healthy(self) -> bool:
        """Whether it is asked first."""

    @property
    def answered(self) -> int:
        """How much it has answered since its counters began."""

    @property
    def latency_seconds(self) -> float:
        """How long its answers usually take."""


def _upstreams(words: list[int]) -> list[dict[str, int]]:
    starts = range(0, MAX_UPSTREAMS * _UPSTREAM_WORDS, _UPSTREAM_WORDS)
    return [dict(zip(UPSTREAM, words[start:], strict=False)) for start in starts]


def _state_of(report: UpstreamReport) -> int:
    if not report.healthy:
        return UPSTREAM_DOWN
    return UPSTREAM_HEALTHY if report.answered else UPSTREAM_UNTRIED


class Counters:
    """What one worker counts: plain lists while it works, stored in its slot when `flush` is called.

    `outcomes` is indexed by `outcome`, `plain` by PLAIN and `gauges` by GAUGES; only gauges may fall.
    """

    def __init__(self, words: memoryview | None = None) -> None:
        """Go on from the numbers in a slot, or from zero, with nowhere to store them, as tests do."""
        self._words = memoryview(bytearray(SLOT_WORDS * _WORD_OCTETS)).cast("Q") if words is None else words
        self._stored = self._words.tolist()
        self.outcomes = self._stored[_OUTCOMES_AT:_HISTOGRAMS_AT]
        self.plain = dict(zip(PLAIN, self._stored[_PLAIN_AT:], strict=False))
        self.gauges = dict.fromkeys(GAUGES, 0)
        self.hit, self.miss, self.upstream = (
            Histogram(self._stored[start : start + _HISTOGRAM_WORDS])
            for start in range(_HISTOGRAMS_AT, _PLAIN_AT, _HISTOGRAM_WORDS)
        )
        self.hit_latency = self.hit.observe
        self.miss_latency = self.miss.observe
        self.upstream_latency = self.upstream.observe
        self.upstreams = _upstreams(self._stored[_UPSTREAMS_AT:])
        self._reported: dict[Hashable, UpstreamReport] = {}

    def report_upstreams(self, reports: Sequence[UpstreamReport]) -> None:
        """Add what has happened since the last report; upstreams stand at the places that the site gives them.

        An upstream that is told of for the first time has begun at zero.
        """
        for counts, report in zip(self.upstreams, reports, strict=False):
            before = self._reported.get(report.upstream)
            for name in UPSTREAM_COUNTERS:
                counts[name] += max(0, getattr(report, name) - getattr(before, name, 0))
            counts["state"] = _state_of(report)
            counts["latency_microseconds"] = int(report.latency_seconds * 1e6)
        for counts in self.upstreams[len(reports) :]:
            counts["state"] = UPSTREAM_UNUSED
        self._reported = {report.upstream: report for report in reports}

    def flush(self) -> None:
        """Store what has changed, word by word, because readers may look at any moment."""
        self._store(_OUTCOMES_AT, self.outcomes)
        small = [*self.hit.words, *self.miss.words, *self.upstream.words]
        self._store(_HISTOGRAMS_AT, small)
        self._store(_PLAIN_AT, list(self.plain.values()))
        self._store(_GAUGES_AT, list(self.gauges.values()))
        for place, upstream in enumerate(self.upstreams):
            self._store(_UPSTREAMS_AT + place * _UPSTREAM_WORDS, list(upstream.values()))

    def _store(self, base: int, values: list[int]) -> None:
        # Unchanged numbers are the same objects: telling them apart by identity costs a third of comparing them.
        stored, words = self._stored, self._words
        before = stored[base : base + len(values)]
        for place in compress(range(len(values)), map(is_not, values, before)):
            words[base + place] = stored[base + place] = values[place]


class WorkerSlot:
    """One worker's part of the file."""

    def __init__(self, number: int, words: memoryview) -> None:
        self.number = number
        self._words = words

    def begin(self, *, pid: int, started_at_nanoseconds: int) -> None:
        """Enter a worker that has just started (nanoseconds since 1970); it has applied nothing yet."""
        self._words[_APPLIED_INDEX_AT] = self._words[_APPLIED_POLICY_AT] = 0
        self._words[_HEARTBEAT_AT] = 0
        self._words[_STARTED_AT] = started_at_nanoseconds
        self._words[_PID_AT] = pid

    def beat(self, monotonic_nanoseconds: int) -> None:
        """Say that the worker is alive at this instant of the clock that all processes of a machine share."""
        self._words[_HEARTBEAT_AT] = monotonic_nanoseconds

    def hold_rows(self, count: int) -> None:
        """Say how many rows the worker holds that are in nobody's hands yet: they are lost if it is killed."""
        self._words[_ROWS_HELD_AT] = count

    def acknowledge(self, *, index_generation: int, policy_generation: int) -> None:
        """Say what the worker answers by from now on."""
        self._words[_APPLIED_INDEX_AT] = index_generation
        self._words[_APPLIED_POLICY_AT] = policy_generation

    def counters(self) -> Counters:
        """Give the worker its counters, which go on from what a worker before it has counted.

        The rows that one who was killed still held are counted as lost.
        """
        counters = Counters(self._words)
        counters.plain["rows_lost"] += self._words[_ROWS_HELD_AT]
        self.hold_rows(0)
        counters.flush()
        return counters

    @property
    def pid(self) -> int:
        """The process, 0 where no worker has used the slot."""
        return self._words[_PID_AT]

    @property
    def started_at_nanoseconds(self) -> int:
        """When the worker began, in nanoseconds since 1970."""
        return self._words[_STARTED_AT]

    @property
    def heartbeat_nanoseconds(self) -> int:
        """When the worker last said that it is alive, by the monotonic clock; 0 before the first time."""
        return self._words[_HEARTBEAT_AT]

    @property
    def index_generation(self) -> int:
        """The generation of the index that the worker answers by."""
        return self._words[_APPLIED_INDEX_AT]

    @property
    def policy_generation(self) -> int:
        """The generation of the policy that the worker answers by."""
        return self._words[_APPLIED_POLICY_AT]

    def outcomes(self) -> list[int]:
        """Read the counters of `outcome`."""
        return self._words[_OUTCOMES_AT:_HISTOGRAMS_AT].tolist()

    def histogram(self, name: str) -> list[int]:
        """Read the buckets, the sum in nanoseconds and the count of one of HISTOGRAMS."""
        start = _HISTOGRAMS_AT + HISTOGRAMS.index(name) * _HISTOGRAM_WORDS
        return self._words[start : start + _HISTOGRAM_WORDS].tolist()

    def plain(self) -> dict[str, int]:
        """Read the counters of PLAIN."""
        return dict(zip(PLAIN, self._words[_PLAIN_AT : _PLAIN_AT + len(PLAIN)].tolist(), strict=True))

    def gauges(self) -> dict[str, int]:
        """Read the numbers of GAUGES."""
        return dict(zip(GAUGES, self._words[_GAUGES_AT : _GAUGES_AT + len(GAUGES)].tolist(), strict=True))

    def upstreams(self) -> list[dict[str, int]]:
        """Read what happened with each upstream."""
        return _upstreams(self._words[_UPSTREAMS_AT:].tolist())


class SharedMemory:
    """The mapped file; `close` it, or use it as a context, and use nothing that came from it afterwards."""

    def __init__(self, mapping: mmap.mmap) -> None:
        self._mapping = mapping
        self._words = memoryview(mapping).cast("Q")
        self.worker_count = self._words[_WORKERS_AT]
        starts = range(_HEADER_WORDS, _HEADER_WORDS + self.worker_count * SLOT_WORDS, SLOT_WORDS)
        self._slots = [self._words[start : start + SLOT_WORDS] for start in starts]

    @classmethod
    def create(cls, path: Path, *, workers: int) -> "SharedMemory":
        """Make a new file in place of an old one, which whoever still has it mapped keeps to himself.

        Raises:
            StorageError: the folder cannot be written, or the disk is full.
        """
        if not 1 <= workers <= MAX_WORKERS:
            raise ValueError(f"{workers} workers; expected 1 to {MAX_WORKERS}")
        fresh = path.with_suffix(".new")
        octets = (_HEADER_WORDS + workers * SLOT_WORDS) * _WORD_OCTETS
        try:
            fresh.unlink(missing_ok=True)
            fresh.touch(mode=0o600)
            with fresh.open("r+b") as file:
                # Room is taken now: a page that the disk has no room for would kill whoever touches it.
                file.write(bytes(octets))
                file.flush()
                mapping = mmap.mmap(file.fileno(), octets)
            with memoryview(mapping).cast("Q") as words:
                words[_VERSION_AT], words[_WORKERS_AT], words[_SLOT_WORDS_AT] = VERSION, workers, SLOT_WORDS
                words[_CREATED_AT] = time.time_ns()
                words[_MAGIC_AT] = MAGIC
            fresh.replace(path)
        except OSError as error:
            raise StorageError(f"{path}: shared memory could not be made ({error.strerror})") from error
        return cls(mapping)

    @classmethod
    def open(cls, path: Path, *, writable: bool = False) -> "SharedMemory":
        """Map what the supervisor made.

        Raises:
            StorageError: there is no such file, or it is not one of this version.
        """
        access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
        try:
            with path.open("r+b" if writable else "rb") as file:
                mapping = mmap.mmap(file.fileno(), 0, access=access)
        except (OSError, ValueError) as error:
            raise StorageError(f"{path}: shared memory could not be opened ({error})") from error
        if not _is_ours(mapping):
            mapping.close()
            raise StorageError(f"{path}: not shared memory of version {VERSION}; start the gateway again")
        return cls(mapping)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the mapping back."""
        for part in (*self._slots, self._words):
            part.release()
        self._mapping.close()

    def worker(self, number: int) -> WorkerSlot:
        """Give the slot of worker 0, 1, 2 and so on."""
        if not 0 <= number < self.worker_count:
            raise ValueError(f"worker {number}; this gateway has {self.worker_count}")
        return WorkerSlot(number, self._slots[number])

    def workers(self) -> list[WorkerSlot]:
        """Give all slots."""
        return [self.worker(number) for number in range(self.worker_count)]

    @property
    def created_at_nanoseconds(self) -> int:
        """When counting began, in nanoseconds since 1970."""
        return self._words[_CREATED_AT]

    @property
    def index_generation(self) -> int:
        """The published generation of the index."""
        return self._words[_INDEX_AT]

    @property
    def policy_generation(self) -> int:
        """The published generation of the policy snapshot."""
        return self._words[_POLICY_AT]

    @property
    def published_at_nanoseconds(self) -> int:
        """When they were published, by the monotonic clock."""
        return self._words[_PUBLISHED_AT]

    def publish(self, *, index_generation: int, policy_generation: int) -> None:
        """Tell the workers to look; what they will read must be in place already.

        The policy's generation is what workers watch, so it is stored last.
        """
        self._words[_PUBLISHED_AT] = time.monotonic_ns()
        self._words[_INDEX_AT] = index_generation
        self._words[_POLICY_AT] = policy_generation

    def count(self, what: str) -> None:
        """Count one of CONTROL; only the supervisor does."""
        self._words[_CONTROL_AT + CONTROL.index(what)] += 1

    def control(self) -> dict[str, int]:
        """Read the counters of CONTROL."""
        return {name: self._words[_CONTROL_AT + place] for place, name in enumerate(CONTROL)}

    def tell_intake(self, numbers: Mapping[str, int]) -> None:
        """Store some of INTAKE; only the intake does."""
        for name, number in numbers.items():
            self._words[_INTAKE_AT + INTAKE.index(name)] = number

    def intake(self) -> dict[str, int]:
        """Read the numbers of INTAKE."""
        return {name: self._words[_INTAKE_AT + place] for place, name in enumerate(INTAKE)}

    def tell_canaries(self, numbers: Mapping[str, int]) -> None:
        """Store some of CANARIES; only who compares does."""
        for name, number in numbers.items():
            self._words[_CANARIES_AT + CANARIES.index(name)] = number

    def canaries(self) -> dict[str, int]:
        """Read the numbers of CANARIES."""
        return {name: self._words[_CANARIES_AT + place] for place, name in enumerate(CANARIES)}

    def outcomes(self) -> list[int]:
        """Read the counters of `outcome`, all workers together."""
        return [sum(counts) for counts in zip(*(worker.outcomes() for worker in self.workers()), strict=True)]


def _is_ours(mapping: mmap.mmap) -> bool:
    if len(mapping) < _HEADER_WORDS * _WORD_OCTETS or len(mapping) % _WORD_OCTETS:
        return False
    with memoryview(mapping).cast("Q") as words:
        workers = words[_WORKERS_AT]
        return (
            (words[_MAGIC_AT], words[_VERSION_AT], words[_SLOT_WORDS_AT]) == (MAGIC, VERSION, SLOT_WORDS)
            and 1 <= workers <= MAX_WORKERS
            and len(mapping) == (_HEADER_WORDS + workers * SLOT_WORDS) * _WORD_OCTETS
        )
