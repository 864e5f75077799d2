"""Incidents as charts: by week and row, and how often candidates were accepted."""

import pytest
from charts_of_test import DAY, TERM, Drawn, faults

from agent.console.charts.incident_charts import draw_incidents, draw_precision
from agent.console.charts.incident_figures import Incidents, Precision, Precisions, RowCount
from agent.console.charts.periods import Period
from agent.texts import load_texts
from rules.category import LANGUAGES
from rules.incident_kind import Kind
from rules.small_numbers import Hidden
from rules.subject import Audience

ENGLISH = load_texts("en")
WEEKS = TERM.bins()


def incidents(**counts: tuple[int, ...]) -> Incidents:
    by_both = {row: each + (0,) * (len(WEEKS) - len(each)) for row, each in counts.items()}
    by_time = tuple(sum(each[place] for each in by_both.values()) for place in range(len(WEEKS)))
    rows = tuple(RowCount(row, "Games for amusement", sum(each)) for row, each in by_both.items())
    return Incidents(WEEKS, by_time, rows, by_both, sum(by_time))


def hidden() -> Incidents:
    by_time: tuple[int | Hidden, ...] = (Hidden.FEW, *([7] * (len(WEEKS) - 2)), Hidden.BESIDE)
    rows = (RowCount("P02", "Betting and games for money", 90), RowCount("none", "", Hidden.FEW))
    return Incidents(WEEKS, by_time, rows, {}, Hidden.BESIDE, 5)


def test_each_row_has_its_hatch_and_its_column() -> None:
    drawn = Drawn(draw_incidents(incidents(P02=(3, 1), none=(0, 2)), ENGLISH, id="x"))
    assert drawn.tables[0][0] == ["Week from", "Games for amusement", "No row of the table", "All incidents"]
    assert drawn.tables[0][2][1:] == ["1", "2", "3"]
    assert drawn.tables[1] == [["Row", "Incidents"], ["Games for amusement", "4"], ["No row of the table", "2"]]
    assert drawn.count("chart-swatch") == 2
    assert drawn.of_class("chart-note") == ["In all: 6."]


def test_of_many_rows_the_rest_is_drawn_together() -> None:
    drawn = Drawn(draw_incidents(incidents(**{f"P{row}": (row,) for row in range(9, 1, -1)}), ENGLISH, id="x"))
    assert drawn.tables[0][0][5] == "All other rows"
    assert drawn.tables[0][1][1:] == ["9", "8", "7", "6", "14", "44"]
    assert len(drawn.tables[1]) == 9


def test_rows_that_two_tables_call_the_same_are_told_apart_by_whose_they_are() -> None:
    rows = tuple(
        RowCount(row, "Games for amusement", count, audience)
        for row, count, audience in (("P03", 4, Audience.PUPIL), ("S03", 2, Audience.STAFF))
    )
    both = {"P03": (4, *[0] * (len(WEEKS) - 1)), "S03": (2, *[0] * (len(WEEKS) - 1))}
    figures = Incidents(WEEKS, (6, *[0] * (len(WEEKS) - 1)), rows, both, 6)
    drawn = Drawn(draw_incidents(figures, ENGLISH, id="x"))
    assert drawn.tables[0][0][1:3] == ["pupils: Games for amusement", "staff: Games for amusement"]
    assert [row[0] for row in drawn.tables[1][1:]] == ["pupils: Games for amusement", "staff: Games for amusement"]


def test_over_a_year_rows_stand_in_the_table_alone() -> None:
    bins = Period.last_days(DAY, 366).bins()
    both = {"P02": (3,) * len(bins), "P03": (1,) * len(bins)}
    rows = (RowCount("P02", "", 159), RowCount("P03", "", 53))
    drawn = Drawn(draw_incidents(Incidents(bins, (4,) * len(bins), rows, both, 212), ENGLISH, id="x"))
    assert drawn.tables[0][0] == ["Week from", "All incidents", "P02", "P03"]
    assert (drawn.count("chart-hatch"), drawn.count("chart-bar")) == (0, 2 * (len(bins) + 2))


