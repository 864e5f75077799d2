"""What somebody else did to a thing that two people decide about: what, when, in which role; never a look at it."""

from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from starlette.requests import Request

from agent.api.security import Caller
from agent.console.meanwhile import done_meanwhile
from agent.console.page import Page
from agent.texts import load_texts
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


def told(school: SchoolOfTest, path: str, *, language: str = "en", person: str = "p0", **found: str) -> str:
    request = Request({"type": "http", "method": "POST", "path": path, "headers": [], "path_params": found})
    who = Caller(person, frozenset(), frozenset(), proof="x", csrf="y")
    return done_meanwhile(Page(request, school.parts, load_texts(language), who=who))


def note(school: SchoolOfTest, kind: str, subject: str, *roles: Role, actor: str = "") -> None:
    with school.store.act() as act:
        actor = actor or school.parts.people.open(act, "Ada", roles, actor="system").id
        act.note(kind, actor=actor, subject=subject)


def test_it_says_what_was_done_last_when_and_in_which_role(school: SchoolOfTest) -> None:
    note(school, "override_requested", "x1", Role.TEACHER)
    note(school, "override_refused", "x1", Role.HEAD_TEACHER)
    note(school, "override_approved", "x2", Role.TECHNICIAN)
    words = "Meanwhile: Request refused (head teacher), Monday 2 March 2026, 09:15."
    assert told(school, "/overrides/x1/approve", id="x1") == words
    assert "Ada" not in words
    assert told(school, "/overrides/x1/approve", id="x1", language="fr").startswith("Entre-temps")


@pytest.mark.parametrize("kind", ["rule_refused", "incident_viewed", "incident_letter_read"])
def test_a_look_and_what_was_refused_changed_nothing(school: SchoolOfTest, kind: str) -> None:
    note(school, kind, "x1", Role.HEAD_TEACHER)
    assert told(school, "/incidents/x1/accept", id="x1") == ""


def test_what_one_did_oneself_or_the_clock_did_was_nobody_else(school: SchoolOfTest) -> None:
    for actor in ("p0", "system"):
        note(school, "override_refused", "x1", actor=actor)
    assert told(school, "/overrides/x1/approve", id="x1") == ""


def test_a_medium_has_its_number(school: SchoolOfTest) -> None:
    note(school, "medium_changed", "M-7", Role.TECHNICIAN)
    assert "(technician)" in told(school, "/media/7/change", number="7")
    assert told(school, "/media/exceptions/7/allow", number="7") == ""


def test_whoever_has_a_step_to_do_is_not_told_of_the_case(school: SchoolOfTest) -> None:
    note(school, "incident_dismissed", "x1", Role.HEAD_TEACHER)
    assert told(school, "/tasks/x1/2/done", id="x1", number="2") == ""


def test_what_has_the_same_number_and_is_something_else_is_not_told(school: SchoolOfTest) -> None:
    note(school, "filter_change_approved", "3", Role.NETWORK_MANAGER)
    for kind in ("personal_erased", "filter_tried", "signed_in"):
        note(school, kind, "3", Role.HEAD_TEACHER)
    assert "Change of the filter approved (network manager)" in told(school, "/filter/3/approve", id="3")
    assert told(school, "/incidents/3/accept", id="3") == ""


def test_an_address_that_names_nothing_is_about_no_row_without_a_subject(school: SchoolOfTest) -> None:
    for kind in ("record_exported", "filter_tried", "filter_change_approved"):
        note(school, kind, "", Role.HEAD_TEACHER)
    for path in ("/filter/change", "/record/verify", "/tasks/x1/2/done"):
        assert told(school, path) == ""


def test_what_the_clock_did_after_somebody_else_hides_nothing(school: SchoolOfTest) -> None:
    note(school, "incident_accepted", "x1", Role.HEAD_TEACHER)
    note(school, "incident_step_overdue", "x1", actor="system")
    assert "(head teacher)" in told(school, "/incidents/x1/accept", id="x1")


def test_what_one_did_oneself_is_not_told_of_somebody_who_is_known_either(school: SchoolOfTest) -> None:
    with school.store.act() as act:
        me = school.parts.people.open(act, "Ada", [Role.HEAD_TEACHER], actor="system").id
        act.note("override_refused", actor=me, subject="x1")
    assert told(school, "/overrides/x1/approve", id="x1", person=me) == ""
