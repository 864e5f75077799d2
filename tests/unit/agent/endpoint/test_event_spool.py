import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from parts import small_disk

from agent.endpoint.event_spool import Clocks, EventSpool, SpoolUnusableError
from agent.endpoint.spool_file import Limits
from agent.endpoint.wire_batch import GENESIS, MAX_EVENTS, Event
from collectors.observed import JSON, Observed, Priority

HASH = "ab" * 32


class Clock:
    """Clocks that are set by the test."""

    def __init__(self) -> None:
        self.wall = 1_800_000_000.0
        self.monotonic = 5000.0

    def clocks(self, boot: str = "boot1") -> Clocks:
        return Clocks(lambda: self.wall, lambda: self.monotonic, boot)

    def advance(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[EventSpool]:
    with EventSpool(tmp_path / "spool") as spool:
        yield spool


def activity(number: int) -> Observed:
    return Observed("writes", Priority.ACTIVITY, {"n": number})


def incident(number: int) -> Observed:
    return Observed("media_inserted", Priority.INCIDENT, {"n": number})


def all_events(spool: EventSpool) -> list[Event]:
    """Deliver everything to a gateway that always answers."""
    events: list[Event] = []
    while (waiting := spool.next_events()).events:
        events.extend(waiting.events)
        spool.acknowledge(waiting.epoch, waiting.events[-1].sequence, HASH)
    return events


def numbers(events: list[Event] | tuple[Event, ...]) -> list[JSON]:
    return [event.facts.get("n") for event in events]


def dropped(events: list[Event], priority: Priority) -> int:
    return sum(
        int(str(event.facts["count"]))
        for event in events
        if event.kind == "spool_dropped" and event.facts["class"] == priority
    )


def test_what_was_added_is_handed_out_in_order_with_both_clocks(tmp_path: Path) -> None:
    clock = Clock()
    with EventSpool(tmp_path, clocks=clock.clocks()) as spool:
        spool.add(activity(1))
        clock.wall -= 1e6
        clock.monotonic += 3
        spool.add(incident(2))
        first, second = spool.next_events().events
        assert (first.sequence, first.wall, first.monotonic, first.boot) == (1, 1_800_000_000.0, 5000.0, "boot1")
        assert (second.sequence, second.wall, second.monotonic) == (2, 1_799_000_000.0, 5003.0)
        assert (second.kind, second.priority, second.facts) == ("media_inserted", 0, {"n": 2})


def test_what_is_acknowledged_goes_and_the_rest_stays(spool: EventSpool) -> None:
    for number in range(10):
        spool.add(activity(number))
    waiting = spool.next_events(max_events=4)
    assert waiting.previous == GENESIS
    spool.acknowledge(waiting.epoch, 4, HASH)
    following = spool.next_events()
    assert following.previous == HASH
    assert numbers(following.events) == [4, 5, 6, 7, 8, 9]


def test_a_number_is_never_used_twice(tmp_path: Path) -> None:
    for number in range(3):
        with EventSpool(tmp_path) as spool:
            spool.add(activity(number))
            waiting = spool.next_events()
            assert waiting.events[0].sequence == number + 1
            spool.acknowledge(waiting.epoch, waiting.events[0].sequence, HASH)


def test_an_acknowledgement_for_another_epoch_takes_nothing_away(spool: EventSpool) -> None:
    spool.add(activity(0))
    spool.acknowledge("0" * 32, 1, HASH)
    assert numbers(spool.next_events().events) == [0]


def test_a_hand_out_keeps_to_its_octets_but_gives_one_event_at_least(spool: EventSpool) -> None:
    for number in range(10):
        spool.add(Observed("writes", Priority.ACTIVITY, {"n": number, "text": "x" * 1000}))
    assert len(spool.next_events(max_bytes=5000).events) == 4
    assert len(spool.next_events(max_bytes=1).events) == 1


def test_of_a_state_only_the_latest_counts(spool: EventSpool) -> None:
    for number in range(5):
        spool.add(Observed("posture", Priority.STATE, {"n": number}, key="firewall"))
        spool.add(Observed("posture", Priority.STATE, {"n": number + 100}, key="updates"))
        spool.add(Observed("heartbeat", Priority.HEARTBEAT, {"n": number + 200}))
    assert sorted(str(number) for number in numbers(spool.next_events().events)) == ["104", "204", "4"]


def test_a_state_that_was_handed_out_is_not_changed_any_more(spool: EventSpool) -> None:
    for number in range(4):
        spool.add(Observed("posture", Priority.STATE, {"n": number}, key="firewall"))
        assert numbers(spool.next_events().events)[:1] == [0]
    assert numbers(spool.next_events().events) == [0, 1, 2, 3]


def test_what_may_have_been_handed_out_before_a_restart_is_not_changed_either(tmp_path: Path) -> None:
    with EventSpool(tmp_path) as spool:
        spool.add(Observed("posture", Priority.STATE, {"n": 0}, key="firewall"))
        handed_out = spool.next_events().events
    with EventSpool(tmp_path) as spool:
        spool.add(Observed("posture", Priority.STATE, {"n": 1}, key="firewall"))
        assert spool.next_events().events[:1] == handed_out


def test_names_that_are_no_text_lose_nothing(spool: EventSpool) -> None:
    spool.add(Observed("media_inserted", Priority.INCIDENT, {"label": "A\udcff\u202eB\0<b>"}))
    (event,) = spool.next_events().events
    assert event.facts == {"label": "A?\u202eB\0<b>"}


def test_an_event_that_cannot_travel_is_put_aside_and_told(spool: EventSpool) -> None:
    spool.add(activity(0))
    spool.add(Observed("media_inserted", Priority.INCIDENT, {"text": "x" * 20_000}))
    spool.add(activity(2))
    events = spool.next_events().events
    assert [event.kind for event in events] == ["writes", "event_quarantined", "writes"]
    assert events[1].facts["number"] == 2
    assert events[1].facts["kind"] == "media_inserted"
    assert spool.state().quarantined == 1


def test_what_was_put_aside_can_be_put_back(spool: EventSpool) -> None:
    spool.add(activity(0))
    before = spool.next_events()
    spool.put_aside(before.epoch, 1, "refused")
    (told,) = spool.next_events().events
    assert told.facts == {"number": 1, "kind": "writes", "size_bytes": 8, "reason": "refused"}
    spool.put_back(before.epoch, 1)
    assert spool.next_events() == before
    assert spool.state().quarantined == 0


def test_the_state_says_what_waits_and_for_how_long(tmp_path: Path) -> None:
    clock = Clock()
    with EventSpool(tmp_path, clocks=clock.clocks()) as spool:
        assert spool.state().oldest_seconds == 0
        spool.add(incident(0))
        clock.monotonic += 60
        clock.wall -= 500
        state = spool.state()
        assert (state.depth, state.waiting[Priority.INCIDENT], state.oldest_seconds) == (1, 1, 60.0)
        assert state.is_usable
    clock.wall += 800
    with EventSpool(tmp_path, clocks=clock.clocks("boot2")) as spool:
        assert spool.state().oldest_seconds == 300


def test_the_files_are_for_the_service_alone(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    with EventSpool(folder) as spool:
        spool.add(activity(0))
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_what_goes_first_is_what_matters_least_and_tombstones_count_it(tmp_path: Path) -> None:
    with EventSpool(tmp_path, limits=Limits(events=400)) as spool:
        for number in range(200):
            spool.add(Observed("posture", Priority.STATE, {"n": number}))
        for number in range(900):
            spool.add(activity(number))
            spool.add(Observed("heartbeat", Priority.HEARTBEAT, {"n": number}))
        for number in range(50):
            spool.add(incident(number))
        assert spool.state().depth <= 401
        events = all_events(spool)
    kept = {
        kind: [event for event in events if event.kind == kind] for kind in ("posture", "writes", "media_inserted")
    }
    assert numbers(kept["media_inserted"]) == list(range(50))
    assert numbers(kept["posture"]) == list(range(200))
    assert len(kept["writes"]) + dropped(events, Priority.ACTIVITY) == 900
    assert numbers(kept["writes"]) == list(range(900 - len(kept["writes"]), 900))


def test_a_tombstone_comes_before_the_gap_that_it_explains(tmp_path: Path) -> None:
    with EventSpool(tmp_path, limits=Limits(events=100)) as spool:
        for number in range(500):
            spool.add(incident(number) if number % 25 == 0 else activity(number))
        events = all_events(spool)
    told: set[int] = set()
    last = 0
    for event in events:
        missing = set(range(last + 1, event.sequence))
        assert missing <= told
        last = event.sequence
        if event.kind == "spool_dropped":
            told |= set(range(int(str(event.facts["seq_first"])), int(str(event.facts["seq_last"])) + 1))
    assert last == 500
    assert numbers([event for event in events if event.kind == "media_inserted"]) == list(range(0, 500, 25))
    assert len([event for event in events if event.kind == "writes"]) + dropped(events, Priority.ACTIVITY) == 480


def test_what_was_handed_out_is_not_let_go(tmp_path: Path) -> None:
    with EventSpool(tmp_path, limits=Limits(events=100)) as spool:
        for number in range(50):
            spool.add(activity(number))
        handed_out = spool.next_events()
        for number in range(50, 400):
            spool.add(activity(number))
        assert spool.next_events().events[:50] == handed_out.events
        events = all_events(spool)
    assert len([event for event in events if event.kind == "writes"]) + dropped(events, Priority.ACTIVITY) == 400


def test_a_flood_of_incidents_is_bounded_and_counted(tmp_path: Path) -> None:
    with EventSpool(tmp_path, limits=Limits(events=200)) as spool:
        kept = [spool.add(incident(number)) for number in range(500)]
        assert kept == [True] * 200 + [False] * 300
        assert spool.state().depth <= 202
        events = all_events(spool)
    assert numbers([event for event in events if event.kind == "media_inserted"]) == list(range(200))
    assert dropped(events, Priority.INCIDENT) == 300


def test_octets_are_bounded_as_well_on_the_disk(tmp_path: Path) -> None:
    limit = 512 * 1024
    with EventSpool(tmp_path, limits=Limits(size_bytes=limit), reserve_bytes=16_384) as spool:
        for number in range(1500):
            spool.add(Observed("writes", Priority.ACTIVITY, {"n": number, "text": "x" * 1000}))
        assert spool.state().size_bytes <= limit
        assert (tmp_path / "spool.db").stat().st_size < 2 * limit
        events = all_events(spool)
        assert len([event for event in events if event.kind == "writes"]) + dropped(events, Priority.ACTIVITY) == 1500
        assert (tmp_path / "spool.db").stat().st_size < 100_000


def test_a_summer_without_a_gateway_is_counted_to_the_last_event(tmp_path: Path) -> None:
    """Eight weeks: activity every half hour, a heartbeat every hour, an incident a day, a restart every week."""
    clock = Clock()
    limits = Limits(events=700)
    activities = incidents = 0
    for week in range(8):
        with EventSpool(tmp_path, clocks=clock.clocks(f"boot{week}"), limits=limits) as spool:
            for tick in range(7 * 48):
                clock.advance(1800)
                activities += 1
                spool.add(activity(activities))
                if tick % 2 == 0:
                    spool.add(Observed("heartbeat", Priority.HEARTBEAT, {"depth": spool.state().depth}))
                if tick % 48 == 0:
                    incidents += 1
                    spool.add(incident(incidents))
            spool.next_events()
            assert spool.state().depth <= limits.events + 10
    with EventSpool(tmp_path, clocks=clock.clocks("september"), limits=limits) as spool:
        assert spool.state().oldest_seconds == pytest.approx(8 * 7 * 86_400, rel=0.01)
        events = all_events(spool)
    assert numbers([event for event in events if event.kind == "media_inserted"]) == list(range(1, incidents + 1))
    delivered = [event for event in events if event.kind == "writes"]
    assert len(delivered) + dropped(events, Priority.ACTIVITY) == activities
    assert dropped(events, Priority.INCIDENT) == dropped(events, Priority.STATE) == 0
    assert delivered[-1].facts["n"] == activities
    tombstones = [event for event in events if event.kind == "spool_dropped"]
    assert len(tombstones) <= 16
    assert all(float(str(each.facts["t_first"])) <= float(str(each.facts["t_last"])) for each in tombstones)


WRITER = """
import sys
from pathlib import Path
from agent.endpoint.event_spool import EventSpool
from collectors.observed import Observed, Priority

number, folder = int(sys.argv[1]), Path(sys.argv[2])
spool = EventSpool(folder)
while True:
    number += 1
    kind = ("writes", Priority.ACTIVITY) if number % 3 else ("media_inserted", Priority.INCIDENT)
    assert spool.add(Observed(*kind, {"n": number}))
    print("added", number, flush=True)
    if number % 40 == 0:
        waiting = spool.next_events(max_events=15)
        last = waiting.events[-1]
        print("acknowledging", last.facts["n"], flush=True)
        spool.acknowledge(waiting.epoch, last.sequence, "ab" * 32)
        print("acknowledged", last.facts["n"], flush=True)
"""


def test_a_process_that_is_killed_again_and_again_loses_nothing(tmp_path: Path) -> None:
    chance = random.Random(20261121)
    folder = tmp_path / "spool"
    last = 0
    said: list[tuple[str, int]] = []
    for _ in range(10):
        said += _killed_writer(folder, last, lines=chance.randint(1, 150), to=tmp_path / "said")
        with EventSpool(folder) as spool:
            assert spool.state().is_usable
        found = _numbers_in(folder)
        added = {number for word, number in said if word == "added"}
        tried = max((number for word, number in said if word == "acknowledging"), default=0)
        gone = max((number for word, number in said if word == "acknowledged"), default=0)
        assert {number for number in added if number > tried} <= set(found)
        assert all(number > gone for number in found)
        assert found == list(range(found[0], found[-1] + 1))
        assert found[0] in (gone + 1, tried + 1)
        last = found[-1]
    assert sorted(path.name for path in folder.iterdir() if "corrupt" in path.name) == []


def _killed_writer(folder: Path, last: int, *, lines: int, to: Path) -> list[tuple[str, int]]:
    """Let a process write until it has said so much, kill it, and give what it said."""
    with to.open("w") as output:
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(last), str(folder)], stdout=output)
    end = time.monotonic() + 60
    while to.read_text().count("\n") < lines and time.monotonic() < end:
        time.sleep(0.002)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait(timeout=30)
    told = [line.split() for line in to.read_text().splitlines(keepends=True) if line.endswith("\n")]
    assert len(told) >= lines
    return [(word, int(number)) for word, number in told]


