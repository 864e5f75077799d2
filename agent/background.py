"""Work that must never be in the way of an answer."""

import contextlib
import os


def step_back() -> None:
    """Let this process run only while nobody else wants the processor.

    A low priority alone is not enough: since Linux 6.6 whoever runs may finish his slice of some milliseconds before
    somebody who has woken up gets his turn, and a query waits that long. Source: sched(7), SCHED_IDLE.
    """
    with contextlib.suppress(OSError):
        os.nice(19)
    if hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
