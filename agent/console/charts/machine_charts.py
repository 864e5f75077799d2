"""Charts of the machinery: how old the lists are, which laptops are encrypted, in which networks filtering works."""

from collections import Counter

from markupsafe import Markup

from agent.console.charts.chart import Chart, Mark, Panel, Scale, Series, Shape
from agent.console.charts.chart_words import count_mark, number, percent, span
from agent.console.charts.coverage_figures import Coverage, Filtering, NetworkCoverage
from agent.console.charts.figure import draw_figure
from agent.console.charts.fleet_figures import Encryption
from agent.console.charts.list_figures import ListAge, ListAges
from agent.lists.list_status import ListState
from agent.texts import Texts


def draw_list_ages(figures: ListAges, texts: Texts, *, id: str) -> Markup:  # noqa: A002 (as HTML says)
    """Draw how much of the age that it may have each list has."""
    _ = texts.gettext
    lists = figures.lists
    old = sum(
        each.age_seconds is None or each.age_seconds > each.most_seconds or each.state is ListState.STALE
        for each in lists
    )
    summary = texts.ngettext(
        "%(old)d list of %(count)d is too old or was never loaded.",
        "%(old)d lists of %(count)d are too old or were never loaded.",
        old,
    )
    if not old:
        summary = texts.ngettext("The one list is young enough.", "All %(count)d lists are young enough.", len(lists))
    panel = Panel(
        title=_("Age of each list"),
        summary=summary % {"old": old, "count": len(lists)},
        heading=_("List"),
        labels=tuple(each.name for each in lists),
        series=(Series(_("Age"), tuple(_age(each, texts) for each in lists)),),
        extra=(Series(_("State"), tuple(Mark(None, _list_state(each.state, texts)) for each in lists)),),
        shape=Shape.ROWS,
        scale=Scale.SHARE,
        limit=1.0,
        limit_text=_("Each bar is the age as a part of what it may be; the upright line is where a list is too old.")
        if any(each.age_seconds is not None for each in lists)
        else "",
    )
    chart = Chart(_("How old the lists are"), (panel,) if lists else (), _("The site has no lists."))
    return draw_figure(chart, texts, id=id)


def _age(age: ListAge, texts: Texts) -> Mark:
    if age.age_seconds is None:
        return Mark(None, texts.gettext("never loaded"))
    written = texts.gettext("%(age)s (at most %(most)s)") % {
        "age": span(max(age.age_seconds, 0.0), texts),
        "most": span(age.most_seconds, texts),
    }
    # Of one that is very old, only that it is is drawn, or the others would not be seen.
    return Mark(min(max(age.age_seconds / age.most_seconds, 0.0), 2.0), written)


def _list_state(state: ListState, texts: Texts) -> str:
    _ = texts.gettext
    return {
        ListState.FRESH: _("young enough"),
        ListState.STALE: _("too old"),
        ListState.REFUSED: _("new copy refused"),
        ListState.MISSING: _("source not found"),
        ListState.NEVER_LOADED: _("never loaded"),
    }[state]


def draw_encryption(figures: Encryption, texts: Texts, *, id: str) -> Markup:  # noqa: A002 (as HTML says)
    """Draw how many laptops are encrypted, how many are not, and of how many nobody knows."""
    _ = texts.gettext
    counts = (figures.encrypted, figures.not_encrypted, figures.unknown)
    summary = _("Small numbers are not shown.")
    if isinstance(figures.encrypted, int) and isinstance(figures.total, int) and figures.total:
        summary = _("%(count)s of %(total)s laptops have proved that their disk is encrypted: %(share)s.") % {
            "count": number(figures.encrypted, texts),
            "total": number(figures.total, texts),
            "share": percent(figures.encrypted / figures.total, texts),
        }
    panel = Panel(
        title=_("Disks of laptops"),
        summary=summary,
        heading=_("Disk"),
        labels=(_("encrypted"), _("not encrypted"), _("not known")),
        series=(
            Series(
                _("Laptops"), tuple(count_mark(each, texts, small_number=figures.small_number) for each in counts)
            ),
        ),
        shape=Shape.ROWS,
    )
    total = count_mark(figures.total, texts, small_number=figures.small_number).text
    chart = Chart(
        title=_("Encryption of laptops, now"),
        panels=() if figures.total == 0 else (panel,),
        empty=_("No laptop is on the list."),
        note="" if figures.total == 0 else _("In all: %(count)s.") % {"count": total},
    )
    return draw_figure(chart, texts, id=id)


def draw_coverage(
    figures: Coverage,
    texts: Texts,
    *,
    id: str,  # noqa: A002 (as HTML says)
    suspended: frozenset[str] = frozenset(),
) -> Markup:
    """Draw in which networks the filter was seen to work.

    Args:
        suspended: the networks in which people switched it off for a while.
    """
    _ = texts.gettext
    networks = figures.networks
    found = Counter(each.filtering for each in networks if each.network not in suspended)
    seen = found[Filtering.ON] + found[Filtering.OPENED]
    summary = _("Filtering was seen to work in %(seen)d of %(count)d networks.") % {
        "seen": seen,
        "count": len(networks),
    }
    panel = Panel(
        title=_("Test names that are blocked, by network"),
        summary=summary,
        heading=_("Network"),
        labels=tuple(each.network for each in networks),
        series=(
            Series(
                _("Test names blocked"),
                tuple(_blocked(each, texts, is_suspended=each.network in suspended) for each in networks),
            ),
        ),
        extra=(Series(_("Whose"), tuple(Mark(None, texts.audience(each.audience)) for each in networks)),),
        shape=Shape.ROWS,
        scale=Scale.SHARE,
    )
    chart = Chart(_("Networks"), (panel,) if networks else (), _("The site has no networks."))
    return draw_figure(chart, texts, id=id)


def _blocked(network: NetworkCoverage, texts: Texts, *, is_suspended: bool) -> Mark:
    _ = texts.gettext
    if network.blocked is None:
        return Mark(None, _("nobody looked of late"))
    written = _("%(blocked)d of %(expected)d") % {"blocked": network.blocked, "expected": network.expected}
    share = network.blocked / network.expected if network.expected else None
    stands = _("off for a while") if is_suspended else _filtering(network.filtering, texts)
    return Mark(share, f"{written}{_(': ')}{stands}")


def _filtering(filtering: Filtering, texts: Texts) -> str:
    _ = texts.gettext
    return {
        Filtering.ON: _("on"),
        Filtering.OPENED: _("partly open, on record"),
        Filtering.OFF: _("off without a record"),
        Filtering.UNKNOWN: _("not known"),
    }[filtering]
