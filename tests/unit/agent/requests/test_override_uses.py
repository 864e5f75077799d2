"""How an override was used: when that can be said, and what is said where it cannot be known."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from granting import LESSON, MORNING
from lists_of_test import Clock, site_with

from agent.dns.shared_memory import SharedMemory
from agent.dns.spool import USED, Batch, Row
from agent.requests.override_uses import PATIENCE, SETTLE, UNKNOWN, OverrideUses
from agent.sites.site import Retention
from agent.storage.override_rows import Use
from agent.storage.uses import UseStore, uses_path
from rules.name import DomainName
from rules.override import Lift, Override, State

ENDED_AT = MORNING + LESSON
SETTLED_AT = ENDED_AT + SETTLE
OVERRIDE = Override(
    id="o1",
    requester="teacher",
    lift=Lift(
        names=(DomainName("bet.example"),),
        categories=frozenset(),
        lifts_of=((DomainName("bet.example"), frozenset({"gambling"})),),
        audiences=frozenset(),
        groups=frozenset({"year5"}),
        from_at=MORNING,
        until_at=ENDED_AT,
    ),
    reason="",
    topic="",
    state=State.ENDED,
    is_break_glass=False,
    approvers=("manager",),
    requested_at=MORNING,
    decided_at=MORNING + timedelta(minutes=5),
)


class School:
    """What the intake has written, and the clock of whoever asks."""

    def __init__(self, folder: Path) -> None:
        self.site = replace(site_with(folder), retention=Retention(activity_days=30))
        self.path = uses_path(self.site.paths.state)
        self.runtime = Path(self.site.paths.runtime)
        self.runtime.mkdir()
        self.clock = Clock(MORNING)
        self.uses = OverrideUses(lambda: self.site, clock=self.clock)
        self._position = 0

    def count(self, *devices: int | None, at: datetime = MORNING, lost: int = 0) -> None:
        """Count uses by some devices, and what was lost until then."""
        store = UseStore(
            self.path,
            counters_begun_at=1,
            device_of=lambda address: address.decode(),
            nanoseconds=lambda: int(at.timestamp()) * 1_000_000_000,
            counts_since=lambda: int(at.timestamp()) * 1_000_000_000,
        )
        with closing(store):
            store.note_losses(lost)
            rows = [Row(b"" if each is None else str(each).encode(), b"o1", USED, 1) for each in devices]
            self._position += 1
            store.store([Batch("0-1-1.seg", self._position, 0.0, rows)], segments=["0-1-1.seg"])

    def take_until(self, at: datetime) -> None:
        """Say that the intake has taken everything until then."""
        with SharedMemory.create(self.runtime / "shared.mem", workers=1) as memory:
            memory.tell_intake({"taken_until_nanoseconds": int(at.timestamp()) * 1_000_000_000})

    def used(self, at: datetime = SETTLED_AT, override: Override = OVERRIDE) -> Use | None:
        self.clock.at = at
        return self.uses(override, ENDED_AT)


@pytest.fixture
def school(tmp_path: Path) -> School:
    return School(tmp_path)


def test_it_is_said_when_all_that_was_seen_has_arrived(school: School) -> None:
    school.count(1, 2, 1)
    school.take_until(SETTLED_AT - timedelta(seconds=1))
    assert school.used() is None
    school.take_until(SETTLED_AT)
    assert school.used(SETTLED_AT - timedelta(seconds=1)) is None, "not by a clock that is ahead"
    assert school.used() == Use(3, 2, is_complete=True)


def test_never_is_said_only_where_somebody_would_have_seen_it(school: School) -> None:
    school.count()
    school.take_until(SETTLED_AT)
    assert school.used() == Use(0, 0, is_complete=True)


def test_of_whom_nobody_may_tell_apart_is_said_how_often(school: School) -> None:
    school.count(None, None)
    school.take_until(SETTLED_AT)
    assert school.used() == Use(2, None, is_complete=True)


@pytest.mark.parametrize(
    ("devices", "use"),
    [
        pytest.param((1, 2), Use(2, 2, is_complete=False), id="at-least-so-much"),
        pytest.param((), UNKNOWN, id="nobody-knows"),
    ],
)
@pytest.mark.parametrize("why", ["the intake is behind", "counting began late", "rows were lost", "it is long ago"])
def test_what_may_be_more_is_said_to_be(school: School, why: str, devices: tuple[int, ...], use: Use) -> None:
    at = SETTLED_AT
    late = MORNING + timedelta(minutes=6)
    school.count(*devices, at=late if why == "counting began late" else MORNING)
    if why == "the intake is behind":
        at = ENDED_AT + PATIENCE
    else:
        school.take_until(SETTLED_AT)
    if why == "rows were lost":
        school.count(at=late, lost=1)
    if why == "it is long ago":
        at = ENDED_AT + timedelta(days=30)
    assert school.used(at) == use


@pytest.mark.parametrize(
    ("from_at", "decided_at"),
    [
        pytest.param(MORNING, MORNING + timedelta(minutes=7), id="while-it-waited-for-a-decision"),
        pytest.param(MORNING + timedelta(minutes=7), MORNING, id="before-its-time"),
        pytest.param(MORNING + timedelta(minutes=7), None, id="before-its-time-in-an-old-row"),
    ],
)
def test_what_was_lost_before_anything_was_open_is_of_no_account(
    school: School, from_at: datetime, decided_at: datetime | None
) -> None:
    school.count(1, at=MORNING + timedelta(minutes=6), lost=1)
    school.take_until(SETTLED_AT)
    override = replace(OVERRIDE, lift=replace(OVERRIDE.lift, from_at=from_at), decided_at=decided_at)
    assert school.used(override=override) == Use(1, 1, is_complete=True)


def test_nobody_waits_for_ever_for_an_intake_that_does_not_come(school: School) -> None:
    assert school.used(ENDED_AT + PATIENCE - timedelta(seconds=1)) is None
    assert school.used(ENDED_AT + PATIENCE) == UNKNOWN


def test_what_ended_while_nobody_was_there_has_its_time_from_the_start(school: School) -> None:
    school.count(1)
    next_day = ENDED_AT + timedelta(days=1)
    school.clock.at = next_day
    school.uses = OverrideUses(lambda: school.site, clock=school.clock)
    assert school.used(next_day) is None, "the intake starts as well"
    school.take_until(next_day)
    assert school.used(next_day) == Use(1, 1, is_complete=True)


def test_counts_that_cannot_be_read_are_looked_for_again_and_then_given_up(
    school: School, capsys: pytest.CaptureFixture[str]
) -> None:
    school.count(1)
    school.take_until(SETTLED_AT)
    with closing(sqlite3.connect(school.path)) as database:
        database.execute("ALTER TABLE uses RENAME TO other")
    assert school.used() is None
    assert school.used(ENDED_AT + PATIENCE) == UNKNOWN
    assert "uses_unreadable" in capsys.readouterr().err