def test_what_is_hidden_is_neither_in_the_picture_nor_in_the_table() -> None:
    drawn = Drawn(draw_incidents(hidden(), ENGLISH, id="x"))
    assert drawn.tables[0][0] == ["Week from", "All incidents"]
    column = drawn.column(0, "All incidents")
    assert (column[0], column[-1]) == ("fewer than 5", "not shown")
    # In two widths: the weeks that are told, and one row.
    assert drawn.count("chart-bar") == 2 * (len(WEEKS) - 2 + 1)
    assert drawn.of_class("chart-note") == ["In all: not shown."]


def test_without_incidents_there_is_a_sentence() -> None:
    drawn = Drawn(draw_incidents(incidents(), ENGLISH, id="x"))
    assert drawn.of_class("chart-empty") == ["No incident was opened in these days."]
    assert drawn.tables == []


def test_a_row_that_no_table_has_any_more_is_called_by_its_id() -> None:
    figures = Incidents(WEEKS, (1,) * len(WEEKS), (RowCount("<P99>", "", 3),), {}, 3)
    found = draw_incidents(figures, ENGLISH, id="x")
    assert Drawn(found).tables[1][1] == ["<P99>", "3"]
    assert "<P99>" not in found


def shares(*found: Precision, small_number: int = 0) -> Precisions:
    by_time = (*found, *([Precision(0, 0, None)] * (len(WEEKS) - len(found))))
    return Precisions(WEEKS, by_time, ((Kind.GAMBLING, found[0]),), found[0], small_number)


def test_shares_stand_with_the_cases_that_they_are_of() -> None:
    drawn = Drawn(draw_precision(shares(Precision(3, 4, 0.75), Precision(1, 4, 0.25)), ENGLISH, id="x"))
    assert drawn.tables[0] == [["Kind", "Accepted", "Cases accepted", "Cases decided"], ["Gambling", "75%", "3", "4"]]
    assert drawn.of_class("chart-summary") == [
        "Of the candidates that were decided, 75% were accepted.",
        "Over time it was between 25% and 75%.",
    ]
    assert drawn.tables[1][3][1] == "\N{EN DASH}"


def test_whoever_may_not_count_sees_shares_alone() -> None:
    drawn = Drawn(draw_precision(shares(Precision(None, None, 0.5), small_number=5), ENGLISH, id="x"))
    assert drawn.tables[0] == [["Kind", "Accepted"], ["Gambling", "50%"]]
    assert drawn.of_class("chart-note") == ["Shares of few cases are not shown."]
    # Nothing lies between one share and itself.
    assert drawn.of_class("chart-summary") == ["Of the candidates that were decided, 50% were accepted."]


def test_where_every_share_is_hidden_nothing_is_drawn() -> None:
    few = Precision(None, None, Hidden.FEW)
    figures = Precisions(WEEKS, (few,) * len(WEEKS), ((Kind.GAMBLING, few),), few, 5)
    drawn = Drawn(draw_precision(figures, ENGLISH, id="x"))
    assert drawn.count("chart-picture") == 0
    assert drawn.column(0, "Accepted") == ["not shown"]


def test_without_a_decision_there_is_a_sentence() -> None:
    nothing = Precisions(WEEKS, (Precision(0, 0, None),) * len(WEEKS), (), Precision(0, 0, None))
    drawn = Drawn(draw_precision(nothing, ENGLISH, id="x"))
    assert drawn.of_class("chart-empty") == ["No candidate of these days has been decided."]


@pytest.mark.parametrize("language", LANGUAGES)
def test_in_every_language(language: str) -> None:
    texts = load_texts(language)
    assert not faults(draw_incidents(hidden(), texts, id="x"))
    assert not faults(draw_precision(shares(Precision(3, 4, 0.75)), texts, id="y"))
