"""From questions to candidates on a gateway that runs: who is named, who is not, what is sealed, and `kill -9`."""

import json
import os
import random
import secrets
import signal
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dns.rcode
import pytest
from conftest import RunningGateway, Upstream, make_gateway, wait_until
from signed_in import ALSO_YEAR5, CLASSES, YEAR5, YEAR6, Staff

from agent.client import Client
from agent.outcomes import outcome
from agent.people import People
from agent.pseudonyms import Pseudonyms, device_of
from agent.site import ActivityLevel
from agent.spool import Batch, Row, row_code
from agent.storage.activity import ActivityStore, Keeping
from agent.storage.state import StateStore
from rules.name import DomainName, to_wire
from rules.roles import Role
from rules.verdict import ReasonCode

GAMBLING = tuple(f"{word}-bets.example" for word in ("green", "blue", "red", "white", "black"))
CRIME = "how-to-break-in.example"
HELP = "helpline.example"
KILLS = 4
MINUTE = timedelta(minutes=1)
LONDON = ZoneInfo("Europe/London")
Asked = tuple[datetime, str, str]


class School:
    """A gateway with its interface, a Co-ordinator who is signed in, and pupils."""

    def __init__(self, gateway: RunningGateway, staff: Staff, pupils: Sequence[str], coordinator: Client) -> None:
        self.gateway = gateway
        self.staff = staff
        self.pupils = pupils
        self.coordinator = coordinator

    def sign_in(self, pupil: str, device: str, *, from_at: datetime) -> None:
        """Let a machine tell who signed in."""
        item = {
            "id": secrets.token_hex(8),
            "device": device,
            "account": pupil,
            "kind": "logon",
            "from_at": from_at.isoformat(),
        }
        assert self.coordinator.post("/sign-ins", {"items": [item]})["accepted"] == 1

    def store(self, asked: Sequence[Asked]) -> None:
        """Write down what was asked a while ago, as the intake does."""
        state = self.gateway.folder / "state"
        pseudonyms = Pseudonyms(state / "keys")
        code = row_code(outcome("pupil", "blocked", "gambling", 0), ReasonCode.POLICY)
        with closing(
            ActivityStore(
                state / "activity",
                timezone=LONDON,
                keeping=Keeping(ActivityLevel.BLOCKED, frozenset()),
                pseudonym_of=lambda address, day: pseudonyms.pseudonym(device_of(address, {}), day),
            )
        ) as store:
            by_day: dict[Any, list[Batch]] = {}
            for number, (at, device, name) in enumerate(asked, start=1):
                row = Row(ip_address(device).packed, to_wire(DomainName(name)), code, 1)
                batch = Batch("by-hand", number, at.timestamp(), [row])
                by_day.setdefault(at.astimezone(LONDON).date(), []).append(batch)
            for day, batches in by_day.items():
                store.store_rows(day, batches)

    def read(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.staff.state}?mode=ro", uri=True, timeout=10)) as database:
            return database.execute(query, values).fetchall()

    def candidates(self) -> list[dict[str, Any]]:
        """Give what waits for the Co-ordinator."""
        items: list[dict[str, Any]] = self.coordinator.get("/incidents")["items"]
        return items

    def device(self, address: str) -> str:
        pseudonyms = Pseudonyms(self.gateway.folder / "state" / "keys")
        return pseudonyms.pseudonym(device_of(ip_address(address).packed, {}), datetime.now(LONDON).date())


@pytest.fixture
def school(tmp_path: Path, upstream: Upstream) -> Iterator[School]:
    gateway = make_gateway(tmp_path / "site", upstream, change=CLASSES)
    (gateway.folder / "lists" / "gambling.txt").write_text("\n".join(GAMBLING))
    (gateway.folder / "lists" / "criminal_activity.txt").write_text(CRIME)
    staff = Staff.of(gateway, cora=Role.ICT_COORDINATOR, hedda=Role.HEAD_TEACHER)
    with closing(StateStore(staff.state, clock=lambda: datetime.now(UTC))) as store, store.act() as act:
        people = People(store)
        pupils = [people.open(act, f"Pupil {number}", (Role.PUPIL,), actor="system").id for number in range(60)]
    gateway.start()
    with ExitStack() as stack:
        stack.callback(gateway.stop)
        staff.wait_for_interface()
        yield School(gateway, staff, pupils, stack.enter_context(staff.client("cora")))


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
    pseudonym = Pseudonyms(gateway.folder / "state" / "keys").person(school.pupils[0], datetime.now(LONDON).date())
    assert kept[:2] == (pseudonym, "B")
    assert "network_log_on" in kept[2]
    asked = school.read(
        "SELECT personal FROM incident_timeline JOIN incidents ON id = incident WHERE kind = 'gambling' ORDER BY at"
    )
    assert [json.loads(row[0])["name"] for row in asked] == list(GAMBLING)

    # Who is not known stays a device, and a helpline is nobody's business.
    notes = school.read("SELECT DISTINCT subject FROM incident_notes")
    assert [row[0] for row in notes] == [school.device(ALSO_YEAR5)]
    assert len(school.read("SELECT 1 FROM incidents")) == 2
    assert not any(HELP in text for text in everything(school).values())

    # What was asked for stands in the part that can be erased, and nowhere else.
    outside = [gateway.log.read_text(), gateway.get("/metrics")[1], str(school.candidates())]
    outside += [text for table, text in everything(school).items() if table != "incident_timeline"]
    outside += [
        "\n".join(map(str, school.read("SELECT what, actor, content, evidence, hash FROM incident_timeline")))
    ]
    for text in outside:
        assert CRIME not in text
        assert "bets.example" not in text
    assert CRIME in everything(school)["incident_timeline"]
    metrics = gateway.metrics()
    assert metrics['schoolgate_incidents{row="P02",state="candidate"}'] == 1
    assert metrics["schoolgate_candidates_raised"] == 1, "what is sealed is in no number"


def everything(school: School) -> dict[str, str]:
    """Give all that is stored, by table."""
    tables = [row[0] for row in school.read("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return {table: "\n".join(map(str, school.read(f"SELECT * FROM {table}"))) for table in tables}  # noqa: S608 (names of tables)


def interface(school: School) -> int | None:
    return next(iter(school.gateway.children("agent.api.server")), None)


def has_more(school: School, taken: int) -> bool:
    return counted(school) > taken


def counted(school: School) -> int:
    query = "SELECT coalesce(sum(times), 0) FROM observation_counts WHERE what NOT IN ('sign_ins', 'events')"
    return int(school.read(query)[0][0])


@pytest.mark.timeout(240)
def test_kill_9_in_the_middle_neither_loses_nor_doubles_anything(school: School) -> None:
    chance = random.Random(2026)
    begins = datetime.now(UTC) - timedelta(hours=2)
    devices = [f"127.0.1.{number}" for number in range(20, 80)]
    items = [
        {"id": f"sign-in-{device}", "device": device, "account": pupil, "from_at": begins.isoformat()}
        for device, pupil in zip(devices, school.pupils, strict=True)
    ]
    assert school.coordinator.post("/sign-ins", {"items": items})["accepted"] == len(devices)
    asked = [
        (begins + number * timedelta(seconds=2), chance.choice(devices), f"site{chance.randrange(4_000)}.example")
        for number in range(2_500)
    ]
    school.store(asked)
    kills = 0
    while kills < KILLS and counted(school) < len(asked):
        taken = counted(school)
        wait_until(partial(has_more, school, taken), seconds=60)
        time.sleep(chance.uniform(0, 0.4))
        if (pid := interface(school)) is not None and counted(school) < len(asked):
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
