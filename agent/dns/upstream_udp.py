"""Questions to one upstream over UDP, from ports that keep changing.

An answer is taken only from the upstream's own address and port (the sockets are connected), with the ID and the
question of a query that waits on that very socket. Everything else is counted and passed over.

Source: RFC 5452 sections 4 and 9 (forged answers).
"""

import asyncio
import socket
from collections.abc import Callable
from random import Random
from typing import Any, Final

from agent.dns.upstream_exchange import Attempt, Carrier, Outcomes
from agent.dns.upstream_message import HEADER_OCTETS
from agent.dns.upstream_state import FailureKind, UpstreamFailure, UpstreamState
from agent.sites.site import Endpoint

# So many sockets are in use at a time, each for so many questions or seconds: then a new one takes its place, on a
# port that the kernel picks at random from its range for this purpose, where no service listens.
SOCKETS: Final = 8
QUESTIONS_PER_SOCKET: Final = 200
SECONDS_PER_SOCKET: Final = 5.0
# RFC 5452 section 9.3: wrong answers by the dozen are somebody's guesses.
GUESSES: Final = 20
# One socket may not keep the loop from the others for longer.
READS_AT_ONCE: Final = 64
# We ask for 1,232 octets; some send more, and what reaches this length was cut.
RECEIVE_OCTETS: Final = 4096
_PAGE_OCTETS: Final = 4096


