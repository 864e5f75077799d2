"""Laptops that sign what they tell, at a school that lives, without a laptop."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from living_school import School

from agent.endpoint.enrolment_wire import (
    ENROL_PATH,
    EnrolmentRequest,
    decode_enrolled,
    encode_enrolment,
    parse_token,
)
from agent.endpoint.message_signatures import sign_request
from agent.endpoint.wire_batch import GENESIS, PATH, Batch, Event, encode_batch
from agent.sites.config import load_site

HOST = {"os": "Linux", "version": "12", "hostname": "laptop-7", "model": "T14"}
NOTHING = timedelta(0)


@dataclass
class Laptop:
    """A laptop that was let in, with the key that it signs by."""

    port: int
    token: str
    address: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    epoch: str = field(default_factory=lambda: secrets.token_hex(16))
    sequence: int = 0
    id: str = ""

    def enrol(self) -> None:
        token = parse_token(self.token)
        nonce, machine = secrets.token_hex(16), secrets.token_hex(32)
        request = EnrolmentRequest(
            token.token_id, self.key.public_key(), nonce, HOST, machine, "0.1.0", int(time.time())
        )
        response = self._post(ENROL_PATH, encode_enrolment(request, token.secret, self.key), {})
        self.id = decode_enrolled(response.content).device

    def tell(self, *told: tuple[str, timedelta, Mapping[str, Any]]) -> None:
        """Send a signed batch: of each event its kind, how long ago it was, and its facts."""
        now, mono = time.time(), time.monotonic() + 1e6
        events = []
        for kind, ago, facts in told:
            self.sequence += 1
            seconds = ago.total_seconds()
            events.append(Event(self.sequence, now - seconds, mono - seconds, "boot-1", kind, 1, facts))
        made = Batch(
            device=self.id,
            epoch=self.epoch,
            previous=GENESIS,
            boot="boot-1",
            sent_wall=now,
            sent_monotonic=mono,
            policy=0,
            agent="0.1.0",
            depth=len(events),
            oldest_seconds=0.0,
            events=tuple(events),
        )
        body = encode_batch(made)
        headers = sign_request(self.key, self.id, method="POST", path=PATH, body=body, created=int(now))
        # It comes twice, as over a bad network.
        for _ in range(2):
            self._post(PATH, body, {**headers, "Content-Encoding": "deflate"})

    def beat(self) -> None:
        self.tell(("heartbeat", NOTHING, {}))

    def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        sent = {**headers, "Content-Type": "application/json"}
        way = httpx.HTTPTransport(verify=False, local_address=self.address)  # loopback, and a certificate of its own
        with httpx.Client(transport=way, timeout=20) as client:
            response = client.post(f"https://127.0.0.1:{self.port}{path}", content=body, headers=sent)
        assert response.status_code == 200, response.text
        return response


def laptop_of(school: School, *, address: str) -> Laptop:
    """Let a laptop in, which is heard from an address."""
    api = load_site(school.gateway.site).site.listeners.api
    assert api is not None
    laptop = Laptop(
        api.port, school.clients["nadia"].post("/devices/tokens", {"label": "Deputy head"})["token"], address
    )
    laptop.enrol()
    return laptop
