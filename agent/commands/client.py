"""The command line's way to the API of the gateway: whom it trusts, what it asks, and how a refusal reads.

Nothing is decided here. A password is sent to a gateway only after its certificate was found to be the right one.
"""

import hmac
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

import httpx

from agent.commands.client_session import Server, Session
from rules.errors import ConfigurationError, Problem, RefusedRequestError, SchoolgateError, StorageError

BASE: Final = "/api/v1"
CSRF_HEADER: Final = "X-CSRF-Token"
NOTICE_HEADER: Final = "Schoolgate-Notice"
TIMEOUT: Final = httpx.Timeout(60.0, connect=5.0)
_CONNECT_SECONDS: Final = 5.0
_HEX_DIGITS: Final = re.compile(r"[0-9a-f]{64}")

Parameters = Mapping[str, str | int | Sequence[str] | None]


class UnreachableError(SchoolgateError):
    """The gateway does not answer, or is not the one that it should be."""


class SignInNeededError(RefusedRequestError):
    """Nobody is signed in, or the session has ended."""

    def __init__(self) -> None:
        super().__init__("You are not signed in, or your session has ended; sign in with `schoolgate login`.")


def parse_server(url: str) -> str:
    """Read the address of a gateway's API, and give it without a path.

    Raises:
        ConfigurationError: it is no https address.
    """
    try:
        parts = urlsplit(url if "//" in url else f"https://{url}")
        usable = parts.scheme == "https" and bool(parts.hostname) and (parts.port or 443) > 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(
            (Problem("--server", f"'{url}'", "an address such as https://gateway.example:8443"),)
        )
    return f"https://{parts.netloc.rpartition('@')[2]}"


def trust_file(url: str, path: Path) -> Server:
    """Trust the certificates of a file, for the name by which the gateway is reached.

    Raises:
        ConfigurationError: the file holds no certificate.
    """
    try:
        pem = path.read_text(encoding="ascii")
        ssl.create_default_context(cadata=pem or "nothing")
    except (OSError, ValueError) as error:
        found = f"{path} ({getattr(error, 'strerror', None) or 'no certificate in it'})"
        raise ConfigurationError((Problem("--ca", found, "a file of certificates in PEM"),)) from None
    return Server(url, pem)


def trust_local(url: str, path: Path) -> Server:
    """Trust the certificate that lies with a gateway's state, and no other.

    Raises:
        UnreachableError: there is none, or this user cannot read it.
    """
    try:
        pem = path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no certificate in it"
        raise UnreachableError(
            f"The certificate of the gateway cannot be read ({path}: {reason}); say --server and --fingerprint."
        ) from None
    end = "-----END CERTIFICATE-----"
    return Server(url, f"{pem.partition(end)[0]}{end}\n", is_pinned=True)


