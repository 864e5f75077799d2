"""The page of the day: three answers, the facts below them, and of each what its reader may know."""

from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest, lesson
from day_of_test import answer, count, move_in, watch
from fleet_of_test import enrolled, event
from pages_of_test import Browser, browser_of

from rules.category import LANGUAGES
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    made = SchoolOfTest(tmp_path)
    move_in(made, tmp_path)
    answer(made)
    return made


def test_the_three_questions_are_answered_in_a_sentence_each(school: SchoolOfTest) -> None:
    school.candidate()
    count(school, date(2026, 3, 2), 8, asked=1200, blocked=12)
    page = browser_of(school, "Grace", Role.ICT_COORDINATOR).get("/day")
    assert page.status == 200
    assert [each for each in page.headings if each.endswith("?")] == [
        "Is filtering on and right?",
        "What needs me?",
        "What changed?",
    ]
    assert "Filtering is on in all 3 networks, by lists that are at most 1 minute old." in page.text
    assert "Waiting for you: 1 candidate. Nothing is overdue." in page.text
    assert "Nothing of the filter has changed since Friday." in page.text
    assert "By the newest rules (version 12) and lists (version 3) answer: 2 of 2." in page.text
    assert "Today until 09:00, against a usual Monday" in page.text
    assert "Queries 1,200 not known" in page.text


