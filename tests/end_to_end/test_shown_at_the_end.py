"""One lesson as it was promised to be shown: the commands that people type, and dig as the devices of two classes."""

import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from conftest import RunningGateway, Upstream, make_gateway, wait_until
from parts import need
from signed_in import CLASSES, YEAR5, YEAR6, Staff

from rules.roles import Role

PAGE = "https://casino.example/odds?lang=en"
REASON = "We compare how odds are advertised in mathematics."
EVERY_ROLE = tuple(role for role in Role if role is not Role.PUPIL)
# A lesson that began a while ago and has so long to go, at the least; bells ring by the minute.
BEGAN, TO_GO = timedelta(minutes=4, seconds=50), timedelta(seconds=60)


def where_it_is_noon(now: datetime) -> str:
    """Name a zone without summer time in which no lesson of this hour passes midnight."""
    return f"Etc/GMT{now.hour - 12:+d}"


@dataclass
class Shown:
    """A school in a lesson: a teacher who holds every role and a second account, and a network manager."""

    gateway: RunningGateway
    staff: Staff
    ends_at: datetime
    asked: str = ""

    def dig(self, source: str) -> str:
        """Ask as a device; gives the status, or the address where there is one."""
        words = [f"-b{source}", "@127.0.0.1", f"-p{self.gateway.port}", "+tries=1", "casino.example"]
        done = subprocess.run([need("dig"), *words], capture_output=True, text=True, timeout=15, check=True)
        addresses = re.findall(r"IN\s+A\s+(\S+)$", done.stdout, re.MULTILINE)
        (status,) = re.findall(r"status: (\w+)", done.stdout)
        return str(addresses[0] if addresses else status)

    def explain(self, source: str) -> str:
        return self.gateway.run("explain", PAGE, "--as", source).stdout


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Shown]:
    now = datetime.now(UTC)
    zone = where_it_is_noon(now)
    ends_at = (now + TO_GO + timedelta(minutes=1)).replace(second=0, microsecond=0)
    begins, ends = ((at.astimezone(ZoneInfo(zone)).strftime("%H:%M")) for at in (now - 2 * BEGAN, ends_at))
    lesson = f'lessons: {{windows: [{{days: mon-sun, from: "{begins}", to: "{ends}"}}]}}'
    gateway = make_gateway(
        tmp_path_factory.mktemp("shown") / "site",
        upstream,
        extra="workers: 2\n",
        change=CLASSES | {"Europe/London": zone, "schedules:\n": f"schedules:\n  {lesson}\n"},
    )
    staff = Staff.of(gateway, nora=Role.NETWORK_MANAGER)
    staff.enrol("tess", *EVERY_ROLE)
    staff.enrol("deputy", also="tess")
    gateway.start()
    staff.wait_for_interface()
    yield Shown(gateway, staff, ends_at)
    gateway.stop()


def test_a_teacher_signs_in_asks_for_one_class_and_this_lesson_and_sees_it_waiting(shown: Shown) -> None:
    staff = shown.staff
    for login in ("tess", "deputy", "nora"):
        done = staff.sign_in(login)
        assert (done.returncode, done.stderr) == (0, "")
    began = (datetime.now(UTC) - BEGAN).isoformat()
    words = ("override", "request", PAGE, "--for", "year5", "--from", began, "--until", "this lesson")
    done = staff.run("tess", *words, "--reason", REASON, "--topic", "Probability")
    assert done.returncode == 0, done.stderr
    assert "this lifts: gambling." in done.stdout
    assert "was reduced to its host, casino.example" in done.stdout
    (asked,) = json.loads(staff.run("tess", "override", "list", "--json").stdout)
    shown.asked = asked["id"]
    assert datetime.fromisoformat(asked["until_at"]) == shown.ends_at, "when the bell rings"
    listed = staff.run("tess", "override", "list").stdout
    assert re.search(rf"{shown.asked}\s+waiting\s+casino\.example\s+year5\s", listed)
    assert shown.dig(YEAR5) == shown.dig(YEAR6) == "NXDOMAIN"


