"""Registers as pages: for a purpose, a part at a time however long they are, by pseudonym, and as a file."""

import json
import tracemalloc
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from api_of_test import SchoolOfTest, lesson
from pages_of_test import Browser, Shown, browser_of

from agent.console.registers.register_words import KINDS
from agent.fleet.media_register import Draft
from agent.fleet.media_sign_outs import Wanted as WantedOut
from agent.incidents.register_parts import Cell, Part
from agent.storage.state import instant_text
from rules.incident_kind import Kind
from rules.medium import MediumKind
from rules.roles import Role
from rules.subject import Audience

PURPOSE = "The review of this half term"


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def shown(browser: Browser, kind: str, **fields: str) -> Shown:
    page = browser.get(f"/registers/{kind}")
    assert page.status == 200, page.text
    return browser.submit(page, f"/registers/{kind}", {"purpose": PURPOSE, **fields})


def looked(school: SchoolOfTest, person: str, times: int) -> None:
    """Let somebody have looked so often, the newest first at the present."""
    rows = (
        (instant_text(school.now - timedelta(seconds=each)), person, "export", f"look {each}")
        for each in range(times)
    )
    with school.store.act() as act:
        act.database.executemany(
            "INSERT INTO accesses (at, person, incident, what, purpose) VALUES (?, ?, '', ?, ?)", reversed(list(rows))
        )


def test_somebody_is_shown_the_registers_that_are_theirs(school: SchoolOfTest) -> None:
    head = browser_of(school, "Grace", Role.HEAD_TEACHER).get("/registers")
    dpo = browser_of(school, "Dora", Role.DATA_PROTECTION_OFFICER).get("/registers")
    assert [f"/registers/{kind}" in head.links for kind in KINDS] == [True] * len(KINDS)
    assert {each for each in dpo.links if each.startswith("/registers/")} == {
        "/registers/media",
        "/registers/sign-outs",
        "/registers/rules",
        "/registers/access",
        "/registers/roles",
    }
    assert "/people/waiting" in head.links
    assert "/people/waiting" not in dpo.links


def test_as_many_people_wait_as_their_page_shows(school: SchoolOfTest) -> None:
    grace = browser_of(school, "Grace", Role.HEAD_TEACHER)
    with school.store.act() as act:
        # The school begins, so what is given is in force, and nobody else has confirmed it.
        school.parts.people.open(act, "Zoe", [Role.NETWORK_MANAGER], actor=grace.person)
    shown = grace.get("/people/waiting").html.count('aria-labelledby="waits-')
    assert shown >= 1
    assert f"{shown} {'person' if shown == 1 else 'people'}" in grace.get("/registers").text


def test_how_many_rows_there_are_is_told_where_it_tells_nothing_of_anybody(school: SchoolOfTest) -> None:
    school.person("Ada", Role.TEACHER).post("/overrides", lesson())
    school.candidate()
    page = browser_of(school, "Grace", Role.HEAD_TEACHER).get("/registers")
    assert page.text.count("1 row") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_each_opens_for_a_purpose_and_that_is_on_record(school: SchoolOfTest, kind: str) -> None:
    page = shown(browser_of(school, "Grace", Role.HEAD_TEACHER), kind)
    assert page.status == 200
    assert school.kinds()[-1] == "register_read"
    assert f"Purpose {PURPOSE}" in page.text
    assert "Monday 2 March 2026, 09:15 , Grace" in page.text
    assert "School of Test" in page.text


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_purpose_nothing_is_shown_and_what_was_typed_stays(school: SchoolOfTest, kind: str) -> None:
    browser = browser_of(school, "Grace", Role.HEAD_TEACHER)
    page = shown(browser, kind, purpose="hm", with_names="yes")
    assert page.status == 422
    assert "There is no purpose" in page.text
    assert page.form(f"/registers/{kind}")["purpose"] == ["hm"]
    assert school.kinds()[-1] == "rule_refused"


