import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from laptop_gateway import LaptopGateway, drop_reply, drop_request, refusing, serving, twice

from agent.endpoint.backoff import REFUSED_SECONDS, Backoff
from agent.endpoint.endpoint_policy import PolicyStore
from agent.endpoint.enrolment import Identity, IdentityStore, Laptop, enrol
from agent.endpoint.event_spool import Clocks, EventSpool
from agent.endpoint.gateway_link import GatewayLink, Reply
from agent.endpoint.keys import KeyStore
from agent.endpoint.message_signatures import parse_public_key
from agent.endpoint.uplink import IDLE_SECONDS, PENDING_SECONDS, Uplink
from agent.endpoint.wire_batch import PATH, Event
from collectors.observed import Observed, Priority

NOW = 1_800_000_000.0
LAPTOP = Laptop({"os": "Debian", "version": "12", "hostname": "b12", "model": "X"}, "ab" * 32, "1.0")


class Clock:
    """Clocks that are set by the test."""

    def __init__(self) -> None:
        self.wall = NOW
        self.monotonic = 5000.0

    def clocks(self, boot: str = "boot1") -> Clocks:
        return Clocks(lambda: self.wall, lambda: self.monotonic, boot)


@dataclass
class OneLaptop:
    """A laptop that is enrolled, with its spool, and nothing that runs by itself."""

    folder: Path
    gateway: LaptopGateway
    clock: Clock
    identity: Identity
    keys: KeyStore
    link: GatewayLink
    spool: EventSpool
    uplink: Uplink
    addresses: set[str] = field(default_factory=set)

    def see(self, number: int, *, priority: Priority = Priority.ACTIVITY, kind: str = "writes") -> None:
        assert self.spool.add(Observed(kind, priority, {"n": number}))

    def arrived(self) -> list[Any]:
        return [event.facts.get("n") for event in self.gateway.events()]

    def steps(self, most: int = 60) -> list[float]:
        """Let it do what it can, until it would wait for nothing but new events."""
        waits = []
        for _ in range(most):
            waits.append(self.uplink.step())
            if waits[-1] == IDLE_SECONDS:
                return waits
        raise AssertionError(f"still not idle: {waits} {self.uplink.status}")

    def begin_anew(self) -> "OneLaptop":
        """The process ends and starts again; the clock and the gateway stay."""
        self.spool.close()
        self.link.close()
        return assembled(self.folder, self.gateway, self.clock, self.identity)


def assembled(folder: Path, gateway: LaptopGateway, clock: Clock, identity: Identity) -> OneLaptop:
    keys = KeyStore(folder)
    key = keys.load()
    assert key is not None
    addresses = {"192.0.2.7"}
    link = GatewayLink(gateway.url, identity.pin)
    spool = EventSpool(folder, clocks=clock.clocks())
    policy = PolicyStore(folder, parse_public_key(identity.policy_key))
    uplink = Uplink(
        spool,
        identities=IdentityStore(folder),
        identity=identity,
        keys=keys,
        key=key,
        policy=policy,
        link=link,
        release="1.0",
        clocks=clock.clocks(),
        backoff=Backoff(lambda: 1.0),
        addresses=lambda: frozenset(addresses),
    )
    return OneLaptop(folder, gateway, clock, identity, keys, link, spool, uplink, addresses)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[LaptopGateway]:
    with serving(LaptopGateway(wall=lambda: NOW), tmp_path) as gateway:
        yield gateway


@pytest.fixture
def laptop(gateway: LaptopGateway, tmp_path: Path) -> Iterator[OneLaptop]:
    yield from enrolled(gateway, tmp_path / "laptop")


def enrolled(gateway: LaptopGateway, folder: Path) -> Iterator[OneLaptop]:
    clock = Clock()
    identity = enrol(
        gateway.token(),
        gateway=gateway.url,
        laptop=LAPTOP,
        keys=KeyStore(folder),
        identities=IdentityStore(folder),
        connect=GatewayLink,
        now=clock.wall,
    )
    laptop = assembled(folder, gateway, clock, identity)
    yield laptop
    laptop.spool.close()
    laptop.link.close()


