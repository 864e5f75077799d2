"""Events of the gateway: left as files, taken into the record once each, whoever is killed when."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.gateway.gateway_events import MAX_OCTETS, events_folder, leave_event, take_events
from agent.storage.record import verify
from agent.storage.state import StateStore
from rules.errors import StorageError

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)

# Takes events into the record and is killed: before the nth statement, or before the nth file is removed.
TAKER = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from agent.gateway.gateway_events import take_events
from agent.storage.state import StateStore

statement, removal = int(sys.argv[2]), int(sys.argv[3])
left = {"statement": statement, "removal": removal}

def step(what):
    left[what] -= 1
    if left[what] == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def remove(path):
    step("removal")
    path.unlink()

store = StateStore(Path(sys.argv[1]), clock=lambda: datetime.now(UTC))
store._database.set_trace_callback(lambda _: step("statement"))
take_events(store, remove=remove)
"""

# Leaves one event after the other, and says the number of each that was left.
LEAVER = """
import os, sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from agent.gateway.gateway_events import leave_event

for number in count(int(sys.argv[2])):
    leave_event(Path(sys.argv[1]), "worker_died", {"count": number}, at=datetime.now(UTC), max_files=1_000_000)
    os.write(1, f"{number}\\n".encode())
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    with closing(StateStore(tmp_path / "state.db", clock=lambda: NOW, busy_seconds=0.05)) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return events_folder(tmp_path)


def leave(folder: Path, kind: str, minute: int = 0, *, max_files: int = 256, **facts: Any) -> None:
    leave_event(folder, kind, facts, at=NOW + timedelta(minutes=minute), max_files=max_files)


def rows(store: StateStore) -> list[tuple[str, str, dict[str, Any]]]:
    with store.read() as database:
        found = database.execute("SELECT kind, actor, facts FROM audit ORDER BY number").fetchall()
    return [(kind, actor, json.loads(facts)) for kind, actor, facts in found]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


def test_an_event_becomes_a_row_that_says_when_it_was(store: StateStore, folder: Path) -> None:
    leave(folder, "gateway_started", 1, version="1.0", last_run_ended=True)
    assert take_events(store) == 1
    facts = {"at": "2026-03-02T09:16:00+00:00", "last_run_ended": True, "version": "1.0"}
    assert rows(store) == [("gateway_started", "gateway", facts)]
    assert files(folder) == []
    assert take_events(store) == 0


def test_what_nobody_left_is_nothing(store: StateStore) -> None:
    assert take_events(store) == 0


def test_events_are_taken_in_their_order(store: StateStore, folder: Path) -> None:
    for minute in (3, 1, 2):
        leave(folder, "worker_died", minute, count=minute)
    take_events(store)
    assert [facts["count"] for _, _, facts in rows(store)] == [1, 2, 3]


def test_only_their_owner_reads_them(folder: Path) -> None:
    leave(folder, "gateway_started")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_beyond_the_bound_events_are_counted_together(store: StateStore, folder: Path) -> None:
    for minute in range(4):
        leave(folder, "worker_died", minute, max_files=2, count=1)
    leave(folder, "clock_jumped", 5, max_files=2, count=1)
    assert len(files(folder)) == 3
    take_events(store)
    kind, actor, facts = rows(store)[2]
    assert (kind, actor) == ("gateway_events_counted", "gateway")
    assert facts == {
        "at": "2026-03-02T09:20:00+00:00",
        "since": "2026-03-02T09:17:00+00:00",
        "counts": {"worker_died": 2, "clock_jumped": 1},
    }
    assert len(rows(store)) == 3


def test_counting_begins_anew_once_the_numbers_are_on_record(store: StateStore, folder: Path) -> None:
    leave(folder, "worker_died", 0, max_files=0)
    take_events(store)
    leave(folder, "worker_died", 9, max_files=0)
    take_events(store)
    assert [facts["counts"] for *_, facts in rows(store)] == [{"worker_died": 1}] * 2
    assert [facts["since"] for *_, facts in rows(store)] == ["2026-03-02T09:15:00+00:00", "2026-03-02T09:24:00+00:00"]


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"kind": "worker_died", "fac', id="cut-off"),
        pytest.param(b'{"kind": "people_changed", "facts": {}}', id="not-for-the-gateway-to-say"),
        pytest.param(b'{"kind": ["worker_died"], "facts": {}}', id="no-kind"),
        pytest.param(b'{"kind": "worker_died", "facts": []}', id="no-facts"),
        pytest.param(b'{"kind": "worker_died", "facts": {"seconds": 1.5}}', id="a-fraction"),
        pytest.param(b'{"kind": "worker_died", "facts": {"a": "\\ud800"}}', id="half-a-character"),
        pytest.param(b"[" * MAX_OCTETS, id="too-deep"),
        pytest.param(b'{"kind": "worker_died", "facts": {}}' + b" " * MAX_OCTETS, id="too-long"),
        pytest.param(b"\xff", id="no-text"),
    ],
)
def test_a_file_that_is_no_event_is_a_row_too_and_in_nobodys_way(
    store: StateStore, folder: Path, octets: bytes
) -> None:
    folder.mkdir()
    (folder / "20260302-spoilt.json").write_bytes(octets)
    leave(folder, "gateway_stopped", why="SIGTERM")
    assert take_events(store) == 2
    assert [kind for kind, *_ in rows(store)] == ["gateway_event_unreadable", "gateway_stopped"]
    assert files(folder) == []


def test_spoilt_numbers_are_not_counted_on(store: StateStore, folder: Path) -> None:
    leave(folder, "worker_died", max_files=0)
    (counted,) = files(folder)
    counted.write_text("{")
    leave(folder, "worker_died", max_files=0)
    take_events(store)
    assert [facts["counts"] for *_, facts in rows(store)] == [{"worker_died": 1}]


def test_where_nothing_can_be_written_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "gateway-events").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match="an event for the record could not be left"):
        leave(tmp_path / "gateway-events", "gateway_started")


def test_what_cannot_be_stored_is_taken_later(store: StateStore, folder: Path) -> None:
    leave(folder, "gateway_started", version="1.0")
    with store.act(), pytest.raises(StorageError, match="another act has not ended"):
        take_events(store)
    assert len(files(folder)) == 1
    assert take_events(store) == 1


def run_taker(store: StateStore, *, statement: int = 0, removal: int = 0) -> int:
    command = [sys.executable, "-c", TAKER, str(store.path), str(statement), str(removal)]
    return subprocess.run(command, check=False, timeout=30).returncode


def test_a_kill_between_the_row_and_the_removal_makes_no_second_row(store: StateStore, folder: Path) -> None:
    for minute in range(3):
        leave(folder, "worker_died", minute, count=minute)
    assert run_taker(store, removal=2) < 0
    assert (len(rows(store)), len(files(folder))) == (2, 2)
    take_events(store)
    assert [facts["count"] for *_, facts in rows(store)] == [0, 1, 2]
    assert files(folder) == []


def test_a_kill_before_any_statement_loses_no_event_and_takes_none_twice(store: StateStore, folder: Path) -> None:
    for number in range(40):
        leave(folder, "worker_died", number, count=number)
        if run_taker(store, statement=number + 1) == 0:
            break
    else:
        pytest.fail("more statements than kills")
    take_events(store)
    assert [facts["count"] for *_, facts in rows(store)] == list(range(number + 1))


def test_kills_on_both_sides_at_any_moment(store: StateStore, folder: Path) -> None:
    chance = random.Random(20260302)
    left: list[int] = []
    for turn in range(8):
        first = turn * 1_000_000
        leaver = subprocess.Popen(
            [sys.executable, "-c", LEAVER, str(folder), str(first)], stdout=subprocess.PIPE, text=True
        )
        with leaver:
            assert leaver.stdout is not None
            left.append(int(leaver.stdout.readline()))
            command = [sys.executable, "-c", TAKER, str(store.path), "0", "0"]
            with subprocess.Popen(command) as taker:
                time.sleep(chance.uniform(0, 0.2))
                taker.kill()
            leaver.kill()
            left += [int(line) for line in leaver.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    take_events(store)
    counts = [facts["count"] for *_, facts in rows(store)]
    assert len(counts) == len(set(counts)), "none twice"
    assert set(left) <= set(counts), "none lost that was left"
    assert files(folder) == []
    with store.read() as database:
        assert verify(database, anchors_key=None).is_whole
    assert {path.name for path in folder.iterdir()} <= {"draft"}
