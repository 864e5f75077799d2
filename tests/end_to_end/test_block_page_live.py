"""The block page as a child meets it: a gateway that runs, `dig`, and a browser without scripts."""

import http.client
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import BIN, RunningGateway, Upstream, addresses, ede, free_port, make_gateway, wait_until
from page_faults import need_letters
from parts import need
from playwright.sync_api import Browser, Page, sync_playwright

from agent.api.tls import SiteCertificate, open_certificate
from agent.storage.state import read_only

NAME = "casino.example"
HTML = {"Host": NAME, "Accept": "text/html"}
WORDS = "I saw something scary on this page, and I closed it."


@dataclass
class Shown:
    """A gateway that shows the page, and where."""

    gateway: RunningGateway
    port: int
    https_port: int
    certificate: SiteCertificate

    def get(self, path: str = "/", *, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
        """Ask without a browser."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, headers=HTML | headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, dict(response.getheaders()), text


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("page") / "site"
    port, https_port, api = free_port(), free_port(), free_port()
    brought = open_certificate(tmp_path_factory.mktemp("tls"), names=(NAME,), now=datetime.now(UTC))
    listeners = (
        f'listeners: {{api: "127.0.0.1:{api}", block_page: "127.0.0.1:{port}",'
        f' block_page_https: "127.0.0.1:{https_port}", block_page_certificate: "{brought.certificate}",'
        f' block_page_key: "{brought.key}", '
    )
    school = "{name: Test School, timezone: Europe/London, console: 'https://filter.example', contact: room 12}"
    change = {"listeners: {": listeners, "{name: Test School, timezone: Europe/London}": school}
    answers = 'answers: {blocked: page, page_ipv4: 127.0.0.1, page_ipv6: "::1"}\n'
    gateway = make_gateway(folder, upstream, change=change, extra=answers)
    gateway.start()
    try:
        page = Shown(gateway, port, https_port, brought)
        wait_until(lambda: _answers(page))
        yield page
    finally:
        gateway.stop()


def _answers(shown: Shown) -> bool:
    try:
        return shown.get()[0] == 403
    except OSError:
        return False


@pytest.fixture(scope="module")
def chromium(shown: Shown) -> Iterator[Browser]:
    rules = f"MAP *:443 127.0.0.1:{shown.https_port}, MAP * 127.0.0.1:{shown.port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=need("chromium"),
            args=["--no-sandbox", f"--host-resolver-rules={rules}", "--disable-features=HttpsUpgrades"],
        )
        yield browser
        browser.close()


def visit(chromium: Browser, address: str, *, locale: str = "en-GB", **how: Any) -> Page:
    """Open a page as a child does whose browser runs no scripts."""
    context = chromium.new_context(java_script_enabled=False, locale=locale, **how)
    page = context.new_page()
    page.goto(address)
    return page


def test_a_blocked_name_leads_to_the_page_and_to_nothing_else(shown: Shown) -> None:
    answer = shown.gateway.ask(NAME)
    assert (addresses(answer), answer.answer[0].ttl, ede(answer)) == ({"127.0.0.1"}, 10, 17)
    assert addresses(shown.gateway.ask(NAME, "AAAA")) == {"::1"}
    for rdtype in ("HTTPS", "SVCB", "TXT", "MX"):
        other = shown.gateway.ask(NAME, rdtype)
        assert (other.rcode(), other.answer) == (0, [])
    dug = subprocess.run(
        [need("dig"), "+short", "@127.0.0.1", "-p", str(shown.gateway.port), NAME],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert dug.stdout == "127.0.0.1\n"


def test_what_is_illegal_leads_there_too_and_says_nothing_of_what_it_is(shown: Shown) -> None:
    name = "criminal-activity.canary.schoolgate.test"
    answer = shown.gateway.ask(name)
    assert (addresses(answer), ede(answer)) == ({"127.0.0.1"}, 16)
    status, _, text = shown.get(Host=name)
    assert status == 403
    assert "This site is not allowed by law" in text
    assert "Criminal" not in text


@pytest.mark.parametrize(
    ("locale", "heading"),
    [
        ("en-GB", "This site is not open at school"),
        ("fr-FR", "Ce site n\u2019est pas ouvert à l\u2019école"),
        ("nl-NL", "Deze site is niet open op school"),
        ("ja-JP", "このサイトは、学校では見られません"),
    ],
)
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_in_a_browser_without_scripts(
    chromium: Browser, locale: str, heading: str, width: int, scheme: Any
) -> None:
    viewport: Any = {"width": width, "height": 740}
    page = visit(chromium, f"http://{NAME}/slots?x=1", locale=locale, viewport=viewport, color_scheme=scheme)
    need_letters(page, locale[:2])
    assert page.get_by_role("heading", level=1).inner_text() == heading
    assert page.locator(".site").inner_text() == NAME
    assert page.locator("html").get_attribute("lang") == locale[:2]
    # Nothing is wider than the screen, and the stylesheet was let in.
    box = page.locator("main").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= width
    assert page.locator(".ways a").count() == 3
    page.context.close()


def test_another_language_by_a_link(chromium: Browser) -> None:
    page = visit(chromium, f"http://{NAME}/")
    page.get_by_role("link", name="Nederlands").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Deze site is niet open op school"
    page.get_by_role("link", name="Wat wordt er over mij vastgelegd?").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Wat wordt er over mij vastgelegd?"
    assert page.context.cookies() == []
    page.context.close()


def test_a_child_reports_and_asks_after_it(shown: Shown, chromium: Browser) -> None:
    page = visit(chromium, f"http://{NAME}/")
    page.get_by_role("link", name=re.compile("I saw something that upset me")).click()
    assert page.get_by_label("Which site is it about").input_value() == NAME
    assert page.get_by_label("I saw something nasty or frightening").is_checked()
    page.get_by_role("button", name="Send").click()
    # Nothing was written yet.
    assert "Please write a few words" in page.locator("main").inner_text()
    page.get_by_label("What did you see or hear, and when?").fill(WORDS)
    page.get_by_label("Another child").check()
    page.get_by_role("button", name="Français").click()
    page.get_by_role("button", name="English").click()
    assert page.get_by_label("Another child").is_checked()
    page.get_by_role("button", name="Send").click()
    assert page.get_by_role("heading", level=1).inner_text() == "We have your message"
    number = page.locator(".receipt strong").inner_text()
    assert number not in page.url
    page.get_by_role("link", name="What became of my message?").first.click()
    page.get_by_label("The number that you were given").fill(number.lower())
    page.get_by_role("button", name="Look").click()
    assert page.get_by_role("status").inner_text() == "We have it. Nobody has looked at it yet."
    page.context.close()
    with read_only(shown.gateway.folder / "state" / "state.db") as database:
        (count,) = database.execute("SELECT count(*) FROM reports WHERE reporter IS NULL").fetchone()
    assert count == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/.schoolgate/report?about=upsetting",
        "/.schoolgate/report?wish=open",
        "/.schoolgate/receipt",
        "/.schoolgate/recorded",
        "/.schoolgate/blocked",
        "/.schoolgate/notice",
    ],
)
def test_everybody_can_read_it(chromium: Browser, path: str, scheme: Any) -> None:
    viewport: Any = {"width": 360, "height": 740}
    # What looks at the page is a script of the test, which the page itself would not let in.
    context = chromium.new_context(bypass_csp=True, viewport=viewport, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"http://{NAME}{path}")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]})
    assert found.violations_count == 0, found.generate_report()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360
    context.close()


def test_it_works_with_the_keyboard_alone(chromium: Browser) -> None:
    page = visit(chromium, f"http://{NAME}/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/.schoolgate/report*")
    page.context.close()


def test_where_the_school_brings_a_certificate_it_is_shown_by_https(shown: Shown, chromium: Browser) -> None:
    trusting = ssl.create_default_context(cafile=str(shown.certificate.certificate))
    with (
        socket.create_connection(("127.0.0.1", shown.https_port), timeout=10) as plain,
        trusting.wrap_socket(plain, server_hostname=NAME) as sealed,
    ):
        sealed.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\nAccept: text/html\r\n\r\n".encode())
        with sealed.makefile("rb") as answer:
            assert "This site is not open at school" in answer.read().decode()
    page = visit(chromium, f"https://{NAME}/", ignore_https_errors=True)
    assert page.get_by_role("heading", level=1).inner_text() == "This site is not open at school"
    page.context.close()


def test_the_parts_of_a_blocked_site_get_no_page(shown: Shown) -> None:
    for headers in ({"Accept": "image/*"}, {"Accept": "*/*"}, {"Sec-Fetch-Dest": "script"}):
        status, head, text = shown.get("/favicon.ico", **headers)
        assert (status, text) == (403, "This is not open at this school.\n")
        assert head["content-type"].startswith("text/plain")


def test_that_somebody_saw_the_page_is_recorded_nowhere(shown: Shown) -> None:
    for _ in range(20):
        assert shown.get("/quite-secret-path", Host="poker.test")[0] == 403
    state = shown.gateway.folder / "state"
    kept = [shown.gateway.log, *state.glob("state.db*"), *(state / "activity").rglob("*")]
    assert len(kept) >= 2
    for file in kept:
        octets = file.read_bytes() if file.is_file() else b""
        assert b"poker.test" not in octets
        assert b"quite-secret-path" not in octets


def test_when_the_school_opens_a_name_the_page_says_that_it_is_open(shown: Shown) -> None:
    policy = "policies: {opened: {allow: {names: [poker.test]}}}\n"
    text = shown.gateway.site.read_text()
    shown.gateway.site.write_text(text + policy)
    try:
        assert shown.gateway.run("reload").returncode == 0
        wait_until(lambda: shown.get(Host="poker.test")[0] == 503)
        assert "Your school does not block this site" in shown.get(Host="poker.test")[2]
    finally:
        shown.gateway.site.write_text(text)
        assert shown.gateway.run("reload").returncode == 0
    wait_until(lambda: shown.get(Host="poker.test")[0] == 403)


def test_the_check_says_that_https_takes_a_certificate(tmp_path: Path, upstream: Upstream) -> None:
    listeners = f'listeners: {{api: "127.0.0.1:{free_port()}", block_page_https: "127.0.0.1:{free_port()}", '
    gateway = make_gateway(tmp_path / "site", upstream, change={"listeners: {": listeners})
    done = subprocess.run(
        [BIN / "schoolgate", "check", gateway.site], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "block_page_https without block_page_certificate" in done.stdout + done.stderr
    assert "that of a certificate that the school brings" in " ".join((done.stdout + done.stderr).split())
