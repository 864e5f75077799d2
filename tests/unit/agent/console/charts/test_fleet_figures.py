"""How many laptops are encrypted: three values, and none of them about one laptop."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from fleet_of_test import enrolled, event

from agent.console.charts.fleet_figures import Encryption, read_encryption
from rules.small_numbers import Hidden


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = SchoolOfTest(tmp_path)
    yield made
    made.parts.fleet.close()


def figures(school: SchoolOfTest, small_number: int = 0) -> Encryption:
    with school.store.read() as database, school.parts.fleet.events.read() as told:
        return read_encryption(database, told, small_number=small_number)


def test_without_laptops_there_are_none(school: SchoolOfTest) -> None:
    assert figures(school) == Encryption(0, 0, 0, 0)


def test_encrypted_not_encrypted_and_not_known_are_three_values(school: SchoolOfTest) -> None:
    for name, state in (("Ann", "on"), ("Ben", "off"), ("Cy", "suspended"), ("Di", "unknown"), ("Ed", "on")):
        enrolled(school, name).send(
            event(1, "posture", priority=1, facts={"check": "disk_encryption", "state": state})
        )
    enrolled(school, "Flo")
    assert figures(school) == Encryption(2, 2, 2, 6)


def test_small_numbers_are_hidden(school: SchoolOfTest) -> None:
    enrolled(school)
    found = figures(school, 5)
    assert {found.encrypted, found.not_encrypted, found.unknown, found.total} == {Hidden.FEW}