def test_what_was_seen_arrives_and_leaves_the_spool(laptop: OneLaptop) -> None:
    for number in range(600):
        laptop.see(number)
    assert laptop.steps() == [0.0, 0.0, IDLE_SECONDS]
    assert laptop.arrived() == list(range(600))
    assert laptop.spool.state().depth == 0
    assert laptop.uplink.status.last_contact == laptop.clock.wall


@pytest.mark.parametrize("fault", [drop_request, drop_reply, twice], ids=["request-lost", "reply-lost", "sent-twice"])
def test_nothing_is_lost_or_doubled_by_the_network(laptop: OneLaptop, fault: Any) -> None:
    for number in range(700):
        laptop.see(number)
    laptop.gateway.faults = [fault, fault, lambda *_: True, fault]
    laptop.steps()
    assert laptop.arrived() == list(range(700))
    assert laptop.spool.state().depth == 0


def test_more_events_may_join_what_is_sent_again(laptop: OneLaptop) -> None:
    laptop.see(0)
    laptop.gateway.faults = [drop_reply]
    laptop.uplink.step()
    laptop.see(1)
    laptop.steps()
    assert laptop.arrived() == [0, 1]
    assert laptop.gateway.arrivals == 3


def test_an_old_answer_acknowledges_nothing(laptop: OneLaptop) -> None:
    laptop.see(0)
    laptop.gateway.faults = [drop_reply]
    laptop.uplink.step()
    laptop.steps()
    laptop.see(1)
    laptop.gateway.faults = [lambda gateway, _path, _body: gateway.answers[0]]
    assert laptop.uplink.step() == 5.0
    assert "acknowledges nothing" in laptop.uplink.status.problem
    assert laptop.spool.state().depth == 1
    laptop.steps()
    assert laptop.arrived() == [0, 1]


def test_an_answer_by_another_key_acknowledges_nothing(laptop: OneLaptop) -> None:
    laptop.see(0)
    laptop.gateway.ack_key = Ed25519PrivateKey.generate()
    assert laptop.uplink.step() == 5.0
    assert "not by the key" in laptop.uplink.status.problem
    assert laptop.spool.state().depth == 1


def test_a_death_after_the_reply_was_lost_doubles_nothing(laptop: OneLaptop) -> None:
    for number in range(300):
        laptop.see(number)
    laptop.gateway.faults = [drop_reply]
    laptop.uplink.step()
    again = laptop.begin_anew()
    again.see(300)
    again.steps()
    assert again.arrived() == list(range(301))
    again.spool.close()
    again.link.close()


@pytest.mark.parametrize("status", [401, 403, 409])
def test_whoever_is_refused_keeps_everything_and_asks_in_an_hour(laptop: OneLaptop, status: int) -> None:
    laptop.see(0)
    files = {path.name: path.read_bytes() for path in laptop.folder.iterdir() if "key" in path.name}
    laptop.gateway.faults = [refusing(status)]
    assert laptop.uplink.step() == pytest.approx(REFUSED_SECONDS * 1.1)
    assert laptop.uplink.status.is_refused
    assert laptop.uplink.status.problem == f"Refused with {status}."
    assert {path.name: path.read_bytes() for path in laptop.folder.iterdir() if "key" in path.name} == files
    laptop.steps()
    assert laptop.arrived() == [0]
    assert not laptop.uplink.status.is_refused


@pytest.mark.parametrize("status", [429, 503])
def test_a_gateway_that_asks_for_a_pause_gets_it(laptop: OneLaptop, status: int) -> None:
    laptop.see(0)
    laptop.gateway.faults = [refusing(status, {"Retry-After": "40"})]
    assert laptop.uplink.step() == 60.0


