"""Turns of a worker, on the kernel that this runs on."""

import os
import subprocess
import sys
import threading

import pytest

from agent.dns.promptness import TURN_NANOSECONDS, take_short_turns


def test_nothing_else_about_a_thread_changes() -> None:
    before = os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0)
    said: list[bool] = []
    thread = threading.Thread(target=lambda: said.append(take_short_turns()))
    thread.start()
    thread.join()
    assert len(said) == 1
    assert (os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0)) == before


def test_the_kernel_knows_of_it() -> None:
    if tuple(map(int, os.uname().release.split(".")[:2])) < (6, 12):
        pytest.skip("before Linux 6.12 all turns are as long")
    code = "from agent.dns.promptness import take_short_turns as take; take(); print(open('/proc/self/sched').read())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    turns = {
        line.split(":")[0].strip(): line.split(":")[1].strip() for line in run.stdout.splitlines() if ":" in line
    }
    if "se.slice" not in turns:
        pytest.skip("this kernel shows no turns")
    assert float(turns["se.slice"]) in {TURN_NANOSECONDS, TURN_NANOSECONDS / 1e6}


def test_where_another_class_was_chosen_it_stays() -> None:
    code = (
        "import os; from agent.dns.promptness import take_short_turns;"
        "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0));"
        "print(take_short_turns(), os.sched_getscheduler(0) == os.SCHED_BATCH)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert run.stdout.split() == ["False", "True"]
