"""The checklist: who owns what by when, what was done, what was left out, and the warnings that come of it."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW, PURPOSE, REASON, IncidentsOfTest, on_track

from agent.incidents.incident_steps import MAX_STEPS, Referral
from agent.people.attempts import UnknownIdError
from agent.storage.incident_rows import Filed
from agent.storage.state import instant_text
from agent.storage.step_rows import FiledStep
from agent.storage.timeline_rows import read_timeline
from agent.storage.warning_rows import read_warnings
from rules.errors import RefusedRequestError
from rules.incident import State, Track
from rules.incident_kind import Kind
from rules.roles import Role
from rules.sanction import Step
from rules.span import Span, Unit
from rules.steps import StepState

HOW = "Talked to him in the break"


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


@pytest.fixture
def bypass(school: IncidentsOfTest) -> Filed:
    """A row with every kind of step."""
    filed = school.open(Kind.BYPASS, rows=("P13",))
    school.accept(filed, row="P13")
    return school.filed(filed)


def step(school: IncidentsOfTest, filed: Filed, action: str) -> FiledStep:
    return next(each for each in school.steps(filed) if each.action == action)


@pytest.mark.parametrize(
    ("action", "owners", "due"),
    [
        pytest.param("refer_class_teacher", {"five"}, date(2026, 3, 3), id="class-teacher-of-the-class"),
        pytest.param("refer_ks_leader", {"leader"}, date(2026, 3, 4), id="key-stage-leader"),
        pytest.param("refer_slt", {"deputy"}, date(2026, 3, 4), id="senior-leadership"),
        pytest.param("refer_tech_support", {"network"}, date(2026, 3, 4), id="the-first-owner-that-somebody-holds"),
        pytest.param("inform_parents", {"five"}, date(2026, 3, 4), id="parents-by-the-class-teacher"),
        pytest.param("remove_access", {"network"}, date(2026, 3, 3), id="network-rights"),
        pytest.param("warning", {"five"}, date(2026, 3, 9), id="within-a-school-week"),
        pytest.param("further_sanction", {"head"}, date(2026, 3, 9), id="head"),
    ],
)
def test_who_does_what_by_when(
    school: IncidentsOfTest, bypass: Filed, action: str, owners: set[str], due: date
) -> None:
    found = step(school, bypass, action)
    assert school.names(found.owners) == owners
    # By the end of the day, on the clock of the school.
    assert found.due_at == datetime(due.year, due.month, due.day, tzinfo=NOW.tzinfo) + timedelta(days=1)
    assert (found.state, found.is_of_table) == (StepState.OPEN, True)


def test_a_role_holder_whom_it_is_about_is_passed_by(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.FILE_TRANSFER, "network", rows=("S03",))
    school.accept(filed, "head", "S03")
    assert school.names(step(school, filed, "refer_tech_support").owners) == {"technician"}
    filed = school.open(Kind.FILE_TRANSFER, "deputy", rows=("S03",))
    school.accept(filed, "head", "S03")
    assert school.names(step(school, filed, "refer_slt").owners) == {"coordinator"}


def test_of_a_device_no_class_teacher_is_told_at_a_venture(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.GAMBLING, "", rows=("P02",))
    school.accept(filed)
    assert school.names(step(school, filed, "refer_class_teacher").owners) == {"coordinator"}


def test_where_a_child_is_at_risk_the_lead_comes_first_within_the_hour(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.SAFEGUARDING)
    school.accept(filed, "lead", "P15")
    first = school.steps(filed)[0]
    assert (school.names(first.owners), first.due_at) == ({"lead"}, NOW + timedelta(hours=1))
    assert not first.is_of_table


def test_what_is_restricted_is_done_by_those_who_may_read_it(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.RESTRICTED)
    school.accept(filed, "head", "S15")
    assert {name for each in school.steps(filed) for name in school.names(each.owners)} <= {"head", "deputy"}
    assert school.told[-1][0] == "incident_accepted"
    assert set(school.told[-1][2]) <= {"head", "deputy"}


def test_one_sees_what_one_has_to_do_and_not_about_whom(school: IncidentsOfTest, bypass: Filed) -> None:
    (own,) = school.incidents.steps.mine(school.ids["leader"])
    assert (own.case, own.step.action, own.track) == (bypass.number, "refer_ks_leader", Track.ORDINARY)
    assert bypass.incident.subject not in str(own)
    assert [each.step.action for each in school.incidents.steps.mine(school.ids["five"])] == [
        "refer_class_teacher",
        "inform_parents",
        "warning",
    ]
    assert school.incidents.steps.mine(school.ids["teacher"]) == []


def test_a_step_is_done_by_its_owner_with_how_when_and_what_came_of_it(
    school: IncidentsOfTest, bypass: Filed
) -> None:
    number = step(school, bypass, "refer_class_teacher").number
    school.later(hours=3)
    at = school.now - timedelta(hours=1)
    done = school.incidents.steps.done(
        school.ids["five"], bypass.incident.id, number, how=HOW, outcome="He sees it now", at=at
    )
    assert (done.state, done.done_by, done.done_at) == (StepState.DONE, school.ids["five"], at)
    assert (done.how, done.outcome) == (HOW, "He sees it now")
    assert step(school, bypass, "refer_class_teacher") == done
    assert school.kinds()[-1] == "incident_step_done"
    assert HOW not in school.record()[-1][2]
    with school.store.read() as database:
        assert read_timeline(database, bypass.incident.id, with_personal=True)[-1].personal == {
            "how": HOW,
            "outcome": "He sees it now",
        }


@pytest.mark.parametrize("name", ["six", "teacher", "pupil", "chair", "technician"])
def test_a_step_of_somebody_else_is_not_there(school: IncidentsOfTest, bypass: Filed, name: str) -> None:
    for number in (1, 99):
        with pytest.raises(UnknownIdError):
            school.incidents.steps.done(school.ids[name], bypass.incident.id, number, how=HOW)
    with pytest.raises(UnknownIdError):
        school.incidents.steps.of(school.ids[name], bypass.incident.id)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"how": ""}, "The way in which it was done is missing", id="no-how"),
        pytest.param({"how": "x" * 2_001}, "has 2,001 characters", id="too-long"),
        pytest.param({"outcome": "ok"}, "The outcome is missing or says too little", id="empty-outcome"),
        pytest.param({"at": NOW + timedelta(minutes=1)}, "not later than now", id="in-the-future"),
        pytest.param({"at": NOW - timedelta(minutes=1)}, "after the incident was filed", id="before-it-was-filed"),
        pytest.param({"at": NOW.replace(tzinfo=None)}, "with its time zone", id="without-a-zone"),
        pytest.param({"number": 99}, "has no step 99", id="no-such-step"),
    ],
)
def test_a_step_that_cannot_be_done_so(
    school: IncidentsOfTest, bypass: Filed, changes: dict[str, Any], says: str
) -> None:
    values: dict[str, Any] = {"number": 1, "how": HOW} | changes
    with pytest.raises(RefusedRequestError, match=says):
        school.incidents.steps.done(school.ids["head"], bypass.incident.id, values.pop("number"), **values)
    assert school.kinds()[-1] == "rule_refused"


def test_nothing_is_done_twice(school: IncidentsOfTest, bypass: Filed) -> None:
    school.incidents.steps.done(school.ids["head"], bypass.incident.id, 1, how=HOW)
    school.incidents.steps.skip(school.ids["head"], bypass.incident.id, 2, reason=REASON)
    with pytest.raises(RefusedRequestError, match="is done already"):
        school.incidents.steps.done(school.ids["head"], bypass.incident.id, 1, how=HOW)
    with pytest.raises(RefusedRequestError, match="is left out already"):
        school.incidents.steps.done(school.ids["head"], bypass.incident.id, 2, how=HOW)


def test_nothing_is_done_about_what_is_not_accepted(school: IncidentsOfTest) -> None:
    filed = school.open()
    with pytest.raises(RefusedRequestError, match="has no step 1"):
        school.incidents.steps.done(school.ids["head"], filed.incident.id, 1, how=HOW)
    with pytest.raises(RefusedRequestError, match="is not accepted"):
        add(school, filed)


# ---- deviating from the table ------------------------------------------------------------------------------


def add(school: IncidentsOfTest, filed: Filed, by: str = "head", **changes: Any) -> FiledStep:
    values: dict[str, Any] = {
        "label": "Talk to the whole class",
        "role": Role.CLASS_TEACHER,
        "within": Span(1, Unit.WEEKS),
        "reason": REASON,
    }
    return school.incidents.steps.add(school.ids[by], filed.incident.id, **(values | changes))


def test_a_step_is_left_out_with_a_reason_by_who_reads_the_incident(school: IncidentsOfTest, bypass: Filed) -> None:
    number = step(school, bypass, "warning").number
    with pytest.raises(UnknownIdError):
        school.incidents.steps.skip(school.ids["five"], bypass.incident.id, number, reason=REASON)
    with pytest.raises(RefusedRequestError, match="The reason is missing"):
        school.incidents.steps.skip(school.ids["head"], bypass.incident.id, number, reason="")
    left_out = school.incidents.steps.skip(school.ids["head"], bypass.incident.id, number, reason=REASON)
    assert (left_out.state, left_out.deviation) == (StepState.SKIPPED, REASON)
    assert school.kinds()[-1] == "incident_step_skipped"


def test_a_step_is_added_with_a_reason(school: IncidentsOfTest, bypass: Filed) -> None:
    added = add(school, bypass)
    assert (added.label, added.is_of_table, added.deviation) == ("Talk to the whole class", False, REASON)
    assert school.names(added.owners) == {"five"}
    assert school.steps(bypass)[-1] == added
    assert school.told[-1] == ("incident_step_added", bypass.number, ("five",))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"label": ""}, "The step is missing", id="no-words"),
        pytest.param({"reason": "-"}, "The reason is missing", id="no-reason"),
        pytest.param({"action": "refer_police"}, "no action 'refer_police' in the table", id="of-the-other-table"),
        pytest.param({"role": Role.AUDITOR}, "holds the role of auditor", id="nobody-holds-it"),
    ],
)
def test_a_step_that_cannot_be_added(
    school: IncidentsOfTest, bypass: Filed, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(RefusedRequestError, match=says):
        add(school, bypass, **changes)


def test_there_are_only_so_many_steps(school: IncidentsOfTest, bypass: Filed) -> None:
    for _ in range(MAX_STEPS - len(school.steps(bypass))):
        add(school, bypass)
    with pytest.raises(RefusedRequestError, match="has 50 steps"):
        add(school, bypass)


# ---- warnings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["warning", "further_sanction"])
def test_a_warning_or_sanction_enters_the_register(school: IncidentsOfTest, bypass: Filed, action: str) -> None:
    school.incidents.steps.done(school.ids["head"], bypass.incident.id, step(school, bypass, action).number, how=HOW)
    with school.store.read() as database:
        (warning,) = read_warnings(database)
    assert (warning.subject, warning.row, warning.given_by) == (bypass.incident.subject, "P13", school.ids["head"])
    assert warning.expires_on == date(2027, 3, 3)
    assert warning.holds_on(date(2027, 3, 2))
    assert not warning.holds_on(date(2027, 3, 3))
    assert school.kinds()[-1] == "incident_warning_given"


def test_what_is_left_out_warns_nobody(school: IncidentsOfTest, bypass: Filed) -> None:
    number = step(school, bypass, "warning").number
    school.incidents.steps.skip(school.ids["head"], bypass.incident.id, number, reason=REASON)
    school.incidents.steps.done(school.ids["head"], bypass.incident.id, 1, how=HOW)
    with school.store.read() as database:
        assert read_warnings(database) == []


def test_a_device_is_not_warned(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.BYPASS, "", rows=("P13",))
    school.accept(filed, row="P13")
    school.do_all(filed)
    with school.store.read() as database:
        assert read_warnings(database) == []


def test_a_school_can_let_warnings_end_with_its_year(tmp_path: Path) -> None:
    school = IncidentsOfTest(tmp_path, warnings_last=None)
    school.warned()
    with school.store.read() as database:
        assert read_warnings(database)[0].expires_on == date(2026, 9, 1)


def test_every_ticked_action_becomes_its_kind_of_step(school: IncidentsOfTest, bypass: Filed) -> None:
    assert {each.step for each in school.steps(bypass)} == set(Step)


# ---- who outside is brought in -----------------------------------------------------------------------------


def refer(school: IncidentsOfTest, filed: Filed, number: int, *words: str) -> FiledStep:
    return school.incidents.steps.done(
        school.ids["head"], filed.incident.id, number, how=HOW, outcome="They look into it", referral=Referral(*words)
    )


def test_who_outside_was_brought_in_is_kept_with_their_number(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.SEALED)
    school.accept(filed, "head", "P01")
    number = step(school, filed, "refer_police_social").number
    done = refer(school, filed, number, " The police ", "CAD 4711")
    assert (done.referred_to, done.reference, done.done_at) == ("The police", "CAD 4711", school.now)
    assert step(school, filed, "refer_police_social") == done
    assert "CAD 4711" not in school.record()[-1][2]
    viewed = school.incidents.looking.get(school.ids["lead"], filed.incident.id, purpose=PURPOSE, case=filed.number)
    assert viewed.referrals == (done,)
    (item,) = school.incidents.registers.referrals(school.ids["coordinator"], purpose=PURPOSE).as_items()
    assert item == {
        "case": filed.number,
        "kind": "illegal",
        "step": number,
        "referred_to": "The police",
        "reference": "CAD 4711",
        "at": instant_text(school.now),
        "by": school.ids["head"],
        "outcome": "They look into it",
    }


def test_a_register_of_referrals_holds_what_one_may_read(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.RESTRICTED)
    school.accept(filed, "head", "S15")
    refer(school, filed, next(each.number for each in school.steps(filed) if each.step is Step.REFER), "The LADO")
    for name, rows in (("head", 1), ("deputy", 1), ("coordinator", 0), ("lead", 0), ("chair", 0)):
        found = school.incidents.registers.referrals(school.ids[name], purpose=PURPOSE)
        assert len(found.rows) == rows, name


@pytest.mark.parametrize(
    ("action", "words", "says"),
    [
        pytest.param(
            "inform_parents", ("The police",), "of the kind inform brings in nobody outside", id="no-referral"
        ),
        pytest.param("refer_slt", ("", "CAD 4711"), "A reference is somebody's", id="a-number-of-nobody"),
        pytest.param("refer_slt", ("x" * 101,), "has 101 characters; expected at most 100", id="whom-without-end"),
        pytest.param(
            "refer_slt", ("The police", "9" * 61), "The reference has 61 characters", id="number-without-end"
        ),
        pytest.param("refer_slt", ("...",), "cannot be read; expected plain text on one line", id="nobody-known"),
        pytest.param("refer_slt", ("The police", "4711\nx"), "The reference cannot be read", id="two-lines"),
    ],
)
def test_what_is_no_referral(school: IncidentsOfTest, action: str, words: tuple[str, ...], says: str) -> None:
    filed = school.open(Kind.BYPASS, rows=("P13",))
    school.accept(filed, "head", "P13")
    number = step(school, filed, action).number
    with pytest.raises(RefusedRequestError, match=says):
        refer(school, filed, number, *words)
    assert step(school, filed, action).state is StepState.OPEN


# ---- without a row -----------------------------------------------------------------------------------------


def test_what_no_row_is_about_brings_in_whom_the_chain_names_the_lead_first(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.GROOMING, rows=())
    accepted = school.accept(filed, "lead", None)
    assert (accepted.incident.row, accepted.incident.track) == (None, Track.SAFEGUARDING)
    steps = school.steps(filed)
    assert [(each.action, school.names(each.owners), each.step) for each in steps] == [
        ("refer_safeguarding_lead", {"lead"}, Step.REFER),
        ("refer_head_teacher", {"head"}, Step.REFER),
        ("refer_social_services", {"lead"}, Step.REFER),
    ]
    assert steps[0].due_at == NOW + timedelta(hours=1)
    assert steps[2].label == "Social services: a child is in danger"
    assert refer(school, filed, 3, "The children's services", "CS-1").referred_to == "The children's services"
    school.do_all(filed)
    decisions = school.incidents.decisions
    version = school.filed(filed).version
    closed = decisions.close(
        school.ids["lead"], filed.incident.id, version=version, outcome="She is safe now", lesson="We ask sooner"
    )
    assert closed.incident.state is State.CLOSED


def test_what_no_row_is_about_can_be_given_one_by_people(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.GROOMING, rows=())
    assert school.accept(filed, "lead", "P10").incident.row == "P10"
    assert school.steps(filed)[0].action == "refer_safeguarding_lead"


def test_a_row_in_place_of_none_changes_the_checklist(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.GROOMING, rows=())
    school.accept(filed, "lead", None)
    school.incidents.decisions.reclassify(
        school.ids["lead"], filed.incident.id, version=2, reason="It was bullying as well", row="P10"
    )
    states = {each.action: each.state for each in school.steps(filed)}
    assert states["refer_social_services"] is StepState.SKIPPED
    assert states["inform_parents"] is StepState.OPEN
    assert states["refer_safeguarding_lead"] is StepState.OPEN


def test_what_a_row_is_about_is_not_accepted_without_one(school: IncidentsOfTest) -> None:
    with pytest.raises(RefusedRequestError, match="There is no row; expected one of P01"):
        school.accept(school.open(), row=None)


def test_staff_whom_no_row_is_about_are_dealt_with_by_those_who_may_read_it(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.GROOMING, "teacher", rows=())
    school.accept(filed, "head", None)
    steps = school.steps(filed)
    assert [each.action for each in steps] == ["refer_head_teacher", "refer_second_leader", "refer_local_authority"]
    assert {name for each in steps for name in school.names(each.owners)} <= {"head", "deputy"}
