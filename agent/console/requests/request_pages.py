"""Requests for overrides: the list, and the form with a look ahead at what it would open."""

from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from agent.api import override_routes
from agent.api.paging import MOST
from agent.api.schemas import OverrideAsked, OverrideTold, PreviewTold
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.requests.request_words import (
    category_words,
    end_after,
    first_of,
    lengths,
    name_of_state,
    procedures_of,
    what_words,
    whom_words,
    words_of_state,
)
from agent.console.typed import TypedError, build
from agent.durations import end_of_lesson
from agent.people.people import SchoolClass, read_classes
from agent.storage.override_rows import read_unconfirmed
from rules.errors import RefusedRequestError
from rules.override import State
from rules.subject import Audience

WAITING: Final = (State.WAITING, State.HALF_APPROVED)
DECIDED: Final = tuple(state for state in State if state not in (*WAITING, State.APPROVED))
_MOST_UNCONFIRMED: Final = 20
# What of a link to the form is taken over.
_MOST_LINKED: Final = 2048


def add_request_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/overrides", show_requests)
    pages.get("/overrides/ask", show_ask)
    pages.post("/overrides/ask", ask, form=show_ask)
    pages.get("/overrides/emergency", show_emergency)
    pages.post("/overrides/emergency", take, form=show_emergency)
    pages.post("/overrides/preview", preview)


def show_requests(page: Page) -> Response:
    """List requests: what waits, what is open, and the rest in parts; or those of one state."""
    whose = page.person if page.query("whose") == "mine" else None
    wanted = page.query("state")
    chosen = State(wanted) if wanted in tuple(State) else None
    after = page.query("after") or None
    listed = override_routes.list_overrides(
        page.call, state=[chosen] if chosen else list(DECIDED), requester=whose, after=after
    )
    is_first = after is None and chosen is None
    return page.render(
        "requests/list.html",
        present=_at_present(page, whose) if is_first else None,
        rest=[row_of(page, each) for each in listed.items],
        chosen=chosen,
        states=[(each.value, name_of_state(each, page.texts)) for each in State],
        whose=page.query("whose") if whose else "",
        later=_link(page, listed.next) if listed.next else "",
        reads_all=page.call.only_of is None,
    )


def _at_present(page: Page, whose: str | None) -> dict[str, list[dict[str, Any]]]:
    """Give what waits, the longest first, the emergencies to be countersigned, and what else is approved."""
    waiting = sorted(_all_in(page, WAITING, whose), key=lambda each: each.requested_at)
    emergencies = _emergencies(page, whose)
    ids = {row["id"] for row in emergencies}
    return {
        "waiting": [row_of(page, each) for each in waiting],
        "emergencies": emergencies,
        "running": [row_of(page, each) for each in _all_in(page, (State.APPROVED,), whose) if each.id not in ids],
    }


def _all_in(page: Page, states: tuple[State, ...], whose: str | None) -> list[OverrideTold]:
    return override_routes.list_overrides(page.call, state=list(states), requester=whose, limit=MOST).items


def _emergencies(page: Page, whose: str | None) -> list[dict[str, Any]]:
    """Give the emergencies that nobody has countersigned, for whoever may see them."""
    with page.parts.store.read() as database:
        found = read_unconfirmed(database, before=page.now)[-_MOST_UNCONFIRMED:]
    ids = [each.override.id for each in found if page.call.may_see(each.override.requester)]
    told = (override_routes.show(each, page.call) for each in ids)
    return [row_of(page, each) for each in told if whose in (None, each.requester.id)]


def _link(page: Page, after: str) -> str:
    kept = {name: page.query(name) for name in ("state", "whose") if page.query(name)}
    return str(page.request.url.include_query_params(**kept, after=after).query)


def row_of(page: Page, told: OverrideTold) -> dict[str, Any]:
    """Give what a line of a list says of a request."""
    words, tone = words_of_state(told, page.now, page.texts)
    return {
        "id": told.id,
        "what": what_words(told, page.texts),
        "whom": whom_words(told.groups, told.audiences, page.texts),
        "words": words,
        "tone": tone,
        "told": told,
        "is_mine": told.requester.id == page.person,
        "is_waiting": told.state in WAITING,
    }


# ---- asking ------------------------------------------------------------------------------------------------


def show_ask(page: Page) -> Response:
    """Show the form, with what a link says of it."""
    return _form(page, is_emergency=False)


def show_emergency(page: Page) -> Response:
    """Show the form for what cannot wait for a second person."""
    return _form(page, is_emergency=True)


def ask(page: Page) -> Response:
    """Ask for an override."""
    told = override_routes.request(_asked(page, is_emergency=False), page.call)
    return page.go(f"/overrides/{told.id}", told="asked")


def take(page: Page) -> Response:
    """Take an override in an emergency."""
    told = override_routes.request(_asked(page, is_emergency=True), page.call)
    return page.go(f"/overrides/{told.id}", told="taken")


