"""An override at work: asked for and approved in one process, answered by the workers of another."""

import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.rcode
import pytest
from conftest import RunningGateway, Upstream, addresses, make_gateway, wait_until
from granting import add_person
from signed_in import ALSO_YEAR5, CLASSES, REASON, YEAR5, YEAR6

from agent.assembly import STATE_NAME
from agent.dns.canaries import canary_name
from agent.gateway.control import ask_gateway
from agent.people.people import People
from agent.requests.filter_context import FilterContexts
from agent.requests.override_drafts import Written
from agent.requests.override_uses import OverrideUses
from agent.requests.overrides import Overrides
from agent.requests.suspensions import AskedSuspension, Suspensions
from agent.sites.config import load_site
from agent.storage.override_rows import Filed, Use
from agent.storage.state import StateStore
from agent.storage.uses import read_uses, uses_path
from rules.override import OverrideLimits
from rules.roles import Role
from rules.suspension import SuspensionLimits

pytestmark = pytest.mark.alone

NXDOMAIN = dns.rcode.NXDOMAIN


def now() -> datetime:
    return datetime.now(UTC)


class School:
    """Who asks and decides, on the state file of a gateway that runs."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.runtime = str(gateway.folder / "runtime")
        site = load_site(gateway.site).site
        self.store = StateStore(Path(site.paths.state) / STATE_NAME, clock=now)
        with self.store.act() as act:
            add_person(act, "teacher", Role.TEACHER)
            add_person(act, "manager", Role.NETWORK_MANAGER)
            add_person(act, "head", Role.HEAD_TEACHER)
        people = People(self.store)
        self.overrides = Overrides(
            self.store,
            people,
            context=FilterContexts(lambda: site, limits=OverrideLimits(min_seconds=1)),
            clock=now,
            new_id=lambda: secrets.token_hex(8),
            on_change=self.publish,
            use_of=OverrideUses(lambda: site, clock=now, settle=timedelta(seconds=2)),
        )
        self.suspensions = Suspensions(
            self.store,
            people,
            context=FilterContexts(lambda: site),
            clock=now,
            new_id=lambda: secrets.token_hex(8),
            on_change=self.publish,
            limits=SuspensionLimits(min_seconds=1),
        )

    def publish(self) -> None:
        answer = ask_gateway(self.runtime, {"do": "policy"})
        assert answer["ok"], answer

    def ask(self, *, seconds: float, name: str = "https://casino.example/poker?x=1") -> Filed:
        """Ask for a name for year 5, from now."""
        written = Written(
            names=(name,), groups=("year5",), reason=REASON, until_at=now() + timedelta(seconds=seconds)
        )
        return self.overrides.request("teacher", written)

    def has_been_summed_up(self, filed: Filed) -> bool:
        self.overrides.sweep()
        return self.overrides.get(filed.override.id).used is not None

    def is_open(self, source: str, name: str = "casino.example") -> bool:
        answer = self.gateway.ask(name, source=source)
        assert addresses(answer) or answer.rcode() == NXDOMAIN
        return bool(addresses(answer))


@pytest.fixture
def gateway(tmp_path: Path, upstream: Upstream) -> Iterator[RunningGateway]:
    """A gateway with two workers and two classes, not started yet."""
    running = make_gateway(tmp_path / "site", upstream, extra="workers: 2\n", change=CLASSES)
    yield running
    running.stop()


@pytest.fixture
def school(gateway: RunningGateway) -> Iterator[School]:
    gateway.start()
    opened = School(gateway)
    yield opened
    opened.store.close()


def test_an_override_opens_for_its_class_and_closes_at_its_end(
    school: School, capsys: pytest.CaptureFixture[str]
) -> None:
    filed = school.ask(seconds=5)
    until_at = filed.override.lift.until_at
    assert not school.is_open(YEAR5)
    began = time.monotonic()
    done = school.overrides.approve("manager", filed.override.id, version=1)
    applied = time.monotonic() - began
    wait_until(lambda: school.is_open(YEAR5), seconds=1)
    seconds = time.monotonic() - began
    with capsys.disabled():
        sys.stdout.write(
            f"\nEvery worker had the approval after {applied * 1000:.0f} ms;"
            f" the first allowed answer came {seconds * 1000:.0f} ms after it was given.\n"
        )
    assert seconds < 1
    assert all(school.is_open(YEAR5) for _ in range(20)), "whichever worker answers"
    assert not school.is_open(YEAR6)
    assert not school.is_open(YEAR5, "shop.example")
    ttl = max(rrset.ttl for rrset in school.gateway.ask("casino.example", source=YEAR5).answer)
    assert ttl <= (until_at - now()).total_seconds() + 1, "no answer outlives the override"
    assert school.overrides.everywhere_at(done) < now() + timedelta(seconds=13)
    time.sleep(max(0.0, (until_at - now()).total_seconds()))
    assert wait_until(lambda: not school.is_open(YEAR5), seconds=2) < 1, "without anybody who ends it"


def test_revoking_closes_at_once(school: School) -> None:
    filed = school.ask(seconds=600)
    school.overrides.approve("manager", filed.override.id, version=1)
    assert school.is_open(YEAR5)
    for name in ("casino.example", "none.casino.example"):
        answer = school.gateway.ask(name, source=YEAR5)
        assert max(rrset.ttl for rrset in (*answer.answer, *answer.authority)) <= 60
    revoked = school.overrides.revoke("manager", filed.override.id, version=2, reason=REASON)
    assert school.overrides.everywhere_at(revoked) <= now() + timedelta(seconds=62)
    assert not any(school.is_open(YEAR5) for _ in range(20))


def test_it_is_on_record_how_often_it_was_used_and_by_how_many_devices_and_nothing_else(school: School) -> None:
    filed = school.ask(seconds=600)
    school.overrides.approve("manager", filed.override.id, version=1)
    wait_until(lambda: school.is_open(YEAR5, "warm-up.casino.example"), seconds=1)
    for number in range(3):
        assert school.is_open(YEAR5, "curious.casino.example"), number
        assert school.is_open(ALSO_YEAR5, "curious.casino.example"), number
        assert not school.is_open(YEAR6, "curious.casino.example")
        (intake,) = school.gateway.children("agent.gateway.intake")
        os.kill(intake, signal.SIGKILL)
        wait_until(lambda before=intake: school.gateway.children("agent.gateway.intake") not in ([], [before]))  # type: ignore[misc]
    school.overrides.revoke("manager", filed.override.id, version=2, reason=REASON)
    assert not school.is_open(YEAR5, "curious.casino.example")
    wait_until(lambda: school.has_been_summed_up(filed))
    assert school.overrides.get(filed.override.id).used == Use(7, 2, is_complete=True)
    with school.store.read() as database:
        kind, facts = database.execute("SELECT kind, facts FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    assert (kind, json.loads(facts)) == ("override_used", {"times": 7, "devices": 2, "is_complete": True})
    kept = [path for path in (school.gateway.folder / "state").rglob("*") if path.is_file()]
    assert not [path for path in kept if b"curious" in path.read_bytes()], "what was looked at is nobody's business"
    # The next start forgets which devices they were.
    school.gateway.stop()
    school.gateway.start()
    uses = uses_path(str(school.gateway.folder / "state"))
    wait_until(lambda: (counted := read_uses(uses, filed.override.id)) is not None and counted.devices == 0)


def test_a_gateway_that_was_off_holds_what_still_holds_and_no_more(school: School) -> None:
    short, long = school.ask(seconds=3), school.ask(seconds=600, name="shop.example")
    for each in (short, long):
        school.overrides.approve("manager", each.override.id, version=1)
    assert school.is_open(YEAR5)
    school.gateway.stop()
    time.sleep(max(0.0, (short.override.lift.until_at - now()).total_seconds()))
    school.gateway.start()
    assert not school.is_open(YEAR5)
    assert school.is_open(YEAR5, "shop.example")


def test_what_was_approved_while_nobody_listened_holds_with_the_start(school: School) -> None:
    school.gateway.stop()
    filed = school.ask(seconds=600)
    assert school.overrides.approve("manager", filed.override.id, version=1).override.approvers == ("manager",)
    school.gateway.start()
    assert school.is_open(YEAR5)
    explained = school.gateway.run("explain", "casino.example", "--as", "pupil+year5")
    assert f"Override: {filed.override.id}, asked for by teacher, approved by manager" in explained.stdout
    assert f"Reason given: {REASON}" in explained.stdout
    assert filed.override.id not in school.gateway.run("explain", "casino.example", "--as", "pupil+year6").stdout


def test_a_state_that_cannot_be_read_is_told_and_takes_nothing_away(school: School) -> None:
    filed = school.ask(seconds=600)
    school.overrides.approve("manager", filed.override.id, version=1)
    with school.store.act() as act:
        act.database.execute("UPDATE overrides SET lift = '{' WHERE id = ?", (filed.override.id,))
    answer = ask_gateway(school.runtime, {"do": "policy"})
    assert not answer["ok"]
    assert "overrides" in answer["problems"][0]
    assert school.is_open(YEAR5)
    assert school.gateway.run("reload").returncode == 0


def test_a_suspension_opens_a_network_and_comes_back_by_itself(school: School) -> None:
    asked = AskedSuspension(
        networks=("classes",), reason="The lists block the examination board.", until_at=now() + timedelta(seconds=4)
    )
    filed = school.suspensions.request("manager", asked)
    done = school.suspensions.agree("head", filed.suspension.id, version=1)
    assert school.is_open(YEAR5)
    assert school.is_open(YEAR6)
    assert not school.is_open("127.0.0.1"), "pupils elsewhere"
    assert not school.is_open(YEAR5, "use-application-dns.net"), "browsers go on to use this resolver"
    assert not school.is_open(YEAR5, canary_name("malware"))
    assert school.is_open(YEAR5, canary_name("gambling"))
    time.sleep(max(0.0, (done.suspension.until_at - now()).total_seconds()))
    wait_until(lambda: not school.is_open(YEAR5), seconds=1)
