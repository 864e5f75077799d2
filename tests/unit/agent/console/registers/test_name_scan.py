"""Names that must not stand on a page are found in whatever value they are, and other words are none."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest, lesson

from agent.console.registers.name_scan import names_in, read_labels, read_names
from rules.incident_kind import Kind
from rules.roles import Role


@dataclass(frozen=True)
class Told:
    label: str
    count: int = 3
    day: date = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (["Opened for Ada Lovelace today"], "Ada Lovelace"),
        ((Told("x"), Told("ADA lovelace")), "Ada Lovelace"),
        ({"Ada Lovelace": 3}, "Ada Lovelace"),
        ({"x": [Told("Ada\n   Lovelace,")]}, "Ada Lovelace"),
        (["bet.example was asked for"], "bet.example"),
        (["Laptop LT-0042"], "lt-0042"),
        (["山田太郎さん"], "山田太郎"),
        (["Françoise Dupont"], "Françoise Dupont"),
    ],
)
def test_a_name_is_found(told: object, name: str) -> None:
    assert names_in([told], ["Nobody Else", name]) == [name]


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("Mark it well", "Mark"),
        ("Adamant Lovelaces", "Ada Lovelace"),
        ("Ada, and a Lovelace", "Ada Lovelace"),
        (Told("Ada"), "Ada 3"),
        ((Told("Ada"), Told("Lovelace")), "Ada Lovelace"),
        (Kind.STAFF_CONDUCT, Kind.STAFF_CONDUCT.value),
        (7, "7.0"),
        ("の", "の"),
        ("", ""),
        ("alphabet.examples", "bet.example"),
    ],
)
def test_what_is_no_name_is_not_taken_for_one(told: object, name: str) -> None:
    assert names_in([told], [name]) == []


def test_names_are_those_of_people_and_sites_that_were_asked_for_and_of_laptops_that_were_let_in(
    tmp_path: Path,
) -> None:
    school = SchoolOfTest(tmp_path)
    school.person("Ada", Role.TEACHER).post("/overrides", lesson())
    with school.store.act() as act:
        for state in ("active", "revoked", "pending", "refused"):
            act.database.execute(
                "INSERT INTO fleet_devices (id, state, label, machine, host, enrolled_at) VALUES (?, ?, ?, ?, ?, ?)",
                (state, state, f"Laptop {state}", state, "LT-7", "2026-03-02T09:15:00+00:00"),
            )
    with school.store.read() as database:
        assert set(read_names(database)) == {"Ada", "bet.example"}
        assert set(read_labels(database)) == {"Laptop active", "Laptop revoked"}
