"""The intake: every row once, every count once, and nothing lost while something is broken."""

import contextlib
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
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from granting import Granting
from hypothesis import given, settings
from hypothesis import strategies as st
from school_of_test import load_site_of_test

from agent.dns.outcomes import outcome
from agent.dns.shared_memory import SharedMemory
from agent.dns.snapshot import Snapshot, write_snapshot
from agent.dns.spool import USED, SpoolWriter, row_code, segments, spool_folder
from agent.gateway.intake import COUNT_SECONDS, FORGET_SECONDS, Intake, run_intake
from agent.sites.site import ActivityLevel, Paths, Retention, Site
from agent.storage.override_rows import Use, write_override
from agent.storage.state import StateStore, instant_text
from agent.storage.uses import read_uses, uses_path
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
        self.intake._uses.close()
        if self.intake._lock is not None:
            self.intake._lock.close()
        self.intake = self.new_intake()

    def block(self, name: bytes, times: int = 1, at: float = NOON) -> None:
        assert self.writer.write({(CLIENT, bytes((len(name),)) + name, CODE): times}, at) == 0

    def use(self, override: str, *devices: int, times: int = 1) -> None:
        """Write uses of an override, by devices with these last octets."""
        rows = {(bytes((192, 0, 2, device)), override.encode(), USED): times for device in devices}
        assert self.writer.write(rows, NOON) == 0

    def used(self, override: str) -> tuple[int, int | None]:
        counted = read_uses(uses_path(str(self.state)), override)
        assert counted is not None
        return counted.times, counted.devices

    def lost_at(self) -> float | None:
        counted = read_uses(uses_path(str(self.state)), "")
        assert counted is not None
        return counted.lost_at.timestamp() if counted.lost_at else None

    def path(self, day: date = DAY) -> Path:
        return self.state / "activity" / f"activity-{day}.db"

    def read(self, statement: str, day: date = DAY) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.path(day))) as database:
            return database.execute(statement).fetchall()

    def names(self, day: date = DAY) -> list[object]:
        return [name for (name,) in self.read("SELECT name FROM queries ORDER BY rowid", day)]

    def break_activity(self) -> None:
        """Put something in the place of today's file that is none."""
        self.intake._store.close()
        if self.path().is_file():
            self.path().rename(self.path().with_suffix(".away"))
        self.path().mkdir(exist_ok=True)

    def mend_activity(self) -> None:
        """Bring today's file back."""
        if self.path().is_dir():
            self.path().rmdir()
        with contextlib.suppress(FileNotFoundError):
            self.path().with_suffix(".away").rename(self.path())

    def close(self) -> None:
        self.intake.close()
        self.writer.close()
        self.memory.close()


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    with closing(School(tmp_path)) as made:
        yield made


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


def test_a_key_is_kept_while_an_incident_is_about_somebody(school: School) -> None:
    school.block(b"casino")
    school.intake.step()
    opened_at = instant_text(datetime.fromtimestamp(school.wall.now, UTC))
    with closing(StateStore(school.state / "state.db", clock=lambda: datetime.now(UTC))) as store:
        with store.act() as act:
            act.database.execute(
                "INSERT INTO incidents (id, number, kind, audience, subject, level, confidence, track, state, intent,"
                " opened_at, last_at, filed_at, content)"
                " VALUES ('i1', 1, 'games', 'pupil', 'p-x', 'person', 'A', 'ordinary', 'closed', 60, ?1, ?1, ?1,"
                " '{}')",
                (opened_at,),
            )
        school.wall.now += 800 * DAY_SECONDS
        school.intake.step()
        assert len(list((school.state / "keys").iterdir())) == 1
        with store.act() as act:
            act.database.execute("UPDATE incidents SET subject = ''")
    school.wall.now += DAY_SECONDS
    school.intake.step()
    assert list((school.state / "keys").iterdir()) == []


def test_a_state_that_cannot_be_read_keeps_every_key(school: School) -> None:
    school.block(b"casino")
    school.intake.step()
    (school.state / "state.db").write_bytes(b"no database at all, and long enough to be looked at as one" * 20)
    school.wall.now += 800 * DAY_SECONDS
    school.intake.step()
    assert len(list((school.state / "keys").iterdir())) == 1


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


# ---- uses of overrides -----------------------------------------------------------------------------------------


