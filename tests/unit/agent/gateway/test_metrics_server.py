"""The two pages, and what happens to clients that misbehave."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agent.dns.shared_memory import UPSTREAM_DOWN, UPSTREAM_HEALTHY, UPSTREAM_UNTRIED, SharedMemory
from agent.gateway.metrics import SILENT_CANARIES_SECONDS, SILENT_INTAKE_SECONDS
from agent.gateway.metrics_server import (
    LAG_SECONDS,
    MAX_CONNECTIONS,
    MAX_OF_ADDRESS,
    MetricsServer,
    canary_reasons,
    health_reasons,
)
from agent.sites.site import Endpoint


class CollectorOfTest(Collector):
    """One metric."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("schoolgate_of_test", "A number.", 4)


class BrokenCollector(Collector):
    """A fault of ours."""

    def collect(self) -> Iterator[Metric]:
        raise ZeroDivisionError


REASONS: list[str] = []


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    REASONS.clear()
    with closing(MetricsServer(Endpoint("127.0.0.1", 0), CollectorOfTest(), lambda: REASONS)) as started:
        yield started


def ask(
    server: MetricsServer, path: str, method: str = "GET", accept: str | None = None
) -> tuple[http.client.HTTPResponse, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)) as connection:
        connection.request(method, path, headers={"Accept": accept} if accept else {})
        response = connection.getresponse()
        return response, response.read().decode()


def test_metrics_are_text_as_prometheus_reads_it(server: MetricsServer) -> None:
    response, body = ask(server, "/metrics")
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "schoolgate_of_test 4.0\n" in body


def test_openmetrics_is_spoken_to_those_who_ask_for_it(server: MetricsServer) -> None:
    response, body = ask(server, "/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith("# EOF\n")


def test_health_is_ok_or_degraded_with_reasons(server: MetricsServer) -> None:
    response, body = ask(server, "/healthz")
    assert (response.status, json.loads(body)) == (200, {"status": "ok", "reasons": []})
    REASONS.append("worker 1 has fallen silent")
    response, body = ask(server, "/healthz")
    assert (response.status, json.loads(body)) == (503, {"status": "degraded", "reasons": REASONS})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/", 404, id="another-page"),
        pytest.param("GET", "/metrics?name=x", 200, id="a-query-is-overlooked"),
        pytest.param("POST", "/metrics", 501, id="only-reading"),
        pytest.param("GET", "/" + "x" * 70_000, 414, id="a-line-without-end"),
    ],
)
def test_anything_else_gets_its_status(server: MetricsServer, method: str, path: str, status: int) -> None:
    response, _ = ask(server, path, method)
    assert response.status == status


def test_head_gives_the_header_alone(server: MetricsServer) -> None:
    response, body = ask(server, "/metrics", "HEAD")
    assert (response.status, body) == (200, "")
    assert int(response.headers["Content-Length"]) > 0


def test_idle_connections_do_not_take_all_the_room(server: MetricsServer) -> None:
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(MAX_CONNECTIONS)]
    try:
        deadline = time.monotonic() + 5
        while True:
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as extra:
                try:
                    extra.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                    turned_away = extra.recv(10) == b""
                except ConnectionError:
                    turned_away = True
            if turned_away:
                break
            assert time.monotonic() < deadline
    finally:
        for each in idle:
            each.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            assert ask(server, "/healthz")[0].status == 200
        except (ConnectionError, http.client.HTTPException):
            continue
        return
    pytest.fail("no room came back")


def test_one_address_leaves_room_to_the_others(server: MetricsServer) -> None:
    with ExitStack() as stack:
        for _ in range(2 * MAX_CONNECTIONS):
            idle = socket.create_connection(("127.0.0.1", server.port), source_address=("127.0.0.2", 0))
            stack.enter_context(idle)
        for _ in range(MAX_OF_ADDRESS):
            assert ask(server, "/healthz")[0].status == 200


