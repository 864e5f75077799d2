"""Steps: what waits for whoever is signed in, one step and how it was done, and what follows from some of them.

Whoever has a step to do need not be among those who read the incident: then they see the step and nothing else.
"""

from datetime import datetime
from typing import Final

from starlette.responses import Response

from agent.api import incident_work_routes as routes
from agent.api.incident_routes import may_know
from agent.api.incident_work_schemas import RestrictAsked, StepAddAsked, StepDoneAsked
from agent.api.parts import names_of
from agent.api.schemas import Reasoned
from agent.console.incidents.case_words import CaseWords
from agent.console.incidents.incident_view import Tick, brief_of, case_of, head_of, tick_of
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.typed import TypedError, build
from agent.incidents.incident_steps import OwnStep
from agent.packs.pack_words import spell_role
from agent.people.attempts import UnknownIdError
from agent.storage.incident_rows import read_incident
from agent.storage.step_rows import FiledStep, read_step
from agent.texts import Texts
from rules.incident import State
from rules.roles import Role
from rules.sanction import Step
from rules.steps import ABOUT_SOMEBODY, StepState

TASKS_ON_PAGE: Final = 50
MOST_DEVICE_LINES: Final = 50
_LAST_STEP: Final = 1_000


def add_step_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/tasks", show_tasks)
    pages.get("/tasks/{id}/{number}", show_step)
    pages.get("/tasks/{id}/{number}/done", show_step)
    pages.post("/tasks/{id}/{number}/done", do_step, form=show_step)
    pages.get("/tasks/{id}/{number}/skip", ask_skip)
    pages.post("/tasks/{id}/{number}/skip", skip_step, form=ask_skip)
    pages.get("/tasks/{id}/{number}/restrict", ask_restrict)
    pages.post("/tasks/{id}/{number}/restrict", restrict, form=ask_restrict)
    pages.get("/incidents/{id}/restrictions/{restriction}/end", ask_end)
    pages.post("/incidents/{id}/restrictions/{restriction}/end", end, form=ask_end)
    pages.get("/incidents/{id}/warnings/{warning}/withdraw", ask_withdraw)
    pages.post("/incidents/{id}/warnings/{warning}/withdraw", withdraw, form=ask_withdraw)
    pages.get("/incidents/{id}/steps/add", ask_add)
    pages.post("/incidents/{id}/steps/add", add, form=ask_add)


# ---- what waits for somebody ---------------------------------------------------------------------------------------


def show_tasks(page: Page) -> Response:
    """List what whoever is signed in has to do, the first due first; none says whom it is about."""
    own = page.parts.incidents.steps.mine(page.person)
    written = page.query("first", "0")
    first = int(written) if written.isascii() and written.isdigit() and len(written) < 6 else 0
    here = own[first : first + TASKS_ON_PAGE]
    return page.render(
        "incident/tasks.html",
        words=CaseWords(page.texts),
        tasks=list(zip(here, _told(page, here), strict=True)),
        number=len(own),
        overdue=sum(each.step.due_at < page.now for each in own),
        earlier=f"/tasks?first={max(0, first - TASKS_ON_PAGE)}" if first else "",
        later=f"/tasks?first={first + TASKS_ON_PAGE}" if first + TASKS_ON_PAGE < len(own) else "",
    )


def _told(page: Page, own: list[OwnStep]) -> list[Tick]:
    with page.parts.store.read() as database:
        names = names_of(database, (person for each in own for person in each.step.owners))
        found = {each.step.incident: read_incident(database, each.step.incident) for each in own}
    audiences = {id_: filed.incident.audience.value for id_, filed in found.items() if filed is not None}
    return [tick_of(page, each.step, audiences[each.step.incident], names) for each in own]


def _done_words(page: Page) -> str:
    _ = page.texts.gettext
    return page.told(
        {
            "done": _("Done, and on record."),
            "skipped": _("Left out, with your reason."),
            "restricted": _("Access is restricted. Now say below that the step is done."),
            "restored": _("Access is given back."),
        }
    )


# ---- one step ------------------------------------------------------------------------------------------------------


def show_step(page: Page) -> Response:
    """Show a step, and ask how it was done."""
    return _step_page(page, "incident/step.html")


def _step_page(page: Page, template: str) -> Response:
    case, is_reader = case_of(page), may_know(page.parts, page.person, page.named("id"))
    step, tick, state = _step_of(page, is_reader=is_reader)
    incidents = page.parts.incidents
    is_restricting = step.step is Step.RESTRICT
    running = incidents.restrictions.of(page.person, step.incident) if is_restricting else []
    return page.render(
        template,
        words=CaseWords(page.texts),
        id=step.incident,
        case=case,
        is_reader=is_reader,
        tick=tick,
        step=step,
        is_open=step.state is StepState.OPEN and state is State.ACCEPTED,
        may_reveal=is_reader or step.step in ABOUT_SOMEBODY,
        restrictions=[each for each in running if each.step == step.number],
        groups=[(group.name, group.name) for group in incidents.desk.site().groups],
        told=_done_words(page),
    )


def _step_of(page: Page, *, is_reader: bool) -> tuple[FiledStep, Tick, State]:
    """Give a step to who reads the incident or has it to do.

    Raises:
        UnknownIdError: there is none of which whoever asks may know.
    """
    incident_id, number = page.named("id"), _number(page)
    with page.parts.store.read() as database:
        step, filed = read_step(database, incident_id, number), read_incident(database, incident_id)
        if step is None or filed is None or not (is_reader or page.person in step.owners):
            raise UnknownIdError("There is no such step that you may see.")
        names = names_of(database, (person for person in (*step.owners, step.done_by) if person))
    return step, tick_of(page, step, filed.incident.audience.value, names), filed.incident.state


