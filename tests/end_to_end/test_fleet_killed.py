"""`kill -9` of the process that takes events, between storing a batch and answering: each is there, and once."""

import json
import os
import secrets
import signal
import socket
import sqlite3
import ssl
import time
from contextlib import closing, suppress
from pathlib import Path

import httpx
from conftest import RunningGateway, wait_until
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from signed_in import Staff

from agent.endpoint.enrolment_wire import (
    ENROL_PATH,
    EnrolmentRequest,
    decode_enrolled,
    encode_enrolment,
    parse_token,
    spki_pin,
)
from agent.endpoint.message_signatures import sign_request
from agent.endpoint.wire_batch import GENESIS, PATH, Batch, Event, decode_answer, encode_batch
from agent.sites.config import load_site
from rules.roles import Role

KILLS = 3
EVENTS = 100
EPOCH = secrets.token_hex(16)
HOST = {"os": "Linux", "version": "12", "hostname": "laptop-7", "model": "T14"}


def body_of(device: str, first: int) -> bytes:
    now = time.time()
    events = tuple(
        Event(number, now, 100.0, "boot", "writes", 2, {"files": number}) for number in range(first, first + EVENTS)
    )
    return encode_batch(Batch(device, EPOCH, GENESIS, "boot", now, 101.0, 0, "0.1.0", EVENTS, 1.0, events))


class Interface:
    """The interface of a gateway, seen by a laptop that has no pin: the pin is tried by the laptop's own tests."""

    def __init__(self, gateway: RunningGateway) -> None:
        site = load_site(gateway.site).site
        assert site.listeners.api is not None
        self.gateway = gateway
        self.port = site.listeners.api.port
        self.events = Path(site.paths.state) / "fleet.db"

    def pid(self) -> int | None:
        for pid in self.gateway.processes():
            with suppress(OSError):
                if b"agent.api.server" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        return None

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        with httpx.Client(verify=False, timeout=20) as client:  # noqa: S501 (loopback, and a certificate of its own)
            return client.post(f"https://127.0.0.1:{self.port}{path}", content=body, headers=headers)

    def send_and_hang_up(self, request: bytes) -> None:
        """Send it and read nothing."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.port), 10) as plain, context.wrap_socket(plain) as stream:
            stream.sendall(request)
            wait_until(lambda: self.last() >= self.expected)
            # It is stored, and its answer may or may not be on its way: nobody reads it.
            pid = self.pid()
            assert pid is not None
            os.kill(pid, signal.SIGKILL)

    expected = 0

    def last(self) -> int:
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(f"{self.events.as_uri()}?mode=ro", uri=True)) as database,
        ):
            (found,) = database.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
            return int(found)
        return 0

    def wait(self, *, other_than: int | None) -> None:
        def listens() -> bool:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self.pid() not in (None, other_than)
            return False

        wait_until(listens, seconds=40)


def test_what_is_stored_and_not_answered_is_answered_alike_when_it_comes_again(own_gateway: RunningGateway) -> None:
    staff = Staff.of(own_gateway, nadia=Role.NETWORK_MANAGER)
    own_gateway.start()
    staff.wait_for_interface()
    interface = Interface(own_gateway)
    with staff.client("nadia") as client:
        token = parse_token(client.post("/devices/tokens", {"label": "Office"})["token"])
    shown = ssl.get_server_certificate(("127.0.0.1", interface.port))
    assert token.pin == spki_pin(ssl.PEM_cert_to_DER_cert(shown))
    key = Ed25519PrivateKey.generate()
    machine = secrets.token_hex(32)
    asked = EnrolmentRequest(
        token.token_id, key.public_key(), secrets.token_hex(16), HOST, machine, "0.1.0", int(time.time())
    )
    enrolled = decode_enrolled(interface.post(ENROL_PATH, encode_enrolment(asked, token.secret, key)).content)
    for number in range(KILLS):
        first = number * EVENTS + 1
        _one_kill(interface, key, enrolled.device, enrolled.ack_key, first)
    with closing(sqlite3.connect(f"{interface.events.as_uri()}?mode=ro", uri=True)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        numbers = [number for (number,) in database.execute("SELECT seq FROM events ORDER BY number")]
        assert database.execute("SELECT count(*) FROM gaps").fetchone() == (0,)
    assert numbers == list(range(1, KILLS * EVENTS + 1))
    with staff.client("nadia") as client:
        (laptop,) = client.get("/devices")["items"]
    assert (laptop["state"], laptop["contact"]["waiting"]) == ("active", 0)


def _one_kill(
    interface: Interface, key: Ed25519PrivateKey, device: str, ack_key: Ed25519PublicKey, first: int
) -> None:
    body = body_of(device, first)
    signed = sign_request(key, device, method="POST", path=PATH, body=body, created=int(time.time()))
    headers = {**signed, "Content-Encoding": "deflate", "Content-Type": "application/json"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
    before = interface.pid()
    interface.expected = first + EVENTS - 1
    with suppress(OSError):
        interface.send_and_hang_up(head.encode() + body)
    interface.wait(other_than=before)
    for _ in range(2):
        response = interface.post(PATH, body, headers)
        assert response.status_code == 200, json.loads(response.content)["detail"]
        answer = decode_answer(response.content, ack_key)
        assert (answer.acknowledged, answer.duplicates, answer.gaps) == (interface.expected, EVENTS, ())
