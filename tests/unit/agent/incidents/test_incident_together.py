"""Several incidents at once: all of them or none, each with its own row in the record."""

from pathlib import Path

import pytest
from incidents_of_test import REASON, WHY, IncidentsOfTest, on_track

from agent.incidents.incident_queue import MOST_IN_GROUP
from agent.people.attempts import ConflictError, UnknownIdError
from agent.storage.incident_rows import Filed
from rules.errors import RefusedRequestError
from rules.incident import Dismissal, Intent, Level, State, Track
from rules.incident_kind import Kind


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def seen(school: IncidentsOfTest, *found: Filed) -> list[tuple[str, int]]:
    return [(each.incident.id, school.filed(each).version) for each in found]


def states(school: IncidentsOfTest, *found: Filed) -> list[State]:
    return [school.filed(each).incident.state for each in found]


def dismiss(school: IncidentsOfTest, cases: list[tuple[str, int]], why: Dismissal = Dismissal.LESSON) -> list[Filed]:
    return school.incidents.together.dismiss(school.ids["coordinator"], cases, dismissal=why, words=REASON)


def accept(school: IncidentsOfTest, cases: list[tuple[str, int]]) -> Filed:
    return school.incidents.together.accept(
        school.ids["coordinator"], cases, row="P02", deliberate=Intent.UNCLEAR, why=WHY
    )


def test_a_burst_is_dismissed_for_one_reason(school: IncidentsOfTest) -> None:
    found = [school.open() for _ in range(3)]
    told = dismiss(school, seen(school, *found))
    assert [each.number for each in told] == [each.number for each in found]
    assert states(school, *found) == [State.DISMISSED] * 3
    assert school.kinds().count("incident_dismissed") == 3
    assert {school.filed(each).decision_reason for each in found} == {REASON}


def test_all_those_about_the_wrong_person_are_put_right(school: IncidentsOfTest) -> None:
    found = [school.open() for _ in range(2)]
    dismiss(school, seen(school, *found), Dismissal.WRONG_PERSON)
    assert {school.filed(each).incident.level for each in found} == {Level.DEVICE}
    assert school.kinds().count("incident_corrected") == 2


def test_a_burst_is_accepted_as_one(school: IncidentsOfTest) -> None:
    first, *others = (school.open(at=school.later(minutes=1)) for _ in range(3))
    told = accept(school, seen(school, first, *others))
    assert (told.number, told.incident.state, told.incident.row) == (first.number, State.ACCEPTED, "P02")
    assert told.incident.last_at == school.now
    assert states(school, *others) == [State.MERGED] * 2
    assert [each.merged_into for each in map(school.filed, others)] == [first.incident.id] * 2


def test_one_alone_is_accepted_too(school: IncidentsOfTest) -> None:
    first = school.open()
    assert accept(school, seen(school, first)).incident.state is State.ACCEPTED


def test_what_was_accepted_as_one_can_be_undone_and_stays_one(school: IncidentsOfTest) -> None:
    first, other = school.open(), school.open()
    told = accept(school, seen(school, first, other))
    (after,) = school.incidents.together.undo(school.ids["coordinator"], [(told.incident.id, told.version)])
    assert after.incident.state is State.CANDIDATE
    assert states(school, other) == [State.MERGED]


def test_all_are_undone(school: IncidentsOfTest) -> None:
    found = [school.open() for _ in range(3)]
    dismiss(school, seen(school, *found))
    school.incidents.together.undo(school.ids["coordinator"], seen(school, *found))
    assert states(school, *found) == [State.CANDIDATE] * 3


def test_where_one_has_changed_nothing_is_decided_and_it_says_which(school: IncidentsOfTest) -> None:
    found = [school.open() for _ in range(3)]
    cases = seen(school, *found)
    dismiss(school, cases[1:2])
    before = school.kinds()
    with pytest.raises(ConflictError, match=r"about any of these 3, because of case 2: Somebody has changed"):
        dismiss(school, cases)
    with pytest.raises(ConflictError, match="because of case 2"):
        accept(school, cases)
    assert states(school, found[0], found[2]) == [State.CANDIDATE] * 2
    assert school.kinds() == before


def test_where_the_first_has_changed_nothing_is_accepted(school: IncidentsOfTest) -> None:
    first, other = school.open(), school.open()
    cases = seen(school, first, other)
    school.incidents.corrections.hold(school.ids["head"], first.incident.id, version=1, reason=REASON)
    with pytest.raises(ConflictError, match="because of case 1"):
        accept(school, cases)
    assert states(school, first, other) == [State.CANDIDATE] * 2


def test_what_is_about_two_people_is_never_one(school: IncidentsOfTest) -> None:
    cases = seen(school, school.open(), school.open(about=""))
    with pytest.raises(RefusedRequestError, match=r"because of case 2: One of these is about a person"):
        accept(school, cases)
    assert school.kinds()[-1] == "rule_refused"


def test_one_that_somebody_may_not_read_is_not_there_for_the_others(school: IncidentsOfTest) -> None:
    own, hidden = school.open(), on_track(school, Track.SAFEGUARDING)
    with pytest.raises(UnknownIdError, match="no incident with that id") as caught:
        dismiss(school, seen(school, own, hidden))
    assert str(hidden.number) not in str(caught.value)
    assert states(school, own) == [State.CANDIDATE]
    with pytest.raises(UnknownIdError):
        dismiss(school, [("nothing", 1)])


def test_a_reason_that_says_nothing_decides_nothing(school: IncidentsOfTest) -> None:
    found = [school.open(), school.open(Kind.GAMES)]
    with pytest.raises(RefusedRequestError, match="because of case 1: "):
        school.incidents.together.dismiss(
            school.ids["coordinator"], seen(school, *found), dismissal=Dismissal.OTHER, words=""
        )
    assert states(school, *found) == [State.CANDIDATE] * 2


@pytest.mark.parametrize("number", [0, MOST_IN_GROUP + 1])
def test_so_many_at_once(school: IncidentsOfTest, number: int) -> None:
    with pytest.raises(RefusedRequestError, match=f"Found {number} cases"):
        dismiss(school, [(f"i{each}", 1) for each in range(number)])
    with pytest.raises(RefusedRequestError, match=f"Found {number} cases"):
        accept(school, [(f"i{each}", 1) for each in range(number)])


def test_each_once(school: IncidentsOfTest) -> None:
    cases = seen(school, school.open())
    with pytest.raises(RefusedRequestError, match="Found 2 cases to decide about, 1 of them different"):
        dismiss(school, cases * 2)
