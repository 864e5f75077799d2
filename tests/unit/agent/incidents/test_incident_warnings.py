"""Warnings taken back: by who reads their incident, with a reason, and nothing rests on them any more."""

from pathlib import Path

import pytest
from incidents_of_test import REASON, IncidentsOfTest

from agent.incidents.incident_warnings import FELL, WITHDRAWN
from agent.people.attempts import UnknownIdError
from agent.storage.incident_rows import Filed
from agent.storage.timeline_rows import read_timeline
from agent.storage.warning_rows import GivenWarning
from rules.assessment import Warned
from rules.errors import RefusedRequestError
from rules.incident_kind import Kind


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def given(school: IncidentsOfTest, filed: Filed, by: str = "head") -> GivenWarning:
    """Give the last warning that was given for an incident."""
    return school.incidents.warnings.of(school.ids[by], filed.incident.id)[0]


def withdraw(school: IncidentsOfTest, warning: GivenWarning, by: str = "head", reason: str = REASON) -> GivenWarning:
    return school.incidents.warnings.withdraw(school.ids[by], warning.id, reason=reason)


def warned_by(*cases: Filed) -> tuple[Warned, ...]:
    return tuple(Warned(each.incident.id, "P13", "2027-03-03") for each in cases)


def test_a_warning_that_is_taken_back_counts_no_longer_and_stays_on_the_register(school: IncidentsOfTest) -> None:
    case = school.warned()
    withdrawn = withdraw(school, given(school, case))
    assert (withdrawn.withdrawn_at, withdrawn.withdrawn_by) == (school.now, school.ids["head"])
    with school.store.read() as database:
        assert school.incidents.warnings_of(database, case.incident.subject, school.now) == []
        last = read_timeline(database, case.incident.id, with_personal=True)[-1]
    assert (last.what, last.content, last.personal) == (WITHDRAWN, {"row": "P13"}, {"reason": REASON})
    assert school.kinds()[-1] == WITHDRAWN
    assert REASON not in school.record()[-1][2]
    (item,) = school.incidents.registers.warnings(school.ids["head"], purpose="The review of it").as_items()
    assert (item["standing"], item["warning"]) == ("withdrawn", withdrawn.id)


def test_no_row_for_going_on_is_proposed_or_accepted_because_of_it(school: IncidentsOfTest) -> None:
    case = school.warned()
    other = school.open(rows=("P02", "P11"), warnings=warned_by(case))
    withdraw(school, given(school, case))
    after = school.filed(other)
    assert (after.incident.rows, after.warnings, after.version) == (("P02",), (), other.version + 1)
    assert school.kinds()[-2:] == [WITHDRAWN, FELL]
    with pytest.raises(RefusedRequestError, match="no warning on the register counts"):
        school.accept(other, row="P11")


def test_what_rests_on_another_warning_too_stays_proposed(school: IncidentsOfTest) -> None:
    first, second = school.warned(), school.warned()
    other = school.open(rows=("P02", "P11"), warnings=warned_by(first, second))
    withdraw(school, given(school, first))
    assert (school.filed(other).incident.rows, school.filed(other).warnings) == (("P02", "P11"), warned_by(second))


def test_whoever_accepted_it_as_going_on_is_told_and_nobody_else_changes_that(school: IncidentsOfTest) -> None:
    case = school.warned()
    other = school.open(rows=("P02", "P11"), warnings=warned_by(case))
    school.accept(other, "coordinator", "P11")
    withdraw(school, given(school, case))
    assert school.told[-1] == (FELL, other.number, ("coordinator",))
    assert school.filed(other).incident.row == "P11"


@pytest.mark.parametrize("by", ["coordinator", "lead", "teacher", "chair", "five", "pupil"])
def test_only_who_reads_its_incident_sees_it_or_takes_it_back(school: IncidentsOfTest, by: str) -> None:
    filed = school.open(Kind.STAFF_CONDUCT, "teacher", rows=("S15",))
    school.accept(filed, "head", "S15")
    for step in school.steps(filed):
        school.incidents.steps.done(school.ids["head"], filed.incident.id, step.number, how="Talked in my office")
    warning = given(school, filed)
    with pytest.raises(UnknownIdError):
        school.incidents.warnings.of(school.ids[by], filed.incident.id)
    with pytest.raises(UnknownIdError):
        withdraw(school, warning, by)
    assert withdraw(school, warning, "deputy").withdrawn_by == school.ids["deputy"]


def test_nobody_takes_back_what_they_were_warned_of_themselves(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.BYPASS, "coordinator", rows=("S15",))
    school.accept(filed, "head", "S15")
    for step in school.steps(filed):
        school.incidents.steps.done(school.ids["head"], filed.incident.id, step.number, how="Talked in my office")
    with pytest.raises(UnknownIdError):
        withdraw(school, given(school, filed), "coordinator")


def test_it_is_taken_back_once_while_it_counts_and_with_a_reason(school: IncidentsOfTest) -> None:
    warning = given(school, school.warned())
    with pytest.raises(RefusedRequestError, match="The reason is missing or says too little"):
        withdraw(school, warning, reason="no")
    withdraw(school, warning)
    with pytest.raises(RefusedRequestError, match="is withdrawn already"):
        withdraw(school, warning)
    late = given(school, school.warned())
    school.later(days=366)
    with pytest.raises(RefusedRequestError, match="has not counted since 2027-03-03, so there is nothing"):
        withdraw(school, late)
    with pytest.raises(UnknownIdError, match="no warning with that id"):
        school.incidents.warnings.withdraw(school.ids["head"], "w99", reason=REASON)
    assert school.kinds().count(WITHDRAWN) == 1