class Identifiers:
    """Random message IDs, drawn by the page."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._stock: list[bytes] = []

    def draw(self) -> bytes:
        """Give two octets that nobody can foretell."""
        if not self._stock:
            page = self._random.randbytes(_PAGE_OCTETS)
            self._stock = [page[at : at + 2] for at in range(0, _PAGE_OCTETS, 2)]
        return self._stock.pop()


def sockaddr(endpoint: Endpoint, kind: socket.SocketKind) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    """Give the family and the address to connect to.

    Raises:
        OSError: the address names an interface that is not there.
    """
    family, _, _, _, address = socket.getaddrinfo(
        endpoint.address, endpoint.port, type=kind, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    )[0]
    return family, address


def network_failure(state: UpstreamState, error: OSError) -> UpstreamFailure:
    """Say in a sentence what the operating system says in a number."""
    if isinstance(error, ConnectionRefusedError):
        return UpstreamFailure(FailureKind.REFUSED, f"{state.upstream}: nothing listens there")
    reason = (error.strerror or str(error)).lower()
    return UpstreamFailure(FailureKind.NETWORK, f"{state.upstream} cannot be reached: {reason}")


class UdpSockets:
    """The sockets towards one upstream."""

    def __init__(
        self,
        state: UpstreamState,
        outcomes: Outcomes,
        *,
        loop: asyncio.AbstractEventLoop,
        identifiers: Identifiers,
        clock: Callable[[], float],
    ) -> None:
        self.state = state
        self.outcomes = outcomes
        self.loop = loop
        self.clock = clock
        self.open: set[_UdpSocket] = set()
        self._identifiers = identifiers
        self._current: list[_UdpSocket | None] = [None] * SOCKETS
        self._is_retired = False

    def send(self, attempt: Attempt, *, avoiding: Carrier | None = None) -> None:
        """Send a query from one of the sockets; what goes wrong is told later."""
        draw = self._identifiers.draw
        place = draw()[0] % SOCKETS
        carrier = self._current[place]
        if carrier is avoiding and carrier is not None:
            place = (place + 1) % SOCKETS
            carrier = self._current[place]
        if carrier is None or not carrier.questions_left or attempt.sent_at >= carrier.retires_at:
            try:
                carrier = self._replace(place, attempt.sent_at)
            except OSError as error:
                self.loop.call_soon(self.outcomes.failed, attempt, network_failure(self.state, error))
                return
        carrier.send(attempt, draw)

    def _replace(self, place: int, now: float) -> "_UdpSocket":
        before = self._current[place]
        self._current[place] = None
        if before is not None:
            before.retire()
        carrier = _UdpSocket(self, now, is_retired=self._is_retired)
        if not self._is_retired:
            self._current[place] = carrier
        return carrier

    def leave(self, carrier: "_UdpSocket") -> None:
        """Use this socket for no more questions."""
        for place, current in enumerate(self._current):
            if current is carrier:
                self._current[place] = None
        carrier.retire()

    def retire(self) -> None:
        """Close each socket when its last question has ended."""
        self._is_retired = True
        for carrier in list(self.open):
            self.leave(carrier)

    def close(self) -> None:
        """Close every socket at once."""
        for carrier in list(self.open):
            carrier.close()
        self._current = [None] * SOCKETS


class _UdpSocket:
    """One connected socket; `attempts` keeps the IDs of ended tries, so that a late or doubled answer is known."""

    __slots__ = (
        "_attempts",
        "_guesses",
        "_is_retired",
        "_owner",
        "_read",
        "_socket",
        "_waiting",
        "_write",
        "questions_left",
        "retires_at",
    )

    def __init__(self, owner: UdpSockets, now: float, *, is_retired: bool) -> None:
        self._owner = owner
        self._attempts: dict[bytes, Attempt | None] = {}
        self._waiting = self._guesses = 0
        self._is_retired = is_retired
        self.questions_left = QUESTIONS_PER_SOCKET
        self.retires_at = now + SECONDS_PER_SOCKET
        family, address = sockaddr(owner.state.upstream.endpoint, socket.SOCK_DGRAM)
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.settimeout(0)
            self._socket.connect(address)
        except OSError:
            self._socket.close()
            raise
        self._read, self._write = self._socket.recv, self._socket.send
        owner.open.add(self)
        owner.loop.add_reader(self._socket, self._receive)

    def send(self, attempt: Attempt, draw: Callable[[], bytes]) -> None:
        """Send a query under an ID that this socket has not used yet."""
        attempts = self._attempts
        identifier = draw()
        while identifier in attempts:
            identifier = draw()
        attempts[identifier] = attempt
        attempt.identifier = identifier
        attempt.carrier = self
        self._waiting += 1
        self.questions_left -= 1
        try:
            self._write(identifier + attempt.query)
        except BlockingIOError:
            # No room in the send buffer: as good as lost on the way, and asked again like it.
            return
        except OSError as error:
            self._owner.loop.call_soon(self._fail, error)

    def _receive(self) -> None:
        try:
            self._take_what_has_come()
        finally:
            if self._is_retired and not self._waiting:
                self.close()

    def _take_what_has_come(self) -> None:
        """Read answers until there are no more; the way of every answer, so one longer function."""
        owner = self._owner
        read = self._read
        attempts = self._attempts
        answered = owner.outcomes.answered
        now = owner.clock()
        for _ in range(READS_AT_ONCE):
            try:
                message = read(RECEIVE_OCTETS)
            except BlockingIOError:
                return
            except OSError as error:
                self._fail(error)
                return
            identifier = message[:2]
            attempt = attempts.get(identifier)
            if attempt is None:
                # An answer that comes twice or late is nobody's guess.
                self._pass_over(guess=identifier not in attempts)
            # RFC 5452 section 9.1: the address, the port, the ID and the question match, and it is a response.
            elif (
                len(message) > HEADER_OCTETS
                and message[2] & 0xF8 == 0x80
                and message[4:6] == b"\0\1"
                and message.startswith(attempt.question, HEADER_OCTETS)
            ) or is_bare_error(message):
                attempts[identifier] = None
                self._waiting -= 1
                answered(attempt, message, now)
            else:
                self._pass_over(guess=True)
            if not self._waiting:
                return

    def _pass_over(self, *, guess: bool) -> None:
        self._owner.state.mismatched += 1
        self._guesses += guess
        if self._guesses >= GUESSES and self._waiting:
            for attempt in self._end():
                self._owner.outcomes.suspected(attempt)

    def _fail(self, error: OSError) -> None:
        """End every try that waits here: an ICMP message does not say which of them it is about."""
        failure = network_failure(self._owner.state, error)
        for attempt in self._end():
            self._owner.outcomes.failed(attempt, failure)

    def _end(self) -> list[Attempt]:
        waiting = [attempt for attempt in self._attempts.values() if attempt is not None]
        self._waiting = 0
        self._owner.leave(self)
        return waiting

    def forget(self, attempt: Attempt) -> None:
        """Wait for the answer to this try no longer."""
        if self._attempts.get(attempt.identifier) is attempt:
            self._attempts[attempt.identifier] = None
            self._waiting -= 1
            if self._is_retired and not self._waiting:
                self.close()

    def is_silent_since(self, instant: float) -> bool:  # noqa: ARG002 (every datagram may be lost by itself)
        """Say yes: what came of other datagrams says nothing about this one."""
        return True

    def retire(self) -> None:
        """Close as soon as nothing waits here."""
        self._is_retired = True
        if not self._waiting:
            self.close()

    def close(self) -> None:
        """Close at once."""
        self._attempts.clear()
        self._waiting = 0
        if self in self._owner.open:
            self._owner.open.discard(self)
            self._owner.loop.remove_reader(self._socket)
            self._socket.close()


def is_bare_error(message: bytes) -> bool:
    """Say whether this is a header and an error alone, as servers send that could not read the question."""
    return len(message) == HEADER_OCTETS and message[2] & 0xF8 == 0x80 and message[3] & 0xF != 0
