"""Signing in and out, who one is, and tokens for programs."""

from datetime import datetime
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from agent.api.parts import Parts, WithParts
from agent.api.people_schemas import SignIn, TokenAsked, TokenPage, TokenTold, Who
from agent.api.problems import ProblemError, UnknownThingError, sentence
from agent.api.schemas import Id, texts
from agent.api.security import COOKIE, Caller, Known
from agent.people.tokens import Token
from rules.errors import RefusedRequestError

MAX_TOKENS: Final = 200


def add_session_routes(router: APIRouter) -> None:
    """Add the routes of this file."""
    router.post("/session", status_code=HTTPStatus.CREATED)(sign_in)
    router.delete("/session", status_code=HTTPStatus.NO_CONTENT)(sign_out)
    router.get("/me")(who_am_i)
    router.post("/tokens", status_code=HTTPStatus.CREATED)(issue_token)
    router.get("/tokens")(list_tokens)
    router.delete("/tokens/{id}", status_code=HTTPStatus.NO_CONTENT)(revoke_token)


def sign_in(asked: SignIn, request: Request, response: Response, parts: WithParts) -> Who:
    """Sign in; the session comes as a cookie, and `csrf` goes into the header X-CSRF-Token of every change."""
    address = request.client.host if request.client else ""
    try:
        session = parts.accounts.sign_in(asked.login, asked.password.get_secret_value(), asked.totp, address)
    except RefusedRequestError as error:
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "sign-in-refused", sentence(str(error))) from None
    response.set_cookie(COOKIE, session.token, secure=True, httponly=True, samesite="strict", path="/")
    caller = request.app.state.door.by_session(session.token)
    if caller is None:
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "sign-in-refused", "The session has ended already.")
    request.state.caller = caller
    return _who(parts, caller, session.ends_at)


def sign_out(caller: Known, response: Response, parts: WithParts) -> None:
    """End the session; its cookie is worth nothing from now on."""
    parts.accounts.sign_out(caller.proof)
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict", path="/")


def who_am_i(caller: Known, parts: WithParts) -> Who:
    """Say who is signed in, and what they may do."""
    return _who(parts, caller, None)


def _who(parts: Parts, caller: Caller, ends_at: datetime | None) -> Who:
    person = parts.people.get(caller.person)
    return Who(
        person=caller.person,
        name=person.name if person else caller.person,
        roles=texts(caller.roles),
        rights=texts(caller.rights),
        timezone=parts.timezone,
        csrf=caller.csrf,
        ends_at=ends_at,
        waiting=texts(person.waiting) if person else [],
        account_waits=caller.is_waiting,
    )


def issue_token(asked: TokenAsked, caller: Known, parts: WithParts) -> TokenTold:
    """Make a token for a program that acts in one's own name; its secret is shown this once."""
    with parts.store.act() as act:
        secret = parts.accounts.issue_token(act, caller.person, asked.label, asked.scopes, asked.ends_at)
    made = next(each for each in parts.accounts.tokens() if secret.startswith(f"sg_{each.id}_"))
    return _told(made, secret=secret)


def list_tokens(caller: Known, parts: WithParts) -> TokenPage:
    """List one's own tokens, without their secrets."""
    own = [each for each in parts.accounts.tokens() if each.person == caller.person]
    return TokenPage(items=[_told(each) for each in own[:MAX_TOKENS]])


def revoke_token(id: Id, caller: Known, parts: WithParts) -> None:  # noqa: A002 (it is the name in the address)
    """End one of one's own tokens at once."""
    if all(each.id != id or each.person != caller.person for each in parts.accounts.tokens()):
        raise UnknownThingError("token")
    with parts.store.act() as act:
        parts.accounts.revoke_token(act, id, actor=caller.person)


def _told(token: Token, *, secret: str | None = None) -> TokenTold:
    return TokenTold(
        id=token.id,
        label=token.label,
        scopes=list(token.scopes),
        created_at=token.created_at,
        ends_at=token.ends_at,
        revoked_at=token.revoked_at,
        secret=secret,
    )
