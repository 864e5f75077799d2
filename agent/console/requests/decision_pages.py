"""One request, with everything that is needed to decide about it, and the decision."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from agent.api import override_routes
from agent.api.filter_routes import small_number_of
from agent.api.parts import Call, names_of
from agent.api.schemas import Narrowed, OverrideTold, Reasoned
from agent.api.versions import SeenThing
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.requests.lesson_counts import count_of_names
from agent.console.requests.request_conflicts import conflicts_of, fault_of
from agent.console.requests.request_pages import WAITING, group_titles, row_of
from agent.console.requests.request_words import category_words, what_words, whom_words, words_of_move, words_of_state
from agent.console.typed import build
from agent.explaining.explain import Explanation
from agent.explaining.explain_site import explain_names
from agent.storage.override_rows import Filed, read_about_names, read_override
from rules.errors import ConfigurationError
from rules.name import DomainName
from rules.override import Lift, Move, State
from rules.reason import MAX_CHARACTERS
from rules.subject import Audience
from rules.verdict import Block, ReasonCode

# So many names are looked up in the lists, line by line, and so many earlier requests are told.
MOST_EXPLAINED: Final = 20
MOST_BEFORE: Final = 10
WEEK_DAYS: Final = 7
Route = Callable[[SeenThing, Reasoned, Call], OverrideTold]


def add_decision_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/overrides/{id}", show_request)
    pages.get("/overrides/{id}/evidence", show_evidence)
    pages.post("/overrides/{id}/approve", approve, form=show_request)
    moves: dict[str, tuple[Route, str]] = {
        "refuse": (override_routes.refuse, "refused"),
        "withdraw": (override_routes.withdraw, "withdrawn"),
        "revoke": (override_routes.revoke, "revoked"),
        "countersign": (override_routes.countersign, "countersigned"),
    }
    for word, (route, told) in moves.items():
        pages.post(f"/overrides/{{id}}/{word}", _doing(route, told), form=show_request)


def _doing(route: Route, told: str) -> Callable[[Page], Response]:
    def do(page: Page) -> Response:
        route(_seen(page), build(Reasoned, reason=page.typed.get("reason")), page.call)
        return page.go(f"/overrides/{page.named('id')}", told=told)

    return do


def _seen(page: Page) -> SeenThing:
    return SeenThing(page.named("id"), page.typed.version())


def approve(page: Page) -> Response:
    """Approve what is still ticked: all of it, or less than was asked for."""
    lift = page.parts.overrides.get(page.named("id")).override.lift
    reason = page.typed.get("reason")
    less = _left_out(page, lift)
    if less:
        now = override_routes.narrow(_seen(page), build(Narrowed, reason=reason, **less), page.call)
    else:
        now = override_routes.approve(_seen(page), build(Reasoned, reason=reason), page.call)
    told = "agreed" if now.state == State.HALF_APPROVED else "narrowed" if less else "approved"
    return page.go(f"/overrides/{now.id}", told=told)


def _left_out(page: Page, lift: Lift) -> dict[str, Any]:
    """Give what stays of names, groups and time, as far as it is not what was asked for."""
    found: dict[str, Any] = {}
    names, groups = page.typed.many("names"), page.typed.many("groups")
    if lift.names and set(names) != set(lift.names):
        found["names"] = names
    if lift.groups and set(groups) != lift.groups:
        found["groups"] = groups
    # As the form was filled in: it knows minutes only, and not which of two hours is meant when the clocks go back.
    asked = lift.until_at.astimezone(ZoneInfo(page.parts.timezone)).strftime("%Y-%m-%dT%H:%M")
    if page.typed.get("until_at") != asked and (until_at := page.typed.moment("until_at")) is not None:
        found["until_at"] = until_at.isoformat()
    return found


def show_request(page: Page) -> Response:
    """Show a request to those who may see it."""
    told = override_routes.show(page.named("id"), page.call)
    with page.parts.store.read() as database:
        filed = read_override(database, told.id)
        assert filed is not None
        faults = {move: fault_of(database, page, filed, move) for move in _SHOWN_MOVES}
        narrowing = fault_of(database, page, filed, Move.NARROW)
        conflicts = conflicts_of(database, page, filed)
        before = [
            each
            for each in read_about_names(database, told.names, but=told.id, limit=MOST_BEFORE + 1)
            if page.call.may_see(each.override.requester)
        ]
    words, tone = words_of_state(told, page.now, page.texts)
    context, titles = page.parts.context(), group_titles(page)
    may_decide = not faults[Move.APPROVE] or not narrowing
    return page.render(
        "requests/request.html",
        told=_told(page, filed),
        request=told,
        version=told.version,
        words=words,
        tone=tone,
        what=what_words(told, page.texts),
        whom=whom_words([titles.get(each, each) for each in told.groups], told.audiences, page.texts),
        categories=category_words(told.categories, page.texts),
        names=[
            (name, category_words(context.tags_of(name) & context.categories, page.texts))
            for name in filed.override.lift.names
        ],
        also_needed=context.needed_with(filed.override.lift.names),
        affected=_affected(page, filed.override.lift),
        conflicts=conflicts,
        before=[_before(page, each) for each in before[:MOST_BEFORE]],
        has_more_before=len(before) > MOST_BEFORE,
        sees_all=page.call.only_of is None,
        timeline=_timeline(page, told.id),
        stays_open=page.parts.overrides.stays_open(filed) if told.state == State.REVOKED else [],
        may={move.value: not fault for move, fault in faults.items()} | {"narrow": may_decide},
        why_not=page.words(faults[Move.APPROVE]) if told.state in WAITING and not may_decide else "",
        why_less=page.words(faults[Move.APPROVE]) if may_decide and faults[Move.APPROVE] else "",
        is_waiting=told.state in WAITING,
        is_mine=told.requester.id == page.person,
        max_reason=MAX_CHARACTERS,
        countersign_until=filed.override.requested_at + timedelta(hours=context.limits.countersign_hours),
    )


_SHOWN_MOVES: Final = (Move.APPROVE, Move.REFUSE, Move.WITHDRAW, Move.REVOKE, Move.COUNTERSIGN)


def _told(page: Page, filed: Filed) -> str:
    _ = page.texts.gettext
    everywhere_at = page.texts.moment(page.parts.overrides.everywhere_at(filed), page.parts.timezone)
    approved = _("Approved. Every device has it by %(moment)s.") % {"moment": everywhere_at}
    return page.told(
        {
            "asked": _("It is asked. You are told as soon as somebody has decided."),
            "taken": _("It is open. Somebody else has to countersign it."),
            "agreed": _("You have agreed. It opens when the second of the two agrees as well."),
            "approved": approved,
            "narrowed": approved,
            "refused": _("It is refused, and whoever asked is told why."),
            "withdrawn": _("You took it back."),
            "revoked": _("It has ended. No device keeps it for more than a minute."),
            "countersigned": _("You have countersigned it."),
        }
    )


def _timeline(page: Page, override_id: str) -> list[dict[str, Any]]:
    moves = page.parts.overrides.moves(override_id)
    with page.parts.store.read() as database:
        names = names_of(database, (each.person for each in moves))
    return [
        {
            "at": each.at,
            "who": page.texts.gettext("the clock") if each.person == "system" else names[each.person],
            "words": words_of_move(each.move, page.texts),
            "reason": each.reason,
        }
        for each in moves
    ]


def _before(page: Page, filed: Filed) -> dict[str, Any]:
    told = override_routes.show(filed.override.id, page.call)
    return row_of(page, told) | {"reason": told.decision_reason}


def _affected(page: Page, lift: Lift) -> list[tuple[str, str]]:
    """Say of each group, or of the audience, how many devices and pupils it is about, as far as that is known."""
    site = page.parts.incidents.desk.site()
    titles, pupils = group_titles(page), _pupils_by_group(page)
    devices = {each.name: len(each.devices) for each in site.groups}
    found = []
    for name in sorted(lift.groups):
        networks = [each.name for each in site.networks if name in each.groups]
        found.append((titles.get(name, name), _how_many(page, pupils.get(name, 0), devices.get(name, 0), networks)))
    for audience in Audience if not lift.groups else ():
        if audience in lift.audiences:
            networks = [each.name for each in site.networks if each.audience is audience]
            found.append((page.texts.audience(audience), _how_many(page, 0, 0, networks)))
    return found


def _how_many(page: Page, pupils: int, devices: int, networks: list[str]) -> str:
    texts = page.texts
    found = []
    if pupils:
        found.append(texts.ngettext("%(number)d pupil", "%(number)d pupils", pupils) % {"number": pupils})
    if devices:
        text = texts.ngettext("%(number)d device named in the site", "%(number)d devices named in the site", devices)
        found.append(text % {"number": devices})
    if networks:
        found.append(texts.gettext("networks: %(names)s") % {"names": ", ".join(networks)})
    return "; ".join(found) or texts.gettext("how many devices is not known")


def _pupils_by_group(page: Page) -> dict[str, int]:
    query = (
        "SELECT group_name, count(DISTINCT person) FROM classes JOIN memberships ON class_id = classes.id"
        " WHERE role = 'pupil' AND group_name != '' AND closed_at IS NULL GROUP BY group_name"
    )
    with page.parts.store.read() as database:
        return dict(database.execute(query).fetchall())


# ---- what the lists say -------------------------------------------------------------------------------------


def show_evidence(page: Page) -> Response:
    """Show which lines of which lists and which rules block each name, and how often it was blocked this week."""
    told = override_routes.show(page.named("id"), page.call)
    names = [DomainName(each) for each in told.names[:MOST_EXPLAINED]]
    found, counts = _explained(page, told, names), _blocked_this_week(page, names)
    return page.render(
        "requests/evidence.html",
        request=told,
        found=[_evidence(page, each, counts) for each in found],
        further=len(told.names) - len(names),
        is_counted=counts is not None,
        small_number=small_number_of(page.parts),
    )


def _explained(page: Page, told: OverrideTold, names: list[DomainName]) -> list[Explanation]:
    site = page.parts.incidents.desk.site()
    who = "+".join([*told.audiences[:1], *told.groups[:1]]) or Audience.PUPIL.value
    try:
        return explain_names(site, names, who=who, at=page.now)
    except ConfigurationError:
        # A group may be of several audiences, or not be there any more; pupils are those whom most rules are about.
        return explain_names(site, names, who=Audience.PUPIL.value, at=page.now)


def _blocked_this_week(page: Page, names: list[DomainName]) -> dict[str, int | None] | None:
    today = page.now.astimezone(ZoneInfo(page.parts.timezone)).date()
    days = [today - timedelta(days=past) for past in range(WEEK_DAYS)]
    return count_of_names(page.parts.activity, names, days, small_number=small_number_of(page.parts))


def _evidence(page: Page, each: Explanation, counts: dict[str, int | None] | None) -> dict[str, Any]:
    return {
        "name": each.name,
        "is_blocked": isinstance(each.verdict, Block),
        "categories": [category.name(page.texts.language) for category in each.categories],
        "entries": [
            {
                "what": category_words([entry.tag], page.texts)[0],
                "list": entry.list_name,
                "file": entry.line.file,
                "line": entry.line.line,
                "text": entry.line.text[:300],
                "is_exception": entry.line.exception,
                "dated_at": entry.dated_at,
            }
            for entry in each.entries[:MOST_EXPLAINED]
        ],
        "rules": [
            {"id": block.policy.id, "location": block.policy.location, "clause": block.policy.clause}
            for block in each.blocks
        ],
        "is_illegal": each.verdict.reason.code is ReasonCode.STATUTORY,
        "granted": each.grant.id if each.grant is not None and not each.grant.is_suspension else "",
        "times": None if counts is None else counts[each.name],
    }
