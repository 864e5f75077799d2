"""The list compiler: a process of its own that reads cached lists and writes an index, and is gone afterwards.

What it needs of memory and time is never the gateway's: it runs at low priority, within limits, and a list that
kills it kills nothing else. The job comes as JSON on standard input, the report goes as JSON to standard output.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from filters.index_builder import ListInput, build_index
from filters.list_parser import parse_list
from rules.errors import SchoolgateError

MEMORY_LIMIT_OCTETS: Final = 2 * 1024**3
NICENESS: Final = 10
BLOCK_OCTETS: Final = 256 * 1024


class _Blocks:
    """The octets of a file, block by block, as often as somebody iterates."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb", buffering=0) as file:
            while block := file.read(BLOCK_OCTETS):
                yield block


def run_job(job: dict[str, Any]) -> dict[str, float]:
    """Compile, in this process; gives what `agent.publisher.CompileReport` holds.

    Raises:
        OSError: a list cannot be read or the index not written.
        ListRejectedError: the lists do not fit into an index.
    """
    began_at = time.monotonic()
    files = [(each["name"], file) for each in job["lists"] for file in each["files"]]
    built = build_index([_input(name, file, tag) for name, file in files for tag in file["tags"]])
    with Path(job["output"]).open("wb") as output:
        output.write(built.octets)
        output.flush()
        os.fsync(output.fileno())
    return {
        "name_count": built.name_count,
        "rules_left_out": built.rules_left_out,
        "seconds": round(time.monotonic() - began_at, 3),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def _input(list_name: str, file: dict[str, Any], tag: str) -> ListInput:
    blocks = _Blocks(file["path"])
    read = partial(parse_list, blocks, file=file["shown_as"], format=file["format"])
    return ListInput(list_name, tag, read, size_hint=sum(block.count(b"\n") for block in blocks) + 1)


def main() -> int:
    """Read the job, compile, tell."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_OCTETS, MEMORY_LIMIT_OCTETS))
    try:
        report = run_job(json.load(sys.stdin))
    except (SchoolgateError, OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except MemoryError:
        sys.stderr.write(f"the lists need more than {MEMORY_LIMIT_OCTETS // 1024**2} MB\n")
        return 2
    json.dump(report, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
