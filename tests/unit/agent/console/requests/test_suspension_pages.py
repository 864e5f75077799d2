"""Filtering off by the pages: two people, a reason, an end, and on again at any time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import Browser, browser_of
from teaching_of_test import read

from rules.roles import Role
from rules.suspension import State

FORM = "/suspensions/ask"
WHY = "The tablets need an update that the filter keeps back."
ASKED: dict[str, str | list[str]] = {"networks": ["classrooms"], "lasts": "1h", "reason": WHY}


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = SchoolOfTest(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def asker(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Tim", Role.TECHNICIAN)


@pytest.fixture
def head(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Hana", Role.HEAD_TEACHER)


def ask(browser: Browser, **changes: str | list[str]) -> str:
    done = browser.submit(browser.get(FORM), FORM, ASKED | changes)
    assert done.status == 303, done.text
    return str(done.headers["location"]).removeprefix("/suspensions/").partition("?")[0]


def state_of(school: SchoolOfTest, suspension: str) -> State:
    return school.parts.suspensions.get(suspension).suspension.state


def test_one_asks_another_agrees_and_the_banner_says_it(school: SchoolOfTest, asker: Browser, head: Browser) -> None:
    suspension = ask(asker)
    assert (
        "Filtering stays on until somebody else agrees." in asker.get(f"/suspensions/{suspension}", told="asked").text
    )
    assert "Waits for a decision" in head.get("/suspensions").text
    done = head.submit(head.get(f"/suspensions/{suspension}"), f"/suspensions/{suspension}/agree")
    assert state_of(school, suspension) is State.AGREED
    shown = head.follow(done).text
    assert "Filtering is off there now" in shown
    assert "Filtering is off. Where: classrooms." in read(head.get("/overrides"))


def test_it_is_switched_on_again_with_one_press(school: SchoolOfTest, asker: Browser, head: Browser) -> None:
    suspension = ask(asker)
    school.parts.suspensions.agree(head.person, suspension, version=1)
    done = asker.submit(asker.get(f"/suspensions/{suspension}"), f"/suspensions/{suspension}/end")
    assert state_of(school, suspension) is State.STOPPED
    assert "Filtering is on again." in asker.follow(done).text


def test_whoever_asked_takes_it_back_and_never_agrees(school: SchoolOfTest, asker: Browser, head: Browser) -> None:
    suspension = ask(head, is_for_school="yes", networks=[])
    shown = head.get(f"/suspensions/{suspension}")
    assert "Filtering off: the whole school" in read(shown)
    assert [action for action, _ in shown.forms if action.endswith("/agree")] == []
    form = shown.form(f"/suspensions/{suspension}/withdraw")
    assert head.post(f"/suspensions/{suspension}/agree", form).status == 422
    assert head.post(f"/suspensions/{suspension}/withdraw", form).status == 303
    assert state_of(school, suspension) is State.WITHDRAWN
    assert asker.post(f"/suspensions/{suspension}/agree", form).status == 403


def test_what_is_refused_comes_back_as_it_was_typed(asker: Browser) -> None:
    again = asker.submit(asker.get(FORM), FORM, ASKED | {"reason": "because", "groups": ["year6"]})
    assert again.status == 422
    form = again.form(FORM)
    assert (form["reason"], form["groups"], form["networks"]) == (["because"], ["year6"], ["classrooms"])
    assert 'id="lasts-fault"' in asker.submit(again, FORM, lasts="for ever").html


def test_two_decide_at_once_and_the_second_keeps_what_they_wrote(
    school: SchoolOfTest, asker: Browser, head: Browser
) -> None:
    suspension = ask(asker)
    form = head.get(f"/suspensions/{suspension}").form(f"/suspensions/{suspension}/agree")
    school.parts.suspensions.withdraw(asker.person, suspension, version=1)
    late = head.post(f"/suspensions/{suspension}/refuse", {**form, "reason": WHY})
    assert late.status == 409
    assert "Meanwhile: " in late.text
    assert "Withdrawn" in late.text
    assert f"What you had written {WHY}" in late.text


def test_a_refusal_needs_a_reason(school: SchoolOfTest, asker: Browser, head: Browser) -> None:
    suspension = ask(asker)
    form = head.get(f"/suspensions/{suspension}").form(f"/suspensions/{suspension}/agree")
    assert head.post(f"/suspensions/{suspension}/refuse", {**form, "reason": ""}).status == 422
    assert head.post(f"/suspensions/{suspension}/refuse", {**form, "reason": WHY}).status == 303
    assert state_of(school, suspension) is State.REFUSED
    assert "There are none." not in head.get("/suspensions").text


def test_the_form_says_how_the_documents_of_the_school_want_it(asker: Browser) -> None:
    assert "Switching the filter off" in asker.get(FORM).text


def test_an_end_of_ones_own_goes_first(school: SchoolOfTest, asker: Browser) -> None:
    suspension = ask(asker, until_at="2026-03-02T12:30", from_at="2026-03-02T11:00")
    found = school.parts.suspensions.get(suspension).suspension
    assert found.until_at.isoformat() == "2026-03-02T12:30:00+00:00"
    assert found.from_at.isoformat() == "2026-03-02T11:00:00+00:00"


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.TECHNICIAN, "/suspensions", 200),
        (Role.TECHNICIAN, FORM, 200),
        (Role.ESAFETY_GOVERNOR, "/suspensions", 403),
        (Role.ESAFETY_GOVERNOR, FORM, 403),
        (Role.TEACHER, "/suspensions", 403),
        (Role.PUPIL, FORM, 403),
    ],
)
def test_roles_open_what_is_theirs(school: SchoolOfTest, role: Role, path: str, status: int) -> None:
    assert browser_of(school, "Robin", role).get(path).status == status


def test_who_is_not_known_is_asked_who_they_are(school: SchoolOfTest, asker: Browser) -> None:
    suspension = ask(asker)
    for path in ("/suspensions", FORM, f"/suspensions/{suspension}"):
        assert Browser(school).get(path).status == 303
    assert asker.get("/suspensions/nothing").status == 404


def test_filtering_is_said_to_be_on_only_where_no_other_suspension_is(
    school: SchoolOfTest, asker: Browser, head: Browser
) -> None:
    whole, one = ask(head, is_for_school="yes", networks=[]), ask(asker)
    school.parts.suspensions.agree(browser_of(school, "Nora", Role.HEAD_TEACHER).person, whole, version=1)
    school.parts.suspensions.agree(head.person, one, version=1)
    shown = asker.follow(asker.submit(asker.get(f"/suspensions/{one}"), f"/suspensions/{one}/end"))
    assert "This suspension has ended, but another one is on." in shown.text
    assert "Filtering is on again." not in shown.text


@pytest.mark.parametrize("told", ["agree", "refuse", "withdraw", "end"])
def test_what_was_not_done_is_not_told(asker: Browser, told: str) -> None:
    assert 'class="told"' not in asker.get(f"/suspensions/{ask(asker)}", told=told).html
