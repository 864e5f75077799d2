"""Charts of how the network is used and what is asked of people: queries and blocks, overrides and waiting."""

from collections.abc import Sequence
from typing import TypedDict

from markupsafe import Markup

from agent.console.charts.activity_figures import Activity, BlocksByCategory
from agent.console.charts.chart import Chart, Mark, Panel, Scale, Series, Shape
from agent.console.charts.chart_words import (
    category_name,
    count_mark,
    days,
    heading_of,
    label_of,
    number,
    span,
    span_mark,
    tick_of,
    when,
)
from agent.console.charts.figure import draw_figure
from agent.console.charts.override_figures import Outcome, Overrides, Wait
from agent.console.charts.periods import Bin
from agent.texts import Texts
from rules.small_numbers import Hidden

_MOST_CATEGORIES = 12


def draw_activity(figures: Activity, texts: Texts, *, id: str) -> Markup:  # noqa: A002 (as HTML says)
    """Draw queries and blocks over time."""
    _ = texts.gettext

    def panel(title: str, most: str, values: Sequence[int | None]) -> Panel:
        place = _highest(values)
        return Panel(
            title=title,
            summary=_none(texts)
            if place is None
            else most % {"when": when(figures.bins[place], texts), "count": number(values[place] or 0, texts)},
            heading=heading_of(figures.bins[0].unit, texts),
            labels=tuple(label_of(each, texts) for each in figures.bins),
            ticks=tuple(tick_of(each, texts) for each in figures.bins),
            series=(Series(title, tuple(count_mark(value, texts) for value in values)),),
        )

    panels = (
        panel(_("Queries"), _("Most queries were %(when)s: %(count)s."), figures.asked),
        panel(_("Blocked"), _("Most blocks were %(when)s: %(count)s."), figures.blocked),
    )
    title = _("Queries and blocks, %(days)s") % {"days": _days(figures.bins, texts)}
    return draw_figure(Chart(title, panels, _none(texts)), texts, id=id)


def draw_blocks_by_category(figures: BlocksByCategory, texts: Texts, *, id: str) -> Markup:  # noqa: A002 (as HTML says)
    """Draw blocks by category, the most first."""
    _ = texts.gettext
    shown = figures.categories[:_MOST_CATEGORIES]
    left_out = len(figures.categories) - len(shown)
    marks = tuple(count_mark(each, texts, small_number=figures.small_number) for _category, each in shown)
    known = [place for place, (_category, each) in enumerate(shown) if isinstance(each, int)]
    summary = _("No category has a number that is shown.")
    if known:
        summary = _("Most was blocked as “%(category)s”: %(count)s.") % {
            "category": category_name(shown[known[0]][0], texts),
            "count": marks[known[0]].text,
        }
    panel = Panel(
        title=_("Blocks by category"),
        summary=summary if shown else "",
        heading=_("Category"),
        labels=tuple(category_name(category, texts) for category, _count in shown),
        series=(Series(_("Blocked"), marks),),
        shape=Shape.ROWS,
    )
    notes = [
        _("In all: %(count)s.") % {"count": count_mark(figures.total, texts, small_number=figures.small_number).text}
    ]
    if left_out:
        notes.append(
            texts.ngettext(
                "%(count)d more category is left out.", "%(count)d more categories are left out.", left_out
            )
            % {"count": left_out}
        )
    title = _("What was blocked, %(days)s") % {"days": days(figures.period.first, figures.period.last, texts)}
    return draw_figure(Chart(title, (panel,), _none(texts), " ".join(notes) if shown else ""), texts, id=id)


def draw_overrides(figures: Overrides, texts: Texts, *, id: str) -> Markup:  # noqa: A002 (as HTML says)
    """Draw how often overrides are asked for, what becomes of them, and how long people wait."""
    bins = tuple(each.bin for each in figures.weeks)
    note = texts.gettext("In all: %(count)s.") % {
        "count": count_mark(figures.total, texts, small_number=figures.small_number).text
    }
    title = texts.gettext("Overrides, %(days)s") % {"days": _days(bins, texts)}
    often, waits = _over_time(figures, bins, texts)
    # What is known of all weeks together is told also where no single one is.
    notes = [note] if waits.values() else [note, waits.summary]
    chart = Chart(title, (often, waits, _by_outcome(figures, texts)), _none(texts), " ".join(filter(None, notes)))
    return draw_figure(chart, texts, id=id)


