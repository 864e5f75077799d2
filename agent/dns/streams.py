"""DNS over TCP for clients: many queries on one connection, answered as they are ready.

Source: RFC 7766 (pipelining, section 6.2.1.1; out-of-order answers, section 6.2.1.1; idle time-outs, section 6.2.3).
"""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from agent.sites.site import Limits

# So many queries of one connection may be unanswered before it is read no further.
MAX_PIPELINED = 100
# Room for the longest answer; a client that does not read makes the kernel's buffers and then this one fill.
WRITE_BUFFER_OCTETS = 256 * 1024
BACKLOG = 512

Deliver = Callable[[bytes], None]


class Answering(Protocol):
    """What a connection needs of the worker."""

    def answer_stream(self, message: bytes, address: bytes, deliver: Deliver) -> bytes | None:
        """Answer one whole message, at once or through `deliver`; messages carry their ID.

        An empty answer means that there is none and that none will come.
        """

    def count(self, what: str) -> None:
        """Count something that happened."""


class StreamConnections:
    """The open connections of one worker, bounded in all and for each client."""

    def __init__(self, worker: Answering, limits: Limits, *, monotonic: Callable[[], float]) -> None:
        self.worker = worker
        self.limits = limits
        self.monotonic = monotonic
        self.open: set[_Connection] = set()
        self.per_client: Counter[bytes] = Counter()

    async def listen(self, listening: socket.socket) -> asyncio.Server:
        """Accept connections on a socket that is already bound."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: _Connection(self), sock=listening, backlog=BACKLOG)

    def close_idle(self) -> None:
        """End connections on which no whole message has come for too long, however busily they drip."""
        oldest = self.monotonic() - self.limits.tcp_idle_seconds
        for connection in [connection for connection in self.open if connection.heard_at < oldest]:
            connection.end()

    def admit(self, connection: "_Connection") -> bool:
        """Say whether one more connection of this client has room; the longest idle one makes it where it can."""
        if self.per_client[connection.address] >= self.limits.client_tcp_connections:
            return False
        if len(self.open) >= self.limits.tcp_connections:
            idle = min(self.open, key=lambda other: other.heard_at)
            idle.end()
        self.open.add(connection)
        self.per_client[connection.address] += 1
        return True

    def forget(self, connection: "_Connection") -> None:
        """Give the room of a connection to others."""
        if connection in self.open:
            self.open.discard(connection)
            self.per_client[connection.address] -= 1
            if not self.per_client[connection.address]:
                del self.per_client[connection.address]

    def close(self) -> None:
        """End every connection."""
        for connection in list(self.open):
            connection.end()


class _Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, connections: StreamConnections) -> None:
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._unanswered = 0
        self._is_full = False
        self.address = b""
        self.heard_at = connections.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless its client has too many."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream needs a two-way transport")
        peer = transport.get_extra_info("peername")
        if peer is None:
            transport.abort()
            return
        family = socket.AF_INET6 if ":" in peer[0] else socket.AF_INET
        self.address = socket.inet_pton(family, peer[0].partition("%")[0])
        if not self._connections.admit(self):
            self._connections.worker.count("tcp_rejected")
            transport.abort()
            return
        self._connections.worker.count("tcp_connections")
        transport.set_write_buffer_limits(high=WRITE_BUFFER_OCTETS)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Cut what came into messages and answer each."""
        if self._transport is None:
            return
        self._received += data
        self._read_messages()

    def _read_messages(self) -> None:
        position = 0
        received = self._received
        while self._may_read() and len(received) - position >= 2:
            end = position + 2 + int.from_bytes(received[position : position + 2], "big")
            if end > len(received):
                break
            message = bytes(received[position + 2 : end])
            position = end
            self._answer(message)
        del received[:position]
        if self._transport is not None and not self._transport.is_closing():
            if self._may_read():
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _may_read(self) -> bool:
        return self._transport is not None and self._unanswered < MAX_PIPELINED and not self._is_full

    def _answer(self, message: bytes) -> None:
        self.heard_at = self._connections.monotonic()
        if len(message) < 12:
            self._connections.worker.count("dropped")
            self.end()
            return
        self._unanswered += 1
        answer = self._connections.worker.answer_stream(message, self.address, self._deliver)
        if answer is not None:
            self._unanswered -= 1
            self._write(answer)

    def _deliver(self, answer: bytes) -> None:
        """Write an answer that had to wait."""
        self._unanswered -= 1
        self._write(answer)
        if self._received or self._unanswered == MAX_PIPELINED - 1:
            self._read_messages()

    def _write(self, answer: bytes) -> None:
        """Write an answer; an empty one means that there is none."""
        if answer and self._transport is not None and not self._transport.is_closing():
            self._transport.write(len(answer).to_bytes(2, "big") + answer)

    def pause_writing(self) -> None:
        """Read no more queries while the client does not take its answers."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Go on when it does."""
        self._is_full = False
        self._read_messages()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 (asyncio hands it over)
        """Give the room to others."""
        self._transport = None
        self._connections.forget(self)

    def end(self) -> None:
        """Close at once, without waiting for a client that may never read."""
        transport, self._transport = self._transport, None
        self._connections.forget(self)
        if transport is not None:
            transport.abort()


def listen_on_stream(address: str, port: int) -> socket.socket:
    """Open a TCP socket that several workers may share the port of.

    Raises:
        OSError: the address is not ours, the port is taken or may not be used.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with contextlib.suppress(OSError):
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind((address, port))
    except OSError:
        listening.close()
        raise
    listening.settimeout(0)
    return listening
