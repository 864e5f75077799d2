"""A verdict changes at its instant, in every worker, and no answer from before outlives it."""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dns.message
import dns.rcode
import pytest
from conftest import RunningGateway, Upstream, addresses, make_gateway, wait_until

NOERROR, NXDOMAIN = dns.rcode.NOERROR, dns.rcode.NXDOMAIN
# From so many ports that the kernel deals the queries out to both workers.
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

    def __enter__(self) -> "Askers":
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


@pytest.mark.parametrize(
    ("name", "policy", "before", "after"),
    [
        pytest.param(
            "casino.example",
            "{{allow: {{categories: [gambling]}}, until: {boundary}}}",
            NOERROR,
            NXDOMAIN,
            id="an-allowance-ends",
        ),
        pytest.param(
            "www.example",
            "{{block: {{names: [www.example]}}, from: {boundary}}}",
            NOERROR,
            NXDOMAIN,
            id="a-block-begins",
        ),
        pytest.param(
            "www.example",
            "{{block: {{names: [www.example]}}, until: {boundary}}}",
            NXDOMAIN,
            NOERROR,
            id="a-block-ends",
        ),
    ],
)
def test_a_verdict_changes_at_its_instant(
    pair: RunningGateway, name: str, policy: str, before: int, after: int
) -> None:
    boundary = (datetime.now(UTC) + timedelta(seconds=5)).replace(microsecond=0)
    rule = policy.format(boundary=on_the_clock(boundary))
    pair.site.write_text(pair.site.read_text() + f"policies:\n  project: {rule}\n")
    pair.start()
    answers: list[Asked] = []
    with Askers(pair) as askers:
        while datetime.now(UTC) < boundary + timedelta(seconds=1.3):
            answers += askers.ask(name)
            time.sleep(0.02)
    early = [answer for answer in answers if answer.at < boundary - timedelta(seconds=0.05)]
    late = [answer for answer in answers if answer.at > boundary + timedelta(seconds=1)]
    assert len(early) > 10 * PORTS
    assert len(late) > 2 * PORTS
    assert {answer.rcode for answer in early} == {before}
    assert {answer.rcode for answer in late} == {after}
    if before == NOERROR:
        assert max(answer.ttl for answer in early) > 1
        over = [answer for answer in early if answer.at + timedelta(seconds=answer.ttl) > boundary]
        assert over == [], "an answer that a client may keep for longer than it holds"
    meanwhile = [answer for answer in answers if answer not in early and answer not in late]
    assert {answer.ttl for answer in meanwhile if answer.rcode == before} <= {0}


def test_no_answer_outlives_the_site_maximum(own_gateway: RunningGateway) -> None:
    own_gateway.site.write_text(own_gateway.site.read_text() + "answers: {max_ttl: 60 s}\n")
    own_gateway.start()
    assert [own_gateway.ask("www.example", rdtype).answer[0].ttl for rdtype in ("A", "AAAA")] == [60, 60]


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.2"], ids=["a-pupil", "a-member-of-staff"])
def test_a_device_that_joins_a_group_has_its_rules_with_the_reload(pair: RunningGateway, source: str) -> None:
    pair.start()
    with Askers(pair, source) as askers:
        assert {answer.rcode for answer in askers.ask("shop.example")} == {NXDOMAIN}
        pair.change("devices: [127.0.0.4]", f"devices: [127.0.0.4, {source}]")
        assert pair.run("reload").returncode == 0
        assert {answer.rcode for answer in askers.ask("shop.example")} == {NOERROR}, "when the command says so"
        pair.change(f"127.0.0.4, {source}", "127.0.0.4")
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
