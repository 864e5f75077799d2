"""One page that somebody asked for: who, in which language, what they typed, and how the answer is made."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from agent.api.access import NEEDS, Need
from agent.api.banner import PART, SCHOOL, Off, in_numbers, off_for, read_off
from agent.api.events import last_number
from agent.api.parts import Call, Parts
from agent.api.security import Caller
from agent.console.form_about import tell_about
from agent.console.keeping import TOLD_FOR, Keeper
from agent.console.page_needs import NAVIGATION, PAGES
from agent.console.templating import render
from agent.console.titles import title_of
from agent.console.typed import Typed
from agent.packs.pack_words import spell_role
from agent.page_language import NAMES
from agent.refusals import spell_refusal
from agent.texts import Texts
from rules.roles import Right, Role

# Holds for its first page what was done just now.
TOLD_COOKIE: Final = "__Host-schoolgate-told"
# Open to everybody who is known, and of no use to whoever has nothing to do there.
_FOR_WHO_WORKS: Final = ("/tasks",)


def may_open(caller: Caller | None, need: Need) -> bool:
    """Say whether somebody may open a page, as the guard decides it."""
    if need.is_open:
        return True
    if caller is None or (caller.is_waiting and not need.is_for_waiting):
        return False
    return not need.rights or not need.rights.isdisjoint(caller.rights)


@dataclass(slots=True)
class Page:
    """What a handler works with.

    Args:
        who: who is signed in; None on a page for everybody.
        typed: what was sent with it, nothing where the page is only looked at.
        refused: one sentence that says why what was typed was not done; the form is shown again with it.
        meanwhile: what somebody else did to the same thing, who was faster.
        faults: a sentence for each field with a fault.
        door: what a form that needs no account sends back, and the cookie says too.
        form_at: where the page stands whose form was sent; nothing where a page is only looked at.
        number: that of its forms; what a form of a number did is not done again when it is sent once more.
        has_told: it says what was done just now, which nobody needs to be told twice.
        asks_who: it is the form at the door, whose proof the cookie has to hold too.
        record_at: number of the last row of the record before the page looked at anything; it follows what comes
            after that, so that nothing is missed while it is on its way.
    """

    request: Request
    parts: Parts
    texts: Texts
    who: Caller | None = None
    typed: Typed = field(default_factory=Typed)
    refused: str = ""
    faults: dict[str, str] = field(default_factory=dict)
    door: str = ""
    is_stale: bool = False
    meanwhile: str = ""
    form_at: str = ""
    keeper: Keeper = field(default_factory=Keeper)
    number: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    has_told: bool = False
    asks_who: bool = False
    record_at: int | None = None

    @property
    def caller(self) -> Caller:
        """Who is signed in, on a page for which somebody must be."""
        assert self.who is not None
        return self.who

    @property
    def person(self) -> str:
        """The id of who is signed in."""
        return self.caller.person

    @property
    def now(self) -> datetime:
        """The instant, by the clock of the gateway."""
        return self.parts.clock()

    @property
    def call(self) -> Call:
        """What the routes of the interface take, so that a page does what they do, by the same rules."""
        return Call(self.parts, self.caller, Response())

    def may(self, *rights: Right) -> bool:
        """Say whether who is signed in has one of these rights."""
        return self.who is not None and not self.who.rights.isdisjoint(rights)

    def may_open(self, path: str, method: str = "GET") -> bool:
        """Say whether a page of the table is for who is signed in."""
        return (method, path) in PAGES and may_open(self.who, PAGES[method, path])

    @property
    def may_follow(self) -> bool:
        """Whether who is signed in may be told of what happens; who may not would ask again and again in vain."""
        return may_open(self.who, NEEDS["GET", "/events"])

    def begin(self) -> None:
        """Note how far the record goes, before anything is looked at."""
        if self.may_follow:
            with self.parts.store.read() as database:
                self.record_at = last_number(database)

    def named(self, part: str) -> str:
        """Give a part of the address, such as `id`."""
        return str(self.request.path_params[part])

    def query(self, name: str, default: str = "") -> str:
        """Give what stands behind the question mark, of a bounded length."""
        return self.request.query_params.get(name, default)[:500]

    def role_words(self, roles: Iterable[Role]) -> str:
        """Name roles as one list, in the order of the table of roles."""
        held = set(roles)
        return self.texts.join([spell_role(each, self.texts) for each in Role if each in held])

    def words(self, sentence: str) -> str:
        """Give a sentence of a service in the language of the page, as far as the catalogue has it."""
        return spell_refusal(sentence, self.texts)

    def render(self, template: str, *, status: int = HTTPStatus.OK, **values: Any) -> HTMLResponse:
        """Make the answer from a template; what was refused sets the status of its own."""
        if (self.refused or self.faults) and status == HTTPStatus.OK:
            status = HTTPStatus.CONFLICT if self.is_stale else HTTPStatus.UNPROCESSABLE_ENTITY
        shown = self._frame() | values
        html = render(self.texts, template, shown)
        return HTMLResponse(tell_about(html, shown["form_about"], shown["school"].name), status)

    def ask_who(self, *, status: int, next: str, **values: Any) -> HTMLResponse:  # noqa: A002 (as the field is called)
        """Ask who it is, and where to go then."""
        self.asks_who = True
        shown = {"login": "", "kept": "", "is_written": False, "is_lost": False} | values
        shown["holds_typed"] = bool(shown["kept"])
        return self.render("sign_in.html", status=status, next=next, **shown)

    def go(self, path: str, **query: str) -> RedirectResponse:
        """Send the browser on once something is done, so that to load again does it not again."""
        address = quote(path, safe="/:@._-~") + (f"?{urlencode(query)}" if query else "")
        response = RedirectResponse(address, HTTPStatus.SEE_OTHER)
        if "told" in query:
            slip = self.keeper.slip(self._session, path, query, at=self.now)
            self._set_slip(response, slip, seconds=int(TOLD_FOR.total_seconds()))
        return response

    def told(self, sentences: Mapping[str, str]) -> str:
        """Give the sentence of what was done just now by who reads it; nothing for an address that only says so."""
        words, query = sentences.get(self.query("told"), ""), dict(self.request.query_params)
        slip = self.request.cookies.get(TOLD_COOKIE, "")
        if not words or not self.keeper.is_slip(slip, self._session, self.request.url.path, query, now=self.now):
            return ""
        self.has_told = True
        return words

    def forget_slip(self, response: Response) -> None:
        """Let the page that has told what was done not do so when it is loaded again."""
        if self.has_told:
            self._set_slip(response, "", seconds=0)

    def _set_slip(self, response: Response, slip: str, *, seconds: int) -> None:
        response.set_cookie(
            TOLD_COOKIE, slip, max_age=seconds, secure=True, httponly=True, samesite="strict", path="/"
        )

    @property
    def _session(self) -> str:
        return (self.who.csrf if self.who else None) or ""

    def _frame(self) -> dict[str, Any]:
        school = self.parts.incidents.desk.site().school
        path = self.request.url.path
        return {
            "page": self,
            "language": self.texts.language,
            "languages": NAMES,
            "timezone": self.parts.timezone,
            "now": self.now,
            "school": school,
            "here": path,
            "there": self.form_at or (f"{path}?{self.request.url.query}" if self.request.url.query else path),
            "navigation": self._navigation(path),
            "off": self.off(),
            "csrf": self.keeper.proof(self.who.csrf, self.who.person) if self.who and self.who.csrf else "",
            "door": self.door,
            "form_number": self.number,
            # Replaced when the page is made, by what each form is.
            "form_about": f"about-{self.number}",
            "typed": self.typed,
            "holds_typed": bool(self.refused or self.faults) and self.typed.holds_something,
            "refused": self.words(self.refused),
            "faults": {name: self.words(fault) for name, fault in self.faults.items()},
            "told": "",
            "Right": Right,
        }

    def _navigation(self, here: str) -> list[tuple[str, str, bool]]:
        """Give the way through the console: address, title, and whether one is there."""
        return [
            (path, title_of(path, self.texts), here == path or here.startswith(f"{path}/"))
            for path in NAVIGATION
            if self.who is not None and self.may_open(path) and (self.who.rights or path not in _FOR_WHO_WORKS)
        ]

    def off(self, *, is_for_print: bool = False) -> list[Off]:
        """Give where filtering is off, in the words of the page.

        Args:
            is_for_print: the page goes from hand to hand, so that nobody is named on it whoever opens it.
        """
        if self.who is None:
            return []
        with self.parts.store.read() as database:
            found = off_for(read_off(database, self.now), self.who.rights)
        _ = self.texts.gettext
        words = {SCHOOL: _("the whole school"), PART: _("a part of the school")}
        told = map(in_numbers, found) if is_for_print else found
        return [replace(each, where=words.get(each.where, each.where)) for each in told]