def preview(page: Page) -> Response:
    """Show in the form what a request would open; nothing is stored, and what is missing is no fault yet."""
    is_emergency = page.typed.get("is_break_glass") == "yes"
    seen, why = None, ""
    try:
        seen = override_routes.preview(_asked(page, is_emergency=is_emergency), page.call)
    except TypedError as error:
        why = " ".join(dict.fromkeys(error.faults.values()))
    except RefusedRequestError as error:
        why = str(error)
    return _form(page, is_emergency=is_emergency, seen=seen, why=why)


def _asked(page: Page, *, is_emergency: bool) -> OverrideAsked:
    """Read the form.

    Raises:
        TypedError: something in it cannot be.
    """
    typed = page.typed
    starts_at = typed.moment("from_at")
    until_at = typed.moment("until_at") or end_after(
        typed.get("lasts"), page.parts.schedules(), page.parts.timezone, start=starts_at or page.now
    )
    if until_at is None:
        raise TypedError({"lasts": page.texts.gettext("Choose until when, or write an end of your own.")})
    if not typed.many("groups") and not typed.get("audience"):
        raise TypedError({"groups": page.texts.gettext("Choose for whom it is.")})
    return build(
        OverrideAsked,
        names=list(dict.fromkeys([*typed.words("names"), *typed.many("also")])),
        categories=[typed.get("category")] if typed.get("category") else [],
        audiences=[typed.get("audience")] if typed.get("audience") else [],
        groups=typed.many("groups"),
        reason=typed.get("reason"),
        topic=typed.get("topic"),
        from_at=None if starts_at is None else starts_at.isoformat(),
        until_at=until_at.isoformat(),
        is_break_glass=is_emergency,
    )


def _form(page: Page, *, is_emergency: bool, seen: PreviewTold | None = None, why: str = "") -> Response:
    context, classes = page.parts.context(), my_classes(page)
    mine = sorted({each.group for each in classes} & context.groups)
    linked = page.query("group")
    # Of several classes one would be asked for without anybody's having chosen it.
    is_to_choose = len(mine) > 1 and linked not in context.groups
    ticked = [linked] if linked in context.groups else [] if is_to_choose else mine
    titles = group_titles(page)
    choices = [(each, titles.get(each, each)) for each in sorted(context.groups, key=lambda each: each not in mine)]
    near = [each for each in choices if each[0] in mine or each[0] in ticked] or choices
    at_most = timedelta(minutes=context.limits.break_glass_minutes) if is_emergency else timedelta(days=7)
    return page.render(
        "requests/ask.html",
        is_emergency=is_emergency,
        action="/overrides/emergency" if is_emergency else "/overrides/ask",
        names=page.request.query_params.get("name", "")[:_MOST_LINKED],
        near=near,
        further=[each for each in choices if each not in near],
        ticked=ticked,
        is_to_choose=is_to_choose,
        audiences=[("", page.texts.gettext("only the groups above"))]
        + [(each.value, page.texts.audience(each)) for each in Audience],
        audience=page.query("audience") if page.query("audience") in tuple(Audience) else "",
        categories=[
            ("", page.texts.gettext("no whole category")),
            *((each, category_words([each], page.texts)[0]) for each in sorted(context.liftable)),
        ],
        lengths=lengths(page.parts.schedules(), page.now, page.texts, at_most=at_most),
        lesson_until=end_of_lesson(page.parts.schedules(), page.now),
        limits=context.limits,
        procedures=procedures_of(page.parts.incidents.desk.packs(), "override", page.texts),
        seen=None if seen is None else _preview_told(page, seen),
        also=page.typed.many("also"),
        why=page.words(why),
    )


def _preview_told(page: Page, seen: PreviewTold) -> dict[str, Any]:
    """Give a look ahead in words."""
    return {
        "lifts": category_words(seen.lifts, page.texts),
        "opens": [(each.rule, first_of(each.names, page.texts)) for each in seen.opens],
        "also": seen.also_needed,
        "notes": [page.words(each) for each in seen.notes],
        "faults": [page.words(each) for each in seen.faults],
        "needs_two": seen.needs_two,
    }


def my_classes(page: Page) -> list[SchoolClass]:
    """Give the classes of who is signed in that are not closed."""
    with page.parts.store.read() as database:
        rows = database.execute("SELECT DISTINCT class_id FROM memberships WHERE person = ?", (page.person,))
        ids = {class_id for (class_id,) in rows}
        return [each for each in read_classes(database) if each.id in ids and not each.closed]


def group_titles(page: Page) -> dict[str, str]:
    """Say of each group that is a class what the class is called."""
    titles: dict[str, list[str]] = {}
    for each in page.parts.people.classes():
        titles.setdefault(each.group, []).append(each.title)
    return {group: f"{', '.join(found)} ({group})" for group, found in titles.items() if group}
