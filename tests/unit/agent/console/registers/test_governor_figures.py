"""What a governor reads in numbers: the parts of a school year, and counts from which nobody can be told."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest, Visitor, lesson

from agent.console.charts.incident_figures import Incidents, RowCount
from agent.console.charts.periods import Period
from agent.console.registers.governor_figures import (
    Ending,
    Governed,
    Span,
    period_of,
    read_governed,
    rounded_incidents,
    small_number_of,
)
from agent.incidents.incident_counts import NO_ROW
from rules.roles import Role
from rules.schedule import DateRange
from rules.small_numbers import Hidden
from rules.subject import Audience

TERMS = (
    DateRange("autumn", date(2025, 9, 3), date(2025, 12, 19)),
    DateRange("spring", date(2026, 1, 5), date(2026, 3, 27)),
)
HOLIDAYS = (
    DateRange("half-term", date(2026, 2, 16), date(2026, 2, 20)),
    DateRange("a day", date(2026, 1, 20), date(2026, 1, 20)),
)
YEAR = date(2025, 8, 1)


@pytest.mark.parametrize(
    ("span", "today", "first", "last"),
    [
        (Span.TERM, date(2026, 3, 2), date(2026, 1, 5), date(2026, 3, 2)),
        (Span.HALF_TERM, date(2026, 3, 2), date(2026, 2, 21), date(2026, 3, 2)),
        (Span.HALF_TERM, date(2026, 2, 10), date(2026, 1, 5), date(2026, 2, 10)),
        (Span.TERM, date(2025, 12, 30), date(2025, 9, 3), date(2025, 12, 19)),
        (Span.YEAR, date(2026, 3, 2), YEAR, date(2026, 3, 2)),
        (Span.HALF_TERM, date(2025, 12, 1), date(2025, 10, 27), date(2025, 12, 1)),
        (Span.TERM, date(2025, 8, 20), date(2025, 5, 29), date(2025, 8, 20)),
    ],
    ids=["term", "second-half", "first-half", "in-the-holidays", "year", "no-break-so-the-middle", "before-any-term"],
)
def test_a_part_of_the_school_year_is_that_of_the_site_up_to_today(
    span: Span, today: date, first: date, last: date
) -> None:
    assert period_of(span, today, TERMS, HOLIDAYS, YEAR) == Period(first, last)


def test_without_terms_it_is_some_weeks() -> None:
    today = date(2026, 3, 2)
    assert [period_of(each, today, (), (), YEAR).days for each in (Span.HALF_TERM, Span.TERM)] == [42, 84]


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


PERIOD = Period(date(2026, 2, 1), date(2026, 3, 2))
LATER = Period(date(2026, 2, 1), date(2026, 3, 8))


def test_few_incidents_are_not_told_even_to_whoever_says_that_one_is_enough(school: SchoolOfTest) -> None:
    assert small_number_of(school.parts) == 5
    for _ in range(4):
        school.candidate()
    found = read_governed(school.parts, PERIOD).incidents
    assert isinstance(found.total, Hidden)
    assert not any(isinstance(each, int) for each in (*found.by_time, *(row.count for row in found.by_row)))


def test_every_row_of_a_table_says_whether_it_is_for_pupils_or_staff(school: SchoolOfTest) -> None:
    rows = [each for each in read_governed(school.parts, PERIOD).incidents.by_row if each.row != NO_ROW]
    assert {each.audience for each in rows} == {Audience.PUPIL, Audience.STAFF}
    assert len({(each.label, each.audience) for each in rows}) == len(rows)


@pytest.mark.parametrize(
    ("period", "counted"),
    [
        (Period(date(2026, 2, 1), date(2026, 3, 2)), True),
        (Period(date(2026, 2, 1), date(2026, 3, 1)), False),
        (Period(date(2026, 3, 3), date(2026, 3, 20)), False),
    ],
    ids=["with-the-day", "ends-the-day-before", "begins-the-day-after-in-its-week"],
)
def test_what_was_on_other_days_of_the_first_and_the_last_week_is_not_counted(
    school: SchoolOfTest, period: Period, *, counted: bool
) -> None:
    for number in range(10):
        school.candidate()
        school.person(f"Ada{number}", Role.TEACHER).post("/overrides", lesson())
    school.now += timedelta(days=30)
    found = read_governed(school.parts, period)
    assert found.overrides.total == (10 if counted else Hidden.FEW)
    assert found.incidents.total == (10 if counted else Hidden.FEW)
    assert (found.incidents.bins[0].first, found.incidents.bins[-1].last) == (period.first, period.last)


@pytest.mark.parametrize(("there_are", "told"), [(7, Hidden.BESIDE), (8, 10), (20, 20), (22, 20)])
def test_as_many_as_tell_of_nobody_are_told_and_rounded(
    school: SchoolOfTest, there_are: int, told: int | Hidden
) -> None:
    for _ in range(there_are):
        school.candidate()
    school.now += timedelta(days=1)
    found = read_governed(school.parts, PERIOD).incidents
    assert all(isinstance(each, Hidden) or each % 5 == 0 for each in found.by_time)
    assert all(isinstance(each.count, Hidden) or each.count % 5 == 0 for each in found.by_row)
    assert found.total == told


def test_one_more_from_one_day_to_the_next_is_seen_by_nobody(school: SchoolOfTest) -> None:
    for _ in range(21):
        school.candidate()
    school.now += timedelta(days=1)
    before = read_governed(school.parts, LATER).incidents
    school.candidate()
    school.now += timedelta(days=1)
    assert (read_governed(school.parts, LATER).incidents.total, before.total) == (20, 20)


def test_what_happens_today_is_in_the_numbers_of_tomorrow(school: SchoolOfTest) -> None:
    ada = school.person("Ada", Role.TEACHER)
    before = read_governed(school.parts, LATER)
    for number in range(8):
        school.candidate()
        assert ada.post("/overrides", lesson()).status_code == 201
        with school.store.act() as act:
            act.note("rules_answered", actor=f"a{number}", facts={"accepted": True})
    assert numbers(read_governed(school.parts, LATER)) == numbers(before) == (Hidden.FEW, Hidden.FEW, Hidden.FEW)
    school.now += timedelta(days=1)
    assert numbers(read_governed(school.parts, LATER)) == (10, 10, 10)


def numbers(found: Governed) -> tuple[object, ...]:
    return found.incidents.total, found.overrides.total, found.rules["accepted"]


def test_time_without_filtering_is_added_up_as_it_was_and_only_within_the_period(school: SchoolOfTest) -> None:
    asker, head = school.person("Ivy", Role.ICT_COORDINATOR), school.person("Grace", Role.HEAD_TEACHER)
    body = {
        "is_for_school": True,
        "reason": "The provider changes the line.",
        "until_at": "2026-03-02T12:15:00+00:00",
    }
    made = asker.post("/suspensions", body)
    assert made.status_code == 201, made.text
    agreed = head.post(f"/suspensions/{made.json()['id']}/agree", {}, version=made.json()["version"])
    assert agreed.status_code == 200, agreed.text
    school.now += timedelta(hours=2)
    found = read_governed(school.parts, PERIOD)
    assert (found.suspensions, found.hours_off, found.longest_hours_off) == (1, 2.0, 2.0)
    assert read_governed(school.parts, Period(date(2026, 1, 1), date(2026, 2, 1))).suspensions == 0


def test_acts_and_reviews_are_counted(school: SchoolOfTest) -> None:
    facts = {"from_on": "2026-02-01", "until_on": "2026-02-28", "counts": {}, "remark": ""}
    with school.store.act() as act:
        for kind in ("record_verified", "record_verified", "filter_change_approved"):
            act.note(kind, actor="system")
        act.note("record_signed_off", actor="system", facts=facts)
    found = read_governed(school.parts, PERIOD)
    assert (found.acts["record_verified"], found.acts["filter_change_approved"], found.acts["record_broken"]) == (
        2,
        1,
        0,
    )
    assert [(each.from_on, each.until_on) for each in found.sign_offs] == [("2026-02-01", "2026-02-28")]


@pytest.mark.parametrize(
    ("accepted", "declined", "told"),
    [
        (7, 0, (5, Hidden.FEW)),
        (8, 1, (10, Hidden.FEW)),
        (4, 6, (Hidden.FEW, 5)),
        (5, 5, (5, 5)),
        (0, 0, (Hidden.FEW, Hidden.FEW)),
    ],
)
def test_who_accepted_the_rules_is_told_where_it_is_not_few_and_rounded(
    school: SchoolOfTest, accepted: int, declined: int, told: tuple[int | Hidden, int | Hidden]
) -> None:
    with school.store.act() as act:
        for number in range(accepted + declined):
            act.note("rules_answered", actor=f"a{number}", facts={"accepted": number < accepted})
        act.note("rules_answered", actor="system", facts={"accepted": True})
    assert set(read_governed(school.parts, PERIOD).rules.values()) == {Hidden.FEW}
    school.now += timedelta(days=1)
    found = read_governed(school.parts, PERIOD).rules
    assert (found["accepted"], found["declined"]) == told


def test_few_requests_are_not_told_and_more_are_rounded(school: SchoolOfTest) -> None:
    ada = school.person("Ada", Role.TEACHER)
    ada.post("/overrides", lesson())
    for _ in range(6):
        school.now += timedelta(minutes=1)
        assert ada.post("/overrides", lesson()).status_code == 201
    school.now += timedelta(days=1)
    found = read_governed(school.parts, PERIOD).overrides
    assert found.total == 5
    assert all(isinstance(each, Hidden) or each % 5 == 0 for _, each in found.by_outcome)


def agree(school: SchoolOfTest, **asked: object) -> tuple[str, int, Visitor]:
    """Have somebody ask for two hours without filtering and somebody else agree; gives what is needed to end it."""
    asker, head = school.person("Ivy", Role.ICT_COORDINATOR), school.person("Grace", Role.HEAD_TEACHER)
    body = {"reason": "The provider changes the line.", "until_at": (school.now + timedelta(hours=2)).isoformat()}
    made = asker.post("/suspensions", body | asked).json()
    agreed = head.post(f"/suspensions/{made['id']}/agree", {}, version=made["version"])
    assert agreed.status_code == 200, agreed.text
    return made["id"], agreed.json()["version"], head


def test_of_a_time_without_filtering_it_is_told_when_it_was_and_how_it_ended(school: SchoolOfTest) -> None:
    begun = school.now
    suspension, version, head = agree(school, networks=["classrooms"])
    school.now += timedelta(minutes=15)
    (now,) = read_governed(school.parts, PERIOD).times_off
    assert (now.from_at, now.until_at, now.ending) == (begun, school.now, Ending.NOT_YET)
    ended = head.post(f"/suspensions/{suspension}/end", version=version)
    assert ended.status_code == 200, ended.text
    school.now += timedelta(hours=3)
    (then,) = read_governed(school.parts, PERIOD).times_off
    assert (then.hours, then.ending, then.is_for_school) == (0.25, Ending.EARLY, False)


def test_what_runs_to_its_time_ended_as_agreed(school: SchoolOfTest) -> None:
    agree(school, is_for_school=True)
    school.now += timedelta(hours=3)
    (then,) = read_governed(school.parts, PERIOD).times_off
    assert (then.hours, then.ending, then.is_for_school) == (2.0, Ending.AS_AGREED, True)


def test_what_nobody_agreed_to_never_was_off(school: SchoolOfTest) -> None:
    body = {
        "reason": "The provider changes the line.",
        "until_at": (school.now + timedelta(hours=1)).isoformat(),
        "is_for_school": True,
    }
    assert school.person("Ivy", Role.ICT_COORDINATOR).post("/suspensions", body).status_code == 201
    school.now += timedelta(hours=2)
    school.parts.suspensions.sweep()
    found = read_governed(school.parts, PERIOD)
    assert (found.suspensions, found.hours_off, found.times_off) == (0, 0, ())


def test_what_is_told_of_incidents_is_rounded_in_every_part() -> None:
    rows = (RowCount("P01", "a", 8), RowCount("P02", "b", 9), RowCount("P03", "c", Hidden.FEW))
    told = rounded_incidents(Incidents((), (18, Hidden.FEW), rows, {}, 19, small_number=5))
    assert told.by_time == (20, Hidden.FEW)
    assert [each.count for each in told.by_row] == [10, 10, Hidden.FEW]
    assert told.total == 20


def test_what_happened_earlier_today_is_in_the_numbers_of_tomorrow(tmp_path: Path) -> None:
    school, period = SchoolOfTest(tmp_path), Period(date(2026, 2, 1), date(2026, 3, 8))
    for _ in range(8):
        school.candidate()
    school.now += timedelta(hours=1)
    assert read_governed(school.parts, period).incidents.total is Hidden.FEW
    school.now += timedelta(days=1)
    assert read_governed(school.parts, period).incidents.total == 10


def test_what_went_on_after_the_period_and_is_over_by_now_is_not_told_as_going_on(school: SchoolOfTest) -> None:
    school.now = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    agree(school, is_for_school=True)
    school.now += timedelta(days=3)
    (then,) = read_governed(school.parts, PERIOD).times_off
    assert (then.hours, then.ending) == (1.0, Ending.AS_AGREED)


def test_what_is_rounded_gives_no_hidden_number_away(school: SchoolOfTest) -> None:
    # "Few, 5, not shown; in all 10" was possible of these weeks alone.
    for number in (1, 6, 5):
        for _ in range(number):
            school.candidate()
        school.now += timedelta(weeks=1)
    found = read_governed(school.parts, Period(date(2026, 3, 2), date(2026, 3, 22))).incidents
    assert isinstance(found.total, Hidden)
    assert all(isinstance(each, Hidden) for each in found.by_time)
