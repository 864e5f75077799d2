"""Every chart in a real browser, under the policy of the console: nothing is refused, and people can read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from charts_of_test import STATIC, every_chart
from parts import need
from playwright.sync_api import Browser, Page, sync_playwright

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
SHEETS: Final = ("console.css", "charts.css")
# Asked of each text that is shown: how high its letters are on the screen.
HEIGHTS: Final = """() => [...document.querySelectorAll('svg text')]
    .filter(text => text.getBoundingClientRect().width > 0)
    .map(text => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)"""
# Words that lie outside of their picture, or on one another.
OUTSIDE: Final = """() => [...document.querySelectorAll('svg.chart-picture')]
    .filter(svg => svg.getBoundingClientRect().width > 0)
    .flatMap(svg => {
        const frame = svg.getBoundingClientRect();
        return [...svg.querySelectorAll('text')].filter(text => {
            const box = text.getBoundingClientRect();
            return box.left < frame.left - 4 || box.right > frame.right + 4;
        }).map(text => text.textContent);
    })"""
OVERLAPPING: Final = """() => [...document.querySelectorAll('svg.chart-picture')]
    .filter(svg => svg.getBoundingClientRect().width > 0)
    .flatMap(svg => {
        const boxes = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBBox()]);
        const found = [];
        boxes.forEach(([one, a], place) => boxes.slice(place + 1).forEach(([other, b]) => {
            const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
            const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
            if (across > 1 && down > 5) found.push(one + ' / ' + other);
        }));
        return found;
    })"""


def page_of(language: str) -> str:
    sheets = "".join(f'<link rel="stylesheet" href="/{sheet}">' for sheet in SHEETS)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>Charts</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{sheets}</head>'
        f"<body><main><h1>Charts</h1>{''.join(every_chart(language))}</main></body></html>"
    )


class Charts(BaseHTTPRequestHandler):
    """Gives a page with every chart in the language of its path, and the style sheets."""

    def do_GET(self) -> None:
        name = self.path.strip("/")
        is_sheet = name in SHEETS
        content = (STATIC / name).read_text(encoding="utf-8") if is_sheet else page_of(name)
        self.send_response(200)
        self.send_header("Content-Type", f"text/{'css' if is_sheet else 'html'}; charset=utf-8")
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (as the library calls it)
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Charts) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=need("chromium"), args=["--no-sandbox"])
        yield launched
        launched.close()


@contextmanager
def opened(browser: Browser, address: str, *, width: int, scheme: Any = "light") -> Iterator[tuple[Page, list[str]]]:
    """Give the page, and what the browser has to say about it."""
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(request.url))
    page.goto(address)
    yield page, said
    context.close()


@pytest.mark.parametrize("language", ["en", "fr", "nl", "ja"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_refused_and_everything_can_be_read(
    browser: Browser, address: str, width: int, language: str
) -> None:
    with opened(browser, f"{address}/{language}", width=width) as (page, said):
        # The icon that browsers ask for by themselves is an image of no type.
        assert not [each for each in said if "favicon" not in each]
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert min(page.evaluate(HEIGHTS)) >= 12
        assert page.evaluate(OUTSIDE) == []
        assert page.evaluate(OVERLAPPING) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing(browser: Browser, address: str, width: int, scheme: str) -> None:
    with opened(browser, f"{address}/en", width=width, scheme=scheme) as (page, _said):
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        found = Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_each_width_shows_its_own_picture_alone(browser: Browser, address: str) -> None:
    for width, shown, hidden in ((360, "narrow", "wide"), (1280, "wide", "narrow")):
        with opened(browser, f"{address}/en", width=width) as (page, _said):
            assert page.locator(f".chart-{shown}").first.is_visible()
            assert not page.locator(f".chart-{hidden}").first.is_visible()


def test_print_is_black_on_white_even_where_the_screen_is_dark(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}/en", width=720, scheme="dark") as (page, _said):
        page.emulate_media(media="print")
        fill = "document.querySelector('.series-0 .chart-bar') && getComputedStyle(document.querySelector('{}')).fill"
        assert page.evaluate(fill.replace("{}", ".series-0 .chart-bar")) == "rgb(0, 0, 0)"
        assert page.evaluate(fill.replace("{}", ".chart-ground")) == "rgb(255, 255, 255)"


def test_tables_are_reached_and_opened_by_keyboard(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}/en", width=360) as (page, _said):
        summary = page.locator("#weeks summary").first
        summary.focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "chart-scroll"
