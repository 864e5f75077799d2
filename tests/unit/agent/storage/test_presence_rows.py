"""Who was at a device when: what covers an instant, what is read back, and what is forgotten."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.storage.presence_rows import (
    LONGEST,
    OPEN_FOR,
    Presence,
    SignIn,
    delete_presences,
    mark_looked_back,
    read_at_device,
    read_of_person,
    read_presence,
    read_to_look_back,
    write_presence,
)
from agent.storage.state import StateStore
from rules.subject import Audience

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADA = Presence("s1", "device7", "p-ada", SignIn.LOGON, NINE, NINE, NINE + HOUR, Audience.PUPIL, frozenset({"year5"}))
OPEN = replace(ADA, id="s2", until_at=None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    opened = StateStore(tmp_path / "state.db", clock=lambda: NINE + HOUR)
    yield opened
    opened.close()


def write(store: StateStore, *presences: Presence) -> None:
    with store.act() as act:
        for each in presences:
            write_presence(act, each)


@pytest.mark.parametrize(
    ("presence", "at", "covered"),
    [
        pytest.param(ADA, NINE - timedelta(seconds=61), False, id="not-before-it-began"),
        pytest.param(ADA, NINE - timedelta(seconds=30), True, id="the-minute-in-which-it-began"),
        pytest.param(ADA, NINE + HOUR - timedelta(seconds=1), True, id="until-its-end"),
        pytest.param(ADA, NINE + HOUR, False, id="not-from-its-end-on"),
        pytest.param(OPEN, NINE + OPEN_FOR - HOUR, True, id="without-an-end-for-some-hours"),
        pytest.param(OPEN, NINE + OPEN_FOR, False, id="but-not-for-ever"),
        pytest.param(replace(OPEN, told_at=NINE + 3 * LONGEST), NINE + LONGEST, False, id="never-longer-than-a-day"),
    ],
)
def test_what_a_presence_covers(presence: Presence, at: datetime, *, covered: bool) -> None:
    assert presence.covers(at, at + timedelta(minutes=1)) is covered


def test_what_is_written_is_read_back(store: StateStore) -> None:
    several = replace(ADA, id="s3", person="", kind=SignIn.SHARED, audience=None, groups=frozenset())
    write(store, ADA, OPEN, several)
    with store.read() as database:
        assert [read_presence(database, each.id) for each in (ADA, OPEN, several)] == [ADA, OPEN, several]
        assert read_presence(database, "s9") is None


def test_it_is_found_by_device_and_by_person(store: StateStore) -> None:
    elsewhere = replace(ADA, id="s4", device="device8", from_at=NINE + HOUR, until_at=NINE + 2 * HOUR)
    nobody = replace(ADA, id="s5", person="")
    write(store, ADA, elsewhere, nobody)
    with store.read() as database:
        assert read_at_device(database, "device7", NINE, NINE + HOUR) == [ADA, nobody]
        assert read_at_device(database, "device7", NINE + HOUR, NINE + 2 * HOUR) == []
        assert read_of_person(database, "p-ada", NINE, NINE + 2 * HOUR) == [ADA, elsewhere]
        assert read_of_person(database, "", NINE, NINE + HOUR) == [], "nobody is not somebody"


def test_what_was_looked_back_at_is_not_looked_at_again(store: StateStore) -> None:
    write(store, ADA, OPEN)
    with store.act() as act:
        assert read_to_look_back(act.database, limit=1) == [ADA]
        mark_looked_back(act, [ADA])
        assert read_to_look_back(act.database, limit=9) == [OPEN]


def test_what_is_old_is_deleted(store: StateStore) -> None:
    write(store, ADA, replace(OPEN, from_at=NINE + HOUR))
    with store.act() as act:
        assert delete_presences(act, before=NINE + timedelta(minutes=1)) == 1
        assert read_presence(act.database, "s1") is None
        assert read_presence(act.database, "s2") is not None
