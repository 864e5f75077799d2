"""Before a page: the host, the session, the form. After a refusal: nothing that was typed is lost."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import PASSWORD, SchoolOfTest
from pages_of_test import Browser, Shown, browser_of
from starlette.responses import Response

from agent.api.events import last_number
from agent.api.security import COOKIE, HEADERS, Limits, RateLimit
from agent.console import page_needs
from agent.console.keeping import KEPT_FOR, Kept
from agent.console.page import Page
from agent.console.pages import DOOR, KEY_NAME, Pages, install
from agent.console.pages import HEADERS as PAGE_HEADERS
from agent.console.typed import MAX_OPEN_FIELDS
from rules.errors import RefusedRequestError, StorageError
from rules.roles import Role

PATHS = ("/teaching-of-test", "/broken-of-test")


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


@pytest.fixture
def teacher(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Tess", Role.TEACHER)


@pytest.mark.parametrize("path", ["/account", "/sign-in", "/nothing-here"])
def test_every_page_has_the_headers_of_a_page(teacher: Browser, path: str) -> None:
    headers = teacher.get(path).headers
    assert {name: headers[name] for name in HEADERS} == HEADERS | PAGE_HEADERS
    assert "unsafe" not in headers["content-security-policy"]


def test_a_form_that_anybody_may_send_has_few_fields(school: SchoolOfTest) -> None:
    stranger = Browser(school)
    fields = {f"f{number}": "x" for number in range(MAX_OPEN_FIELDS)}
    assert stranger.post("/sign-in", fields).status != 400
    assert stranger.post("/sign-in", {**fields, "one": "more"}).status == 400


@pytest.mark.parametrize("path", ["/account", "/sign-in", "/nothing-here"])
def test_the_headers_keep_a_page_from_everybody_else(teacher: Browser, path: str) -> None:
    headers = teacher.get(path).headers
    # Written out: what a header says is not for the constant to say that it is made from.
    assert set(headers["content-security-policy"].split("; ")) == {
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    }
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"


def test_a_stranger_is_asked_who_they_are_and_led_back(school: SchoolOfTest) -> None:
    shown = Browser(school).get("/account?x=1")
    assert (shown.status, shown.headers["location"]) == (303, "/sign-in?next=%2Faccount%3Fx%3D1")


def test_under_a_name_that_is_not_ours_not_even_nothing_is_a_page(teacher: Browser) -> None:
    shown = teacher.get("/nothing-here", headers={"Host": "evil.example"})
    assert shown.status == 404
    assert shown.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["evil.example", "gateway.example.evil.example", ""])
def test_a_name_that_is_not_ours_gets_no_page(teacher: Browser, host: str) -> None:
    shown = teacher.get("/account", headers={"Host": host})
    assert shown.status == 421
    assert "Tess" not in shown.text
    assert "evil" not in shown.html


def test_the_name_that_the_site_gives_the_console_is_ours(school: SchoolOfTest, teacher: Browser) -> None:
    host = {"Host": "filter.school.example:8443"}
    assert teacher.get("/account", headers=host).status == 421
    console = "https://filter.school.example:8443"
    school.site = replace(school.site, school=replace(school.site.school, console=console))
    assert teacher.get("/account", headers=host).status == 200


def test_whoever_comes_from_another_site_is_sent_on_by_our_own_page(teacher: Browser) -> None:
    shown = teacher.get("/account", headers={"Sec-Fetch-Site": "cross-site"})
    assert shown.status == 200
    assert "Tess" not in shown.text
    assert '<meta http-equiv="refresh" content="0; url=/account">' in shown.html


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_of_another_site_does_nothing(school: SchoolOfTest, teacher: Browser, site: str) -> None:
    fields = teacher.get("/account").form("/sign-out")
    assert teacher.post("/sign-out", fields, headers={"Sec-Fetch-Site": site}).status == 403
    assert teacher.get("/account").status == 200


@pytest.mark.parametrize("csrf", ["", "x", "é", "0" * 500, "x.p1.", "x.p1." + "0" * 64])
def test_a_form_without_its_proof_does_nothing_and_is_shown_to_nobody(teacher: Browser, csrf: str) -> None:
    shown = teacher.post("/sign-out", {"csrf": csrf, "reason": "<b>mine</b>"})
    assert (shown.status, "mine" in shown.html) == (403, False)
    assert "please close this page, so that it stays theirs" in shown.text
    assert "back button" not in shown.text
    assert teacher.get("/account").status == 200


def sign_in_again(browser: Browser) -> None:
    browser.cookies.pop(COOKIE)
    assert browser.submit(browser.get("/sign-in"), "/sign-in", login="tess", password=PASSWORD).status == 303


def test_a_form_of_an_earlier_session_is_offered_again_to_who_it_was_made_for(teacher: Browser) -> None:
    csrf = teacher.get("/account").form("/sign-out")["csrf"]
    sign_in_again(teacher)
    shown = teacher.post("/sign-out", {"csrf": csrf, "reason": "<b>mine</b>"})
    assert shown.status == 403
    assert shown.forms[-1][1]["reason"] == ["<b>mine</b>"]
    assert "&lt;b&gt;mine" in shown.html
    assert teacher.submit(shown, "/sign-out", csrf=shown.forms[-1][1]["csrf"][0]).status == 303


def test_a_form_that_was_made_for_somebody_else_is_shown_to_nobody(school: SchoolOfTest, teacher: Browser) -> None:
    csrf = browser_of(school, "Mira", Role.TEACHER).get("/account").form("/sign-out")["csrf"]
    shown = teacher.post("/sign-out", {"csrf": csrf, "reason": "about Ada Finch"})
    assert (shown.status, "Ada Finch" in shown.html) == (403, False)


def typed_too_late(school: SchoolOfTest, teacher: Browser, fields: dict[str, str]) -> Shown:
    """Send a form whose session has ended, from a browser that has no other."""
    csrf = teacher.get("/account").form("/account/password")["csrf"]
    school.now += timedelta(hours=11)
    asked = teacher.post("/account/password", {"csrf": csrf, **fields})
    assert asked.status == 401
    return asked


def test_what_was_typed_in_a_session_that_ended_is_sent_after_signing_in(
    school: SchoolOfTest, teacher: Browser
) -> None:
    asked = typed_too_late(school, teacher, {"reason": "für <b>Maths</b> 🙂", "version": "3", "password": "secret"})
    assert "secret" not in asked.html
    assert "kept for an hour" in asked.text
    assert "shown to nobody but you" in asked.text
    assert "Maths" not in asked.html
    assert asked.form("/sign-in")["next"] == ["/account"]
    again = teacher.submit(asked, "/sign-in", login="tess", password=PASSWORD)
    assert again.status == 403
    assert again.form("/account/password")["reason"] == ["für <b>Maths</b> 🙂"]
    assert "This is what you typed" in again.text
    assert "Reason für" in again.text
    assert "version" not in again.text
    assert "<b>Maths" not in again.html


def test_a_browser_that_lost_its_cookies_keeps_what_was_typed_in_it(school: SchoolOfTest, teacher: Browser) -> None:
    csrf = teacher.get("/account").form("/account/password")["csrf"]
    teacher.cookies.clear()
    asked = teacher.post("/account/password", {"csrf": csrf, "reason": "for maths"})
    assert asked.status == 401
    again = teacher.submit(asked, "/sign-in", login="tess", password=PASSWORD)
    assert again.form("/account/password")["reason"] == ["for maths"]


def test_a_door_that_was_opened_too_long_ago_is_shown_again_with_what_was_kept(
    school: SchoolOfTest, teacher: Browser
) -> None:
    asked = typed_too_late(school, teacher, {"reason": "for maths"})
    teacher.cookies.clear()
    refused = teacher.submit(asked, "/sign-in", login="tess", password=PASSWORD)
    assert (refused.status, COOKIE in teacher.cookies) == (403, False)
    assert "opened too long ago" in refused.text
    again = teacher.submit(refused, "/sign-in", login="tess", password=PASSWORD)
    assert again.form("/account/password")["reason"] == ["for maths"]


def test_what_was_typed_is_kept_for_an_hour(school: SchoolOfTest, teacher: Browser) -> None:
    asked = typed_too_late(school, teacher, {"reason": "about Ada Finch"})
    school.now += KEPT_FOR
    shown = teacher.submit(asked, "/sign-in", login="tess", password=PASSWORD)
    assert (shown.status, "Ada Finch" in shown.html) == (403, False)
    assert "more than an hour ago" in shown.text
    assert teacher.get("/account").status == 200


WHY = "We compare how odds are advertised in maths today."
ASKED = {"names": "new.example", "groups": "year5", "reason": WHY, "from_at": "", "until_at": "2026-03-02T10:00"}


def test_what_was_done_before_its_answer_was_lost_is_not_done_again(school: SchoolOfTest, teacher: Browser) -> None:
    form = teacher.get("/overrides/ask")
    first = teacher.submit(form, "/overrides/ask", ASKED)
    assert first.status == 303
    done = school.kinds()
    school.now += timedelta(minutes=31)
    asked = teacher.submit(form, "/overrides/ask", ASKED)
    again = teacher.submit(asked, "/sign-in", login="tess", password=PASSWORD)
    assert "does not do it a second time" in again.text
    sent = teacher.submit(again, "/overrides/ask")
    assert (sent.status, sent.headers["location"]) == (303, first.headers["location"])
    assert school.kinds().count("override_requested") == done.count("override_requested")


def test_a_button_of_a_session_that_ended_says_again_what_it_does_and_where(
    school: SchoolOfTest, teacher: Browser
) -> None:
    place = (
        teacher.submit(teacher.get("/overrides/ask"), "/overrides/ask", ASKED).headers["location"].partition("?")[0]
    )
    shown = teacher.get(place)
    (title,) = re.findall("<title>(.*) · ", shown.html)
    school.now += timedelta(minutes=31)
    asked = teacher.submit(shown, f"{place}/withdraw")
    assert "What you typed" not in asked.text
    assert "asked whether to do what you were about to do" in asked.text
    wrong = teacher.submit(asked, "/sign-in", login="tess", password="")
    assert "asked whether to do what you were about to do" in wrong.text
    again = teacher.submit(wrong, "/sign-in", login="tess", password=PASSWORD)
    assert "what you typed" not in again.text
    assert f"Page {title}" in again.text
    assert "What it does Take it back" in again.text
    assert place in again.links
    assert teacher.submit(again, f"{place}/withdraw").status == 303


def test_what_was_typed_is_shown_to_nobody_else_who_signs_in(school: SchoolOfTest, teacher: Browser) -> None:
    browser_of(school, "Mira", Role.TEACHER)
    asked = typed_too_late(school, teacher, {"reason": "about Ada Finch"})
    shown = teacher.submit(asked, "/sign-in", login="mira", password=PASSWORD)
    assert (shown.status, "Ada Finch" in shown.html) == (403, False)
    assert "What was typed is not shown here" in shown.text
    assert teacher.get("/account").status == 200


def test_a_restart_of_the_gateway_loses_nothing_that_was_kept(school: SchoolOfTest, teacher: Browser) -> None:
    asked = typed_too_late(school, teacher, {"reason": "about Ada Finch"})
    install(school.app, school.parts, Pages(), names=frozenset({"gateway.example"}))
    shown = teacher.submit(asked, "/sign-in", login="tess", password=PASSWORD)
    assert (shown.status, "Ada Finch" in shown.html) == (403, True)


def test_without_its_key_the_pages_are_there_and_a_restart_loses_what_was_kept(
    school: SchoolOfTest, teacher: Browser
) -> None:
    (school.store.path.parent / "keys" / KEY_NAME).write_bytes(b"short")
    install(school.app, school.parts, Pages(), names=frozenset({"gateway.example"}))
    asked = typed_too_late(school, teacher, {"reason": "about Ada Finch"})
    assert asked.form("/sign-in")["kept"]
    install(school.app, school.parts, Pages(), names=frozenset({"gateway.example"}))
    shown = teacher.submit(asked, "/sign-in", login="tess", password=PASSWORD)
    assert (shown.status, "Ada Finch" in shown.html) == (403, False)
    assert "another account may have been signed in" in shown.text


def test_where_nobody_can_tell_whose_it_was_nothing_is_kept_and_the_page_says_so(school: SchoolOfTest) -> None:
    asked = Browser(school).post("/account/password", {"csrf": "old", "reason": "about Ada Finch"})
    assert (asked.status, "Ada Finch" in asked.html) == (401, False)
    assert "cannot be told whose it was" in asked.text


@pytest.mark.parametrize("text", ["x" * 60_000, "é" * 9_000, '"\r\n' * 5_000], ids=["plain", "accents", "quotes"])
def test_a_long_text_is_kept_whole(school: SchoolOfTest, teacher: Browser, text: str) -> None:
    asked = typed_too_late(school, teacher, {"reason": text})
    again = teacher.submit(asked, "/sign-in", login="tess", password=PASSWORD)
    assert again.status == 403
    assert again.form("/account/password")["reason"] == [text]


@pytest.mark.parametrize("kept", ["{", "[1]", '"x"', "[" * 5000, "null", '[["reason","Ada"]]', "é", "gAAAAA=="])
def test_what_was_not_kept_by_us_is_shown_to_nobody(school: SchoolOfTest, kept: str) -> None:
    browser_of(school, "Tess", Role.TEACHER)
    stranger = Browser(school)
    fields = {"login": "tess", "password": PASSWORD, "kept": kept}
    done = stranger.submit(stranger.get("/sign-in"), "/sign-in", fields)
    assert (done.status, "Ada" in done.html) == (403, False)
    assert done.forms[0][0] == "/sign-out"


@pytest.mark.parametrize("place", ["//evil.example", "https://evil.example", "/\\evil.example", "\t//evil.example"])
def test_signing_in_leads_nowhere_else(school: SchoolOfTest, place: str) -> None:
    browser_of(school, "Tess", Role.TEACHER)
    stranger = Browser(school)
    shown = stranger.get("/sign-in", next=place)
    assert "evil" not in shown.html.replace("back=", "")[: shown.html.index("<footer")]
    fields = {"login": "tess", "password": PASSWORD, "next": place}
    assert stranger.submit(shown, "/sign-in", fields).headers["location"] == "/"


def test_signing_in_takes_the_cookie_of_the_page(school: SchoolOfTest) -> None:
    browser_of(school, "Tess", Role.TEACHER)
    stranger = Browser(school)
    shown = stranger.get("/sign-in")
    stranger.cookies.pop(DOOR)
    assert stranger.submit(shown, "/sign-in", login="tess", password=PASSWORD).status == 403
    assert COOKIE not in stranger.cookies


@pytest.mark.parametrize("name", [COOKIE, DOOR])
def test_cookies_are_of_this_host_alone_and_out_of_reach_of_scripts(school: SchoolOfTest, name: str) -> None:
    browser_of(school, "Tess", Role.TEACHER)
    stranger = Browser(school)
    shown = stranger.get("/sign-in")
    done = stranger.submit(shown, "/sign-in", login="tess", password=PASSWORD)
    given = [each for page in (shown, done) for each in page.headers.get_list("set-cookie")]
    cookies = [each for each in given if each.startswith(name)]
    assert cookies
    for cookie in cookies:
        flags = {each.strip().lower() for each in cookie.split(";")[1:]}
        assert {"httponly", "secure", "samesite=strict", "path=/"} <= flags
        assert not any(each.startswith("domain") for each in flags)


def test_too_long_a_form_is_refused_before_it_is_read(teacher: Browser) -> None:
    shown = teacher.post("/sign-out", {"csrf": "x" * 100_000})
    assert (shown.status, "too long" in shown.text) == (413, True)


def test_what_is_no_form_is_told(teacher: Browser) -> None:
    headers = {"Content-Type": "multipart/form-data"}
    assert teacher.send("POST", "/sign-out", content=b"rubbish", headers=headers).status == 400
    many = "&".join(f"f{number}=1" for number in range(2000))
    urlencoded = {"Content-Type": "application/x-www-form-urlencoded"}
    assert teacher.send("POST", "/sign-out", content=many.encode(), headers=urlencoded).status == 400


def test_a_program_with_a_token_gets_no_page(school: SchoolOfTest) -> None:
    coordinator = school.person("Grace", Role.ICT_COORDINATOR)
    token = coordinator.with_token(["read_overrides"]).headers
    assert Browser(school).get("/account", headers=token).status == 403


def test_pages_without_an_account_have_a_pace(tmp_path: Path) -> None:
    generous = RateLimit(rate=1e6, burst=10**6)
    few = RateLimit(rate=0.001, burst=3)
    stranger = Browser(SchoolOfTest(tmp_path, limits=Limits(generous, generous, generous, pages=few)))
    assert [stranger.get("/sign-in").status for _ in range(4)] == [200, 200, 200, 429]


def test_nothing_at_an_address_is_a_page_for_people_and_a_problem_for_programs(teacher: Browser) -> None:
    assert "html" in teacher.get("/nothing").headers["content-type"]
    assert "problem+json" in teacher.get("/nothing", headers={"Accept": "*/*"}).headers["content-type"]
    assert "problem+json" in teacher.get("/api/v1/nothing").headers["content-type"]


def languages_of(shown: Shown) -> list[str]:
    return [each for each in shown.links if each.startswith("/language")]


def test_where_a_page_holds_what_was_typed_no_language_loses_it(school: SchoolOfTest, teacher: Browser) -> None:
    faulty = teacher.submit(teacher.get("/overrides/ask"), "/overrides/ask", {**ASKED, "names": ""})
    assert (faulty.status, WHY in faulty.text) == (422, True)
    asked = typed_too_late(school, teacher, {"reason": WHY})
    wrong = teacher.submit(asked, "/sign-in", login="tess", password="")
    again = teacher.submit(wrong, "/sign-in", login="tess", password=PASSWORD)
    for shown in (faulty, asked, wrong, again):
        assert languages_of(shown) == []
        assert "Another language can be chosen on every other page" in shown.text
    assert len(languages_of(teacher.get("/account"))) == 3
    assert len(languages_of(Browser(school).get("/sign-in"))) == 3


def test_after_a_form_that_held_nothing_another_language_leads_to_its_page(school: SchoolOfTest) -> None:
    grace = browser_of(school, "Grace", Role.HEAD_TEACHER)
    place = f"/people/{grace.person}"
    refused = grace.submit(grace.get(place), f"{place}/account", login="")
    assert refused.status == 422
    (dutch,) = (each for each in languages_of(refused) if "to=nl" in each)
    shown = grace.follow(grace.get(dutch))
    assert (shown.status, shown.headings[0]) == (200, "Grace")
    assert '<html lang="nl">' in shown.html


@pytest.mark.parametrize("path", ["/sign-out", "/account/password", "/people/p1/account"])
def test_where_there_is_nothing_to_look_at_a_person_gets_a_page(teacher: Browser, path: str) -> None:
    shown = teacher.get(path)
    assert (shown.status, shown.headings) == (405, ["This did not work"])
    assert shown.headers["allow"] == "POST"
    assert not [each for each in shown.links if path.replace("/", "%2F") in each]
    assert "problem+json" in teacher.get(path, headers={"Accept": "*/*"}).headers["content-type"]


@contextmanager
def page_of_test(school: SchoolOfTest, error: Exception | None) -> Iterator[None]:
    """Let a school have a page more, whose form ends in an error."""
    needs = {("GET", PATHS[0]): page_needs._page(), ("POST", PATHS[0]): page_needs._page()}
    assert isinstance(page_needs.PAGES, dict)
    page_needs.PAGES.update(needs)

    def show(page: Page) -> Response:
        kept = Kept(PATHS[0], "", "", [("reason", page.typed.get("reason"))], page.now)
        return page.render("send_again.html", kept=kept, written=[], title="", button="")

    def do(page: Page) -> Response:
        if error is not None:
            raise error
        return page.go(PATHS[0])

    try:
        pages = Pages()
        pages.get(PATHS[0], show)
        pages.post(PATHS[0], do, form=show)
        install(school.app, school.parts, pages, names=frozenset({"gateway.example"}))
        yield
    finally:
        for each in needs:
            page_needs.PAGES.pop(each)


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (RefusedRequestError("the requester is never the approver"), 422, "The requester is never the approver."),
        (StorageError("locked"), 422, "The record cannot be used just now, and nothing was changed"),
        (ValueError("a secret"), 500, "The request failed by a fault of the gateway"),
    ],
)
def test_a_refused_form_comes_back_with_what_was_typed(
    school: SchoolOfTest, teacher: Browser, error: Exception, status: int, words: str
) -> None:
    with page_of_test(school, error):
        fields = teacher.get("/account").form("/sign-out") | {"reason": ["for <maths>"]}
        shown = teacher.post(PATHS[0], fields)
    assert (shown.status, words in shown.text) == (status, True)
    assert "a secret" not in shown.html
    if status != 500:
        assert shown.form(PATHS[0])["reason"] == ["for <maths>"]


def test_a_page_that_the_table_does_not_know_cannot_be_made() -> None:
    with pytest.raises(KeyError):
        Pages().get("/unknown", lambda page: page.go("/"))


def test_a_page_says_how_far_the_record_went_before_it_was_made(school: SchoolOfTest, teacher: Browser) -> None:
    with school.store.read() as database:
        number = last_number(database)
    found = re.search(r'<body[^>]* data-record-at="(\d+)"', teacher.get("/overrides").html)
    assert found is not None
    assert int(found[1]) == number


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_from_elsewhere_is_led_on_by_our_own_page(teacher: Browser, site: str) -> None:
    shown = teacher.get("/account", headers={"Sec-Fetch-Site": site})
    assert shown.status == 200
    assert '<meta http-equiv="refresh" content="0; url=/account">' in shown.html
