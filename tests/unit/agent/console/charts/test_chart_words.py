"""Numbers, spans and dates as charts write them, in every language."""

from datetime import date

import pytest

from agent.console.charts.chart import Mark, Scale
from agent.console.charts.chart_words import (
    category_name,
    count_mark,
    day,
    days,
    heading_of,
    kind_name,
    label_of,
    on_axis,
    share_mark,
    span,
    span_mark,
    tick_of,
    when,
)
from agent.console.charts.periods import Bin, Unit
from agent.texts import load_texts
from rules.category import LANGUAGES
from rules.incident_kind import Kind
from rules.small_numbers import Hidden

ENGLISH = load_texts("en")
DAY = date(2026, 3, 2)
HOUR = Bin(Unit.HOUR, DAY, DAY, 10)
WEEK = Bin(Unit.WEEK, DAY, date(2026, 3, 8))
MONTH = Bin(Unit.MONTH, date(2026, 3, 1), date(2026, 3, 31))


@pytest.mark.parametrize(
    ("count", "mark"),
    [
        (0, Mark(0.0, "0")),
        (12_345, Mark(12_345.0, "12,345")),
        (None, Mark(None, "not known")),
        (Hidden.FEW, Mark(None, "fewer than 5")),
        (Hidden.BESIDE, Mark(None, "not shown")),
        (10**20, Mark(2.0**53, "100,000,000,000,000,000,000")),
    ],
)
def test_a_count_that_is_not_told_or_not_known_is_a_gap_and_says_so(count: int | Hidden | None, mark: Mark) -> None:
    assert count_mark(count, ENGLISH, small_number=5) == mark


def test_shares_and_spans_have_gaps_too() -> None:
    assert share_mark(0.255, ENGLISH) == Mark(0.255, "26%")
    assert share_mark(Hidden.FEW, ENGLISH) == Mark(None, "not shown")
    assert share_mark(None, ENGLISH).value is None
    assert span_mark(None, ENGLISH, without="none decided") == Mark(None, "none decided")
    assert span_mark(-3.0, ENGLISH, without="").value == 0.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 mins"), (90 * 60, "90 mins"), (3 * 3_600, "3 hrs"), (47 * 3_600, "47 hrs"), (72 * 3_600, "3 days")],
)
def test_a_span_is_written_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert span(seconds, ENGLISH) == words


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["between 10 and 11 o'clock", "in the week from 2 Mar 2026", "in March 2026", "on 2 Mar 2026"]),
        ("fr", ["entre 10 h et 11 h", "la semaine du 2 mars 2026", "en mars 2026", "le 2 mars 2026"]),
        ("nl", ["tussen 10 en 11 uur", "in de week vanaf 2 mrt 2026", "in maart 2026", "op 2 mrt 2026"]),
        ("ja", ["10時から11時の間", "2026年3月2日からの週", "2026年3月", "2026年3月2日"]),
    ],
)
def test_when_something_was(language: str, words: list[str]) -> None:
    places = (HOUR, WEEK, MONTH, Bin(Unit.DAY, DAY, DAY))
    assert [when(each, load_texts(language)) for each in places] == words


def test_places_are_named_in_full_in_the_table_and_shortly_under_the_picture() -> None:
    assert [label_of(each, ENGLISH) for each in (HOUR, WEEK, MONTH)] == [
        "10\N{EN DASH}11",
        "2 Mar 2026",
        "March 2026",
    ]
    assert [tick_of(each, ENGLISH) for each in (HOUR, WEEK, MONTH)] == ["10", "2 Mar", "Mar 2026"]
    assert [heading_of(each, ENGLISH) for each in Unit] == ["Hour", "Day", "Week from", "Month"]


def test_from_when_until_when() -> None:
    assert day(DAY, ENGLISH) == days(DAY, DAY, ENGLISH) == "2 Mar 2026"
    assert days(date(2025, 9, 1), DAY, ENGLISH).startswith("1 Sept 2025")


def test_numbers_beside_an_axis_are_short_and_alike() -> None:
    assert on_axis(2_000_000, 4_000_000, Scale.COUNT, ENGLISH) == "2M"
    assert on_axis(2_500_000, 4_000_000, Scale.COUNT, load_texts("ja")) == "250万"
    assert on_axis(3_600, 40_000, Scale.SECONDS, ENGLISH) == "1h"
    assert on_axis(0.5, 1, Scale.SHARE, load_texts("fr")).startswith("50")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_a_name_that_can_begin_a_line(language: str) -> None:
    names = [kind_name(kind, load_texts(language)) for kind in Kind]
    assert len(set(names)) == len(names)
    assert all(name and not name[0].islower() for name in names)


def test_what_counters_know_is_named_and_what_nobody_knows_stays() -> None:
    assert category_name("gambling", load_texts("fr")) == "Jeux d\N{RIGHT SINGLE QUOTATION MARK}argent"
    assert category_name("none", ENGLISH) == "No category"
    assert category_name("<b>", ENGLISH) == "<b>"
