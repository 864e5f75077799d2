"""Stepping back, in a process that can never step forward again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

STEP_BACK = """
import os
from pathlib import Path
from agent.background import has_stepped_back, step_back, weigh_session_less
print(has_stepped_back())
step_back()
step_back()
weigh_session_less()
print(has_stepped_back(), os.getpriority(os.PRIO_PROCESS, 0))
group = Path("/proc/self/autogroup")
print(group.read_text().split()[-1] if group.exists() else "-")
"""


def run(*, leads_a_session: bool) -> list[str]:
    command = [sys.executable, "-c", STEP_BACK]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=30, start_new_session=leads_a_session
    ).stdout.split()


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="only Linux has SCHED_IDLE")
def test_a_process_runs_only_while_nobody_else_wants_to() -> None:
    assert run(leads_a_session=False)[:3] == ["False", "True", "19"]


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel does not weigh sessions")
def test_only_a_session_of_its_own_is_weighed_less() -> None:
    own = Path("/proc/self/autogroup").read_text(encoding="ascii").split()[-1]
    assert run(leads_a_session=True)[-1] == "10"
    assert run(leads_a_session=False)[-1] == own
