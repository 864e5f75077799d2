"""Metrics and health over HTTP, for Prometheus and whoever watches over the gateway.

Two pages and nothing else, from threads of their own, a bounded number of them for a bounded time.
"""

import contextlib
import json
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from agent.dns.shared_memory import SharedMemory
from agent.gateway.metrics import SILENT_CANARIES_SECONDS, is_alive, is_intake_silent, is_without_upstream
from agent.logs import log
from agent.sites.site import Endpoint

# So long a worker may take to apply what was published.
LAG_SECONDS: Final = 10.0

REQUEST_SECONDS: Final = 5.0
CONNECTION_SECONDS: Final = 10.0
MAX_CONNECTIONS: Final = 16
# Whoever scrapes has few; the others are left to the rest.
MAX_OF_ADDRESS: Final = 8
# So long the server may take to notice that it is to stop.
STOP_SECONDS: Final = 0.1


def health_reasons(memory: SharedMemory, now: float) -> list[str]:
    """Say what keeps the gateway from being well, in sentences; nothing where all is well.

    Args:
        now: seconds, by the clock of the heartbeats.
    """
    workers = memory.workers()
    published = memory.policy_generation
    reasons = [
        f"worker {worker.number} {'has fallen silent' if worker.heartbeat_nanoseconds else 'has not begun yet'}"
        for worker in workers
        if not is_alive(worker, now)
    ]
    if now - memory.published_at_nanoseconds / 1e9 > LAG_SECONDS:
        reasons += [
            f"worker {worker.number} answers by policy {worker.policy_generation}; {published} is in force"
            for worker in workers
            if is_alive(worker, now) and worker.policy_generation != published
        ]
    if any(is_without_upstream(worker) for worker in workers):
        reasons.append("no upstream answers")
    if is_intake_silent(memory, now):
        reasons.append("the intake of the activity record does not work")
    elif memory.intake()["is_failing"]:
        reasons.append("the activity record cannot be stored and waits in the spool; the log says why")
    return reasons


def canary_reasons(memory: SharedMemory, now: float) -> list[str]:
    """Say whether filtering is off without a record, or nobody knows whether it is.

    Args:
        now: seconds, by the clock of the heartbeats.
    """
    canaries = memory.canaries()
    # Before its first word, it has as long from when there was something to compare.
    heard_at = (canaries["checked_nanoseconds"] or memory.published_at_nanoseconds) / 1e9
    if now - heard_at > SILENT_CANARIES_SECONDS:
        return ["for a minute nobody has compared the filter with the record"]
    reasons = []
    if canaries["unlogged_open"]:
        reasons.append("filtering is off without a record; the record says where")
    if canaries["unknown_workers"]:
        reasons.append("for a minute not every worker has said whether its filter is on")
    return reasons


class MetricsServer:
    """Serves `/metrics` and `/healthz` from threads of its own, a bounded number of them.

    Raises:
        OSError: the endpoint cannot be listened on.
    """

    def __init__(self, endpoint: Endpoint, collector: Collector, health: Callable[[], list[str]]) -> None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(collector)
        self._server = _Server(endpoint, registry, health)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(STOP_SECONDS,), name="metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, endpoint: Endpoint, registry: CollectorRegistry, health: Callable[[], list[str]]) -> None:
        self.registry = registry
        self.health = health
        self._served: Counter[str] = Counter()
        self._served_lock = threading.Lock()
        if ":" in endpoint.address:
            self.address_family = socket.AF_INET6
        super().__init__((endpoint.address, endpoint.port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread, or close it where there are too many."""
        if self._has_room(client_address[0]):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def _has_room(self, address: str) -> bool:
        with self._served_lock:
            if self._served.total() >= MAX_CONNECTIONS or self._served[address] >= MAX_OF_ADDRESS:
                return False
            self._served[address] += 1
            return True

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection, for a bounded time however slowly the client goes about it."""
        deadline = threading.Timer(CONNECTION_SECONDS, _end, (request,))
        deadline.daemon = True
        deadline.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            deadline.cancel()
            with self._served_lock:
                self._served -= Counter({client_address[0]: 1})

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (the address is not logged)
        """Pass over a client that went away; a fault of ours is logged by its kind."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            log.error("metrics_failed", error=type(error).__name__)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = REQUEST_SECONDS
    server_version = "schoolgate"
    sys_version = ""

    def do_HEAD(self) -> None:
        """Answer with the header alone."""
        self.do_GET()

    def do_GET(self) -> None:
        """Answer a request."""
        match self.path.partition("?")[0]:
            case "/metrics":
                encode, content_type = choose_encoder(self.headers.get("Accept", ""))
                self._reply(HTTPStatus.OK, content_type, encode(self.server.registry))
            case "/healthz":
                reasons = self.server.health()
                body = json.dumps({"status": "degraded" if reasons else "ok", "reasons": reasons}).encode() + b"\n"
                status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
                self._reply(status, "application/json", body)
            case _:
                self._reply(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"try /metrics or /healthz\n")

    def _reply(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: who asks for metrics is no event."""
