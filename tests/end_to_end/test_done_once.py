"""What a form does is done once and told once, on every page: sent again it does nothing; a link tells nothing."""

import ast
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

import pytest
from api_of_test import PASSWORD
from busy_people_of_test import BusySchool
from busy_school_of_test import busy_school
from pages_of_test import Browser, Shown
from test_every_page import ABOUT, CONSOLE, PARTS, Visit

import agent.console
from agent.api.security import COOKIE
from agent.console.page import TOLD_COOKIE
from agent.people.totp import _totp

TOLD: Final = 'class="told"'
WHY: Final = "We compare how odds are advertised in maths today."
# Who is told what, where: every code of every page that tells of something done.
SAID: Final[Mapping[tuple[str, str], str]] = {
    ("cora", "/devices/{id}"): "approve refuse revoke owner",
    ("cora", "/devices/tokens"): "ended",
    ("cora", "/media/{number}"): "registered changed purge attest dispose find out asked in",
    ("cora", "/media/sign-outs/{number}"): "allow refuse withdraw asked",
    ("cora", "/media/exceptions/{number}"): "allow refuse withdraw asked",
    ("cora", "/media/lost/{number}"): "reported",
    ("nora", "/filter/{id}"): "drafted approved refused withdrawn",
    ("cora", "/incidents"): "accept-one accept-all dismiss-one dismiss-all reclassify-one undone",
    ("cora", "/incidents/{id}"): (
        "accept reclassify dismiss merge split close reopen correct name-subject hold release step withdrawn"
    ),
    ("hana", "/incidents/{id}/unseal"): "asked unsealed",
    ("hana", "/incidents/{id}/letters"): "sent",
    ("hana", "/tasks/{id}/{number}"): "done skipped restricted restored",
    ("hana", "/overrides/{id}"): "asked taken agreed approved narrowed refused withdrawn revoked countersigned",
    ("hana", "/suspensions/{id}"): "asked agree refuse withdraw end",
    ("hana", "/record"): "erased",
    ("cora", "/setup/networks"): "kept",
    ("hana", "/people/waiting"): "confirmed refused",
    ("hana", "/people/{id}"): "added roles classes closed account-closed",
    ("hana", "/people/import"): "done",
    ("cora", "/tokens"): "revoked",
}
MOMENTS: Final = {"from_at": "", "until_at": "2026-03-02T10:00"}
# What is made by a form that says nothing of a version: who, on which page, which form, with what in it.
MADE: Final[Mapping[str, tuple[str, str, dict[str, str]]]] = {
    "/overrides/ask": ("tess", "", {"names": "new.example", "groups": "year5", "reason": WHY} | MOMENTS),
    "/overrides/emergency": ("cora", "", {"names": "help.example", "groups": "year5", "reason": WHY} | MOMENTS),
    "/suspensions/ask": ("tim", "", {"is_for_school": "yes", "reason": WHY} | MOMENTS),
    "/filter/change": (
        "nora", "", {"how": "block", "names": "odd.example", "reason": WHY, "review_on": "2026-05-01"},
    ),
    "/incidents/report": (
        "tess", "", {"about": "filter", "text": "The page of the museum is blocked in lessons."},
    ),
    "/incidents/{id}/steps/add": (
        "hana", "",
        {"label": "Talk to the class", "kind": "inform", "role": "head_teacher", "within": "1 h", "reason": WHY},
    ),
    "/incidents/{id}/letters": ("hana", "", {"kind": "parents", "language": "en", "purpose": WHY}),
    "/tasks/{id}/{number}/restrict": (
        "hana", "",
        {"groups": "year6", "until_at": "2026-03-05T10:00", "review_on": "2026-03-03", "reason": WHY},
    ),
    "/people/add": ("hana", "", {"name": "Zoe Quill", "roles": "pupil"}),
    "/people/{id}/account": ("hana", "/people/{id}", {"login": "theo.marsh"}),
    "/tokens": ("cora", "", {"label": "my script", "scopes": "request_override", "ends_at": "2026-06-01T10:00"}),
    "/devices/tokens": ("cora", "", {"label": "the new ones", "uses": "2", "hours": "24"}),
    "/media/register": ("cora", "", {"kind": "stick", "purpose": "Worksheets for science", "stated": "unknown"}),
    "/media/{number}/exceptions": ("tess", "", {"purpose": "The camera cannot encrypt.", "until_on": "2026-03-09"}),
    "/media/lost/report": (
        "tess", "", {"how": "lost", "text": "I had it on the bus, and then it was gone."},
    ),
    "/record/sign-offs": (
        "gus", "/governor", {"from_on": "2026-02-01", "until_on": "2026-02-28", "remark": "Looked at with the head."},
    ),
}  # fmt: skip


