"""What a governor sees: numbers without names, what to ask about them, and what the product is not."""

from typing import Final

from babel.dates import format_date
from starlette.responses import Response

from agent.api.banner import Off
from agent.console.charts.chart_words import count_mark
from agent.console.charts.incident_charts import draw_incidents, draw_precision
from agent.console.charts.machine_charts import draw_coverage, draw_list_ages
from agent.console.charts.use_charts import draw_overrides
from agent.console.day.day_figures import read_filtering
from agent.console.page import Page
from agent.console.pages import Pages
from agent.console.registers.governor_figures import (
    Ending,
    Governed,
    Span,
    period_of,
    read_governed,
    small_number_of,
)
from agent.console.registers.name_scan import names_in, read_labels, read_names
from agent.console.registers.record_words import kind_words
from agent.logs import log
from agent.texts import Texts
from rules.roles import Right

_TEMPLATE: Final = "governor/governor.html"
_MOST_LABELS: Final = 10


def add_governor_pages(pages: Pages) -> None:
    """Add the pages of this file."""
    pages.get("/governor", show_governor)


def show_governor(page: Page) -> Response:
    """Show the numbers of a part of the school year; a page that holds a name is held back."""
    written = page.query("period")
    span = Span(written) if written in tuple(Span) else Span.TERM
    desk = page.parts.incidents.desk
    site, today = desk.site(), desk.day_of(page.now)
    period = period_of(span, today, site.terms, site.holidays, desk.pseudonyms.year_began(today))
    governed, filtering = read_governed(page.parts, period), read_filtering(page.parts)
    texts = page.texts
    with page.parts.store.read() as database:
        names, labels = list(read_names(database)), list(read_labels(database))
    off = page.off(is_for_print=True)
    told = (
        (governed.incidents, governed.precision, governed.overrides),
        (filtering.coverage, filtering.lists),
    )
    if names_in(told, names) or names_in(told, labels):
        return _hold_back(page, off, names_in(told, labels))
    return page.render(
        _TEMPLATE,
        off=off,
        span=span.value,
        spans=_spans(texts),
        first=format_date(period.first, "long", locale=texts.locale),
        last=format_date(period.last, "long", locale=texts.locale),
        from_on=period.first.isoformat(),
        until_on=period.last.isoformat(),
        governed=governed,
        length=lambda hours: _length(hours, texts),
        endings=_endings(texts),
        acts=[(kind_words(kind, texts), number) for kind, number in governed.acts.items()],
        rules={
            name: count_mark(count, texts, small_number=small_number_of(page.parts)).text
            for name, count in governed.rules.items()
        },
        charts=_charts(governed, texts),
        coverage=draw_coverage(filtering.coverage, texts, id="coverage", suspended=filtering.suspended),
        lists=draw_list_ages(filtering.lists, texts, id="lists"),
        small_number=small_number_of(page.parts),
        questions=_questions(texts),
        limits=_limits(texts),
    )


def _length(hours: float, texts: Texts) -> str:
    """Write how long filtering was off; less than an hour in minutes, so that it is never told as nothing."""
    return (
        texts.amount(max(round(hours * 60), 1), "minute") if 0 < hours < 1 else texts.amount(round(hours, 1), "hour")
    )


def _hold_back(page: Page, off: list[Off], labels: list[str]) -> Response:
    """Show nothing of the page; whoever may see laptops learns which of them are called like something on it."""
    log.error("name_in_numbers", reason="a name would stand on the page without names")
    shown = labels[:_MOST_LABELS] if page.may(Right.MANAGE_DEVICES) else []
    return page.render("governor/held_back.html", off=off, labels=shown)


def _charts(governed: Governed, texts: Texts) -> list[object]:
    return [
        draw_incidents(governed.incidents, texts, id="incidents"),
        draw_precision(governed.precision, texts, id="precision"),
        draw_overrides(governed.overrides, texts, id="overrides"),
    ]


def _spans(texts: Texts) -> list[tuple[str, str]]:
    _ = texts.gettext
    return [
        (Span.HALF_TERM.value, _("This half term")),
        (Span.TERM.value, _("This term")),
        (Span.YEAR.value, _("This school year")),
    ]


def _endings(texts: Texts) -> dict[Ending, str]:
    _ = texts.gettext
    return {
        Ending.AS_AGREED: _("at the time that was agreed"),
        Ending.EARLY: _("before that, by somebody"),
        Ending.NOT_YET: _("not over yet"),
    }


def _questions(texts: Texts) -> list[str]:
    _ = texts.gettext
    return [
        _("Who at the school decides what is filtered, and when did they last look at it as a whole?"),
        _("When was the filter last tested on each network, by whom, and what came of it?"),
        _("Which times was filtering off, and was each of them needed and agreed beforehand?"),
        _("How long does a teacher wait for a site that a lesson needs, and does that get shorter?"),
        _("What did the incidents of this period change in what we teach?"),
        _("Which candidates turned out to be none, and what was done so that there are fewer of them?"),
        _("Who steps in when the safeguarding lead or the ICT Co-ordinator is away?"),
        _("Which devices and which ways to the internet does this filter not reach?"),
        _("What do pupils and parents know of what is blocked and what is recorded?"),
    ]


def _limits(texts: Texts) -> list[str]:
    _ = texts.gettext
    return [
        _("It sees the names of sites that are asked for, not pages, searches or what somebody does there."),
        _("A blocked name is not a visit, and a visit is not a deed: people decide what something was."),
        _("It filters on the school's networks. A telephone with its own connection goes past it."),
        _("It has no lists of illegal pictures or terrorism unless the school is a member of those who keep them."),
        _("Without a certificate of the school's own, a blocked secure page shows an error and no explanation."),
        _("It takes no pictures of screens, keeps no keystrokes, reads no files, and never watches in secret."),
        _("It never punishes by itself. It cannot take the place of adults who know their pupils."),
    ]
