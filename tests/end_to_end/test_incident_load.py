"""Very much at once: 100,000 observations, and 100,000 incidents on file, while people go on working.

What is asserted is twenty times what it takes, or more; the figures are printed.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import pytest
from conftest import Upstream, wait_until
from living_school import School, open_school

from agent.storage.incident_rows import Filed, write_incident
from agent.storage.state import StateStore
from rules.incident import Incident, Level, Reason, State, Track
from rules.incident_kind import Kind, Risk
from rules.observation import Confidence
from rules.roles import Role
from rules.subject import Audience

OBSERVED, OF_PEOPLE = 100_000, 5_000
ON_FILE, OPEN = 100_000, 5_000
PEOPLE = {"cora": Role.ICT_COORDINATOR, "hedda": Role.HEAD_TEACHER}
DEVICES = [f"127.0.1.{number}" for number in range(20, 80)]
COUNTED = "SELECT coalesce(sum(times), 0) FROM observation_counts WHERE what NOT IN ('sign_ins', 'events')"
# As many as one afternoon may bring: each pupil is one candidate at most.
MOST_CANDIDATES = len(DEVICES)
MOST_MEBIBYTES = 300
# The same incident again and again: another number, another pupil, a few minutes later.
MULTIPLY = """WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO incidents SELECT printf('%016x', n), 1000000 + n, version, kind, audience, printf('p-%016x', n % 1200),
    level, confidence, track, CASE WHEN n % (? / ?) THEN 'closed' ELSE 'candidate' END, 60 + n % 40, row,
    opened_at, last_at, filed_at, CASE WHEN n % (? / ?) THEN filed_at END, is_held, erased_at, content, words
FROM incidents, numbers"""


def resident_mebibytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def seconds_of(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.mark.timeout(400)
def test_100_000_observations_at_once(
    tmp_path: Path, upstream: Upstream, stack: ExitStack, capsys: pytest.CaptureFixture[str]
) -> None:
    school = open_school(tmp_path / "site", upstream, stack, people=PEOPLE, pupils=len(DEVICES))
    chance = random.Random(2026)
    begins = datetime.now(UTC) - timedelta(hours=3)
    for pupil, device in zip(school.pupils, DEVICES, strict=True):
        school.sign_in(pupil, device, from_at=begins)
    process = school.interface()
    assert process is not None
    began = time.monotonic()
    for category, many, sites in (("advertising", OBSERVED - OF_PEOPLE, 50_000), ("gambling", OF_PEOPLE, 4_000)):
        times = (begins + number * timedelta(hours=2) / many for number in range(many))
        # None twice in a minute by the same device, so that each is a line of its own.
        asked = [(at, chance.choice(DEVICES), f"s{number % sites}.example") for number, at in enumerate(times)]
        school.store(asked, category=category)
    written, waits, most = time.monotonic(), [], 0.0
    while school.read(COUNTED)[0][0] < OBSERVED:
        assert time.monotonic() < written + 300
        waits.append(seconds_of(school.candidates))
        most = max(most, resident_mebibytes(process))
        time.sleep(0.1)
    took = time.monotonic() - began
    assert school.read(COUNTED) == [(OBSERVED,)], "nothing is lost, and nothing twice"
    told = school.read("SELECT count(*), count(DISTINCT observation) FROM incident_timeline WHERE observation <> ''")
    assert told[0][0] == told[0][1] > 0
    filed = school.read("SELECT count(*) FROM incidents")[0][0]
    assert 0 < filed <= MOST_CANDIDATES
    assert max(waits) < 20
    assert most < MOST_MEBIBYTES
    with capsys.disabled():
        print(  # noqa: T201 (a figure for whoever runs this)
            f"\n{OBSERVED:,} observations came to {filed} candidates in {took:.0f} s; meanwhile the queue was told"
            f" within {median(waits) * 1000:.0f} ms as a rule and {max(waits) * 1000:.0f} ms at most, and the process"
            f" took {most:.0f} MiB at most."
        )


def fill(school: School) -> None:
    """Put very many incidents on file: most are closed."""
    now = datetime.now(UTC)
    incident = Incident(
        id="f" * 16,
        kind=Kind.GAMBLING,
        risk=Risk.COMMERCE,
        audience=Audience.PUPIL,
        subject="p-one",
        level=Level.PERSON,
        confidence=Confidence.B,
        track=Track.ORDINARY,
        state=State.CANDIDATE,
        rows=("P02",),
        intent=70,
        reasons=(Reason("sites", 40, {"sites": 9, "minutes": 6}),),
        against=(),
        opened_at=now,
        last_at=now,
    )
    with closing(StateStore(school.staff.state, clock=lambda: now, busy_seconds=30)) as store, store.act() as act:
        write_incident(act, Filed(incident, number=1, version=1, filed_at=now))
        act.database.execute(MULTIPLY, (ON_FILE - 1, ON_FILE, OPEN, ON_FILE, OPEN))


def test_100_000_incidents_on_file(
    tmp_path: Path, upstream: Upstream, stack: ExitStack, capsys: pytest.CaptureFixture[str]
) -> None:
    school = open_school(tmp_path / "site", upstream, stack, people=PEOPLE)
    fill(school)
    assert school.read("SELECT count(*), total(state = 'candidate') FROM incidents") == [(ON_FILE, OPEN)]
    hedda = school.clients["hedda"]
    first = school.candidates("hedda")[0]
    looks: dict[str, Callable[[], object]] = {
        "the queue": lambda: school.candidates("hedda"),
        "one incident": lambda: school.look("hedda", first),
        "counts": lambda: hedda.get("/incidents/counts"),
        "metrics": school.gateway.metrics,
        "a decision": lambda: school.act("hedda", first, "hold", reason="Somebody asks for it."),
    }
    took = {what: seconds_of(look) for what, look in looks.items()}
    assert hedda.get("/incidents/counts")["by_state"] == {"candidate": OPEN, "closed": ON_FILE - OPEN}
    wait_until(lambda: school.gateway.metrics()["schoolgate_candidates_raised"] == ON_FILE)
    assert all(seconds < 40 for seconds in took.values()), took
    with capsys.disabled():
        figures = ", ".join(f"{what} {seconds * 1000:.0f} ms" for what, seconds in took.items())
        print(f"\nOf {ON_FILE:,} incidents, {OPEN:,} of them open: {figures}.")  # noqa: T201 (a figure for whoever runs this)
