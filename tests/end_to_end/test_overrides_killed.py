"""`kill -9` anywhere in the life of an override: nothing acknowledged is lost, nothing half done is left."""

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from granting import Granting

from agent.storage.record import verify

KILLS = 100
PROGRAM = Path(__file__).parent / "approving.py"
TESTS = Path(__file__).parents[1]


@pytest.mark.timeout(300)
def test_a_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    with Granting.opened(tmp_path):
        pass
    chance = random.Random(2026)
    acknowledged: dict[str, tuple[int, str]] = {}
    for _ in range(KILLS):
        with subprocess.Popen(
            [sys.executable, PROGRAM, tmp_path],
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
        ) as program:
            assert program.stdout is not None
            told = [program.stdout.readline()]
            time.sleep(chance.uniform(0, 0.03))
            program.kill()
            told += program.stdout.readlines()
        for line in told:
            if line.endswith("\n"):
                override_id, version, state = line.split()
                acknowledged[override_id] = int(version), state
    assert len(acknowledged) >= KILLS
    with Granting.reopened(tmp_path) as school:
        for override_id, (least, state) in acknowledged.items():
            filed = school.overrides.get(override_id)
            # One act more may have been committed when its acknowledgement was cut off.
            assert filed.version in (least, least + 1)
            assert filed.version > least or filed.override.state.value == state
        rows = Counter(row["subject"] for row in school.rows())
        for filed in school.overrides.list(limit=1_000_000):
            moves = school.overrides.moves(filed.override.id)
            assert filed.version == len(moves) == rows[filed.override.id], "one act is one transaction"
        with school.store.read() as database:
            verdict = verify(database, anchors_key=None)
    assert verdict.is_whole, verdict.what
    assert verdict.rows == sum(rows.values())
