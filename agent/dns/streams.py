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
# Messages answered in one turn, of one connection and of all: then datagrams and new connections have theirs.
MESSAGES_A_CONNECTION = 16
MESSAGES_A_TURN = 64
# A length and the longest message (RFC 1035, section 4.2.2): no connection is read further ahead of its turn.
LONGEST_OCTETS = 2 + 65_535

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
        # Whoever has waited longest comes first; a dictionary, because nobody stands in a line twice.
        self._line: dict[_Connection, None] = {}
        self._is_turn_due = False

    async def listen(self, listening: socket.socket) -> asyncio.Server:
        """Accept connections on a socket that is already bound."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: _Connection(self), sock=listening, backlog=BACKLOG)

    def stand_in_line(self, connection: "_Connection") -> None:
        """Have a connection's messages answered when it is its turn."""
        self._line[connection] = None
        self._arrange_turn()

    def _arrange_turn(self) -> None:
        if self._line and not self._is_turn_due:
            self._is_turn_due = True
            asyncio.get_running_loop().call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._is_turn_due = False
        left = MESSAGES_A_TURN
        while self._line and left > 0:
            connection = next(iter(self._line))
            del self._line[connection]
            left -= connection.answer_messages(min(left, MESSAGES_A_CONNECTION))
        self._arrange_turn()

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
        self.received = bytearray()
        self._answers = bytearray()
        self._unanswered = 0
        self._is_full = False
        self._is_ended = False
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
        """Keep what came until it is this connection's turn."""
        if self._transport is None:
            return
        self.received += data
        if len(self.received) > LONGEST_OCTETS:
            self._transport.pause_reading()
        self._connections.stand_in_line(self)

    def answer_messages(self, most: int) -> int:
        """Cut what came into messages and answer each, up to so many; gives how many there were."""
        position = count = 0
        received = self.received
        while count < most and self._may_read() and len(received) - position >= 2:
            end = position + 2 + int.from_bytes(received[position : position + 2], "big")
            if end > len(received):
                break
            message = bytes(received[position + 2 : end])
            position = end
            count += 1
            self._answer(message)
        del received[:position]
        self._send()
        if self._transport is None or self._transport.is_closing():
            return count
        if not self._may_read():
            self._transport.pause_reading()
        elif count == most:
            self._connections.stand_in_line(self)
        elif not self._is_ended:
            self._transport.resume_reading()
        elif not self._unanswered:
            self._transport.close()
        return count

    def eof_received(self) -> bool:
        """Keep the way back open to a client that asks no more, until it has its answers."""
        self._is_ended = True
        self._connections.stand_in_line(self)
        return True

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
            self._add(answer)

    def _deliver(self, answer: bytes) -> None:
        """Write an answer that had to wait."""
        self._unanswered -= 1
        self._add(answer)
        self._send()
        if self.received or self._is_ended or self._unanswered == MAX_PIPELINED - 1:
            self._connections.stand_in_line(self)

    def _add(self, answer: bytes) -> None:
        """Add an answer to those that are sent next; an empty one means that there is none."""
        if answer:
            self._answers += len(answer).to_bytes(2, "big")
            self._answers += answer

    def _send(self) -> None:
        """Send the answers of one turn by one call."""
        answers, self._answers = self._answers, bytearray()
        if answers and self._transport is not None and not self._transport.is_closing():
            self._transport.write(answers)

    def pause_writing(self) -> None:
        """Read no more queries while the client does not take its answers."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Go on when it does."""
        self._is_full = False
        self._connections.stand_in_line(self)

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
