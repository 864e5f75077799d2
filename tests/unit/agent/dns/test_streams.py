"""DNS over real TCP connections on loopback; what is answered, the tests say."""

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest
from asking import played

from agent.dns.streams import (
    MAX_PIPELINED,
    MESSAGES_A_CONNECTION,
    MESSAGES_A_TURN,
    Deliver,
    StreamConnections,
    listen_on_stream,
)
from agent.sites.site import Limits

QUERY = b"\0\1" + bytes(10)
BIG_OCTETS = 60_000
# What asyncio takes from a socket at once.
READ_OCTETS = 256 * 1024


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(2, "big") + message


def numbered(number: int) -> bytes:
    return number.to_bytes(2, "big") + bytes(10)


class WorkerOfTest:
    """Answers as it is told: at once (`echo`), when somebody says so (`None`), or never (empty)."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self.answer = answer
        self.received: list[bytes] = []
        self.waiting: list[tuple[bytes, Deliver]] = []
        self.counted: Counter[str] = Counter()
        self.addresses: set[bytes] = set()

    def answer_stream(self, message: bytes, address: bytes, deliver: Deliver) -> bytes | None:
        self.received.append(message)
        self.addresses.add(address)
        answer = self.answer(message)
        if answer is None:
            self.waiting.append((message, deliver))
        return answer

    def count(self, what: str) -> None:
        self.counted[what] += 1


def echo(message: bytes) -> bytes | None:
    return message


def wait(_: bytes) -> bytes | None:
    return None


class Listening:
    """A worker that listens, and a clock that stands still."""

    def __init__(self, answer: Callable[[bytes], bytes | None], limits: Limits) -> None:
        self.worker = WorkerOfTest(answer)
        self.seconds = 100.0
        self.connections = StreamConnections(self.worker, limits, monotonic=lambda: self.seconds)
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def client(
        self, source: str = "127.0.0.1", *, to: str = "127.0.0.1"
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(to, self.port, local_addr=(source, 0))
        self._writers.append(writer)
        return reader, writer

    def close(self) -> None:
        self.connections.close()
        for writer in self._writers:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def listening(
    answer: Callable[[bytes], bytes | None] = echo, *, address: str = "127.0.0.1", limits: Limits | None = None
) -> AsyncIterator[Listening]:
    made = Listening(answer, limits or Limits())
    with listen_on_stream(address, 0) as bound:
        made.port = bound.getsockname()[1]
        server = await made.connections.listen(bound)
        try:
            yield made
        finally:
            made.close()
            server.close()
            await asyncio.sleep(0)


async def read(reader: asyncio.StreamReader) -> bytes:
    length = await reader.readexactly(2)
    return await reader.readexactly(int.from_bytes(length, "big"))


async def ended(reader: asyncio.StreamReader) -> bool:
    """Wait for the end of a connection, with or without an alarm."""
    try:
        return await reader.read(1) == b""
    except ConnectionResetError:
        return True


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 (other ends of sockets do it)
        await asyncio.sleep(0.001)


async def settled() -> None:
    """Let everything happen that can happen by itself."""
    await asyncio.sleep(0.03)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_queries_are_answered_on_one_connection(address: str) -> None:
    async def story() -> None:
        async with listening(address=address) as server:
            reader, writer = await server.client(address, to=address)
            for number in range(3):
                writer.write(framed(numbered(number)))
                assert await read(reader) == numbered(number)
            assert server.worker.counted == {"tcp_connections": 1}
            assert {len(packed) for packed in server.worker.addresses} == {16 if ":" in address else 4}

    asyncio.run(asyncio.wait_for(story(), 10))


@played
async def test_messages_may_come_in_any_pieces() -> None:
    async with listening() as server:
        reader, writer = await server.client()
        octets = b"".join(framed(numbered(number)) for number in range(4))
        for piece in (octets[:1], octets[1:9], octets[9:30], octets[30:]):
            writer.write(piece)
            await settled()
        assert [await read(reader) for _ in range(4)] == [numbered(number) for number in range(4)]


@played
async def test_answers_go_out_as_they_are_ready() -> None:
    async with listening(lambda message: None if message[1] == 0 else message) as server:
        reader, writer = await server.client()
        writer.write(framed(numbered(0)) + framed(numbered(1)))
        assert await read(reader) == numbered(1)
        ((message, deliver),) = server.worker.waiting
        deliver(message)
        assert await read(reader) == numbered(0)


@played
async def test_the_longest_message_is_taken_whole() -> None:
    async with listening() as server:
        reader, writer = await server.client()
        writer.write(framed(b"x" * 65_535) + framed(QUERY))
        assert await read(reader) == b"x" * 65_535
        assert await read(reader) == QUERY


@played
async def test_no_more_queries_are_read_than_may_be_unanswered() -> None:
    async with listening(wait) as server:
        worker = server.worker
        reader, writer = await server.client()
        writer.write(b"".join(framed(numbered(number)) for number in range(MAX_PIPELINED + 50)))
        await until(lambda: len(worker.received) == MAX_PIPELINED)
        writer.write(framed(numbered(MAX_PIPELINED + 50)))
        await settled()
        assert len(worker.received) == MAX_PIPELINED
        for answered in range(MAX_PIPELINED + 51):
            await until(lambda: bool(worker.waiting))
            message, deliver = worker.waiting.pop(0)
            deliver(message)
            assert await read(reader) == numbered(answered)


@played
async def test_a_query_without_answer_leaves_the_connection_as_it_is() -> None:
    async with listening(lambda message: b"" if message[1] == 0 else message) as server:
        reader, writer = await server.client()
        for _ in range(2 * MAX_PIPELINED):
            writer.write(framed(numbered(0)))
        writer.write(framed(numbered(1)))
        assert await read(reader) == numbered(1)


@pytest.mark.parametrize("octets", [0, 1, 11])
def test_what_is_no_message_ends_the_connection(octets: int) -> None:
    async def story() -> None:
        async with listening() as server:
            reader, writer = await server.client()
            writer.write(framed(b"x" * octets) * 50 + framed(QUERY))
            assert await ended(reader)
            assert server.worker.received == []
            assert server.worker.counted["dropped"] == 1
            assert not server.connections.open

    asyncio.run(asyncio.wait_for(story(), 10))


@played
async def test_one_client_has_so_many_connections_and_no_more() -> None:
    async with listening(limits=Limits(client_tcp_connections=2)) as server:
        clients = [await server.client() for _ in range(3)]
        assert await ended(clients[2][0])
        other_reader, other_writer = await server.client("127.0.0.2")
        other_writer.write(framed(QUERY))
        assert await read(other_reader) == QUERY
        assert server.worker.counted == {"tcp_connections": 3, "tcp_rejected": 1}
        clients[0][1].close()
        await until(lambda: len(server.connections.open) == 2)
        reader, writer = await server.client()
        writer.write(framed(QUERY))
        assert await read(reader) == QUERY


@played
async def test_the_longest_idle_connection_makes_room() -> None:
    async with listening(limits=Limits(tcp_connections=2)) as server:
        clients = []
        for number in (1, 2):
            clients.append(await server.client(f"127.0.0.{number}"))
            await until(lambda: len(server.connections.open) == len(clients))
            server.seconds += 1
        clients[0][1].write(framed(QUERY))
        await read(clients[0][0])
        reader, writer = await server.client("127.0.0.3")
        writer.write(framed(QUERY))
        assert await read(reader) == QUERY
        assert await ended(clients[1][0])
        assert len(server.connections.open) == 2


@played
async def test_idle_connections_end_and_dripping_keeps_none_open() -> None:
    async with listening(limits=Limits(tcp_idle_seconds=10)) as server:
        clients = [await server.client() for _ in range(3)]
        await until(lambda: len(server.connections.open) == 3)
        server.seconds += 6
        clients[0][1].write(framed(QUERY))
        await read(clients[0][0])
        clients[1][1].write(framed(QUERY)[:5])
        await settled()
        server.seconds += 6
        server.connections.close_idle()
        assert await ended(clients[1][0])
        assert await ended(clients[2][0])
        clients[0][1].write(framed(QUERY))
        assert await read(clients[0][0]) == QUERY


@played
async def test_a_client_that_never_reads_is_read_no_further_and_ends() -> None:
    async with listening(lambda _: b"x" * BIG_OCTETS) as server:
        reader, writer = await server.client()
        writer.write(framed(QUERY) * 5000)
        before = -1
        while before < len(server.worker.received):
            before = len(server.worker.received)
            await settled()
        assert before < 500, "what the kernel's buffers hold, and our own"
        server.seconds += 60
        server.connections.close_idle()
        assert not server.connections.open
        with contextlib.suppress(ConnectionResetError):
            while await reader.read(BIG_OCTETS):
                pass


@played
async def test_a_client_that_reads_slowly_gets_everything() -> None:
    async with listening(lambda _: b"x" * BIG_OCTETS) as server:
        reader, writer = await server.client()
        writer.write(framed(QUERY) * 150)
        await settled()
        for _ in range(150):
            assert len(await read(reader)) == BIG_OCTETS


@played
async def test_nobody_waits_until_somebody_elses_flood_is_answered() -> None:
    turn = 0
    answered: Counter[int] = Counter()

    def answer(message: bytes) -> bytes:
        answered[turn] += 1
        return message

    async with listening(answer) as server:
        floods = [await server.client() for _ in range(6)]
        reader, writer = await server.client("127.0.0.2")
        await until(lambda: len(server.connections.open) == 7)
        for _, flood in floods:
            flood.write(framed(QUERY) * 3000)
        writer.write(framed(numbered(7)))
        while len(server.worker.received) < 6 * 3000 + 1:
            turn += 1
            await asyncio.sleep(0)
        assert server.worker.received.index(numbered(7)) < 12 * MESSAGES_A_CONNECTION, "each other had a turn or two"
        assert max(answered.values()) <= MESSAGES_A_TURN
        assert await read(reader) == numbered(7)


@pytest.mark.parametrize("unfinished", [b"", b"\0"])
def test_who_asks_no_more_gets_the_answers_that_are_owed_and_then_the_end(unfinished: bytes) -> None:
    async def story() -> None:
        async with listening(lambda message: None if message[1] == 0 else message) as server:
            reader, writer = await server.client()
            numbers = range(1, 3 * MESSAGES_A_CONNECTION)
            writer.write(b"".join(framed(numbered(number)) for number in (0, *numbers)) + unfinished)
            writer.write_eof()
            for number in numbers:
                assert await read(reader) == numbered(number)
            await settled()
            ((message, deliver),) = server.worker.waiting
            deliver(message)
            assert await read(reader) == numbered(0)
            assert await ended(reader)
            await until(lambda: not server.connections.open)

    asyncio.run(asyncio.wait_for(story(), 10))


@played
async def test_no_connection_is_read_far_ahead_of_its_turn() -> None:
    held = 0

    def answer(_: bytes) -> bytes:
        nonlocal held
        held = max(held, *(len(connection.received) for connection in server.connections.open))
        return b""

    async with listening(answer) as server:
        writers = [(await server.client())[1] for _ in range(10)]
        for writer in writers:
            writer.write(framed(QUERY) * 60_000)
        await until(lambda: len(server.worker.received) > 100_000)
        assert held < 2 * READ_OCTETS, "a message that is not whole yet, and what one read brings"


@played
async def test_an_answer_for_somebody_who_has_left_is_forgotten() -> None:
    async with listening(wait) as server:
        _, writer = await server.client()
        writer.write(framed(QUERY))
        await until(lambda: bool(server.worker.waiting))
        # A reset: whoever only says that it sends no more still waits for its answer.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        await until(lambda: not server.connections.open)
        ((message, deliver),) = server.worker.waiting
        deliver(message)
        assert not server.connections.per_client


@played
async def test_queries_of_an_ended_connection_are_not_answered() -> None:
    async with listening(wait) as server:
        reader, writer = await server.client()
        writer.write(framed(QUERY) * (MAX_PIPELINED + 5))
        await until(lambda: len(server.worker.waiting) == MAX_PIPELINED)
        server.connections.close()
        assert await ended(reader)
        for message, deliver in list(server.worker.waiting):
            deliver(message)
        assert len(server.worker.received) == MAX_PIPELINED


@played
async def test_closing_ends_every_connection() -> None:
    async with listening() as server:
        clients = [await server.client() for _ in range(3)]
        await until(lambda: len(server.connections.open) == 3)
        server.connections.close()
        for reader, _ in clients:
            assert await ended(reader)


def test_workers_share_a_port_and_ipv4_is_not_ipv6() -> None:
    with listen_on_stream("::", 0) as six:
        port = six.getsockname()[1]
        with listen_on_stream("0.0.0.0", port), listen_on_stream("::", port):
            pass


def test_where_nobody_can_listen_an_error_says_so() -> None:
    with pytest.raises(OSError, match="assign"):
        listen_on_stream("192.0.2.1", 0)
