"""Queries, blocks and overrides as charts: what they say, and what they leave out."""

from datetime import date

import pytest
from charts_of_test import DAY, TERM, TODAY, Drawn, faults
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.console.charts.activity_figures import Activity, BlocksByCategory
from agent.console.charts.override_figures import Outcome, Overrides, OverrideWeek
from agent.console.charts.periods import Period
from agent.console.charts.use_charts import draw_activity, draw_blocks_by_category, draw_overrides
from agent.texts import load_texts
from rules.small_numbers import Count, Hidden

ENGLISH = load_texts("en")
HOURS = TODAY.bins()
COUNTS = st.one_of(st.none(), st.integers(0, 10**18))


def day_of(asked: dict[int, int | None], blocked: dict[int, int | None]) -> Activity:
    return Activity(HOURS, tuple(asked.get(h, 0) for h in range(24)), tuple(blocked.get(h, 0) for h in range(24)))


def test_a_day_says_when_most_was_asked_and_blocked() -> None:
    drawn = Drawn(draw_activity(day_of({9: 5, 10: 4_120}, {10: 412}), ENGLISH, id="x"))
    assert drawn.of_class("chart-summary") == [
        "Most queries were between 10 and 11 o'clock: 4,120.",
        "Most blocks were between 10 and 11 o'clock: 412.",
    ]
    assert drawn.of_class("chart-title") == ["Queries and blocks, 2 Mar 2026"]
    assert drawn.tables[0][0] == ["Hour", "Queries", "Blocked"]
    assert drawn.tables[0][11] == ["10\N{EN DASH}11", "4,120", "412"]


def test_of_two_that_are_alike_the_earlier_is_named() -> None:
    drawn = Drawn(draw_activity(day_of({9: 7, 10: 7}, {}), ENGLISH, id="x"))
    assert "between 9 and 10" in drawn.of_class("chart-summary")[0]


def test_an_hour_that_has_not_come_is_not_known_and_not_nothing() -> None:
    drawn = Drawn(draw_activity(day_of({9: 7, 23: None}, {23: None}), ENGLISH, id="x"))
    assert drawn.column(0, "Queries")[-2:] == ["0", "not known"]
    assert drawn.count("chart-nothing") == 2 * (22 + 23)


def test_nothing_at_all_is_said_in_words() -> None:
    nobody_knows = Activity(HOURS, (None,) * 24, (None,) * 24)
    drawn = Drawn(draw_activity(nobody_knows, ENGLISH, id="x"))
    assert (drawn.count("chart-picture"), drawn.count("chart-empty")) == (0, 1)
    assert "Nothing was counted in these days." in drawn.of_class("chart-empty")[0]
    assert (
        Drawn(draw_activity(day_of({}, {}), ENGLISH, id="x")).of_class("chart-summary")
        == ["Nothing was counted in these days."] * 2
    )


def test_five_years_are_shown_by_month_and_bounded() -> None:
    bins = Period(date(2021, 3, 3), DAY).bins()
    counts = tuple(range(len(bins)))
    found = draw_activity(Activity(bins, counts, counts), ENGLISH, id="x")
    assert len(Drawn(found).tables[0]) == 61
    assert len(found) < 60_000


def categories(*found: tuple[str, int | Hidden], total: int | Hidden = 0, small_number: int = 0) -> Drawn:
    figures = BlocksByCategory(TODAY, found, total, small_number)
    return Drawn(draw_blocks_by_category(figures, ENGLISH, id="x"))


def test_categories_stand_with_their_numbers() -> None:
    drawn = categories(("games", 1_203), ("gambling", 44), total=1_247)
    assert drawn.tables[0] == [["Category", "Blocked"], ["Games", "1,203"], ["Gambling", "44"]]
    assert drawn.of_class("chart-summary") == ["Most was blocked as “Games”: 1,203."]
    assert drawn.of_class("chart-note") == ["In all: 1,247."]


def test_what_is_hidden_is_neither_in_the_picture_nor_in_the_table() -> None:
    drawn = categories(("games", 30), ("vpn", Hidden.BESIDE), ("cults", Hidden.FEW), total=39, small_number=5)
    assert drawn.column(0, "Blocked") == ["30", "not shown", "fewer than 5"]
    assert drawn.count("chart-bar") == 2


def test_where_all_is_hidden_it_is_said() -> None:
    drawn = categories(("vpn", Hidden.FEW), total=Hidden.FEW, small_number=5)
    assert drawn.of_class("chart-empty") == ["No category has a number that is shown."]
    assert drawn.column(0, "Blocked") == ["fewer than 5"]
    assert drawn.of_class("chart-note") == ["In all: fewer than 5."]


def test_without_blocks_nothing_is_drawn() -> None:
    assert categories().of_class("chart-empty") == ["Nothing was counted in these days."]


