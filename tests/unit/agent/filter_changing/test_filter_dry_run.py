"""A dry run: what a change would have meant for what is on record, and what the record cannot say."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from agent.filter_changing.filter_dry_run import DryRun, Turn, dry_run
from agent.sites.config import parse_site
from agent.sites.site import Site
from agent.storage.activity import SCHEMA
from rules.name import DomainName
from rules.subject import Audience

TODAY = date(2026, 3, 9)
MONDAY = date(2026, 3, 2)
AT_TEN = datetime(2026, 3, 2, 10, 5, tzinfo=UTC)
AT_LUNCH = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
BASE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {pupils: {audience: pupil, cidrs: 10.1.0.0/16}, staff: {audience: staff, cidrs: 10.2.0.0/16}}
groups: {media: {cidrs: 10.1.6.0/24}}
schedules: {lunch: {windows: {days: mon-fri, from: 12:00, to: 13:00}}}
"""
NO_BLOGS = "policies: {no-blogs: {block: blogs}}\n"
NAMES_ARE_COUNTS = "Questions that were answered are kept as counts"


def build(text: str = "") -> Site:
    return parse_site(BASE + text, path=Path("/nowhere/site.yaml")).site


def keep(
    folder: Path, *rows: tuple[datetime, str, str, str, str, int], counts: tuple[tuple[str, ...], ...] = ()
) -> None:
    """Keep rows (at, audience, verdict, name, category, times) and counts (audience, verdict, category, times)."""
    with closing(sqlite3.connect(folder / f"activity-{MONDAY}.db")) as database:
        database.executescript(SCHEMA)
        database.executemany(
            "INSERT INTO queries VALUES (?, 'p', ?, ?, ?, ?, 'policy', ?)",
            [(int(at.timestamp()) // 60 * 60, *rest) for at, *rest in rows],
        )
        hour = int(AT_TEN.timestamp()) // 3600 * 3600
        database.executemany(
            "INSERT INTO counts VALUES (?, ?, ?, ?, ?)", [(hour, *row[:3], int(row[3])) for row in counts]
        )
        database.commit()


def run(folder: Path, before: str, after: str, *categories: str) -> DryRun:
    def categories_of(_name: DomainName) -> tuple[str, ...]:
        return categories

    return dry_run(
        build(before), build(after), folder, today=TODAY, categories_of=categories_of if categories else None
    )


def blocked(
    name: str, category: str = "blogs", at: datetime = AT_TEN, who: str = "pupil", times: int = 2
) -> tuple[datetime, str, str, str, str, int]:
    return at, who, "blocked", name, category, times


def test_names_that_would_be_open_are_counted_once_with_their_questions(tmp_path: Path) -> None:
    keep(
        tmp_path, blocked("a.test"), blocked("a.test", at=AT_LUNCH), blocked("b.test"), blocked("c.test", "gambling")
    )
    result = run(tmp_path, NO_BLOGS + "", "", "blogs")
    assert str(result.figures[0]) == "2 names that pupils asked for (6 times) would now be open."
    assert len(result.figures) == 1
    assert result.sentences[0] == "1 day of 2026-03-02 to 2026-03-08 are on record."


@pytest.mark.parametrize(
    ("after", "at", "opened"),
    [
        pytest.param(
            "policies: {no-blogs: {block: blogs, schedule: lunch}}", AT_TEN, True, id="outside-its-schedule"
        ),
        pytest.param("policies: {no-blogs: {block: blogs, schedule: lunch}}", AT_LUNCH, False, id="in-its-schedule"),
        pytest.param("policies: {no-blogs: {block: blogs, audiences: staff}}", AT_TEN, True, id="another-audience"),
        pytest.param(
            NO_BLOGS.replace("}}", "}, a: {allow: {names: test}}}"), AT_TEN, True, id="a-name-above-is-allowed"
        ),
        pytest.param(
            NO_BLOGS.replace("}}", "}, a: {allow: {names: other.test}}}"), AT_TEN, False, id="another-name-is-allowed"
        ),
    ],
)
def test_each_question_is_decided_again_at_its_own_moment(
    tmp_path: Path, after: str, at: datetime, opened: bool
) -> None:
    keep(tmp_path, blocked("a.test", at=at))
    result = run(tmp_path, NO_BLOGS, after, "blogs")
    assert bool(result.figures) is opened
    assert all(figure.is_sure and figure.turn is Turn.OPENED for figure in result.figures)


def test_a_name_with_another_blocked_category_stays_blocked(tmp_path: Path) -> None:
    keep(tmp_path, blocked("a.test"))
    assert run(tmp_path, NO_BLOGS, "", "blogs", "gambling").figures == ()


def test_without_the_lists_it_is_only_perhaps_open(tmp_path: Path) -> None:
    keep(tmp_path, blocked("a.test"))
    result = run(tmp_path, NO_BLOGS, "")
    assert str(result.figures[0]) == (
        "1 name that pupils asked for (2 times) would perhaps, or for some of them, now be open."
    )
    assert any("another one may still block it" in sentence for sentence in result.unknown)


def test_what_depends_on_a_group_is_perhaps(tmp_path: Path) -> None:
    keep(tmp_path, blocked("a.test"))
    result = run(tmp_path, NO_BLOGS, "policies: {no-blogs: {block: blogs, except_groups: media}}", "blogs")
    assert [figure.is_sure for figure in result.figures] == [False]
    assert any("in which groups" in sentence for sentence in result.unknown)


def test_names_that_would_be_blocked_are_counted_where_a_school_keeps_all(tmp_path: Path) -> None:
    keep(tmp_path, (AT_TEN, "staff", "allowed", "a.test", "none", 1))
    keeps_all = "retention: {activity: all, reason: A choice of ours}\n"
    result = run(tmp_path, keeps_all, keeps_all + NO_BLOGS, "blogs")
    assert str(result.figures[0]) == "1 name that staff asked for (once) would now be blocked."
    assert not any(sentence.startswith(NAMES_ARE_COUNTS) for sentence in result.unknown)


def test_from_counts_only_categories_are_known_and_that_is_said(tmp_path: Path) -> None:
    keep(
        tmp_path,
        blocked("a.test", "gambling"),
        counts=(
            ("pupil", "allowed", "none", "500"),
            ("pupil", "allowed", "blogs", "7"),
            ("pupil", "blocked", "gambling", "2"),
            ("unknown", "refused", "none", "9"),
        ),
    )
    result = run(tmp_path, "", NO_BLOGS)
    assert list(map(str, result.figures)) == ["7 questions of pupils that are only counted would now be blocked."]
    assert any(NAMES_ARE_COUNTS in sentence and "500 answered" in sentence for sentence in result.unknown)


def test_refused_questions_that_are_only_counted_may_be_open(tmp_path: Path) -> None:
    keep(tmp_path, counts=(("pupil", "blocked", "blogs", "3"),))
    figures = run(tmp_path, NO_BLOGS, "").figures
    assert [(each.audience, each.turn, each.is_sure, each.names, each.questions) for each in figures] == [
        (Audience.PUPIL, Turn.OPENED, False, 0, 3)
    ]


def test_what_was_refused_for_a_reason_of_that_time_is_left_out_and_said(tmp_path: Path) -> None:
    keep(tmp_path, blocked("a.test", "chat"))
    result = run(tmp_path, "", NO_BLOGS, "chat")
    assert result.figures == ()
    assert "Nothing that is on record would change." in result.sentences
    assert any(sentence.startswith("2 refused questions would not be refused today") for sentence in result.unknown)


def test_lists_that_differ_are_said(tmp_path: Path) -> None:
    result = run(tmp_path, "", "lists: {ours: {source: https://lists.example/a, category: blogs}}")
    assert any("The lists differ" in sentence for sentence in result.unknown)


def test_a_day_that_cannot_be_read_is_said_and_the_others_count(tmp_path: Path) -> None:
    keep(tmp_path, blocked("a.test"))
    (tmp_path / "activity-2026-03-03.db").write_bytes(b"no database at all" * 100)
    result = run(tmp_path, NO_BLOGS, "", "blogs")
    assert result.days_kept == 1
    assert result.figures[0].names == 1
    assert result.unknown[0].startswith("The activity of 2026-03-03 could not be read")


def test_only_the_days_before_today_count(tmp_path: Path) -> None:
    keep(tmp_path, blocked("a.test"))
    for today in (MONDAY, date(2026, 3, 10)):
        assert dry_run(build(NO_BLOGS), build(), tmp_path, today=today).days_kept == 0
