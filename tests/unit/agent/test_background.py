"""Stepping back, in a process that can never step forward again."""

import os
import subprocess
import sys

STEP_BACK = """
import os
from agent.background import step_back
step_back()
step_back()
print(os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0) if hasattr(os, "SCHED_IDLE") else "-")
"""


def test_a_process_runs_only_while_nobody_else_wants_to() -> None:
    done = subprocess.run([sys.executable, "-c", STEP_BACK], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.split() == ["19", str(getattr(os, "SCHED_IDLE", "-"))]
