"""What laptops saw is handed over once, with its proof, as plain text and counts."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW
from laptops_of_test import WeighedLaptops

from agent.fleet.device_telling import Telling, line, number, proof_of, tell
from agent.fleet.fleet_reading import read_events
from agent.storage.observation_rows import read_waiting
from rules.incident_kind import Kind
from rules.observation import Place
from rules.subject import Audience


@pytest.fixture
def laptops(tmp_path: Path) -> Iterator[WeighedLaptops]:
    made = WeighedLaptops(tmp_path)
    yield made
    made.fleet.close()
    made.store.close()


def test_it_is_told_once_with_its_proof(laptops: WeighedLaptops) -> None:
    laptops.laptop().tell(("bypass", timedelta(0), {}))
    with laptops.fleet.events.read() as database:
        (event,) = read_events(database, after=0, limit=9)
    who = {"device": "d", "is_device": True}
    told = Telling(Kind.BYPASS, NOW, who, Audience.STAFF, Place.ON_SITE, {"found": "x"}, signals=2, is_weak=True)
    with laptops.store.act() as act:
        assert tell(act, event.id, told, proofs=[proof_of(event)] * 20)
        assert not tell(act, event.id, told)
    with laptops.store.read() as database:
        (waiting,) = read_waiting(database, limit=9)
    facts = waiting.content["facts"]
    assert waiting.content["evidence"] == f"laptop {event.id}"
    assert (facts["kind"], facts["signals"], facts["is_weak"], facts["found"]) == ("bypass", 2, True, "x")
    assert json.loads(facts["proof"]) == [proof_of(event)] * 12
    assert proof_of(event)["event"] == event.id


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\x07", "two lines "),
        ("\u202egnp.exe", " gnp.exe"),
        ("half \ud800", "half ?"),
        (None, "None"),
        ("x" * 999, "x" * 200),
    ],
)
def test_what_a_laptop_says_is_one_line(value: object, shown: str) -> None:
    assert line(value) == shown


@pytest.mark.parametrize(
    ("value", "count"), [(7, 7), (0, 0), (-1, 0), (True, 0), (2**60, 0), (1.5, 0), ("7", 0), (None, 0)]
)
def test_a_count_is_a_count(value: Any, count: int) -> None:
    assert number(value) == count
