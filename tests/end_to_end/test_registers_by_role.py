"""Registers, the record, the governor's page and people: what each of the roles may open and do there."""

from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import Browser, browser_of

from agent.console.registers.register_words import KINDS
from rules.roles import Role

# A mark for each role, in their order: pupil, teacher, staff, class teacher, key stage leader, SLT, head teacher, ICT
# Co-ordinator, network manager, technician, safeguarding lead, data protection officer, governor, auditor.
TABLE = """\
GET  /registers                       ----++++++++-+
GET  /registers/incidents             ------++--+---
GET  /registers/warnings              ------++--+---
GET  /registers/referrals             ------++--+---
GET  /registers/overrides             ----+++++++---
GET  /registers/suspensions           ----+++++++---
GET  /registers/media                 ------++++-+-+
GET  /registers/sign-outs             ------++++-+-+
GET  /registers/rules                 ------+++--+-+
GET  /registers/access                ------++--++--
GET  /registers/roles                 ------++++++-+
GET  /record                          ------++---+++
GET  /record/1                        ------++---+++
GET  /record/anchors                  ------+++--+++
GET  /governor                        -----+++--+++-
GET  /people                          ------++++----
GET  /people/waiting                  ------++++----
GET  /people/rights                   ------++++----
GET  /people/add                      ------+++-----
GET  /people/import                   ------+++-----
GET  /people/{id}                     ------++++----
GET  /tokens                          -------++-----
POST /record/verify                   ------+++--+++
POST /record/export                   ------+----+-+
POST /record/sign-offs                ------------+-
POST /record/1/erase                  ------+-------
POST /people/add                      ------+++-----
POST /people/import                   ------+++-----
POST /people/import/apply             ------+++-----
POST /people/{id}/roles               ------+++-----
POST /people/{id}/classes             ------+++-----
POST /people/{id}/close               ------+++-----
POST /people/{id}/confirm             ------+++-----
POST /people/{id}/refuse              ------+++-----
POST /people/{id}/account             ------+++-----
POST /people/{id}/account/close       ------+++-----
POST /tokens                          -------++-----
POST /tokens/x/revoke                 -------++-----
POST /registers/incidents             ------++--+---
POST /registers/incidents/csv         ------++--+---
POST /registers/warnings              ------++--+---
POST /registers/warnings/csv          ------++--+---
POST /registers/referrals             ------++--+---
POST /registers/referrals/csv         ------++--+---
POST /registers/overrides             ----+++++++---
POST /registers/overrides/csv         ----+++++++---
POST /registers/suspensions           ----+++++++---
POST /registers/suspensions/csv       ----+++++++---
POST /registers/media                 ------++++-+-+
POST /registers/media/csv             ------++++-+-+
POST /registers/sign-outs             ------++++-+-+
POST /registers/sign-outs/csv         ------++++-+-+
POST /registers/rules                 ------+++--+-+
POST /registers/rules/csv             ------+++--+-+
POST /registers/access                ------++--++--
POST /registers/access/csv            ------++--++--
POST /registers/roles                 ------++++++-+
POST /registers/roles/csv             ------++++++-+
"""


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def rows() -> list[tuple[str, str, str]]:
    return [(method, path, marks) for method, path, marks in map(str.split, TABLE.splitlines())]


@pytest.mark.parametrize("role", Role)
def test_a_role_opens_what_is_its_own_and_is_refused_the_rest(school: SchoolOfTest, role: Role) -> None:
    with school.store.act() as act:
        pupil = school.parts.people.open(act, "Zoe", [Role.PUPIL], actor="system")
    browser, place = browser_of(school, "Visitor", role), list(Role).index(role)
    csrf = browser.get("/account").form("/sign-out")["csrf"]
    found = {}
    for method, path, _ in rows():
        address = path.replace("{id}", pupil.id)
        shown = browser.get(address) if method == "GET" else browser.post(address, {"csrf": csrf})
        assert shown.status < 500, (method, path, shown.text)
        found[method, path] = "-" if shown.status == 403 else "+"
    assert found == {(method, path): marks[place] for method, path, marks in rows()}


def test_a_stranger_is_asked_to_sign_in(school: SchoolOfTest) -> None:
    for method, path, _ in rows():
        if method == "GET":
            assert Browser(school).get(path).headers["location"].startswith("/sign-in?next=")


@pytest.mark.parametrize("role", [each for each in Role if each is not Role.PUPIL])
def test_a_page_links_to_nothing_that_its_reader_may_not_open(school: SchoolOfTest, role: Role) -> None:
    browser = browser_of(school, "Visitor", role)
    for start in ("/registers", "/record", "/governor", "/people", "/people/waiting"):
        shown = browser.get(start)
        for link in {each for each in shown.links if each.startswith("/")} if shown.status == 200 else ():
            assert browser.get(link).status in (200, 303), (start, link)


def test_the_registers_that_are_listed_are_those_that_open(school: SchoolOfTest) -> None:
    marks = {path: each for method, path, each in rows() if method == "GET"}
    for place, role in enumerate(Role):
        browser = browser_of(school, f"Visitor{place}", role)
        listed = browser.get("/registers").links
        for kind in KINDS:
            assert (f"/registers/{kind}" in listed) == (marks[f"/registers/{kind}"][place] == "+")
