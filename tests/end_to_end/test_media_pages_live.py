"""Laptops and media in the system's Chromium, on a telephone: let in by a code, taken out, lost, looked at by axe."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from api_of_test import SchoolOfTest
from axe_playwright_python.sync_playwright import Axe
from fleet_of_test import LaptopOfTest, event
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab
from served_of_test import DESK, PHONE, chromium, complaints_of, context_of, open_person, served, sign_in

from agent.fleet.media_exceptions import Asked
from agent.fleet.media_lost import Missing
from agent.fleet.media_register import Draft
from agent.fleet.media_sign_outs import Wanted
from rules.category import LANGUAGES
from rules.medium import LostHow, MediumKind
from rules.roles import Role

LOCALES = {"en": "en-GB", "fr": "fr-FR", "nl": "nl-NL", "ja": "ja-JP"}
WHY = "It is needed for the trip of year five."
# Whoever writes like this breaks no page and no line.
LONG_LABEL = "Trolley <i>Z</i> " + "nowhereabreak" * 12
DISK_OFF = {"check": "disk_encryption", "state": "off"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = SchoolOfTest(tmp_path)
    yield made
    made.parts.fleet.close()


def beside(do: Callable[..., Any], *with_these: Any) -> None:
    """Do something in a thread of its own: that of the test belongs to the browser's loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(do, *with_these).result(30)


def waiting(school: SchoolOfTest, label: str = "Trolley 7") -> tuple[str, str]:
    """Give a laptop that waits, and the code on its screen."""
    laptop = LaptopOfTest(school)
    beside(laptop.enrol, school.parts.fleet.desk.issue("system", label, uses=2).text)
    device = school.parts.fleet.devices.get(laptop.device)
    assert device is not None
    return laptop.device, school.parts.fleet.desk.code_of(device) or ""


def things(school: SchoolOfTest, teacher: str) -> list[str]:
    """Give the pages of a school where everything is in use: a laptop, a medium taken out, one let pass, one lost."""
    device, _ = waiting(school, LONG_LABEL[:100])
    told = LaptopOfTest(school)
    beside(told.enrol, school.parts.fleet.desk.issue("system", "Trolley 8").text)
    beside(told.send, event(1, "posture", priority=1, facts=DISK_OFF))
    media = school.parts.media
    draft = Draft(MediumKind.STICK, WHY, label=LONG_LABEL, holds_personal_data=True, purge_on=date(2026, 7, 20))
    out, plain, lost = (media.register.register(teacher, draft).number for _ in range(3))
    media.sign_outs.sign_out(teacher, out, Wanted(WHY, date(2026, 3, 3)))
    media.exceptions.ask(teacher, plain, Asked(WHY, date(2026, 3, 3)))
    media.lost.report(teacher, Missing(LostHow.STOLEN, WHY, medium=lost))
    moves = ("change", "purge", "dispose", "sign-out")
    return [
        "/devices",
        "/devices/tokens",
        f"/devices/{device}",
        f"/devices/{told.device}",
        "/media",
        "/media/register",
        f"/media/{out}",
        *(f"/media/{plain}/{move}" for move in moves),
        f"/media/{lost}/find",
        "/media/sign-outs",
        f"/media/sign-outs/{out}",
        "/media/exceptions",
        "/media/exceptions/1",
        "/media/lost",
        "/media/lost/1",
        "/media/lost/report",
    ]


@pytest.mark.parametrize("has_script", [True, False], ids=["with-script", "without-script"])
def test_a_laptop_is_let_in_on_a_telephone_by_the_code_on_its_screen(
    school: SchoolOfTest, browser: Browser, tmp_path: Path, *, has_script: bool
) -> None:
    _, secret = open_person(school, "Nadia", Role.NETWORK_MANAGER)
    device, code = waiting(school)
    with (
        served(school, tmp_path) as base,
        context_of(browser, base, viewport=PHONE, java_script_enabled=has_script) as context,
    ):
        tab = context.new_page()
        complaints = complaints_of(tab)
        sign_in(tab, school, "Nadia", secret)
        tab.goto("/devices")
        tab.click("#waiting a")
        tab.fill("#code", f"{code[:3]} {code[3:]}")
        tab.click("text=Let it in")
        tab.wait_for_url("**?told=approve")
        assert complaints == []
    let_in = school.parts.fleet.devices.get(device)
    assert let_in is not None
    assert let_in.state == "active"


