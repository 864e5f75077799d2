"""Numbers, shares, spans of time and dates as charts write them, in the language of the reader."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from babel.dates import format_interval, format_skeleton
from babel.numbers import format_compact_decimal, format_decimal, format_percent, format_scientific
from babel.units import format_unit

from agent.categories import load_categories
from agent.console.charts.chart import MOST_VALUE, Mark, Scale
from agent.console.charts.periods import Bin, Unit
from agent.dns.outcomes import NO_CATEGORY, OTHER, SAFE_SEARCH, SITE_NAME
from agent.packs.pack_words import spell_kind
from agent.texts import Texts
from rules.incident_kind import Kind
from rules.small_numbers import Count, Hidden

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
# Up to how many seconds a span is written in this unit.
_UNITS: Final = ((2 * _HOUR, "minute", _MINUTE), (2 * _DAY, "hour", _HOUR))
# Beyond what Babel writes digit by digit; nobody counts so far.
_TOO_LARGE: Final = 10**24
_COMPACT_FROM: Final = 10_000
DASH: Final = "\N{EN DASH}"


def count_mark(count: Count, texts: Texts, *, small_number: int = 0) -> Mark:
    """Give the mark of a count that may be hidden or not known."""
    _ = texts.gettext
    if count is None:
        return Mark(None, _("not known"))
    if count is Hidden.FEW:
        return Mark(None, _("fewer than %(count)s") % {"count": number(small_number, texts)})
    if count is Hidden.BESIDE:
        return Mark(None, _("not shown"))
    return Mark(float(min(max(count, 0), MOST_VALUE)), number(count, texts))


def share_mark(share: float | Hidden | None, texts: Texts) -> Mark:
    """Give the mark of a share of 1; None where it would be one of nothing."""
    if isinstance(share, Hidden):
        return Mark(None, texts.gettext("not shown"))
    if share is None:
        return Mark(None, DASH)
    return Mark(share, percent(share, texts))


def span_mark(seconds: float | None, texts: Texts, *, without: str) -> Mark:
    """Give the mark of a span of time, or what is said without one."""
    if seconds is None:
        return Mark(None, without)
    return Mark(min(max(seconds, 0.0), MOST_VALUE), span(seconds, texts))


def number(count: float, texts: Texts) -> str:
    """Write a whole number."""
    if count >= _TOO_LARGE:
        return str(format_scientific(count, locale=texts.locale))
    return str(format_decimal(round(count), locale=texts.locale))


def percent(share: float, texts: Texts) -> str:
    """Write a share of 1 in whole parts of a hundred."""
    return str(format_percent(share, locale=texts.locale))


def span(seconds: float, texts: Texts) -> str:
    """Write a span of time in the largest unit of which it has two or more, rounded."""
    unit, size = unit_of(seconds)
    return str(format_unit(round(seconds / size), f"duration-{unit}", length="short", locale=texts.locale))


def unit_of(seconds: float) -> tuple[str, int]:
    """Give the unit in which a span is written, and how many seconds it has."""
    return next(((unit, size) for most, unit, size in _UNITS if seconds < most), ("day", _DAY))


def on_axis(value: float, top: float, scale: Scale, texts: Texts) -> str:
    """Write a value beside an axis that ends at `top`."""
    if scale is Scale.SHARE:
        return percent(value, texts)
    if scale is Scale.SECONDS:
        unit, size = unit_of(top)
        return str(format_unit(round(value / size), f"duration-{unit}", length="narrow", locale=texts.locale))
    if value < _COMPACT_FROM:
        return number(value, texts)
    return str(format_compact_decimal(value, locale=texts.locale, fraction_digits=1))


def day(on: date, texts: Texts) -> str:
    """Write a date, short."""
    return str(format_skeleton("yMMMd", on, locale=texts.locale))


def days(first: date, last: date, texts: Texts) -> str:
    """Write from when until when."""
    return str(format_interval(first, last, "yMMMd", locale=texts.locale)) if first < last else day(first, texts)


def tick_of(place: Bin, texts: Texts) -> str:
    """Write a stretch of time as shortly as it is understood under a picture."""
    if place.unit is Unit.HOUR:
        return f"{place.hour:02}"
    skeleton = "yMMM" if place.unit is Unit.MONTH else "MMMd"
    return str(format_skeleton(skeleton, place.first, locale=texts.locale))


def label_of(place: Bin, texts: Texts) -> str:
    """Name a stretch of time in full."""
    if place.unit is Unit.HOUR:
        return f"{place.hour:02}{DASH}{place.hour + 1:02}"
    if place.unit is Unit.MONTH:
        return str(format_skeleton("yMMMM", place.first, locale=texts.locale))
    return day(place.first, texts)


def when(place: Bin, texts: Texts) -> str:
    """Say when something was: `between 10 and 11`."""
    _ = texts.gettext
    if place.unit is Unit.HOUR:
        return _("between %(from)d and %(until)d o'clock") % {"from": place.hour, "until": place.hour + 1}
    if place.unit is Unit.WEEK:
        return _("in the week from %(day)s") % {"day": day(place.first, texts)}
    if place.unit is Unit.MONTH:
        return _("in %(month)s") % {"month": label_of(place, texts)}
    return _("on %(day)s") % {"day": day(place.first, texts)}


def heading_of(unit: Unit, texts: Texts) -> str:
    """Name the column that says when."""
    _ = texts.gettext
    return {Unit.HOUR: _("Hour"), Unit.DAY: _("Day"), Unit.WEEK: _("Week from"), Unit.MONTH: _("Month")}[unit]


def category_name(category: str, texts: Texts) -> str:
    """Name a category as counters know it."""
    _ = texts.gettext
    known = load_categories().get(category)
    if known is not None:
        return known.name(texts.language)
    own: Mapping[str, str] = {
        NO_CATEGORY: _("No category"),
        SITE_NAME: _("Names that the school's own rules mention"),
        SAFE_SEARCH: _("Safe search"),
        OTHER: _("Everything else"),
    }
    return own.get(category, category)


def kind_name(kind: Kind, texts: Texts) -> str:
    """Name a kind of incident, as the beginning of a line."""
    spelt = spell_kind(kind, texts)
    return spelt[:1].upper() + spelt[1:]
