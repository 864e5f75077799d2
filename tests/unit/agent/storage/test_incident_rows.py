"""Incidents come out of the file as they went in; what is sealed or erased does not come out at all."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from agent.storage.chain import canonical, commitment_of
from agent.storage.incident_rows import (
    AtDevice,
    Entry,
    Filed,
    Note,
    add_timeline,
    draw_number,
    erase_said,
    erase_timeline,
    free_number,
    is_observed,
    length_of_timeline,
    move_entries,
    oldest_about_somebody,
    read_about_somebody,
    read_devices,
    read_incident,
    read_incidents,
    read_keys,
    read_notes,
    read_numbered,
    read_observed,
    read_timeline,
    write_incident,
    write_note,
)
from agent.storage.state import StateStore
from rules.assessment import Warned
from rules.incident import Dismissal, Incident, Intent, Level, Reason, State, Track
from rules.incident_kind import Kind, Risk
from rules.observation import Confidence, Place
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


def test_what_is_written_again_takes_its_place(store: StateStore) -> None:
    write(store, EVERYTHING, PLAIN)
    with store.read() as database:
        assert read_incidents(database) == [PLAIN]


def test_a_number_is_drawn_until_it_is_free(store: StateStore) -> None:
    write(store, PLAIN, replace(PLAIN, incident=replace(PLAIN.incident, id="i2"), number=700_000))
    drawn = iter([1, 700_000, 1, 420_042])
    with store.read() as database:
        assert free_number(database, drawn.__next__) == 420_042
        assert len({free_number(database) for _ in range(50)}) > 40


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


def test_a_timeline_is_in_the_order_of_what_happened(store: StateStore) -> None:
    write(store, PLAIN)
    later, earlier, same = add(
        store, seen(NOW + timedelta(hours=1), "o1"), seen(NOW, "o2"), Entry(NOW, "said", "p1", {}, {"why": "so"})
    )
    with store.read() as database:
        assert read_timeline(database, "i1", with_personal=True) == [earlier, same, later]
        plain = read_timeline(database, "i1")
        assert length_of_timeline(database, "i1") == 3
        assert read_timeline(database, "i1", limit=1) == plain[:1]
    assert [entry.personal for entry in plain] == [None, None, None]
    assert plain[0].content == {"times": 2}
    assert (plain[0].evidence, plain[0].observation) == ("day 1", "o2")


def test_a_hash_is_of_what_and_of_what_is_personal(store: StateStore) -> None:
    write(store, PLAIN)
    (entry,) = add(store, seen(NOW, "o1"))
    with store.read() as database:
        key = database.execute("SELECT key FROM incident_timeline").fetchone()["key"]
    content = f"observed\n{canonical({'times': 2})}\n{canonical({'name': 'bet.example'})}"
    assert entry.hash == commitment_of(key, content.encode())


@pytest.mark.parametrize(
    "incident",
    [
        pytest.param(replace(PLAIN.incident, track=Track.SEALED), id="on-the-sealed-track"),
        pytest.param(replace(PLAIN.incident, kind=Kind.ILLEGAL), id="of-the-illegal-kind"),
    ],
)
def test_nobody_reads_what_is_sealed(store: StateStore, incident: Incident) -> None:
    write(store, replace(PLAIN, incident=incident))
    add(store, seen(NOW, "o1"))
    with store.read() as database:
        assert [entry.personal for entry in read_timeline(database, "i1", with_personal=True)] == [None]


def test_an_observation_is_part_of_one_incident(store: StateStore) -> None:
    write(store, PLAIN)
    add(store, seen(NOW, "o1"), Entry(NOW, "said", "p1"), Entry(NOW, "said", "p1"))
    with store.read() as database:
        assert read_observed(database, "o1") == PLAIN
        assert [is_observed(database, each) for each in ("o1", "o2", "")] == [True, False, False]


def test_entries_move_only_out_of_the_timeline_that_is_named(store: StateStore) -> None:
    other = replace(PLAIN, incident=replace(PLAIN.incident, id="i2"), number=2)
    write(store, PLAIN, other)
    first, second = add(store, seen(NOW, "o1"), seen(NOW, "o2"))
    with store.act() as act:
        assert move_entries(act, [first.number, 999], origin="i1", target="i2") == 1
        assert move_entries(act, [first.number], origin="i1", target="i2") == 0
    with store.read() as database:
        assert [entry.number for entry in read_timeline(database, "i2")] == [first.number]
        assert [entry.number for entry in read_timeline(database, "i1")] == [second.number]


def test_what_was_said_can_be_erased_and_what_was_observed_stays(store: StateStore) -> None:
    write(store, PLAIN)
    observed, said = add(store, seen(NOW, "o1"), Entry(NOW, "said", "p1", {}, {"why": "so"}))
    with store.act() as act:
        assert erase_said(act, "i1") == 1
        assert act.erases
    with store.read() as database:
        assert read_timeline(database, "i1", with_personal=True) == [observed, replace(said, personal=None)]
    with store.act() as act:
        assert erase_timeline(act, "i1") == 1
        assert erase_timeline(act, "i1") == 0
    with store.read() as database:
        rows = database.execute("SELECT key, personal FROM incident_timeline").fetchall()
    assert [tuple(row) for row in rows] == [(None, None), (None, None)]


def test_notes_of_a_device_are_added_up_by_day_and_kind(store: StateStore) -> None:
    note = Note("d1", Kind.GAMES, NOW.date(), NOW, NOW, 3, 40, Audience.PUPIL)
    more = replace(note, first_at=NOW - timedelta(hours=1), last_at=NOW + timedelta(hours=1), times=4, intent=20)
    next_day = replace(note, day=date(2026, 3, 3))
    other = replace(note, subject="d2")
    with store.act() as act:
        for each in (note, more, next_day, other):
            write_note(act, each)
    with store.read() as database:
        summed_up = replace(more, times=7, intent=40)
        assert read_notes(database) == [next_day, summed_up, other]
        assert read_notes(database, since=date(2026, 3, 3)) == [next_day]
        assert read_notes(database, subject="d2") == [other]


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


def test_at_which_device_something_was_observed_is_known_until_it_is_erased(store: StateStore) -> None:
    write(store, PLAIN)
    known = Entry(NOW, "observed", "system", personal={"device": "d7"}, observation="o1")
    attested = replace(known, personal={"device": "d8", "is_attested": True}, observation="o2")
    said = Entry(NOW, "incident_dismissed", "p1", personal={"device": "what somebody wrote"})
    unknown = replace(known, personal=None, observation="o3")
    numbers = [each.number for each in add(store, known, attested, said, unknown)]
    with store.read() as database:
        assert read_devices(database, "i1") == [AtDevice(NOW, "d7"), AtDevice(NOW, "d8", is_attested=True)]
        assert sorted(read_keys(database, "i1")) == numbers
        assert {len(key) for key in read_keys(database, "i1").values()} == {32}
    with store.act() as act:
        erase_timeline(act, "i1")
        assert (read_devices(act.database, "i1"), read_keys(act.database, "i1")) == ([], {})
