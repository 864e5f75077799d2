"""Two incidents that are one, and one that is two."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW, REASON, IncidentsOfTest, on_track

from agent.people.attempts import UnknownIdError
from agent.storage.incident_rows import Filed
from agent.storage.timeline_rows import read_timeline
from rules.errors import RefusedRequestError
from rules.incident import State, Track
from rules.incident_kind import Kind
from rules.steps import StepState


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def merge(school: IncidentsOfTest, filed: Filed, into: Filed, by: str = "head") -> Filed:
    return school.incidents.decisions.merge(
        school.ids[by], filed.incident.id, version=filed.version, into=into.incident.id, reason=REASON
    )


def split(school: IncidentsOfTest, filed: Filed, entries: list[int], kind: Kind = Kind.GAMES) -> Filed:
    return school.incidents.decisions.split(
        school.ids["head"], filed.incident.id, version=filed.version, entries=entries, kind=kind, reason=REASON
    )


def observed(school: IncidentsOfTest, filed: Filed) -> list[int]:
    with school.store.read() as database:
        return [entry.number for entry in read_timeline(database, filed.incident.id) if entry.observation]


def places(school: IncidentsOfTest, filed: Filed) -> list[int]:
    """Give where in the timeline what was observed stands; people see that, not the numbers."""
    with school.store.read() as database:
        timeline = read_timeline(database, filed.incident.id)
    return [place for place, entry in enumerate(timeline, 1) if entry.observation]


def test_what_was_observed_moves_to_the_one_that_goes_on(school: IncidentsOfTest) -> None:
    first, second = school.open(), school.open(Kind.GAMES, at=NOW + timedelta(hours=2), rows=("P02", "P13"))
    numbers = observed(school, first) + observed(school, second)
    goes_on = merge(school, second, first)
    assert (goes_on.incident.id, goes_on.version) == (first.incident.id, 2)
    assert goes_on.incident.last_at == NOW + timedelta(hours=2)
    assert goes_on.incident.rows == ("P02", "P13")
    assert observed(school, goes_on) == numbers
    part = school.filed(second)
    assert (part.incident.state, part.merged_into) == (State.MERGED, first.incident.id)
    assert school.kinds()[-2:] == ["incident_merged", "incident_grew"]
    with school.store.read() as database:
        assert [entry.what for entry in read_timeline(database, part.incident.id)] == ["incident_merged"]


def test_open_steps_of_the_part_are_left_out(school: IncidentsOfTest) -> None:
    first, second = school.open(), school.open()
    school.accept(first)
    school.accept(second)
    merge(school, school.filed(second), school.filed(first))
    assert [step.state for step in school.steps(second)] == [StepState.SKIPPED]
    assert [step.state for step in school.steps(first)] == [StepState.OPEN]


def test_what_is_held_stays_held_as_a_part(school: IncidentsOfTest) -> None:
    first, second = school.open(), school.open()
    held = school.incidents.corrections.hold(school.ids["head"], second.incident.id, version=1, reason=REASON)
    assert merge(school, held, first).is_held


@pytest.mark.parametrize(
    ("this", "other", "says"),
    [
        pytest.param({}, {"about": "other_pupil"}, "about different people", id="two-people"),
        pytest.param({"about": ""}, {}, "about a person and the other is not", id="a-device-and-a-person"),
        pytest.param({}, {"kind": Kind.SELF_HARM}, "dealt with by different people", id="two-tracks"),
        pytest.param({"kind": Kind.ILLEGAL}, {"kind": Kind.ILLEGAL}, "dealt with by different", id="sealed"),
    ],
)
def test_what_stays_two(school: IncidentsOfTest, this: dict[str, Any], other: dict[str, Any], says: str) -> None:
    first, second = school.open(**this), school.open(**other)
    with pytest.raises(RefusedRequestError, match=says):
        merge(school, first, second)
    assert school.kinds()[-1] == "rule_refused"


def test_two_devices_can_be_one_story(school: IncidentsOfTest) -> None:
    first, second = school.open(about=""), school.open(about="", subject="device8")
    assert merge(school, second, first).incident.subject == "device7"


def test_an_incident_is_not_merged_with_itself(school: IncidentsOfTest) -> None:
    filed = school.open()
    with pytest.raises(RefusedRequestError, match="is the same incident"):
        merge(school, filed, filed)


def test_an_accepted_one_becomes_no_part_of_a_candidate_or_of_one_that_is_over(school: IncidentsOfTest) -> None:
    first, second = school.open(), school.open()
    school.accept(first)
    with pytest.raises(RefusedRequestError, match="The other incident is candidate"):
        merge(school, school.filed(first), second)
    merge(school, second, school.filed(first))
    with pytest.raises(RefusedRequestError, match="The other incident is merged"):
        merge(school, school.open(), school.filed(second))


def test_nobody_merges_into_what_they_may_not_read(school: IncidentsOfTest) -> None:
    with pytest.raises(UnknownIdError):
        merge(school, school.open(), on_track(school, Track.SAFEGUARDING), by="coordinator")
    with pytest.raises(UnknownIdError):
        school.incidents.decisions.merge(
            school.ids["head"], school.open().incident.id, version=1, into="nothing", reason=REASON
        )


# ---- splitting ---------------------------------------------------------------------------------------------


def test_some_entries_become_a_candidate_of_their_own(school: IncidentsOfTest) -> None:
    school.open(Kind.GAMES, at=NOW + timedelta(hours=9))
    filed = school.open()
    for minute in (1, 2, 3):
        filed = school.join(filed, at=NOW + timedelta(minutes=minute))
    numbers = observed(school, filed)
    new = split(school, filed, places(school, filed)[1:3], Kind.SELF_HARM)
    assert (new.number, new.split_from, new.incident.state) == (3, filed.incident.id, State.CANDIDATE)
    assert (new.incident.track, new.incident.rows, new.incident.row) == (Track.SAFEGUARDING, (), None)
    assert (new.incident.opened_at, new.incident.last_at) == (NOW + timedelta(minutes=1), NOW + timedelta(minutes=2))
    assert observed(school, new) == numbers[1:3]
    rest = school.filed(filed)
    assert observed(school, rest) == [numbers[0], numbers[3]]
    assert (rest.incident.opened_at, rest.incident.last_at) == (NOW, NOW + timedelta(minutes=3))
    assert school.told[-1] == ("incident_opened", 3, ("lead",))


def test_what_was_accepted_stays_so_and_the_part_waits(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.join(filed, at=NOW + timedelta(minutes=1))
    school.accept(filed)
    new = split(school, school.filed(filed), places(school, filed)[:1])
    assert (new.incident.state, new.incident.row) == (State.CANDIDATE, None)
    assert school.filed(filed).incident.state is State.ACCEPTED
    assert school.steps(new) == []


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([], id="none"),
        pytest.param([0, 1], id="all"),
        pytest.param([9], id="of-another-incident"),
        pytest.param([0, 9], id="one-of-another-incident"),
    ],
)
def test_entries_that_cannot_be_taken_out(school: IncidentsOfTest, entries: list[int]) -> None:
    filed = school.open()
    school.join(filed, at=NOW + timedelta(minutes=1))
    numbers = dict(enumerate(places(school, filed)))
    chosen = [numbers.get(entry, 999) for entry in entries]
    with pytest.raises(RefusedRequestError, match="expected some of those, and not all"):
        split(school, filed, chosen)


def test_what_was_said_is_not_taken_out(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.join(filed, at=NOW + timedelta(minutes=1))
    school.accept(filed)
    with school.store.read() as database:
        timeline = read_timeline(database, filed.incident.id)
    said = [place for place, each in enumerate(timeline, 1) if not each.observation]
    with pytest.raises(RefusedRequestError, match="0 of them observed here"):
        split(school, school.filed(filed), said)


def test_nobody_takes_apart_what_is_sealed(school: IncidentsOfTest) -> None:
    filed = on_track(school, Track.SEALED)
    with pytest.raises(RefusedRequestError, match="is sealed, so nobody takes it apart"):
        split(school, filed, [1])
