"""From an empty folder to a filtering school, in a browser: the guide, the first block, the first override."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Upstream, wait_until
from console_of_story import FirstSchool, at_the_console
from playwright.sync_api import Browser, expect
from playwright.sync_api import Page as Tab
from served_of_test import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def school(tmp_path: Path) -> Iterator[FirstSchool]:
    begun = FirstSchool.begin(tmp_path / "school")
    begun.gateway.start()
    begun.staff.wait_for_interface()
    yield begun
    begun.gateway.stop()


def add_person(tab: Tab, school: FirstSchool, name: str, *roles: str) -> str:
    """Add somebody with an account, by the pages; gives the first password, which is shown this once."""
    login = name.split(maxsplit=1)[0].lower()
    tab.goto("/people/add")
    tab.fill("#name", name)
    for role in roles:
        tab.check(f"input[name=roles][value={role}]")
    tab.click("main form button.main")
    tab.fill("#login", login)
    tab.click("text=Make an account")
    shown = tab.locator("dd.secret, dd .secret")
    expect(shown.first).to_have_text(login)
    secret = shown.nth(2).inner_text() if shown.count() > 2 else ""
    school.staff.know(login, "", secret)
    return shown.nth(1).inner_text()


def keep(tab: Tab) -> None:
    """Take a form of the guide into the draft."""
    tab.click("text=Take it into the draft")
    expect(tab.locator(".told")).to_have_text("It stands in the draft.")


def put_in_place(school: FirstSchool) -> None:
    """Do on the gateway what the guide says."""
    done = school.gateway.run("setup", "put", "--yes", "--site", str(school.gateway.site))
    assert done.returncode == 0, done.stdout + done.stderr


def set_up(tab: Tab, school: FirstSchool, upstream: Upstream) -> None:
    """Go through the guide: name, networks with a class, a list of one's own, the resolver."""
    ours = school.gateway.folder / "ours.txt"
    ours.write_text("casino.example\n")
    tab.goto("/setup")
    assert "It still has the name of the example." in tab.inner_text("main")
    tab.goto("/setup/school")
    tab.fill("#name", "Hill School")
    keep(tab)
    tab.goto("/setup/networks")
    tab.fill("#name-3", "hall")
    tab.fill("#cidrs-3", "127.0.2.0/24")
    tab.fill("#groups-3", "6b")
    keep(tab)
    tab.goto("/setup/lists")
    tab.fill("#name-1", "ours")
    tab.fill("#source-1", str(ours))
    tab.select_option("#category-1", "gambling")
    keep(tab)
    tab.goto("/setup/upstreams")
    tab.fill("#servers", f"udp://127.0.0.1:{upstream.port}")
    keep(tab)
    tab.goto("/setup/draft")
    assert "schoolgate setup put" in tab.inner_text("main")


def test_from_an_empty_folder_to_the_first_block_and_the_first_override(
    school: FirstSchool, browser: Browser, upstream: Upstream
) -> None:
    pupil = "127.0.2.9"
    with at_the_console(browser, school.url, school.staff, "mona") as tab:
        set_up(tab, school, upstream)
        assert "status: REFUSED" in school.dig("casino.example", pupil), "no page changes the filter"
        put_in_place(school)
        wait_until(lambda: "Blocked by your school" in school.dig("casino.example", pupil))
        assert "192.0.2.10" in school.dig("www.example", pupil), "what is allowed is answered by the resolver"
        tab.goto("/setup")
        assert tab.locator("header .school").inner_text() == "Hill School"
        assert "There is no draft that waits." in tab.inner_text("main")
        cora = add_person(tab, school, "Cora Example", "ict_coordinator")
        tess = add_person(tab, school, "Tess Example", "teacher")

    with at_the_console(browser, school.url, school.staff, "tess", tess) as tab:
        tab.goto("/overrides/ask?name=casino.example")
        tab.check("input[name=groups][value='6b']")
        tab.fill("#reason", "We compare how odds are advertised.")
        expect(tab.locator("#preview")).to_contain_text("Gambling", ignore_case=True)
        tab.click("button.main:has-text('Ask')")
        tab.wait_for_url(lambda address: "/ask" not in address)
        request = tab.url

    with at_the_console(browser, school.url, school.staff, "cora", cora) as tab:
        tab.goto(request)
        assert "We compare how odds are advertised." in tab.inner_text("main")
        expect(tab.locator("#evidence")).to_contain_text("casino.example")
        tab.click("button.main:has-text('Approve')")
        expect(tab.locator(".told")).to_be_visible()
        wait_until(lambda: "192.0.2.13" in school.dig("casino.example", pupil))
        assert "Blocked by your school" in school.dig("casino.example", "127.0.0.1"), "only for the class"