def trust_fingerprint(url: str, fingerprint: str) -> Server:
    """Fetch the certificate of a gateway, and trust it if it has this SHA-256 fingerprint.

    Raises:
        ConfigurationError: that is no fingerprint.
        UnreachableError: nobody answers, or somebody with another certificate.
    """
    wanted = re.sub(r"[\s:]|^sha-?256[:=]?", "", fingerprint.lower().strip())
    if not _HEX_DIGITS.fullmatch(wanted):
        raise ConfigurationError((Problem("--fingerprint", f"'{fingerprint}'", "64 hexadecimal digits"),))
    parts = urlsplit(url)
    try:
        pem = ssl.get_server_certificate((parts.hostname or "", parts.port or 443), timeout=_CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise _unreachable(url, error) from error
    found = sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    if not hmac.compare_digest(found, wanted):
        raise UnreachableError(f"{url} shows a certificate with the fingerprint {found}, which is not the one given.")
    return Server(url, pem, is_pinned=True)


class Client:
    """A connection to the API, as nobody or as the person of a session.

    `notice` is what the last answer told beside itself, by name; empty where there was nothing to tell.
    """

    def __init__(self, server: Server, session: Session | None = None) -> None:
        self.server = server
        self.session = session
        self.notice: dict[str, str] = {}
        headers = {"Accept": "application/json", "User-Agent": "schoolgate"}
        if session is not None:
            headers[CSRF_HEADER] = session.csrf
        self._http = httpx.Client(
            base_url=f"{server.url}{BASE}",
            verify=_trust(server),
            headers=headers,
            cookies=session.cookies if session else None,
            timeout=TIMEOUT,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def sign_in(self, login: str, password: str, totp: str | None = None) -> Session:
        """Sign in.

        Raises:
            RefusedRequestError: the gateway does not take it.
            UnreachableError: it does not answer.
        """
        body = {"login": login, "password": password, **({"totp": totp} if totp else {})}
        with self._asking("POST", "/session", body=body) as response:
            response.read()
            _check(response, is_sign_in=True)
            answer = _tree(response)
            cookies = dict(response.cookies.items())
        csrf = answer.get("csrf", "") if isinstance(answer, dict) else ""
        if not cookies or not csrf:
            raise UnreachableError(
                f"{self.server.url} answered a sign-in without a session; expected the API of a gateway."
            )
        return Session(
            self.server,
            login=login,
            person=str(answer.get("name") or login),
            cookies=cookies,
            csrf=str(csrf),
            ends_at=str(answer.get("ends_at") or ""),
            timezone=str(answer.get("timezone") or "UTC"),
        )

    def get(self, path: str, params: Parameters | None = None) -> Any:
        """Read something.

        Raises:
            RefusedRequestError: the gateway refuses it.
            UnreachableError: the gateway does not answer.
        """
        return self._ask("GET", path, params=params)

    def pages(self, path: str, params: Parameters | None = None) -> Iterator[Any]:
        """Read a list that comes in pages, to its end; see `get`."""
        cursor: Any = None
        while True:
            page = self.get(path, {**(params or {}), "after": cursor})
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def post(
        self, path: str, body: Any = None, *, version: int | None = None, params: Parameters | None = None
    ) -> Any:
        """Do something; `version` is what it was seen at, where another may have changed it meanwhile.

        Raises:
            RefusedRequestError: the gateway refuses it.
            UnreachableError: the gateway does not answer.
        """
        return self._ask("POST", path, body={} if body is None else body, params=params, version=version)

    def put(self, path: str, body: Any, *, version: int | None = None) -> Any:
        """Make something so; see `post`."""
        return self._ask("PUT", path, body=body, version=version)

    def delete(self, path: str) -> Any:
        """End something; see `post`."""
        return self._ask("DELETE", path)

    @contextmanager
    def chunks(self, path: str, params: Parameters | None = None, *, body: Any = None) -> Iterator[Iterator[bytes]]:
        """Read something long as it comes; see `get`, and with a body `post`."""
        with self._asking("GET" if body is None else "POST", path, body=body, params=params) as response:
            if response.is_error:
                response.read()
            _check(response)
            yield response.iter_bytes()

    def _ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        params: Parameters | None = None,
        version: int | None = None,
    ) -> Any:
        with self._asking(method, path, body=body, params=params, version=version) as response:
            response.read()
        _check(response)
        return _tree(response)

    @contextmanager
    def _asking(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        params: Parameters | None = None,
        version: int | None = None,
    ) -> Iterator[httpx.Response]:
        headers = {"If-Match": f'"{version}"'} if version is not None else {}
        stated = {key: value for key, value in (params or {}).items() if value is not None}
        try:
            with self._http.stream(method, path, json=body, params=stated, headers=headers) as response:
                self.notice = dict(parse_qsl(response.headers.get(NOTICE_HEADER, "")))
                yield response
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unreachable(self.server.url, error) from error


def _trust(server: Server) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=server.certificate)
    except ValueError as error:
        raise _unreachable(server.url, error) from error
    if server.is_pinned:
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        # The very certificate is known, so it need not have every extension that RFC 5280 asks of authorities.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _unreachable(url: str, error: Exception) -> UnreachableError:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        reason = str(error).partition("failed: ")[2].partition(" (_ssl")[0] or "not trusted"
        return UnreachableError(
            f"The certificate of {url} is not one to trust ({reason}); name the right one with --ca or --fingerprint."
        )
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return UnreachableError(f"The gateway at {url} did not answer in time.")
    return UnreachableError(f"The gateway at {url} cannot be reached ({error or type(error).__name__}).")


def _check(response: httpx.Response, *, is_sign_in: bool = False) -> None:
    """Raise the refusal that a response is, if it is one."""
    if response.is_success:
        return
    if response.status_code == HTTPStatus.UNAUTHORIZED and not is_sign_in:
        raise SignInNeededError
    sentence = _sentence(response)
    if response.is_client_error:
        raise RefusedRequestError(sentence)
    raise StorageError(sentence)


def _sentence(response: httpx.Response) -> str:
    """Give what problem details say, or what can be said without them. Source: RFC 9457, section 3.1."""
    problem = _tree(response)
    if isinstance(problem, dict):
        for member in ("detail", "title"):
            if isinstance(text := problem.get(member), str) and text.strip():
                return " ".join(text.split())
    return f"The gateway answered {response.status_code} {response.reason_phrase}.".replace(" .", ".")


def _tree(response: httpx.Response) -> Any:
    try:
        return response.json() if response.content else None
    except (ValueError, RecursionError):
        if response.is_success:
            raise UnreachableError("The gateway answered with something that is no JSON.") from None
        return None
