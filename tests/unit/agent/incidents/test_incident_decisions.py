"""Decisions about incidents: every move in every state, and what each of them takes with it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW, REASON, WHY, IncidentsOfTest, on_track

from agent.incidents.incident_corrections import Appeal
from agent.people.attempts import ConflictError, UnknownIdError
from agent.storage.incident_rows import Filed
from agent.storage.timeline_rows import read_timeline
from rules.errors import RefusedRequestError
from rules.incident import TRANSITIONS, Dismissal, Intent, Level, Move, State, Track
from rules.incident_kind import Kind
from rules.steps import StepState

OUTCOME = "He has understood what it is about"
LESSON = "We talk about odds in maths from now on"
APPEAL = Appeal(by="The mother", on=NOW.date(), outcome="She showed that it was his brother")


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def close(school: IncidentsOfTest, filed: Filed, **changes: Any) -> Filed:
    values: dict[str, Any] = {"version": school.filed(filed).version, "outcome": OUTCOME, "lesson": LESSON}
    return school.incidents.decisions.close(school.ids["coordinator"], filed.incident.id, **{**values, **changes})


def in_state(school: IncidentsOfTest, state: State) -> Filed:
    """File an incident and bring it into a state."""
    filed = school.open()
    who, decisions = school.ids["coordinator"], school.incidents.decisions
    if state in {State.ACCEPTED, State.CLOSED}:
        school.accept(filed)
    if state is State.CLOSED:
        school.do_all(filed)
        close(school, filed)
    if state is State.DISMISSED:
        decisions.dismiss(who, filed.incident.id, version=1, dismissal=Dismissal.LESSON, words=REASON)
    if state is State.MERGED:
        decisions.merge(who, filed.incident.id, version=1, into=school.open().incident.id, reason=REASON)
    assert school.filed(filed).incident.state is state
    return school.filed(filed)


def make(school: IncidentsOfTest, move: Move, filed: Filed, other: str = "another") -> Filed:
    """Make a move in the simplest way; `other` is what is merged with."""
    decisions, who, known_as = school.incidents.decisions, school.ids["coordinator"], filed.incident.id
    seen: Any = {"version": filed.version}
    moves: dict[Move, Callable[[], Filed]] = {
        Move.ACCEPT: lambda: decisions.accept(
            who, known_as, **seen, row="P02", deliberate=Intent.ACCIDENTAL, why=WHY
        ),
        Move.RECLASSIFY: lambda: decisions.reclassify(who, known_as, **seen, kind=Kind.GAMES, reason=REASON),
        Move.DISMISS: lambda: decisions.dismiss(who, known_as, **seen, dismissal=Dismissal.BACKGROUND, words=REASON),
        Move.MERGE: lambda: decisions.merge(who, known_as, **seen, into=other, reason=REASON),
        Move.SPLIT: lambda: decisions.split(
            who, known_as, **seen, entries=observed(school, filed)[:1], kind=Kind.GAMES, reason=REASON
        ),
        Move.CLOSE: lambda: decisions.close(who, known_as, **seen, outcome=OUTCOME, lesson=LESSON),
        Move.REOPEN: lambda: decisions.reopen(who, known_as, **seen, appeal=APPEAL),
        Move.CORRECT: lambda: decisions.correct(who, known_as, **seen, reason=REASON),
    }
    return moves[move]()


def target(school: IncidentsOfTest) -> str:
    """Give an accepted incident to merge with."""
    other = school.open()
    school.accept(other)
    return other.incident.id


def observed(school: IncidentsOfTest, filed: Filed) -> list[int]:
    """Give where in the timeline what was observed stands."""
    with school.store.read() as database:
        timeline = read_timeline(database, filed.incident.id)
    return [place for place, entry in enumerate(timeline, 1) if entry.observation]


@pytest.mark.parametrize("move", Move)
@pytest.mark.parametrize("state", State)
def test_every_move_in_every_state(school: IncidentsOfTest, state: State, move: Move) -> None:
    filed = in_state(school, state)
    if move is Move.SPLIT and state in {State.CANDIDATE, State.ACCEPTED}:
        school.join(filed, at=NOW + timedelta(minutes=1))
    if move is Move.CLOSE and state is State.ACCEPTED:
        school.do_all(filed)
    other = target(school)
    before = school.kinds()
    if (following := TRANSITIONS.get((state, move))) is None:
        with pytest.raises(RefusedRequestError, match="so it cannot be"):
            make(school, move, filed, other)
        assert school.kinds() == [*before, "rule_refused"]
        assert school.filed(filed) == filed
        return
    make(school, move, filed, other)
    after = school.filed(filed)
    assert after.incident.state is following
    assert after.version == filed.version + 1
    assert (after.decided_by, after.decided_at) == (school.ids["coordinator"], NOW)
    assert len(school.kinds()) > len(before)


@pytest.mark.parametrize("move", [move for move in Move if move is not Move.REOPEN])
def test_nobody_decides_about_what_they_have_not_seen(school: IncidentsOfTest, move: Move) -> None:
    filed = in_state(school, State.ACCEPTED if move is Move.CLOSE else State.CANDIDATE)
    before = school.kinds()
    with pytest.raises(ConflictError, match="look again"):
        make(school, move, replace(filed, version=filed.version + 1))
    assert "rule_refused" not in school.kinds()[len(before) :]


@pytest.mark.parametrize("move", Move)
def test_what_one_may_not_read_is_not_there_and_the_attempt_is_noted(school: IncidentsOfTest, move: Move) -> None:
    filed = on_track(school, Track.RESTRICTED)
    with pytest.raises(UnknownIdError, match="no incident with that id that you may read"):
        make(school, move, filed)
    assert school.kinds()[-1] == "rule_refused"
    assert f'"attempt":"incident_{move}"' in school.record()[-1][2]


# ---- accepting -------------------------------------------------------------------------------------------


def test_accepting_turns_the_ticks_into_a_checklist(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.BYPASS, rows=("P13",))
    accepted = school.accept(filed, row="P13")
    assert (accepted.incident.row, accepted.deliberate) == ("P13", Intent.UNCLEAR)
    table = school.incidents.desk.table_of("pupil")
    assert table is not None
    assert [step.action for step in school.steps(filed)] == [action.id for action in table.actions_of("P13")]
    assert school.told[-1][0] == "incident_accepted"
    assert set(school.told[-1][2]) == {"five", "leader", "deputy", "network", "head"}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        pytest.param("S02", "no row 'S02' in the table for pupil; expected one of P01", id="row-of-the-other-table"),
        pytest.param("P99", "no row 'P99'", id="row-that-nobody-knows"),
        pytest.param(None, "There is no row; expected one of", id="no-row"),
        pytest.param("P11", "no warning on the register counts", id="repeat-without-a-warning"),
    ],
)
def test_a_row_that_cannot_be(school: IncidentsOfTest, row: str | None, says: str) -> None:
    filed = school.open()
    with pytest.raises(RefusedRequestError, match=says):
        school.accept(filed, row=row)
    assert school.filed(filed) == filed
    assert school.steps(filed) == []


def test_a_repeat_is_accepted_only_while_a_warning_counts(school: IncidentsOfTest) -> None:
    school.warned()
    assert school.accept(school.open(), row="P11").incident.row == "P11"
    school.later(days=366)
    with pytest.raises(RefusedRequestError, match="no warning"):
        school.accept(school.open(), row="P11")


def test_a_warning_for_the_same_matter_makes_no_repeat_of_it(school: IncidentsOfTest) -> None:
    warned = school.warned()
    with pytest.raises(RefusedRequestError, match="no warning"):
        school.incidents.decisions.reclassify(
            school.ids["head"], warned.incident.id, version=warned.version, row="P11", reason=REASON
        )


def test_a_warning_of_somebody_else_makes_no_repeat(school: IncidentsOfTest) -> None:
    school.warned()
    with pytest.raises(RefusedRequestError, match="no warning"):
        school.accept(school.open(about="other_pupil"), row="P11")


def test_a_school_without_a_table_accepts_without_a_row(tmp_path: Path) -> None:
    school = IncidentsOfTest(tmp_path, packs=())
    filed = school.open(rows=())
    with pytest.raises(RefusedRequestError, match="has no table for pupil; expected no row"):
        school.accept(filed, row="P02")
    assert school.accept(filed, row=None).incident.state is State.ACCEPTED
    assert school.steps(filed) == []


@pytest.mark.parametrize("why", ["", "  ", "ok", "because", "\x07 rings a bell for us", "w " * 1_001])
def test_whether_it_was_deliberate_is_said_with_why(school: IncidentsOfTest, why: str) -> None:
    filed = school.open()
    with pytest.raises(RefusedRequestError, match="The explanation"):
        school.incidents.decisions.accept(
            school.ids["coordinator"],
            filed.incident.id,
            version=1,
            row="P02",
            deliberate=Intent.DELIBERATE,
            why=why,
        )


def test_words_stand_in_the_timeline_and_never_in_the_record(school: IncidentsOfTest) -> None:
    filed = school.open()
    shown = school.accept(filed)
    assert shown.why_deliberate == ""
    with school.store.read() as database:
        entry = read_timeline(database, filed.incident.id, with_personal=True)[-1]
    assert (entry.what, entry.personal) == ("incident_accepted", {"explanation": WHY})
    assert all(WHY not in facts for _, _, facts in school.record())


# ---- reclassifying ---------------------------------------------------------------------------------------


def test_another_kind_goes_to_whom_it_concerns(school: IncidentsOfTest) -> None:
    filed = school.open()
    after = school.incidents.decisions.reclassify(
        school.ids["coordinator"], filed.incident.id, version=1, kind=Kind.SELF_HARM, reason=REASON
    )
    assert (after.incident.track, after.incident.rows) == (Track.SAFEGUARDING, ())
    assert school.told[-1] == ("incident_reclassified", 1, ("lead",))
    with pytest.raises(UnknownIdError):
        school.accept(filed)


def test_another_row_keeps_what_was_done(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.BYPASS, rows=("P13",))
    school.accept(filed, row="P13")
    done = school.steps(filed)[0]
    school.incidents.steps.done(school.ids["head"], filed.incident.id, done.number, how="Told him on the corridor")
    after = school.incidents.decisions.reclassify(
        school.ids["head"], filed.incident.id, version=2, row="P16", kind=Kind.PIRACY, reason=REASON
    )
    assert (after.incident.row, after.incident.kind) == ("P16", Kind.PIRACY)
    steps = school.steps(filed)
    assert steps[0].state is StepState.DONE
    table = school.incidents.desk.table_of("pupil")
    assert table is not None
    standing = {step.action for step in steps if step.state is not StepState.SKIPPED}
    assert standing == {action.id for action in table.actions_of("P16")}
    assert {step.deviation for step in steps if step.state is StepState.SKIPPED} == {"another row"}


def test_what_becomes_illegal_is_sealed_for_good(school: IncidentsOfTest) -> None:
    filed = school.open()
    decisions, head = school.incidents.decisions, school.ids["head"]
    after = decisions.reclassify(head, filed.incident.id, version=1, kind=Kind.ILLEGAL, reason=REASON)
    assert (after.incident.track, after.is_held, after.incident.subject) == (Track.SEALED, True, "")
    with pytest.raises(RefusedRequestError, match="is sealed"):
        decisions.reclassify(head, filed.incident.id, version=2, kind=Kind.GAMES, reason=REASON)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({}, "neither a kind nor a row", id="nothing"),
        pytest.param({"row": "P13"}, "no row yet", id="row-of-a-candidate"),
        pytest.param({"kind": Kind.GAMES, "reason": "no"}, "The reason", id="no-reason"),
    ],
)
def test_a_change_that_says_nothing(school: IncidentsOfTest, changes: dict[str, Any], says: str) -> None:
    filed = school.open()
    with pytest.raises(RefusedRequestError, match=says):
        school.incidents.decisions.reclassify(
            school.ids["head"], filed.incident.id, version=1, **{"reason": REASON, **changes}
        )


# ---- dismissing, closing, opening again ------------------------------------------------------------------


@pytest.mark.parametrize("dismissal", Dismissal)
def test_every_reason_to_dismiss(school: IncidentsOfTest, dismissal: Dismissal) -> None:
    filed = school.open()
    after = school.incidents.decisions.dismiss(
        school.ids["coordinator"], filed.incident.id, version=1, dismissal=dismissal, words=REASON
    )
    assert (after.dismissal, after.incident.state, after.closed_at) == (dismissal, State.DISMISSED, NOW)


def test_what_is_sealed_is_not_put_aside_by_one_alone(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.SEALED)
    for dismissal in (Dismissal.TEST, Dismissal.WRONG_PERSON):
        with pytest.raises(RefusedRequestError, match="two people"):
            school.incidents.decisions.dismiss(
                school.ids["head"], filed.incident.id, version=1, dismissal=dismissal, words=REASON
            )
    for name in ("head", "lead"):
        school.incidents.sealed.unseal(school.ids[name], filed.incident.id, purpose="With the police", case=1)
    after = school.incidents.decisions.dismiss(
        school.ids["head"], filed.incident.id, version=1, dismissal=Dismissal.TEST, words=REASON
    )
    assert after.incident.state is State.DISMISSED


def test_nothing_is_closed_with_open_steps_or_without_words(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.accept(filed)
    with pytest.raises(RefusedRequestError, match="1 of 1 steps are still open"):
        close(school, filed)
    school.do_all(filed)
    with pytest.raises(RefusedRequestError, match="The lesson learnt is missing"):
        close(school, filed, lesson="")
    with pytest.raises(RefusedRequestError, match="The outcome is missing"):
        close(school, filed, outcome="ok")
    after = school.filed(filed)
    assert close(school, filed).closed_at == NOW
    assert (school.filed(filed).outcome, school.filed(filed).lesson) == (OUTCOME, LESSON)
    assert after.outcome == ""


def test_an_appeal_is_recorded_with_who_when_and_what_came_of_it(school: IncidentsOfTest) -> None:
    filed = in_state(school, State.CLOSED)
    after = school.incidents.decisions.reopen(
        school.ids["coordinator"], filed.incident.id, version=filed.version, appeal=APPEAL
    )
    assert (after.incident.state, after.closed_at) == (State.ACCEPTED, None)
    with school.store.read() as database:
        entry = read_timeline(database, filed.incident.id, with_personal=True)[-1]
    assert entry.content == {"appealed_on": "2026-03-02", "withdraws_warnings": False}
    assert entry.personal == {"by": APPEAL.by, "outcome_of_the_appeal": APPEAL.outcome}


@pytest.mark.parametrize(
    ("appeal", "says"),
    [
        pytest.param(replace(APPEAL, on=date(2026, 3, 3)), "a day to come", id="of-tomorrow"),
        pytest.param(replace(APPEAL, by=" "), "Who appealed cannot be read", id="by-nobody"),
        pytest.param(replace(APPEAL, outcome=""), "The outcome of the appeal is missing", id="without-outcome"),
    ],
)
def test_an_appeal_that_says_too_little(school: IncidentsOfTest, appeal: Appeal, says: str) -> None:
    filed = in_state(school, State.CLOSED)
    with pytest.raises(RefusedRequestError, match=says):
        school.incidents.decisions.reopen(
            school.ids["coordinator"], filed.incident.id, version=filed.version, appeal=appeal
        )


def test_an_appeal_can_take_warnings_off_the_register(school: IncidentsOfTest) -> None:
    warned = school.warned()
    school.do_all(warned)
    close(school, warned)
    closed = school.filed(warned)
    appeal = replace(APPEAL, withdraws_warnings=True)
    school.incidents.decisions.reopen(
        school.ids["coordinator"], warned.incident.id, version=closed.version, appeal=appeal
    )
    with school.store.read() as database:
        assert school.incidents.warnings_of(database, warned.incident.subject, school.now) == []
    assert "incident_warning_withdrawn" in school.kinds()


def test_somebody_put_right_is_not_decided_by_whom_it_is_about(school: IncidentsOfTest) -> None:
    filed = school.open(Kind.GAMBLING, "coordinator", rows=())
    with pytest.raises(UnknownIdError):
        school.accept(filed, "coordinator", "S02")
    assert school.filed(filed).incident.level is Level.PERSON
    assert school.accept(filed, "head", "S02").decided_by == school.ids["head"]
