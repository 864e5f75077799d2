"""What a running gateway counts and records adds up with what was asked, and never says who asked what."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dns.rcode
import pytest
from conftest import RunningGateway, Upstream, make_gateway, wait_until

# No listener of the gateway has these addresses, so where one of them turns up, a client has been told about.
PUPIL, STAFF, GUEST, STRANGER = "127.0.77.1", "127.0.77.2", "127.0.77.3", "127.0.99.9"
CLIENTS = {
    "cidrs: [127.0.0.1/32,": f"cidrs: [127.0.0.1/32, {PUPIL}/32,",
    "cidrs: [127.0.0.2/32": f"cidrs: [127.0.0.2/32, {STAFF}/32",
    "cidrs: [127.0.0.3/32": f"cidrs: [127.0.0.3/32, {GUEST}/32",
}
DEVICE = "cart-tablet-07"
# Counters are stored every second, rows go out ten times as often, the intake looks every second.
COUNTED_SECONDS = 1.3


@pytest.fixture
def counting(tmp_path: Path, upstream: Upstream) -> Iterator[RunningGateway]:
    """A gateway that knows three clients and the device of one of them, not started yet."""
    folder = tmp_path / "site"
    leases = f"devices: {{lease_files: [{{format: dnsmasq, path: {folder}/leases}}]}}\n"
    running = make_gateway(folder, upstream, change=CLIENTS, extra=leases)
    ends_at = int(time.time()) + 3600
    (folder / "leases").write_text(f"{ends_at} 02:00:5e:00:53:01 {PUPIL} {DEVICE} *\n")
    yield running
    running.stop()


def ask(gateway: RunningGateway, name: str, source: str, times: int) -> None:
    for _ in range(times):
        gateway.ask(name, source=source)


def select(gateway: RunningGateway, query: str) -> list[tuple[Any, ...]]:
    """Ask the record of every day."""
    rows: list[tuple[Any, ...]] = []
    for path in (gateway.folder / "state" / "activity").glob("activity-*.db"):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            # A file that was made this very moment has no table yet.
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'positions'").fetchone():
                rows += database.execute(query).fetchall()
    return rows


def activity(gateway: RunningGateway) -> list[tuple[Any, ...]]:
    """Give what is recorded of single queries: pseudonym, audience, verdict, name, category, times."""
    return select(
        gateway,
        "SELECT pseudonym, audience, verdict, name, category, sum(times) FROM queries"
        " WHERE name <> 'ready.invalid' GROUP BY 1, 2, 3, 4, 5",
    )


def recorded(gateway: RunningGateway) -> int:
    return sum(row[-1] for row in activity(gateway))


def difference(before: dict[str, float], after: dict[str, float], sample: str) -> float:
    return after[sample] - before.get(sample, 0)


def hourly_counts(gateway: RunningGateway) -> dict[tuple[str, str, str], int]:
    rows = select(gateway, "SELECT audience, verdict, category, sum(times) FROM counts GROUP BY 1, 2, 3")
    return {(audience, verdict, category): times for audience, verdict, category, times in rows}


def test_what_was_asked_is_counted_and_recorded_and_nobody_is_named(counting: RunningGateway) -> None:
    counting.start()
    time.sleep(COUNTED_SECONDS)
    before = counting.metrics()
    asked = [
        ("casino.example", PUPIL, 5),
        ("www.casino.example", STAFF, 3),
        ("shop.example", GUEST, 2),
        ("helpline.example", PUPIL, 4),
        ("www.example", PUPIL, 6),
        ("www.example", STRANGER, 7),
        ("www.google.com", PUPIL, 2),
    ]
    for name, source, times in asked:
        ask(counting, name, source, times)
    time.sleep(COUNTED_SECONDS)

    def counted(audience: str, verdict: str, category: str) -> int:
        return counting.counted("schoolgate_queries_total", audience=audience, verdict=verdict, category=category)

    after = counting.metrics()
    assert difference(before, after, 'schoolgate_queries_received_total{transport="udp"}') == 29
    assert difference(before, after, 'schoolgate_answers_total{rcode="NXDOMAIN"}') == 10
    assert difference(before, after, 'schoolgate_answers_total{rcode="REFUSED"}') == 7
    assert counted("pupil", "blocked", "gambling") == 5
    assert counted("staff", "blocked", "gambling") == 3
    assert counted("guest", "blocked", "shopping") == 2
    assert counted("pupil", "allowed", "helplines") == 4
    assert counted("pupil", "allowed", "none") == 6
    assert counted("pupil", "rewritten", "safe_search") == 2
    assert counted("unknown", "refused", "none") == 7
    assert counting.counted("schoolgate_restrained_queries_total", action="refused_network") == 7
    assert counting.counted("schoolgate_list_names", list="ours") == 7
    assert counting.counted("schoolgate_worker_generation", kind="index", worker="0") == 1

    wait_until(lambda: recorded(counting) == 10)
    assert {row[1:] for row in activity(counting)} == {
        ("pupil", "blocked", "casino.example", "gambling", 5),
        ("staff", "blocked", "casino.example", "gambling", 3),
        ("guest", "blocked", "shop.example", "shopping", 2),
    }, "what the list says, not what was asked; and nothing about a helpline"
    assert counting.counted("schoolgate_queries_stored_total") == 10
    assert counting.counted("schoolgate_rows_lost_total") == 0

    # Nobody is named: not in metrics, not in the log, not in the record.
    told = counting.get("/metrics")[1] + counting.log.read_text()
    kept = "".join(map(str, activity(counting)))
    for secret in (PUPIL, STAFF, GUEST, STRANGER, DEVICE, "02:00:5e"):
        assert secret not in told
        assert secret not in kept
    for name in ("casino", "shop.example", "helpline.", "www.example", "google"):
        assert name not in told
    assert len({row[0] for row in activity(counting)}) == 3, "a pseudonym each"

    counting.stop()
    kept_counts = hourly_counts(counting)
    assert kept_counts["pupil", "allowed", "none"] >= 6
    assert kept_counts["pupil", "allowed", "helplines"] == 4
    assert kept_counts["pupil", "blocked", "gambling"] == 5
    told = counting.log.read_text()
    assert not [secret for secret in (PUPIL, DEVICE, "casino", "www.example") if secret in told]


def test_nothing_is_lost_or_stored_twice_when_processes_die(counting: RunningGateway) -> None:
    counting.start()
    ask(counting, "casino.example", PUPIL, 40)
    time.sleep(COUNTED_SECONDS)
    os.kill(counting.worker_pids()[0], signal.SIGKILL)
    ask(counting, "casino.example", PUPIL, 30)
    wait_until(lambda: counting.children("agent.gateway.intake"))
    os.kill(counting.children("agent.gateway.intake")[0], signal.SIGKILL)
    ask(counting, "casino.example", PUPIL, 20)
    time.sleep(COUNTED_SECONDS)
    assert counting.counted("schoolgate_queries_total", verdict="blocked") == 90
    wait_until(lambda: recorded(counting) == 90)
    wait_until(lambda: counting.counted("schoolgate_intake_restarts_total") == 1)
    wait_until(lambda: counting.children("agent.gateway.intake"))
    assert counting.process is not None
    counting.process.kill()
    counting.process.wait()
    ask(counting, "casino.example", PUPIL, 10)
    counting.start()
    wait_until(lambda: recorded(counting) == 100)
    time.sleep(1.2)
    assert recorded(counting) == 100


def test_what_is_kept_is_what_the_school_has_decided(counting: RunningGateway) -> None:
    counting.site.write_text(counting.site.read_text() + "retention: {activity: counts}\n")
    counting.start()
    ask(counting, "casino.example", PUPIL, 3)
    time.sleep(COUNTED_SECONDS)
    assert activity(counting) == []

    counting.change("{activity: counts}", "{activity: all, reason: it is a test}")
    assert counting.run("reload").returncode == 0
    time.sleep(COUNTED_SECONDS)
    ask(counting, "www.example", PUPIL, 2)
    ask(counting, "helpline.example", PUPIL, 3)
    ask(counting, "sos.helpline.example", STAFF, 3)
    ask(counting, "casino.example", PUPIL, 1)
    wait_until(lambda: recorded(counting) == 3)
    counting.stop()
    assert sorted(row[1:] for row in activity(counting)) == [
        ("pupil", "allowed", "www.example", "none", 2),
        ("pupil", "blocked", "casino.example", "gambling", 1),
    ], "who asks for help is nobody's business, whatever a school keeps"
    assert hourly_counts(counting)["pupil", "blocked", "gambling"] == 4


def test_health_tells_of_an_upstream_that_is_gone_and_of_its_return(
    counting: RunningGateway, upstream: Upstream
) -> None:
    counting.start()
    counting.ask("www.example")
    healthy = 'schoolgate_upstream_healthy{upstream="1"}'
    wait_until(lambda: not counting.health() and counting.metrics().get(healthy) == 1)
    upstream.stop()
    try:
        for number in range(4):
            assert counting.ask(f"n{number}.bulk.example").rcode() == dns.rcode.SERVFAIL
        wait_until(lambda: counting.health() == ["no upstream answers"])
        assert counting.metrics()[healthy] == 0
        assert counting.ask("www.example").answer, "what is known is known"
    finally:
        upstream.start()
    wait_until(lambda: counting.ask(f"n{time.monotonic_ns() % 300}.bulk.example").answer)
    wait_until(lambda: not counting.health())


@pytest.mark.parametrize("path", ["/", "/metrics/../etc", "/favicon.ico"])
def test_nothing_else_is_served(gateway: RunningGateway, path: str) -> None:
    assert gateway.get(path)[0] == 404
