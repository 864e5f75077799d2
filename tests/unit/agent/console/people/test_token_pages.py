"""Tokens for programs: made within one's own rights, shown once, ended."""

from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import browser_of

from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def test_a_token_is_shown_once_and_can_be_ended(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Ivy", Role.ICT_COORDINATOR)
    form = browser.get("/tokens")
    assert "You have no tokens." in form.text
    made = browser.submit(form, "/tokens", {"label": "a board", "scopes": ["read_overrides"]})
    assert "This is shown only once." in made.text
    assert "sg_" in made.text
    again = browser.get("/tokens")
    assert "sg_" not in again.text
    assert "a board" in again.text
    (revoke,) = (action for action, _ in again.forms if action.endswith("/revoke"))
    assert "The token has ended." in browser.follow(browser.submit(again, revoke)).text


def test_a_token_is_shown_again_to_whoever_lost_the_answer_but_neither_late_nor_once_it_has_ended(
    school: SchoolOfTest,
) -> None:
    browser = browser_of(school, "Ivy", Role.ICT_COORDINATOR)
    for_late, form = browser.get("/tokens"), browser.get("/tokens")
    fields = {"label": "a board", "scopes": ["read_overrides"]}
    made = browser.submit(form, "/tokens", fields)
    assert browser.submit(form, "/tokens", fields).text == made.text
    (revoke,) = (action for action, _ in made.forms if action.endswith("/revoke"))
    browser.submit(made, revoke)
    late = browser.submit(for_late, "/tokens", fields)
    assert "sg_" in late.text
    school.now += timedelta(minutes=2)
    for old in (form, for_late):
        again = browser.submit(old, "/tokens", fields)
        assert (again.status, again.headings, "sg_" in again.html) == (200, ["This is done already"], False)
    assert school.kinds().count("token_issued") == 2


def test_a_token_that_has_ended_is_not_shown_as_one_that_works(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Ivy", Role.ICT_COORDINATOR)
    form, fields = browser.get("/tokens"), {"label": "a board", "scopes": ["read_overrides"]}
    made = browser.submit(form, "/tokens", fields)
    (revoke,) = (action for action, _ in made.forms if action.endswith("/revoke"))
    browser.submit(made, revoke)
    again = browser.submit(form, "/tokens", fields)
    assert (again.headings, "works" in again.text) == (["This is done already"], False)


def test_what_was_typed_stays_where_something_is_wrong(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Ivy", Role.ICT_COORDINATOR)
    page = browser.submit(browser.get("/tokens"), "/tokens", {"label": "a board"})
    assert page.status == 422
    assert "Please tick what the program may do." in page.text
    assert page.form("/tokens")["label"] == ["a board"]


def test_no_right_is_given_that_one_has_not(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Ivy", Role.ICT_COORDINATOR)
    fields = {"label": "a board", "scopes": ["erase_personal"]}
    assert browser.submit(browser.get("/tokens"), "/tokens", fields).status == 422


def test_a_token_of_somebody_else_is_not_there(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Ivy", Role.ICT_COORDINATOR)
    fields = browser.get("/tokens").form("/tokens")
    assert browser.post("/tokens/0000/revoke", fields).status == 404
