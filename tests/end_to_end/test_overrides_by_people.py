"""Overrides through the interface of a gateway that runs: they end by themselves, and one decision is one."""

import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import dns.rcode
import pytest
from conftest import RunningGateway, Upstream, addresses, make_gateway, wait_until
from signed_in import CLASSES, REASON, YEAR5, Staff, lift

from agent.commands.client import Client
from rules.errors import RefusedRequestError
from rules.roles import Role

NXDOMAIN = dns.rcode.NXDOMAIN


class Interface:
    """A gateway with its interface, and three who are signed in."""

    def __init__(self, gateway: RunningGateway, staff: Staff, clients: dict[str, Client]) -> None:
        self.gateway = gateway
        self.staff = staff
        self.tess, self.nora, self.hedda = clients.values()

    def ask(self, **how: Any) -> str:
        """Ask for a name for year 5; gives the id."""
        made: dict[str, str] = self.tess.post("/overrides", lift("casino.example", **how))
        return made["id"]

    def approve(self, override: str) -> Any:
        return self.nora.post(f"/overrides/{override}/approve", version=1)

    def is_open(self) -> bool:
        """Say whether year 5 gets an answer, whichever worker is asked."""
        answers = [self.gateway.ask("casino.example", source=YEAR5) for _ in range(12)]
        return all(map(addresses, answers))

    def is_closed(self) -> bool:
        answers = [self.gateway.ask("casino.example", source=YEAR5) for _ in range(12)]
        return all(answer.rcode() == NXDOMAIN for answer in answers)

    def facts(self, kind: str) -> list[dict[str, Any]]:
        """Give what rows of a kind say, from the file."""
        with closing(sqlite3.connect(f"file:{self.staff.state}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT facts FROM audit WHERE kind = ? ORDER BY number", (kind,))
            return [json.loads(facts) for (facts,) in rows]

    def process(self) -> int | None:
        """Give the process of the interface."""
        return next(iter(self.gateway.children("agent.api.server")), None)


@pytest.fixture
def interface(tmp_path: Path, upstream: Upstream) -> Iterator[Interface]:
    gateway = make_gateway(tmp_path / "site", upstream, extra="workers: 2\n", change=CLASSES)
    staff = Staff.of(gateway, tess=Role.TEACHER, nora=Role.NETWORK_MANAGER, hedda=Role.HEAD_TEACHER)
    gateway.start()
    with ExitStack() as stack:
        stack.callback(gateway.stop)
        staff.wait_for_interface()
        yield Interface(gateway, staff, {each: stack.enter_context(staff.client(each)) for each in staff.people})


def wait_for_the_end(until_at: datetime, *, and_seconds: float = 0) -> None:
    time.sleep(max(0.0, (until_at - datetime.now(UTC)).total_seconds() + and_seconds))


def test_it_ends_though_the_gateway_was_off_and_the_record_says_when(interface: Interface) -> None:
    override = interface.ask(lasts=timedelta(seconds=4))
    until_at = datetime.fromisoformat(interface.approve(override)["until_at"])
    assert interface.is_open()
    interface.gateway.stop()
    wait_for_the_end(until_at)
    assert interface.facts("override_ended") == []
    interface.gateway.start()
    assert interface.is_closed()
    wait_until(lambda: interface.facts("override_ended"))
    (ended,) = interface.facts("override_ended")
    assert (ended["state"], datetime.fromisoformat(ended["until_at"])) == ("ended", until_at)


def test_it_ends_though_the_interface_was_killed(interface: Interface) -> None:
    override = interface.ask(lasts=timedelta(seconds=4))
    until_at = datetime.fromisoformat(interface.approve(override)["until_at"])
    assert interface.is_open()
    killed = interface.process()
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    wait_for_the_end(until_at, and_seconds=1)
    assert interface.is_closed(), "nobody has to be there"
    wait_until(lambda: interface.process() not in (None, killed))
    wait_until(lambda: interface.facts("override_ended"))
    interface.staff.wait_for_interface()
    assert interface.tess.get(f"/overrides/{override}")["state"] == "ended", "and the session goes on"


@pytest.mark.alone
def test_every_worker_has_it_within_a_second_also_while_one_is_started_again(interface: Interface) -> None:
    for _ in range(5):
        override = interface.ask()
        assert interface.is_closed()
        os.kill(interface.gateway.worker_pids()[0], signal.SIGKILL)
        began = time.monotonic()
        approved = interface.approve(override)
        wait_until(interface.is_open, seconds=1)
        assert time.monotonic() - began < 1
        assert approved["effect"]["applied"]
        interface.nora.post(f"/overrides/{override}/revoke", {"reason": REASON}, version=2)
        wait_until(interface.is_closed, seconds=1)


def test_of_two_who_approve_at_the_same_instant_one_wins(interface: Interface) -> None:
    both = Barrier(2)

    def decide(client: Client, override: str) -> str:
        both.wait(10)
        try:
            done: dict[str, Any] = client.post(f"/overrides/{override}/approve", version=1)
        except RefusedRequestError as error:
            return str(error)
        return str(done["state"])

    with ThreadPoolExecutor(2) as pool:
        for _ in range(50):
            override = interface.ask()
            told = list(pool.map(lambda client: decide(client, override), (interface.nora, interface.hedda)))  # noqa: B023
            assert sorted(told) == [
                "Somebody has changed this since you looked at it; look again before you decide.",
                "approved",
            ]
            seen = interface.tess.get(f"/overrides/{override}")
            assert [each["name"] for each in seen["approvers"]] == [("Nora", "Hedda")[told.index("approved")]]
    assert len(interface.facts("override_approved")) == 50


def test_a_group_that_was_taken_away_for_a_moment_brings_nothing_back(interface: Interface) -> None:
    override = interface.ask()
    interface.approve(override)
    assert interface.is_open()
    before = interface.gateway.site.read_text()
    year5 = next(line for line in before.splitlines() if line.strip().startswith("year5:"))
    interface.gateway.change(f"{year5}\n", "")
    assert interface.gateway.run("reload").returncode == 0
    wait_until(lambda: interface.facts("override_ended"))
    (ended,) = interface.facts("override_ended")
    assert (ended["why"], ended["was"], ended["groups"]) == ("group_gone", "approved", ["year5"])
    interface.gateway.site.write_text(before)
    assert interface.gateway.run("reload").returncode == 0
    assert interface.is_closed()
    assert interface.tess.get(f"/overrides/{override}")["state"] == "ended"
    again = interface.ask()
    interface.approve(again)
    wait_until(interface.is_open, seconds=2)


def test_revoking_says_what_another_one_still_opens(interface: Interface) -> None:
    one, other = interface.ask(), interface.ask()
    for each in (one, other):
        interface.approve(each)
    revoked = interface.nora.post(f"/overrides/{one}/revoke", {"reason": REASON}, version=2)
    assert [(each["override"], each["what"]) for each in revoked["stays_open"]] == [(other, ["casino.example"])]
    assert interface.is_open()
    assert interface.nora.post(f"/overrides/{other}/revoke", {"reason": REASON}, version=2)["stays_open"] == []
    wait_until(interface.is_closed, seconds=2)


def test_an_emergency_waits_for_a_second_person_before_there_is_another(interface: Interface) -> None:
    taken = lift("casino.example", lasts=timedelta(minutes=30)) | {"is_break_glass": True}
    override = interface.nora.post("/overrides", taken)["id"]
    assert interface.is_open()
    with pytest.raises(RefusedRequestError, match="not countersigned yet"):
        interface.nora.post("/overrides", taken | {"names": ["shop.example"]})
    with pytest.raises(RefusedRequestError, match="by the emergency"):
        interface.hedda.post("/overrides", taken)
    assert [each["attempt"] for each in interface.facts("rule_refused")] == ["override_request"] * 2
    interface.hedda.post(f"/overrides/{override}/countersign", {"reason": REASON}, version=1)
    assert interface.nora.post("/overrides", taken)["state"] == "approved"
