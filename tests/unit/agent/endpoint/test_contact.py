"""The uplink of the service: begun when the laptop is enrolled, and anew when it is enrolled anew."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from laptop_gateway import LaptopGateway, serving

from agent.endpoint.contact import Contact
from agent.endpoint.enrolment import IdentityStore, Laptop, enrol
from agent.endpoint.event_spool import Clocks, EventSpool
from agent.endpoint.gateway_link import GatewayLink
from agent.endpoint.keys import KeyStore
from agent.endpoint.skew import ClockWatch
from collectors.observed import Observed, Priority

SECONDS = 20.0
LAPTOP = Laptop({"os": "Debian", "version": "12", "hostname": "b12", "model": "X"}, "ab" * 32, "0.1.0")


def wait_until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[LaptopGateway]:
    with serving(LaptopGateway(), tmp_path) as served:
        yield served


class Place:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.addresses = frozenset({"192.0.2.7"})
        self.spool = EventSpool(folder)
        self.contact = Contact(
            folder,
            self.spool,
            clocks=Clocks(),
            release="0.1.0",
            clock_watch=ClockWatch(),
            addresses=lambda: self.addresses,
            random_share=lambda: 0.0,
        )

    def enrol(self, gateway: LaptopGateway, *, again: bool = False) -> None:
        enrol(
            gateway.token(),
            gateway=gateway.url,
            laptop=LAPTOP,
            keys=KeyStore(self.folder),
            identities=IdentityStore(self.folder),
            connect=GatewayLink,
            now=time.time(),
            again=again,
        )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "data")
    yield made
    made.contact.stop()
    made.spool.close()


def test_before_it_is_enrolled_everything_waits(place: Place) -> None:
    place.spool.add(Observed("writes", Priority.ACTIVITY, {}))
    place.contact.look()
    contact = place.contact
    assert (contact.identity, contact.gateway, contact.code, contact.policy.version) == (None, "", "", 0)
    assert not contact.is_on_site()
    assert place.spool.state().depth == 1


def test_once_it_is_enrolled_what_waited_goes(place: Place, gateway: LaptopGateway) -> None:
    place.spool.add(Observed("writes", Priority.ACTIVITY, {"n": 1}))
    place.contact.look()
    place.enrol(gateway)
    place.contact.look()
    wait_until(gateway.events)
    wait_until(lambda: place.contact.status.last_contact)
    place.contact.look()
    assert place.contact.is_on_site()
    assert place.contact.gateway_host == "127.0.0.1"
    place.addresses = frozenset({"203.0.113.9"})
    assert not place.contact.is_on_site()


def test_a_policy_that_comes_in_holds(place: Place, gateway: LaptopGateway) -> None:
    gateway.set_policy(3, {"grace_seconds": 60})
    place.enrol(gateway)
    place.contact.look()
    place.spool.add(Observed("writes", Priority.ACTIVITY, {}))
    place.contact.wake(is_urgent=False)
    wait_until(lambda: place.contact.policy.version == 3)
    assert place.contact.settings().grace_seconds == 60


def test_one_that_waits_to_be_let_in_shows_its_code(place: Place, gateway: LaptopGateway) -> None:
    gateway.state = "pending"
    place.enrol(gateway)
    place.contact.look()
    assert len(place.contact.code) == 6
    assert place.contact.code.isdecimal()


def test_it_begins_anew_with_another_gateway(place: Place, gateway: LaptopGateway, tmp_path: Path) -> None:
    place.enrol(gateway)
    place.contact.look()
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    with serving(LaptopGateway(), other_folder) as other:
        place.enrol(other, again=True)
        place.contact.look()
        place.spool.add(Observed("writes", Priority.ACTIVITY, {"n": 2}))
        place.contact.wake(is_urgent=False)
        wait_until(other.events)
        place.contact.stop()


def test_nothing_changes_while_nothing_has(place: Place, gateway: LaptopGateway) -> None:
    place.enrol(gateway)
    place.contact.look()
    thread = place.contact._running
    place.contact.look()
    assert place.contact._running is thread


def test_a_damaged_identity_is_a_problem_and_no_end(place: Place) -> None:
    (place.folder / "identity.json").write_text("{")
    place.contact.look()
    assert "cannot be read" in place.contact.problem
    assert place.contact.status.problem == place.contact.problem


def test_an_identity_without_a_key_is_a_problem(place: Place, gateway: LaptopGateway) -> None:
    place.enrol(gateway)
    for each in place.folder.glob("*.key"):
        each.unlink()
    place.contact.look()
    assert "its key is gone" in place.contact.status.problem


@pytest.mark.alone
def test_a_gateway_that_never_answers_does_not_hold_up_the_end(place: Place, gateway: LaptopGateway) -> None:
    place.enrol(gateway)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        identities = IdentityStore(place.folder)
        identity = identities.load()
        assert identity is not None
        identities.save(replace(identity, gateway=f"https://127.0.0.1:{silent.getsockname()[1]}"))
        place.spool.add(Observed("writes", Priority.ACTIVITY, {}))
        place.contact.look()
        silent.settimeout(SECONDS)
        connection, _ = silent.accept()
        began = time.monotonic()
        place.contact.stop()
        assert time.monotonic() - began < 4
        connection.close()
    assert place.spool.state().depth == 1
