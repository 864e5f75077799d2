"""Incidents in brief: what is counted, and what is in no count."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from incidents_of_test import REASON, IncidentsOfTest

from agent.incidents.incident_corrections import Appeal
from agent.incidents.incident_deciding import KINDS
from agent.storage.incident_briefs import MOVES, Brief, read_briefs, read_briefs_as_of
from agent.storage.incident_rows import Filed
from rules.incident import Dismissal, State


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def briefs(school: IncidentsOfTest) -> list[Brief]:
    with school.store.read() as database:
        return list(read_briefs(database))


@pytest.mark.parametrize(
    ("rows", "told"), [pytest.param(("P02", "P11"), "P02", id="the-likeliest"), pytest.param((), "", id="none")]
)
def test_a_brief_is_the_incident_without_its_reasons(
    school: IncidentsOfTest, rows: tuple[str, ...], told: str
) -> None:
    incident = school.open(rows=rows).incident
    assert briefs(school) == [
        Brief(
            incident.kind,
            incident.audience,
            incident.subject,
            incident.level,
            incident.track,
            incident.state,
            incident.opened_at,
            told,
        )
    ]


def test_the_row_that_was_accepted_is_told(school: IncidentsOfTest) -> None:
    filed = school.open(rows=("P02", "P04"))
    school.accept(filed, "head", "P04")
    assert [brief.row for brief in briefs(school)] == ["P04"]


def dismiss(school: IncidentsOfTest, filed: Filed, dismissal: Dismissal) -> None:
    school.incidents.decisions.dismiss(
        school.ids["head"], filed.incident.id, version=1, dismissal=dismissal, words=REASON
    )


def merge(school: IncidentsOfTest, filed: Filed) -> None:
    school.incidents.decisions.merge(
        school.ids["head"], filed.incident.id, version=1, into=school.open().incident.id, reason=REASON
    )


@pytest.mark.parametrize(
    ("put_aside", "counted"),
    [
        pytest.param(lambda school, filed: dismiss(school, filed, Dismissal.TEST), 1, id="dismissed"),
        pytest.param(lambda school, filed: dismiss(school, filed, Dismissal.WRONG_PERSON), 0, id="put-right"),
        pytest.param(merge, 1, id="merged-into-one-that-goes-on"),
    ],
)
def test_what_is_counted(
    school: IncidentsOfTest, put_aside: Callable[[IncidentsOfTest, Filed], None], counted: int
) -> None:
    put_aside(school, school.open())
    assert len(briefs(school)) == counted


def test_what_was_opened_before_is_left_out(school: IncidentsOfTest) -> None:
    school.open()
    since = school.later(days=1)
    newer = school.open().incident
    with school.store.read() as database:
        assert [each.opened_at for each in read_briefs(database, opened_since=since)] == [newer.opened_at]


def as_of(school: IncidentsOfTest, at: datetime) -> list[tuple[State, str]]:
    with school.store.read() as database:
        return [(each.state, each.row) for each in read_briefs_as_of(database, at)]


def accept(school: IncidentsOfTest, filed: Filed) -> None:
    school.accept(filed, "head", "P04")


@pytest.mark.parametrize(
    "done",
    [
        pytest.param(accept, id="accepted"),
        pytest.param(lambda school, filed: dismiss(school, filed, Dismissal.TEST), id="dismissed"),
        pytest.param(lambda school, filed: dismiss(school, filed, Dismissal.WRONG_PERSON), id="put-right"),
        pytest.param(merge, id="merged-into-one-of-the-same-day"),
    ],
)
def test_at_an_instant_nothing_is_known_of_what_was_done_after_it(
    school: IncidentsOfTest, done: Callable[[IncidentsOfTest, Filed], None]
) -> None:
    filed = school.open(rows=("P02", "P04"))
    midnight = school.later(days=1)
    done(school, filed)
    assert as_of(school, midnight) == [(State.CANDIDATE, "P02")]
    assert as_of(school, filed.filed_at) == []


def test_decisions_before_it_count(school: IncidentsOfTest) -> None:
    filed = school.open(rows=("P02", "P04"))
    accept(school, filed)
    school.do_all(filed)
    closed_at = school.later(days=1)
    decisions, head = school.incidents.decisions, school.ids["head"]
    closed = decisions.close(
        head, filed.incident.id, version=school.filed(filed).version, outcome=REASON, lesson=REASON
    )
    reopened_at = school.later(days=1)
    appeal = Appeal("The mother", closed_at.date(), REASON)
    decisions.reopen(head, filed.incident.id, version=closed.version, appeal=appeal)
    assert as_of(school, closed_at) == [(State.ACCEPTED, "P04")]
    assert as_of(school, reopened_at) == [(State.CLOSED, "P04")]
    assert as_of(school, school.later(days=1)) == [(State.ACCEPTED, "P04")]


def test_what_was_taken_back_counts_as_it_was_before(school: IncidentsOfTest) -> None:
    filed = school.open(rows=("P02", "P04"))
    school.accept(filed, "head", "P04")
    school.incidents.decisions.undo(school.ids["head"], filed.incident.id, version=school.filed(filed).version)
    midnight = school.later(days=1)
    school.accept(filed, "head", "P04")
    assert as_of(school, midnight) == [(State.CANDIDATE, "P02")]


def test_every_decision_is_known_by_what_the_timeline_says_of_it() -> None:
    assert {kind: move for move, kind in KINDS.items()} == MOVES


def test_the_row_is_that_of_the_instant_whatever_was_put_right_since(school: IncidentsOfTest) -> None:
    decisions, head = school.incidents.decisions, school.ids["head"]
    moved, taken_off = school.open(rows=("P02", "P04")), school.open(rows=("P02", "P04"))
    accept(school, moved)
    accept(school, taken_off)
    midnight = school.later(days=1)
    decisions.reclassify(head, moved.incident.id, version=school.filed(moved).version, reason=REASON, row="P13")
    decisions.correct(head, taken_off.incident.id, version=school.filed(taken_off).version, reason=REASON)
    assert as_of(school, midnight) == [(State.ACCEPTED, "P04"), (State.ACCEPTED, "P04")]


def test_what_was_put_right_before_it_is_not_counted_though_it_was_opened_again_since(
    school: IncidentsOfTest,
) -> None:
    filed = school.open()
    dismiss(school, filed, Dismissal.WRONG_PERSON)
    midnight = school.later(days=1)
    appeal = Appeal("The mother", midnight.date(), REASON)
    school.incidents.decisions.reopen(
        school.ids["head"], filed.incident.id, version=school.filed(filed).version, appeal=appeal
    )
    assert as_of(school, midnight) == []


def test_what_was_taken_back_since_was_decided_then(school: IncidentsOfTest) -> None:
    filed = school.open(rows=("P02", "P04"))
    accept(school, filed)
    midnight = school.later(minutes=1)
    school.incidents.decisions.undo(school.ids["head"], filed.incident.id, version=school.filed(filed).version)
    school.later(minutes=1)
    assert as_of(school, midnight) == [(State.ACCEPTED, "P04")]
