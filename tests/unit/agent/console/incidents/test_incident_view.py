"""What pages of an incident show, in the language of the reader, and of other cases only what they may know."""

from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import browser_of

from rules.incident import Dismissal, Intent
from rules.incident_kind import Kind
from rules.roles import Role

WHY = "He said that he wanted to see it"


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def pupil(school: SchoolOfTest) -> str:
    with school.store.act() as act:
        return school.parts.people.open(act, "Pip", (Role.PUPIL,), actor="system").id


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Sites that are not for learning, without leave"),
        ("fr", "Source : E-safety policy of January 2018, ligne 343."),
        ("nl", "Bron: E-safety policy of January 2018, regel 343."),
        ("ja", "E-safety policy of January 2018、343行目"),
    ],
)
def test_the_table_is_shown_in_the_language_of_the_reader(school: SchoolOfTest, language: str, words: str) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR, language=language)
    shown = browser.get(f"/incidents/{school.candidate(about=pupil(school)).incident.id}")
    assert words in shown.text
    assert f'lang="{language}"' in shown.html


def test_a_school_without_a_table_has_no_row_to_choose(school: SchoolOfTest) -> None:
    browser = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    filed = school.candidate(about=pupil(school))
    school.packs = ()
    assert "No row of the school's table is about this." in browser.get(f"/incidents/{filed.incident.id}").text
    assert "nobody has to choose a row" in browser.get(f"/incidents/{filed.incident.id}/accept").text


def test_what_it_was_made_part_of_is_linked_for_who_may_read_that(school: SchoolOfTest) -> None:
    grace, head = browser_of(school, "Grace", Role.ICT_COORDINATOR), browser_of(school, "Head", Role.HEAD_TEACHER)
    who, decisions = pupil(school), school.parts.incidents.decisions
    first, second = school.candidate(about=who), school.candidate(about=who)
    decisions.merge(head.person, second.incident.id, version=1, into=first.incident.id, reason=WHY)
    decisions.reclassify(head.person, first.incident.id, version=2, reason=WHY, kind=Kind.SELF_HARM)
    link = f"/incidents/{first.incident.id}"
    assert link in head.get(f"/incidents/{second.incident.id}").links
    assert link not in grace.get(f"/incidents/{second.incident.id}").links


def test_a_decision_shows_who_made_it_and_its_words_only_for_a_purpose(school: SchoolOfTest) -> None:
    grace = browser_of(school, "Grace", Role.ICT_COORDINATOR)
    filed = school.candidate(about=pupil(school))
    school.parts.incidents.decisions.dismiss(
        grace.person, filed.incident.id, version=1, dismissal=Dismissal.TEST, words=WHY
    )
    path = f"/incidents/{filed.incident.id}"
    shown = grace.get(path)
    assert "somebody tried out the filter" in shown.text
    assert "Grace" in shown.text
    assert WHY not in shown.html
    assert WHY in grace.submit(shown, f"{path}/look", purpose="Looking at what was decided").html


def test_earlier_warnings_are_shown_beside_the_row_that_follows_from_them(school: SchoolOfTest) -> None:
    head = browser_of(school, "Head", Role.HEAD_TEACHER)
    who, incidents = pupil(school), school.parts.incidents
    first = school.candidate(Kind.BYPASS, about=who)
    incidents.decisions.accept(
        head.person, first.incident.id, version=1, row="P13", deliberate=Intent.DELIBERATE, why=WHY
    )
    for step in incidents.steps.of(head.person, first.incident.id):
        if step.action == "warning":
            incidents.steps.done(head.person, first.incident.id, step.number, how="Told him what follows")
    shown = head.get(f"/incidents/{first.incident.id}")
    assert "Warnings given for this" in shown.headings
    assert "Row P13, counts until" in shown.text


def test_the_step_that_no_table_ticks_has_words_too(school: SchoolOfTest) -> None:
    head, decisions = browser_of(school, "Head", Role.HEAD_TEACHER, language="nl"), school.parts.incidents.decisions
    filed = school.candidate(about=pupil(school))
    decisions.reclassify(head.person, filed.incident.id, version=1, reason=WHY, kind=Kind.BULLYING)
    decisions.accept(head.person, filed.incident.id, version=2, row="P10", deliberate=Intent.DELIBERATE, why=WHY)
    shown = head.get(f"/incidents/{filed.incident.id}")
    assert "Voorleggen aan de aandachtsfunctionaris" in shown.text
    assert "refer safeguarding lead" not in shown.text
