"""Not one blocked name is ever answered, and not one query is lost: at start, in reloads, in updates, in crashes."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import RunningGateway, Upstream, make_gateway, wait_until
from steady_client import Answered, SteadyClient

# Queries that a worker has taken and not answered yet, and which end with it.
IN_HAND = 16


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[RunningGateway]:
    """A gateway with two workers."""
    running = make_gateway(
        tmp_path_factory.mktemp("pair") / "site", upstream, extra="workers: 2\nessentials: [essential0.test]\n"
    )
    running.start()
    yield running
    running.stop()


def wait_for_what_waited(client: SteadyClient, *, most: int) -> None:
    """Wait until the next worker has answered what waits in the socket, however soon this machine lets it."""
    time.sleep(0.3)
    wait_until(lambda: client.waiting() <= most)


def assert_held(result: Answered) -> None:
    assert result.leaked == []
    assert result.odd == []
    assert result.blocked
    assert result.allowed


def assert_nothing_lost(result: Answered) -> None:
    assert_held(result)
    assert result.lost_at == []
    assert result.blocked + result.allowed == result.asked


def test_from_before_the_first_start_until_it_has_started(own_gateway: RunningGateway) -> None:
    with SteadyClient(own_gateway.port) as client:
        time.sleep(0.1)
        own_gateway.start()
        started_at = time.monotonic()
        time.sleep(0.3)
    assert_held(client.result)
    assert not [lost_at for lost_at in client.result.lost_at if lost_at > started_at]


def test_through_a_stop_and_a_start_with_compiled_lists(own_gateway: RunningGateway) -> None:
    own_gateway.start()
    with SteadyClient(own_gateway.port) as client:
        time.sleep(0.2)
        stopped_at = time.monotonic()
        own_gateway.stop()
        own_gateway.start()
        started_at = time.monotonic()
        time.sleep(0.3)
    assert_held(client.result)
    # Who asks while nobody listens gets nothing; from then on nobody is forgotten.
    assert [lost_at for lost_at in client.result.lost_at if not stopped_at - 0.1 < lost_at < started_at] == []


def test_kill_of_the_only_worker(own_gateway: RunningGateway) -> None:
    own_gateway.start()
    with SteadyClient(own_gateway.port) as client:
        for _ in range(2):
            wait_for_what_waited(client, most=2 * IN_HAND)
            (pid,) = own_gateway.worker_pids()
            os.kill(pid, signal.SIGKILL)
            assert own_gateway.ask("casino.example").rcode() == 3, "the next one answers what waits in the socket"
        wait_for_what_waited(client, most=2 * IN_HAND)
    assert_held(client.result)
    assert len(client.result.lost_at) <= 2 * IN_HAND, "what was in the hands of two dead workers"
    assert own_gateway.counted("schoolgate_worker_restarts_total") == 2


def test_kill_of_one_of_two_workers(pair: RunningGateway) -> None:
    with SteadyClient(pair.port) as client:
        time.sleep(0.3)
        before = pair.worker_pids()
        os.kill(before[0], signal.SIGKILL)
        wait_until(lambda: len(pair.worker_pids()) == 2 and pair.worker_pids() != before)
        wait_for_what_waited(client, most=IN_HAND)
    assert_held(client.result)
    assert len(client.result.lost_at) <= IN_HAND


def test_reloads_by_signal(pair: RunningGateway) -> None:
    before = pair.status()["policy_generation"]
    assert pair.process is not None
    with SteadyClient(pair.port) as client:
        for _ in range(25):
            pair.process.send_signal(signal.SIGHUP)
            time.sleep(0.05)
        wait_until(lambda: pair.status()["policy_generation"] > before + 5)
    assert_nothing_lost(client.result)


def test_reloads_by_command(pair: RunningGateway) -> None:
    with SteadyClient(pair.port) as client:
        for number in range(2):
            pair.change(f"[essential{number}.test]", f"[essential{number + 1}.test]")
            done = pair.run("reload")
            assert done.returncode == 0, done.stderr
    assert_nothing_lost(client.result)


def test_updates_of_lists(pair: RunningGateway) -> None:
    games = pair.folder / "lists" / "games.txt"
    before = pair.status()["index_generation"]
    with SteadyClient(pair.port) as client:
        for number in (1, 2):
            _add_names(games, number)
            done = pair.run("lists", "update", "--force")
            assert done.returncode == 0, done.stdout + done.stderr
            assert pair.ask(f"new{number}.example").rcode() == 3, "in force when the command says so"
        assert pair.run("lists", "rollback").returncode == 0
    assert pair.status()["index_generation"] == before + 1
    assert_nothing_lost(client.result)


def _add_names(path: Path, number: int) -> None:
    text = path.read_text() + f"new{number}.example\n"
    path.write_text(text + "".join(f"g{number}-{each}.test\n" for each in range(5000)))
