"""Where lists come from: a path, an archive, an HTTPS address or the product itself, brought as files into a folder.

Nothing here knows what a list says, and nothing that was brought only in part is ever handed on.
"""

import asyncio
import posixpath
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import unquote, urlsplit

import httpx

from agent.lists.list_archives import Budget, copy_files, spell_size, unpack, walk
from agent.lists.list_faults import Fault, ListFaultError
from agent.lists.list_layout import Kind, SourceFile, arrange
from agent.lists.list_progress import Progress
from agent.lists.starter import STARTER_SOURCE
from agent.sites.site import ListConfig

ATTEMPTS: Final = 3
FIRST_PAUSE_SECONDS: Final = 1.0
CONNECT_SECONDS: Final = 10.0
SILENCE_SECONDS: Final = 20.0
MAX_REDIRECTS: Final = 5
_HEADERS: Final = {"User-Agent": "Schoolgate", "Accept-Encoding": "gzip", "Accept": "*/*"}
# What a server may wrap a list in; `agent.lists.list_archives` finds gzip by itself.
_ENCODINGS: Final = frozenset({"", "identity", "gzip", "x-gzip"})
# What translates to IPv4 and back (RFC 6052).
_NAT64: Final = IPv6Network("64:ff9b::/96")
# Gives the addresses of a host.
Addresses: TypeAlias = Callable[[str], Awaitable[list[str]]]
_ODD_CHARACTERS: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server said about its copy, to be asked next time whether that still holds (RFC 9110 section 13)."""

    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        """Give the fields of a conditional request."""
        fields = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {field: value for field, value in fields.items() if value}


@dataclass(frozen=True, slots=True)
class NotModified:
    """The server's copy is still the one that was brought before."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A complete download, as it came over the wire."""

    file: Path
    name: str
    validators: Validators


def is_remote(config: ListConfig) -> bool:
    """Say whether a list comes over the network."""
    return config.source.startswith("https://")


def spell_source(source: str) -> str:
    """Write a source without what may be secret in an address: user, password and query."""
    if "://" not in source:
        return source
    parts = urlsplit(source)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


# --- Paths


def collect(config: ListConfig, into: Path, *, source: Path | None = None) -> tuple[SourceFile, ...]:
    """Copy a list that lies on this machine into a folder, unpacked.

    Args:
        config: the list.
        into: an empty folder.
        source: read this file or folder instead of the list's own source.

    Raises:
        ListFaultError: it is not there, or nothing that can be used.
    """
    path = source or _local_path(config)
    with _told_plainly(path):
        if not path.is_dir():
            return open_up(path, into, name=path.name, max_size_bytes=config.max_size_bytes)
        found = walk(path)
        arranged = _checked(arrange(found.paths, found.links))
        copy_files(path, into, paths=[file.path for file in arranged], max_size_bytes=config.max_size_bytes)
        return arranged


def open_up(raw: Path, into: Path, *, name: str, max_size_bytes: int) -> tuple[SourceFile, ...]:
    """Unpack one file into a folder and say what came out of it.

    Raises:
        ListFaultError: nothing that can be used came out.
    """
    if raw.stat().st_size == 0:
        raise ListFaultError(Fault.EMPTY, "the file is empty")
    name = _ODD_CHARACTERS.sub("_", name)[-100:].lstrip(".") or "list"
    found = unpack(raw, into, name=name, max_size_bytes=max_size_bytes)
    if not found.is_archive:
        # A single file is a list, whatever it is called.
        return tuple(SourceFile(path, Kind.NAMES, posixpath.splitext(path)[0]) for path in found.paths)
    arranged = arrange(found.paths, found.links)
    for path in set(found.paths) - {file.path for file in arranged}:
        (into / path).unlink()
    return _checked(arranged)


def _checked(arranged: tuple[SourceFile, ...]) -> tuple[SourceFile, ...]:
    if not any(file.kind is Kind.NAMES for file in arranged):
        raise ListFaultError(
            Fault.NO_LIST, "found no list in it; expected <category>/domains files, or list files side by side"
        )
    return arranged


