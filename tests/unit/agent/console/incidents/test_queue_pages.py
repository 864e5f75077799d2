"""The queue: what waits in groups, deciding in place, undoing, and whoever comes second."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import Browser, Shown, browser_of

from agent.storage.incident_rows import Filed, read_incident
from rules.incident import Dismissal, State
from rules.incident_kind import Kind
from rules.roles import Right, Role, rights_of
from rules.subject import Audience

WHY = "He said that he wanted to see what it was"
REASON = "We looked at it together with the class"
PART = {"HX-Request": "true"}


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


def burst(school: SchoolOfTest, pupil: str, number: int = 3) -> list[Filed]:
    return [school.candidate(about=pupil) for _ in range(number)]


def decide(browser: Browser, filed: Filed, move: str, **fields: str) -> Shown:
    action = f"/queue/{filed.incident.id}/{move}"
    return browser.submit(browser.get(action), action, fields)


def states(school: SchoolOfTest, *found: Filed) -> list[State]:
    with school.store.read() as database:
        now = [read_incident(database, each.incident.id) for each in found]
    return [each.incident.state for each in now if each is not None]


# ---- looking -----------------------------------------------------------------------------------------------------


def test_an_empty_queue_is_a_sentence(grace: Browser) -> None:
    shown = grace.get("/incidents")
    assert "Nothing waits for you here." in shown.text
    assert "There is nothing here." in grace.get("/incidents", standing="over").text


def test_a_group_says_what_whom_when_why_and_what_is_proposed(
    school: SchoolOfTest, grace: Browser, pupil: str
) -> None:
    first = school.candidate(about=pupil, intent=90)
    school.now += timedelta(minutes=20)
    school.candidate(about=pupil)
    shown = grace.get("/incidents")
    for words in (
        f"Case {first.number}: gambling and 1 more",
        "much speaks for it",
        "a pupil, p-",
        "09:15 \u2013 09:35",
        "B: one person",
        "9 different names (gambling) in 6 minutes",
        "Nothing that the gateway could see.",
        "P02: ",
        "All 2 cases of this group",
    ):
        assert words in shown.text, words
    assert "incident_viewed" not in school.kinds()


def test_a_sealed_one_says_nothing_of_what_it_was(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    filed = school.candidate(Kind.ILLEGAL, about=pupil)
    shown = grace.get("/incidents")
    assert "sealed" in shown.text
    assert "Its page says what to do and whom to call." in shown.text
    assert "p-" not in shown.text
    assert f"/queue/{filed.incident.id}/reclassify" not in shown.links


@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_who_opens_the_queue(school: SchoolOfTest, role: Role) -> None:
    filed = school.candidate()
    browser = browser_of(school, "Somebody", role)
    may = Right.READ_INCIDENTS in rights_of((role,)) or role in school.parts.incidents.desk.chains.reading()
    for path in ("/incidents", "/queue/new", f"/queue/{filed.incident.id}", f"/queue/{filed.incident.id}/accept"):
        assert (browser.get(path).status != 403) is may, path
    assert may or browser.post("/queue/undo", {}).status == 403


def test_strangers_are_asked_who_they_are(school: SchoolOfTest) -> None:
    shown = Browser(school).get("/incidents")
    assert (shown.status, shown.headers["location"]) == (303, "/sign-in?next=%2Fincidents")


def test_what_somebody_may_not_know_of_is_neither_shown_nor_counted(
    school: SchoolOfTest, grace: Browser, pupil: str
) -> None:
    hidden = school.candidate(Kind.SELF_HARM, about=pupil)
    staff = school.candidate(Kind.STAFF_CONDUCT, about=pupil, audience=Audience.STAFF)
    own = school.candidate(Kind.SHOPPING, about=grace.person, audience=Audience.STAFF)
    shown = grace.get("/incidents")
    assert "0 cases" in shown.text
    assert "Nothing waits for you here." in shown.text
    for filed in (hidden, staff, own):
        assert grace.get(f"/queue/{filed.incident.id}").status == 404
        assert grace.get(f"/queue/{filed.incident.id}/dismiss").status == 404


def test_what_is_new_is_told_and_not_moved_under_anybody(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    school.candidate(about=pupil)
    html = grace.get("/incidents").html
    address = html.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    assert address.startswith("/queue/new?since=")
    assert grace.get(address).text == ""
    school.now += timedelta(minutes=1)
    burst(school, pupil)
    school.candidate(Kind.SELF_HARM, about=pupil)
    shown = grace.get(address)
    assert "3 new cases." in shown.text
    assert shown.links == ["/incidents"]
    assert grace.get("/queue/new").text == ""
    assert grace.get("/queue/new", since="zzz").text == ""


# ---- deciding ----------------------------------------------------------------------------------------------------


def test_a_burst_is_dismissed_for_a_usual_reason(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    found = burst(school, pupil)
    shown = grace.follow(decide(grace, found[0], "dismiss", dismissal="lesson"))
    assert "3 cases are dismissed." in shown.text
    assert states(school, *found) == [State.DISMISSED] * 3
    with school.store.read() as database:
        filed = read_incident(database, found[1].incident.id)
    assert filed is not None
    assert (filed.dismissal, filed.decision_reason) == (Dismissal.LESSON, "Usual reason: it was part of a lesson")


@pytest.mark.parametrize("language", ["en", "fr", "nl", "ja"])
@pytest.mark.parametrize("dismissal", [each for each in Dismissal if each is not Dismissal.OTHER])
def test_every_usual_reason_is_one(school: SchoolOfTest, pupil: str, dismissal: Dismissal, language: str) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR, language=language)
    filed = school.candidate(about=pupil)
    assert decide(browser, filed, "dismiss", dismissal=dismissal.value).status == 303
    assert states(school, filed) == [State.DISMISSED]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        pytest.param({}, "Please choose one.", id="nothing-chosen"),
        pytest.param({"dismissal": "other"}, "is missing or says too little", id="another-reason-unsaid"),
        pytest.param({"dismissal": "other", "words": "x"}, "is missing or says too little", id="too-little"),
        pytest.param({"dismissal": "anything", "words": REASON}, "Input should be", id="what-there-is-not"),
    ],
)
def test_a_dismissal_that_says_too_little_comes_back_as_it_was_typed(
    school: SchoolOfTest, grace: Browser, pupil: str, fields: dict[str, str], says: str
) -> None:
    (filed,) = burst(school, pupil, 1)
    shown = decide(grace, filed, "dismiss", **fields)
    assert (shown.status, says in shown.text) == (422, True), shown.text
    again = shown.form(f"/queue/{filed.incident.id}/dismiss")
    assert again["words"] == [fields.get("words", "")]
    assert states(school, filed) == [State.CANDIDATE]


def test_a_burst_is_accepted_as_one_case(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    found = burst(school, pupil)
    form = grace.get(f"/queue/{found[0].incident.id}/accept")
    assert "They become one case" in form.text
    assert form.form(f"/queue/{found[0].incident.id}/accept")["row"] == ["P02"]
    shown = grace.follow(decide(grace, found[0], "accept", deliberate="deliberate", why=WHY))
    assert "Accepted as one case." in shown.text
    assert states(school, *found) == [State.ACCEPTED, State.MERGED, State.MERGED]


def test_one_is_put_under_another_kind(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    (filed,) = burst(school, pupil, 1)
    shown = grace.follow(decide(grace, filed, "reclassify", kind="games", reason=REASON))
    assert "Put where it belongs." in shown.text
    assert f"Case {filed.number}: games" in shown.text


def test_each_of_a_group_is_put_under_another_kind_by_itself(
    school: SchoolOfTest, grace: Browser, pupil: str
) -> None:
    found = burst(school, pupil)
    shown = grace.get(f"/queue/{found[0].incident.id}/reclassify")
    assert "by itself: open it from the list above" in shown.text
    assert f"/queue/{found[0].incident.id}/reclassify" not in [action for action, _ in shown.forms]


def test_with_its_card_alone_the_answer_is_its_card(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    (filed,) = burst(school, pupil, 1)
    action = f"/queue/{filed.incident.id}/dismiss"
    form = grace.get(action, headers=PART)
    assert form.html.startswith("\n") or form.html.startswith("<article")
    assert "<html" not in form.html
    refused = grace.post(action, form.form(action), headers=PART)
    assert (refused.status, "<html" not in refused.html) == (422, True)
    done = grace.post(action, {**form.form(action), "dismissal": "test"}, headers=PART)
    assert 'data-say="Dismissed."' in done.html
    assert "Undo" in done.text
    back = grace.post("/queue/undo", done.form("/queue/undo"), headers=PART)
    assert f"/queue/{filed.incident.id}/accept" in back.links
    assert 'data-say="Undone.' in back.html
    assert grace.post("/queue/undo", done.form("/queue/undo"), headers=PART).html == back.html
    again = grace.post("/queue/undo", {**done.form("/queue/undo"), "form_number": "another"}, headers=PART)
    assert (again.status, "<html" not in again.html) == (409, True)
    assert "Somebody has changed this" in again.text


def test_what_goes_to_others_is_said_to_be_gone(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    (filed,) = burst(school, pupil, 1)
    action = f"/queue/{filed.incident.id}/reclassify"
    fields = {**grace.get(action).form(action), "kind": "self_harm", "reason": REASON}
    done = grace.post(action, fields, headers=PART)
    assert "you do not see it any more" in done.text
    assert "Undo" not in done.text
    assert grace.get(action).status == 404


def test_what_is_taken_off_somebody_cannot_be_undone_and_says_so(
    school: SchoolOfTest, grace: Browser, pupil: str
) -> None:
    (filed,) = burst(school, pupil, 1)
    action = f"/queue/{filed.incident.id}/dismiss"
    done = grace.post(action, {**grace.get(action).form(action), "dismissal": "wrong_person"}, headers=PART)
    assert "This cannot be undone." in done.text
    assert "What you decided just now" not in grace.get("/incidents").headings


# ---- undoing -----------------------------------------------------------------------------------------------------


def undo(browser: Browser) -> Shown:
    return browser.submit(browser.get("/incidents"), "/queue/undo")


def test_what_was_decided_at_once_is_undone_at_once(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    found = burst(school, pupil)
    decide(grace, found[0], "dismiss", dismissal="test")
    shown = grace.get("/incidents")
    assert "What you decided just now" in shown.headings
    assert f"Case {found[0].number} and 2 more: dismissed" in shown.text
    back = grace.follow(undo(grace))
    assert "messages that went out are not called back" in back.text
    assert states(school, *found) == [State.CANDIDATE] * 3
    assert "What you decided just now" not in back.headings


def test_what_cannot_be_undone_any_more_says_why(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    (filed,) = burst(school, pupil, 1)
    decide(grace, filed, "dismiss", dismissal="test")
    shown = grace.get("/incidents")
    school.now += timedelta(minutes=11)
    late = grace.submit(shown, "/queue/undo")
    assert (late.status, "There is nothing to undo" in late.text) == (422, True)
    assert "What you decided just now" not in late.headings
    assert states(school, filed) == [State.DISMISSED]


def test_nobody_undoes_what_somebody_else_decided(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    (filed,) = burst(school, pupil, 1)
    decide(grace, filed, "dismiss", dismissal="test")
    head = browser_of(school, "Head", Role.HEAD_TEACHER)
    shown = head.get("/incidents")
    assert "What you decided just now" not in shown.headings
    fields = {"csrf": shown.form("/sign-out")["csrf"], "case": f"{filed.incident.id}:2"}
    refused = head.post("/queue/undo", fields)
    assert (refused.status, "only whoever accepted" in refused.text) == (422, True)


# ---- whoever comes second ----------------------------------------------------------------------------------------


def taken_meanwhile(
    school: SchoolOfTest, grace: Browser, filed: Filed, by: Callable[[Browser], Shown]
) -> tuple[Shown, dict[str, list[str]]]:
    """Let somebody open a form, somebody else decide meanwhile, and the first send what they typed."""
    action = f"/queue/{filed.incident.id}/accept"
    fields = grace.get(action).form(action) | {"deliberate": ["unclear"], "why": [WHY]}
    assert by(browser_of(school, "Head", Role.HEAD_TEACHER)).status == 303
    return grace.post(action, fields), fields


def test_whoever_comes_second_learns_who_decided_what_and_keeps_what_they_wrote(
    school: SchoolOfTest, grace: Browser, pupil: str
) -> None:
    (filed,) = burst(school, pupil, 1)
    shown, _ = taken_meanwhile(school, grace, filed, lambda head: decide(head, filed, "dismiss", dismissal="lesson"))
    assert shown.status == 409
    for words in ("Somebody has changed this", "dismissed: it was none", "Last decided by Head", WHY, "nothing left"):
        assert words in shown.html.replace("<bdi>", "").replace("</bdi>", ""), words
    assert states(school, filed) == [State.DISMISSED]


def test_where_one_of_a_group_was_decided_the_others_still_wait_with_what_was_typed(
    school: SchoolOfTest, grace: Browser, pupil: str
) -> None:
    found = burst(school, pupil)
    other = found[2]

    def by(head: Browser) -> Shown:
        action = f"/incidents/{other.incident.id}/dismiss"
        return head.submit(head.get(action), action, {"dismissal": "lesson", "words": REASON})

    shown, _ = taken_meanwhile(school, grace, found[0], by)
    assert (shown.status, f"because of case {other.number}" in shown.text) == (409, True)
    again = shown.form(f"/queue/{found[0].incident.id}/accept")
    assert again["why"] == [WHY]
    assert again["deliberate"] == ["unclear"]
    assert again["case"] == [f"{each.incident.id}:1" for each in found[:2]]
    done = grace.submit(shown, f"/queue/{found[0].incident.id}/accept")
    assert done.status == 303
    assert states(school, *found) == [State.ACCEPTED, State.MERGED, State.DISMISSED]


def test_a_form_that_says_no_version_is_not_taken(school: SchoolOfTest, grace: Browser, pupil: str) -> None:
    (filed,) = burst(school, pupil, 1)
    csrf = grace.get("/incidents").form("/sign-out")["csrf"]
    for case in ("", filed.incident.id, f"{filed.incident.id}:x", ":1"):
        fields = {"csrf": csrf, "case": case, "dismissal": "test"}
        shown = grace.post(f"/queue/{filed.incident.id}/dismiss", fields)
        assert (shown.status, "did not say which version" in shown.text) == (422, True)
    many = {"csrf": csrf, "case": [f"i{each}:1" for each in range(60)], "dismissal": "test"}
    assert grace.post(f"/queue/{filed.incident.id}/dismiss", many).status == 422
    assert states(school, filed) == [State.CANDIDATE]
