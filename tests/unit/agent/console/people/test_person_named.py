"""Somebody whom a form names: by name or by id, and never by guessing."""

from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import browser_of

from agent.people.people import SchoolClass
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    school = SchoolOfTest(tmp_path)
    with school.store.act() as act:
        for known_as, title in (("c5", "Year 5"), ("c6", "Year 6")):
            school.parts.people.set_class(act, SchoolClass(known_as, title), actor="system")
        school.parts.people.open(act, "Ann Ash", [Role.TEACHER], actor="system")
        school.parts.people.open(act, "Ben Birch", [Role.TEACHER], actor="system")
        school.parts.people.open(act, "Ben Birch", [Role.PUPIL], actor="system", classes=["c6"])
    return school


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("ann ash", ""),
        ("p1", ""),
        (
            "Ben Birch",
            "Choose one, and write the number before the brackets: p2 (teacher); p3 (pupil, Year 6).",
        ),
        ("Ann", "Nobody at the school is called so"),
    ],
)
def test_a_name_is_somebody_or_a_fault_of_its_field(school: SchoolOfTest, written: str, answer: str) -> None:
    browser = browser_of(school, "Tom", Role.TECHNICIAN)
    fields = {"kind": "stick", "purpose": "Marks of year five", "owner": written}
    done = browser.submit(browser.get("/media/register"), "/media/register", fields)
    assert done.status == (422 if answer else 303)
    assert answer in done.text


def test_who_may_not_read_people_learns_of_nobody(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Tea", Role.TEACHER)
    for written in ("Ben Birch", "p2"):
        fields = {"kind": "stick", "purpose": "Marks of year five", "owner": written}
        done = browser.submit(browser.get("/media/register"), "/media/register", fields)
        assert done.status == 422
        assert "p3" not in done.text
        assert "Year 6" not in done.text


def test_two_of_whom_the_same_is_known_are_told_apart_by_what_the_list_of_the_school_calls_them(
    school: SchoolOfTest,
) -> None:
    with school.store.act() as act:
        for number in range(7):
            made = school.parts.people.open(act, "Cy Cole", [Role.PUPIL], actor="system", classes=["c5"])
            act.database.execute("UPDATE people SET external_id = ? WHERE id = ?", (f"S-{number}", made.id))
    browser = browser_of(school, "Tom", Role.TECHNICIAN)
    fields = {"kind": "stick", "purpose": "Marks of year five", "owner": "Cy Cole"}
    text = browser.submit(browser.get("/media/register"), "/media/register", fields).text
    assert "p4 (pupil, Year 5, S-0); p5 (pupil, Year 5, S-1);" in text
    assert "2 more stand under “People”." in text