@pytest.mark.parametrize("status", [301, 404, 418, 500, 502, 503])
def test_any_other_status_is_waited_out_longer_each_time(laptop: OneLaptop, status: int) -> None:
    laptop.see(0)
    laptop.gateway.faults = [refusing(status)] * 9
    assert [laptop.uplink.step() for _ in range(9)] == [5, 10, 20, 40, 80, 160, 320, 640, 900]
    laptop.steps()
    laptop.gateway.faults = [refusing(status)]
    laptop.see(1)
    assert laptop.uplink.step() == 5.0


@pytest.mark.parametrize("place", [0, 1, 100, 255, 256, 299])
def test_a_poison_event_is_put_aside_and_told_and_holds_nothing_up(laptop: OneLaptop, place: int) -> None:
    laptop.gateway.is_poison = lambda event: event.facts.get("n") == place and event.kind == "writes"
    for number in range(300):
        laptop.see(number)
    laptop.steps()
    events = laptop.gateway.events()
    assert [event.facts.get("n") for event in events if event.kind == "writes"] == [
        number for number in range(300) if number != place
    ]
    (told,) = [event for event in events if event.kind == "event_quarantined"]
    assert told.priority == Priority.INCIDENT
    assert told.facts == {
        "number": place + 1,
        "kind": "writes",
        "size_bytes": len('{"n": 0}') + len(str(place)) - 1,
    } | {"reason": "An event cannot be read."}
    assert laptop.spool.state().quarantined == 1
    assert len(laptop.gateway.requests) < 40


def test_several_poison_events_are_each_put_aside(laptop: OneLaptop) -> None:
    laptop.gateway.is_poison = lambda event: event.kind == "writes" and event.facts["n"] in (3, 4, 90)
    for number in range(100):
        laptop.see(number)
    laptop.steps()
    assert laptop.spool.state().quarantined == 3
    assert len(laptop.gateway.events()) == 100


def test_a_gateway_that_finds_fault_with_everything_empties_no_spool(laptop: OneLaptop) -> None:
    for number in range(20):
        laptop.see(number)
    laptop.gateway.faults = [refusing(400)] * 30
    for _ in range(30):
        laptop.uplink.step()
    again = laptop.begin_anew()
    again.steps()
    assert again.arrived() == list(range(20))
    assert again.spool.state().quarantined == 0
    again.spool.close()
    again.link.close()


def test_a_proxy_that_takes_little_gets_little_at_a_time(laptop: OneLaptop) -> None:
    laptop.gateway.max_body = 1500
    for number in range(500):
        laptop.see(number)
    laptop.steps()
    assert laptop.arrived() == list(range(500))
    assert laptop.spool.state().quarantined == 0


def test_one_event_that_is_too_large_for_it_is_put_aside(laptop: OneLaptop) -> None:
    laptop.gateway.max_body = 2000
    laptop.spool.add(Observed("writes", Priority.ACTIVITY, {"n": bytes(range(256)).hex() * 20, "m": str(hash("x"))}))
    laptop.spool.add(Observed("writes", Priority.ACTIVITY, {"n": [str(number * 7919) for number in range(900)]}))
    laptop.see(2)
    laptop.steps()
    assert 2 in laptop.arrived()
    assert laptop.spool.state().quarantined >= 1


def test_a_pending_laptop_sends_nothing_until_a_person_has_approved_it(tmp_path: Path) -> None:
    with serving(LaptopGateway(state="pending", wall=lambda: NOW), tmp_path) as gateway:
        for laptop in enrolled(gateway, tmp_path / "laptop"):
            laptop.see(0)
            assert laptop.identity.is_pending
            assert laptop.uplink.step() == PENDING_SECONDS
            assert laptop.uplink.status.is_pending
            assert laptop.arrived() == []
            gateway.state = "active"
            laptop.steps()
            assert laptop.arrived() == [0]
            known = IdentityStore(laptop.folder).load()
            assert known is not None
            assert known.state == "active"


