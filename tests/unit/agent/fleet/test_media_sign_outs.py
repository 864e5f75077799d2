"""Media out of the school and foreign ones in: who lets whom, and what happens when they are not back."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from media_of_test import TODAY, MediaOfTest

from agent.people.attempts import ConflictError, UnknownIdError
from agent.storage.permit_rows import read_sign_outs
from rules.errors import RefusedRequestError
from rules.medium import SignOutState, Stated


@pytest.fixture
def school(tmp_path: Path) -> MediaOfTest:
    return MediaOfTest(tmp_path)


def test_a_second_person_lets_a_medium_out_and_takes_it_back(school: MediaOfTest) -> None:
    asked = school.take(school.register())
    assert (asked.state, school.notices[-1]) == (
        SignOutState.WAITING,
        ("media_waits", "M-1", "S-1", frozenset(), frozenset({"manage_media"})),
    )
    sign_outs, teacher, technician = school.media.sign_outs, school.ids["teacher"], school.ids["technician"]
    with pytest.raises(RefusedRequestError, match="the right to manage media"):
        sign_outs.allow(teacher, 1, version=1)
    with pytest.raises(ConflictError):
        sign_outs.allow(technician, 1, version=2)
    out = sign_outs.allow(technician, 1, version=1)
    assert (out.state, out.decided_by) == (SignOutState.OUT, technician)
    assert school.notices[-1] == ("media_decided", "M-1", "S-1", frozenset({"teacher"}), frozenset())
    with pytest.raises(RefusedRequestError, match="the right to manage media"):
        sign_outs.sign_in(teacher, 1)
    back = sign_outs.sign_in(technician, 1)
    assert (back.state, back.returned_by) == (SignOutState.RETURNED, technician)
    with pytest.raises(RefusedRequestError, match="S-1 is returned, so there is nothing to sign in"):
        sign_outs.sign_in(technician, 1)
    kinds = school.kinds()
    done = ["medium_registered", "sign_out_asked", "medium_signed_out", "medium_signed_in"]
    assert [kind for kind in kinds if kind != "rule_refused"] == done


def test_nobody_lets_out_what_is_their_own_whatever_they_manage(school: MediaOfTest) -> None:
    own = school.register("coordinator")
    assert school.take(own, "coordinator").state is SignOutState.WAITING
    with pytest.raises(RefusedRequestError, match="somebody else must decide"):
        school.media.sign_outs.allow(school.ids["coordinator"], 1, version=1)
    school.media.sign_outs.allow(school.ids["head"], 1, version=1)
    with pytest.raises(RefusedRequestError, match="somebody else must decide"):
        school.media.sign_outs.sign_in(school.ids["coordinator"], 1)


def test_at_the_desk_whoever_manages_media_signs_out_for_another_at_once(school: MediaOfTest) -> None:
    permit = school.take(school.register(), "technician", for_="five")
    assert (permit.state, permit.person, permit.decided_by) == (
        SignOutState.OUT,
        school.ids["five"],
        school.ids["technician"],
    )
    with pytest.raises(RefusedRequestError, match="the right to manage media"):
        school.take(school.register(), "teacher", for_="five")


def test_where_the_site_wants_nobody_else_a_person_signs_alone(school: MediaOfTest) -> None:
    school.settle(sign_out_needs="nobody")
    permit = school.take(school.register())
    assert (permit.state, school.notices) == (SignOutState.OUT, [])
    assert school.media.sign_outs.sign_in(school.ids["teacher"], 1).state is SignOutState.RETURNED


def test_a_medium_is_in_one_pair_of_hands(school: MediaOfTest) -> None:
    medium = school.register()
    school.take(medium)
    with pytest.raises(RefusedRequestError, match=r"M-1 is asked for already \(S-1\)"):
        school.take(medium)
    school.media.sign_outs.allow(school.ids["head"], 1, version=1)
    with pytest.raises(RefusedRequestError, match=r"M-1 is signed out already \(S-1\)"):
        school.take(medium, "technician")


def test_nothing_is_signed_in_that_is_not_out(school: MediaOfTest) -> None:
    school.register()
    with pytest.raises(RefusedRequestError, match="M-1 is not signed out, so there is nothing to sign in"):
        school.media.sign_outs.open_of(school.ids["teacher"], 1)
    with pytest.raises(UnknownIdError):
        school.media.sign_outs.open_of(school.ids["five"], 1)
    with pytest.raises(UnknownIdError):
        school.media.sign_outs.sign_in(school.ids["technician"], 7)


@pytest.mark.parametrize(
    ("due_on", "why"),
    [(date(2026, 3, 1), "expected 2026-03-02 or later"), (date(2026, 4, 2), "allows 30 days, so to 2026-04-01")],
    ids=["end-before-start", "longer-than-the-school-allows"],
)
def test_until_when_nobody_can_have_it(school: MediaOfTest, due_on: date, why: str) -> None:
    with pytest.raises(RefusedRequestError, match=why):
        school.take(school.register(), due_on=due_on)


def test_what_waited_too_long_is_not_let_out_into_the_past(school: MediaOfTest) -> None:
    school.take(school.register())
    school.later(days=1)
    with pytest.raises(RefusedRequestError, match="expected 2026-03-03 or later"):
        school.media.sign_outs.allow(school.ids["technician"], 1, version=1)
    refused = school.media.sign_outs.refuse(school.ids["technician"], 1, version=1, reason="Ask for a later day")
    assert (refused.state, refused.reason) == (SignOutState.REFUSED, "Ask for a later day")


def test_a_refusal_says_why_and_a_withdrawal_is_ones_own(school: MediaOfTest) -> None:
    medium = school.register()
    school.take(medium)
    with pytest.raises(RefusedRequestError, match="The reason is missing"):
        school.media.sign_outs.refuse(school.ids["technician"], 1, version=1, reason="")
    with pytest.raises(RefusedRequestError, match="Only whoever asked can withdraw"):
        school.media.sign_outs.withdraw(school.ids["technician"], 1, version=1)
    with pytest.raises(UnknownIdError):
        school.media.sign_outs.withdraw(school.ids["five"], 1, version=1)
    assert school.media.sign_outs.withdraw(school.ids["teacher"], 1, version=1).state is SignOutState.WITHDRAWN
    assert school.take(medium).number == 2


def test_a_foreign_medium_is_let_in_and_signed_in_when_it_is_gone_again(school: MediaOfTest) -> None:
    permit = school.out(school.register(is_foreign=True, stated=Stated.PLAIN))
    assert permit.is_foreign
    assert school.media.sign_outs.sign_in(school.ids["technician"], 1).state is SignOutState.RETURNED


def test_what_is_overdue_reminds_whoever_has_it_and_climbs(school: MediaOfTest) -> None:
    school.out(school.register(stated=Stated.PLAIN))
    school.notices.clear()
    told = []
    for _ in range(9):
        school.media.sweep()
        school.media.sweep()
        told.append(len(school.notices))
        school.later(days=1)
    assert told == [0, 1, 1, 2, 2, 2, 2, 3, 3]
    managing = {"ict_coordinator", "network_manager"}
    assert [each[3:] for each in school.notices] == [
        (frozenset({"teacher"}), frozenset()),
        (frozenset({"teacher"}), managing),
        (frozenset({"teacher"}), managing | {"head_teacher"}),
    ]
    assert school.kinds().count("sign_out_overdue") == 3


def test_a_gateway_that_was_off_for_a_week_tells_the_last_step_alone(school: MediaOfTest) -> None:
    school.out(school.register(stated=Stated.PLAIN))
    school.notices.clear()
    school.later(days=30)
    assert school.media.sweep() == 1
    assert len(school.notices) == 1
    assert "head_teacher" in school.notices[0][4]


def test_what_is_lost_or_disposed_of_nobody_takes(school: MediaOfTest) -> None:
    medium = school.register()
    school.media.register.dispose(school.ids["technician"], 1, version=1, how="Shredded in the office")
    with pytest.raises(RefusedRequestError, match="M-1 is disposed of, so nobody can take it"):
        school.take(medium)


def test_a_person_finds_their_own(school: MediaOfTest) -> None:
    school.out(school.register())
    school.out(school.register("five"), "five", due_on=TODAY + timedelta(days=3))
    with school.store.read() as database:
        assert [each.number for each in read_sign_outs(database, person=school.ids["five"])] == [2]
        late = read_sign_outs(database, states=(SignOutState.OUT,), due_before=TODAY + timedelta(days=1))
        assert [each.number for each in late] == [1]
