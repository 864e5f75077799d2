"""Tokens for programs that act in one's own name."""

from typing import Final

from starlette.responses import Response

from agent.api import session_routes
from agent.api.people_schemas import TokenAsked
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.people.people_words import spell_right
from agent.console.typed import TypedError, build
from agent.people.tokens import NEVER_IN_TOKENS
from rules.roles import Right

_RIGHTS: Final = {each.value: each for each in Right}


def add_token_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/tokens", show_tokens)
    pages.post("/tokens", make_token, form=show_tokens, is_kept=True)
    pages.post("/tokens/{id}/revoke", revoke_token)


def show_tokens(page: Page) -> Response:
    """Show one's own tokens, and make one."""
    return _shown(page, secret="")


def make_token(page: Page) -> Response:
    """Make a token; its secret is shown this once."""
    typed = page.typed
    written = typed.many("scopes")
    if not written:
        raise TypedError({"scopes": page.texts.gettext("Please tick what the program may do.")})
    asked = build(TokenAsked, label=typed.get("label"), scopes=written, ends_at=_ends_at(page))
    made = session_routes.issue_token(asked, page.caller, page.parts)
    # The form is empty again for the next one.
    page.typed = type(page.typed)()
    return _shown(page, secret=made.secret or "")


def _ends_at(page: Page) -> str | None:
    moment = page.typed.moment("ends_at")
    return None if moment is None else moment.isoformat()


def revoke_token(page: Page) -> Response:
    """End one of one's own tokens."""
    session_routes.revoke_token(page.named("id"), page.caller, page.parts)
    return page.go("/tokens", told="revoked")


def _shown(page: Page, *, secret: str) -> Response:
    texts, now = page.texts, page.now
    may = [each for each in Right if each in page.caller.rights - NEVER_IN_TOKENS]
    tokens = [
        {
            "told": each,
            "scopes": [spell_right(_RIGHTS[scope], texts) for scope in each.scopes if scope in _RIGHTS],
            "is_over": each.revoked_at is not None or (each.ends_at is not None and each.ends_at <= now),
        }
        for each in session_routes.list_tokens(page.caller, page.parts).items
    ]
    told = page.told({"revoked": texts.gettext("The token has ended.")})
    scopes = [(each.value, spell_right(each, texts)) for each in may]
    return page.render("people/tokens.html", tokens=tokens, scopes=scopes, secret=secret, told=told)
