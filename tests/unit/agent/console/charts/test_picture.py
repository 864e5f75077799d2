"""Pictures: shapes and words alone, whatever the numbers are."""

import math
import re
import sys
from dataclasses import replace
from itertools import pairwise

import pytest
from charts_of_test import Drawn, faults
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.console.charts.chart import MOST_POINTS, MOST_ROWS, Mark, Panel, Scale, Series, Shape
from agent.console.charts.picture import NARROW, WIDE, Width, draw_panel, draw_swatch
from agent.texts import load_texts

TEXTS = load_texts("en")
NUMBERS = st.one_of(st.none(), st.floats(), st.integers(-(10**30), 10**30).map(float))


def marks(*values: float | None) -> tuple[Mark, ...]:
    return tuple(Mark(value, "text") for value in values)


def panel_of(*series: tuple[Mark, ...], shape: Shape = Shape.COLUMNS, **more: object) -> Panel:
    labels = tuple(f"place {place}" for place in range(len(series[0])))
    named = tuple(Series(f"series {number}", each) for number, each in enumerate(series))
    return replace(Panel("Title", "Sum", "Place", labels, named, shape), **more)  # type: ignore[arg-type]


def draw(panel: Panel, width: Width = NARROW) -> str:
    return draw_panel(panel, TEXTS, width, id="x", labelled_by="")


def drawn(panel: Panel, width: Width = NARROW) -> Drawn:
    return Drawn(draw(panel, width))


def test_a_column_for_each_value_a_foot_for_nothing_and_a_gap_where_nobody_knows() -> None:
    found = drawn(panel_of(marks(4, 0, None, 2)))
    assert (found.count("chart-bar"), found.count("chart-nothing")) == (2, 1)


def test_columns_are_as_high_as_their_values() -> None:
    heights = [float(each) for each in re.findall(r'chart-bar"[^>]* height="([\d.]+)"', draw(panel_of(marks(10, 5))))]
    assert heights[0] == pytest.approx(2 * heights[1], abs=0.2)


def test_rows_are_as_long_as_their_values_and_say_what_they_are() -> None:
    panel = replace(panel_of(marks(10, 5, None), shape=Shape.ROWS), labels=("Games", "Shops", "Cults"))
    lengths = [float(each) for each in re.findall(r'chart-bar"[^>]* width="([\d.]+)"', draw(panel))]
    assert lengths == [328.0, 164.0]
    assert drawn(panel).of_class("chart-name") == ["Games", "Shops", "Cults"]
    assert drawn(panel).of_class("chart-value") == ["text"] * 3


def test_a_share_is_drawn_in_the_frame_of_the_whole() -> None:
    found = draw(panel_of(marks(0.25, None), shape=Shape.ROWS, scale=Scale.SHARE))
    assert re.findall(r'class="chart-(?:track|bar)"[^>]* width="([\d.]+)"', found) == ["328", "82"]


def test_a_line_is_broken_where_nobody_knows() -> None:
    found = draw(panel_of(marks(1, 2, None, 3, 4), shape=Shape.LINES))
    assert len(re.findall(r'chart-line" d="M[^M"]*"', found)) == 2
    assert found.count("chart-dot") == 4


def test_series_are_told_apart_without_colour() -> None:
    columns = draw(panel_of(*[marks(1, 2)] * 6))
    hatches = re.findall(r'class="chart-hatch series-\d" d="([^"]*)"', columns)
    assert len(set(hatches)) == len(hatches) == 5
    lines = draw(panel_of(*[marks(1, 2)] * 3, shape=Shape.LINES))
    assert len(set(re.findall(r'class="chart-dot" (?:d="[^"]*"|cx)', lines))) == 3


@pytest.mark.parametrize("shape", [Shape.COLUMNS, Shape.LINES])
def test_the_key_shows_what_is_drawn(shape: Shape) -> None:
    for number in range(3):
        assert not faults(draw_swatch(number, shape, id="k"))
        assert f"series-{number}" in draw_swatch(number, shape, id="k")


def test_words_below_have_room() -> None:
    panel = panel_of(marks(*range(60)), ticks=tuple(f"{day} September" for day in range(60)))
    for width in (NARROW, WIDE):
        places = [float(each) for each in re.findall(r'chart-below" x="([\d.]+)"', draw(panel, width))]
        assert len(places) >= 3
        assert min(after - before for before, after in pairwise(places)) > 70


def test_beside_the_columns_stand_round_numbers() -> None:
    assert drawn(panel_of(marks(7))).of_class("chart-beside") == ["0", "2", "4", "6", "8"]
    assert drawn(panel_of(marks(0))).of_class("chart-beside") == ["0", "1"]
    waits = panel_of(marks(40_000), shape=Shape.LINES, scale=Scale.SECONDS)
    assert drawn(waits).of_class("chart-beside") == ["0h", "5h", "10h", "15h"]
    shares = panel_of(marks(0.3), shape=Shape.LINES, scale=Scale.SHARE)
    assert drawn(shares).of_class("chart-beside") == ["0%", "25%", "50%", "75%", "100%"]


def test_very_large_numbers_are_written_short() -> None:
    assert drawn(panel_of(marks(3_000_000_000))).of_class("chart-beside") == ["0", "1B", "2B", "3B"]


def test_a_picture_is_bounded_to_the_newest_places_and_the_first_rows() -> None:
    columns = panel_of(marks(*range(1, 301)), ticks=tuple(map(str, range(300))))
    assert drawn(columns).count("chart-bar") == MOST_POINTS
    assert drawn(columns).of_class("chart-below")[0] == "238"
    assert drawn(panel_of(marks(*range(1, 301)), shape=Shape.ROWS)).count("chart-bar") == MOST_ROWS


def test_a_label_beside_a_long_value_has_a_line_of_its_own() -> None:
    marked = (Mark(1.0, "20 of 24: partly open, on record"),)
    panel = replace(panel_of(marked, shape=Shape.ROWS), labels=("classrooms of the old building",))
    found = drawn(panel)
    assert found.of_class("chart-name") == ["classrooms of the old building"]
    heights = [int(each) for each in re.findall(r'chart-(?:name|value)" [^>]*y="(\d+)"', draw(panel))]
    assert heights[-1] - heights[0] == 18


def test_long_words_take_two_lines_and_no_more() -> None:
    panel = replace(panel_of(marks(1), shape=Shape.ROWS), labels=("a word " * 60,))
    lines = drawn(panel).of_class("chart-name")
    assert len(lines) == 2
    assert sum(line.endswith("…") for line in lines) == 1


def test_the_library_leaves_no_importer_behind() -> None:
    assert not [each for each in sys.meta_path if type(each).__module__ == "pygal"]


def test_what_comes_out_is_the_same_each_time() -> None:
    panel = panel_of(marks(1, 2), marks(3, None))
    assert draw(panel) == draw(panel)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=4),
    st.sampled_from(Shape),
    st.sampled_from(Scale),
    st.lists(st.text(), min_size=3, max_size=3),
    st.one_of(st.none(), st.floats(0.1, 10)),
)
def test_rubbish_is_drawn_within_the_policy_and_the_frame(
    values: list[list[float | None]], shape: Shape, scale: Scale, words: list[str], limit: float | None
) -> None:
    series = [tuple(Mark(value, "x") for value in each) for each in values]
    panel = replace(panel_of(*series, shape=shape, scale=scale, limit=limit), labels=tuple(words))
    found = draw(panel)
    assert not faults(found)
    for name, value in Drawn(found).attributes:
        if name in ("x", "y", "width", "height", "cx", "cy"):
            assert math.isfinite(float(value))
