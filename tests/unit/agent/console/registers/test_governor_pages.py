"""The page without names: none is on it, whatever the school holds, and it is held back rather than show one."""

from datetime import timedelta
from pathlib import Path

import pytest
from api_of_test import SITE, SchoolOfTest, lesson
from pages_of_test import browser_of

from agent.people.people import SchoolClass
from agent.sites.config import parse_site
from rules.incident_kind import Kind
from rules.roles import Role
from rules.subject import Audience


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


LAPTOP = (
    "INSERT INTO fleet_devices (id, state, label, machine, host, enrolled_at, owner) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
NAMES = [
    "Zebulon Quartermain",
    "Quartermain",
    "Wilhelmina",
    "Thistlewood",
    "zebulon.laptop",
    "LT-0042-Quartermain",
    "bet.example",
    "hidden.example",
    "Quartermain class",
]


def fill(school: SchoolOfTest) -> None:
    """Put names wherever a school's data can hold one."""
    asker, head = school.person("Wilhelmina", Role.TEACHER), school.person("Thistlewood", Role.HEAD_TEACHER)
    with school.store.act() as act:
        pupil = school.parts.people.open(act, "Zebulon Quartermain", [Role.PUPIL], actor="system")
        school.parts.people.set_class(act, SchoolClass("q", "Quartermain class", "year5"), actor="system")
        laptop = ("d", "active", "zebulon.laptop", "m", "LT-0042-Quartermain", "2026-03-02T09:15:00+00:00", pupil.id)
        act.database.execute(LAPTOP, laptop)
        act.note("rules_answered", actor=pupil.id, subject="d", facts={"accepted": True})
    for _ in range(9):
        school.candidate(about=pupil.id)
    school.candidate(Kind.ILLEGAL, about=pupil.id)
    school.candidate(about=head.person, audience=Audience.STAFF)
    words = {"topic": "Zebulon Quartermain", "reason": "Zebulon Quartermain asked me for bet.example in maths."}
    assert asker.post("/overrides", lesson(**words)).status_code == 201
    body = {
        "is_for_school": True,
        "reason": "Zebulon Quartermain asked for it.",
        "until_at": "2026-03-02T12:15:00+00:00",
    }
    made = head.post("/suspensions", body).json()
    agreed = school.person("Ivy", Role.ICT_COORDINATOR).post(
        f"/suspensions/{made['id']}/agree", {"reason": "Wilhelmina is right."}, version=made["version"]
    )
    assert agreed.status_code == 200, agreed.text


@pytest.mark.parametrize("period", ["half", "term", "year", "nonsense"])
def test_no_name_of_anybody_or_anything_stands_on_it(school: SchoolOfTest, period: str) -> None:
    fill(school)
    page = browser_of(school, "Gwen", Role.ESAFETY_GOVERNOR).get("/governor", period=period)
    assert page.status == 200
    assert "What you may want to ask" in page.text
    assert [name for name in [*NAMES, "Ivy", "Gwen"] if name.casefold() in page.html.casefold()] == []


def test_that_filtering_is_off_is_said_without_who_agreed(school: SchoolOfTest) -> None:
    fill(school)
    gwen = browser_of(school, "Gwen", Role.ESAFETY_GOVERNOR)
    for browser in (gwen, browser_of(school, "Dora", Role.DATA_PROTECTION_OFFICER)):
        page = browser.get("/governor")
        assert "Filtering is off." in page.text
        assert "Agreed by" not in page.text
    assert "Agreed by" not in gwen.get("/record").text
    assert "Agreed by Ivy" in browser.get("/record").text


def test_less_than_two_hours_are_one_hour_in_french(school: SchoolOfTest) -> None:
    page = browser_of(school, "Gwen", Role.ESAFETY_GOVERNOR, language="fr").get("/governor")
    assert "0 heure en tout, la plus longue 0 heure" in page.text.replace("\xa0", " ")


def test_few_incidents_are_not_told_to_those_either_who_may_read_each_of_them(school: SchoolOfTest) -> None:
    for _ in range(3):
        school.candidate()
    page = browser_of(school, "Grace", Role.HEAD_TEACHER).get("/governor")
    assert "fewer than 5" in page.text
    assert "In all: 3" not in page.text


def test_a_page_that_would_show_a_name_is_held_back(school: SchoolOfTest) -> None:
    site = SITE.replace("classrooms:", "zebulon-quartermain:")
    school.site = parse_site(site, path=Path("site.yaml")).site
    with school.store.act() as act:
        school.parts.people.open(act, "Zebulon-Quartermain", [Role.PUPIL], actor="system")
    page = browser_of(school, "Gwen", Role.ESAFETY_GOVERNOR).get("/governor")
    assert "This page is held back" in page.text
    assert "quartermain" not in page.html.casefold()


def let_in(school: SchoolOfTest, label: str, state: str = "active") -> None:
    with school.store.act() as act:
        laptop = ("d", state, label, "m", "This school year", "2026-03-02T09:15:00+00:00", None)
        act.database.execute(LAPTOP, laptop)


@pytest.mark.parametrize("label", ["This term", "What was counted", "School of Test"])
def test_a_laptop_that_is_called_like_words_of_the_page_does_not_take_it_away(
    school: SchoolOfTest, label: str
) -> None:
    let_in(school, label)
    page = browser_of(school, "Gwen", Role.ESAFETY_GOVERNOR).get("/governor")
    assert "What you may want to ask" in page.text


def test_who_manages_devices_learns_which_label_holds_the_page_back_and_nobody_else(school: SchoolOfTest) -> None:
    school.site = parse_site(SITE.replace("classrooms:", "room-zebulon:"), path=Path("site.yaml")).site
    let_in(school, "Room-Zebulon")
    told = browser_of(school, "Ivy", Role.ICT_COORDINATOR).get("/governor")
    assert "This page is held back" in told.text
    assert "Room-Zebulon" in told.text
    page = browser_of(school, "Gwen", Role.ESAFETY_GOVERNOR).get("/governor")
    assert "This page is held back" in page.text
    assert "zebulon" not in page.html.casefold()


def test_a_laptop_that_nobody_let_in_holds_nothing_back(school: SchoolOfTest) -> None:
    school.site = parse_site(SITE.replace("classrooms:", "room-zebulon:"), path=Path("site.yaml")).site
    let_in(school, "room-zebulon", "pending")
    assert "What you may want to ask" in browser_of(school, "Gwen", Role.ESAFETY_GOVERNOR).get("/governor").text


def test_a_school_that_is_called_after_somebody_is_no_reason_to_hold_it_back(school: SchoolOfTest) -> None:
    with school.store.act() as act:
        school.parts.people.open(act, "School of Test", [Role.PUPIL], actor="system")
    assert "What you may want to ask" in browser_of(school, "Gwen", Role.ESAFETY_GOVERNOR).get("/governor").text


def test_a_governor_signs_from_here_for_the_days_that_are_shown(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Gwen", Role.ESAFETY_GOVERNOR)
    page = browser.get("/governor")
    done = browser.follow(browser.submit(page, "/record/sign-offs", {"remark": "Looked at with the head."}))
    assert "Record reviewed and signed" in done.text
    again = browser.get("/governor").text
    assert "Nobody has signed yet" not in again


def test_who_may_not_sign_is_not_asked_to(school: SchoolOfTest) -> None:
    page = browser_of(school, "Dora", Role.DATA_PROTECTION_OFFICER).get("/governor")
    assert page.status == 200
    assert "/record/sign-offs" not in [action for action, _ in page.forms]


def test_a_page_is_light(school: SchoolOfTest) -> None:
    fill(school)
    assert len(browser_of(school, "Gwen", Role.ESAFETY_GOVERNOR).get("/governor", period="year").html) < 100_000


def test_two_minutes_without_filtering_are_not_told_as_no_hours(school: SchoolOfTest) -> None:
    head, ivy = school.person("Grace", Role.HEAD_TEACHER), school.person("Ivy", Role.ICT_COORDINATOR)
    asked = {
        "is_for_school": True,
        "reason": "The provider changes the line.",
        "until_at": "2026-03-02T12:15:00+00:00",
    }
    made = head.post("/suspensions", asked).json()
    agreed = ivy.post(f"/suspensions/{made['id']}/agree", {}, version=made["version"]).json()
    school.now += timedelta(minutes=2)
    assert ivy.post(f"/suspensions/{made['id']}/end", version=agreed["version"]).status_code == 200
    page = browser_of(school, "Gwen", Role.ESAFETY_GOVERNOR).get("/governor")
    assert "2 minutes in all, the longest 2 minutes" in page.text
