"""How a decision is made: undone whole where it cannot be, noted where it was tried."""

from dataclasses import replace
from pathlib import Path

import pytest
from incidents_of_test import NOW, REASON, IncidentsOfTest

from agent.incidents.incident_deciding import KINDS, Deciding, deciding, file_decision
from agent.people.attempts import ConflictError, UnknownIdError
from agent.storage.timeline_rows import read_timeline
from rules.errors import RefusedRequestError
from rules.incident import Move, State


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def test_a_decision_is_written_with_who_and_when(school: IncidentsOfTest) -> None:
    filed = school.open()
    desk = school.incidents.desk
    with deciding(desk, school.ids["head"], filed.incident.id, 1, Move.DISMISS, reason=f" {REASON} ") as made:
        after = file_decision(desk, made, made.before, to=(school.ids["head"], school.ids["lead"]), facts={"n": 1})
    assert after == school.filed(filed)
    assert (after.incident.state, after.version, after.closed_at) == (State.DISMISSED, 2, NOW)
    assert (after.decided_by, after.decided_at, after.decision_reason) == (school.ids["head"], NOW, REASON)
    with school.store.read() as database:
        entry = read_timeline(database, filed.incident.id, with_personal=True)[-1]
    assert (entry.what, entry.content, entry.personal) == ("incident_dismissed", {"n": 1}, {"reason": REASON})
    assert f'"evidence":"{entry.hash}"' in school.record()[-1][2]
    # Whoever decides need not be told.
    assert school.told[-1] == ("incident_dismissed", 1, ("lead",))


def _file_and_fail(school: IncidentsOfTest, made: Deciding) -> None:
    file_decision(school.incidents.desk, made, replace(made.before, outcome="Never stored"))
    raise ZeroDivisionError


def test_what_goes_wrong_undoes_everything(school: IncidentsOfTest) -> None:
    filed = school.open()
    desk, before = school.incidents.desk, school.everything_stored()
    with (
        pytest.raises(ZeroDivisionError),
        deciding(desk, school.ids["head"], filed.incident.id, 1, Move.DISMISS, reason=REASON) as made,
    ):
        _file_and_fail(school, made)
    assert school.everything_stored() == before


@pytest.mark.parametrize(
    ("person", "incident", "version", "error"),
    [
        pytest.param("head", "nothing", 1, UnknownIdError, id="no-such-incident"),
        pytest.param("teacher", None, 1, UnknownIdError, id="not-theirs"),
        pytest.param("nobody", None, 1, RefusedRequestError, id="nobody-of-the-school"),
        pytest.param("head", None, 7, ConflictError, id="changed-since"),
    ],
)
def test_who_decides_about_what(
    school: IncidentsOfTest, person: str, incident: str | None, version: int, error: type[Exception]
) -> None:
    filed = school.open()
    known_as = incident or filed.incident.id
    who = school.ids.get(person, person)
    with pytest.raises(error), deciding(school.incidents.desk, who, known_as, version, Move.DISMISS, reason=REASON):
        pytest.fail("the block is not entered")
    # Who was too late, or mistyped an id, has tried nothing that is not theirs.
    assert ("rule_refused" in school.kinds()) is (person != "head")


def test_words_that_say_too_little_are_called_by_what_they_are(school: IncidentsOfTest) -> None:
    filed = school.open()
    with (
        pytest.raises(RefusedRequestError, match="The lesson learnt is missing"),
        deciding(school.incidents.desk, school.ids["head"], filed.incident.id, 1, Move.DISMISS, lesson_learnt=""),
    ):
        pytest.fail("the block is not entered")


def test_every_move_is_told_by_its_own_kind() -> None:
    assert set(KINDS) == set(Move)
    assert len(set(KINDS.values())) == len(Move)
