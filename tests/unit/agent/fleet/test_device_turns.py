"""One turn of what laptops told: the same comes of it as one by one, for less, and what fails undoes itself alone."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW
from laptops_of_test import MINUTE, Laptop, WeighedLaptops, session

from agent.fleet.device_candidates import FLOOD_BATCHES, ROWS, ROWS_OF_FLOOD
from agent.fleet.device_sessions import KEY, DeviceSessions, LaptopNow, laptop_of
from agent.fleet.device_turns import DeviceTurn
from agent.fleet.fleet_reading import StoredEvent, Word
from agent.storage.case_rows import read_case
from agent.storage.held_cases import HeldCases
from agent.storage.observation_rows import read_counts

NOTHING = timedelta(0)


@pytest.fixture
def laptops(tmp_path: Path) -> Iterator[WeighedLaptops]:
    made = WeighedLaptops(tmp_path)
    yield made
    made.fleet.close()
    made.store.close()


def sessions_of(laptops: WeighedLaptops) -> DeviceSessions:
    known = laptops.observing.known
    return DeviceSessions(laptops.observing.sign_ins, laptops.pseudonyms, site=lambda: laptops.site, known=known)


def event(sequence: int, kind: str = "heartbeat", **changes: Any) -> StoredEvent:
    values: dict[str, Any] = {
        "number": sequence,
        "device": "laptop1",
        "epoch": "e",
        "sequence": sequence,
        "kind": kind,
        "at": NOW + sequence * MINUTE,
        "received_at": NOW + sequence * MINUTE,
        "has_time": True,
        "boot": "b",
        "facts": {},
        "hash": "",
        "batch": "",
    }
    return StoredEvent(**{**values, **changes})


def known(laptops: WeighedLaptops, device: str = "laptop1") -> LaptopNow:
    with laptops.store.read() as database:
        case = read_case(database, device, KEY)
    assert case is not None
    return laptop_of(case)


def test_what_says_only_that_it_is_on_is_heard_first_and_last(laptops: WeighedLaptops) -> None:
    word = Word(NOW, "192.0.2.130", has_more=False)
    with laptops.store.act() as act:
        turn = DeviceTurn(act, sessions_of(laptops), {"laptop1": word}, HeldCases(act, "media "))
        for sequence in (1, 2, 3, 9, 4):
            turn.note(event(sequence))
        turn.end()
    found = known(laptops)
    assert (found.sequence, found.last) == (9, NOW + 9 * MINUTE), "what fills a gap is older than what is known"
    assert found.contact == "192.0.2.130"


def test_another_spool_begins_at_one(laptops: WeighedLaptops) -> None:
    with laptops.store.act() as act:
        turn = DeviceTurn(act, sessions_of(laptops), {}, HeldCases(act, "media "))
        turn.note(event(7))
        turn.note(event(1, epoch="f", at=NOW + 8 * MINUTE))
        turn.end()
    assert (known(laptops).epoch, known(laptops).sequence) == ("f", 1)


def test_what_was_noted_before_an_event_is_known_when_it_comes(laptops: WeighedLaptops) -> None:
    with laptops.store.act() as act:
        turn = DeviceTurn(act, sessions_of(laptops), {}, HeldCases(act, "media "))
        turn.note(event(1))
        turn.note(event(2))
        with turn.laptop(event(3, "session")) as laptop:
            assert laptop.last == NOW + 2 * MINUTE
        turn.end()


def fail() -> None:
    raise LookupError


def test_what_cannot_be_understood_undoes_itself_alone(laptops: WeighedLaptops) -> None:
    with laptops.store.act() as act:
        turn = DeviceTurn(act, sessions_of(laptops), {}, HeldCases(act, "media "))
        with turn.laptop(event(1, "posture")) as laptop:
            laptop.told["disk_encryption"] = "off"
        with turn.laptop(event(2, "posture")) as laptop:
            laptop.told["disk_encryption"] = "on"
            laptop.people.append({"person": "p"})
            act.note("half", actor="system")
            fail()
        turn.end()
    assert (known(laptops).told, known(laptops).people) == ({"disk_encryption": "off"}, [])
    assert "half" not in laptops.kinds()
    with laptops.store.read() as database:
        assert list(read_counts(database).values()) == [1]


def statements(laptops: WeighedLaptops, laptop: Laptop, heartbeats: int) -> int:
    """Say how many statements it takes to weigh so many heartbeats of a laptop."""
    laptop.tell(*[("heartbeat", NOTHING, {})] * heartbeats)
    seen: list[str] = []
    with laptops.store.act() as act:
        act.database.set_trace_callback(seen.append)
    while laptops.candidates.look():
        pass
    with laptops.store.act() as act:
        act.database.set_trace_callback(None)
    return len(seen)


def test_a_morning_of_heartbeats_costs_no_more_than_a_few(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(("session", NOTHING, session("teacher")))
    laptops.look()
    few = statements(laptops, laptop, 5)
    assert few > 0
    assert statements(laptops, laptop, 250) <= few


def test_a_sign_in_goes_on_through_turns_in_which_nothing_else_is_told(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    laptop.tell(("session", 9 * MINUTE, session("teacher")))
    for part in range(ROWS // 250 + 1):
        laptop.tell(*[("heartbeat", (8 - part) * MINUTE, {})] * 250)
    laptops.look()
    with laptops.store.read() as database:
        ((told_at, until_at),) = database.execute("SELECT told_at, until_at FROM presences")
    assert until_at is None
    assert NOW - 2 * MINUTE - datetime.fromisoformat(told_at) < 5 * MINUTE
    assert known(laptops).last == NOW - 2 * MINUTE


def test_in_a_flood_less_is_weighed_at_once_and_nothing_is_left_out(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    for _ in range(ROWS_OF_FLOOD // 250 + 1):
        laptop.tell(*[("heartbeat", MINUTE, {})] * 250)
    laptops.fleet.events.submitted += FLOOD_BATCHES
    assert laptops.candidates.look(), "more waits"
    assert not laptops.candidates.look(), "and is taken when the flood is over"
