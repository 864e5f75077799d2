"""The lock of a screen, which a session alone can see: what a helper says and what the service makes of it."""

from pathlib import Path
from typing import Any

import pytest
from linux_tree_of_test import LinuxTree

from agent.endpoint.told_by_session import HOLDS_SECONDS, ToldBySession, finding_of, look_at_screen_lock, said_of
from collectors.machine import Machine, Output
from collectors.posture import Check, Finding, State, unknown
from collectors.volume import Evidence

ON = Finding(
    Check.SCREEN_LOCK, State.ON, (Evidence("gsettings.lock-enabled", "true"),), details={"delay_seconds": 300}
)
OFF = Finding(Check.SCREEN_LOCK, State.OFF)
PER_USER = unknown(Check.SCREEN_LOCK, "per_user")


class Told:
    def __init__(self) -> None:
        self.now = 0.0
        self.told = ToldBySession(lambda: PER_USER, monotonic=lambda: self.now)


def test_before_anybody_said_anything_the_service_looks_itself() -> None:
    assert Told().told.look() == PER_USER


def test_what_a_session_says_holds_for_a_while() -> None:
    here = Told()
    here.told.note(1000, ON)
    assert here.told.look() == ON
    here.now = HOLDS_SECONDS
    assert here.told.look() == PER_USER


def test_of_two_sessions_the_worse_counts() -> None:
    here = Told()
    here.told.note(1000, ON)
    here.told.note(1001, OFF)
    assert here.told.look() == OFF
    here.told.note(1001, ON)
    assert here.told.look() == ON


def test_one_that_does_not_know_says_nothing_against_one_that_does() -> None:
    here = Told()
    here.told.note(1000, unknown(Check.SCREEN_LOCK, "no_known_desktop"))
    assert here.told.look().why == "no_known_desktop"
    here.told.note(1001, ON)
    assert here.told.look() == ON


def test_a_finding_survives_its_way() -> None:
    read = finding_of(said_of(ON))
    assert (read.state, read.details) == (State.ON, {"delay_seconds": 300})
    assert read.evidence == (Evidence("session.gsettings.lock-enabled", "true"),)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"state": "fine"},
        {"state": None, "evidence": 3},
        {"state": "on", "delay_seconds": True, "evidence": [1, ["a"], ["a", 2], ["\x1b", "\ud800"]]},
        {"state": "on", "delay_seconds": 10**30, "why": "x" * 1000},
    ],
)
def test_whatever_a_helper_says_is_read(said: dict[str, Any]) -> None:
    finding = finding_of(said)
    assert finding.check is Check.SCREEN_LOCK
    assert len(finding.why) <= 40
    assert "delay_seconds" not in finding.details


def test_a_session_of_gnome_is_looked_at(tmp_path: Path) -> None:
    words = {"lock-enabled": b"true\n", "lock-delay": b"uint32 30\n", "idle-delay": b"uint32 300\n"}
    machine = Machine(root=tmp_path, programs=lambda command, _seconds: Output(0, words[command[-1]]))
    found = look_at_screen_lock(machine, {"XDG_CURRENT_DESKTOP": "ubuntu:GNOME", "HOME": "/home/anna"})
    assert (found.state, found.details) == (State.ON, {"delay_seconds": 330})


def test_one_of_kde_is_looked_at(tmp_path: Path) -> None:
    tree = LinuxTree(tmp_path)
    tree.file("home/anna/.config/kscreenlockerrc", "[Daemon]\nAutolock=false\n")
    found = look_at_screen_lock(tree.machine(), {"XDG_CURRENT_DESKTOP": "KDE", "HOME": "/home/anna"})
    assert found.state is State.OFF


def test_what_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "home/anna/.config/kscreenlockerrc").mkdir(parents=True)
    found = look_at_screen_lock(Machine(root=tmp_path), {"XDG_CURRENT_DESKTOP": "KDE", "HOME": "/home/anna"})
    assert (found.state, found.why) == (State.UNKNOWN, "IsADirectoryError:EISDIR")
