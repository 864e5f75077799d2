"""Everything that a governor may open, in a school in which much was asked for: nobody's name, and no requested site.

The pages and routes are those of the tables of needs, each about every thing that there is. Who changes the filter is
named beside the change: governors review that.
"""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qs

import pytest
from api_of_test import PASSWORD
from busy_people_of_test import PUPILS, STAFF, BusySchool
from busy_school_of_test import REASON, busy_school
from pages_of_test import Browser

from agent.api.access import NEEDS, PREFIX, Need
from agent.api.banner import HEADER
from agent.console.page_needs import PAGES
from agent.people.totp import _totp
from rules.roles import RIGHTS, Role

GOVERNOR: Final = "gus"
# What was asked for, and how somebody put it; the school's own rules and lists name other sites.
ASKED_FOR: Final = (
    "bet.example",
    "hate.example",
    REASON,
    "Probability",
    "Adverts",
    "Propaganda",
    "worksheet",
    "examination board",
    "The tablets need",
    "The lesson ended earlier",
)
# Who drafted the change of the filter that there is.
OF_THE_FILTER: Final = ("/filter", "/record", f"{PREFIX}/filter", f"{PREFIX}/audit")
MAY: Final = RIGHTS[Role.ESAFETY_GOVERNOR]


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> BusySchool:
    found = busy_school(tmp_path_factory.mktemp("school"))
    suspensions = found.school.parts.suspensions
    waiting = suspensions.get(found.examples["suspension"]["id"])
    suspensions.agree(found.id("hana"), waiting.suspension.id, version=waiting.version)
    found.school.now += timedelta(minutes=5)
    return found


@pytest.fixture(scope="module")
def governor(busy: BusySchool) -> Browser:
    browser = Browser(busy.school)
    secret = busy.members[GOVERNOR].secret
    assert secret is not None
    code = _totp(secret).generate(int(busy.school.now.timestamp())).decode()
    fields = {"login": GOVERNOR, "password": PASSWORD, "totp": code}
    assert browser.submit(browser.get("/sign-in"), "/sign-in", fields).status == 303
    return browser


def may_open(need: Need) -> bool:
    return not need.is_of_device and (not need.rights or not need.rights.isdisjoint(MAY))


def addresses(busy: BusySchool) -> Iterator[str]:
    """Give every address that is for a governor by the tables, about each thing that fits its places."""
    routes = [route for (method, route), need in PAGES.items() if method == "GET" and may_open(need)]
    routes += [f"{PREFIX}{route}" for (method, route), need in NEEDS.items() if method == "GET" and may_open(need)]
    with busy.school.store.read() as database:
        one_of_each = database.execute("SELECT max(number) FROM audit GROUP BY kind, subject = ''").fetchall()
    for route in routes:
        if "/record/{number}" in route:
            yield from (route.format(number=row[0]) for row in one_of_each)
            continue
        about = busy.examples.values() if "{" in route else ({},)
        for ids in about:
            try:
                yield route.format(**ids)
            except KeyError:
                continue


def names_of(logins: tuple[str, ...]) -> list[str]:
    return [part for login in logins for part in (STAFF[login][0], STAFF[login][0].partition(" ")[0])]


def forbidden(address: str) -> list[str]:
    in_office = ("nora", "cora", "hana", "tim", "sam") if address.startswith(OF_THE_FILTER) else ()
    people = tuple(login for login in STAFF if login not in (*in_office, GOVERNOR))
    return [*names_of(people), *PUPILS, *ASKED_FOR]


def stands_in(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?![\w-])", text, re.IGNORECASE) is not None


def values_of(told: Any) -> Iterator[Any]:
    if isinstance(told, dict | list):
        for each in told.values() if isinstance(told, dict) else told:
            yield from values_of(each)
    else:
        yield told


