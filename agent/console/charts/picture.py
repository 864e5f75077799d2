"""Panels as SVG: pygal works out where things lie along time; shapes, places and our own words are taken over.

Neither style nor script nor address is in what comes out; how it looks is in `charts.css`, by classes. A picture is
made in two widths, and the style sheet shows the one in which text can be read. Series are told apart by hatches,
dashes and markers.
"""

import math
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

import pygal
from markupsafe import Markup
from pygal.style import Style

from agent.console.charts.chart import MOST_POINTS, MOST_ROWS, MOST_SERIES, MOST_VALUE, Panel, Scale, Series, Shape
from agent.console.charts.chart_words import DASH, on_axis, unit_of
from agent.texts import Texts

# It also brings an importer for maps that we do not draw, of a kind that Python has given up and warns of.
sys.meta_path[:] = [each for each in sys.meta_path if type(each).__module__ != pygal.__name__]

_PATTERN_SIZE: Final = 8
# What is drawn over the ground of each series; the first is plain.
_HATCHES: Final = (
    "",
    "M-2 2 l4 -4 M0 8 l8 -8 M6 10 l4 -4",
    "M2 2 h2 v2 h-2 z M6 6 h2 v2 h-2 z",
    "M0 4 h8",
    "M0 0 l8 8 M0 8 l8 -8",
    "M4 0 v8",
)
_MARKERS: Final = ("circle", "M-4 -4 h8 v8 h-8 z", "M0 -5 l5 9 h-10 z")
_KEPT: Final = {
    "rect": ("x", "y", "width", "height"),
    "path": ("d",),
    "text": ("x", "y"),
    "circle": ("cx", "cy"),
}
_NUMBER: Final = re.compile(r"-?\d+\.\d+")
_MOST_TICKS: Final = 4
_LETTER: Final = 0.56
# Words stand above their bar, and a little air below it.
_BAR: Final = 12
_AIR: Final = 10
_FOOT: Final = 2


@dataclass(frozen=True, slots=True)
class Width:
    """One of the two widths: its name in classes, how wide it is and how large its text, in units of the picture.

    `height` is that of columns and lines.
    """

    name: str
    units: int
    height: int
    text: int


NARROW: Final = Width("narrow", 330, 200, 14)
WIDE: Final = Width("wide", 720, 230, 14)


def draw_panel(panel: Panel, texts: Texts, width: Width, *, id: str, labelled_by: str) -> Markup:  # noqa: A002 (as HTML says)
    """Draw one panel in one width.

    Args:
        id: begins every id within; unique on the page.
        labelled_by: the ids of what names and sums up the picture.
    """
    panel = _bounded(panel)
    inner = _rows(panel, width) if panel.shape is Shape.ROWS else _along_time(panel, texts, width, id)
    height = inner.get("data-height", str(width.height))
    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": f"chart-picture chart-{width.name}",
            "viewBox": f"0 0 {width.units} {height}",
            "role": "img",
            "aria-labelledby": labelled_by,
            "focusable": "false",
        },
    )
    if len(panel.series) > 1 and panel.shape is Shape.COLUMNS:
        svg.append(_patterns(len(panel.series), id))
    inner.attrib.pop("data-height", None)
    svg.append(inner)
    return Markup(tostring(svg, encoding="unicode"))  # noqa: S704 (serialised, and so escaped)


def draw_swatch(number: int, shape: Shape, *, id: str) -> Markup:  # noqa: A002 (as HTML says)
    """Draw what a series looks like, for the key."""
    svg = Element(
        "svg", {"class": "chart-swatch", "viewBox": "0 0 28 16", "aria-hidden": "true", "focusable": "false"}
    )
    if shape is Shape.LINES:
        series = SubElement(svg, "g", {"class": f"series-{number}"})
        SubElement(series, "path", {"class": "chart-line", "d": "M0 8 H28"})
        series.append(_marker(number, "14", "8"))
    else:
        svg.append(_patterns(number + 1, id))
        fill = {"fill": f"url(#{id}-h{number})"} if number else {}
        SubElement(svg, "rect", {"class": f"chart-bar series-{number}", "width": "28", "height": "16", **fill})
    return Markup(tostring(svg, encoding="unicode"))  # noqa: S704 (serialised, and so escaped)


def _bounded(panel: Panel) -> Panel:
    """Give what of a panel is drawn: the newest places, and values that are numbers."""
    most = MOST_ROWS if panel.shape is Shape.ROWS else MOST_POINTS
    part = slice(0, most) if panel.shape is Shape.ROWS else slice(max(len(panel.labels) - most, 0), None)
    return Panel(
        panel.title,
        panel.summary,
        panel.heading,
        panel.labels[part],
        tuple(Series(each.name, each.marks[part]) for each in panel.series[:MOST_SERIES]),
        panel.shape,
        panel.scale,
        panel.ticks[part],
        limit=panel.limit,
        limit_text=panel.limit_text,
    )


