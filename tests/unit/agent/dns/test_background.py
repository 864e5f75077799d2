"""Stepping back, in a process that can never step forward again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

STEP_BACK = """
import os
from pathlib import Path
from agent.dns.background import has_stepped_back, step_back, weigh_session_less
print(has_stepped_back())
step_back()
step_back()
weigh_session_less()
print(has_stepped_back(), os.getpriority(os.PRIO_PROCESS, 0))
print(Path("/proc/self/autogroup").read_text() if Path("/proc/self/autogroup").exists() else "")
"""
OWN_SESSION = Path("/proc/self/autogroup")


def weight_of_session() -> str:
    """The nice value of this session, empty where the kernel weighs by control group and not by session."""
    shown = OWN_SESSION.read_text(encoding="ascii").split() if OWN_SESSION.exists() else []
    return shown[-1] if shown else ""


def run(*, leads_a_session: bool) -> list[str]:
    command = [sys.executable, "-c", STEP_BACK]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=30, start_new_session=leads_a_session
    ).stdout.split()


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="only Linux has SCHED_IDLE")
def test_a_process_runs_only_while_nobody_else_wants_to() -> None:
    assert run(leads_a_session=False)[:3] == ["False", "True", "19"]


@pytest.mark.skipif(not weight_of_session(), reason="this machine does not weigh sessions")
def test_only_a_session_of_its_own_is_weighed_less() -> None:
    assert run(leads_a_session=True)[-1] == "10"
    assert run(leads_a_session=False)[-1] == weight_of_session()
