"""What tests of lists need: a site around them, an index that only remembers, a web server, archives of any kind."""

import gzip
import io
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from agent.lists.list_inputs import IndexList
from agent.lists.list_sources import Downloader, addresses_of
from agent.sites.site import (
    Answers,
    FailModes,
    Limits,
    ListConfig,
    Listeners,
    Paths,
    Retention,
    School,
    Site,
    Upstreams,
)
from rules.errors import IndexUnusableError
from rules.policy import Rulebook

EARLY = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)


def site_with(folder: Path, *lists: ListConfig, **parts: Any) -> Site:
    """Make a site that has these lists and keeps its state in a folder."""
    everything: dict[str, Any] = {
        "path": str(folder / "site.yaml"),
        "school": School("School of Test", "Europe/London", "en", ()),
        "listeners": Listeners((), None),
        "networks": (),
        "groups": (),
        "lease_files": (),
        "neighbours": False,
        "schedules": (),
        "terms": (),
        "holidays": (),
        "lists": lists,
        "rulebook": Rulebook(),
        "answers": Answers(),
        "upstreams": Upstreams(()),
        "limits": Limits(),
        "retention": Retention(),
        "fail_modes": FailModes(),
        "paths": Paths(str(folder / "state"), str(folder / "run")),
    }
    return Site(**(everything | parts))


@dataclass
class Clock:
    """A clock that stands until somebody moves it."""

    at: datetime = EARLY

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **parts: float) -> None:
        self.at += timedelta(**parts)


@dataclass
class RememberingIndex:
    """An index keeper that compiles nothing and remembers what it was asked for."""

    generations: list[tuple[Sequence[IndexList], str]] = field(default_factory=list)
    in_force: int = 0
    broken: bool = False

    def fingerprint(self) -> str | None:
        return self.generations[self.in_force - 1][1] if self.in_force else None

    def newest_fingerprint(self) -> str | None:
        return self.generations[-1][1] if self.generations else None

    def list_versions(self) -> Mapping[int, Mapping[str, str]]:
        return {
            number: {each.name: each.version for each in lists}
            for number, (lists, _) in enumerate(self.generations, start=1)
        }

    def publish(
        self, lists: Sequence[IndexList], fingerprint: str, *, on_progress: Callable[[int, int], None]
    ) -> int:
        on_progress(1, 1)
        if self.broken:
            raise IndexUnusableError("the list compiler is broken")
        self.generations.append((lists, fingerprint))
        self.in_force = len(self.generations)
        return self.in_force

    @property
    def newest(self) -> Sequence[IndexList]:
        return self.generations[-1][0]


Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class ListServer:
    """A web server on this machine; what it answers is a table of functions by path."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[BaseHTTPRequestHandler] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def downloader(self) -> Downloader:
        """Give a downloader for which every https address is this server."""
        return Downloader(transport=lambda: _Loopback(self.port), pause=_no_pause, addresses=_addresses_of)

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]


@contextmanager
def serving() -> Iterator[ListServer]:
    """Run a list server."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.requests.append(self)
            server.answers.get(self.path, status(404))(self)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        server = ListServer(http_server.server_address[1])
        thread = threading.Thread(target=http_server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            http_server.shutdown()
            thread.join()


class _Loopback(httpx.AsyncHTTPTransport):
    """Carries requests for any https address to a port of this machine, in the clear."""

    def __init__(self, port: int) -> None:
        # There is no TLS on this way, so the authorities of this machine need not be read.
        super().__init__(verify=False)
        self._port = port

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        return await super().handle_async_request(
            httpx.Request(request.method, url, headers=request.headers, extensions=request.extensions)
        )


async def _addresses_of(host: str) -> list[str]:
    """Ask no resolver for names that are made up: all but one are somewhere outside."""
    if host == "nas.example":
        return ["192.168.0.9", "2606:4700::1"]
    return ["1.1.1.1"] if host.endswith(".example") else await addresses_of(host)


async def _no_pause(_: float) -> None:
    """Go on at once."""


def body(content: bytes, **fields: str) -> Answer:
    """Answer with a body, and with header fields (`Last_Modified="..."`)."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        for name, value in fields.items():
            request.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in fields:
            request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


def tagged(content: bytes, etag: str) -> Answer:
    """Answer with a body and its ETag, or with 304 to who has it."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.headers["If-None-Match"] == etag:
            status(304)(request)
        else:
            body(content, ETag=etag)(request)

    return answer


def status(code: int, **fields: str) -> Answer:
    """Answer with a status and no body."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in fields.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def in_turn(*answers: Answer) -> Answer:
    """Answer differently each time, and stay with the last answer."""
    waiting = list(answers)

    def answer(request: BaseHTTPRequestHandler) -> None:
        (waiting.pop(0) if len(waiting) > 1 else waiting[0])(request)

    return answer


def tar(*members: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    """Make a tar archive of files and of whatever else."""
    octets = io.BytesIO()
    with tarfile.open(fileobj=octets, mode="w") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                name, content = member
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return octets.getvalue()


def link(name: str, target: str, *, hard: bool = False) -> tarfile.TarInfo:
    """Make a link for a tar archive."""
    info = tarfile.TarInfo(name)
    info.type = tarfile.LNKTYPE if hard else tarfile.SYMTYPE
    info.linkname = target
    return info


def device(name: str, kind: bytes) -> tarfile.TarInfo:
    """Make a device or pipe for a tar archive."""
    info = tarfile.TarInfo(name)
    info.type = kind
    return info


def gzipped(content: bytes) -> bytes:
    """Compress."""
    return gzip.compress(content, 6)


def domains(count: int, *, start: int = 0, below: str = "example") -> bytes:
    """Make a list of plain names."""
    return b"".join(f"name-{number}.{below}\n".encode() for number in range(start, start + count))
