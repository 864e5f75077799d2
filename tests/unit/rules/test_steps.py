"""From ticks to a checklist: the first owner that somebody holds, and the safeguarding lead before all."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.incident import Track
from rules.sanction import Action, Step
from rules.span import Span, Unit
from rules.steps import ABOUT_SOMEBODY, DECIDE_WITHIN, ON_REGISTER, SAFEGUARDING_FIRST, Planned, plan
from rules.words import NO_WORDS

START = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
HOLDERS = {"class_teacher": ("t1", "t2"), "head_teacher": ("h1",), "safeguarding_lead": ("l1",)}


def action(name: str, *owners: str, step: Step = Step.REFER, days: int = 1) -> Action:
    return Action(name, NO_WORDS, owners, step, Span(days, Unit.DAYS), "uk-esafety.yaml:1:1")


def checklist(*actions: Action, track: Track = Track.ORDINARY, **holders: tuple[str, ...]) -> tuple[Planned, ...]:
    held = {**HOLDERS, **holders}
    return plan(
        actions,
        track,
        start=START,
        holders=lambda role: held.get(role, ()),
        otherwise=("c1",),
        due=lambda start, span: start + span.typical(),
    )


@pytest.mark.parametrize(
    ("owners", "role", "people"),
    [
        pytest.param(("class_teacher", "head_teacher"), "class_teacher", ("t1", "t2"), id="the-first"),
        pytest.param(("line_manager", "head_teacher"), "head_teacher", ("h1",), id="the-first-that-is-held"),
        pytest.param(("line_manager",), "", ("c1",), id="nobody-holds-it"),
        pytest.param((), "", ("c1",), id="nobody-is-named"),
    ],
)
def test_who_does_a_step(owners: tuple[str, ...], role: str, people: tuple[str, ...]) -> None:
    (step,) = checklist(action("inform", *owners))
    assert (step.role, step.owners) == (role, people)


def test_steps_come_in_the_order_of_the_columns_with_their_times() -> None:
    found = checklist(action("a", "head_teacher", days=3), action("b", "class_teacher", step=Step.WARN))
    assert [(step.action, step.step, step.due_at) for step in found] == [
        ("a", Step.REFER, START + timedelta(days=3)),
        ("b", Step.WARN, START + timedelta(days=1)),
    ]
    assert all(step.is_of_table for step in found)


def test_the_safeguarding_lead_comes_first_within_the_hour() -> None:
    first, second = checklist(action("a", "head_teacher"), track=Track.SAFEGUARDING)
    assert (first.action, first.owners, first.due_at) == (SAFEGUARDING_FIRST, ("l1",), START + timedelta(hours=1))
    assert not first.is_of_table
    assert second.action == "a"


def test_where_nobody_is_safeguarding_lead_somebody_else_is_told() -> None:
    (first,) = checklist(track=Track.SAFEGUARDING, safeguarding_lead=())
    assert first.owners == ("c1",)


@pytest.mark.parametrize("track", [Track.ORDINARY, Track.RESTRICTED, Track.SEALED])
def test_elsewhere_nothing_is_added(track: Track) -> None:
    assert checklist(track=track) == ()


def test_every_track_says_how_soon_somebody_decides() -> None:
    assert set(DECIDE_WITHIN) == set(Track)
    assert DECIDE_WITHIN[Track.SAFEGUARDING] == DECIDE_WITHIN[Track.SEALED] == Span(1, Unit.HOURS)


def test_a_technician_need_not_know_about_whom() -> None:
    assert frozenset(Step) - {Step.TECHNICAL} == ABOUT_SOMEBODY
    assert frozenset({Step.WARN, Step.SANCTION}) == ON_REGISTER


def test_what_is_done_at_once_is_late_after_an_hour() -> None:
    (step,) = checklist(action("police", "head_teacher", days=0))
    assert step.due_at == START + timedelta(hours=1)
