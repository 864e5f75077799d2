"""The list of requests and the form: what is typed is looked at before it is sent, and never lost."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import REASON, SchoolOfTest
from pages_of_test import Browser, browser_of
from teaching_of_test import ASKED, ask, teacher_of, teaching_school

from agent.api.security import COOKIE
from agent.people.people import SchoolClass
from rules.override import State
from rules.roles import Role

FORM = "/overrides/ask"
HOSTILE = "<script>alert(1)</script>\u202egnp.exe \U0001f600"


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = teaching_school(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def teacher(school: SchoolOfTest) -> Browser:
    return teacher_of(school)


def test_a_teacher_asks_in_one_form_until_the_end_of_the_lesson(school: SchoolOfTest, teacher: Browser) -> None:
    request = ask(teacher)
    lift = school.parts.overrides.get(request).override.lift
    assert lift.names == ("bet.example",)
    assert lift.groups == {"year5"}
    assert lift.until_at.isoformat() == "2026-03-02T10:00:00+00:00"
    assert "It is asked." in teacher.get(f"/overrides/{request}", told="asked").text


def test_the_form_begins_with_ones_own_class_and_this_lesson(teacher: Browser) -> None:
    form = teacher.get(FORM, name="https://bet.example/<b>odds").form(FORM)
    assert form["groups"] == ["year5"]
    assert form["lasts"] == ["lesson"]
    assert form["names"] == ["https://bet.example/<b>odds"]


def test_of_several_classes_none_is_chosen_without_the_teacher(school: SchoolOfTest, teacher: Browser) -> None:
    with school.store.act() as act:
        school.parts.people.set_class(act, SchoolClass("c6", "Year 6", "year6"), actor="system")
        school.parts.people.change(act, teacher.person, classes=["c5", "c6"], actor="system")
    shown = teacher.get(FORM)
    assert "groups" not in shown.form(FORM)
    assert "You have several classes: choose the one that needs it, or more." in shown.text
    assert teacher.get(FORM, group="year6").form(FORM)["groups"] == ["year6"]
    again = teacher.submit(shown, FORM, {each: words for each, words in ASKED.items() if each != "groups"})
    assert again.status == 422
    assert again.html.count('id="groups-fault"') == 1
    assert again.form(FORM)["names"] == [ASKED["names"]]
    assert school.parts.overrides.list() == []
    assert teacher.submit(again, FORM, {"groups": ["year5", "year6"]}).status == 303


def test_whoever_asks_for_everybody_of_an_audience_chooses_no_group(teacher: Browser) -> None:
    form = teacher.get(FORM).form(FORM)
    form.pop("groups")
    assert teacher.post(FORM, {**form, **ASKED, "groups": [], "audience": "pupil"}).status == 303


def test_the_form_says_how_the_documents_of_the_school_want_it(teacher: Browser) -> None:
    shown = teacher.get(FORM).text
    assert "Opening a blocked site for lessons" in shown
    assert "It ends by itself. For longer, ask again." in shown


def test_a_group_of_a_link_is_taken_where_there_is_one(teacher: Browser) -> None:
    assert teacher.get(FORM, group="year6").form(FORM)["groups"] == ["year6"]
    assert teacher.get(FORM, group="year99").form(FORM)["groups"] == ["year5"]


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        pytest.param({"lasts": "30m"}, "2026-03-02T09:45:00+00:00", id="a-length"),
        pytest.param({"lasts": "today"}, "2026-03-03T00:00:00+00:00", id="to-the-end-of-the-day"),
        pytest.param({"until_at": "2026-03-02T11:30"}, "2026-03-02T11:30:00+00:00", id="an-end-goes-first"),
        pytest.param({"until_at": "2026-03-30T11:30"}, "2026-03-30T10:30:00+00:00", id="on-the-summer-clock"),
        pytest.param(
            {"from_at": "2026-03-02T11:00", "lasts": "1h"}, "2026-03-02T12:00:00+00:00", id="from-its-beginning"
        ),
    ],
)
def test_the_end_is_on_the_clock_of_the_school(
    school: SchoolOfTest, teacher: Browser, changes: dict[str, str], ends: str
) -> None:
    assert school.parts.overrides.get(ask(teacher, **changes)).override.lift.until_at.isoformat() == ends


def test_what_is_refused_comes_back_as_it_was_typed(school: SchoolOfTest, teacher: Browser) -> None:
    typed = ASKED | {"reason": "because", "topic": HOSTILE, "groups": ["year6"], "lasts": "1h"}
    again = teacher.submit(teacher.get(FORM), FORM, typed)
    assert again.status == 422
    assert "reason" in again.text
    form = again.form(FORM)
    assert (form["reason"], form["topic"], form["groups"]) == (["because"], [HOSTILE], ["year6"])
    assert form["names"] == [ASKED["names"]]
    assert form["lasts"] == ["1h"]
    assert "<script>alert" not in again.html
    assert school.parts.overrides.list() == []


@pytest.mark.parametrize(
    "names",
    [
        pytest.param("a" * 10_000, id="ten-thousand-characters"),
        pytest.param("<img src=x onerror=alert(1)>", id="html"),
        pytest.param("\u202emoc.elpmaxe\u202c", id="marks-of-direction"),
        pytest.param("\U0001f600" * 80, id="emoji"),
        pytest.param("192.0.2.1", id="an-address"),
        pytest.param("\x07bell.example", id="a-control-character"),
        pytest.param(" ".join(f"n{number}.example" for number in range(300)), id="three-hundred-names"),
    ],
)
def test_bad_names_are_a_sentence_and_never_lost(school: SchoolOfTest, teacher: Browser, names: str) -> None:
    again = teacher.submit(teacher.get(FORM), FORM, ASKED | {"names": names})
    assert again.status == 422
    assert again.form(FORM)["names"] == [names]
    assert "onerror=alert(1)>" not in again.html
    assert school.parts.overrides.list() == []


def test_an_instant_that_is_none_stands_at_its_field(teacher: Browser) -> None:
    again = teacher.submit(teacher.get(FORM), FORM, ASKED | {"until_at": "tomorrow"})
    assert again.status == 422
    assert 'id="until_at-fault"' in again.html
    assert again.form(FORM)["until_at"] == ["tomorrow"]


def test_of_an_hour_that_comes_twice_the_teacher_chooses(school: SchoolOfTest, teacher: Browser) -> None:
    twice = {"until_at": "2026-10-25T01:30", "from_at": "2026-10-25T00:30"}
    assert "until_at_which" not in teacher.get(FORM).html
    again = teacher.submit(teacher.get(FORM), FORM, ASKED | twice)
    assert again.status == 422
    assert "The clocks of the school show this time twice that night; choose which is meant." in again.text
    assert "the second: after they went back" in again.text
    assert teacher.submit(again, FORM, {"until_at_which": "second"}).status == 303
    lift = school.parts.overrides.list()[0].override.lift
    assert (lift.from_at.isoformat(), lift.until_at.isoformat()) == (
        "2026-10-24T23:30:00+00:00",
        "2026-10-25T01:30:00+00:00",
    )


def test_an_end_is_needed(teacher: Browser) -> None:
    assert 'id="lasts-fault"' in teacher.submit(teacher.get(FORM), FORM, ASKED | {"lasts": "for ever"}).html


def test_a_session_that_ended_meanwhile_loses_nothing(school: SchoolOfTest, teacher: Browser) -> None:
    form = teacher.get(FORM)
    teacher.cookies[COOKIE] = "gone"
    asked_who = teacher.submit(form, FORM, ASKED)
    assert asked_who.status == 401
    signed_in = teacher.submit(asked_who, "/sign-in", login="tess", password="seven green kettles 7")  # noqa: S106 (of nobody)
    done = teacher.submit(signed_in, FORM)
    assert done.status == 303
    (filed,) = school.parts.overrides.list()
    assert filed.override.reason == REASON


# ---- looking ahead -----------------------------------------------------------------------------------------


def test_a_look_ahead_says_what_it_opens_and_stores_nothing(school: SchoolOfTest, teacher: Browser) -> None:
    shown = teacher.submit(teacher.get(FORM), FORM)
    shown = teacher.post("/overrides/preview", {**shown.form(FORM), **ASKED, "reason": ""})
    assert shown.status == 200
    assert "Opens what is blocked as: Gambling" in shown.text
    assert shown.form(FORM)["names"] == [ASKED["names"]]
    assert school.parts.overrides.list() == []
    assert "rule_refused" not in school.kinds()


def test_a_look_ahead_says_what_stays_blocked_and_why(teacher: Browser) -> None:
    form = teacher.get(FORM).form(FORM)
    shown = teacher.post("/overrides/preview", {**form, **ASKED, "names": "crime.example"})
    assert "It cannot be sent like this: crime.example stays blocked: it is listed as criminal_activity" in shown.text


def test_a_look_ahead_offers_what_the_pages_need_as_well(school: SchoolOfTest, teacher: Browser) -> None:
    form = teacher.get(FORM).form(FORM)
    shown = teacher.post("/overrides/preview", {**form, **ASKED, "names": "hate.example"})
    assert "must both agree" in shown.text
    ticked = {**form, **ASKED, "also": ["cdn.bet.example"]}
    shown = teacher.post("/overrides/preview", ticked)
    assert shown.form(FORM)["also"] == ["cdn.bet.example"]
    assert teacher.post(FORM, ticked).status == 303
    assert school.parts.overrides.list()[0].override.lift.names == ("bet.example", "cdn.bet.example")


def test_a_look_ahead_at_half_a_form_is_no_fault(teacher: Browser) -> None:
    form = teacher.get(FORM).form(FORM)
    for half in ({"names": ""}, {"names": "bet"}, {"lasts": "for ever"}, {"names": "\x07"}, {"until_at": "soon"}):
        assert teacher.post("/overrides/preview", {**form, **ASKED, **half}).status == 200


# ---- an emergency ------------------------------------------------------------------------------------------


def test_an_emergency_is_a_form_of_its_own_and_holds_at_once(school: SchoolOfTest) -> None:
    head = browser_of(school, "Hana", Role.HEAD_TEACHER)
    shown = head.get("/overrides/emergency")
    assert "countersign it within 24 hours" in shown.text
    assert "tomorrow" not in shown.html
    done = head.submit(shown, "/overrides/emergency", ASKED | {"lasts": "30m"})
    (filed,) = school.parts.overrides.list()
    assert filed.override.is_break_glass
    assert filed.override.state is State.APPROVED
    assert "Somebody else has to countersign it." in head.follow(done).text
    assert "Emergencies to be countersigned" in head.get("/overrides").text


def test_a_look_ahead_at_an_emergency_is_judged_as_one(school: SchoolOfTest) -> None:
    head = browser_of(school, "Hana", Role.HEAD_TEACHER)
    form = head.get("/overrides/emergency").form("/overrides/emergency")
    shown = head.post("/overrides/preview", {**form, **ASKED, "names": "hate.example"})
    assert "Nobody opens hate_speech alone" in shown.text


# ---- the list ----------------------------------------------------------------------------------------------


def test_what_waits_longest_stands_first_and_what_is_decided_last(school: SchoolOfTest, teacher: Browser) -> None:
    first = ask(teacher)
    school.now += timedelta(minutes=1)
    second = ask(teacher, names="games.example")
    third = ask(teacher, names="third.example")
    school.parts.overrides.withdraw(teacher.person, third, version=1)
    shown = teacher.get("/overrides")
    order = [link.removeprefix("/overrides/") for link in shown.links if link.startswith("/overrides/x")]
    assert order == [first, second, third]
    assert "Waits for a decision" in shown.text
    assert "Withdrawn" in shown.text


def test_without_the_right_one_sees_ones_own(school: SchoolOfTest, teacher: Browser) -> None:
    request = ask(teacher)
    other = browser_of(school, "Otto", Role.TEACHER)
    assert "bet.example" not in other.get("/overrides").text
    assert other.get(f"/overrides/{request}").status == 404
    assert other.get(f"/overrides/{request}/evidence").status == 404
    head = browser_of(school, "Hana", Role.HEAD_TEACHER)
    assert "Tess asked" in head.get("/overrides").text
    assert "Tess asked" not in head.get("/overrides", whose="mine").text


def test_a_long_list_comes_in_parts_and_by_state(school: SchoolOfTest, teacher: Browser) -> None:
    for number in range(53):
        request = ask(teacher, names=f"n{number}.example")
        school.parts.overrides.withdraw(teacher.person, request, version=1)
        school.now += timedelta(seconds=1)
    shown = teacher.get("/overrides", state="withdrawn")
    assert shown.text.count("until 10:00") == 50
    (more,) = [link for link in shown.links if "after=" in link]
    rest = teacher.get(more)
    assert rest.text.count("until 10:00") == 3
    assert teacher.get("/overrides", state="nonsense").status == 200
    assert "There are none." in teacher.get("/overrides", state="refused").text
    assert teacher.get("/overrides", after="nonsense").status == 422


@pytest.mark.parametrize("path", ["/overrides", FORM, "/overrides/emergency"])
def test_who_is_not_known_is_asked_who_they_are(school: SchoolOfTest, path: str) -> None:
    shown = Browser(school).get(path)
    assert shown.status == 303
    assert shown.headers["location"].startswith("/sign-in?next=")


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.TEACHER, "/overrides", 200),
        (Role.TEACHER, FORM, 200),
        (Role.TEACHER, "/overrides/emergency", 403),
        (Role.ESAFETY_GOVERNOR, "/overrides", 403),
        (Role.ESAFETY_GOVERNOR, FORM, 403),
        (Role.AUDITOR, "/overrides", 403),
        (Role.PUPIL, "/overrides", 403),
    ],
)
def test_roles_open_what_is_theirs(school: SchoolOfTest, role: Role, path: str, status: int) -> None:
    assert browser_of(school, "Robin", role).get(path).status == status
