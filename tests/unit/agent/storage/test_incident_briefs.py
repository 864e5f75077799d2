"""Incidents in brief: what is counted, and what is in no count."""

from collections.abc import Callable
from pathlib import Path

import pytest
from incidents_of_test import REASON, IncidentsOfTest

from agent.storage.incident_briefs import Brief, read_briefs
from agent.storage.incident_rows import Filed
from rules.incident import Dismissal


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
