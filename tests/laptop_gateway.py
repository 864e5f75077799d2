"""A gateway for the tests of laptops: real TLS on a real socket, with faults on demand.

What it takes is what the gateway takes: an event once, and another one under the same number never.
"""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.endpoint.enrolment_wire import (
    ENROL_PATH,
    ENROLMENT_PATH,
    POLICY_PATH,
    ROTATE_PATH,
    BadEnrolmentError,
    Enrolled,
    Standing,
    Token,
    decode_enrolment,
    decode_rotation,
    encode_enrolled,
    encode_rotated,
    encode_standing,
    spki_pin,
    token_key,
    token_text,
)
from agent.endpoint.message_signatures import BadSignatureError, parse_signature, sign_values
from agent.endpoint.wire_batch import (
    GENESIS,
    PATH,
    Answer,
    BadBatchError,
    Batch,
    Event,
    OversizedBatchError,
    batch_hash,
    decode_batch,
    encode_answer,
)


class Refused(Exception):  # noqa: N818 (what a person is told)
    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = dict(headers or {})


# Done with a request before it is answered: False closes the connection without a word, octets are the answer.
Fault = Callable[["LaptopGateway", str, bytes], bool | bytes]


def drop_request(_gateway: "LaptopGateway", _path: str, _body: bytes) -> bool:
    """The network ends before the gateway has read anything."""
    return False


def drop_reply(gateway: "LaptopGateway", path: str, body: bytes) -> bool:
    """The gateway stores it, and its answer never arrives."""
    gateway.answers.append(gateway.answer(path, body))
    return False


def twice(gateway: "LaptopGateway", path: str, body: bytes) -> bool:
    """Something in between sends the request a second time."""
    gateway.answer(path, body)
    return True


def refusing(status: int, headers: Mapping[str, str] | None = None) -> Fault:
    """The gateway refuses with this status."""

    def refuse(_gateway: "LaptopGateway", _path: str, _body: bytes) -> bool:
        raise Refused(status, f"Refused with {status}.", headers)

    return refuse


