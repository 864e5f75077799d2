"""The door: who asks, whether they may, and how much they may send, settled before the body is read.

People come with a session cookie and, for what changes anything, the header that proves it was their page; programs
come with a bearer token. A refused attempt to do what somebody has no right to leaves a row in the record.
"""

import asyncio
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Final, Protocol

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.api.access import MAX_BODY_BYTES, Need, need_of
from agent.api.banner import HEADER as NOTICE_HEADER
from agent.api.problems import ProblemError, internal_problem
from agent.logs import log
from agent.people.sign_in_limit import network_of
from rules.errors import StorageError
from rules.roles import Right, Role

# A cookie with this prefix is taken from this very host and over TLS only. Source: RFC 6265bis, section 4.1.3.2.
COOKIE: Final = "__Host-schoolgate"
CSRF_HEADER: Final = "X-CSRF-Token"
MAX_JSON_DEPTH: Final = 64
# Brackets, commas and marks of strings: ten thousand names to change, with room. To look at each takes time that
# everybody else waits.
MAX_JSON_MARKS: Final = 50_000
BODY_SECONDS: Final = 30.0
LINGER_SECONDS: Final = 5.0
OUTSIDE: Final = "This address is in no network of the school; laptops are taken from there alone."
NOT_CONFIRMED: Final = (
    "Your account waits until a second person who manages people has confirmed it; until then it takes a password and"
    " an authenticator of your own, and nothing else."
)
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
JSON: Final = "application/json"

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

# A string, to its end or to the end of the text, or one bracket; never looks at an octet twice.
_BRACKETS: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a person, or a program in a person's name; `proof` is what they proved it with.

    `rights` are those of the roles, or those of them that the token's scopes name. Whose account `is_waiting` for a
    second person to confirm it has none.
    """

    person: str
    roles: frozenset[Role]
    rights: frozenset[Right]
    proof: str
    csrf: str | None = None
    is_waiting: bool = False

    @property
    def is_program(self) -> bool:
        """Say whether a token was shown; sessions have a CSRF value beside them."""
        return self.csrf is None


class Gatekeeper(Protocol):
    """What the door must know about those who knock; it may take its time."""

    def by_session(self, token: str) -> Caller | None:
        """Give whose session this is."""

    def by_token(self, secret: str) -> Caller | None:
        """Give in whose name a program comes."""

    def is_still_welcome(self, caller: Caller) -> bool:
        """Say whether what they proved themselves with has not ended."""

    def note_refused(self, caller: Caller, *, route: str, wanted: str, named: str = "") -> None:
        """Record that somebody tried what they have no right to; `named` is the id in the address."""

    def notice(self, caller: Caller) -> str | None:
        """Give what everybody is told with every answer, as the value of a header."""


class RateLimit:
    """A bucket of tokens for each key; the keys that were not seen for longest make room.

    Args:
        rate: how many a second.
        burst: how many at once.
        clock: monotonic seconds.
    """

    def __init__(
        self, *, rate: float, burst: int, max_keys: int = 4096, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._max_keys = max_keys
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Take one; gives how many seconds to wait, 0 where there was one."""
        now = self._clock()
        left, seen_at = self._buckets.pop(key, (float(self._burst), now))
        left = min(self._burst, left + (now - seen_at) * self._rate)
        is_enough = left >= 1
        self._buckets[key] = (left - 1 if is_enough else left, now)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        return 0.0 if is_enough else (1 - left) / self._rate


