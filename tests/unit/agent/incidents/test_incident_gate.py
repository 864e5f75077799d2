"""The one gate: asked of very many, it says of each what the rules say of it alone."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from incidents_of_test import PEOPLE, IncidentsOfTest

from agent.incidents.incident_gate import ABOUT_HEADS, Gate, is_about_heads
from agent.people.people import read_person
from agent.storage.incident_rows import write_incident
from agent.storage.queue_rows import Choice, read_counted
from rules.incident import Incident, Level, State, track_of
from rules.incident_kind import Kind
from rules.roles import Role
from rules.subject import Audience

KINDS = (Kind.GAMBLING, Kind.SELF_HARM, Kind.ILLEGAL, Kind.STAFF_CONDUCT, Kind.DATA_BREACH)
REACHED = (frozenset[Role](), frozenset({Role.TECHNICIAN}))


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path_factory.mktemp("school"))


def incidents(school: IncidentsOfTest) -> list[Incident]:
    like = school.open().incident
    about = ["device7", f"{ABOUT_HEADS}1", *(school.pseudonym(name) for name in PEOPLE)]
    return [
        replace(
            like,
            kind=kind,
            audience=audience,
            track=track_of(kind, audience),
            subject=subject,
            level=Level.PERSON if subject.startswith("p-") else Level.DEVICE,
            is_serious=is_serious,
            reached=reached,
            opened_at=like.opened_at - timedelta(days=days),
        )
        for kind, audience, subject, is_serious, reached, days in product(
            KINDS, (Audience.PUPIL, Audience.STAFF), about, (None, True), REACHED, (0, 400)
        )
    ]


@pytest.mark.parametrize("name", PEOPLE)
def test_what_it_says_of_many_is_what_it_says_of_one(school: IncidentsOfTest, name: str) -> None:
    found = incidents(school)
    with school.store.read() as database:
        who = read_person(database, school.ids[name])
        assert who is not None
        gate = Gate(school.incidents.desk, database, who)
        for order in (found, found[::-1]):
            assert [gate.lets(each) for each in order] == [
                school.incidents.desk.may_read(database, who, each) for each in order
            ]


def test_nothing_is_about_somebody_by_another_pseudonym_than_their_own_ones(school: IncidentsOfTest) -> None:
    found = incidents(school)
    for name in PEOPLE:
        with school.store.read() as database:
            who = read_person(database, school.ids[name])
            assert who is not None
            own = Gate(school.incidents.desk, database, who).own()
        about = {each.subject for each in found if school.incidents.desk.is_subject(who.id, each)}
        assert about
        assert about <= own


def test_no_key_is_made_to_know_them(tmp_path: Path) -> None:
    school = IncidentsOfTest(tmp_path)
    with school.store.read() as database:
        who = read_person(database, school.ids["head"])
        assert who is not None
        assert Gate(school.incidents.desk, database, who).own() == frozenset()
    assert list(tmp_path.rglob("*.key")) == []


def test_what_is_put_together_to_be_counted_is_alike_for_the_gate(tmp_path: Path) -> None:
    school = IncidentsOfTest(tmp_path)
    filed, found = school.open(), incidents(school)[::3]
    with school.store.act() as act:
        for number, incident in enumerate(found, 100):
            write_incident(act, replace(filed, incident=replace(incident, id=f"n{number}"), number=number))
    choice = Choice((State.CANDIDATE,))
    for name in PEOPLE:
        with school.store.read() as database:
            who = read_person(database, school.ids[name])
            assert who is not None
            gate = Gate(school.incidents.desk, database, who)
            one_by_one = sum(gate.lets(each.brief) for each in read_counted(database, choice))
        assert school.incidents.queue.totals(school.ids[name], choice).number == one_by_one, name


def test_whoever_has_left_is_let_through_nowhere(school: IncidentsOfTest) -> None:
    with school.store.read() as database:
        who = read_person(database, school.ids["head"])
        assert who is not None
        gate = Gate(school.incidents.desk, database, replace(who, closed=True))
        assert not any(map(gate.lets, incidents(school)))


def test_about_which_head_teacher_it_is_nobody_says(tmp_path: Path) -> None:
    filed = IncidentsOfTest(tmp_path).open()
    assert not is_about_heads(filed.incident)
    assert is_about_heads(replace(filed.incident, subject=f"{ABOUT_HEADS}12"))
