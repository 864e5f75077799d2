"""What people decide about an incident, a page for each decision; the rules are those of the interface.

A form that is refused, or that somebody else was faster than, comes back as it was typed, at the version that stands.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from agent.api import incident_routes as routes
from agent.api.incident_routes import may_know
from agent.api.incident_schemas import (
    AcceptAsked,
    AppealAsked,
    CloseAsked,
    DismissAsked,
    IncidentTold,
    MergeAsked,
    ReclassifyAsked,
    SplitAsked,
    SubjectAsked,
)
from agent.api.schemas import Reasoned
from agent.api.versions import SeenThing
from agent.console.incidents.incident_pages import moves_of, title_of_move
from agent.console.incidents.incident_view import brief_of, head_of
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.typed import TypedError, build
from agent.incidents.incident_access import OPEN
from agent.storage.incident_rows import Filed
from agent.storage.queue_rows import Choice
from rules.incident import Dismissal, Intent, Level, State
from rules.incident_kind import Kind
from rules.roles import Right

MOST_FOUND: Final = 20
MOST_ALIKE: Final = 20
MOST_ENTRIES: Final = 1_000
_RANGE: Final = re.compile(r"(\d{1,4})(?:\s*[-\u2013]\s*(\d{1,4}))?")

Do = Callable[[Page, SeenThing], IncidentTold]


def add_incident_decision_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    for name in DECISIONS:
        pages.get(f"/incidents/{{id}}/{name}", partial(_show, name))
        pages.post(f"/incidents/{{id}}/{name}", partial(_do, name), form=partial(_show, name), is_kept=True)


def _show(name: str, page: Page) -> Response:
    filed = brief_of(page)
    choices = _CHOICES.get(name, _nothing)(page, filed)
    return page.render(
        "incident/decide.html",
        **head_of(page, filed),
        move=name,
        title=title_of_move(name, page.texts),
        is_possible=name in moves_of(filed),
        **choices,
    )


def _do(name: str, page: Page) -> Response:
    if name == "name-subject" and page.typed.has("find"):
        # No name stands in an address, where a history would keep it.
        return _show(name, page)
    done = DECISIONS[name](page, SeenThing(page.named("id"), page.typed.version()))
    if not may_know(page.parts, page.person, done.id):
        # It went to others, such as the safeguarding lead.
        return page.render("incident/gone.html", number=done.number)
    return page.go(f"/incidents/{done.id}", told=name)


# ---- what is decided -----------------------------------------------------------------------------------------------


def _accept(page: Page, seen: SeenThing) -> IncidentTold:
    _chosen(page, "deliberate")
    asked = build(
        AcceptAsked,
        row=page.typed.get("row") or None,
        deliberate=page.typed.get("deliberate"),
        why=page.typed.get("why"),
        is_serious=_serious(page),
    )
    return routes.accept(seen, asked, page.call)


def _reclassify(page: Page, seen: SeenThing) -> IncidentTold:
    asked = build(
        ReclassifyAsked,
        kind=page.typed.get("kind") or None,
        row=page.typed.get("row") or None,
        is_serious=_serious(page),
        reason=page.typed.get("reason"),
    )
    return routes.reclassify(seen, asked, page.call)


def _dismiss(page: Page, seen: SeenThing) -> IncidentTold:
    _chosen(page, "dismissal")
    asked = build(DismissAsked, dismissal=page.typed.get("dismissal"), words=page.typed.get("words"))
    return routes.dismiss(seen, asked, page.call)


def _merge(page: Page, seen: SeenThing) -> IncidentTold:
    asked = build(MergeAsked, into=_numbered(page, page.typed.get("into")), reason=page.typed.get("reason"))
    return routes.merge(seen, asked, page.call)


def _split(page: Page, seen: SeenThing) -> IncidentTold:
    _chosen(page, "kind")
    asked = build(
        SplitAsked,
        entries=_entries(page, page.typed.get("entries")),
        kind=page.typed.get("kind"),
        reason=page.typed.get("reason"),
    )
    return routes.split(seen, asked, page.call)


def _close(page: Page, seen: SeenThing) -> IncidentTold:
    asked = build(CloseAsked, outcome=page.typed.get("outcome"), lesson=page.typed.get("lesson"))
    return routes.close(seen, asked, page.call)


def _reopen(page: Page, seen: SeenThing) -> IncidentTold:
    asked = build(
        AppealAsked,
        by=page.typed.get("by"),
        on=page.typed.get("on") or None,
        outcome=page.typed.get("outcome"),
        withdraws_warnings=page.typed.get("withdraws_warnings") == "yes",
    )
    return routes.reopen(seen, asked, page.call)


def _name_subject(page: Page, seen: SeenThing) -> IncidentTold:
    _chosen(page, "subject")
    asked = build(SubjectAsked, subject=page.typed.get("subject"), reason=page.typed.get("reason"))
    return routes.name_subject(seen, asked, page.call)


def _reasoned(do: Callable[..., IncidentTold]) -> Do:
    def decide(page: Page, seen: SeenThing) -> IncidentTold:
        return do(seen, build(Reasoned, reason=page.typed.get("reason")), page.call)

    return decide


DECISIONS: Final[Mapping[str, Do]] = {
    "accept": _accept,
    "reclassify": _reclassify,
    "dismiss": _dismiss,
    "merge": _merge,
    "split": _split,
    "close": _close,
    "reopen": _reopen,
    "correct": _reasoned(routes.correct),
    "name-subject": _name_subject,
    "hold": _reasoned(routes.hold),
    "release": _reasoned(routes.release),
}


def _chosen(page: Page, name: str) -> None:
    """Check that something was chosen.

    Raises:
        TypedError: nothing was.
    """
    if not page.typed.get(name):
        raise TypedError({name: page.texts.gettext("Please choose one.")})


def _serious(page: Page) -> bool | None:
    return {"yes": True, "no": False}.get(page.typed.get("is_serious"))


def _numbered(page: Page, written: str) -> str:
    """Find a case by the number that people say, among those that somebody may read.

    Raises:
        TypedError: there is none.
    """
    number = int(written) if written.isascii() and written.isdigit() and len(written) < 10 else 0
    choice = Choice(tuple(State), number=number)
    found = page.parts.incidents.queue.listing(page.person, choice, limit=1).items if number else ()
    if not found:
        raise TypedError({"into": page.texts.gettext("There is no case with this number that you may read.")})
    return found[0].filed.incident.id


def _entries(page: Page, written: str) -> list[int]:
    """Read numbers of entries: `3, 5-8`.

    Raises:
        TypedError: something of it is no number.
    """
    found: set[int] = set()
    for part in re.split(r"[,;\u3001\s]+", re.sub(r"\s*[-\u2013]\s*", "-", written.strip())):
        match = _RANGE.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= MOST_ENTRIES:
            raise TypedError(
                {"entries": page.texts.gettext("Expected the numbers of entries of the timeline, such as 3, 5-8.")}
            )
        found.update(range(first, last + 1))
    return sorted(found)


# ---- what there is to choose ---------------------------------------------------------------------------------------


def _nothing(_page: Page, _filed: Filed) -> dict[str, Any]:
    return {}


def _of_accepting(page: Page, filed: Filed) -> dict[str, Any]:
    texts, _ = page.texts, page.texts.gettext
    words = head_of(page, filed)["words"]
    rows = _rows(page, filed)
    proposed = [each for each in rows if each[0] in filed.incident.rows]
    proposed.sort(key=lambda each: filed.incident.rows.index(each[0]))
    others = [each for each in rows if each not in proposed]
    none = [("", texts.gettext("No row of the table is about this"))] if rows and not proposed else []
    return {
        "rows": [*none, *proposed, *others],
        "intents": [(each.value, words.deliberate(each)) for each in Intent],
        "seriousness": _seriousness(page),
        "asks_whether_serious": page.parts.incidents.desk.chains.asks_whether_serious(filed.incident),
    }


def _of_reclassifying(page: Page, filed: Filed) -> dict[str, Any]:
    stays = ("", page.texts.gettext("as it is"))
    is_accepted = filed.incident.state is State.ACCEPTED
    return {
        "kinds": [stays, *_kinds(page, filed)],
        "rows": [stays, *_rows(page, filed)] if is_accepted and _rows(page, filed) else [],
        "seriousness": _seriousness(page),
    }


def _of_dismissing(page: Page, filed: Filed) -> dict[str, Any]:
    words = head_of(page, filed)["words"]
    return {"dismissals": [(each.value, words.dismissal(each)) for each in Dismissal]}


def _of_merging(page: Page, filed: Filed) -> dict[str, Any]:
    incident = filed.incident
    if incident.level is not Level.PERSON:
        return {"alike": []}
    choice = Choice(OPEN, tracks=(incident.track,), subject=incident.subject)
    found = page.parts.incidents.queue.listing(page.person, choice, limit=MOST_ALIKE).items
    return {"alike": [each.filed for each in found if each.filed.incident.id != incident.id]}


def _of_splitting(page: Page, filed: Filed) -> dict[str, Any]:
    return {"kinds": [("", page.texts.gettext("please choose")), *_kinds(page, filed)]}


def _of_reopening(page: Page, _filed: Filed) -> dict[str, Any]:
    today: date = page.parts.incidents.desk.day_of(page.now)
    return {"today": today}


def _of_naming(page: Page, _filed: Filed) -> dict[str, Any]:
    """Find people by a part of their name, for who may see the list of people."""
    sought = page.typed.get("q")[:100]
    is_list = page.may(Right.READ_PEOPLE)
    found = [each for each in page.parts.people.list() if sought.casefold() in each.name.casefold()] if sought else []
    return {
        "q": sought,
        "is_list": is_list,
        "people": [
            (each.id, " · ".join((each.name, *sorted(each.classes))))
            for each in found[: MOST_FOUND if is_list else 0]
        ],
        "is_more": is_list and len(found) > MOST_FOUND,
    }


_CHOICES: Final[Mapping[str, Callable[[Page, Filed], dict[str, Any]]]] = {
    "accept": _of_accepting,
    "reclassify": _of_reclassifying,
    "dismiss": _of_dismissing,
    "merge": _of_merging,
    "split": _of_splitting,
    "reopen": _of_reopening,
    "name-subject": _of_naming,
}


def _rows(page: Page, filed: Filed) -> list[tuple[str, str]]:
    table = page.parts.incidents.desk.table_of(filed.incident.audience.value)
    rows = table.rows.values() if table is not None else ()
    return [
        (row.id, f"{row.id}{page.texts.gettext(': ')}{row.label.in_language(page.texts.language)}") for row in rows
    ]


def _kinds(page: Page, filed: Filed) -> list[tuple[str, str]]:
    words = head_of(page, filed)["words"]
    return [(kind.value, words.kind(kind)) for kind in Kind]


def _seriousness(page: Page) -> list[tuple[str, str]]:
    _ = page.texts.gettext
    return [("", _("I do not say")), ("yes", _("yes, it is serious")), ("no", _("no"))]