def _plain(values: Sequence[float | None]) -> list[float | None]:
    return [
        None if value is None or not math.isfinite(value) else min(max(float(value), 0.0), MOST_VALUE)
        for value in values
    ]


# ---- columns and lines along time -------------------------------------------------------------------------------


def _along_time(panel: Panel, texts: Texts, width: Width, name: str) -> Element:
    values = [_plain([mark.value for mark in series.marks]) for series in panel.series]
    is_stacked = panel.shape is Shape.COLUMNS and len(values) > 1
    heights = [sum(value or 0 for value in place) for place in zip(*values, strict=True)] if is_stacked else None
    top = max(heights or [each for series in values for each in series if each is not None], default=0.0)
    ticks = _ticks(top, panel.scale)
    graph: Any = _graph(panel.shape, is_stacked=is_stacked)(
        **_options(width, width.height),
        margin_left=4,
        margin_right=8,
        margin_top=8,
        margin_bottom=2,
        allow_interruptions=True,
        range=(0, ticks[-1]),
        y_labels=[{"value": tick, "label": on_axis(tick, ticks[-1], panel.scale, texts)} for tick in ticks],
        x_labels=list(panel.ticks or panel.labels),
    )
    for series, known in zip(panel.series, values, strict=True):
        graph.add(series.name, known)
    found = graph.render_tree()
    plot = Element("g", {"class": "chart-plot"})
    _place(plot, found)
    _axes(plot, found, width)
    for number in range(len(values)):
        fill = {"fill": f"url(#{name}-h{number})"} if is_stacked and number else {}
        own = SubElement(plot, "g", {"class": f"series-{number}", **fill})
        for shape in (shape for each in _named(found, f"serie-{number}") for shape in each.iter()):
            if shape.tag == "rect":
                _column(own, _kept(shape), is_stacked=is_stacked)
            elif shape.tag == "path" and "line" in _words(shape):
                SubElement(own, "path", {"class": "chart-line", **_kept(shape)})
            elif shape.tag == "circle":
                own.append(_marker(number, *_kept(shape).values()))
    return plot


def _column(series: Element, lies: dict[str, str], *, is_stacked: bool) -> None:
    """Draw a column; one of nothing has a foot, unlike a gap."""
    if lies["height"] != "0":
        SubElement(series, "rect", {"class": "chart-bar", **lies})
    elif not is_stacked:
        foot = {"y": _short(float(lies["y"]) - _FOOT), "height": str(_FOOT)}
        SubElement(series, "rect", {"class": "chart-nothing", **lies, **foot})


def _graph(shape: Shape, *, is_stacked: bool) -> Any:
    if shape is Shape.LINES:
        return pygal.Line
    return pygal.StackedBar if is_stacked else pygal.Bar


def _options(width: Width, height: int) -> dict[str, Any]:
    return {
        "width": width.units,
        "height": height,
        "css": (),
        "js": (),
        "no_prefix": True,
        "show_legend": False,
        "spacing": 6,
        "style": Style(label_font_size=width.text, major_label_font_size=width.text),
        "truncate_label": 40,
        "print_values": False,
    }


def _ticks(top: float, scale: Scale) -> list[float]:
    """Give where guides lie: round numbers from nothing to beyond the highest value."""
    if scale is Scale.SHARE:
        return [0.0, 0.25, 0.5, 0.75, 1.0]
    size = float(unit_of(top)[1]) if scale is Scale.SECONDS else 1.0
    wanted = max(top / size, 1.0) / _MOST_TICKS
    power = 10.0 ** math.floor(math.log10(wanted))
    step = max(next(each * power for each in (1, 2, 5, 10) if each * power >= wanted * (1 - 1e-9)), 1.0)
    count = max(math.ceil(top / size / step * (1 - 1e-9)), 1)
    return [each * step * size for each in range(count + 1)]


def _axes(plot: Element, found: Element, width: Width) -> None:
    """Take over guides and what is written beside them; of what is written below, as much as has room."""
    (beside,) = _named(found, "axis", "y")
    for guide in _named(beside, "guides"):
        for shape in guide:
            if shape.tag == "path":
                SubElement(plot, "path", {"class": "chart-guide", **_kept(shape)})
            elif shape.tag == "text":
                SubElement(plot, "text", {"class": "chart-beside", **_kept(shape)}).text = shape.text
    below = [text for axis in _named(found, "axis", "x") for guide in _named(axis, "guides") for text in guide]
    shown = [text for text in below if text.tag == "text"]
    if not shown:
        return
    longest = max(_length(text.text or "", width.text) for text in shown) + width.text
    space = (float(shown[-1].get("x", 0)) - float(shown[0].get("x", 0))) / max(len(shown) - 1, 1) or longest
    every = math.ceil(longest / space)
    for text in shown[:: max(every, 1)]:
        SubElement(plot, "text", {"class": "chart-below", **_kept(text)}).text = text.text


