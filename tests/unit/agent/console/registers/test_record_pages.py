"""The record as pages: in words, veiled as ever, proved, taken away, signed and freed of what is personal."""

from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest, lesson
from pages_of_test import browser_of

from agent.record.record_status import BROKEN, VERIFIED
from rules.incident_kind import Kind
from rules.roles import Role
from rules.subject import Audience


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def number_of(school: SchoolOfTest, kind: str) -> int:
    with school.store.read() as database:
        return int(database.execute("SELECT max(number) FROM audit WHERE kind = ?", (kind,)).fetchone()[0])


def test_rows_stand_there_in_words_with_their_kind_beside_the_newest_first(school: SchoolOfTest) -> None:
    school.person("Ada", Role.TEACHER).post("/overrides", lesson())
    page = browser_of(school, "Audrey", Role.AUDITOR).get("/record")
    assert page.status == 200
    assert "Request made override_requested" in page.text
    assert page.text.index("signed_in Audrey") < page.text.index("override_requested")


def test_an_action_has_its_title_of_the_table(school: SchoolOfTest) -> None:
    with school.store.act() as act:
        for action in ("refer_class_teacher", "refer_safeguarding_lead"):
            act.note("incident_step_done", actor="system", facts={"action": action})
    page = browser_of(school, "Audrey", Role.AUDITOR).get("/record", kind="incident_step_done")
    assert "Refer to the class teacher" in page.text
    assert "Refer to the safeguarding lead" in page.text
    assert "refer_class_teacher" not in page.text


def test_rows_are_found_by_what_happened_who_did_it_and_when(school: SchoolOfTest) -> None:
    ada = school.person("Ada", Role.TEACHER)
    ada.post("/overrides", lesson())
    browser = browser_of(school, "Audrey", Role.AUDITOR)
    assert browser.get("/record", kind="override_requested").html.count("<tr>") == 2
    assert "Acts of Ada only" in browser.get("/record", actor=ada.person).text
    assert "There are no such rows." in browser.get("/record", until="2026-03-01").text
    assert "There are no such rows." in browser.send("GET", "/record", params={"from": "2026-03-03"}).text
    assert browser.send("GET", "/record", params={"from": "2026-03-02", "until": "2026-03-02"}).html.count("<tr>") > 4


@pytest.mark.parametrize(
    "query",
    [{"kind": "<b>"}, {"actor": "' OR 1"}, {"from": "yesterday"}, {"until": "9999-12-31"}, {"from": "0001-01-01"}],
)
def test_what_is_asked_for_and_means_nothing_restricts_nothing(school: SchoolOfTest, query: dict[str, str]) -> None:
    assert browser_of(school, "Audrey", Role.AUDITOR).send("GET", "/record", params=query).html.count("<tr>") > 3


def test_a_place_that_was_made_up_is_refused(school: SchoolOfTest) -> None:
    assert browser_of(school, "Audrey", Role.AUDITOR).get("/record", after="x").status == 422


def test_the_record_is_paged(school: SchoolOfTest) -> None:
    with school.store.act() as act:
        for _ in range(130):
            act.note("rows_lost", actor="gateway")
    browser, numbers = browser_of(school, "Audrey", Role.AUDITOR), list[str]()
    page = browser.get("/record", kind="rows_lost")
    while True:
        numbers += [each for each in page.links if each.removeprefix("/record/").isdigit()]
        later = [each for each in page.links if "after=" in each]
        if not later:
            break
        page = browser.get(later[0])
    assert len(numbers) == len(set(numbers)) == 130


def test_of_a_confidential_case_only_that_something_was_done_is_seen(school: SchoolOfTest) -> None:
    filed = school.candidate(Kind.STAFF_CONDUCT, audience=Audience.STAFF)
    row = number_of(school, "incident_opened")
    browser = browser_of(school, "Ivy", Role.ICT_COORDINATOR)
    page = browser.get(f"/record/{row}")
    assert "Something was done about a confidential case" in page.text
    assert filed.incident.id not in page.html + browser.get("/record").html
    assert "gambling" not in page.text


def test_a_governor_reads_no_more_of_cases_here_than_in_their_figures(school: SchoolOfTest) -> None:
    filed = school.candidate(Kind.GAMBLING)
    number = number_of(school, "incident_opened")
    browser = browser_of(school, "Gwen", Role.ESAFETY_GOVERNOR)
    assert "fewer than 5" in browser.get("/governor").text
    for page in (browser.get("/record"), browser.get(f"/record/{number}")):
        assert "Something was done about a case" in page.text
        told = page.html.replace("incident_withheld", "")
        assert not [each for each in (filed.incident.id, "gambling", "intent", "incident_") if each in told]
    everything = browser.get("/record").html.count("<tr>")
    assert browser.get("/record", kind="incident_opened").html.count("<tr>") == everything
    assert "incident_opened" in browser_of(school, "Audrey", Role.AUDITOR).get("/record").html


