"""Every page of the console in the browser: axe finds nothing, nothing is refused, it fits and speaks one language.

The pages are those of the table of needs; each is opened as somebody who may, about a thing that there is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import pytest
from busy_people_of_test import BusySchool
from busy_school_of_test import busy_school
from page_faults import axe_faults, fit_faults, frame_faults, left_in_english, need_letters
from playwright.sync_api import Browser, ViewportSize
from playwright.sync_api import Page as Tab
from served_of_test import DESK, PHONE, chromium, complaints_of, context_of, served, sign_in

from agent.console.languages import COOKIE
from agent.console.page_needs import PAGES

MAX_FIRST_VIEW_OCTETS: Final = 150_000
# 1280 at 200 %.
ZOOMED: Final[ViewportSize] = {"width": 640, "height": 400}
SMALL: Final[ViewportSize] = {"width": PHONE["width"], "height": PHONE["height"]}
STRANGER: Final = "nobody"
PUBLIC: Final = ("/recorded", "/blocked", "/notice", "/report", "/receipt", "/sign-in")
# Who opens a page: the first whose beginning of an address it is.
READERS: Final = (
    ("/teaching", "tess"),
    ("/overrides/ask", "tess"),
    ("/overrides/emergency", "cora"),
    ("/overrides", "hana"),
    ("/incidents/report", "tess"),
    ("/incidents/{id}/unseal", "hana"),
    ("/incidents/{id}/metadata", "hana"),
    ("/incidents", "cora"),
    ("/queue", "cora"),
    ("/tasks/{id}", "hana"),
    ("/tasks", "tess"),
    ("/suspensions", "hana"),
    ("/registers/access", "dora"),
    ("/registers/roles", "hana"),
    ("/registers", "hana"),
    ("/record", "hana"),
    ("/governor", "gus"),
    ("/people", "hana"),
    ("/media/erasures", "hana"),
    ("/media", "cora"),
    ("/", "cora"),
)
# What a page is about, where its address has a place for it; the first whose beginning it is.
ABOUT: Final = (
    ("/queue/{id}", "candidate"),
    ("/overrides/{id}", "request"),
    ("/suspensions/{id}", "suspension"),
    ("/incidents/{id}/unseal", "sealed"),
    ("/incidents/{id}/letters", "accepted"),
    ("/incidents/{id}/warnings", "accepted"),
    ("/incidents/{id}/restrictions", "accepted"),
    ("/incidents/{id}/steps", "accepted"),
    ("/incidents/{id}/close", "accepted"),
    ("/incidents/{id}/reopen", "dismissed"),
    ("/incidents/{id}", "candidate"),
    ("/tasks/{id}/{number}/restrict", "restricting"),
    ("/tasks/{id}", "step"),
    ("/record/{number}", "row"),
    ("/people/{id}", "person"),
    ("/devices/{id}", "laptop"),
    ("/media/sign-outs/{number}", "sign-out"),
    ("/media/exceptions/{number}", "exception"),
    ("/media/lost/{number}", "lost"),
    ("/media/{number}/find", "lost medium"),
    ("/media/{number}", "medium"),
    ("/filter/{id}", "version"),
)
# Pages that only lead to another one.
REDIRECTS: Final = {
    "/": "/day",
    "/language": "/day",
    "/incidents/{id}/look": "/incidents/{id}",
    "/incidents/{id}/metadata": "/incidents/{id}",
}
# Parts of pages, which their script puts where they belong.
PARTS: Final = {"/queue/new": "?since=x"}
MORE: Final = {"/explain": "?name=bets.example&who=pupil", "/teaching/check": "?name=bet.example"}


@dataclass(frozen=True, slots=True)
class Visit:
    """Who opens which page of the table, about what where it is not the usual."""

    reader: str
    route: str
    about: str = ""

    @property
    def name(self) -> str:
        return f"{self.reader} {self.route} {self.about}".rstrip()


def _first(table: tuple[tuple[str, str], ...], route: str) -> str:
    return next((value for beginning, value in table if route.startswith(beginning)), "")


CONSOLE: Final = tuple(
    Visit(_first(READERS, route), route) for method, route in PAGES if method == "GET" and route not in PUBLIC
)
# The same pages as they are for others, and about other things.
OTHERS: Final = (
    Visit("hana", "/day"),
    Visit("hana", "/incidents"),
    Visit("sam", "/incidents"),
    Visit("tess", "/overrides"),
    Visit("gus", "/record"),
    Visit("dora", "/record"),
    Visit("hana", "/incidents/{id}", "sealed"),
    Visit("hana", "/incidents/{id}", "about staff"),
    Visit("sam", "/incidents/{id}", "at risk"),
    Visit("hana", "/incidents/{id}", "accepted"),
    Visit("cora", "/overrides/{id}", "running"),
    Visit("cora", "/overrides/{id}", "emergency"),
    Visit("hana", "/media/{number}", "lost medium"),
)
VISITS: Final = (
    *(visit for visit in CONSOLE if visit.route not in {*REDIRECTS, *PARTS}),
    *OTHERS,
    *(Visit(STRANGER, route) for route in PUBLIC),
)

# Pages that show more to whoever says what for.
FOR_A_PURPOSE: Final = tuple(
    visit
    for visit in (*CONSOLE, Visit("hana", "/incidents/{id}", "accepted"))
    if visit.route.startswith("/registers/") or visit.route in ("/incidents/{id}", "/incidents/{id}/letters/{letter}")
)
# A line of what the school's own table calls its rows, which no catalogue translates.
OF_THE_TABLE: Final = {"/governor": ("what may be illegal",)}
PURPOSE: Final = "To prepare the talk with the parents"


@dataclass
class Readers:
    """The school that is served, and a tab of each of its readers, signed in when first asked for."""

    busy: BusySchool
    browser: Browser
    base: str
    tabs: dict[str, Tab] = field(default_factory=dict)
    complaints: dict[str, list[str]] = field(default_factory=dict)
    octets: dict[str, list[int]] = field(default_factory=dict)

    def tab(self, reader: str) -> Tab:
        """Give the tab of somebody."""
        if reader not in self.tabs:
            tab = context_of(self.browser, self.base).new_page()
            if reader != STRANGER:
                sign_in(tab, self.busy.school, reader, self.busy.members[reader].secret)
            self.tabs[reader] = tab
            self.complaints[reader] = complaints_of(tab)
        self.complaints[reader].clear()
        return self.tabs[reader]

    def weigh(self, reader: str) -> list[int]:
        """Count anew the octets that come over the wire, as they are transferred and from no cache."""
        if reader not in self.octets:
            tab = self.tab(reader)
            devtools = tab.context.new_cdp_session(tab)
            devtools.send("Network.enable")
            devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
            counted = self.octets[reader] = list[int]()
            devtools.on("Network.loadingFinished", lambda event: counted.append(int(event["encodedDataLength"])))
        self.octets[reader].clear()
        return self.octets[reader]

    def check(self, visit: Visit, faults: list[str]) -> None:
        """Fail with all that is wrong with a page."""
        if found := faults + self.complaints[visit.reader]:
            pytest.fail("\n  ".join([visit.name, *found]), pytrace=False)

    def address(self, route: str, about: str = "") -> str:
        """Give the address of a page, about something that there is."""
        ids = self.busy.examples[found] if (found := about or _first(ABOUT, route)) else {}
        return route.format(**ids) + (MORE | PARTS).get(route, "")

    def open(self, visit: Visit, *, language: str = "en", viewport: Any = DESK) -> tuple[Tab, list[str]]:
        """Open a page; gives its tab, and what is wrong so far."""
        tab = self.tab(visit.reader)
        tab.set_viewport_size(viewport)
        tab.emulate_media(color_scheme="light")
        tab.context.add_cookies([{"name": COOKIE, "value": language, "url": self.base, "secure": True}])
        response = tab.goto(self.address(visit.route, visit.about))
        assert response is not None
        return tab, [] if response.status == HTTPStatus.OK else [f"status {response.status}"]


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readers]:
    folder: Path = tmp_path_factory.mktemp("school")
    busy = busy_school(folder)
    with served(busy.school, folder) as base, chromium() as browser:
        yield Readers(busy, browser, base)


def test_every_page_of_the_table_has_a_reader() -> None:
    assert {visit.route for visit in CONSOLE} | set(PUBLIC) >= {route for method, route in PAGES if method == "GET"}
    assert [visit for visit in CONSOLE if not visit.reader] == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param("heading.style.color = '#eee'", "axe color-contrast: <h1", id="contrast"),
        pytest.param("heading.innerHTML = '<input>'", "axe label: <input", id="label"),
        pytest.param("heading.style.width = '900px'", "too wide at 640: <h1", id="width"),
        pytest.param(
            "heading.after(document.createElement('h4')); heading.nextSibling.append('x')", "skips", id="level"
        ),
        pytest.param("document.documentElement.lang = 'nl'", "lang is 'nl'", id="language"),
        pytest.param("heading.textContent = 'Nothing waits for you.'", "in English", id="words"),
    ],
)
def test_what_is_wrong_with_a_page_is_found(readers: Readers, spoil: str, said: str) -> None:
    tab, faults = readers.open(Visit("tess", "/tasks"), viewport=ZOOMED)
    assert faults + frame_faults(tab) + fit_faults(tab) == []
    tab.evaluate(f"() => {{ const heading = document.querySelector('h1'); {spoil}; }}")
    faults += axe_faults(tab) + frame_faults(tab) + fit_faults(tab)
    faults += [f"in English: {each}" for each in left_in_english(tab, "fr")] if said == "in English" else []
    assert [each for each in faults if said in each], faults


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.name)
def test_a_page_is_whole_for_everybody(readers: Readers, visit: Visit) -> None:
    octets = readers.weigh(visit.reader)
    tab, faults = readers.open(visit)
    faults += axe_faults(tab) + fit_faults(tab) + frame_faults(tab)
    tab.set_viewport_size(ZOOMED)
    faults += fit_faults(tab)
    tab.set_viewport_size(SMALL)
    tab.emulate_media(color_scheme="dark")
    faults += axe_faults(tab, of_its_look=True) + fit_faults(tab)
    if not 0 < sum(octets) <= MAX_FIRST_VIEW_OCTETS:
        faults.append(f"{sum(octets)} octets")
    readers.check(visit, faults)


@pytest.mark.parametrize("width", [SMALL["width"], 800])
def test_the_menu_opens_by_keyboard_wherever_the_pages_are_behind_it(readers: Readers, width: int) -> None:
    tab, faults = readers.open(Visit("cora", "/"), viewport={"width": width, "height": 900})
    pages = tab.locator(".ways")
    assert faults == []
    assert not pages.is_visible()
    menu = tab.locator(".menu summary")
    for _ in range(10):
        tab.keyboard.press("Tab")
        if menu.evaluate("it => it === document.activeElement"):
            break
    tab.keyboard.press("Enter")
    assert pages.get_by_role("link").first.is_visible()
    tab.set_viewport_size({"width": 1280, "height": 900})
    assert not menu.is_visible()


@pytest.mark.parametrize("visit", FOR_A_PURPOSE, ids=lambda visit: visit.name)
def test_what_is_shown_for_a_purpose_is_whole_too(readers: Readers, visit: Visit) -> None:
    tab, faults = readers.open(visit)
    form = tab.locator("main form", has=tab.locator("[name=purpose]")).first
    form.locator("[name=purpose]").fill(PURPOSE)
    with tab.expect_navigation() as shown:
        form.locator("button").first.click()
    if shown.value.status != HTTPStatus.OK:
        faults.append(f"status {shown.value.status}")
    faults += axe_faults(tab) + fit_faults(tab) + frame_faults(tab)
    tab.set_viewport_size(SMALL)
    faults += fit_faults(tab)
    readers.check(visit, faults)


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.name)
@pytest.mark.parametrize("language", ["fr", "nl", "ja"])
def test_a_page_speaks_one_language_and_fits(readers: Readers, visit: Visit, language: str) -> None:
    tab, faults = readers.open(visit, language=language, viewport=SMALL)
    need_letters(tab, language)
    faults += fit_faults(tab) + frame_faults(tab, language)
    left = left_in_english(tab, language, OF_THE_TABLE.get(visit.route, ()))
    faults += [f"in English: {each}" for each in left]
    readers.check(visit, faults)


@pytest.mark.parametrize(("route", "leads_to"), REDIRECTS.items(), ids=REDIRECTS.keys())
def test_a_page_leads_to_another(readers: Readers, route: str, leads_to: str) -> None:
    tab, faults = readers.open(Visit("cora", route))
    assert faults == []
    assert tab.url == readers.base + readers.address(leads_to)


def test_parts_of_pages_come_alone(readers: Readers) -> None:
    for route in PARTS:
        tab, faults = readers.open(Visit("cora", route))
        assert faults == []
        assert tab.locator("h1").count() == 0