def test_a_new_policy_is_fetched_when_the_gateway_has_one(laptop: OneLaptop) -> None:
    laptop.gateway.set_policy(3, {"heartbeat_seconds": 120})
    laptop.see(0)
    laptop.steps()
    store = laptop.uplink._policy
    assert store.policy.version == 3
    assert store.policy.settings.heartbeat_seconds == 120
    laptop.see(1)
    laptop.steps()
    assert laptop.gateway.requests.count("GET /endpoint/v1/policy") == 1


def test_a_policy_by_another_key_is_not_taken_and_not_asked_for_again(laptop: OneLaptop) -> None:
    laptop.gateway.policy_key = Ed25519PrivateKey.generate()
    laptop.gateway.set_policy(3, {})
    for number in range(2):
        laptop.see(number)
        laptop.steps()
    assert laptop.uplink._policy.policy.version == 0
    assert "not by the key" in laptop.uplink.status.policy_problem
    assert laptop.gateway.requests.count("GET /endpoint/v1/policy") == 1
    assert laptop.arrived() == [0, 1]


def test_the_key_changes_when_the_gateway_agrees(laptop: OneLaptop) -> None:
    old = laptop.keys.load()
    laptop.uplink.begin_rotation()
    laptop.see(0)
    laptop.steps()
    new = laptop.keys.load()
    assert old is not None
    assert new is not None
    assert new.public_key() != old.public_key()
    assert laptop.gateway.devices[laptop.identity.device] == new.public_key()
    assert laptop.arrived() == [0]


def test_a_change_of_key_whose_answer_was_lost_is_found_out(laptop: OneLaptop) -> None:
    laptop.uplink.begin_rotation()
    laptop.see(0)
    laptop.gateway.faults = [drop_reply]
    laptop.uplink.step()
    again = laptop.begin_anew()
    again.steps()
    key = again.keys.load()
    assert key is not None
    assert again.gateway.devices[again.identity.device] == key.public_key()
    assert again.arrived() == [0]
    again.spool.close()
    again.link.close()


def test_a_death_while_enrolling_anew_is_found_out(laptop: OneLaptop) -> None:
    laptop.keys.make_next()
    identity = enrol(
        laptop.gateway.token(),
        gateway=laptop.gateway.url,
        laptop=LAPTOP,
        keys=laptop.keys,
        identities=IdentityStore(laptop.folder),
        connect=GatewayLink,
        now=NOW,
        again=True,
    )
    # As if it had died before the next key became the key.
    (laptop.folder / "device.key").rename(laptop.folder / "device.key.next")
    next(laptop.folder.glob("device.key.old-*")).rename(laptop.folder / "device.key")
    laptop.identity = identity
    again = laptop.begin_anew()
    again.see(0)
    again.steps()
    assert again.arrived() == [0]
    assert again.keys.load_next() is None
    again.spool.close()
    again.link.close()


def test_a_gateway_that_refuses_a_new_key_still_gets_events_by_the_old_one(laptop: OneLaptop) -> None:
    laptop.uplink.begin_rotation()
    laptop.see(0)
    laptop.gateway.faults = [refusing(409)]
    laptop.steps()
    assert laptop.arrived() == [0]
    assert laptop.keys.load_next() is not None


@pytest.mark.parametrize("step", [-7200.0, 7200.0, -1_500_000_000.0, 2e9], ids=["back", "forth", "1970", "2099"])
def test_a_clock_that_is_set_loses_and_reorders_nothing(laptop: OneLaptop, step: float) -> None:
    laptop.see(0)
    laptop.clock.wall += step
    laptop.see(1)
    laptop.steps()
    laptop.see(2)
    laptop.clock.wall -= step
    laptop.steps()
    assert [number for number in laptop.arrived() if number is not None] == [0, 1, 2]


