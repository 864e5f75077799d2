"""One incident in the system's Chromium: from the candidate to the closed case, on a telephone, on paper, by hand."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import PASSWORD, SchoolOfTest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab
from served_of_test import PHONE, chromium, complaints_of, context_of, open_person, served, sign_in

from agent.people.totp import _totp
from agent.storage.incident_rows import Filed, read_incident
from rules.category import LANGUAGES
from rules.incident import Intent, State
from rules.incident_kind import Kind
from rules.roles import Role

LOCALES = {"en": "en-GB", "fr": "fr-FR", "nl": "nl-NL", "ja": "ja-JP"}
PURPOSE = "Deciding about this case"
# Whoever writes like this breaks no page and no line.
LONG_NAME = "Pip <i>Z</i> " + "Longfellow" * 8


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def candidate(school: SchoolOfTest, kind: Kind = Kind.BYPASS) -> Filed:
    pupil, _ = open_person(school, f"Pip{next(school.numbers)}", Role.PUPIL)
    with school.store.act() as act:
        school.parts.people.change(act, pupil, actor="system", name=LONG_NAME)
    return school.candidate(kind, about=pupil)


def now(school: SchoolOfTest, filed: Filed) -> Filed:
    with school.store.read() as database:
        found = read_incident(database, filed.incident.id)
    assert found is not None
    return found


@pytest.mark.parametrize("has_script", [True, False], ids=["with-script", "without-script"])
def test_a_candidate_is_accepted_its_checklist_done_and_the_case_closed(
    school: SchoolOfTest, browser: Browser, tmp_path: Path, *, has_script: bool
) -> None:
    _, secret = open_person(school, "Head", Role.HEAD_TEACHER)
    filed = candidate(school)
    with served(school, tmp_path) as base:
        context = context_of(browser, base, java_script_enabled=has_script)
        tab = context.new_page()
        complaints = complaints_of(tab)
        sign_in(tab, school, "Head", secret)
        tab.goto(f"/incidents/{filed.incident.id}")
        tab.click("text=Accept it")
        tab.check("input[name=deliberate][value=deliberate]")
        tab.fill("#why", "He said that he wanted to see what it was")
        tab.click("form button.main")
        tab.wait_for_url("**/incidents/*?told=accept")
        steps = tab.locator(".checklist > li").count()
        assert steps == 8
        for number in range(1, steps + 1):
            tab.goto(f"/tasks/{filed.incident.id}/{number}")
            tab.fill("#how", "Talked to everybody at the table")
            tab.click("form button.main")
            tab.wait_for_url("**?told=done")
        tab.goto(f"/incidents/{filed.incident.id}/close")
        tab.fill("#outcome", "They talked about it and made up")
        tab.fill("#lesson", "The lesson began too late that day")
        tab.click("form button.main")
        tab.wait_for_url("**?told=close")
        assert "closed" in tab.inner_text(".badges")
        assert complaints == []
        context.close()
    assert now(school, filed).incident.state is State.CLOSED


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_telephone_in_every_language(
    school: SchoolOfTest, browser: Browser, tmp_path: Path, language: str, scheme: str
) -> None:
    _, secret = open_person(school, "Head", Role.HEAD_TEACHER)
    filed, sealed = candidate(school), candidate(school, Kind.ILLEGAL)
    with served(school, tmp_path) as base:
        context = context_of(browser, base, viewport=PHONE, locale=LOCALES[language], color_scheme=scheme)
        tab = context.new_page()
        complaints = complaints_of(tab)
        sign_in(tab, school, "Head", secret)
        here = f"/incidents/{filed.incident.id}"
        paths = [here, f"/incidents/{sealed.incident.id}", "/tasks", "/incidents/report"]
        paths += [
            f"{here}/{each}" for each in ("accept", "reclassify", "dismiss", "merge", "split", "correct", "hold")
        ]
        paths += [f"{here}/{each}" for each in ("name-subject", "reveal", "export", "letters", "unseal", "steps/add")]
        for path in paths:
            tab.goto(path)
            check_page(tab, language, path)
        tab.goto(f"{here}/reveal")
        tab.fill("#purpose", PURPOSE)
        tab.click("main form button")
        tab.wait_for_selector("dl.facts")
        assert LONG_NAME in tab.inner_text("main")
        check_page(tab, language, "who it is")
        tab.goto(here)
        tab.fill("#purpose", PURPOSE)
        tab.click("form[action$=look] button")
        tab.wait_for_selector("#timeline")
        check_page(tab, language, "timeline")
        assert complaints == []
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_page(school: SchoolOfTest, browser: Browser, tmp_path: Path, scheme: str) -> None:
    person, secret = open_person(school, "Head", Role.HEAD_TEACHER)
    filed, sealed = accepted(school, person), candidate(school, Kind.ILLEGAL)
    waiting = candidate(school)
    with served(school, tmp_path) as base:
        context = context_of(browser, base, color_scheme=scheme)
        tab = context.new_page()
        sign_in(tab, school, "Head", secret)
        here, new = f"/incidents/{filed.incident.id}", f"/incidents/{waiting.incident.id}"
        paths = [here, new, f"/incidents/{sealed.incident.id}", "/tasks", f"/tasks/{filed.incident.id}/1"]
        paths += [
            f"{new}/{each}" for each in ("accept", "reclassify", "dismiss", "merge", "split", "export", "reveal")
        ]
        paths += [
            f"{here}/letters",
            f"{here}/steps/add",
            f"/tasks/{filed.incident.id}/6/restrict",
            "/incidents/report",
        ]
        for path in paths:
            tab.goto(path)
            assert violations_of(tab) == [], path
        tab.goto(here)
        tab.fill("#purpose", PURPOSE)
        tab.click("form[action$=look] button")
        tab.wait_for_selector("#timeline")
        assert violations_of(tab) == []
        # A form that is refused has its faults beside its fields.
        tab.goto(f"{new}/dismiss")
        tab.fill("#words", "no")
        tab.evaluate("document.querySelectorAll('[required]').forEach(each => each.removeAttribute('required'))")
        tab.click("form button.main")
        tab.wait_for_selector("[role=alert]")
        assert violations_of(tab) == []
        context.close()


def violations_of(tab: Tab) -> list[str]:
    """Let axe look at a page; gives each rule that is broken with where."""
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found = Axe().run(tab, options=rules).response["violations"]
    return [f"{each['id']}: {[node['html'][:200] for node in each['nodes']]}" for each in found]


def accepted(school: SchoolOfTest, person: str) -> Filed:
    """Give a case that a person has accepted."""
    return school.parts.incidents.decisions.accept(
        person,
        candidate(school).incident.id,
        version=1,
        row="P13",
        deliberate=Intent.UNCLEAR,
        why="He said that he wanted to see what it was",
    )


def test_a_step_that_somebody_else_does_is_ticked_on_the_open_page(
    school: SchoolOfTest, browser: Browser, tmp_path: Path
) -> None:
    person, secret = open_person(school, "Head", Role.HEAD_TEACHER)
    filed = accepted(school, person)
    with served(school, tmp_path) as base:
        context = context_of(browser, base)
        tab = context.new_page()
        complaints = complaints_of(tab)
        with tab.expect_response("**/api/v1/events*"):
            sign_in(tab, school, "Head", secret)
            tab.goto(f"/incidents/{filed.incident.id}")
        assert tab.locator("#checklist .badge.good").count() == 0
        school.parts.incidents.steps.done(person, filed.incident.id, 1, how="Talked to everybody at the table")
        school.parts.follower.look()
        tab.wait_for_selector("#checklist .badge.good")
        assert "Talked to everybody" in tab.inner_text("#checklist")
        assert complaints == []
        context.close()


def check_page(tab: Tab, language: str, where: str) -> None:
    """Check what a page has to be: in its language, no wider than the screen, each field with its label, one h1."""
    assert tab.get_attribute("html", "lang") == language
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], where
    assert tab.locator("h1").count() == 1, where
    unlabelled = (
        "[...document.querySelectorAll('main input:not([type=hidden]), main select, main textarea')]"
        ".filter(each => !each.labels.length).map(each => each.name)"
    )
    assert tab.evaluate(unlabelled) == [], where
    twice = (
        "[...document.querySelectorAll('[id]')].map(each => each.id).filter((id, at, all) => all.indexOf(id) !== at)"
    )
    assert tab.evaluate(twice) == [], where


def test_a_letter_is_printed_alone_and_a_case_without_its_buttons(
    school: SchoolOfTest, browser: Browser, tmp_path: Path
) -> None:
    _, secret = open_person(school, "Head", Role.HEAD_TEACHER)
    filed = candidate(school)
    with served(school, tmp_path) as base:
        context = context_of(browser, base)
        tab = context.new_page()
        sign_in(tab, school, "Head", secret)
        tab.goto(f"/incidents/{filed.incident.id}/accept")
        tab.check("input[name=deliberate][value=unclear]")
        tab.fill("#why", "He said that he wanted to see what it was")
        tab.click("form button.main")
        tab.wait_for_url("**/incidents/*?told=accept")
        tab.emulate_media(media="print")
        assert tab.is_visible("#steps-title")
        assert tab.is_visible("#reasons-title")
        for hidden in ("text=Say it is done", "#act-title", "#look-title", "nav"):
            assert not tab.locator(hidden).first.is_visible(), hidden
        tab.emulate_media(media="screen")
        tab.goto(f"/incidents/{filed.incident.id}/letters")
        tab.fill("#purpose", "To tell the parents what happened")
        tab.click("form button.main")
        tab.wait_for_selector(".letter")
        tab.emulate_media(media="print")
        printed = tab.inner_text("body").strip()
        assert printed.startswith("School of Test")
        assert printed.endswith("School of Test")
        assert LONG_NAME in printed
        for hidden in ("header.top", "h1", "form", "footer"):
            assert not tab.locator(hidden).first.is_visible(), hidden
        context.close()


def test_where_the_session_ends_in_the_middle_of_a_form_it_is_sent_after_signing_in_again(
    school: SchoolOfTest, browser: Browser, tmp_path: Path
) -> None:
    _, secret = open_person(school, "Head", Role.HEAD_TEACHER)
    filed = candidate(school)
    with served(school, tmp_path) as base:
        context = context_of(browser, base)
        tab = context.new_page()
        sign_in(tab, school, "Head", secret)
        tab.goto(f"/incidents/{filed.incident.id}/dismiss")
        tab.check("input[name=dismissal][value=lesson]")
        tab.fill("#words", "We looked at it together with the class")
        school.now += timedelta(hours=20)
        tab.click("form button.main")
        tab.wait_for_selector("#login")
        assert secret is not None
        fill_in(tab, school, secret)
        tab.click("main form button")
        tab.wait_for_url("**?told=dismiss")
        context.close()
    assert now(school, filed).incident.state is State.DISMISSED


def fill_in(tab: Tab, school: SchoolOfTest, secret: str) -> None:
    """Sign in where one is asked to, in the middle of something."""
    tab.fill("#login", "head")
    tab.fill("#password", PASSWORD)
    tab.fill("#totp", _totp(secret).generate(int(school.now.timestamp())).decode())
    tab.click("main form button")
    tab.wait_for_selector("form[action*=incidents]")
