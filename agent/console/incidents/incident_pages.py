"""One incident: what is known of it, what speaks for and against it, its checklist; for a purpose what was visited.

What was asked for and written is shown as the answer to a form that says why, so that no purpose and no name stands
in an address.
"""

from typing import Any, Final

from starlette.responses import Response

from agent.api.incident_routes import export as export_incident
from agent.api.incident_routes import reveal as reveal_subject
from agent.api.incident_schemas import ExportAsked, LookAsked
from agent.api.incident_work_routes import show_metadata, unseal
from agent.api.parts import names_of
from agent.console.incidents.incident_view import brief_of, case_of, everything_of, head_of
from agent.console.incidents.timeline_words import OBSERVED, entry_in_words, facts_in_words
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.typed import build
from agent.incidents.incident_access import Viewed
from agent.incidents.incident_sealed import unsealing_of
from agent.packs.pack_words import spell_role
from agent.storage.access_rows import Seen, read_accesses
from agent.storage.incident_rows import Filed
from agent.texts import Texts
from rules.incident import TRANSITIONS, Level, Move, State, Track
from rules.roles import Role

ENTRIES_ON_PAGE: Final = 50
LOOKS_SHOWN: Final = 20


def add_incident_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/incidents/{id}", show)
    pages.get("/incidents/{id}/look", return_to_case)
    pages.post("/incidents/{id}/look", look, form=show)
    pages.get("/incidents/{id}/reveal", ask_who)
    pages.post("/incidents/{id}/reveal", reveal, form=ask_who)
    pages.get("/incidents/{id}/export", ask_export)
    pages.post("/incidents/{id}/export", export, form=ask_export)
    pages.get("/incidents/{id}/unseal", ask_unseal)
    pages.post("/incidents/{id}/unseal", unseal_it, form=ask_unseal)
    pages.get("/incidents/{id}/metadata", return_to_case)
    pages.post("/incidents/{id}/metadata", metadata, form=ask_unseal)


# ---- the page itself -----------------------------------------------------------------------------------------------


def show(page: Page) -> Response:
    """Show an incident by pseudonym, without what was visited and written."""
    return _show(page, brief_of(page))


def return_to_case(page: Page) -> Response:
    """Go where it can be asked again, such as in another language: what was shown for a purpose is not kept."""
    return page.go(f"/incidents/{page.named('id')}")


def look(page: Page) -> Response:
    """Show it with what was visited and written, for a purpose; that somebody looked is noted."""
    filed = brief_of(page)
    asked = build(LookAsked, purpose=page.typed.get("purpose"), case=filed.number)
    viewed = page.parts.incidents.looking.get(page.person, filed.incident.id, purpose=asked.purpose, case=asked.case)
    page.parts.follower.look()
    return _show(page, viewed.filed, viewed)


def _show(page: Page, filed: Filed, viewed: Viewed | None = None) -> Response:
    is_sealed = filed.incident.track is Track.SEALED
    return page.render(
        "incident/show.html",
        **everything_of(page, filed),
        moves=[(move, title_of_move(move, page.texts)) for move in moves_of(filed)],
        told=_told_of(page),
        card=_card(page, filed) if is_sealed else None,
        unsealing=_unsealing(page, filed) if is_sealed else None,
        viewed=None if viewed is None else _looked(page, viewed),
        purpose=page.typed.get("purpose") if viewed else "",
    )


def _looked(page: Page, viewed: Viewed) -> dict[str, Any]:
    """Put a part of a timeline in words, with who looked before."""
    filed, written = viewed.filed, page.typed.get("first", "1")
    is_whole = page.typed.get("first") == "all"
    first = int(written) if written.isascii() and written.isdigit() and len(written) < 6 else 1
    first = max(1, min(first, len(viewed.timeline)))
    last = len(viewed.timeline) if is_whole else min(len(viewed.timeline), first + ENTRIES_ON_PAGE - 1)
    here = list(enumerate(viewed.timeline, 1))[first - 1 : last]
    table = page.parts.incidents.desk.table_of(filed.incident.audience.value)
    columns = table.actions.items() if table is not None else ()
    actions = {name: action.label.in_language(page.texts.language) for name, action in columns}
    with page.parts.store.read() as database:
        looks = read_accesses(database, incident=filed.incident.id, limit=LOOKS_SHOWN)
        people = (*(entry.actor for _, entry in here), *(each.person for each in looks))
        steps = (step.done_by for step in viewed.referrals)
        names = names_of(database, (*people, *steps))
    return {
        "entries": [
            {
                "number": number,
                "at": entry.at,
                "what": entry_in_words(entry.what, page.texts),
                "is_observed": entry.what == OBSERVED,
                "by": "" if entry.actor == "system" else names.get(entry.actor, entry.actor),
                "facts": facts_in_words(entry, filed.incident, page.texts, page.parts.timezone, actions=actions),
                "evidence": entry.evidence,
                "hash": entry.hash,
            }
            for number, entry in here
        ],
        "first": first,
        "last": last,
        "of": len(viewed.timeline),
        "earlier": max(1, first - ENTRIES_ON_PAGE) if first > 1 else None,
        "later": last + 1 if last < len(viewed.timeline) else None,
        "looks": [(each, names.get(each.person, each.person), _seen(each.seen, page.texts)) for each in looks],
        "referrals": [(step, names.get(step.done_by, "")) for step in viewed.referrals],
    }


def _seen(seen: Seen, texts: Texts) -> str:
    _ = texts.gettext
    return {
        Seen.INCIDENT: _("the case"),
        Seen.SUBJECT: _("who it is about"),
        Seen.METADATA: _("what may be known of what is sealed"),
        Seen.LETTER: _("a letter"),
        Seen.REPORT: _("the report"),
        Seen.EXPORT: _("evidence, handed out"),
    }[seen]


