"""From questions to candidates on a gateway that runs: who is named, who is not, what is sealed, and `kill -9`."""

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import dns.rcode
import pytest
from conftest import Upstream, wait_until
from living_school import MINUTE, Asked, School, open_school
from signed_in import ALSO_YEAR5, YEAR5, YEAR6

from rules.roles import Role

GAMBLING = tuple(f"{word}-bets.example" for word in ("green", "blue", "red", "white", "black"))
CRIME = "how-to-break-in.example"
HELP = "helpline.example"
KILLS = 4
DEVICES = [f"127.0.1.{number}" for number in range(20, 80)]


@pytest.fixture
def school(tmp_path: Path, upstream: Upstream) -> Iterator[School]:
    with ExitStack() as stack:
        yield open_school(
            tmp_path / "site",
            upstream,
            stack,
            people={"cora": Role.ICT_COORDINATOR},
            pupils=len(DEVICES),
            lists={"gambling": GAMBLING, "criminal_activity": [CRIME]},
        )


def tries(device: str, *, ago: timedelta = 14 * MINUTE) -> list[Asked]:
    """Ask for five sites, one a minute."""
    begins = datetime.now(UTC) - ago
    return [(begins + number * MINUTE, device, name) for number, name in enumerate(GAMBLING)]


def test_who_is_known_is_a_candidate_who_is_not_is_a_device_and_what_is_illegal_is_sealed(school: School) -> None:
    gateway = school.gateway
    school.sign_in(school.pupils[0], YEAR5, from_at=datetime.now(UTC) - timedelta(hours=1))
    school.store([*tries(YEAR5), *tries(ALSO_YEAR5)])
    assert gateway.ask(HELP, source=YEAR5).rcode() == dns.rcode.NOERROR
    assert gateway.ask(CRIME, source=YEAR6).rcode() == dns.rcode.NXDOMAIN
    began = time.monotonic()
    wait_until(lambda: school.read("SELECT 1 FROM incidents WHERE track = 'sealed'"))
    sealed_after = time.monotonic() - began
    wait_until(lambda: school.read("SELECT 1 FROM incidents WHERE kind = 'gambling'"))
    assert sealed_after < 15

    (candidate,) = [each for each in school.candidates() if each["kind"] == "gambling"]
    assert candidate["rows"] == ["P02"]
    look = {"purpose": "Deciding about this case", "case": candidate["number"]}
    shown = school.coordinator.get(f"/incidents/{candidate['id']}", look)
    assert "sites" in {reason["code"] for reason in shown["reasons"]}
    assert all(reason["text"] for reason in shown["reasons"])
    (kept,) = school.read("SELECT subject, confidence, content FROM incidents WHERE kind = 'gambling'")
    assert kept[:2] == (school.person(school.pupils[0]), "B")
    assert "network_log_on" in kept[2]
    asked = school.read(
        "SELECT personal FROM incident_timeline JOIN incidents ON id = incident WHERE kind = 'gambling' ORDER BY at"
    )
    assert [json.loads(row[0])["name"] for row in asked] == list(GAMBLING)

    # Who is not known stays a device, and a helpline is nobody's business.
    notes = school.read("SELECT DISTINCT subject FROM incident_notes")
    assert [row[0] for row in notes] == [school.device(ALSO_YEAR5)]
    assert len(school.read("SELECT 1 FROM incidents")) == 2
    assert not any(HELP in text for text in school.everything().values())

    # What was asked for stands in the part that can be erased, and nowhere else.
    outside = [gateway.log.read_text(), gateway.get("/metrics")[1], str(school.candidates())]
    outside += [text for table, text in school.everything().items() if table != "incident_timeline"]
    outside += [
        "\n".join(map(str, school.read("SELECT what, actor, content, evidence, hash FROM incident_timeline")))
    ]
    for text in outside:
        assert CRIME not in text
        assert "bets.example" not in text
    assert CRIME in school.everything()["incident_timeline"]
    metrics = gateway.metrics()
    assert metrics['schoolgate_incidents{row="P02",state="candidate"}'] == 1
    assert metrics["schoolgate_candidates_raised"] == 1, "what is sealed is in no number"


def has_more(school: School, taken: int) -> bool:
    return counted(school) > taken


def counted(school: School) -> int:
    query = "SELECT coalesce(sum(times), 0) FROM observation_counts WHERE what NOT IN ('sign_ins', 'events')"
    return int(school.read(query)[0][0])


def test_kill_9_in_the_middle_neither_loses_nor_doubles_anything(school: School) -> None:
    chance = random.Random(2026)
    begins = datetime.now(UTC) - timedelta(hours=2)
    items = [
        {"id": f"sign-in-{device}", "device": device, "account": pupil, "from_at": begins.isoformat()}
        for device, pupil in zip(DEVICES, school.pupils, strict=True)
    ]
    assert school.coordinator.post("/sign-ins", {"items": items})["accepted"] == len(DEVICES)
    asked = [
        (begins + number * timedelta(seconds=2), chance.choice(DEVICES), f"site{chance.randrange(4_000)}.example")
        for number in range(2_500)
    ]
    school.store(asked)
    kills = 0
    while kills < KILLS and counted(school) < len(asked):
        taken = counted(school)
        wait_until(partial(has_more, school, taken), seconds=60)
        time.sleep(chance.uniform(0, 0.4))
        if (pid := school.interface()) is not None and counted(school) < len(asked):
            os.kill(pid, signal.SIGKILL)
            kills += 1
    assert kills >= 2, "it was over before anybody was killed"
    wait_until(lambda: counted(school) >= len(asked), seconds=120)
    wait_until(lambda: school.read("SELECT 1 FROM observed WHERE source LIKE 'activity%' AND position > 0"))
    assert counted(school) == len(asked), "each once"
    came = dict(school.read("SELECT what, sum(times) FROM observation_counts GROUP BY what"))
    assert came["opens"] == len(school.read("SELECT 1 FROM incidents"))
    told = school.read("SELECT count(*), count(DISTINCT observation) FROM incident_timeline WHERE observation <> ''")
    assert told[0][0] == told[0][1] > 0
