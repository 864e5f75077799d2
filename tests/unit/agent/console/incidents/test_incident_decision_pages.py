"""Decisions about an incident, each on a page of its own: done by the rules, never lost, and never twice."""

from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import Browser, Shown, browser_of

from agent.console.incidents.incident_decision_pages import DECISIONS
from agent.storage.incident_rows import Filed, read_incident
from rules.incident import Dismissal, State
from rules.incident_kind import Kind
from rules.roles import Role
from rules.subject import Audience

WHY = "He said that he wanted to see what it was"
REASON = "We looked at it together with the class"


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


@pytest.fixture
def grace(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Grace", Role.ICT_COORDINATOR)


@pytest.fixture
def pupil(school: SchoolOfTest) -> str:
    with school.store.act() as act:
        return school.parts.people.open(act, "Pip", (Role.PUPIL,), actor="system").id


def decide(browser: Browser, filed: Filed, move: str, **fields: str) -> Shown:
    action = f"/incidents/{filed.incident.id}/{move}"
    return browser.submit(browser.get(action), action, fields)


def now(school: SchoolOfTest, filed: Filed) -> Filed:
    with school.store.read() as database:
        found = read_incident(database, filed.incident.id)
    assert found is not None
    return found


def test_a_candidate_is_accepted_as_a_row_and_its_ticks_are_the_checklist(
    school: SchoolOfTest, grace: Browser, pupil: str
) -> None:
    filed = school.candidate(about=pupil)
    form = grace.get(f"/incidents/{filed.incident.id}/accept")
    assert form.form(f"/incidents/{filed.incident.id}/accept")["row"] == ["P02"]
    assert "deliberate" not in form.form(f"/incidents/{filed.incident.id}/accept")
    shown = grace.follow(decide(grace, filed, "accept", deliberate="deliberate", why=WHY, is_serious="no"))
    assert "Accepted." in shown.text
    assert "Checklist" in shown.headings
    assert "Refer to the class teacher" in shown.text
    assert WHY not in shown.html
    after = now(school, filed)
    assert (after.incident.state, after.incident.row, after.why_deliberate) == (State.ACCEPTED, "P02", WHY)
    assert after.incident.is_serious is False


def test_a_candidate_is_dismissed_with_why(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    filed = school.candidate(about=pupil)
    shown = grace.follow(decide(grace, filed, "dismiss", dismissal="lesson", words=REASON))
    assert "it was part of a lesson" in shown.text
    assert now(school, filed).dismissal is Dismissal.LESSON


def test_what_was_somebody_else_is_taken_off_the_person(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    filed = school.candidate(about=pupil)
    assert "This cannot be undone." in grace.get(f"/incidents/{filed.incident.id}/correct").text
    shown = grace.follow(decide(grace, filed, "correct", reason=REASON))
    assert "Nothing of it stands against that person any more." in shown.text
    assert now(school, filed).incident.subject == ""


def test_one_is_made_part_of_another_by_its_number(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    first, second = school.candidate(about=pupil), school.candidate(Kind.GAMES, about=pupil)
    form = grace.get(f"/incidents/{second.incident.id}/merge")
    assert f"Case {first.number}: gambling" in form.text
    wrong = decide(grace, second, "merge", into="999", reason=REASON)
    assert (wrong.status, "no case with this number" in wrong.text) == (422, True)
    done = decide(grace, second, "merge", into=str(first.number), reason=REASON)
    assert done.headers["location"] == f"/incidents/{first.incident.id}?told=merge"
    assert f"It is part of case {first.number} now." in grace.get(f"/incidents/{second.incident.id}").text


def test_no_number_tells_of_a_case_that_is_not_ones_own(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    filed, hidden = school.candidate(about=pupil), school.candidate(Kind.SELF_HARM, about=pupil)
    numbers = (str(hidden.number), "77", "", "x", "-1", "9" * 30)
    said = {decide(grace, filed, "merge", into=number, reason=REASON).text.split("goes on")[0] for number in numbers}
    assert len(said) == 1
    assert f"Case {hidden.number}:" not in grace.get(f"/incidents/{filed.incident.id}/merge").text


def test_a_part_becomes_a_case_of_its_own(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    first, second = school.candidate(about=pupil), school.candidate(about=pupil)
    decide(grace, second, "merge", into=str(first.number), reason=REASON)
    for entries in ("", "x", "0", "5-3", "1-99999"):
        wrong = decide(grace, first, "split", entries=entries, kind="games", reason=REASON)
        assert (wrong.status, "Expected the numbers of entries" in wrong.text) == (422, True), entries
    done = decide(grace, first, "split", entries="2", kind="games", reason=REASON)
    shown = grace.follow(done)
    assert "This is the new case." in shown.text
    assert f"Split from Case {first.number}" in shown.text


def test_a_case_is_closed_once_its_steps_are_done_and_opened_again_after_an_appeal(
    school: SchoolOfTest, grace: Browser, pupil: str
) -> None:
    filed = school.candidate(about=pupil)
    decide(grace, filed, "accept", deliberate="unclear", why=WHY)
    early = decide(grace, filed, "close", outcome="They talked about it", lesson="The lesson began late")
    assert (early.status, "still open" in early.text) == (422, True)
    assert "They talked about it" in early.html
    school.parts.incidents.steps.done(grace.person, filed.incident.id, 1, how="Talked to everybody")
    closed = grace.follow(grace.submit(early, f"/incidents/{filed.incident.id}/close"))
    assert "Closed." in closed.text
    by = "<b>Pip's mother</b>"
    again = decide(grace, filed, "reopen", by=by, outcome="She told us what happened", withdraws_warnings="yes")
    assert grace.follow(again).status == 200
    assert now(school, filed).incident.state is State.ACCEPTED


def test_people_say_whom_it_is_about(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    filed = school.candidate()
    action = f"/incidents/{filed.incident.id}/name-subject"
    asked = grace.get(action)
    assert '<form method="get"' not in asked.html
    assert "Pip" not in grace.get(action, q="pi").text
    assert "Nobody of this name" in grace.submit(asked, action, q="Zz").text
    found = grace.submit(asked, action, q="pi")
    assert (found.status, "Pip" in found.text) == (200, True)
    chosen = {**_naming(found, action), "reason": REASON}
    assert grace.post(action, chosen).status == 422
    shown = grace.follow(grace.post(action, {**chosen, "subject": pupil}))
    assert "It is about that person now." in shown.text
    assert "Pip" not in shown.html


def _naming(shown: Shown, action: str) -> dict[str, list[str]]:
    """Give the form that names somebody, beside the one that finds them."""
    return next(fields for each, fields in shown.forms if each == action and "reason" in fields)


def test_whoever_may_not_see_the_list_of_people_needs_an_id(school: SchoolOfTest, pupil: str) -> None:
    lead = browser_of(school, "Lena", Role.SAFEGUARDING_LEAD)
    filed = school.candidate()
    action = f"/incidents/{filed.incident.id}/name-subject"
    shown = lead.submit(lead.get(action), action, find="yes", q="Pip")
    assert (shown.status, pupil in shown.html) == (200, False)
    assert lead.follow(decide(lead, filed, "name-subject", subject=pupil, reason=REASON)).status == 200


def test_everything_is_kept_until_it_is_released(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    filed = school.candidate(about=pupil)
    assert "kept until further notice" in grace.follow(decide(grace, filed, "hold", reason=REASON)).text
    assert "/hold" not in "".join(grace.get(f"/incidents/{filed.incident.id}").links)
    assert "ends at its time again" in grace.follow(decide(grace, filed, "release", reason=REASON)).text


def test_what_goes_to_others_by_a_decision_is_gone_for_whoever_decided(
    school: SchoolOfTest, grace: Browser, pupil: str
) -> None:
    filed = school.candidate(about=pupil)
    shown = decide(grace, filed, "reclassify", kind="self_harm", reason=REASON)
    assert (shown.status, "Other people deal with this case now" in shown.text) == (200, True)
    assert grace.get(f"/incidents/{filed.incident.id}").status == 404


@pytest.mark.parametrize("move", DECISIONS)
def test_too_few_words_come_back_as_they_were_typed_with_why(
    school: SchoolOfTest, grace: Browser, pupil: str, move: str
) -> None:
    filed = school.candidate(about="" if move == "name-subject" else pupil)
    possible = {"close": "accept", "reopen": "dismiss", "release": "hold"}
    if before := possible.get(move):
        decide(grace, filed, before, deliberate="unclear", why=WHY, dismissal="test", words=REASON, reason=REASON)
    action = f"/incidents/{filed.incident.id}/{move}"
    form = grace.get(action)
    if move == "name-subject":
        form = grace.submit(form, action, q="Pip")
    fields = _naming(form, action) if move == "name-subject" else form.form(action)
    sent = {"why": "no<b>", "reason": "no<b>", "words": "no<b>", "outcome": "no<b>", "by": "no<b>", "entries": "1"}
    sent |= {"deliberate": "unclear", "dismissal": "test", "kind": "games", "into": "1", "subject": pupil}
    shown = grace.post(action, {**fields, **sent})
    assert shown.status == 422
    assert "no&lt;b&gt;" in shown.html
    assert "no<b>" not in shown.html


@pytest.mark.parametrize(
    ("move", "missing"),
    [("accept", {"why": WHY}), ("dismiss", {"words": REASON}), ("split", {"entries": "1", "reason": REASON})],
)
def test_a_choice_that_nobody_made_is_asked_for(
    school: SchoolOfTest, grace: Browser, pupil: str, move: str, missing: dict[str, str]
) -> None:
    shown = decide(grace, school.candidate(about=pupil), move, **missing)
    assert (shown.status, "Please choose one." in shown.text) == (422, True)


def test_of_two_who_decide_at_once_the_second_sees_what_the_first_did(school: SchoolOfTest, pupil: str) -> None:
    grace, head = browser_of(school, "Grace", Role.ICT_COORDINATOR), browser_of(school, "Head", Role.HEAD_TEACHER)
    filed = school.candidate(about=pupil)
    action = f"/incidents/{filed.incident.id}/reclassify"
    form = head.get(action)
    decide(grace, filed, "reclassify", kind="games", reason="It was a game and no betting")
    late = head.submit(form, action, kind="social", reason="They talked to each other there")
    assert late.status == 409
    assert "Somebody has changed this since you looked at it" in late.text
    assert "Meanwhile: Case: " in late.text
    assert "(ICT Co-ordinator)" in late.text
    assert f"Case {filed.number}: games" in late.text
    assert "They talked to each other there" in late.html
    assert now(school, filed).incident.kind is Kind.GAMES
    assert head.submit(late, action).status == 303
    assert now(school, filed).incident.kind is Kind.SOCIAL


def test_where_the_first_left_nothing_to_decide_the_second_is_told(school: SchoolOfTest, pupil: str) -> None:
    grace, head = browser_of(school, "Grace", Role.ICT_COORDINATOR), browser_of(school, "Head", Role.HEAD_TEACHER)
    filed = school.candidate(about=pupil)
    action = f"/incidents/{filed.incident.id}/accept"
    form = head.get(action)
    decide(grace, filed, "dismiss", dismissal="test", words=REASON)
    late = head.submit(form, action, deliberate="unclear", why=WHY)
    assert late.status == 409
    assert "As the case stands now, this cannot be done." in late.text
    assert "dismissed: it was none" in late.text
    assert "What you had written" in late.headings
    assert WHY in late.text


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 12])
def test_a_form_that_does_not_say_what_somebody_saw_decides_nothing(
    school: SchoolOfTest, grace: Browser, pupil: str, version: str
) -> None:
    filed = school.candidate(about=pupil)
    shown = decide(grace, filed, "hold", version=version, reason=REASON)
    assert shown.status == 422
    assert not now(school, filed).is_held


def test_where_the_session_ended_what_was_typed_is_kept(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    filed = school.candidate(about=pupil)
    action = f"/incidents/{filed.incident.id}/dismiss"
    form = grace.get(action)
    school.now += timedelta(days=2)
    shown = grace.submit(form, action, dismissal="test", words=REASON)
    assert shown.status == 401
    assert REASON not in shown.html
    (sealed,) = shown.form("/sign-in")["kept"]
    assert ("words", REASON) in school.app.state.console.keeper.opened(sealed, person=grace.person).fields
    assert now(school, filed).incident.state is State.CANDIDATE


def test_what_is_about_staff_is_for_the_table_of_staff(school: SchoolOfTest, grace: Browser) -> None:
    with school.store.act() as act:
        tom = school.parts.people.open(act, "Tom", (Role.TEACHER,), actor="system").id
    filed = school.candidate(Kind.GAMBLING, about=tom, audience=Audience.STAFF)
    form = grace.get(f"/incidents/{filed.incident.id}/accept").html
    assert ('value="S11"' in form, 'value="P02"' in form) == (True, False)
