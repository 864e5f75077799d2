"""Letters: drafted and read for a purpose, printed alone, marked as sent, by who deals with the case alone."""

from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import Browser, Shown, browser_of

from agent.console.incidents.letter_pages import paragraphs_of
from agent.storage.incident_rows import Filed
from rules.incident import Intent
from rules.roles import Role

PURPOSE = "To tell the parents what happened"


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


@pytest.fixture
def head(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Head", Role.HEAD_TEACHER)


@pytest.fixture
def filed(school: SchoolOfTest, head: Browser) -> Filed:
    with school.store.act() as act:
        pupil = school.parts.people.open(act, "Pip <i>Z</i>", (Role.PUPIL,), actor="system").id
    made = school.candidate(about=pupil)
    why = "He said that he wanted to see it"
    return school.parts.incidents.decisions.accept(
        head.person, made.incident.id, version=1, row="P02", deliberate=Intent.UNCLEAR, why=why
    )


def letters_of(filed: Filed) -> str:
    return f"/incidents/{filed.incident.id}/letters"


def draft(head: Browser, filed: Filed, **fields: str) -> Shown:
    return head.submit(head.get(letters_of(filed)), letters_of(filed), {"purpose": PURPOSE} | fields)


def test_a_letter_is_drafted_for_a_purpose_and_shown_to_be_printed(head: Browser, filed: Filed) -> None:
    assert "There are no letters yet." in head.get(letters_of(filed)).text
    shown = draft(head, filed)
    assert shown.status == 200
    assert "Dear parent or carer" in shown.text
    assert "Pip &lt;i&gt;Z&lt;/i&gt;" in shown.html
    assert "hidden.example" not in shown.html
    assert "/letter.css" in shown.html
    assert "not sent yet" in head.get(letters_of(filed)).text


def test_a_letter_that_is_asked_for_again_as_it_was_is_one_letter(
    school: SchoolOfTest, head: Browser, filed: Filed
) -> None:
    form = head.get(letters_of(filed))
    first, again = (head.submit(form, letters_of(filed), purpose=PURPOSE) for _ in range(2))
    assert (again.status, again.text) == (200, first.text)
    assert len(school.parts.incidents.letters.of(head.person, filed.incident.id)) == 1
    assert school.kinds().count("incident_letter_read") == 1


@pytest.mark.parametrize(("language", "words"), [("fr", "Madame"), ("nl", "Beste ouder"), ("ja", "保護者")])
def test_a_letter_is_in_the_language_that_was_chosen(head: Browser, filed: Filed, language: str, words: str) -> None:
    shown = draft(head, filed, language=language)
    assert words in shown.text
    assert f'lang="{language}"' in shown.html


@pytest.mark.parametrize(
    ("written", "paragraphs"),
    [
        pytest.param(
            "School\nDay\n\nDear all,\n\nYours,\nSchool", ["School\nDay", "Dear all,", "Yours,\nSchool"], id="short"
        ),
        pytest.param(f"S\n\n{'word ' * 17}end\nand on", ["S", f"{'word ' * 17}end and on"], id="wrapped"),
        pytest.param(f"S\n\n{'字' * 45}\n次", ["S", f"{'字' * 45}次"], id="wrapped-without-spaces"),
        pytest.param(
            f"{'A long name of a school ' * 5}\nToday", [f"{'A long name of a school ' * 5}\nToday"], id="head"
        ),
        pytest.param("", [""], id="nothing"),
    ],
)
def test_lines_that_a_template_only_wrapped_go_on(written: str, paragraphs: list[str]) -> None:
    assert paragraphs_of(written) == paragraphs


def test_a_letter_that_was_drafted_is_read_again_for_a_purpose(
    school: SchoolOfTest, head: Browser, filed: Filed
) -> None:
    draft(head, filed)
    listed = head.get(letters_of(filed))
    assert "Pip" not in listed.html
    (path,) = [link for link in listed.links if link.startswith(letters_of(filed) + "/")]
    asked = head.get(path)
    assert "Dear parent" not in asked.text
    assert head.submit(asked, path, purpose="x").status == 422
    assert "Dear parent" in head.submit(asked, path, purpose=PURPOSE).text
    assert school.kinds().count("incident_letter_read") == 1


def test_a_letter_is_marked_as_sent_once(school: SchoolOfTest, head: Browser, filed: Filed) -> None:
    shown = draft(head, filed)
    (action,) = [action for action, _ in shown.forms if action.endswith("/sent")]
    assert head.submit(shown, action, on="2026-04-01").status == 422
    done = head.follow(head.submit(shown, action))
    assert "It is on record that the letter was sent." in done.text
    assert "sent on Monday 2 March 2026" in done.text
    assert head.submit(shown, action).headers["location"].endswith("?told=sent")
    again = head.submit(shown, action, form_number="another")
    assert (again.status, "already" in again.text) == (422, True)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"purpose": "x"}, "There is no purpose", id="no-purpose"),
        pytest.param({"kind": "review_meeting"}, "says when it is", id="no-meeting"),
        pytest.param({"meeting_at": "2026-03-09T10:00"}, "no other does", id="a-meeting-in-another-letter"),
        pytest.param({"kind": "line_manager"}, "member of staff", id="another-audience"),
        pytest.param({"kind": "dealt_with"}, "not closed", id="too-early"),
        pytest.param({"language": "xx"}, "There is no letter in", id="no-such-language"),
        pytest.param({"kind": "<b>"}, "needs another look", id="no-such-letter"),
        pytest.param(
            {"kind": "review_meeting", "meeting_at": "2026-03-29T01:30"}, "clocks of the school", id="no-time"
        ),
    ],
)
def test_a_letter_that_cannot_be_written_says_why(
    head: Browser, filed: Filed, fields: dict[str, str], said: str
) -> None:
    shown = draft(head, filed, **fields)
    assert (shown.status, said in shown.text) == (422, True), shown.text


def test_letters_are_for_who_deals_with_the_case(school: SchoolOfTest, head: Browser, filed: Filed) -> None:
    draft(head, filed)
    (path,) = [link for link in head.get(letters_of(filed)).links if link.startswith(letters_of(filed) + "/")]
    teacher = browser_of(school, "Tom", Role.TEACHER)
    assert teacher.get(letters_of(filed)).status == 404
    assert teacher.get(path).status == 404
    assert head.get(f"{letters_of(filed)}/x999").status == 404
    assert Browser(school).get(path).status == 303


def test_a_letter_of_another_case_is_not_there(school: SchoolOfTest, head: Browser, filed: Filed) -> None:
    draft(head, filed)
    (path,) = [link for link in head.get(letters_of(filed)).links if link.startswith(letters_of(filed) + "/")]
    other = school.candidate()
    assert head.get(path.replace(filed.incident.id, other.incident.id)).status == 404
