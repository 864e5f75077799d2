"""Why is it blocked? To the literal line, for whom and when somebody asks; whatever is typed, nothing breaks."""

from pathlib import Path

import pytest
from api_of_test import SchoolOfTest, lesson
from day_of_test import move_in
from pages_of_test import Browser, browser_of

from rules.category import LANGUAGES
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    made = SchoolOfTest(tmp_path)
    move_in(made, tmp_path)
    return made


@pytest.fixture
def teacher(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Theo", Role.TEACHER)


def test_a_block_is_explained_to_the_literal_line_of_the_list(teacher: Browser) -> None:
    page = teacher.get("/explain", name="https://www.bets.example/odds", who="pupil")
    assert page.status == 200
    assert "www.bets.example is blocked." in page.headings
    assert (
        "Listed as Gambling: list bets of Monday 2 March 2026, 09:15, file bets.txt, line 3: bets.example"
        in page.text
    )
    assert "Rule: uk-esafety/gambling" in page.text
    assert "/overrides/ask?name=www.bets.example" in page.links
    assert not [each for each in page.links if each.startswith("/filter/change")]


def test_who_drafts_changes_is_led_to_one(school: SchoolOfTest) -> None:
    page = browser_of(school, "Tom", Role.TECHNICIAN).get("/explain", name="bets.example", who="staff")
    assert "/filter/change?name=bets.example" in page.links


def test_a_group_and_a_network_are_asked_for_by_their_names(teacher: Browser) -> None:
    form = teacher.get("/explain")
    assert "group year5" in form.text
    assert "network staff-room" in form.text
    assert (
        "maths.bets.example is open."
        in teacher.get("/explain", name="maths.bets.example", who="pupil+year5").headings
    )
    found = teacher.get("/explain", name="maths.bets.example", who="network:staff-room")
    assert "maths.bets.example is blocked." in found.headings
    assert "Asked by: member of staff" in found.text


def test_the_time_is_that_of_the_clock_of_the_school(school: SchoolOfTest, teacher: Browser) -> None:
    page = teacher.get("/explain", name="bets.example", who="pupil", at="2026-07-06T10:00")
    assert "Asked at: Monday 6 July 2026, 10:00" in page.text
    assert page.form("/explain")["at"] == ["2026-07-06T10:00"]


def test_what_an_override_opens_names_people_to_those_alone_who_may_know(
    school: SchoolOfTest, teacher: Browser
) -> None:
    asking, head = school.person("Tina", Role.TEACHER), school.person("Henry", Role.HEAD_TEACHER)
    made = asking.post("/overrides", lesson(names=["bet.example"])).json()
    assert head.post(f"/overrides/{made['id']}/approve", version=made["version"]).status_code == 200
    leader = browser_of(school, "Sam", Role.SLT)
    seen, unseen = (each.get("/explain", name="bet.example", who="pupil+year5").text for each in (leader, teacher))
    assert "asked for by Tina, approved by Henry" in seen
    assert "Tina" not in unseen


def test_an_address_is_for_those_who_look_after_devices_or_the_filter(school: SchoolOfTest, teacher: Browser) -> None:
    technician = browser_of(school, "Tom", Role.TECHNICIAN)
    page = technician.get("/explain", name="maths.bets.example", address="192.0.2.5")
    assert "Asked by: 192.0.2.5, pupil (year5)" in page.text
    assert "Or for the device with this address" not in teacher.get("/explain").text
    for asked in ({"address": "192.0.2.5"}, {"who": "192.0.2.5"}, {"who": " 2001:db8::5 "}):
        refused = teacher.get("/explain", None, name="maths.bets.example", **asked)
        assert refused.status == 403
        assert "An address is one device; ask for an audience, a group or a network." in refused.text


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({"name": "x" * 10_000}, "This is no name"),
        ({"name": "<img src=x onerror=alert(1)>"}, "This is no name"),
        ({"name": "a\u202eb.example"}, "This is no name"),
        ({"name": "\U0001f600" * 300}, "This is no name"),
        ({"name": "http://[::1/"}, "This is no name"),
        ({"name": "a.example", "who": "nobody at all"}, "Nobody here is meant by this."),
        ({"name": "a.example", "who": "network:<b>"}, "Nobody here is meant by this."),
        ({"name": "a.example", "who": "pupil+staff"}, "Nobody here is meant by this."),
        ({"name": "a.example", "address": "10.9.8.7"}, "This is no address of a network of the school."),
        ({"name": "a.example", "at": "2026-03-29T01:30"}, "The clocks of the school skip this time"),
        ({"name": "a.example", "at": "2026-10-25T01:30"}, "show this time twice that night; choose which is meant"),
        ({"name": "a.example", "at": "now"}, "Expected a date and a time"),
        ({"name": "a.example", "at": "9999-12-31T23:59"}, ""),
    ],
    ids=lambda each: str(each)[:30],
)
def test_what_cannot_be_read_is_told_beside_its_field_and_kept(
    school: SchoolOfTest, asked: dict[str, str], fault: str
) -> None:
    technician = browser_of(school, "Tom", Role.TECHNICIAN)
    page = technician.get("/explain", None, **asked)
    assert page.status == (422 if fault else 200)
    assert fault in page.text
    assert page.form("/explain")["name"] == [asked["name"][:2000]]
    assert "<img" not in page.html


def test_a_name_in_another_script_is_explained(teacher: Browser) -> None:
    page = teacher.get("/explain", name="b\u00fccher.example", who="pupil")
    assert page.status == 200
    assert "xn--bcher-kva.example is open." in page.headings


def test_without_a_name_it_is_only_a_question(teacher: Browser) -> None:
    page = teacher.get("/explain")
    assert (page.status, page.headings[0]) == (200, "Why is it blocked?")
    assert "is blocked." not in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_explanation_is_in_the_language_of_the_reader(school: SchoolOfTest, language: str) -> None:
    page = browser_of(school, "Theo", Role.TEACHER, language=language).get(
        "/explain", name="bets.example", who="pupil"
    )
    heading = {
        "en": "bets.example is blocked.",
        "fr": "bets.example est bloqué.",
        "nl": "bets.example is geblokkeerd.",
        "ja": "bets.example はブロックされています。",
    }[language]
    assert heading in page.headings


@pytest.mark.parametrize("role", [Role.PUPIL, Role.DATA_PROTECTION_OFFICER, Role.AUDITOR])
def test_who_asks_for_nothing_asks_for_no_reason_either(school: SchoolOfTest, role: Role) -> None:
    assert browser_of(school, "Anna", role).get("/explain").status == 403


def test_a_stranger_is_asked_who_they_are(school: SchoolOfTest) -> None:
    assert Browser(school).get("/explain").status == 303