@dataclass(frozen=True, slots=True)
class Limits:
    """How often an address may sign in or show something wrong, and how often anybody may ask.

    `reports` of one address and `all_reports` together bound what somebody may report without being known. Laptops
    are bounded by address before their signature is looked at, by device after that, and where they are not known.
    """

    sign_in: RateLimit
    strangers: RateLimit
    callers: RateLimit
    reports: RateLimit = field(default_factory=lambda: RateLimit(rate=1 / 60, burst=10))
    all_reports: RateLimit = field(default_factory=lambda: RateLimit(rate=0.2, burst=120))
    # Whoever looks up what became of reports takes nothing from what may be reported.
    receipts: RateLimit = field(default_factory=lambda: RateLimit(rate=1 / 6, burst=20))
    all_receipts: RateLimit = field(default_factory=lambda: RateLimit(rate=2, burst=120))
    # What is looked at without an account: the page to sign in, and what everybody may read.
    pages: RateLimit = field(default_factory=lambda: RateLimit(rate=5, burst=300))
    # A whole school may stand behind one address, and comes back on one morning.
    device_addresses: RateLimit = field(default_factory=lambda: RateLimit(rate=100, burst=5000))
    devices: RateLimit = field(default_factory=lambda: RateLimit(rate=4, burst=60, max_keys=10_000))
    # A whole spool at once, and more than a batch a minute for ever; what waits is sent together.
    device_days: RateLimit = field(default_factory=lambda: RateLimit(rate=0.02, burst=2000, max_keys=10_000))
    rotations: RateLimit = field(default_factory=lambda: RateLimit(rate=1 / 3600, burst=6, max_keys=10_000))
    unknown_devices: RateLimit = field(default_factory=lambda: RateLimit(rate=0.5, burst=60))
    enrolments: RateLimit = field(default_factory=lambda: RateLimit(rate=1, burst=600))


def usual_limits() -> Limits:
    """Give the limits of a gateway: a school behind one address can sign in at nine, and a guesser cannot guess."""
    return Limits(
        sign_in=RateLimit(rate=0.5, burst=60),
        strangers=RateLimit(rate=2, burst=60),
        callers=RateLimit(rate=20, burst=200),
    )