def test_uses_are_counted_by_device_and_are_no_activity(school: School) -> None:
    school.devices = {"192.0.2.7": ("02:00:5e:00:53:01",), "192.0.2.8": ("02:00:5e:00:53:01", "laptop-3")}
    school.intake.adopt(school.snapshot())
    school.use("o1", 7, 8, 9, times=2)
    school.use("o2", 9)
    school.block(b"casino")
    school.intake.survive_step()
    assert (school.used("o1"), school.used("o2")) == ((6, 2), (1, 1))
    assert school.names() == ["casino"]
    assert school.memory.intake()["queries_stored"] == 1


def test_where_a_school_only_counts_devices_are_not_told_apart(school: School) -> None:
    school.site = replace(school.site, retention=Retention(ActivityLevel.COUNTS))
    school.intake.adopt(school.snapshot())
    school.use("o1", 7, 8)
    school.intake.step()
    assert school.used("o1") == (2, None)


def test_uses_are_not_counted_twice_when_the_activity_of_the_same_moment_cannot_be_stored(school: School) -> None:
    school.intake.step()
    school.break_activity()
    school.block(b"casino")
    school.use("o1", 7)
    for _ in range(3):
        school.intake.survive_step()
    assert school.used("o1") == (1, 1), "uses come first"
    school.restart_intake()
    school.mend_activity()
    school.use("o1", 8)
    school.intake.survive_step()
    assert (school.used("o1"), school.names()) == ((2, 2), ["casino"])


def test_activity_waits_where_uses_cannot_be_counted(school: School) -> None:
    uses_path(str(school.state)).mkdir(parents=True)
    school.use("o1", 7)
    school.block(b"casino")
    school.intake.survive_step()
    assert school.memory.intake()["is_failing"] == 1
    uses_path(str(school.state)).rmdir()
    school.intake.survive_step()
    assert (school.used("o1"), school.names()) == ((1, 1), ["casino"])


def test_it_tells_until_when_everything_is_taken(school: School) -> None:
    def taken_until() -> float:
        return school.memory.intake()["taken_until_nanoseconds"] / 1e9

    rows = {(CLIENT, b"\x03%03x" % number, CODE): 1 for number in range(1000)}
    for _ in range(6):
        school.writer.write(rows, NOON)
    school.intake.survive_step()
    assert taken_until() == 0, "there is more"
    school.intake.survive_step()
    assert taken_until() == NOON
    school.wall.now += 60
    school.break_activity()
    school.block(b"casino")
    school.intake.survive_step()
    assert taken_until() == NOON, "it waits"


@pytest.mark.parametrize(
    "what", ["rows that a worker lost", "damage in the spool", "an end that was none", "nothing"]
)
def test_what_is_lost_is_noted(school: School, what: str) -> None:
    school.use("o1", 7)
    school.intake.survive_step()
    assert school.lost_at() is None
    school.wall.now += 60
    if what == "rows that a worker lost":
        school.counters.plain["rows_lost"] += 1
        school.counters.flush()
    elif what == "damage in the spool":
        school.writer.close()
        (segment,) = segments(school.spool)
        segment.write_bytes(segment.read_bytes() + b"half a frame")
        school.intake.step()
    elif what == "an end that was none":
        school.memory.close()
        school.memory = SharedMemory.create(Path(school.site.paths.runtime) / "shared.mem", workers=1)
        school.restart_intake()
    school.intake.survive_step()
    assert school.lost_at() == (None if what == "nothing" else NOON + 60)


def test_what_workers_saw_before_the_first_step_is_counted_and_that_is_known(school: School) -> None:
    def since() -> float:
        counted = read_uses(uses_path(str(school.state)), "o1")
        assert counted is not None
        return counted.since.timestamp()

    school.use("o1", 7)
    school.intake.survive_step()
    assert since() == pytest.approx(school.memory.created_at_nanoseconds / 1e9)
    school.intake._uses.close()
    uses_path(str(school.state)).write_bytes(b"no database" * 1000)
    for _ in range(2):
        school.use("o1", 7)
        school.intake.survive_step()
    assert (since(), school.used("o1")) == (NOON, (2, 1)), "the first use was in what was set aside"


def test_an_intake_that_comes_to_its_end_has_lost_nothing(school: School) -> None:
    school.use("o1", 7)
    school.intake.survive_step()
    school.intake.close()
    school.memory.close()
    school.memory = SharedMemory.create(Path(school.site.paths.runtime) / "shared.mem", workers=1)
    school.intake = school.new_intake()
    school.intake.survive_step()
    assert (school.used("o1"), school.lost_at()) == ((1, 1), None)