def test_a_teacher_takes_a_stick_out_and_loses_it_and_a_technician_reads_it(
    school: SchoolOfTest, browser: Browser, tmp_path: Path
) -> None:
    _, no_code = open_person(school, "Ann", Role.TEACHER)
    _, secret = open_person(school, "Tom", Role.TECHNICIAN)
    with (
        served(school, tmp_path) as base,
        context_of(browser, base, viewport=PHONE) as hers,
        context_of(browser, base, viewport=PHONE) as his,
    ):
        ann, tom = hers.new_page(), his.new_page()
        sign_in(ann, school, "Ann", no_code)
        sign_in(tom, school, "Tom", secret)
        ann.goto("/media")
        ann.click("text=Put one on the list")
        ann.fill("#purpose", "Marks of year five")
        ann.click("main button.main")
        ann.wait_for_url("**/media/1?told=registered")
        ann.click("text=Take it out")
        ann.fill("#purpose", WHY)
        ann.click("main button.main")
        ann.wait_for_url("**/media/1?told=asked")
        tom.goto("/media")
        tom.click("text=S-1")
        tom.click("main button.main")
        tom.wait_for_url("**?told=allow")
        ann.goto("/media/1")
        ann.click("text=It is lost or stolen")
        assert ann.input_value("#medium") == "1"
        ann.fill("#text", "I had it on the bus this morning, and at school it was gone.")
        ann.click("main button.main")
        ann.wait_for_url("**/media/lost/1?told=reported")
        tom.goto("/media/lost")
        tom.click("text=L-1")
        assert "on the bus" in tom.inner_text("main")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_page(school: SchoolOfTest, browser: Browser, tmp_path: Path, scheme: str) -> None:
    teacher, _ = open_person(school, "Ann", Role.TEACHER)
    _, secret = open_person(school, "Nadia", Role.NETWORK_MANAGER)
    paths = things(school, teacher)
    with served(school, tmp_path) as base, context_of(browser, base, color_scheme=scheme) as context:
        tab = context.new_page()
        sign_in(tab, school, "Nadia", secret)
        found = {}
        for path in paths:
            answer = tab.goto(path)
            assert answer is not None
            assert answer.ok, path
            if violations := violations_of(tab):
                found[path] = violations
        assert found == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_fits_a_telephone_and_a_desk_in_every_language(
    school: SchoolOfTest, browser: Browser, tmp_path: Path, language: str
) -> None:
    teacher, _ = open_person(school, "Ann", Role.TEACHER)
    _, secret = open_person(school, "Nadia", Role.NETWORK_MANAGER)
    paths = things(school, teacher)
    with served(school, tmp_path) as base, context_of(browser, base, locale=LOCALES[language]) as context:
        tab = context.new_page()
        complaints = complaints_of(tab)
        sign_in(tab, school, "Nadia", secret)
        for path in paths:
            tab.goto(path)
            for size in (PHONE, DESK):
                tab.set_viewport_size({"width": size["width"], "height": size["height"]})
                wide = tab.evaluate("document.documentElement.scrollWidth")
                assert wide <= size["width"], (path, size, wide)
        assert complaints == []


def violations_of(tab: Tab) -> list[str]:
    """Let axe look at a page; gives each rule that is broken with where."""
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found = Axe().run(tab, options=rules).response["violations"]
    return [f"{each['id']}: {[node['html'][:200] for node in each['nodes']]}" for each in found]