def read_all(governor: Browser, first: str) -> Iterator[tuple[str, Any]]:
    """Follow what has further parts; gives the text of each, and its values where it is JSON."""
    address: str | None = first
    while address is not None:
        shown = governor.get(address)
        assert shown.status in (200, 303, 404, 403, 422), (address, shown.status)
        is_json = "json" in shown.headers.get("content-type", "")
        yield shown.html, json.loads(shown.html) if is_json else None
        later = [each for each in shown.links if "after=" in each and each.startswith(first.partition("?")[0])]
        following = json.loads(shown.html).get("next") if is_json and shown.status == 200 else None
        address = later[0] if later else f"{first}?after={following}" if following else None


def test_no_teacher_and_no_requested_site_stands_on_anything_that_a_governor_may_open(
    busy: BusySchool, governor: Browser
) -> None:
    ids = {busy.id(login) for login in ("tess", "theo", "sky", "dora")} | {*busy.pupils}
    found: list[str] = []
    opened: set[str] = set()
    for address in addresses(busy):
        for text, told in read_all(governor, address):
            opened.add(address)
            found += [f"{address}: {word}" for word in forbidden(address) if stands_in(word, text)]
            if told is not None and not address.endswith("openapi.json"):
                found += [f"{address}: {value}" for value in values_of(told) if str(value) in ids]
    assert found == []
    assert {"/governor", "/record", "/filter", f"{PREFIX}/audit", f"{PREFIX}/status"} <= opened
    assert not {each for each in opened if each.startswith(("/overrides", "/suspensions", "/registers", "/explain"))}


def test_what_others_read_in_the_same_school_has_them(busy: BusySchool) -> None:
    """The walk above would find a name: the same record tells the data protection officer who asked."""
    browser = Browser(busy.school)
    secret = busy.members["dora"].secret
    assert secret is not None
    code = _totp(secret).generate(int(busy.school.now.timestamp())).decode()
    browser.submit(browser.get("/sign-in"), "/sign-in", {"login": "dora", "password": PASSWORD, "totp": code})
    told = browser.get("/record", kind="override_requested").text
    assert STAFF["tess"][0] in told


@pytest.mark.parametrize(
    "path",
    [
        *("/overrides", "/suspensions", "/explain", "/registers", "/media/lost", "/people", "/day"),
        *(f"{PREFIX}{path}" for path in ("/overrides", "/suspensions", "/explain", "/events", "/audit/export")),
    ],
)
def test_what_shows_single_requests_and_people_is_not_for_a_governor(governor: Browser, path: str) -> None:
    assert governor.get(path).status == 403


def test_one_request_or_suspension_is_not_for_a_governor_either(busy: BusySchool, governor: Browser) -> None:
    for example in ("request", "running", "emergency"):
        override = busy.examples[example]["id"]
        paths = (f"/overrides/{override}", f"/overrides/{override}/evidence", f"{PREFIX}/overrides/{override}")
        assert [governor.get(path).status for path in paths] == [403] * 3
    suspension = busy.examples["suspension"]["id"]
    assert [governor.get(f"{at}/suspensions/{suspension}").status for at in ("", PREFIX)] == [403] * 2


def test_that_filtering_is_off_is_told_without_where_and_by_whom(governor: Browser) -> None:
    page = governor.get("/record")
    assert "Where: a part of the school." in page.text
    assert "Agreed by" not in page.text
    notice = parse_qs(governor.get(f"{PREFIX}/me").headers[HEADER])
    assert notice.keys() == {"filtering", "where", "until"}
    assert notice["where"] == ["a part of the school"]
    (off,) = json.loads(governor.get(f"{PREFIX}/status").html)["suspensions"]
    assert (off["where"], off["agreed_by"]) == ("a part of the school", None)


@pytest.mark.parametrize("kind", ["override_requested", "suspension_agreed", "request_withheld"])
def test_rows_about_requests_are_found_by_no_kind(governor: Browser, kind: str) -> None:
    assert json.loads(governor.get(f"{PREFIX}/audit", kind=kind).html)["items"] == []


def test_the_governors_own_page_counts_and_says_when_filtering_was_off(governor: Browser) -> None:
    page = governor.get("/governor")
    assert "What became of them" in page.text
    assert "before that, by somebody" in page.text
    assert "not over yet" in page.text
    assert "fewer than 5" in page.text
