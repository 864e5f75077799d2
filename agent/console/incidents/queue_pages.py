"""The queue of incidents: what waits, in groups, and deciding about each where it stands.

Every form has a page of its own, which works without JavaScript; with it only the card changes. What is decided is
decided as the interface decides it, about every case of the group in one act or about none.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from agent.api import incident_routes as routes
from agent.api.incident_routes import may_know
from agent.api.incident_schemas import (
    AcceptTogetherAsked,
    CasesTold,
    DismissTogetherAsked,
    ReclassifyAsked,
    UndoTogetherAsked,
)
from agent.api.versions import SeenThing
from agent.console.incidents.case_words import CaseWords
from agent.console.incidents.queue_view import Card, asked_of, card_of, list_of, newer_than
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.typed import TypedError, build
from agent.incidents.incident_queue import MOST_IN_GROUP
from agent.incidents.incident_undoing import Slip, undoable
from agent.texts import Texts
from rules.incident import Dismissal, Intent
from rules.incident_kind import Kind

MOVES: Final = ("accept", "dismiss", "reclassify")


def add_queue_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/incidents", show)
    pages.get("/queue/new", show_new)
    pages.post("/queue/undo", undo, form=show_not_undone, is_kept=True)
    pages.get("/queue/{id}", show_card)
    for move in MOVES:
        pages.get(f"/queue/{{id}}/{move}", partial(show_card, move=move))
        pages.post(f"/queue/{{id}}/{move}", partial(_decide, move), form=partial(show_card, move=move), is_kept=True)


# ---- looking -------------------------------------------------------------------------------------------------------


def show(page: Page) -> Response:
    """Show a part of the queue, and what one may still undo."""
    told = page.told(_said(page.texts, page.query("number")))
    slips = undoable(page.parts.incidents.desk, page.person)
    return page.render("queue/list.html", **list_of(page, asked_of(page)), slips=slips, told=told, move="")


def show_new(page: Page) -> Response:
    """Say how many have come since the page was made, for it to announce."""
    asked, since = asked_of(page), page.query("since")[:40]
    number = newer_than(page, asked, since) if since else 0
    return page.render("queue/new.html", asked=asked, since=since, newer=number)


def show_not_undone(page: Page) -> Response:
    """Say why something cannot be undone, in its place or above the queue."""
    return page.render("queue/not_undone.html") if _is_part(page) else show(page)


def show_card(page: Page, *, move: str = "") -> Response:
    """Show one group, with the form of a decision."""
    card = card_of(page, page.parts.incidents.queue.group(page.person, page.named("id")))
    values: dict[str, Any] = {"card": card, "move": move, "words": CaseWords(page.texts)}
    values |= _CHOICES[move](page, card) if move and card.waits else {}
    return page.render("queue/card.html" if _is_part(page) else "queue/one.html", **values)


# ---- deciding ------------------------------------------------------------------------------------------------------


def _decide(move: str, page: Page) -> Response:
    done = _DECISIONS[move](page)
    number = len(_cases(page))
    if not _is_part(page):
        return page.go("/incidents", told=_code(move, number), number=str(number))
    first = done.items[0]
    is_readable = may_know(page.parts, page.person, first.id)
    slip = next((each for each in undoable(page.parts.incidents.desk, page.person) if _holds(each, first.id)), None)
    said = _said(page.texts, str(number))[_code(move, number)]
    return page.render(
        "queue/done.html", id=page.named("id"), first=first, slip=slip, said=said, is_readable=is_readable
    )


def _holds(slip: Slip, incident_id: str) -> bool:
    return any(each.incident.id == incident_id for each in slip.found)


def _accept(page: Page) -> CasesTold:
    _chosen(page, "deliberate")
    asked = build(
        AcceptTogetherAsked,
        cases=_cases(page),
        row=page.typed.get("row") or None,
        deliberate=page.typed.get("deliberate"),
        why=page.typed.get("why"),
        is_serious={"yes": True, "no": False}.get(page.typed.get("is_serious")),
    )
    return routes.accept_together(asked, page.call)


def _dismiss(page: Page) -> CasesTold:
    _chosen(page, "dismissal")
    dismissal, words = page.typed.get("dismissal"), page.typed.get("words")
    if not words and dismissal != Dismissal.OTHER and dismissal in set(Dismissal):
        # The usual reason is one in as many words; the record keeps it in the language of who decided.
        words = page.texts.gettext("Usual reason: %(reason)s") % {
            "reason": CaseWords(page.texts).dismissal(Dismissal(dismissal))
        }
    asked = build(DismissTogetherAsked, cases=_cases(page), dismissal=dismissal, words=words)
    return routes.dismiss_together(asked, page.call)


def _reclassify(page: Page) -> CasesTold:
    (case,) = _cases(page)[:1]
    _chosen(page, "kind")
    asked = build(ReclassifyAsked, kind=page.typed.get("kind"), reason=page.typed.get("reason"))
    return CasesTold(items=[routes.reclassify(SeenThing(case["id"], case["version"]), asked, page.call)])


def undo(page: Page) -> Response:
    """Take back what was decided at once; what is put back shows in its place again."""
    cases = _cases(page)
    routes.undo_together(build(UndoTogetherAsked, cases=cases), page.call)
    if not _is_part(page):
        return page.go("/incidents", told="undone")
    card = card_of(page, page.parts.incidents.queue.group(page.person, cases[0]["id"]))
    said = _said(page.texts)["undone"]
    return page.render("queue/card.html", card=card, move="", words=CaseWords(page.texts), said=said)


_DECISIONS: Final[Mapping[str, Callable[[Page], CasesTold]]] = {
    "accept": _accept,
    "dismiss": _dismiss,
    "reclassify": _reclassify,
}


def _cases(page: Page) -> list[dict[str, Any]]:
    """Read which cases a form is about, each at the version that was seen.

    Raises:
        TypedError: the form does not say.
    """
    found = []
    for written in page.typed.many("case")[: MOST_IN_GROUP + 1]:
        name, _, version = written.rpartition(":")
        if name and version.isascii() and version.isdigit() and len(version) < 10:
            found.append({"id": name, "version": int(version)})
    if not found:
        raise TypedError({"": "The page did not say which version you saw; please look at it again."})
    return found


def _chosen(page: Page, name: str) -> None:
    """Check that something was chosen.

    Raises:
        TypedError: nothing was.
    """
    if not page.typed.get(name):
        raise TypedError({name: page.texts.gettext("Please choose one.")})


def _is_part(page: Page) -> bool:
    """Say whether only the card is asked for."""
    return page.request.headers.get("hx-request") == "true"


# ---- what there is to choose, and what is said ---------------------------------------------------------------------


def _of_accepting(page: Page, card: Card) -> dict[str, Any]:
    desk, incident, words = page.parts.incidents.desk, card.lead.incident, CaseWords(page.texts)
    table, language = desk.table_of(incident.audience.value), page.texts.language
    rows = (
        []
        if table is None
        else [
            (row.id, f"{row.id}{page.texts.gettext(': ')}{row.label.in_language(language)}")
            for row in table.rows.values()
        ]
    )
    proposed = sorted(
        (each for each in rows if each[0] in incident.rows), key=lambda each: incident.rows.index(each[0])
    )
    none = [("", page.texts.gettext("No row of the table is about this"))] if rows and not proposed else []
    _ = page.texts.gettext
    return {
        "choices": [*none, *proposed, *(each for each in rows if each not in proposed)],
        "intents": [(each.value, words.deliberate(each)) for each in Intent],
        "asks_whether_serious": desk.chains.asks_whether_serious(incident),
        "seriousness": [("", _("I do not say")), ("yes", _("yes, it is serious")), ("no", _("no"))],
    }


def _of_dismissing(page: Page, _card: Card) -> dict[str, Any]:
    words = CaseWords(page.texts)
    return {"dismissals": [(each.value, words.dismissal(each)) for each in Dismissal]}


def _of_reclassifying(page: Page, card: Card) -> dict[str, Any]:
    words = CaseWords(page.texts)
    kinds = sorted((words.kind(each), each.value) for each in Kind if each is not card.lead.incident.kind)
    return {"kinds": [("", page.texts.gettext("please choose")), *((value, label) for label, value in kinds)]}


# So long a number of cases may be.
_DIGITS: Final = 3
_CHOICES: Final[Mapping[str, Callable[[Page, Card], dict[str, Any]]]] = {
    "accept": _of_accepting,
    "dismiss": _of_dismissing,
    "reclassify": _of_reclassifying,
}


def _code(move: str, number: int) -> str:
    return f"{move}-{'one' if number == 1 else 'all'}"


def _said(texts: Texts, number: str = "") -> Mapping[str, str]:
    """Say what was done, and to how many, by code."""
    _ = texts.gettext
    amount = int(number) if number.isascii() and number.isdigit() and len(number) <= _DIGITS else 0
    dismissed = texts.ngettext("%(number)d case is dismissed.", "%(number)d cases are dismissed.", amount)
    return {
        "accept-one": _("Accepted. Whoever has something to do has been told."),
        "accept-all": _("Accepted as one case. Whoever has something to do has been told."),
        "dismiss-one": _("Dismissed."),
        "dismiss-all": dismissed % {"number": amount} if amount else _("All of them are dismissed."),
        "reclassify-one": _("Put where it belongs."),
        "undone": _("Undone. It waits for a decision again; messages that went out are not called back."),
    }
