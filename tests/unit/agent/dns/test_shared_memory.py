"""Shared memory: one writer for each word, many readers."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from agent.dns import shared_memory
from agent.dns.outcomes import outcome
from agent.dns.shared_memory import (
    BUCKETS,
    CANARIES,
    CONTROL,
    GAUGES,
    INTAKE,
    MAX_UPSTREAMS,
    PLAIN,
    UPSTREAM,
    UPSTREAM_DOWN,
    UPSTREAM_HEALTHY,
    UPSTREAM_UNTRIED,
    UPSTREAM_UNUSED,
    Counters,
    Histogram,
    SharedMemory,
)
from rules.errors import StorageError

BLOCKED = outcome("pupil", "blocked", "gambling", 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shared.mem"


@pytest.fixture
def memory(path: Path) -> Iterator[SharedMemory]:
    with SharedMemory.create(path, workers=2) as created:
        yield created


def test_what_a_worker_counts_is_read_by_others_after_the_flush(memory: SharedMemory, path: Path) -> None:
    with SharedMemory.open(path, writable=True) as own:
        counters = own.worker(1).counters()
        counters.outcomes[BLOCKED] += 3
        counters.plain["dropped"] += 1
        counters.gauges["inflight"] = 7
        counters.hit_latency(0.000_003, 64)
        assert memory.worker(1).outcomes()[BLOCKED] == 0
        counters.flush()
    assert memory.worker(1).outcomes()[BLOCKED] == 3
    assert memory.worker(1).plain()["dropped"] == 1
    assert memory.worker(1).gauges()["inflight"] == 7
    assert memory.worker(1).histogram("hit")[BUCKETS:] == [64 * 3000, 64]
    assert memory.worker(0).outcomes()[BLOCKED] == 0
    assert memory.outcomes()[BLOCKED] == 3


def test_a_worker_that_is_started_again_goes_on_counting(memory: SharedMemory) -> None:
    for _ in range(2):
        counters = memory.worker(0).counters()
        counters.outcomes[BLOCKED] += 300
        counters.plain["queries_udp"] += 1000
        counters.gauges["clients_known"] += 5
        counters.miss_latency(0.01)
        counters.flush()
    slot = memory.worker(0)
    assert slot.outcomes()[BLOCKED] == 600
    assert slot.plain()["queries_udp"] == 2000
    assert slot.histogram("miss")[BUCKETS + 1] == 2
    assert slot.gauges()["clients_known"] == 5, "a gauge begins anew with its worker"


def test_rows_that_a_killed_worker_held_are_counted_as_lost(memory: SharedMemory) -> None:
    slot = memory.worker(0)
    slot.counters()
    slot.hold_rows(7)
    assert memory.worker(0).plain()["rows_lost"] == 0
    for _ in range(2):
        slot.counters()
        assert memory.worker(0).plain()["rows_lost"] == 7, "once"


def test_every_counter_has_its_own_place(memory: SharedMemory) -> None:
    counters = memory.worker(0).counters()
    counters.plain.update({name: place + 1 for place, name in enumerate(PLAIN)})
    counters.gauges.update({name: place + 1000 for place, name in enumerate(GAUGES)})
    counters.outcomes[:] = range(1, len(counters.outcomes) + 1)
    counters.flush()
    slot = memory.worker(0)
    assert slot.plain() == counters.plain
    assert slot.gauges() == counters.gauges
    assert slot.outcomes() == counters.outcomes
    assert [sum(slot.histogram(name)) for name in ("hit", "miss", "upstream")] == [0, 0, 0]
    assert memory.worker(1).outcomes() == [0] * len(counters.outcomes)


@pytest.mark.parametrize("names", [PLAIN, GAUGES, CONTROL, INTAKE, CANARIES, UPSTREAM], ids=lambda names: names[0])
def test_no_name_stands_twice(names: tuple[str, ...]) -> None:
    assert len(set(names)) == len(names)


def test_the_tables_fit_into_the_layout() -> None:
    assert len(PLAIN) <= shared_memory._PLAIN_SLOTS
    assert len(GAUGES) <= shared_memory._GAUGE_SLOTS
    assert len(UPSTREAM) <= shared_memory._UPSTREAM_WORDS
    assert shared_memory._CONTROL_AT + len(CONTROL) <= shared_memory._INTAKE_AT
    assert shared_memory._INTAKE_AT + len(INTAKE) <= shared_memory._CANARIES_AT
    assert shared_memory._CANARIES_AT + len(CANARIES) <= shared_memory._HEADER_WORDS


def test_every_counter_that_the_program_names_exists() -> None:
    agent = Path(shared_memory.__file__).parents[1]
    sources = [path.read_text() for package in ("dns", "gateway") for path in (agent / package).glob("*.py")]
    plain = {name for text in sources for name in re.findall(r'\bplain\["(\w+)"\]', text)}
    counted = {name for text in sources for name in re.findall(r'\.count\("(\w+)"\)', text)}
    assert plain <= set(PLAIN)
    assert counted <= set(PLAIN) | set(CONTROL)


def test_generations_are_published_and_acknowledged(memory: SharedMemory, path: Path) -> None:
    with SharedMemory.open(path, writable=True) as own:
        slot = own.worker(0)
        slot.begin(pid=os.getpid(), started_at_nanoseconds=5)
        memory.publish(index_generation=3, policy_generation=8)
        assert (own.index_generation, own.policy_generation) == (3, 8)
        slot.acknowledge(index_generation=3, policy_generation=8)
        slot.beat(99)
    seen = memory.worker(0)
    assert (seen.pid, seen.started_at_nanoseconds, seen.heartbeat_nanoseconds) == (os.getpid(), 5, 99)
    assert (seen.index_generation, seen.policy_generation) == (3, 8)
    seen.begin(pid=1, started_at_nanoseconds=6)
    assert (seen.index_generation, seen.policy_generation, seen.heartbeat_nanoseconds) == (0, 0, 0)


def test_the_supervisor_the_intake_and_who_compares_have_places_of_their_own(memory: SharedMemory) -> None:
    memory.count("worker_restarts")
    memory.count("worker_restarts")
    memory.tell_intake({"rows_taken": 4})
    assert memory.control()["worker_restarts"] == 2
    assert memory.intake()["rows_taken"] == 4
    memory.tell_canaries({"unlogged_open": 5})
    assert memory.canaries()["unlogged_open"] == 5
    everything = (memory.control(), memory.intake(), memory.canaries())
    assert sum(sum(numbers.values()) for numbers in everything) == 11


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [
        pytest.param(0.0, 0, id="less-than-a-microsecond"),
        pytest.param(-1.0, 0, id="a-clock-that-goes-back-counts-as-nothing"),
        pytest.param(0.000_001, 1, id="a-microsecond"),
        pytest.param(0.001, 10, id="a-millisecond-is-below-1024-microseconds"),
        pytest.param(1e6, BUCKETS - 1, id="what-is-too-long-for-all-is-in-the-last"),
    ],
)
def test_a_latency_falls_into_the_bucket_of_its_power_of_two(seconds: float, bucket: int) -> None:
    histogram = Histogram([0] * (BUCKETS + 2))
    histogram.observe(seconds, 2)
    assert histogram.words[bucket] == 2
    assert histogram.words[BUCKETS + 1] == 2


@dataclass(frozen=True)
class Report:
    """What an upstream's statistics look like."""

    upstream: str
    healthy: bool = True
    latency_seconds: float = 0.25
    sent: int = 0
    answered: int = 0
    timed_out: int = 0
    failed: int = 0
    malformed: int = 0
    mismatched: int = 0
    hedged: int = 0
    tcp_fallbacks: int = 0


