"""Registers, the record, the governor's page and people in a real browser, in four languages."""

from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest, lesson
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab
from served_of_test import DESK, PHONE, chromium, complaints_of, context_of, open_person, served, sign_in

from rules.category import LANGUAGES
from rules.roles import Role

PURPOSE = "The review of this half term"
PAGES = ("/registers", "/registers/overrides", "/record", "/record/3", "/record/anchors", "/governor", "/people")


def is_in_bounds(tab: Tab) -> bool:
    """Say whether a page is no wider than the window."""
    return bool(tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    school = SchoolOfTest(tmp_path)
    school.person("Ada", Role.TEACHER).post("/overrides", lesson())
    for _ in range(12):
        school.candidate()
    return school


def test_every_page_fits_and_nothing_in_it_is_refused_by_the_browser(school: SchoolOfTest, tmp_path: Path) -> None:
    _, secret = open_person(school, "Grace", Role.HEAD_TEACHER)
    with served(school, tmp_path) as base, chromium() as browser:
        for place, language in enumerate(LANGUAGES):
            school.now += timedelta(seconds=30)
            size, scheme = ((PHONE, "dark"), (DESK, "light"))[place % 2]
            context = context_of(browser, base, viewport=size, color_scheme=scheme, locale=language)
            tab = context.new_page()
            complaints = complaints_of(tab)
            sign_in(tab, school, "Grace", secret)
            for path in (*PAGES, "/people/rights", "/people/import", "/people/add"):
                response = tab.goto(path)
                assert response is not None
                assert response.status == 200, path
                assert tab.locator("h1").count() == 1, path
                assert is_in_bounds(tab), (path, language)
            assert complaints == []
            context.close()


def head(browser: Browser, base: str, school: SchoolOfTest, secret: str | None) -> Tab:
    tab = context_of(browser, base).new_page()
    sign_in(tab, school, "Grace", secret)
    return tab


def test_a_register_is_opened_by_keyboard_alone_and_printed_without_what_is_for_the_screen(
    school: SchoolOfTest, tmp_path: Path
) -> None:
    _, secret = open_person(school, "Grace", Role.HEAD_TEACHER)
    with served(school, tmp_path) as base, chromium() as browser:
        tab = head(browser, base, school, secret)
        tab.goto("/registers/overrides")
        tab.focus("#purpose")
        tab.keyboard.type(PURPOSE)
        tab.keyboard.press("Tab")
        tab.keyboard.press("Space")
        tab.keyboard.press("Enter")
        tab.wait_for_selector("table")
        assert tab.locator("tbody tr").count() == 1
        assert "Ada" in tab.inner_text("table")
        tab.emulate_media(media="print")
        assert not tab.locator("nav").first.is_visible()
        assert not tab.locator("button", has_text="Download").is_visible()
        assert PURPOSE in tab.inner_text("main")
        assert "School of Test" in tab.inner_text("main")


def test_people_are_taken_over_from_a_file_after_a_look(school: SchoolOfTest, tmp_path: Path) -> None:
    _, secret = open_person(school, "Grace", Role.HEAD_TEACHER)
    file = tmp_path / "people.csv"
    file.write_text("id,name,roles,classes\n1,Zoe Quill,pupil,5A\n")
    with served(school, tmp_path) as base, chromium() as browser:
        tab = head(browser, base, school, secret)
        tab.goto("/people/import")
        tab.set_input_files("#file", str(file))
        tab.click("main button.main")
        assert "Zoe Quill" in tab.inner_text("table")
        tab.click("main button.main")
        assert "Done, exactly as it was shown." in tab.inner_text("main")
        tab.goto("/people")
        tab.fill("#find", "quill")
        tab.click(".finder button")
        assert "quill" not in tab.url
        assert "Zoe Quill" in tab.inner_text("table")


def test_a_register_and_the_record_are_saved_as_files(school: SchoolOfTest, tmp_path: Path) -> None:
    _, secret = open_person(school, "Grace", Role.HEAD_TEACHER)
    with served(school, tmp_path) as base, chromium() as browser:
        tab = head(browser, base, school, secret)
        tab.goto("/registers/overrides")
        tab.fill("#purpose", PURPOSE)
        with tab.expect_download() as download:
            tab.click("text=Download as CSV")
        assert download.value.suggested_filename == "overrides-2026-03-02.csv"
        tab.goto("/record")
        with tab.expect_download() as download:
            tab.click("text=As JSON Lines")
        assert download.value.suggested_filename == "record-2026-03-02.jsonl"
