"""What is answered on the block address: the page that says why, for whatever host, path and method a browser sends.

Nothing is kept about whoever asks, here or in a log. There is no session, no cookie and no script.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.api.security import Frame, RateLimit, place_of
from agent.block_page.asked_site import AskedSite, read_host, read_site
from agent.block_page.block_looks import BlockLooks
from agent.block_page.block_words import HELP_FIRST, is_unlawful, why_blocked
from agent.block_page.helplines import helplines_of
from agent.block_page.public_pages import HEADERS, PublicPages, public_routes, too_many
from agent.categories import load_categories
from agent.explaining.explain import Explanation
from agent.logs import log
from agent.people.sign_in_limit import network_of
from filters.wire import Ede
from rules.errors import SchoolgateError
from rules.subject import Profile

BASE: Final = "/.schoolgate"
# The page again at an address of its own, for those who read it in another language.
WHY: Final = f"{BASE}/why"
# A browser shows its body, no cache keeps it, and no program takes it for the page that it asked for.
BLOCKED: Final = HTTPStatus.FORBIDDEN
# Where the name is open by now: it will be there in a moment, when the browser has asked for its address again.
OPEN_BY_NOW: Final = HTTPStatus.SERVICE_UNAVAILABLE
RETRY_SECONDS: Final = 60
_PAGES: Final = frozenset({"document", ""})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ONLY_HERE: Final = "This page is for the networks of the school.\n"
_CLOSED: Final = "This is not open at this school.\n"
_NOTHING: Final = "There is nothing at this address.\n"
_FAULT: Final = "This page cannot be shown just now.\n"


def create_block_app(pages: PublicPages, looks: BlockLooks, *, pace: RateLimit | None = None) -> ASGIApp:
    """Put the application together; whoever still sends something is heard out before the answer ends."""
    usual = RateLimit(rate=50, burst=1000)
    return Frame(BlockApp(pages, looks, pace or usual, tuple(public_routes(pages))))


@dataclass(frozen=True, slots=True)
class BlockApp:
    """The application.

    Args:
        pages: those for everybody, with `BASE` before their addresses.
        looks: what holds for a name and an address.
        pace: how often one network may ask for the page; the parts of blocked sites, and programs, count for nothing.
        routes: those of the pages.
    """

    pages: PublicPages
    looks: BlockLooks
    pace: RateLimit
    routes: tuple[Route, ...]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        try:
            response = await self._respond(scope, receive)
        except SchoolgateError as error:
            log.error("block_page_failed", error=type(error).__name__, where=place_of(error))
            response = _plain(_FAULT, HTTPStatus.SERVICE_UNAVAILABLE)
        # The next request may be for the site itself, which is not here; and what was sent is not read to its end.
        response.headers["Connection"] = "close"
        if scope["method"] == "HEAD":
            response.body = b""
        await response(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        scope = _with_plain_target(scope)
        request = Request(scope, receive)
        address = request.client.host if request.client else ""
        profile = await run_in_threadpool(self.looks.profile_of, address)
        if profile is None:
            return _plain(_ONLY_HERE, HTTPStatus.FORBIDDEN)
        if request.method not in _METHODS:
            return _plain(_CLOSED, HTTPStatus.METHOD_NOT_ALLOWED)
        path = scope["path"]
        if path.startswith(f"{BASE}/") and path != WHY:
            return await self._own(request)
        return await run_in_threadpool(self._show, request, address, profile)

    async def _own(self, request: Request) -> Response:
        """Show a page of ours."""
        scope: dict[str, Any] = {**request.scope}
        if scope["method"] == "HEAD":
            scope["method"] = "GET"
        for route in self.routes:
            match, found = route.matches(scope)
            if match is Match.FULL:
                own = Request({**scope, **found}, request.receive)
                shown: Response = await found["endpoint"](own)
                return shown
        return _plain(_NOTHING, HTTPStatus.NOT_FOUND)

    def _show(self, request: Request, address: str, profile: Profile) -> Response:
        """Show the block page of a host, or in few words that it is closed where no person reads."""
        site = read_host(request.headers.get("host", ""))
        if not _wants_page(request):
            return _plain(_CLOSED, BLOCKED)
        if (wait := self.pace.take(network_of(address))) > 0:
            return too_many(wait)
        if site is None:
            status = HTTPStatus.OK if request.scope["path"] in ("/", WHY) else HTTPStatus.NOT_FOUND
            return self.pages.page(request, "front.html", self._frame(), status=status)
        explanation = self.looks.explain(site.name, address, profile)
        if not explanation.is_blocked:
            response = self.pages.page(request, "open_by_now.html", self._about(request, site), status=OPEN_BY_NOW)
            response.headers["Retry-After"] = str(RETRY_SECONDS)
            return response
        values = self._about(request, site) | self._why(request, explanation, site)
        return self.pages.page(request, "block_page.html", values, status=BLOCKED)

    def _frame(self) -> dict[str, Any]:
        school = self.pages.site.school
        return {"here": "why", "helplines": helplines_of(school.timezone)}

    def _about(self, request: Request, site: AskedSite) -> dict[str, Any]:
        is_at_its_path = request.scope["path"] != WHY and request.method in ("GET", "HEAD")
        return self._frame() | {"asked": site, "again": "" if is_at_its_path else "/"}

    def _why(self, request: Request, explanation: Explanation, site: AskedSite) -> dict[str, Any]:
        texts = self.pages.texts(request)
        unlawful = is_unlawful(explanation)
        tag = explanation.verdict.reason.tag
        category = None if unlawful else load_categories().get(tag)
        change = explanation.change
        console = self.pages.site.school.console
        is_askable = explanation.refusal is not None and explanation.refusal.ede == Ede.FILTERED
        return {
            "why": why_blocked(explanation, texts),
            "subject": "" if category is None else category.name(texts.language),
            "opens_at": "" if change is None else texts.moment(change.at, self.pages.site.school.timezone),
            "is_unlawful": unlawful,
            "help_first": tag in HELP_FIRST,
            "ask": _ask(console, site) if console and is_askable else "",
        }


def _ask(console: str, site: AskedSite) -> str:
    return f"{console.rstrip('/')}/overrides/ask?name={quote(site.name)}"


def _with_plain_target(scope: Scope) -> Scope:
    """Give a request for a whole address as if it were for a path. Source: RFC 9112, section 3.2.2."""
    path: str = scope["path"]
    if path.startswith("/"):
        return scope
    found = read_site(path) if path.lower().startswith(("http://", "https://")) else None
    others = [(name, value) for name, value in scope["headers"] if name != b"host"]
    if found is None:
        return {**scope, "path": "/", "headers": others if "://" in path else scope["headers"]}
    authority = urlsplit(path).netloc.encode("latin-1", "replace")
    return {**scope, "path": urlsplit(path).path or "/", "headers": [*others, (b"host", authority)]}


def _wants_page(request: Request) -> bool:
    """Say whether a person will see what is answered, and no part of another page. Source: Fetch Metadata."""
    is_read = "text/html" in request.headers.get("accept", "").lower()
    return is_read and request.headers.get("sec-fetch-dest", "") in _PAGES and request.method != "OPTIONS"


def _plain(text: str, status: int) -> Response:
    return Response(text, status, HEADERS, "text/plain")
