"""What Prometheus is told: everything in shared memory and the state, read at the moment when somebody asks.

Every label comes from a closed set: words of ours, numbers of workers and upstreams, names of configured lists.
Never a person, a device, an address or a visited name.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from agent.dns.outcomes import read_outcome
from agent.dns.shared_memory import (
    BUCKETS,
    UPSTREAM_COUNTERS,
    UPSTREAM_DOWN,
    UPSTREAM_HEALTHY,
    UPSTREAM_UNUSED,
    SharedMemory,
    WorkerSlot,
)

# A worker beats ten times a second.
SILENT_WORKER_SECONDS: Final = 3.0
# The intake says every second that it is at work.
SILENT_INTAKE_SECONDS: Final = 30.0
# The canaries are compared with the record every second, and a worker looks them up at least every half minute.
SILENT_CANARIES_SECONDS: Final = 60.0
UNKNOWN: Final = -1

BUCKET_BOUNDS: Final = (*(f"{2**bucket / 1e6:g}" for bucket in range(BUCKETS - 1)), "+Inf")


@dataclass(frozen=True, slots=True)
class ListFacts:
    """What is shown of a list: its name in the site, how many names it gives, and how old its copy is.

    `is_stale` is whether it is older than it may be by its own interval, or is not there at all.
    """

    name: str
    names: int
    age_seconds: float | None
    is_refused: bool = False
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class _Counted:
    """A metric that counters of `PLAIN` are shown as; equal names with other labels are one metric."""

    name: str
    help: str
    labels: Mapping[str, str]


_RECEIVED: Final = ("schoolgate_queries_received", "Queries that came in, by transport.")
_CACHE: Final = ("schoolgate_cache_lookups", "Look-ups in the caches of finished replies and of raw answers.")
_RESTRAINED: Final = ("schoolgate_restrained_queries", "Queries of clients that were refused, slowed or sent to TCP.")
_STREAMS: Final = ("schoolgate_tcp_connections", "TCP connections of clients, taken or turned away.")

PLAIN_METRICS: Final[dict[str, _Counted]] = {
    "queries_udp": _Counted(*_RECEIVED, {"transport": "udp"}),
    "queries_tcp": _Counted(*_RECEIVED, {"transport": "tcp"}),
    "reply_cache_hits": _Counted(*_CACHE, {"cache": "reply", "result": "hit"}),
    "answer_cache_hits": _Counted(*_CACHE, {"cache": "answer", "result": "hit"}),
    "answer_cache_misses": _Counted(*_CACHE, {"cache": "answer", "result": "miss"}),
    "cache_evictions": _Counted("schoolgate_cache_evictions", "Entries forgotten for lack of room.", {}),
    "stale_answers": _Counted("schoolgate_stale_answers", "Answers past their time, given for want of better.", {}),
    "prefetches": _Counted("schoolgate_prefetches", "Questions asked again before their answer expired.", {}),
    "truncated": _Counted("schoolgate_truncated_answers", "Answers too long for UDP as the client takes it.", {}),
    "malformed": _Counted("schoolgate_malformed_queries", "Messages that are no well-formed query.", {}),
    "dropped": _Counted("schoolgate_dropped_messages", "Messages that nobody could answer.", {}),
    "unsent": _Counted("schoolgate_unsent_answers", "Answers that the network did not take.", {}),
    "overloaded": _Counted("schoolgate_overloaded_queries", "Queries that found too many others in flight.", {}),
    "clients_refused": _Counted(*_RESTRAINED, {"action": "refused_network"}),
    "clients_limited": _Counted(*_RESTRAINED, {"action": "refused_limit"}),
    "clients_slowed": _Counted(*_RESTRAINED, {"action": "slowed"}),
    "clients_truncated": _Counted(*_RESTRAINED, {"action": "truncated"}),
    "tcp_connections": _Counted(*_STREAMS, {"result": "taken"}),
    "tcp_rejected": _Counted(*_STREAMS, {"result": "rejected"}),
    "rows_handed_over": _Counted("schoolgate_rows_handed_over", "Rows that workers wrote to the spool.", {}),
    "rows_lost": _Counted("schoolgate_rows_lost", "Rows that found the spool or the disk full.", {}),
    "upstream_malformed": _Counted("schoolgate_unreadable_answers", "Answers of upstreams that are no answer.", {}),
    "adopt_failures": _Counted("schoolgate_adopt_failures", "Published policies that a worker could not take.", {}),
    "unexpected_errors": _Counted("schoolgate_unexpected_errors", "Faults of our own while answering.", {}),
}


class GatewayCollector(Collector):
    """Everything that Prometheus is told, made anew for each scrape.

    Args:
        memory: what the workers, the supervisor and the intake tell.
        lists: the lists of the site as they stand.
        state: what people asked for and decided, as metrics.
        monotonic: seconds, by the clock of the heartbeats.
    """

    def __init__(
        self,
        memory: SharedMemory,
        *,
        lists: Callable[[], Iterable[ListFacts]] = tuple,
        state: Callable[[], Iterable[Metric]] = tuple,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._memory = memory
        self._lists = lists
        self._state = state
        self._monotonic = monotonic

    def collect(self) -> Iterator[Metric]:
        """Give every metric."""
        workers = self._memory.workers()
        yield from _outcome_metrics(self._memory.outcomes())
        yield from _plain_metrics(workers)
        yield from _latency_metrics(workers)
        yield from _gauge_metrics(workers)
        yield from _upstream_metrics(workers)
        yield from self._worker_metrics(workers)
        yield from self._control_metrics()
        yield from self._intake_metrics()
        yield from self._canary_metrics()
        yield from _list_metrics(self._lists())
        yield from self._state()

    def _worker_metrics(self, workers: list[WorkerSlot]) -> Iterator[Metric]:
        now = self._monotonic()
        alive = GaugeMetricFamily(
            "schoolgate_worker_alive", "Whether a worker has said so lately.", labels=["worker"]
        )
        started = GaugeMetricFamily(
            "schoolgate_worker_start_time_seconds", "When a worker began, since 1970.", labels=["worker"]
        )
        applied = GaugeMetricFamily(
            "schoolgate_worker_generation", "What a worker answers by.", labels=["worker", "kind"]
        )
        for worker in workers:
            number = str(worker.number)
            alive.add_metric([number], int(is_alive(worker, now)))
            started.add_metric([number], worker.started_at_nanoseconds / 1e9)
            applied.add_metric([number, "index"], worker.index_generation)
            applied.add_metric([number, "policy"], worker.policy_generation)
        yield from (alive, started, applied)
        published = GaugeMetricFamily(
            "schoolgate_published_generation", "What is to be answered by.", labels=["kind"]
        )
        published.add_metric(["index"], self._memory.index_generation)
        published.add_metric(["policy"], self._memory.policy_generation)
        yield published

    def _control_metrics(self) -> Iterator[Metric]:
        control = self._memory.control()
        yield _counter(
            "schoolgate_worker_restarts", "Workers that had to be started again.", control["worker_restarts"]
        )
        yield _counter(
            "schoolgate_intake_restarts", "Times the intake was started again.", control["intake_restarts"]
        )
        reloads = CounterMetricFamily("schoolgate_reloads", "Reloads of the site file.", labels=["result"])
        reloads.add_metric(["applied"], control["reloads"])
        reloads.add_metric(["refused"], control["reloads_refused"])
        yield reloads
        yield _counter("schoolgate_index_fallbacks", "Times an older index had to serve.", control["index_fallbacks"])

    def _intake_metrics(self) -> Iterator[Metric]:
        intake = self._memory.intake()
        yield _counter("schoolgate_rows_taken", "Rows that the intake took from the spool.", intake["rows_taken"])
        yield _counter("schoolgate_queries_stored", "Queries kept one by one.", intake["queries_stored"])
        yield _counter(
            "schoolgate_spool_damaged_frames", "Frames of the spool that were not whole.", intake["damaged_frames"]
        )
        yield _counter(
            "schoolgate_activity_files_set_aside", "Damaged activity files kept aside.", intake["files_set_aside"]
        )
        yield _counter("schoolgate_intake_failures", "Failed attempts to store activity.", intake["failures"])
        yield GaugeMetricFamily(
            "schoolgate_intake_failing",
            "Whether the last attempt failed, or the intake has fallen silent.",
            int(bool(intake["is_failing"]) or is_intake_silent(self._memory, self._monotonic())),
        )
        yield GaugeMetricFamily(
            "schoolgate_spool_waiting_bytes", "What the spool holds that is not stored.", intake["waiting_bytes"]
        )

    def _canary_metrics(self) -> Iterator[Metric]:
        canaries = self._memory.canaries()
        checked_at = canaries["checked_nanoseconds"] / 1e9
        is_known = checked_at > 0 and self._monotonic() - checked_at < SILENT_CANARIES_SECONDS
        yield GaugeMetricFamily(
            "schoolgate_unlogged_open_canaries",
            "Canaries, by network, that resolve without anything on record that opens them; -1 where nobody knows.",
            unlogged_open(canaries) if is_known else UNKNOWN,
        )
        yield GaugeMetricFamily(
            "schoolgate_needlessly_blocked_canaries",
            "Canaries, by network, that are blocked though the record opens them; -1 where nobody knows.",
            canaries["needlessly_blocked"] if is_known else UNKNOWN,
        )


def unlogged_open(canaries: Mapping[str, int]) -> int:
    """Say how many canaries are known to resolve without a record; a worker nobody heard of may be anything."""
    return canaries["unlogged_open"] or (UNKNOWN if canaries["unknown_workers"] else 0)


def _counter(name: str, text: str, number: float) -> Metric:
    return CounterMetricFamily(name, text, value=number)


def is_alive(worker: WorkerSlot, now: float) -> bool:
    """Say whether a worker has said so lately; `now` in seconds, by the clock of the heartbeats."""
    heartbeat = worker.heartbeat_nanoseconds
    return heartbeat > 0 and now - heartbeat / 1e9 < SILENT_WORKER_SECONDS


def is_without_upstream(worker: WorkerSlot) -> bool:
    """Say whether a worker finds every upstream down; one that it has not tried yet may work."""
    return {counts["state"] for counts in worker.upstreams()} - {UPSTREAM_UNUSED} == {UPSTREAM_DOWN}


def is_intake_silent(memory: SharedMemory, now: float) -> bool:
    """Say whether the intake has not said for a while that it is at work; `now` in seconds, by the same clock.

    Before its first word, it has as long from when there was something to do.
    """
    heard_at = memory.intake()["heartbeat_nanoseconds"] or memory.published_at_nanoseconds
    return now - heard_at / 1e9 > SILENT_INTAKE_SECONDS


def _outcome_metrics(outcomes: list[int]) -> Iterator[Metric]:
    queries: Counter[tuple[str, ...]] = Counter()
    answers: Counter[str] = Counter()
    for place, number in enumerate(outcomes):
        if number:
            what = read_outcome(place)
            queries[what.audience, what.verdict, what.category] += number
            answers[what.rcode] += number
    labels = ["audience", "verdict", "category"]
    family = CounterMetricFamily("schoolgate_queries", "Queries by what was decided about them.", labels=labels)
    for key, number in sorted(queries.items()):
        family.add_metric(key, number)
    yield family
    family = CounterMetricFamily("schoolgate_answers", "Answers by response code.", labels=["rcode"])
    for rcode, number in sorted(answers.items()):
        family.add_metric([rcode], number)
    yield family


def _plain_metrics(workers: list[WorkerSlot]) -> Iterator[Metric]:
    totals: Counter[str] = Counter()
    for worker in workers:
        totals.update(worker.plain())
    families: dict[str, CounterMetricFamily] = {}
    for counter, shown in PLAIN_METRICS.items():
        family = families.get(shown.name)
        if family is None:
            family = families[shown.name] = CounterMetricFamily(shown.name, shown.help, labels=list(shown.labels))
        family.add_metric(list(shown.labels.values()), totals[counter])
    yield from families.values()


def _latency_metrics(workers: list[WorkerSlot]) -> Iterator[Metric]:
    answers = HistogramMetricFamily(
        "schoolgate_answer_seconds",
        "Time to an answer: hit, all that were answered at once; miss, those that waited for an upstream.",
        labels=["path"],
    )
    for path in ("hit", "miss"):
        buckets, seconds = _histogram(workers, path)
        answers.add_metric([path], buckets, seconds)
    yield answers
    buckets, seconds = _histogram(workers, "upstream")
    yield HistogramMetricFamily("schoolgate_upstream_seconds", "Time until upstreams answered.", buckets, seconds)


def _histogram(workers: list[WorkerSlot], name: str) -> tuple[list[tuple[str, float]], float]:
    """Add the histograms of all workers up; the count follows from the buckets, so it always agrees with them."""
    words = [sum(numbers) for numbers in zip(*(worker.histogram(name) for worker in workers), strict=True)]
    total = 0
    buckets: list[tuple[str, float]] = []
    for bound, number in zip(BUCKET_BOUNDS, words[:BUCKETS], strict=True):
        total += number
        buckets.append((bound, total))
    return buckets, words[BUCKETS] / 1e9


def _gauge_metrics(workers: list[WorkerSlot]) -> Iterator[Metric]:
    totals: Counter[str] = Counter()
    for worker in workers:
        totals.update(worker.gauges())
    cache = GaugeMetricFamily("schoolgate_cache_bytes", "What the caches hold, estimated.", labels=["cache"])
    cache.add_metric(["reply"], totals["reply_cache_bytes"])
    cache.add_metric(["answer"], totals["answer_cache_bytes"])
    yield cache
    yield GaugeMetricFamily("schoolgate_clients", "Addresses that the workers remember.", totals["clients_known"])
    yield GaugeMetricFamily("schoolgate_questions_in_flight", "Questions asked upstream now.", totals["inflight"])
    yield GaugeMetricFamily("schoolgate_tcp_connections_open", "TCP connections of clients now.", totals["tcp_open"])


def _upstream_metrics(workers: list[WorkerSlot]) -> Iterator[Metric]:
    """Show upstreams by their place in the site file, 1 first, because a label is never an address."""
    healthy = GaugeMetricFamily(
        "schoolgate_upstream_healthy",
        "Whether no worker finds an upstream down; NaN before it has answered any.",
        labels=["upstream"],
    )
    usual = GaugeMetricFamily(
        "schoolgate_upstream_usual_seconds", "How long an upstream usually takes.", labels=["upstream"]
    )
    events = CounterMetricFamily(
        "schoolgate_upstream_events", "What happened with an upstream.", labels=["upstream", "event"]
    )
    for place, seen in enumerate(zip(*(worker.upstreams() for worker in workers), strict=True), start=1):
        used = [counts for counts in seen if counts["state"] != UPSTREAM_UNUSED]
        if not used:
            continue
        label = str(place)
        healthy.add_metric([label], _health({counts["state"] for counts in used}))
        usual.add_metric([label], sum(counts["latency_microseconds"] for counts in used) / len(used) / 1e6)
        for name in UPSTREAM_COUNTERS:
            events.add_metric([label, name], sum(counts[name] for counts in seen))
    yield from (healthy, usual, events)
    yield GaugeMetricFamily(
        "schoolgate_workers_without_upstream",
        "Workers that find every upstream down.",
        sum(is_without_upstream(worker) for worker in workers),
    )


def _health(states: Collection[int]) -> float:
    if UPSTREAM_DOWN in states:
        return 0.0
    return 1.0 if UPSTREAM_HEALTHY in states else math.nan


def _list_metrics(lists: Iterable[ListFacts]) -> Iterator[Metric]:
    names = GaugeMetricFamily("schoolgate_list_names", "Names that a list gives.", labels=["list"])
    age = GaugeMetricFamily("schoolgate_list_age_seconds", "Age of the copy in force.", labels=["list"])
    refused = GaugeMetricFamily(
        "schoolgate_list_update_refused", "Whether the last update was refused.", labels=["list"]
    )
    stale = GaugeMetricFamily(
        "schoolgate_list_stale", "Whether a list missed two of its refreshes, or is not there.", labels=["list"]
    )
    for facts in lists:
        names.add_metric([facts.name], facts.names)
        refused.add_metric([facts.name], int(facts.is_refused))
        stale.add_metric([facts.name], int(facts.is_stale))
        if facts.age_seconds is not None:
            age.add_metric([facts.name], facts.age_seconds)
    yield from (names, age, refused, stale)
