"""The day in half a minute: is filtering on and right, what needs me, what changed? A sentence each, then facts."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from babel.dates import get_day_names
from starlette.responses import Response

from agent.console.day.day_figures import last_school_day, read_filtering
from agent.console.day.day_waiting import read_changes, read_waiting
from agent.console.day.day_words import (
    answer_changes,
    answer_filtering,
    answer_waiting,
    list_words,
    span_of,
    stand_words,
    waiting_lines,
    weight_words,
)
from agent.console.filtering.filter_words import change_words
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.setup.setup_steps import networks_seen


def add_day_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/day", show_day)


def show_day(page: Page) -> Response:
    """Show how the filter stands, what waits for whoever looks, and what has changed."""
    filtering, waiting = read_filtering(page.parts), read_waiting(page.call)
    zone = ZoneInfo(page.parts.timezone)
    changes = read_changes(page.call, datetime.combine(last_school_day(page.parts), time(), zone))
    texts = page.texts
    return page.render(
        "day/day.html",
        filtering=filtering,
        waiting=waiting,
        changes=changes,
        is_on=answer_filtering(filtering, texts),
        needs_me=answer_waiting(waiting, texts),
        has_changed=answer_changes(changes, page.now.astimezone(zone), texts),
        lines=waiting_lines(waiting, texts),
        weights=[(weight_words(each, texts), number) for each, number in waiting.weights.items()],
        stands=stand_words(texts),
        seen={each.name: each for each in networks_seen(page.parts)},
        change_words=lambda sentence: change_words(sentence, texts),
        list_states=list_words(texts),
        span=lambda seconds: span_of(seconds, texts),
        weekday=get_day_names("wide", locale=texts.locale)[page.now.astimezone(zone).weekday()],
    )
