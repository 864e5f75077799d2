"""How notices arrive: what waits, what was sent and what could not be, and a try; never what they say or to whom."""

from typing import Any

from starlette.responses import Response

from agent.api import notice_routes
from agent.api.schemas import NoticeTold, TriedTold
from agent.console.page import Page
from agent.console.pages import Pages
from agent.notices.notify import MAIL
from agent.texts import Texts


def add_notification_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/notifications", show_notifications)
    pages.post("/notifications/test", try_out, form=show_notifications, is_kept=True)


def show_notifications(page: Page) -> Response:
    """Show how the queues stand, and what became of the newest notices."""
    return _shown(page)


def try_out(page: Page) -> Response:
    """Queue a test for every program that is told, and for the addresses of who asks."""
    return _shown(page, notice_routes.try_out(page.call))


def _shown(page: Page, tried: TriedTold | None = None) -> Response:
    texts, found = page.texts, notice_routes.show_queue(page.parts)
    return page.render(
        "people/notifications.html",
        queues=[(channel_words(each.channel, texts), each) for each in found.queues],
        rows=[_row(each, page) for each in found.items],
        told=_told(tried, texts) if tried else "",
        has_no_address=tried is not None and tried.has_mail and not tried.mails,
    )


def channel_words(channel: str, texts: Texts) -> str:
    """Name a way by which somebody is told."""
    return texts.gettext("By e-mail") if channel == MAIL else texts.gettext("To a program")


def _row(told: NoticeTold, page: Page) -> dict[str, Any]:
    _ = page.texts.gettext
    state = {
        "waiting": (_("waits"), "warn" if told.attempts else "quiet"),
        "sent": (_("sent"), "good"),
        "given_up": (_("could not be sent"), "bad"),
    }
    return {
        "told": told,
        "channel": channel_words(told.channel, page.texts),
        "state": state.get(told.state, (told.state, "quiet")),
        "fault": page.words(told.fault) if told.fault else "",
    }


def _told(tried: TriedTold, texts: Texts) -> str:
    number = tried.webhooks + tried.mails
    words = texts.ngettext(
        "%(number)d test is on its way. Load this page again in a few seconds to see what became of it.",
        "%(number)d tests are on their way. Load this page again in a few seconds to see what became of them.",
        number,
    )
    return words % {"number": number}