def test_the_same_person_fails_to_approve_it_by_every_role_and_account(shown: Shown) -> None:
    tries = [("tess", "approve"), ("deputy", "approve"), ("deputy", "narrow", "--until", "10m", "--reason", REASON)]
    for login, move, *options in tries:
        done = shown.staff.run(login, "override", move, shown.asked, *options)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("You asked for this override yourself, so somebody else must decide")
    assert json.loads(shown.staff.run("tess", "override", "show", shown.asked, "--json").stdout)["state"] == "waiting"
    refused = json.loads(shown.staff.run("tess", "audit", "show", "--kind", "rule_refused", "--json").stdout)
    tried = [(row["actor"], row["subject"]) for row in refused]
    assert tried == len(tries) * [(shown.staff.people["tess"], shown.asked)], "and each attempt is on record"
    assert shown.dig(YEAR5) == "NXDOMAIN"


def test_the_network_manager_approves_it_and_it_is_open_for_that_class(
    shown: Shown, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    done = shown.staff.run("nora", "override", "approve", shown.asked)
    assert done.returncode == 0, done.stderr
    wait_until(lambda: shown.dig(YEAR5) != "NXDOMAIN", seconds=1)
    with capsys.disabled():
        seconds = time.monotonic() - began
        sys.stdout.write(f"\n{seconds:.2f} s from typing the approval to the first allowed answer.\n")
    assert re.search(r"active now; every device by \d\d:\d\d:\d\d\n", done.stdout)
    assert shown.dig(YEAR5) == "192.0.2.13"
    assert shown.dig(YEAR6) == "NXDOMAIN"


def test_explain_names_the_override_its_reason_and_its_approver(shown: Shown) -> None:
    explained = shown.explain(YEAR5)
    assert explained.startswith("casino.example is open.")
    assert f"Override: {shown.asked}, asked for by Tess, approved by Nora" in explained
    assert f"Reason given: {REASON}" in explained
    assert "Override:" not in shown.explain(YEAR6)


def test_after_the_end_it_is_blocked(shown: Shown) -> None:
    left = (shown.ends_at - datetime.now(UTC)).total_seconds()
    assert left > 0, "the test is late, not the gateway"
    assert shown.dig(YEAR5) == "192.0.2.13", "until then"
    time.sleep(max(0.0, left) + 1)
    assert shown.dig(YEAR5) == shown.dig(YEAR6) == "NXDOMAIN"
    assert shown.explain(YEAR5).startswith("casino.example is blocked.")
    wait_until(lambda: "ended" in shown.staff.run("tess", "override", "show", shown.asked).stdout.splitlines()[0])
    told = json.loads(shown.staff.run("nora", "audit", "verify", "--json").stdout)
    assert told["is_whole"]


def test_one_altered_byte_of_the_record_and_verify_names_its_row(shown: Shown) -> None:
    shown.gateway.stop()
    with closing(sqlite3.connect(shown.staff.state)) as database:
        query = "SELECT number, facts FROM audit WHERE kind = 'override_approved'"
        ((approval, facts),) = database.execute(query).fetchall()
    octets = bytearray(shown.staff.state.read_bytes())
    assert octets.count(facts.encode()) == 1
    place = octets.index(facts.encode()) + facts.index("year5") + len("year")
    octets[place : place + 1] = b"6"
    shown.staff.state.write_bytes(octets)
    broken = f"The record is not whole, first at row {approval}."
    there = shown.staff.run("nobody", "audit", "verify", "--file", str(shown.staff.state))
    assert (there.returncode, there.stdout, there.stderr.startswith(broken)) == (1, "", True), there.stderr
    shown.gateway.start()
    shown.staff.wait_for_interface()
    here = shown.staff.run("nora", "audit", "verify")
    assert (here.returncode, here.stdout, broken in here.stderr) == (1, "", True), here.stderr
