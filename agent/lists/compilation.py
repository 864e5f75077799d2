"""The compilation of lists, seen from the process that wants it: the job goes to a child, the report comes back.

The child is `agent.lists.list_compiler`; what it imports, and all that it needs, is no part of this process.
"""

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.dns.background import has_stepped_back
from agent.lists.list_inputs import IndexList
from rules.errors import IndexUnusableError, StorageError

COMPILE_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class CompileReport:
    """What came of a compilation: names in the index, rules that had no room, and what it cost.

    `lists` says of each list how many `entries` it brought, how many of them were `repeated` (known already from a
    line or list before it), and the lines `not_used` by reason.
    """

    name_count: int
    rules_left_out: int
    seconds: float
    peak_memory_bytes: int
    lists: Mapping[str, Mapping[str, Any]]


def compile_lists(
    lists: Sequence[IndexList],
    output: Path,
    *,
    on_progress: Callable[[int, int], None] = lambda *_: None,
    seconds: float = COMPILE_SECONDS,
) -> CompileReport:
    """Compile lists into an index file, in a child process.

    Args:
        lists: what the index is made of.
        output: the file to write.
        on_progress: is told how many lines have been taken, and how many there are.
        seconds: how long it may take.

    Raises:
        IndexUnusableError: the compiler failed, or ran out of time or memory.
        StorageError: the index had no room on the disk.
    """
    job = json.dumps({"output": str(output), "progress": True, "lists": list(map(_as_job, lists))}).encode()
    said: dict[str, Any] = {}
    with (
        subprocess.Popen(
            [sys.executable, "-P", "-m", "agent.lists.list_compiler"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=not has_stepped_back(),
        ) as child,
        _killed_after(seconds, child) as has_expired,
    ):
        if child.stdin is None or child.stdout is None:
            raise AssertionError("both pipes were asked for")
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(job)
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
        for line in child.stdout:
            with contextlib.suppress(ValueError):
                said = json.loads(line)
            if "lines" in said:
                on_progress(said["lines"], said["of"])
        status = child.wait()
    if status == 0 and "report" in said:
        return CompileReport(**said["report"])
    if has_expired():
        raise IndexUnusableError(f"the list compiler needed more than {seconds:g} s and was ended")
    fault = said.get("fault", "it did not say why")
    if said.get("is_about_storage"):
        raise StorageError(fault)
    if status < 0:
        raise IndexUnusableError(f"the list compiler was ended by {signal.Signals(-status).name}")
    raise IndexUnusableError(f"the list compiler gave up: {fault}")


def _as_job(each: IndexList) -> dict[str, Any]:
    return {
        "name": each.name,
        "files": [
            {"path": str(file.path), "shown_as": file.shown_as, "format": file.format, "tags": list(file.tags)}
            for file in each.files
        ],
    }


@contextlib.contextmanager
def _killed_after(seconds: float, child: "subprocess.Popen[bytes]") -> Iterator[Callable[[], bool]]:
    """Let no child live longer than this, or than the block; gives what says whether its time had run out."""
    expired = threading.Event()

    def kill() -> None:
        expired.set()
        child.kill()

    timer = threading.Timer(seconds, kill)
    timer.daemon = True
    timer.start()
    try:
        yield expired.is_set
    finally:
        timer.cancel()
        child.kill()
