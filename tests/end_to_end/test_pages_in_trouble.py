"""A page while the record is locked, the disk full or the gateway starts again: nothing half done, nothing lost."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest
from conftest import Upstream
from console_of_story import at_the_console, sign_in
from living_school import School, open_school
from parts import small_disk
from playwright.sync_api import Browser, Locator, expect
from playwright.sync_api import Page as Tab
from served_of_test import chromium

from agent.sites.config import load_site
from rules.roles import Role

WHY = "We compare how odds are advertised in maths today."
TROUBLE = "The record cannot be used just now, and nothing was changed; please try again."
PEOPLE = {"tess": Role.CLASS_TEACHER, "hana": Role.HEAD_TEACHER}
SMALL_MEGABYTES = 64
PAGE = 4096
Squeeze = Callable[[School], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Give a folder on a small disk of its own, which nothing else fills."""
    with small_disk(tmp_path / "small", megabytes=SMALL_MEGABYTES) as mounted:
        yield mounted


@pytest.fixture
def school(folder: Path, upstream: Upstream) -> Iterator[School]:
    with ExitStack() as stack:
        yield open_school(folder, upstream, stack, people=PEOPLE)


@pytest.fixture
def url(school: School) -> str:
    return f"https://{load_site(school.gateway.site).site.listeners.api}"


@contextmanager
def somebody_writes(school: School) -> Iterator[None]:
    """Let another program hold the record."""
    with closing(sqlite3.connect(school.staff.state, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def disk_is_full(school: School) -> Iterator[None]:
    """Leave no room on the disk."""
    ballast = school.gateway.folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(PAGE)):
            pass
    try:
        yield
    finally:
        ballast.unlink()


def write_request(tab: Tab) -> Locator:
    """Fill in the form for a request; gives the button that sends it."""
    tab.goto("/overrides/ask")
    tab.fill("#names", "casino.example")
    tab.fill("#reason", WHY)
    tab.check("input[name=groups][value=year5]")
    tab.select_option("[name=lasts]", label="15 minutes")
    expect(tab.locator("#preview")).to_contain_text("Gambling")
    return tab.locator("main form button.main")


def requests(school: School) -> int:
    return int(school.read("SELECT count(*) FROM overrides")[0][0])


@pytest.mark.parametrize("squeeze", [somebody_writes, disk_is_full])
def test_where_the_record_cannot_be_written_what_was_typed_stays_and_nothing_is_half_done(
    school: School, url: str, browser: Browser, squeeze: Squeeze
) -> None:
    with at_the_console(browser, url, school.staff, "tess") as tab:
        send = write_request(tab)
        rows = school.read("SELECT count(*) FROM audit")
        with squeeze(school):
            send.click()
            expect(tab.locator("main")).to_contain_text(TROUBLE, timeout=30_000)
            assert tab.input_value("#reason") == WHY
            assert "casino.example" in tab.input_value("#names")
            # What is only looked at is there all the same.
            assert tab.context.request.get(f"{url}/overrides").status == 200
        assert requests(school) == 0
        assert school.read("SELECT count(*) FROM audit") == rows
        tab.locator("main form button.main").click()
        expect(tab.locator(".told")).to_contain_text("It is asked.")
        assert requests(school) == 1


def test_a_gateway_that_starts_again_under_an_open_form_finds_its_session_and_what_was_typed(
    school: School, url: str, browser: Browser
) -> None:
    with (
        at_the_console(browser, url, school.staff, "tess") as tab,
        at_the_console(browser, url, school.staff, "hana") as watching,
    ):
        with watching.expect_response("**/api/v1/events*"):
            watching.goto("/overrides")
        send = write_request(tab)
        school.gateway.stop()
        expect(watching.locator("#live-lost")).to_be_visible()
        school.gateway.start()
        school.staff.wait_for_interface()
        expect(watching.locator("#live-lost")).to_be_hidden(timeout=40_000)
        send.click()
        expect(tab.locator(".told")).to_contain_text("It is asked.")
        assert requests(school) == 1
        expect(watching.locator("#now")).to_contain_text("casino.example")


def test_whoever_signs_in_again_after_a_restart_finds_what_they_typed(
    school: School, url: str, browser: Browser
) -> None:
    with at_the_console(browser, url, school.staff, "tess") as tab:
        send = write_request(tab)
        school.gateway.stop()
        with closing(sqlite3.connect(school.staff.state, isolation_level=None)) as database:
            database.execute("DELETE FROM sessions")
        school.gateway.start()
        school.staff.wait_for_interface()
        send.click()
        expect(tab.locator("main")).to_contain_text("What you typed is kept for an hour")
        assert requests(school) == 0
        sign_in(tab, school.staff, "tess")
        expect(tab.locator("main")).to_contain_text(WHY)
        tab.click("main button.main")
        expect(tab.locator(".told")).to_contain_text("It is asked.")
        assert requests(school) == 1
