"""What whoever decides should know of themselves before they do."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import browser_of
from teaching_of_test import ask, moves_in, read, teacher_of, teaching_school

from agent.storage.override_rows import write_override
from rules.name import DomainName
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = teaching_school(tmp_path)
    yield made
    made.store.close()


def test_nothing_stands_between_two_who_have_nothing_in_common(school: SchoolOfTest) -> None:
    request = ask(teacher_of(school))
    shown = browser_of(school, "Hana", Role.HEAD_TEACHER).get(f"/overrides/{request}")
    assert "Before you decide" not in shown.text


def test_two_of_the_same_role_are_told_so(school: SchoolOfTest) -> None:
    asker = browser_of(school, "Nick", Role.NETWORK_MANAGER)
    request = ask(asker)
    shown = browser_of(school, "Nora", Role.NETWORK_MANAGER).get(f"/overrides/{request}")
    assert "You and Nick are both network manager." in shown.text


def test_whoever_gets_it_themselves_is_told_so(school: SchoolOfTest) -> None:
    request = ask(teacher_of(school), groups=[], audience="staff")
    shown = browser_of(school, "Hana", Role.HEAD_TEACHER).get(f"/overrides/{request}")
    assert "It opens for staff, so for you as well." in shown.text


def test_it_is_told_that_it_is_for_ones_own_class(school: SchoolOfTest) -> None:
    request = ask(teacher_of(school))
    head = browser_of(school, "Hana", Role.HEAD_TEACHER)
    with school.store.act() as act:
        school.parts.people.change(act, head.person, classes=["c5"], actor="system")
    assert "It is for a class of your own." in head.get(f"/overrides/{request}").text


def test_of_somebody_who_has_left_it_can_only_be_refused(school: SchoolOfTest) -> None:
    teacher = teacher_of(school)
    request = ask(teacher)
    with school.store.act() as act:
        school.parts.people.close(act, teacher.person, actor="system")
    shown = browser_of(school, "Hana", Role.HEAD_TEACHER).get(f"/overrides/{request}")
    assert "Whoever asked has left the school, so it can only be refused." in shown.text
    assert moves_in(shown) == [f"/overrides/{request}/refuse"]


def test_what_has_become_illegal_is_left_out_or_all_of_it_refused(school: SchoolOfTest) -> None:
    request = ask(teacher_of(school))
    filed = school.parts.overrides.get(request)
    lift = filed.override.lift
    late = DomainName("crime.example")
    wider = replace(lift, names=(*lift.names, late), lifts_of=(*lift.lifts_of, (late, frozenset())))
    with school.store.act() as act:
        write_override(act.database, replace(filed, override=replace(filed.override, lift=wider)))
    head, action = browser_of(school, "Hana", Role.HEAD_TEACHER), f"/overrides/{request}/approve"
    shown = head.get(f"/overrides/{request}")
    assert "crime.example stays blocked: it is listed as criminal_activity" in read(shown)
    assert head.submit(shown, action).status == 422
    why = "The second of the two has become illegal since."
    assert head.submit(shown, action, names="bet.example", reason=why).status == 303
    assert school.parts.overrides.get(request).override.lift.names == ("bet.example",)


def test_a_class_that_is_closed_is_nobodys_own(school: SchoolOfTest) -> None:
    request = ask(teacher_of(school))
    head = browser_of(school, "Hana", Role.HEAD_TEACHER)
    with school.store.act() as act:
        school.parts.people.change(act, head.person, classes=["c5"], actor="system")
        act.database.execute("UPDATE classes SET closed_at = '2026-03-01T00:00:00.000000+00:00' WHERE id = 'c5'")
    assert "It is for a class of your own." not in head.get(f"/overrides/{request}").text