def _local_path(config: ListConfig) -> Path:
    if config.source == STARTER_SOURCE:
        return Path(str(files("agent") / "data" / "starter"))
    return Path(config.source)


@contextmanager
def _told_plainly(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise ListFaultError(Fault.NOT_FOUND, f"{path} does not exist") from None
    except OSError as error:
        where = error.filename if error.filename is not None else path
        raise ListFaultError(Fault.UNREADABLE, f"{where} could not be read or copied ({error.strerror})") from None


# --- HTTPS


class Downloader:
    """Brings lists over HTTPS, several at a time.

    Args:
        transport: gives what carries the requests, where that is not the network as usual.
        pause: waits between attempts.
        addresses: gives those of a host, where that is not the system.
    """

    def __init__(
        self,
        *,
        transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        addresses: Addresses | None = None,
    ) -> None:
        self._transport = transport
        self._pause = pause
        self._addresses = addresses or addresses_of

    async def download(
        self, config: ListConfig, file: Path, *, validators: Validators, progress: Progress
    ) -> Downloaded | NotModified:
        """Bring a list's file as it is, unless the server's copy is the one that the validators tell of.

        `timeout_seconds` is for all of it: looking up the name, every attempt, the pauses between them.

        Raises:
            ListFaultError: there is no complete copy, for a reason that the error tells.
        """
        silence = min(SILENCE_SECONDS, config.timeout_seconds)
        timeout = httpx.Timeout(silence, connect=min(CONNECT_SECONDS, config.timeout_seconds))
        transport = self._transport() if self._transport is not None else None
        last: ListFaultError | None = None
        try:
            async with (
                asyncio.timeout(config.timeout_seconds),
                httpx.AsyncClient(transport=transport, timeout=timeout, headers=_HEADERS) as client,
            ):
                for attempt in range(ATTEMPTS):
                    if last is not None:
                        await self._pause(FIRST_PAUSE_SECONDS * 4 ** (attempt - 1))
                    try:
                        return await self._follow(client, config, file, validators, progress)
                    except ListFaultError as fault:
                        if not fault.transient:
                            raise
                        last = fault
        except TimeoutError:
            if last is None:
                raise ListFaultError(
                    Fault.TIME_OUT,
                    f"{_host(config)} took longer than the {config.timeout_seconds:g} s that timeout allows",
                ) from None
        assert last is not None
        raise last

    async def _follow(
        self, client: httpx.AsyncClient, config: ListConfig, file: Path, validators: Validators, progress: Progress
    ) -> Downloaded | NotModified:
        url = httpx.URL(config.source)
        for _ in range(MAX_REDIRECTS + 1):
            with _network_told_plainly(url.host):
                async with client.stream("GET", url, headers=validators.headers()) as response:
                    if response.next_request is None:
                        return await _take(response, config, file, validators, progress)
                    url = response.next_request.url
            if url.scheme != "https":
                raise ListFaultError(
                    Fault.BAD_REDIRECT, f"{_host(config)} sent us on to {url.scheme}://{url.host}; expected https://"
                )
            if await self._is_inside(url.host) and not await self._is_inside(httpx.URL(config.source).host):
                raise ListFaultError(
                    Fault.BAD_REDIRECT,
                    f"{_host(config)} sent us on to {url.host}; expected an address outside the school",
                )
        raise ListFaultError(Fault.BAD_REDIRECT, f"{_host(config)} sent us on more than {MAX_REDIRECTS} times")

    async def _is_inside(self, host: str) -> bool:
        """Say whether a host leads to this machine, or to an address that nobody outside could mean."""
        return any(not _is_outside(ip_address(each)) for each in await self._addresses(host))


async def addresses_of(host: str) -> list[str]:
    """Give the addresses at which this machine would look for a host, however it is written; none for nobody.

    Source: getaddrinfo(3), which takes `127.1` and `0x7f000001` for 127.0.0.1.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(address[0]).partition("%")[0] for *_, address in found]


def _is_outside(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        # What carries an IPv4 address leads there.
        carried = address.sixtofour or (IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None)
        if carried is not None:
            return carried.is_global
    return address.is_global


async def _take(
    response: httpx.Response, config: ListConfig, file: Path, validators: Validators, progress: Progress
) -> Downloaded | NotModified:
    status = response.status_code
    if status == httpx.codes.NOT_MODIFIED and validators.headers():
        return NotModified()
    if status != httpx.codes.OK:
        raise _status_fault(response)
    encoding = response.headers.get("Content-Encoding", "").lower()
    if encoding not in _ENCODINGS:
        raise ListFaultError(Fault.BINARY, f"found a body in the encoding {encoding[:40]!r}; expected gzip or none")
    await asyncio.to_thread(file.unlink, missing_ok=True)
    await _save(response, config, file, progress)
    return Downloaded(
        file=file,
        name=unquote(posixpath.basename(urlsplit(config.source).path)) or "list",
        validators=Validators(response.headers.get("ETag"), response.headers.get("Last-Modified")),
    )


async def _save(response: httpx.Response, config: ListConfig, file: Path, progress: Progress) -> None:
    length = response.headers.get("Content-Length", "")
    expected = int(length) if length.isdecimal() else None
    if expected is not None and expected > config.max_size_bytes:
        raise ListFaultError(
            Fault.TOO_LARGE,
            f"{_host(config)} announces {spell_size(expected)}, more than the {spell_size(config.max_size_bytes)}"
            " that max_size allows",
        )
    progress.begin(config.name, expected)
    budget = Budget(config.max_size_bytes)
    with file.open("xb") as target:
        async for block in response.aiter_raw():
            budget.spend(len(block))
            target.write(block)
            progress.advance(config.name, len(block))


def _status_fault(response: httpx.Response) -> ListFaultError:
    status = response.status_code
    says = f"{response.url.host} answered {status} {response.reason_phrase}".rstrip()
    if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
        return ListFaultError(Fault.NOT_FOUND, f"{says}: there is no list at this address")
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return ListFaultError(Fault.HTTP_STATUS, f"{says}: the list is not for us, or not without a password")
    is_passing = status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS
    return ListFaultError(Fault.HTTP_STATUS, f"{says}; expected 200 and the list", transient=is_passing)


@contextmanager
def _network_told_plainly(host: str) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        what = "accepted no connection" if isinstance(error, httpx.ConnectTimeout) else "stayed silent for too long"
        raise ListFaultError(Fault.TIME_OUT, f"{host} {what}") from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise _network_fault(host, error) from None
    except OSError as error:
        raise ListFaultError(Fault.UNREADABLE, f"the download could not be kept ({error.strerror})") from None


def _network_fault(host: str, error: Exception) -> ListFaultError:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return ListFaultError(Fault.NO_SUCH_HOST, f"no address was found for {host} ({cause.strerror})")
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ListFaultError(Fault.NO_TLS, f"the certificate of {host} is not trusted ({cause.verify_message})")
        if isinstance(cause, ssl.SSLError):
            return ListFaultError(Fault.NO_TLS, f"no secure connection to {host} came about ({cause.reason})")
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return ListFaultError(Fault.NO_CONNECTION, f"{host} refused the connection")
    if "complete message body" in str(error) or isinstance(error, httpx.ReadError):
        return ListFaultError(Fault.TRUNCATED, f"{host} broke the download off; the part that came is not used")
    return ListFaultError(Fault.NO_CONNECTION, f"no list came from {host} ({str(error) or type(error).__name__})")


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop()
        if cause is not None and cause not in seen:
            seen.append(cause)
            yield cause
            waiting += [cause.__cause__, cause.__context__]
            if isinstance(cause, BaseExceptionGroup):
                waiting += cause.exceptions


def _host(config: ListConfig) -> str:
    return urlsplit(config.source).hostname or config.source