def test_people_stand_there_by_a_pseudonym_unless_names_are_asked_for(school: SchoolOfTest) -> None:
    assert school.person("Ada", Role.TEACHER).post("/overrides", lesson()).status_code == 201
    browser = browser_of(school, "Grace", Role.HEAD_TEACHER)
    assert "Ada" not in shown(browser, "overrides").text
    assert "Ada" in shown(browser, "overrides", with_names="yes").text


def test_an_emergency_that_nobody_countersigned_is_not_called_approved(school: SchoolOfTest) -> None:
    grace = school.person("Grace", Role.HEAD_TEACHER)
    taken = grace.post("/overrides", lesson(is_break_glass=True, until_at="2026-03-02T09:45:00+00:00"))
    assert taken.status_code == 201, taken.text
    page = shown(browser_of(school, "Ivy", Role.ICT_COORDINATOR), "overrides")
    assert "Emergency, waits to be countersigned" in page.text
    assert "was approved" not in page.text


def test_what_is_restricted_is_on_no_register_of_somebody_who_may_not_know_of_it(school: SchoolOfTest) -> None:
    school.candidate(Kind.STAFF_CONDUCT, audience=Audience.STAFF)
    school.candidate(audience=Audience.PUPIL)
    page = shown(browser_of(school, "Ivy", Role.ICT_COORDINATOR), "incidents")
    assert page.html.count("<tr>") == 2


def test_a_register_is_paged_without_a_gap_and_without_a_row_twice(school: SchoolOfTest) -> None:
    dpo = browser_of(school, "Dora", Role.DATA_PROTECTION_OFFICER)
    looked(school, dpo.person, 120)
    page, purposes = shown(dpo, "access"), list[str]()
    for _ in range(5):
        purposes += page.text.split("look ")[1:]
        forms = [fields for action, fields in page.forms if action == "/registers/access" and "after" in fields]
        if not forms:
            break
        page = dpo.post("/registers/access", forms[0])
    numbers = [int(each.split()[0]) for each in purposes]
    assert numbers == list(range(120))


def test_a_register_of_a_hundred_thousand_rows_is_read_no_further_than_it_is_shown(school: SchoolOfTest) -> None:
    dpo = browser_of(school, "Dora", Role.DATA_PROTECTION_OFFICER)
    looked(school, dpo.person, 100_000)
    form = dpo.get("/registers/access")
    dpo.submit(form, "/registers/access", {"purpose": PURPOSE})
    tracemalloc.start()
    page = dpo.submit(form, "/registers/access", {"purpose": PURPOSE})
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert page.html.count("<tr>") == 51
    assert len(page.html) < 30_000
    assert most < 4_000_000


def test_a_register_of_no_rows_says_so(school: SchoolOfTest) -> None:
    assert (
        "There is nothing on this register." in shown(browser_of(school, "Grace", Role.HEAD_TEACHER), "warnings").text
    )


