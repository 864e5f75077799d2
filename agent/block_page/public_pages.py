"""The pages that everybody may read without an account, and the form for reports, at whatever address.

They keep no session and set no cookie: the language stands in the links, a receipt in none of them. The block page
has them below `/.schoolgate`, the console wherever it likes.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from agent.api.parts import Parts
from agent.api.problems import ProblemError
from agent.api.security import Limits, RateLimit, read_body
from agent.block_page import report_page
from agent.block_page.blocked_table import blocked_table
from agent.block_page.notice_words import notice_sentences, rules_parts
from agent.block_page.page_templates import STYLE_NAME, render, style, style_version
from agent.block_page.recorded_words import recorded_sections
from agent.block_page.report_page import MAX_FORM_OCTETS, Typed, Wish
from agent.block_page.sent_forms import SentForms
from agent.categories import load_categories
from agent.logs import log
from agent.observing.report_form import report_form
from agent.page_language import NAMES, choose_texts
from agent.people.attempts import UnknownIdError
from agent.people.sign_in_limit import network_of
from agent.sites.site import Site
from agent.texts import Texts, load_texts
from rules.errors import RefusedRequestError, SchoolgateError

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # With none at all a browser would not say that our own form comes from our own page.
    "Referrer-Policy": "same-origin",
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_STYLE_HEADERS: Final = HEADERS | {"Cache-Control": "public, max-age=86400, immutable"}
# So many are made at once: whoever asks for hundreds takes no thread from those who work with the console.
AT_ONCE: Final = 2
_STYLE: Final = f"style/{{version}}/{STYLE_NAME}"


def nothing_chosen(_: Request) -> str:
    """Give no language, where pages keep nothing."""
    return ""


@dataclass(frozen=True, slots=True)
class PublicPages:
    """What all of them share.

    Args:
        base: stands before the address of each, `/.schoolgate` or nothing.
        limits: how often who may report, and ask after a report: those of the interface, so that they count together.
        chosen_before: gives the language that the reader chose on another page, for addresses that name none.
    """

    parts: Parts
    limits: Limits
    base: str = ""
    chosen_before: Callable[[Request], str] = nothing_chosen
    looks: RateLimit = field(default_factory=lambda: RateLimit(rate=10, burst=300))
    sent: SentForms = field(default_factory=SentForms)
    room: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(AT_ONCE))

    @property
    def site(self) -> Site:
        """The site in force."""
        return self.parts.incidents.desk.site()

    def texts(self, request: Request) -> Texts:
        """Give the words of a page."""
        chosen = request.query_params.get("lang", "")
        chosen = chosen if chosen in NAMES else self.chosen_before(request)
        return choose_texts(chosen, request.headers.get("accept-language", ""), self.site.school.language)

    def page(
        self, request: Request, template: str, values: Mapping[str, Any], *, status: int = HTTPStatus.OK
    ) -> HTMLResponse:
        """Make a page from a template."""
        texts = self.texts(request)
        frame: dict[str, Any] = {
            "language": texts.language,
            "languages": NAMES,
            "school": self.site.school,
            "style": f"{self.base}/{_STYLE.format(version=style_version())}",
            "to": _Links(self.base, request.query_params.get("lang", "")),
            "here": _last(request),
        }
        return HTMLResponse(render(texts, template, {**frame, **values}), status, HEADERS)

    async def make(self, work: Callable[[Request], Response], request: Request) -> Response:
        """Make a page in a thread, when one is free for it."""
        return await to_thread.run_sync(work, request, limiter=self.room)

    def wait_to_look(self, request: Request) -> float:
        """Count somebody who looks, and say how many seconds they have to wait."""
        return self.looks.take(network_of(request.client.host) if request.client else "")

    # ---- pages ---------------------------------------------------------------------------------------------

    def recorded(self, request: Request) -> Response:
        """Show what is recorded about whoever reads it."""
        sections = recorded_sections(self.site, load_categories(), self.texts(request))
        return self.page(request, "recorded.html", {"sections": sections})

    def blocked(self, request: Request) -> Response:
        """Show what is blocked for whom and why."""
        texts = self.texts(request)
        table = blocked_table(self.site, load_categories(), texts, at=self.parts.clock())
        audiences = [texts.audience(each) for each in table.audiences]
        return self.page(request, "blocked.html", {"table": table, "audiences": audiences})

    def notice(self, request: Request) -> Response:
        """Show the rules of the school."""
        site, texts = self.site, self.texts(request)
        values = {
            "sentences": tuple(notice_sentences(site, texts)),
            "rules": rules_parts(site, texts, at=self.parts.clock()),
        }
        return self.page(request, "notice.html", values)

    def report_form(self, request: Request, typed: Typed | None = None, *, status: int = HTTPStatus.OK) -> Response:
        """Show the form, with what was typed where it comes back."""
        texts = self.texts(request)
        typed = typed or report_page.typed_before(request.query_params)
        typed = replace(typed, number=typed.number or token_urlsafe(16))
        form = report_form(texts)
        values = {
            "typed": typed,
            "form": form,
            "questions": {question.id: question for question in form.questions},
            "is_wish": typed.wish is Wish.OPEN,
            "most_of_site": report_page.MAX_SITE_CHARACTERS,
        }
        return self.page(request, "report.html", values, status=status)

    def receipt_form(self, request: Request) -> Response:
        """Ask for the number of a report."""
        return self.page(request, "receipt.html", {"receipt": "", "words": "", "fault": ""})

    # ---- what is sent --------------------------------------------------------------------------------------

    async def report(self, request: Request) -> Response:
        """Take a report, and show its number: in no address, which whoever comes next to the device could read."""
        try:
            body = await read_body(request, limit=MAX_FORM_OCTETS, is_json=False)
        except ProblemError:
            return await self.make(self._tell_too_much, request)
        return await self.make(partial(self._read_and_take, body), request)

    def _tell_too_much(self, request: Request) -> Response:
        fault = self.texts(request).gettext("That was too much at once. Please write less.")
        return self._again(request, Typed(), {"": fault}, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    def _read_and_take(self, body: bytes, request: Request) -> Response:
        try:
            typed = report_page.read_typed(body)
        except ValueError:
            return self._tell_too_much(request)
        return self._take(request, typed)

    def _take(self, request: Request, typed: Typed) -> Response:
        texts = self.texts(request)
        _ = texts.gettext
        if is_from_elsewhere(request):
            fault = _("This form came from another page. Please send it once more from here.")
            return self._again(request, typed, {"": fault}, HTTPStatus.FORBIDDEN)
        too_fast = _("Many messages came at once. Please wait a minute and send it again; your words are still here.")
        if typed.is_turned:
            if self.wait_to_look(request) > 0:
                return self._again(request, typed, {"": too_fast}, HTTPStatus.TOO_MANY_REQUESTS)
            return self.report_form(request, typed)
        if faults := report_page.find_faults(typed, texts):
            return self._again(request, typed, faults, HTTPStatus.UNPROCESSABLE_ENTITY)
        form, now = report_page.sent_form(typed), self.parts.clock()
        is_known = self.sent.known(form, now) is not None
        if not is_known and _must_wait(request, self.limits.reports, self.limits.all_reports):
            return self._again(request, typed, {"": too_fast}, HTTPStatus.TOO_MANY_REQUESTS)
        from_school, reports = self.choose_school(), self.parts.incidents.reports
        try:
            made = report_page.made_report(typed, from_school)
            receipt = self.sent.do(form, now, lambda: reports.report(None, made).receipt)
        except RefusedRequestError:
            fault = _("Please write a little more, so that somebody else understands it.")
            return self._again(request, typed, {"text": fault}, HTTPStatus.UNPROCESSABLE_ENTITY)
        except SchoolgateError as error:
            log.error("report_not_kept", error=type(error).__name__)
            fault = _("It could not be sent just now. Your words are still here: please send it again in a minute.")
            return self._again(request, typed, {"": fault}, HTTPStatus.SERVICE_UNAVAILABLE)
        values = {"receipt": receipt, "thanks": report_form(texts).thanks}
        return self.page(request, "received.html", values, status=HTTPStatus.CREATED)

    def choose_school(self) -> Texts:
        """Give the words of those who read what is reported."""
        return load_texts(self.site.school.language)

    def _again(self, request: Request, typed: Typed, faults: Mapping[str, str], status: int) -> Response:
        return self.report_form(request, replace(typed, faults=faults), status=status)

    async def receipt(self, request: Request) -> Response:
        """Show how far a report is, to whoever has its number."""
        try:
            number = report_page.read_receipt(await read_body(request, limit=1024, is_json=False))
        except (ProblemError, ValueError):
            number = ""
        return await self.make(partial(self._standing, number), request)

    def _standing(self, number: str, request: Request) -> Response:
        texts = self.texts(request)
        _ = texts.gettext
        values = {"receipt": number, "words": "", "fault": ""}
        if _must_wait(request, self.limits.receipts, self.limits.all_receipts):
            values["fault"] = _("Many people ask at the moment. Please try again in a minute.")
            return self.page(request, "receipt.html", values, status=HTTPStatus.TOO_MANY_REQUESTS)
        try:
            standing = self.parts.incidents.reports.status(number)
        except UnknownIdError:
            values["fault"] = _("There is no message with this number. Please look at the number once more.")
            return self.page(request, "receipt.html", values, status=HTTPStatus.NOT_FOUND)
        except SchoolgateError as error:
            log.error("receipt_not_read", error=type(error).__name__)
            values["fault"] = _("It cannot be looked up just now. Please try again in a minute.")
            return self.page(request, "receipt.html", values, status=HTTPStatus.SERVICE_UNAVAILABLE)
        values["words"] = report_form(texts).words_of_standing[standing]
        return self.page(request, "receipt.html", values)


def _must_wait(request: Request, of_address: RateLimit, of_all: RateLimit) -> bool:
    network = network_of(request.client.host) if request.client else ""
    return of_address.take(network) > 0 or of_all.take("") > 0


def public_routes(pages: PublicPages) -> list[Route]:
    """Give the routes of the pages: `recorded`, `blocked`, `notice`, `report` and `receipt` below their base."""
    base = pages.base
    shown = {
        "recorded": pages.recorded,
        "blocked": pages.blocked,
        "notice": pages.notice,
        "report": pages.report_form,
        "receipt": pages.receipt_form,
    }
    return [
        *(Route(f"{base}/{name}", _paced(pages, show), methods=["GET"]) for name, show in shown.items()),
        Route(f"{base}/report", pages.report, methods=["POST"]),
        Route(f"{base}/receipt", pages.receipt, methods=["POST"]),
        Route(f"{base}/{_STYLE}", serve_style, methods=["GET"]),
    ]


def _paced(
    pages: PublicPages, show: Callable[[Request], Response]
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def answer(request: Request) -> Response:
        wait = pages.wait_to_look(request)
        return too_many(wait) if wait > 0 else await pages.make(show, request)

    return answer


def too_many(wait: float) -> Response:
    """Tell a program that asks without end to wait."""
    headers = HEADERS | {"Retry-After": str(int(wait) + 1)}
    return Response("Too many requests.\n", HTTPStatus.TOO_MANY_REQUESTS, headers, "text/plain")


async def serve_style(request: Request) -> Response:
    """Serve the one stylesheet; there is nothing else, whatever the address says."""
    if request.path_params["version"] != style_version():
        return Response("There is nothing at this address.\n", HTTPStatus.NOT_FOUND, HEADERS, "text/plain")
    return Response(style(), HTTPStatus.OK, _STYLE_HEADERS, "text/css")


def is_from_elsewhere(request: Request) -> bool:
    """Say whether a page of another site sent this. Source: Fetch Metadata; RFC 6454, section 7."""
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()


def _last(request: Request) -> str:
    return str(request.scope["path"]).rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class _Links:
    """Makes links to our own pages, in the language that was chosen."""

    base: str
    chosen: str

    def __call__(self, page: str, **query: str) -> str:
        kept = {"lang": self.chosen} if self.chosen in NAMES else {}
        said = {name: value for name, value in (kept | query).items() if value}
        return f"{self.base}/{page}" + (f"?{urlencode(said)}" if said else "")