def _number(page: Page) -> int:
    written = page.named("number")
    is_number = written.isascii() and written.isdigit() and len(written) <= len(str(_LAST_STEP))
    return int(written) if is_number else 0


def do_step(page: Page) -> Response:
    """Say that a step was done."""
    asked = build(
        StepDoneAsked,
        how=page.typed.get("how"),
        outcome=page.typed.get("outcome"),
        at=_text_of(page.typed.moment("at")),
        referred_to=page.typed.get("referred_to"),
        reference=page.typed.get("reference"),
    )
    routes.do_seen_step(page.named("id"), _number(page), asked, page.call, seen=page.typed.version())
    return _back(page, "done")


def ask_skip(page: Page) -> Response:
    """Ask why a step is left out; only who reads the incident can."""
    brief_of(page)
    return _step_page(page, "incident/skip.html")


def skip_step(page: Page) -> Response:
    """Leave a step out, with a reason."""
    reasoned = build(Reasoned, reason=page.typed.get("reason"))
    routes.skip_seen_step(page.named("id"), _number(page), reasoned, page.call, seen=page.typed.version())
    return _back(page, "skipped")


def _back(page: Page, told: str) -> Response:
    return page.go(f"/tasks/{page.named('id')}/{_number(page)}", told=told)


def _text_of(at: datetime | None) -> str | None:
    """Write an instant as the interface takes it."""
    return None if at is None else at.isoformat()


# ---- restricted access ---------------------------------------------------------------------------------------------


def ask_restrict(page: Page) -> Response:
    """Ask whose access is restricted, until when."""
    return _step_page(page, "incident/restrict.html")


def restrict(page: Page) -> Response:
    """Restrict access as a step says."""
    until_at = page.typed.moment("until_at")
    if until_at is None:
        raise TypedError({"until_at": page.texts.gettext("Say when it ends.")})
    if not page.typed.get("review_on"):
        raise TypedError({"review_on": page.texts.gettext("Say on which day somebody looks at it again.")})
    asked = build(
        RestrictAsked,
        groups=page.typed.many("groups"),
        devices=page.typed.get("devices").split()[:MOST_DEVICE_LINES],
        until_at=_text_of(until_at),
        review_on=page.typed.get("review_on"),
        reason=page.typed.get("reason"),
    )
    routes.restrict_seen_step(page.named("id"), _number(page), asked, page.call, seen=page.typed.version())
    return _back(page, "restricted")


def ask_end(page: Page) -> Response:
    """Ask why access is given back before its time."""
    case = case_of(page)
    found = page.parts.incidents.restrictions.of(page.person, page.named("id"))
    restriction = next((each for each in found if each.id == page.named("restriction")), None)
    if restriction is None:
        raise UnknownIdError("There is no restriction with that id that you may end.")
    return page.render(
        "incident/end_restriction.html",
        id=page.named("id"),
        case=case,
        restriction=restriction,
        is_reader=may_know(page.parts, page.person, page.named("id")),
    )


def end(page: Page) -> Response:
    """Give access back before its time."""
    told = routes.end_restriction(
        page.named("restriction"), build(Reasoned, reason=page.typed.get("reason")), page.call
    )
    return page.go(f"/tasks/{told.incident}/{told.step}", told="restored")


# ---- warnings, further steps ---------------------------------------------------------------------------------------


def ask_withdraw(page: Page) -> Response:
    """Ask why a warning is taken back."""
    filed = brief_of(page)
    found = page.parts.incidents.warnings.of(page.person, filed.incident.id)
    warning = next((each for each in found if each.id == page.named("warning")), None)
    if warning is None:
        raise UnknownIdError("There is no warning with that id that you may read.")
    return page.render("incident/withdraw.html", **head_of(page, filed), warning=warning)


def withdraw(page: Page) -> Response:
    """Take a warning back."""
    told = routes.withdraw_warning(page.named("warning"), build(Reasoned, reason=page.typed.get("reason")), page.call)
    return page.go(f"/incidents/{told.incident}", told="withdrawn")


def ask_add(page: Page) -> Response:
    """Ask for a step that the row does not tick."""
    filed, language = brief_of(page), page.texts.language
    words = CaseWords(page.texts)
    table = page.parts.incidents.desk.table_of(filed.incident.audience.value)
    actions = table.actions.values() if table is not None else ()
    _ = page.texts.gettext
    return page.render(
        "incident/add_step.html",
        **head_of(page, filed),
        actions=[("", _("something else, in my words")), *((a.id, a.label.in_language(language)) for a in actions)],
        kinds=[(each.value, words.step(each)) for each in Step],
        roles=[(each.value, spell_role(each, page.texts)) for each in Role if each is not Role.PUPIL],
        spans=_spans(page.texts),
    )


def _spans(texts: Texts) -> list[tuple[str, str]]:
    within = texts.gettext("within %(time)s")
    return [
        *((f"{hours} h", within % {"time": texts.amount(hours, "hour")}) for hours in (1, 4)),
        *(
            (
                f"{days} school days",
                within
                % {
                    "time": texts.ngettext("%(number)d school day", "%(number)d school days", days) % {"number": days}
                },
            )
            for days in (1, 2, 5, 10)
        ),
    ]


def add(page: Page) -> Response:
    """Add a step, with a reason."""
    asked = build(
        StepAddAsked,
        label=page.typed.get("label"),
        action=page.typed.get("action"),
        kind=page.typed.get("kind"),
        role=page.typed.get("role"),
        within=page.typed.get("within"),
        reason=page.typed.get("reason"),
    )
    routes.add_step(page.named("id"), asked, page.call)
    return page.go(f"/incidents/{page.named('id')}", told="step")
