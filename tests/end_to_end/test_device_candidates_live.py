"""From signed batches to candidates on a gateway that runs: what a laptop tells is somebody's case once, or nobody's.

Each story has a person of its own: one account at two laptops at once is nobody's doing.
"""

import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec
import pytest
from conftest import Upstream, wait_until
from laptops_of_test import session, stick, writes
from living_school import LONDON, MINUTE, School, open_school
from signed_laptops import Laptop, laptop_of

from agent.dns.askers import Report, read_report, read_wanted, report_path
from agent.storage.state import StateStore
from rules.roles import Role

# An address of the staff, one of a class, and one of a device that is no laptop of the school.
STAFF, ASKING, OTHER = "127.0.0.2", "127.0.1.161", "127.0.1.177"
GRACE_SECONDS = 4
NOTHING = timedelta(0)
BYPASS: Mapping[str, Any] = {
    "kind": "bypass",
    "signals": 2,
    "is_weak": False,
    "found": [{"signal": "tunnel_way_out", "what": "wg0", "weak": False}],
    "unseen": {},
}
EXTRA = f"endpoints: {{grace: {GRACE_SECONDS} s, heartbeat: 1 min}}\n"
PEOPLE = {
    "cora": Role.ICT_COORDINATOR,
    "hedda": Role.HEAD_TEACHER,
    "nadia": Role.NETWORK_MANAGER,
    "tess": Role.TEACHER,
    "theo": Role.TEACHER,
    "tara": Role.TEACHER,
    "tina": Role.TEACHER,
    "toby": Role.TEACHER,
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


def test_ways_round_the_filter_and_one_account_at_two_laptops(school: School) -> None:
    one, other = laptop_of(school, address=STAFF), laptop_of(school, address=STAFF)
    one.tell(("session", 25 * MINUTE, session("tara", address="203.0.113.8")), ("bypass", MINUTE, BYPASS))
    wait_until(lambda: candidates(school, "bypass", "tara"), seconds=40)
    (found,) = candidates(school, "bypass", "tara")
    assert found["rows"] == ["S13"]
    other.tell(("session", 15 * MINUTE, session("tara", address="203.0.113.9")))
    other.beat()
    one.beat()
    wait_until(lambda: candidates(school, "account_sharing", "tara"), seconds=40)
    (found,) = candidates(school, "account_sharing", "tara")
    assert found["rows"] == ["S04"]


@pytest.mark.timeout(360)
def test_a_laptop_that_is_on_and_asks_us_nothing_any_more(school: School) -> None:
    silent, asking = laptop_of(school, address=STAFF), laptop_of(school, address=ASKING)
    silent.tell(("session", MINUTE, session("tina", address="203.0.113.10")))
    asking.tell(("session", MINUTE, session("toby", address="203.0.113.11")))
    wait_until(lambda: is_taken(school, silent) and is_taken(school, asking))
    runtime = school.gateway.folder / "runtime"
    addresses = {STAFF: ip_address(STAFF).packed, ASKING: ip_address(ASKING).packed}

    def asked() -> Mapping[bytes, int]:
        school.gateway.ask("a.example", source=OTHER)
        report = read_report(runtime, 0)
        assert report is not None
        return report.asked

    school.gateway.stop()
    # They have been there for an hour.
    now = datetime.now(UTC)
    with closing(StateStore(Path(school.staff.state), clock=lambda: now)) as store, store.act() as act:
        act.database.execute(
            "DELETE FROM device_cases WHERE key = 'laptop' AND device NOT IN (?, ?)", (silent.id, asking.id)
        )
        for laptop in (silent, asking):
            query = "SELECT content FROM device_cases WHERE device = ? AND key = 'laptop'"
            (content,) = act.database.execute(query, (laptop.id,)).fetchone()
            since = {"contact": laptop.address, "contact_since": (now - 60 * MINUTE).isoformat()}
            query = "UPDATE device_cases SET content = ? WHERE device = ? AND key = 'laptop'"
            act.database.execute(query, (json.dumps({**json.loads(content), **since}), laptop.id))
    put_back(runtime, {})
    start(school)
    wait_until(lambda: read_wanted(runtime) == set(addresses.values()), seconds=40)
    for address in addresses:
        school.gateway.ask("a.example", source=address)
    # A worker that was slow to start told this minute without them: the next tells of them.
    wait_until(lambda: asked().keys() == set(addresses.values()), seconds=80)

    school.gateway.stop()
    # With time to start and to ask, before it is told that the one who asks has not.
    put_back(runtime, dict.fromkeys(addresses.values(), int((now - 50 * MINUTE).timestamp())), seconds=20)
    start(school)
    began = int(time.time()) // 60 * 60
    school.gateway.ask("a.example", source=ASKING)
    wait_until(lambda: asked()[addresses[ASKING]] >= began, seconds=80)
    silent.beat()
    asking.beat()
    # Who looks every minute looks at once when it is started.
    kill(school)
    wait_until(lambda: candidates(school, "bypass", "tina"), seconds=80)
    (found,) = candidates(school, "bypass", "tina")
    (shown,) = timeline(school, found["id"])
    assert shown["finding"] == "no_questions"
    assert shown["others"] >= 1
    assert candidates(school, "bypass", "toby") == []

    told = b"".join(path.read_bytes() for path in runtime.iterdir() if path.is_file())
    assert addresses[ASKING] in told
    assert ip_address(OTHER).packed not in told
    of_other = (OTHER.encode(), school.device(OTHER).encode())
    kept = [path for path in school.gateway.folder.rglob("*") if path.is_file()]
    assert [path for path in kept if any(form in path.read_bytes() for form in of_other)] == []


def put_back(runtime: Path, asked: dict[bytes, int], *, seconds: int = 50) -> None:
    """Let the worker have told this so long ago; it tells again when a minute is over."""
    report_path(runtime, 0).write_bytes(msgspec.msgpack.encode(Report(time.time() - seconds, 0, asked)))


def start(school: School) -> None:
    school.gateway.start()
    school.staff.wait_for_interface()
