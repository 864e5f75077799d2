"""A program on loopback that is told by HTTPS, and answers as a test tells it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from nano_dns import LOOPBACK, Certificate


@dataclass
class Hook:
    """What a program received, and how it answers."""

    port: int = 0
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    pause_seconds: float = 0.0
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def listening(certificate: Certificate) -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.received.append((self.path, {key.lower(): value for key, value in self.headers.items()}, body))
            time.sleep(hook.pause_seconds)
            self.send_response(hook.status)
            for name, value in hook.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None: ...

    with Server((LOOPBACK, 0), Handler) as server:
        server.socket = certificate.serve().wrap_socket(server.socket, server_side=True)
        hook.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield hook
        server.shutdown()
        thread.join()
