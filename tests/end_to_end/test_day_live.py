"""The page of the day in a browser: it follows the record, says so when it cannot, and comes back by itself."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from api_of_test import SchoolOfTest, Visitor, lesson
from day_of_test import answer, move_in
from playwright.sync_api import APIResponse, Route, expect
from playwright.sync_api import Page as Tab
from served_of_test import chromium, complaints_of, context_of, open_person, served, sign_in

from agent.api.events import MAX_OF_A_PERSON
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    made = SchoolOfTest(tmp_path)
    move_in(made, tmp_path)
    answer(made)
    return made


def ask(teacher: Visitor, **changes: Any) -> None:
    """Ask for an override, beside the loop of the browser."""
    with ThreadPoolExecutor(1) as aside:
        assert aside.submit(teacher.post, "/overrides", lesson(**changes)).result().status_code == 201


def test_what_waits_comes_without_loading_the_page_again_however_often(school: SchoolOfTest, tmp_path: Path) -> None:
    _, secret = open_person(school, "Grace", Role.ICT_COORDINATOR)
    teacher = school.person("Theo", Role.TEACHER)
    with served(school, tmp_path) as base, chromium() as browser:
        tab = context_of(browser, base).new_page()
        found = complaints_of(tab)
        sign_in(tab, school, "Grace", secret)
        tab.goto("/day")
        expect(tab.locator("#day-waiting")).to_contain_text("Nothing waits for you")
        ask(teacher)
        expect(tab.locator("#day-waiting")).to_contain_text("Waiting for you: 1 request.")
        ask(teacher, names=["cdn.bet.example"])
        expect(tab.locator("#day-waiting")).to_contain_text("Waiting for you: 2 requests.")
        assert found == []


def test_what_comes_while_the_page_is_on_its_way_is_not_missed(school: SchoolOfTest, tmp_path: Path) -> None:
    _, secret = open_person(school, "Grace", Role.ICT_COORDINATOR)
    teacher = school.person("Theo", Role.TEACHER)

    def ask_before(route: Route) -> None:
        # The gateway tells whoever listens at once, and nobody does yet.
        ask(teacher)
        route.continue_()

    with served(school, tmp_path) as base, chromium() as browser:
        tab = context_of(browser, base).new_page()
        sign_in(tab, school, "Grace", secret)
        tab.route("**/api/v1/events*", ask_before, times=1)
        tab.goto("/day")
        expect(tab.locator("#day-waiting")).to_contain_text("Waiting for you: 1 request.")


def test_what_comes_while_a_part_is_asked_for_is_asked_for_again(school: SchoolOfTest, tmp_path: Path) -> None:
    _, secret = open_person(school, "Grace", Role.ICT_COORDINATOR)
    teacher = school.person("Theo", Role.TEACHER)
    held: list[tuple[Route, APIResponse]] = []

    def hold_first(route: Route) -> None:
        if held or route.request.headers.get("hx-target") != "day-waiting":
            route.continue_()
        else:
            held.append((route, route.fetch()))

    with served(school, tmp_path) as base, chromium() as browser:
        tab = context_of(browser, base).new_page()
        sign_in(tab, school, "Grace", secret)
        tab.route("**/day", hold_first)
        tab.goto("/day")
        wait_for_listeners(school, tab, 1)
        ask(teacher)
        while not held:
            tab.wait_for_timeout(20)
        ask(teacher, names=["cdn.bet.example"])
        # So long that the page has heard of it.
        tab.wait_for_timeout(1500)
        route, answer = held[0]
        route.fulfill(response=answer)
        expect(tab.locator("#day-waiting")).to_contain_text("Waiting for you: 2 requests.")


def test_a_gateway_that_starts_again_under_an_open_page_is_told_and_found_again(
    school: SchoolOfTest, tmp_path: Path
) -> None:
    _, secret = open_person(school, "Grace", Role.ICT_COORDINATOR)
    teacher = school.person("Theo", Role.TEACHER)
    with chromium() as browser:
        with served(school, tmp_path) as base:
            tab = context_of(browser, base).new_page()
            sign_in(tab, school, "Grace", secret)
            # What a worker said more than five seconds ago is not known any more.
            answer(school)
            with tab.expect_response("**/api/v1/events*"):
                tab.goto("/day")
            expect(tab.locator("#day-filtering")).to_contain_text("Filtering is on in all 3 networks")
        # Nobody answers: the page stays as it was, and says that it may be old.
        expect(tab.locator("#live-lost")).to_be_visible()
        expect(tab.locator("#day-filtering")).to_contain_text("Filtering is on in all 3 networks")
        ask(teacher)
        school.store.close()
        again = SchoolOfTest(tmp_path)
        again.site = school.site
        answer(again, silent=2)
        with served(again, tmp_path, port=int(base.rpartition(":")[2])):
            expect(tab.locator("#live-lost")).to_be_hidden(timeout=40_000)
            expect(tab.locator("#day-filtering")).to_contain_text("the gateway does not answer")
            expect(tab.locator("#day-filtering")).to_contain_text("No gateway answers.")
            expect(tab.locator("#day-waiting")).to_contain_text("Waiting for you: 1 request.")


def be_seen(tab: Tab, *, is_seen: bool) -> None:
    """Bring a tab into sight or out of it; to Chromium without a window all of them are in sight."""
    hidden = "false" if is_seen else "true"
    tab.evaluate(f"Object.defineProperty(document, 'hidden', {{configurable: true, get: () => {hidden}}})")
    tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def wait_for_listeners(school: SchoolOfTest, tab: Tab, count: int) -> None:
    deadline = time.monotonic() + 15
    while len(school.parts.hub._listeners) != count and time.monotonic() < deadline:
        tab.wait_for_timeout(20)
    assert len(school.parts.hub._listeners) == count


def test_eight_pages_of_one_browser_all_load_and_the_last_follow(school: SchoolOfTest, tmp_path: Path) -> None:
    _, secret = open_person(school, "Grace", Role.ICT_COORDINATOR)
    teacher = school.person("Theo", Role.TEACHER)
    with served(school, tmp_path) as base, chromium() as browser:
        context = context_of(browser, base)
        tabs = [context.new_page() for _ in range(8)]
        sign_in(tabs[0], school, "Grace", secret)
        for tab in tabs:
            with tab.expect_response("**/api/v1/events*"):
                tab.goto("/day")
            expect(tab.locator("#day-waiting")).to_contain_text("Nothing waits for you")
        wait_for_listeners(school, tabs[0], MAX_OF_A_PERSON)
        ask(teacher)
        for tab in tabs[-MAX_OF_A_PERSON:]:
            expect(tab.locator("#day-waiting")).to_contain_text("Waiting for you: 1 request.")
            expect(tab.locator("#live-lost")).to_be_hidden()
        expect(tabs[0].locator("#live-lost")).to_be_visible()
        tabs[0].evaluate("window.dispatchEvent(new Event('focus'))")
        expect(tabs[0].locator("#day-waiting")).to_contain_text("Waiting for you: 1 request.")
        expect(tabs[0].locator("#live-lost")).to_be_hidden()


def test_a_page_out_of_sight_follows_nothing_and_catches_up_when_it_is_seen_again(
    school: SchoolOfTest, tmp_path: Path
) -> None:
    _, secret = open_person(school, "Grace", Role.ICT_COORDINATOR)
    teacher = school.person("Theo", Role.TEACHER)
    with served(school, tmp_path) as base, chromium() as browser:
        tab = context_of(browser, base).new_page()
        found = complaints_of(tab)
        sign_in(tab, school, "Grace", secret)
        tab.goto("/day")
        wait_for_listeners(school, tab, 1)
        be_seen(tab, is_seen=False)
        wait_for_listeners(school, tab, 0)
        ask(teacher)
        expect(tab.locator("#day-waiting")).to_contain_text("Nothing waits for you")
        be_seen(tab, is_seen=True)
        expect(tab.locator("#day-waiting")).to_contain_text("Waiting for you: 1 request.")
        wait_for_listeners(school, tab, 1)
        assert found == []


def test_news_of_a_part_that_somebody_works_in_comes_when_they_leave(school: SchoolOfTest, tmp_path: Path) -> None:
    _, secret = open_person(school, "Grace", Role.ICT_COORDINATOR)
    teacher = school.person("Theo", Role.TEACHER)
    ask(teacher)
    with served(school, tmp_path) as base, chromium() as browser:
        tab = context_of(browser, base).new_page()
        sign_in(tab, school, "Grace", secret)
        tab.goto("/day")
        wait_for_listeners(school, tab, 1)
        waiting = tab.locator("#day-waiting")
        waiting.locator("a").first.focus()
        ask(teacher, names=["cdn.bet.example"])
        expect(waiting).to_have_attribute("data-late", "yes")
        expect(waiting).to_contain_text("Waiting for you: 1 request.")
        tab.focus("#main")
        expect(waiting).to_contain_text("Waiting for you: 2 requests.")


def test_a_part_that_is_refused_is_told_and_asked_for_again(school: SchoolOfTest, tmp_path: Path) -> None:
    _, secret = open_person(school, "Grace", Role.ICT_COORDINATOR)
    teacher = school.person("Theo", Role.TEACHER)
    with served(school, tmp_path) as base, chromium() as browser:
        tab = context_of(browser, base).new_page()
        sign_in(tab, school, "Grace", secret)
        tab.goto("/day")
        wait_for_listeners(school, tab, 1)
        tab.route("**/day", lambda route: route.fulfill(status=429, body="Too often."))
        ask(teacher)
        expect(tab.locator("#live-lost")).to_be_visible()
        expect(tab.locator("#day-waiting")).to_contain_text("Nothing waits for you")
        tab.unroute("**/day")
        # Whoever works at the page leaves one thing after another.
        tab.wait_for_function(
            """() => {
                document.body.dispatchEvent(new FocusEvent('focusout', {bubbles: true}));
                return document.querySelector('#day-waiting').innerText.includes('Waiting for you: 1 request.');
            }""",
            polling=500,
            timeout=20_000,
        )
        expect(tab.locator("#live-lost")).to_be_hidden()
