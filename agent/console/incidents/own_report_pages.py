"""What somebody who is signed in reports: the form of the school, with their name unless they do not want that."""

from typing import Final

from starlette.responses import Response

from agent.api.report_routes import OwnReportAsked, report_as_oneself
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.typed import TypedError, build
from agent.observing.report_form import Question, report_form
from rules.roles import Role

_SERIOUS: Final = {"yes": True, "no": False}


def add_own_report_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/incidents/report", ask)
    pages.post("/incidents/report", report, form=ask, is_kept=True, is_lasting=True)


def ask(page: Page) -> Response:
    """Ask what happened."""
    return _show(page, "")


def _show(page: Page, receipt: str, thanks: str = "") -> Response:
    form = report_form(page.texts)
    return page.render(
        "incident/report.html",
        title=form.title,
        beforehand=form.beforehand,
        # Who they are is known.
        questions=[(each, _choices(each)) for each in form.questions if each.id != "name"],
        is_staff=bool(page.caller.roles - {Role.PUPIL}),
        receipt=receipt,
        thanks=thanks,
    )


def _choices(question: Question) -> list[tuple[str, str]]:
    return [(each.value, each.text) for each in question.choices]


def report(page: Page) -> Response:
    """Take the report, and give the number to ask after it, on the answer alone."""
    typed = page.typed
    asked = {name: typed.get(name) for name in ("about", "whom", "happened", "place") if typed.get(name)}
    if "about" not in asked:
        raise TypedError({"about": page.texts.gettext("Please choose one.")})
    made = build(
        OwnReportAsked,
        **asked,
        text=typed.get("text"),
        who=typed.get("who"),
        keeps=[line.strip() for line in typed.get("keeps").splitlines() if line.strip()],
        is_anonymous=typed.get("is_anonymous") == "yes",
        is_serious=_SERIOUS.get(typed.get("is_serious")),
    )
    told = report_as_oneself(made, page.call, page.texts.language)
    page.parts.follower.look()
    return _show(page, told.receipt, told.thanks)
