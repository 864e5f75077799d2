"""Rows of the tables: which are proposed for a kind, and which one can be accepted."""

from pathlib import Path

import pytest
from incidents_of_test import IncidentsOfTest

from agent.incidents.incident_table import check_row, is_warned, risk_of, rows_for
from rules.errors import RefusedRequestError
from rules.incident_kind import Kind, Risk


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


@pytest.mark.parametrize(
    ("audience", "kind", "rows", "risk"),
    [
        pytest.param("pupil", Kind.GAMBLING, ("P02",), Risk.CONDUCT, id="gambling-of-a-pupil"),
        pytest.param("pupil", Kind.REPEAT, ("P11",), Risk.CONDUCT, id="repeat-of-a-pupil"),
        pytest.param("staff", Kind.BULLYING, ("S09",), Risk.CONTACT, id="message-of-staff"),
        pytest.param("pupil", Kind.SELF_HARM, (), Risk.CONTENT, id="no-row-for-self-harm"),
        pytest.param("pupil", Kind.EXTREMISM, (), Risk.CONTENT, id="no-row-for-extremism"),
        pytest.param("pupil", Kind.GROOMING, (), Risk.CONTACT, id="no-row-for-grooming"),
        pytest.param("pupil", Kind.OTHER, (), Risk.CONDUCT, id="no-row-for-it"),
    ],
)
def test_rows_for_a_kind(
    school: IncidentsOfTest, audience: str, kind: Kind, rows: tuple[str, ...], risk: Risk
) -> None:
    table = school.incidents.desk.table_of(audience)
    assert rows_for(table, kind) == rows
    assert risk_of(table, kind) is risk


def test_without_a_table_nothing_is_proposed() -> None:
    assert rows_for(None, Kind.GAMBLING) == ()
    assert risk_of(None, Kind.GAMBLING) is Risk.CONDUCT


def test_a_guest_has_no_table(school: IncidentsOfTest) -> None:
    assert school.incidents.desk.table_of("guest") is None


def test_a_warning_counts_for_whoever_got_it_under_any_pseudonym(school: IncidentsOfTest) -> None:
    school.warned()
    school.later(days=200)
    filed = school.open()
    desk = school.incidents.desk
    with school.store.read() as database:
        assert is_warned(desk, database, filed.incident)
        assert check_row(desk, database, filed.incident, "P11") == "P11"
        assert not is_warned(desk, database, school.open(about="other_pupil").incident)
        assert not is_warned(desk, database, school.open(about="").incident)


def test_every_row_of_the_table_can_be_accepted_but_the_one_for_going_on(school: IncidentsOfTest) -> None:
    desk, incident = school.incidents.desk, school.open().incident
    table = desk.table_of("pupil")
    assert table is not None
    with school.store.read() as database:
        for row in table.rows.values():
            if row.is_repeat:
                with pytest.raises(RefusedRequestError):
                    check_row(desk, database, incident, row.id)
            else:
                assert check_row(desk, database, incident, row.id) == row.id
