"""Filtering off for a while: asked for by one person, agreed by another, and on again by itself."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from agent.api import suspension_routes
from agent.api.banner import read_off
from agent.api.paging import MOST
from agent.api.parts import Call
from agent.api.schemas import Reasoned, SuspensionAsked, SuspensionTold
from agent.api.versions import SeenThing
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.requests.request_pages import group_titles
from agent.console.requests.request_words import (
    category_words,
    end_after,
    lengths,
    procedures_of,
    where_words,
    words_of_suspension,
)
from agent.console.typed import TypedError, build
from agent.people.people import read_person
from rules.errors import RefusedRequestError
from rules.event import WAY_ROUND_TAG
from rules.reason import MAX_CHARACTERS
from rules.suspension import STANDING, Move, State, Suspension, SuspensionLimits, check_agreement, next_state

LIVE: Final = (State.WAITING, State.AGREED)
_MOVES: Final = (Move.AGREE, Move.REFUSE, Move.WITHDRAW, Move.STOP)
Route = Callable[[SeenThing, Reasoned, Call], SuspensionTold]


def add_suspension_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/suspensions", show_suspensions)
    pages.get("/suspensions/ask", show_ask)
    pages.post("/suspensions/ask", ask, form=show_ask)
    pages.get("/suspensions/{id}", show_suspension)
    moves: dict[str, Route] = {
        "agree": suspension_routes.agree,
        "refuse": suspension_routes.refuse,
        "withdraw": suspension_routes.withdraw,
        "end": suspension_routes.end,
    }
    for word, route in moves.items():
        pages.post(f"/suspensions/{{id}}/{word}", _doing(route, word), form=show_suspension)


def _doing(route: Route, word: str) -> Callable[[Page], Response]:
    def do(page: Page) -> Response:
        seen = SeenThing(page.named("id"), page.typed.version())
        route(seen, build(Reasoned, reason=page.typed.get("reason")), page.call)
        return page.go(f"/suspensions/{seen.id}", told=word)

    return do


def show_suspensions(page: Page) -> Response:
    """List what waits and what is off, then the rest in parts."""
    after = page.query("after") or None
    over: list[State] = [state for state in State if state not in LIVE]
    listed = suspension_routes.list_suspensions(page.call, state=over, after=after)
    live = [] if after else suspension_routes.list_suspensions(page.call, state=list(LIVE), limit=MOST).items
    return page.render(
        "suspensions/list.html",
        is_first=after is None,
        live=[_row(page, each) for each in live],
        rest=[_row(page, each) for each in listed.items],
        later=str(page.request.url.include_query_params(after=listed.next).query) if listed.next else "",
        standing=_standing(page),
    )


def _row(page: Page, told: SuspensionTold) -> dict[str, Any]:
    words, tone = words_of_suspension(told, page.now, page.texts)
    return {"told": told, "where": where_words(told, page.texts), "words": words, "tone": tone}


def _standing(page: Page) -> list[str]:
    """Say what stays blocked while filtering is off."""
    _ = page.texts.gettext
    round_it = _("the names by which browsers ask whether they may go round this resolver")
    return [*category_words(STANDING.keys() - {WAY_ROUND_TAG}, page.texts), round_it]


def show_ask(page: Page) -> Response:
    """Show the form."""
    context, titles = page.parts.context(), group_titles(page)
    hours = SuspensionLimits().max_hours
    return page.render(
        "suspensions/ask.html",
        networks=[(each, each) for each in sorted(context.networks)],
        groups=[(each, titles.get(each, each)) for each in sorted(context.groups)],
        lengths=lengths(page.parts.schedules(), page.now, page.texts, at_most=timedelta(hours=hours)),
        hours=hours,
        procedures=procedures_of(page.parts.incidents.desk.packs(), "suspension", page.texts),
        standing=_standing(page),
        max_reason=MAX_CHARACTERS,
    )


def ask(page: Page) -> Response:
    """Ask for filtering to be off; nothing changes before a second person agrees."""
    typed = page.typed
    starts_at = typed.moment("from_at")
    until_at = typed.moment("until_at") or end_after(
        typed.get("lasts"), page.parts.schedules(), page.parts.timezone, start=starts_at or page.now
    )
    if until_at is None:
        raise TypedError({"lasts": page.texts.gettext("Choose until when, or write an end of your own.")})
    asked = build(
        SuspensionAsked,
        networks=typed.many("networks"),
        groups=typed.many("groups"),
        is_for_school=typed.has("is_for_school"),
        reason=typed.get("reason"),
        from_at=None if starts_at is None else starts_at.isoformat(),
        until_at=until_at.isoformat(),
    )
    told = suspension_routes.request(asked, page.call)
    return page.go(f"/suspensions/{told.id}", told="asked")


def show_suspension(page: Page) -> Response:
    """Show one to those who may see it, with what they can do about it."""
    told = suspension_routes.show(page.named("id"), page.call)
    suspension = page.parts.suspensions.get(told.id).suspension
    words, tone = words_of_suspension(told, page.now, page.texts)
    faults = {move: _fault_of(page, suspension, move) for move in _MOVES}
    return page.render(
        "suspensions/suspension.html",
        told=_told(page),
        suspension=told,
        where=where_words(told, page.texts),
        words=words,
        tone=tone,
        may={move.value: not fault for move, fault in faults.items()},
        why_not=page.words(faults[Move.AGREE]) if told.state == State.WAITING and faults[Move.AGREE] else "",
        is_mine=told.requester.id == page.person,
        is_waiting=told.state == State.WAITING,
        standing=_standing(page),
        max_reason=MAX_CHARACTERS,
    )


def _told(page: Page) -> str:
    _ = page.texts.gettext
    with page.parts.store.read() as database:
        is_off = bool(read_off(database, page.now))
    ended = _("This suspension has ended, but another one is on.") if is_off else _("Filtering is on again.")
    return page.told(
        {
            "asked": _("It is asked. Filtering stays on until somebody else agrees."),
            "agree": _("You have agreed. Filtering is off there in that time, and comes back by itself."),
            "refuse": _("It is refused, and whoever asked is told why."),
            "withdraw": _("You took it back."),
            "end": ended,
        }
    )


def _fault_of(page: Page, suspension: Suspension, move: Move) -> str:
    """Say why who is signed in cannot make a move, or nothing."""
    with page.parts.store.read() as database:
        who, asker = read_person(database, page.person), read_person(database, suspension.requester)
    roles = who.roles if who else frozenset()
    asker_roles = asker.roles if asker else frozenset()
    try:
        check_agreement(suspension, person=page.person, roles=roles, requester_roles=asker_roles, move=move)
        next_state(suspension, move)
    except RefusedRequestError as error:
        return str(error)
    return ""
