"""Losses as pages: reported in a minute, shown with what was known, to those who may see it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from fleet_of_test import enrolled
from pages_of_test import Browser, Shown, browser_of

from rules.roles import Role

TEXT = "I had it on the bus this morning, and at school it was gone."


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = SchoolOfTest(tmp_path)
    yield made
    made.parts.fleet.close()


@pytest.fixture
def ann(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Ann", Role.TEACHER)


def report(browser: Browser, **fields: str) -> Shown:
    page = browser.get("/media/lost/report")
    return browser.submit(page, "/media/lost/report", {"text": TEXT, **fields})


def register(browser: Browser) -> str:
    said = {"kind": "stick", "purpose": "Marks of year five", "place": "Desk of 5A", "holds_personal_data": "yes"}
    done = browser.submit(browser.get("/media/register"), "/media/register", said)
    return done.headers["location"].partition("?")[0]


def test_a_loss_is_reported_with_what_was_on_record(ann: Browser) -> None:
    place = register(ann)
    form = ann.get("/media/lost/report", medium="1").form("/media/lost/report")
    assert (form["medium"], form["how"], form["missed_on"]) == (["1"], ["lost"], [""])
    shown = ann.follow(report(ann, medium="M-1", how="stolen"))
    for words in ("are told now", TEXT, "M-1, stolen", "Marks of year five", "Desk of 5A", "Ann"):
        assert words in shown.text
    assert "lost" in ann.get(place).text
    assert "L-1" in ann.get("/media/lost").text


def test_a_laptop_and_something_else_are_reported_too(school: SchoolOfTest, ann: Browser) -> None:
    laptop = enrolled(school)
    assert f"laptop {laptop.device}" in ann.follow(report(ann, device=laptop.device)).text
    assert "something else" in ann.follow(report(ann)).text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", ""),
        ("medium", "many"),
        ("medium", "99"),
        ("device", "<b>"),
        ("device", "nothing"),
        ("missed_on", "2030-01-01"),
        ("how", "eaten"),
    ],
)
def test_what_cannot_be_is_refused_and_what_was_typed_stays(ann: Browser, field: str, value: str) -> None:
    page = report(ann, **{field: value})
    assert page.status == 422
    assert page.form("/media/lost/report")["text"] == ["" if field == "text" else TEXT]


def test_a_medium_is_lost_once(ann: Browser) -> None:
    register(ann)
    assert report(ann, medium="1").status == 303
    assert report(ann, medium="1").status == 422


def test_who_may_see_a_report(school: SchoolOfTest, ann: Browser) -> None:
    register(ann)
    report(ann, medium="1")
    ben = browser_of(school, "Ben", Role.TEACHER)
    assert ben.get("/media/lost/1").status == 404
    assert "Nothing is reported as lost that you may see." in ben.get("/media/lost").text
    for name, role in (("Dora", Role.DATA_PROTECTION_OFFICER), ("Tom", Role.TECHNICIAN), ("Aud", Role.AUDITOR)):
        page = browser_of(school, name, role).get("/media/lost/1")
        assert page.status == 200
        assert TEXT in page.text
        assert ("/media/1" in page.links) == (role is Role.TECHNICIAN)


def test_whoever_reports_a_medium_of_another_learns_nothing_of_its_owner(school: SchoolOfTest, ann: Browser) -> None:
    register(ann)
    ben = browser_of(school, "Ben", Role.TEACHER)
    shown = ben.follow(report(ben, medium="1"))
    assert "Marks of year five" not in shown.text
    assert "Ann" not in shown.text


@pytest.mark.parametrize("language", ["fr", "nl", "ja"])
def test_the_pages_are_made_in_every_language(ann: Browser, language: str) -> None:
    register(ann)
    report(ann, medium="1")
    ann.headers["Accept-Language"] = language
    for path in ("/media/lost", "/media/lost/1", "/media/lost/report"):
        assert f'<html lang="{language}">' in ann.get(path).html
