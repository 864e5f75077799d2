"""A whole figure: what the pictures show is said in words and stands in a table, for every chart and language."""

import pytest
from charts_of_test import Drawn, every_chart, faults

from agent.console.charts.chart import Chart, Mark, Panel, Series, Shape
from agent.console.charts.figure import draw_figure
from agent.texts import load_texts
from rules.category import LANGUAGES

ENGLISH = load_texts("en")
EVIL = '<script>alert("1")</script>'


def series(name: str, *texts: str) -> Series:
    return Series(name, tuple(Mark(float(each) if each.isdigit() else None, each) for each in texts))


def panel(
    title: str, *columns: Series, labels: tuple[str, ...] = ("08", "09"), shape: Shape = Shape.COLUMNS
) -> Panel:
    return Panel(title, f"{title} in a sentence.", "Hour", labels, columns, shape)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_chart_keeps_to_the_policy(language: str) -> None:
    page = "".join(every_chart(language))
    assert not faults(page)
    assert Drawn(page).count("chart") == 9


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_is_named_and_summed_up(language: str) -> None:
    for chart in every_chart(language):
        drawn = Drawn(chart)
        pictures = drawn.count("chart-picture")
        assert [each for each in drawn.attributes if each == ("role", "img")] == [("role", "img")] * pictures
        assert pictures == 2 * drawn.count("chart-panel")
        assert len([text for text in drawn.of_class("chart-summary") if text]) == drawn.count("chart-panel")


def test_every_series_has_a_column_and_panels_of_the_same_places_share_a_table() -> None:
    chart = Chart(
        "Title", (panel("Queries", series("Queries", "7", "8")), panel("Blocks", series("Blocks", "0", "1"))), ""
    )
    drawn = Drawn(draw_figure(chart, ENGLISH, id="x"))
    assert drawn.tables == [[["Hour", "Queries", "Blocks"], ["08", "7", "0"], ["09", "8", "1"]]]


def test_other_places_have_another_table_and_each_says_which() -> None:
    chart = Chart(
        "Title", (panel("By hour", series("A", "1", "2")), panel("By row", series("B", "3"), labels=("x",))), ""
    )
    drawn = Drawn(draw_figure(chart, ENGLISH, id="x"))
    assert [len(table) for table in drawn.tables] == [3, 2]
    assert "By hour" in " ".join(text for _, text in drawn.texts if "table" in text)


def test_what_is_beside_a_row_is_what_is_in_the_table() -> None:
    rows = panel("By row", series("B", "30", "fewer than 5"), shape=Shape.ROWS)
    drawn = Drawn(draw_figure(Chart("Title", (rows,), ""), ENGLISH, id="x"))
    assert drawn.of_class("chart-value") == drawn.column(0, "B") * 2 == ["30", "fewer than 5"] * 2


def test_a_table_that_is_long_is_closed_until_somebody_opens_it() -> None:
    labels = tuple(map(str, range(40)))
    short, long = (
        draw_figure(Chart("T", (panel("P", series("A", *each), labels=each),), ""), ENGLISH, id="x")
        for each in (labels[:5], labels)
    )
    assert '<details class="chart-numbers" open>' in short
    assert '<details class="chart-numbers">' in long


def test_without_anything_to_draw_there_is_a_sentence_and_no_picture() -> None:
    drawn = Drawn(draw_figure(Chart("Title", (), "Nothing was counted."), ENGLISH, id="x"))
    assert (drawn.of_class("chart-empty"), drawn.count("chart-picture"), drawn.tables) == (
        ["Nothing was counted."],
        0,
        [],
    )


def test_where_nothing_is_told_the_table_says_so_and_there_is_no_picture() -> None:
    hidden = panel("Blocks", series("Blocks", "fewer than 5", "not shown"))
    drawn = Drawn(draw_figure(Chart("Title", (hidden,), "Nothing."), ENGLISH, id="x"))
    assert drawn.of_class("chart-empty") == ["Blocks in a sentence."]
    assert drawn.column(0, "Blocks") == ["fewer than 5", "not shown"]
    assert drawn.count("chart-picture") == 0


@pytest.mark.parametrize("shape", Shape)
def test_words_that_came_from_outside_are_text(shape: Shape) -> None:
    one = Panel(
        EVIL, EVIL, EVIL, (EVIL,), (Series(EVIL, (Mark(1.0, EVIL),)), Series(EVIL, (Mark(2.0, EVIL),))), shape
    )
    found = draw_figure(Chart(EVIL, (one,), EVIL, EVIL), ENGLISH, id="x")
    assert EVIL not in found
    assert not faults(found)


def test_two_charts_of_a_page_share_no_id() -> None:
    page = "".join([*every_chart("en", prefix="a-"), *every_chart("en", prefix="b-")])
    assert not faults(page)