def test_a_wrong_clock_is_told_once(laptop: OneLaptop) -> None:
    laptop.clock.wall -= 86_400
    for number in range(3):
        laptop.see(number)
        laptop.steps()
    told = [event for event in laptop.gateway.events() if event.kind == "clock"]
    assert [event.facts["state"] for event in told] == ["wrong"]
    assert laptop.uplink.status.skew_seconds == pytest.approx(86_400, abs=5)


def test_the_gateway_of_another_key_gets_nothing(laptop: OneLaptop, tmp_path: Path) -> None:
    laptop.see(0)
    other = tmp_path / "other"
    other.mkdir()
    with serving(LaptopGateway(devices=laptop.gateway.devices), other) as stranger:
        laptop.uplink._link = GatewayLink(stranger.url, laptop.identity.pin)
        assert laptop.uplink.step() == 5.0
        laptop.uplink._link.close()
        assert stranger.requests == []
    assert "another key" in laptop.uplink.status.problem
    assert laptop.spool.state().depth == 1


class NoLink:
    """A network that is not there."""

    def send(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b"") -> Reply:  # noqa: ARG002 (the shape of a link)
        raise OSError("no network")

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("happening", "is_ended"),
    [
        (lambda laptop: laptop.uplink.wake(is_urgent=True), True),
        (lambda laptop: laptop.addresses.add("198.51.100.4"), True),
        (lambda laptop: setattr(laptop.clock, "monotonic", laptop.clock.monotonic + 3600), True),
        (lambda laptop: laptop.uplink.wake(), False),
    ],
    ids=["incident", "another-network", "woken-from-sleep", "anything-else"],
)
def test_a_back_off_ends_early_when_the_world_changes(
    laptop: OneLaptop, happening: Callable[[OneLaptop], None], *, is_ended: bool
) -> None:
    laptop.see(0)
    laptop.gateway.faults = [refusing(500)] * 4
    for _ in range(4):
        laptop.uplink.step()
    stop = threading.Event()
    waiting = threading.Thread(target=laptop.uplink._wait, args=(900.0, stop))
    waiting.start()
    happening(laptop)
    laptop.uplink.wake()
    waiting.join(timeout=5 if is_ended else 0.3)
    assert waiting.is_alive() is not is_ended
    assert (laptop.uplink._backoff.failures == 0) is is_ended
    stop.set()
    laptop.uplink.wake()
    waiting.join(timeout=5)
    assert not waiting.is_alive()


def test_an_incident_does_not_shorten_the_pause_that_the_gateway_asked_for(laptop: OneLaptop) -> None:
    laptop.see(0)
    laptop.gateway.faults = [refusing(503, {"Retry-After": "300"})]
    laptop.uplink.step()
    stop = threading.Event()
    waiting = threading.Thread(target=laptop.uplink._wait, args=(300.0, stop))
    waiting.start()
    laptop.uplink.wake(is_urgent=True)
    waiting.join(timeout=0.3)
    assert waiting.is_alive()
    stop.set()
    laptop.uplink.wake()
    waiting.join(timeout=5)


def test_it_runs_by_itself_until_it_is_stopped(laptop: OneLaptop) -> None:
    laptop.uplink._backoff = Backoff(lambda: 0.0)
    for number in range(300):
        laptop.see(number)
    stop, done = threading.Event(), threading.Event()
    laptop.gateway.is_poison = lambda event: _seen(event, done)
    thread = threading.Thread(target=laptop.uplink.run, args=(stop,))
    thread.start()
    assert done.wait(timeout=20)
    stop.set()
    laptop.uplink.wake()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert laptop.arrived() == list(range(300))


def _seen(event: Event, done: threading.Event) -> bool:
    if event.facts.get("n") == 299:
        done.set()
    return False


def test_no_network_is_waited_out(laptop: OneLaptop) -> None:
    laptop.see(0)
    laptop.uplink._link = NoLink()
    assert laptop.uplink.step() == 5.0
    assert laptop.spool.state().depth == 1
    assert laptop.gateway.requests == ["POST /endpoint/v1/enrol"]
    assert PATH == "/endpoint/v1/batches"
