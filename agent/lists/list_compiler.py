"""The list compiler: a process of its own that reads cached lists and writes an index, and is gone afterwards.

What it needs of memory and time is never the gateway's: it runs at low priority, within limits, and a list that
kills it kills nothing else. The job comes as JSON on standard input. On standard output go lines of JSON: how far it
has come, if the job asks for that, and last a report or a fault.
"""

import contextlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from io import RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, Final

from agent.dns.background import step_back, weigh_session_less
from filters.index_builder import BuiltIndex, ListInput, build_index
from filters.list_parser import parse_list
from rules.errors import SchoolgateError, StorageError

MEMORY_LIMIT_OCTETS: Final = 2 * 1024**3
BLOCK_OCTETS: Final = 256 * 1024
PROGRESS_SECONDS: Final = 0.2
# Formats in which nothing can be excepted.
NAMES_ONLY: Final = frozenset({"domains", "hosts", "squidguard-domains"})


class _Blocks:
    """The octets of a file, block by block, as often as somebody iterates."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb", buffering=0) as file:
            while block := file.read(BLOCK_OCTETS):
                yield block


def read_job(job: Any) -> tuple[list[ListInput], Path]:
    """Give the inputs and the output of a job.

    Args:
        job: `lists`, each with its `name` and its `files` (`path`, `shown_as`, `format`, `tags`), and the `output`.

    Raises:
        OSError: a list cannot be read.
        ValueError: the job is not as expected.
    """
    try:
        return [_input(each["name"], file) for each in job["lists"] for file in each["files"]], Path(job["output"])
    except (LookupError, TypeError) as error:
        raise ValueError(f"the job is not as expected ({error!r})") from error


def _input(list_name: str, file: Mapping[str, Any]) -> ListInput:
    blocks = _Blocks(file["path"])
    return ListInput(
        list_name,
        tuple(file["tags"]),
        partial(parse_list, blocks, file=file["shown_as"], format=file["format"]),
        size_hint=sum(block.count(b"\n") for block in blocks) + 1,
        may_except=file["format"] not in NAMES_ONLY,
    )


def compile_inputs(inputs: Sequence[ListInput], output: Path, *, on_lines: Callable[[int, int], None]) -> BuiltIndex:
    """Build an index and write it.

    Args:
        inputs: what it is made of.
        output: where it goes.
        on_lines: is told how many lines have been taken and how many there are.

    Raises:
        OSError: a list cannot be read.
        ListRejectedError: the lists do not fit into an index.
        StorageError: the index cannot be written.
    """
    lines = sum(each.size_hint for each in inputs)
    built = build_index(inputs, on_lines=lambda taken: on_lines(taken, lines))
    _write(output, built)
    return built


def _write(path: Path, built: BuiltIndex) -> None:
    try:
        with path.open("wb") as output:
            output.write(built.octets)
            output.flush()
            os.fsync(output.fileno())
    except OSError as error:
        raise StorageError(f"{path}: the index could not be written ({error.strerror})") from error


class _Teller:
    """Tells on a stream how far the work has come, not more often than somebody wants to know."""

    def __init__(self, stream: BinaryIO | RawIOBase, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._monotonic = monotonic
        self._told_at = float("-inf")

    def __call__(self, lines: int, of: int) -> None:
        now = self._monotonic()
        if now - self._told_at >= PROGRESS_SECONDS:
            self._told_at = now
            self.tell({"lines": lines, "of": max(lines, of)})

    def tell(self, said: Mapping[str, Any]) -> None:
        """Write one line, at once."""
        self._stream.write(f"{json.dumps(said)}\n".encode())


def _peak_memory_bytes() -> int:
    """Say how much memory the process has held; of what started it, `ru_maxrss` would remember the size (proc(5))."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _report(built: BuiltIndex, *, seconds: float) -> dict[str, Any]:
    return {
        "name_count": built.name_count,
        "rules_left_out": built.rules_left_out,
        "seconds": round(seconds, 3),
        "peak_memory_bytes": _peak_memory_bytes(),
        "lists": {
            name: {"entries": brought.entries, "repeated": brought.repeated, "not_used": dict(brought.not_used)}
            for name, brought in built.lists.items()
        },
    }


def run(job: Any, teller: _Teller) -> None:
    """Do a job and tell what came of it."""
    began_at = time.monotonic()
    inputs, output = read_job(job)
    built = compile_inputs(inputs, output, on_lines=teller if job.get("progress") else lambda *_: None)
    teller.tell({"report": _report(built, seconds=time.monotonic() - began_at)})


def _limit_memory() -> int:
    """Take no more memory than this; gives how much, since whoever started this may have set less."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY_LIMIT_OCTETS if most == resource.RLIM_INFINITY else min(most, MEMORY_LIMIT_OCTETS)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    return limit


def main() -> int:
    """Read the job, compile, tell."""
    step_back()
    weigh_session_less()
    limit = _limit_memory()
    # A pipe that breaks means that whoever wanted this is gone.
    with contextlib.suppress(BrokenPipeError), open(sys.stdout.fileno(), "wb", buffering=0, closefd=False) as output:
        return _do(_Teller(output), limit=limit)
    return 2


def _do(teller: _Teller, *, limit: int) -> int:
    try:
        run(json.load(sys.stdin), teller)
    except (SchoolgateError, ValueError) as error:
        teller.tell({"fault": str(error), "is_about_storage": isinstance(error, StorageError)})
    except BrokenPipeError:
        raise
    except OSError as error:
        teller.tell({"fault": f"{error.filename}: the list could not be read ({error.strerror})"})
    except MemoryError:
        teller.tell({"fault": f"the lists need more than {limit // 1024**2} MB of memory"})
    else:
        return 0
    return 2


if __name__ == "__main__":
    sys.exit(main())
