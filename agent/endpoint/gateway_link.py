"""The way to the gateway: HTTPS to the one key that the token named, and to no other.

The certificate may be self-signed, have another name or be out of date: the pin is the proof, and it is checked
before the first octet of a request leaves. What inspects TLS in between has another key and is refused.
"""

import hashlib
import hmac
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol, Self

import httpx

from agent.endpoint.enrolment_wire import spki_pin
from agent.endpoint.wire_batch import MAX_ANSWER_BYTES, BadBatchError, parse_json

_CONNECT_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 30.0
# For the whole of an exchange, however slowly it drips.
_EXCHANGE_SECONDS: Final = 120.0
_MAX_SENTENCE_CHARACTERS: Final = 300


class LinkError(Exception):
    """The gateway was not reached, or gave no answer that can be read."""


class WrongGatewayError(LinkError):
    """Whoever answers there has another key than the gateway of the token."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: `seconds` is how long it took, by a clock that nobody sets; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def sentence(self) -> str:
        """What the gateway says where it refuses, or the status where it says nothing that can be shown."""
        try:
            tree = parse_json(self.body)
        except BadBatchError:
            tree = None
        detail = tree.get("detail") if isinstance(tree, dict) else None
        if isinstance(detail, str) and detail.isprintable():
            return detail[:_MAX_SENTENCE_CHARACTERS]
        return f"The gateway answered with status {self.status}."


class Link(Protocol):
    """Whatever carries a request to the gateway."""

    def send(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        """Give the answer.

        Raises:
            LinkError: there is none.
        """

    def close(self) -> None:
        """Close what is open."""


class GatewayLink:
    """Requests to one gateway.

    Args:
        url: https, host and port; no path.
        pin: the `spki_pin` that its certificate must have.
        exchange_seconds: for a request and all of its answer.
    """

    def __init__(
        self,
        url: str,
        pin: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        exchange_seconds: float = _EXCHANGE_SECONDS,
    ) -> None:
        parsed = parse_gateway_url(url)
        self._monotonic = monotonic
        self._exchange_seconds = exchange_seconds
        self._context = PinnedContext.to(pin)
        # Names and proxies of the environment belong to whoever sits at the laptop; this service has its own way.
        self._client = httpx.Client(
            base_url=parsed,
            verify=self._context,
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
            trust_env=False,
            follow_redirects=False,
            headers={"Accept-Encoding": "identity", "User-Agent": "schoolgate-endpoint"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open."""
        self._client.close()

    def send(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        """Give the answer.

        Raises:
            WrongGatewayError: another key is there.
            LinkError: there is no answer, or one that is too large.
        """
        began = self._monotonic()
        self._context.ends_at = time.monotonic() + self._exchange_seconds
        try:
            with self._client.stream(method, path, headers=dict(headers), content=body) as response:
                octets = _limited(response)
                found = {name.lower(): value for name, value in response.headers.items()}
                return Reply(response.status_code, found, octets, self._monotonic() - began)
        except httpx.TransportError as error:
            if _is_by_pin(error):
                raise WrongGatewayError(
                    "Whoever answers at the gateway's address has another key than the gateway that this laptop "
                    "knows; a filter that opens TLS, or another machine, may be in between."
                ) from error
            raise LinkError(f"The gateway cannot be reached: {error or type(error).__name__}.") from error


def parse_gateway_url(text: str) -> str:
    """Read the address of a gateway.

    Raises:
        ValueError: it is none.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme != "https" or not url.host or url.path not in ("", "/") or url.query or url.userinfo:
        raise ValueError("The address of a gateway is https://HOST or https://HOST:PORT; found something else.")
    return str(url).rstrip("/")


class _OtherKeyError(ssl.SSLError):
    """The certificate has another key."""


class _EndingSocket(ssl.SSLSocket):
    """A connection on which an exchange ends in time: each octet that comes must not begin the waiting anew."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        context = self.context
        left = context.ends_at - time.monotonic() if isinstance(context, PinnedContext) else _ANSWER_SECONDS
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self.settimeout(min(left, self.gettimeout() or left))
        try:
            return super().recv(buflen, flags)
        except OSError:
            # Reset before TLS began: nobody has been given this socket, so nobody else would close it.
            if self.version() is None:
                self.close()
            raise


class PinnedContext(ssl.SSLContext):
    """What lets a connection be made only to whoever holds the pinned key, and an exchange end in time.

    Args:
        ends_at: by the monotonic clock.
    """

    sslsocket_class = _EndingSocket
    ends_at = float("inf")
    _pin = ""

    @classmethod
    def to(cls, pin: str) -> "PinnedContext":
        """Give a context for this pin."""
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # The pin is the proof; a certificate that only a pin vouches for may be self-signed.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context._pin = pin
        return context

    def wrap_socket(self, sock: socket.socket, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        """Make the connection, and close it where the key is another."""
        wrapped = super().wrap_socket(sock, *arguments, **options)
        try:
            certificate = wrapped.getpeercert(binary_form=True)
            if certificate is None or not hmac.compare_digest(_pin_of(certificate), self._pin):
                raise _OtherKeyError("the key is not the one that is pinned")
        except (OSError, ValueError):
            wrapped.close()
            raise
        return wrapped


def _pin_of(certificate: bytes) -> str:
    try:
        return spki_pin(certificate)
    except ValueError:
        return hashlib.sha256(certificate).hexdigest()


def _limited(response: httpx.Response) -> bytes:
    octets = bytearray()
    for part in response.iter_raw():
        octets += part
        if len(octets) > MAX_ANSWER_BYTES:
            raise LinkError(f"The gateway's answer has more than {MAX_ANSWER_BYTES} octets.")
    return bytes(octets)


def _is_by_pin(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, _OtherKeyError):
            return True
        error = error.__cause__ or error.__context__
    return False
