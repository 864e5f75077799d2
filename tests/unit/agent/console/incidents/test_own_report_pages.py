"""The form for reports of somebody who is signed in: with their name unless they do not want that, and never lost."""

from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import Browser, browser_of

from rules.category import LANGUAGES
from rules.incident import State, Track
from rules.incident_kind import Kind
from rules.roles import Role

PATH = "/incidents/report"
TEXT = "I saw a page with bets at the second lesson"


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def test_a_report_is_in_the_queue_with_the_name_of_who_made_it(school: SchoolOfTest) -> None:
    teacher, head = browser_of(school, "Tom", Role.TEACHER), browser_of(school, "Head", Role.HEAD_TEACHER)
    shown = teacher.submit(teacher.get(PATH), PATH, about="strange", text=TEXT, whom="pupil", keeps="a.png\nb.png")
    assert (shown.status, "Keep your number" in shown.text) == (200, True)
    (filed,) = school.parts.incidents.looking.queue(head.person)
    assert (filed.incident.kind, filed.incident.state) == (Kind.MALWARE, State.CANDIDATE)
    path = f"/incidents/{filed.incident.id}"
    looked = head.submit(head.get(path), f"{path}/look", purpose="Deciding about this report")
    for words in (TEXT, "Tom", "a.png and b.png"):
        assert words in looked.text


def test_a_report_that_is_sent_again_as_it_was_is_one_report(school: SchoolOfTest) -> None:
    teacher, head = browser_of(school, "Tom", Role.TEACHER), browser_of(school, "Head", Role.HEAD_TEACHER)
    form = teacher.get(PATH)
    first, again = (teacher.submit(form, PATH, about="strange", text=TEXT) for _ in range(2))
    assert (again.status, again.text) == (200, first.text)
    assert len(school.parts.incidents.looking.queue(head.person)) == 1
    other = teacher.submit(form, PATH, about="mean", text="Something else that I saw")
    assert other.text != first.text
    assert len(school.parts.incidents.looking.queue(head.person)) == 2


def test_who_does_not_want_to_be_named_is_not(school: SchoolOfTest) -> None:
    teacher, head = browser_of(school, "Tom", Role.TEACHER), browser_of(school, "Head", Role.HEAD_TEACHER)
    teacher.submit(teacher.get(PATH), PATH, about="strange", text=TEXT, is_anonymous="yes")
    (filed,) = school.parts.incidents.looking.queue(head.person)
    path = f"/incidents/{filed.incident.id}"
    assert "Tom" not in head.submit(head.get(path), f"{path}/look", purpose="Deciding about this report").html


def test_what_is_said_of_the_head_teacher_is_not_for_the_head_teacher(school: SchoolOfTest) -> None:
    teacher, head = browser_of(school, "Tom", Role.TEACHER), browser_of(school, "Head", Role.HEAD_TEACHER)
    assert teacher.submit(teacher.get(PATH), PATH, about="other", text=TEXT, whom="head").status == 200
    with school.store.read() as database:
        tracks = [row["track"] for row in database.execute("SELECT track FROM incidents")]
    assert tracks == [Track.RESTRICTED]
    assert school.parts.incidents.looking.queue(head.person) == []


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"about": "", "text": "<b>kept"}, id="nothing-chosen"),
        pytest.param({"about": "strange", "text": "<3> <3>"}, id="no-words"),
        pytest.param({"about": "strange", "text": "<b>" * 2_000}, id="too-long"),
        pytest.param({"about": "never", "text": "<b>kept"}, id="no-such-answer"),
        pytest.param({"about": "strange", "text": "<b>kept", "keeps": "x\n" * 9}, id="too-many-things-kept"),
    ],
)
def test_what_cannot_be_taken_comes_back_as_it_was_typed(school: SchoolOfTest, fields: dict[str, str]) -> None:
    teacher = browser_of(school, "Tom", Role.TEACHER)
    shown = teacher.submit(teacher.get(PATH), PATH, fields)
    assert shown.status == 422
    assert fields["text"] not in shown.html
    assert fields["text"][:30].replace("<", "&lt;").replace(">", "&gt;") in shown.html


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_is_in_the_language_of_whoever_reports(school: SchoolOfTest, language: str) -> None:
    pupil = browser_of(school, "Pip", Role.PUPIL, language=language)
    shown = pupil.get(PATH)
    assert f'lang="{language}"' in shown.html
    assert 'name="is_serious"' not in shown.html
    assert pupil.submit(shown, PATH, about="strange", text=TEXT).status == 200


def test_a_stranger_is_asked_who_they_are(school: SchoolOfTest) -> None:
    assert Browser(school).get(PATH).status == 303
