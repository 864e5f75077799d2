"""A laptop of test: its keys, what it sends and what it is answered; no service, no spool, no sockets."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from api_of_test import NOW, SchoolOfTest, Visitor
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent.endpoint.enrolment_wire import (
    ENROL_PATH,
    ENROLMENT_PATH,
    POLICY_PATH,
    ROTATE_PATH,
    Enrolled,
    EnrolmentRequest,
    decode_enrolled,
    encode_enrolment,
    encode_rotation,
    parse_token,
)
from agent.endpoint.message_signatures import sign_request
from agent.endpoint.wire_batch import GENESIS, PATH, Answer, Batch, Event, decode_answer, encode_batch
from rules.roles import Role

WALL = int(NOW.timestamp())
MONO = 5000.0
BOOT = "boot-1"
EPOCH = "0123456789abcdef0123456789abcdef"
HOST = {"os": "Linux", "version": "12", "hostname": "laptop-7", "model": "T14"}


def event(number: int, kind: str = "writes", **more: Any) -> Event:
    """Make an event that happened a minute ago."""
    facts: Mapping[str, Any] = more.pop("facts", {"files": number})
    made: dict[str, Any] = {"wall": WALL - 60.0, "monotonic": MONO - 60.0, "boot": BOOT, "priority": 2, **more}
    return Event(sequence=number, kind=kind, facts=facts, **made)


def batch(device: str, events: Sequence[Event], **more: Any) -> Batch:
    """Make a batch that is sent now."""
    made = Batch(
        device=device,
        epoch=EPOCH,
        previous=GENESIS,
        boot=BOOT,
        sent_wall=float(WALL),
        sent_monotonic=MONO,
        policy=0,
        agent="0.1.0",
        depth=len(events),
        oldest_seconds=60.0,
        events=tuple(events),
    )
    return replace(made, **more)


@dataclass
class LaptopOfTest:
    """A laptop at a school of test; `device` is known once it has enrolled."""

    school: SchoolOfTest
    machine: str = field(default_factory=lambda: secrets.token_hex(32))
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    device: str = ""
    ack_key: Ed25519PublicKey | None = None

    @property
    def visitor(self) -> Visitor:
        return self.school.stranger()

    def enrol(self, token: str) -> httpx.Response:
        """Ask to be let in, and remember the answer."""
        parsed = parse_token(token)
        request = EnrolmentRequest(
            parsed.token_id, self.key.public_key(), secrets.token_hex(16), HOST, self.machine, "0.1.0", WALL
        )
        response = self.visitor.ask("POST", ENROL_PATH, content=encode_enrolment(request, parsed.secret, self.key))
        if response.status_code == 200:
            enrolled: Enrolled = decode_enrolled(response.content)
            self.device, self.ack_key = enrolled.device, enrolled.ack_key
        return response

    def post(self, body: bytes, path: str = PATH, **headers: str) -> httpx.Response:
        """Send a body with a signature of one's own; a header may be another."""
        signed = sign_request(self.key, self.device or "d", method="POST", path=path, body=body, created=WALL)
        usual = {"Content-Encoding": "deflate", "Content-Type": "application/json"} if path == PATH else {}
        return self.visitor.ask("POST", path, content=body, headers={**signed, **usual, **headers})

    def get(self, path: str) -> httpx.Response:
        """Ask for something with a signature of one's own."""
        signed = sign_request(self.key, self.device, method="GET", path=path, body=b"", created=WALL)
        return self.visitor.ask("GET", path, headers=signed)

    def send(self, *events: Event, **more: Any) -> httpx.Response:
        """Send a batch of these events."""
        return self.post(encode_batch(batch(self.device, events, **more)))

    def answer(self, response: httpx.Response) -> Answer:
        """Read what was signed for a batch."""
        assert response.status_code == 200, response.text
        assert self.ack_key is not None
        return decode_answer(response.content, self.ack_key)

    def standing(self) -> httpx.Response:
        """Ask whether one is let in."""
        return self.get(ENROLMENT_PATH)

    def policy(self) -> httpx.Response:
        """Ask for the policy."""
        return self.get(POLICY_PATH)

    def rotate(self, new: Ed25519PrivateKey) -> httpx.Response:
        """Put another key in the place of one's own; the old one signs."""
        return self.post(encode_rotation(self.device, new), ROTATE_PATH)


def token_of(manager: Visitor, **asked: Any) -> str:
    """Make a token as somebody who manages devices."""
    made = manager.post("/devices/tokens", {"label": "Deputy head", **asked})
    assert made.status_code == 201, made.text
    return str(made.json()["token"])


def enrolled(school: SchoolOfTest, name: str = "Nadia") -> LaptopOfTest:
    """Give a laptop that was let in."""
    laptop = LaptopOfTest(school)
    response = laptop.enrol(token_of(school.person(name, Role.NETWORK_MANAGER)))
    assert json.loads(response.content)["state"] == "active"
    return laptop
