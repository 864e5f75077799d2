"""What the clock has done is written down once, whoever else is at work."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from granting import REASON, Granting, leave

from agent.requests.override_acts import tell_nobody
from agent.requests.override_sweep import sweep_overrides
from agent.storage.override_rows import Use
from rules.override import State


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


def test_nothing_to_do_is_nothing_written(school: Granting) -> None:
    school.overrides.request("teacher", school.written(lasts=timedelta(days=1)))
    assert school.overrides.sweep() == 0
    assert school.kinds() == ["override_requested"]


def test_who_moves_it_meanwhile_comes_first(school: Granting) -> None:
    filed = school.overrides.request("teacher", school.written())
    school.overrides.approve("manager", filed.override.id, version=1)
    school.clock.advance(hours=1)

    def somebody_else_is_faster(*_: object) -> Use | None:
        school.uses[filed.override.id] = Use(1, 1, is_complete=True)
        school.overrides.sweep()
        return Use(2, 2, is_complete=True)

    done = sweep_overrides(
        school.store,
        now=school.clock(),
        countersign=timedelta(hours=24),
        escalate_after=timedelta(hours=4),
        groups={"year5"},
        use_of=somebody_else_is_faster,
        tell=tell_nobody,
    )
    assert done == 1, "only the end"
    assert [school.kinds().count(kind) for kind in ("override_ended", "override_used")] == [1, 1]
    assert school.overrides.get(filed.override.id).used == Use(1, 1, is_complete=True)


@pytest.mark.parametrize(
    ("lasts", "after", "kind"),
    [
        pytest.param(timedelta(minutes=45), timedelta(minutes=34), None, id="too-early-to-remind"),
        pytest.param(timedelta(minutes=45), timedelta(minutes=35), "override_ends_soon", id="ten-minutes-before"),
        pytest.param(timedelta(minutes=15), timedelta(minutes=10), None, id="a-short-one-needs-no-reminder"),
        pytest.param(timedelta(minutes=45), timedelta(minutes=45), "override_ended", id="at-the-end"),
    ],
)
def test_when_somebody_is_reminded(school: Granting, lasts: timedelta, after: timedelta, kind: str | None) -> None:
    filed = school.overrides.request("teacher", school.written(lasts=lasts))
    school.overrides.approve("manager", filed.override.id, version=1)
    school.clock.at += after
    school.overrides.sweep()
    assert school.kinds()[2:] == ([kind] if kind else [])


def never(_: Granting, __: str) -> None:
    """Leave it as it is."""


def approve(school: Granting, override_id: str) -> None:
    school.overrides.approve("manager", override_id, version=1)


def approve_and_revoke(school: Granting, override_id: str) -> None:
    approve(school, override_id)
    school.clock.advance(minutes=5)
    school.overrides.revoke("manager", override_id, version=2, reason=REASON)


def refuse(school: Granting, override_id: str) -> None:
    school.overrides.refuse("manager", override_id, version=1, reason=REASON)


def half_approve(school: Granting, override_id: str) -> None:
    assert school.overrides.approve("safeguarding", override_id, version=1).override.state is State.HALF_APPROVED


@pytest.mark.parametrize(
    ("name", "decide", "ends_after"),
    [
        pytest.param("bet.example", approve, timedelta(minutes=45), id="ended-by-the-clock"),
        pytest.param("bet.example", approve_and_revoke, timedelta(minutes=5), id="revoked"),
        pytest.param("bet.example", never, None, id="nobody-decided"),
        pytest.param("bet.example", refuse, None, id="refused"),
        pytest.param("nude.example", half_approve, None, id="half-approved"),
    ],
)
def test_only_what_was_open_can_have_been_used_and_until_its_end(
    school: Granting, name: str, decide: Callable[[Granting, str], None], ends_after: timedelta | None
) -> None:
    filed = school.overrides.request("teacher", school.written(names=(name,)))
    asked_at = school.clock()
    decide(school, filed.override.id)
    school.clock.advance(hours=1)
    asked: list[tuple[str, timedelta]] = []
    for _ in range(2):
        sweep_overrides(
            school.store,
            now=school.clock(),
            countersign=timedelta(hours=24),
            escalate_after=timedelta(hours=4),
            groups={"year5"},
            use_of=lambda override, ended_at: asked.append((override.id, ended_at - asked_at)),
            tell=tell_nobody,
        )
    assert asked == ([] if ends_after is None else [(filed.override.id, ends_after)] * 2), "again, until it is known"
    assert school.overrides.get(filed.override.id).used is None


def test_an_emergency_is_summed_up_whether_or_not_somebody_confirms_it(school: Granting) -> None:
    filed = school.overrides.request("manager", school.written(is_break_glass=True))
    school.clock.advance(hours=25)
    school.overrides.sweep()
    school.uses[filed.override.id] = Use(3, 1, is_complete=True)
    school.overrides.sweep()
    kinds = ["override_broke_glass", "override_ended", "override_unconfirmed", "override_used"]
    assert school.kinds() == kinds


def test_a_use_stays_when_an_emergency_is_confirmed_after_it_was_summed_up(school: Granting) -> None:
    filed = school.overrides.request("manager", school.written(is_break_glass=True))
    school.uses[filed.override.id] = used = Use(3, 1, is_complete=True)
    school.clock.advance(hours=1)
    school.overrides.sweep()
    done = school.overrides.countersign("head", filed.override.id, version=3)
    assert (done.used, school.overrides.get(filed.override.id).used) == (used, used)


def test_an_emergency_that_was_revoked_is_still_countersigned_or_not(school: Granting) -> None:
    filed = school.overrides.request("manager", school.written(is_break_glass=True))
    school.overrides.revoke("manager", filed.override.id, version=1, reason="It was the wrong site after all.")
    school.clock.advance(hours=24)
    assert school.overrides.sweep() == 1
    assert school.overrides.get(filed.override.id).override.state is State.UNCONFIRMED


def ended_for(school: Granting) -> str:
    facts = school.facts()
    return f"{school.kinds()[-1]} {facts.get('was')} {facts.get('why')}"


def test_an_override_whose_group_was_taken_away_does_not_come_back_with_it(school: Granting) -> None:
    filed = school.overrides.request("teacher", school.written(groups=("year5", "year6")))
    school.overrides.approve("manager", filed.override.id, version=1)
    assert school.overrides.sweep() == 0
    changes, school.groups = school.changes, frozenset({"year6"})
    school.clock.advance(minutes=5)
    assert [school.overrides.sweep(), school.overrides.sweep()] == [1, 0]
    assert ended_for(school) == "override_ended approved group_gone"
    assert school.changes == changes + 1, "the gateway hears of it"
    school.groups = frozenset({"year5", "year6"})
    assert not any(school.open_for(group, "bet.example") for group in school.groups)
    assert school.overrides.get(filed.override.id).override.state is State.ENDED


def test_one_that_was_to_begin_later_ends_with_its_group_too_and_one_that_waits_does_not(school: Granting) -> None:
    later, waiting = (
        school.overrides.request("teacher", school.written(begins=begins))
        for begins in (timedelta(days=1), timedelta())
    )
    school.overrides.approve("manager", later.override.id, version=1)
    school.groups = frozenset()
    assert school.overrides.sweep() == 1
    assert school.overrides.get(later.override.id).override.state is State.ENDED
    assert school.overrides.get(waiting.override.id) == waiting


def test_its_use_is_summed_up_until_its_group_was_gone(school: Granting) -> None:
    filed = school.overrides.request("teacher", school.written())
    school.overrides.approve("manager", filed.override.id, version=1)
    school.clock.advance(minutes=5)
    gone_at, school.groups = school.clock(), frozenset()
    school.overrides.sweep()
    asked: list[datetime] = []
    sweep_overrides(
        school.store,
        now=school.clock() + timedelta(hours=1),
        countersign=timedelta(hours=24),
        escalate_after=timedelta(hours=4),
        groups=(),
        use_of=lambda _, ended_at: asked.append(ended_at),
        tell=tell_nobody,
    )
    assert asked == [gone_at]


@pytest.mark.parametrize("name", [pytest.param("bet.example", id="waits"), pytest.param("nude.example", id="half")])
def test_a_request_of_somebody_who_has_left_is_closed(school: Granting, name: str) -> None:
    filed = school.overrides.request("teacher", school.written(names=(name,), lasts=timedelta(days=1)))
    if name == "nude.example":
        half_approve(school, filed.override.id)
    leave(school, "teacher")
    assert [school.overrides.sweep(), school.overrides.sweep()] == [1, 0]
    assert ended_for(school).endswith("requester_left")
    assert school.overrides.get(filed.override.id).override.state is State.ENDED


def test_what_was_approved_for_somebody_who_has_left_runs_on(school: Granting) -> None:
    filed = school.overrides.request("teacher", school.written())
    approve(school, filed.override.id)
    leave(school, "teacher")
    assert school.overrides.sweep() == 0
    assert school.open_for("year5", "bet.example")


def test_a_half_approval_of_somebody_who_could_not_give_it_any_more_is_taken_back(school: Granting) -> None:
    filed = school.overrides.request("teacher", school.written(names=("nude.example",)))
    half_approve(school, filed.override.id)
    assert school.overrides.sweep() == 0
    leave(school, "safeguarding")
    assert [school.overrides.sweep(), school.overrides.sweep()] == [1, 0]
    again = school.overrides.get(filed.override.id)
    assert (again.override.state, again.override.approvers, again.version) == (State.WAITING, (), 3)
    assert school.kinds()[-1] == "override_half_lapsed"
    assert school.facts()["agreed_before"] == ["safeguarding"]
