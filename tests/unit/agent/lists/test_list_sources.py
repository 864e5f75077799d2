"""What comes over the wire or from a path, and the sentence for each way in which it does not."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest
from lists_of_test import Answer, ListServer, body, domains, gzipped, in_turn, serving, status, tagged, tar

from agent.lists.list_faults import Fault, ListFaultError
from agent.lists.list_layout import Kind
from agent.lists.list_progress import SilentProgress
from agent.lists.list_sources import (
    ATTEMPTS,
    Downloaded,
    Downloader,
    NotModified,
    Validators,
    collect,
    open_up,
    spell_source,
)
from agent.sites.site import ListConfig

LIST = domains(20)


@pytest.fixture
def server() -> Iterator[ListServer]:
    with serving() as running:
        yield running


def remote(path: str = "/list.txt", **settings: Any) -> ListConfig:
    return ListConfig("some", f"https://lists.example{path}", **({"timeout_seconds": 5.0} | settings))


def download(
    downloader: Downloader, config: ListConfig, folder: Path, validators: Validators | None = None
) -> Downloaded | NotModified:
    return asyncio.run(
        downloader.download(
            config, folder / "download", validators=validators or Validators(), progress=SilentProgress()
        )
    )


# --- Over the wire


def test_a_download_is_whole_and_knows_how_to_ask_next_time(server: ListServer, tmp_path: Path) -> None:
    server.answers["/list.txt"] = body(LIST, ETag='"7"', Last_Modified="Tue, 01 Sep 2026 06:00:00 GMT")
    result = download(server.downloader(), remote(), tmp_path)
    assert isinstance(result, Downloaded)
    assert result.file.read_bytes() == LIST
    assert result.name == "list.txt"
    assert result.validators == Validators('"7"', "Tue, 01 Sep 2026 06:00:00 GMT")


def test_what_the_server_still_has_is_not_brought_again(server: ListServer, tmp_path: Path) -> None:
    server.answers["/list.txt"] = tagged(LIST, '"7"')
    assert download(server.downloader(), remote(), tmp_path, Validators('"7"')) == NotModified()
    assert isinstance(download(server.downloader(), remote(), tmp_path, Validators('"6"')), Downloaded)


def test_the_date_is_asked_for_where_there_is_no_tag(server: ListServer, tmp_path: Path) -> None:
    server.answers["/list.txt"] = status(304)
    download(server.downloader(), remote(), tmp_path, Validators(None, "Tue, 01 Sep 2026 06:00:00 GMT"))
    assert server.requests[0].headers["If-Modified-Since"] == "Tue, 01 Sep 2026 06:00:00 GMT"
    assert "If-None-Match" not in server.requests[0].headers


@pytest.mark.parametrize("location", ["/b.txt", "https://mirror.example/b.txt"], ids=["same-host", "other-host"])
def test_redirects_are_followed(location: str, server: ListServer, tmp_path: Path) -> None:
    server.answers = {"/a.txt": status(302, Location=location), "/b.txt": body(LIST)}
    result = download(server.downloader(), remote("/a.txt"), tmp_path)
    assert isinstance(result, Downloaded)
    assert result.file.read_bytes() == LIST
    assert result.name == "a.txt"


@pytest.mark.parametrize("passing", [status(503), status(429)], ids=["503", "429"])
def test_what_passes_is_tried_again(passing: Answer, server: ListServer, tmp_path: Path) -> None:
    server.answers["/list.txt"] = in_turn(passing, body(LIST))
    assert isinstance(download(server.downloader(), remote(), tmp_path), Downloaded)
    assert len(server.requests) == 2


def test_pauses_between_attempts_grow(server: ListServer, tmp_path: Path) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    server.answers["/list.txt"] = status(503)
    downloader = server.downloader()
    downloader._pause = pause
    with pytest.raises(ListFaultError):
        download(downloader, remote(), tmp_path)
    assert pauses == [1.0, 4.0]


def broken_off(request: BaseHTTPRequestHandler) -> None:
    body(LIST[:50], Content_Length=str(len(LIST)))(request)
    request.close_connection = True


def chunks_broken_off(request: BaseHTTPRequestHandler) -> None:
    request.protocol_version = "HTTP/1.1"
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    request.wfile.write(b"40\r\n" + LIST[:20])
    request.close_connection = True


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    try:
        while True:
            request.wfile.write(LIST * 100)
    except OSError:
        request.close_connection = True


@dataclass
class Refusal:
    """A server's answer, and what is made of it after how many attempts."""

    answer: Answer
    fault: Fault
    words: str
    attempts: int = 1
    settings: dict[str, Any] = field(default_factory=dict)


