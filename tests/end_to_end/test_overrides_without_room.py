"""No room on the disk, or another program at the file, anywhere in the life of an override.

Nothing that was acknowledged is lost, nothing that was refused is there, and what was refused can be done again.
"""

import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from granting import Granting
from parts import small_disk

from agent.storage.record import verify

PROGRAM = Path(__file__).parent / "squeezing.py"
TESTS = Path(__file__).parents[1]
ACTS = {
    *("request", "approve", "narrow", "refuse", "withdraw", "revoke"),
    *("break_glass", "countersign", "end", "sum_up"),
}


@pytest.fixture
def make_disk(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Give a disk of four megabytes, where somebody may mount one."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(small_disk(tmp_path / "small", megabytes=4))


@pytest.mark.parametrize(
    ("squeeze", "told", "least"),
    [
        pytest.param("no_file_grows", r"the disk (is full|reported a fault)", 2, id="a-file-that-cannot-grow"),
        pytest.param("disk_is_full", r"the disk is full", 2, id="a-full-disk"),
        pytest.param("somebody_writes", r"is locked by another program", 1, id="a-locked-file"),
    ],
)
def test_nothing_acknowledged_is_lost_and_nothing_lost_is_acknowledged(
    tmp_path: Path, make_disk: Callable[[], Path], squeeze: str, told: str, least: int
) -> None:
    folder = make_disk() if squeeze == "disk_is_full" else tmp_path
    with Granting.opened(folder):
        pass
    done = subprocess.run(
        [sys.executable, PROGRAM, folder, squeeze],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={"PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
    )
    assert done.returncode == 0, done.stderr
    acknowledged: dict[str, tuple[int, str]] = {}
    refused: defaultdict[str, set[int]] = defaultdict(set)
    for line in done.stdout.splitlines():
        outcome, first, second, rest = line.split(maxsplit=3)
        if outcome == "acknowledged":
            acknowledged[first] = int(second), rest
        else:
            refused[first].add(int(second))
            assert re.search(rf"{told}.*; nothing was stored\.$", rest), rest
    assert refused.keys() == ACTS
    assert all(len(pages) >= least for pages in refused.values()), "refused in the middle of writing, too"
    with Granting.reopened(folder) as school:
        rows = Counter(row["subject"] for row in school.rows())
        filed = school.overrides.list(limit=1_000_000)
        assert {each.override.id: (each.version, each.override.state.value) for each in filed} == acknowledged
        assert {each.override.id: each.version for each in filed} == rows
        with school.store.read() as database:
            verdict = verify(database, anchors_key=None)
    assert verdict.is_whole, verdict.what
    assert verdict.rows == sum(version for version, _ in acknowledged.values())
