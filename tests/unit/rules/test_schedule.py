"""Schedules: what a wall clock says, over midnight, over terms and over changes of the clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.schedule import DateRange, Schedule, Window

MON_TO_FRI = frozenset(range(5))
EVERY_DAY = frozenset(range(7))
LONDON = "Europe/London"


def schedule(
    *windows: Window, timezone: str = LONDON, terms: tuple[DateRange, ...] = (), holidays: tuple[DateRange, ...] = ()
) -> Schedule:
    return Schedule("s", timezone, windows, terms, holidays)


def at(text: str, *, timezone: str = LONDON, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone), fold=fold).astimezone(UTC)


LUNCH = Window(MON_TO_FRI, 12 * 60 + 10, 13 * 60)
BREAK = Window(MON_TO_FRI, 10 * 60 + 30, 10 * 60 + 50)
NIGHT = Window(frozenset({4}), 22 * 60, 6 * 60)
ALL_DAY = Window(frozenset({5}), 0, 1440)
AUTUMN = DateRange("autumn", date(2026, 9, 2), date(2026, 12, 18))
HALF_TERM = DateRange("half-term", date(2026, 10, 26), date(2026, 10, 30))


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        pytest.param("2026-09-21T12:09:59", False, id="a-second-before-the-start-is-outside"),
        pytest.param("2026-09-21T12:10:00", True, id="the-start-is-inside"),
        pytest.param("2026-09-21T12:59:59", True, id="the-last-second-is-inside"),
        pytest.param("2026-09-21T13:00:00", False, id="the-end-is-outside"),
        pytest.param("2026-09-21T10:30:00", True, id="a-second-window-of-the-day"),
        pytest.param("2026-09-26T12:30:00", False, id="not-on-a-saturday"),
    ],
)
def test_windows_of_a_day(when: str, *, expected: bool) -> None:
    assert schedule(LUNCH, BREAK).covers(at(when)) is expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        pytest.param("2026-09-25T23:00", True, id="friday-evening"),
        pytest.param("2026-09-26T05:59", True, id="the-morning-after-belongs-to-friday"),
        pytest.param("2026-09-26T06:00", False, id="ends-in-the-morning"),
        pytest.param("2026-09-25T05:00", False, id="friday-morning-belongs-to-thursday"),
    ],
)
def test_a_window_over_midnight(when: str, *, expected: bool) -> None:
    assert schedule(NIGHT).covers(at(when)) is expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        pytest.param("2026-09-01T12:30", False, id="before-term"),
        pytest.param("2026-09-02T12:30", True, id="first-day-of-term"),
        pytest.param("2026-12-18T12:30", True, id="last-day-of-term"),
        pytest.param("2026-12-21T12:30", False, id="after-term"),
        pytest.param("2026-10-28T12:30", False, id="half-term"),
    ],
)
def test_terms_and_holidays(when: str, *, expected: bool) -> None:
    assert schedule(LUNCH, terms=(AUTUMN,), holidays=(HALF_TERM,)).covers(at(when)) is expected


def test_the_night_after_the_last_day_of_term_still_belongs_to_it() -> None:
    assert schedule(NIGHT, terms=(AUTUMN,)).covers(at("2026-12-19T03:00"))


@pytest.mark.parametrize(
    ("windows", "after", "expected"),
    [
        pytest.param([LUNCH], "2026-09-21T08:00", "2026-09-21T12:10", id="the-start-of-the-day's-window"),
        pytest.param([LUNCH], "2026-09-21T12:10", "2026-09-21T13:00", id="the-end-from-the-start-on"),
        pytest.param([LUNCH], "2026-09-25T13:00", "2026-09-28T12:10", id="over-the-week-end"),
        pytest.param([NIGHT], "2026-09-25T22:00", "2026-09-26T06:00", id="the-morning-after"),
        pytest.param([NIGHT], "2026-09-26T03:00", "2026-09-26T06:00", id="the-same-morning"),
        pytest.param(
            [Window(EVERY_DAY, 1200, 1260)], "2026-12-01T20:30", "2026-12-01T21:00", id="three-hours-before-midnight"
        ),
        pytest.param([ALL_DAY], "2026-09-26T10:00", "2026-09-27T00:00", id="midnight-ends-a-whole-day"),
        pytest.param([NIGHT, ALL_DAY], "2026-09-25T22:00", "2026-09-27T00:00", id="windows-that-touch-are-one"),
    ],
)
def test_next_boundary(windows: list[Window], after: str, expected: str) -> None:
    assert schedule(*windows).next_boundary(at(after)) == at(expected)


def test_next_boundary_skips_holidays_and_the_time_between_terms() -> None:
    lunch = schedule(LUNCH, terms=(AUTUMN,), holidays=(HALF_TERM,))
    assert lunch.next_boundary(at("2025-03-01T00:00")) == at("2026-09-02T12:10")
    assert lunch.next_boundary(at("2026-10-23T13:00")) == at("2026-11-02T12:10")
    assert lunch.next_boundary(at("2026-12-18T13:00")) is None


@pytest.mark.parametrize(
    "never",
    [
        pytest.param(schedule(), id="no-windows"),
        pytest.param(schedule(Window(EVERY_DAY, 0, 1440)), id="always-open"),
        pytest.param(schedule(Window(EVERY_DAY, 600, 600)), id="a-day-from-ten-to-ten-every-day"),
        pytest.param(
            schedule(LUNCH, terms=(AUTUMN,), holidays=(DateRange("all", date(1990, 1, 1), date.max),)),
            id="always-holidays",
        ),
    ],
)
def test_no_boundary(never: Schedule) -> None:
    assert never.next_boundary(at("2026-03-01T00:00")) is None


def test_spring_a_window_in_the_skipped_hour_does_not_happen() -> None:
    # In London, on 29 March 2026, 01:00 is followed by 02:00.
    skipped = schedule(Window(frozenset({6}), 75, 105))
    assert skipped.next_boundary(at("2026-03-28T12:00")) == at("2026-04-05T01:15")


def test_spring_a_window_that_starts_in_the_skipped_hour_starts_at_the_change() -> None:
    late = schedule(Window(frozenset({6}), 75, 180))
    change = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert late.next_boundary(at("2026-03-28T12:00")) == change
    assert late.next_boundary(change) == datetime(2026, 3, 29, 2, 0, tzinfo=UTC)


def test_autumn_a_window_in_the_repeated_hour_happens_twice() -> None:
    # In London, on 25 October 2026, 02:00 BST is followed by 01:00 GMT.
    repeated = schedule(Window(frozenset({6}), 30, 90))
    boundaries = [at("2026-10-24T12:00")]
    for _ in range(4):
        following = repeated.next_boundary(boundaries[-1])
        assert following is not None
        boundaries.append(following)
    assert boundaries[1:] == [
        datetime(2026, 10, 24, 23, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ]


# Each pair is a zone and days on which its clocks change, in both directions.
CLOCK_CHANGES = [
    ("Europe/London", date(2026, 3, 29)),
    ("Europe/London", date(2026, 10, 25)),
    ("America/Montreal", date(2026, 3, 8)),
    ("America/Montreal", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Asia/Tokyo", date(2026, 6, 1)),
    # Clocks that change at midnight, so that the hour before or after it is skipped or repeated.
    ("Africa/Cairo", date(2026, 4, 24)),
    ("Asia/Beirut", date(2026, 10, 25)),
    ("Atlantic/Azores", date(2026, 3, 29)),
    ("Atlantic/Azores", date(2026, 10, 25)),
]

windows = st.builds(
    Window,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.one_of(st.integers(0, 1439), st.sampled_from([0, 30, 60, 90, 105, 120, 150, 180, 1380, 1410])),
    st.one_of(st.integers(0, 1440), st.sampled_from([0, 60, 75, 90, 105, 120, 150, 180, 1440])),
)


@given(st.data(), st.sampled_from(CLOCK_CHANGES), st.lists(windows, min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_covers_is_constant_up_to_the_boundary_and_changes_there(
    data: st.DataObject, change: tuple[str, date], drawn: list[Window]
) -> None:
    timezone, day = change
    days = st.integers(-3, 3).map(lambda shift: day + timedelta(days=shift))
    ranges = st.builds(
        lambda first, length: DateRange("r", first, first + timedelta(days=length)), days, st.integers(0, 3)
    )
    subject = schedule(
        *drawn,
        timezone=timezone,
        terms=tuple(data.draw(st.lists(ranges, max_size=2))),
        holidays=tuple(data.draw(st.lists(ranges, max_size=1))),
    )
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    after = midnight + timedelta(minutes=data.draw(st.integers(-2880, 2880)), seconds=data.draw(st.integers(0, 59)))

    boundary = subject.next_boundary(after)

    assert boundary is None or boundary > after
    end = after + timedelta(days=9) if boundary is None else min(boundary, after + timedelta(days=9))
    covered = subject.covers(after)
    first_minute = after.replace(second=0) + timedelta(minutes=1)
    minutes = int((end - first_minute).total_seconds() // 60) + 1
    for minute in range(0, minutes, 7 if minutes > 2880 else 1):
        instant = first_minute + timedelta(minutes=minute)
        if instant < end:
            assert subject.covers(instant) is covered
    if boundary is not None:
        assert subject.covers(boundary - timedelta(seconds=1)) is covered
        assert subject.covers(boundary) is not covered
