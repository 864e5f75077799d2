"""From signed batches to candidates on a gateway that runs: what a laptop tells is somebody's case once, or nobody's.

Each story has a person of its own: one account at two laptops at once is nobody's doing.
"""

import json
import os
import secrets
import signal
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from conftest import Upstream, wait_until
from laptops_of_test import session, stick, writes
from living_school import LONDON, MINUTE, School, open_school
from signed_laptops import Laptop, laptop_of

from agent.dns.outcomes import outcome
from agent.dns.spool import Batch as Asked
from agent.dns.spool import Row, row_code
from agent.sites.site import ActivityLevel
from agent.storage.activity import ActivityStore, Keeping
from agent.storage.state import StateStore
from rules.name import DomainName, to_wire
from rules.roles import Role
from rules.verdict import ReasonCode

# An address of the staff, and one of somebody else.
STAFF, OTHER = "127.0.0.2", "127.0.0.4"
GRACE_SECONDS = 4
NOTHING = timedelta(0)
BYPASS: Mapping[str, Any] = {
    "kind": "bypass",
    "signals": 2,
    "is_weak": False,
    "found": [{"signal": "tunnel_way_out", "what": "wg0", "weak": False}],
    "unseen": {},
}
EXTRA = f"""
endpoints: {{grace: {GRACE_SECONDS} s, heartbeat: 1 min}}
retention: {{activity: all, reason: We look for laptops that ask somebody else.}}
"""
PEOPLE = {
    "cora": Role.ICT_COORDINATOR,
    "hedda": Role.HEAD_TEACHER,
    "nadia": Role.NETWORK_MANAGER,
    "tess": Role.TEACHER,
    "theo": Role.TEACHER,
    "tara": Role.TEACHER,
    "tina": Role.TEACHER,
}


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[School]:
    with ExitStack() as stack:
        yield open_school(tmp_path_factory.mktemp("laptops") / "site", upstream, stack, people=PEOPLE, extra=EXTRA)


def candidates(school: School, kind: str, name: str | None = None) -> list[dict[str, Any]]:
    """Give the candidates of a kind, about somebody."""
    subject = None if name is None else school.person(school.staff.people[name])
    return [each for each in school.candidates() if each["kind"] == kind and subject in {None, each["subject"]}]


def timeline(school: School, incident: str) -> list[dict[str, Any]]:
    query = "SELECT content, personal FROM incident_timeline WHERE incident = ? AND observation <> '' ORDER BY number"
    return [{**json.loads(content), **json.loads(personal)} for content, personal in school.read(query, incident)]


def is_taken(school: School, laptop: Laptop) -> bool:
    """Say whether everything that a laptop told was taken and weighed."""
    path = Path(school.staff.state).with_name("fleet.db")
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)) as database:
        (stored,) = database.execute("SELECT max(number) FROM events").fetchone()
        (last,) = database.execute(
            "SELECT max(seq) FROM events JOIN streams ON stream = streams.number WHERE device = ?", (laptop.id,)
        ).fetchone()
    taken = school.read("SELECT coalesce(max(position), 0) FROM observed WHERE source LIKE 'fleet-%'")[0][0]
    waiting = school.read("SELECT count(*) FROM told_events WHERE content IS NOT NULL")[0][0]
    return bool(last == laptop.sequence and taken >= stored and not waiting)


def kill(school: School) -> None:
    """Let nothing of the interface end as it should."""
    before = school.interface()
    assert before is not None
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: school.interface() not in {None, before}, seconds=40)
    school.staff.wait_for_interface()


@pytest.mark.timeout(240)
def test_a_plain_stick_becomes_one_candidate_with_all_its_evidence_whoever_is_killed(school: School) -> None:
    laptop = laptop_of(school, address=STAFF)
    laptop.tell(("session", MINUTE, session("tess", address=STAFF)), ("media_inserted", NOTHING, stick()))
    laptop.tell(
        ("notice_shown", NOTHING, {"device": "sdb1", "insertion": "17", "shown": True, "text": "Not encrypted."})
    )
    wait_until(lambda: is_taken(school, laptop))
    assert candidates(school, "media") == [], "whoever uses it was told, and has a moment"
    kill(school)
    laptop.tell(("writes", NOTHING, writes(1000, since=0.0, until=1.0)))
    time.sleep(GRACE_SECONDS)
    kill(school)
    laptop.beat()
    wait_until(lambda: candidates(school, "media", "tess"), seconds=40)
    kill(school)
    laptop.tell(("media_removed", NOTHING, stick()), ("heartbeat", NOTHING, {}))
    wait_until(lambda: is_taken(school, laptop))

    (found,) = candidates(school, "media")
    assert (found["rows"], found["audience"]) == (["S05"], "staff")
    (shown,) = timeline(school, found["id"])
    assert (shown["crypt"], shown["files"], shown["bytes"]) == ("plain", 1000, 1_000_000)
    assert (shown["notice"], shown["notice_text"], shown["confidence"]) == ("shown", "Not encrypted.", "A")
    assert (shown["medium"], shown["usb"], shown["laptop"]) == ("DataTraveler", "0951:1666", "Deputy head")
    proof = json.loads(shown["proof"])
    assert [each["kind"] for each in proof] == ["media_inserted", "notice_shown", "writes"]
    assert all(each["event"].startswith(f"{laptop.id}/{laptop.epoch}/") and each["hash"] for each in proof)
    looked = school.look("cora", found)
    assert looked["rows"] == ["S05"]
    assert school.read("SELECT crypt FROM media_proofs WHERE which = 'worst'") == [("plain",)]


