"""What Prometheus is told of laptops: totals, with labels of a closed set, and never whose."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from api_of_test import SchoolOfTest
from fleet_of_test import LaptopOfTest, enrolled, event, token_of

from agent.fleet.fleet_events import FILE_NAME
from agent.fleet.fleet_metrics import fleet_metrics
from rules.roles import Role

WEEK = timedelta(days=7)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = SchoolOfTest(tmp_path)
    yield made
    made.parts.fleet.close()


def told(school: SchoolOfTest) -> dict[str, float]:
    path = school.store.path
    found = fleet_metrics(path, path.with_name(FILE_NAME), school.now, silent_after=WEEK)
    return {
        " ".join((sample.name.removeprefix("schoolgate_"), *sample.labels.values())): sample.value
        for family in found
        for sample in family.samples
    }


def test_nothing_is_told_where_there_is_no_fleet(school: SchoolOfTest, tmp_path: Path) -> None:
    assert told(school) == {}
    (tmp_path / FILE_NAME).write_text("nothing of ours")
    assert told(school) == {}


def test_the_totals_of_a_fleet(school: SchoolOfTest) -> None:
    first = enrolled(school)
    waiting = LaptopOfTest(school)
    waiting.enrol(token_of(school.person("Ida", Role.ICT_COORDINATOR), uses=2))
    stick = {"device": "sdb1", "insertion": "7", "crypt": "plain", "mounted": True}
    first.send(
        event(1, "posture", priority=1, facts={"check": "disk_encryption", "state": "on"}),
        event(2, "media_inserted", priority=0, facts=stick),
        event(3, "media_inserted", priority=0, facts={**stick, "insertion": "8", "crypt": "encrypted"}),
        event(4, "spool_dropped", priority=0, facts={"count": 12}),
        event(5, "from_the_future"),
        depth=30,
        oldest_seconds=70.0,
    )
    found = told(school)
    assert (
        found
        | {
            "devices active": 1,
            "devices pending": 1,
            "devices refused": 0,
            "devices revoked": 0,
            "devices_waiting": 1,
            "silent_devices": 0,
            "device_spool_events": 25,
            "device_spool_oldest_seconds": 70.0,
            "device_events_dropped_total": 12,
            "device_findings_total key_changed": 0,
            "device_events_total taken": 5,
            "device_events_total unknown_kind": 1,
            "unencrypted_media": 1,
            "device_disks yes": 1,
            "device_disks no": 0,
            "device_disks unknown": 0,
        }
        == found
    )
    school.now += timedelta(days=8)
    assert told(school)["silent_devices"] == 1


@pytest.mark.parametrize(
    ("state", "label"),
    [("off", "no"), ("suspended", "no"), ("partly", "no"), ("unknown", "unknown"), (None, "unknown")],
)
def test_what_could_not_be_checked_is_neither(school: SchoolOfTest, state: str | None, label: str) -> None:
    enrolled(school).send(event(1, "posture", priority=1, facts={"check": "disk_encryption", "state": state}))
    assert told(school)[f"device_disks {label}"] == 1


@pytest.mark.parametrize(
    ("facts", "label"),
    [
        ({"seen": "answered_by_us", "open": []}, "answered_by_us"),
        ({"seen": "answered_by_us", "open": ["gambling"]}, "open"),
        ({"seen": "not_ours"}, "not_ours"),
        ({"seen": "could_not_tell"}, "unknown"),
        ({"seen": ["not_ours"]}, "unknown"),
        (None, "unknown"),
    ],
)
def test_who_answers_laptops(school: SchoolOfTest, facts: dict[str, Any] | None, label: str) -> None:
    laptop = enrolled(school)
    laptop.send(event(1) if facts is None else event(1, "filter", priority=1, facts=facts))
    found = {name: count for name, count in told(school).items() if name.startswith("device_filters ")}
    assert (len(found), sum(found.values()), found[f"device_filters {label}"]) == (4, 1, 1)


def test_no_label_is_a_device_or_a_person(school: SchoolOfTest) -> None:
    laptop = enrolled(school)
    laptop.send(event(1))
    assert all(re.fullmatch(r"[a-z_]+( [a-z_]+)?", name) for name in told(school))
    assert laptop.device not in str(told(school))


def test_what_is_no_word_of_ours_is_not_counted(school: SchoolOfTest) -> None:
    laptop = enrolled(school)
    facts = {"device": "sdb1", "insertion": "1", "crypt": ["plain"], "mounted": {}}
    laptop.send(
        event(1, "media_present", priority=1, facts=facts),
        event(2, "posture", priority=1, facts={"check": "disk_encryption", "state": [{}]}),
    )
    found = told(school)
    assert (found["unencrypted_media"], found["device_disks unknown"]) == (0, 1)
