"""The intake: every row once, every count once, and nothing lost while something is broken."""

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from school_of_test import load_site_of_test

from agent.intake import COUNT_SECONDS, Intake, run_intake
from agent.outcomes import outcome
from agent.shared_memory import SharedMemory
from agent.site import ActivityLevel, Paths, Retention, Site
from agent.snapshot import Snapshot, write_snapshot
from agent.spool import SpoolWriter, row_code, segments, spool_folder
from rules.errors import SchoolgateError
from rules.verdict import ReasonCode

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp()
DAY = date(2026, 11, 23)
DAY_SECONDS = 86_400
CLIENT = bytes((192, 0, 2, 7))
BLOCKED = outcome("pupil", "blocked", "gambling", 3)
CODE = row_code(BLOCKED, ReasonCode.POLICY)


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class School:
    """A state folder, shared memory, a worker's ends of both, and an intake."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.memory = SharedMemory.create(folder / "shared.mem", workers=1)
        self.site: Site = replace(
            load_site_of_test(),
            paths=Paths(str(self.state), str(folder)),
            retention=Retention(ActivityLevel.BLOCKED, activity_days=30),
        )
        self.spool = spool_folder(str(self.state))
        self.writer = SpoolWriter(self.spool, worker=0)
        self.counters = self.memory.worker(0).counters()
        self.wall, self.monotonic = Clock(NOON), Clock(500.0)
        self.devices: dict[str, tuple[str, ...]] = {}
        self.intake = self.new_intake()

    def snapshot(self) -> Snapshot:
        return Snapshot(1, self.site, devices=self.devices, unrecorded=frozenset({"helplines"}))

    def new_intake(self) -> Intake:
        return Intake(self.memory, self.snapshot(), wall_clock=self.wall, monotonic=self.monotonic)

    def restart_intake(self) -> None:
        """Begin anew without a farewell, as after a kill."""
        self.intake._store.close()
        if self.intake._lock is not None:
            self.intake._lock.close()
        self.intake = self.new_intake()

    def block(self, name: bytes, times: int = 1, at: float = NOON) -> None:
        assert self.writer.write({(CLIENT, bytes((len(name),)) + name, CODE): times}, at) == 0

    def path(self, day: date = DAY) -> Path:
        return self.state / "activity" / f"activity-{day}.db"

    def read(self, statement: str, day: date = DAY) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.path(day))) as database:
            return database.execute(statement).fetchall()

    def names(self, day: date = DAY) -> list[object]:
        return [name for (name,) in self.read("SELECT name FROM queries ORDER BY rowid", day)]


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    made = School(tmp_path)
    yield made
    made.intake.close()
    made.writer.close()
    made.memory.close()


def test_a_blocked_query_comes_from_the_worker_to_its_day(school: School) -> None:
    school.block(b"casino", times=3)
    assert school.intake.survive_step() is False
    assert school.read("SELECT audience, name, category, reason, times FROM queries") == [
        ("pupil", "casino", "gambling", "policy", 3)
    ]
    told = school.memory.intake()
    assert (told["rows_taken"], told["queries_stored"], told["is_failing"], told["waiting_bytes"]) == (1, 3, 0, 0)
    assert told["heartbeat_nanoseconds"] == 500_000_000_000


def test_rows_of_two_days_go_to_two_files(school: School) -> None:
    school.block(b"today")
    school.block(b"tomorrow", at=NOON + DAY_SECONDS)
    school.block(b"today-again")
    school.intake.step()
    assert school.names() == ["today", "today-again"]
    assert school.names(date(2026, 11, 24)) == ["tomorrow"]


def test_the_device_decides_the_pseudonym(school: School) -> None:
    school.devices = {"192.0.2.7": ("02:00:5e:00:53:01",), "192.0.2.8": ("02:00:5e:00:53:01", "laptop-3")}
    school.intake.adopt(school.snapshot())
    school.writer.write({(bytes((192, 0, 2, last)), b"\x01a", CODE): 1 for last in (7, 8, 9)}, NOON)
    school.intake.step()
    pseudonyms = [pseudonym for (pseudonym,) in school.read("SELECT pseudonym FROM queries")]
    assert pseudonyms[0] == pseudonyms[1] != pseudonyms[2]


def test_an_intake_that_begins_anew_takes_nothing_twice(school: School) -> None:
    for number in range(4):
        school.block(b"casino%d" % number)
        if number % 2:
            school.intake.step()
        school.restart_intake()
    school.intake.step()
    assert school.names() == [f"casino{number}" for number in range(4)]


def test_only_one_intake_works_at_a_time(school: School) -> None:
    school.block(b"casino")
    school.intake.step()
    second = school.new_intake()
    with pytest.raises(SchoolgateError, match="another intake is still at work"):
        second.step()
    second.close()


def test_rows_wait_while_the_file_is_locked(school: School) -> None:
    school.block(b"first")
    school.intake.step()
    with closing(sqlite3.connect(school.path(), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        school.block(b"second")
        assert school.intake.survive_step() is False
        assert school.memory.intake()["is_failing"] == 1
    school.intake.survive_step()
    assert school.names() == ["first", "second"]
    told = school.memory.intake()
    assert (told["is_failing"], told["failures"], told["rows_taken"]) == (0, 1, 2)


def test_rows_wait_while_a_damaged_file_is_set_aside(school: School) -> None:
    school.path().parent.mkdir(parents=True)
    school.path().write_bytes(b"no database" * 1000)
    school.block(b"casino")
    while school.memory.intake()["rows_taken"] == 0:
        school.intake.survive_step()
    assert school.names() == ["casino"]
    assert school.memory.intake()["files_set_aside"] == 1
    assert school.path().with_name("activity-2026-11-23.db.corrupt").exists()


def test_rows_of_a_first_day_are_not_taken_twice_when_the_second_day_fails(school: School) -> None:
    tomorrow = school.path(date(2026, 11, 24))
    school.block(b"today")
    school.intake.step()
    tomorrow.mkdir()
    school.block(b"today-again")
    school.block(b"tomorrow", at=NOON + DAY_SECONDS)
    school.intake.survive_step()
    assert school.memory.intake()["is_failing"] == 1
    tomorrow.rmdir()
    school.intake.survive_step()
    assert school.names() == ["today", "today-again"]
    assert school.names(date(2026, 11, 24)) == ["tomorrow"]


def test_a_key_that_cannot_be_used_keeps_the_rows_waiting(school: School, capsys: pytest.CaptureFixture[str]) -> None:
    keys = school.state / "keys"
    keys.mkdir(parents=True)
    (keys / "pseudonym-2026-2027.key").write_bytes(b"short")
    school.block(b"casino")
    school.intake.survive_step()
    assert "event=intake_failed" in capsys.readouterr().err
    assert school.memory.intake()["waiting_bytes"] > 0
    (keys / "pseudonym-2026-2027.key").unlink()
    school.intake.survive_step()
    assert school.names() == ["casino"]


def test_a_fault_of_our_own_is_told_by_its_place_and_tried_again(
    school: School, capsys: pytest.CaptureFixture[str]
) -> None:
    school.devices = {"192.0.2.7": (7,)}  # type: ignore[dict-item]  # a shape that only a fault could give it
    school.intake.adopt(school.snapshot())
    school.block(b"casino")
    school.intake.survive_step()
    assert 'reason="AttributeError at pseudonyms.py:' in capsys.readouterr().err
    school.devices = {}
    school.intake.adopt(school.snapshot())
    school.intake.survive_step()
    assert school.names() == ["casino"]


def test_damage_in_the_spool_is_told(school: School) -> None:
    school.block(b"casino")
    school.writer.close()
    (segment,) = segments(school.spool)
    segment.write_bytes(segment.read_bytes() + b"half a frame")
    school.intake.step()
    school.intake.survive_step()
    assert school.memory.intake()["damaged_frames"] == 1
    assert segments(school.spool) == []


# ---- counts ----------------------------------------------------------------------------------------------------


def test_counts_follow_the_counters_of_the_workers(school: School) -> None:
    for _ in range(2):
        school.counters.outcomes[BLOCKED] += 2
        school.counters.outcomes[outcome("staff", "allowed", None, 0)] += 5
        school.counters.outcomes[outcome("staff", "allowed", None, 3)] += 1
        school.counters.flush()
        school.intake.step()
        school.intake.step()
        school.monotonic.now += COUNT_SECONDS
    assert school.read("SELECT audience, verdict, category, times FROM counts ORDER BY audience") == [
        ("pupil", "blocked", "gambling", 4),
        ("staff", "allowed", "none", 12),
    ]


def test_counts_are_taken_once_also_when_the_intake_begins_anew(school: School) -> None:
    for _ in range(3):
        school.counters.outcomes[BLOCKED] += 2
        school.counters.flush()
        school.intake.step()
        school.restart_intake()
        school.monotonic.now += COUNT_SECONDS
    assert school.read("SELECT times FROM counts") == [(6,)]


def test_counts_of_a_failed_attempt_come_later(school: School) -> None:
    school.intake.step()
    school.counters.outcomes[BLOCKED] += 2
    school.counters.flush()
    school.monotonic.now += COUNT_SECONDS
    school.path().unlink(missing_ok=True)
    school.path().mkdir()
    school.intake.survive_step()
    school.path().rmdir()
    school.intake.survive_step()
    assert school.read("SELECT times FROM counts") == [(2,)]


# ---- retention -------------------------------------------------------------------------------------------------


def test_old_days_and_their_keys_are_deleted_when_a_day_begins(school: School) -> None:
    school.block(b"casino")
    school.intake.step()
    keys = school.state / "keys"
    assert [path.name for path in keys.iterdir()] == ["pseudonym-2026-2027.key"]
    school.wall.now += 30 * DAY_SECONDS
    school.intake.step()
    assert school.path().exists()
    school.wall.now += DAY_SECONDS
    school.intake.step()
    assert not school.path().exists()
    school.wall.now += 365 * DAY_SECONDS
    school.intake.step()
    assert list(keys.iterdir()) == []


def test_another_retention_holds_from_its_reload_on(school: School) -> None:
    school.block(b"casino")
    school.intake.step()
    school.site = replace(school.site, retention=Retention(ActivityLevel.COUNTS, activity_days=0))
    school.intake.adopt(school.snapshot())
    school.wall.now += DAY_SECONDS
    school.block(b"casino", at=school.wall.now)
    school.intake.step()
    assert not school.path().exists()
    assert school.names(date(2026, 11, 24)) == []


# ---- as a process ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["told to stop", "its supervisor is gone"])
def test_it_works_until_its_end_and_takes_what_is_left(school: School, tmp_path: Path, reason: str) -> None:
    write_snapshot(tmp_path / "snapshot.json", school.snapshot())
    stop = threading.Event()
    school.block(b"casino")
    if reason == "told to stop":
        stop.set()
    run_intake(tmp_path / "shared.mem", tmp_path / "snapshot.json", stop, is_wanted=stop.is_set)
    assert school.names() == ["casino"]


def test_it_goes_by_what_is_published(school: School, tmp_path: Path) -> None:
    write_snapshot(tmp_path / "snapshot.json", school.snapshot())
    stop = threading.Event()
    steps = 0

    def is_wanted() -> bool:
        nonlocal steps
        steps += 1
        if steps == 1:
            school.site = replace(school.site, retention=Retention(ActivityLevel.COUNTS))
            write_snapshot(tmp_path / "snapshot.json", school.snapshot())
            school.memory.publish(index_generation=0, policy_generation=2)
            # The next wait is over at once, and so is the loop after it.
            threading.Timer(0.1, stop.set).start()
        return steps < 3

    run_intake(tmp_path / "shared.mem", tmp_path / "snapshot.json", stop, is_wanted=is_wanted)
    school.block(b"casino")
    run_intake(tmp_path / "shared.mem", tmp_path / "snapshot.json", stop)
    assert school.names() == []
    assert school.memory.intake()["rows_taken"] == 1


def test_without_a_snapshot_it_says_so_in_one_line(school: School, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agent.intake", str(tmp_path / "shared.mem"), str(tmp_path / "snapshot.json")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("level=error event=intake_cannot_start reason=")
    assert len(ran.stderr.splitlines()) == 1


def test_every_row_is_stored_once_however_often_the_intake_is_killed(school: School, tmp_path: Path) -> None:
    write_snapshot(tmp_path / "snapshot.json", school.snapshot())
    command = [sys.executable, "-m", "agent.intake", str(tmp_path / "shared.mem"), str(tmp_path / "snapshot.json")]
    written = 0
    chance = random.Random(11)
    for round_number in range(4):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            taken_before = school.memory.intake()["rows_taken"]
            began = time.monotonic()
            while time.monotonic() < began + 5:
                rows = {(CLIENT, b"\x08%08x" % (written + i), CODE): 1 for i in range(200)}
                assert school.writer.write(rows, NOON) == 0
                written += 200
                if round_number % 2:
                    school.writer.close()
                if school.memory.intake()["rows_taken"] > taken_before:
                    break
                time.sleep(0.005)
            time.sleep(chance.random() * 0.02)
            process.send_signal(signal.SIGKILL)
    school.writer.close()
    while segments(school.spool):
        school.intake.step()
    stored = Counter(school.names())
    assert set(stored.values()) == {1}
    assert len(stored) == written