def _over_time(figures: Overrides, bins: tuple[Bin, ...], texts: Texts) -> tuple[Panel, Panel]:
    _ = texts.gettext
    asked = [each.asked for each in figures.weeks]
    place = _highest(asked)
    highest = 0 if place is None else asked[place]
    frame: _Frame = {
        "heading": heading_of(bins[0].unit, texts),
        "labels": tuple(label_of(each, texts) for each in bins),
        "ticks": tuple(tick_of(each, texts) for each in bins),
    }

    def spans(name: str, values: Sequence[Wait]) -> Series:
        return Series(name, tuple(_wait_mark(value, texts) for value in values))

    often = Panel(
        title=_("Overrides asked for"),
        summary=_("Nothing that is shown stands out.")
        if place is None or isinstance(highest, Hidden)
        else _("Most were asked for %(when)s: %(count)s.")
        % {"when": when(bins[place], texts), "count": number(highest, texts)},
        series=(
            Series(
                _("Asked for"),
                tuple(count_mark(each, texts, small_number=figures.small_number) for each in asked),
            ),
        ),
        **frame,
    )
    waits = Panel(
        title=_("Time to a decision"),
        summary=_wait_words(figures, texts),
        series=(
            spans(_("Half within"), [each.median_seconds for each in figures.weeks]),
            spans(_("Nine in ten within"), [each.nearly_all_seconds for each in figures.weeks]),
        ),
        shape=Shape.LINES,
        scale=Scale.SECONDS,
        **frame,
    )
    return often, waits


class _Frame(TypedDict):
    """Where the marks of panels over the same time stand."""

    heading: str
    labels: tuple[str, ...]
    ticks: tuple[str, ...]


def _wait_mark(wait: Wait, texts: Texts) -> Mark:
    _ = texts.gettext
    return (
        Mark(None, _("not shown")) if isinstance(wait, Hidden) else span_mark(wait, texts, without=_("none decided"))
    )


def _wait_words(figures: Overrides, texts: Texts) -> str:
    _ = texts.gettext
    median, nearly_all = figures.median_seconds, figures.nearly_all_seconds
    if isinstance(median, Hidden):
        return _("Of few requests it is not told how long somebody waited.")
    if median is None or nearly_all is None:
        return ""
    if isinstance(nearly_all, Hidden):
        return _("Half were decided within %(median)s.") % {"median": span(median, texts)}
    return _("Half were decided within %(median)s, nine in ten within %(most)s.") % {
        "median": span(median, texts),
        "most": span(nearly_all, texts),
    }


def _by_outcome(figures: Overrides, texts: Texts) -> Panel:
    _ = texts.gettext
    words = {
        Outcome.WAITING: _("Not decided yet"),
        Outcome.APPROVED: _("Agreed to"),
        Outcome.REFUSED: _("Turned down"),
        Outcome.WITHDRAWN: _("Taken back by whoever asked"),
        Outcome.UNDECIDED: _("Over before anybody decided"),
        Outcome.EMERGENCY: _("Emergencies"),
    }
    marks = tuple(
        count_mark(count, texts, small_number=figures.small_number) for _outcome, count in figures.by_outcome
    )
    place = _highest([count for _outcome, count in figures.by_outcome])
    summary = _("Small numbers are not shown.")
    if place is not None:
        summary = _("Most stand under “%(what)s”: %(count)s.") % {
            "what": words[figures.by_outcome[place][0]],
            "count": marks[place].text,
        }
    return Panel(
        title=_("What became of them"),
        summary=summary,
        heading=_("What became of them"),
        labels=tuple(words[outcome] for outcome, _count in figures.by_outcome),
        series=(Series(_("Asked for"), marks),),
        shape=Shape.ROWS,
    )


def _none(texts: Texts) -> str:
    return texts.gettext("Nothing was counted in these days.")


def _days(bins: Sequence[Bin], texts: Texts) -> str:
    return days(bins[0].first, bins[-1].last, texts)


def _highest(values: Sequence[int | Hidden | None]) -> int | None:
    """Give the place of the highest value that is known; None where there is none but nothing."""
    known = [(value, -place) for place, value in enumerate(values) if isinstance(value, int) and value > 0]
    return -max(known)[1] if known else None
