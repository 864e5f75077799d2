"""The pages put together behind the door: who asks is settled first, and no fault ends in what only programs read.

A form that is refused comes back as it was typed, with the reason; so does one whose session ended meanwhile.
"""

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from agent.api.access import Need
from agent.api.parts import Parts
from agent.api.problems import SENTENCES, ProblemError, sentence
from agent.api.security import CSRF_HEADER, SAFE_METHODS, Guard, once, place_of, read_body
from agent.console.assets import PREFIX, serve_asset
from agent.console.form_about import FIELD as ABOUT
from agent.console.form_about import of_one, read_about
from agent.console.hosts import comes_from_elsewhere, is_own_host, own_path
from agent.console.keeping import Keeper, Kept, proof_of_page, told_again
from agent.console.languages import texts_for
from agent.console.meanwhile import done_meanwhile
from agent.console.once import FIELD as NUMBER
from agent.console.once import Once
from agent.console.page import Page
from agent.console.page_needs import PAGES
from agent.console.typed import MAX_FIELDS, MAX_OPEN_FIELDS, Typed, TypedError, read_form
from agent.logs import log
from agent.people.attempts import ConflictError, UnknownIdError
from agent.storage.key_file import KEY_OCTETS, read_or_make_key
from rules.errors import IndexUnusableError, RefusedRequestError, SchoolgateError, StorageError

Handler = Callable[[Page], Response]
DOOR: Final = "__Host-schoolgate-door"
KEY_NAME: Final = "pages.key"
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
}
# What is refused before anything is looked at, in words for a person.
NOT_OUR_HOST: Final = "This gateway is not known by the name that your browser asked for."
OPENED_LONG_AGO: Final = "This form was opened too long ago; please open it again."


@dataclass(frozen=True, slots=True)
class Console:
    """What all pages share.

    Args:
        names: those by which browsers may ask for the gateway, beside its addresses.
    """

    parts: Parts
    names: frozenset[str]
    keeper: Keeper = field(default_factory=Keeper)
    sent: Once[Response] = field(default_factory=Once)

    def is_own_host(self, host: str) -> bool:
        """Say whether a browser may ask for us by this name: of the certificate, or given by the site."""
        given = urlsplit(self.parts.incidents.desk.site().school.console or "").hostname
        return is_own_host(host, self.names | ({given} if given else set()))

    def page(self, request: Request) -> Page:
        """Begin a page, before it is known who asks."""
        school = self.parts.incidents.desk.site().school
        return Page(request, self.parts, texts_for(request, school.language), door=_door(request), keeper=self.keeper)


class Pages:
    """The pages of the console, each with what the table says that it needs."""

    def __init__(self) -> None:
        self.routes: list[Route] = [Route(f"{PREFIX}/{{version}}/{{name}}", serve_asset)]
        self._shown: dict[str, Handler] = {}

    def get(self, path: str, show: Handler) -> None:
        """Add a page that is looked at.

        Raises:
            KeyError: the table of needs does not know it.
        """
        self._shown[path] = show
        self._add("GET", path, show, None)

    def post(
        self,
        path: str,
        do: Handler,
        *,
        form: Handler | None = None,
        is_kept: bool = False,
        is_lasting: bool = False,
    ) -> None:
        """Add something that a form does.

        What leads to another page when it is done is done once, however often the form is sent.

        Args:
            form: shows the form again with what was typed and the reason where it is refused.
            is_kept: it does something and says so on its own answer, given again where it is sent again soon.
            is_lasting: what that answer says is no secret and stays true, so that it is given again later too.

        Raises:
            KeyError: the table of needs does not know it.
        """
        self._add("POST", path, do, form, is_kept=is_kept, is_lasting=is_lasting)

    def _add(
        self,
        method: str,
        path: str,
        do: Handler,
        form: Handler | None,
        *,
        is_kept: bool = False,
        is_lasting: bool = False,
    ) -> None:
        def begin(page: Page) -> None:
            if method == "POST":
                page.form_at = self._place_of_form(page, path, form)

        def act(page: Page) -> Response:
            sent: Once[Response] = page.request.app.state.console.sent
            kept = {HTTPStatus.SEE_OTHER, HTTPStatus.OK} if is_kept else {HTTPStatus.SEE_OTHER}
            if is_kept and not is_lasting:
                at = sent.done_at(page, is_shown=lambda made: made.status_code == HTTPStatus.OK)
                if at is not None:
                    return page.render("done_already.html", at=at, next=page.form_at)
            return sent.do(page, lambda: do(page), is_kept=lambda made: made.status_code in kept)[0]

        need = PAGES[method, path]
        handler = do if method in SAFE_METHODS or need.is_open else act
        self.routes.append(Route(path, _endpoint(path, need, handler, form, begin), methods=[method]))

    def _place_of_form(self, page: Page, path: str, form: Handler | None) -> str:
        """Give the address of the page of a form: that of the form itself, of its handler, or the nearest above."""
        above = ["/".join(path.split("/")[:end]) for end in range(path.count("/"), 1, -1)]
        wanted = [path, *(each for each, show in self._shown.items() if form and show == form), *above]
        for each in wanted:
            if each in self._shown:
                with suppress(KeyError):
                    return own_path(quote(each.format_map(page.request.path_params)))
        return "/"


