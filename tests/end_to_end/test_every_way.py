"""Every page that somebody may open can be reached from where they begin, by at most three clicks.

Links and forms that are looked at by `GET` are ways; of pages about one thing each, the first is followed.
"""

import re
from collections.abc import Iterator

import pytest
from busy_people_of_test import BusySchool
from busy_school_of_test import busy_school
from pages_of_test import Browser, browser_of

from agent.console.page_needs import PAGES
from rules.roles import RIGHTS, Role

MOST_CLICKS = 3
# What is no page to go to: where everybody begins, what leads back, and a part of a page that its script asks for.
NO_PLACES = {"/", "/language", "/sign-in", "/queue/new"}
_FORM = re.compile(r'<form method="get" action="([^"]+)"')
_ROUTES = {
    route: re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(route))) for method, route in PAGES if method == "GET"
}


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> BusySchool:
    return busy_school(tmp_path_factory.mktemp("school"))


def ways_from(browser: Browser, address: str) -> Iterator[str]:
    """Give where a page leads to; nothing where there is none."""
    shown = browser.get(address)
    if shown.status == 200:
        yield from (*shown.links, *_FORM.findall(shown.html))


def route_of(path: str) -> str | None:
    """Give the page of the table that stands at an address, the most exact first."""
    return path if path in _ROUTES else next((each for each in _ROUTES if _ROUTES[each].fullmatch(path)), None)


def reached(browser: Browser, begin: str) -> set[str]:
    """Give the pages of the table that are found within so many clicks."""
    found, level = {begin.partition("?")[0]}, [begin]
    for _ in range(MOST_CLICKS):
        following: list[str] = []
        for way in (each for address in level for each in ways_from(browser, address)):
            route = route_of(way.partition("#")[0].partition("?")[0])
            if route is not None and route not in found:
                found.add(route)
                following.append(way)
        level = following
    return found


@pytest.mark.parametrize("role", list(Role))
def test_every_page_of_a_role_is_reached_from_where_it_begins(busy: BusySchool, role: Role) -> None:
    browser = browser_of(busy.school, f"W{role.replace('_', '')}", role)
    begin = browser.get("/").headers.get("location", "/account")
    wanted = {
        path
        for (method, path), need in PAGES.items()
        if method == "GET" and "{" not in path and not (need.rights and need.rights.isdisjoint(RIGHTS[role]))
    }
    assert sorted(wanted - reached(browser, begin) - NO_PLACES) == []


def test_a_page_without_a_way_is_found(busy: BusySchool) -> None:
    browser = browser_of(busy.school, "Wanda", Role.DATA_PROTECTION_OFFICER)
    assert "/media/lost" not in reached(browser, "/tasks/nowhere")
