"""The register of media: one's own, everybody's for whoever manages them, and each with what is done with it."""

from collections.abc import Callable
from typing import Any, Final

from babel.dates import format_date
from starlette.responses import Response

from agent.api import media_routes
from agent.api.media_schemas import HowAsked, MediumAsked, MediumChanged, MediumTold, PurgeAsked, WholeMediumTold
from agent.api.parts import Call
from agent.api.versions import SeenThing
from agent.console.machines.medium_words import (
    details_of_move,
    kind_choices,
    short_proof,
    state_choices,
    stated_choices,
    words_of_exception,
    words_of_medium,
    words_of_move,
    words_of_proof,
    words_of_sign_out,
    words_stated,
)
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.people.person_named import person_named
from agent.console.typed import TypedError, build
from agent.fleet.media_desk import NOT_THERE
from agent.people.attempts import UnknownIdError
from rules.medium import ExceptionState, MediumState, SignOutState
from rules.roles import Right

_STATES: Final = {each.value: each for each in MediumState}
# So many of what waits and of what is overdue stand on the first page; the rest is a page on.
_MOST_FIRST: Final = 5
_MOST_MOVES: Final = 100
_MOST_DIGITS: Final = 15
How = Callable[[SeenThing, HowAsked, Call], MediumTold]


def add_media_pages(pages: Pages) -> None:
    """Add the pages of this file; those with a word of their own stand before those that take any for a number."""
    pages.get("/media", list_media)
    pages.get("/media/register", show_register)
    pages.post("/media/register", register, form=show_register)
    pages.get("/media/{number}", show_medium)
    pages.get("/media/{number}/change", show_change)
    pages.post("/media/{number}/change", change, form=show_change)
    pages.get("/media/{number}/purge", show_purge)
    pages.post("/media/{number}/purge", purge, form=show_purge)
    routes: dict[str, How] = {
        "attest": media_routes.attest,
        "dispose": media_routes.dispose,
        "find": media_routes.find,
    }
    for move, route in routes.items():
        pages.get(f"/media/{{number}}/{move}", _showing(move))
        pages.post(f"/media/{{number}}/{move}", _doing(move, route), form=_showing(move))


def number_of(page: Page) -> int:
    """Give the number in the address.

    Raises:
        UnknownIdError: it is none.
    """
    written = page.named("number")
    if not written.isascii() or not written.isdigit() or len(written) > _MOST_DIGITS:
        raise UnknownIdError(NOT_THERE)
    return int(written)


def seen_of(page: Page) -> SeenThing:
    """Give what somebody decides about, at the version that they saw."""
    return SeenThing(str(number_of(page)), page.typed.version())


# ---- the list --------------------------------------------------------------------------------------------------


def list_media(page: Page) -> Response:
    """List media, what is overdue and what waits first."""
    call, texts = page.call, page.texts
    if wanted := page.query("number").strip().upper().removeprefix("M-"):
        return page.go(f"/media/{wanted if wanted.isascii() and wanted.isdigit() else 0}")
    state, is_own = page.query("state"), page.query("whose") == "mine"
    after = page.query("after") or None
    listed = media_routes.list_media(
        call, owner=page.person if is_own else None, state=_STATES.get(state), after=after
    )
    overdue = media_routes.list_sign_outs(call, overdue=True, limit=_MOST_FIRST + 1).items
    sign_outs = media_routes.list_sign_outs(call, state=[SignOutState.WAITING], limit=_MOST_FIRST + 1).items
    exceptions = media_routes.list_exceptions(call, state=ExceptionState.WAITING, limit=_MOST_FIRST + 1).items
    kinds = dict(kind_choices(texts))
    query = {"state": state, "whose": "mine" if is_own else ""}
    return page.render(
        "media/list.html",
        media=[
            {
                "told": each,
                "kind": kinds[each.kind],
                "state": words_of_medium(each, texts),
                "proved": None if each.kind == "paper" else short_proof(each.proved, texts),
                "purge_on": format_date(each.purge_on, "medium", locale=texts.locale) if each.purge_on else "",
            }
            for each in listed.items
        ],
        overdue=[(each, words_of_sign_out(each, texts)) for each in overdue],
        sign_outs=[(each, words_of_sign_out(each, texts)) for each in sign_outs],
        exceptions=[(each, words_of_exception(each, texts)) for each in exceptions],
        most=_MOST_FIRST,
        states=state_choices(texts),
        query=query,
        is_filtered=bool(state or is_own or after),
        later=query | {"after": listed.next} if listed.next else None,
    )


# ---- what is said of a medium ----------------------------------------------------------------------------------


def show_register(page: Page) -> Response:
    """Show the form for a medium that is not on the register yet."""
    return _form(page, None)


def register(page: Page) -> Response:
    """Put a medium on the register."""
    typed = page.typed
    asked = build(
        MediumAsked,
        **_said(page),
        kind=typed.get("kind"),
        owner=person_named(page, "owner"),
        is_foreign=typed.has("is_foreign"),
        **{name: written for name in ("vendor", "product", "serial") if (written := typed.get(name))},
    )
    told = media_routes.register(asked, page.call)
    return page.go(f"/media/{told.number}", told="registered")


def show_change(page: Page) -> Response:
    """Show what is said of a medium, to be changed."""
    return _form(page, media_routes.show(number_of(page), page.call))


def change(page: Page) -> Response:
    """Change what is said of a medium; of its serial number and its owner, only what is written anew."""
    typed = page.typed
    said = _said(page) | {"kind": typed.get("kind")}
    said |= {name: written for name in ("vendor", "product", "serial") if (written := typed.get(name))}
    if owner := person_named(page, "owner"):
        said["owner"] = owner
    media_routes.change(seen_of(page), build(MediumChanged, **said), page.call)
    return _done(page, "changed")


