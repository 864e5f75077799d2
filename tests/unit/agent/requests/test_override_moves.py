"""What a move comes to when the site, the people and the clock are not any more what they were at the request."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from granting import REASON, Granting, leave, take_role

from agent.storage.override_rows import Filed
from rules.errors import RefusedRequestError
from rules.override import State
from rules.roles import Role


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


def asked(school: Granting, **parts: Any) -> Filed:
    return school.overrides.request(parts.pop("person", "teacher"), school.written(**parts))


def narrow(school: Granting, filed: Filed, **less: Any) -> Filed:
    version = school.overrides.get(filed.override.id).version
    return school.overrides.narrow("manager", filed.override.id, version=version, reason=REASON, **less)


# ---- the site ------------------------------------------------------------------------------------------------------


def approve(school: Granting, filed: Filed) -> Filed:
    return school.overrides.approve("manager", filed.override.id, version=1)


def narrow_names(school: Granting, filed: Filed) -> Filed:
    return narrow(school, filed, names=["bet.example"])


@pytest.mark.parametrize("decide", [approve, narrow_names])
def test_a_group_that_is_gone_is_not_opened(school: Granting, decide: Callable[[Granting, Filed], Filed]) -> None:
    filed = asked(school, names=("bet.example", "game.example"), groups=("year5", "year6"))
    school.groups = frozenset({"year6"})
    with pytest.raises(RefusedRequestError, match="year5 is no group of this school any more; leave it out, or"):
        decide(school, filed)
    assert school.kinds()[-1] == "rule_refused"
    assert narrow(school, filed, groups=["year6"]).override.state is State.APPROVED


def test_narrowing_opens_no_group_that_there_is_not(school: Granting) -> None:
    filed = asked(school, groups=(), audiences=("pupil",))
    with pytest.raises(RefusedRequestError, match="year9 is no group"):
        narrow(school, filed, groups=["year9"])
    assert narrow(school, filed, groups=["5B"]).override.lift.groups == {"year5"}, "a class is one of them"


def test_narrowing_to_a_class_that_was_not_asked_for_is_refused(school: Granting) -> None:
    filed = asked(school, groups=("year6",))
    with pytest.raises(RefusedRequestError, match="year5 is no group of this request"):
        narrow(school, filed, groups=["5B"])


# ---- the clock -----------------------------------------------------------------------------------------------------


def test_narrowing_leaves_at_least_five_minutes_from_now_on(school: Granting) -> None:
    filed = asked(school)
    school.clock.advance(minutes=20)
    for minutes, left in ((4, "240"), (-4, "0")):
        with pytest.raises(RefusedRequestError, match=f"{left} seconds would be left; at least 300"):
            narrow(school, filed, until_at=school.clock() + timedelta(minutes=minutes))
    until_at = school.clock() + timedelta(minutes=5)
    assert narrow(school, filed, until_at=until_at).override.lift.until_at == until_at


def test_what_is_nearly_over_can_still_be_narrowed_to_fewer_names(school: Granting) -> None:
    filed = asked(school, names=("bet.example", "game.example"))
    school.clock.advance(minutes=43)
    assert narrow(school, filed, names=["bet.example"]).override.state is State.APPROVED


@pytest.mark.parametrize("is_swept", [False, True], ids=["by-the-clock-alone", "swept"])
def test_an_emergency_is_countersigned_within_its_hours(school: Granting, is_swept: bool) -> None:
    filed = asked(school, person="manager", is_break_glass=True)
    school.clock.advance(hours=24)
    if is_swept:
        school.overrides.sweep()
    version = school.overrides.get(filed.override.id).version
    with pytest.raises(RefusedRequestError, match="cannot be countersigned" if is_swept else "within 24 hours"):
        school.overrides.countersign("head", filed.override.id, version=version)
    assert school.overrides.get(filed.override.id).override.approvers == ()
    assert school.kinds()[-1] == "rule_refused"


def test_a_moment_before_that_it_is(school: Granting) -> None:
    filed = asked(school, person="manager", is_break_glass=True)
    school.clock.at += timedelta(hours=24, microseconds=-1)
    assert school.overrides.countersign("head", filed.override.id, version=1).override.approvers == ("head",)


# ---- the people ----------------------------------------------------------------------------------------------------


def leaves(school: Granting) -> None:
    leave(school, "safeguarding")


def loses_the_role(school: Granting) -> None:
    take_role(school, "safeguarding", Role.SAFEGUARDING_LEAD)


@pytest.mark.parametrize("what", [leaves, loses_the_role])
def test_half_an_approval_counts_no_more_and_both_can_be_asked_again(
    school: Granting, what: Callable[[Granting], None]
) -> None:
    filed = asked(school, names=("nude.example",))
    school.overrides.approve("safeguarding", filed.override.id, version=1)
    what(school)
    half = school.overrides.approve("coordinator", filed.override.id, version=2)
    assert (half.override.state, half.override.approvers, half.version) == (
        State.HALF_APPROVED,
        ("coordinator",),
        4,
    )
    assert school.kinds()[-2:] == ["override_half_lapsed", "override_half_approved"]
    assert not school.open_for("year5", "nude.example")
    done = school.overrides.approve("everything", filed.override.id, version=4)
    assert (done.override.state, done.override.approvers) == (State.APPROVED, ("coordinator", "everything"))
    assert school.open_for("year5", "nude.example")


def test_half_an_approval_of_somebody_who_has_another_such_role_counts(school: Granting) -> None:
    filed = asked(school, names=("nude.example",))
    school.overrides.approve("everything", filed.override.id, version=1)
    take_role(school, "everything", Role.SAFEGUARDING_LEAD)
    with pytest.raises(RefusedRequestError, match="the one of them who is missing is not you"):
        school.overrides.approve("coordinator", filed.override.id, version=2)
    assert school.overrides.approve("safeguarding", filed.override.id, version=2).override.state is State.APPROVED


@pytest.mark.parametrize("is_half", [False, True], ids=["waiting", "half-approved"])
def test_what_somebody_asked_for_who_has_left_can_only_be_refused(school: Granting, is_half: bool) -> None:
    filed = asked(school, names=("nude.example", "bet.example"))
    if is_half:
        filed = school.overrides.approve("safeguarding", filed.override.id, version=1)
    leave(school, "teacher")
    version, decide = filed.version, school.overrides
    with pytest.raises(RefusedRequestError, match="has left the school, so it can only be refused"):
        decide.approve("coordinator", filed.override.id, version=version)
    with pytest.raises(RefusedRequestError, match="has left the school, so it can only be refused"):
        decide.narrow("coordinator", filed.override.id, version=version, reason=REASON, names=["nude.example"])
    assert school.kinds()[-2:] == ["rule_refused", "rule_refused"]
    refused = decide.refuse("coordinator", filed.override.id, version=version, reason=REASON)
    assert refused.override.state is State.REFUSED
