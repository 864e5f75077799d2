"""Questions to one upstream over TCP or TLS: many on one connection, which is kept while it is of use.

Source: RFC 7766 section 6 (reuse, pipelining, idle time-outs, questions asked again when a connection ends),
RFC 7858 section 3 (DNS over TLS).
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final

from agent.dns.upstream_exchange import Attempt, Carrier, Outcomes
from agent.dns.upstream_message import HEADER_OCTETS, pad_query
from agent.dns.upstream_state import FailureKind, UpstreamFailure, UpstreamState
from agent.dns.upstream_tls import BadCertificateError, check_pins, server_name, tls_context
from agent.dns.upstream_udp import GUESSES, Identifiers, is_bare_error, network_failure, sockaddr
from agent.sites.site import Transport

# RFC 7766 section 6.2.3: "a few seconds"; the question after the next click still finds the connection open.
IDLE_SECONDS: Final = 10.0
QUESTIONS_PER_CONNECTION: Final = 10_000
# A question moves on when its connection ends, but not for ever.
MAX_MOVES: Final = 3


class Streams:
    """The connections to one upstream: one that takes questions, and those that end with their last answer."""

    def __init__(
        self,
        state: UpstreamState,
        outcomes: Outcomes,
        *,
        loop: asyncio.AbstractEventLoop,
        identifiers: Identifiers,
        clock: Callable[[], float],
        trusted: ssl.SSLContext | None,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.state = state
        self.outcomes = outcomes
        self.loop = loop
        self.identifiers = identifiers
        self.clock = clock
        self.trusted = trusted
        self.idle_seconds = idle_seconds
        self.open: set[_Connection] = set()
        self._current: _Connection | None = None
        self._is_retired = False

    def send(self, attempt: Attempt, *, avoiding: Carrier | None = None) -> None:
        """Send a query over the connection, or over a new one; what goes wrong is told later."""
        connection = self._current
        if connection is not None and (connection is avoiding or not connection.questions_left):
            self.leave(connection)
            connection = None
        if connection is None:
            connection = self._current = _Connection(self)
        connection.send(attempt)
        if self._is_retired:
            self.leave(connection)

    def leave(self, connection: "_Connection") -> None:
        """Use this connection for no more questions."""
        if self._current is connection:
            self._current = None
        connection.retire()

    def drop(self, connection: "_Connection") -> None:
        """Forget a connection that has closed."""
        self.open.discard(connection)
        if self._current is connection:
            self._current = None

    def retire(self) -> None:
        """Close each connection when its last question has ended."""
        self._is_retired = True
        for connection in list(self.open):
            self.leave(connection)

    def close(self) -> None:
        """Close every connection at once."""
        for connection in list(self.open):
            connection.close()


class _Connection(asyncio.Protocol):
    """One connection; like a UDP socket it remembers which of its IDs have been answered."""

    def __init__(self, owner: Streams) -> None:
        self._owner = owner
        self._attempts: dict[bytes, Attempt | None] = {}
        self._waiting = self._answers = self._guesses = 0
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._received = bytearray()
        self._is_retired = False
        self._created_at = self._used_at = owner.clock()
        self._heard_at = float("-inf")
        self._idle_timer: asyncio.TimerHandle | None = None
        self.questions_left = QUESTIONS_PER_CONNECTION
        owner.open.add(self)
        self._connecting = owner.loop.create_task(self._connect())

    # ---- opening -------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        try:
            await self._open()
        except ssl.SSLCertVerificationError as error:
            self._end(self._failure(FailureKind.TLS, f"its certificate was refused: {error.verify_message}"))
        except ssl.SSLError as error:
            self._end(self._failure(FailureKind.TLS, f"no TLS connection came about: {error.reason}"))
        except OSError as error:
            self._end(network_failure(self._owner.state, error))
        except ValueError as error:
            self._end(self._failure(FailureKind.TLS, f"no certificate can name it: {error}"))

    async def _open(self) -> None:
        upstream, loop = self._owner.state.upstream, self._owner.loop
        family, address = sockaddr(upstream.endpoint, socket.SOCK_STREAM)
        connecting = socket.socket(family, socket.SOCK_STREAM)
        try:
            connecting.settimeout(0)
            await loop.sock_connect(connecting, address)
        except BaseException:
            connecting.close()
            raise
        if upstream.transport is Transport.TLS:
            context, name = tls_context(upstream, self._owner.trusted), server_name(upstream)
            await loop.create_connection(lambda: self, sock=connecting, ssl=context, server_hostname=name)
        else:
            await loop.create_connection(lambda: self, sock=connecting)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Look at who answered, then send what has waited for the connection."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream needs a two-way transport")
        self._transport = transport
        shown: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        try:
            check_pins(self._owner.state.upstream, shown.getpeercert(binary_form=True) if shown else None)
        except BadCertificateError as error:
            self._end(self._failure(FailureKind.TLS, str(error)))
            return
        transport.writelines(self._unsent)
        self._unsent.clear()
        self._idle_timer = self._owner.loop.call_later(self._owner.idle_seconds, self._look_whether_idle)

    def _failure(self, kind: FailureKind, text: str) -> UpstreamFailure:
        return UpstreamFailure(kind, f"{self._owner.state.upstream}: {text}")

    # ---- questions and answers -----------------------------------------------------------------------------

    def send(self, attempt: Attempt) -> None:
        """Send a query now, or as soon as the connection is open."""
        identifier = self._owner.identifiers.draw()
        while identifier in self._attempts:
            identifier = self._owner.identifiers.draw()
        self._attempts[identifier] = attempt
        attempt.identifier = identifier
        attempt.carrier = self
        self._waiting += 1
        self.questions_left -= 1
        self._used_at = self._owner.clock()
        encrypted = self._owner.state.upstream.transport is Transport.TLS
        attempt.is_usual = encrypted and self._transport is not None
        # RFC 7830 section 6: padding only where the transport is encrypted.
        query = pad_query(attempt.query) if encrypted and attempt.edns else attempt.query
        frame = (2 + len(query)).to_bytes(2, "big") + identifier + query
        if self._transport is None:
            self._unsent.append(frame)
        else:
            self._transport.write(frame)

    def data_received(self, data: bytes) -> None:
        """Cut what came into messages and take each."""
        self._received += data
        position = 0
        while len(self._received) - position >= 2:
            end = position + 2 + int.from_bytes(self._received[position : position + 2], "big")
            if end - position < 2 + HEADER_OCTETS:
                self._end(self._failure(FailureKind.BAD_ANSWER, "what it sends over TCP is not DNS"))
                return
            if end > len(self._received):
                break
            message = bytes(self._received[position + 2 : end])
            position = end
            self._take(message)
        del self._received[:position]
        if self._is_retired and not self._waiting:
            self.close()

    def _take(self, message: bytes) -> None:
        identifier = message[:2]
        attempt = self._attempts.get(identifier)
        if attempt is not None and (
            (
                message[2] & 0xF8 == 0x80
                and message[4:6] == b"\0\1"
                and message.startswith(attempt.question, HEADER_OCTETS)
            )
            or is_bare_error(message)
        ):
            self._attempts[identifier] = None
            self._waiting -= 1
            self._answers += 1
            self._heard_at = self._owner.clock()
            self._owner.outcomes.answered(attempt, message, self._heard_at)
            return
        self._owner.state.mismatched += 1
        self._guesses += attempt is not None or identifier not in self._attempts
        if self._guesses >= GUESSES:
            self._end(self._failure(FailureKind.BAD_ANSWER, "it answers what was not asked"))

    # ---- ending --------------------------------------------------------------------------------------------

    def forget(self, attempt: Attempt) -> None:
        """Wait for the answer to this try no longer, nor for the connection if nothing else comes either."""
        if self._attempts.get(attempt.identifier) is not attempt:
            return
        self._attempts[attempt.identifier] = None
        self._waiting -= 1
        if self.is_silent_since(attempt.sent_at):
            self._end(self._failure(FailureKind.TIMEOUT, "the connection has gone silent"))
        elif self._is_retired and not self._waiting:
            self.close()

    def is_silent_since(self, instant: float) -> bool:
        """Say whether no whole message came since, so that the connection may be dead or drip-fed."""
        return self._created_at <= instant and self._heard_at < instant

    def connection_lost(self, error: Exception | None) -> None:
        """Go on elsewhere with what was not answered."""
        if isinstance(error, ssl.SSLError):
            self._end(self._failure(FailureKind.TLS, f"TLS broke off: {error.reason}"))
        elif isinstance(error, OSError):
            self._end(network_failure(self._owner.state, error))
        else:
            self._end(self._failure(FailureKind.NETWORK, "it closed the connection"))

    def _end(self, failure: UpstreamFailure) -> None:
        """Close; what waited moves to a new connection if this one was of use once, else it has failed."""
        waiting = [attempt for attempt in self._attempts.values() if attempt is not None]
        was_of_use = self._answers > 0
        self.close()
        for attempt in waiting:
            # RFC 7766 section 6.2.4: "clients MUST be able to handle" a close, and "retry over a new connection".
            if was_of_use and attempt.moves < MAX_MOVES:
                attempt.moves += 1
                self._owner.send(attempt)
            else:
                self._owner.outcomes.failed(attempt, failure)

    def _look_whether_idle(self) -> None:
        left = self._used_at + self._owner.idle_seconds - self._owner.clock()
        if left <= 0 and not self._waiting:
            self.close()
            return
        left = max(left, self._owner.idle_seconds / 10)
        self._idle_timer = self._owner.loop.call_later(left, self._look_whether_idle)

    def retire(self) -> None:
        """Close as soon as nothing waits here."""
        self._is_retired = True
        if not self._waiting:
            self.close()

    def close(self) -> None:
        """Close at once."""
        self._attempts.clear()
        self._received.clear()
        self._waiting = 0
        self._owner.drop(self)
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        elif not self._connecting.done():
            self._connecting.cancel()
