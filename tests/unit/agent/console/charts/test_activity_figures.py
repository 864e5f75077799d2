"""How much was asked and blocked: counts of the day files, read once a day, and gaps where nobody knows."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent.console.charts.activity_figures import ActivityCounts, read_day
from agent.console.charts.periods import Period, Unit
from agent.sites.site import ActivityLevel
from agent.storage.activity import ActivityStore, Keeping
from rules.errors import StorageError
from rules.small_numbers import Hidden

LONDON = ZoneInfo("Europe/London")
# A Monday.
DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)


class Counted:
    """A school whose queries are counted."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.folder = folder / "activity"
        self.store = ActivityStore(
            self.folder,
            timezone=LONDON,
            keeping=Keeping(ActivityLevel.COUNTS, frozenset()),
            pseudonym_of=lambda _address, _day: "",
        )
        self.counts = ActivityCounts(self.folder, timezone="Europe/London", clock=lambda: self.now)

    def count(
        self, at: datetime, verdict: str, times: int, *, category: str = "games", audience: str = "pupil"
    ) -> None:
        self.store.store_counts(at.timestamp(), {(audience, verdict, category): times}, {})


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Counted]:
    made = Counted(tmp_path)
    with closing(made.store):
        yield made


def test_today_by_hour_is_known_until_now(school: Counted) -> None:
    school.count(NOW, "allowed", 100, category="none")
    school.count(NOW, "blocked", 7)
    found = school.counts.by_time(Period(DAY, DAY))
    assert found.asked[9:12] == (0, 107, None)
    assert found.blocked[9:12] == (0, 7, None)
    assert found.bins[10].hour == 10


def test_hours_are_those_of_the_school(school: Counted) -> None:
    school.now = datetime(2026, 7, 1, 20, tzinfo=UTC)
    school.count(datetime(2026, 7, 1, 8, 5, tzinfo=UTC), "blocked", 3)
    assert school.counts.by_time(Period(date(2026, 7, 1), date(2026, 7, 1))).blocked[9] == 3


def test_a_day_without_a_file_is_a_gap_and_never_nothing(school: Counted) -> None:
    school.count(NOW - timedelta(days=2), "allowed", 5)
    found = school.counts.by_time(Period.last_days(DAY, 3))
    assert (found.asked, found.blocked) == ((5, None, None), (0, None, None))


def test_a_week_is_the_sum_of_its_days_that_are_known(school: Counted) -> None:
    for days in (0, 7, 8):
        school.count(NOW - timedelta(days=days), "blocked", 4)
    found = school.counts.by_time(Period.last_days(DAY, 60))
    assert found.bins[-1].unit is Unit.WEEK
    assert found.blocked[-3:] == (4, 4, 4)
    assert found.blocked[0] is None


def test_what_is_written_later_is_read_again(school: Counted) -> None:
    school.count(NOW, "blocked", 1)
    assert school.counts.by_time(Period(DAY, DAY)).blocked[10] == 1
    school.count(NOW, "blocked", 2)
    assert school.counts.by_time(Period(DAY, DAY)).blocked[10] == 3


def test_what_was_deleted_at_its_time_is_in_no_picture(school: Counted) -> None:
    school.count(NOW - timedelta(days=30), "blocked", 9)
    period = Period.last_days(DAY, 31)
    assert school.counts.by_time(period).blocked[0] == 9
    school.store.delete_expired(DAY, retention_days=5)
    assert school.counts.by_time(period).blocked[0] is None
    assert not school.counts._kept


def test_a_damaged_day_keeps_nobody_from_the_others(school: Counted) -> None:
    school.count(NOW, "blocked", 1)
    (school.folder / "activity-2026-03-01.db").write_text("nothing of ours")
    assert school.counts.by_time(Period.last_days(DAY, 2)).blocked == (None, 1)
    with pytest.raises(StorageError):
        read_day(school.folder / "activity-2026-03-01.db", LONDON)


def test_nothing_is_there_before_the_first_day(tmp_path: Path) -> None:
    counts = ActivityCounts(tmp_path / "none", timezone="Europe/London", clock=lambda: NOW)
    assert set(counts.by_time(Period(DAY, DAY)).asked) == {None}
    assert counts.by_category(Period(DAY, DAY)).categories == ()


def test_blocks_by_category_the_most_first(school: Counted) -> None:
    school.count(NOW, "blocked", 8, category="gambling")
    school.count(NOW - timedelta(days=1), "blocked", 9)
    school.count(NOW, "allowed", 500, category="none")
    found = school.counts.by_category(Period.last_days(DAY, 7))
    assert (found.categories, found.total) == ((("games", 9), ("gambling", 8)), 17)


def test_small_numbers_are_hidden_and_stand_last(school: Counted) -> None:
    for category, times in (("gambling", 2), ("games", 30), ("shopping", 20), ("vpn", 1)):
        school.count(NOW, "blocked", times, category=category)
    found = school.counts.by_category(Period(DAY, DAY), small_number=5)
    assert found.categories == (
        ("games", 30),
        ("gambling", Hidden.FEW),
        ("shopping", Hidden.BESIDE),
        ("vpn", Hidden.FEW),
    )
