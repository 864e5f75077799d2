"""What the gateway tells the record of itself, while it runs, when it is killed and when it is told to stop."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from conftest import RunningGateway, Upstream, free_port, make_gateway, wait_until

from agent.storage.record import verify_file
from agent.storage.state import read_only
from rules.errors import StorageError


class Recorded:
    """A gateway that keeps the record, and a look at what it says."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.state = gateway.folder / "state"

    def rows(self) -> list[tuple[str, dict[str, Any]]]:
        with suppress(StorageError), read_only(self.state / "state.db") as database:
            found = database.execute("SELECT kind, facts FROM audit ORDER BY number").fetchall()
            return [(kind, json.loads(facts)) for kind, facts in found]
        return []

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [facts for found, facts in self.rows() if found == kind]

    def wait_for(self, kind: str, number: int = 1) -> dict[str, Any]:
        """Wait until there are so many rows of a kind; gives the facts of the last."""
        wait_until(lambda: len(self.of_kind(kind)) == number)
        return self.of_kind(kind)[-1]

    def kill(self) -> None:
        """Kill the gateway and all that it has started, as a power cut does."""
        for pid in self.gateway.processes():
            os.kill(pid, signal.SIGKILL)
        if self.gateway.process is not None:
            self.gateway.process.wait(10)
        self.gateway.process = None


@pytest.fixture
def recorded(tmp_path: Path, upstream: Upstream) -> Iterator[Recorded]:
    listening = {"listeners: {": f'listeners: {{api: "127.0.0.1:{free_port()}", '}
    gateway = make_gateway(tmp_path / "site", upstream, change=listening)
    yield Recorded(gateway)
    gateway.stop()


def test_start_death_kill_and_stop_are_on_record(recorded: Recorded) -> None:
    gateway = recorded.gateway
    gateway.start()
    assert recorded.wait_for("gateway_started").keys() == {"at", "version"}
    assert recorded.wait_for("record_verified")["rows"] >= 1
    os.kill(gateway.worker_pids()[0], signal.SIGKILL)
    assert recorded.wait_for("worker_died")["count"] == 1
    metrics = gateway.metrics()
    assert metrics["schoolgate_record_intact"] == 1
    assert metrics["schoolgate_record_verified_time_seconds"] > metrics["schoolgate_record_anchor_time_seconds"] - 60
    recorded.kill()
    gateway.start()
    started = recorded.wait_for("gateway_started", 2)
    assert (started["last_run_ended"], started.keys() > {"last_seen_at"}) == (False, True)
    recorded.wait_for("api_started", 2)
    gateway.stop()
    kinds = [kind for kind, _ in recorded.rows()]
    assert kinds.count("gateway_stopped") == 1, "and that was while the interface still ran"
    assert recorded.of_kind("gateway_stopped")[0]["why"] == "SIGTERM"
    gateway.start()
    assert recorded.wait_for("gateway_started", 3)["last_run_ended"] is True
    gateway.stop()
    found = verify_file(recorded.state / "state.db")
    assert found.is_whole, found.what


def test_a_record_that_was_altered_meanwhile_is_told_at_the_next_start(recorded: Recorded) -> None:
    recorded.gateway.start()
    recorded.wait_for("gateway_started")
    recorded.gateway.stop()
    state = recorded.state / "state.db"
    with read_only(state) as database:
        query = "SELECT facts FROM audit WHERE kind = 'gateway_started'"
        facts = str(database.execute(query).fetchone()["facts"]).encode()
    octets = state.read_bytes()
    assert octets.count(facts) == 1
    state.write_bytes(octets.replace(facts, facts.replace(b'"version":', b'"Version":')))
    recorded.gateway.start()
    broken = recorded.wait_for("record_broken")
    assert recorded.rows()[broken["row"] - 1][0] == "gateway_started"
    assert broken["what"] == f"Row {broken['row']} was altered."
    wait_until(lambda: recorded.gateway.metrics().get("schoolgate_record_intact") == 0)


def test_an_older_copy_of_the_state_is_told_at_the_next_start(recorded: Recorded) -> None:
    state = recorded.state / "state.db"
    for backup in (True, False):
        recorded.gateway.start()
        recorded.wait_for("gateway_started", 1 if backup else 2)
        recorded.gateway.stop()
        if backup:
            copy = state.read_bytes()
    state.write_bytes(copy)
    recorded.gateway.start()
    assert "removed at the end" in recorded.wait_for("record_broken")["what"]
