"""A verdict changes at its instant, in every worker, and no answer from before outlives it."""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import dns.message
import dns.rcode
import pytest
from conftest import RunningGateway, Upstream, addresses, make_gateway, wait_until

NOERROR, NXDOMAIN = dns.rcode.NOERROR, dns.rcode.NXDOMAIN
# From so many ports that the kernel deals the queries out to both workers.
pytestmark = pytest.mark.alone

PORTS = 12
SCHOOL_CLOCK = ZoneInfo("Europe/London")


def on_the_clock(instant: datetime) -> str:
    """Write an instant as people do in a site."""
    return instant.astimezone(SCHOOL_CLOCK).strftime("%Y-%m-%dT%H:%M:%S")


@dataclass
class Asked:
    """One answer, and when it was there."""

    at: datetime
    rcode: int
    ttl: int


class Askers:
    """Clients on many ports; together they see every worker."""

    def __init__(self, gateway: RunningGateway, source: str = "127.0.0.1") -> None:
        self._sockets = []
        for _ in range(PORTS):
            each = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            each.bind((source, 0))
            each.connect(("127.0.0.1", gateway.port))
            each.settimeout(3)
            self._sockets.append(each)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._sockets:
            each.close()

    def ask(self, name: str) -> list[Asked]:
        """Ask from every port."""
        answers = []
        for each in self._sockets:
            each.send(dns.message.make_query(name, "A").to_wire())
            answer = dns.message.from_wire(each.recv(4096))
            ttl = max((rrset.ttl for rrset in answer.answer), default=0)
            answers.append(Asked(datetime.now(UTC), answer.rcode(), ttl))
        return answers


@pytest.fixture
def pair(tmp_path: Path, upstream: Upstream) -> Iterator[RunningGateway]:
    """A gateway with two workers, not started yet."""
    running = make_gateway(tmp_path / "site", upstream, extra="workers: 2\n")
    yield running
    running.stop()


POLICIES = """\
policies:
  an-allowance-that-ends: {{allow: {{categories: [gambling]}}, until: {boundary}}}
  a-block-that-begins: {{block: {{names: [www.example]}}, from: {boundary}}}
  a-block-that-ends: {{block: {{names: [n1.bulk.example]}}, until: {boundary}}}
"""
# What holds before and after.
CHANGES = {
    "casino.example": (NOERROR, NXDOMAIN),
    "www.example": (NOERROR, NXDOMAIN),
    "n1.bulk.example": (NXDOMAIN, NOERROR),
}


def test_verdicts_change_at_their_instant(pair: RunningGateway) -> None:
    pair.start()
    began = datetime.now(UTC)
    assert pair.run("reload").returncode == 0
    # With time for the next reload, which may take longer on a busy machine.
    boundary = (datetime.now(UTC) + 3 * (datetime.now(UTC) - began) + timedelta(seconds=4)).replace(microsecond=0)
    pair.site.write_text(pair.site.read_text() + POLICIES.format(boundary=on_the_clock(boundary)))
    assert pair.run("reload").returncode == 0
    answers: dict[str, list[Asked]] = {name: [] for name in CHANGES}
    with Askers(pair) as askers:
        while datetime.now(UTC) < boundary + timedelta(seconds=1.3):
            for name in CHANGES:
                answers[name] += askers.ask(name)
            time.sleep(0.02)
    for name, (before, after) in CHANGES.items():
        early = [answer for answer in answers[name] if answer.at < boundary - timedelta(seconds=0.05)]
        late = [answer for answer in answers[name] if answer.at > boundary + timedelta(seconds=1)]
        assert {answer.rcode for answer in early} == {before}
        assert {answer.rcode for answer in late} == {after}
        kept_over = [answer for answer in early if answer.at + timedelta(seconds=answer.ttl) > boundary]
        assert kept_over == [], "an answer that a client may keep for longer than it holds"
        overdue = [answer for answer in answers[name] if answer.at > boundary and answer.rcode == before]
        assert {answer.ttl for answer in overdue} <= {0}, "what was on its way at that moment"
    assert max(answer.ttl for answer in answers["www.example"]) > 1


def test_no_answer_outlives_the_site_maximum(own_gateway: RunningGateway) -> None:
    own_gateway.site.write_text(own_gateway.site.read_text() + "answers: {max_ttl: 60 s}\n")
    own_gateway.start()
    assert [own_gateway.ask("www.example", rdtype).answer[0].ttl for rdtype in ("A", "AAAA")] == [60, 60]


def test_a_device_that_joins_a_group_has_its_rules_with_the_reload(pair: RunningGateway) -> None:
    pair.start()
    with Askers(pair) as askers:
        assert {answer.rcode for answer in askers.ask("shop.example")} == {NXDOMAIN}
        pair.change("devices: [127.0.0.4]", "devices: [127.0.0.4, 127.0.0.1]")
        assert pair.run("reload").returncode == 0
        assert {answer.rcode for answer in askers.ask("shop.example")} == {NOERROR}, "when the command says so"
        pair.change("127.0.0.4, 127.0.0.1", "127.0.0.4")
        assert pair.run("reload").returncode == 0
        assert {answer.rcode for answer in askers.ask("shop.example")} == {NXDOMAIN}


def test_a_device_is_known_by_the_name_in_its_lease(own_gateway: RunningGateway) -> None:
    leases = own_gateway.folder / "dnsmasq.leases"
    ends_at = int(time.time()) + 3600
    leases.write_text(f"{ends_at} 02:00:5e:00:53:01 127.0.0.1 cart-tablet-07 *\n")
    own_gateway.change("devices: [127.0.0.4]", "devices: [cart-tablet-07]")
    own_gateway.site.write_text(
        own_gateway.site.read_text() + f"devices: {{lease_files: [{{format: dnsmasq, path: {leases}}}]}}\n"
    )
    own_gateway.start()
    assert addresses(own_gateway.ask("shop.example"))
    leases.write_text(f"{ends_at} 02:00:5e:00:53:02 127.0.0.1 cart-tablet-08 *\n")
    assert own_gateway.run("reload").returncode == 0
    assert not addresses(own_gateway.ask("shop.example"))


def test_a_reload_is_applied_within_a_second(pair: RunningGateway) -> None:
    pair.start()
    assert pair.process is not None
    with Askers(pair) as askers:
        assert {answer.rcode for answer in askers.ask("www.example")} == {NOERROR}
        pair.site.write_text(pair.site.read_text() + "policies:\n  now: {block: {names: [www.example]}}\n")
        pair.process.send_signal(1)
        seconds = wait_until(lambda: {answer.rcode for answer in askers.ask("www.example")} == {NXDOMAIN})
        assert seconds < 1.5, "the site is read again, and then every worker has it within a second"
    before = pair.status()["policy_generation"]
    assert pair.run("reload").stdout == f"Reloaded: every worker answers by policy {before + 1}.\n"