def test_uses_are_forgotten_when_they_are_summed_up_or_too_old_or_nobodys(school: School, tmp_path: Path) -> None:
    overrides = {"o1": Use(1, 1, is_complete=True), "o2": None, "o3": None}
    for override in (*overrides, "o9"):
        school.use(override, 7)
    with Granting.opened(tmp_path / "other") as granting:
        for override, use in overrides.items():
            filed = granting.overrides.request(
                "teacher", granting.written(lasts=timedelta(days=1 + (override == "o3")))
            )
            with granting.store.act() as act:
                write_override(act.database, replace(filed, used=use))
        first_ends_at = granting.clock() + timedelta(days=1)
    school.wall.now = (first_ends_at + timedelta(days=30)).timestamp()
    school.intake.step()
    assert [school.used(override) for override in ("o1", "o2", "o3", "o9")] == [(1, 1)] * 4
    (tmp_path / "other" / "state.db").rename(school.state / "state.db")
    school.monotonic.now += FORGET_SECONDS
    school.intake.step()
    assert [school.used(override) for override in ("o1", "o2", "o3", "o9")] == [(0, 0), (0, 0), (1, 1), (0, 0)]


def test_uses_stay_while_nobody_can_say_whether_they_are_needed(school: School) -> None:
    school.use("o1", 7)
    school.intake.step()
    for content in (None, b"no database" * 1000):
        if content is not None:
            (school.state / "state.db").write_bytes(content)
        school.monotonic.now += FORGET_SECONDS
        assert school.intake.survive_step() is False
    assert (school.used("o1"), school.memory.intake()["is_failing"]) == ((1, 1), 0)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.integers(0, 1), st.integers(7, 10)),
        st.tuples(
            st.sampled_from(["step", "restart", "break", "mend", "end of segment", "block"]), st.just(0), st.just(0)
        ),
    ),
    max_size=40,
)


@settings(max_examples=30, deadline=None)
@given(steps=STEPS)
def test_counts_add_up_whatever_happens_between(
    steps: list[tuple[str, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with closing(School(tmp_path_factory.mktemp("school"))) as school:
        expected: list[Counter[int]] = [Counter(), Counter()]
        blocked = 0
        school.path().parent.mkdir(parents=True)
        at_last = [(what, 0, 0) for what in ("mend", "restart", "block", "step")]
        for what, override, device in [*steps, *at_last]:
            match what:
                case "use":
                    school.use(f"o{override}", device)
                    expected[override][device] += 1
                case "block":
                    school.block(b"casino")
                    blocked += 1
                case "step":
                    school.intake.survive_step()
                case "restart":
                    school.restart_intake()
                case "break":
                    school.break_activity()
                case "mend":
                    school.mend_activity()
                case "end of segment":
                    school.writer.close()
        for number, devices in enumerate(expected):
            assert school.used(f"o{number}") == (devices.total(), len(devices))
        assert school.read("SELECT sum(times) FROM queries") == [(blocked,)]
        assert school.lost_at() is None


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
    command = [
        sys.executable,
        "-m",
        "agent.gateway.intake",
        str(tmp_path / "shared.mem"),
        str(tmp_path / "snapshot.json"),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("level=error event=intake_cannot_start reason=")
    assert len(ran.stderr.splitlines()) == 1


def test_every_row_is_stored_once_however_often_the_intake_is_killed(school: School, tmp_path: Path) -> None:
    write_snapshot(tmp_path / "snapshot.json", school.snapshot())
    command = [
        sys.executable,
        "-m",
        "agent.gateway.intake",
        str(tmp_path / "shared.mem"),
        str(tmp_path / "snapshot.json"),
    ]
    written = 0
    chance = random.Random(11)
    for round_number in range(4):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            taken_before = school.memory.intake()["rows_taken"]
            began = time.monotonic()
            while time.monotonic() < began + 5:
                rows = {(CLIENT, b"\x08%08x" % (written + i), CODE): 1 for i in range(200)}
                assert school.writer.write(rows, NOON) == 0
                school.use("o1", *range(200), times=2)
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
    assert school.used("o1") == (2 * written, 200)
    assert school.lost_at() is None
