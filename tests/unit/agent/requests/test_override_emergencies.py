"""An emergency is an hour of one person, and the next one waits until a second person has looked at it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from granting import REASON, Granting

from agent.storage.override_rows import Filed
from rules.errors import RefusedRequestError

OWN = "is yours and not countersigned yet"
SAME = "was opened for these people by the emergency o1 already"


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


def taken(school: Granting, person: str = "manager", **parts: Any) -> Filed:
    return school.overrides.request(person, school.written(is_break_glass=True, **parts))


def is_refused(school: Granting, said: str, person: str = "manager", **parts: Any) -> None:
    """Check that it is refused, on record, and opens nothing."""
    before, changes = school.kinds(), school.changes
    assert [said in fault for fault in seen(school, person, **parts)] == [True], "shown before it is sent"
    with pytest.raises(RefusedRequestError, match=said):
        taken(school, person, **parts)
    assert school.kinds() == [*before, "rule_refused"]
    assert school.changes == changes


def seen(school: Granting, person: str, **parts: Any) -> tuple[str, ...]:
    return school.overrides.preview(person, school.written(is_break_glass=True, **parts)).faults


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({"names": ("nude.example",)}, id="a-name"),
        pytest.param({"names": ("bet.example", "nude.example")}, id="a-name-among-others"),
        pytest.param({"names": (), "categories": ("nudity",)}, id="a-category"),
    ],
)
@pytest.mark.parametrize("person", ["manager", "coordinator", "everything"])
def test_what_takes_two_is_no_emergency(school: Granting, person: str, parts: dict[str, Any]) -> None:
    is_refused(school, "Nobody opens nudity alone", person, **parts)
    assert not school.open_for("year5", "nude.example")


@pytest.mark.parametrize("ends_by", ["nothing", "the-clock", "its-taker"])
def test_who_has_one_that_waits_takes_no_other(school: Granting, ends_by: str) -> None:
    filed = taken(school)
    if ends_by == "the-clock":
        school.clock.advance(hours=1)
        school.overrides.sweep()
    elif ends_by == "its-taker":
        school.overrides.revoke("manager", filed.override.id, version=1, reason=REASON)
    is_refused(school, OWN, names=("game.example",), groups=("year6",))
    version = school.overrides.get(filed.override.id).version
    school.overrides.countersign("head", filed.override.id, version=version)
    assert seen(school, "manager", names=("game.example",)) == ()
    taken(school, names=("game.example",))


def test_when_nobody_can_countersign_it_any_more_it_waits_no_longer(school: Granting) -> None:
    taken(school)
    school.clock.at += timedelta(hours=24, microseconds=-1)
    is_refused(school, OWN)
    school.clock.at += timedelta(microseconds=1)
    taken(school)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        pytest.param({}, SAME, id="the-same"),
        pytest.param({"names": ("www.bet.example",)}, SAME, id="a-name-below-it"),
        pytest.param({"names": ("film.example", "bet.example")}, SAME, id="the-same-among-others"),
        pytest.param({"names": (), "categories": ("gambling",)}, SAME, id="its-category"),
        pytest.param({"groups": ("year5", "year6")}, SAME, id="for-others-as-well"),
        pytest.param({"groups": (), "audiences": ("pupil",)}, SAME, id="for-all-pupils"),
        pytest.param({"groups": ("year6",)}, None, id="for-others"),
        pytest.param({"names": ("game.example",)}, None, id="another-name"),
    ],
)
def test_nobody_goes_on_with_the_emergency_of_somebody_else(
    school: Granting, parts: dict[str, Any], said: str | None
) -> None:
    filed = taken(school)
    school.clock.advance(hours=1)
    school.overrides.sweep()
    if said is None:
        taken(school, "head", **parts)
        return
    is_refused(school, said, "head", **parts)
    school.overrides.countersign("coordinator", filed.override.id, version=2)
    taken(school, "head", **parts)


def test_who_has_an_emergency_that_waits_can_ask_like_anybody(school: Granting) -> None:
    taken(school)
    assert school.overrides.request("manager", school.written()).override.approvers == ()
    assert school.overrides.preview("manager", school.written()).faults == ()


def test_a_form_with_a_fault_is_told_that_first(school: Granting) -> None:
    taken(school)
    (fault,) = seen(school, "manager", lasts=timedelta(hours=2))
    assert "at most 60 minutes" in fault
