"""Signing in and out by pages, in four languages, and one's own account."""

from pathlib import Path

import pytest
from api_of_test import PASSWORD, SchoolOfTest
from pages_of_test import Browser, browser_of

from agent.api.people_schemas import AccountTold
from agent.console.account_pages import picture_of
from rules.roles import Role

NEW = "nine blue lamps 9"


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def test_whoever_signs_in_wrongly_is_told_no_more_than_that(school: SchoolOfTest) -> None:
    browser_of(school, "Tess", Role.TEACHER)
    said = []
    for login, password in (("tess", "wrong"), ("nobody", PASSWORD), ("<b>x</b>", "y")):
        stranger = Browser(school)
        shown = stranger.submit(stranger.get("/sign-in"), "/sign-in", login=login, password=password)
        assert shown.status == 401
        assert shown.form("/sign-in")["login"] == [login]
        assert shown.form("/sign-in")["password"] == [""]
        said.append(shown.text)
    assert len(set(said)) == 1
    assert "is not right" in said[0]


@pytest.mark.parametrize("fields", [{"login": ""}, {"login": "x" * 500}, {"totp": "abc"}, {"login": "\u202e"}])
def test_rubbish_at_the_door_is_refused_in_words(school: SchoolOfTest, fields: dict[str, str]) -> None:
    stranger = Browser(school)
    shown = stranger.submit(stranger.get("/sign-in"), "/sign-in", {"login": "x", "password": "y"} | fields)
    assert shown.status == 401
    assert "Traceback" not in shown.html


def test_whoever_signs_out_is_out(school: SchoolOfTest) -> None:
    teacher = browser_of(school, "Tess", Role.TEACHER)
    done = teacher.submit(teacher.get("/account"), "/sign-out")
    assert done.headers["location"] == "/sign-in"
    assert teacher.get("/account").status == 303


def test_another_password_is_set_and_ends_the_session(school: SchoolOfTest) -> None:
    teacher = browser_of(school, "Tess", Role.TEACHER)
    fields = {"password": PASSWORD, "new_password": NEW, "again": NEW}
    done = teacher.submit(teacher.get("/account"), "/account/password", fields)
    assert done.headers["location"] == "/sign-in?next=%2F"
    again = teacher.submit(teacher.get("/sign-in"), "/sign-in", {"login": "tess", "password": NEW})
    assert again.status == 303


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"new_password": NEW, "again": "nine blue lamps 8"}, "not what stands in the field above"),
        ({"new_password": "short", "again": "short"}, "expected at least 10"),
        ({"new_password": "", "again": ""}, "One field needs another look"),
    ],
)
def test_a_password_that_is_not_taken_says_why(school: SchoolOfTest, fields: dict[str, str], words: str) -> None:
    teacher = browser_of(school, "Tess", Role.TEACHER)
    shown = teacher.submit(teacher.get("/account"), "/account/password", {"password": PASSWORD} | fields)
    assert (shown.status, words in shown.text) == (422, True)


def test_whoever_does_not_know_the_password_is_out(school: SchoolOfTest) -> None:
    teacher = browser_of(school, "Tess", Role.TEACHER)
    fields = {"password": "guess", "new_password": NEW, "again": NEW}
    shown = teacher.submit(teacher.get("/account"), "/account/password", fields)
    assert (shown.status, "the session has ended" in shown.text) == (403, True)
    teacher.cookies.clear()
    shown = teacher.submit(shown, "/sign-in", login="tess", password=PASSWORD)
    assert "opened too long ago" in shown.text
    assert teacher.submit(shown, "/sign-in", login="tess", password=PASSWORD).status == 303


def test_another_authenticator_is_shown_once_as_picture_and_in_letters(school: SchoolOfTest) -> None:
    coordinator = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    shown = coordinator.submit(coordinator.get("/account"), "/account/authenticator", {"password": PASSWORD})
    assert shown.status == 200
    assert "<svg" in shown.html
    assert "style" not in shown.html[shown.html.index("<svg") : shown.html.index("</svg>")]
    assert coordinator.get("/account").status == 303


def test_the_picture_holds_nothing_but_shapes() -> None:
    made = AccountTold(login="x", person="p", totp_uri='otpauth://totp/"><script>x</script>?secret=ABC')
    assert "script" not in picture_of(made)


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Sign in"), ("fr", "Se connecter"), ("nl", "Inloggen"), ("ja", "サインイン")]
)
def test_the_door_speaks_the_language_of_the_browser(school: SchoolOfTest, language: str, words: str) -> None:
    shown = Browser(school, language=language).get("/sign-in")
    assert shown.headings == [words]
    assert f'<html lang="{language}">' in shown.html


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_neither_a_language_nor_the_door_leads_anywhere_else(school: SchoolOfTest, back: str) -> None:
    another_language = Browser(school).get("/language", to="fr", back=back)
    already_in = browser_of(school, "Tess", Role.TEACHER).get("/sign-in", next=back)
    for shown in (another_language, already_in):
        assert (shown.status, shown.headers["location"]) == (303, "/")


def test_a_language_that_somebody_chose_stays(school: SchoolOfTest) -> None:
    stranger = Browser(school, language="fr")
    done = stranger.get("/language", to="nl", back="/sign-in?next=%2Fday")
    assert done.headers["location"] == "/sign-in?next=%2Fday"
    assert stranger.get("/sign-in").headings == ["Inloggen"]
    stranger.get("/language", to="../x", back="//evil.example")
    assert stranger.get("/sign-in").headings == ["Inloggen"]


@pytest.mark.parametrize(
    ("role", "page"),
    [
        (Role.ICT_COORDINATOR, "/day"),
        (Role.TEACHER, "/teaching"),
        (Role.ESAFETY_GOVERNOR, "/governor"),
        (Role.AUDITOR, "/record"),
        (Role.PUPIL, "/tasks"),
    ],
)
def test_everybody_begins_where_what_they_came_for_stands(school: SchoolOfTest, role: Role, page: str) -> None:
    assert browser_of(school, "Ann", role).get("/").headers["location"] == page


def test_the_cookie_of_the_language_is_of_this_host_alone(school: SchoolOfTest) -> None:
    headers = Browser(school).get("/language", to="fr", back="/sign-in").headers
    (cookie,) = (each.lower() for each in headers.get_list("set-cookie") if "language" in each)
    assert cookie.startswith("__host-schoolgate-language=fr;")
    assert {"httponly", "secure", "samesite=strict", "path=/"} <= set(cookie.split("; "))
