"""A DNS server on loopback that behaves as well or as badly as a test tells it, over UDP, TCP and TLS.

    async with NanoDns(udp=[Act.TRUNCATE], tcp=[Act.ANSWER]) as server:
        ...ask server.endpoint, look into server.received...

Acts are used one for each query; the last one goes on for ever.
"""

import asyncio
import contextlib
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from parts import need

from agent.sites.site import Endpoint

LOOPBACK = "127.0.0.1"
ADDRESS = "192.0.2.1"
SLOW_SECONDS = 0.25
DRIP_SECONDS = 0.02

_RCODES = ("SERVFAIL", "REFUSED", "NXDOMAIN", "FORMERR", "NOTIMP", "BADVERS")


class Act(Enum):
    """What the server does with one query."""

    ANSWER = auto()
    SLOW = auto()
    HANG = auto()
    # Error codes; BARE_ERROR is one without the question, NO_EDNS one as long as there is an OPT record.
    SERVFAIL = auto()
    REFUSED = auto()
    NXDOMAIN = auto()
    FORMERR = auto()
    NOTIMP = auto()
    BADVERS = auto()
    BARE_ERROR = auto()
    NO_EDNS = auto()
    # Answers that do not belong to the question, with nothing good after them.
    WRONG_ID = auto()
    WRONG_QUESTION = auto()
    WRONG_CASE = auto()
    WRONG_OPCODE = auto()
    WRONG_PORT = auto()
    TWO_QUESTIONS = auto()
    ECHO = auto()
    GARBAGE = auto()
    EMPTY = auto()
    # A good answer, preceded by one of each of the above.
    SPOOFED = auto()
    # Fifty guesses at the ID and no answer.
    GUESSED = auto()
    TWICE = auto()
    HALF = auto()
    COUNTS_LIE = auto()
    POINTER_LOOP = auto()
    TRUNCATE = auto()
    HUGE = auto()
    # On a stream only.
    CLOSE = auto()
    ANSWER_AND_CLOSE = auto()
    CLOSE_MIDWAY = auto()
    DRIP = auto()
    SHORT_FRAME = auto()
    IN_PIECES = auto()


@dataclass(frozen=True, slots=True)
class Received:
    """A query as it came."""

    transport: str
    wire: bytes
    source_port: int

    @property
    def message(self) -> dns.message.Message:
        """Read the query as dnspython does."""
        return dns.message.from_wire(self.wire)


Answer = Callable[[dns.message.Message], dns.message.Message]


def answer_address(query: dns.message.Message) -> dns.message.Message:
    """Answer a question for an address with one, any other with no data."""
    response = dns.message.make_response(query, recursion_available=True)
    question = query.question[0]
    if question.rdtype == dns.rdatatype.A:
        response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", ADDRESS))
    return response