class Guard:
    """Decides about a request by its head alone.

    Args:
        is_ours: says whether an address is in a network of the school; laptops come from nowhere else.
    """

    def __init__(
        self, gatekeeper: Gatekeeper, limits: Limits, *, is_ours: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._gatekeeper = gatekeeper
        self._limits = limits
        self._is_ours = is_ours

    async def admit(self, request: Request, need: Need, *, is_page: bool = False) -> None:
        """Let a request in, and keep who asks with it where somebody has to be known.

        Args:
            is_page: for a browser; a form proves that it is ours by a field, which the caller of this looks at.

        Raises:
            ProblemError: they are not known, may not, ask too often, or send what is not taken.
        """
        address = request.client.host if request.client else ""
        if need.is_of_device:
            if not self._is_ours(address):
                raise ProblemError(HTTPStatus.FORBIDDEN, "outside", OUTSIDE)
            _check_pace(self._limits.device_addresses, network_of(address))
            return
        if need.is_open:
            if need.is_report:
                _check_pace(self._limits.reports, network_of(address))
                _check_pace(self._limits.all_reports, "")
            elif is_page and request.method in SAFE_METHODS:
                _check_pace(self._limits.pages, address)
            else:
                _check_pace(self._limits.sign_in, address)
            _check_site(request)
            return
        caller = await self._identify(request)
        if caller is None:
            _check_pace(self._limits.strangers, address)
            raise _unknown(request)
        request.state.caller = caller
        _check_pace(self._limits.callers, caller.person)
        if is_page:
            _check_site(request)
        elif not caller.is_program:
            _check_page(request, caller)
        if caller.is_waiting and not need.is_for_waiting:
            await self._refused(request, caller, "a confirmed account")
            raise ProblemError(HTTPStatus.FORBIDDEN, "not-confirmed", NOT_CONFIRMED)
        if need.is_for_people and caller.is_program:
            raise await self._refused(request, caller, "a person who is signed in")
        if need.rights and not need.rights & caller.rights:
            raise await self._refused(request, caller, " or ".join(sorted(need.rights)))

    async def identify_page(self, request: Request) -> Caller | None:
        """Give whose session a browser shows; a program's token is none."""
        return await self._by_cookie(request)

    def check_enrolment(self, request: Request) -> None:
        """Let a laptop try to enrol.

        Raises:
            ProblemError: too many have tried from its address.
        """
        _check_pace(self._limits.enrolments, _network(request))

    def check_device(self, device: str) -> None:
        """Let a laptop send something.

        Raises:
            ProblemError: it sends too often.
        """
        _check_pace(self._limits.devices, device)
        _check_pace(self._limits.device_days, device)

    def check_rotation(self, device: str) -> None:
        """Let a laptop change its key, which stays on record.

        Raises:
            ProblemError: it does so too often.
        """
        _check_pace(self._limits.rotations, device)

    def check_unknown_device(self, request: Request) -> None:
        """Let somebody be told that their signature is none.

        Raises:
            ProblemError: they have tried too often.
        """
        _check_pace(self._limits.unknown_devices, _network(request))

    async def notice(self, caller: Caller) -> str | None:
        """Give what is told with every answer; nothing where that cannot be read, for the answer says so itself."""
        with suppress(StorageError):
            return await run_in_threadpool(self._gatekeeper.notice, caller)
        return None

    async def _identify(self, request: Request) -> Caller | None:
        written = request.headers.get("authorization")
        if written is not None:
            scheme, _, secret = written.partition(" ")
            usable = scheme.lower() == "bearer" and 0 < len(secret.strip()) <= 512
            return await run_in_threadpool(self._gatekeeper.by_token, secret.strip()) if usable else None
        return await self._by_cookie(request)

    async def _by_cookie(self, request: Request) -> Caller | None:
        token = request.cookies.get(COOKIE)
        if not token or len(token) > 512:
            return None
        return await run_in_threadpool(self._gatekeeper.by_session, token)

    async def _refused(self, request: Request, caller: Caller, wanted: str) -> ProblemError:
        place = getattr(request.state, "route", None) or request.scope["route"].path_format
        route = f"{request.method} {place}"
        named = str(request.path_params.get("id", ""))
        await run_in_threadpool(self._gatekeeper.note_refused, caller, route=route, wanted=wanted, named=named)
        return ProblemError(
            HTTPStatus.FORBIDDEN,
            "forbidden",
            f"You may not do this; it takes the right to {wanted.replace('_', ' ')}.",
        )


def _network(request: Request) -> str:
    return network_of(request.client.host) if request.client else ""


def _check_pace(limit: RateLimit, key: str) -> None:
    seconds = limit.take(key)
    if seconds > 0:
        raise ProblemError(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too-many-requests",
            f"Too many requests; please wait {seconds:.0f} seconds."
            if seconds >= 1.5
            else "Too many requests; please wait a second.",
            headers={"Retry-After": str(int(seconds) + 1)},
        )


def _check_site(request: Request) -> None:
    """Refuse what a page of another site sent, as far as the browser says so. Source: Fetch Metadata."""
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise ProblemError(HTTPStatus.FORBIDDEN, "cross-site", "This came from a page of another site.")


def _check_page(request: Request, caller: Caller) -> None:
    """Refuse what changes something without the header that only our own page knows."""
    _check_site(request)
    if request.method in SAFE_METHODS:
        return
    shown = request.headers.get(CSRF_HEADER, "")
    if not secrets.compare_digest(shown.encode(), (caller.csrf or "").encode()):
        raise ProblemError(
            HTTPStatus.FORBIDDEN, "csrf", f"The header {CSRF_HEADER} is missing or wrong; it was given at sign-in."
        )


def _unknown(request: Request) -> ProblemError:
    was_token = "authorization" in request.headers
    detail = (
        "This token is not known, has ended or was revoked."
        if was_token
        else "You are not signed in, or your session has ended."
    )
    return ProblemError(
        HTTPStatus.UNAUTHORIZED, "not-signed-in", detail, headers={"WWW-Authenticate": 'Bearer realm="schoolgate"'}
    )


async def read_body(request: Request, *, limit: int = MAX_BODY_BYTES, is_json: bool = True) -> bytes:
    """Read a body of at most `limit` octets, in time, of a kind that is taken, and not nested without end.

    Args:
        is_json: whether it is looked at as JSON; otherwise the route does what there is to do.

    Raises:
        ProblemError: it is not.
    """
    stated = request.headers.get("content-length", "")
    if stated.isascii() and stated.isdigit() and (len(stated) > 12 or int(stated) > limit):
        raise _too_long(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > limit:
                    raise _too_long(limit)
    except TimeoutError:
        raise ProblemError(HTTPStatus.REQUEST_TIMEOUT, "too-slow", "The request took too long to arrive.") from None
    if not is_json:
        return bytes(body)
    if body and request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not-json", f"Expected a body of {JSON}.")
    if sum(map(body.count, b'[{,"')) > MAX_JSON_MARKS:
        detail = (
            f"The body has too many parts; expected at most {MAX_JSON_MARKS:,} brackets, commas and quotation marks."
        )
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-long", detail)
    if is_too_deep(body):
        detail = f"The body is nested too deeply; expected at most {MAX_JSON_DEPTH} levels."
        raise ProblemError(HTTPStatus.BAD_REQUEST, "too-deep", detail)
    return bytes(body)


def _too_long(limit: int) -> ProblemError:
    detail = f"The body is too long; expected at most {limit:,} bytes."
    return ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-long", detail)


def is_too_deep(text: bytes | bytearray, *, limit: int = MAX_JSON_DEPTH) -> bool:
    """Say whether JSON is nested more deeply than this, without reading it as JSON."""
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    depth = 0
    for found in _BRACKETS.finditer(text):
        first = found[0][:1]
        if first in b"[{":
            depth += 1
            if depth > limit:
                return True
        elif first in b"]}":
            depth -= 1
    return False


class GuardedRoute(APIRoute):
    """A route that the table of needs knows; who asks is settled before anything is read.

    Raises:
        KeyError: the table does not know it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Put the guard before what the route does."""
        answer = super().get_route_handler()
        (method,) = self.methods or {"GET"}
        need = need_of(method, self.path_format)

        async def guarded(request: Request) -> Response:
            guard: Guard = request.app.state.guard
            await guard.admit(request, need)
            if method in SAFE_METHODS:
                return await answer(request)
            body = await read_body(request, limit=need.max_body_bytes, is_json=not need.is_of_device)
            return await answer(Request(request.scope, once(body)))

        return guarded


def once(body: bytes) -> Receive:
    """Give a body that was read to somebody who reads it again."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


Known = Annotated[Caller, Depends(_caller)]


class Frame:
    """Around everything: the headers of every response, and an answer where the program has a fault."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_begun = False
        is_read = not _has_body(scope)

        async def receive_framed() -> Message:
            nonlocal is_read
            message = await receive()
            is_read = is_read or not message.get("more_body", False)
            return message

        async def send_framed(message: Message) -> None:
            nonlocal is_begun
            if message["type"] == "http.response.start":
                is_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if notice := await _notice(scope):
                    headers[NOTICE_HEADER] = notice
                if not is_read:
                    headers["Connection"] = "close"
            elif not is_read and not message.get("more_body", False):
                # Closing on somebody who still sends would take the answer from them.
                await send({**message, "more_body": True})
                await _linger(receive_framed)
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        try:
            await self._app(scope, receive_framed, send_framed)
        except Exception as error:  # whoever asked must not wait for an answer that never comes
            log.error("request_failed", error=type(error).__name__, where=place_of(error))
            if is_begun:
                raise
            await internal_problem()(scope, receive, send_framed)


async def _linger(receive: Receive, *, seconds: float = LINGER_SECONDS) -> None:
    """Let somebody send what nobody reads, for a while, so that they come to read why."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive()).get("more_body", False):
                pass


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


async def _notice(scope: Scope) -> str | None:
    """Give the banner for whoever was let in, as it is once what they asked for is done."""
    caller: Caller | None = scope.get("state", {}).get("caller")
    if caller is None:
        return None
    guard: Guard = scope["app"].state.guard
    return await guard.notice(caller)


def place_of(error: BaseException) -> str:
    """Say where an error was raised, without its words."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else "nowhere"
