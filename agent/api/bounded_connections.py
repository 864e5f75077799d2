"""Connections to the interface: whoever says nothing is not kept, and one address never has all of them.

Source: RFC 9112 (chunks, section 7.1), RFC 6585 (heads that are too long, section 5).
"""

import asyncio
import os
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# What uvicorn keeps in all; people, and every laptop of a large school that comes back on one morning.
MAX_CONNECTIONS: Final = 700
# Whoever comes then is told that there are too many, and so many more are not even told.
MAX_OPEN: Final = 1000
# A whole school may stand behind one address; a few are left to the others.
MAX_OF_ADDRESS: Final = 600
# Those that have not agreed on TLS are none of the above; a morning of laptops has room among them.
MAX_HANDSHAKES: Final = 1000
HANDSHAKE_SECONDS: Final = 10.0
# For the head of a request, from the beginning of the connection or the end of the request before.
HEAD_SECONDS: Final = 20.0
MAX_HEAD_OCTETS: Final = 16 * 1024
# Enough for a file of people in chunks of 64 kB; of one octet each, forty thousand would come in one go.
MAX_CHUNKS: Final = 300
# So many are let in before those who are in have a turn; to begin TLS with one takes half a millisecond.
ACCEPTED_A_TURN: Final = 8

_END_OF_HEAD: Final = re.compile(rb"\n\r?\n")


class _Messages(h11.Connection):
    """What a client sent, as messages: none takes long to read, because the loop waits for it with everybody else.

    `refused` says in a sentence what was too much.
    """

    refused = ""
    _chunks = 0

    def next_event(self) -> Any:
        """Give what comes next.

        Raises:
            h11.RemoteProtocolError: it is no HTTP, or takes too long to read.
        """
        if self.their_state is h11.IDLE and self._is_head_long():
            raise self._refuse(f"Found a head of more than {MAX_HEAD_OCTETS:,} octets; expected a shorter one.")
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._chunks = 0
        elif isinstance(event, h11.Data):
            self._chunks += event.chunk_start
            if self._chunks > MAX_CHUNKS:
                raise self._refuse(f"Found a body in more than {MAX_CHUNKS} chunks; expected fewer and longer ones.")
        return event

    def _refuse(self, sentence: str) -> h11.RemoteProtocolError:
        self.refused = sentence
        return h11.RemoteProtocolError(sentence)

    def _is_head_long(self) -> bool:
        # The parser itself only bounds a head that is not whole yet.
        waiting, _ = self.trailing_data
        return len(waiting) > MAX_HEAD_OCTETS and _END_OF_HEAD.search(waiting, 0, MAX_HEAD_OCTETS) is None


class BoundedConnection(H11Protocol):
    """One connection."""

    max_open = MAX_OPEN
    max_of_address = MAX_OF_ADDRESS
    head_seconds = HEAD_SECONDS
    _head_task: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Keep it, unless there are too many already, in all or of its address."""
        super().connection_made(transport)
        self.conn = self._messages = _Messages(h11.SERVER, MAX_HEAD_OCTETS)
        if len(self.connections) > self.max_open or self._of_same_address() > self.max_of_address:
            transport.abort()
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._expect_head()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Say what was wrong, unless an answer is under way."""
        if self._messages.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(self._messages.refused or msg)
        else:
            self.transport.close()

    def _of_same_address(self) -> int:
        if self.client is None:
            return 0
        others = (each.client for each in self.connections if isinstance(each, BoundedConnection))
        return sum(client is not None and client[0] == self.client[0] for client in others)

    def _expect_head(self) -> None:
        self._cancel()
        self._head_task = self.loop.call_later(self.head_seconds, self._end_without_head)

    def _end_without_head(self) -> None:
        # Where a request is under way its end comes later, and with it the next wait. To take leave of somebody who
        # says nothing would take as long again.
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()

    def _cancel(self) -> None:
        if self._head_task is not None:
            self._head_task.cancel()
            self._head_task = None


class BoundedLoop(asyncio.SelectorEventLoop):
    """A loop whose servers keep few connections that have not agreed on TLS, and none of them for long.

    Where there are too many, the oldest goes: to agree takes a moment, so whoever is oldest most likely says nothing,
    and whoever comes now, be it from the same address, is let in.
    """

    max_handshakes = MAX_HANDSHAKES
    max_handshakes_of_address = MAX_OF_ADDRESS
    handshake_seconds = HANDSHAKE_SECONDS

    def __init__(self) -> None:
        super().__init__()
        self._addresses: dict[socket.socket, str] = {}
        self._of_address: dict[str, dict[socket.socket, None]] = {}

    async def create_server(self, *args: Any, **how: Any) -> asyncio.Server:
        """Listen, with our own time for agreeing on TLS, and let in a few at a time."""
        if how.get("ssl"):
            how["ssl_handshake_timeout"] = self.handshake_seconds
        waiting = how.get("backlog", socket.SOMAXCONN)
        server = await super().create_server(*args, **{**how, "backlog": ACCEPTED_A_TURN})
        # What asyncio lets in at once is as many as may wait; more may.
        for listening in server.sockets:
            with socket.socket(fileno=os.dup(listening.fileno())) as same:
                same.listen(waiting)
        return server

    async def _accept_connection2(
        self, protocol_factory: Callable[[], asyncio.Protocol], conn: socket.socket, extra: dict[str, Any], *rest: Any
    ) -> None:
        """Let asyncio agree with whoever has come; it is done when TLS is agreed on, or never will be."""
        self._begin(conn, extra["peername"][0])
        try:
            await super()._accept_connection2(protocol_factory, conn, extra, *rest)  # type: ignore[misc] # its own
        finally:
            self._forget(conn)

    def _begin(self, connection: socket.socket, address: str) -> None:
        self._addresses[connection] = address
        of_address = self._of_address.setdefault(address, {})
        of_address[connection] = None
        if len(of_address) > self.max_handshakes_of_address:
            self._end(next(iter(of_address)))
        elif len(self._addresses) > self.max_handshakes:
            self._end(next(iter(self._addresses)))

    def _end(self, connection: socket.socket) -> None:
        self._forget(connection)
        # As if the other side had gone: asyncio then closes it in its own time.
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    def _forget(self, connection: socket.socket) -> None:
        address = self._addresses.pop(connection, None)
        if address is not None:
            of_address = self._of_address[address]
            del of_address[connection]
            if not of_address:
                del self._of_address[address]