def test_a_place_in_a_register_that_was_made_up_is_refused(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Grace", Role.HEAD_TEACHER)
    for after in ("nonsense", "WyJhIl0", "Wy0xXQ"):
        assert shown(browser, "access", after=after).status == 422


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_handed_out_as_a_file(school: SchoolOfTest, kind: str) -> None:
    browser = browser_of(school, "Grace", Role.HEAD_TEACHER)
    fields = {**browser.get(f"/registers/{kind}").form(f"/registers/{kind}"), "purpose": PURPOSE}
    file = browser.post(f"/registers/{kind}/csv", fields)
    assert file.status == 200
    assert file.headers["content-type"].startswith("text/csv")
    assert "attachment" in file.headers["content-disposition"]
    assert school.kinds()[-1] == "register_read"


def test_the_period_of_the_rows_is_said(school: SchoolOfTest) -> None:
    dpo = browser_of(school, "Dora", Role.DATA_PROTECTION_OFFICER)
    with school.store.act() as act:
        for at in ("2026-02-01T10:00:00.000000+00:00", "2026-03-01T10:00:00.000000+00:00"):
            act.database.execute(
                "INSERT INTO accesses (at, person, incident, what) VALUES (?, ?, '', 'export')", (at, dpo.person)
            )
    told = "Period Everything on file These rows 01/02/2026, 10:00 \N{EN DASH} 01/03/2026, 10:00"
    assert told in shown(dpo, "access").text


def test_a_register_is_of_the_days_that_were_asked_for_and_they_go_along_to_the_next_part(
    school: SchoolOfTest,
) -> None:
    dpo = browser_of(school, "Dora", Role.DATA_PROTECTION_OFFICER)
    looked(school, dpo.person, 3)
    school.now -= timedelta(days=3)
    looked(school, dpo.person, 70)
    school.now += timedelta(days=3)
    fields = {"period": "days", "from_on": "2026-02-27", "until_on": "2026-02-27"}
    page = shown(dpo, "access", **fields)
    assert page.html.count("<tr>") == 51
    assert "Period 27 Feb 2026 These rows 27/02/2026, 09:14" in page.text
    assert "02/03/2026" not in page.text.split("Purpose")[0]
    again = [form for action, form in page.forms if action == "/registers/access" and "after" in form]
    rest = dpo.post("/registers/access", again[0])
    assert rest.html.count("<tr>") == 21
    assert "Period 27 Feb 2026" in rest.text
    csv = dpo.post("/registers/access/csv", rest.form("/registers/access/csv"))
    assert csv.html.count("\n") == 71
    with school.store.read() as database:
        facts = database.execute("SELECT facts FROM audit WHERE kind = 'register_read' ORDER BY number").fetchall()
    assert [json.loads(each[0]).get("from_at") for each in facts] == ["2026-02-27T00:00:00.000000+00:00"] * 3


@pytest.mark.parametrize("kind", [each for each in KINDS if each != "roles"])
def test_every_register_that_tells_of_days_is_cut_to_them(school: SchoolOfTest, kind: str) -> None:
    browser = browser_of(school, "Hana", Role.HEAD_TEACHER, Role.DATA_PROTECTION_OFFICER)
    fill(school)
    for _ in range(2):
        medium = school.parts.media.register.register(browser.person, Draft(MediumKind.STICK, "Marks of Year 5"))
        wanted = WantedOut("Reports at home", date(2026, 3, 4))
        school.parts.media.sign_outs.sign_out(browser.person, medium.number, wanted)
    everything = shown(browser, kind).html.count("<tr>") - 1
    today = shown(browser, kind, from_on="2026-03-02").html.count("<tr>") - 1
    # To read who looked is a look itself.
    assert 2 <= everything == today - (kind == "access")
    assert "There is nothing of this time on this register." in shown(browser, kind, until_on="2026-03-01").text
    tomorrow = {"from_on": "2026-03-03", "until_on": "2026-03-04"}
    assert "There is nothing of this time on this register." in shown(browser, kind, **tomorrow).text


def test_a_register_that_tells_how_it_is_now_has_no_period(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Grace", Role.HEAD_TEACHER)
    assert "period" not in browser.get("/registers/roles").form("/registers/roles")
    assert "head" in shown(browser, "roles", until_on="2020-01-01").text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"period": "term", "from_on": "2026-01-01"}, "Expected either one of these periods or days of your own"),
        ({"period": "days", "from_on": "yesterday"}, "Expected a date such as 2026-03-02."),
        ({"from_on": "2026-03-02", "until_on": "2026-03-01"}, "The last day is before the first."),
    ],
    ids=["two-periods", "no-day", "turned-round"],
)
def test_days_that_are_none_are_refused_and_what_was_typed_stays(
    school: SchoolOfTest, fields: dict[str, str], said: str
) -> None:
    browser = browser_of(school, "Grace", Role.HEAD_TEACHER)
    for path in ("/registers/access", "/registers/access/csv"):
        page = browser.submit(browser.get("/registers/access"), "/registers/access", {"purpose": PURPOSE, **fields})
        page = browser.post(path, {**page.form("/registers/access"), **fields})
        assert page.status == 422
        assert said in page.text
        assert page.form("/registers/access")["purpose"] == [PURPOSE]
        assert page.form("/registers/access")["from_on"] == [fields["from_on"]]
    assert "register_read" not in school.kinds()