def _numbers_in(folder: Path) -> list[int]:
    with closing(sqlite3.connect(folder / "spool.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [int(number) for (number,) in database.execute("SELECT facts ->> 'n' FROM event ORDER BY seq")]


def test_several_threads_may_write_while_one_delivers(spool: EventSpool) -> None:
    threads = [
        threading.Thread(target=lambda start=start: [spool.add(activity(start + number)) for number in range(100)])
        for start in (0, 1000, 2000)
    ]
    for thread in threads:
        thread.start()
    events: list[Event] = []
    while any(thread.is_alive() for thread in threads) or spool.state().depth:
        events += all_events(spool)
    assert sorted(int(str(number)) for number in numbers(events)) == [
        start + number for start in (0, 1000, 2000) for number in range(100)
    ]


# A damaged or missing file.


def filled(folder: Path, count: int) -> str:
    """Make a spool with so many events; gives its epoch."""
    with EventSpool(folder) as spool:
        for number in range(count):
            spool.add(Observed("writes", Priority.ACTIVITY, {"n": number, "text": "x" * 400}))
        return spool.epoch


@pytest.mark.parametrize(
    ("place", "most_lost"),
    [("one-page", 40), ("beginning", 300), ("everything", 300), ("end", 60)],
)
def test_a_damaged_file_is_kept_and_what_can_be_read_goes_on(tmp_path: Path, place: str, most_lost: int) -> None:
    epoch = filled(tmp_path, 300)
    path = tmp_path / "spool.db"
    octets = bytearray(path.read_bytes())
    size = len(octets)
    first, last = {
        "one-page": (size // 2 // 4096 * 4096, size // 2 // 4096 * 4096 + 4096),
        "beginning": (0, 2000),
        "everything": (0, size),
        "end": (size - 9000, size),
    }[place]
    octets[first:last] = random.Random(7).randbytes(last - first)
    path.write_bytes(octets)
    with EventSpool(tmp_path) as spool:
        assert spool.epoch != epoch
        events = all_events(spool)
        assert spool.add(activity(1))
    assert events[0].sequence == 1
    assert events[0].kind == "spool_reset"
    assert events[0].priority == Priority.INCIDENT
    assert events[0].facts["why"] == "damaged"
    assert events[0].facts["salvaged"] == len(events) - 1
    assert len(events) - 1 >= 300 - most_lost
    assert set(numbers(events[1:])) <= set(range(300))
    (aside,) = [path for path in tmp_path.iterdir() if path.name.startswith("spool.corrupt-")]
    assert aside.read_bytes()[first:last] == octets[first:last]


def test_damage_that_shows_while_it_runs_is_met_the_same_way(tmp_path: Path) -> None:
    with EventSpool(tmp_path) as spool:
        for number in range(300):
            spool.add(Observed("writes", Priority.ACTIVITY, {"n": number, "text": "x" * 400}))
        waiting = spool.next_events(max_events=10)
        spool.acknowledge(waiting.epoch, 10, HASH)
        epoch = spool.epoch
        with (tmp_path / "spool.db").open("r+b") as file:
            file.write(bytes(100))
            file.seek(8192)
            file.write(random.Random(1).randbytes(20_000))
        assert spool._file is not None
        spool._file._database.execute("PRAGMA shrink_memory")
        assert spool.add(incident(1000))
        assert spool.state().is_usable
        assert spool.epoch != epoch
        spool.acknowledge(epoch, 200, HASH)
        events = all_events(spool)
    assert events[0].kind == "spool_reset"
    assert events[-1].facts["n"] == 1000


def test_a_file_that_was_deleted_is_told(tmp_path: Path) -> None:
    filled(tmp_path, 3)
    for path in tmp_path.glob("spool.db*"):
        path.unlink()
    with EventSpool(tmp_path) as spool:
        (told,) = all_events(spool)
    assert (told.kind, told.facts["why"]) == ("spool_reset", "missing")


def test_a_first_start_tells_nothing(spool: EventSpool) -> None:
    assert spool.state().depth == 0


@pytest.mark.parametrize("moment", ["before", "between", "after"])
def test_a_death_while_a_damaged_file_is_replaced_loses_nothing(tmp_path: Path, moment: str) -> None:
    filled(tmp_path, 20)
    path, fresh = tmp_path / "spool.db", tmp_path / "spool.db.new"
    if moment == "before":
        fresh.write_bytes(b"half of a successor")
    elif moment == "between":
        path.rename(fresh)
        (tmp_path / "spool.db-wal").write_bytes(b"the log of the damaged file")
    with EventSpool(tmp_path) as spool:
        assert numbers(all_events(spool)) == list(range(20))
    assert not fresh.exists()


# A full disk.


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "small", megabytes=2) as mounted:
        yield mounted


def fill(folder: Path) -> Path:
    """Take what is left of a disk."""
    ballast = folder / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    return ballast


def test_a_full_disk_costs_no_incident_and_counts_the_rest(disk: Path) -> None:
    folder = disk / "spool"
    with EventSpool(folder) as spool:
        assert spool.add(activity(0))
        ballast = fill(disk)
        kept = [spool.add(Observed("writes", Priority.ACTIVITY, {"n": n, "text": "x" * 2000})) for n in range(1, 400)]
        assert not kept[-1]
        assert all(spool.add(incident(number)) for number in range(1000, 1100))
        assert spool.state().in_reserve > 0
        lost = kept.count(False)
    with EventSpool(folder) as spool:
        assert spool.add(incident(1100))
        ballast.unlink()
        assert spool.add(activity(2000))
        events = all_events(spool)
        assert spool.state().in_reserve == 0
    found = numbers([event for event in events if event.kind == "media_inserted"])
    assert found == list(range(1000, 1101))
    assert dropped(events, Priority.ACTIVITY) == lost
    written = [event for event in events if event.kind == "writes"]
    assert len(written) == 1 + kept.count(True) + 1


def test_a_full_disk_does_not_keep_what_waits_from_being_delivered(disk: Path) -> None:
    folder = disk / "spool"
    with EventSpool(folder) as spool:
        for number in range(300):
            spool.add(activity(number))
        fill(disk)
        while spool.add(Observed("writes", Priority.ACTIVITY, {"n": -1, "text": "x" * 2000})):
            pass
        events = all_events(spool)
        assert spool.state().depth == 0
    assert numbers([event for event in events if event.facts.get("n") != -1])[:300] == list(range(300))


def test_a_disk_that_is_full_at_the_start_still_takes_incidents(disk: Path) -> None:
    folder = disk / "spool"
    with EventSpool(folder):
        pass
    for path in folder.glob("spool.db*"):
        path.unlink()
    ballast = fill(disk)
    with EventSpool(folder) as spool:
        assert not spool.state().is_usable
        assert spool.add(incident(0))
        assert not spool.add(activity(1))
        with pytest.raises(SpoolUnusableError):
            spool.next_events()
    with EventSpool(folder) as spool:
        assert spool.add(incident(2))
        ballast.unlink()
        assert spool.add(incident(3))
        events = all_events(spool)
    assert numbers([event for event in events if event.kind == "media_inserted"]) == [0, 2, 3]
    assert dropped(events, Priority.ACTIVITY) == 1


def test_what_the_reserve_held_is_taken_over_once_even_if_the_process_dies_then(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    with EventSpool(folder) as spool:
        spool.add(activity(0))
        (folder / "spool.db").rename(folder / "elsewhere")
        spool._close_file()
        (folder / "spool.db").mkdir()
        assert spool.add(incident(1))
        assert spool.state().in_reserve == 1
        before = (folder / "incidents.reserve").read_bytes()
        (folder / "spool.db").rmdir()
        (folder / "elsewhere").rename(folder / "spool.db")
        assert spool.add(activity(2))
        assert spool.state().in_reserve == 0
    # As if it had died after the spool took it over and before the reserve began anew.
    (folder / "incidents.reserve").write_bytes(before)
    with EventSpool(folder) as spool:
        assert spool.add(activity(3))
        assert numbers(all_events(spool)) == [0, 1, 2, 3]


def test_a_copy_of_the_folder_is_a_spool_with_the_same_epoch(tmp_path: Path) -> None:
    """The gateway tells two laptops with one disk apart by what stands under the same number."""
    epoch = filled(tmp_path / "one", 2)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    with EventSpool(tmp_path / "one") as one, EventSpool(tmp_path / "two") as two:
        one.add(activity(10))
        two.add(activity(20))
        assert one.epoch == two.epoch == epoch
        first, second = (each.next_events(max_events=MAX_EVENTS).events[-1] for each in (one, two))
        assert first.sequence == second.sequence
        assert first.hash != second.hash
