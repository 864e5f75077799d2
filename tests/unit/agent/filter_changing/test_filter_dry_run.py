"""A dry run: what a change would have meant for what is on record, and what the record cannot say."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from agent.filter_changing.filter_dry_run import DryRun, Figure, addressed_anew, dry_run
from agent.filter_changing.turned_names import Turn, TurnedName
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
    folder: Path,
    *rows: tuple[datetime, str, str, str, str, int],
    counts: tuple[tuple[str, ...], ...] = (),
    devices: str = "pqrst",
) -> None:
    """Keep rows (at, audience, verdict, name, category, times) of each device, and counts of all.

    Counts are (audience, verdict, category, times).
    """
    with closing(sqlite3.connect(folder / f"activity-{MONDAY}.db")) as database:
        database.executescript(SCHEMA)
        database.executemany(
            "INSERT INTO queries VALUES (?, ?, ?, ?, ?, ?, 'policy', ?)",
            [(int(at.timestamp()) // 60 * 60, device, *rest) for at, *rest in rows for device in devices],
        )
        hour = int(AT_TEN.timestamp()) // 3600 * 3600
        database.executemany(
            "INSERT OR REPLACE INTO counts VALUES (?, ?, ?, ?, ?)",
            [(hour, *row[:3], int(row[3])) for row in counts],
        )
        database.commit()


def run(
    folder: Path, before: str, after: str, *categories: str, small_number: int = 5, tells_names: bool = False
) -> DryRun:
    def categories_of(_name: DomainName) -> tuple[str, ...]:
        return categories

    return dry_run(
        build(before),
        build(after),
        folder,
        today=TODAY,
        categories_of=categories_of if categories else None,
        small_number=small_number,
        tells_names=tells_names,
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
    assert str(result.figures[0]) == "A few names that pupils asked for (about 30 times) would now be open."
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
        "A few names that pupils asked for (about 10 times) would perhaps, or for some of them, now be open."
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
    assert str(result.figures[0]) == "A few names that staff asked for (about 5 times) would now be blocked."
    assert not any(sentence.startswith(NAMES_ARE_COUNTS) for sentence in result.unknown)


def test_from_counts_only_categories_are_known_and_that_is_said(tmp_path: Path) -> None:
    keep(
        tmp_path,
        blocked("a.test", "gambling"),
        blocked("b.test", "gambling"),
        counts=(
            ("pupil", "allowed", "none", "500"),
            ("pupil", "allowed", "blogs", "724"),
            ("pupil", "blocked", "gambling", "20"),
            ("unknown", "refused", "none", "9"),
        ),
    )
    result = run(tmp_path, "", NO_BLOGS)
    assert list(map(str, result.figures)) == [
        "About 720 questions of pupils that are only counted would now be blocked."
    ]
    assert any(NAMES_ARE_COUNTS in sentence and "about 500 answered" in sentence for sentence in result.unknown)


def test_refused_questions_that_are_only_counted_may_be_open(tmp_path: Path) -> None:
    keep(tmp_path, blocked("a.test", "gambling"), counts=(("pupil", "blocked", "blogs", "33"),))
    figures = run(tmp_path, NO_BLOGS, "").figures
    assert [(each.audience, each.turn, each.is_sure, each.names, each.questions) for each in figures] == [
        (Audience.PUPIL, Turn.OPENED, False, None, 35)
    ]


def test_what_was_refused_for_a_reason_of_that_time_is_left_out_and_said(tmp_path: Path) -> None:
    keep(tmp_path, blocked("a.test", "chat"))
    result = run(tmp_path, "", NO_BLOGS, "chat")
    assert result.figures == ()
    assert "Nothing that may be told would change." in result.sentences
    assert any(
        sentence.startswith("About 10 refused questions would not be refused today") for sentence in result.unknown
    )


def test_lists_that_differ_are_said(tmp_path: Path) -> None:
    result = run(tmp_path, "", "lists: {ours: {source: https://lists.example/a, category: blogs}}")
    assert any("The lists differ" in sentence for sentence in result.unknown)


def test_a_day_that_cannot_be_read_is_said_and_the_others_count(tmp_path: Path) -> None:
    keep(tmp_path, blocked("a.test"))
    (tmp_path / "activity-2026-03-03.db").write_bytes(b"no database at all" * 100)
    # Nothing was kept of this day before whoever was to keep it died.
    (tmp_path / "activity-2026-03-04.db").touch()
    result = run(tmp_path, NO_BLOGS, "", "blogs")
    assert result.days_kept == 1
    assert not [sentence for sentence in result.unknown if "2026-03-04" in sentence]
    assert result.figures[0].questions == 10
    assert result.unknown[0].startswith("The activity of 2026-03-03 could not be read")


def test_only_the_days_before_today_count(tmp_path: Path) -> None:
    keep(tmp_path, blocked("a.test"))
    for today in (MONDAY, date(2026, 3, 10)):
        assert dry_run(build(NO_BLOGS), build(), tmp_path, today=today).days_kept == 0


def test_names_that_would_turn_are_told_where_enough_devices_asked_for_them(tmp_path: Path) -> None:
    for device in "abcde":
        keep(
            tmp_path,
            blocked("many.test"),
            blocked("few.test") if device < "e" else blocked("one.test"),
            devices=device,
        )
    assert run(tmp_path, NO_BLOGS, "", "blogs").names is None
    assert run(tmp_path, NO_BLOGS, "", "blogs", tells_names=True).names == (
        TurnedName(Audience.PUPIL, Turn.OPENED, "many.test", is_sure=True, devices=5, questions=10),
    )
    assert run(tmp_path, NO_BLOGS, NO_BLOGS, "blogs", tells_names=True).names == ()


def test_who_asked_on_a_day_that_is_torn_is_not_taken_for_somebody_of_the_next(tmp_path: Path) -> None:
    keep(tmp_path, blocked("a.test"), devices="abcdef")
    torn = tmp_path / f"activity-{MONDAY}.db"
    with closing(sqlite3.connect(torn)) as day:
        day.execute("DROP TABLE counts")
    (tmp_path / "activity-2026-03-03.db").write_bytes(torn.read_bytes())
    with closing(sqlite3.connect(tmp_path / "activity-2026-03-03.db")) as day:
        day.execute("UPDATE queries SET pseudonym = upper(pseudonym)")
        day.commit()
    with closing(sqlite3.connect(torn)) as day:
        day.execute("DELETE FROM queries WHERE pseudonym = 'f'")
        day.commit()
    for small_number, told in ((7, []), (6, [5])):
        names = run(tmp_path, NO_BLOGS, "", "blogs", small_number=small_number, tells_names=True).names
        assert [each.devices for each in names or ()] == told


def allowing(names: str, more: str = "") -> str:
    return f"policies: {{no-blogs: {{block: blogs}}, open: {{allow: {{names: [{names}]}}{more}}}}}\n"


def test_a_change_addresses_the_names_of_policies_that_differ() -> None:
    before, after = build(allowing("a.test, b.test")), build(allowing("a.test"))
    assert addressed_anew(before, after) == {"name:a.test", "name:b.test"}
    assert addressed_anew(before, before) == frozenset()


def test_what_few_devices_stand_behind_reads_like_nothing(tmp_path: Path) -> None:
    nothing = run(tmp_path, NO_BLOGS, "", "blogs")
    keep(tmp_path, blocked("a.test"), devices="pqrs")
    few = run(tmp_path, NO_BLOGS, "", "blogs")
    assert few.figures == nothing.figures == ()
    assert few.sentences[1:] == nothing.sentences[1:]
    assert "what fewer than 5 devices asked for on the same day is left out" in few.unknown[-1]


def test_a_school_that_hides_less_than_five_hides_five_and_one_that_hides_more_hides_those(tmp_path: Path) -> None:
    keep(tmp_path, blocked("a.test"), devices="pqrstu")
    assert [bool(run(tmp_path, NO_BLOGS, "", "blogs", small_number=few).figures) for few in (2, 6, 7)] == [
        True, True, False,
    ]  # fmt: skip
    (tmp_path / f"activity-{MONDAY}.db").unlink()
    keep(tmp_path, blocked("a.test"), devices="pqrs")
    assert run(tmp_path, NO_BLOGS, "", "blogs", small_number=2, tells_names=True).names == ()


def test_names_that_a_change_addresses_hide_one_another_in_no_figure(tmp_path: Path) -> None:
    keep(tmp_path, *(blocked(f"a{number}.test") for number in range(8)))
    keep(tmp_path, blocked("only-tom.test", times=40), devices="p")

    def opened(names: str) -> tuple[Figure, ...]:
        return run(tmp_path, NO_BLOGS, allowing(names), "blogs").figures

    many = ", ".join(f"a{number}.test" for number in range(8))
    assert opened("only-tom.test") == ()
    assert opened(many) == opened(f"{many}, only-tom.test") != ()


def test_counts_are_told_of_hours_in_which_enough_devices_are_seen(tmp_path: Path) -> None:
    keep(tmp_path, blocked("a.test", "gambling"), counts=(("pupil", "allowed", "blogs", "33"),), devices="pqrs")
    assert run(tmp_path, "", NO_BLOGS).figures == ()
    keep(tmp_path, blocked("a.test", "gambling", at=AT_LUNCH), devices="t")
    assert run(tmp_path, "", NO_BLOGS).figures == (), "another hour"
    keep(tmp_path, blocked("a.test", "gambling"), devices="t")
    assert run(tmp_path, "", NO_BLOGS).figures != ()


def test_a_schedule_shorter_than_an_hour_does_not_tell_the_minute(tmp_path: Path) -> None:
    keep(tmp_path, blocked("a.test", at=AT_TEN))

    def opened(start: str, end: str) -> tuple[Figure, ...]:
        windows = f"{{days: mon, from: '{start}', to: '{end}'}}"
        text = (BASE + allowing("a.test", ", schedule: lunch")).replace(
            "{days: mon-fri, from: 12:00, to: 13:00}", windows
        )
        after = parse_site(text, path=Path("/nowhere/site.yaml")).site
        return dry_run(build(NO_BLOGS), after, tmp_path, today=TODAY, categories_of=lambda _: ("blogs",)).figures

    assert opened("10:00", "10:30") == opened("10:30", "11:00") == opened("10:05", "10:10")
    assert [each.is_sure for each in opened("10:30", "11:00")] == [False]
    assert [each.is_sure for each in opened("10:00", "11:00")] == [True]
    assert opened("11:00", "11:30") == ()


def test_names_that_would_turn_are_told_with_rounded_numbers(tmp_path: Path) -> None:
    keep(tmp_path, blocked("many.test", times=1), devices="abcdefg")
    (told,) = run(tmp_path, NO_BLOGS, "", "blogs", tells_names=True).names or ()
    assert (told.devices, told.questions) == (5, 5)


def test_few_devices_of_one_day_and_few_of_another_are_few(tmp_path: Path) -> None:
    keep(tmp_path, blocked("a.test"), devices="abc")
    monday, tuesday = tmp_path / f"activity-{MONDAY}.db", tmp_path / "activity-2026-03-03.db"
    tuesday.write_bytes(monday.read_bytes())
    with closing(sqlite3.connect(tuesday)) as day:
        day.execute("UPDATE queries SET pseudonym = upper(pseudonym)")
        day.commit()
    found = run(tmp_path, NO_BLOGS, "", "blogs")
    assert (found.days_kept, found.figures) == (2, ())
