"""One incident: who sees which part of its page, looking for a purpose, who it is, and what is sealed."""

import re
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import Browser, Shown, browser_of

from agent.console.page_needs import PAGES
from agent.incidents.incidents import MOST_ENTRIES
from agent.sites.site import IncidentSettings
from agent.storage.access_rows import Seen, read_accesses
from agent.storage.incident_rows import Filed, RunningClock, read_incident, write_incident
from rules.assess import Assessment, Outcome
from rules.incident import Level, Reason, track_of
from rules.incident_kind import Kind, Risk
from rules.name import DomainName
from rules.observation import Confidence, Observation, Source
from rules.roles import Role
from rules.subject import Audience

PURPOSE = "Deciding about this case"
NASTY = "</p><script>alert(1)</script> \u202eevil\u2066 \U0001f9e8 " + "x" * 50


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def pupil_of(school: SchoolOfTest, name: str = "Pip", *, role: Role = Role.PUPIL) -> str:
    with school.store.act() as act:
        return school.parts.people.open(act, name, (role,), actor="system").id


def path_of(filed: Filed) -> str:
    return f"/incidents/{filed.incident.id}"


def look(browser: Browser, filed: Filed, **fields: str) -> Shown:
    shown = browser.get(path_of(filed))
    return browser.submit(shown, f"{path_of(filed)}/look", {"purpose": PURPOSE} | fields)


def main_of(shown: Shown) -> str:
    return shown.html.split("<main", 1)[1].split("</main>", 1)[0]


# ---- who sees what -------------------------------------------------------------------------------------------------

# What of the page there is, each by a letter.
PARTS = {
    "k": 'id="seen-title"',
    "s": 'id="sure-title"',
    "r": 'id="reasons-title"',
    "w": '/reveal"',
    "t": 'id="table-title"',
    "c": 'id="card-title"',
    "a": '/accept"',
    "m": '/merge"',
    "l": '/letters"',
    "u": '/unseal"',
    "x": '/export"',
    "p": 'id="look-title"',
}
# As the school's pack says: an ordinary matter of a pupil is for the Co-ordinator, the head teacher and the
# safeguarding lead; a child at risk not for the Co-ordinator; what is about staff only for the head teacher and whom
# the school named. Of what is sealed nobody sees what it was, nor how sure it is, nor who. To others none of it is
# there: 404 as for a number that is not; 403 to those who read no incidents at all.
CASES: Mapping[str, tuple[Kind, Role, Audience]] = {
    "conduct of a pupil": (Kind.GAMBLING, Role.PUPIL, Audience.PUPIL),
    "a child at risk": (Kind.SELF_HARM, Role.PUPIL, Audience.PUPIL),
    "an allegation against staff": (Kind.STAFF_CONDUCT, Role.TEACHER, Audience.STAFF),
    "sealed": (Kind.ILLEGAL, Role.PUPIL, Audience.PUPIL),
}
ALL, SEALED = "ksrwtamlxp", "ktcaluxp"
GOLDEN: Mapping[str, tuple[str, str, str, str]] = {
    "head_teacher": (ALL, ALL, ALL, SEALED),
    "ict_coordinator": (ALL, "404", "404", SEALED),
    "safeguarding_lead": (ALL, ALL, "404", SEALED),
    "second_reader": ("404", "404", ALL, "404"),
}


@pytest.mark.parametrize("name", [*Role, "second_reader"])
def test_every_role_sees_of_every_track_what_the_pack_says_and_no_more(school: SchoolOfTest, name: str) -> None:
    browser = browser_of(school, "Somebody", Role.SLT if name == "second_reader" else Role(name))
    if name == "second_reader":
        school.private = replace(school.private, incidents=IncidentSettings(second_reader=browser.person))
        with school.store.act() as act:
            act.database.execute("UPDATE accounts SET totp_secret = 'x' WHERE person = ?", (browser.person,))
    found = []
    for number, (kind, role, audience) in enumerate(CASES.values()):
        filed = school.candidate(kind, about=pupil_of(school, f"P{number}", role=role), audience=audience)
        shown = browser.get(path_of(filed))
        parts = "".join(letter for letter, mark in PARTS.items() if mark in main_of(shown))
        found.append(parts if shown.status == 200 else str(shown.status))
        if shown.status != 200:
            assert parts == ""
        assert "hidden.example" not in shown.html
    assert tuple(found) == GOLDEN.get(name, ("403",) * 4)


