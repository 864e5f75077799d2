"""Undoing a decision that was a slip: what comes back, what stays, and when it is too late."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from incidents_of_test import REASON, IncidentsOfTest, on_track

from agent.incidents.incident_undoing import UNDO_WITHIN, UNDONE, forget_undoable, undoable
from agent.people.attempts import ConflictError, UnknownIdError
from agent.storage.incident_rows import Filed
from agent.storage.undo_rows import read_undoable
from rules.errors import RefusedRequestError
from rules.incident import Dismissal, State, Track
from rules.incident_kind import Kind
from rules.steps import StepState

Decide = Callable[[IncidentsOfTest, Filed], object]


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def dismiss(school: IncidentsOfTest, filed: Filed, by: str = "coordinator") -> Filed:
    return school.incidents.decisions.dismiss(
        school.ids[by], filed.incident.id, version=school.filed(filed).version, dismissal=Dismissal.TEST, words=REASON
    )


def reclassify(school: IncidentsOfTest, filed: Filed, kind: Kind = Kind.GAMES, row: str | None = None) -> Filed:
    version = school.filed(filed).version
    return school.incidents.decisions.reclassify(
        school.ids["coordinator"], filed.incident.id, version=version, reason=REASON, kind=kind, row=row
    )


def undo(school: IncidentsOfTest, filed: Filed, by: str = "coordinator", version: int | None = None) -> Filed:
    seen = school.filed(filed).version if version is None else version
    return school.incidents.decisions.undo(school.ids[by], filed.incident.id, version=seen)


DECISIONS: dict[str, Decide] = {
    "accept": lambda school, filed: school.accept(filed),
    "dismiss": dismiss,
    "reclassify": reclassify,
}


@pytest.mark.parametrize("decide", DECISIONS.values(), ids=DECISIONS)
def test_an_undone_decision_leaves_the_incident_as_it_was(school: IncidentsOfTest, decide: Decide) -> None:
    filed = school.open(rows=("P02", "P11"))
    decide(school, filed)
    assert school.filed(filed).incident != filed.incident
    shown = undo(school, filed)
    after = school.filed(filed)
    assert after.incident == filed.incident
    assert (after.decided_by, after.decision_reason, after.closed_at, after.version) == ("", "", None, 3)
    assert (after.clocks, after.told_at, after.dismissal) == (filed.clocks, filed.told_at, None)
    assert shown.version == 3
    assert school.kinds()[-1] == UNDONE


def test_nothing_is_erased_of_what_was_decided(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.accept(filed)
    undo(school, filed)
    assert [kind for kind in school.kinds() if kind.startswith("incident_")] == [
        "incident_opened",
        "incident_accepted",
        UNDONE,
    ]
    assert {step.state for step in school.steps(filed)} == {StepState.SKIPPED}
    assert {step.deviation for step in school.steps(filed)} == {"undone"}


def test_what_was_undone_can_be_decided_again(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.accept(filed)
    undo(school, filed)
    school.accept(filed)
    steps = school.steps(filed)
    opened = [step.action for step in steps if step.state is StepState.OPEN]
    assert opened == [step.action for step in steps if step.state is StepState.SKIPPED]
    undo(school, filed)
    dismiss(school, filed)
    assert undo(school, filed).incident.state is State.CANDIDATE


def test_another_row_is_undone_with_its_checklist(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.GAMES, rows=("P04",))
    school.accept(filed, row="P04")
    before = [step.action for step in school.steps(filed)]
    reclassify(school, filed, Kind.BYPASS, "P13")
    undo(school, filed)
    after = school.filed(filed).incident
    assert (after.kind, after.row, after.state) == (Kind.GAMES, "P04", State.ACCEPTED)
    assert [step.action for step in school.steps(filed) if step.state is StepState.OPEN] == before


def test_what_was_observed_meanwhile_stays(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.accept(filed)
    joined = school.join(filed, intent=95, rows=("P02", "P11"), at=school.later(minutes=2))
    undo(school, filed)
    incident = school.filed(filed).incident
    assert (incident.state, incident.intent, incident.last_at) == (State.CANDIDATE, 95, school.now)
    assert (incident.rows, incident.row) == (joined.incident.rows, None)


@pytest.mark.parametrize("minutes", [pytest.param(10, id="in-time"), pytest.param(10.1, id="too-late")])
def test_it_is_for_ten_minutes(school: IncidentsOfTest, minutes: float) -> None:
    filed = school.open()
    dismiss(school, filed)
    school.later(minutes=minutes)
    if minutes <= 10:
        assert undo(school, filed).incident.state is State.CANDIDATE
        return
    with pytest.raises(RefusedRequestError, match=r"There is nothing to undo.*within 10 minutes"):
        undo(school, filed)
    assert school.kinds()[-1] == "rule_refused"


def test_it_is_for_whoever_decided(school: IncidentsOfTest) -> None:
    filed = school.open()
    dismiss(school, filed, "head")
    with pytest.raises(RefusedRequestError, match="only whoever accepted, dismissed or reclassified this"):
        undo(school, filed)
    assert undo(school, filed, "head").incident.state is State.CANDIDATE


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(
            lambda school, filed: school.incidents.steps.done(
                school.ids["head"], filed.incident.id, 1, how="Talked to everybody"
            ),
            id="a-step-is-done",
        ),
        pytest.param(
            lambda school, filed: school.incidents.corrections.hold(
                school.ids["head"], filed.incident.id, version=2, reason=REASON
            ),
            id="somebody-holds-it",
        ),
        pytest.param(
            lambda school, filed: school.incidents.decisions.merge(
                school.ids["head"], school.open().incident.id, version=1, into=filed.incident.id, reason=REASON
            ),
            id="another-became-part-of-it",
        ),
    ],
)
def test_once_something_has_been_done_about_it_it_is_too_late(school: IncidentsOfTest, act: Decide) -> None:
    filed = school.open()
    school.accept(filed)
    act(school, filed)
    with pytest.raises(RefusedRequestError, match="Something has been done about this since"):
        undo(school, filed)


def test_a_decision_after_it_is_the_one_that_is_undone(school: IncidentsOfTest) -> None:
    filed = school.open()
    reclassify(school, filed)
    dismiss(school, filed, "head")
    with pytest.raises(RefusedRequestError, match="There is nothing to undo"):
        undo(school, filed)
    assert undo(school, filed, "head").incident.kind is Kind.GAMES


@pytest.mark.parametrize(
    "decide",
    [
        pytest.param(
            lambda school, filed: school.incidents.decisions.correct(
                school.ids["coordinator"], filed.incident.id, version=2, reason=REASON
            ),
            id="taken-off-its-person",
        ),
        pytest.param(
            lambda school, filed: school.incidents.decisions.merge(
                school.ids["coordinator"], filed.incident.id, version=2, into=accepted(school), reason=REASON
            ),
            id="merged",
        ),
    ],
)
def test_what_takes_more_with_it_cannot_be_undone(school: IncidentsOfTest, decide: Decide) -> None:
    filed = school.open()
    school.accept(filed)
    decide(school, filed)
    with pytest.raises(RefusedRequestError, match="There is nothing to undo"):
        undo(school, filed)
    with school.store.read() as database:
        assert read_undoable(database, filed.incident.id) is None


def accepted(school: IncidentsOfTest) -> str:
    other = school.open()
    school.accept(other)
    return other.incident.id


def test_nobody_undoes_what_they_may_not_read_any_more(school: IncidentsOfTest) -> None:
    filed = school.open()
    reclassify(school, filed, Kind.SELF_HARM)
    with pytest.raises(UnknownIdError):
        undo(school, filed)
    with pytest.raises(UnknownIdError):
        school.incidents.decisions.undo(school.ids["head"], "nothing", version=1)


def test_it_is_undone_as_it_was_seen(school: IncidentsOfTest) -> None:
    filed = school.open()
    dismiss(school, filed)
    with pytest.raises(ConflictError):
        undo(school, filed, version=1)


def test_what_is_restricted_is_put_back_by_who_reads_it(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.RESTRICTED)
    dismiss(school, filed, "head")
    assert undo(school, filed, "head").incident.state is State.CANDIDATE
    assert '"undone"' not in school.record()[-1][2], "the record keeps of it that something was done, and no more"


def test_what_one_may_still_undo(school: IncidentsOfTest) -> None:
    first, second, theirs, away = (
        school.open(kind) for kind in (Kind.GAMBLING, Kind.GAMES, Kind.BYPASS, Kind.SOCIAL)
    )
    desk, person = school.incidents.desk, school.ids["coordinator"]
    cases = [(each.incident.id, 1) for each in (first, second)]
    school.incidents.together.dismiss(person, cases, dismissal=Dismissal.TEST, words=REASON)
    decided_at = school.now
    dismiss(school, theirs, "head")
    school.later(minutes=1)
    reclassify(school, away, Kind.SELF_HARM)
    (slip,) = undoable(desk, person)
    assert [each.number for each in slip.found] == [first.number, second.number]
    assert (slip.decided_at, slip.until_at) == (decided_at, decided_at + UNDO_WITHIN)
    school.incidents.corrections.hold(school.ids["head"], first.incident.id, version=2, reason=REASON)
    (slip,) = undoable(desk, person)
    assert [each.number for each in slip.found] == [second.number]
    school.now = slip.until_at + timedelta(seconds=1)
    assert undoable(desk, person) == []


def test_what_it_was_is_kept_no_longer_than_it_can_be_undone(school: IncidentsOfTest) -> None:
    filed = school.open()
    dismiss(school, filed)
    school.now += UNDO_WITHIN
    school.incidents.sweep()
    with school.store.read() as database:
        assert read_undoable(database, filed.incident.id) is not None
    school.now += timedelta(seconds=1)
    forget_undoable(school.incidents.desk)
    with school.store.read() as database:
        assert read_undoable(database, filed.incident.id) is None
