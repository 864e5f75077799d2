"""What a worker tells of who asked: of laptops when, of everybody else how many."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from agent.dns.askers import (
    LONGEST_GAP_SECONDS,
    MOST_SEEN,
    REPORT_SECONDS,
    Askers,
    Report,
    leave_wanted,
    networks_asked,
    read_report,
    read_wanted,
    report_path,
    wanted_path,
    watched_since,
)

LAPTOP, OTHER_LAPTOP, PHONE = b"\x0a\1\0\7", b"\x20\1" + bytes(14), b"\x0a\1\0\x63"
NETWORKS = {PHONE: "guests", b"\x0a\2\0\1": "staff"}
# The beginning of a minute.
MINUTE = 1_772_452_800


@dataclass
class Worker:
    """One worker and its clock."""

    runtime: Path
    now: float = MINUTE + 7.5
    askers: Askers = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.askers = Askers(self.runtime, 0, network_of=NETWORKS.get, wall_clock=lambda: self.now)

    def see(self, *addresses: bytes, after: float = REPORT_SECONDS) -> Report | None:
        """Let addresses ask, so many seconds later."""
        self.now += after
        self.askers.seen.update(addresses)
        self.askers.tick()
        return read_report(self.runtime, 0)


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    leave_wanted(tmp_path, (LAPTOP, OTHER_LAPTOP))
    return Worker(tmp_path)


def test_of_laptops_it_tells_when_to_the_minute_and_of_others_how_many(worker: Worker) -> None:
    report = worker.see(LAPTOP, PHONE)
    began = worker.now
    assert report == Report(worker.now, 2, {LAPTOP: MINUTE + 60}, began, {"guests": MINUTE + 60})
    asked = {LAPTOP: MINUTE + 60, OTHER_LAPTOP: MINUTE + 120}
    report = worker.see(PHONE, OTHER_LAPTOP)
    assert report == Report(worker.now, 2, asked, began, {"guests": MINUTE + 120})
    assert worker.see() == Report(worker.now, 0, asked, began, {"guests": MINUTE + 120})


def test_nothing_of_others_is_in_any_file_or_held_for_longer_than_the_minute(worker: Worker) -> None:
    worker.see(LAPTOP, PHONE)
    assert {path.name for path in worker.runtime.iterdir()} == {"laptops", "askers-0"}
    assert not any(PHONE in path.read_bytes() for path in worker.runtime.iterdir())
    assert worker.askers.seen == set()


def test_it_tells_once_a_minute(worker: Worker) -> None:
    first = worker.see(LAPTOP)
    assert worker.see(PHONE, after=REPORT_SECONDS - 1) == first
    report = worker.see(after=1)
    assert report is not None
    assert report.others == 1


def test_a_clock_that_is_set_back_makes_no_minute_longer(worker: Worker) -> None:
    worker.see(LAPTOP)
    began = worker.now
    report = worker.see(PHONE, after=-7200)
    assert report == Report(worker.now, 1, {LAPTOP: MINUTE + 60}, began, {"guests": MINUTE - 7140})


def test_a_flood_of_addresses_is_not_held(worker: Worker) -> None:
    worker.see()
    worker.see(LAPTOP, *(number.to_bytes(16, "big") for number in range(MOST_SEEN)), after=0.3)
    report = worker.see(after=0.3)
    assert worker.askers.seen == set()
    assert report is not None
    assert report.asked == {LAPTOP: MINUTE + 60}


def test_a_laptop_that_nobody_looks_for_any_more_is_forgotten(worker: Worker) -> None:
    worker.see(LAPTOP, OTHER_LAPTOP)
    leave_wanted(worker.runtime, (OTHER_LAPTOP,))
    report = worker.see()
    assert report is not None
    assert report.asked == {OTHER_LAPTOP: MINUTE + 60}


def test_whoever_comes_after_a_worker_that_died_goes_on(worker: Worker) -> None:
    worker.see(LAPTOP)
    worker.start()
    report = worker.see()
    assert report is not None
    assert report.asked == {LAPTOP: MINUTE + 60}


@pytest.mark.parametrize(
    "is_new", [pytest.param(True, id="the-worker-was-gone"), pytest.param(False, id="it-stood-still")]
)
def test_what_was_asked_before_a_gap_says_nothing_of_who_asked_within_it(worker: Worker, *, is_new: bool) -> None:
    worker.see(LAPTOP)
    if is_new:
        worker.start()
    report = worker.see(OTHER_LAPTOP, after=LONGEST_GAP_SECONDS + 1)
    asked = {OTHER_LAPTOP: int(worker.now) // 60 * 60}
    assert report == Report(worker.now, 1, asked, worker.now), "a laptop counts from its first question"


@pytest.mark.parametrize("octets", [b"", b"\xff", b"\x81\xa2at\xc0", b"\x91\x01"])
def test_what_cannot_be_read_is_nothing(worker: Worker, octets: bytes) -> None:
    report_path(worker.runtime, 0).write_bytes(octets)
    wanted_path(worker.runtime).write_bytes(octets)
    assert read_report(worker.runtime, 0) is None
    assert read_wanted(worker.runtime) == frozenset()
    worker.start()
    assert worker.see(LAPTOP) == Report(worker.now, 1, {}, worker.now)


def test_the_same_addresses_are_not_written_again(worker: Worker) -> None:
    before = wanted_path(worker.runtime).stat().st_ino
    leave_wanted(worker.runtime, (OTHER_LAPTOP, LAPTOP))
    assert wanted_path(worker.runtime).stat().st_ino == before


def test_where_nothing_can_be_left_the_worker_goes_on(tmp_path: Path) -> None:
    assert Worker(tmp_path / "none").see(LAPTOP) is None


def test_of_each_network_it_tells_the_minute_in_which_anybody_there_asked_last(tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    assert networks_asked(tmp_path) == {}
    worker.see(PHONE, b"\x0a\2\0\1", LAPTOP)
    worker.see(PHONE)
    worker.start()
    worker.see()
    assert networks_asked(tmp_path) == {"guests": MINUTE + 120, "staff": MINUTE + 60}


def test_of_several_workers_the_last_minute_counts(tmp_path: Path) -> None:
    for number, minute in ((0, 60), (1, 120)):
        other = Askers(tmp_path, number, network_of=NETWORKS.get, wall_clock=partial(float, MINUTE + minute))
        other.seen.add(PHONE)
        other.tick()
    (tmp_path / "askers-2").write_bytes(b"rubbish")
    assert networks_asked(tmp_path) == {"guests": MINUTE + 120}


def test_it_is_told_since_when_everybody_who_asks_is_seen(tmp_path: Path) -> None:
    assert watched_since(tmp_path, MINUTE) is None
    worker = Worker(tmp_path)
    worker.see(PHONE)
    began = worker.now
    worker.see()
    assert watched_since(tmp_path, worker.now) == began
    Askers(tmp_path, 1, wall_clock=lambda: worker.now).tick()
    assert watched_since(tmp_path, worker.now) == worker.now
    assert watched_since(tmp_path, worker.now + LONGEST_GAP_SECONDS + 1) is None
