"""Media taken out and let pass: asked for by one person, decided by another, brought back."""

from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import PASSWORD, SchoolOfTest
from pages_of_test import Browser, browser_of

from rules.roles import Role

WHY = "It is needed for the trip of year five."


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


@pytest.fixture
def ann(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Ann", Role.TEACHER)


@pytest.fixture
def tom(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Tom", Role.TECHNICIAN)


@pytest.fixture
def medium(ann: Browser) -> str:
    said = {"kind": "stick", "purpose": "Marks of year five"}
    done = ann.submit(ann.get("/media/register"), "/media/register", said)
    return done.headers["location"].partition("?")[0]


def take(browser: Browser, medium: str, **fields: str) -> str:
    said = {"purpose": WHY, "due_on": "2026-03-03", **fields}
    return browser.follow(browser.submit(browser.get(f"{medium}/sign-out"), f"{medium}/sign-out", said)).text


def decide(browser: Browser, place: str, move: str, reason: str = "") -> str:
    page = browser.get(place)
    (form,) = [action for action, _ in page.forms if action.startswith(place)]
    done = browser.post(f"{place}/{move}", {**page.form(form), "reason": reason})
    return browser.follow(done).text


def test_a_teacher_asks_a_technician_allows_and_writes_down_that_it_is_back(
    ann: Browser, tom: Browser, medium: str
) -> None:
    assert "It is asked." in take(ann, medium)
    assert "Waits for a second person" in tom.get("/media").text
    assert "S-1" in tom.get("/media/sign-outs").text
    assert "It is allowed" in decide(tom, "/media/sign-outs/1", "allow")
    page = ann.get(medium)
    assert "out" in page.text
    assert not any(action.endswith("sign-in") for action, _ in page.forms)
    assert "Bring it to somebody else" in page.text
    back = tom.follow(tom.submit(tom.get(medium), f"{medium}/sign-in"))
    assert "It is back." in back.text
    assert "Nothing is out" in ann.get("/media/sign-outs").text
    assert "S-1" in ann.get("/media/sign-outs", show="all").text


def test_what_should_be_back_stands_first(school: SchoolOfTest, ann: Browser, tom: Browser, medium: str) -> None:
    assert "It may be taken." in take(tom, medium, person="Ann")
    school.now += timedelta(days=3)
    # The session of before is over.
    ann.submit(ann.get("/sign-in"), "/sign-in", {"login": "ann", "password": PASSWORD})
    for browser in (ann, browser_of(school, "Nadia", Role.NETWORK_MANAGER)):
        page = browser.get("/media")
        assert page.headings[1] == "Should be back"
        assert "overdue" in page.text
        assert "S-1" in browser.get("/media/sign-outs", show="overdue").text


def test_nobody_decides_about_their_own(tom: Browser) -> None:
    said = {"kind": "stick", "purpose": "Tools for repairs"}
    place = tom.submit(tom.get("/media/register"), "/media/register", said).headers["location"].partition("?")[0]
    assert "It is asked." in take(tom, place)
    page = tom.get("/media/sign-outs/1")
    assert "somebody else must decide" in page.text
    refused = tom.post("/media/sign-outs/1/allow", {**page.form("/media/sign-outs/1/withdraw"), "reason": ""})
    assert refused.status == 422
    assert "You took it back." in decide(tom, "/media/sign-outs/1", "withdraw")


def test_to_refuse_takes_words_and_what_was_typed_stays(ann: Browser, tom: Browser, medium: str) -> None:
    take(ann, medium)
    page = tom.get("/media/sign-outs/1")
    fields = page.form("/media/sign-outs/1/allow")
    refused = tom.post("/media/sign-outs/1/refuse", {**fields, "reason": "no"})
    assert refused.status == 422
    assert refused.form("/media/sign-outs/1/allow")["reason"] == ["no"]
    assert "It is refused" in decide(tom, "/media/sign-outs/1", "refuse", "It must stay in the school this week.")
    assert "It must stay in the school this week." in ann.get("/media/sign-outs/1").text
    late = tom.post("/media/sign-outs/1/allow", {**fields, "reason": "Now it may go after all."})
    assert late.status == 409
    assert "Now it may go after all." in late.text


@pytest.mark.parametrize(("field", "value"), [("purpose", ""), ("due_on", "2020-01-01"), ("due_on", "")])
def test_what_cannot_be_asked_is_refused_and_what_was_typed_stays(
    ann: Browser, medium: str, field: str, value: str
) -> None:
    said = {"purpose": WHY, "due_on": "2026-03-03", field: value}
    page = ann.submit(ann.get(f"{medium}/sign-out"), f"{medium}/sign-out", said)
    assert page.status == 422
    assert page.form(f"{medium}/sign-out")[field] == [value]


def test_what_somebody_else_asked_for_is_not_there(school: SchoolOfTest, ann: Browser, medium: str) -> None:
    take(ann, medium)
    ben = browser_of(school, "Ben", Role.TEACHER)
    assert ben.get("/media/sign-outs/1").status == 404
    assert "S-1" not in ben.get("/media/sign-outs").text
    for path in ("/media/sign-outs/x", "/media/sign-outs/0", "/media/exceptions/1"):
        assert ben.get(path).status == 404


def test_an_exception_is_asked_for_allowed_and_ended(school: SchoolOfTest, ann: Browser, medium: str) -> None:
    said = {"purpose": "The projector reads no other stick.", "until_on": "2026-03-06"}
    asked = ann.submit(ann.get(f"{medium}/exceptions"), f"{medium}/exceptions", said)
    assert "Please wait" in ann.follow(asked).text
    nadia = browser_of(school, "Nadia", Role.NETWORK_MANAGER)
    assert "E-1" in nadia.get("/media").text
    assert "It is allowed" in decide(nadia, "/media/exceptions/1", "allow")
    assert "E-1" in ann.get(medium).text
    ended = decide(nadia, "/media/exceptions/1", "refuse", "The projector was replaced today.")
    assert "It is refused" in ended
    assert "ended by somebody" in ann.get("/media/exceptions").text


def test_of_two_who_decide_about_an_exception_the_second_is_told_and_keeps_what_they_wrote(
    school: SchoolOfTest, ann: Browser, medium: str
) -> None:
    said = {"purpose": "The projector reads no other stick.", "until_on": "2026-03-06"}
    ann.submit(ann.get(f"{medium}/exceptions"), f"{medium}/exceptions", said)
    nadia, cora = (
        browser_of(school, name, role)
        for name, role in (("Nadia", Role.NETWORK_MANAGER), ("Cora", Role.ICT_COORDINATOR))
    )
    place = "/media/exceptions/1"
    seen = cora.get(place).form(f"{place}/allow")
    decide(nadia, place, "refuse", "The projector was replaced today.")
    late = cora.post(f"{place}/refuse", {**seen, "reason": "The stick can be encrypted."})
    assert late.status == 409
    assert "Decided" in late.text
    assert ", Nadia" in late.text
    assert "What you had written The stick can be encrypted." in late.text


def test_a_technician_sees_an_exception_and_does_not_decide_it(ann: Browser, tom: Browser, medium: str) -> None:
    said = {"purpose": "The projector reads no other stick.", "until_on": "2026-03-06"}
    ann.submit(ann.get(f"{medium}/exceptions"), f"{medium}/exceptions", said)
    page = tom.get("/media/exceptions/1")
    assert page.status == 200
    assert not any(action.startswith("/media/exceptions") for action, _ in page.forms)


@pytest.mark.parametrize("language", ["fr", "nl", "ja"])
def test_the_pages_are_made_in_every_language(ann: Browser, medium: str, language: str) -> None:
    take(ann, medium)
    ann.headers["Accept-Language"] = language
    for path in ("/media/sign-outs", "/media/sign-outs/1", "/media/exceptions", medium, "/media"):
        assert f'<html lang="{language}">' in ann.get(path).html
