"""Stretches of time: as short as can be told apart, and never too many."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.console.charts.chart import MOST_POINTS
from agent.console.charts.periods import Period, Unit

DAY = date(2026, 3, 2)


def test_a_day_is_shown_by_hour_a_month_by_day_a_year_by_week_and_more_by_month() -> None:
    units = [Period.last_days(DAY, days).bins()[0].unit for days in (1, 2, 31, 32, 366, 400)]
    assert units == [Unit.HOUR, Unit.DAY, Unit.DAY, Unit.WEEK, Unit.WEEK, Unit.MONTH]


def test_what_is_counted_by_week_is_never_shown_shorter() -> None:
    (week,) = Period(DAY, DAY).bins(at_least=Unit.WEEK)
    assert (week.unit, week.first, week.last) == (Unit.WEEK, DAY, DAY)


def test_weeks_begin_on_monday_but_the_first_which_begins_with_the_period() -> None:
    weeks = Period(date(2025, 9, 3), DAY).bins()
    assert (weeks[0].first, weeks[0].last) == (date(2025, 9, 3), date(2025, 9, 7))
    assert {each.first.weekday() for each in weeks[1:]} == {0}
    assert (weeks[-1].first, weeks[-1].last) == (DAY, DAY)


def test_months_end_with_their_last_day_across_the_year_or_with_the_period() -> None:
    months = Period(date(2024, 11, 5), DAY).bins()
    assert [(each.first, each.last) for each in months[:2]] == [
        (date(2024, 11, 5), date(2024, 11, 30)),
        (date(2024, 12, 1), date(2024, 12, 31)),
    ]
    assert (months[-1].first, months[-1].last) == (date(2026, 3, 1), DAY)


def test_of_many_years_the_newest_months_are_shown() -> None:
    months = Period(date(1990, 1, 1), DAY).bins()
    assert (len(months), months[0].first, months[-1].first) == (60, date(2021, 4, 1), date(2026, 3, 1))


@given(st.dates(date(1970, 1, 5), date(2200, 1, 1)), st.integers(-5, 20_000), st.sampled_from(Unit))
def test_stretches_follow_one_another_without_a_gap(first: date, days: int, at_least: Unit) -> None:
    period = Period(first, first + timedelta(days=days))
    bins = period.bins(at_least=at_least)
    assert 1 <= len(bins) <= MOST_POINTS
    assert bins[-1].last == max(period.last, first)
    assert bins[0].first >= first
    if bins[0].unit is not Unit.HOUR:
        for one, following in pairwise(bins):
            assert one.last + timedelta(days=1) == following.first
