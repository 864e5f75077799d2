"""What a gateway tells the record of itself."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.dns.shared_memory import SharedMemory
from agent.gateway.gateway_events import events_folder, take_events
from agent.gateway.gateway_journal import Clocks, ClockWatch, GatewayJournal, lost_and_died, open_journal
from agent.sites.config import load_site
from agent.storage.state import StateStore

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)

Told = list[tuple[str, dict[str, Any]]]


@dataclass
class Machine:
    """A machine with three clocks; a test lets time pass, sets the wall clock or closes the lid."""

    wall: datetime = NOW
    unstopped: float = 1000.0
    running: float = 400.0
    # What happens while somebody looks at the clocks, after the first.
    interruption: Callable[[], None] = lambda: None
    counted: dict[str, Counter[str]] = field(default_factory=dict)

    def pass_by(self, seconds: float) -> None:
        self.sleep(seconds)
        self.running += seconds

    def sleep(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.unstopped += seconds

    def set_by(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)

    def clocks(self) -> Clocks:
        def unstopped() -> float:
            now = self.unstopped
            interruption, self.interruption = self.interruption, lambda: None
            interruption()
            return now

        return Clocks(wall=lambda: self.wall, unstopped=unstopped, running=lambda: self.running)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def journal(tmp_path: Path, machine: Machine) -> GatewayJournal:
    return journal_of(tmp_path, machine)


def journal_of(folder: Path, machine: Machine) -> GatewayJournal:
    return GatewayJournal(folder, version="1.0", counted=lambda: machine.counted, clocks=machine.clocks())


def told(folder: Path) -> Told:
    """Give what lies there for the record, without when, and take it away."""
    found = []
    for path in sorted(events_folder(folder).glob("*.json")):
        event = json.loads(path.read_text())
        path.unlink()
        event["facts"].pop("at")
        found.append((event["kind"], event["facts"]))
    return found


# --- Clocks


@pytest.mark.parametrize(
    ("happens", "seen"),
    [
        pytest.param(lambda machine: machine.pass_by(1), (0, 0), id="nothing"),
        pytest.param(lambda machine: machine.set_by(3600), (3600, 0), id="set-ahead"),
        pytest.param(lambda machine: machine.set_by(-3600), (-3600, 0), id="set-back"),
        pytest.param(lambda machine: machine.set_by(1.9), (0, 0), id="a-little-as-clocks-are-kept-in-step"),
        pytest.param(lambda machine: machine.sleep(7200), (0, 7200), id="suspended"),
        pytest.param(lambda machine: (machine.sleep(7200), machine.set_by(60)), (60, 7200), id="both"),
        pytest.param(lambda machine: machine.pass_by(90), (0, 0), id="nobody-looked-for-long"),
    ],
)
def test_clocks_that_were_set_and_machines_that_slept(
    machine: Machine, happens: Callable[[Machine], object], seen: tuple[int, int]
) -> None:
    watch = ClockWatch(machine.clocks())
    assert watch.look() == (0, 0)
    machine.pass_by(1)
    assert watch.look() == (0, 0)
    happens(machine)
    assert watch.look() == seen
    machine.pass_by(1)
    assert watch.look() == (0, 0)


def test_being_stopped_between_two_clocks_is_no_jump(machine: Machine) -> None:
    watch = ClockWatch(machine.clocks())
    watch.look()
    machine.interruption = lambda: machine.pass_by(30)
    assert watch.look() == (0, 0)
    machine.set_by(10)
    assert watch.look() == (10, 0), "what it could not see then it sees now"


def test_the_clocks_of_this_machine_stand_in_step() -> None:
    watch = ClockWatch(Clocks())
    assert [watch.look() for _ in range(3)] == [(0, 0)] * 3


# --- The journal


def test_the_first_start_and_a_proper_end(tmp_path: Path, journal: GatewayJournal) -> None:
    journal.begin()
    journal.end("SIGTERM")
    assert told(tmp_path) == [("gateway_started", {"version": "1.0"}), ("gateway_stopped", {"why": "SIGTERM"})]


def test_a_start_after_a_proper_end(tmp_path: Path, machine: Machine) -> None:
    for _ in range(2):
        journal = journal_of(tmp_path, machine)
        journal.begin()
        journal.end("SIGINT")
    assert told(tmp_path)[2] == ("gateway_started", {"version": "1.0", "last_run_ended": True})


def test_a_start_after_a_kill_says_when_the_last_run_was_seen(tmp_path: Path, machine: Machine) -> None:
    journal_of(tmp_path, machine).begin()
    told(tmp_path)
    seen_at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    os.utime(tmp_path / "gateway.running", (seen_at.timestamp(), seen_at.timestamp()))
    journal_of(tmp_path, machine).begin()
    facts = {"version": "1.0", "last_run_ended": False, "last_seen_at": "2026-03-02T08:00:00+00:00"}
    assert told(tmp_path) == [("gateway_started", facts)]


def test_that_it_is_there_is_renewed_each_minute(tmp_path: Path, machine: Machine, journal: GatewayJournal) -> None:
    journal.begin()
    marker = tmp_path / "gateway.running"
    renewed = []
    for _ in range(4):
        os.utime(marker, (0, 0))
        machine.pass_by(20)
        journal.look()
        renewed.append(marker.stat().st_mtime > 0)
    assert renewed == [False, False, True, False]


def test_what_happens_is_told_at_once_and_then_once_a_minute_with_its_number(
    tmp_path: Path, machine: Machine, journal: GatewayJournal
) -> None:
    journal.begin()
    told(tmp_path)
    seen: list[Told] = []
    for second in range(62):
        machine.pass_by(1)
        machine.counted = {"worker_died": Counter(count=second + 1)}
        journal.look()
        seen.append(told(tmp_path))
    assert seen[0] == [("worker_died", {"count": 1})]
    assert seen[60] == [("worker_died", {"count": 60})]
    assert [each for each in seen if each] == [seen[0], seen[60]]
    journal.end("SIGTERM")
    assert told(tmp_path) == [("worker_died", {"count": 1}), ("gateway_stopped", {"why": "SIGTERM"})]


def test_a_clock_that_jumps_to_and_fro(tmp_path: Path, machine: Machine, journal: GatewayJournal) -> None:
    journal.begin()
    told(tmp_path)
    for seconds in (-3600, 10, 20, -5):
        machine.pass_by(1)
        machine.set_by(seconds)
        journal.look()
    machine.pass_by(60)
    journal.look()
    assert told(tmp_path) == [
        ("clock_jumped", {"count": 1, "seconds_back": 3600}),
        ("clock_jumped", {"count": 3, "seconds_ahead": 30, "seconds_back": 5}),
    ]


def test_a_machine_that_slept(tmp_path: Path, machine: Machine, journal: GatewayJournal) -> None:
    journal.begin()
    told(tmp_path)
    machine.sleep(7200)
    journal.look()
    assert told(tmp_path) == [("machine_suspended", {"count": 1, "seconds": 7200})]


def test_lost_rows_are_told_by_cause(tmp_path: Path, machine: Machine, journal: GatewayJournal) -> None:
    journal.begin()
    told(tmp_path)
    machine.counted = {"rows_lost": Counter(not_handed_over=40, damaged_frames=0)}
    journal.look()
    machine.counted = {"rows_lost": Counter(not_handed_over=41, damaged_frames=2)}
    journal.end("SIGTERM")
    assert told(tmp_path)[:2] == [
        ("rows_lost", {"not_handed_over": 40}),
        ("rows_lost", {"not_handed_over": 1, "damaged_frames": 2}),
    ]


def test_what_cannot_be_left_is_told_once_it_can(tmp_path: Path, machine: Machine, journal: GatewayJournal) -> None:
    events_folder(tmp_path).write_text("a file where a folder should be")
    journal.begin()
    machine.counted = {"worker_died": Counter(count=1)}
    journal.look()
    events_folder(tmp_path).unlink()
    machine.counted = {"worker_died": Counter(count=3)}
    machine.pass_by(60)
    journal.look()
    assert told(tmp_path) == [("gateway_started", {"version": "1.0"}), ("worker_died", {"count": 3})]


def test_an_end_that_nobody_could_be_told_of_is_none(tmp_path: Path, journal: GatewayJournal) -> None:
    journal.begin()
    told(tmp_path)
    events_folder(tmp_path).rmdir()
    events_folder(tmp_path).write_text("a file where a folder should be")
    journal.end("SIGTERM")
    assert (tmp_path / "gateway.running").exists()


def test_after_the_end_nothing_is_looked_at(tmp_path: Path, machine: Machine, journal: GatewayJournal) -> None:
    journal.begin()
    journal.end("SIGTERM")
    told(tmp_path)
    machine.set_by(3600)
    journal.look()
    assert told(tmp_path) == []


def test_what_the_gateway_counts(tmp_path: Path) -> None:
    with SharedMemory.create(tmp_path / "shared.mem", workers=2) as memory:
        assert not any(map(Counter.total, lost_and_died(memory).values()))
        memory.count("worker_restarts")
        memory.count("intake_restarts")
        memory.tell_intake({"damaged_frames": 3, "files_set_aside": 1})
        for worker, rows in zip(memory.workers(), (5, 7), strict=True):
            worker.hold_rows(rows)
            worker.counters()
        assert lost_and_died(memory) == {
            "worker_died": {"count": 1},
            "intake_died": {"count": 1},
            "rows_lost": {"not_handed_over": 12, "damaged_frames": 3, "files_set_aside": 1},
        }


SITE = """\
school: {{name: School of Test, timezone: Europe/London}}
packs: [uk-esafety]
networks: {{classrooms: {{audience: pupil, cidrs: 192.0.2.0/24}}}}
listeners: {{dns: "127.0.0.1:5335", metrics: off, api: {api}}}
"""


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[SharedMemory]:
    with SharedMemory.create(tmp_path / "shared.mem", workers=1) as made:
        yield made


def test_without_an_interface_nobody_keeps_a_record_and_nothing_is_left(tmp_path: Path, memory: SharedMemory) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(SITE.format(api="off"))
    site = load_site(path).site
    assert open_journal(site, memory) is None
    assert not Path(site.paths.state).exists()


def test_with_one_the_start_is_on_record(tmp_path: Path, memory: SharedMemory) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(SITE.format(api='"127.0.0.1:8443"'))
    site = load_site(path).site
    Path(site.paths.state).mkdir()
    journal = open_journal(site, memory)
    assert journal is not None
    journal.end("SIGTERM")
    with closing(StateStore(Path(site.paths.state) / "state.db", clock=lambda: NOW)) as store:
        assert take_events(store) == 2
