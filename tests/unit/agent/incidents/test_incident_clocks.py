"""The clocks of incidents: since when they run, who is told, and what stops them."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW, REASON, IncidentsOfTest

from agent.incidents.incident_clocks import is_overdue, stage_of
from agent.incidents.incident_metrics import incident_metrics
from agent.incidents.incident_reports import Report
from agent.sites.site_packs import load_pack
from agent.storage.incident_rows import Filed, RunningClock, read_incidents
from agent.storage.step_rows import FiledStep
from rules.incident import Dismissal, Intent
from rules.incident_kind import Kind
from rules.steps import StepState
from rules.subject import Audience

REGULATOR, FURTHER = "regulator_notice", "regulator_further_report"


def with_packs(folder: Path, *packs: str) -> IncidentsOfTest:
    return IncidentsOfTest(folder, packs=[load_pack(pack) for pack in packs])


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return with_packs(tmp_path, "uk-data-protection")


def breach(school: IncidentsOfTest, **changes: Any) -> Filed:
    return school.open(Kind.DATA_BREACH, "pupil", rows=(), **changes)


def dues(school: IncidentsOfTest, filed: Filed) -> dict[str, datetime]:
    return {clock.id: clock.due_at for clock in school.filed(filed).clocks}


def step_of(school: IncidentsOfTest, filed: Filed, action: str) -> FiledStep:
    return next(step for step in school.steps(filed) if step.action == action)


def overdue(school: IncidentsOfTest, *, name: str = "overdue") -> float:
    with school.store.read() as database:
        samples = [sample for each in incident_metrics(database, school.now) for sample in each.samples]
    return next(each.value for each in samples if each.name == f"schoolgate_{name}_incident_clocks")


def news(school: IncidentsOfTest, until: timedelta) -> list[tuple[float, str, tuple[str, ...]]]:
    """Give what was told of clocks, after how many hours."""
    found, began = [], school.now
    while school.now < began + until:
        before = len(school.told)
        school.later(hours=1)
        school.incidents.sweep()
        hours = (school.now - NOW) / timedelta(hours=1)
        found += [(hours, what, people) for what, _, people in school.told[before:] if "clock" in what]
    return found


def test_a_clock_runs_from_when_the_school_knew_and_not_from_when_somebody_accepted(school: IncidentsOfTest) -> None:
    filed = breach(school, received_at=NOW - timedelta(hours=5))
    assert dues(school, filed)[REGULATOR] == NOW + timedelta(hours=67)
    school.later(hours=30)
    school.accept(filed, "officer", None)
    assert dues(school, filed)[REGULATOR] == NOW + timedelta(hours=67)
    assert step_of(school, filed, "refer_regulator").due_at == NOW + timedelta(hours=67)


def test_of_a_report_it_runs_from_when_it_came(school: IncidentsOfTest) -> None:
    report = Report("The laptop with the marks is gone", kind=Kind.DATA_BREACH, audience=Audience.STAFF)
    school.incidents.reports.report(None, report)
    with school.store.read() as database:
        (filed,) = read_incidents(database)
    assert filed.known_at == NOW
    assert dues(school, filed)[REGULATOR] == NOW + timedelta(hours=72)
    assert school.told[-1] == ("incident_reported", 1, ("officer",))


def test_what_was_observed_in_the_future_is_known_now(school: IncidentsOfTest) -> None:
    assert breach(school, received_at=NOW + timedelta(days=3)).known_at == NOW


def test_people_are_told_before_it_ends_and_everybody_when_it_has(school: IncidentsOfTest) -> None:
    breach(school)
    told = [each for each in news(school, timedelta(hours=73)) if each[0] <= 73]
    assert told == [
        (36, "incident_clock_runs_out", ("officer",)),
        (54, "incident_clock_runs_out", ("officer",)),
        (72, "incident_clock_ended", ("head", "officer")),
    ]
    assert overdue(school) == 1
    assert school.kinds().count("incident_clock_ended") == 1


def test_what_is_accepted_after_its_end_is_overdue_at_once_and_told(school: IncidentsOfTest) -> None:
    filed = breach(school)
    school.later(hours=80)
    school.accept(filed, "officer", None)
    assert step_of(school, filed, "refer_regulator").due_at < school.now
    assert overdue(school) == 1
    before = len(school.told)
    school.incidents.sweep()
    told = {what: people for what, _, people in school.told[before:]}
    assert "officer" in told["incident_clock_ended"]
    assert "head" in told["incident_step_overdue"]


@pytest.mark.parametrize("way", ["done", "skip"])
def test_the_step_that_it_is_for_stops_it(school: IncidentsOfTest, way: str) -> None:
    filed = breach(school)
    school.accept(filed, "officer", None)
    number = step_of(school, filed, "refer_regulator").number
    steps = school.incidents.steps
    if way == "done":
        steps.done(school.ids["officer"], filed.incident.id, number, how="By their form")
    else:
        steps.skip(school.ids["officer"], filed.incident.id, number, reason="It is a risk for nobody")
    ended = {clock.id: clock.ended_at for clock in school.filed(filed).clocks}
    assert ended == {REGULATOR: NOW, FURTHER: None}
    school.later(hours=100)
    assert overdue(school) == 0


def test_a_report_in_phases_is_two_steps_each_with_its_time(school: IncidentsOfTest) -> None:
    filed = breach(school)
    school.accept(filed, "officer", None)
    further = step_of(school, filed, f"clock_{FURTHER}")
    assert further.label == "Telling the regulator what was not known before, and why it comes late"
    assert further.due_at == dues(school, filed)[FURTHER]
    assert school.names(further.owners) == {"officer"}


def test_what_is_dismissed_has_no_clock_that_ends(school: IncidentsOfTest) -> None:
    filed = breach(school)
    school.incidents.decisions.dismiss(
        school.ids["officer"], filed.incident.id, version=1, dismissal=Dismissal.TEST, words=REASON
    )
    assert news(school, timedelta(hours=80)) == []
    assert overdue(school) == 0


def test_what_turns_out_to_be_a_breach_late_has_its_clock_from_the_start(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.CARELESS_DATA, "pupil", rows=())
    assert school.filed(filed).clocks == ()
    school.later(hours=40)
    decisions = school.incidents.decisions
    decisions.reclassify(school.ids["officer"], filed.incident.id, version=1, kind=Kind.DATA_BREACH, reason=REASON)
    assert dues(school, filed)[REGULATOR] == NOW + timedelta(hours=72)


def test_of_several_packs_the_stricter_clock_holds(tmp_path: Path) -> None:
    school = with_packs(tmp_path, "uk-data-protection", "jp-kosen-kojin-joho")
    clocks = {clock.id: clock for clock in breach(school).clocks}
    assert (clocks[REGULATOR].pack, clocks[REGULATOR].due_at) == ("uk-data-protection", NOW + timedelta(hours=72))
    assert "regulator_final_report" in clocks


def test_what_is_to_be_done_at_once_is_overdue_after_an_hour(tmp_path: Path) -> None:
    school = with_packs(tmp_path, "qc-securite-information")
    assert dues(school, breach(school)) == {REGULATOR: NOW + timedelta(hours=1)}
    assert news(school, timedelta(hours=1))[0][:2] == (1, "incident_clock_ended")


def test_a_clock_for_what_is_serious_runs_once_somebody_says_so(tmp_path: Path) -> None:
    school = with_packs(tmp_path, "jp-kosen-kojin-joho")
    filed = breach(school)
    assert "serious_report" not in dues(school, filed)
    school.accept(filed, "coordinator", None)
    lesser = step_of(school, filed, "refer_head_teacher")
    assert lesser.label.startswith("校長") or "otherwise" in lesser.label
    decisions = school.incidents.decisions
    decisions.reclassify(school.ids["coordinator"], filed.incident.id, version=2, is_serious=True, reason=REASON)
    assert dues(school, filed)["serious_report"] == NOW + timedelta(hours=1)
    serious = step_of(school, filed, "refer_head_teacher_serious")
    assert (serious.state, serious.due_at) == (StepState.OPEN, NOW + timedelta(hours=1))
    assert step_of(school, filed, "refer_head_teacher").state is StepState.SKIPPED
    assert "head" in {name for _, _, people in school.told[-2:] for name in people}


def test_serious_when_it_is_accepted_every_step_of_the_chain_is_there(tmp_path: Path) -> None:
    school = with_packs(tmp_path, "jp-kosen-kojin-joho")
    filed = breach(school)
    school.incidents.decisions.accept(
        school.ids["coordinator"],
        filed.incident.id,
        version=1,
        row=None,
        deliberate=Intent.UNCLEAR,
        why=REASON,
        is_serious=True,
    )
    actions = [step.action for step in school.steps(filed)]
    assert actions == [
        "refer_protection_officer",
        "refer_protection_manager",
        "refer_head_teacher_serious",
        "refer_general_manager",
        "refer_president",
        "refer_ministries",
        "refer_protection_commission",
        "clock_regulator_final_report",
    ]


@pytest.mark.parametrize(("hours", "stage"), [(0, 0), (35.9, 0), (36, 1), (54, 2), (71.9, 2), (72, 3), (500, 3)])
def test_how_often_people_should_have_been_told(hours: float, stage: int) -> None:
    clock = RunningClock("c", "p", NOW, NOW + timedelta(hours=72))
    assert stage_of(clock, NOW + timedelta(hours=hours)) == stage
    assert is_overdue(clock, NOW + timedelta(hours=hours)) == (hours >= 72)


def test_a_clock_is_told_as_ending_within_its_last_day_and_as_overdue_from_its_end(school: IncidentsOfTest) -> None:
    breach(school)
    seen = []
    for hours in (0, 48, 71, 72):
        school.later(hours=hours - (school.now - NOW) / timedelta(hours=1))
        seen.append((overdue(school, name="ending"), overdue(school)))
    assert seen == [(0, 0), (1, 0), (1, 0), (0, 1)]
