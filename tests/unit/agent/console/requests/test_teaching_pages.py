"""The teacher's page: the lesson, the class in counts alone, one's requests, and what a site is for somebody."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from api_of_test import LESSONS, SchoolOfTest
from pages_of_test import Browser, browser_of
from starlette.requests import Request
from teaching_of_test import ask, meet, read, teacher_of, teaching_school

from agent.console.page import Page
from agent.console.requests import teaching_pages
from agent.storage.restriction_rows import Restriction, write_restriction
from agent.texts import load_texts
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = teaching_school(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def teacher(school: SchoolOfTest) -> Browser:
    return teacher_of(school)


def test_the_lesson_and_ones_classes_are_told(teacher: Browser) -> None:
    shown = read(teacher.get("/teaching"))
    assert "A lesson is on until 10:00." in shown
    assert "Your classes: Year 5." in shown
    assert "You have not asked for anything yet." in shown


def test_where_no_lesson_is_on_that_is_said(tmp_path: Path) -> None:
    school = teaching_school(tmp_path)
    school.now = datetime(2026, 3, 1, 9, 15, tzinfo=UTC)
    assert "No lesson is on just now." in teacher_of(school).get("/teaching").text
    school.store.close()


def test_a_class_is_counted_and_nobody_named(school: SchoolOfTest, teacher: Browser) -> None:
    meet(school, [(f"192.0.2.{last}", "secret.example", "games", last) for last in range(5, 10)])
    meet(school, [("192.0.2.5", "alone.example", "gambling", 90), ("192.0.2.16", "six.example", "games", 900)])
    shown = teacher.get("/teaching")
    text = read(shown)
    assert "35 on 5 devices" in text
    assert "Games: 35" in text
    assert "What fewer than 5 devices met is not counted here." in text
    assert "Since 09:00." in text
    assert all(
        word not in shown.html for word in ("secret.example", "alone.example", "192.0.2.", "Gambling", "125", ">90")
    )


def test_of_few_devices_no_number_is_shown(school: SchoolOfTest, teacher: Browser) -> None:
    meet(school, [(f"192.0.2.{last}", "x.example", "games", 50) for last in range(5, 9)])
    shown = read(teacher.get("/teaching"))
    assert "On fewer than 5 devices, so no number is shown." in shown
    assert "200" not in shown


def test_of_fewer_than_five_devices_no_number_is_shown_whatever_the_site_says(
    school: SchoolOfTest, teacher: Browser
) -> None:
    school.private = replace(school.private, incidents=replace(school.private.incidents, small_number=2))
    meet(school, [(f"192.0.2.{last}", "x.example", "games", 50) for last in range(5, 7)])
    shown = read(teacher.get("/teaching"))
    assert "On fewer than 5 devices, so no number is shown." in shown
    assert "100 on 2 devices" not in shown


def test_that_the_access_of_a_few_is_restricted_is_not_told(school: SchoolOfTest, teacher: Browser) -> None:
    case, until = school.candidate().incident.id, school.now + timedelta(days=1)
    groups = frozenset({"year6"})
    with school.store.act() as act:
        write_restriction(act, Restriction("r1", case, 1, groups, frozenset(), school.now, until, until.date()))
    shown = teacher.get("/teaching/check", whom="year6", name="news.example")
    assert "It is closed at the moment." in shown.text
    assert "restrict" not in shown.text
    assert not any("/overrides/ask" in each for each in shown.links if "name=" in each)


def test_whoever_has_no_class_has_nothing_to_count(school: SchoolOfTest) -> None:
    shown = browser_of(school, "Otto", Role.STAFF).get("/teaching").text
    assert "Nobody has said which classes are yours." in shown
    assert "Without a class there is nothing to count." in shown


def test_ones_own_requests_stand_there_and_no_others(school: SchoolOfTest, teacher: Browser) -> None:
    ask(teacher)
    ask(teacher_of(school, "Otto"), names="other.example")
    shown = teacher.get("/teaching").text
    assert "bet.example" in shown
    assert "other.example" not in shown


# ---- checking a site ---------------------------------------------------------------------------------------


def test_a_blocked_site_says_why_and_what_would_open_it(teacher: Browser) -> None:
    shown = teacher.get("/teaching/check", name="https://www.bet.example/odds", whom="year5")
    text = read(shown)
    assert "www.bet.example blocked" in text
    assert "For Year 5 (year5), now. It is known as: Gambling." in text
    assert "You can ask for it to be open for a while" in text
    assert "file bets.txt, line 3: bet.example" in text
    assert "/overrides/ask?name=www.bet.example&group=year5" in shown.links
    assert "/report?site=www.bet.example&wish=open" in shown.links


def test_an_open_site_can_be_reported(teacher: Browser) -> None:
    text = read(teacher.get("/teaching/check", name="open.example", whom="staff"))
    assert "open.example open For staff, now. It is in no category of the lists." in text
    assert "It is unsuitable: report it" in text
    assert "Ask for it to be open" not in text


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "<script>alert(1)</script>",
        "a" * 10_000,
        "\u202e",
        "\U0001f600" * 100,
        "http://[::1",
        "..",
        "x\x07y.z",
    ],
)
def test_what_is_no_name_is_a_sentence(teacher: Browser, name: str) -> None:
    shown = teacher.get("/teaching/check", name=name, whom="year5")
    assert shown.status == 200
    assert "<script>alert" not in shown.html


def test_a_group_of_which_nobody_knows_who_is_in_it_is_no_fault_of_the_name(
    school: SchoolOfTest, teacher: Browser
) -> None:
    school.site = replace(school.site, groups=tuple(each for each in school.site.groups if each.name != "year6"))
    shown = read(teacher.get("/teaching/check", name="bet.example", whom="year6"))
    assert "What is open for year6 cannot be worked out: the site does not say whose devices these are." in shown
    assert "That is no name of a site" not in shown


def test_an_unknown_group_is_taken_for_pupils(teacher: Browser) -> None:
    assert "For pupils, now." in read(teacher.get("/teaching/check", name="bet.example", whom="nobody"))


def test_what_others_were_granted_is_told_without_who(school: SchoolOfTest, teacher: Browser) -> None:
    head = browser_of(school, "Hana", Role.HEAD_TEACHER)
    request = ask(teacher_of(school, "Otto"))
    school.parts.overrides.approve(head.person, request, version=1)
    assert "asked for by" not in teacher.get("/teaching/check", name="bet.example", whom="year5").text
    assert "Otto" in head.get("/teaching/check", name="bet.example", whom="year5").text


@pytest.mark.parametrize("path", ["/teaching", "/teaching/check"])
def test_it_is_for_those_who_teach(school: SchoolOfTest, path: str) -> None:
    assert teacher_of(school).get(path).status == 200
    assert browser_of(school, "Ada", Role.AUDITOR).get(path).status == 403
    assert browser_of(school, "Pia", Role.PUPIL).get(path).status == 403
    assert Browser(school).get(path).status == 303


@pytest.mark.parametrize("language", ["fr", "nl", "ja"])
def test_it_speaks_the_language_of_the_browser(school: SchoolOfTest, language: str) -> None:
    shown = teacher_of(school, language=language).get("/teaching")
    assert f'lang="{language}"' in shown.html
    assert "My lesson" not in shown.text


def test_a_lesson_in_summer_began_by_the_clock_of_the_school() -> None:
    london = ZoneInfo("Europe/London")
    at_quarter_past_nine = datetime(2026, 6, 1, 8, 15, tzinfo=UTC)
    began = teaching_pages._since((LESSONS,), at_quarter_past_nine, "Europe/London")
    assert began == datetime(2026, 6, 1, 9, tzinfo=london)
    after_midnight = datetime(2026, 6, 1, 23, 15, tzinfo=UTC)
    assert teaching_pages._since((), after_midnight, "Europe/London") == datetime(2026, 6, 2, tzinfo=london)


def test_what_a_lesson_met_is_of_the_day_of_the_school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    school, days = SchoolOfTest(tmp_path), list[date]()
    school.now = datetime(2026, 6, 1, 23, 15, tzinfo=UTC)
    monkeypatch.setattr(teaching_pages, "count_blocked", lambda *_, day, **__: days.append(day))
    page = Page(Request({"type": "http", "headers": []}), school.parts, load_texts("en"))
    teaching_pages._counts(page, ["year5"], school.now)
    assert days == [date(2026, 6, 2)]