def test_of_many_categories_the_most_frequent_are_drawn() -> None:
    drawn = categories(*((f"c{number:02}", 100 - number) for number in range(20)), total=1_810)
    assert len(drawn.tables[0]) == 13
    assert "8 more categories are left out." in drawn.of_class("chart-note")[0]


NOTHING_BECAME = tuple((each, Hidden.FEW) for each in Outcome)


def test_overrides_say_how_often_what_became_of_them_and_how_long() -> None:
    weeks = TERM.bins()
    found = tuple(OverrideWeek(each, 5, 600.0, 7_200.0) for each in weeks[:-2])
    few = OverrideWeek(weeks[-2], Hidden.FEW, Hidden.FEW, Hidden.FEW)
    became = ((Outcome.APPROVED, 115), (Outcome.REFUSED, Hidden.FEW), (Outcome.WAITING, Hidden.BESIDE))
    figures = Overrides((*found, few, OverrideWeek(weeks[-1], 10, None, None)), became, 145, 600.0, 7_200.0, 5)
    drawn = Drawn(draw_overrides(figures, ENGLISH, id="x"))
    assert drawn.of_class("chart-summary")[:2] == [
        "Most were asked for in the week from 2 Mar 2026: 10.",
        "Half were decided within 10 mins, nine in ten within 2 hrs.",
    ]
    assert drawn.tables[0][0] == ["Week from", "Asked for", "Half within", "Nine in ten within"]
    assert drawn.tables[0][-2:] == [
        ["23 Feb 2026", "fewer than 5", "not shown", "not shown"],
        ["2 Mar 2026", "10", "none decided", "none decided"],
    ]
    assert drawn.tables[1] == [
        ["What became of them", "Asked for"],
        ["Agreed to", "115"],
        ["Turned down", "fewer than 5"],
        ["Not decided yet", "not shown"],
    ]
    assert drawn.of_class("chart-note") == ["In all: 145."]


def test_few_overrides_are_told_as_few() -> None:
    (week,) = Period(DAY, DAY).bins(at_least=TERM.bins()[0].unit)
    few = Hidden.FEW
    found = draw_overrides(
        Overrides((OverrideWeek(week, few, few, few),), NOTHING_BECAME, few, few, few, 5), ENGLISH, id="x"
    )
    assert not faults(found)
    drawn = Drawn(found)
    note = "In all: fewer than 5. Of few requests it is not told how long somebody waited."
    assert (drawn.count("chart-bar"), drawn.of_class("chart-note")) == (0, [note])
    assert "Small numbers are not shown." in " ".join(drawn.of_class("chart-empty"))


def test_how_long_people_waited_is_told_also_where_no_week_alone_has_enough() -> None:
    few = Hidden.FEW
    found = tuple(OverrideWeek(each, few, few, few) for each in TERM.bins())
    drawn = Drawn(draw_overrides(Overrides(found, NOTHING_BECAME, 10, 600.0, 7_200.0, 5), ENGLISH, id="x"))
    assert drawn.of_class("chart-note") == ["In all: 10. Half were decided within 10 mins, nine in ten within 2 hrs."]


def test_where_too_few_waited_for_nine_in_ten_half_of_them_is_told_alone() -> None:
    few = Hidden.FEW
    found = tuple(OverrideWeek(each, few, few, few) for each in TERM.bins())
    drawn = Drawn(draw_overrides(Overrides(found, NOTHING_BECAME, 5, 900.0, few, 5), ENGLISH, id="x"))
    assert drawn.of_class("chart-note") == ["In all: 5. Half were decided within 15 mins."]


def test_one_week_alone_is_drawn() -> None:
    (week,) = Period(DAY, DAY).bins(at_least=TERM.bins()[0].unit)
    figures = Overrides((OverrideWeek(week, 5, 60.0, 60.0),), NOTHING_BECAME, 5, 60.0, 60.0, 5)
    found = draw_overrides(figures, ENGLISH, id="x")
    assert not faults(found)
    assert Drawn(found).count("chart-bar") == 2


@settings(max_examples=25, deadline=None)
@given(st.lists(COUNTS, min_size=24, max_size=24), st.sampled_from(["en", "fr", "nl", "ja"]))
def test_any_numbers_are_drawn_and_stand_in_the_table(counts: list[int | None], language: str) -> None:
    texts = load_texts(language)
    found = draw_activity(Activity(HOURS, tuple(counts), tuple(counts)), texts, id="x")
    assert not faults(found)
    rows = Drawn(found).tables[0][1:]
    assert [row[1] == texts.gettext("not known") for row in rows] == [count is None for count in counts]


@pytest.mark.parametrize("count", [0, 1, 10**30, Hidden.FEW])
def test_one_category_of_any_size(count: Count) -> None:
    assert count is not None
    assert not faults(
        draw_blocks_by_category(BlocksByCategory(TODAY, (("games", count),), count, 5), ENGLISH, id="x")
    )