def test_rubbish_is_answered_and_forgotten(server: MetricsServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(b"\x16\x03\x01\x00rubbish\r\n\r\n")
        assert b"400" in connection.recv(1000)
    assert ask(server, "/healthz")[0].status == 200


def test_a_fault_of_ours_ends_one_request_and_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(MetricsServer(Endpoint("127.0.0.1", 0), BrokenCollector(), list)) as server:
        with pytest.raises(http.client.HTTPException):
            ask(server, "/metrics")
        assert ask(server, "/healthz")[0].status == 200
    assert capsys.readouterr().err == "level=error event=metrics_failed error=ZeroDivisionError\n"


def test_it_listens_on_ipv6_too() -> None:
    with (
        closing(MetricsServer(Endpoint("::1", 0), CollectorOfTest(), list)) as server,
        closing(http.client.HTTPConnection("::1", server.port, timeout=5)) as connection,
    ):
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200


def test_a_port_in_use_is_the_callers_to_explain(server: MetricsServer) -> None:
    with pytest.raises(OSError, match="in use"):
        MetricsServer(Endpoint("127.0.0.1", server.port), CollectorOfTest(), list)


# ---- health ----------------------------------------------------------------------------------------------------


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[SharedMemory]:
    """A gateway of two workers where all is well."""
    with SharedMemory.create(tmp_path / "shared.mem", workers=2) as created:
        created.publish(index_generation=1, policy_generation=5)
        now = time.monotonic_ns()
        for worker in created.workers():
            worker.begin(pid=1, started_at_nanoseconds=1)
            worker.beat(now)
            worker.acknowledge(index_generation=1, policy_generation=5)
        created.tell_intake({"heartbeat_nanoseconds": now})
        yield created


def test_a_gateway_where_all_is_well_has_no_reasons(memory: SharedMemory) -> None:
    assert health_reasons(memory, time.monotonic()) == []


def test_a_gateway_that_has_not_begun_says_so(tmp_path: Path) -> None:
    with SharedMemory.create(tmp_path / "fresh.mem", workers=1) as fresh:
        assert health_reasons(fresh, time.monotonic()) == [
            "worker 0 has not begun yet",
            "the intake of the activity record does not work",
        ]


def test_a_silent_worker_is_a_reason(memory: SharedMemory) -> None:
    later = time.monotonic() + 5
    memory.worker(1).beat(int(later * 1e9))
    assert health_reasons(memory, later) == ["worker 0 has fallen silent"]


def test_a_worker_that_stays_behind_is_a_reason_after_a_while(memory: SharedMemory) -> None:
    memory.publish(index_generation=1, policy_generation=6)
    assert health_reasons(memory, time.monotonic()) == []
    later = time.monotonic() + LAG_SECONDS + 1
    memory.worker(0).acknowledge(index_generation=1, policy_generation=6)
    for worker in memory.workers():
        worker.beat(int(later * 1e9))
    assert health_reasons(memory, later) == ["worker 1 answers by policy 5; 6 is in force"]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param((UPSTREAM_DOWN, UPSTREAM_DOWN), ["no upstream answers"], id="all-are-down"),
        pytest.param((UPSTREAM_DOWN, UPSTREAM_HEALTHY), [], id="one-is-enough"),
        pytest.param((UPSTREAM_UNTRIED, UPSTREAM_UNTRIED), [], id="nobody-had-to-ask-one"),
        pytest.param((UPSTREAM_DOWN, UPSTREAM_UNTRIED), [], id="one-may-work"),
    ],
)
def test_upstreams_are_a_reason_when_none_is_left(
    memory: SharedMemory, states: tuple[int, int], expected: list[str]
) -> None:
    counters = memory.worker(0).counters()
    for upstream, state in zip(counters.upstreams, states, strict=False):
        upstream["state"] = state
    counters.flush()
    assert health_reasons(memory, time.monotonic()) == expected


def test_upstreams_are_no_reason_where_each_worker_misses_another_one(memory: SharedMemory) -> None:
    for worker in memory.workers():
        counters = worker.counters()
        for place in range(2):
            counters.upstreams[place]["state"] = UPSTREAM_DOWN if place == worker.number else UPSTREAM_HEALTHY
        counters.flush()
    assert health_reasons(memory, time.monotonic()) == []


def test_a_worker_without_an_upstream_is_a_reason_beside_one_that_has_some(memory: SharedMemory) -> None:
    for worker, state in zip(memory.workers(), (UPSTREAM_DOWN, UPSTREAM_HEALTHY), strict=True):
        counters = worker.counters()
        counters.upstreams[0]["state"] = state
        counters.flush()
    assert health_reasons(memory, time.monotonic()) == ["no upstream answers"]


def test_an_intake_that_fails_or_is_gone_is_a_reason(memory: SharedMemory) -> None:
    memory.tell_intake({"is_failing": 1})
    (reason,) = health_reasons(memory, time.monotonic())
    assert reason.startswith("the activity record cannot be stored")
    later = time.monotonic() + SILENT_INTAKE_SECONDS + 1
    for worker in memory.workers():
        worker.beat(int(later * 1e9))
    assert health_reasons(memory, later) == ["the intake of the activity record does not work"]


@pytest.mark.parametrize(
    ("numbers", "seconds", "reasons"),
    [
        pytest.param({}, 1.0, [], id="it-has-a-minute-to-begin"),
        pytest.param({}, SILENT_CANARIES_SECONDS + 1, ["for a minute nobody has compared"], id="and-no-more"),
        pytest.param({"checked_nanoseconds": 5}, 1.0, [], id="compared-and-all-is-well"),
        pytest.param({"checked_nanoseconds": 5, "needlessly_blocked": 9}, 1.0, [], id="too-much-blocked-is-no-fault"),
        pytest.param(
            {"checked_nanoseconds": 5}, SILENT_CANARIES_SECONDS + 6, ["for a minute nobody has compared"], id="silent"
        ),
        pytest.param(
            {"checked_nanoseconds": 5, "unlogged_open": 3}, 1.0, ["filtering is off without a record"], id="off"
        ),
        pytest.param(
            {"checked_nanoseconds": 5, "unlogged_open": 3, "unknown_workers": 1},
            1.0,
            ["filtering is off without a record", "for a minute not every worker has said"],
            id="off-and-partly-unknown",
        ),
    ],
)
def test_health_says_whether_the_filter_is_as_the_record_says(
    tmp_path: Path, numbers: dict[str, int], seconds: float, reasons: list[str]
) -> None:
    with SharedMemory.create(tmp_path / "shared.mem", workers=1) as memory:
        memory.publish(index_generation=0, policy_generation=1)
        began = memory.published_at_nanoseconds
        checked = {"checked_nanoseconds": began} if "checked_nanoseconds" in numbers else {}
        memory.tell_canaries(numbers | checked)
        found = canary_reasons(memory, began / 1e9 + seconds)
    assert len(found) == len(reasons)
    assert all(told.startswith(reason) for told, reason in zip(found, reasons, strict=True))
