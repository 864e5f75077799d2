"""A teacher asks and somebody else decides, both in Chromium: the look ahead, the live parts, one thumb."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from api_of_test import REASON, SchoolOfTest
from axe_playwright_python.sync_playwright import Axe
from page_faults import need_letters
from playwright.sync_api import Browser, Route, expect
from playwright.sync_api import Page as Tab
from served_of_test import DESK, PHONE, chromium, complaints_of, context_of, open_person, served, sign_in
from teaching_of_test import teaching_school

from agent.console.pages import DOOR
from agent.people.people import SchoolClass
from rules.override import State
from rules.roles import Role

TALLER = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = teaching_school(tmp_path)
    yield made
    made.store.close()


def opened(school: SchoolOfTest, browser: Browser, base: str, name: str, role: Role, **settings: object) -> Tab:
    """Open somebody, and give their tab, signed in."""
    person, secret = open_person(school, name, role)
    if role is Role.TEACHER:
        with school.store.act() as act:
            school.parts.people.change(act, person, classes=["c5"], actor="system")
    tab = context_of(browser, base, **settings).new_page()
    sign_in(tab, school, name, secret)
    return tab


@contextmanager
def visited(school: SchoolOfTest, folder: Path, browser: Browser) -> Iterator[str]:
    """Serve a school, and close every tab before it ends."""
    with served(school, folder) as base:
        try:
            yield base
        finally:
            for context in browser.contexts:
                context.close()


def fits(tab: Tab) -> bool:
    return bool(tab.evaluate(TALLER))


def faults_in(tab: Tab) -> list[str]:
    """Give what axe finds in the way of somebody who cannot see, or not use a mouse."""
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in Axe().run(tab).response["violations"]]


def test_a_teacher_asks_and_the_approver_decides_with_one_thumb(
    school: SchoolOfTest, browser: Browser, tmp_path: Path
) -> None:
    with visited(school, tmp_path, browser) as base:
        teacher = opened(school, browser, base, "Tess", Role.TEACHER, viewport=DESK)
        settings: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "timezone_id": "Asia/Tokyo"}
        approver = opened(school, browser, base, "Hana", Role.HEAD_TEACHER, **settings)
        complaints = [complaints_of(each) for each in (teacher, approver)]
        approver.goto("/overrides")
        assert fits(approver)

        teacher.goto("/teaching")
        teacher.fill("#ask-name", "https://bet.example/odds")
        teacher.click("text=Ask for it to be open")
        # A link brings the name with it, and the look ahead comes by itself.
        expect(teacher.locator("#preview")).to_contain_text("Opens what is blocked as: Gambling")
        teacher.fill("#names", "crime.example")
        expect(teacher.locator("#preview")).to_contain_text("crime.example stays blocked")
        teacher.fill("#names", "https://bet.example/odds")
        expect(teacher.locator("#preview")).to_contain_text("Opens what is blocked as: Gambling")
        teacher.fill("#reason", REASON)
        assert teacher.input_value("#reason") == REASON
        assert faults_in(teacher) == []
        teacher.click("main button.main")
        expect(teacher.locator(".told")).to_contain_text("It is asked.")

        # Whoever has the list open sees it come.
        expect(approver.locator("#now")).to_contain_text("bet.example")
        approver.tap("#now a")
        expect(approver.locator("#evidence")).to_contain_text("bets.txt, line 3")
        assert fits(approver)
        assert faults_in(approver) == []
        # The clock is that of the school, wherever the telephone thinks that it is.
        expect(approver.locator("#state")).to_contain_text("09:15 until 10:00")
        assert approver.input_value("#until_at") == "2026-03-02T10:00"
        approver.tap("text=To the decision")
        approver.tap(".decide-buttons .main")
        expect(approver.locator(".told")).to_contain_text("Approved.")
        assert school.parts.overrides.list()[0].override.state is State.APPROVED

        # And whoever asked sees that it is decided.
        expect(teacher.locator("#state")).to_contain_text("Open now")
        assert complaints == [[], []]


def test_what_is_typed_while_the_look_ahead_is_on_its_way_is_looked_at(
    school: SchoolOfTest, browser: Browser, tmp_path: Path
) -> None:
    held: list[Route] = []
    with visited(school, tmp_path, browser) as base:
        teacher = opened(school, browser, base, "Tess", Role.TEACHER, viewport=DESK)
        teacher.route("**/overrides/preview", lambda route: held.append(route), times=1)  # noqa: PLW0108 (it is marked)
        teacher.goto("/overrides/ask?name=bet.example")
        while not held:
            teacher.wait_for_timeout(20)
        teacher.fill("#names", "crime.example")
        held[0].continue_()
        expect(teacher.locator("#preview")).to_contain_text("crime.example stays blocked")


def test_what_is_typed_outlives_the_session_and_the_look_ahead(
    school: SchoolOfTest, browser: Browser, tmp_path: Path
) -> None:
    with visited(school, tmp_path, browser) as base:
        teacher = opened(school, browser, base, "Tess", Role.TEACHER, viewport=PHONE)
        teacher.goto("/overrides/ask")
        teacher.fill("#reason", REASON)
        kept = [each for each in teacher.context.cookies() if each["name"] == DOOR]
        teacher.context.clear_cookies()
        teacher.context.add_cookies(kept)  # type: ignore[arg-type] # what the browser gave
        with teacher.expect_response(lambda response: "/overrides/preview" in response.url) as looked:
            teacher.fill("#names", "bet.example")
        assert looked.value.status == 401
        assert teacher.input_value("#reason") == REASON
        teacher.click("main button.main")
        expect(teacher.locator("h1")).to_have_text("Sign in")
        teacher.fill("#login", "tess")
        teacher.fill("#password", "seven green kettles 7")
        teacher.click("main button")
        expect(teacher.locator("main")).to_contain_text(REASON)
        teacher.click("main button.main")
        expect(teacher.locator(".told")).to_contain_text("It is asked.")


@pytest.mark.parametrize("language", ["en-GB", "fr-FR", "nl-NL", "ja-JP"])
def test_every_page_fits_a_telephone_in_every_language(
    school: SchoolOfTest, browser: Browser, tmp_path: Path, language: str
) -> None:
    with school.store.act() as act:
        long = SchoolClass("c6", "Année 6 mit einem sehr langen Namen " * 3, "year6")
        school.parts.people.set_class(act, long, actor="system")
    with visited(school, tmp_path, browser) as base:
        tab = opened(
            school, browser, base, "Ian", Role.ICT_COORDINATOR, viewport=PHONE, locale=language, color_scheme="dark"
        )
        need_letters(tab, language[:2])
        complaints = complaints_of(tab)
        for path in (
            "/teaching",
            f"/teaching/check?whom=year6&name={'long-name.' * 20}example",
            "/overrides",
            "/overrides/ask",
            "/overrides/emergency",
            "/suspensions",
            "/suspensions/ask",
        ):
            tab.goto(path)
            assert fits(tab), path
            assert faults_in(tab) == [], path
        assert complaints == []