def test_upstreams_keep_their_counts_over_restarts_and_reloads() -> None:
    counters = Counters()
    first = Report("a", sent=10, answered=9)
    counters.report_upstreams([first, Report("b", healthy=False, sent=4)])
    counters.report_upstreams([replace(first, sent=15), Report("b", healthy=False, sent=4)])
    assert [upstream["sent"] for upstream in counters.upstreams[:2]] == [15, 4]
    assert [upstream["state"] for upstream in counters.upstreams[:3]] == [
        UPSTREAM_HEALTHY,
        UPSTREAM_DOWN,
        UPSTREAM_UNUSED,
    ]
    assert counters.upstreams[0]["latency_microseconds"] == 250_000
    # Another upstream takes the first place; it has begun at zero.
    counters.report_upstreams([Report("c", sent=2)])
    assert [upstream["sent"] for upstream in counters.upstreams[:2]] == [17, 4]
    assert counters.upstreams[1]["state"] == UPSTREAM_UNUSED


def test_whether_an_upstream_works_is_not_known_before_it_has_answered_or_failed() -> None:
    counters = Counters()
    for report, state in (
        (Report("a"), UPSTREAM_UNTRIED),
        (Report("a", sent=2), UPSTREAM_UNTRIED),
        (Report("a", sent=2, answered=1), UPSTREAM_HEALTHY),
        (Report("a", sent=9, answered=1, healthy=False), UPSTREAM_DOWN),
    ):
        counters.report_upstreams([report])
        assert counters.upstreams[0]["state"] == state


