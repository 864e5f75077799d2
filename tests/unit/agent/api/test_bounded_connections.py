"""Connections that say nothing, or drip: they end, and the others are answered."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from agent.api.bounded_connections import HEAD_SECONDS, MAX_CONNECTIONS, MAX_OF_ADDRESS, BoundedConnection

HEAD_OF_TEST = 0.3


class OfTest(BoundedConnection):
    head_seconds = HEAD_OF_TEST
    max_of_address = 4


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    # Longer than a head may take.
    await asyncio.sleep(2 * HEAD_OF_TEST if scope["path"] == "/slow" else 0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def port() -> Iterator[int]:
    config = uvicorn.Config(answer, http=OfTest, ws="none", lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(10)
    listening.close()


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        yield connection


def answered(connection: socket.socket) -> bool:
    connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    octets = b""
    while not octets.endswith(b"ok") and (part := connection.recv(9999)):
        octets += part
    return octets.endswith(b"\r\n\r\nok")


def ends(connection: socket.socket) -> bool:
    with suppress(ConnectionError):
        return connection.recv(1) == b""
    return True


def test_a_school_behind_one_address_is_let_in_and_leaves_some_to_others() -> None:
    assert 500 < MAX_OF_ADDRESS < MAX_CONNECTIONS
    assert HEAD_SECONDS > 10


def test_whoever_says_nothing_is_not_kept(port: int) -> None:
    with connected(port) as connection:
        assert ends(connection)


def test_a_head_that_drips_is_not_waited_for(port: int) -> None:
    with connected(port) as connection:
        connection.settimeout(0.02)
        began = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - began < 10:
                connection.sendall(b"GET / HTTP/1.1\r\nX: y\r\n"[:1])
                with suppress(TimeoutError):
                    if not connection.recv(1):
                        break
        assert time.monotonic() - began < 10


def test_nor_that_of_a_second_request(port: int) -> None:
    with connected(port) as connection:
        assert answered(connection)
        connection.sendall(b"GET / HT")
        assert ends(connection)


def test_a_request_under_way_is_answered(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert [client.get("/slow").text for _ in range(2)] == ["ok", "ok"]


def test_one_address_has_so_many_and_no_more(port: int) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(connected(port)) for _ in range(OfTest.max_of_address)]
        with connected(port) as one_more:
            began = time.monotonic()
            assert ends(one_more)
            assert time.monotonic() - began < HEAD_OF_TEST
        assert answered(held[0])
