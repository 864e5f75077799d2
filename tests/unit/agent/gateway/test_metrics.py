"""What Prometheus is told: the words it is told in, and that they come from closed sets."""

import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from agent.dns.outcomes import AUDIENCES, CATEGORIES, RCODES, VERDICTS, outcome
from agent.dns.shared_memory import (
    MAX_UPSTREAMS,
    PLAIN,
    UPSTREAM_COUNTERS,
    UPSTREAM_DOWN,
    UPSTREAM_HEALTHY,
    UPSTREAM_UNTRIED,
    UPSTREAM_UNUSED,
    SharedMemory,
)
from agent.gateway.metrics import BUCKET_BOUNDS, PLAIN_METRICS, SILENT_INTAKE_SECONDS, GatewayCollector, ListFacts

NOW = 1000.0
LISTS = (ListFacts("starter", 300, 60.0), ListFacts("provider", 0, None, is_refused=True, is_stale=True))

CLOSED_LABELS = {
    "audience": {str(audience) for audience in AUDIENCES},
    "verdict": set(VERDICTS),
    "category": set(CATEGORIES),
    "rcode": set(RCODES),
    "transport": {"udp", "tcp"},
    "cache": {"reply", "answer"},
    "result": {"hit", "miss", "taken", "rejected", "applied", "refused"},
    "action": {"refused_network", "refused_limit", "slowed", "truncated"},
    "path": {"hit", "miss"},
    "le": {str(float(bound)) for bound in BUCKET_BOUNDS} | set(BUCKET_BOUNDS),
    "worker": {"0", "1"},
    "kind": {"index", "policy"},
    "upstream": {str(place) for place in range(1, MAX_UPSTREAMS + 1)},
    "event": set(UPSTREAM_COUNTERS),
    # The names that the site gives its lists.
    "list": {facts.name for facts in LISTS},
}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[SharedMemory]:
    with SharedMemory.create(tmp_path / "shared.mem", workers=2) as created:
        yield created


def scrape(memory: SharedMemory) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(GatewayCollector(memory, lists=lambda: LISTS, monotonic=lambda: NOW))
    return generate_latest(registry).decode()


def samples(memory: SharedMemory) -> list[Sample]:
    return [sample for family in text_string_to_metric_families(scrape(memory)) for sample in family.samples]


def value(memory: SharedMemory, name: str, **labels: str) -> float:
    (found,) = (sample.value for sample in samples(memory) if sample.name == name and sample.labels == labels)
    return found


def count_everything(memory: SharedMemory) -> None:
    for worker in memory.workers():
        counters = worker.counters()
        counters.outcomes[:] = [1] * len(counters.outcomes)
        counters.plain.update(dict.fromkeys(PLAIN, 2))
        for upstream in counters.upstreams:
            upstream.update(dict.fromkeys(upstream, 1))
        counters.hit_latency(0.000_1)
        counters.flush()


def test_every_label_comes_from_a_closed_set(memory: SharedMemory) -> None:
    count_everything(memory)
    seen = {(label, text) for sample in samples(memory) for label, text in sample.labels.items()}
    assert {label for label, _ in seen} == set(CLOSED_LABELS)
    assert [(label, text) for label, text in sorted(seen) if text not in CLOSED_LABELS[label]] == []


def test_names_are_as_prometheus_wants_them(memory: SharedMemory) -> None:
    for family in text_string_to_metric_families(scrape(memory)):
        assert re.fullmatch(r"schoolgate(_[a-z]+)+", family.name)
        assert not family.name.endswith(("_total", "_milliseconds", "_kilobytes", "_count"))
        assert family.documentation.endswith(".")
    counters = [
        sample.name
        for family in text_string_to_metric_families(scrape(memory))
        if family.type == "counter"
        for sample in family.samples
    ]
    assert all(name.endswith("_total") for name in counters)


def test_every_counter_of_a_worker_is_shown(memory: SharedMemory) -> None:
    assert set(PLAIN_METRICS) == set(PLAIN)
    for place, (counter, shown) in enumerate(PLAIN_METRICS.items()):
        counters = memory.worker(0).counters()
        counters.plain[counter] = 1000 + place
        counters.flush()
        assert value(memory, f"{shown.name}_total", **shown.labels) == 1000 + place


