"""Media that are taken out or let pass: asked for, allowed or refused by a second person, brought back."""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from agent.api import media_routes
from agent.api.media_schemas import ExceptionAsked, ExceptionTold, SignOutAsked, SignOutTold
from agent.api.paging import write_cursor
from agent.api.parts import Call
from agent.api.schemas import Reasoned
from agent.api.versions import SeenThing
from agent.console.machines.media_pages import number_of, seen_of, show_medium
from agent.console.machines.medium_words import words_of_exception, words_of_sign_out
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.people.person_named import person_named
from agent.console.typed import build
from agent.fleet.media_desk import NOT_THERE
from agent.fleet.media_exceptions import NO_EXCEPTION
from agent.people.attempts import UnknownIdError
from agent.storage.media_rows import read_medium
from rules.medium import SignOutState
from rules.roles import Right

Told = SignOutTold | ExceptionTold
Decision = Callable[[SeenThing, Reasoned, Call], Told]
Withdrawal = Callable[[SeenThing, Call], Told]


def add_media_permit_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/media/sign-outs", list_sign_outs)
    pages.get("/media/sign-outs/{number}", show_sign_out)
    pages.get("/media/exceptions", list_exceptions)
    pages.get("/media/exceptions/{number}", show_exception)
    decisions: dict[tuple[str, str], Decision] = {
        ("sign-outs", "allow"): media_routes.allow_sign_out,
        ("sign-outs", "refuse"): media_routes.refuse_sign_out,
        ("exceptions", "allow"): media_routes.allow_exception,
        ("exceptions", "refuse"): media_routes.refuse_exception,
    }
    for (kind, move), decide in decisions.items():
        pages.post(f"/media/{kind}/{{number}}/{move}", _deciding(kind, move, decide), form=_SHOWN[kind])
    withdrawals: dict[str, Withdrawal] = {
        "sign-outs": media_routes.withdraw_sign_out,
        "exceptions": media_routes.withdraw_exception,
    }
    for kind, withdraw in withdrawals.items():
        pages.post(f"/media/{kind}/{{number}}/withdraw", _withdrawing(kind, withdraw), form=_SHOWN[kind])
    pages.get("/media/{number}/sign-out", show_take)
    pages.post("/media/{number}/sign-out", take, form=show_take)
    pages.post("/media/{number}/sign-in", bring_back, form=show_medium)
    pages.get("/media/{number}/exceptions", show_ask)
    pages.post("/media/{number}/exceptions", ask, form=show_ask)


# ---- lists -----------------------------------------------------------------------------------------------------


def list_sign_outs(page: Page) -> Response:
    """List who has which medium; those that are over where they are asked for."""
    show = page.query("show")
    states = [] if show == "all" else [SignOutState.WAITING, SignOutState.OUT]
    listed = media_routes.list_sign_outs(
        page.call, state=states, overdue=show == "overdue", after=page.query("after") or None
    )
    rows = [(each, words_of_sign_out(each, page.texts)) for each in listed.items]
    later = {"show": show, "after": listed.next} if listed.next else None
    return page.render("media/sign_outs.html", rows=rows, show=show, later=later)


def list_exceptions(page: Page) -> Response:
    """List exceptions, the newest first."""
    listed = media_routes.list_exceptions(page.call, after=page.query("after") or None)
    rows = [(each, words_of_exception(each, page.texts)) for each in listed.items]
    return page.render("media/exceptions.html", rows=rows, later={"after": listed.next} if listed.next else None)


# ---- one that somebody decides ---------------------------------------------------------------------------------


def show_sign_out(page: Page) -> Response:
    """Show a permit with what may be done about it."""
    number = number_of(page)
    found = media_routes.list_sign_outs(page.call, after=write_cursor(number + 1), limit=1).items
    if not found or found[0].number != number:
        raise UnknownIdError(NOT_THERE)
    return _shown(page, "sign-outs", found[0], words_of_sign_out(found[0], page.texts))


def show_exception(page: Page) -> Response:
    """Show an exception with what may be done about it."""
    number = number_of(page)
    found = media_routes.list_exceptions(page.call, after=write_cursor(number + 1), limit=1).items
    if not found or found[0].number != number:
        raise UnknownIdError(NO_EXCEPTION)
    return _shown(page, "exceptions", found[0], words_of_exception(found[0], page.texts))