def test_how_the_chain_stands_is_said_on_top(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Audrey", Role.AUDITOR)
    assert "not verified yet" in browser.get("/record").text
    with school.store.act() as act:
        act.note(VERIFIED, actor="system", facts={"rows": 9, "seconds": 1})
    assert "whole Rows" in browser.get("/record").text
    with school.store.act() as act:
        act.note(BROKEN, actor="system", facts={"row": 3, "what": "Row 3 was altered.", "seconds": 1})
    assert "not whole Row 3 was altered." in browser.get("/record").text


def test_somebody_has_it_verified_now(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Audrey", Role.AUDITOR)
    page = browser.submit(browser.get("/record"), "/record/verify")
    assert page.status == 200
    assert "No row was altered, removed, inserted or moved." in page.text


def test_a_record_that_was_touched_is_found_and_the_first_row_named(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Audrey", Role.AUDITOR)
    form = browser.get("/record")
    with school.store.act() as act:
        act.database.execute("DROP TRIGGER IF EXISTS audit_no_update")
        names = [row[0] for row in act.database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for name in names:
            act.database.execute(f"DROP TRIGGER {name}")
        act.database.execute("UPDATE audit SET actor = 'somebody' WHERE number = 2")
    page = browser.submit(form, "/record/verify")
    assert "The first row that is not as it was: 2." in page.text


@pytest.mark.parametrize(("style", "kind"), [("jsonl", "application/jsonl"), ("csv", "text/csv; charset=utf-8")])
def test_it_is_taken_away_as_a_file_and_that_is_on_record(school: SchoolOfTest, style: str, kind: str) -> None:
    browser = browser_of(school, "Audrey", Role.AUDITOR)
    file = browser.submit(browser.get("/record"), "/record/export", {"format": style})
    assert file.headers["content-type"] == kind
    assert school.kinds()[-1] == "record_exported"
    assert "record_exported" in file.html


def test_a_format_that_there_is_not_is_said_to_be_none(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Audrey", Role.AUDITOR)
    assert browser.submit(browser.get("/record"), "/record/export", {"format": "exe"}).status == 422


def test_a_governor_signs_a_period_and_sees_what_was_looked_at(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Gwen", Role.ESAFETY_GOVERNOR)
    fields = {"from_on": "2026-03-01", "until_on": "2026-03-02", "remark": "Nothing to add."}
    done = browser.follow(browser.submit(browser.get("/record"), "/record/sign-offs", fields))
    assert done.status == 200
    assert "Record reviewed and signed" in done.text
    assert "Account made 1" in done.text
    assert "Nothing to add." in done.text


@pytest.mark.parametrize(
    ("from_on", "until_on", "sentence"),
    [
        ("2026-03-02", "2026-03-01", "The last day is before the first."),
        ("2026-03-02", "2026-04-01", "still to come"),
        ("", "2026-03-02", "One field needs another look."),
        ("soon", "2026-03-02", "One field needs another look."),
    ],
)
def test_a_period_that_is_none_is_not_signed_and_what_was_typed_stays(
    school: SchoolOfTest, from_on: str, until_on: str, sentence: str
) -> None:
    browser = browser_of(school, "Gwen", Role.ESAFETY_GOVERNOR)
    fields = {"from_on": from_on, "until_on": until_on, "remark": "What I found."}
    page = browser.submit(browser.get("/record"), "/record/sign-offs", fields)
    assert page.status == 422
    assert sentence in page.text
    assert page.form("/record/sign-offs")["remark"] == ["What I found."]
    assert "record_signed_off" not in school.kinds()


def test_the_head_erases_what_is_personal_beside_a_row_and_the_row_stays(school: SchoolOfTest) -> None:
    school.person("Ada", Role.TEACHER).post("/overrides", lesson())
    row = number_of(school, "override_requested")
    browser = browser_of(school, "Grace", Role.HEAD_TEACHER)
    form = browser.get(f"/record/{row}")
    refused = browser.submit(form, f"/record/{row}/erase", {"reason": "no"})
    assert refused.status == 422
    assert refused.form(f"/record/{row}/erase")["reason"] == ["no"]
    reason = "She asked that her words be erased, and she is right."
    told = browser.follow(browser.submit(form, f"/record/{row}/erase", {"reason": reason}))
    assert "Erased. The row itself stays" in told.text
    again = browser.get(f"/record/{row}")
    assert "What was personal beside this row is gone." in again.text
    assert not [action for action, _ in again.forms if action.endswith("/erase")]
    late = browser.submit(form, f"/record/{row}/erase", {"reason": reason, "form_number": "another"})
    assert (late.status, reason in late.text) == (422, True)


def test_who_may_not_erase_is_not_offered_it(school: SchoolOfTest) -> None:
    school.person("Ada", Role.TEACHER).post("/overrides", lesson())
    page = browser_of(school, "Audrey", Role.AUDITOR).get(f"/record/{number_of(school, 'override_requested')}")
    assert not [action for action, _ in page.forms if action.endswith("/erase")]


@pytest.mark.parametrize("number", ["0", "999999", "x", "-1", "1" * 30, "٣"])
def test_a_row_that_is_not_there_is_not_found(school: SchoolOfTest, number: str) -> None:
    assert browser_of(school, "Audrey", Role.AUDITOR).get(f"/record/{number}").status == 404


def test_anchors_are_shown_as_they_are_printed(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Audrey", Role.AUDITOR)
    assert "There is no anchor yet" in browser.get("/record/anchors").text
    school.now += timedelta(days=1)
    with school.store.act() as act:
        act.note("rows_lost", actor="gateway")
    page = browser_of(school, "Otto", Role.AUDITOR).get("/record/anchors")
    assert page.status == 200
