"""The queue worked through by keyboard in Chromium: thirty minutes' work without a mouse, and without JavaScript."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from playwright.sync_api import Page as Tab
from served_of_test import DESK, PHONE, chromium, complaints_of, context_of, open_person, served, sign_in

from agent.storage.incident_rows import read_numbered
from rules.incident import State
from rules.incident_kind import Kind
from rules.roles import Role

WHY = "He said that he wanted to see what it was"


class Desk:
    """A school with a queue, and the Co-ordinator in front of it."""

    def __init__(self, school: SchoolOfTest, base: str, browser: Browser) -> None:
        self.school, self.base, self.browser = school, base, browser
        _, self._secret = open_person(school, "Grace", Role.ICT_COORDINATOR)
        pupils = [open_person(school, f"Pupil{each}", Role.PUPIL)[0] for each in range(3)]
        self.pupil = pupils[2]
        for _ in range(3):
            school.candidate(about=pupils[0], intent=90)
        school.candidate(Kind.BYPASS, about=pupils[1], intent=80)
        school.candidate(Kind.GAMES, about=pupils[2], intent=62)

    def open(self, **settings: object) -> Tab:
        """Sign the Co-ordinator in, and open the queue."""
        self.school.now += timedelta(seconds=31)
        tab = context_of(self.browser, self.base, **settings).new_page()
        sign_in(tab, self.school, "Grace", self._secret)
        tab.goto("/incidents")
        return tab

    def states(self, *numbers: int) -> list[State]:
        with self.school.store.read() as database:
            found = [read_numbered(database, number) for number in numbers]
        return [each.incident.state for each in found if each is not None]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    school = SchoolOfTest(tmp_path)
    with served(school, tmp_path) as base, chromium() as browser:
        yield Desk(school, base, browser)


def titled(tab: Tab) -> str:
    """Give the heading of the case that has the focus."""
    return str(tab.evaluate("(document.activeElement.closest('.case') || {innerText: ''}).innerText"))


def test_a_queue_is_worked_through_by_keyboard_alone(desk: Desk) -> None:
    tab = desk.open()
    complaints = complaints_of(tab)

    # Going through it.
    for key, title in (("j", "Case 1"), ("j", "Case 4"), ("ArrowDown", "Case 5"), ("j", "Case 5"), ("k", "Case 4")):
        tab.keyboard.press(key)
        assert title in titled(tab), key
    tab.keyboard.press("ArrowUp")
    assert "Case 1: gambling and 2 more" in titled(tab)

    # Dismissing a group, for a usual reason: the next case has the focus, and it is announced.
    tab.keyboard.press("d")
    expect(tab.locator("#case-" + case_id(tab, 1) + " input[name=dismissal]").first).to_be_focused()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(tab.locator("#queue-said")).to_have_text("3 cases are dismissed.")
    assert "Case 4" in titled(tab)
    assert desk.states(1, 2, 3) == [State.DISMISSED] * 3

    # That was a slip.
    tab.keyboard.press("u")
    expect(tab.locator("#queue-said")).to_contain_text("Undone.")
    assert "Case 1" in titled(tab)
    assert desk.states(1, 2, 3) == [State.CANDIDATE] * 3

    # Accepting: nothing but the proposed row, what it was, and why.
    tab.keyboard.press("j")
    tab.keyboard.press("a")
    expect(tab.locator(".case select[name=row]")).to_be_focused()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Space")
    tab.keyboard.press("Tab")
    tab.keyboard.type(WHY)
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    expect(tab.locator("#queue-said")).to_contain_text("Accepted.")
    assert desk.states(4) == [State.ACCEPTED]
    assert "Case 5" in titled(tab)

    # Another kind, begun and left; then its page.
    tab.keyboard.press("r")
    expect(tab.locator(".case select[name=kind]")).to_be_focused()
    tab.keyboard.press("Escape")
    expect(tab.locator(".case.open")).to_have_count(0)
    assert "Case 5" in titled(tab)
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/incidents/" + case_id_of(desk, 5))
    assert complaints == []


def case_id(tab: Tab, number: int) -> str:
    found = tab.locator(f".case:has-text('Case {number}')").first.get_attribute("id")
    assert found is not None
    return found.removeprefix("case-")


def case_id_of(desk: Desk, number: int) -> str:
    with desk.school.store.read() as database:
        found = read_numbered(database, number)
    assert found is not None
    return found.incident.id


def test_the_focus_goes_on_while_another_part_of_the_page_changes(desk: Desk) -> None:
    tab = desk.open()
    # As htmx tells of the answer for a live part, between the swap of a card and its settling.
    tab.evaluate(
        """() => document.body.addEventListener("htmx:afterSwap", () => {
            const part = document.getElementById("queue-new");
            const detail = {target: part, shouldSwap: true, xhr: {status: 200}, requestConfig: {elt: part}};
            document.body.dispatchEvent(new CustomEvent("htmx:beforeSwap", {detail}));
        })"""
    )
    tab.keyboard.press("j")
    tab.keyboard.press("a")
    expect(tab.locator(".case select[name=row]")).to_be_focused()


def test_a_form_that_is_refused_keeps_what_was_typed_and_has_the_focus(desk: Desk) -> None:
    tab = desk.open()
    tab.keyboard.press("j")
    tab.keyboard.press("d")
    words = tab.locator("textarea[name=words]")
    words.fill("ad")
    tab.locator(".case.open button.main").click()
    expect(tab.locator(".case.open .fault")).to_have_text("Please choose one.")
    expect(words).to_have_value("ad")
    expect(tab.locator("input[name=dismissal]").first).to_be_focused()
    # What is typed in a field is no key.
    words.press("d")
    expect(words).to_have_value("dad")
    assert desk.states(1) == [State.CANDIDATE]


def test_single_keys_can_be_switched_off_and_stay_so(desk: Desk) -> None:
    tab = desk.open()
    tab.keyboard.press("?")
    expect(tab.get_by_text("next case, case before")).to_be_visible()
    tab.get_by_label("Single keys work in this list").uncheck()
    tab.reload()
    expect(tab.get_by_label("Single keys work in this list")).not_to_be_checked()
    for key in ("j", "d", "?"):
        tab.keyboard.press(key)
    assert titled(tab) == ""
    expect(tab.locator(".case.open")).to_have_count(0)
    # The keys that every page has work on.
    tab.locator(".case a.button").first.focus()
    tab.keyboard.press("Enter")
    expect(tab.locator(".case.open")).to_have_count(1)
    tab.keyboard.press("Escape")
    expect(tab.locator(".case.open")).to_have_count(0)


def test_what_is_new_is_announced_and_shown_when_somebody_asks(desk: Desk) -> None:
    tab = desk.open()
    tab.keyboard.press("j")
    before = titled(tab)
    # The stream is there once the first event has come through it.
    for _ in range(20):
        desk.school.now += timedelta(seconds=1)
        desk.school.candidate(Kind.SOCIAL, about=desk.pupil)
        desk.school.parts.follower.look()
        tab.wait_for_timeout(600)
        if tab.locator("#queue-new .notice").count():
            break
    expect(tab.locator("#queue-new")).to_contain_text("new case")
    assert titled(tab) == before
    assert tab.locator("#queue .case").count() == 3
    tab.get_by_text("Show them").click()
    tab.wait_for_load_state()
    expect(tab.locator("#queue .case")).to_have_count(4)


def test_without_javascript_every_decision_is_a_page(desk: Desk) -> None:
    tab = desk.open(java_script_enabled=False)
    expect(tab.get_by_label("Single keys work in this list")).to_have_count(1)
    expect(tab.get_by_label("Single keys work in this list")).to_be_hidden()
    tab.locator(".case").first.get_by_role("link", name="Dismiss").click()
    tab.get_by_label("it was part of a lesson").check()
    tab.get_by_role("button", name="Dismiss it").click()
    expect(tab.get_by_text("3 cases are dismissed.")).to_be_visible()
    assert desk.states(1, 2, 3) == [State.DISMISSED] * 3
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_text("messages that went out are not called back")).to_be_visible()
    assert desk.states(1, 2, 3) == [State.CANDIDATE] * 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["telephone", "desktop"])
def test_nothing_is_in_anybodys_way(desk: Desk, size: dict[str, int], scheme: str) -> None:
    tab = desk.open(viewport=size, color_scheme=scheme)
    for key, what in (("?", "#queue-help[open]"), ("d", ".case.open form")):
        tab.keyboard.press(key)
        tab.wait_for_selector(what)
        found = Axe().run(tab).response["violations"]
        assert [f"{each['id']}: {each['nodes'][0]['html']}" for each in found] == []
        assert tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    tab.locator("input[name=dismissal]").first.check()
    tab.locator(".case.open button.main").click()
    tab.wait_for_selector(".case.done")
    assert [each["id"] for each in Axe().run(tab).response["violations"]] == []