def _said(page: Page) -> dict[str, Any]:
    typed = page.typed
    return {
        "label": typed.get("label"),
        "place": typed.get("place"),
        "purpose": typed.get("purpose"),
        "stated": typed.get("stated") or "unknown",
        "holds_personal_data": typed.has("holds_personal_data"),
        "checked_on": typed.get("checked_on") or None,
        "purge_on": typed.get("purge_on") or None,
    }


def _form(page: Page, medium: WholeMediumTold | None) -> Response:
    return page.render(
        "media/say.html",
        medium=medium,
        kinds=kind_choices(page.texts),
        stated=stated_choices(page.texts),
        manages=page.may(Right.MANAGE_MEDIA),
    )


# ---- one medium ------------------------------------------------------------------------------------------------


def show_medium(page: Page) -> Response:
    """Show a medium, who has it, what was proved of it, and what was done with it, the newest first."""
    medium = media_routes.show(number_of(page), page.call)
    texts = page.texts
    moves = [
        (each, words_of_move(each.move, texts), list(details_of_move(each, texts, page.parts.timezone)))
        for each in reversed(medium.moves[-_MOST_MOVES:])
    ]
    return page.render(
        "media/medium.html",
        medium=medium,
        kind=dict(kind_choices(texts))[medium.kind],
        state=words_of_medium(medium, texts),
        stated=words_stated(medium.stated, texts),
        proved=words_of_proof(medium.proved, texts),
        worst=words_of_proof(medium.worst_proved, texts) if medium.worst_proved else None,
        sign_out=words_of_sign_out(medium.sign_out, texts) if medium.sign_out else None,
        moves=moves,
        may=_may(page, medium),
        today=page.parts.media.desk.day_of(page.now),
        told=_told_of(page),
    )


def _may(page: Page, medium: WholeMediumTold) -> dict[str, bool]:
    """Say what is offered here; what is allowed is for the service to say."""
    is_own, manages = medium.owner.id == page.person, page.may(Right.MANAGE_MEDIA)
    is_there = medium.state == "registered"
    permit = medium.sign_out
    needs_nobody = page.parts.media.desk.settings.sign_out_needs == "nobody"
    is_second = manages and permit is not None and page.person not in {permit.person.id, medium.owner.id}
    return {
        "change": is_there and (is_own or manages),
        "attest": is_there and is_own,
        "dispose": manages and medium.state != "disposed" and permit is None,
        "find": manages and medium.state == "lost",
        "sign-out": is_there and permit is None,
        "sign-in": permit is not None and permit.state == "out" and (needs_nobody or is_second),
        "exceptions": is_there and is_own and medium.exception is None,
        "lose": is_there,
    }


def _told_of(page: Page) -> str:
    _ = page.texts.gettext
    return page.told(
        {
            "registered": _("It is on the list. Write its number on it, so that others can tell whose it is."),
            "changed": _("Changed."),
            "purge": _("It is written down that it is cleared."),
            "attest": _("It is written down as you say it."),
            "dispose": _("It is off the list for good."),
            "find": _("It is back on the list."),
            "out": _("It may be taken. It is due back on the day that you wrote."),
            "asked": _("It is asked. Please leave it where it is until somebody has allowed it."),
            "in": _("It is back."),
        }
    )


def _done(page: Page, what: str) -> Response:
    return page.go(f"/media/{number_of(page)}", told=what)


def show_purge(page: Page) -> Response:
    """Ask how a medium was cleared."""
    return _ask_how(page, "purge")


def purge(page: Page) -> Response:
    """Write down that what was on a medium is deleted."""
    asked = build(PurgeAsked, how=page.typed.get("how"), next_on=page.typed.get("next_on") or None)
    media_routes.purge(seen_of(page), asked, page.call)
    return _done(page, "purge")


def _showing(move: str) -> Callable[[Page], Response]:
    def show(page: Page) -> Response:
        return _ask_how(page, move)

    return show


def _doing(move: str, route: How) -> Callable[[Page], Response]:
    def do(page: Page) -> Response:
        if move == "dispose" and not page.typed.has("sure"):
            raise TypedError({"sure": "Please tick that you mean it."})
        route(seen_of(page), build(HowAsked, how=page.typed.get("how")), page.call)
        return _done(page, move)

    return do


def _ask_how(page: Page, move: str) -> Response:
    _ = page.texts.gettext
    title, lead, field, button = {
        "purge": (
            _("Clear M-%(number)d"),
            _("Delete what is on it, then write down how. It stays on the list."),
            _("How it was cleared"),
            _("It is cleared"),
        ),
        "attest": (
            _("How M-%(number)d is protected"),
            _("It is kept as you say it. It proves nothing, and a laptop may find something else."),
            _("How it is protected, and who knows the password"),
            _("Write it down"),
        ),
        "dispose": (
            _("Dispose of M-%(number)d"),
            _("It leaves the list for good. What was done with it stays on record."),
            _("How it was destroyed, or to whom it was given"),
            _("It is disposed of"),
        ),
        "find": (
            _("M-%(number)d is found"),
            _("It comes back on the list. Have it looked at before it is used: somebody may have had it."),
            _("Where it was"),
            _("It is found"),
        ),
    }[move]
    medium = media_routes.show(number_of(page), page.call)
    return page.render(
        "media/how.html",
        medium=medium,
        move=move,
        title=title % {"number": medium.number},
        lead=lead,
        field_words=field,
        button=button,
    )
