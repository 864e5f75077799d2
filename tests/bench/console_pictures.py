"""Take the pictures of the console for `deploy/pictures`: a busy school of test, the system's Chromium, ten pages."""

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import uvicorn

sys.path.insert(0, str(Path(__file__).parents[1]))

from api_of_test import generous
from busy_people_of_test import BusySchool
from busy_school_of_test import busy_school, keep_answering
from parts import need
from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Page as Tab
from served_of_test import DESK, PHONE, chromium, context_of, served, sign_in

from agent.api.security import RateLimit
from agent.block_page.block_app import BASE, create_block_app
from agent.block_page.block_looks import BlockLooks
from agent.block_page.public_pages import PublicPages
from agent.console.languages import COOKIE
from agent.sites.config import parse_site

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "pictures"
MAX_OCTETS: Final = 130_000
QUALITY: Final = 70
_HALF_MINUTE: Final = timedelta(seconds=30)
BLOCKED: Final = "bets.example"
BLOCK_SITE: Final = """\
school: {name: Hill School, timezone: Europe/London, contact: Ms Field in room 7}
packs: [uk-esafety]
networks: {classrooms: {audience: pupil, cidrs: [127.0.0.0/8]}}
policies: {adverts: {block: {names: [bets.example]}, audiences: [pupil]}}
answers: {blocked: page, page_ipv4: 192.0.2.1}
listeners: {api: "127.0.0.1:8443", block_page: "127.0.0.1:8080"}
"""

Tune = Callable[[Tab], None]


def _nothing(_tab: Tab) -> None:
    """Leave a page as it came."""


def _look(tab: Tab) -> None:
    tab.fill("[name=purpose]", "Deciding about this case")
    with tab.expect_navigation():
        tab.click("form[action$='/look'] button")
    tab.evaluate("document.querySelector('#reasons-title').scrollIntoView(); window.scrollBy(0, -16)")


def _preview(tab: Tab) -> None:
    tab.fill("#names", "https://bet.example/odds")
    tab.fill("#reason", "We compare how odds are advertised in maths today.")
    tab.fill("#topic", "Probability")
    tab.locator("#preview").get_by_text("gambling").first.wait_for()
    tab.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")


@dataclass(frozen=True, slots=True)
class Picture:
    """One page: its file, who looks at it, where, and how."""

    name: str
    reader: str
    path: str
    about: str = ""
    tune: Tune = _nothing
    viewport: Any = None
    scheme: Any = "light"
    language: str = "en"


PICTURES: Final = (
    Picture("day", "cora", "/day"),
    Picture("queue", "cora", "/incidents?kind=gambling"),
    Picture("incident", "hana", "/incidents/{id}", "accepted", _look),
    Picture("lesson", "tess", "/teaching", viewport=PHONE),
    Picture("ask", "tess", "/overrides/ask", tune=_preview),
    Picture("decide", "cora", "/overrides/{id}", "request"),
    Picture("governor", "gus", "/governor", scheme="dark"),
    Picture("explain", "cora", "/explain?name=bets.example&who=pupil"),
    Picture("set-up", "nora", "/setup", language="ja"),
)


def take(picture: Picture, busy: BusySchool, browser: Browser, base: str, into: Path) -> None:
    """Take one picture of the console."""
    settings = {"viewport": picture.viewport or DESK, "color_scheme": picture.scheme}
    context = context_of(browser, base, **settings)
    tab = context.new_page()
    # A code is taken once.
    busy.school.now += _HALF_MINUTE
    sign_in(tab, busy.school, picture.reader, busy.members[picture.reader].secret)
    context.add_cookies([{"name": COOKIE, "value": picture.language, "url": base, "secure": True}])
    keep_answering(busy)
    tab.goto(picture.path.format(**busy.examples.get(picture.about, {})))
    picture.tune(tab)
    tab.wait_for_load_state("load")
    tab.screenshot(path=into / f"{picture.name}.jpg", type="jpeg", quality=QUALITY)
    context.close()


@contextmanager
def block_page(busy: BusySchool) -> Iterator[int]:
    """Serve the block page of the school; gives its port."""
    site = parse_site(BLOCK_SITE, path=Path(busy.school.site.paths.state) / "block.yaml").site
    pages = PublicPages(busy.school.parts, generous(), BASE)
    looks = BlockLooks(lambda: site, clock=lambda: busy.school.now)
    app = create_block_app(pages, looks, pace=RateLimit(rate=1e6, burst=10**6))
    settings: dict[str, Any] = {"log_config": None, "log_level": "critical", "lifespan": "off", "ws": "none"}
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, **settings))
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        running.join(20)


def take_block_page(busy: BusySchool, into: Path) -> None:
    """Take the picture of what a child sees whose browser runs no scripts."""
    with block_page(busy) as port, sync_playwright() as playwright:
        arguments = [
            "--no-sandbox",
            f"--host-resolver-rules=MAP * 127.0.0.1:{port}",
            "--disable-features=HttpsUpgrades",
        ]
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=arguments)
        context = browser.new_context(
            viewport={"width": PHONE["width"], "height": PHONE["height"]}, locale="en-GB", java_script_enabled=False
        )
        tab = context.new_page()
        tab.goto(f"http://{BLOCKED}/")
        tab.screenshot(path=into / "blocked.jpg", type="jpeg", quality=QUALITY)
        browser.close()


def main() -> int:
    """Take all of them; gives 1 where one is too big."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=FOLDER)
    parser.add_argument("names", nargs="*", help="only these")
    asked = parser.parse_args()
    asked.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        busy = busy_school(Path(folder))
        with served(busy.school, Path(folder)) as base, chromium() as browser:
            for picture in PICTURES:
                if not asked.names or picture.name in asked.names:
                    take(picture, busy, browser, base, asked.into)
        if not asked.names or "blocked" in asked.names:
            take_block_page(busy, asked.into)
    sizes = {path.name: path.stat().st_size for path in sorted(asked.into.glob("*.jpg"))}
    sys.stdout.writelines(f"{name}: {size:,} octets\n" for name, size in sizes.items())
    return int(max(sizes.values()) > MAX_OCTETS)


if __name__ == "__main__":
    sys.exit(main())
