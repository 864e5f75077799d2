"""A process beside the workers: started, started again after its end, and ended."""

import time
from pathlib import Path

import pytest

from agent.gateway.child import Child

# Modules of the standard library: one that ends at once, and one that stays until it is told to end.
ENDS = "this"
STAYS = "http.server"


def wait_for_death(child: Child) -> None:
    deadline = time.monotonic() + 20
    while child.is_running and time.monotonic() < deadline:
        time.sleep(0.02)
        child.watch()


def test_one_that_has_ended_is_started_again_after_its_time(capfd: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    deaths: list[float] = []
    child = Child("intake", ENDS, backoff_seconds=2, on_death=lambda: deaths.append(now), monotonic=lambda: now)
    child.watch()
    wait_for_death(child)
    assert deaths == [0.0]
    assert "event=intake_died exit_code=0" in capfd.readouterr().err
    now = 1.9
    child.watch()
    runs = [child.is_running]
    now = 2.0
    child.watch()
    assert [*runs, child.is_running] == [False, True]
    child.end()


def test_one_that_runs_is_left_alone_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    deaths: list[str] = []
    child = Child(
        "api", STAYS, Path("0"), Path("--directory"), tmp_path, backoff_seconds=0, on_death=lambda: deaths.append("")
    )
    child.watch()
    child.watch()
    child.end()
    assert not child.is_running
    assert not deaths
    child.end()
