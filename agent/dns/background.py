"""Work that must never be in the way of an answer.

A worker sleeps until a query comes, and is to run the moment it comes. Since Linux 6.6 whoever runs may finish his
slice of some milliseconds first, unless he runs under SCHED_IDLE; and that holds only between processes of one
session, because each session is a group of its own to the scheduler. So whatever works beside the workers of a
gateway stays in the gateway's session.

Source: sched(7), "The autogroup feature" and SCHED_IDLE.
"""

import contextlib
import os
from pathlib import Path
from typing import Final

_OWN_GROUP: Final = Path("/proc/self/autogroup")
# A tenth of the weight that other sessions have: even beside a gateway that is never idle the work comes to an end.
_NICE_SESSION: Final = "10"


def step_back() -> None:
    """Let this thread, and what it starts, run only while nobody else wants the processor."""
    with contextlib.suppress(OSError):
        os.nice(19)
    if hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def weigh_session_less() -> None:
    """Let the session that this process leads, if it leads one, give way to other sessions."""
    if os.getsid(0) == os.getpid() and _OWN_GROUP.exists():
        with contextlib.suppress(OSError):
            _OWN_GROUP.write_text(_NICE_SESSION, encoding="ascii")


def has_stepped_back() -> bool:
    """Say whether this thread, and so whatever it starts, runs only while nobody else wants to."""
    return hasattr(os, "SCHED_IDLE") and os.sched_getscheduler(0) == os.SCHED_IDLE
