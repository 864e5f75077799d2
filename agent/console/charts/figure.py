"""A whole figure: title, what each picture shows in a sentence, the pictures, and the same numbers as tables."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from agent.console.charts.chart import Chart, Panel, Series
from agent.console.charts.chart_words import DASH
from agent.console.charts.picture import NARROW, WIDE, draw_panel, draw_swatch
from agent.texts import Texts

# Tables of so few rows are open: who prints the page has them.
_OPEN_ROWS: Final = 14
# Figures that are asked for again unchanged are not drawn again; each has some ten kilobytes.
_KEPT_FIGURES: Final = 64
_TEMPLATES: Final = Environment(
    loader=PackageLoader("agent.console", "templates/charts"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A panel with its pictures, and the key where there are several series."""

    id: str
    panel: Panel
    pictures: tuple[Markup, ...]
    key: tuple[tuple[Markup, str], ...]


@dataclass(frozen=True, slots=True)
class _Table:
    """The numbers of panels that have the same places."""

    caption: str
    name: str
    heading: str
    columns: tuple[Series, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def is_open(self) -> bool:
        """Whether it is short enough to be seen at once."""
        return len(self.rows) <= _OPEN_ROWS


@lru_cache(maxsize=_KEPT_FIGURES)
def draw_figure(chart: Chart, texts: Texts, *, id: str) -> Markup:  # noqa: A002 (as HTML says)
    """Draw a chart as one `<figure>`.

    Args:
        id: that of the figure; begins every id within, so it is unique on the page.
    """
    drawn = [
        _draw(panel, texts, id=f"{id}-{number}", title_id=f"{id}-title")
        for number, panel in enumerate(chart.panels)
        if panel.values()
    ]
    page = _TEMPLATES.get_template("figure.html")
    return Markup(  # noqa: S704 (the template escapes)
        page.render(
            id=id,
            chart=chart,
            drawn=drawn,
            tables=_tables(chart),
            sentence=" ".join(_sentences(chart)),
            _=texts.gettext,
        )
    )


def _sentences(chart: Chart) -> list[str]:
    return [panel.summary for panel in chart.panels if panel.summary and not panel.values()]


def _draw(panel: Panel, texts: Texts, *, id: str, title_id: str) -> _Drawn:  # noqa: A002 (as HTML says)
    labelled_by = f"{title_id} {id}-name {id}-summary"
    pictures = tuple(
        draw_panel(panel, texts, width, id=f"{id}-{width.name}", labelled_by=labelled_by) for width in (NARROW, WIDE)
    )
    several = enumerate(panel.series) if len(panel.series) > 1 else ()
    key = tuple((draw_swatch(number, panel.shape, id=f"{id}-k{number}"), each.name) for number, each in several)
    return _Drawn(id, panel, pictures, key)


def _tables(chart: Chart) -> list[_Table]:
    """Put the numbers into tables; panels one after the other that have the same places share one."""
    groups: list[list[Panel]] = []
    for panel in chart.panels:
        if groups and (groups[-1][0].heading, groups[-1][0].labels) == (panel.heading, panel.labels):
            groups[-1].append(panel)
        elif panel.labels:
            groups.append([panel])
    return [_table(chart.title, group) for group in groups]


def _table(title: str, panels: list[Panel]) -> _Table:
    first = panels[0]
    columns = tuple(each for panel in panels for each in (*panel.series, *panel.extra))
    rows = tuple(
        (label, tuple(column.marks[place].text for column in columns)) for place, label in enumerate(first.labels)
    )
    name = ", ".join(dict.fromkeys(panel.title for panel in panels))
    return _Table(f"{title} {DASH} {name}", name, first.heading, columns, rows)
