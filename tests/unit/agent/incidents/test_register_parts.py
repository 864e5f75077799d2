"""A part of a register: so many rows, the key of the last where there is more, and nothing read in vain."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from agent.incidents.register_parts import WHOLE, Key, Part, Placed, cut, in_chunks, part_of_days
from agent.storage.state import instant_text
from rules.errors import RefusedRequestError

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def placed(number: int) -> Iterator[Placed]:
    return (((each,), (f"row {each}",)) for each in range(number))


@pytest.mark.parametrize(
    ("there_are", "limit", "rows", "more"),
    [(0, 3, 0, None), (2, 3, 2, None), (3, 3, 3, None), (4, 3, 3, (2,)), (1000, 3, 3, (2,))],
    ids=["nothing", "fewer", "exactly-so-many", "one-more", "many-more"],
)
def test_a_part_has_so_many_rows_and_says_where_the_next_begins(
    there_are: int, limit: int, rows: int, more: tuple[int] | None
) -> None:
    found, after = cut(placed(there_are), Part(limit=limit))
    assert len(found) == rows
    assert after == more


def test_no_more_is_read_than_is_shown_and_one_row_that_says_whether_there_is_more() -> None:
    rows = placed(100)
    cut(rows, Part(limit=3))
    assert next(rows) == ((4,), ("row 4",))


def test_what_is_read_in_chunks_is_everything_once_and_in_order() -> None:
    asked: list[tuple[int | None, int]] = []

    def read(*, before: tuple[int] | None, limit: int) -> list[int]:
        begin = before[0] + 1 if before else 0
        asked.append((begin, limit))
        return list(range(begin, min(begin + limit, 25)))

    assert list(in_chunks(read, lambda each: (each,), Part(after=(4,), limit=9), at_of=lambda _: NOON)) == list(
        range(5, 25)
    )
    assert asked == [(5, 10), (15, 10), (25, 10)]


def test_a_whole_register_is_bounded() -> None:
    found, more = cut(placed(WHOLE.limit + 5), WHOLE)
    assert len(found) == 10_000
    assert more == (9_999,)


def test_of_a_period_no_older_row_is_read_than_has_to_be() -> None:
    days = [NOON - timedelta(days=each) for each in range(2000)]
    asked: list[Key | None] = []

    def read(*, before: tuple[str] | None, limit: int) -> list[datetime]:
        asked.append(before)
        return [each for each in days if before is None or instant_text(each) < before[0]][:limit]

    part = Part(limit=9, from_at=NOON - timedelta(days=600), until_at=NOON - timedelta(days=590))
    found = in_chunks(read, lambda each: (instant_text(each),), part, at_of=lambda each: each)
    assert list(found) == days[591:601]
    assert len(asked) == 2


def test_where_rows_stand_by_number_an_older_one_among_them_ends_nothing() -> None:
    rows = [(3, NOON), (2, NOON - timedelta(days=9)), (1, NOON - timedelta(hours=1))]

    def read(*, before: tuple[int] | None, limit: int) -> list[tuple[int, datetime]]:
        return [each for each in rows if before is None or each[0] < before[0]][:limit]

    part = Part(from_at=NOON - timedelta(days=1))
    found = in_chunks(read, lambda each: (each[0],), part, at_of=lambda each: each[1])
    assert [number for number, _ in found] == [3, 1]


def test_what_has_no_instant_is_of_no_period() -> None:
    assert Part().holds(None)
    assert not Part(until_at=NOON).holds(None)


def test_days_are_those_of_the_clock_of_the_school_and_both_included() -> None:
    part = part_of_days(date(2026, 3, 28), date(2026, 3, 29), "Europe/London")
    assert part.from_at == datetime(2026, 3, 28, tzinfo=UTC)
    # The clocks go forward on that Sunday.
    assert part.until_at == datetime(2026, 3, 29, 23, tzinfo=UTC)
    assert part.facts() == {
        "from_at": "2026-03-28T00:00:00.000000+00:00",
        "until_at": "2026-03-29T23:00:00.000000+00:00",
    }


@pytest.mark.parametrize(
    ("first", "last"), [(None, None), (date.min, date.max)], ids=["none-given", "the-ends-of-the-calendar"]
)
def test_days_that_bound_nothing_are_the_whole_register(first: date | None, last: date | None) -> None:
    for timezone in ("Asia/Tokyo", "America/Los_Angeles"):
        assert part_of_days(first, last, timezone) == WHOLE


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(RefusedRequestError, match=r"The last day is before the first\."):
        part_of_days(date(2026, 3, 2), date(2026, 3, 1), "UTC")