def test_workers_are_added_up(memory: SharedMemory) -> None:
    for worker in memory.workers():
        counters = worker.counters()
        counters.outcomes[outcome("pupil", "blocked", "gambling", 3)] += 2
        counters.outcomes[outcome("pupil", "blocked", "gambling", 0)] += 1
        counters.hit_latency(0.000_003, 10)
        counters.gauges["reply_cache_bytes"] = 500
        counters.flush()
    assert value(memory, "schoolgate_queries_total", audience="pupil", verdict="blocked", category="gambling") == 6
    assert value(memory, "schoolgate_answers_total", rcode="NXDOMAIN") == 4
    assert value(memory, "schoolgate_cache_bytes", cache="reply") == 1000
    assert value(memory, "schoolgate_answer_seconds_bucket", path="hit", le="2e-06") == 0
    assert value(memory, "schoolgate_answer_seconds_bucket", path="hit", le="4e-06") == 20
    assert value(memory, "schoolgate_answer_seconds_count", path="hit") == 20
    assert value(memory, "schoolgate_answer_seconds_sum", path="hit") == pytest.approx(60e-6)


def test_a_worker_is_shown_with_what_it_answers_by(memory: SharedMemory) -> None:
    memory.publish(index_generation=4, policy_generation=9)
    worker = memory.worker(1)
    worker.begin(pid=7, started_at_nanoseconds=5_000_000_000)
    worker.acknowledge(index_generation=3, policy_generation=8)
    worker.beat(int((NOW - 1) * 1e9))
    assert value(memory, "schoolgate_worker_alive", worker="0") == 0
    assert value(memory, "schoolgate_worker_alive", worker="1") == 1
    assert value(memory, "schoolgate_worker_start_time_seconds", worker="1") == 5
    assert value(memory, "schoolgate_worker_generation", worker="1", kind="policy") == 8
    assert value(memory, "schoolgate_published_generation", kind="index") == 4


def test_an_upstream_is_healthy_where_every_worker_finds_it_so(memory: SharedMemory) -> None:
    for worker, state in zip(memory.workers(), (UPSTREAM_HEALTHY, UPSTREAM_DOWN), strict=True):
        counters = worker.counters()
        counters.upstreams[0].update(state=UPSTREAM_HEALTHY, sent=5, latency_microseconds=20_000)
        counters.upstreams[1].update(state=state, sent=1, latency_microseconds=0)
        counters.flush()
    assert value(memory, "schoolgate_upstream_healthy", upstream="1") == 1
    assert value(memory, "schoolgate_upstream_healthy", upstream="2") == 0
    assert value(memory, "schoolgate_upstream_usual_seconds", upstream="1") == 0.02
    assert value(memory, "schoolgate_upstream_events_total", upstream="1", event="sent") == 10
    assert 'upstream="3"' not in scrape(memory)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param((UPSTREAM_UNTRIED, UPSTREAM_UNTRIED), math.nan, id="nobody-knows"),
        pytest.param((UPSTREAM_UNTRIED, UPSTREAM_HEALTHY), 1, id="one-worker-heard-it"),
        pytest.param((UPSTREAM_UNTRIED, UPSTREAM_DOWN), 0, id="one-worker-finds-it-down"),
    ],
)
def test_an_upstream_that_had_nothing_to_answer_is_no_healthy_one(
    memory: SharedMemory, states: tuple[int, int], expected: float
) -> None:
    for worker, state in zip(memory.workers(), states, strict=True):
        counters = worker.counters()
        counters.upstreams[0]["state"] = state
        counters.flush()
    assert value(memory, "schoolgate_upstream_healthy", upstream="1") == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("one", "other", "without"),
    [
        pytest.param((UPSTREAM_DOWN, UPSTREAM_DOWN), (UPSTREAM_DOWN, UPSTREAM_DOWN), 2, id="the-line-is-down"),
        pytest.param((UPSTREAM_DOWN, UPSTREAM_DOWN), (UPSTREAM_HEALTHY, UPSTREAM_DOWN), 1, id="one-worker-has-none"),
        pytest.param((UPSTREAM_DOWN, UPSTREAM_DOWN), (UPSTREAM_UNTRIED, UPSTREAM_UNTRIED), 1, id="the-other-is-idle"),
        pytest.param(
            (UPSTREAM_DOWN, UPSTREAM_HEALTHY), (UPSTREAM_HEALTHY, UPSTREAM_DOWN), 0, id="each-misses-another"
        ),
        pytest.param((UPSTREAM_DOWN, UPSTREAM_UNTRIED), (UPSTREAM_UNTRIED, UPSTREAM_DOWN), 0, id="one-may-work"),
        pytest.param((UPSTREAM_UNUSED, UPSTREAM_UNUSED), (UPSTREAM_UNUSED, UPSTREAM_UNUSED), 0, id="none-is-set"),
    ],
)
def test_a_worker_that_finds_every_upstream_down_is_counted(
    memory: SharedMemory, one: tuple[int, int], other: tuple[int, int], without: int
) -> None:
    for worker, states in zip(memory.workers(), (one, other), strict=True):
        counters = worker.counters()
        for upstream, state in zip(counters.upstreams, states, strict=False):
            upstream["state"] = state
        counters.flush()
    assert value(memory, "schoolgate_workers_without_upstream") == without


