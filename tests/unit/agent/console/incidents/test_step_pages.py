"""Steps: what waits for somebody, how one was done, who may leave one out, and what follows from some of them."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import PASSWORD, SchoolOfTest
from pages_of_test import Browser, Shown, browser_of

from agent.people.people import SchoolClass
from agent.storage.incident_rows import Filed
from agent.storage.step_rows import FiledStep, read_steps, write_step
from rules.incident import Intent
from rules.incident_kind import Kind
from rules.roles import Role
from rules.sanction import Step
from rules.steps import StepState

HOW = "Talked to everybody at the table"
REASON = "The class teacher is ill this week"
SPLIT_NAME = "Pip <i>Z</i>"


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    made = SchoolOfTest(tmp_path)
    with made.store.act() as act:
        made.parts.people.set_class(act, SchoolClass("class5", "Class 5", "year5"), actor="system")
    return made


@pytest.fixture
def grace(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Grace", Role.ICT_COORDINATOR)


@pytest.fixture
def teacher(school: SchoolOfTest) -> Browser:
    browser = browser_of(school, "Five", Role.CLASS_TEACHER)
    with school.store.act() as act:
        school.parts.people.change(act, browser.person, classes=("class5",), actor="system")
    return browser


def accepted(school: SchoolOfTest, browser: Browser, kind: Kind = Kind.GAMBLING, row: str = "P02") -> Filed:
    with school.store.act() as act:
        pupil = school.parts.people.open(act, SPLIT_NAME, (Role.PUPIL,), actor="system", classes=("class5",))
    filed = school.candidate(kind, about=pupil.id)
    return school.parts.incidents.decisions.accept(
        browser.person,
        filed.incident.id,
        version=1,
        row=row,
        deliberate=Intent.UNCLEAR,
        why="He said that he wanted to see it",
    )


def steps(school: SchoolOfTest, filed: Filed) -> list[FiledStep]:
    with school.store.read() as database:
        return read_steps(database, filed.incident.id)


def number_of(school: SchoolOfTest, filed: Filed, action: str) -> int:
    return next(each.number for each in steps(school, filed) if each.action == action)


def done(browser: Browser, filed: Filed, number: int = 1, **fields: str) -> Shown:
    path = f"/tasks/{filed.incident.id}/{number}"
    return browser.submit(browser.get(path), f"{path}/done", {"how": HOW} | fields)


# ---- what waits ----------------------------------------------------------------------------------------------------


def test_where_nothing_waits_it_says_so(teacher: Browser) -> None:
    assert "Nothing waits for you." in teacher.get("/tasks").text


def test_the_steps_that_wait_for_somebody_say_not_whom_they_are_about(
    school: SchoolOfTest, grace: Browser, teacher: Browser
) -> None:
    filed = accepted(school, grace)
    shown = teacher.get("/tasks")
    assert "1 step waits for you." in shown.text
    assert f"Case {filed.number}; due before Tue 3 Mar 23:59 ; as Class teacher" in shown.text
    assert "Pip" not in shown.html
    assert filed.incident.subject not in shown.html
    assert "Nothing waits for you." in grace.get("/tasks").text


@pytest.mark.usefixtures("teacher")
def test_what_is_overdue_comes_first_and_says_so(school: SchoolOfTest, grace: Browser) -> None:
    first = accepted(school, grace)
    school.now += timedelta(hours=36)
    second = accepted(school, grace)
    school.now += timedelta(hours=12)
    again = Browser(school)
    again.submit(again.get("/sign-in"), "/sign-in", login="five", password=PASSWORD)
    shown = again.get("/tasks")
    assert "1 is overdue." in shown.text
    assert shown.text.index(f"Case {first.number};") < shown.text.index(f"Case {second.number};")
    assert "overdue" in shown.text


def test_more_than_fifty_come_in_parts(school: SchoolOfTest, grace: Browser, teacher: Browser) -> None:
    for _ in range(55):
        accepted(school, grace)
    shown = teacher.get("/tasks")
    assert "55 steps wait for you." in shown.text
    assert shown.html.count("as Class teacher") == 50
    assert teacher.get("/tasks", first="50").html.count("as Class teacher") == 5
    assert teacher.get("/tasks", first="x").status == 200


def test_a_stranger_is_asked_who_they_are(school: SchoolOfTest) -> None:
    assert Browser(school).get("/tasks").status == 303


# ---- one step ------------------------------------------------------------------------------------------------------


def test_whoever_has_a_step_to_do_says_how_without_reading_the_case(
    school: SchoolOfTest, grace: Browser, teacher: Browser
) -> None:
    filed = accepted(school, grace)
    assert teacher.get(f"/incidents/{filed.incident.id}").status == 403
    shown = teacher.follow(done(teacher, filed, outcome="He understood it well"))
    assert "Done, and on record." in shown.text
    assert HOW in shown.text
    assert steps(school, filed)[0].state is StepState.DONE
    assert "It is done" not in shown.headings


def test_whoever_has_a_step_about_somebody_learns_who_for_a_purpose(
    school: SchoolOfTest, grace: Browser, teacher: Browser
) -> None:
    filed = accepted(school, grace)
    action = f"/incidents/{filed.incident.id}/reveal"
    told = teacher.submit(teacher.get(action), action, purpose="To talk to the pupil")
    assert "Pip &lt;i&gt;Z&lt;/i&gt;" in told.html


def test_a_step_of_others_is_not_there(school: SchoolOfTest, grace: Browser) -> None:
    filed = accepted(school, grace)
    other = browser_of(school, "Six", Role.CLASS_TEACHER)
    for path in ("", "/restrict"):
        there = other.get(f"/tasks/{filed.incident.id}/1{path}")
        nowhere = other.get(f"/tasks/x999/1{path}")
        assert (there.status, there.text) == (nowhere.status, nowhere.text)
        assert there.status == 404
    assert other.get(f"/tasks/{filed.incident.id}/1/skip").status == 403


@pytest.mark.parametrize("number", ["0", "99", "x", "-1", "1" * 30])
def test_a_number_that_no_step_has_is_not_there(school: SchoolOfTest, grace: Browser, number: str) -> None:
    assert grace.get(f"/tasks/{accepted(school, grace).incident.id}/{number}").status == 404


def test_what_says_too_little_comes_back_as_it_was_typed(
    school: SchoolOfTest, grace: Browser, teacher: Browser
) -> None:
    filed = accepted(school, grace)
    shown = done(teacher, filed, how="x<b>", outcome="He understood it well", at="2026-03-02T09:00")
    assert shown.status == 422
    for typed in ("x&lt;b&gt;", "He understood it well", 'value="2026-03-02T09:00"'):
        assert typed in shown.html
    assert steps(school, filed)[0].state is StepState.OPEN


def test_of_two_who_do_a_step_at_once_the_second_is_told(
    school: SchoolOfTest, grace: Browser, teacher: Browser
) -> None:
    filed = accepted(school, grace)
    path = f"/tasks/{filed.incident.id}/1"
    form = grace.get(path)
    done(teacher, filed)
    late = grace.submit(form, f"{path}/done", how="Talked to the whole class")
    assert late.status == 409
    assert "This step is done already." in late.text
    assert "Five" in late.text
    assert "Meanwhile" not in late.text
    assert "What you had written" in late.headings
    assert "Talked to the whole class" in late.text


def test_what_was_written_to_leave_a_step_out_that_is_done_by_now_is_not_lost(
    school: SchoolOfTest, grace: Browser, teacher: Browser
) -> None:
    filed = accepted(school, grace)
    action = f"/tasks/{filed.incident.id}/1/skip"
    form = grace.get(action)
    done(teacher, filed)
    late = grace.submit(form, action, reason=REASON)
    assert (late.status, REASON in late.text) == (409, True)


def test_what_another_step_has_become_meanwhile_is_not_done_by_an_old_page(
    school: SchoolOfTest, grace: Browser
) -> None:
    filed = accepted(school, grace)
    path = f"/tasks/{filed.incident.id}/1"
    form = grace.get(path)
    with school.store.act() as act:
        write_step(act, replace(steps(school, filed)[0], action="warning", step=Step.WARN))
    late = grace.submit(form, f"{path}/done", how="Talked to the whole class")
    assert (late.status, steps(school, filed)[0].state) == (409, StepState.OPEN)
    assert "Somebody has changed this since you looked at it" in late.text
    assert late.form(f"{path}/done")["how"] == ["Talked to the whole class"]
    assert grace.submit(late, f"{path}/done").status == 303


def test_a_step_is_left_out_with_a_reason_by_who_reads_the_case(
    school: SchoolOfTest, grace: Browser, teacher: Browser
) -> None:
    filed = accepted(school, grace)
    action = f"/tasks/{filed.incident.id}/1/skip"
    assert teacher.get(action).status == 403
    assert grace.submit(grace.get(action), action, reason="no").status == 422
    shown = grace.follow(grace.submit(grace.get(action), action, reason=REASON))
    assert REASON in shown.text
    assert REASON in grace.get(f"/incidents/{filed.incident.id}").text


def test_a_step_is_added_with_a_reason(school: SchoolOfTest, grace: Browser) -> None:
    filed = accepted(school, grace)
    action = f"/incidents/{filed.incident.id}/steps/add"
    fields = {
        "label": "Look at the laptop",
        "kind": "technical",
        "role": "ict_coordinator",
        "within": "2 school days",
    }
    shown = grace.submit(grace.get(action), action, fields | {"reason": "no"})
    assert (shown.status, "Look at the laptop" in shown.html) == (422, True)
    added = grace.follow(grace.submit(shown, action, reason="It was slow after the lesson"))
    assert "The step is added." in added.text
    assert "not of the table" in added.text
    assert "within 2 school days" in grace.get(action).text


# ---- what follows --------------------------------------------------------------------------------------------------


def test_access_is_restricted_as_a_step_says_and_given_back(school: SchoolOfTest, grace: Browser) -> None:
    filed = accepted(school, grace, Kind.BYPASS, "P13")
    number = number_of(school, filed, "remove_access")
    action = f"/tasks/{filed.incident.id}/{number}/restrict"
    form = grace.get(action)
    missing = grace.submit(form, action, reason=REASON, groups="year5")
    assert (missing.status, "Say when it ends." in missing.text) == (422, True)
    assert "checked" in missing.html
    fields = {
        "until_at": "2026-03-06T16:00",
        "review_on": "2026-03-04",
        "reason": REASON,
        "devices": "192.0.2.9\nlab-7",
    }
    shown = grace.follow(grace.submit(form, action, fields, groups="year5"))
    assert "Access is restricted." in shown.text
    assert "year5" in shown.text
    restriction = school.parts.incidents.restrictions.of(grace.person, filed.incident.id)[0]
    assert restriction.devices == {"192.0.2.9", "lab-7"}
    assert "looked at again on Wednesday 4 March 2026" in grace.get(f"/incidents/{filed.incident.id}").text
    end = f"/incidents/{filed.incident.id}/restrictions/{restriction.id}/end"
    back = grace.follow(grace.submit(grace.get(end), end, reason="They have said that they are sorry"))
    assert "Access is given back." in back.text
    assert "over since" in back.text


def test_of_two_who_restrict_access_at_once_the_second_is_told(school: SchoolOfTest, grace: Browser) -> None:
    filed = accepted(school, grace, Kind.BYPASS, "P13")
    action = f"/tasks/{filed.incident.id}/{number_of(school, filed, 'remove_access')}/restrict"
    head = browser_of(school, "Hana", Role.HEAD_TEACHER)
    fields = {"until_at": "2026-03-06T16:00", "review_on": "2026-03-04", "reason": REASON, "groups": "year5"}
    early = head.get(action)
    assert grace.submit(grace.get(action), action, fields).status == 303
    late = head.submit(early, action, {**fields, "reason": "Nobody told me that it is done"})
    assert late.status == 409
    assert "Somebody has changed this since you looked at it" in late.text
    assert "year5 , until Friday 6 March 2026" in late.text
    assert late.form(action)["reason"] == ["Nobody told me that it is done"]
    assert len(school.parts.incidents.restrictions.of(grace.person, filed.incident.id)) == 1


def test_a_warning_is_on_the_register_and_can_be_taken_back(school: SchoolOfTest) -> None:
    head = browser_of(school, "Head", Role.HEAD_TEACHER)
    filed = accepted(school, head, Kind.BYPASS, "P13")
    number = number_of(school, filed, "warning")
    assert "register of warnings" in head.get(f"/tasks/{filed.incident.id}/{number}").text
    done(head, filed, number)
    page = head.get(f"/incidents/{filed.incident.id}")
    assert "Warnings given for this" in page.headings
    warning = school.parts.incidents.warnings.of(head.person, filed.incident.id)[0]
    action = f"/incidents/{filed.incident.id}/warnings/{warning.id}/withdraw"
    shown = head.follow(head.submit(head.get(action), action, reason="It was somebody else after all"))
    assert "The warning is taken back." in shown.text
    assert "taken back" in shown.text


def test_a_step_that_brought_somebody_in_says_whom(school: SchoolOfTest) -> None:
    head = browser_of(school, "Head", Role.HEAD_TEACHER)
    filed = accepted(school, head, Kind.BYPASS, "P13")
    number = number_of(school, filed, "refer_slt")
    done(head, filed, number, referred_to="The <b>helpdesk</b>", reference="T-17")
    shown = head.get(f"/incidents/{filed.incident.id}")
    assert "The &lt;b&gt;helpdesk&lt;/b&gt;" in shown.html
    assert "T-17" in shown.text
