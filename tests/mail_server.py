"""A mail server on loopback that speaks EHLO, STARTTLS and AUTH, as well or as badly as a test tells it.

with MailServer(certificate.serve(), answers={"RCPT": "550 no such user"}) as server:
    ...send to server.port, look into server.said and server.mails...
"""

import base64
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Self

LOOPBACK = "127.0.0.1"


class MailServer:
    """Listens until it is left.

    Args:
        tls: what STARTTLS shows; without it STARTTLS is not offered.
        answers: other answers, by the first word of the command, or `GREETING` and `BODY`; an empty one is silence,
            and `CLOSE` hangs up.
        drip_seconds: send the greeting one octet at a time, with this much between.
        port: where to listen; where there is room, if it is 0.
    """

    def __init__(
        self,
        tls: ssl.SSLContext | None,
        *,
        answers: Mapping[str, str] | None = None,
        drip_seconds: float = 0.0,
        port: int = 0,
    ) -> None:
        self.answers = dict(answers or {})
        # What clients said: the commands, with `TLS` where it was encrypted from then on.
        self.said: list[str] = []
        self.mails: list[bytes] = []
        self.connections = 0
        self._tls = tls
        self._drip_seconds = drip_seconds
        self._socket = socket.create_server((LOOPBACK, port))
        self.port: int = self._socket.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept)
        self._leaving = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self._thread.join(10)
        self._socket.close()

    @property
    def credentials(self) -> list[bytes]:
        """What clients signed in with, by AUTH PLAIN."""
        return [base64.b64decode(line.split()[2]) for line in self.said if line.startswith("AUTH PLAIN ")]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        self._open.add(connection)
        try:
            with contextlib.suppress(OSError):
                self._greet(connection)
                while (upgraded := self._converse(connection)) is not None:
                    self._open.discard(connection)
                    connection = upgraded
                    self._open.add(connection)
        finally:
            self._open.discard(connection)
            connection.close()

    def _greet(self, connection: socket.socket) -> None:
        greeting = f"{self.answers.get('GREETING', '220 mail.example.test')}\r\n".encode()
        for at in range(len(greeting)):
            if self._leaving.is_set():
                return
            connection.sendall(greeting[at : at + 1])
            time.sleep(self._drip_seconds)

    def _converse(self, connection: socket.socket) -> socket.socket | None:
        """Talk until the client goes, or until STARTTLS gives another connection to go on with."""
        lines = _lines(connection)
        for line in lines:
            word, *rest = line.split(" ")
            word = word.upper()
            self.said.append(" ".join((word, *rest)))
            answer = self.answers.get(word, self._usual(word, encrypted=isinstance(connection, ssl.SSLSocket)))
            if answer == "CLOSE":
                return None
            if answer:
                connection.sendall(f"{answer}\r\n".encode())
            if word == "QUIT":
                return None
            if word == "STARTTLS" and answer.startswith("220") and self._tls is not None:
                upgraded = self._tls.wrap_socket(connection, server_side=True)
                self.said.append("TLS")
                return upgraded
            if word == "DATA" and answer.startswith("354"):
                self.mails.append(_body(lines))
                connection.sendall(f"{self.answers.get('BODY', '250 taken')}\r\n".encode())
        return None

    def _usual(self, word: str, *, encrypted: bool) -> str:
        match word:
            case "EHLO" if encrypted:
                return "250-mail.example.test\r\n250-AUTH PLAIN\r\n250 8BITMIME"
            case "EHLO" if self._tls is not None:
                return "250-mail.example.test\r\n250 STARTTLS"
            case "STARTTLS":
                return "220 go ahead" if self._tls is not None else "502 not here"
            case "AUTH":
                return "235 welcome"
            case "DATA":
                return "354 go ahead"
            case "QUIT":
                return "221 bye"
            case _:
                return "250 fine"


def _lines(connection: socket.socket) -> Iterator[str]:
    kept = b""
    while True:
        while b"\r\n" not in kept:
            block = connection.recv(4096)
            if not block:
                return
            kept += block
        line, _, kept = kept.partition(b"\r\n")
        yield line.decode()


def _body(lines: Iterator[str]) -> bytes:
    found: list[str] = []
    for line in lines:
        if line == ".":
            break
        # RFC 5321, section 4.5.2: a full stop was put before each that begins a line.
        found.append(line.removeprefix("."))
    return "\r\n".join(found).encode()
