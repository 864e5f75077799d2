"""Incidents come out of the file as they went in; what is sealed or erased does not come out at all."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.storage.incident_rows import (
    Filed,
    RunningClock,
    draw_number,
    free_number,
    is_observed,
    oldest_about_somebody,
    read_about_somebody,
    read_incident,
    read_incidents,
    read_numbered,
    read_observed,
    write_incident,
)
from agent.storage.state import StateStore
from agent.storage.timeline_rows import (
    Entry,
    add_timeline,
)
from rules.assessment import Warned
from rules.errors import StorageError
from rules.incident import Dismissal, Incident, Intent, Level, Reason, State, Track
from rules.incident_kind import Kind, Risk
from rules.observation import Confidence, Place
from rules.roles import Role
from rules.subject import Audience

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
PLAIN = Filed(
    Incident(
        id="i1",
        kind=Kind.GAMBLING,
        risk=Risk.COMMERCE,
        audience=Audience.PUPIL,
        subject="p-x",
        level=Level.PERSON,
        confidence=Confidence.A,
        track=Track.ORDINARY,
        state=State.CANDIDATE,
        rows=("P02",),
        intent=70,
        reasons=(),
        against=(),
        opened_at=NOW,
        last_at=NOW,
    ),
    number=1,
    version=1,
    filed_at=NOW,
)
EVERYTHING = replace(
    PLAIN,
    incident=replace(
        PLAIN.incident,
        state=State.CLOSED,
        rows=("P02", "P11"),
        reasons=(Reason("sites", 40, {"sites": 5, "minutes": 6}), Reason("lesson", 5)),
        against=(Reason("one_minute", -25, {"sites": 5}),),
        last_at=NOW + timedelta(hours=2),
        place=Place.OFF_SITE,
        is_background=True,
        row="P11",
        is_serious=False,
        reached=frozenset({Role.HEAD_TEACHER, Role.SLT}),
    ),
    version=7,
    groups=frozenset({"year5", "club"}),
    why_identity=("signed_in", "own_device"),
    warnings=(Warned("i0", "P13", "2026-09-01"),),
    further=12,
    climbed=2,
    is_allegation=True,
    decided_by="p1",
    decided_at=NOW + timedelta(days=1),
    decision_reason="<b>'because'</b>",
    dismissal=Dismissal.OTHER,
    deliberate=Intent.UNCLEAR,
    why_deliberate="Il n'était pas seul",
    outcome="話し合った",
    lesson="We look at it\nagain",
    merged_into="i2",
    split_from="i3",
    closed_at=NOW + timedelta(days=2),
    is_held=True,
    erased_at=NOW + timedelta(days=3),
    aware_at=NOW - timedelta(hours=1),
    routed_at=NOW + timedelta(hours=1),
    clocks=(
        RunningClock("regulator", "ours", NOW, NOW + timedelta(hours=72), "refer_regulator", 2, NOW),
        RunningClock("rest", "ours", NOW, NOW + timedelta(days=9)),
    ),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    with closing(StateStore(tmp_path / "state.db", clock=lambda: NOW)) as opened:
        yield opened


def write(store: StateStore, *filed: Filed) -> None:
    with store.act() as act:
        for each in filed:
            write_incident(act, each)


def add(store: StateStore, *entries: Entry, incident: str = "i1") -> list[Entry]:
    with store.act() as act:
        return [add_timeline(act, incident, entry) for entry in entries]


def seen(at: datetime, observation: str) -> Entry:
    return Entry(at, "observed", "system", {"times": 2}, {"name": "bet.example"}, "day 1", observation)


@pytest.mark.parametrize("filed", [pytest.param(PLAIN, id="new"), pytest.param(EVERYTHING, id="everything")])
def test_what_is_written_is_read(store: StateStore, filed: Filed) -> None:
    write(store, filed)
    with store.read() as database:
        assert read_incident(database, "i1") == filed
        assert read_numbered(database, 1) == filed
        assert read_incident(database, "i2") is None
        assert read_numbered(database, 2) is None


def test_what_was_written_before_there_were_clocks_is_read(store: StateStore) -> None:
    write(store, PLAIN)
    with store.act() as act:
        later = ("aware_at", "routed_at", "clocks", "is_serious", "reached")
        gone = ", ".join(f"'$.{name}'" for name in later)
        act.database.execute(f"UPDATE incidents SET content = json_remove(content, {gone})")  # noqa: S608 (our own words)
    with store.read() as database:
        assert read_incident(database, "i1") == PLAIN
    assert (PLAIN.known_at, PLAIN.told_at) == (NOW, NOW)


def test_what_is_written_again_takes_its_place(store: StateStore) -> None:
    write(store, EVERYTHING, PLAIN)
    with store.read() as database:
        assert read_incidents(database) == [PLAIN]


def test_a_number_is_drawn_until_it_is_free(store: StateStore) -> None:
    write(store, PLAIN, replace(PLAIN, incident=replace(PLAIN.incident, id="i2"), number=700_000))
    drawn = iter([1, 700_000, 1, 420_042])
    with store.read() as database:
        assert free_number(database, lambda _digits: next(drawn)) == 420_042
        assert len({free_number(database) for _ in range(50)}) > 40


def test_where_numbers_are_nearly_used_up_they_have_a_digit_more(store: StateStore) -> None:
    write(store, PLAIN)
    drawn: list[int] = []

    def draw(digits: int) -> int:
        drawn.append(digits)
        return PLAIN.number if digits == 6 else draw_number(digits)

    with store.read() as database:
        assert 1_000_000 <= free_number(database, draw) <= 9_999_999
        assert drawn == [6] * 20 + [7]
        with pytest.raises(StorageError, match="No number is free"):
            free_number(database, lambda _digits: PLAIN.number)


def test_numbers_are_of_six_digits_in_no_order() -> None:
    drawn = [draw_number() for _ in range(200)]
    assert all(100_000 <= number <= 999_999 for number in drawn)
    assert drawn != sorted(drawn)


def test_what_a_list_is_restricted_to(store: StateStore) -> None:
    second = replace(
        PLAIN,
        incident=replace(PLAIN.incident, id="i2", subject="p-y", state=State.CLOSED, track=Track.SEALED),
        number=2,
        filed_at=NOW + timedelta(days=1),
    )
    late = replace(PLAIN.incident, id="i3", last_at=NOW + timedelta(days=3))
    third = replace(PLAIN, incident=late, number=3)
    write(store, PLAIN, second, third)
    with store.read() as database:
        assert read_incidents(database) == [second, third, PLAIN]
        assert read_incidents(database, states=(State.CLOSED,)) == [second]
        assert read_incidents(database, states=()) == []
        assert read_incidents(database, tracks=(Track.SEALED, Track.RESTRICTED)) == [second]
        assert read_incidents(database, subject="p-x") == [third, PLAIN]
        assert read_incidents(database, since=NOW + timedelta(seconds=1)) == [third]
        assert read_incidents(database, filed_since=NOW + timedelta(days=1)) == [second]
        assert read_incidents(database, limit=1, offset=1) == [third]
        assert len(read_incidents(database, limit=-1)) == 3


def test_an_observation_is_part_of_one_incident(store: StateStore) -> None:
    write(store, PLAIN)
    add(store, seen(NOW, "o1"), Entry(NOW, "said", "p1"), Entry(NOW, "said", "p1"))
    with store.read() as database:
        assert read_observed(database, "o1") == PLAIN
        assert [is_observed(database, each) for each in ("o1", "o2", "")] == [True, False, False]


def test_since_when_somebody_may_have_to_be_told(store: StateStore) -> None:
    device = replace(PLAIN.incident, id="i2", level=Level.DEVICE, opened_at=NOW - timedelta(days=9))
    erased = replace(PLAIN.incident, id="i3", subject="", opened_at=NOW - timedelta(days=8))
    write(store, replace(PLAIN, incident=device, number=2), replace(PLAIN, incident=erased, number=3))
    with store.read() as database:
        assert oldest_about_somebody(database) is None
    write(store, PLAIN)
    with store.read() as database:
        assert oldest_about_somebody(database) == NOW


def test_what_is_about_somebody_and_not_dismissed_is_found_by_its_time(store: StateStore) -> None:
    device = replace(PLAIN, incident=replace(PLAIN.incident, id="i2", level=Level.DEVICE), number=2)
    gone = replace(PLAIN, incident=replace(PLAIN.incident, id="i3", state=State.DISMISSED), number=3)
    write(store, PLAIN, device, gone)
    hour = timedelta(hours=1)
    with store.read() as database:
        assert read_about_somebody(database, NOW, NOW + hour) == [PLAIN]
        assert read_about_somebody(database, NOW + hour, NOW + 2 * hour) == []
        assert read_about_somebody(database, NOW - hour, NOW) == []