@dataclass
class LaptopGateway:
    """What the gateway knows, and what it shall do with the next requests (`faults`, in order)."""

    tls_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    ack_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    policy_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    state: str = "active"
    wall: Callable[[], float] = time.time
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    is_poison: Callable[[Event], bool] = lambda _event: False
    max_body: int = 1 << 20
    tokens: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    devices: dict[str, Ed25519PublicKey] = field(default_factory=dict)
    stored: dict[str, dict[int, Event]] = field(default_factory=dict)
    hashes: set[str] = field(default_factory=lambda: {GENESIS})
    arrivals: int = 0
    policy: bytes = b""
    policy_version: int = 0
    headers: Any = None
    method: str = ""

    def token(self, *, uses: int = 1, pin: str | None = None) -> str:
        token = Token(f"token{len(self.tokens):05}", bytes(range(20)), pin or self.pin)
        self.tokens[token.token_id] = token_key(token.secret), uses
        return token_text(token)

    @property
    def pin(self) -> str:
        return spki_pin(certificate_of(self.tls_key).public_bytes(Encoding.DER))

    def set_policy(self, version: int, settings: Mapping[str, Any], *, expires: int = 0) -> None:
        values = {"v": 1, "version": version, "expires": expires, **settings}
        self.policy = json.dumps(sign_values(self.policy_key, values)).encode()
        self.policy_version = version

    def events(self) -> list[Event]:
        """Every event that is stored, by epoch and number."""
        return [event for epoch in self.stored.values() for _, event in sorted(epoch.items())]

    def answer(self, path: str, body: bytes) -> bytes:
        if path == ENROL_PATH:
            return self._enrol(body)
        try:
            signature = parse_signature(self.headers)
            key = self.devices[signature.key_id]
            signature.verify(key, method=self.method, path=path, body=body)
        except (BadSignatureError, KeyError) as error:
            raise Refused(401, "The signature is not by the key of this device.") from error
        if path == PATH:
            return self._take(signature.key_id, body)
        if path == ENROLMENT_PATH:
            return encode_standing(Standing(signature.key_id, self.state, self._now_ms()), self.ack_key)
        if path == ROTATE_PATH:
            device, new = decode_rotation(body)
            self.devices[device] = new
            return encode_rotated(device, new, self._now_ms(), self.ack_key)
        assert path == POLICY_PATH
        return self.policy

    def _enrol(self, body: bytes) -> bytes:
        try:
            signed = decode_enrolment(body)
        except BadEnrolmentError as error:
            raise Refused(400, str(error)) from error
        request = signed.request
        key, uses = self.tokens.get(request.token_id, (b"", 0))
        if not key or not signed.verify(key):
            raise Refused(403, "This token is not known here.")
        known = [device for device, owned in self.devices.items() if owned == request.key]
        if not known:
            if not uses:
                raise Refused(403, "This token was used already; expected a new one.")
            self.tokens[request.token_id] = key, uses - 1
            known = [f"device{len(self.devices)}"]
            self.devices[known[0]] = request.key
        keys = self.policy_key.public_key(), self.ack_key.public_key()
        return encode_enrolled(Enrolled(known[0], self.state, *keys, self._now_ms()), self.ack_key)

    def _take(self, device: str, body: bytes) -> bytes:
        if len(body) > self.max_body:
            raise Refused(413, "The body is too large.")
        try:
            batch = decode_batch(body)
        except OversizedBatchError as error:
            raise Refused(413, str(error)) from error
        except BadBatchError as error:
            raise Refused(400, str(error)) from error
        if any(map(self.is_poison, batch.events)):
            raise Refused(400, "An event cannot be read.")
        return self._store(device, batch)

    def _store(self, device: str, batch: Batch) -> bytes:
        assert batch.device == device
        assert batch.previous in self.hashes, "a batch follows one that was never taken"
        kept = self.stored.setdefault(batch.epoch, {})
        duplicates = 0
        for event in batch.events:
            if (old := kept.get(event.sequence)) is not None:
                if old.hash != event.hash:
                    raise Refused(409, "Two laptops may use one copied disk.")
                duplicates += 1
            kept[event.sequence] = event
            self.arrivals += 1
        self.hashes.add(batch_hash(batch))
        answer = Answer(batch.device, batch.epoch, max(kept), duplicates, (), self._now_ms(), self.policy_version)
        return encode_answer(answer, self.ack_key)

    def _now_ms(self) -> int:
        return int(self.wall() * 1000)


def certificate_of(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """A self-signed certificate, for another name, and out of date: only its key counts."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somewhere.example")])
    start = datetime(2001, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, start, start + timedelta(days=1))
    return builder.sign(key, SHA256())


@contextmanager
def serving(gateway: LaptopGateway, folder: Path) -> Iterator[LaptopGateway]:
    """Serve it on a free port of 127.0.0.1; `gateway.url` says where."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._respond(b"")

        def do_POST(self) -> None:
            self._respond(self.rfile.read(int(self.headers["Content-Length"])))

        def _respond(self, body: bytes) -> None:
            with lock:
                gateway.headers, gateway.method = self.headers, self.command
                gateway.requests.append(f"{self.command} {self.path}")
                try:
                    done = gateway.faults.pop(0)(gateway, self.path, body) if gateway.faults else True
                    if done is False:
                        self.close_connection = True
                        return
                    answer = done if isinstance(done, bytes) else gateway.answer(self.path, body)
                    status, extra = 200, dict[str, str]()
                except Refused as refusal:
                    answer = json.dumps({"detail": str(refusal)}).encode()
                    status, extra = refusal.status, refusal.headers
            self.send_response(status)
            for name, value in {**extra, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Whoever does not trust the key goes away in the middle."""

    pem = folder / "gateway.pem"
    private = gateway.tls_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(private + certificate_of(gateway.tls_key).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    gateway.url = f"https://127.0.0.1:{server.server_address[1]}"
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


@contextmanager
def speaking(gateway: LaptopGateway, folder: Path, speak: Callable[[ssl.SSLSocket], None]) -> Iterator[str]:
    """Let its TLS key answer one connection by hand, as `speak` says; gives where."""
    pem = folder / "speaking.pem"
    private = gateway.tls_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(private + certificate_of(gateway.tls_key).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def answer() -> None:
        with listener.accept()[0] as raw, context.wrap_socket(raw, server_side=True) as connection:
            speak(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(timeout=10)
        assert not thread.is_alive()