def test_lists_and_the_intake_are_shown(memory: SharedMemory) -> None:
    memory.tell_intake({"rows_taken": 7, "waiting_bytes": 4096})
    memory.count("reloads_refused")
    assert value(memory, "schoolgate_list_names", list="starter") == 300
    assert value(memory, "schoolgate_list_age_seconds", list="starter") == 60
    assert value(memory, "schoolgate_list_update_refused", list="provider") == 1
    assert value(memory, "schoolgate_list_stale", list="provider") == 1
    assert value(memory, "schoolgate_rows_taken_total") == 7
    assert value(memory, "schoolgate_spool_waiting_bytes") == 4096
    assert value(memory, "schoolgate_reloads_total", result="refused") == 1


@pytest.mark.parametrize(
    ("silent_seconds", "is_failing", "shown"),
    [
        pytest.param(0, 0, 0, id="at-work"),
        pytest.param(0, 1, 1, id="its-last-attempt-failed"),
        pytest.param(SILENT_INTAKE_SECONDS - 1, 0, 0, id="busy-for-a-moment"),
        pytest.param(SILENT_INTAKE_SECONDS + 1, 0, 1, id="it-hangs-and-cannot-say-so"),
    ],
)
def test_an_intake_that_fails_or_hangs_is_failing(
    memory: SharedMemory, silent_seconds: float, is_failing: int, shown: int
) -> None:
    heartbeat = int((NOW - silent_seconds) * 1e9)
    memory.tell_intake({"heartbeat_nanoseconds": heartbeat, "is_failing": is_failing})
    assert value(memory, "schoolgate_intake_failing") == shown


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        pytest.param({}, -1, id="nobody-has-compared-yet"),
        pytest.param({"checked_nanoseconds": int((NOW - 61) * 1e9)}, -1, id="nobody-has-compared-for-a-minute"),
        pytest.param({"checked_nanoseconds": int(NOW * 1e9)}, 0, id="none"),
        pytest.param(
            {"checked_nanoseconds": int(NOW * 1e9), "unknown_workers": 1}, -1, id="a-worker-may-be-anything"
        ),
        pytest.param(
            {"checked_nanoseconds": int(NOW * 1e9), "unlogged_open": 7, "unknown_workers": 1}, 7, id="some-are-known"
        ),
    ],
)
def test_unlogged_open_canaries_are_shown_or_that_nobody_knows(
    memory: SharedMemory, numbers: dict[str, int], shown: int
) -> None:
    memory.tell_canaries(numbers)
    assert value(memory, "schoolgate_unlogged_open_canaries") == shown


def test_a_page_reads_like_the_golden_one(memory: SharedMemory) -> None:
    counters = memory.worker(0).counters()
    counters.outcomes[outcome("pupil", "blocked", "gambling", 3)] += 12
    counters.outcomes[outcome("staff", "allowed", None, 0)] += 30
    counters.outcomes[outcome(None, "refused", None, 5)] += 1
    counters.plain.update(queries_udp=42, queries_tcp=1, reply_cache_hits=20, rows_handed_over=9)
    counters.upstreams[0].update(state=UPSTREAM_HEALTHY, sent=10, answered=10, latency_microseconds=12_500)
    counters.miss_latency(0.012)
    counters.flush()
    worker = memory.worker(0)
    worker.begin(pid=7, started_at_nanoseconds=1_700_000_000_000_000_000)
    worker.beat(int(NOW * 1e9))
    memory.publish(index_generation=3, policy_generation=5)
    worker.acknowledge(index_generation=3, policy_generation=5)
    memory.tell_intake({"rows_taken": 9, "queries_stored": 12, "heartbeat_nanoseconds": int(NOW * 1e9)})
    golden = Path(__file__).with_name("metrics_page.txt")
    assert scrape(memory) == golden.read_text()
