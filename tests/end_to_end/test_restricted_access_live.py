"""Restricted access at a real gateway: one device gets the minimum, until its instant or until somebody ends it."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.rcode
import pytest
from conftest import RunningGateway, Upstream, make_gateway, wait_until
from storage_of_test import INCIDENT, store_with_incidents

from agent.gateway.control import ask_gateway
from agent.storage.restriction_rows import Restriction, write_restriction
from agent.storage.state import StateStore

OPEN, CLOSED = dns.rcode.NOERROR, dns.rcode.NXDOMAIN


@pytest.fixture
def gateway(tmp_path: Path, upstream: Upstream) -> Iterator[RunningGateway]:
    running = make_gateway(tmp_path / "site", upstream, extra="essentials: [helpline.example]\n")
    yield running
    running.stop()


@pytest.fixture
def store(gateway: RunningGateway) -> Iterator[StateStore]:
    with closing(store_with_incidents(gateway.folder / "state")) as opened:
        yield opened


def restricted(until_at: datetime) -> Restriction:
    now = datetime.now(UTC)
    return Restriction(
        id="r1",
        incident=INCIDENT,
        step=1,
        groups=frozenset(),
        devices=frozenset({"127.0.0.1"}),
        from_at=now,
        until_at=until_at,
        review_on=now.date(),
    )


def write(gateway: RunningGateway, store: StateStore, restriction: Restriction) -> None:
    """Write it as the interface does, and tell the gateway."""
    with store.act() as act:
        write_restriction(act, restriction)
    assert ask_gateway(str(gateway.folder / "runtime"), {"do": "policy"})["ok"]


def test_one_device_gets_the_minimum_until_somebody_ends_it(gateway: RunningGateway, store: StateStore) -> None:
    gateway.start()
    assert gateway.ask("www.example").rcode() == OPEN
    restriction = restricted(datetime.now(UTC) + timedelta(days=7))
    write(gateway, store, restriction)
    assert gateway.ask("www.example").rcode() == CLOSED
    assert gateway.ask("helpline.example").rcode() == OPEN
    assert gateway.ask("www.example", source="127.0.0.2").rcode() == OPEN
    told = gateway.run("explain", "www.example", "--as", "127.0.0.1")
    assert "access is restricted for a while" in told.stdout
    write(gateway, store, replace(restriction, ended_at=datetime.now(UTC), ended_by="p1"))
    assert gateway.ask("www.example").rcode() == OPEN


@pytest.mark.alone
def test_it_ends_at_its_instant_while_nothing_but_the_gateway_runs(
    gateway: RunningGateway, store: StateStore
) -> None:
    until_at = datetime.now(UTC) + timedelta(seconds=8)
    with store.act() as act:
        write_restriction(act, restricted(until_at))
    gateway.start()
    assert gateway.ask("www.example").rcode() == CLOSED
    wait_until(lambda: gateway.ask("www.example").rcode() == OPEN, seconds=30)
    assert datetime.now(UTC) >= until_at
