"""The file of events: each number once, stored before it is answered, kept for a while, lost with a word alone."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fleet_of_test import WALL, batch, event

from agent.endpoint.wire_batch import Event, encode_batch
from agent.fleet.batch_reader import read_batch
from agent.fleet.device_errors import RefusedDeviceError
from agent.fleet.fleet_events import MAX_STATES, MAX_WAITING, Delivery, FleetEvents, Gap, Taken, read_counts
from rules.errors import StorageError


@pytest.fixture
def events(tmp_path: Path) -> Iterator[FleetEvents]:
    made = FleetEvents(tmp_path / "fleet.db")
    yield made
    made.close()


def delivery(*sent: Event, at: float = WALL, device: str = "d1", **more: Any) -> Delivery:
    body = encode_batch(batch(device, sent, **more))
    return Delivery(read_batch(body), at, "192.0.2.9", b"digest", "{}", body)


def take(events: FleetEvents, *sent: Event, **more: Any) -> Taken:
    return events.submit(delivery(*sent, **more)).result(20)


def rows(events: FleetEvents, query: str) -> list[Any]:
    with events.read() as database:
        return [tuple(row) for row in database.execute(query)]


def test_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    events = FleetEvents(tmp_path / "fleet.db")
    assert events.untold_gaps(before=WALL) == []
    assert events.prune(before=WALL, most=1) == 0
    events.close()
    assert not (tmp_path / "fleet.db").exists()


def test_a_file_whose_maker_was_killed_is_made(tmp_path: Path) -> None:
    (tmp_path / "fleet.db").touch()
    events = FleetEvents(tmp_path / "fleet.db")
    assert rows(events, "SELECT count(*) FROM events") == [(0,)]
    assert events.untold_gaps(before=WALL) == []
    events.close()


def test_many_at_once_are_all_answered(events: FleetEvents) -> None:
    sent = [events.submit(delivery(event(1), event(2), device=f"d{number}")) for number in range(MAX_WAITING // 2)]
    wait(sent, timeout=20)
    assert {each.result() for each in sent} == {Taken(2, 0, ())}
    assert rows(events, "SELECT count(*) FROM events") == [(MAX_WAITING,)]


def test_a_contradiction_stores_nothing_of_its_batch_and_spoils_no_other(events: FleetEvents) -> None:
    take(events, event(1))
    sent = [
        events.submit(delivery(event(1, facts={"other": 1}), event(2))),
        events.submit(delivery(event(1), device="d2")),
    ]
    with pytest.raises(RefusedDeviceError, match="another content"):
        sent[0].result(20)
    assert sent[1].result(20) == Taken(1, 0, ())
    assert rows(events, "SELECT seq FROM events") == [(1,), (1,)]


def test_another_spool_of_the_laptop_has_numbers_of_its_own(events: FleetEvents) -> None:
    take(events, event(1))
    assert take(events, event(1, facts={"other": 1}), epoch="f" * 32) == Taken(1, 0, ())


def test_what_is_acknowledged_is_there_after_the_file_is_opened_again(tmp_path: Path) -> None:
    first = FleetEvents(tmp_path / "fleet.db")
    take(first, event(1), event(2))
    first.close()
    again = FleetEvents(tmp_path / "fleet.db")
    assert take(again, event(1), event(2)) == Taken(2, 2, ())
    again.close()


def test_a_damaged_file_is_kept_aside_and_no_laptop_is_accused_for_it(tmp_path: Path) -> None:
    (tmp_path / "fleet.db").write_bytes(b"no database at all" * 100)
    events = FleetEvents(tmp_path / "fleet.db")
    assert take(events, event(501), previous="1" * 64) == Taken(501, 0, ())
    assert (tmp_path / "fleet.db.corrupt").exists()
    # Of a spool that was acknowledged before, what is older than the file is nothing new.
    assert take(events, event(500)) == Taken(501, 1, ())
    events.close()


def test_a_new_spool_that_does_not_begin_at_one_has_a_gap(events: FleetEvents) -> None:
    assert take(events, event(3)) == Taken(3, 0, ((1, 2),))


def test_a_tombstone_counts_for_what_comes_after_it(events: FleetEvents) -> None:
    facts = {"class": 2, "count": 3, "seq_first": 2, "seq_last": 6}
    assert take(events, event(1), event(2, "spool_dropped", priority=0, facts=facts)).gaps == ()
    assert take(events, event(4)).gaps == ()
    assert take(events, event(9)).gaps == ((7, 8),)
    assert rows(events, "SELECT dropped FROM device_contacts") == [(3,)]
    assert rows(events, "SELECT count(*) FROM drops") == [(0,)]


@pytest.mark.parametrize("facts", [{}, {"seq_first": "1", "seq_last": 9}, {"seq_first": 9, "seq_last": 1}], ids=str)
def test_a_tombstone_that_tells_nothing_explains_nothing(events: FleetEvents, facts: dict[str, Any]) -> None:
    take(events, event(1, "spool_dropped", priority=0, facts={**facts, "count": "many"}))
    assert take(events, event(4)).gaps == ((2, 3),)


def test_a_gap_is_told_once_and_only_when_nothing_can_explain_it_any_more(events: FleetEvents) -> None:
    take(events, event(1), event(4), depth=9)
    assert events.untold_gaps(before=WALL) == []
    (gap,) = events.untold_gaps(before=WALL + 1)
    assert (gap.device, gap.first, gap.last) == ("d1", 2, 3)
    events.mark_told([gap, Gap("nobody", gap.epoch, 1, 1)])
    assert events.untold_gaps(before=WALL + 1) == []
    take(events, event(7), depth=1)
    assert [each.first for each in events.untold_gaps(before=0)] == [5]


def test_what_is_old_goes_and_its_numbers_stay_known(events: FleetEvents) -> None:
    take(events, event(1), event(2))
    take(events, event(3), at=WALL + 100)
    assert events.prune(before=WALL + 50, most=100) == 2
    assert rows(events, "SELECT seq FROM events") == [(3,)]
    assert rows(events, "SELECT count(*) FROM batches") == [(1,)]
    assert take(events, event(1), event(2)) == Taken(3, 2, ())
    assert take(events, event(1, facts={"other": 1})) == Taken(3, 1, ())


def test_of_too_many_the_oldest_go(events: FleetEvents) -> None:
    for first in range(1, 41, 10):
        take(events, *(event(number) for number in range(first, first + 10)))
    assert events.prune(before=0, most=15) == 25
    assert rows(events, "SELECT min(seq), max(seq) FROM events") == [(26, 40)]


def test_what_an_incident_stands_on_is_kept_as_it_was_signed(events: FleetEvents) -> None:
    sent = delivery(event(1, "media_inserted", priority=0))
    events.submit(sent).result(20)
    take(events, event(2))
    assert rows(events, "SELECT digest, signed, body FROM batches ORDER BY number") == [
        (b"digest", "{}", sent.body),
        (b"digest", "{}", None),
    ]


def test_states_are_the_latest_and_heartbeats_leave_no_content(events: FleetEvents) -> None:
    stick = {"device": "sdb1", "insertion": "7", "crypt": "plain"}
    take(
        events,
        event(1, "posture", priority=1, facts={"check": "firewall", "state": "off"}),
        event(2, "media_inserted", priority=0, facts=stick),
        event(3, "heartbeat", priority=3, facts={"depth": 1}),
        event(4, "posture", priority=1, facts={"check": "firewall", "state": "on"}),
    )
    query = "SELECT kind, key, json_extract(content, '$.d.state') FROM device_states ORDER BY kind"
    assert rows(events, query) == [("heartbeat", "", None), ("media", "sdb1#7", None), ("posture", "firewall", "on")]
    assert rows(events, "SELECT seq FROM events WHERE content IS NULL") == [(3,)]
    take(events, event(5, "media_removed", priority=1, facts=stick))
    assert [row[0] for row in rows(events, query)] == ["heartbeat", "posture"]


def test_what_fills_a_gap_is_no_news_of_how_a_laptop_is(events: FleetEvents) -> None:
    on, off = ({"check": "firewall", "state": each} for each in ("on", "off"))
    take(events, event(1), event(3, "posture", priority=1, facts=on))
    take(events, event(2, "posture", priority=1, facts=off))
    assert rows(events, "SELECT json_extract(content, '$.d.state') FROM device_states") == [("on",)]


def test_everything_is_counted(events: FleetEvents) -> None:
    take(events, event(1), event(2, "from_the_future"))
    take(events, event(1))
    with events.read() as database:
        assert read_counts(database) == {"taken": 2, "unknown_kind": 1, "duplicate": 1}


def test_more_than_can_wait_is_told_to_wait(events: FleetEvents) -> None:
    take(events, event(1))
    sent: list[Future[Taken]] = []

    def send(number: int) -> None:
        sent.append(events.submit(delivery(event(1), device=f"e{number}")))

    with events._turn:
        # Of these the writer may take some out, and then it waits for its turn.
        for number in range(MAX_WAITING):
            send(number)
        with pytest.raises(RefusedDeviceError, match="send it again"):
            _until_refused(send)
        with pytest.raises(RefusedDeviceError, match="send it again"):
            events.check_room()
    wait(sent, timeout=20)
    assert {each.result() for each in sent} == {Taken(1, 0, ())}


def _until_refused(send: Callable[[int], None]) -> None:
    for number in range(MAX_WAITING, 2 * MAX_WAITING):
        send(number)


def test_a_file_that_cannot_be_written_is_told_to_everybody_who_waits(tmp_path: Path) -> None:
    events = FleetEvents(tmp_path / "fleet.db")
    take(events, event(1))
    with closing(sqlite3.connect(tmp_path / "fleet.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match=r"could not be stored"):
            take(events, event(2))
    assert take(events, event(2)) == Taken(2, 0, ())
    events.close()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        take(FleetEvents(tmp_path / "file" / "fleet.db"), event(1))


def test_two_numbers_far_apart_read_nothing_of_what_lies_between(events: FleetEvents) -> None:
    take(events, *(event(number) for number in range(1, 200)))
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    assert events._opened is not None
    events._opened.set_progress_handler(count, 200)
    assert take(events, event(1), event(2**52)) == Taken(2**52, 1, ((200, 2**52 - 1),))
    events._opened.set_progress_handler(None, 0)
    assert steps < 20


def test_whoever_went_away_before_it_was_stored_stops_nobody(events: FleetEvents) -> None:
    take(events, event(1))
    with events._turn:
        first = events.submit(delivery(event(2)))
        gone = [events.submit(delivery(event(3), device="d2")) for _ in range(3)]
        assert [each.cancel() for each in gone][1:] == [True, True]
    assert first.result(20) == Taken(2, 0, ())
    assert take(events, event(3)) == Taken(3, 0, ())


def test_a_count_of_dropped_events_has_an_end(events: FleetEvents) -> None:
    for number in range(1, 5):
        take(events, event(number, "spool_dropped", priority=0, facts={"count": 2**53 - 1}))
    assert rows(events, "SELECT dropped FROM device_contacts") == [(2**53,)]


def test_of_ten_thousand_volumes_the_latest_are_shown_and_what_else_is_known_stays(events: FleetEvents) -> None:
    posture = event(1, "posture", priority=1, facts={"check": "disk_encryption", "state": "on"})
    take(events, posture, event(2, "heartbeat", priority=3))
    for first in range(3, 1000, 250):
        seen = (
            event(each, "media_present", priority=1, facts={"device": f"sd{each}", "insertion": "1"})
            for each in range(first, first + 250)
        )
        take(events, *seen, at=WALL + first)
    assert rows(events, "SELECT count(*) FROM device_states") == [(MAX_STATES,)]
    assert rows(events, "SELECT kind FROM device_states WHERE kind <> 'media' ORDER BY kind") == [
        ("heartbeat",),
        ("posture",),
    ]
    assert rows(events, "SELECT count(*) FROM events") == [(1002,)]


def test_one_batch_that_cannot_be_stored_keeps_no_other_from_it(events: FleetEvents) -> None:
    take(events, event(1))
    with events._turn:
        assert events._opened is not None
        events._opened.execute(
            "CREATE TRIGGER fault BEFORE INSERT ON events WHEN NEW.seq = 77 BEGIN SELECT RAISE(ABORT, 'fault'); END"
        )
        sent = [events.submit(delivery(event(number), device="d2")) for number in (76, 77, 78)]
    assert sent[0].result(20).acknowledged == 76
    with pytest.raises(StorageError, match="fault"):
        sent[1].result(20)
    assert sent[2].result(20).acknowledged == 78


def test_what_is_plugged_in_is_forgotten_with_the_events_and_how_a_laptop_is_protected_is_not(
    events: FleetEvents,
) -> None:
    posture = event(1, "posture", priority=1, facts={"check": "disk_encryption", "state": "on"})
    take(events, posture, event(2, "media_present", priority=1, facts={"device": "sdb1", "insertion": "1"}))
    events.prune(before=WALL + 1, most=100)
    assert rows(events, "SELECT kind FROM device_states") == [("posture",)]