def install(app: FastAPI, parts: Parts, pages: Pages, *, names: frozenset[str]) -> None:
    """Let an application have the pages."""
    app.state.console = Console(parts, names, Keeper(_key(parts.store.path.parent / "keys" / KEY_NAME)))
    app.router.routes += pages.routes


def _key(path: Path) -> bytes:
    try:
        return read_or_make_key(path)
    except StorageError as error:
        # Without it everything works but this: what was typed before a restart is not kept for its writer.
        log.error("pages_key_unusable", reason=str(error))
        return secrets.token_bytes(KEY_OCTETS)


def _endpoint(
    path: str, need: Need, do: Handler, form: Handler | None, begin: Callable[[Page], None]
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        request.state.route = path
        console: Console = request.app.state.console
        page = await run_in_threadpool(console.page, request)
        begin(page)
        try:
            response = await _answer(console, page, need, do, form)
        except ProblemError as error:
            response = await run_in_threadpool(_tell, page, error.status, error.detail, error.headers)
        except UnknownIdError as error:
            response = await run_in_threadpool(_tell, page, HTTPStatus.NOT_FOUND, sentence(str(error)))
        except RefusedRequestError as error:
            response = await run_in_threadpool(_tell, page, HTTPStatus.CONFLICT, sentence(str(error)))
        except TypedError as error:
            response = await run_in_threadpool(_tell, page, HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except (StorageError, IndexUnusableError) as error:
            log.error("record_unavailable", reason=str(error))
            response = _tell_shortly(page)
        except Exception as error:  # noqa: BLE001 (somebody waits for a page, and nobody else would make one)
            log.error("page_failed", error=type(error).__name__, where=place_of(error))
            response = await run_in_threadpool(_tell, page, HTTPStatus.INTERNAL_SERVER_ERROR, SENTENCES[500])
        for name, value in HEADERS.items():
            response.headers[name] = value
        page.forget_slip(response)
        if (need.is_open or page.asks_who) and page.door:
            response.set_cookie(DOOR, page.door, secure=True, httponly=True, samesite="strict", path="/")
        return response

    return answer


async def _answer(console: Console, page: Page, need: Need, do: Handler, form: Handler | None) -> Response:
    request = page.request
    if not console.is_own_host(request.headers.get("host", "")):
        raise ProblemError(HTTPStatus.MISDIRECTED_REQUEST, "not-our-host", NOT_OUR_HOST)
    is_safe = request.method in SAFE_METHODS
    if is_safe and comes_from_elsewhere(request):
        # The cookie stays with the browser until our own page asks.
        return await run_in_threadpool(page.render, "bounce.html")
    is_known = await _admit(page, need)
    if is_safe:
        return await run_in_threadpool(_show, page, do) if is_known else page.go("/sign-in", next=_whole(request))
    page.typed = await _read(page, need)
    if not is_known:
        # Whoever was signed in when they began to type keeps what they typed.
        return await run_in_threadpool(ask_again, page)
    if need.is_open:
        if not _same(page.typed.get("door"), request.cookies.get(DOOR, "")):
            if form is None:
                raise ProblemError(HTTPStatus.FORBIDDEN, "csrf", OPENED_LONG_AGO)
            page.refused = OPENED_LONG_AGO
            return await run_in_threadpool(form, page)
    elif not _same(proof_of_page(_proof(page)), page.caller.csrf or ""):
        # Only to whom the form was made for: at this browser it may be somebody else by now.
        is_theirs = page.keeper.whose(_proof(page)) == page.person
        return await run_in_threadpool(send_again, page, _kept(page) if is_theirs else None)
    return await run_in_threadpool(_do, page, do, form)


async def _admit(page: Page, need: Need) -> bool:
    """Let somebody in, and say whether they are known where they have to be.

    Raises:
        ProblemError: they may not, or ask too often.
    """
    request = page.request
    guard: Guard = request.app.state.guard
    if need.is_open:
        page.who = await guard.identify_page(request)
    try:
        await guard.admit(request, need, is_page=True)
    except ProblemError as error:
        if error.status == HTTPStatus.UNAUTHORIZED:
            return False
        raise
    finally:
        page.who = getattr(request.state, "caller", page.who)
    return True


def _show(page: Page, do: Handler) -> Response:
    page.begin()
    return do(page)


def _do(page: Page, do: Handler, form: Handler | None) -> Response:
    try:
        page.begin()
        return do(page)
    except TypedError as error:
        if form is None:
            raise
        page.faults = error.faults
        page.refused = error.faults.get("", "")
    except (UnknownIdError, ProblemError):
        raise
    except RefusedRequestError as error:
        if form is None:
            raise
        page.refused, page.is_stale = sentence(str(error)), isinstance(error, ConflictError)
        page.meanwhile = done_meanwhile(page) if page.is_stale else ""
    except StorageError as error:
        if form is None:
            raise
        log.error("record_unavailable", reason=str(error))
        page.refused = "The record cannot be used just now, and nothing was changed; please try again."
    return form(page)


async def _read(page: Page, need: Need) -> Typed:
    request = page.request
    body = await read_body(request, limit=need.max_body_bytes, is_json=False)
    most = MAX_OPEN_FIELDS if need.is_open else MAX_FIELDS
    try:
        copy = Request(request.scope, once(body))
        async with copy.form(max_files=1, max_fields=most, max_part_size=need.max_body_bytes) as sent:
            return await read_form(sent, page.parts.timezone)
    except (MultiPartException, HTTPException, ValueError) as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "not-a-form", "What was sent is no form of this page.") from error


def ask_again(page: Page, refused: str = "") -> Response:
    """Ask who it is, and keep what they typed meanwhile."""
    person, kept = page.keeper.whose(_proof(page)), _kept(page)
    is_written = bool(told_again(kept.fields, page.texts))
    is_something = bool(kept.fields or kept.about)
    sealed = page.keeper.sealed(kept, person=person) if person and is_something else ""
    page.refused, page.faults = refused, {}
    return page.ask_who(
        status=HTTPStatus.UNAUTHORIZED,
        next=page.form_at,
        kept=sealed,
        is_written=is_written,
        is_lost=not sealed and bool(kept.fields),
    )


def send_again(page: Page, kept: Kept | None) -> Response:
    """Show to who typed it what a form of a session that has ended held, to be sent once more.

    Args:
        kept: None where it is not known to be theirs.
    """
    if kept is None or kept.is_over(page.now):
        is_over = kept is not None
        return page.render("not_kept.html", status=HTTPStatus.FORBIDDEN, next=page.form_at, is_over=is_over)
    title, button = read_about(kept.about, kept.path, ())
    written = told_again(kept.fields, page.texts)
    return page.render(
        "send_again.html",
        status=HTTPStatus.FORBIDDEN,
        kept=kept,
        written=written,
        title=title,
        button=button,
        holds_typed=True,
    )


def _kept(page: Page) -> Kept:
    typed, path = page.typed, page.request.url.path
    about = of_one(*read_about(typed.get(ABOUT), path, typed.fields))
    return Kept(own_path(path), typed.get(NUMBER)[:60], about, typed.kept()[:MAX_FIELDS], page.now)


def _proof(page: Page) -> str:
    return page.typed.get("csrf") or page.request.headers.get(CSRF_HEADER, "")


def _tell(page: Page, status: int, words: str, headers: dict[str, str] | None = None) -> Response:
    """Say in a page of its own why there is nothing else to see."""
    page.refused, page.faults = "", {}
    try:
        response = page.render("problem.html", status=status, words=page.words(words))
    except SchoolgateError:
        return _tell_shortly(page)
    response.headers.update({name: value for name, value in (headers or {}).items() if name == "Retry-After"})
    return response


def _tell_shortly(page: Page) -> Response:
    """Say without the record that it cannot be read."""
    words = page.texts.gettext("The record cannot be used just now, and nothing was changed; please try again.")
    response = HTMLResponse(f"<!doctype html><title>Schoolgate</title><p>{words}</p>", HTTPStatus.SERVICE_UNAVAILABLE)
    response.headers["Retry-After"] = "2"
    return response


def tell_nothing_there(request: Request, status: int = HTTPStatus.NOT_FOUND) -> Response | None:
    """Give a page for an address where nothing is, or nothing to look at, if a person asked for one."""
    console: Console | None = getattr(request.app.state, "console", None)
    if console is None or "text/html" not in request.headers.get("accept", ""):
        return None
    if not console.is_own_host(request.headers.get("host", "")):
        return None
    page = console.page(request)
    page.form_at = "/" if status == HTTPStatus.METHOD_NOT_ALLOWED else ""
    response = _tell(page, status, SENTENCES[status])
    response.headers.update(HEADERS)
    return response


def _door(request: Request) -> str:
    known = request.cookies.get(DOOR, "")
    return known if 20 <= len(known) <= 60 and known.isascii() else secrets.token_urlsafe(24)


def _same(shown: str, known: str) -> bool:
    return bool(known) and secrets.compare_digest(shown.encode(), known.encode())


def _whole(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def redirect_to(path: str) -> RedirectResponse:
    """Send the browser to another page of ours."""
    return RedirectResponse(own_path(path), HTTPStatus.SEE_OTHER)
