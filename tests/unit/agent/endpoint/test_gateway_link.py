import os
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from laptop_gateway import LaptopGateway, drop_request, refusing, serving, speaking

from agent.endpoint.enrolment_wire import ENROL_PATH
from agent.endpoint.gateway_link import (
    GatewayLink,
    LinkError,
    PinnedContext,
    Reply,
    WrongGatewayError,
    parse_gateway_url,
)
from agent.endpoint.wire_batch import MAX_ANSWER_BYTES


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[LaptopGateway]:
    with serving(LaptopGateway(), tmp_path) as gateway:
        yield gateway


def test_the_pinned_key_is_enough_whatever_the_certificate_says(gateway: LaptopGateway) -> None:
    gateway.faults = [lambda _gateway, path, body: f"{path} {body.decode()}".encode()]
    with GatewayLink(gateway.url, gateway.pin) as link:
        reply = link.send("POST", "/endpoint/v1/enrol", headers={"X-A": "b"}, body=b"hello")
    assert (reply.status, reply.body) == (200, b"/endpoint/v1/enrol hello")
    assert gateway.headers["X-A"] == "b"
    assert reply.seconds > 0


def test_a_gateway_with_another_key_gets_not_one_octet(gateway: LaptopGateway) -> None:
    other = LaptopGateway()
    assert other.pin != gateway.pin
    with GatewayLink(gateway.url, other.pin) as link, pytest.raises(WrongGatewayError, match="another key"):
        link.send("POST", ENROL_PATH, headers={}, body=b"secret")
    assert gateway.requests == []


def test_a_proxy_of_the_environment_is_not_asked(gateway: LaptopGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    gateway.faults = [refusing(503)]
    with GatewayLink(gateway.url, gateway.pin) as link:
        assert link.send("GET", "/", headers={}).status == 503


def test_a_redirect_is_not_followed(gateway: LaptopGateway) -> None:
    gateway.faults = [refusing(307, {"Location": "https://elsewhere.example/"})]
    with GatewayLink(gateway.url, gateway.pin) as link:
        assert link.send("POST", "/", headers={}, body=b"x").status == 307


@pytest.mark.parametrize("where", ["closed-port", "closes-at-once"])
def test_a_gateway_that_is_not_there_is_told(gateway: LaptopGateway, where: str) -> None:
    url = gateway.url if where == "closes-at-once" else "https://127.0.0.1:9"
    gateway.faults = [drop_request]
    with GatewayLink(url, gateway.pin) as link, pytest.raises(LinkError, match="cannot be reached") as failure:
        link.send("GET", "/", headers={})
    assert not isinstance(failure.value, WrongGatewayError)


def test_a_connection_that_is_reset_before_it_is_safe_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        # To close without waiting is a reset.
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        select.select([connection], [], [], 5)
        descriptor = connection.fileno()
        context = PinnedContext.to("A")
        context.ends_at = time.monotonic() + 5
        with pytest.raises(OSError, match="reset"):
            context.wrap_socket(connection)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


def test_an_answer_without_end_is_not_read_to_its_end(gateway: LaptopGateway) -> None:
    gateway.faults = [lambda *_: bytes(MAX_ANSWER_BYTES + 1)]
    with GatewayLink(gateway.url, gateway.pin) as link, pytest.raises(LinkError, match=str(MAX_ANSWER_BYTES)):
        link.send("GET", "/", headers={})


def test_old_tls_is_not_spoken() -> None:
    assert PinnedContext.to("A").minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"detail": "The laptop waits for approval."}', "The laptop waits for approval."),
        (b'{"detail": "' + b"x" * 999 + b'"}', "x" * 300),
        (b'{"detail": "a\\u001b[31mb"}', "The gateway answered with status 403."),
        (b'{"detail": 7}', "The gateway answered with status 403."),
        (b"<html>", "The gateway answered with status 403."),
        (b"", "The gateway answered with status 403."),
    ],
    ids=["sentence", "long", "control-characters", "number", "html", "empty"],
)
def test_what_the_gateway_says_is_shown_if_it_can_be(body: bytes, sentence: str) -> None:
    assert Reply(403, {}, body, 0.1).sentence == sentence


@pytest.mark.parametrize(
    "url", ["https://gateway.school", "https://192.0.2.1:8443", "https://[2001:db8::1]:8443", "https://g/"]
)
def test_an_address_of_a_gateway(url: str) -> None:
    assert parse_gateway_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    ["", "gateway", "http://gateway", "https://", "https://g/path", "https://a:b@g", "https://g?x", "https://g:x"],
)
def test_another_text_is_no_address_of_a_gateway(url: str) -> None:
    with pytest.raises(ValueError, match="https://HOST"):
        parse_gateway_url(url)


def _dripping(answer: bytes, *, from_the_start: bool) -> Callable[[ssl.SSLSocket], None]:
    """Send so many octets at once as are due, and then one after the other without end."""

    def drip(connection: ssl.SSLSocket) -> None:
        connection.recv(65536)
        with suppress(OSError):
            if not from_the_start:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
            while True:
                for octet in answer:
                    connection.sendall(bytes([octet]))
                    time.sleep(0.02)

    return drip


@pytest.mark.parametrize(
    ("answer", "from_the_start"),
    [(b"x", False), (b"HTTP/1.1 103 Early Hints\r\n\r\n", True), (b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 9999, True)],
    ids=["body", "early-hints", "header"],
)
def test_an_answer_that_drips_without_end_is_left(tmp_path: Path, answer: bytes, *, from_the_start: bool) -> None:
    gateway = LaptopGateway()
    with (
        speaking(gateway, tmp_path, _dripping(answer, from_the_start=from_the_start)) as url,
        GatewayLink(url, gateway.pin, exchange_seconds=0.5) as link,
        pytest.raises(LinkError, match="cannot be reached"),
    ):
        link.send("GET", "/", headers={})
