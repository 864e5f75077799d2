"""Changes of the filter: what is in force, what was proposed, and what a proposal would have meant in the past week.

A proposal is written as the settings themselves, or as one rule for some names, which is put into the same words.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from agent.api import filter_routes
from agent.api.filter_schemas import Answered, FilterChangesAsked, FilterDraftAsked, FilterVersionTold
from agent.api.parts import named, names_of
from agent.api.problems import ProblemError
from agent.api.schemas import Reasoned
from agent.api.versions import SeenThing
from agent.console.filtering.dry_run_words import Replayed, replay_words
from agent.console.filtering.filter_words import change_words, one_rule, source_words, state_words
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.typed import TypedError, build
from agent.filter_changing.filter_overlay import PARTS
from agent.people.people import read_holders
from agent.storage.filter_rows import State
from rules.roles import Right, Role, rights_of
from rules.subject import Audience

# How a proposal is written.
OPEN, BLOCK, SETTINGS = "open", "block", "settings"
_MOST_NAMES: Final = 200
_USUAL_REVIEW: Final = timedelta(days=90)
_MAX_NUMBER_DIGITS: Final = 9
_OWNERS: Final = tuple(
    role for role in Role if rights_of((role,)) & {Right.DRAFT_FILTER_CHANGE, Right.APPROVE_FILTER_CHANGE}
)
_WAS_IN_FORCE: Final = (State.APPROVED, State.SUPERSEDED, State.ON_DISK)


def add_filter_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/filter", list_versions)
    pages.get("/filter/change", show_change)
    pages.post("/filter/change", change, form=show_change)
    pages.get("/filter/{id}", show_version)
    pages.get("/filter/{id}/what-if", show_replay)
    pages.post("/filter/{id}/approve", approve, form=show_version)
    pages.post("/filter/{id}/refuse", refuse, form=show_version)
    pages.post("/filter/{id}/withdraw", withdraw, form=show_version)
    pages.post("/filter/{id}/roll-back", roll_back, form=show_version)


# --- Looking


def list_versions(page: Page) -> Response:
    """List what is in force, what waits and what was, the newest first."""
    after = page.query("after") or None
    chosen = page.query("state")
    states = [State(chosen)] if chosen in tuple(State) else None
    found = filter_routes.list_versions(page.call, state=states, after=after, limit=50)
    in_force = filter_routes.list_versions(page.call, state=[State.APPROVED, State.ON_DISK], limit=10).items
    waiting = filter_routes.list_versions(page.call, state=[State.DRAFTED], limit=50).items
    newest = {each.state: each for each in reversed(in_force)}
    return page.render(
        "filter/versions.html",
        change_words=_worded(page),
        found=found,
        after=after,
        chosen=chosen if states else "",
        in_force=[newest[state] for state in (State.ON_DISK, State.APPROVED) if state in newest],
        waiting=waiting,
        states=state_words(page.texts),
        sources=source_words(page.texts),
        may_draft=page.may(Right.DRAFT_FILTER_CHANGE),
        today=page.parts.incidents.desk.day_of(page.now),
    )


def show_version(page: Page) -> Response:
    """Show one version, with what can be done about it."""
    version = filter_routes.show(_number(page), page.call)
    return _version(page, version)


def show_replay(page: Page) -> Response:
    """Show a draft with what it would have meant for what was asked in the past days."""
    number = _number(page)
    version = filter_routes.show(number, page.call)
    run = filter_routes.replay(page.call, page.parts.filter_changes.sites_of(number), version=number)
    return _version(page, version, replay_words(run, page.texts))


def _version(page: Page, version: FilterVersionTold, replayed: Replayed | None = None) -> Response:
    _ = page.texts.gettext
    is_own = version.drafted_by is not None and version.drafted_by.id == page.person
    is_draft = version.state == State.DRAFTED
    return page.render(
        "filter/version.html",
        change_words=_worded(page),
        version=version,
        replayed=replayed,
        small_number=filter_routes.small_number_of(page.parts),
        states=state_words(page.texts),
        sources=source_words(page.texts),
        is_own=is_own,
        may_decide=is_draft and not is_own and page.may(Right.APPROVE_FILTER_CHANGE),
        may_withdraw=is_draft and is_own,
        may_replay=is_draft and page.may_open("/filter/{id}/what-if"),
        may_roll_back=version.state in _WAS_IN_FORCE and page.may(Right.DRAFT_FILTER_CHANGE),
        owners=_owners(page),
        review_on=_usual_review(page),
        today=page.parts.incidents.desk.day_of(page.now),
        told=page.told(
            {
                State.DRAFTED: _("Proposed. It waits for somebody else to approve it; until then nothing changes."),
                State.APPROVED: _(
                    "Approved. The gateway puts it in force; devices may keep old answers for a while."
                ),
                State.REFUSED: _("Refused. Nothing changes."),
                State.WITHDRAWN: _("Taken back. Nothing changes."),
            }
        ),
    )


# --- Proposing


def show_change(page: Page, *, changes: list[str] | None = None, replayed: Replayed | None = None) -> Response:
    """Show the form for a change, with what a link says of it."""
    texts, site = page.texts, page.parts.incidents.desk.site()
    _ = texts.gettext
    return page.render(
        "filter/change.html",
        change_words=_worded(page),
        name=page.query("name") if not page.typed else "",
        ways=[
            (OPEN, _("Open these names")),
            (BLOCK, _("Block these names")),
            (SETTINGS, _("As settings, in the words of the site file")),
        ],
        audiences=[(each.value, texts.audience(each)) for each in Audience],
        groups=[(each.name, each.name) for each in site.groups if ":" not in each.name],
        parts=PARTS,
        owners=_owners(page),
        review_on=_usual_review(page),
        changes=changes,
        replayed=replayed,
        small_number=filter_routes.small_number_of(page.parts),
    )


def change(page: Page) -> Response:
    """Propose a change, or only say what it would do and would have done."""
    text = _text(page)
    if page.typed.has("preview"):
        asked = build(FilterChangesAsked, text=text)
        changes = filter_routes.preview(asked, page.call).changes
        try:
            run = filter_routes.replay(page.call, page.parts.filter_changes.sites_with(asked.text))
        except ProblemError as error:
            # Somebody else is trying something; what it does is said all the same.
            page.refused = error.detail
            return show_change(page, changes=changes)
        return show_change(page, changes=changes, replayed=replay_words(run, page.texts))
    told = filter_routes.draft(build(FilterDraftAsked, text=text, **_answers(page)), page.call)
    return page.go(f"/filter/{told.number}", told="drafted")


def _text(page: Page) -> str:
    """Give the change as settings.

    Raises:
        TypedError: there are no names, or too many.
    """
    _, typed, how = page.texts.gettext, page.typed, page.typed.get("how") or OPEN
    if how == SETTINGS:
        return typed.get("text")
    names = typed.words("names")
    if not names:
        raise TypedError({"names": _("Write at least one name, such as www.example.com.")})
    if len(names) > _MOST_NAMES:
        too_many = _("These are too many names for one rule; a list of your own holds them better.")
        raise TypedError({"names": too_many})
    held = {each.id for each in page.parts.incidents.desk.site().rulebook.policies}
    return one_rule(
        names,
        is_open=how == OPEN,
        audiences=typed.many("audiences"),
        groups=typed.many("groups"),
        reason=typed.get("reason"),
        held=held,
    )


def _answers(page: Page) -> dict[str, Any]:
    typed = page.typed
    if not typed.get("review_on"):
        raise TypedError({"review_on": page.texts.gettext("Say when somebody looks at it again.")})
    return {
        "reason": typed.get("reason"),
        "owner": typed.get("owner") or None,
        "review_on": typed.get("review_on"),
    }


def _owners(page: Page) -> list[tuple[str, str]]:
    """Give who can answer for a change: oneself, and for those who may know people, others who change the filter."""
    with page.parts.store.read() as database:
        others = read_holders(database, _OWNERS) if page.may(Right.READ_PEOPLE) else []
        me = named(page.person, names_of(database, (page.person,)))
    rest = sorted((each.name, each.id) for each in others if each.id != page.person and not each.closed)
    return [(page.person, me.name), *((person, name) for name, person in rest)]


def _usual_review(page: Page) -> str:
    return (page.parts.incidents.desk.day_of(page.now) + _USUAL_REVIEW).isoformat()


# --- Deciding


def approve(page: Page) -> Response:
    """Put into force what somebody else drafted."""
    filter_routes.approve(_seen(page), _reasoned(page), page.call)
    return _decided(page, "approved")


def refuse(page: Page) -> Response:
    """Refuse what somebody else drafted."""
    filter_routes.refuse(_seen(page), _reasoned(page), page.call)
    return _decided(page, "refused")


def withdraw(page: Page) -> Response:
    """Take back what one drafted oneself."""
    filter_routes.withdraw(_seen(page), _reasoned(page), page.call)
    return _decided(page, "withdrawn")


def roll_back(page: Page) -> Response:
    """Draft the way back to how the filter was with a version."""
    told = filter_routes.roll_back(_number(page), build(Answered, **_answers(page)), page.call)
    return page.go(f"/filter/{told.number}", told="drafted")


def _decided(page: Page, how: str) -> Response:
    return page.go(f"/filter/{_number(page)}", told=how)


def _seen(page: Page) -> SeenThing:
    return SeenThing(str(_number(page)), page.typed.version())


def _reasoned(page: Page) -> Reasoned:
    return build(Reasoned, reason=page.typed.get("reason"))


def _worded(page: Page) -> Callable[[str], tuple[str, bool]]:
    return lambda sentence: change_words(sentence, page.texts)


def _number(page: Page) -> int:
    """Read the number of a version from the address.

    Raises:
        UnknownThingError: it is none.
    """
    return filter_routes.number_of(page.named("id"))