def test_columns_in_which_nothing_stands_are_named_and_left_out(school: SchoolOfTest) -> None:
    school.person("Ada", Role.TEACHER).post("/overrides", lesson())
    page = shown(browser_of(school, "Grace", Role.HEAD_TEACHER), "overrides")
    assert "left out: Categories, Audiences, Approved by, Decided, Times used and Devices" in page.text


def test_what_was_typed_is_text_and_never_markup(school: SchoolOfTest) -> None:
    page = shown(browser_of(school, "Grace", Role.HEAD_TEACHER), "rules", purpose="<script>alert(1)</script>")
    assert page.status == 200
    assert "<script>alert" not in page.html


def fill(school: SchoolOfTest) -> str:
    """Put several rows on each register, some of them of the same instant; gives who may read all of them."""
    head, ivy = school.person("Grace", Role.HEAD_TEACHER), school.person("Ivy", Role.ICT_COORDINATOR)
    until = "2026-03-02T09:45:00+00:00"
    for number in range(7):
        school.now += timedelta(seconds=number % 2)
        assert school.person(f"Ada{number}", Role.TEACHER).post("/overrides", lesson()).status_code == 201
        body = {"groups": ["year5"], "reason": "The line is changed today.", "until_at": until}
        assert ivy.post("/suspensions", body).status_code == 201
        filed = school.candidate(audience=(Audience.PUPIL, Audience.STAFF)[number % 2])
        at = instant_text(school.now)
        with school.store.act() as act:
            act.note("rules_answered", actor=head.person, subject="d", facts={"accepted": True})
            act.database.execute(
                "INSERT INTO warnings (id, incident, subject, row, given_at, given_by, expires_on)"
                " VALUES (?, ?, 'p', 'r', ?, ?, '2027-01-01')",
                (f"w{number}", filed.incident.id, at, head.person),
            )
            act.database.execute(
                "INSERT INTO incident_steps (incident, number, action, step, role, owners, due_at, state, done_at,"
                " done_by, words) VALUES (?, 1, 'refer', 'refer', 'head_teacher', '[]', ?, 'done', ?, ?, ?)",
                (filed.incident.id, at, at, head.person, '{"referred_to": "Somebody", "reference": "1"}'),
            )
    looked(school, head.person, 7)
    return head.person


@pytest.mark.parametrize("kind", [each for each in KINDS if each not in ("media", "sign-outs")])
def test_parts_put_together_are_the_whole_register(school: SchoolOfTest, kind: str) -> None:
    person, parts = fill(school), school.parts
    if kind == "access":
        person = school.person("Dora", Role.DATA_PROTECTION_OFFICER).person
    registers = parts.incidents.registers
    services: dict[str, Any] = {
        "incidents": registers.incidents,
        "warnings": registers.warnings,
        "referrals": registers.referrals,
        "access": registers.accesses,
        "roles": registers.roles,
        "overrides": parts.request_registers.overrides,
        "suspensions": parts.request_registers.suspensions,
        "rules": parts.rules_register.answers,
    }
    found, after, service = list[tuple[Cell, ...]](), None, services[kind]
    while True:
        register = service(person, purpose=PURPOSE, part=Part(after, 3))
        assert len(register.rows) <= 3
        found += register.rows
        after = register.next
        if after is None:
            break
    assert len(found) >= 7
    # To read who looked is a look itself.
    assert found == list(service(person, purpose=PURPOSE).rows)[-len(found) :]


@pytest.mark.parametrize("with_names", [True, False])
def test_a_file_of_a_register_has_names_where_they_were_asked_for(tmp_path: Path, with_names: bool) -> None:
    school = SchoolOfTest(tmp_path)
    assert school.person("Ada", Role.TEACHER).post("/overrides", lesson()).status_code == 201
    grace = browser_of(school, "Grace", Role.HEAD_TEACHER)
    fields = {**grace.get("/registers/overrides").form("/registers/overrides"), "purpose": "Before the review."}
    fields |= {"with_names": "yes"} if with_names else {}
    assert ("Ada" in grace.post("/registers/overrides/csv", fields).html) is with_names