def _place(plot: Element, found: Element) -> None:
    """Put the plot where pygal has put it."""
    (graph,) = [each for each in found if "graph" in _words(each)]
    place = next(each.get("transform", "") for each in graph if "plot" in _words(each))
    plot.set("transform", _round(place))


# ---- rows with their words above ---------------------------------------------------------------------------------


def _rows(panel: Panel, width: Width) -> Element:
    """Draw one bar below another, each as long as its value; there are no axes to work out."""
    marks = panel.series[0].marks
    values = _plain([mark.value for mark in marks])
    wrapped = [_wrap(label, mark.text, width) for label, mark in zip(panel.labels, marks, strict=True)]
    line = round(width.text * 1.3)
    feet = list(accumulate(len(lines) * line + _BAR + _AIR for lines in wrapped))
    plot = Element("g", {"class": "chart-plot series-0", "data-height": str(feet[-1])})
    room = width.units - 2.0
    least = panel.limit or (1.0 if panel.scale is Scale.SHARE else 0.0)
    top = max([*(each for each in values if each is not None), least]) or 1.0
    for end, value, mark, lines in zip(feet, values, marks, wrapped, strict=True):
        foot = end - _AIR - _BAR
        for place, words in enumerate(reversed(lines)):
            if not words:
                continue
            text = SubElement(plot, "text", {"class": "chart-name", "x": "0", "y": str(foot - 5 - place * line)})
            text.text = words
        beside = {"class": "chart-value", "x": str(width.units), "y": str(foot - 5)}
        SubElement(plot, "text", beside).text = mark.text
        if value is None:
            continue
        if panel.scale is Scale.SHARE and panel.limit is None:
            SubElement(plot, "rect", {"class": "chart-track", **_lies(room, foot)})
        kind = "chart-bar" if value else "chart-nothing"
        SubElement(plot, "rect", {"class": kind, **_lies(max(value / top * room, _FOOT), foot)})
        if panel.limit is not None:
            at = _short(panel.limit / top * room)
            for kind in ("chart-halo", "chart-limit"):
                SubElement(plot, "path", {"class": kind, "d": f"M{at} {foot} v{_BAR + 5}"})
    return plot


def _lies(length: float, foot: int) -> dict[str, str]:
    return {"x": "1", "y": str(foot), "width": _short(length), "height": str(_BAR)}


def _wrap(label: str, value: str, width: Width) -> list[str]:
    """Break a label into two lines at most, the value beside the last; what does not fit is in the table."""
    label = label.strip() or DASH
    left = width.units - _length(value, width.text) - width.text
    if _length(label, width.text) <= left:
        return [label]
    first = _fitting(label, width.units, width.text)
    rest = label[len(first) :].strip()
    last = _fitting(rest, left - width.text, width.text)
    return [first.rstrip(), last.rstrip() + "…" if last < rest else last]


def _fitting(words: str, room: float, size: int) -> str:
    """Give the beginning of words that has room, up to a space where there is one."""
    fits = next((end for end in range(len(words), 1, -1) if _length(words[:end], size) <= room), 1)
    space = words.rfind(" ", 0, fits + 1) if fits < len(words) else -1
    return words[: space if space > 0 else fits]


# ---- shapes -------------------------------------------------------------------------------------------------------


def _patterns(count: int, name: str) -> Element:
    """Give the hatches of the series after the first, which is plain."""
    defs = Element("defs")
    for number in range(1, count):
        size = str(_PATTERN_SIZE)
        pattern = SubElement(
            defs,
            "pattern",
            {"id": f"{name}-h{number}", "width": size, "height": size, "patternUnits": "userSpaceOnUse"},
        )
        SubElement(pattern, "rect", {"class": f"chart-ground series-{number}", "width": size, "height": size})
        SubElement(pattern, "path", {"class": f"chart-hatch series-{number}", "d": _HATCHES[number % len(_HATCHES)]})
    return defs


def _marker(number: int, x: str, y: str) -> Element:
    shape = _MARKERS[number % len(_MARKERS)]
    if shape == "circle":
        return Element("circle", {"class": "chart-dot", "cx": x, "cy": y, "r": "4"})
    return Element("path", {"class": "chart-dot", "d": shape, "transform": f"translate({x} {y})"})


def _named(root: Element, *classes: str) -> Iterator[Element]:
    """Give the elements that have all of these classes."""
    return (each for each in root.iter() if set(classes) <= _words(each))


def _words(element: Element) -> set[str]:
    return set(element.get("class", "").split())


def _kept(element: Element) -> dict[str, str]:
    """Give of a shape where it lies, in tenths."""
    return {name: _round(element.get(name, "0")) for name in _KEPT[str(element.tag)]}


def _round(text: str) -> str:
    return _NUMBER.sub(lambda found: _short(float(found[0])), text)


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _length(text: str, size: int) -> float:
    """Estimate how wide words are; those of Chinese, Japanese and Korean are as wide as high."""
    return sum(size if unicodedata.east_asian_width(letter) in "WF" else size * _LETTER for letter in text)
