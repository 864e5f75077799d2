"""The days of which somebody wants a register: all of them, a part of the school year, or days of their own."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from babel.dates import format_date, format_interval
from pydantic import BaseModel

from agent.console.charts.periods import Period
from agent.console.page import Page
from agent.console.registers.governor_figures import Span, period_of
from agent.console.typed import TypedError, build
from agent.texts import Texts

EVERYTHING: Final = "all"
# In which days of one's own are kept from one part of a register to the next.
OWN_DAYS: Final = "days"


@dataclass(frozen=True, slots=True)
class Days:
    """The first and the last day on the clock of the school, both included; None is open."""

    first: date | None = None
    last: date | None = None

    def __bool__(self) -> bool:
        return self.first is not None or self.last is not None


class _Typed(BaseModel):
    from_on: date | None
    until_on: date | None


def ready_periods(page: Page) -> dict[Span, Period]:
    """Give the parts of the school year that can be chosen."""
    desk = page.parts.incidents.desk
    site, today = desk.site(), desk.day_of(page.now)
    year = desk.pseudonyms.year_began(today)
    return {span: period_of(span, today, site.terms, site.holidays, year) for span in Span}


def choices_of_period(page: Page) -> list[tuple[str, str]]:
    """Give what can be chosen, each with its days."""
    _ = page.texts.gettext
    words = {
        Span.HALF_TERM: _("This half term"),
        Span.TERM: _("This term"),
        Span.YEAR: _("This school year"),
    }
    ready = {
        span.value: f"{words[span]} ({spell_days(Days(period.first, period.last), page.texts)})"
        for span, period in ready_periods(page).items()
    }
    return [(EVERYTHING, _("Everything on file")), *ready.items(), (OWN_DAYS, _("The days that I give below"))]


def days_of(page: Page) -> Days:
    """Read which days somebody chose.

    Raises:
        TypedError: what was typed is no day, or two periods were chosen at once.
    """
    typed = page.typed
    own = build(_Typed, from_on=typed.get("from_on") or None, until_on=typed.get("until_on") or None)
    chosen = typed.get("period")
    if chosen not in tuple(Span):
        return Days(own.from_on, own.until_on)
    if own.from_on or own.until_on:
        raise TypedError({"period": "Expected either one of these periods or days of your own, not both."})
    period = ready_periods(page)[Span(chosen)]
    return Days(period.first, period.last)


def spell_days(days: Days, texts: Texts) -> str:
    """Write days in words; nothing where every day is meant."""
    _ = texts.gettext
    if days.first and days.last:
        return str(format_interval(days.first, days.last, "yMMMd", locale=texts.locale))
    if days.first:
        return _("from %(day)s on") % {"day": format_date(days.first, "long", locale=texts.locale)}
    if days.last:
        return _("up to %(day)s") % {"day": format_date(days.last, "long", locale=texts.locale)}
    return ""
