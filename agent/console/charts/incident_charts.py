"""Charts of incidents: how many by week and row of the school's table, and how often a candidate was one."""

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from agent.console.charts.chart import Chart, Panel, Scale, Series, Shape
from agent.console.charts.chart_words import (
    count_mark,
    days,
    heading_of,
    kind_name,
    label_of,
    number,
    percent,
    share_mark,
    tick_of,
    when,
)
from agent.console.charts.figure import draw_figure
from agent.console.charts.incident_figures import Incidents, Precision, Precisions, RowCount
from agent.incidents.incident_counts import NO_ROW
from agent.texts import Texts

# So many rows have a hatch of their own; the rest is drawn together and stands apart in the table.
_DRAWN_ROWS: Final = 4
# In columns of more stretches, hatches are too narrow to be told apart.
_HATCHED_BINS: Final = 27


def draw_incidents(figures: Incidents, texts: Texts, *, id: str) -> Markup:  # noqa: A002 (as HTML says)
    """Draw incidents by week and by row."""
    _ = texts.gettext
    bins = figures.bins
    marks = tuple(count_mark(each, texts, small_number=figures.small_number) for each in figures.by_time)
    known = [(each, -place) for place, each in enumerate(figures.by_time) if isinstance(each, int) and each > 0]
    most = _("Nothing that is shown stands out.")
    if known:
        highest, place = max(known)
        most = _("Most were opened %(when)s: %(count)s.") % {
            "when": when(bins[-place], texts),
            "count": number(highest, texts),
        }
    whole, rows = (Series(_("All incidents"), marks),), _rows_of_table(figures, texts)
    drawn, beside = (rows, whole) if rows and len(bins) <= _HATCHED_BINS else (whole, rows)
    by_time = Panel(
        title=_("Incidents over time"),
        summary=most,
        heading=heading_of(bins[0].unit, texts),
        labels=tuple(label_of(each, texts) for each in bins),
        ticks=tuple(tick_of(each, texts) for each in bins),
        series=drawn,
        extra=beside,
    )
    counts = tuple(count_mark(each.count, texts, small_number=figures.small_number) for each in figures.by_row)
    by_row = Panel(
        title=_("Incidents by row of the table"),
        summary=_most_of_rows(figures, texts),
        heading=_("Row"),
        labels=tuple(_row_name(each, texts) for each in figures.by_row),
        series=(Series(_("Incidents"), counts),),
        shape=Shape.ROWS,
    )
    period = days(bins[0].first, bins[-1].last, texts)
    total = count_mark(figures.total, texts, small_number=figures.small_number)
    note = _("In all: %(count)s.") % {"count": total.text}
    is_empty = figures.total == 0
    chart = Chart(
        title=_("Incidents, %(days)s") % {"days": period},
        panels=() if is_empty else (by_time, by_row),
        empty=_("No incident was opened in these days."),
        note="" if is_empty else note,
    )
    return draw_figure(chart, texts, id=id)


def _rows_of_table(figures: Incidents, texts: Texts) -> tuple[Series, ...]:
    """Give the rows that are told apart by time; none where counts by both are not told, or there is one row."""
    rows = [each for each in figures.by_row if each.row in figures.by_both]
    if len(rows) < 2:
        return ()
    own = len(rows) if len(rows) <= _DRAWN_ROWS + 1 else _DRAWN_ROWS
    drawn = [(_row_name(each, texts), figures.by_both[each.row]) for each in rows[:own]]
    if rest := [figures.by_both[each.row] for each in rows[own:]]:
        drawn.append((texts.gettext("All other rows"), tuple(map(sum, zip(*rest, strict=True)))))
    return tuple(Series(name, tuple(count_mark(each, texts) for each in counts)) for name, counts in drawn)


def _row_name(row: RowCount, texts: Texts) -> str:
    if row.row == NO_ROW:
        return texts.gettext("No row of the table")
    name = texts.gettext(row.label) if row.label else row.row
    if row.audience is None:
        return name
    return texts.gettext("%(audience)s: %(row)s") % {"audience": texts.audience(row.audience), "row": name}


def _most_of_rows(figures: Incidents, texts: Texts) -> str:
    _ = texts.gettext
    known = [each for each in figures.by_row if isinstance(each.count, int) and each.count > 0]
    if not known or not isinstance(known[0].count, int):
        return _("No row has a number that is shown.")
    return _("Most came under “%(row)s”: %(count)s.") % {
        "row": _row_name(known[0], texts),
        "count": number(known[0].count, texts),
    }


def draw_precision(figures: Precisions, texts: Texts, *, id: str) -> Markup:  # noqa: A002 (as HTML says)
    """Draw which share of the candidates was accepted, by kind and by week."""
    _ = texts.gettext
    bins = figures.bins
    whole = figures.whole.share
    summary = ""
    if isinstance(whole, float):
        summary = _("Of the candidates that were decided, %(share)s were accepted.") % {
            "share": percent(whole, texts)
        }
    by_kind = Panel(
        title=_("Accepted, by kind"),
        summary=summary,
        heading=_("Kind"),
        labels=tuple(kind_name(kind, texts) for kind, _precision in figures.by_kind),
        series=(_shares([each for _kind, each in figures.by_kind], texts),),
        extra=_counts([each for _kind, each in figures.by_kind], texts),
        shape=Shape.ROWS,
        scale=Scale.SHARE,
    )
    by_time = Panel(
        title=_("Accepted, over time"),
        summary=_best(figures, texts),
        heading=heading_of(bins[0].unit, texts),
        labels=tuple(label_of(each, texts) for each in bins),
        ticks=tuple(tick_of(each, texts) for each in bins),
        series=(_shares(figures.by_time, texts),),
        extra=_counts(figures.by_time, texts),
        shape=Shape.LINES,
        scale=Scale.SHARE,
    )
    period = days(bins[0].first, bins[-1].last, texts)
    is_empty = not figures.by_kind
    chart = Chart(
        title=_("How often candidates were accepted, %(days)s") % {"days": period},
        panels=() if is_empty else (by_kind, by_time),
        empty=_("No candidate of these days has been decided."),
        note=_("Shares of few cases are not shown.") if figures.small_number and not is_empty else "",
    )
    return draw_figure(chart, texts, id=id)


def _shares(found: Sequence[Precision], texts: Texts) -> Series:
    return Series(texts.gettext("Accepted"), tuple(share_mark(each.share, texts) for each in found))


def _counts(found: Sequence[Precision], texts: Texts) -> tuple[Series, ...]:
    """Give how many there were for the table, where that may be told."""
    if any(each.decided is None for each in found):
        return ()
    accepted = Series(texts.gettext("Cases accepted"), tuple(count_mark(each.accepted, texts) for each in found))
    return accepted, Series(texts.gettext("Cases decided"), tuple(count_mark(each.decided, texts) for each in found))


def _best(figures: Precisions, texts: Texts) -> str:
    """Say between what the shares lay over time."""
    _ = texts.gettext
    known = [each.share for each in figures.by_time if isinstance(each.share, float)]
    if not known:
        return _("Small numbers are not shown.")
    least, most = percent(min(known), texts), percent(max(known), texts)
    # Where they are all the same, the picture says it.
    if least == most:
        return ""
    return _("Over time it was between %(least)s and %(most)s.") % {"least": least, "most": most}
