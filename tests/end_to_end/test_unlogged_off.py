"""Filtering that is off without a record: found within seconds, however it came to be, and never without a reason."""

import json
import secrets
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.rcode
import pytest
from conftest import LISTS, RunningGateway, Upstream, addresses, free_port, make_gateway, wait_until
from granting import add_person

from agent.assembly import STATE_NAME
from agent.dns.canaries import CATEGORIES, IPV4, IPV6, PRESENT_NAME, UNLISTED_NAME, canary_name
from agent.dns.canary_looks import read_report, report_path
from agent.dns.shared_memory import SharedMemory
from agent.dns.snapshot import Snapshot, read_snapshot, write_snapshot
from agent.gateway.control import ask_gateway
from agent.people.people import People
from agent.requests.filter_context import FilterContexts
from agent.requests.suspensions import AskedSuspension, Suspensions
from agent.sites.config import load_site
from agent.storage.state import StateStore
from rules.policy import Rulebook
from rules.roles import Role
from rules.suspension import SuspensionLimits

PUPIL, STAFF = "127.0.0.1", "127.0.0.2"
# Two looks some seconds apart, and the moments in which everybody hears of something.
SOON = 30.0


def now() -> datetime:
    return datetime.now(UTC)


class School:
    """A gateway with its interface, and a look at its record."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.runtime = gateway.folder / "runtime"
        self.snapshot = self.runtime / "snapshot.json"
        self.state = gateway.folder / "state" / STATE_NAME

    def start(self) -> None:
        self.gateway.start()
        wait_until(lambda: "filter_changed_on_disk" in self.kinds(), seconds=SOON)

    def wait_for_looks(self) -> None:
        """Wait until every worker has looked twice at what is in force now, and that was compared."""
        began = time.monotonic()
        paths = [report_path(self.runtime, worker) for worker in range(2)]

        def have_looked_again() -> bool:
            reports = [read_report(path) for path in paths]
            return all(report is not None and report.began_monotonic > began + 5 for report in reports)

        wait_until(have_looked_again, seconds=60)
        looked = time.monotonic()
        wait_until(lambda: self.numbers()["checked_nanoseconds"] / 1e9 > looked, seconds=SOON)

    def rows(self) -> list[tuple[str, dict[str, Any]]]:
        if not self.state.exists():
            return []
        with closing(sqlite3.connect(f"file:{self.state}?mode=ro", uri=True)) as database:
            try:
                found = database.execute("SELECT kind, facts FROM audit ORDER BY number").fetchall()
            except sqlite3.OperationalError:
                return []
        return [(kind, json.loads(facts)) for kind, facts in found]

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.rows()]

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [facts for each, facts in self.rows() if each == kind]

    def episodes(self) -> list[str]:
        return [kind for kind in self.kinds() if kind in ("filter_off_without_record", "filter_on_again")]

    def numbers(self) -> dict[str, int]:
        with SharedMemory.open(self.runtime / "shared.mem") as memory:
            return memory.canaries()

    def publish(self, snapshot: Snapshot) -> None:
        """Make the workers answer by another policy, as somebody can who is root."""
        with SharedMemory.open(self.runtime / "shared.mem", writable=True) as memory:
            generation = memory.policy_generation + 1
            write_snapshot(self.snapshot, replace(snapshot, generation=generation))
            memory.publish(index_generation=snapshot.index_generation, policy_generation=generation)

    def publish_granted(self) -> None:
        answer = ask_gateway(str(self.runtime), {"do": "policy"})
        assert answer["ok"], answer

    def finds_open(self, network: str) -> bool:
        """Say whether every worker found gambling open in a network when it looked last."""
        reports = (read_report(report_path(self.runtime, worker)) for worker in range(2))
        looks = [look for report in reports if report for look in report.looks if look.network == network]
        return len(looks) == 2 and all("gambling" in look.open for look in looks)

    def is_open(self, name: str, source: str) -> bool:
        return addresses(self.gateway.ask(name, source=source)) == {IPV4}


@pytest.fixture
def school(tmp_path: Path, upstream: Upstream) -> Iterator[School]:
    gateway = make_gateway(
        tmp_path / "site",
        upstream,
        extra="workers: 2\n",
        change={
            "listeners: {": f'listeners: {{api: "127.0.0.1:{free_port()}", ',
            "lists:\n": "lists:\n  starter: builtin:starter\n",
        },
    )
    yield School(gateway)
    gateway.stop()


def test_canaries_say_how_the_filter_is_and_are_kept_against_nobody(school: School) -> None:
    school.gateway.start()
    ask = school.gateway.ask
    assert ask(canary_name("gambling"), source=PUPIL).rcode() == dns.rcode.NXDOMAIN
    assert ask(canary_name("illegal_csam"), source=STAFF).rcode() == dns.rcode.NXDOMAIN
    assert school.is_open(canary_name("video"), STAFF), "which staff may see"
    assert not school.is_open(canary_name("video"), PUPIL)
    for name in (PRESENT_NAME, UNLISTED_NAME):
        assert addresses(ask(name)) == {IPV4}
        assert addresses(ask(name, "AAAA")) == {IPV6}
    assert max(rrset.ttl for rrset in ask(PRESENT_NAME).answer) <= 10
    ask("poker.test", source=PUPIL)
    wait_until(lambda: school.gateway.counted("schoolgate_rows_taken_total") == 1)


def test_a_policy_that_was_slipped_in_is_found_and_so_is_its_end(
    school: School, capsys: pytest.CaptureFixture[str]
) -> None:
    school.start()
    school.wait_for_looks()
    assert school.episodes() == []
    assert school.gateway.health() == []
    assert school.gateway.metrics()["schoolgate_unlogged_open_canaries"] == 0
    honest = read_snapshot(school.snapshot)
    began = time.monotonic()
    school.publish(replace(honest, site=replace(honest.site, rulebook=Rulebook())))
    wait_until(lambda: school.is_open(canary_name("gambling"), PUPIL))

    wait_until(lambda: school.episodes() == ["filter_off_without_record"], seconds=SOON)
    with capsys.disabled():
        sys.stdout.write(
            f"\nFiltering that was off without a record was found after {time.monotonic() - began:.1f} s.\n"
        )
    (facts,) = school.told("filter_off_without_record")
    assert (facts["cause"], facts["networks"], facts["workers"]) == ("workers", ["guests", "pupils", "staff"], [0, 1])
    assert {"gambling", "illegal_csam", "pornography", "video"} <= set(facts["categories"])
    assert datetime.fromisoformat(facts["since"]) > now() - timedelta(seconds=60)
    assert not facts["is_without_lists"]
    wait_until(lambda: school.gateway.metrics()["schoolgate_unlogged_open_canaries"] > 0)
    assert school.gateway.health() == ["filtering is off without a record; the record says where"]

    # A reload brings back what is on record, whatever number somebody gave to the policy that was slipped in.
    assert school.gateway.run("reload").returncode == 0
    assert not school.is_open(canary_name("gambling"), PUPIL)
    wait_until(lambda: school.episodes() == ["filter_off_without_record", "filter_on_again"], seconds=60)
    assert school.told("filter_on_again")[0]["networks"] == ["guests", "pupils", "staff"]
    wait_until(lambda: school.gateway.metrics()["schoolgate_unlogged_open_canaries"] == 0)
    assert school.gateway.health() == []


def test_what_is_suspended_is_no_incident_neither_at_its_boundaries_nor_after_its_end(school: School) -> None:
    school.start()
    site = load_site(school.gateway.site).site
    with closing(StateStore(school.state, clock=now)) as store:
        with store.act() as act:
            add_person(act, "manager", Role.NETWORK_MANAGER)
            add_person(act, "head", Role.HEAD_TEACHER)
        suspensions = Suspensions(
            store,
            People(store),
            context=FilterContexts(lambda: site),
            clock=now,
            new_id=lambda: secrets.token_hex(8),
            on_change=school.publish_granted,
            limits=SuspensionLimits(min_seconds=1),
        )

        def suspend(network: str, *, begins: float, lasts: float) -> str:
            from_at = now() + timedelta(seconds=begins)
            reason = "The lists block the examination board."
            until_at = from_at + timedelta(seconds=lasts)
            asked = AskedSuspension(networks=(network,), reason=reason, from_at=from_at, until_at=until_at)
            filed = suspensions.request("manager", asked)
            suspensions.agree("head", filed.suspension.id, version=1)
            return filed.suspension.id

        suspend("pupils", begins=2, lasts=9)
        long = suspend("guests", begins=0, lasts=600)
        wait_until(lambda: school.finds_open("guests") and school.finds_open("pupils"), seconds=SOON)
        assert school.is_open(canary_name("gambling"), PUPIL)
        assert not school.is_open(canary_name("illegal_csam"), PUPIL), "what is statutory stays blocked"
        assert not school.is_open(canary_name("malware"), PUPIL), "and what harms the machine"
        wait_until(lambda: not school.finds_open("pupils"), seconds=SOON)
        suspensions.end("head", long, version=2, reason="The examination is over.")
        wait_until(lambda: not school.finds_open("guests"), seconds=SOON)
        school.wait_for_looks()
    assert school.episodes() == []
    assert school.gateway.health() == []


def test_a_site_file_that_opens_everything_is_found_and_its_end_too(school: School) -> None:
    school.start()
    school.gateway.stop()
    before = school.gateway.site.read_text()
    statutory = load_site(school.gateway.site).site.rulebook.statutory
    allowed = ", ".join(set(CATEGORIES) - statutory)
    policy = f"policies: {{open-house: {{allow: [{allowed}], audiences: [pupil]}}}}\n"
    school.gateway.site.write_text(before + policy)
    school.gateway.start()
    wait_until(lambda: school.episodes() == ["filter_off_without_record"], seconds=SOON)
    facts = school.told("filter_changed_on_disk")[-1]
    assert (facts["approved_by"], facts["switches_off"]) == (None, ["pupils"])
    assert {"gambling", "pornography", "video"} <= set(facts["opens"]["pupils"])
    (facts,) = school.told("filter_off_without_record")
    assert (facts["cause"], facts["networks"], facts["workers"]) == ("site_file", ["pupils"], [])
    school.gateway.site.write_text(before)
    assert school.gateway.run("reload").returncode == 0
    wait_until(lambda: school.episodes() == ["filter_off_without_record", "filter_on_again"], seconds=SOON)


def test_a_filter_without_its_lists_that_fails_open_is_found(tmp_path: Path, upstream: Upstream) -> None:
    open_at_fault = "fail_modes: {no_index: open, reason: Agreed by the governors}\n"
    api = f'listeners: {{api: "127.0.0.1:{free_port()}", '
    gateway = make_gateway(
        tmp_path / "site", upstream, extra="workers: 2\n" + open_at_fault, change={"listeners: {": api}
    )
    for each in (gateway.folder / "lists").iterdir():
        each.write_text("<html>not a list</html>\n")
    school = School(gateway)
    try:
        gateway.start()
        wait_until(lambda: school.episodes() == ["filter_off_without_record"], seconds=SOON)
        (facts,) = school.told("filter_off_without_record")
        assert facts["is_without_lists"]
        assert facts["networks"] == ["guests", "pupils", "staff"]
        for category, text in LISTS.items():
            (gateway.folder / "lists" / f"{category}.txt").write_text(text)
        updated = gateway.run("lists", "update")
        assert updated.returncode == 0, updated.stderr
        wait_until(lambda: school.episodes() == ["filter_off_without_record", "filter_on_again"], seconds=60)
    finally:
        gateway.stop()