def test_more_upstreams_than_places_are_not_an_error(memory: SharedMemory) -> None:
    counters = memory.worker(0).counters()
    counters.report_upstreams([Report(str(number), sent=1) for number in range(MAX_UPSTREAMS + 3)])
    counters.flush()
    assert [upstream["sent"] for upstream in memory.worker(0).upstreams()] == [1] * MAX_UPSTREAMS


def _cut(content: bytes) -> bytes:
    return content[:-1]


def _of_another_version(content: bytes) -> bytes:
    return content[:8] + b"\x09" + content[9:]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"x" * 100, id="too-short-for-a-header"),
        pytest.param(lambda _: b"x" * 100_000, id="something-else"),
        pytest.param(_cut, id="truncated"),
        pytest.param(_of_another_version, id="another-version"),
    ],
)
def test_a_file_that_is_not_ours_is_refused(path: Path, spoil: Callable[[bytes], bytes]) -> None:
    SharedMemory.create(path, workers=1).close()
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(StorageError, match=r"shared\.mem: "):
        SharedMemory.open(path)


def test_a_missing_file_is_one_sentence(path: Path) -> None:
    with pytest.raises(StorageError, match="could not be opened"):
        SharedMemory.open(path)


def test_a_new_gateway_makes_a_new_file_that_old_workers_do_not_write_to(memory: SharedMemory, path: Path) -> None:
    counters = memory.worker(0).counters()
    with SharedMemory.create(path, workers=1) as successor:
        counters.outcomes[BLOCKED] += 1
        counters.flush()
        assert successor.outcomes()[BLOCKED] == 0
        assert successor.created_at_nanoseconds > memory.created_at_nanoseconds
    assert memory.outcomes()[BLOCKED] == 1


def test_only_its_owner_may_read_the_file(memory: SharedMemory, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_reader_cannot_write(memory: SharedMemory, path: Path) -> None:
    with SharedMemory.open(path) as reader, pytest.raises(TypeError):
        reader.worker(0).beat(1)


def test_a_slot_that_does_not_exist_is_refused(memory: SharedMemory) -> None:
    with pytest.raises(ValueError, match="this gateway has 2"):
        memory.worker(2)


WRITER = """
import sys
from pathlib import Path
from agent.dns.shared_memory import SharedMemory
with SharedMemory.open(Path(sys.argv[1]), writable=True) as memory:
    counters = memory.worker(0).counters()
    print("ready", flush=True)
    while True:
        counters.plain["queries_udp"] += 0x0101_0101_0101
        counters.flush()
"""


def test_a_reader_never_sees_half_of_a_number(memory: SharedMemory, path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        slot = memory.worker(0)
        seen: set[int] = set()
        while len(seen) < 100:
            seen.add(slot.plain()["queries_udp"])
        writer.kill()
    assert all(number % 0x0101_0101_0101 == 0 for number in seen)