@pytest.mark.timeout(240)
def test_an_exception_that_was_asked_for_at_the_laptop_and_allowed_lets_it_pass(school: School) -> None:
    laptop = laptop_of(school, address=STAFF)
    usb = {"vendor": "0951", "product": "1667", "serial": "FIELDTRIP1", "name": "DataTraveler"}
    until = (datetime.now(LONDON) + timedelta(days=7)).date().isoformat()
    asked = {"account": "theo", "words": "Photographs of the trip", "until": until, "media": [{"usb": usb}]}
    laptop.tell(("session", MINUTE, session("theo", address=STAFF)), ("exception_asked", NOTHING, asked))

    def waiting() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = school.clients["hedda"].get("/media/exceptions")["items"]
        return [each for each in items if each["state"] == "waiting"]

    wait_until(waiting, seconds=40)
    (exception,) = waiting()
    number, version = exception["number"], exception["version"]
    school.clients["hedda"].post(f"/media/exceptions/{number}/allow", {}, version=version)
    laptop.tell(("media_inserted", NOTHING, stick(usb=usb)), ("writes", NOTHING, writes(9)))
    time.sleep(GRACE_SECONDS + 1)
    laptop.beat()
    wait_until(lambda: is_taken(school, laptop))
    wait_until(lambda: "excepted" in str(school.read("SELECT content FROM device_cases WHERE device = ?", laptop.id)))
    assert candidates(school, "media", "theo") == []


@pytest.mark.timeout(120)
def test_ways_round_the_filter_and_one_account_at_two_laptops(school: School) -> None:
    one, other = laptop_of(school, address=STAFF), laptop_of(school, address=STAFF)
    one.tell(("session", 9 * MINUTE, session("tara", address="203.0.113.8")), ("bypass", MINUTE, BYPASS))
    wait_until(lambda: candidates(school, "bypass", "tara"), seconds=40)
    (found,) = candidates(school, "bypass", "tara")
    assert found["rows"] == ["S13"]
    other.tell(("session", 5 * MINUTE, session("tara", address="203.0.113.9")))
    one.beat()
    wait_until(lambda: candidates(school, "account_sharing", "tara"), seconds=40)
    (found,) = candidates(school, "account_sharing", "tara")
    assert found["rows"] == ["S04"]


@pytest.mark.timeout(240)
def test_a_laptop_that_is_on_and_asks_us_nothing_any_more(school: School) -> None:
    laptop = laptop_of(school, address=STAFF)
    laptop.tell(("session", MINUTE, session("tina", address="203.0.113.10")))
    wait_until(lambda: is_taken(school, laptop))
    school.gateway.stop()
    now = datetime.now(UTC)
    with (
        closing(StateStore(Path(school.staff.state), clock=lambda: now)) as store,
        store.act() as act,
    ):
        # It has been there for an hour.
        (content,) = act.database.execute(
            "SELECT content FROM device_cases WHERE device = ? AND key = 'laptop'", (laptop.id,)
        ).fetchone()
        since = {"contact": STAFF, "contact_since": (now - 60 * MINUTE).isoformat()}
        act.database.execute(
            "UPDATE device_cases SET content = ? WHERE device = ? AND key = 'laptop'",
            (json.dumps({**json.loads(content), **since}), laptop.id),
        )
        act.database.execute("DELETE FROM device_cases WHERE key = 'laptop' AND device <> ?", (laptop.id,))
    ask(school, (STAFF, 50 * MINUTE), (OTHER, NOTHING))
    school.gateway.start()
    school.staff.wait_for_interface()
    laptop.beat()
    wait_until(lambda: candidates(school, "bypass", "tina"), seconds=60)
    (found,) = candidates(school, "bypass", "tina")
    (shown,) = timeline(school, found["id"])
    assert shown["finding"] == "no_questions"
    assert shown["others"] >= 1


def ask(school: School, *asked: tuple[str, timedelta]) -> None:
    """Write down who asked how long ago for what nobody blocks, as the intake does."""
    code = row_code(outcome("staff", "allowed", "", 0), ReasonCode.POLICY)
    with closing(
        ActivityStore(
            school.gateway.folder / "state" / "activity",
            timezone=LONDON,
            keeping=Keeping(ActivityLevel.ALL, frozenset()),
            pseudonym_of=lambda address, day: school.pseudonyms.pseudonym(str(ip_address(address)), day),
        )
    ) as store:
        for number, (address, ago) in enumerate(asked, start=1):
            at = datetime.now(LONDON) - ago
            row = Row(ip_address(address).packed, to_wire(DomainName("a.example")), code, 1)
            store.store_rows(at.date(), [Asked(secrets.token_hex(4), number, at.timestamp(), [row])])