class NanoDns:
    """One server; UDP and TCP share a port, and with `tls` the stream is encrypted.

    Args:
        answer: makes the good answers.
    """

    def __init__(
        self,
        *,
        udp: Iterable[Act] = (Act.ANSWER,),
        tcp: Iterable[Act] = (Act.ANSWER,),
        tls: ssl.SSLContext | None = None,
        answer: Answer = answer_address,
        endpoint: Endpoint | None = None,
    ) -> None:
        self.endpoint = endpoint or Endpoint(LOOPBACK, 0)
        self.received: list[Received] = []
        self.connections = 0
        self._acts = {"udp": list(udp), "stream": list(tcp)}
        self._tls = tls
        self._answer = answer
        self._datagrams: asyncio.DatagramTransport | None = None
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._handlers: set[asyncio.Task[None]] = set()

    def do(self, *, udp: Iterable[Act] | None = None, tcp: Iterable[Act] | None = None) -> None:
        """Behave otherwise from now on."""
        if udp is not None:
            self._acts["udp"] = list(udp)
        if tcp is not None:
            self._acts["stream"] = list(tcp)

    def over(self, transport: str) -> list[Received]:
        """Give the queries that came over `udp`, `tcp` or `tls`."""
        return [received for received in self.received if received.transport == transport]

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        datagrams, stream = _bind_both(self.endpoint)
        self.endpoint = Endpoint(self.endpoint.address, datagrams.getsockname()[1])
        self._socket = datagrams
        self._datagrams, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=datagrams)
        self._server = await asyncio.start_server(self._serve, sock=stream, ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._datagrams is not None:
            self._datagrams.close()
        if self._server is not None:
            self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await asyncio.sleep(0)

    def _next_act(self, medium: str) -> Act:
        acts = self._acts[medium]
        return acts.pop(0) if len(acts) > 1 else acts[0]

    # ---- datagrams -----------------------------------------------------------------------------------------

    def take_datagram(self, wire: bytes, source: tuple[str, int]) -> None:
        """Do with one datagram what the script says."""
        self.received.append(Received("udp", wire, source[1]))
        act = self._next_act("udp")
        messages = self._compose(act, wire)
        if act is Act.WRONG_PORT or act is Act.SPOOFED:
            _send_from_elsewhere(self._compose(Act.ANSWER, wire)[0], source)
        delay = SLOW_SECONDS if act is Act.SLOW else 0.0
        loop = asyncio.get_running_loop()
        for message in messages:
            if delay:
                loop.call_later(delay, self._send, message, source)
            else:
                self._send(message, source)

    def _send(self, message: bytes, to: tuple[str, int]) -> None:
        # Not through the transport, which sends no empty datagrams.
        if self._socket is not None and self._socket.fileno() >= 0:
            self._socket.sendto(message, to)

    def _compose(self, act: Act, wire: bytes) -> list[bytes]:
        """Make the messages that an act answers with."""
        query = dns.message.from_wire(wire)
        good = self._answer(query).to_wire()
        match act:
            case Act.HANG | Act.WRONG_PORT | Act.CLOSE:
                return []
            case Act.NO_EDNS:
                return [_error(query, dns.rcode.FORMERR) if query.edns >= 0 else good]
            case Act.BARE_ERROR:
                return [wire[:2] + b"\x81\x81" + bytes(8)]
            case Act.TRUNCATE:
                return [_truncated(query)]
            case Act.HUGE:
                return [good + bytes(6000)]
            case Act.HALF:
                return [good[:-7]]
            case Act.COUNTS_LIE:
                return [good[:6] + b"\xff\xff" + good[8:]]
            case Act.POINTER_LOOP:
                return [good.replace(b"\xc0\x0c", b"\x7f\x0c")]
            case Act.TWICE:
                return [good, good]
            case Act.GUESSED:
                return [_with_id(good, int.from_bytes(wire[:2], "big") ^ guess) for guess in range(1, 51)]
            case Act.SPOOFED:
                return [*(_forge(forgery, wire, good) for forgery in _FORGERIES), good]
            case _ if act in _FORGERIES:
                return [_forge(act, wire, good)]
            case _ if act.name in _RCODES:
                return [_error(query, dns.rcode.from_text(act.name))]
            case _:
                return [good]

    # ---- streams -------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._handlers.add(task)
        self.connections += 1
        try:
            async for wire in _frames(reader):
                name = "tcp" if self._tls is None else "tls"
                self.received.append(Received(name, wire, writer.get_extra_info("peername")[1]))
                if not await self._act_on_stream(self._next_act("stream"), wire, writer):
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    async def _act_on_stream(self, act: Act, wire: bytes, writer: asyncio.StreamWriter) -> bool:
        """Act; says whether the connection goes on."""
        if act is Act.SLOW:
            # Later than what is asked after it, so that answers come out of order.
            loop = asyncio.get_running_loop()
            loop.call_later(SLOW_SECONDS, writer.write, _frame(self._compose(Act.ANSWER, wire)[0]))
            return True
        for message in self._compose(act, wire):
            frame = _frame(message)
            if act is Act.SHORT_FRAME:
                frame = b"\0\3abc"
            elif act is Act.CLOSE_MIDWAY:
                frame = frame[:-3]
            if act in (Act.DRIP, Act.IN_PIECES):
                for at in range(len(frame)):
                    writer.write(frame[at : at + 1])
                    await asyncio.sleep(DRIP_SECONDS if act is Act.DRIP else 0)
            else:
                writer.write(frame)
            await writer.drain()
        if act is Act.CLOSE_MIDWAY or act is Act.ANSWER_AND_CLOSE:
            await asyncio.sleep(0.01)
        return act not in (Act.CLOSE, Act.CLOSE_MIDWAY, Act.ANSWER_AND_CLOSE)


_FORGERIES = (
    Act.WRONG_ID,
    Act.WRONG_QUESTION,
    Act.WRONG_CASE,
    Act.WRONG_OPCODE,
    Act.TWO_QUESTIONS,
    Act.ECHO,
    Act.GARBAGE,
    Act.EMPTY,
)


def _forge(act: Act, wire: bytes, good: bytes) -> bytes:
    match act:
        case Act.WRONG_ID:
            return bytes((good[0] ^ 1, good[1])) + good[2:]
        case Act.WRONG_QUESTION:
            return good[:13] + bytes((good[13] ^ 1,)) + good[14:]
        case Act.WRONG_CASE:
            return good[:13] + bytes((good[13] ^ 0x20,)) + good[14:]
        case Act.WRONG_OPCODE:
            return good[:2] + bytes((good[2] | 0x28,)) + good[3:]
        case Act.TWO_QUESTIONS:
            return good[:5] + b"\2" + good[6:]
        case Act.ECHO:
            return wire
        case Act.GARBAGE:
            return wire[:2] + b"\xff" * 40
        case _:
            return b""


def _error(query: dns.message.Message, rcode: dns.rcode.Rcode) -> bytes:
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(rcode)
    return response.to_wire()


def _truncated(query: dns.message.Message) -> bytes:
    response = dns.message.make_response(query, recursion_available=True)
    response.flags |= dns.flags.TC
    return response.to_wire()


def _with_id(message: bytes, identifier: int) -> bytes:
    return identifier.to_bytes(2, "big") + message[2:]


def _frame(message: bytes) -> bytes:
    return len(message).to_bytes(2, "big") + message


async def _frames(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    with contextlib.suppress(asyncio.IncompleteReadError):
        while True:
            length = await reader.readexactly(2)
            yield await reader.readexactly(int.from_bytes(length, "big"))


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NanoDns) -> None:
        self._server = server

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        self._server.take_datagram(data, source)


def _send_from_elsewhere(message: bytes, to: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET6 if ":" in to[0] else socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.sendto(message, to)


def _bind_both(endpoint: Endpoint) -> tuple[socket.socket, socket.socket]:
    """Bind a datagram and a stream socket to the same port, whichever is free for both."""
    family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    for _ in range(50):
        datagrams = socket.socket(family, socket.SOCK_DGRAM)
        stream = socket.socket(family, socket.SOCK_STREAM)
        try:
            datagrams.bind((endpoint.address, endpoint.port))
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            stream.bind((endpoint.address, datagrams.getsockname()[1]))
        except OSError:
            datagrams.close()
            stream.close()
            if endpoint.port:
                raise
            continue
        return datagrams, stream
    raise OSError("no port is free for both UDP and TCP")


def unused_endpoint() -> Endpoint:
    """Give an endpoint where nothing listens."""
    datagrams, stream = _bind_both(Endpoint(LOOPBACK, 0))
    port = datagrams.getsockname()[1]
    datagrams.close()
    stream.close()
    return Endpoint(LOOPBACK, port)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate made for one test run."""

    path: Path
    key_path: Path

    def serve(self) -> ssl.SSLContext:
        """Show this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path, self.key_path)
        return context

    def trust(self) -> ssl.SSLContext:
        """Accept this certificate as an authority, and check names as usual."""
        return ssl.create_default_context(cafile=str(self.path))


def make_certificate(folder: Path, names: Sequence[str], *, key: str = "ec", days: int = 2) -> Certificate:
    """Have openssl make a key and a certificate for names such as `DNS:dns.example.test` or `IP:127.0.0.1`."""
    openssl = need("openssl")
    certificate = Certificate(folder / "certificate.pem", folder / "key.pem")
    kind = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"], "ed25519": ["ed25519"]}[key]
    command = [openssl, "req", "-x509", "-newkey", *kind, "-nodes", "-subj", "/CN=example.test", "-days", str(days)]
    command += ["-addext", f"subjectAltName={','.join(names)}"]
    command += ["-keyout", str(certificate.key_path), "-out", str(certificate.path)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate
