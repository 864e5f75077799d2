"""Events are read one after the other, each with what it can be proved by."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from incidents_of_test import NOW
from laptops_of_test import MINUTE, WeighedLaptops
from observing_of_test import STAFF_DEVICE

from agent.fleet.fleet_reading import StoredEvent, Word, read_events, read_words, source_of


@pytest.fixture
def laptops(tmp_path: Path) -> Iterator[WeighedLaptops]:
    made = WeighedLaptops(tmp_path)
    yield made
    made.fleet.close()
    made.store.close()


def read(laptops: WeighedLaptops, *, after: int = 0, limit: int = 9) -> list[StoredEvent]:
    with laptops.fleet.events.read() as database:
        return read_events(database, after=after, limit=limit)


def test_an_event_is_read_with_when_it_was_and_its_proof(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(("writes", 3 * MINUTE, {"files": 7}), ("heartbeat", timedelta(0), {}))
    writes, heartbeat = read(laptops)
    assert (writes.kind, writes.facts, writes.boot) == ("writes", {"files": 7}, "boot-1")
    assert (writes.at, writes.received_at, writes.delay_seconds) == (NOW - 3 * MINUTE, NOW, 180.0)
    assert writes.id == f"laptop1/{laptop.epoch}/1"
    assert (len(writes.hash), len(writes.batch)) == (32, len(sha256().hexdigest()))
    assert writes.batch == heartbeat.batch
    assert (heartbeat.kind, heartbeat.facts, heartbeat.has_time) == ("heartbeat", {}, True)


def test_they_are_read_part_by_part(laptops: WeighedLaptops) -> None:
    laptops.laptop().tell(*[("writes", timedelta(0), {})] * 5)
    first = read(laptops, limit=3)
    assert [each.sequence for each in first] == [1, 2, 3]
    assert [each.sequence for each in read(laptops, after=first[-1].number)] == [4, 5]


def test_of_an_event_from_no_time_that_is_said(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.boot = "boot-0"
    laptop.tell(("writes", timedelta(days=-20_000), {}), boot="boot-1")
    assert [each.has_time for each in read(laptops)] == [False]


def test_the_last_word_says_whether_more_waits(laptops: WeighedLaptops) -> None:
    laptops.laptop().tell(("heartbeat", timedelta(0), {}), waiting=4)
    with laptops.fleet.events.read() as database:
        assert read_words(database) == {"laptop1": Word(NOW, STAFF_DEVICE, has_more=True)}


def test_a_file_has_a_name_of_its_own(laptops: WeighedLaptops) -> None:
    with laptops.fleet.events.read() as database:
        assert source_of(database) == ""
    laptop = laptops.laptop()
    laptop.beat()
    with laptops.fleet.events.read() as database:
        assert source_of(database).startswith(f"fleet-{laptop.epoch}-")
