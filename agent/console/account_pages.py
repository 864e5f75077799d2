"""Signing in and out, the language of the pages, and one's own account."""

from http import HTTPStatus
from io import BytesIO
from typing import Final

import segno
from markupsafe import Markup
from pydantic import SecretStr
from starlette.responses import Response

from agent.api.account_routes import enrol_own_authenticator, set_own_password
from agent.api.people_schemas import AccountTold, OwnPassword, Proof, SignIn
from agent.api.problems import ProblemError, sentence
from agent.api.security import COOKIE, Caller
from agent.console.hosts import own_path
from agent.console.keeping import MAX_SEALED_CHARACTERS
from agent.console.languages import COOKIE as LANGUAGE_COOKIE
from agent.console.page import Page
from agent.console.page_needs import BEGINNINGS
from agent.console.pages import Pages, redirect_to, send_again
from agent.console.typed import TypedError, build
from rules.category import LANGUAGES
from rules.errors import RefusedRequestError

_YEAR_SECONDS: Final = 365 * 24 * 3600


def add_account_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/", start)
    pages.get("/sign-in", show_sign_in)
    pages.post("/sign-in", sign_in, form=ask_who_again)
    pages.post("/sign-out", sign_out)
    pages.get("/language", choose_language)
    pages.get("/account", show_account)
    pages.post("/account/password", set_password, form=show_account)
    pages.post("/account/authenticator", set_authenticator, form=show_account)


def start(page: Page) -> Response:
    """Go to what somebody most likely came for: the first page of the way that is theirs."""
    ways = (path for path in BEGINNINGS if page.may_open(path))
    return page.go("/account" if page.caller.is_waiting else next(ways, "/account"))


def show_sign_in(page: Page) -> Response:
    """Ask who it is."""
    if page.who is not None:
        return redirect_to(page.query("next", "/"))
    return _sign_in_form(page)


def ask_who_again(page: Page) -> Response:
    """Ask once more who it is, with what was kept meanwhile."""
    return _sign_in_form(page, status=HTTPStatus.FORBIDDEN)


def _sign_in_form(page: Page, *, status: int = HTTPStatus.OK) -> Response:
    return page.ask_who(
        status=status,
        login=page.typed.get("login")[:128],
        next=own_path(page.typed.get("next") or page.query("next", "/")),
        kept=page.typed.get("kept")[:MAX_SEALED_CHARACTERS],
        is_written=page.typed.has("is_written"),
    )


def sign_in(page: Page) -> Response:
    """Begin a session; what was typed into a form before is shown again, to be sent once more."""
    typed, request = page.typed, page.request
    try:
        asked = build(
            SignIn,
            login=typed.get("login"),
            password=SecretStr(_raw(page, "password")),
            totp=typed.get("totp") or None,
        )
        address = request.client.host if request.client else ""
        session = page.parts.accounts.sign_in(asked.login, asked.password.get_secret_value(), asked.totp, address)
    except (RefusedRequestError, TypedError) as error:
        page.faults = error.faults if isinstance(error, TypedError) else {}
        page.refused = sentence(str(error)) if not page.faults else ""
        return _sign_in_form(page, status=HTTPStatus.UNAUTHORIZED)
    caller: Caller | None = request.app.state.door.by_session(session.token)
    if caller is None:
        page.refused = "The session has ended already."
        return _sign_in_form(page, status=HTTPStatus.UNAUTHORIZED)
    page.who = request.state.caller = caller
    page.form_at = own_path(typed.get("next"))
    if kept := typed.get("kept"):
        response = send_again(page, page.keeper.opened(kept, person=page.person))
    else:
        response = redirect_to(page.form_at)
    response.set_cookie(COOKIE, session.token, secure=True, httponly=True, samesite="strict", path="/")
    return response


def _raw(page: Page, name: str) -> str:
    """Give a secret as it was typed: white space may be part of it."""
    values = page.typed.fields.get(name)
    return values[-1] if values else ""


def sign_out(page: Page) -> Response:
    """End the session."""
    page.parts.accounts.sign_out(page.caller.proof)
    response = redirect_to("/sign-in")
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict", path="/")
    return response


def choose_language(page: Page) -> Response:
    """Keep the language that somebody reads, in their browser alone."""
    response = redirect_to(page.query("back", "/"))
    if (chosen := page.query("to")) in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE, chosen, max_age=_YEAR_SECONDS, secure=True, httponly=True, samesite="strict", path="/"
        )
    return response


def show_account(page: Page) -> Response:
    """Show one's own account: who one is, the password, the authenticator."""
    person = page.parts.people.get(page.person)
    return page.render("account.html", person=person)


def set_password(page: Page) -> Response:
    """Give one's own account another password; every session ends."""
    if _raw(page, "new_password") != _raw(page, "again"):
        raise TypedError({"again": "This is not what stands in the field above."})
    proof, new = SecretStr(_raw(page, "password")), SecretStr(_raw(page, "new_password"))
    asked = build(OwnPassword, password=proof, new_password=new)
    try:
        set_own_password(asked, page.caller, page.parts)
    except ProblemError as error:
        return _ended(page, error)
    return page.go("/sign-in", next="/")


def set_authenticator(page: Page) -> Response:
    """Give one's own account another authenticator, shown this once; every session ends."""
    asked = build(Proof, password=SecretStr(_raw(page, "password")))
    try:
        made = enrol_own_authenticator(asked, page.caller, page.parts)
    except ProblemError as error:
        return _ended(page, error)
    page.who = None
    return page.render("authenticator.html", made=made, picture=picture_of(made))


def picture_of(made: AccountTold) -> Markup:
    """Draw what an authenticator reads from the screen; the same stands beside it in letters."""
    drawn = BytesIO()
    segno.make(made.totp_uri or "", error="m").save(
        drawn,
        kind="svg",
        xmldecl=False,
        svgns=True,
        scale=5,
        dark="#000",
        light="#fff",
        svgclass="qr",
        lineclass=None,
    )
    # Our own drawing of a string that holds no markup.
    return Markup(drawn.getvalue().decode())  # noqa: S704


def _ended(page: Page, error: ProblemError) -> Response:
    """Ask who it is: a session that does not know its password has ended."""
    page.who = None
    page.refused = error.detail
    return page.ask_who(status=HTTPStatus.FORBIDDEN, next="/account")
