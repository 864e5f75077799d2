"""The queue: its order, its groups and its parts for each reader, and that it tells nobody what is not for them."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW, PEOPLE, IncidentsOfTest, on_track

from agent.incidents.incident_queue import (
    BURST,
    LONGEST,
    MOST_IN_GROUP,
    MOST_SHOWN,
    PAUSE,
    Group,
    Listed,
    Place,
    grouped,
)
from agent.people.attempts import UnknownIdError
from agent.storage.incident_rows import Filed, write_incident
from agent.storage.queue_rows import Choice, walk_queue
from rules.errors import RefusedRequestError
from rules.incident import State, Track
from rules.incident_kind import Kind
from rules.incident_weight import Weight

CHOICE = Choice((State.CANDIDATE, State.ACCEPTED))
MINUTE = timedelta(minutes=1)


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def began(school: IncidentsOfTest, after: timedelta = timedelta(), about: str = "pupil", **given: Any) -> Filed:
    """File a candidate of which the first was observed so long after the usual instant."""
    return school.open(given.pop("kind", Kind.GAMBLING), about, at=NOW + after, **given)


def weigh(school: IncidentsOfTest, filed: Filed, intent: int) -> Filed:
    """Let an incident weigh more."""
    return school.join(filed, intent=intent, at=filed.incident.opened_at, name=next(_NAMES))


_NAMES: Iterator[Any] = map("n{}.example".format, count())


def listed(school: IncidentsOfTest, by: str = "head", choice: Choice = CHOICE) -> list[Listed]:
    return list(school.incidents.queue.listing(school.ids[by], choice, limit=100).items)


def numbers(school: IncidentsOfTest, by: str = "head", choice: Choice = CHOICE) -> list[int]:
    return [each.filed.number for each in listed(school, by, choice)]


def groups(school: IncidentsOfTest, by: str = "head", choice: Choice = CHOICE, limit: int = 100) -> list[Group]:
    return list(school.incidents.queue.groups(school.ids[by], choice, limit=limit).groups)


def members(school: IncidentsOfTest, by: str = "head") -> list[list[int]]:
    return [[each.number for each in group.members] for group in groups(school, by)]


# ---- its order ---------------------------------------------------------------------------------------------------


def test_what_weighs_more_comes_first_and_beside_it_what_is_of_the_same_person(school: IncidentsOfTest) -> None:
    weak, other = began(school, kind=Kind.GAMES), began(school, about="other_pupil")
    strong = began(school, kind=Kind.BYPASS)
    weigh(school, strong, 90)
    weigh(school, other, 80)
    danger = on_track(school, Track.RESTRICTED)
    assert numbers(school) == [danger.number, strong.number, weak.number, other.number]
    assert {each.filed.number: each.of_subject for each in listed(school)} == {
        danger.number: 0,
        strong.number: 1,
        weak.number: 1,
        other.number: 0,
    }


def test_somebody_stands_where_the_most_urgent_stands_that_its_reader_may_read(school: IncidentsOfTest) -> None:
    plain = began(school)
    other = began(school, about="other_pupil")
    weigh(school, other, 80)
    hidden = began(school, kind=Kind.SELF_HARM)
    assert numbers(school, "head") == [hidden.number, plain.number, other.number]
    assert numbers(school, "coordinator") == [other.number, plain.number]
    assert [each.of_subject for each in listed(school, "coordinator")] == [0, 0]


def test_a_sealed_one_stands_alone_and_says_nothing(school: IncidentsOfTest) -> None:
    sealed = school.open(Kind.ILLEGAL, rows=())
    began(school, kind=Kind.GAMES)
    again = school.open(Kind.ILLEGAL, rows=())
    assert numbers(school) == [sealed.number, again.number, 2]
    assert [(each.of_subject, each.in_burst) for each in listed(school)] == [(0, 0)] * 3
    group = groups(school)[0]
    assert (group.weight, group.first_at, group.last_at) == (Weight.HIGH, sealed.filed_at, sealed.filed_at)
    assert (group.shown[0].incident.subject, group.shown[0].incident.reasons) == ("", ())
    assert numbers(school, choice=Choice(CHOICE.states, subject=sealed.incident.subject)) == [2]


def test_a_burst_is_what_others_began_within_the_hour(school: IncidentsOfTest) -> None:
    began(school)
    began(school, BURST, "other_pupil")
    began(school, BURST + MINUTE, "")
    began(school, about="other_pupil", kind=Kind.GAMES)
    assert {each.filed.number: each.in_burst for each in listed(school)} == {1: 1, 2: 2, 3: 1, 4: 0}


# ---- its groups --------------------------------------------------------------------------------------------------


def test_what_one_person_did_of_one_kind_is_one_group(school: IncidentsOfTest) -> None:
    for minutes in (0, 20, 40):
        began(school, minutes * MINUTE)
    began(school, kind=Kind.GAMES)
    began(school, about="other_pupil")
    accepted = began(school)
    school.accept(accepted, "head")
    assert sorted(members(school)) == [[1, 2, 3], [4], [5], [6]]
    first = groups(school)[0]
    assert (first.first_at, first.last_at) == (NOW, NOW + 40 * MINUTE)
    assert (first.of_subject, first.in_burst, first.weight) == (2, 1, Weight.MIDDLE)


@pytest.mark.parametrize(
    ("after", "together"),
    [
        pytest.param([PAUSE], True, id="a-day-later"),
        pytest.param([PAUSE + MINUTE], False, id="more-than-a-day-later"),
        pytest.param([PAUSE * day for day in range(1, 8)], True, id="every-day-of-a-week"),
        pytest.param([*(PAUSE * day for day in range(1, 8)), LONGEST + MINUTE], False, id="longer-than-a-week"),
    ],
)
def test_how_near_a_group_is(school: IncidentsOfTest, after: list[timedelta], together: bool) -> None:
    for each in (timedelta(), *after):
        began(school, each)
    assert (len(groups(school)) == 1) is together


def test_a_group_is_no_longer_than_somebody_looks_over(school: IncidentsOfTest) -> None:
    for number in range(MOST_IN_GROUP + 1):
        began(school, number * MINUTE)
    first, second = groups(school)
    assert (len(first.members), len(second.members)) == (MOST_IN_GROUP, 1)
    assert len(first.shown) == MOST_SHOWN
    with school.store.read() as database:
        assert [len(each) for each in grouped(walk_queue(database, CHOICE))] == [MOST_IN_GROUP, 1]


def test_a_group_has_its_most_urgent_first(school: IncidentsOfTest) -> None:
    for minutes in range(3):
        began(school, minutes * MINUTE)
    weigh(school, school.filed(began(school, 3 * MINUTE)), 95)
    (group,) = groups(school)
    assert [each.number for each in group.members] == [1, 2, 3, 4]
    assert [each.number for each in group.shown] == [4, 1, 2, 3]
    assert group.weight is Weight.HIGH


def test_the_group_of_one_is_as_it_stands_now(school: IncidentsOfTest) -> None:
    first, second = began(school), began(school, MINUTE)
    sealed, elsewhere = school.open(Kind.ILLEGAL, rows=()), began(school, kind=Kind.SELF_HARM)
    queue, head = school.incidents.queue, school.ids["head"]
    assert queue.group(head, second.incident.id) == next(
        each for each in groups(school) if each.members[0].number == first.number
    )
    assert [each.number for each in queue.group(head, sealed.incident.id).members] == [sealed.number]
    school.accept(first, "head")
    assert [each.number for each in queue.group(head, second.incident.id).members] == [second.number]
    assert queue.group(head, second.incident.id).of_subject == 1, "what is of another state stands elsewhere"
    for unknown in (elsewhere.incident.id, "nothing"):
        with pytest.raises(UnknownIdError):
            queue.group(school.ids["coordinator"], unknown)
    assert school.kinds().count("rule_refused") == 1, "whoever tries what is not theirs leaves a trace"


# ---- its parts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("by", ["head", "coordinator", "lead"])
def test_its_parts_together_are_the_whole(school: IncidentsOfTest, by: str, limit: int) -> None:
    kinds = (Kind.GAMBLING, Kind.GAMES, Kind.SELF_HARM, Kind.ILLEGAL, Kind.BYPASS)
    for number in range(25):
        filed = began(
            school, number * 9 * MINUTE, ("pupil", "other_pupil", "", "teacher")[number % 4], kind=kinds[number % 5]
        )
        with school.store.act() as act:
            write_incident(act, filed)
        if number % 3:
            weigh(school, filed, 40 + number * 2)
    queue, person = school.incidents.queue, school.ids[by]
    for whole, part in (
        (numbers(school, by), lambda place: queue.listing(person, CHOICE, after=place, limit=limit)),
        (members(school, by), lambda place: queue.groups(person, CHOICE, after=place, limit=limit)),
    ):
        found: list[Any] = []
        place: Place | None = None
        while True:
            here = part(place)
            if hasattr(here, "items"):
                found += [each.filed.number for each in here.items]
            else:
                found += [[each.number for each in group.members] for group in here.groups]
            place = here.next
            if place is None:
                break
        assert found == whole


def test_what_is_decided_between_two_parts_moves_nothing_else(school: IncidentsOfTest) -> None:
    for about in ("pupil", "other_pupil", ""):
        began(school, about=about)
    queue, head = school.incidents.queue, school.ids["head"]
    first = queue.groups(head, CHOICE, limit=1)
    school.accept(began(school, about="teacher", kind=Kind.SHOPPING, rows=("S02",)), "head", "S02")
    rest = queue.groups(head, CHOICE, after=first.next, limit=5)
    assert [group.members[0].number for group in rest.groups] == [2, 3, 4]


# ---- what it tells whom ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PEOPLE)
def test_it_lists_groups_and_counts_what_the_gate_lets_through(school: IncidentsOfTest, name: str) -> None:
    for track in Track:
        on_track(school, track)
    readable = {each.number for each in school.incidents.looking.queue(school.ids[name])}
    assert set(numbers(school, name)) == readable
    assert {number for group in members(school, name) for number in group} == readable
    totals = school.incidents.queue.totals(school.ids[name], CHOICE)
    assert (totals.number, totals.of(), sum(totals.by_track.values())) == (len(readable),) * 3


def test_it_shows_no_words_and_leaves_no_trace(school: IncidentsOfTest) -> None:
    school.accept(began(school), "head")
    before = school.kinds()
    assert listed(school)[0].filed.why_deliberate == groups(school)[0].shown[0].why_deliberate == ""
    assert school.kinds() == before


def test_it_counts_what_is_new_since_somebody_looked(school: IncidentsOfTest) -> None:
    began(school)
    queue = school.incidents.queue
    seen = queue.totals(school.ids["coordinator"], CHOICE).newest_at
    school.later(minutes=1)
    began(school, about="other_pupil")
    began(school, kind=Kind.SELF_HARM)
    newer = Choice((State.CANDIDATE,), filed_after=seen)
    assert queue.totals(school.ids["coordinator"], newer).number == 1
    assert queue.totals(school.ids["head"], newer).number == 2
    assert queue.totals(school.ids["head"], Choice((State.CLOSED,))).newest_at == ""


def test_it_counts_by_weight_kind_and_track(school: IncidentsOfTest) -> None:
    weigh(school, began(school), 90)
    began(school, kind=Kind.SELF_HARM)
    totals = school.incidents.queue.totals(school.ids["head"], CHOICE)
    assert [totals.of(weight=each) for each in Weight] == [1, 1, 0]
    assert {kind: totals.of(kind=kind) for kind in totals.kinds} == {Kind.GAMBLING: 1, Kind.SELF_HARM: 1}
    assert (totals.of(Weight.HIGH, Kind.SELF_HARM), totals.of(Weight.HIGH, Kind.GAMBLING)) == (0, 1)
    assert totals.by_track == {Track.ORDINARY: 1, Track.SAFEGUARDING: 1}


def test_for_nobody_there_is_no_queue(school: IncidentsOfTest) -> None:
    queue = school.incidents.queue
    for look in (queue.listing, queue.groups):
        with pytest.raises(RefusedRequestError, match="Nobody at this school"):
            look("nobody", CHOICE, limit=5)
    with pytest.raises(RefusedRequestError, match="Nobody at this school"):
        queue.totals("nobody", CHOICE)
