"""The fleet as one: whose addresses are taken, where its keys lie, and what it does by the clock."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from fleet_of_test import enrolled, event

from agent.fleet.fleet import ACK_KEY, GAP_GRACE, KEYS, POLICY_KEY
from agent.storage.fleet_rows import read_findings


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = SchoolOfTest(tmp_path)
    yield made
    made.parts.fleet.close()


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [
        ("192.0.2.9", True),
        ("::ffff:192.0.2.9", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("198.51.100.1", False),
        ("2001:db8::1", False),
        ("", False),
        ("testclient", False),
    ],
)
def test_only_the_school_is_answered(school: SchoolOfTest, address: str, *, is_ours: bool) -> None:
    assert school.parts.fleet.is_ours(address) == is_ours


def test_its_keys_lie_beside_that_of_the_record_for_itself_alone(school: SchoolOfTest, tmp_path: Path) -> None:
    assert not (tmp_path / KEYS / ACK_KEY).exists()
    enrolled(school).policy()
    keys = [tmp_path / KEYS / name for name in (ACK_KEY, POLICY_KEY)]
    assert [path.stat().st_mode & 0o777 for path in keys] == [0o600, 0o600]
    assert keys[0].read_bytes() != keys[1].read_bytes()


def test_events_that_are_missing_are_told_when_nothing_can_explain_them(school: SchoolOfTest) -> None:
    laptop = enrolled(school)
    laptop.send(event(1), event(4), depth=50)
    school.parts.fleet.look()
    assert "device_events_missing" not in school.kinds()
    school.now += GAP_GRACE + timedelta(seconds=1)
    for _ in range(2):
        school.parts.fleet.look()
    assert school.kinds().count("device_events_missing") == 1


def test_a_copied_disk_is_told_again_the_next_day(school: SchoolOfTest) -> None:
    laptop = enrolled(school)
    laptop.send(event(1))
    for hours, expected in ((0, 1), (1, 1), (24, 2)):
        school.now += timedelta(hours=hours)
        laptop.send(event(1, facts={"other": 1}))
        assert school.kinds().count("device_clone_suspected") == expected


def test_what_laptops_told_goes_after_as_many_days_as_the_school_says(school: SchoolOfTest) -> None:
    enrolled(school).send(event(1))
    fleet = school.parts.fleet
    for days, left in ((89, 1), (2, 0)):
        school.now += timedelta(days=days)
        fleet.keep()
        with fleet.events.read() as database:
            assert database.execute("SELECT count(*) FROM events").fetchone()[0] == left


def test_however_many_gaps_a_laptop_makes_they_are_one_finding_a_day(school: SchoolOfTest) -> None:
    laptop = enrolled(school)
    for first in (0, 1000):
        laptop.send(*(event(first + 2 * each) for each in range(1, 200)), depth=199)
        laptop.send(event(2), depth=1, epoch=f"{first:032}")
        school.parts.fleet.look()
    assert school.kinds().count("device_events_missing") == 1
    with school.store.read() as database:
        (found,) = read_findings(database, laptop.device)
    assert (found.facts["gaps"], found.facts["numbers"], found.facts["first"]) == (200, 200, 1)
    school.now += timedelta(days=1, seconds=1)
    for _ in range(2):
        school.parts.fleet.look()
    assert school.kinds().count("device_events_missing") == 2
