"""Why is it blocked? Any name, for an audience, a group, a network or an address, at any time, with the reason."""

from typing import Final

from starlette.responses import Response

from agent.api.explain_routes import MAX_NAME_CHARACTERS, explained, may_ask_addresses, worded_for
from agent.assembly import without_granted
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.typed import Typed, TypedError
from agent.explaining.what_if import NETWORK
from rules.errors import ConfigurationError
from rules.roles import Right
from rules.subject import Audience

_MAX_ADDRESS_CHARACTERS: Final = 64
# Which field of the form a part of a question stands in.
_FIELDS: Final = {"NAME": "name", "--as": "who", "--at": "at"}


def add_explain_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/explain", show_explanation)


def show_explanation(page: Page) -> Response:
    """Ask for a name, and say why it is blocked or open."""
    asked = {name: _asked(page, name) for name in ("name", "who", "address", "at", "at_which")}
    page.typed = Typed({name: [value] for name, value in asked.items() if value}, timezone=page.parts.timezone)
    call, explanation = page.call, None
    if asked["name"]:
        try:
            at = page.typed.moment("at")
            explanation = explained(
                call,
                name=asked["name"],
                who=asked["address"] or asked["who"] or Audience.PUPIL,
                at=None if at is None else at.isoformat(),
            )
        except TypedError as error:
            page.faults = error.faults
        except ConfigurationError as error:
            page.faults = _faults(page, error)
    return page.render(
        "explain/explain.html",
        choices=_choices(page),
        may_ask_addresses=may_ask_addresses(call),
        explanation=explanation,
        worded=None if explanation is None else worded_for(call, explanation, page.texts),
        may_ask=page.may(Right.REQUEST_OVERRIDE) and page.may_open("/overrides/ask"),
        may_draft=page.may(Right.DRAFT_FILTER_CHANGE),
    )


def _asked(page: Page, name: str) -> str:
    """Give what stands in the address; of what is too long, enough to see that it is."""
    longest = _MAX_ADDRESS_CHARACTERS if name == "address" else MAX_NAME_CHARACTERS
    return page.request.query_params.get(name, "").strip()[:longest]


def _choices(page: Page) -> list[tuple[str, str]]:
    """Give for whom one may ask: everybody of an audience, a group, or whoever is in a network."""
    texts, site = page.texts, without_granted(page.parts.incidents.desk.site())
    _ = texts.gettext
    audiences = [(each.value, texts.audience(each)) for each in Audience]
    groups = [
        (
            each.name if each.audience is None else f"{each.audience}+{each.name}",
            _("group %(name)s") % {"name": each.name},
        )
        for each in site.groups
    ]
    networks = [(f"{NETWORK}:{each.name}", _("network %(name)s") % {"name": each.name}) for each in site.networks]
    return [*audiences, *groups, *networks]


def _faults(page: Page, error: ConfigurationError) -> dict[str, str]:
    """Word what could not be read, beside its field; what was typed is not said again."""
    _ = page.texts.gettext
    words = {
        "name": _("This is no name; expected one such as www.example.com, or the address of a page."),
        "who": _("Nobody here is meant by this."),
        "address": _("This is no address of a network of the school."),
        "at": _("This is no instant."),
    }
    found = [_FIELDS.get(problem.where, "name") for problem in error.problems]
    if page.typed.get("address"):
        found = ["address" if field == "who" else field for field in found]
    return {field: words[field] for field in found}
