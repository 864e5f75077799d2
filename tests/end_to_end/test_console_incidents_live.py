"""What a gateway saw, at the console: a candidate accepted by keyboard, a sealed hit, and the view of a governor."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.rcode
import pytest
from conftest import Upstream, wait_until
from console_of_story import at_the_console
from living_school import MINUTE, School, open_school
from playwright.sync_api import Browser, expect
from served_of_test import chromium
from signed_in import YEAR5, YEAR6

from agent.sites.config import load_site
from rules.roles import Role

GAMBLING = tuple(f"{word}-bets.example" for word in ("green", "blue", "red", "white", "black"))
CRIME = "how-to-break-in.example"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def school(tmp_path: Path, upstream: Upstream) -> Iterator[School]:
    with ExitStack() as stack:
        yield open_school(
            tmp_path / "site",
            upstream,
            stack,
            people={"cora": Role.ICT_COORDINATOR, "hedda": Role.HEAD_TEACHER, "gus": Role.ESAFETY_GOVERNOR},
            pupils=2,
            lists={"gambling": GAMBLING, "criminal_activity": [CRIME]},
        )


def test_a_candidate_a_sealed_hit_and_the_governors_view(school: School, browser: Browser) -> None:
    api = load_site(school.staff.site).site.listeners.api
    assert api is not None
    url = f"https://{api}"
    school.sign_in(school.pupils[0], YEAR5, from_at=datetime.now(UTC) - timedelta(hours=1))
    begins = datetime.now(UTC) - 14 * MINUTE
    school.store([(begins + number * MINUTE, YEAR5, name) for number, name in enumerate(GAMBLING)])
    assert school.gateway.ask(CRIME, source=YEAR6).rcode() == dns.rcode.NXDOMAIN
    wait_until(lambda: len(school.read("SELECT 1 FROM incidents")) == 2, seconds=40)

    with at_the_console(browser, url, school.staff, "cora") as tab:
        tab.goto("/incidents")
        case = tab.locator("article.case", has_text="gambling")
        expect(case).to_be_visible()
        assert "Pupil 0" not in tab.content(), "nobody is named before somebody asks who it is"
        assert not any(name in tab.content() for name in (*GAMBLING, CRIME))
        case.focus()
        tab.keyboard.press("a")
        expect(tab.locator("form[action$='/accept']")).to_be_visible()
        tab.locator("input[name=deliberate]").first.check()
        tab.fill("[name=why]", "Five sites within five minutes in a maths lesson.")
        tab.click("button.main:has-text('Accept it')")
        expect(tab.locator("article.done")).to_contain_text("accepted", ignore_case=True)
        wait_until(lambda: school.read("SELECT 1 FROM incidents WHERE state = 'accepted'"))

    with at_the_console(browser, url, school.staff, "hedda") as tab:
        tab.goto("/incidents")
        sealed = tab.locator("article.case", has_text="What to do")
        expect(sealed).to_be_visible()
        assert CRIME not in tab.content()

    with at_the_console(browser, url, school.staff, "gus") as tab:
        tab.goto("/governor")
        shown = tab.content()
        assert not any(word in shown for word in ("Pupil 0", "Cora", "Hedda", YEAR5, *GAMBLING, CRIME))
        assert "fewer than 5" in shown
        answer = tab.request.get(f"{url}/incidents")
        assert answer.status == 403
