"""The queue as it is stored: its order, its parts, and what is chosen."""

from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import IncidentsOfTest, on_track

from agent.storage.incident_briefs import read_briefs
from agent.storage.incident_rows import Filed
from agent.storage.queue_rows import Choice, read_amounts, read_counted, read_near, read_of_subject, walk_queue
from agent.storage.state import instant_text
from rules.incident import Level, State, Track
from rules.incident_kind import Kind
from rules.incident_weight import Weight
from rules.roles import Role

OPEN = (State.CANDIDATE, State.ACCEPTED)


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


def walk(school: IncidentsOfTest, choice: Choice = Choice(OPEN), **given: Any) -> list[int]:  # noqa: B008 (a value)
    with school.store.read() as database:
        return [each.number for each in walk_queue(database, choice, **given)]


def stronger(school: IncidentsOfTest, filed: Filed, intent: int) -> None:
    school.join(filed, intent=intent, at=school.later(minutes=1), name=None)


def test_who_is_at_risk_comes_first_then_what_weighs_more_then_what_waits_longer(school: IncidentsOfTest) -> None:
    older, newer, heavy = (school.open(about="", at=school.later(minutes=1)) for _ in range(3))
    stronger(school, heavy, 90)
    sealed, danger = on_track(school, Track.SEALED), on_track(school, Track.SAFEGUARDING)
    accepted = school.open(about="", at=school.later(minutes=1))
    school.accept(accepted, "head")
    expected = [each.number for each in (danger, sealed, heavy, older, newer, accepted)]
    assert walk(school) == expected
    with school.store.read() as database:
        ranks = [each.rank for each in walk_queue(database, Choice(OPEN))]
    assert ranks == sorted(ranks)
    assert walk(school, after=ranks[3]) == expected[3:]


def test_what_is_sealed_tells_no_points(school: IncidentsOfTest) -> None:
    sealed = on_track(school, Track.SEALED)
    with school.store.read() as database:
        (found,) = walk_queue(database, Choice(OPEN))
        assert (found.number, found.intent) == (sealed.number, 0)
        assert list(read_of_subject(database, Choice(OPEN), sealed.incident.subject)) == []


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        pytest.param(Choice(OPEN), [2, 1], id="open"),
        pytest.param(Choice((State.CLOSED,)), [], id="closed"),
        pytest.param(Choice(()), [], id="of-no-state"),
        pytest.param(Choice(OPEN, tracks=(Track.ORDINARY,)), [1], id="of-a-track"),
        pytest.param(Choice(OPEN, kinds=(Kind.SELF_HARM, Kind.GAMES)), [2], id="of-two-kinds"),
        pytest.param(Choice(OPEN, level=Level.DEVICE), [1], id="about-a-device"),
        pytest.param(Choice(OPEN, subject="device7"), [1], id="of-a-subject"),
        pytest.param(Choice(OPEN, number=2), [2], id="with-a-number"),
        pytest.param(Choice(OPEN, weights=(Weight.MIDDLE,)), [2, 1], id="of-a-weight"),
        pytest.param(Choice(OPEN, weights=(Weight.HIGH, Weight.LOW)), [], id="of-other-weights"),
        pytest.param(Choice(OPEN, filed_after="2026-03-02T09:15:30"), [2], id="filed-since"),
        pytest.param(Choice(OPEN, kinds=()), [], id="of-no-kind"),
    ],
)
def test_what_is_chosen(school: IncidentsOfTest, choice: Choice, found: list[int]) -> None:
    school.open(about="")
    school.later(minutes=1)
    school.open(Kind.SELF_HARM)
    assert walk(school, choice) == found
    with school.store.read() as database:
        assert len(list(read_counted(database, choice))) == len(found)


def test_it_reads_what_is_counted_as_the_counts_do(school: IncidentsOfTest) -> None:
    filed = school.open(rows=())
    school.incidents.decisions.reclassify(
        school.ids["head"], filed.incident.id, version=1, reason="The head has said so", is_serious=True
    )
    school.incidents.sweep()
    school.later(days=9)
    school.incidents.sweep()
    with school.store.read() as database:
        (counted,), (brief,) = read_counted(database, Choice(OPEN)), read_briefs(database)
    assert counted.brief == brief._replace(row="")
    assert brief.is_serious is True
    assert Role.HEAD_TEACHER in brief.reached


def test_what_began_about_then(school: IncidentsOfTest) -> None:
    first, second = school.open(), school.open(about="", at=school.later(minutes=20))
    school.open(Kind.GAMES)
    choice = Choice(OPEN)
    with school.store.read() as database:
        (like,) = (each.brief for each in walk_queue(database, Choice(OPEN, number=first.number)))
        at = like.opened_at
        near = {each.number for each in read_near(database, choice, like, first=at, last=school.now)}
        assert near == {first.number, second.number}
        assert [each.number for each in read_near(database, choice, like, first=at, last=at)] == [first.number]


def test_more_urgent_than_a_place(school: IncidentsOfTest) -> None:
    weak, strong = school.open(), school.open(Kind.GAMES)
    stronger(school, strong, 90)
    with school.store.read() as database:
        ours = {each.number: each for each in walk_queue(database, Choice(OPEN))}
        subject = weak.incident.subject
        before = read_of_subject(database, Choice(OPEN), subject, before=ours[weak.number].rank)
        assert [each.number for each in before] == [strong.number]
        assert list(read_of_subject(database, Choice(OPEN), subject, before=ours[strong.number].rank)) == []


def test_what_is_alike_is_one_amount_but_for_what_stays_apart(school: IncidentsOfTest) -> None:
    first, _ = school.open(), school.open()
    school.open(about="")
    school.open(Kind.PORNOGRAPHY, "teacher", rows=("S15",))
    school.open(Kind.PORNOGRAPHY, "teacher", rows=("S15",))
    school.later(minutes=1)
    last = school.open()

    def amounts(apart: tuple[str, ...] = (), apart_from: str = "nobody") -> list[int]:
        with school.store.read() as database:
            found = list(read_amounts(database, Choice(OPEN), apart=apart, apart_from=apart_from))
        assert max(each.filed_at for each in found) == instant_text(last.filed_at)
        assert {each.weight for each in found} == {Weight.MIDDLE}
        return sorted(each.number for each in found)

    assert amounts() == [1, 1, 4], "what is restricted stays by itself"
    assert amounts((first.incident.subject,)) == [1, 1, 1, 1, 1, 1]
    assert amounts(apart_from="device") == [1, 1, 1, 3]
