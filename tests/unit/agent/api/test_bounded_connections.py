"""Connections that say nothing, or drip: they end, and the others are answered."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from agent.api.bounded_connections import (
    ACCEPTED_A_TURN,
    HANDSHAKE_SECONDS,
    HEAD_SECONDS,
    MAX_CHUNKS,
    MAX_CONNECTIONS,
    MAX_HANDSHAKES,
    MAX_HEAD_OCTETS,
    MAX_OF_ADDRESS,
    MAX_OPEN,
    BoundedConnection,
    BoundedLoop,
)
from agent.api.tls import SiteCertificate, open_certificate

HEAD_OF_TEST = 0.3
HANDSHAKE_OF_TEST = 1.0


class OfTest(BoundedConnection):
    head_seconds = HEAD_OF_TEST
    max_open = 6
    max_of_address = 4


class LoopOfTest(BoundedLoop):
    max_handshakes = 6
    max_handshakes_of_address = 4
    handshake_seconds = HANDSHAKE_OF_TEST


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    # Longer than a head may take.
    await asyncio.sleep(2 * HEAD_OF_TEST if scope["path"] == "/slow" else 0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@contextmanager
def served(loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.SelectorEventLoop, **more: Any) -> Iterator[int]:
    config = uvicorn.Config(answer, http=OfTest, ws="none", lifespan="off", log_config=None, access_log=False, **more)
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(server.serve([listening]))

    thread = threading.Thread(target=serve)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(10)
    listening.close()


@pytest.fixture
def port() -> Iterator[int]:
    with served() as found:
        yield found


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> SiteCertificate:
    return open_certificate(tmp_path_factory.mktemp("tls"), names=("localhost", "127.0.0.1"), now=datetime.now(UTC))


@pytest.fixture
def secure_port(certificate: SiteCertificate) -> Iterator[int]:
    with served(LoopOfTest, ssl_certfile=certificate.certificate, ssl_keyfile=certificate.key) as found:
        yield found


@contextmanager
def connected(port: int, *, source: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), 10, (source, 0)) as connection:
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
    assert 500 < MAX_OF_ADDRESS < MAX_CONNECTIONS < MAX_OPEN
    assert MAX_OF_ADDRESS < MAX_HANDSHAKES
    assert HEAD_SECONDS > HANDSHAKE_SECONDS > 3


def test_whoever_says_nothing_is_not_kept(port: int) -> None:
    with connected(port) as connection:
        assert ends(connection)


@pytest.mark.alone
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


def test_all_addresses_together_have_so_many_and_no_more(port: int) -> None:
    with ExitStack() as stack:
        sources = ("127.0.0.1", "127.0.0.2") * (OfTest.max_open // 2)
        held = [stack.enter_context(connected(port, source=source)) for source in sources]
        with connected(port, source="127.0.0.3") as one_more:
            began = time.monotonic()
            assert ends(one_more)
            assert time.monotonic() - began < HEAD_OF_TEST
        assert answered(held[0])


# ---- what would take long to read ---------------------------------------------------------------------------------


GET = b"GET / HTTP/1.1\r\nHost: a\r\n"


def told(connection: socket.socket, *sent: bytes) -> bytes:
    """Give all that comes back, until the other side ends."""
    for octets in sent:
        with suppress(ConnectionError):
            connection.sendall(octets)
    received = b""
    with suppress(ConnectionError):
        while part := connection.recv(65_536):
            received += part
    return received


def head_of(octets: int, *, end: bytes = b"\r\n") -> bytes:
    """Give a head of so many octets."""
    return GET + b"X: " + b"y" * (octets - len(GET) - 5 - len(end)) + b"\r\n" + end


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_head_is_so_long_and_no_longer(port: int, end: bytes) -> None:
    with connected(port) as connection:
        assert told(connection, head_of(MAX_HEAD_OCTETS, end=end)).startswith(b"HTTP/1.1 200")
    with connected(port) as connection:
        received = told(connection, head_of(MAX_HEAD_OCTETS + 1, end=end))
        assert received.startswith(b"HTTP/1.1 400")
        assert received.endswith(b"\r\nFound a head of more than 16,384 octets; expected a shorter one.")


def test_nor_is_one_that_waits_behind_another_request(port: int) -> None:
    with connected(port) as connection:
        received = told(connection, GET + b"\r\n" + head_of(60_000))
    assert received.startswith(b"HTTP/1.1 200")
    assert received.count(b"HTTP/1.1 400") == 1


def test_many_requests_in_one_go_are_all_answered(port: int) -> None:
    with connected(port) as connection:
        connection.sendall((GET + b"\r\n") * 1000)
        received = b""
        while received.count(b"\r\n\r\nok") < 1000:
            received += connection.recv(65_536)


def test_a_body_comes_in_so_many_chunks_and_no_more(port: int) -> None:
    head = GET.replace(b"GET", b"POST") + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk, end = b"1\r\na\r\n", b"0\r\n\r\n"
    with connected(port) as connection:
        received = told(connection, 2 * (head + chunk * MAX_CHUNKS + end))
        assert received.count(b"HTTP/1.1 200") == 2
    with connected(port) as connection:
        received = told(connection, head + chunk * 40_000)
        assert received.startswith(b"HTTP/1.1 400")
        assert b"\r\nFound a body in more than 300 chunks; expected fewer and longer ones.\r\n" in received


def test_where_an_answer_is_under_way_the_connection_ends(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(GET.replace(b"GET", b"POST") + b"Transfer-Encoding: chunked\r\n\r\n")
        received = b""
        while not received.endswith(b"ok"):
            received += connection.recv(9999)
        assert told(connection, b"1\r\na\r\n" * 1000) == b""
    with connected(port) as connection:
        assert answered(connection)


class CountingLoop(BoundedLoop):
    """Counts whom it lets in within one turn."""

    in_turn = most = begun = 0

    def _begin(self, connection: socket.socket, address: str) -> None:
        if not self.in_turn:
            self.call_soon(self._end_turn)
        self.in_turn += 1
        self.begun += 1
        super()._begin(connection, address)

    def _end_turn(self) -> None:
        self.most, self.in_turn = max(self.most, self.in_turn), 0


def test_who_comes_in_a_crowd_is_let_in_a_few_at_a_time(certificate: SiteCertificate) -> None:
    loops: list[CountingLoop] = []

    def new_loop() -> CountingLoop:
        loops.append(CountingLoop())
        return loops[0]

    crowd = 100
    with (
        served(new_loop, ssl_certfile=certificate.certificate, ssl_keyfile=certificate.key, backlog=crowd) as port,
        ExitStack() as stack,
    ):
        loops[0].call_soon_threadsafe(time.sleep, 0.5)
        for _ in range(crowd):
            stack.enter_context(connected(port))
        deadline = time.monotonic() + 10
        while loops[0].begun < crowd:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert 1 < loops[0].most <= ACCEPTED_A_TURN
        assert get(port, certificate, source="127.0.0.2") == "ok"


# ---- before TLS is agreed on --------------------------------------------------------------------------------------


def get(port: int, certificate: SiteCertificate, *, source: str = "127.0.0.1") -> str:
    """Ask as somebody who takes no time over it."""
    trusting = ssl.create_default_context(cafile=str(certificate.certificate))
    way = httpx.HTTPTransport(verify=trusting, local_address=source)
    with httpx.Client(transport=way, timeout=HANDSHAKE_OF_TEST) as client:
        return client.get(f"https://127.0.0.1:{port}/").text


def is_open(connection: socket.socket) -> bool:
    connection.settimeout(0.05)
    try:
        return connection.recv(1) != b""
    except TimeoutError:
        return True
    except ConnectionError:
        return False


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02"], ids=["nothing", "the-beginning-of-a-hello"])
def test_who_never_agrees_on_tls_is_not_kept(secure_port: int, said: bytes) -> None:
    with connected(secure_port) as connection:
        connection.sendall(said)
        assert is_open(connection)
        connection.settimeout(10)
        assert ends(connection)


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.2"], ids=["their-address", "another"])
def test_many_of_one_address_who_say_nothing_keep_nobody_out(
    secure_port: int, certificate: SiteCertificate, source: str
) -> None:
    most = LoopOfTest.max_handshakes_of_address
    with ExitStack() as stack:
        silent = [stack.enter_context(connected(secure_port)) for _ in range(2 * most)]
        assert get(secure_port, certificate, source=source) == "ok"
        assert not any(map(is_open, silent[:most]))
        assert sum(map(is_open, silent[most:])) >= most - 1


def test_nor_do_many_of_many_addresses(secure_port: int, certificate: SiteCertificate) -> None:
    most = LoopOfTest.max_handshakes
    with ExitStack() as stack:
        sources = [f"127.0.0.{number}" for number in range(10, 10 + 2 * most)]
        silent = [stack.enter_context(connected(secure_port, source=source)) for source in sources]
        assert get(secure_port, certificate) == "ok"
        assert not any(map(is_open, silent[:most]))
        assert sum(map(is_open, silent[most:])) >= most - 1


def test_a_flood_at_one_moment_leaves_no_descriptor_behind(secure_port: int, certificate: SiteCertificate) -> None:
    assert get(secure_port, certificate) == "ok"
    before = len(list(Path("/proc/self/fd").iterdir()))
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(connected(secure_port))
        assert get(secure_port, certificate) == "ok"
        ours = len(list(Path("/proc/self/fd").iterdir())) - before - 100
        assert ours <= LoopOfTest.max_handshakes_of_address + 2
    deadline = time.monotonic() + 10 * HANDSHAKE_OF_TEST
    while len(list(Path("/proc/self/fd").iterdir())) > before:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_who_has_agreed_counts_no_more(secure_port: int, certificate: SiteCertificate) -> None:
    for _ in range(2 * LoopOfTest.max_handshakes):
        assert get(secure_port, certificate) == "ok"
    with ExitStack() as stack:
        silent = [stack.enter_context(connected(secure_port)) for _ in range(LoopOfTest.max_handshakes_of_address)]
        assert all(map(is_open, silent))
