"""The day files: the next lines that matter, each known by its file and number, and nothing of nobody's business."""

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from incidents_of_test import NOW
from observing_of_test import GAMBLING, ObservingOfTest

from agent.observing.observing_activity import DayFiles, DayUnreadableError, OpenDay, day_of_source
from agent.sites.site import ActivityLevel

DAY = NOW.date()


@pytest.fixture
def school(tmp_path: Path) -> ObservingOfTest:
    return ObservingOfTest(tmp_path)


def files(school: ObservingOfTest) -> DayFiles:
    return DayFiles(school.folder / "activity")


def numbers(day: OpenDay, *categories: str, after: int = 0, limit: int = 100) -> tuple[list[int], int]:
    rows, reached = day.part(after, until=day.end, categories=categories, limit=limit)
    return [row.number for row in rows], reached


def test_the_next_lines_of_the_categories_that_matter(school: ObservingOfTest) -> None:
    school.keep(ActivityLevel.ALL)
    school.ask("a.example", "b.example")
    school.ask("game.example", category="games")
    school.ask("c.example", verdict="allowed")
    school.ask("d.example", audience="unknown")
    school.ask("e.example", audience="staff")
    with files(school).open(DAY) as day:
        assert day is not None
        assert numbers(day, "gambling") == ([1, 2, 6], 6)
        assert numbers(day, "gambling", limit=2) == ([1, 2], 2)
        assert numbers(day, "gambling", after=2) == ([6], 6)
        assert numbers(day, "piracy") == ([], 6)
        assert day.count_others(0, 6, categories={"gambling"}) == 2, "the game, and whoever is in no network"


def test_a_day_whose_file_has_no_tables_yet_holds_nothing(school: ObservingOfTest) -> None:
    (school.folder / "activity").mkdir(exist_ok=True)
    (school.folder / "activity" / f"activity-{DAY}.db").touch()
    assert files(school).days() == [DAY]
    with files(school).open(DAY) as day:
        assert day is None


def test_who_asks_for_help_is_never_read_whatever_the_categories(school: ObservingOfTest) -> None:
    school.ask("a.example")
    with closing(sqlite3.connect(school.folder / "activity" / f"activity-{DAY}.db")) as database:
        database.execute("UPDATE queries SET category = 'helplines'")
        database.commit()
    with files(school).open(DAY) as day:
        assert day is not None
        assert numbers(day, "helplines", "gambling") == ([], 1)


def test_the_lines_of_one_device_in_a_stretch_of_time(school: ObservingOfTest) -> None:
    school.ask(*GAMBLING)
    school.ask("other.example", device="192.0.2.9")
    with files(school).open(DAY) as day:
        assert day is not None
        first, end = int(NOW.timestamp()) + 60, int(NOW.timestamp()) + 240
        found = day.of_device(school.device(), first, end, until=3, categories={"gambling"})
    assert [row.number for row in found] == [2, 3]


def test_another_file_of_the_same_day_has_another_source(school: ObservingOfTest) -> None:
    school.ask("a.example")
    file = school.folder / "activity" / f"activity-{DAY}.db"
    with files(school).open(DAY) as day:
        assert day is not None
        first = day.source
    with files(school).open(DAY) as day:
        assert day is not None
        assert day.source == first
    file.rename(file.with_suffix(".db.corrupt"))
    school.ask("a.example")
    with files(school).open(DAY) as day:
        assert day is not None
        assert day.source != first
        assert day_of_source(day.source) == DAY


def test_a_file_from_before_files_had_ids_is_read_too(school: ObservingOfTest) -> None:
    school.ask("a.example")
    with closing(sqlite3.connect(school.folder / "activity" / f"activity-{DAY}.db")) as database:
        database.execute("DROP TABLE file")
    school.ask("b.example")
    with files(school).open(DAY) as day:
        assert day is not None
        assert day.source == f"activity-{DAY}-"
        assert numbers(day, "gambling") == ([1, 2], 2)


def test_days_are_those_that_have_a_file(school: ObservingOfTest) -> None:
    assert files(school).days() == []
    school.ask("a.example")
    school.ask("a.example", at=NOW - timedelta(days=1))
    (school.folder / "activity" / "activity-notes.db").touch()
    (school.folder / "activity" / "activity-2026-02-01.db.corrupt").touch()
    assert files(school).days() == [DAY - timedelta(days=1), DAY]
    with files(school).open(date(2026, 1, 1)) as day:
        assert day is None


def test_whatever_is_written_changes_the_state_of_a_file(school: ObservingOfTest) -> None:
    before = files(school).state_of(DAY)
    school.ask("a.example")
    after = files(school).state_of(DAY)
    assert before != after == files(school).state_of(DAY)


def test_what_is_no_day_file_is_said(school: ObservingOfTest) -> None:
    school.ask("a.example")
    (school.folder / "activity" / f"activity-{DAY}.db").write_bytes(b"x" * 4096)
    with pytest.raises(DayUnreadableError, match="what was asked could not be read"), files(school).open(DAY):
        pass


@pytest.mark.parametrize("source", ["record", "activity-", "activity-2026-13-40-ab"])
def test_other_sources_are_of_no_day(source: str) -> None:
    assert day_of_source(source) is None