REFUSALS = {
    "not-found": Refusal(status(404), Fault.NOT_FOUND, "lists.example answered 404"),
    "forbidden": Refusal(status(403), Fault.HTTP_STATUS, "answered 403"),
    "no-content": Refusal(status(204), Fault.HTTP_STATUS, "expected 200"),
    "304-nobody-asked-for": Refusal(status(304), Fault.HTTP_STATUS, "answered 304"),
    "server-error": Refusal(status(500), Fault.HTTP_STATUS, "answered 500", ATTEMPTS),
    "redirect-in-the-clear": Refusal(
        status(302, Location="http://lists.example/b"), Fault.BAD_REDIRECT, "expected https://"
    ),
    "redirect-to-a-file": Refusal(
        status(302, Location="file:///etc/passwd"), Fault.BAD_REDIRECT, "expected https://"
    ),
    **{
        f"redirect-inside-{host}": Refusal(
            status(302, Location=f"https://{host}/admin"),
            Fault.BAD_REDIRECT,
            "expected an address outside the school",
        )
        for host in (
            *("localhost", "127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[fd00::1]", "0.0.0.0"),
            *("127.1", "2130706433", "0x7f.1", "0", "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
            "nas.example",
        )
    },
    "redirects-in-a-circle": Refusal(
        status(302, Location="/list.txt"), Fault.BAD_REDIRECT, "more than 5 times", attempts=6
    ),
    "announced-too-large": Refusal(
        body(LIST), Fault.TOO_LARGE, "more than the 100 bytes", settings={"max_size_bytes": 100}
    ),
    "endless": Refusal(endless, Fault.TOO_LARGE, "more than 9.766 KB", settings={"max_size_bytes": 10_000}),
    "unknown-encoding": Refusal(body(LIST, Content_Encoding="br"), Fault.BINARY, "the encoding 'br'"),
    "broken-off": Refusal(broken_off, Fault.TRUNCATED, "broke the download off", ATTEMPTS),
    "chunks-broken-off": Refusal(chunks_broken_off, Fault.TRUNCATED, "broke the download off", ATTEMPTS),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_what_the_wire_does_not_bring(refusal: Refusal, server: ListServer, tmp_path: Path) -> None:
    server.answers["/list.txt"] = refusal.answer
    with pytest.raises(ListFaultError, match=refusal.words) as caught:
        download(server.downloader(), remote(**refusal.settings), tmp_path)
    assert caught.value.fault is refusal.fault
    assert len(server.requests) == refusal.attempts


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\nsome"])
def test_a_server_that_hangs_is_left_in_time(beginning: bytes, server: ListServer, tmp_path: Path) -> None:
    def hang(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(beginning)
        server.closing.wait(5)
        request.close_connection = True

    server.answers["/list.txt"] = hang
    with pytest.raises(ListFaultError) as caught:
        download(server.downloader(), remote(timeout_seconds=0.2), tmp_path)
    assert caught.value.fault is Fault.TIME_OUT


def test_a_server_that_drips_is_left_in_time(server: ListServer, tmp_path: Path) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not server.closing.wait(0.02):
            request.wfile.write(b"a")

    server.answers["/list.txt"] = drip
    with pytest.raises(ListFaultError, match=r"longer than the 0\.3 s that timeout allows"):
        download(server.downloader(), remote(timeout_seconds=0.3), tmp_path)


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        config = ListConfig("some", f"https://127.0.0.1:{unused.getsockname()[1]}/")
        with pytest.raises(ListFaultError, match=r"127\.0\.0\.1 refused the connection"):
            download(Downloader(pause=ListServer(0).downloader()._pause), config, tmp_path)


def test_no_secure_connection_comes_about(server: ListServer, tmp_path: Path) -> None:
    with pytest.raises(ListFaultError, match="no secure connection") as caught:
        download(Downloader(), ListConfig("some", f"https://127.0.0.1:{server.port}/"), tmp_path)
    assert caught.value.fault is Fault.NO_TLS


class Unresolving(httpx.AsyncBaseTransport):
    """A network in which no name has an address."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(request.url.host) from socket.gaierror(socket.EAI_NONAME, "Name not known")


def test_no_address_is_found(tmp_path: Path) -> None:
    downloader = Downloader(transport=Unresolving, pause=ListServer(0).downloader()._pause)
    with pytest.raises(ListFaultError, match=r"no address was found for lists\.example") as caught:
        download(downloader, remote(), tmp_path)
    assert caught.value.fault is Fault.NO_SUCH_HOST


def test_secrets_of_an_address_are_not_shown() -> None:
    assert spell_source("https://user:secret@lists.example:8443/a?token=b#c") == "https://lists.example:8443/a"
    assert spell_source("/var/lists/ut1") == "/var/lists/ut1"


# --- From a path


def local(source: Path, **settings: Any) -> ListConfig:
    return ListConfig("some", str(source), **settings)


def into(folder: Path) -> Path:
    (folder / "into").mkdir()
    return folder / "into"


def test_a_single_file_is_a_list_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "READ ME.gambling").write_bytes(LIST)
    (file,) = collect(local(tmp_path / "READ ME.gambling"), into(tmp_path))
    assert (file.path, file.kind, file.category) == ("READ_ME.gambling", Kind.NAMES, "READ_ME")
    assert (tmp_path / "into" / file.path).read_bytes() == LIST


def test_of_an_archive_only_what_is_needed_stays(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(
        gzipped(tar(("t/ads/domains", LIST), ("t/ads/usage", b"black"), ("t/x", b"y")))
    )
    collect(local(tmp_path / "a.tar.gz"), into(tmp_path))
    left = [path.relative_to(tmp_path / "into") for path in (tmp_path / "into").rglob("*") if path.is_file()]
    assert left == [Path("t/ads/domains")]


def test_the_starter_lists_are_a_source(tmp_path: Path) -> None:
    collected = collect(ListConfig("starter", "builtin:starter"), into(tmp_path))
    assert {"helplines", "gambling"} <= {file.category for file in collected}


def test_a_file_at_hand_takes_the_place_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "gambling.txt").write_bytes(LIST)
    (file,) = collect(remote(), into(tmp_path), source=tmp_path / "gambling.txt")
    assert file.category == "gambling"


@pytest.mark.parametrize(
    ("content", "fault", "words"),
    [
        pytest.param(None, Fault.NOT_FOUND, "does not exist", id="missing"),
        pytest.param(b"", Fault.EMPTY, "the file is empty", id="empty"),
        pytest.param(tar(("picture.png", b"x")), Fault.NO_LIST, "found no list in it", id="archive-without-a-list"),
        pytest.param(b"a" * 2000, Fault.TOO_LARGE, "more than 1 KB", id="too-large"),
    ],
)
def test_what_a_path_does_not_give(content: bytes | None, fault: Fault, words: str, tmp_path: Path) -> None:
    source = tmp_path / "list"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(ListFaultError, match=words) as caught:
        collect(local(source, max_size_bytes=1024 if fault is Fault.TOO_LARGE else 1 << 20), into(tmp_path))
    assert caught.value.fault is fault


def test_a_file_that_is_none_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "list").symlink_to("list")
    with pytest.raises(ListFaultError, match="could not be read") as caught:
        collect(local(tmp_path / "list"), into(tmp_path))
    assert caught.value.fault is Fault.UNREADABLE


def test_a_name_from_an_address_is_made_safe(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(LIST)
    (file,) = open_up(tmp_path / "raw", into(tmp_path), name="../../etc/passwd", max_size_bytes=10_000)
    assert (tmp_path / "into" / file.path).is_file()
    assert "/" not in file.path
