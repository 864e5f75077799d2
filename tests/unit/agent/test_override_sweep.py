"""What the clock has done is written down once, whoever else is at work."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from granting import Granting

from agent.override_acts import tell_nobody
from agent.override_sweep import sweep_overrides
from agent.storage.override_rows import Use
from rules.override import Override, State


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

    def somebody_else_is_faster(_: Override) -> Use | None:
        school.overrides.sweep()
        return Use(1, 1)

    done = sweep_overrides(
        school.store,
        now=school.clock(),
        countersign=timedelta(hours=24),
        escalate_after=timedelta(hours=4),
        use_of=somebody_else_is_faster,
        tell=tell_nobody,
    )
    assert done == 0
    assert school.kinds().count("override_ended") == 1


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


def test_only_what_was_open_can_have_been_used(school: Granting) -> None:
    filed = school.overrides.request("teacher", school.written())
    school.uses[filed.override.id] = Use(9, 9)
    school.clock.advance(hours=1)
    school.overrides.sweep()
    ended = school.overrides.get(filed.override.id)
    assert (ended.override.state, ended.used) == (State.ENDED, None)


def test_an_emergency_that_was_revoked_is_still_countersigned_or_not(school: Granting) -> None:
    filed = school.overrides.request("manager", school.written(is_break_glass=True))
    school.overrides.revoke("manager", filed.override.id, version=1, reason="It was the wrong site after all.")
    school.clock.advance(hours=24)
    assert school.overrides.sweep() == 1
    assert school.overrides.get(filed.override.id).override.state is State.UNCONFIRMED