def _shown(page: Page, kind: str, told: Told, words: tuple[str, str]) -> Response:
    people = {told.asked_by.id}
    with page.parts.store.read() as database:
        medium = None if told.medium is None else read_medium(database, told.medium)
    if medium is not None:
        people.add(medium.owner)
    if isinstance(told, SignOutTold):
        people.add(told.person.id)
    is_waiting, needed = told.state == "waiting", _NEEDED[kind]
    decides = page.may(needed) and page.person not in people
    is_theirs = page.person == told.asked_by.id or (isinstance(told, SignOutTold) and page.person == told.person.id)
    is_let = isinstance(told, ExceptionTold) and told.holds
    _ = page.texts.gettext
    return page.render(
        "media/permit.html",
        kind=kind,
        permit=told,
        words=words,
        letter="S" if kind == "sign-outs" else "E",
        until_on=told.due_on if isinstance(told, SignOutTold) else told.until_on,
        may_allow=decides and is_waiting,
        may_refuse=decides and (is_waiting or is_let),
        may_withdraw=is_theirs and (is_waiting or is_let),
        is_own=page.may(needed) and page.person in people and is_waiting,
        is_let=is_let,
        told=page.told(
            {
                "allow": _("It is allowed, and whoever asked is told."),
                "refuse": _("It is refused, and whoever asked is told why."),
                "withdraw": _("You took it back."),
                "asked": _("It is asked. Please wait until somebody else has decided."),
            }
        ),
    )


def _deciding(kind: str, move: str, decide: Decision) -> Callable[[Page], Response]:
    def do(page: Page) -> Response:
        decide(seen_of(page), build(Reasoned, reason=page.typed.get("reason")), page.call)
        return page.go(f"/media/{kind}/{number_of(page)}", told=move)

    return do


def _withdrawing(kind: str, withdraw: Withdrawal) -> Callable[[Page], Response]:
    def do(page: Page) -> Response:
        withdraw(seen_of(page), page.call)
        return page.go(f"/media/{kind}/{number_of(page)}", told="withdraw")

    return do


_SHOWN: dict[str, Callable[[Page], Response]] = {"sign-outs": show_sign_out, "exceptions": show_exception}
_NEEDED = {"sign-outs": Right.MANAGE_MEDIA, "exceptions": Right.DECIDE_MEDIA_EXCEPTION}


# ---- asking ----------------------------------------------------------------------------------------------------


def show_take(page: Page) -> Response:
    """Show the form to take a medium out, or to bring one in that is not the school's."""
    return _ask_form(page, "media/take.html", longest=page.parts.media.desk.settings.longest_days)


def take(page: Page) -> Response:
    """Ask to take a medium; where nobody else must agree, it may be taken at once."""
    typed = page.typed
    asked = build(
        SignOutAsked,
        purpose=typed.get("purpose"),
        due_on=typed.get("due_on"),
        person=person_named(page, "person"),
    )
    made = media_routes.sign_out(number_of(page), asked, page.call)
    return page.go(f"/media/{made.medium}", told="out" if made.state == "out" else "asked")


def bring_back(page: Page) -> Response:
    """Write down that a medium is back."""
    made = media_routes.sign_in(number_of(page), page.call)
    return page.go(f"/media/{made.medium}", told="in")


def show_ask(page: Page) -> Response:
    """Show the form to ask for an exception."""
    return _ask_form(page, "media/ask_exception.html", latest=page.parts.media.desk.last_day_of_exceptions(page.now))


def ask(page: Page) -> Response:
    """Ask that one's own medium may be used as it is."""
    typed = page.typed
    asked = build(ExceptionAsked, purpose=typed.get("purpose"), until_on=typed.get("until_on"))
    made = media_routes.ask_exception(number_of(page), asked, page.call)
    return page.go(f"/media/exceptions/{made.number}", told="asked")


def _ask_form(page: Page, template: str, **values: Any) -> Response:
    medium = media_routes.show(number_of(page), page.call)
    return page.render(
        template,
        medium=medium,
        manages=page.may(Right.MANAGE_MEDIA),
        today=page.parts.media.desk.day_of(page.now),
        **values,
    )
