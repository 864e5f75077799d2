"""Every page of the table is there, every page is in the table, and none hides another."""

from starlette.routing import Match

from agent.console.assets import PREFIX
from agent.console.console import console_pages
from agent.console.page_needs import PAGES


def made() -> list[tuple[str, str]]:
    return [
        (method, route.path)
        for route in console_pages().routes
        if not route.path.startswith(PREFIX)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]


def test_every_page_of_the_table_is_made_once_and_no_other() -> None:
    assert sorted(made()) == sorted(PAGES)


def test_no_page_hides_another() -> None:
    for method, path in PAGES:
        scope = {"type": "http", "method": method, "path": path.replace("{", "").replace("}", "")}
        first = next(route for route in console_pages().routes if route.matches(scope)[0] is Match.FULL)
        assert first.path == path
