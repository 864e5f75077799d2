"""Spans of time: how they are written, and when something is due by them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.span import Span, Unit, due, parse_span, stricter

LONDON = ZoneInfo("Europe/London")
FRIDAY = datetime(2026, 10, 23, 14, 0, tzinfo=LONDON)
# The autumn holiday, between two ordinary weeks.
CLOSED = {date(2026, 10, 26) + timedelta(days=number) for number in range(5)}


def is_school_day(day: date) -> bool:
    return day.weekday() < 5 and day not in CLOSED


def due_at(text: str, start: datetime = FRIDAY) -> str:
    return due(start, parse_span(text), zone=LONDON, is_school_day=is_school_day).isoformat()


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("at once", Span(0, Unit.MINUTES)),
        ("72 h", Span(72, Unit.HOURS)),
        ("72h", Span(72, Unit.HOURS)),
        ("1 hour", Span(1, Unit.HOURS)),
        ("15 school days", Span(15, Unit.SCHOOL_DAYS)),
        ("2 weeks", Span(2, Unit.WEEKS)),
        ("1 month", Span(1, Unit.MONTHS)),
        ("7 years", Span(7, Unit.YEARS)),
    ],
)
def test_a_span_is_read_and_written_again(text: str, span: Span) -> None:
    assert parse_span(text) == span
    assert parse_span(str(span)) == span


@pytest.mark.parametrize("text", ["72", "", "h", "-1 h", "1.5 h", "72 parsecs", "1 m", "99999 h", "h 72"])
def test_a_span_without_a_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected at once, or a number and a unit"):
        parse_span(text)


def test_a_span_that_nobody_lives_to_see_is_refused() -> None:
    assert parse_span("100 years") == Span(100, Unit.YEARS)
    with pytest.raises(ValueError, match="'9999 years'; expected at most 150 years"):
        parse_span("9999 years")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param("at once", "2026-10-23T14:00:00+01:00", id="at once"),
        pytest.param("72 h", "2026-10-26T13:00:00+00:00", id="hours run over a change of the clocks"),
        pytest.param("1 day", "2026-10-25T00:00:00+01:00", id="a day ends with its last minute"),
        pytest.param("1 school day", "2026-11-03T00:00:00+00:00", id="school days leave out week-ends and holidays"),
        pytest.param("15 school days", "2026-11-21T00:00:00+00:00", id="three weeks of school"),
        pytest.param("1 month", "2026-11-24T00:00:00+00:00", id="a month"),
        pytest.param("1 year", "2027-10-24T00:00:00+01:00", id="a year"),
    ],
)
def test_when_something_is_due(text: str, at: str) -> None:
    assert datetime.fromisoformat(due_at(text)) == datetime.fromisoformat(at)


@pytest.mark.parametrize(
    ("start", "end"),
    [(date(2027, 1, 31), "2027-03-01"), (date(2028, 1, 31), "2028-03-01"), (date(2026, 12, 31), "2027-02-01")],
)
def test_a_month_that_lacks_the_day_ends_with_its_last(start: date, end: str) -> None:
    assert due_at("1 month", datetime(start.year, start.month, start.day, 9, tzinfo=LONDON)).startswith(
        f"{end}T00:00"
    )


def test_a_school_that_never_opens_is_not_waited_for() -> None:
    span = parse_span("1 school day")
    ended = due(FRIDAY, span, zone=LONDON, is_school_day=lambda _: False)
    assert timedelta(days=300) < ended - FRIDAY < timedelta(days=500)


@given(st.sampled_from(Unit), st.integers(0, 300), st.integers(0, 500_000))
def test_nothing_is_due_before_it_began(unit: Unit, amount: int, hours: int) -> None:
    began = datetime(1980, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
    assert due(began, Span(amount, unit), zone=LONDON, is_school_day=is_school_day) >= began


def test_the_stricter_leaves_less_time() -> None:
    assert stricter(parse_span("72 h"), parse_span("4 days")) == Span(72, Unit.HOURS)
    assert stricter(parse_span("1 month"), parse_span("15 school days")) == Span(15, Unit.SCHOOL_DAYS)
