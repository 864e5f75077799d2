"""A page knows who asks and what they may open, and shows text from the address nowhere."""

from dataclasses import replace
from pathlib import Path

import pytest
from api_of_test import NOW, SchoolOfTest
from starlette.requests import Request
from starlette.responses import Response

from agent.api.access import Need
from agent.api.security import Caller
from agent.console.keeping import Keeper
from agent.console.page import TOLD_COOKIE, Page, may_open
from agent.texts import load_texts
from rules.roles import Right, Role

TEACHER = Caller("p1", frozenset({Role.TEACHER}), frozenset({Right.REQUEST_OVERRIDE}), proof="x", csrf="y")
WAITING = replace(TEACHER, rights=frozenset(), is_waiting=True)


def page_of(school: SchoolOfTest, *, path: str = "/overrides", query: str = "", who: Caller | None = TEACHER) -> Page:
    scope = {"type": "http", "path": path, "query_string": query.encode(), "headers": [], "path_params": {"id": 7}}
    return Page(Request(scope), school.parts, load_texts("en"), who=who)


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


@pytest.mark.parametrize(
    ("who", "need", "may"),
    [
        (None, Need(is_open=True), True),
        (None, Need(), False),
        (TEACHER, Need(), True),
        (TEACHER, Need(frozenset({Right.REQUEST_OVERRIDE, Right.READ_RECORD})), True),
        (TEACHER, Need(frozenset({Right.READ_RECORD})), False),
        (WAITING, Need(), False),
        (WAITING, Need(is_for_waiting=True), True),
    ],
)
def test_who_may_open_what(who: Caller | None, need: Need, *, may: bool) -> None:
    assert may_open(who, need) is may


def test_it_leads_where_somebody_may_go(school: SchoolOfTest) -> None:
    ways = page_of(school)._navigation("/overrides/x1")
    assert ("/overrides", "Requests", True) in ways
    assert "/people" not in [path for path, _, _ in ways]
    assert page_of(school, who=None)._navigation("/") == []


def test_a_place_in_an_address_is_quoted(school: SchoolOfTest) -> None:
    gone = page_of(school).go("/overrides/a b\r\nX: y", told="done & dusted")
    assert gone.headers["location"] == "/overrides/a%20b%0D%0AX:%20y?told=done+%26+dusted"


def test_a_query_is_bounded_and_a_part_of_the_path_is_text(school: SchoolOfTest) -> None:
    page = page_of(school, query="q=" + "x" * 9000)
    assert (len(page.query("q")), page.query("other", "none"), page.named("id")) == (500, "none", "7")


def test_rights_and_roles_and_the_clock(school: SchoolOfTest) -> None:
    page = page_of(school)
    assert page.may(Right.REQUEST_OVERRIDE, Right.READ_RECORD)
    assert not page.may(Right.READ_RECORD)
    assert page.role_words([Role.AUDITOR, Role.TEACHER]) == "teacher and auditor"
    assert page.now == NOW
    assert page.call.person == "p1"


def test_a_refusal_sets_the_status(school: SchoolOfTest) -> None:
    page = page_of(school)
    page.refused = "Not so."
    assert page.render("problem.html", words="x").status_code == 422
    page.is_stale = True
    assert page.render("problem.html", words="x").status_code == 409


def test_what_a_service_refuses_is_shown_in_the_language_of_the_page(school: SchoolOfTest) -> None:
    page = page_of(school)
    page.texts = load_texts("nl")
    page.refused = "The end lies in the past. year5 is no group of this school."
    page.faults = {"reason": "This is too long; expected at most 400 characters."}
    shown = bytes(page.render("not_kept.html", next="/", is_over=False).body).decode()
    assert "Het einde ligt in het verleden. year5 is geen groep van deze school." in shown
    assert page.words(page.faults["reason"]) == "Dit is te lang; hoogstens 400 tekens zijn toegestaan."


def test_what_was_done_is_told_where_it_leads_and_once(school: SchoolOfTest) -> None:
    keeper = Keeper()
    gone = replace(page_of(school), keeper=keeper).go("/overrides/x1", told="done")
    cookie = gone.headers["set-cookie"]
    assert cookie.startswith(f"{TOLD_COOKIE}=")
    assert {"HttpOnly", "Max-Age=180", "Path=/", "SameSite=strict", "Secure"} <= set(cookie.split("; "))
    there = page_of(school, path="/overrides/x1", query="told=done")
    there.keeper = keeper
    assert there.told({"done": "It is done."}) == ""
    there.request.cookies[TOLD_COOKIE] = cookie.partition("=")[2].partition(";")[0]
    assert there.told({"other": "Something else."}) == ""
    assert (there.told({"done": "It is done."}), there.has_told) == ("It is done.", True)
    shown = Response()
    there.forget_slip(shown)
    assert "Max-Age=0" in shown.headers["set-cookie"]


def test_a_page_that_leads_on_and_tells_nothing_sets_no_cookie(school: SchoolOfTest) -> None:
    assert "set-cookie" not in page_of(school).go("/overrides", number="1").headers


def test_forms_of_two_pages_have_two_numbers(school: SchoolOfTest) -> None:
    assert page_of(school).number != page_of(school).number
