import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from laptop_gateway import LaptopGateway, drop_reply, refusing, serving

from agent.endpoint.enrolment import EnrolmentError, Identity, IdentityStore, Laptop, enrol
from agent.endpoint.enrolment_wire import BadTokenError, approval_code
from agent.endpoint.gateway_link import GatewayLink, LinkError, WrongGatewayError
from agent.endpoint.keys import KeyStore

LAPTOP = Laptop({"os": "Debian", "version": "12", "hostname": "b12", "model": "X" * 999}, "ab" * 32, "1.0")
NOW = 1_763_713_531.0


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[LaptopGateway]:
    with serving(LaptopGateway(), tmp_path) as gateway:
        yield gateway


def enrolled(gateway: LaptopGateway, folder: Path, token: str, **options: Any) -> Identity:
    return enrol(
        token,
        gateway=gateway.url,
        laptop=LAPTOP,
        keys=KeyStore(folder),
        identities=IdentityStore(folder),
        connect=GatewayLink,
        now=NOW,
        **options,
    )


def test_a_token_makes_a_laptop_known_and_is_gone(gateway: LaptopGateway, tmp_path: Path) -> None:
    folder, file = tmp_path / "laptop", tmp_path / "token.enrol"
    token = gateway.token()
    file.write_text(token)
    identity = enrolled(gateway, folder, token, token_file=file)
    key = KeyStore(folder).load()
    assert key is not None
    assert gateway.devices == {identity.device: key.public_key()}
    assert IdentityStore(folder).load() == identity
    assert identity.state == "active"
    assert not file.exists()
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    secret = token.split(".")[2]
    assert all(secret.encode() not in path.read_bytes() for path in folder.iterdir())


def test_a_laptop_that_waits_shows_the_code_that_the_gateway_shows(gateway: LaptopGateway, tmp_path: Path) -> None:
    gateway.state = "pending"
    identity = enrolled(gateway, tmp_path / "laptop", gateway.token())
    key = KeyStore(tmp_path / "laptop").make().public_key()
    assert identity.is_pending
    assert identity.code(key) == approval_code(
        gateway.devices[identity.device], gateway.ack_key.public_key(), identity.device
    )
    assert IdentityStore(tmp_path / "laptop").approve(identity) == replace(identity, state="active")


def test_a_token_is_used_once(gateway: LaptopGateway, tmp_path: Path) -> None:
    token = gateway.token()
    enrolled(gateway, tmp_path / "one", token)
    with pytest.raises(EnrolmentError, match="used already"):
        enrolled(gateway, tmp_path / "two", token)
    assert len(gateway.devices) == 1


def test_a_lost_answer_costs_no_second_token(gateway: LaptopGateway, tmp_path: Path) -> None:
    token, file = gateway.token(), tmp_path / "token.enrol"
    file.write_text(token)
    gateway.faults = [drop_reply]
    with pytest.raises(LinkError):
        enrolled(gateway, tmp_path / "laptop", token, token_file=file)
    assert file.exists()
    identity = enrolled(gateway, tmp_path / "laptop", token, token_file=file)
    assert list(gateway.devices) == [identity.device]


def test_a_forged_token_is_refused(gateway: LaptopGateway, tmp_path: Path) -> None:
    parts = gateway.token().split(".")
    parts[2] = "A" * 32
    with pytest.raises(EnrolmentError, match="not known"):
        enrolled(gateway, tmp_path / "laptop", ".".join(parts))
    assert gateway.devices == {}


def test_a_text_that_is_no_token_reaches_nobody(gateway: LaptopGateway, tmp_path: Path) -> None:
    with pytest.raises(BadTokenError):
        enrolled(gateway, tmp_path / "laptop", "hello")
    assert gateway.requests == []


def test_another_gateway_learns_nothing_of_the_token(gateway: LaptopGateway, tmp_path: Path) -> None:
    token = gateway.token(pin=LaptopGateway().pin)
    with pytest.raises(WrongGatewayError):
        enrolled(gateway, tmp_path / "laptop", token)
    assert gateway.requests == []
    assert IdentityStore(tmp_path / "laptop").load() is None


def test_who_is_enrolled_is_not_enrolled_by_mistake(gateway: LaptopGateway, tmp_path: Path) -> None:
    enrolled(gateway, tmp_path / "laptop", gateway.token())
    with pytest.raises(EnrolmentError, match="already"):
        enrolled(gateway, tmp_path / "laptop", gateway.token())


def test_enrolling_anew_brings_a_new_key_and_keeps_the_old_one(gateway: LaptopGateway, tmp_path: Path) -> None:
    folder = tmp_path / "laptop"
    first = enrolled(gateway, folder, gateway.token())
    old = KeyStore(folder).make().private_bytes_raw()
    second = enrolled(gateway, folder, gateway.token(), again=True)
    assert second.device != first.device
    assert KeyStore(folder).make().private_bytes_raw() != old
    assert (folder / "device.key.old-20251121T082531").read_bytes() == old


@pytest.mark.parametrize("status", [400, 403, 410, 500, 503])
def test_a_refused_attempt_changes_nothing(gateway: LaptopGateway, tmp_path: Path, status: int) -> None:
    folder = tmp_path / "laptop"
    identity = enrolled(gateway, folder, gateway.token())
    old = KeyStore(folder).make().private_bytes_raw()
    gateway.faults = [refusing(status)]
    with pytest.raises(EnrolmentError, match=f"Refused with {status}"):
        enrolled(gateway, folder, gateway.token(), again=True)
    assert IdentityStore(folder).load() == identity
    assert KeyStore(folder).make().private_bytes_raw() == old


def test_an_answer_that_is_none_is_told(gateway: LaptopGateway, tmp_path: Path) -> None:
    gateway.faults = [lambda *_: b"{}"]
    with pytest.raises(EnrolmentError, match="cannot be used"):
        enrolled(gateway, tmp_path / "laptop", gateway.token())


@pytest.mark.parametrize(
    "change", [{"state": "king"}, {"ack_key": "AAAA"}, {"more": 1}, {"policy_key": None}], ids=str
)
def test_a_damaged_identity_is_told_and_stays(gateway: LaptopGateway, tmp_path: Path, change: dict[str, Any]) -> None:
    folder = tmp_path / "laptop"
    enrolled(gateway, folder, gateway.token())
    path = folder / "identity.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    before = path.read_bytes()
    with pytest.raises(EnrolmentError, match="identity"):
        enrolled(gateway, folder, gateway.token(), again=True)
    assert path.read_bytes() == before