def test_an_incident_that_is_not_for_somebody_looks_like_one_that_is_not_there(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    filed = school.candidate(Kind.SELF_HARM, about=pupil_of(school))
    paths = ["", "/accept", "/reveal", "/letters", "/export", "/unseal", "/steps/add", "/warnings/w/withdraw"]
    for path in (*paths, "/restrictions/r/end", "/letters/x"):
        there, nowhere = browser.get(path_of(filed) + path), browser.get(f"/incidents/x999{path}")
        assert (there.status, main_of(there)) == (nowhere.status, main_of(nowhere)) == (404, main_of(nowhere)), path


def test_nobody_reads_what_is_about_themselves(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    filed = school.candidate(about=browser.person, audience=Audience.STAFF)
    assert browser.get(path_of(filed)).status == 404


def test_a_stranger_is_asked_who_they_are(school: SchoolOfTest) -> None:
    shown = Browser(school).get("/incidents/x1")
    assert (shown.status, shown.headers["location"]) == (303, "/sign-in?next=%2Fincidents%2Fx1")


# ---- looking -------------------------------------------------------------------------------------------------------


def test_without_a_purpose_the_page_shows_what_the_queue_shows_and_nothing_is_noted(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    filed = school.candidate(about=pupil_of(school))
    shown = browser.get(path_of(filed))
    assert f"Case {filed.number}: gambling" in shown.headings
    for words in (
        "waits for a decision",
        "something speaks for it",
        "9 different names (gambling) in 6 minutes",
        "B: one person",
        "P02: Sites that are not for learning",
        "Source: E-safety policy of January 2018, line 343.",
        filed.incident.subject,
    ):
        assert words in shown.text
    assert "Pip" not in shown.html
    assert "incident_viewed" not in school.kinds()


def test_with_a_purpose_it_shows_what_was_asked_for_with_its_proof_and_who_looked(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    filed = school.candidate(about=pupil_of(school))
    shown = look(browser, filed)
    assert shown.status == 200
    for words in (
        "hidden.example",
        "the filter blocked it",
        "activity 2026-03-02 09:15",
        "Grace : the case; " + PURPOSE,
    ):
        assert words in shown.text
    with school.store.read() as database:
        assert [(each.seen, each.purpose) for each in read_accesses(database)] == [(Seen.INCIDENT, PURPOSE)]


@pytest.mark.parametrize("purpose", ["", "12", "?" * 30, "no" * 150])
def test_no_purpose_shows_nothing_and_says_why(school: SchoolOfTest, purpose: str) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    shown = look(browser, school.candidate(about=pupil_of(school)), purpose=purpose)
    assert shown.status == 422
    assert "hidden.example" not in shown.html
    assert "purpose" in shown.text
    assert "incident_viewed" not in school.kinds()


def test_a_long_timeline_comes_in_parts_of_fifty_and_the_rest_is_counted(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    filed = school.candidate(about=pupil_of(school))
    grow(school, filed, 5_000)
    shown = look(browser, filed)
    assert f"Entries 1 to 50 of {MOST_ENTRIES}." in shown.text
    assert f"{5_001 - MOST_ENTRIES:,} more were observed, which are only counted." in shown.text
    assert len(shown.html.encode()) < 150_000
    later = browser.post(f"{path_of(filed)}/look", {**shown.form(f"{path_of(filed)}/look"), "first": "51"})
    assert "Entries 51 to 100 of" in later.text
    assert "name50.example" in later.text
    whole = browser.post(f"{path_of(filed)}/look", {**shown.form(f"{path_of(filed)}/look"), "first": "all"})
    assert f"Entries 1 to {MOST_ENTRIES} of" in whole.text


@pytest.mark.parametrize(
    ("first", "said"), [("0", "1 to 50"), ("-3", "1 to 50"), ("99999999", "1 to 50"), ("60", "60")]
)
def test_a_part_that_is_not_there_is_the_nearest(school: SchoolOfTest, first: str, said: str) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    filed = school.candidate(about=pupil_of(school))
    grow(school, filed, 59)
    assert f"Entries {said}" in look(browser, filed, first=first).text


def test_what_came_from_outside_is_shown_as_text_in_every_field(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    filed = school.candidate(about=pupil_of(school, "<b>Pip</b> \U0001f9e8"))
    with school.store.act() as act:
        before = read_incident(act.database, filed.incident.id)
        assert before is not None
        observed = seen_of(school, filed, 1)
        facts = {"found": NASTY, "evidence": NASTY, "kind": NASTY, "crypt": NASTY, "signature": NASTY}
        observed = replace(observed, facts=facts, category=NASTY, evidence=NASTY, device=NASTY)
        school.parts.incidents.join(act, filed.incident.id, observed, assessed(filed))
    shown = look(browser, filed, purpose=f"Looking {NASTY[:120]}".replace("\u202e", "").replace("\u2066", ""))
    assert shown.status == 200, shown.text
    assert shown.html.count("<script") == 2
    assert "&lt;script&gt;alert(1)" in shown.html
    # What turns the direction of writing turns it nowhere else.
    assert "\u202e" in shown.html
    assert "\u202e" not in re.sub(r"<bdi>[^<]*</bdi>", "", shown.html)
    named = browser.submit(browser.get(f"{path_of(filed)}/reveal"), f"{path_of(filed)}/reveal", purpose=PURPOSE)
    assert "&lt;b&gt;Pip&lt;/b&gt;" in named.html


@pytest.mark.parametrize("path", ["/look", "/metadata"])
def test_what_was_shown_for_a_purpose_is_asked_for_again_where_the_page_is_loaded_anew(
    school: SchoolOfTest, path: str
) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    filed = school.candidate(about=pupil_of(school))
    assert browser.get(path_of(filed) + path).headers["location"] == path_of(filed)


# ---- who it is -----------------------------------------------------------------------------------------------------


def test_who_it_is_is_said_once_for_a_purpose_and_stands_in_no_address(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    filed = school.candidate(about=pupil_of(school))
    asked = browser.get(f"{path_of(filed)}/reveal")
    assert "is put on record before the name is shown" in asked.text
    assert f"Case {filed.number}" in asked.text
    told = browser.submit(asked, f"{path_of(filed)}/reveal", purpose="To talk to the pupil")
    assert told.status == 200
    assert "location" not in told.headers
    assert "Pip" in told.text
    assert told.headers["cache-control"] == "no-store"
    assert "Pip" not in browser.get(f"{path_of(filed)}/reveal").html
    assert "Pip" not in look(browser, filed).html
    assert "subject_revealed" in school.kinds()


def test_without_a_purpose_nobody_is_named(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    filed = school.candidate(about=pupil_of(school))
    shown = browser.submit(browser.get(f"{path_of(filed)}/reveal"), f"{path_of(filed)}/reveal", purpose="x")
    assert shown.status == 422
    assert "Pip" not in shown.html
    assert 'value="x"' in shown.html
    assert "subject_revealed" not in school.kinds()


# ---- evidence ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_names", ["", "yes"])
def test_evidence_is_a_signed_file(school: SchoolOfTest, with_names: str) -> None:
    browser = browser_of(school, "Head", Role.HEAD_TEACHER)
    filed = school.candidate(about=pupil_of(school))
    action = f"{path_of(filed)}/export"
    fields = {"purpose": "For the police officer"} | ({"with_names": with_names} if with_names else {})
    got = browser.submit(browser.get(action), action, fields)
    assert got.status == 200, got.text
    assert got.headers["content-type"] == "application/zip"
    assert got.headers["content-disposition"] == f'attachment; filename="case-{filed.number}.zip"'
    assert ("subject_revealed" in school.kinds()) is bool(with_names)


# ---- what is sealed ------------------------------------------------------------------------------------------------


def test_of_what_is_sealed_there_is_the_card_and_neither_name_nor_time_nor_person(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Head", Role.HEAD_TEACHER)
    filed = school.candidate(Kind.ILLEGAL, about=pupil_of(school))
    for shown in (browser.get(path_of(filed)), look(browser, filed)):
        assert "Whom to call" in shown.text
        assert "When it happened" not in shown.text
        assert f"<title>Case {filed.number} ·" in shown.html
        for hidden in ("hidden.example", filed.incident.subject, "Pip", "activity 2026"):
            assert hidden not in shown.html
    refused = browser.submit(browser.get(f"{path_of(filed)}/reveal"), f"{path_of(filed)}/reveal", purpose=PURPOSE)
    assert (refused.status, "two people" in refused.text) == (422, True)


def test_two_people_unseal_what_may_be_known_and_each_says_why(school: SchoolOfTest) -> None:
    head, lead = browser_of(school, "Head", Role.HEAD_TEACHER), browser_of(school, "Lena", Role.SAFEGUARDING_LEAD)
    filed = school.candidate(Kind.ILLEGAL, about=pupil_of(school))
    action = f"{path_of(filed)}/unseal"
    first = head.follow(head.submit(head.get(action), action, purpose="The police ask when it was"))
    assert "Head asked to unseal" in first.text
    assert "for a second person" not in first.text
    assert "It opens once a second person asks" in first.text
    early = head.post(f"{path_of(filed)}/metadata", {**first.form(action), "purpose": PURPOSE})
    assert early.status == 422
    second = lead.follow(lead.submit(lead.get(action), action, purpose="The police ask when it was"))
    assert "open to Head and Lena until 09:45" in second.text
    shown = lead.submit(second, f"{path_of(filed)}/metadata", purpose="To write down the times")
    assert "1 times, in 1 minutes" in shown.text
    assert filed.incident.subject in shown.text
    assert "hidden.example" not in shown.html
    who = lead.submit(lead.get(f"{path_of(filed)}/reveal"), f"{path_of(filed)}/reveal", purpose="The police ask")
    assert "Pip" in who.text
    school.now += timedelta(minutes=31)
    assert "open to" not in lead.get(action).text


def test_what_is_not_sealed_is_not_unsealed(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Head", Role.HEAD_TEACHER)
    filed = school.candidate(about=pupil_of(school))
    shown = browser.get(f"{path_of(filed)}/unseal")
    assert "As the case stands now, this cannot be done." in shown.text
    assert not [action for action, _ in shown.forms if action.startswith("/incidents")]


# ---- bad days ------------------------------------------------------------------------------------------------------


def test_where_the_database_is_locked_nothing_typed_is_lost(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    filed = school.candidate(about=pupil_of(school))
    action = f"{path_of(filed)}/accept"
    form = browser.get(action)
    other = sqlite3.connect(school.store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        shown = browser.submit(form, action, deliberate="unclear", why="He wanted to see what it was")
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert "He wanted to see what it was" in shown.html
    assert "nothing was changed" in shown.text
    done = browser.submit(shown, action)
    assert done.status == 303, done.text


def seen_of(school: SchoolOfTest, filed: Filed, number: int) -> Observation:
    return Observation(
        id=f"more {number}",
        source=Source.BLOCKED,
        at=school.now + timedelta(seconds=number),
        received_at=school.now + timedelta(seconds=number),
        subject=filed.incident.subject,
        confidence=Confidence.B,
        audience=Audience.PUPIL,
        category="gambling",
        name=DomainName(f"name{number}.example"),
        evidence="activity 2026-03-02 09:15",
    )


def assessed(filed: Filed, kinds: Collection[Kind] = (Kind.GAMBLING,)) -> Assessment:
    (kind,) = kinds
    return Assessment(
        Outcome.OPENS,
        kind=kind,
        risk=Risk.CONDUCT,
        rows=filed.incident.rows,
        level=Level.PERSON,
        track=track_of(kind, Audience.PUPIL),
        intent=70,
        reasons=(Reason("sites", 40, {"sites": 9, "minutes": 6}),),
    )


def grow(school: SchoolOfTest, filed: Filed, number: int) -> None:
    with school.store.act() as act:
        for each in range(1, number + 1):
            school.parts.incidents.join(act, filed.incident.id, seen_of(school, filed, each), assessed(filed))


OWN = [(method, path) for method, path in PAGES if path.startswith(("/incidents/{id}", "/tasks"))]


@pytest.mark.parametrize(("method", "path"), OWN)
def test_each_page_is_for_who_may_and_for_nobody_else(school: SchoolOfTest, method: str, path: str) -> None:
    filed = school.candidate(about=pupil_of(school))
    address = path.format(id=filed.incident.id, number="1", restriction="r", warning="w", letter="l")
    teacher = browser_of(school, "Tom", Role.TEACHER)
    form = teacher.get("/tasks").form("/sign-out")
    shown = teacher.send(method, address, data=form if method == "POST" else None)
    expected = {403} if PAGES[method, path].rights else {200} if path == "/tasks" else {404}
    assert shown.status in expected, shown.text
    assert "gambling" not in shown.text
    stranger = Browser(school).send(method, address)
    assert stranger.status in ({303} if method == "GET" else {401})


def test_a_clock_that_ends_with_a_day_is_shown_on_that_day(tmp_path: Path) -> None:
    school = SchoolOfTest(tmp_path)
    grace = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    filed = school.candidate()
    clock = RunningClock("report", "our-school", filed.known_at, datetime(2026, 3, 6, tzinfo=UTC), "")
    with school.store.act() as act:
        write_incident(act, replace(filed, clocks=(clock,)))
    assert "before Thursday 5 March 2026, 23:59" in grace.get(f"/incidents/{filed.incident.id}").text