class Readers:
    """The school, and a browser of each of its readers, signed in when first asked for."""

    def __init__(self, busy: BusySchool) -> None:
        self.busy = busy
        self._browsers: dict[str, Browser] = {}

    def browser(self, login: str) -> Browser:
        """Give the browser of somebody."""
        if login not in self._browsers:
            browser, member = Browser(self.busy.school), self.busy.members[login]
            fields = {"login": login, "password": PASSWORD}
            if member.secret is not None:
                fields["totp"] = _totp(member.secret).generate(int(self.busy.school.now.timestamp())).decode()
            assert browser.submit(browser.get("/sign-in"), "/sign-in", fields).status == HTTPStatus.SEE_OTHER
            self._browsers[login] = browser
        return self._browsers[login]

    def address(self, route: str, about: str = "") -> str:
        """Give the address of a page, about something that there is."""
        found = about or next((value for beginning, value in ABOUT if route.startswith(beginning)), "")
        return route.format(**self.busy.examples[found] if found else {})


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Readers:
    return Readers(busy_school(tmp_path_factory.mktemp("school")))


def slip(readers: Readers, browser: Browser, path: str, code: str) -> str:
    """Give what the console gives a browser that did something just now."""
    session = readers.busy.school.app.state.door.by_session(browser.cookies[COOKIE])
    keeper, now = readers.busy.school.app.state.console.keeper, readers.busy.school.now
    return str(keeper.slip(session.csrf, path, {"told": code}, at=now))


def codes_of_source() -> set[str]:
    """Find the codes of all pages that tell of something done."""
    found: set[str] = set()
    for path in Path(agent.console.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "told":
                (sentences,) = node.args
                keys = sentences.keys if isinstance(sentences, ast.Dict) else ()
                found |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
    return found


def test_every_code_of_a_page_is_tried() -> None:
    found = codes_of_source()
    assert len(found) > 30
    assert found <= {code for codes in SAID.values() for code in codes.split()}


@pytest.mark.parametrize(
    ("reader", "route", "code"),
    [(reader, route, code) for (reader, route), codes in SAID.items() for code in codes.split()],
)
def test_what_was_done_is_told_once_to_who_did_it_and_not_by_a_link(
    readers: Readers, reader: str, route: str, code: str
) -> None:
    browser, path = readers.browser(reader), readers.address(route)
    browser.cookies.pop(TOLD_COOKIE, None)
    assert TOLD not in browser.get(path, told=code).html
    browser.cookies[TOLD_COOKIE] = slip(readers, browser, path, code)
    assert TOLD not in browser.get(path, told="other").html
    assert TOLD not in browser.get(path).html
    assert browser.get(path, told=code).html.count(TOLD) == 1
    assert TOLD not in browser.get(path, told=code).html


@pytest.mark.parametrize("visit", [each for each in CONSOLE if each.route not in PARTS], ids=lambda each: each.name)
def test_every_form_that_does_something_has_a_number(readers: Readers, visit: Visit) -> None:
    shown = readers.browser(visit.reader).get(readers.address(visit.route, visit.about))
    posts = [(action, fields) for action, fields in shown.forms if "csrf" in fields and action != "/sign-out"]
    assert [action for action, fields in posts if len(fields.get("form_number", ())) != 1] == []


@pytest.mark.parametrize("route", MADE)
def test_a_form_that_is_sent_twice_makes_one_thing_and_shows_the_same(readers: Readers, route: str) -> None:
    reader, on, fields = MADE[route]
    about = "accepted" if route.startswith("/incidents/{id}/") else ""
    browser, action = readers.browser(reader), readers.address(route, about)
    page = browser.get(readers.address(on or route, about))
    before = readers.busy.school.kinds()
    first = browser.submit(page, action, fields)
    made = readers.busy.school.kinds()
    assert first.status in (HTTPStatus.OK, HTTPStatus.SEE_OTHER), first.text
    assert len(made) > len(before)
    second = browser.submit(page, action, fields)
    assert (second.status, where(second)) == (first.status, where(first))
    # To read a letter again is on record each time.
    assert readers.busy.school.kinds()[len(made) :] == (
        ["incident_letter_read"] if route.endswith("/letters") else []
    )


def where(shown: Shown) -> str:
    """Give where an answer leads, or what it shows."""
    return shown.headers.get("location") or shown.text
