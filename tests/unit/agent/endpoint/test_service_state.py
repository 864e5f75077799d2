"""What the service remembers of itself: how it ended, whom it told, who agreed."""

import json
from pathlib import Path

import pytest

from agent.endpoint.service_state import FILE, AlreadyRunningError, ServiceState
from collectors.observed import Observed, Priority


def began(folder: Path, *, wall: float = 100.0, boot: str = "b1") -> tuple[ServiceState, Observed]:
    state = ServiceState(folder)
    return state, state.start(wall=wall, boot=boot, release="1")


def test_the_first_start(tmp_path: Path) -> None:
    state, told = began(tmp_path)
    state.close()
    assert (told.facts["why"], told.facts["clean"], told.priority) == ("first", True, Priority.ACTIVITY)


def test_a_start_after_a_proper_end(tmp_path: Path) -> None:
    state, _ = began(tmp_path)
    stopped = state.stop(wall=160.0, why="sigterm")
    state.close()
    assert stopped.facts == {"why": "sigterm", "seconds": 60.0}
    state, told = began(tmp_path, wall=200.0)
    state.close()
    assert (told.facts["why"], told.facts["clean"]) == ("stopped", True)
    assert (told.facts["started_before"], told.facts["stopped_before"]) == (100.0, 160.0)


@pytest.mark.parametrize(("boot", "same"), [("b1", True), ("b2", False)])
def test_a_start_after_a_kill_is_urgent(tmp_path: Path, boot: str, same: bool) -> None:
    state, _ = began(tmp_path)
    state.close()
    state, told = began(tmp_path, boot=boot)
    state.close()
    assert (told.facts["why"], told.facts["clean"], told.facts["same_boot"]) == ("killed", False, same)
    assert told.priority is Priority.INCIDENT


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"a": 1}', '{"told": {"x": "y"}}', '{"told": 3}', '{"programs": 3}', "null", "\xff"]
)
def test_a_damaged_file_says_that_nothing_is_known(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="latin-1")
    state, told = began(tmp_path)
    state.close()
    assert (told.facts["why"], told.facts["clean"]) == ("not_known", None)


def test_only_one_service_has_it(tmp_path: Path) -> None:
    state = ServiceState(tmp_path)
    with pytest.raises(AlreadyRunningError, match="Another endpoint service"):
        ServiceState(tmp_path)
    state.close()
    ServiceState(tmp_path).close()


def test_whom_it_told_and_who_agreed_outlive_it(tmp_path: Path) -> None:
    state = ServiceState(tmp_path)
    state.note_told("stick", 5.0)
    state.note_answer("1000/v1", accepted=False)
    state.close()
    state = ServiceState(tmp_path)
    assert (state.remembered.told, state.remembered.answers) == ({"stick": 5.0}, {"1000/v1": False})
    state.close()


def told_of(kind: str = "programs_present", *, insertion: str = "17", volume: str = "7F5A-E8BA") -> Observed:
    facts = {"device": "sdb1", "insertion": insertion, "volume": volume}
    return Observed(kind, Priority.ACTIVITY, facts)


def test_it_knows_over_a_restart_on_which_media_it_told_of_programs(tmp_path: Path) -> None:
    state, _ = began(tmp_path)
    state.note_programs(told_of(), is_kept=True)
    state.close()
    state, _ = began(tmp_path)
    assert state.has_told_programs(told_of().facts)
    assert not state.has_told_programs(told_of(insertion="18").facts)
    assert not state.has_told_programs(told_of(volume="another").facts), "another medium at the same place"
    state.note_programs(told_of("media_changed"), is_kept=True)
    assert state.has_told_programs(told_of().facts)
    state.note_programs(told_of("media_removed"), is_kept=True)
    assert not state.has_told_programs(told_of().facts)
    state.close()


def test_programs_that_the_spool_did_not_keep_were_not_told(tmp_path: Path) -> None:
    state, _ = began(tmp_path)
    state.note_programs(told_of(), is_kept=False)
    assert not state.has_told_programs(told_of().facts)
    state.note_programs(told_of(), is_kept=True)
    state.note_programs(told_of("media_removed"), is_kept=False)
    assert not state.has_told_programs(told_of().facts), "gone is gone"
    state.close()


def test_insertions_are_counted_from_the_start_of_the_laptop(tmp_path: Path) -> None:
    state, _ = began(tmp_path)
    state.note_programs(told_of(), is_kept=True)
    state.close()
    state, _ = began(tmp_path, boot="b2")
    assert not state.has_told_programs(told_of().facts)
    state.close()


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    state = ServiceState(tmp_path)
    for number in range(510):
        state.note_told(f"stick {number}", float(number))
    state.close()
    assert len(state.remembered.told) == 500
    assert "stick 509" in state.remembered.told


def test_when_the_gateway_was_last_heard_is_kept_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    state, _ = began(tmp_path)
    written = []
    for at in (0.0, 1000.0, 1500.0, 1900.0, 1901.0):
        state.note_heard(at)
        written.append(json.loads((tmp_path / FILE).read_text())["heard_at"])
    assert written == [0.0, 1000.0, 1000.0, 1000.0, 1901.0]
    state.note_heard(1950.0, within=0.0)
    state.close()
    state, _ = began(tmp_path)
    state.close()
    assert state.remembered.heard_at == 1950.0
