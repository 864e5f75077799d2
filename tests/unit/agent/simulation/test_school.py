"""Who is at the school that does not exist."""

from random import Random

from agent.simulation.school import PUPILS, STAFF, build_school
from rules.observation import Confidence
from rules.subject import Audience

SCHOOL = build_school(Random(1))


def test_it_has_its_pupils_and_staff() -> None:
    assert sum(room.pupils for room in SCHOOL.classes) == PUPILS == 1_200
    assert len(SCHOOL.staff) == STAFF == 150
    assert all(user.audience is Audience.STAFF for user in SCHOOL.staff)


def test_the_young_share_tablets_and_the_older_have_accounts_of_their_own() -> None:
    assert {user.confidence for user in SCHOOL.tablets} == {Confidence.C}
    assert {user.confidence for user in SCHOOL.pupils} == {Confidence.A, Confidence.B}
    own = [room for room in SCHOOL.classes if not room.is_shared]
    assert all(len(room.users) == room.pupils for room in own)
    assert len(own) == 12


def test_nobody_is_twice_and_nobody_has_a_name() -> None:
    subjects = [user.subject for user in SCHOOL.users]
    assert len(subjects) == len(set(subjects))
    assert all(user.subject.startswith("p-") == user.confidence.is_personal for user in SCHOOL.users)


def test_where_it_is_not_clear_who_it_was_only_the_device_is_left() -> None:
    pupil = SCHOOL.pupils[0]
    assert (pupil.unclear.subject, pupil.unclear.confidence) == (pupil.device, Confidence.D)


def test_the_same_numbers_make_the_same_school() -> None:
    assert build_school(Random(1)) == SCHOOL
    assert build_school(Random(3)) != SCHOOL
