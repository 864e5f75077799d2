"""What all services share: the calendar, the packs, who is who, and the one gate."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from incidents_of_test import NOW, IncidentsOfTest, on_track

from agent.incidents.incident_desk import NotYoursError, tell_nobody
from agent.people.attempts import UnknownIdError
from rules.incident import Track
from rules.incident_kind import Kind
from rules.roles import Role
from rules.schedule import DateRange
from rules.span import Span, Unit


@pytest.fixture
def school(tmp_path: Path) -> IncidentsOfTest:
    return IncidentsOfTest(tmp_path)


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        pytest.param(date(2026, 3, 2), True, id="monday-in-term"),
        pytest.param(date(2026, 3, 7), False, id="saturday"),
        pytest.param(date(2026, 2, 18), False, id="half-term"),
        pytest.param(date(2026, 8, 3), False, id="between-the-terms"),
    ],
)
def test_on_which_days_the_school_is_open(school: IncidentsOfTest, day: date, is_open: bool) -> None:
    terms = (DateRange("spring", date(2026, 1, 5), date(2026, 3, 27)),)
    holidays = (DateRange("half-term", date(2026, 2, 16), date(2026, 2, 20)),)
    school.site = replace(school.site, terms=terms, holidays=holidays)
    assert school.incidents.desk.is_school_day(day) is is_open


def test_a_school_without_a_calendar_is_open_from_monday_to_friday(school: IncidentsOfTest) -> None:
    school.site = replace(school.site, schedules=(), terms=(), holidays=())
    week = [date(2026, 3, 2) + timedelta(days=day) for day in range(7)]
    assert [school.incidents.desk.is_school_day(day) for day in week] == [True] * 5 + [False] * 2


def test_what_is_due_goes_by_the_calendar_of_the_school(school: IncidentsOfTest) -> None:
    friday = datetime(2026, 3, 6, 15, 0, tzinfo=NOW.tzinfo)
    assert school.incidents.desk.due(friday, Span(1, Unit.SCHOOL_DAYS)) == datetime(2026, 3, 10, tzinfo=NOW.tzinfo)


def test_the_school_year_ends_where_the_pseudonyms_do(school: IncidentsOfTest) -> None:
    desk = school.incidents.desk
    assert desk.end_of_year(NOW) == date(2026, 9, 1)
    assert desk.end_of_year(datetime(2026, 9, 1, 12, 0, tzinfo=NOW.tzinfo)) == date(2027, 9, 1)


def test_a_subject_is_known_by_the_pseudonyms_of_every_year_that_has_a_key(school: IncidentsOfTest) -> None:
    before = school.pseudonym("pupil")
    school.later(days=365)
    now = school.pseudonym("pupil")
    with school.store.read() as database:
        desk = school.incidents.desk
        for subject in (before, now):
            assert desk.known_as(database, subject, school.now) == (now, before)
        assert desk.known_as(database, "device7", school.now) == ("device7",)
        assert desk.known_as(database, "p-nobody", school.now) == ("p-nobody",)


# ---- the one gate ------------------------------------------------------------------------------------------


def test_a_site_names_people_by_their_id_or_as_their_source_calls_them(tmp_path: Path) -> None:
    school = IncidentsOfTest(tmp_path, second_reader="ext-7", chair="")
    with school.store.act() as act:
        named = school.people.open(act, "Second", (Role.SLT,), actor="system", source="csv", external_id="ext-7")
    filed = on_track(school, Track.RESTRICTED)
    desk = school.incidents.desk
    with school.store.read() as database:
        assert desk.named_for(database, filed.incident) == {named.id}
        assert desk.reads_incidents(database, named)
        deputy = school.people.get(school.ids["deputy"])
        assert deputy is not None
        assert not desk.reads_incidents(database, deputy)


def test_a_school_that_named_nobody_leaves_it_to_the_head(tmp_path: Path) -> None:
    school = IncidentsOfTest(tmp_path, second_reader="", chair="")
    filed = on_track(school, Track.RESTRICTED)
    with school.store.read() as database:
        found = school.incidents.desk.readers(database, filed.incident)
    assert school.names([person.id for person in found]) == {"head"}


def test_where_nobody_may_read_it_nobody_is_told_and_it_stays(tmp_path: Path) -> None:
    school = IncidentsOfTest(tmp_path, second_reader="", chair="")
    filed = school.open(Kind.STAFF_CONDUCT, "head", rows=("S11",))
    assert school.told == []
    school.later(days=9)
    assert school.incidents.sweep() == 1
    assert school.filed(filed).climbed > 0


def test_who_has_a_step_reads_no_more_than_that(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.accept(filed)
    desk = school.incidents.desk
    with school.store.read() as database:
        assert desk.reader_or_owner(database, school.ids["five"], filed.incident).id == school.ids["five"]
        assert desk.reader_or_owner(database, school.ids["five"], filed.incident, step=1)
        for name, step in (("five", 2), ("six", None)):
            with pytest.raises(NotYoursError):
                desk.reader_or_owner(database, school.ids[name], filed.incident, step=step)
        with pytest.raises(NotYoursError):
            desk.reader(database, school.ids["five"], filed.incident)


def test_a_step_that_came_to_be_about_its_owner_is_none_of_theirs(school: IncidentsOfTest) -> None:
    filed = school.open()
    school.accept(filed)
    about = replace(filed.incident, subject=school.pseudonym("five"))
    with school.store.read() as database, pytest.raises(NotYoursError):
        school.incidents.desk.reader_or_owner(database, school.ids["five"], about)


def test_an_attempt_at_what_is_not_theirs_looks_as_if_it_were_not_there(school: IncidentsOfTest) -> None:
    filed = school.open()
    desk = school.incidents.desk
    told = []
    for incident in (filed.incident.id, "nothing"):
        with (
            pytest.raises(UnknownIdError) as refused,
            desk.attempt(school.ids["pupil"], "view", incident),
            desk.store.read() as database,
        ):
            desk.reader(database, school.ids["pupil"], desk.existing(database, incident).incident)
        told.append(str(refused.value))
    assert told[0] == told[1]
    assert school.kinds().count("rule_refused") == 1


def test_nobody_has_to_be_told(school: IncidentsOfTest) -> None:
    filed = school.open()
    with school.store.act() as act:
        tell_nobody(act, "incident_opened", filed, ())
        replace(school.incidents.desk, tell=tell_nobody).tell_of(act, "incident_opened", filed, (school.ids["head"],))
