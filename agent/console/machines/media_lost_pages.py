"""What is lost or stolen: reported by anybody on the staff, with what was on record about it at that moment."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from babel.dates import format_date
from starlette.responses import Response

from agent.api import media_routes
from agent.api.media_schemas import LostAsked, LostTold
from agent.api.problems import sentence
from agent.console.machines.media_pages import number_of
from agent.console.machines.medium_words import (
    crypt_words,
    kind_choices,
    words_of_loss,
    words_stated,
)
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.typed import TypedError, build
from agent.people.attempts import UnknownIdError
from rules.medium import LostHow


def add_media_lost_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/media/lost", list_lost)
    pages.get("/media/lost/report", show_report)
    pages.post("/media/lost/report", report, form=show_report)
    pages.get("/media/lost/{number}", show_lost)


def list_lost(page: Page) -> Response:
    """List the reports that who is signed in may see, the newest first."""
    listed = media_routes.list_lost(page.call, after=page.query("after") or None)
    rows = [(each, words_of_loss(each.how, page.texts), what_words(page, each)) for each in listed.items]
    return page.render("media/lost.html", rows=rows, later={"after": listed.next} if listed.next else None)


def show_report(page: Page) -> Response:
    """Show the form; a link may say which medium or laptop it is."""
    return page.render(
        "media/report.html",
        medium=page.query("medium")[:15],
        device=page.query("device")[:64],
        hows=[(each.value, words_of_loss(each.value, page.texts)) for each in LostHow],
    )


def report(page: Page) -> Response:
    """Report that something is gone; those who must know are told at once."""
    typed = page.typed
    asked = build(
        LostAsked,
        how=typed.get("how") or LostHow.LOST.value,
        text=typed.get("text"),
        medium=_medium_of(page),
        device=typed.get("device") or None,
        missed_on=typed.get("missed_on") or None,
    )
    try:
        made = media_routes.report_lost(asked, page.call)
    except UnknownIdError as error:
        # Whoever has just lost something must not lose what they wrote about it as well.
        raise TypedError({"medium" if asked.medium is not None else "device": sentence(str(error))}) from None
    return page.go(f"/media/lost/{made.number}", told="reported")


def _medium_of(page: Page) -> int | None:
    written = page.typed.get("medium").upper().removeprefix("M-")
    if not written:
        return None
    if not written.isascii() or not written.isdigit() or len(written) > 15:
        raise TypedError({"medium": page.texts.gettext("Expected the number of a medium, such as M-12.")})
    return int(written)


def show_lost(page: Page) -> Response:
    """Show a report with what was on record at that moment, as far as who is signed in may see it."""
    told = media_routes.show_lost(number_of(page), page.call)
    _ = page.texts.gettext
    words = _("It is reported. The head teacher, the data protection officer and the ICT co-ordinator are told now.")
    return page.render(
        "media/loss.html",
        loss=told,
        how=words_of_loss(told.how, page.texts),
        what=what_words(page, told),
        on_record=_on_record(page, told.on_record),
        told=page.told({"reported": words}),
    )


def what_words(page: Page, told: LostTold) -> str:
    """Say what is gone."""
    _ = page.texts.gettext
    if told.medium is not None:
        return f"M-{told.medium}"
    return _("laptop %(id)s") % {"id": told.device} if told.device else _("something else")


def _on_record(page: Page, record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give what was known when it was reported, each by its name; nothing that comes later changes it."""
    texts = page.texts
    _ = texts.gettext
    lines = [
        (_("What it is"), dict(kind_choices(texts)).get(str(record.get("kind", "")), "")),
        (_("Label"), str(record.get("label") or "")),
        (_("Answers for it"), str((record.get("owner") or {}).get("name", ""))),
        (_("What for"), str(record.get("purpose") or "")),
        (_("Kept"), str(record.get("place") or "")),
        (_("Personal data"), _yes_or_no(record.get("holds_personal_data"), page)),
        (_("Said"), words_stated(str(record.get("stated") or ""), texts)),
        (_("Said how it is protected"), str(record.get("attested") or "")),
        (_("Proved last"), _proof(page, record.get("proved"))),
        (_("Worst that was proved"), _proof(page, record.get("worst_proved"))),
        (_("Checked for viruses"), _day(page, record.get("checked_on"))),
        (_("To be cleared"), _day(page, record.get("purge_on"))),
        (_("Exception"), str(record.get("exception") or "")),
        (_("Who had it"), _permit(record.get("signed_out"))),
        (_("Also out"), "; ".join(_permit(each) for each in record.get("signed_out_to_holder") or ())),
    ]
    return [(name, words) for name, words in lines if words]


def _yes_or_no(value: object, page: Page) -> str:
    if value is None:
        return ""
    return page.texts.gettext("yes") if value else page.texts.gettext("no")


def _proof(page: Page, proof: object) -> str:
    if not isinstance(proof, Mapping):
        return ""
    words = crypt_words(str(proof.get("crypt", "")), page.texts)[0]
    try:
        at = datetime.fromisoformat(str(proof.get("at")))
    except ValueError:
        return words
    return f"{words} ({page.texts.moment(at, page.parts.timezone)})"


def _day(page: Page, value: object) -> str:
    try:
        return format_date(date.fromisoformat(str(value)), "medium", locale=page.texts.locale) if value else ""
    except ValueError:
        return str(value)


def _permit(permit: object) -> str:
    if not isinstance(permit, Mapping):
        return ""
    return f"{permit.get('medium')} · {(permit.get('person') or {}).get('name', '')}"
