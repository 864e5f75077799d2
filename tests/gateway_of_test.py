"""A gateway for the tests of the command line: HTTPS with a real certificate, and answers as a test writes them."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from typer.testing import CliRunner, Result

from agent.api.tls import SiteCertificate, open_certificate
from agent.cli import app
from agent.commands.client_session import Server, Session, save_session, session_path

COOKIE = "__Host-schoolgate"
SIGNED_IN = {"person": "p1", "name": "Ada Clay", "roles": [], "rights": [], "timezone": "Asia/Tokyo", "csrf": "c5"}


@dataclass(frozen=True)
class Seen:
    """A request as it came in; the names of headers are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    """What is answered; text goes out as it is, all else as JSON."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class GatewayOfTest:
    """Where it listens, what it shows, what it was asked; an address without an answer is one of nothing."""

    url: str
    certificate: SiteCertificate
    answers: dict[str, Answer]
    seen: list[Seen] = field(default_factory=list)

    def asked(self, line: str) -> Seen:
        """Give the one request of this method and path."""
        (found,) = [each for each in self.seen if f"{each.method} {each.path}" == line]
        return found

    def answer(self, line: str, body: Any = None, *, status: int = 200) -> None:
        """Answer `METHOD /path`, or `METHOD /path?query` alone, so from now on."""
        self.answers[line] = Answer(body, status)

    def notify(self, line: str, body: Any, notice: str) -> None:
        """Answer so from now on, with a notice beside it."""
        self.answers[line] = Answer(body, headers={"Schoolgate-Notice": notice})

    def refuse(self, line: str, status: int, detail: str) -> None:
        """Answer with problem details."""
        self.answers[line] = Answer({"title": "No", "status": status, "detail": detail}, status)


@contextmanager
def gateway_of_test(folder: Path) -> Iterator[GatewayOfTest]:
    certificate = open_certificate(folder / "tls", names=("localhost", "127.0.0.1"), now=datetime.now(UTC))

    class Handler(BaseHTTPRequestHandler):
        gateway: ClassVar[GatewayOfTest]

        def _answer(self) -> None:
            octets = self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = urlsplit(self.path)
            path = parts.path.removeprefix("/api/v1")
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.loads(octets) if octets else None
            self.gateway.seen.append(Seen(self.command, path, dict(parse_qsl(parts.query)), headers, body))
            nothing = Answer({"detail": "Nothing is here."}, 404)
            asked = f"{self.command} {path}"
            told = self.gateway.answers.get(f"{asked}?{parts.query}") or self.gateway.answers.get(asked, nothing)
            text = told.body if isinstance(told.body, str) else "" if told.body is None else json.dumps(told.body)
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 (the names that the library looks for)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 (the name is the library's)
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # whom we do not trust, we leave
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        Handler.gateway = GatewayOfTest(f"https://127.0.0.1:{server.server_port}", certificate, {})
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Handler.gateway
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Shell:
    """Somebody at a command line, with a place of their own for what it remembers."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"XDG_STATE_HOME": str(self.home)}

    def run(self, *words: str, keys: str = "") -> Result:
        """Run a command; `keys` is its standard input."""
        return CliRunner().invoke(app, list(words), input=keys, env=self.environment)

    def sign_in(self, gateway: GatewayOfTest, *, timezone: str = "Europe/London") -> None:
        """Leave a session as `schoolgate login` does."""
        pem = gateway.certificate.certificate.read_text()
        server = Server(gateway.url, pem, is_pinned=True)
        session = Session(server, "ada", "Ada Clay", {COOKIE: "s3"}, "c5", "", timezone)
        save_session(session_path(self.environment), session)


def person(name: str) -> dict[str, str]:
    return {"id": name.lower(), "name": name}
