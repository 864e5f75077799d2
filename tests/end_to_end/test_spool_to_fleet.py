"""What a laptop keeps arrives at the gateway once: its own spool and uplink, the gateway's own API and store."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from api_of_test import SchoolOfTest
from fleet_of_test import WALL, token_of

from agent.endpoint.backoff import Backoff
from agent.endpoint.endpoint_policy import PolicyStore
from agent.endpoint.enrolment import Identity, IdentityStore, Laptop, enrol
from agent.endpoint.event_spool import Clocks, EventSpool
from agent.endpoint.gateway_link import LinkError, Reply
from agent.endpoint.keys import KeyStore
from agent.endpoint.message_signatures import parse_public_key
from agent.endpoint.spool_file import Limits
from agent.endpoint.uplink import IDLE_SECONDS, Uplink
from collectors.observed import Observed, Priority
from rules.roles import Role

LAPTOP = Laptop({"os": "Debian", "version": "12", "hostname": "b12", "model": "X"}, "ab" * 32, "0.1.0")
CLOCKS = Clocks(lambda: float(WALL), time.monotonic, "boot-1")


@dataclass
class Network:
    """The way to the school; `losses` says what becomes of the next answers."""

    school: SchoolOfTest
    losses: list[str] = field(default_factory=list)

    def send(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        loss = self.losses.pop(0) if self.losses else ""
        if loss == "request":
            raise LinkError("The gateway cannot be reached.")
        response = self.school.stranger().ask(method, path, headers=dict(headers), content=body)
        if loss == "twice":
            response = self.school.stranger().ask(method, path, headers=dict(headers), content=body)
        if loss == "reply":
            raise LinkError("The gateway cannot be reached.")
        return Reply(response.status_code, dict(response.headers), response.content, 0.01)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = SchoolOfTest(tmp_path / "school")
    # What happens by itself: the policy is published.
    made.parts.fleet.look()
    yield made
    made.parts.fleet.close()


def enrolled(network: Network, folder: Path) -> Identity:
    token = token_of(network.school.person("Nadia", Role.NETWORK_MANAGER))
    return enrol(
        token,
        gateway="https://gateway.example",
        laptop=LAPTOP,
        keys=KeyStore(folder),
        identities=IdentityStore(folder),
        connect=lambda _url, _pin: network,
        now=WALL,
    )


def uplink_of(spool: EventSpool, network: Network, folder: Path, identity: Identity) -> Uplink:
    return Uplink(
        spool,
        identities=IdentityStore(folder),
        identity=identity,
        keys=KeyStore(folder),
        key=KeyStore(folder).make(),
        policy=PolicyStore(folder, parse_public_key(identity.policy_key)),
        link=network,
        release="0.1.0",
        clocks=CLOCKS,
        backoff=Backoff(lambda: 0.0),
    )


def deliver(uplink: Uplink) -> None:
    for _ in range(60):
        if uplink.step() == IDLE_SECONDS:
            return
    raise AssertionError(uplink.status)


def stored(school: SchoolOfTest) -> list[tuple[int, str, dict[str, Any]]]:
    with school.parts.fleet.events.read() as database:
        rows = database.execute("SELECT * FROM events ORDER BY seq").fetchall()
        return [(row["seq"], row["kind"], json.loads(row["content"])["d"]) for row in rows]


def test_what_was_seen_arrives_once_over_a_bad_network_and_restarts(school: SchoolOfTest, tmp_path: Path) -> None:
    folder, network = tmp_path / "laptop", Network(school)
    identity = enrolled(network, folder)
    number = 0
    for losses in (["reply"], ["request", "reply", "twice"], [], ["twice", "reply", "reply"]):
        with EventSpool(folder, clocks=CLOCKS) as spool:
            for _ in range(120):
                number += 1
                assert spool.add(Observed("writes", Priority.ACTIVITY, {"n": number}))
            network.losses = list(losses)
            uplink = uplink_of(spool, network, folder, identity)
            for _ in losses:
                uplink.step()
    with EventSpool(folder, clocks=CLOCKS) as spool:
        number += 1
        spool.add(Observed("writes", Priority.ACTIVITY, {"n": number}))
        uplink = uplink_of(spool, network, folder, identity)
        deliver(uplink)
        assert (uplink.status.problem, uplink.status.policy_problem) == ("", "")
        assert spool.state().depth == 0
    assert [facts["n"] for _, _, facts in stored(school)] == list(range(1, number + 1))
    assert PolicyStore(folder, parse_public_key(identity.policy_key)).policy.version == 1
    assert PolicyStore(folder, parse_public_key(identity.policy_key)).policy.warnings == ()


def test_what_had_to_go_is_accounted_for_and_nothing_is_missing(school: SchoolOfTest, tmp_path: Path) -> None:
    folder, network = tmp_path / "laptop", Network(school)
    identity = enrolled(network, folder)
    with EventSpool(folder, clocks=CLOCKS, limits=Limits(events=300)) as spool:
        for number in range(1, 801):
            kind = ("media_inserted", Priority.INCIDENT) if number % 50 == 0 else ("writes", Priority.ACTIVITY)
            spool.add(Observed(*kind, {"n": number}))
        uplink = uplink_of(spool, network, folder, identity)
        deliver(uplink)
        assert uplink.status.missing == 0
    found = stored(school)
    assert [facts["n"] for _, kind, facts in found if kind == "media_inserted"] == list(range(50, 801, 50))
    written = sum(kind == "writes" for _, kind, _ in found)
    dropped = sum(facts["count"] for _, kind, facts in found if kind == "spool_dropped")
    assert written + dropped == 800 - 16
    assert dropped > 0
    assert school.parts.fleet.events.untold_gaps(before=float("inf")) == []


def test_a_key_changes_under_way(school: SchoolOfTest, tmp_path: Path) -> None:
    folder, network = tmp_path / "laptop", Network(school)
    identity = enrolled(network, folder)
    before = KeyStore(folder).make().private_bytes_raw()
    with EventSpool(folder, clocks=CLOCKS) as spool:
        spool.add(Observed("writes", Priority.ACTIVITY, {"n": 1}))
        uplink = uplink_of(spool, network, folder, identity)
        uplink.begin_rotation()
        network.losses = ["reply"]
        uplink.step()
        uplink = uplink_of(spool, network, folder, identity)
        deliver(uplink)
    assert KeyStore(folder).make().private_bytes_raw() != before
    assert [facts["n"] for _, _, facts in stored(school)] == [1]