def test_while_no_gateway_answers_everything_of_it_is_unknown(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    Path(school.site.paths.runtime, "shared.mem").unlink()
    page = browser.get("/day")
    assert page.status == 200
    assert "Nobody knows just now whether filtering is on: the gateway does not answer." in page.text
    assert "unknown No gateway answers." in page.text


def test_a_network_that_nobody_looked_at_is_unknown(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    for each in Path(school.site.paths.runtime).glob("canaries-*.json"):
        each.unlink()
    page = browser.get("/day")
    assert "Of 3 networks nobody knows just now whether filtering is on there." in page.text
    assert "classrooms whether anybody asks is not known unknown pupils not known" in page.text


def test_of_each_network_it_says_when_somebody_asked_and_since_when_it_is_known(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    watch(school, school.now - timedelta(minutes=15), {"staff-room": school.now - timedelta(minutes=5)})
    text = browser.get("/day").text
    assert "classrooms nobody has asked yet; watched since 09:00 on pupils" in text
    assert "staff-room last asked 09:10 on staff" in text
    watch(school, school.now - timedelta(days=9), {"visitors": school.now - timedelta(days=2)})
    text = browser.get("/day").text
    assert "classrooms nobody asked since yesterday on pupils" in text
    assert "visitors nobody asked since yesterday on guests" in text
    watch(school, school.now - timedelta(days=9))
    school.now += timedelta(minutes=10)
    assert "classrooms whether anybody asks is not known" in browser.get("/day").text, "no gateway tells it now"


def test_what_waits_leads_to_where_it_is_done(school: SchoolOfTest) -> None:
    teacher = school.person("Theo", Role.TEACHER)
    teacher.post("/overrides", lesson())
    page = browser_of(school, "Henry", Role.HEAD_TEACHER).get("/day")
    assert "1 request The oldest waits since 09:15" in page.text
    assert "/overrides" in page.links


def test_filtering_that_is_off_for_a_while_is_said_first(school: SchoolOfTest) -> None:
    slt, head = school.person("Sam", Role.SLT), browser_of(school, "Henry", Role.HEAD_TEACHER)
    asked = {
        "networks": ["classrooms"],
        "reason": "An examination of another board.",
        "until_at": "2026-03-02T10:00:00Z",
    }
    made = slt.post("/suspensions", asked).json()
    school.parts.suspensions.agree(head.person, made["id"], version=made["version"])
    page = head.get("/day")
    assert "Filtering is off." in page.text
    assert "Filtering is off for a while, as two people agreed; elsewhere it is on, " in page.text
    assert "filtering off for a while, 1 time" in page.text
    assert "classrooms whether anybody asks is not known off for a while pupils" in page.text
    assert "staff-room whether anybody asks is not known on staff" in page.text


@pytest.mark.parametrize(
    ("role", "seen", "unseen"),
    [
        (Role.TECHNICIAN, ("Notices",), ("candidate", "The record")),
        (Role.SLT, ("Networks",), ("candidate", "Notices", "The record")),
        (Role.HEAD_TEACHER, ("1 candidate", "The record"), ("silent",)),
        (Role.SAFEGUARDING_LEAD, ("1 candidate",), ("The record", "Notices")),
    ],
)
def test_each_part_is_shown_by_the_rights_that_it_takes(
    school: SchoolOfTest, role: Role, seen: tuple[str, ...], unseen: tuple[str, ...]
) -> None:
    school.candidate()
    text = browser_of(school, "Anna", role).get("/day").text.split("What needs me?")[-1]
    whole = browser_of(school, "Berta", role).get("/day").text
    assert all(each in whole for each in seen)
    assert not any(each in text for each in unseen)


@pytest.mark.parametrize("role", [Role.PUPIL, Role.TEACHER, Role.ESAFETY_GOVERNOR, Role.AUDITOR])
def test_the_page_is_for_those_who_look_after_the_filter(school: SchoolOfTest, role: Role) -> None:
    assert browser_of(school, "Anna", role).get("/day").status == 403


def test_a_stranger_is_asked_who_they_are(school: SchoolOfTest) -> None:
    page = Browser(school).get("/day")
    assert (page.status, page.headers["location"]) == (303, "/sign-in?next=%2Fday")


def test_names_of_the_site_and_of_the_filter_are_text(school: SchoolOfTest) -> None:
    manager = browser_of(school, "Nora", Role.NETWORK_MANAGER)
    evil = "<script>alert(1)</script> \u202e and \U0001f600, which is the reason of this rule."
    form = manager.get("/filter/change")
    made = manager.submit(form, "/filter/change", {"how": "open", "names": "maths.example", "reason": evil})
    assert made.status == 303, made.text
    head = browser_of(school, "Henry", Role.HEAD_TEACHER)
    number = made.headers["location"].partition("?")[0]
    approving = head.get(number)
    assert head.submit(approving, f"{number}/approve").status == 303
    page = head.get("/day")
    assert "<script>alert" not in page.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.html
    assert "<bdi>" in page.html


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_there_in_every_language_and_small(school: SchoolOfTest, language: str) -> None:
    page = browser_of(school, "Grace", Role.ICT_COORDINATOR, language=language).get("/day")
    assert page.status == 200
    assert f'<html lang="{language}">' in page.html
    assert len(page.html.encode()) < 40_000


def test_laptops_whose_disk_nobody_knows_are_said_to_be_so(school: SchoolOfTest) -> None:
    with closing(school.parts.fleet):
        enrolled(school, "Flo")
        enrolled(school, "Ed").send(
            event(1, "posture", priority=1, facts={"check": "disk_encryption", "state": "on"})
        )
        page = browser_of(school, "Grace", Role.ICT_COORDINATOR).get("/day")
    assert "0 not encrypted. Of 1 nobody knows whether it is encrypted." in page.text


def test_an_approved_override_is_no_exception_in_dutch(school: SchoolOfTest) -> None:
    override = school.person("Ada", Role.TEACHER).post("/overrides", lesson()).json()
    head = browser_of(school, "Hana", Role.HEAD_TEACHER, language="nl")
    place = f"/overrides/{override['id']}"
    assert head.submit(head.get(place), f"{place}/approve").status == 303
    page = head.get("/day")
    assert "is 1 aanvraag om iets te openen goedgekeurd" in page.text
    assert "uitzondering goedgekeurd" not in page.text


def test_on_a_clock_in_another_zone_instants_are_those_of_the_school(school: SchoolOfTest) -> None:
    school.now = school.now.replace(month=7, day=6, hour=23, minute=30)
    page = browser_of(school, "Grace", Role.ICT_COORDINATOR).get("/day")
    # Half past midnight of the next day, in summer time.
    assert "Tuesday 7 July 2026, 00:30" in page.text
    assert "against a usual Tuesday" in page.text