def moves_of(filed: Filed) -> list[str]:
    """Give what can be decided about an incident in its state, by the name that stands in addresses."""
    incident = filed.incident
    moves = [move.value for move in Move if (incident.state, move) in TRANSITIONS]
    is_sealed = incident.track is Track.SEALED
    if is_sealed:
        moves = [each for each in moves if each not in {Move.RECLASSIFY, Move.MERGE, Move.SPLIT}]
    if incident.state is State.CANDIDATE and incident.level is Level.DEVICE and not is_sealed:
        moves.append("name-subject")
    if filed.erased_at is None:
        moves.append("release" if filed.is_held else "hold")
    return moves


def title_of_move(name: str, texts: Texts) -> str:
    """Name a decision as its page is called."""
    _ = texts.gettext
    return {
        "accept": _("Accept it"),
        "reclassify": _("Put it under another kind or row"),
        "dismiss": _("Dismiss it"),
        "merge": _("Make it part of another case"),
        "split": _("Make a part of it a case of its own"),
        "close": _("Close it"),
        "reopen": _("Open it again after an appeal"),
        "correct": _("It was somebody else: correct it"),
        "name-subject": _("Say whom it is about"),
        "hold": _("Keep everything until further notice"),
        "release": _("No longer keep it than usual"),
    }[name]


def _told_of(page: Page) -> str:
    _ = page.texts.gettext
    return page.told(
        {
            "accept": _("Accepted. Whoever has something to do has been told."),
            "reclassify": _("Put where it belongs."),
            "dismiss": _("Dismissed."),
            "merge": _("The two cases are one now; this one goes on."),
            "split": _("This is the new case. It waits for a decision."),
            "close": _("Closed."),
            "reopen": _("Opened again."),
            "correct": _("Corrected. Nothing of it stands against that person any more."),
            "name-subject": _("It is about that person now."),
            "hold": _("Everything about it is kept until somebody releases it."),
            "release": _("What is kept about it ends at its time again."),
            "step": _("The step is added."),
            "withdrawn": _("The warning is taken back."),
            "asked": _("You have asked. It opens once a second person asks within ten minutes."),
            "unsealed": _("It is open to the two of you for half an hour."),
        }
    )


# ---- who it is -----------------------------------------------------------------------------------------------------


def ask_who(page: Page) -> Response:
    """Ask for what somebody wants to know who it is."""
    return page.render("incident/reveal.html", id=page.named("id"), case=case_of(page), person=None)


def reveal(page: Page) -> Response:
    """Say once whom it is about, on the answer alone; that somebody asked is noted."""
    case = case_of(page)
    told = reveal_subject(page.named("id"), build(LookAsked, purpose=page.typed.get("purpose"), case=case), page.call)
    page.parts.follower.look()
    return page.render(
        "incident/reveal.html",
        id=page.named("id"),
        case=case,
        person=told,
        roles=[spell_role(Role(role), page.texts) for role in told.roles],
    )


# ---- evidence ------------------------------------------------------------------------------------------------------


def ask_export(page: Page) -> Response:
    """Ask for what evidence is wanted."""
    return page.render("incident/export.html", **head_of(page, brief_of(page)))


def export(page: Page) -> Response:
    """Hand out signed evidence."""
    asked = build(
        ExportAsked,
        purpose=page.typed.get("purpose"),
        case=brief_of(page).number,
        with_names=page.typed.get("with_names") == "yes",
    )
    return export_incident(page.named("id"), asked, page.call)


# ---- what is sealed ------------------------------------------------------------------------------------------------


def _card(page: Page, filed: Filed) -> dict[str, Any]:
    """Say what to do, in the language of the reader as far as the papers of the school have it."""
    card, language = page.parts.incidents.sealed.card(page.person, filed.incident.id), page.texts.language
    return {
        "title": card.title.in_language(language),
        "steps": [step.in_language(language) for step in card.steps],
        "to_call": [contact.in_language(language) for contact in card.contacts],
        "contacts": card.own_contacts,
    }


def ask_unseal(page: Page) -> Response:
    """Ask why it should be unsealed; it takes two people."""
    return _unseal_page(page, brief_of(page))


def unseal_it(page: Page) -> Response:
    """Ask, as one of two people, that what may be known is opened."""
    now = unseal(page.named("id"), _purpose(page), page.call)
    return page.go(f"/incidents/{page.named('id')}/unseal", told="unsealed" if now.is_open else "asked")


def metadata(page: Page) -> Response:
    """Show when, how often and for whom, on the answer alone; never what."""
    filed = brief_of(page)
    return _unseal_page(page, filed, found=show_metadata(filed.incident.id, _purpose(page), page.call))


def _unseal_page(page: Page, filed: Filed, **found: Any) -> Response:
    values = {"found": None, "told": _told_of(page), "unsealing": _unsealing(page, filed)} | found
    return page.render("incident/unseal.html", **head_of(page, filed), **values)


def _purpose(page: Page) -> LookAsked:
    return build(LookAsked, purpose=page.typed.get("purpose"), case=brief_of(page).number)


def _unsealing(page: Page, filed: Filed) -> dict[str, Any]:
    """Say how far it is: who asked, and until when it is open."""
    with page.parts.store.read() as database:
        now = unsealing_of(database, filed.incident.id, page.now)
        names = names_of(database, now.asked_by)
    return {
        "asked_by": [names.get(person, person) for person in now.asked_by],
        "open_until": now.open_until,
        "is_mine": page.person in now.asked_by,
    }
