"""Where the block page is served: real sockets, on this machine."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from block_page_of_test import GAMBLING, BlockPageOfTest

from agent.api.tls import open_certificate
from agent.block_page.block_server import MAX_OF_ADDRESS, BlockServers
from agent.sites.site import Endpoint, Listeners

LOCAL = ("192.0.2.0/24, ", "192.0.2.0/24, 127.0.0.0/8, ")
ANYWHERE = Endpoint("127.0.0.1", 0)


def serve(servers: BlockServers, converse: Callable[[int], Awaitable[None]]) -> None:
    """Serve while somebody talks to the last socket."""

    async def run() -> None:
        port = servers.sockets[-1].getsockname()[1]
        serving = asyncio.create_task(servers.serve())
        try:
            async with asyncio.timeout(20):
                await converse(port)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(run())


async def say(port: int, octets: bytes, *, tls: ssl.SSLContext | None = None) -> bytes:
    """Send something and give all that comes back."""
    name = "page.example" if tls else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
    writer.write(octets)
    await writer.drain()
    answer = await reader.read(100_000)
    writer.close()
    return answer


def head_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n")[0]


@pytest.fixture
def page(tmp_path: Path) -> BlockPageOfTest:
    return BlockPageOfTest(tmp_path, change=LOCAL)


def servers_of(page: BlockPageOfTest) -> BlockServers:
    return BlockServers(Listeners((), None, block_page=ANYWHERE), page.app)


HTML = b"Accept: text/html\r\n"


@pytest.mark.parametrize(
    ("request_line", "head", "status", "text"),
    [
        pytest.param(b"GET / HTTP/1.1", b"Host: %s", b"403", b"playing for money", id="a-page"),
        pytest.param(b"GET /.schoolgate/recorded HTTP/1.1", b"Host: %s", b"200", b"recorded", id="a-page-of-ours"),
        pytest.param(b"GET / HTTP/1.0", b"X-A: b", b"200", b"The filter of the school", id="no-host-in-http-1.0"),
        pytest.param(b"GET / HTTP/1.1", b"X-A: b", b"400", b"", id="no-host-in-http-1.1"),
        pytest.param(b"GET http://%s/x HTTP/1.1", b"Host: own.example", b"403", b"playing for money", id="absolute"),
        pytest.param(b"GET http://<b>/ HTTP/1.1", b"Host: own.example", b"200", b"The filter", id="absolute-html"),
        pytest.param(b"OPTIONS * HTTP/1.1", b"Host: %s", b"403", b"not open", id="options-of-all"),
        pytest.param(b"CONNECT %s:443 HTTP/1.1", b"Host: %s:443", b"405", b"not open", id="connect"),
        pytest.param(b"GET / HTTP/1.1", b"Host: <script>", b"200", b"The filter", id="html-as-a-host"),
        pytest.param(b"GET / HTTP/1.1", b"Host: \xe2\x80\xaex", b"200", b"The filter", id="a-mark-as-a-host"),
        pytest.param(b"GET / HTTP/1.1", b"Host: " + b"a" * 10_000, b"200", b"The filter", id="ten-thousand"),
        pytest.param(b"GET / HTTP/1.1", b"Host: " + b"a" * 60_000, b"400", b"", id="sixty-thousand"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01", b"", b"400", b"", id="tls"),
        pytest.param(b"HEAD / HTTP/1.1", b"Host: %s", b"403", b"", id="head"),
    ],
)
def test_what_comes_over_the_wire(
    page: BlockPageOfTest, request_line: bytes, head: bytes, status: bytes, text: bytes
) -> None:
    name = GAMBLING.encode()

    async def converse(port: int) -> None:
        sent = request_line.replace(b"%s", name) + b"\r\n" + head.replace(b"%s", name) + b"\r\n" + HTML + b"\r\n"
        answer = await say(port, sent)
        assert head_of(answer).split()[1] == status
        assert text in answer
        lowered = answer.partition(b"\r\n\r\n")[0].lower()
        assert b"server:" not in lowered
        assert b"connection: close" in lowered
        if request_line.startswith(b"HEAD"):
            assert answer.endswith(b"\r\n\r\n")

    serve(servers_of(page), converse)


def test_who_still_sends_reads_the_answer(page: BlockPageOfTest) -> None:
    async def converse(port: int) -> None:
        head = f"POST /upload HTTP/1.1\r\nHost: {GAMBLING}\r\nContent-Length: 300000\r\n".encode() + HTML + b"\r\n"
        answer = await say(port, head + b"x" * 300_000)
        assert head_of(answer) == b"HTTP/1.1 403 Forbidden"

    serve(servers_of(page), converse)


def test_one_address_never_has_all_connections(page: BlockPageOfTest) -> None:
    async def converse(port: int) -> None:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_OF_ADDRESS)]
        reader, late = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionError):
            assert await reader.read(1) == b""
        for _, writer in held:
            writer.close()
        late.close()

    serve(servers_of(page), converse)


def test_https_shows_it_with_the_certificate_that_the_school_brings(tmp_path: Path, page: BlockPageOfTest) -> None:
    brought = open_certificate(tmp_path / "tls", names=("page.example",), now=datetime.now(UTC))
    listeners = Listeners(
        (),
        None,
        block_page_https=ANYWHERE,
        block_page_certificate=str(brought.certificate),
        block_page_key=str(brought.key),
    )
    trusting = ssl.create_default_context(cafile=str(brought.certificate))

    async def converse(port: int) -> None:
        answer = await say(port, f"GET / HTTP/1.1\r\nHost: {GAMBLING}\r\n".encode() + HTML + b"\r\n", tls=trusting)
        assert b"playing for money" in answer
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await say(port, b"GET / HTTP/1.1\r\n\r\n", tls=old)

    serve(BlockServers(listeners, page.app), converse)


def test_without_a_certificate_that_can_be_used_there_is_no_https_and_a_line_that_says_so(
    tmp_path: Path, page: BlockPageOfTest, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "page.pem").write_text("no certificate")
    listeners = Listeners(
        (),
        None,
        block_page=ANYWHERE,
        block_page_https=ANYWHERE,
        block_page_certificate=str(tmp_path / "page.pem"),
        block_page_key=str(tmp_path / "missing.pem"),
    )
    servers = BlockServers(listeners, page.app)
    assert len(servers.sockets) == 1
    servers.close()
    told = capfd.readouterr().err
    assert "block_page_not_shown" in told
    assert "listeners.block_page_https" in told


def test_a_place_that_is_taken_keeps_nobody_from_the_interface(
    page: BlockPageOfTest, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        servers = BlockServers(Listeners((), None, block_page=Endpoint("127.0.0.1", port)), page.app)
        assert servers.sockets == []
        asyncio.run(servers.serve())
    assert f"127.0.0.1:{port} cannot be listened on" in capfd.readouterr().err
